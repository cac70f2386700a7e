//! A key is needed as long as any store of the settings file needs it, with any profile.

use serde_json::json;

use crate::database::AppDatabase;
use crate::keys::{array_of, keys_in, kids, store};
use crate::samples::{ALICE, BOB, KEY1, KEY2, jwk_with, session};
use crate::sandbox::Sandbox;

/// Returns keys `new`, `key1` and `key2`; sessions of `key1` and `key2` in the store of the top
/// level, and one of `new` in that of the profile preview.
fn two_stores() -> Sandbox {
    let new = jwk_with(KEY1, &json!({"kid": "new"}));
    let sandbox = array_of(&[&new, KEY1, KEY2]);
    store(&sandbox);
    AppDatabase::create(&sandbox.path("preview.db")).close();
    preview_has(&sandbox, "new");
    settings(&sandbox, "");
    sandbox
}

fn preview_has(sandbox: &Sandbox, kid: &str) {
    let mut bound = session(ALICE, "3h");
    bound["authMethod"]["kid"] = json!(kid);
    AppDatabase::open(&sandbox.path("preview.db")).session(&bound);
}

fn settings(sandbox: &Sandbox, more: &str) {
    let text = "keys = 'keys.json'\n[store]\nurl = 'sqlite:app.db'\n[profiles.preview.store]\nurl = 'sqlite:preview.db'\n";
    sandbox.file("oauthctl.toml", format!("{text}{more}"));
}

#[test]
fn retire_counts_in_every_store_that_shares_the_key() {
    let sandbox = two_stores();
    insta::assert_snapshot!(sandbox.refusal(["--profile", "preview", "keys", "retire", "key2"]), @"
    exit 2
    -- stderr --
    error: 1 session and 1 pending login of sqlite:app.db (the settings without a profile) are bound to key key2 and would be lost with it
    hint: keep the key until they have ended, or end them with `oauthctl sessions revoke --kid key2`
    ");
    for arguments in [
        &["--profile", "preview", "keys", "retire", "key1", "--unused"] as &[_],
        &["--profile", "preview", "keys", "retire", "key1", "--revoke-sessions", "--yes"],
        &["--store", "sqlite:preview.db", "keys", "retire", "key1"],
    ] {
        let refusal = sandbox.refusal(arguments);
        assert!(refusal.stderr.contains("1 session of sqlite:app.db"), "{refusal}");
    }
    // Likewise the other way round.
    preview_has(&sandbox, "key1");
    AppDatabase::open(&sandbox.path("app.db"))
        .execute(&format!("DELETE FROM auth_session WHERE key = '{ALICE}'"));
    insta::assert_snapshot!(sandbox.refusal(["keys", "retire", "key1"]), @"
    exit 2
    -- stderr --
    error: 1 session of sqlite:preview.db (profile preview) is bound to key key1 and would be lost with it
    hint: keep the key until they have ended, or end them with `oauthctl --profile preview sessions revoke --kid key1`
    ");
    AppDatabase::open(&sandbox.path("preview.db")).execute("DELETE FROM auth_session");
    assert_eq!(sandbox.run(["keys", "retire", "key1"]).code, 0);
}

#[test]
fn retire_names_a_shared_store_that_cannot_be_read() {
    let sandbox = two_stores();
    std::fs::remove_file(sandbox.path("preview.db")).unwrap();
    AppDatabase::open(&sandbox.path("app.db"))
        .execute(&format!("DELETE FROM auth_session WHERE key = '{ALICE}'"));
    let refusal = sandbox.refusal(["keys", "retire", "key1"]);
    let part = "error: the store of profile preview cannot be read, but its sessions may be bound to key key1";
    assert!(refusal.code == 2 && refusal.stderr.contains(part), "{refusal}");
    let output = sandbox.run(["keys", "retire", "key1", "--unused"]);
    let part = "warning: cannot find out whether the store of profile preview needs key key1: ";
    assert!(output.code == 0 && output.stderr.contains(part), "{output}");
}

#[test]
fn a_profile_with_its_own_keys_and_client_is_ignored() {
    let sandbox = two_stores();
    sandbox.file("keys.json", format!("[{KEY1},{}]", jwk_with(KEY1, &json!({"kid": "old"}))));
    preview_has(&sandbox, "old");
    sandbox.file("preview.json", jwk_with(KEY2, &json!({"kid": "old"})));
    let apart = "[profiles.preview]\nkeys = 'preview.json'\n[client]\nclient_id = 'https://app.example.com/c.json'\n";
    // With a single client, one document contains the keys of both.
    settings(&sandbox, apart);
    assert_eq!(sandbox.refusal(["keys", "retire", "old"]).code, 2);
    let other = "[profiles.preview.client]\nclient_id = 'https://preview.example.com/c.json'\n";
    settings(&sandbox, &format!("{apart}{other}"));
    let output = sandbox.run(["keys", "retire", "old"]);
    assert_eq!(output.code, 0, "{output}");
}

#[test]
fn a_published_key_stays_while_any_configured_store_needs_it() {
    let sandbox = two_stores();
    let publish = ["--profile", "preview", "jwks", "-o", "jwks.json", "--force"];
    assert_eq!(sandbox.run(publish).code, 0);
    sandbox.file("keys.json", format!("[{},{KEY1}]", jwk_with(KEY1, &json!({"kid": "new"}))));
    insta::assert_snapshot!(sandbox.refusal(publish), @"
    exit 2
    -- stderr --
    error: sqlite:app.db (the settings without a profile) has 1 session and 1 pending login bound to key key2, but no key source contains the key
    hint: add the source of key key2 with --keys: without it those users are logged out; if it is lost: --drop-key KID
    ");
    assert_eq!(kids(&keys_in(&sandbox.read("jwks.json"))), ["new", "key1", "key2"]);
    let database = AppDatabase::open(&sandbox.path("app.db"));
    database
        .execute(&format!("DELETE FROM auth_session WHERE key = '{BOB}'; DELETE FROM auth_state"));
    database.close();
    insta::assert_snapshot!(sandbox.run(publish), @"
    exit 0
    -- stderr --
    left out key key2: not needed by any of the 1 session of sqlite:preview.db
    wrote jwks.json
    ");
}

#[test]
fn an_unreadable_shared_store_causes_a_warning() {
    let sandbox = two_stores();
    assert_eq!(sandbox.run(["jwks", "-o", "jwks.json"]).code, 0);
    AppDatabase::open(&sandbox.path("app.db"))
        .execute("DELETE FROM auth_state; DELETE FROM auth_session WHERE value LIKE '%key2%'");
    std::fs::remove_file(sandbox.path("preview.db")).unwrap();
    sandbox.file("keys.json", format!("[{},{KEY1}]", jwk_with(KEY1, &json!({"kid": "new"}))));
    let output = sandbox.run(["jwks", "-o", "jwks.json", "--force"]);
    let warned = output
        .stderr
        .contains("warning: cannot find out which keys the store of profile preview needs: ");
    assert!(
        output.code == 2 && warned && output.stderr.contains("jwks.json contains key key2"),
        "{output}"
    );
}
