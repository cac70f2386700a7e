//! Compatibility with 0.1.0, also on two hosts that share a store: recovery entries, notes and locks.
//!
//! `compat/` contains an SQLite store, a Redis and their recovery directories as written by 0.1.0, as
//! text: `@APP@` stands for the app's directory, `@PORT@` for the port of Redis, and all expiries are
//! in the year 2100. The versions must understand each other in both directions: an entry that 0.1.0
//! could not apply (of another record format) needs another file extension than `json`, so that 0.1.0
//! ignores it.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testbed::redis::{Answer, Redis};
use testbed::{Endpoint, Fault, Gate, Injection, LoginOptions, keys};

use crate::app::{App, days_ago, did_of, to_be, wait_until};
use crate::database::AppDatabase;
use crate::npmx::{Npmx, key};
use crate::samples::{ALICE, object};
use crate::sandbox::Sandbox;

/// One day after the files were written.
const NEXT_DAY: &str = "2026-11-30T22:00:00Z";

/// Directory of the files.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/compat");

/// Returns a sandbox with the recovery directory and the settings of a run of 0.1.0.
fn sandbox(store: &str, port: u16) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let key = read(&sandbox, &format!("{store}/key.json"));
    sandbox.set("OAUTHCTL_TEST_NOW", NEXT_DAY).set("APP_KEY", key);
    sandbox.file("oauthctl.toml", read(&sandbox, &format!("{store}/oauthctl.toml")));
    for entry in fs::read_dir(format!("{FILES}/{store}/recovery")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = read(&sandbox, &format!("{store}/recovery/{name}"))
            .replace("@PORT@", &port.to_string());
        sandbox.file(format!("../home/.local/state/oauthctl/recovery/{name}"), text);
    }
    sandbox
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    let text = fs::read_to_string(format!("{FILES}/{name}")).unwrap();
    text.replace("@APP@", sandbox.path("").canonicalize().unwrap().to_str().unwrap())
}

/// Returns the SQLite store with its sidecar.
fn sqlite() -> (Sandbox, AppDatabase) {
    let sandbox = sandbox("sqlite", 0);
    let database = AppDatabase::with(&sandbox.path("app.db"), &read(&sandbox, "sqlite/app.db.sql"));
    let sidecar = read(&sandbox, "sqlite/app.db.oauthctl.sql");
    AppDatabase::with(&sandbox.path("app.db.oauthctl"), &sidecar).close();
    (sandbox, database)
}

/// Returns the Redis.
fn redis() -> (Sandbox, Redis) {
    let redis = Redis::start();
    let mut sandbox = sandbox("redis", redis.port());
    let keys: Vec<[String; 2]> = serde_json::from_str(&read(&sandbox, "redis/keys.json")).unwrap();
    for [key, value] in keys {
        redis.ask(&["SET", &key, &value, "PXAT", "4102444800000"]);
    }
    sandbox.set("OAUTHCTL_STORE", redis.url());
    (sandbox, redis)
}

/// Returns status, evidence of the last refresh and reason of an account's session.
fn listed(sandbox: &Sandbox, name: &str) -> (String, Value, Value) {
    let output = sandbox.run(["sessions", "show", &to_be(name), "--format", "jsonl"]);
    let row = object(&output.stdout);
    (
        row["status"].as_str().unwrap().to_owned(),
        row["last_refreshed_by"].clone(),
        row["reason"].clone(),
    )
}

/// Applies the entries. Those with a missing record remain.
fn recovered(sandbox: &Sandbox) -> Value {
    let output = sandbox.run(["sessions", "recover", "--format", "json"]);
    assert_eq!(output.code, 0, "{output}");
    let (report, left) = (
        object(&output.stdout)["counts"].clone(),
        fs::read_dir(sandbox.path("../home/.local/state/oauthctl/recovery")),
    );
    assert_eq!(report["orphaned"], left.unwrap().count(), "{output}");
    report
}

/// Returns the record in the only entry of an account.
fn record_of_entry(store: &str, name: &str) -> Value {
    let entries = fs::read_dir(format!("{FILES}/{store}/recovery")).unwrap();
    let texts = entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut records =
        texts.map(|text| serde_json::from_str(object(&text)["record"].as_str().unwrap()).unwrap());
    records.find(|record| did_of(record) == to_be(name)).unwrap()
}

#[test]
fn entries_of_0_1_0_are_applied_to_sqlite() {
    let (sandbox, database) = sqlite();
    let row = |name: &str| {
        let rows =
            database.rows(&format!("SELECT value FROM auth_session WHERE key = '{}'", to_be(name)));
        serde_json::from_str::<Value>(&rows[0]).unwrap()
    };
    for name in ["waits", "touched", "gone"] {
        let newer =
            json!("newer tokens are in the recovery directory; run `oauthctl sessions recover`");
        assert_eq!(
            (listed(&sandbox, name).0.as_str(), listed(&sandbox, name).2),
            ("blocked", newer),
            "{name}"
        );
    }
    let mut touched = row("touched");
    touched["note"] = json!("of the app");
    database.session(&touched);
    database.execute(&format!("DELETE FROM auth_session WHERE key = '{}'", to_be("gone")));
    let report =
        json!({"applied": 2, "superseded": 0, "orphaned": 1, "pending": 0, "elsewhere": 0});
    assert_eq!(recovered(&sandbox), report);
    assert_eq!(row("waits"), record_of_entry("sqlite", "waits"));
    let renewed = record_of_entry("sqlite", "touched");
    assert_eq!(
        (&row("touched")["tokenSet"], &row("touched")["note"]),
        (&renewed["tokenSet"], &json!("of the app"))
    );
}

#[test]
fn entries_of_0_1_0_are_applied_to_redis() {
    let (sandbox, redis) = redis();
    let report =
        json!({"applied": 1, "superseded": 0, "orphaned": 0, "pending": 0, "elsewhere": 0});
    assert_eq!(recovered(&sandbox), report);
    let Answer::Bulk(Some(value)) = redis.ask(&["GET", &key(&to_be("waits"))]) else {
        panic!("it is there")
    };
    assert_eq!(serde_json::from_slice::<Value>(&value).unwrap(), record_of_entry("redis", "waits"));
}

#[test]
fn notes_of_0_1_0_are_read() {
    let ((sqlite, _database), (redis, _redis)) = (sqlite(), redis());
    for sandbox in [sqlite, redis] {
        let (status, by, _) = listed(&sandbox, "living");
        assert_eq!((status.as_str(), by), ("due", json!("notes")));
        let refused = json!("the server has refused this refresh token");
        let (status, _, reason) = listed(&sandbox, "ended");
        assert_eq!((status.as_str(), reason), ("dead", refused));
    }
}

#[test]
fn a_configuration_that_0_1_0_has_stopped_is_not_tried() {
    let npmx = Npmx::with_users(1);
    let key = npmx.app.net.signing_key().unwrap();
    let issuer =
        npmx.record(&npmx.dids[0]).unwrap()["tokenSet"]["iss"].as_str().unwrap().to_owned();
    let kid = key["kid"].as_str().unwrap();
    let all = [&issuer, &npmx.app.net.client_id(), kid, &keys::thumbprint(&key)].join("\n");
    let digest: String =
        Sha256::digest(all)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    npmx.redis.ask(&["SET", &format!("oauthctl:note:stopped:{digest}"), "it has cost a session"]);
    let output = npmx.app.sessions("refresh");
    assert!(output.code == 1 && output.stdout.contains("it has cost a session"), "{output}");
    assert!(npmx.app.exchanges().is_empty());
}

#[test]
fn locks_in_redis_have_the_names_of_0_1_0() {
    let mut npmx = Npmx::new();
    npmx.app.configure("min_interval = \"0s\"");
    npmx.app.sandbox.set("OAUTHCTL_STORE", npmx.redis.url());
    for (layout, key, lock, ttl) in [
        ("npmx", "atproto:oauth:sessions:@", "oauth:lock:", 30_000),
        ("npmx-browser", "atproto:oauth:sessions:@:b0a1", "oauth:lock:", 30_000),
        ("oauth", "oauth:session:@", "oauth:lock:", 30_000),
        ("oauth-stamped", "oauth:session:@", "oauth:lock:", 30_000),
        ("atproto", "atproto:session:@", "oauthctl:lock:", 30_000),
        ("auth-camel", "authSession:@", "sessionLock:", 10_000),
        ("sequoia", "oauth_session:@", "oauthctl:lock:", 30_000),
        ("hypercerts", "session:@", "oauthctl:lock:", 30_000),
        ("openmeet", "bluesky:session:@", "bluesky:lock:", 45_000),
        ("barazo", "barazo:oauth:session:@", "barazo:oauth:lock:", 10_000),
        ("authproto", "authproto:session:@", "oauthctl:lock:", 30_000),
    ] {
        npmx.redis.ask(&["FLUSHALL"]);
        let mut record =
            npmx.app.net.login(LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
        if layout == "oauth-stamped" {
            record["lastUpdatedAt"] = json!(1_700_000_000_000_i64);
        }
        let key = key.replace('@', ALICE);
        npmx.redis.ask(&["SET", &key, &record.to_string()]);
        let (owner, left) =
            while_exchanged(&npmx.app, &format!("refresh --all --layout {layout}"), || {
                let Answer::List(keys) = npmx.redis.ask(&["KEYS", "*"]) else {
                    panic!("there are keys")
                };
                let others: Vec<_> = keys
                    .into_iter()
                    .filter(|other| *other != Answer::Bulk(Some(key.clone().into())))
                    .collect();
                let lock = format!("{lock}@atproto-oauth-client-{ALICE}");
                assert_eq!(others, [Answer::Bulk(Some(lock.clone().into()))], "{layout}");
                (npmx.redis.ask(&["GET", &lock]), npmx.redis.ask(&["PTTL", &lock]))
            });
        let Answer::Bulk(Some(owner)) = owner else { panic!("{layout}: {owner:?}") };
        // A random UUID, in the notation of apps.
        let shape: Vec<_> = owner.split(|byte| *byte == b'-').map(<[u8]>::len).collect();
        assert_eq!(shape, [8, 4, 4, 4, 12], "{layout}");
        let Answer::Number(left) = left else { panic!("{layout}: {left:?}") };
        assert!((ttl - 9000..=ttl).contains(&left), "{layout}: {left}");
    }
}

#[test]
fn locks_beside_sqlite_have_the_names_of_0_1_0() {
    let app = App::with_alice();
    let rows = while_exchanged(&app, "refresh --all", || {
        AppDatabase::open(&app.sandbox.path("app.db.oauthctl"))
            .rows("SELECT name, typeof(owner) FROM lock")
    });
    assert_eq!(rows, [format!("@atproto-oauth-client-{ALICE}|integer")]);
    // A lock in the table made by 0.1.0 is respected.
    let (sandbox, _) = sqlite();
    let tables = |path| {
        AppDatabase::open(path)
            .rows("SELECT sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    };
    assert_eq!(
        tables(&app.sandbox.path("app.db.oauthctl")),
        tables(&sandbox.path("app.db.oauthctl"))
    );
}

/// Calls `look` while the only session is being refreshed. Afterwards the lock must be released.
fn while_exchanged<T>(app: &App, arguments: &str, look: impl FnOnce() -> T) -> T {
    let exchanged = || app.net.sessions().iter().map(|session| session.generation).sum::<u64>();
    let (answers, before) = (Gate::closed(), exchanged());
    app.net.inject(
        Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1).times(1),
    );
    let child = app.begin(arguments);
    wait_until(|| exchanged() > before);
    let seen = look();
    answers.open();
    let output = app.sandbox.output_of(child);
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    seen
}
