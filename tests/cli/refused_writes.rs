//! A store that would refuse the new tokens is detected before anything is sent.

use testbed::Endpoint;

use crate::app::App;
use crate::npmx::Npmx;

/// All commands that refresh.
const COMMANDS: [&str; 3] = ["refresh --all", "upgrade --unpublished", "revoke --all --yes"];

fn assert_nothing_sent(app: &App, why: &str) {
    for command in COMMANDS {
        let output = app.sessions(command);
        assert!(output.code == 2 && output.stderr.contains(why), "{command}: {output}");
    }
    assert_eq!(app.net.counters().of(Endpoint::Token), 0);
}

#[test]
fn where_a_user_of_redis_may_set_and_not_run_scripts() {
    let mut npmx = Npmx::with_users(2);
    npmx.redis.ask(&[
        "ACL",
        "SETUSER",
        "half",
        "on",
        ">secret",
        "~*",
        "&*",
        "+@all",
        "-@scripting",
    ]);
    npmx.app
        .sandbox
        .set("OAUTHCTL_STORE", format!("redis://half:secret@{}/0", npmx.proxy.address()));
    assert_nothing_sent(&npmx.app, "NOPERM");
    npmx.assert_nobody_lost("");
}

#[test]
fn where_a_redis_is_a_replica_that_takes_no_writes() {
    let npmx = Npmx::with_users(2);
    npmx.redis.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_nothing_sent(&npmx.app, "replica");
    npmx.assert_nobody_lost("");
}
