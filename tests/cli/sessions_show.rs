//! `oauthctl sessions show` shows all data of one account's sessions except their secrets.

use testbed::redis::Redis;

use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, session};
use crate::sandbox::Sandbox;

fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&session(ALICE, "40h")).record(BOB, "{}");
    database.close();
    sandbox
}

#[test]
fn a_session_is_shown_one_field_a_line() {
    insta::assert_snapshot!(app().run(["sessions", "show", ALICE]), @r"
    exit 0
    -- stdout --
    key                did:plc:ewvi7nxzyoun6zhxrhs64oiz
    layout             statusphere
    did                did:plc:ewvi7nxzyoun6zhxrhs64oiz
    status             due
    issuer             https://auth.example.com
    pds                https://pds.example.com/
    scope              atproto transition:generic
    auth_method        private_key_jwt
    kid                key1
    dpop_alg           ES256K
    expires_at         2026-11-21T21:00:00Z
    last_refreshed_at  2026-11-21T20:00:00Z (1d 16h ago)
    last_refreshed_by  access_token
    ");
}

#[test]
fn a_record_that_is_no_session_is_shown_too() {
    insta::assert_snapshot!(app().run(["sessions", "show", BOB]), @r"
    exit 0
    -- stdout --
    key     did:plc:z72i7hdynmk6r22z27h6tvur
    layout  statusphere
    did     unknown
    status  foreign
    reason  no token set
    ");
}

#[test]
fn json_is_a_list_as_that_of_all_sessions() {
    insta::assert_snapshot!(app().run(["sessions", "show", ALICE, "--format", "json"]), @r#"
    exit 0
    -- stdout --
    [
    {"key":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","issuer":"https://auth.example.com","pds":"https://pds.example.com/","scope":"atproto transition:generic","auth_method":"private_key_jwt","kid":"key1","dpop_alg":"ES256K","expires_at":"2026-11-21T21:00:00.000Z","last_refreshed_at":"2026-11-21T20:00:00.000Z","last_refreshed_by":"access_token","status":"due","reason":null,"layout":"statusphere","format":"node"}
    ]
    "#);
}

#[test]
fn tokens_and_keys_are_not_shown() {
    let sandbox = app();
    for format in ["table", "json", "jsonl", "csv"] {
        let output = sandbox.run(["sessions", "show", ALICE, "--format", format]).to_string();
        for secret in ["ref-0123456789abcdef", "eyJ0eXAi", "dpop-private"] {
            assert!(!output.contains(secret), "{format}: {output}");
        }
    }
}

#[test]
fn an_account_without_a_session_is_an_error() {
    insta::assert_snapshot!(app().refusal(["sessions", "show", "did:web:nobody"]), @r"
    exit 1
    -- stderr --
    error: did:web:nobody has no session in sqlite:app.db
    hint: `oauthctl sessions list --format jsonl` shows all accounts and keys
    ");
}

#[test]
fn what_is_no_account_is_refused() {
    insta::assert_snapshot!(app().refusal(["sessions", "show", "alice"]), @r#"
    exit 2
    -- stderr --
    error: "alice" is neither a DID nor a handle
    hint: write did:plc:abcdefghijklmnopqrstuvwx, did:web:example.com or alice.example.com
    "#);
}

#[test]
fn sessions_of_an_account_are_shown_separately_with_ttls() {
    let redis = Redis::start();
    for (sid, ttl) in [("one", "90000"), ("two", "7210")] {
        let key = format!("atproto:oauth:sessions:{ALICE}:{sid}");
        redis.ask(&["SET", &key, &session(ALICE, "40h").to_string(), "EX", ttl]);
    }
    let url = redis.url();
    let shown = Sandbox::new().run([
        "sessions",
        "show",
        ALICE,
        "--store",
        &url,
        "--layout",
        "npmx-browser",
    ]);
    let cards: Vec<_> = shown.stdout.split("\n\n").collect();
    assert_eq!((shown.code, cards.len()), (0, 2), "{shown}");
    // Some time may have passed.
    let left = |card: &str| {
        ["1d 1h", "1d", "2h"]
            .iter()
            .any(|left| card.contains(&format!("ttl                expires in {left}")))
    };
    assert!(cards.iter().all(|card| card.starts_with("key ") && left(card)), "{shown}");
}
