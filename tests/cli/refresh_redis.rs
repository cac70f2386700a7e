//! The same promises where sessions live in Redis, under the app's own lock.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testbed::redis::{Answer, Redis};
use testbed::{Endpoint, Fault, Gate, Injection, Proxy};

use crate::app::{App, days_ago, wait_until};
use crate::support::object;

const DAYS_179: i64 = 179 * 86_400;

/// An app like npmx, with a proxy in front of its Redis.
struct Npmx {
    app: App,
    redis: Redis,
    proxy: Proxy,
    dids: Vec<String>,
}

fn npmx(users: usize) -> Npmx {
    let mut app = App::new();
    let redis = Redis::start();
    let proxy = Proxy::start(([127, 0, 0, 1], redis.port()).into()).unwrap();
    let dids = (0..users).map(|_| {
        let record = app.net.login(days_ago(2));
        let did = record["tokenSet"]["sub"].as_str().unwrap().to_owned();
        redis.ask(&["SET", &key(&did), &record.to_string(), "EX", "15000000"]);
        did
    });
    let dids = dids.collect();
    app.sandbox.set("OAUTHCTL_STORE", format!("redis://{}/0", proxy.address()));
    Npmx { app, redis, proxy, dids }
}

fn key(did: &str) -> String {
    format!("atproto:oauth:sessions:{did}")
}

impl Npmx {
    fn is_alive(&self, did: &str) -> bool {
        let Answer::Bulk(Some(text)) = self.redis.ask(&["GET", &key(did)]) else { return false };
        self.app.net.is_alive_with(&serde_json::from_slice::<Value>(&text).unwrap())
    }

    /// Whether the proxy takes connections.
    fn is_reached(&self) -> bool {
        TcpStream::connect(self.proxy.address()).is_ok()
    }

    #[track_caller]
    fn assert_nobody_lost(&self, context: impl std::fmt::Display) {
        let lost: Vec<_> = self.dids.iter().filter(|did| !self.is_alive(did)).collect();
        assert!(lost.is_empty(), "{lost:?}: {context}");
    }
}

#[test]
fn two_processes_refresh_each_session_once_and_renew_its_time_to_live() {
    let npmx = npmx(60);
    let children: Vec<_> = (0..2).map(|_| npmx.app.begin("refresh --all --retry-for 20s")).collect();
    for child in children {
        let output = npmx.app.sandbox.output_of(child);
        assert_eq!(output.code, 0, "{output}");
    }
    assert_eq!(npmx.app.generations(), [(1, 60)].into());
    npmx.assert_nobody_lost("");
    for did in &npmx.dids {
        let Answer::Number(ttl) = npmx.redis.ask(&["TTL", &key(did)]) else { panic!() };
        assert!((DAYS_179 - 60..=DAYS_179).contains(&ttl), "{ttl}");
        assert_eq!(npmx.redis.ask(&["EXISTS", &format!("oauth:lock:@atproto-oauth-client-{did}")]), Answer::Number(0));
    }
}

#[test]
fn the_app_s_own_lock_is_respected() {
    let npmx = npmx(1);
    let lock = format!("oauth:lock:@atproto-oauth-client-{}", npmx.dids[0]);
    npmx.redis.ask(&["SET", &lock, "the app", "EX", "30"]);
    let output = npmx.app.sessions("refresh --all --lock-timeout 1s --format jsonl");
    assert!(output.code == 0 && output.stdout.contains("somebody else holds the lock on it"), "{output}");
    assert!(npmx.app.exchanges().is_empty());
    assert_eq!(npmx.redis.ask(&["GET", &lock]), Answer::Bulk(Some(b"the app".to_vec())));
}

#[test]
fn a_redis_that_goes_away_while_the_server_works_loses_nothing() {
    let npmx = npmx(3);
    let answers = Gate::closed();
    npmx.app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let child = npmx.app.begin("refresh --all");
    npmx.app.wait_for_exchange();
    npmx.proxy.refuse(true);
    wait_until(|| !npmx.is_reached());
    npmx.proxy.kill_all();
    answers.open();
    let output = npmx.app.sandbox.output_of(child);
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stdout.contains("its tokens wait in"), "{output}");
    npmx.proxy.heal();
    wait_until(|| npmx.is_reached());
    npmx.app.net.clear_faults();
    // Its lock is the app's, too, and was left to run out.
    for did in &npmx.dids {
        npmx.redis.ask(&["DEL", &format!("oauth:lock:@atproto-oauth-client-{did}")]);
    }
    let output = npmx.app.sessions("refresh --all");
    assert_eq!(output.code, 0, "{output}");
    assert!(npmx.app.recovery_entries().is_empty());
    assert_eq!(npmx.app.generations(), [(1, 3)].into());
    npmx.assert_nobody_lost(output);
}

#[test]
fn a_redis_that_is_gone_before_costs_nothing() {
    let npmx = npmx(2);
    npmx.proxy.refuse(true);
    wait_until(|| !npmx.is_reached());
    let output = npmx.app.sessions("refresh --all");
    assert_eq!(output.code, 1, "{output}");
    assert_eq!(npmx.app.net.counters().of(Endpoint::Token), 0);
    npmx.proxy.heal();
    npmx.assert_nobody_lost(output);
}

#[test]
fn a_redis_that_takes_no_writes_costs_nothing() {
    let npmx = npmx(4);
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let output = npmx.app.sessions("refresh --all --format json");
    assert_eq!((output.code, &object(&output.stdout)["unknown"]), (1, &Value::from(4)), "{output}");
    assert!(npmx.app.exchanges().is_empty(), "without a lock nothing is sent");
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(npmx.app.sessions("refresh --all").stdout, "refreshed 4 sessions\n");
    npmx.assert_nobody_lost("");
}

#[test]
fn a_redis_that_fills_up_while_the_server_works_loses_nothing() {
    let npmx = npmx(1);
    let answers = Gate::closed();
    npmx.app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let child = npmx.app.begin("refresh --all");
    npmx.app.wait_for_exchange();
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    answers.open();
    let output = npmx.app.sandbox.output_of(child);
    assert_eq!((output.code, npmx.app.recovery_entries().len()), (1, 1), "{output}");
    npmx.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(npmx.app.sessions("recover").stdout, "stored 1 session\n");
    npmx.assert_nobody_lost(output);
}

#[test]
fn killed_at_any_moment_it_loses_no_more_than_was_under_way() {
    let npmx = npmx(60);
    npmx.app.net.configure(|policy| policy.exchange_time = Duration::from_millis(4));
    for n in 1..=4 {
        let before = npmx.app.net.counters().exchanged;
        let mut child = npmx.app.begin("refresh --all --concurrency 4 --per-issuer 4 --lock-timeout 0s");
        npmx.app.wait_for_exchanges(before + n + 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    thread::sleep(Duration::from_millis(30));
    let lost = npmx.dids.iter().filter(|did| !npmx.is_alive(did)).count();
    assert!(lost <= 4 * 4, "{lost}");
}
