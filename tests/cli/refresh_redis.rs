//! The same guarantees for sessions in Redis, with the app's own lock.

use std::time::Duration;

use testbed::redis::{Answer, Redis};
use testbed::{Endpoint, Fault, Gate, Injection, Proxy};

use crate::app::wait_until;
use crate::npmx::{Npmx, key, lock};

const DAYS_179: i64 = 179 * 86_400;

#[test]
fn two_processes_refresh_each_session_once_and_renew_its_ttl() {
    let npmx = Npmx::with_users(60);
    let children: Vec<_> =
        (0..2).map(|_| npmx.app.begin("refresh --all --retry-for 20s")).collect();
    for child in children {
        let output = npmx.app.sandbox.output_of(child);
        assert_eq!(output.code, 0, "{output}");
    }
    assert_eq!(npmx.app.generations(), [(1, 60)].into());
    npmx.assert_nobody_lost("");
    for did in &npmx.dids {
        let Answer::Number(ttl) = npmx.redis.ask(&["TTL", &key(did)]) else { panic!() };
        assert!((DAYS_179 - 60..=DAYS_179).contains(&ttl), "{ttl}");
        assert_eq!(npmx.redis.ask(&["EXISTS", &lock(did)]), Answer::Number(0));
    }
}

#[test]
fn the_app_s_own_lock_is_respected() {
    let npmx = Npmx::with_users(1);
    let lock = lock(&npmx.dids[0]);
    npmx.redis.ask(&["SET", &lock, "the app", "EX", "30"]);
    let output = npmx.app.sessions("refresh --all --lock-timeout 1s --format jsonl");
    assert!(
        output.code == 0 && output.stdout.contains("another process holds its lock"),
        "{output}"
    );
    assert!(npmx.app.exchanges().is_empty());
    assert_eq!(npmx.redis.ask(&["GET", &lock]), Answer::Bulk(Some(b"the app".to_vec())));
}

#[test]
fn a_redis_that_goes_away_while_the_server_works_loses_nothing() {
    let npmx = Npmx::with_users(3);
    let answers = Gate::closed();
    npmx.app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let child = npmx.app.begin("refresh --all");
    npmx.app.wait_for_exchange();
    npmx.proxy.refuse(true);
    npmx.proxy.kill_all();
    answers.open();
    let output = npmx.app.sandbox.output_of(child);
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stdout.contains("its new tokens are in"), "{output}");
    npmx.proxy.heal();
    npmx.app.net.clear_faults();
    // The lock is shared with the app, and was left to expire.
    npmx.release_locks();
    let output = npmx.app.sessions("refresh --all");
    assert_eq!(output.code, 0, "{output}");
    assert!(npmx.app.recovery_entries().is_empty());
    assert_eq!(npmx.app.generations(), [(1, 3)].into());
    npmx.assert_nobody_lost(output);
}

#[test]
fn a_run_that_was_cut_off_holds_no_later_run_back() {
    let npmx = Npmx::with_users(4);
    let app = &npmx.app;
    app.configure("min_interval = \"0s\"");
    // The first request only fetches a nonce.
    app.net.inject(Injection::new(Endpoint::Token, Fault::HangAfter).skip(1).times(1));
    let mut run = app.begin("refresh --all --per-issuer 1");
    wait_until(|| app.net.sessions().iter().any(|session| session.generation > 0));
    run.kill().unwrap();
    run.wait().unwrap();
    npmx.release_locks();
    for said in ["an earlier run was cut off", "refreshed 3 sessions, 1 skipped"] {
        let output = app.sessions("refresh --all --per-issuer 1");
        assert_eq!((output.code, app.net.alive()), (0, 3), "{output}");
        assert!(output.stdout.contains(said), "{output}");
    }
}

#[test]
fn a_redis_that_is_gone_before_costs_nothing() {
    let npmx = Npmx::with_users(2);
    npmx.proxy.refuse(true);
    let output = npmx.app.sessions("refresh --all");
    assert_eq!(output.code, 1, "{output}");
    assert_eq!(npmx.app.net.counters().of(Endpoint::Token), 0);
    npmx.proxy.heal();
    npmx.assert_nobody_lost(output);
}

#[test]
fn a_redis_that_takes_no_writes_costs_nothing() {
    let npmx = Npmx::with_users(4);
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let output = npmx.app.sessions("refresh --all");
    assert!(output.code == 1 && output.stderr.contains("OOM"), "{output}");
    assert_eq!(npmx.app.net.counters().requests, [].into());
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(npmx.app.sessions("refresh --all").stdout, "refreshed 4 sessions\n");
    npmx.assert_nobody_lost("");
}

#[test]
fn a_redis_that_fills_up_while_the_server_works_loses_nothing() {
    let npmx = Npmx::with_users(1);
    let answers = Gate::closed();
    npmx.app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let child = npmx.app.begin("refresh --all");
    npmx.app.wait_for_exchange();
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    answers.open();
    let output = npmx.app.sandbox.output_of(child);
    assert_eq!((output.code, npmx.app.recovery_entries().len()), (1, 1), "{output}");
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    // The lock must not be available before the new tokens are stored or it has expired, because
    // its next holder would send the used token.
    let left = npmx.redis.ask(&["PTTL", &lock(&npmx.dids[0])]);
    assert!(matches!(left, Answer::Number(1..)), "{left:?}");
    assert_eq!(npmx.app.sessions("recover").stdout, "stored 1 session\n");
    npmx.assert_nobody_lost(output);
}

/// Returns an app whose Redis has an up-to-date replica, with a proxy between them.
fn with_replica(users: usize) -> (Npmx, Redis, Proxy) {
    let npmx = Npmx::with_users(users);
    let between = Proxy::before(&npmx.redis.url()).unwrap();
    let master = format!("127.0.0.1 {}", between.address().port());
    npmx.redis.ask(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    let replica = Redis::start_with(&["--replicaof", &master]);
    npmx.redis.wait_for(&replica);
    // A master lists a replica only after its first acknowledgement.
    wait_until(|| match npmx.redis.ask(&["ROLE"]) {
        Answer::List(role) => {
            matches!(role.get(2), Some(Answer::List(replicas)) if !replicas.is_empty())
        }
        _ => false,
    });
    (npmx, replica, between)
}

#[test]
fn what_a_replica_has_is_confirmed_before_the_run_ends() {
    let (npmx, replica, _between) = with_replica(5);
    let output = npmx.app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 5 sessions\n"), "{output}");
    assert!(npmx.app.recovery_entries().is_empty());
    let record = |did: &str| match replica.ask(&["GET", &key(did)]) {
        Answer::Bulk(Some(text)) => serde_json::from_slice(&text).ok(),
        _ => None,
    };
    assert_eq!(npmx.app.lost_among(&npmx.dids, record).len(), 0, "{output}");
}

#[test]
fn what_a_lagging_replica_lacks_is_named_and_kept() {
    let (npmx, replica, between) = with_replica(3);
    // From now on, writes do not reach it.
    between.set_delay(Duration::ZERO, Duration::from_hours(1));
    let output = npmx.app.sessions("refresh --all");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (3, "refreshed 0 sessions, 3 unknown\n"),
        "{output}"
    );
    let named = "refreshed, but a fail-over of the store may undo it (0 of 1 replicas have it); its new tokens are also in ";
    assert_eq!(output.stderr.matches(named).count(), 3, "{output}");
    assert_eq!(npmx.app.recovery_entries().len(), 3, "{output}");
    npmx.assert_nobody_lost(&output);
    between.heal();
    between.kill_all();
    npmx.redis.wait_for(&replica);
    let output = npmx.app.sessions("recover");
    assert_eq!((output.code, output.stdout.as_str()), (0, "stored 3 sessions\n"), "{output}");
    assert!(npmx.app.recovery_entries().is_empty(), "{output}");
    npmx.assert_nobody_lost(output);
}

#[test]
fn a_master_that_loses_its_replica_is_not_one_without() {
    let (npmx, mut replica, _between) = with_replica(3);
    let answers = Gate::closed();
    npmx.app.net.inject(
        Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1).times(1),
    );
    let child = npmx.app.begin("refresh --all --format json");
    npmx.app.wait_for_exchange();
    replica.kill();
    answers.open();
    let output = npmx.app.sandbox.output_of(child);
    assert_eq!(output.code, 3, "{output}");
    assert!(
        output.stderr.contains("a fail-over of the store may undo it (0 of 1 replicas have it)"),
        "{output}"
    );
    assert!(!npmx.app.recovery_entries().is_empty(), "{output}");
    // In a run that has not seen the replica, this is an ordinary server.
    let output = npmx.app.sessions("recover");
    assert_eq!(output.code, 0, "{output}");
    assert!(npmx.app.recovery_entries().is_empty(), "{output}");
    npmx.assert_nobody_lost(output);
}
