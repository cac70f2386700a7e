//! `-v` logs steps on stderr, `-vv` each exchange with the store. Without either nothing is logged.

use testbed::redis::Redis;

use crate::app::{App, days_ago, did_of};
use crate::npmx;
use crate::samples::KEY1;
use crate::sandbox::{Output, Sandbox};

/// Returns the logged steps. Nothing else may be printed.
fn steps(output: &Output) -> Vec<&str> {
    output.stderr.lines().filter_map(|line| line.strip_prefix("log: ")).collect()
}

#[track_caller]
fn assert_told(output: &Output, parts: &[&str]) {
    let steps = steps(output);
    let mut rest = steps.iter();
    for part in parts {
        assert!(
            rest.any(|step| step.contains(part)),
            "{part:?} is not told, or not in this order:\n{output}"
        );
    }
}

#[test]
fn a_refresh_is_told_step_by_step() {
    let app = App::with_users(1);
    let output = app.sessions("refresh --all -v");
    assert_eq!(output.code, 0, "{output}");
    assert_told(
        &output,
        &[
            "settings of oauthctl.toml",
            "store sqlite:app.db, from oauthctl.toml",
            "layout statusphere",
            "GET http",
            "/.well-known/oauth-authorization-server: 200, ",
            "goes first: http",
            "lock @atproto-oauth-client-did:plc:",
            "/oauth/token: 200, ",
            "given back",
            "learnt of http",
        ],
    );
    // What is done for a session names it.
    let key = app.records_left().remove(0);
    assert_told(&output, &[&format!("{key}: goes first: http"), &format!("{key}: POST http")]);
    assert_told(&output, &["JWK of env:APP_KEY: 1 key(s)"]);
    assert!(!output.stderr.contains('?') && !output.stderr.contains(" s store: "), "{output}");
}

#[test]
fn every_exchange_with_the_store_is_told_by_its_commands_alone() {
    let app = App::new();
    let output = app.sessions("list -vv");
    assert_told(&output, &["store: read 0, "]);

    let redis = Redis::start();
    let record = app.net.login(days_ago(2));
    let key = npmx::key(did_of(&record));
    redis.ask(&["SET", &key, &record.to_string()]);
    let output = app.sessions(&format!("list -vv --store {}", redis.url()));
    assert_told(
        &output,
        &["connected to 127.0.0.1:", "store: PING, ", "store: SCAN, ", "store: MGET, "],
    );
    assert!(steps(&output).iter().all(|step| !step.contains("atproto:oauth")), "{output}");
    assert!(
        steps(&app.sessions(&format!("list -v --store {}", redis.url())))
            .iter()
            .all(|step| !step.contains("SCAN"))
    );
}

#[test]
fn without_it_nothing_is_told_and_with_quiet_it_makes_no_sense() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", KEY1);
    assert_eq!(sandbox.run(["jwks", "--keys", "keys.json"]).stderr, "");
    let told = sandbox.run(["jwks", "--keys", "keys.json", "--verbose"]);
    let steps = steps(&told);
    assert_eq!(steps.len(), 2, "{told}");
    for (step, what) in steps.iter().zip(["no settings file", "JWK of keys.json: 1 key(s)"]) {
        let (seconds, rest) = step.split_once(" s ").unwrap();
        assert!(seconds.parse::<f64>().is_ok_and(|seconds| seconds < 600.0), "{told}");
        assert_eq!(rest, what);
    }
    assert_eq!(sandbox.run(["jwks", "--keys", "keys.json", "-q", "-v"]).code, 2);
}
