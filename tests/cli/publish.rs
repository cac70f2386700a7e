//! Published documents never lack a key that sessions need.

use serde_json::{Value, json};
use testbed::redis::Redis;

use crate::database::AppDatabase;
use crate::keys::{keys_in, kids, store};
use crate::samples::{ALICE, BOB, KEY1, KEY2, jwk_with, object, session, state};
use crate::sandbox::{Output, Sandbox};

/// Returns a published set with `key1`, `key2` and `old`, a key source with the first two, and
/// sessions bound to both.
fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    let old = jwk_with(KEY2, &json!({"kid": "old"}));
    sandbox.file("all.json", format!("[{KEY1},{KEY2},{old}]"));
    assert_eq!(sandbox.run(["jwks", "--keys", "all.json", "-o", "jwks.json"]).code, 0);
    sandbox.file("keys.json", format!("[{KEY1},{KEY2}]"));
    store(&sandbox);
    sandbox
}

const PUBLISH: [&str; 6] = ["jwks", "--keys", "keys.json", "-o", "jwks.json", "--force"];

fn publish<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&PUBLISH[..], more].concat()
}

fn kids_in(sandbox: &Sandbox, file: &str) -> String {
    kids(&keys_in(&sandbox.read(file))).join(" ")
}

fn assert_says(output: &Output, code: i32, part: &str) {
    assert!(output.code == code && output.stderr.contains(part), "{output}");
}

#[test]
fn an_empty_set_never_takes_the_place_of_a_file() {
    let sandbox = published();
    for arguments in [&["jwks", "-o", "jwks.json", "--force"] as &[_], &["jwks", "-o", "new.json"]]
    {
        assert_says(
            &sandbox.refusal(arguments),
            2,
            "error: no key source is configured, but only public clients have an empty",
        );
    }
    sandbox.file("oauthctl.toml", "[client]\nauth_method = 'none'\n");
    assert_says(
        &sandbox.refusal(["jwks", "-o", "jwks.json", "--force"]),
        2,
        "but no key source contains the key",
    );
    assert_says(
        &sandbox.refusal(["jwks", "-o", "jwks.json", "--force", "--offline"]),
        2,
        "jwks.json contains key key1, but the new set does not",
    );
    std::fs::remove_file(sandbox.path("app.db")).unwrap();
    assert_eq!(sandbox.run(["jwks", "-o", "new.json"]).code, 0);
    assert_eq!(sandbox.read("new.json"), "{\"keys\":[]}\n");
}

#[test]
fn a_key_leaves_the_file_where_a_named_store_shows_that_it_may() {
    let sandbox = published();
    insta::assert_snapshot!(sandbox.refusal(publish(&[])), @"
    exit 2
    -- stderr --
    error: jwks.json contains key old, but the new set does not
    hint: add its source with --keys; if no session needs it any more: --drop-key old
    ");
    assert_says(
        &sandbox.refusal(publish(&["--offline", "--store", "sqlite:app.db"])),
        2,
        "jwks.json contains key old",
    );
    insta::assert_snapshot!(sandbox.run(publish(&["--store", "sqlite:app.db"])), @"
    exit 0
    -- stderr --
    left out key old: not needed by any of the 2 sessions and 1 pending login of sqlite:app.db
    wrote jwks.json
    ");
    assert_eq!(kids_in(&sandbox, "jwks.json"), "key1 key2");
}

#[test]
fn a_store_that_shows_nothing_lets_no_key_go() {
    let named = publish(&["--store", "sqlite:app.db"]);
    let sandbox = published();
    let database = AppDatabase::open(&sandbox.path("app.db"));
    database.record("did:web:broken", "{");
    assert_says(&sandbox.run(&named), 2, "jwks.json contains key old, but the new set does not");
    database.execute("DELETE FROM auth_session; DELETE FROM auth_state");
    assert_says(&sandbox.run(&named), 2, "jwks.json contains key old, but the new set does not");
    database.close();
    std::fs::remove_file(sandbox.path("app.db")).unwrap();
    let output = sandbox.run(&named);
    assert_says(&output, 2, "warning: cannot find out which keys sessions need: ");
    assert_says(&output, 2, "error: jwks.json contains key old, but the new set does not");
}

#[test]
fn a_key_is_dropped_by_name() {
    let sandbox = published();
    assert_eq!(sandbox.result(publish(&["--drop-key", "old", "-q"])), "");
    assert_eq!(kids_in(&sandbox, "jwks.json"), "key1 key2");
    // Again, as in a script.
    assert_eq!(sandbox.result(publish(&["--drop-key", "old", "-q"])), "");
    insta::assert_snapshot!(sandbox.refusal(publish(&["--drop-key", "key2"])), @"
    exit 2
    -- stderr --
    error: key key2 is in the key set, so it is published
    hint: `oauthctl keys retire key2` removes it from the set
    ");
}

#[test]
fn another_key_under_a_published_kid_is_refused() {
    let sandbox = published();
    sandbox.file("keys.json", format!("[{},{KEY2}]", jwk_with(KEY2, &json!({"kid": "key1"}))));
    let output = sandbox.refusal(publish(&["--drop-key", "old"]));
    assert_says(&output, 2, "error: jwks.json has another key under the kid key1");
}

#[test]
fn a_key_that_records_need_and_no_source_has_is_missed() {
    let sandbox = published();
    sandbox.file("keys.json", KEY1);
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "keys.json", "-o", "new.json"]), @"
    exit 2
    -- stderr --
    error: sqlite:app.db has 1 session and 1 pending login bound to key key2, but no key source contains the key
    hint: add the source of key key2 with --keys: without it those users are logged out; if it is lost: --drop-key KID
    ");
    let output = sandbox.run(["jwks", "--keys", "keys.json"]);
    assert_eq!((output.code, kids(&keys_in(&output.stdout)).join(" ")), (0, "key1".to_owned()));
    insta::assert_snapshot!(output.stderr, @"warning: sqlite:app.db has 1 session and 1 pending login bound to key key2, but no key source contains the key; add the source of key key2 with --keys: without it those users are logged out");
    assert_eq!(sandbox.run(["jwks", "--keys", "keys.json", "--offline"]).stderr, "");
    for more in ["--offline", "--drop-key=key2"] {
        assert_eq!(
            sandbox.run(["jwks", "--keys", "keys.json", "-o", "new.json", "--force", more]).code,
            0,
            "{more}"
        );
    }
}

#[test]
fn records_in_any_layout_and_any_wrapping_need_their_key() {
    let bound = session(ALICE, "3h");
    let cached = json!({"value": bound, "ttl": 60, "cachedAt": 1});
    let cases: [(&str, String); 5] = [
        ("INSERT INTO auth_session VALUES ('did:web:other', ?)", bound.to_string()),
        ("CREATE TABLE elsewhere (a, b); INSERT INTO elsewhere VALUES (1, ?)", bound.to_string()),
        (
            "CREATE TABLE elsewhere (a, b); INSERT INTO elsewhere VALUES (?, NULL)",
            json!(bound.to_string()).to_string(),
        ),
        ("CREATE TABLE elsewhere (a BLOB); INSERT INTO elsewhere VALUES (?)", cached.to_string()),
        (
            "CREATE TABLE \"odd \"\"name\" (a TEXT); INSERT INTO \"odd \"\"name\" VALUES (?)",
            state("key1").to_string(),
        ),
    ];
    for (sql, value) in cases {
        let sandbox = Sandbox::new();
        sandbox.file("keys.json", KEY2);
        let database = AppDatabase::create(&sandbox.path("app.db"));
        database.execute(&sql.replace('?', &format!("'{value}'")));
        database.close();
        let output = sandbox.run(["jwks", "--keys", "keys.json", "-o", "jwks.json"]);
        assert_says(&output, 2, "bound to key key1, but no key source contains the key");
    }
}

#[test]
fn records_under_any_key_of_redis_need_their_key() {
    let redis = Redis::start();
    let bound = session(ALICE, "3h").to_string();
    let mut sandbox = Sandbox::new();
    sandbox.file("keys.json", KEY2);
    sandbox.set("REDIS_URL", redis.url());
    let publish = ["jwks", "--keys", "keys.json", "-o", "jwks.json", "--force"];
    for (key, value, is_needed) in [
        (format!("atproto:oauth:sessions:{ALICE}"), bound.clone(), true),
        (format!("anything:{BOB}:x"), bound.clone(), true),
        ("cache:session".to_owned(), json!({"value": bound, "cachedAt": 1}).to_string(), true),
        ("oauth:state:abc".to_owned(), state("key1").to_string(), true),
        (format!("oauthctl:note:{ALICE}"), bound.clone(), false),
        (
            format!("cache:profile:{ALICE}"),
            r#"{"value":{"handle":"a"},"cachedAt":1}"#.to_owned(),
            false,
        ),
        (format!("cache:handle:{ALICE}"), "alice.example.com".to_owned(), false),
        (format!("oauth:lock:@atproto-oauth-client-{ALICE}"), "0b8c12".to_owned(), false),
    ] {
        redis.ask(&["FLUSHALL"]);
        redis.ask(&["SET", &key, &value]);
        let output = sandbox.run(publish);
        assert_eq!(output.code, if is_needed { 2 } else { 0 }, "{key}: {output}");
        assert_eq!(
            output.stderr.contains("bound to key key1, but no key source contains the key"),
            is_needed,
            "{output}"
        );
    }
}

#[test]
fn records_of_other_clients_need_no_keys_and_are_reported() {
    let sandbox = published();
    let mut theirs = session(ALICE, "3h");
    theirs["authMethod"]["kid"] = json!("theirs");
    theirs["tokenSet"]["access_token"] = json!(token_of("https://other.example.com/c.json"));
    AppDatabase::open(&sandbox.path("app.db")).session(&theirs);
    let settings = "keys = 'all.json'\n[client]\nclient_id = 'https://app.example.com/c.json'\n";
    sandbox.file("oauthctl.toml", settings);
    let output = sandbox.run(["jwks", "-o", "jwks.json", "--force"]);
    let said = "warning: 1 session of sqlite:app.db is bound to key theirs, which no key source has, and named for the \
        client https://other.example.com/c.json, not for https://app.example.com/c.json";
    assert_says(&output, 0, said);
    sandbox.file("oauthctl.toml", settings.replace("app.example", "other.example"));
    assert_says(
        &sandbox.refusal(["jwks", "-o", "jwks.json", "--force"]),
        2,
        "1 session bound to key theirs",
    );
}

pub(crate) fn token_of(client_id: &str) -> String {
    use base64::Engine as _;
    let claims = json!({"client_id": client_id}).to_string();
    format!(
        "eyJ0eXAiOiJhdCtqd3QifQ.{}.c2ln",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims)
    )
}

#[test]
fn a_silent_store_delays_publishing_by_five_seconds_at_most() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sandbox = Sandbox::new();
    sandbox
        .set("KEY", KEY1)
        .set("REDIS_URL", format!("redis://{}", listener.local_addr().unwrap()));
    let begun = std::time::Instant::now();
    let output = sandbox.run(["jwks", "--keys", "env:KEY", "-o", "jwks.json"]);
    assert_says(&output, 0, "warning: cannot find out which keys sessions need: ");
    assert!(begun.elapsed() < std::time::Duration::from_secs(9), "{:?}", begun.elapsed());
    assert_eq!(kids_in(&sandbox, "jwks.json"), "key1");
}

const METADATA: [&str; 5] =
    ["metadata", "--client-uri", "https://app.example.com", "--redirect-uri", "/cb"];

#[test]
fn confidential_documents_do_not_become_public_by_mistake() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", KEY1);
    let write =
        |more: &[&str]| sandbox.run([&METADATA[..], &["-o", "c.json", "--force"], more].concat());
    assert_eq!(write(&["--keys", "keys.json"]).code, 0);
    let before = sandbox.read("c.json");
    assert_says(
        &write(&[]),
        2,
        "error: c.json: describes a confidential client, but no key source is configured",
    );
    assert_eq!(sandbox.read("c.json"), before);
    sandbox.file("oauthctl.toml", "[client]\nauth_method = 'private_key_jwt'\n");
    assert_says(&write(&[]), 2, "no key source is configured, so there are no keys to publish");
    sandbox.file("oauthctl.toml", "keys = 'keys.json'\n[client]\nauth_method = 'none'\n");
    let output = write(&[]);
    assert!(output.code == 0 && output.stderr.starts_with("wrote c.json for "), "{output}");
    let document = Value::Object(object(&sandbox.read("c.json")));
    assert_eq!(document["token_endpoint_auth_method"], "none");
}

#[test]
fn keys_in_the_metadata_are_guarded_likewise() {
    let sandbox = published();
    let write = |keys, more: &[&str]| {
        let file = ["-o", "c.json", "--force", "--jwks", "inline", "--keys", keys];
        sandbox.run([&METADATA[..], &file, more].concat())
    };
    assert_eq!(write("all.json", &[]).code, 0);
    assert_says(&write("keys.json", &[]), 2, "c.json contains key old, but the new set does not");
    assert_eq!(write("keys.json", &["--drop-key", "old"]).code, 0);
}

#[test]
fn how_the_client_authenticates_is_one_of_two_words() {
    let sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", "[client]\nauth_method = 'client_secret_basic'\n");
    insta::assert_snapshot!(sandbox.refusal(["jwks"]), @r#"
    exit 2
    -- stderr --
    error: client.auth_method: is neither "none" nor "private_key_jwt"
    hint: write auth_method = "private_key_jwt" if the app has keys, otherwise "none"
    "#);
    for (method, keys, part) in [
        (
            "private_key_jwt",
            "",
            "client.auth_method is private_key_jwt, but no key source is configured",
        ),
        ("none", "keys = 'keys.json'\n", "client.auth_method is none, but keys are configured"),
        ("x", "", "client.auth_method: is neither"),
    ] {
        sandbox.file("keys.json", KEY1);
        let client = "[client]\nclient_uri = 'https://app.example.com'\n";
        sandbox.file("oauthctl.toml", format!("{keys}{client}auth_method = '{method}'\n"));
        let output = sandbox.run(["doctor", "--offline"]);
        assert!(output.stdout.contains(part), "{output}");
    }
}

#[test]
fn public_documents_require_a_store_without_bound_sessions() {
    let sandbox = published();
    let write =
        |more: &[&str]| sandbox.run([&METADATA[..], &["-o", "c.json", "--force"], more].concat());
    assert_eq!(write(&["--keys", "all.json"]).code, 0);
    let before = sandbox.read("c.json");
    sandbox.file(
        "oauthctl.toml",
        "keys = 'all.json'\n[client]\nauth_method = 'none'\n[store]\nurl = 'sqlite:app.db'\n",
    );
    insta::assert_snapshot!(write(&[]), @r#"
    exit 2
    -- stderr --
    error: sqlite:app.db has 1 session bound to key key1, which the app could not refresh as a public client
    hint: describe a confidential client: no --public, and no auth_method = "none" under [client]; if those sessions are lost: --drop-key key1
    "#);
    assert_says(&write(&["--drop-key", "key1"]), 2, "bound to key key2");
    assert_eq!(sandbox.read("c.json"), before);
    assert_says(
        &sandbox.run(METADATA),
        0,
        "warning: sqlite:app.db has 1 session bound to key key1",
    );
    sandbox.file("oauthctl.toml", "keys = 'all.json'\n[store]\nurl = 'sqlite:app.db'\n");
    assert_says(&write(&["--public"]), 2, "bound to key key1");
    assert_eq!(write(&["--public", "--drop-key", "key1", "--drop-key", "key2"]).code, 0);
}
