//! Stores that nobody has named: found among the app's variables, and of several the one that has
//! sessions.

use std::io::ErrorKind;
use std::net::TcpListener;

use testbed::postgres::Postgres;
use testbed::redis::{Redis, free_port};

use crate::database::{AppDatabase, STATUSPHERE};
use crate::npmx;
use crate::samples::{ALICE, BOB, KEY1, session};
use crate::sandbox::{Output, Sandbox};

const LIST: [&str; 2] = ["sessions", "list"];

/// A PostgreSQL with the session of Alice.
fn with_alice() -> Postgres {
    let server = Postgres::start();
    server.sql(
        "CREATE TABLE auth_session (key varchar PRIMARY KEY, session varchar NOT NULL);
         CREATE TABLE auth_state (key varchar PRIMARY KEY, state varchar NOT NULL)",
    );
    put_alice(&server);
    server
}

fn put_alice(server: &Postgres) {
    let value = session(ALICE, "3h");
    server.sql(&format!("INSERT INTO auth_session VALUES ('{ALICE}', '{value}')"));
}

fn put_bob(redis: &Redis) {
    redis.ask(&["SET", &npmx::key(BOB), &session(BOB, "3h").to_string()]);
}

/// What is wrong with the stores at hand, without a word of a password.
#[track_caller]
fn refusal(sandbox: &Sandbox, parts: &[&str]) -> Output {
    let refusal = sandbox.refusal(LIST);
    for part in parts {
        assert!(refusal.stderr.contains(part), "{part}: {refusal}");
    }
    assert!(!refusal.stderr.contains("password-123"), "{refusal}");
    refusal
}

#[test]
fn a_database_is_found_by_each_of_its_general_names() {
    let server = with_alice();
    for name in ["DATABASE_URL", "POSTGRES_URL", "DB_URL"] {
        let mut sandbox = Sandbox::new();
        sandbox.set(name, server.url());
        let listed = sandbox.run(LIST);
        assert!(listed.code == 0 && listed.stdout.contains(ALICE), "{name}: {listed}");
    }
    // Variables of libpq name no store, and fill an address in.
    let mut sandbox = Sandbox::new();
    sandbox.set("PGHOST", server.socket()).set("PGPORT", server.port().to_string());
    sandbox.set("PGUSER", "app").set("PGDATABASE", "app");
    refusal(&sandbox, &["no store is configured"]);
    let listed = sandbox.set("DATABASE_URL", "postgres:").run(LIST);
    assert!(listed.code == 0 && listed.stdout.contains(ALICE), "{listed}");
    let mut sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("local.db")).session(&session(BOB, "3h")).execute("");
    assert!(sandbox.set("DATABASE_URL", "local.db").run(LIST).stdout.contains(BOB));
}

#[test]
fn of_several_stores_the_one_with_sessions_is_used() {
    let (server, redis) = (with_alice(), Redis::start());
    let mut sandbox = Sandbox::new();
    sandbox.set("REDIS_URL", redis.url()).set("DATABASE_URL", server.url());
    for locks in ["@atproto-oauth-client-did:plc:ewvi7nxzyoun6zhxrhs64oiz", "cache:1", "queue"] {
        let listed = sandbox.run(LIST);
        assert!(listed.code == 0 && listed.stdout.contains(ALICE), "{listed}");
        redis.ask(&["SET", locks, "x"]);
    }
    put_bob(&redis);
    let two =
        refusal(&sandbox, &["several of the app's stores have sessions: REDIS_URL (redis://"]);
    assert!(two.code == 2 && two.stderr.contains(", DATABASE_URL (postgres://app@"), "{two}");
    assert!(two.stderr.contains(
        "hint: name the one with the sessions: --store env:REDIS_URL or --store env:DATABASE_URL"
    ));
    for (name, did) in [("env:REDIS_URL", BOB), ("env:DATABASE_URL", ALICE)] {
        let listed = sandbox.run([&LIST[..], &["--store", name]].concat());
        assert!(listed.code == 0 && listed.stdout.contains(did), "{listed}");
    }
    server.sql("DELETE FROM auth_session");
    assert!(sandbox.run(LIST).stdout.contains(BOB));
    // A pending login is a record, too.
    redis.ask(&["FLUSHALL"]);
    server.sql("INSERT INTO auth_state VALUES ('x', '{}')");
    assert!(sandbox.run(LIST).stderr.contains("postgres://"));
    // Where none has any, the first one is the app's.
    server.sql("DELETE FROM auth_state");
    assert!(sandbox.run([&LIST[..], &["--layout", "npmx"]].concat()).stderr.contains("redis://"));
}

#[test]
fn a_store_that_cannot_be_read_is_not_passed_over() {
    let (server, redis) = (with_alice(), Redis::start());
    put_bob(&redis);
    let mut sandbox = Sandbox::new();
    sandbox.set("REDIS_URL", redis.url());
    let port = free_port();
    let gone = format!("postgres://app:password-123@127.0.0.1:{port}/app");
    let hint = "name the one with the sessions: --store env:REDIS_URL or --store env:DATABASE_URL";
    sandbox.set("DATABASE_URL", gone);
    let unreached = refusal(&sandbox, &["error: DATABASE_URL: postgres://app@127.0.0.1:", hint]);
    assert_eq!(unreached.code, 1);
    server.admin("CREATE ROLE other LOGIN PASSWORD 'password-123'");
    sandbox.set("DATABASE_URL", server.url().replace("app:app-", "other:"));
    refusal(&sandbox, &["DATABASE_URL: ", "permission denied for table auth_session", "GRANT"]);
    sandbox.set("DATABASE_URL", server.url().replace("app-password", "wrong-password"));
    refusal(&sandbox, &["DATABASE_URL: ", "password authentication failed"]);
    sandbox.set("DATABASE_URL", "postgres://app:password-123@127.0.0.1:port/app");
    refusal(&sandbox, &["DATABASE_URL: the postgres: address: has a port"]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    sandbox.set("DATABASE_URL", format!("postgres://app:password-123@{address}/app"));
    refusal(
        &sandbox,
        &["DATABASE_URL: ", "did not report within 2 seconds whether it has sessions"],
    );
    sandbox.unset("DATABASE_URL").set("DB_PATH", "missing.db");
    let hint = "--store env:REDIS_URL or --store sqlite:missing.db";
    refusal(&sandbox, &["DB_PATH: missing.db: the database does not exist", hint]);
}

#[test]
fn a_detected_database_of_an_unsupported_kind_is_ignored() {
    let redis = Redis::start();
    put_bob(&redis);
    for (text, kind) in [
        ("mysql://root:password-123@db/app", "unknown kind of store: \"mysql\""),
        ("mongodb+srv://u:password-123@db/app", "unknown kind of store: \"mongodb+srv\""),
        ("libsql://app.turso.io", "unknown kind of store: \"libsql\""),
        ("file:./dev.db", "its file: address is relative to a directory that only the app knows"),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.set("DATABASE_URL", text);
        let alone = refusal(&sandbox, &["error: no store is configured: none of REDIS_URL, "]);
        assert!(
            alone.code == 2
                && alone.stderr.contains(&format!("hint: ignored DATABASE_URL: {kind}; "))
        );
        let listed = sandbox.set("REDIS_URL", redis.url()).run(LIST);
        assert!(listed.code == 0 && listed.stdout.contains(BOB), "{listed}");
        let note = format!("ignored DATABASE_URL: {kind}\n");
        assert_eq!(listed.stderr.matches(&note).count(), 1, "{listed}");
        assert_eq!(sandbox.run([&LIST[..], &["--quiet"]].concat()).stderr, "");
        // Named, it is an error, wherever it is named.
        for way in 0..3 {
            let mut sandbox = Sandbox::new();
            sandbox.set("REDIS_URL", redis.url());
            let refusal = match way {
                0 => sandbox.refusal([&LIST[..], &["--store", text]].concat()),
                1 => sandbox.set("OAUTHCTL_STORE", text).refusal(LIST),
                _ => {
                    sandbox.set("X", text).file("oauthctl.toml", "[store]\nurl = 'env:X'\n");
                    sandbox.refusal(LIST)
                }
            };
            assert!(refusal.code == 2 && !refusal.stderr.contains("password-123"), "{refusal}");
        }
    }
}

#[test]
fn what_ends_sessions_wants_a_generally_named_store_named() {
    let server = with_alice();
    let (mut sandbox, line) = (Sandbox::new(), "url = \"env:DATABASE_URL\"");
    sandbox.file("sessions.jsonl", "");
    sandbox.set("DATABASE_URL", server.url()).set("OAUTH_JWK", KEY1);
    sandbox.file("oauthctl.toml", "[client]\nclient_id = 'https://app.example.com/c.json'\n");
    for command in [
        "sessions prune --offline --yes",
        "sessions prune --offline --dry-run",
        "sessions revoke --all --yes",
        "sessions upgrade --unpublished",
        "sessions import sessions.jsonl",
        "states purge",
    ] {
        let refusal = sandbox.refusal(command.split(' '));
        assert!(
            refusal.code == 2
                && refusal.stderr.starts_with("error: only DATABASE_URL names a store")
                && refusal.stderr.contains("--store env:DATABASE_URL, or")
                && refusal.stderr.ends_with(&format!("  [store]\n  {line}\n")),
            "{command}: {refusal}"
        );
    }
    let named = sandbox.run("states purge --store env:DATABASE_URL".split(' '));
    assert_eq!(named.code, 0, "{named}");
    sandbox.file("oauthctl.toml", format!("[store]\n{line}\n"));
    assert_eq!(sandbox.run(["states", "purge"]).code, 0);
    // One that only an app's own name has led to is found well enough.
    let mut sandbox = Sandbox::new();
    AppDatabase::with(&sandbox.path("kv.db"), STATUSPHERE).close();
    assert_eq!(sandbox.set("KV_DB_PATH", "kv.db").run(["states", "purge"]).code, 0);
}

#[test]
fn a_store_that_is_named_is_the_only_one_opened() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("named.db")).session(&session(ALICE, "3h")).execute("");
    sandbox.set("REDIS_URL", format!("redis://{address}"));
    sandbox.set("DATABASE_URL", format!("postgres://{address}/app"));
    sandbox.set("POSTGRES_URL", "no address");
    for way in 0..3 {
        let listed = match way {
            0 => sandbox.run([&LIST[..], &["--store", "sqlite:named.db"]].concat()),
            1 => sandbox.set("OAUTHCTL_STORE", "sqlite:named.db").run(LIST),
            _ => {
                sandbox.unset("OAUTHCTL_STORE");
                sandbox.file("oauthctl.toml", "[store]\nurl = 'sqlite:named.db'\n");
                sandbox.run(LIST)
            }
        };
        assert!(listed.code == 0 && listed.stdout.contains(ALICE), "{listed}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}
