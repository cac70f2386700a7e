//! Records that oauthctl cannot read and that may belong to others: counted, kept, and reported if
//! there is nothing else.

use serde_json::{Value, json};
use testbed::LoginOptions;
use testbed::redis::{Answer, Redis};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, object, session};
use crate::sandbox::Sandbox;

/// Returns values of other libraries, of apps that encrypt, and of old clients, by the account's
/// name.
fn others() -> Vec<(String, String)> {
    let node = session(ALICE, "3h");
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "dpop-private"});
    let tokens = node["tokenSet"].clone();
    let mut old = node.clone();
    old.as_object_mut().unwrap().shift_remove("authMethod");
    let jacquard =
        json!({"account_did": ALICE, "dpop_key": jwk, "access_token": "a", "refresh_token": "r"});
    let indigo =
        json!({"account_did": ALICE, "refresh_token": "r", "dpop_privatekey_multibase": "z42t"});
    let values = [
        ("atrium", json!({"dpop_key": jwk, "token_set": tokens}).to_string()),
        ("jacquard", jacquard.to_string()),
        ("indigo", indigo.to_string()),
        ("twice", json!(node.to_string()).to_string()),
        ("old", old.to_string()),
        ("wrapped", json!({"value": node, "ttl": 9, "cachedAt": 1}).to_string()),
        ("encrypted", "q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0VniQEg==".to_owned()),
        ("sealed", "enc1.q83vEjRWeJASNFZ4".to_owned()),
        ("unknown", json!({"something": "else"}).to_string()),
    ];
    values.map(|(name, value)| (format!("did:web:{name}.example"), value)).into()
}

#[test]
fn prune_removes_only_what_is_provably_nobodys() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for n in 0..3 {
        database.session(&session(&format!("did:web:user{n}.example"), "3h"));
    }
    for (key, value) in others() {
        database.record(&key, &value);
    }
    database.record("did:web:empty.example", "");
    database.record(
        "did:web:bare.example",
        r#"{"tokenSet":{"sub":"did:web:bare.example"},"authMethod":{}}"#,
    );
    let dry = sandbox.run(["sessions", "prune", "--malformed", "--offline", "--dry-run"]);
    insta::assert_snapshot!(dry, @r"
    exit 0
    -- stdout --
    DID                    RESULT        REASON
    did:web:bare.example   would remove  malformed: no DPoP key
    did:web:empty.example  would remove  malformed: empty
    would remove 2 of 14 sessions (2 malformed); 9 kept: foreign
    ");
    let pruned = sandbox.run(["sessions", "prune", "--malformed", "--offline"]);
    let summary = "removed 2 of 14 sessions (2 malformed); 9 kept: foreign\n";
    assert_eq!((pruned.code, pruned.stdout.as_str()), (0, summary), "{pruned}");
    for (key, value) in others() {
        assert_eq!(
            database.rows(&format!("SELECT value FROM auth_session WHERE key = '{key}'")),
            [value]
        );
    }
}

#[test]
fn foreign_records_are_listed_with_what_they_are() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for (key, value) in others() {
        database.record(&key, &value);
    }
    insta::assert_snapshot!(sandbox.run(["sessions", "list", "--status", "foreign"]), @r"
    exit 0
    -- stdout --
    DID                        STATUS   REFRESHED  KID  ISSUER  REASON
    did:web:atrium.example     foreign  -          -    -       a session of the Rust library atrium, which is not supported
    did:web:encrypted.example  foreign  -          -    -       not JSON, perhaps encrypted
    did:web:indigo.example     foreign  -          -    -       a record of the Go library indigo, which is not supported
    did:web:jacquard.example   foreign  -          -    -       a record of the Rust library jacquard, which is not supported
    did:web:old.example        foreign  -          -    -       no client authentication, as in records of very old clients
    did:web:sealed.example     foreign  -          -    -       not JSON, perhaps encrypted
    did:web:twice.example      foreign  -          -    -       JSON encoded twice
    did:web:unknown.example    foreign  -          -    -       no token set
    did:web:wrapped.example    foreign  -          -    -       a record in an envelope {value, ttl, cachedAt}
    -- stderr --
    9 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn a_store_of_nothing_but_foreign_records_is_no_success() {
    let app = App::new();
    for (key, value) in others() {
        app.database.record(&key, &value);
    }
    for command in [
        "refresh",
        "refresh --dry-run",
        "refresh --all",
        "prune",
        "prune --malformed",
        "prune --dry-run",
    ] {
        let output = app.sessions(command);
        assert_eq!(output.code, 3, "{command}: {output}");
        assert!(output.stderr.contains("9 of 9 records foreign"), "{command}: {output}");
    }
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert!(
        doctor.code == 1 && doctor.stdout.contains("oauthctl can read none of the records"),
        "{doctor}"
    );
    assert_eq!(app.records().len(), 9);
    assert!(app.net.requests().is_empty());

    app.log_in(1, &LoginOptions { did: Some(BOB.to_owned()), ..days_ago(2) });
    for (command, said) in [
        ("refresh", "refreshed 1 session\n"),
        (
            "refresh --status foreign",
            "refreshed 0 sessions, 9 skipped (2 foreign: not JSON, perhaps encrypted; ",
        ),
        ("prune", "removed 0 of 10 sessions; 9 kept: foreign\n"),
    ] {
        let output = app.sessions(command);
        assert!(output.code == 0 && output.stdout.starts_with(said), "{command}: {output}");
    }
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert!(doctor.stdout.contains("warning  sessions: 9 records foreign"), "{doctor}");
}

#[test]
fn an_expiry_that_only_javascript_reads_keeps_a_session_alive() {
    let app = App::new();
    let record = app.net.login(LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(0) });
    let store = |expiry: &Value| {
        let mut record = record.clone();
        record["tokenSet"]["expires_at"] = expiry.clone();
        app.database.session(&record);
        record
    };
    for expiry in [
        json!("2026-11-23T13:00:00"),
        json!("2026-11-23 13:00"),
        json!(1_795_438_800_000_i64),
        json!("Mon, 23 Nov 2026 13:00:00 GMT"),
    ] {
        let record = store(&expiry);
        let row = object(&app.sandbox.run(["sessions", "list", "--format", "jsonl"]).stdout);
        assert_eq!(
            (&row["status"], &row["expires_at"]),
            (&json!("idle"), &Value::Null),
            "{expiry}"
        );
        for command in ["refresh", "refresh --expired", "prune --malformed", "prune --inactive 1d"]
        {
            let output = app.sessions(command);
            assert_eq!(output.code, 0, "{expiry}, {command}: {output}");
        }
        assert_eq!(app.record(ALICE), Some(record), "{expiry}");
        app.database.execute("DELETE FROM auth_session");
    }
    assert!(app.exchanges().is_empty());
}

#[test]
fn keys_of_another_layout_are_none_of_this_one() {
    let redis = Redis::start();
    let key = format!("atproto:oauth:sessions:v2:{ALICE}");
    redis.ask(&["SET", &key, "{\"dpopKey\":{\"d\":\"d\"}}"]);
    redis.ask(&["SET", "atproto:oauth:sessions:v2:flag", ""]);
    let url = redis.url();
    let prune =
        ["sessions", "prune", "--malformed", "--offline", "--store", &url, "--layout", "npmx"];
    let output = Sandbox::new().run(prune);
    assert_eq!((output.code, output.stdout.as_str()), (0, "removed 0 of 0 sessions\n"), "{output}");
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(2));
}
