//! Whether the store keeps what it holds, as `doctor` sees it. Every problem is provoked at a real
//! server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use testbed::LoginOptions;
use testbed::postgres::Postgres;
use testbed::redis::{Answer, Redis};

use crate::deployment::Deployment;

/// The codes of what is said of the store, but for what is as it should be.
#[track_caller]
fn codes(deployment: &Deployment) -> Vec<String> {
    let (_, findings) = deployment.run(&["--offline"]);
    let of_store = findings
        .iter()
        .filter(|finding| finding["topic"] == "store" && finding["severity"] != "ok");
    of_store.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// The deployment with a session in Redis, as npmx has it.
fn in_redis(options: &[&str]) -> (Deployment, Redis) {
    let deployment = Deployment::new();
    let server = Redis::start_with(options);
    let session = deployment.net.login(LoginOptions::default());
    server.ask(&["SET", &key(&session), &session.to_string(), "EX", "15465600"]);
    deployment.store_at(&server.url());
    (deployment, server)
}

fn key(session: &Value) -> String {
    format!("atproto:oauth:sessions:{}", session["tokenSet"]["sub"].as_str().unwrap())
}

#[test]
fn a_redis_that_keeps_sessions_has_no_problem() {
    let (right, _server) = in_redis(&["--appendonly", "yes"]);
    assert_eq!(codes(&right), [] as [&str; 0]);
}

#[test]
fn a_redis_that_forgets_is_named() {
    let (broken, _server) = in_redis(&[]);
    assert_eq!(codes(&broken), ["store.no_persistence"]);
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let (broken, server) = in_redis(&["--appendonly", "yes"]);
        server.ask(&["CONFIG", "SET", "maxmemory", "100mb"]);
        assert_eq!(codes(&broken), [] as [&str; 0]);
        server.ask(&["CONFIG", "SET", "maxmemory-policy", policy]);
        assert_eq!(codes(&broken), ["store.eviction"], "{policy}");
    }
}

#[test]
fn keys_that_redis_has_thrown_away_are_counted() {
    let (broken, server) = in_redis(&["--appendonly", "yes"]);
    server.ask(&["SET", "large", &"x".repeat(4 << 20), "EX", "3600"]);
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]);
    server.ask(&["CONFIG", "SET", "maxmemory", "3mb"]);
    // The next write has to make room.
    server.ask(&["SET", "small", "x"]);
    let codes = codes(&broken);
    assert!(codes.contains(&"store.evicted".to_owned()), "{codes:?}");
}

#[test]
fn a_redis_that_is_nearly_full_or_cannot_save_is_named() {
    let (broken, server) = in_redis(&["--appendonly", "yes"]);
    server.ask(&["SET", "large", &"x".repeat(64 << 20)]);
    let Answer::Bulk(Some(info)) = server.ask(&["INFO", "memory"]) else { panic!("no INFO") };
    let info = String::from_utf8(info).unwrap();
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let limit = used.trim().parse::<u64>().unwrap() / 93 * 100;
    server.ask(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    assert_eq!(codes(&broken), ["store.headroom"]);
    let (broken, server) = in_redis(&["--enable-protected-configs", "yes"]);
    server.ask(&["CONFIG", "SET", "dir", "/proc"]);
    server.ask(&["BGSAVE"]);
    let mut seen = codes(&broken);
    for _ in 0..50 {
        if seen != ["store.no_persistence"] {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        seen = codes(&broken);
    }
    // Where root may write everywhere, /proc still takes no files.
    assert_eq!(seen, ["store.cannot_save"]);
}

#[test]
fn a_replica_is_named_as_one() {
    let (broken, server) = in_redis(&["--appendonly", "yes"]);
    server.ask(&["CONFIG", "SET", "replica-read-only", "no"]);
    server.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    let codes = codes(&broken);
    assert!(codes.contains(&"store.replica".to_owned()), "{codes:?}");
}

#[test]
fn sessions_without_the_layouts_time_are_named() {
    let (broken, server) = in_redis(&["--appendonly", "yes"]);
    let session = broken.net.login(LoginOptions::default());
    server.ask(&["SET", &key(&session), &session.to_string()]);
    assert_eq!(codes(&broken), ["store.no_ttl"]);
    server.ask(&["EXPIRE", &key(&session), "30931200"]);
    assert_eq!(codes(&broken), ["store.longer_ttl"]);
}

#[test]
fn a_database_file_is_looked_at() {
    let right = Deployment::new();
    assert_eq!(codes(&right), [] as [&str; 0]);
    right.database.execute("PRAGMA journal_mode=DELETE");
    assert_eq!(codes(&right), ["store.journal_mode"]);
    right.database.execute("PRAGMA journal_mode=WAL");
    fs::set_permissions(right.sandbox.path("app.db"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(codes(&right), ["store.open_to_all"]);
}

#[test]
fn a_postgres_is_looked_at() {
    let server = Postgres::start();
    let broken = Deployment::new();
    let url = server.url();
    server.sql(
        "CREATE TABLE auth_session (key varchar PRIMARY KEY, session varchar NOT NULL);
         CREATE TABLE auth_state (key varchar PRIMARY KEY, state varchar NOT NULL)",
    );
    let session = broken.net.login(LoginOptions::default());
    let did = session["tokenSet"]["sub"].as_str().unwrap();
    server.sql(&format!("INSERT INTO auth_session VALUES ('{did}', '{session}')"));
    broken.store_at(&url);
    let has = |code: &str| codes(&broken).contains(&code.to_owned());
    assert!(!has("store.read_only") && !has("store.statement_timeout"));
    server.admin("ALTER DATABASE app SET default_transaction_read_only = on");
    assert!(has("store.read_only"), "{:?}", codes(&broken));
    server.admin(
        "ALTER DATABASE app RESET default_transaction_read_only;
         ALTER DATABASE app SET statement_timeout = '500ms'",
    );
    assert!(has("store.statement_timeout"), "{:?}", codes(&broken));
    server.admin("ALTER DATABASE app RESET statement_timeout; CREATE ROLE tool LOGIN PASSWORD 'tool-password-123'");
    server.sql(
        "GRANT SELECT, UPDATE, INSERT, DELETE ON auth_session, auth_state TO tool;
         ALTER TABLE auth_session ENABLE ROW LEVEL SECURITY;
         CREATE POLICY seen ON auth_session TO tool USING (true)",
    );
    broken.store_at(&url.replace("app:app-password-123", "tool:tool-password-123"));
    assert!(has("store.row_security"), "{:?}", codes(&broken));
}
