//! What becomes of a Redis while tokens are under way to it: it pauses, restarts, becomes a replica, fails over, and
//! forgets what it has confirmed.

use std::process::Child;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testbed::redis::{Answer, Redis, Sentinels};
use testbed::{Endpoint, Fault, Injection, Proxy};

use super::{ending, is_full};
use crate::app::{App, days_ago, wait_until};
use crate::npmx::{Npmx, key};
use crate::support::Output;

/// What the server takes from rotating tokens to answering: time for something to happen.
const SLOW: Duration = Duration::from_millis(500);

/// Refreshes everybody; returns when the first tokens are rotated and not yet stored.
fn caught_in_the_act(app: &App) -> Child {
    app.net.inject(Injection::new(Endpoint::Token, Fault::DelayAfter(SLOW)).skip(1).times(1));
    let child = app.begin("refresh --all");
    app.wait_for_exchange();
    child
}

/// Everybody goes on, at once or after a recovery.
#[track_caller]
fn assert_recovered(npmx: &Npmx, output: &Output) {
    npmx.release_locks();
    let recovered = npmx.app.sessions("recover");
    assert_eq!(recovered.code, 0, "{output}\n{recovered}");
    assert!(npmx.app.recovery_entries().is_empty());
    npmx.assert_nobody_lost(output);
    let output = npmx.app.sessions("refresh --all");
    assert_eq!(output.code, 0, "{output}");
    npmx.assert_nobody_lost(output);
}

#[test]
fn a_pause_is_waited_for_with_the_tokens_on_the_disk() {
    let pause = |mode| {
        let npmx = Npmx::with_users(3);
        let child = caught_in_the_act(&npmx.app);
        npmx.redis.ask(&["CLIENT", "PAUSE", "3500", mode]);
        wait_until(|| !npmx.app.recovery_entries().is_empty());
        let (output, _) = ending(&npmx.app.sandbox, child);
        assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 3 sessions\n"), "{mode}: {output}");
        assert!(npmx.app.recovery_entries().is_empty(), "{mode}");
        npmx.assert_nobody_lost(output);
    };
    thread::scope(|scope| {
        for mode in ["ALL", "WRITE"] {
            scope.spawn(move || pause(mode));
        }
    });
}

#[test]
fn a_pause_that_lasts_leaves_the_tokens_on_the_disk() {
    if !is_full() {
        return;
    }
    let npmx = Npmx::with_users(3);
    let child = caught_in_the_act(&npmx.app);
    npmx.redis.ask(&["CLIENT", "PAUSE", "90000", "ALL"]);
    let (output, _) = ending(&npmx.app.sandbox, child);
    assert_eq!((output.code, npmx.app.recovery_entries().len()), (1, 1), "{output}");
    assert!(output.stdout.contains("its tokens wait in"), "{output}");
    // No command gets through until it is over, and this is one.
    npmx.redis.ask(&["PING"]);
    assert_recovered(&npmx, &output);
}

#[test]
fn a_restart_is_waited_for() {
    let mut npmx = Npmx::with_users(0);
    npmx.app.sandbox.unset("OAUTHCTL_STORE");
    npmx.redis = Redis::start_with(&["--appendonly", "yes"]);
    npmx.app.sandbox.set("OAUTHCTL_STORE", npmx.redis.url());
    for _ in 0..3 {
        let record = npmx.app.net.login(days_ago(2));
        npmx.store(&record);
        npmx.dids.push(record["tokenSet"]["sub"].as_str().unwrap().to_owned());
    }
    let child = caught_in_the_act(&npmx.app);
    npmx.redis.kill();
    npmx.redis.restart();
    let (output, _) = ending(&npmx.app.sandbox, child);
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 3 sessions\n"), "{output}");
    assert_recovered(&npmx, &output);
}

#[test]
fn a_server_that_refuses_to_write_has_the_tokens_wait() {
    let readonly = ["REPLICAOF", "127.0.0.1", "1"];
    let too_few_replicas = ["CONFIG", "SET", "min-replicas-to-write", "1"];
    for (refuse, consent) in [
        (&readonly[..], &["REPLICAOF", "NO", "ONE"][..]),
        (&too_few_replicas, &["CONFIG", "SET", "min-replicas-to-write", "0"]),
    ] {
        let npmx = Npmx::with_users(3);
        let child = caught_in_the_act(&npmx.app);
        npmx.redis.ask(refuse);
        let (output, _) = ending(&npmx.app.sandbox, child);
        assert_eq!((output.code, npmx.app.recovery_entries().len()), (1, 1), "{refuse:?}: {output}");
        npmx.redis.ask(consent);
        assert_recovered(&npmx, &output);
    }
}

/// An app whose Redis has sentinels.
fn behind_sentinels(users: usize) -> (App, Sentinels, Proxy, Vec<String>) {
    let (mut app, (sentinels, between)) = (App::new(), Sentinels::start_with_proxy());
    app.sandbox.set("OAUTHCTL_STORE", sentinels.url());
    let login = |_| {
        let record = app.net.login(days_ago(2));
        let did = record["tokenSet"]["sub"].as_str().unwrap().to_owned();
        sentinels.servers[0].ask(&["SET", &key(&did), &record.to_string(), "EX", "15000000"]);
        did
    };
    let dids = (0..users).map(login).collect();
    sentinels.wait_for_replica();
    (app, sentinels, between, dids)
}

fn lost<'d>(app: &App, server: &Redis, dids: &'d [String]) -> Vec<&'d String> {
    let is_alive = |did: &&String| {
        let Answer::Bulk(Some(text)) = server.ask(&["GET", &key(did)]) else { return false };
        serde_json::from_slice::<Value>(&text).is_ok_and(|record| app.net.is_alive_with(&record))
    };
    dids.iter().filter(|did| !is_alive(did)).collect()
}

#[test]
fn a_fail_over_while_the_server_works_is_waited_for() {
    let (app, mut sentinels, _between, dids) = behind_sentinels(3);
    let child = caught_in_the_act(&app);
    sentinels.kill_master();
    let (output, _) = ending(&app.sandbox, child);
    sentinels.wait_for_fail_over();
    let recovered = app.sessions("recover");
    assert_eq!(recovered.code, 0, "{output}\n{recovered}");
    assert_eq!(lost(&app, &sentinels.servers[1], &dids), Vec::<&String>::new(), "{output}\n{recovered}");
    let output = app.sessions("refresh --all --lock-timeout 40s");
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(lost(&app, &sentinels.servers[1], &dids), Vec::<&String>::new(), "{output}");
}

#[test]
fn a_fail_over_to_a_replica_that_lags_behind_loses_nothing() {
    let (app, mut sentinels, between, dids) = behind_sentinels(3);
    // What is written from now on never reaches the replica.
    between.set_delay(Duration::ZERO, Duration::from_hours(1));
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 3 sessions\n"), "{output}");
    sentinels.kill_master();
    sentinels.wait_for_fail_over();
    let recovered = app.sessions("recover");
    assert_eq!(recovered.code, 0, "{recovered}");
    assert_eq!(lost(&app, &sentinels.servers[1], &dids), Vec::<&String>::new(), "{output}\n{recovered}");
}

#[test]
fn a_server_that_never_comes_back_is_not_waited_for_by_every_session() {
    let npmx = Npmx::with_users(60);
    // It goes while nothing is at stake, when the next four are looked up.
    npmx.app.net.inject(Injection::new(Endpoint::Plc, Fault::DelayBefore(SLOW)).skip(8));
    let child = npmx.app.begin("refresh --all --format jsonl --per-issuer 4");
    npmx.app.wait_for_exchanges(8);
    wait_until(|| npmx.app.net.counters().of(Endpoint::Plc) == 12);
    npmx.proxy.refuse(true);
    npmx.proxy.kill_all();
    let (output, _) = ending(&npmx.app.sandbox, child);
    let waited = output.stdout.lines().filter(|line| line.contains("cannot take the lock")).count();
    assert!(output.code == 3 && (3..=4).contains(&waited), "{waited} waited: {output}");
    assert!(output.stdout.contains("not attempted, since the store fails"), "{output}");
    npmx.app.net.clear_faults();
    npmx.proxy.heal();
    wait_until(|| std::net::TcpStream::connect(npmx.proxy.address()).is_ok());
    assert_recovered(&npmx, &output);
}
