//! `oauthctl keys list`: the active key, the next key, and the records bound to each key.

use std::fs;

use serde_json::json;

use crate::database::AppDatabase;
use crate::keys::{array_of, now, store};
use crate::samples::{ALICE, KEY1, KEY2, jwk_with, object, session};
use crate::sandbox::Sandbox;

/// RFC 7638 thumbprint of the material of [`KEY1`].
const THUMBPRINT1: &str = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";

#[test]
fn list_shows_what_each_key_does() {
    let next = jwk_with(KEY1, &json!({"kid": THUMBPRINT1, "nbf": now() + 3600, "iat": now() - 60}));
    let sandbox = array_of(&[&next, KEY2, &jwk_with(KEY1, &json!({"iat": 1_700_000_000}))]);
    insta::assert_snapshot!(sandbox.run(["keys", "list", "--keys", "keys.json"]), @r"
    exit 0
    -- stdout --
    KID                                          STATE       CREATED    SESSIONS  LOGINS  SOURCE
    cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s  next in 1h  1m ago     -         -       keys.json
    key2                                         active      -          -         -       keys.json
    key1                                         retiring    1104d ago  -         -       keys.json
    -- stderr --
    use --store to count the sessions that depend on each key
    ");
}

#[test]
fn list_counts_bound_records_in_a_configured_store() {
    let third = jwk_with(KEY1, &json!({"kid": "spare"}));
    let mut sandbox = array_of(&[KEY1, KEY2, &third]);
    store(&sandbox);
    let list = ["keys", "list", "--keys", "keys.json"];
    let by_flag = sandbox.run([&list[..], &["--store", "sqlite:app.db"]].concat());
    insta::assert_snapshot!(by_flag, @r"
    exit 0
    -- stdout --
    KID    STATE     CREATED  SESSIONS  LOGINS  SOURCE
    key1   active    -        1         0       keys.json
    key2   retiring  -        1         1       keys.json
    spare  unused    -        0         0       keys.json
    ");
    sandbox.file("oauthctl.toml", "[store]\nurl = 'sqlite:app.db'\n");
    assert_eq!(sandbox.run(list), by_flag);
    fs::remove_file(sandbox.path("oauthctl.toml")).unwrap();
    sandbox.set("OAUTHCTL_STORE", "sqlite:app.db");
    assert_eq!(sandbox.run(list), by_flag);
}

#[test]
fn list_counts_nothing_in_a_store_that_was_merely_found() {
    let mut sandbox = array_of(&[KEY1, KEY2]);
    store(&sandbox);
    let found = sandbox.run(["keys", "list", "--keys", "keys.json"]);
    insta::assert_snapshot!(found, @r"
    exit 0
    -- stdout --
    KID   STATE     CREATED  SESSIONS  LOGINS  SOURCE
    key1  active    -        -         -       keys.json
    key2  retiring  -        -         -       keys.json
    -- stderr --
    use --store to count the sessions that depend on each key
    ");
    sandbox.set("DATABASE_PATH", "app.db");
    assert_eq!(sandbox.run(["keys", "list", "--keys", "keys.json"]), found);
}

#[test]
fn list_says_whether_a_kid_proves_which_key_it_names() {
    let sandbox = Sandbox::new();
    for (jwk, kid, matches) in
        [(KEY1, THUMBPRINT1, "yes"), (KEY2, THUMBPRINT1, "no"), (KEY1, "key1", "-")]
    {
        sandbox.file("key.json", jwk_with(jwk, &json!({ "kid": kid })));
        let output = sandbox.run(["keys", "list", "--keys", "key.json", "--format", "jsonl", "-q"]);
        assert_eq!(object(&output.stdout)["thumbprint"], matches, "{kid}");
    }
}

#[test]
fn list_is_no_wider_than_a_terminal_usually_is() {
    let next =
        jwk_with(KEY1, &json!({"kid": THUMBPRINT1, "nbf": now() + 86_400, "iat": now() - 60}));
    let sandbox = array_of(&[&next, &jwk_with(KEY2, &json!({"iat": 1_700_000_000}))]);
    store(&sandbox);
    let output = sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "sqlite:app.db"]);
    assert!(output.stdout.lines().all(|line| line.chars().count() <= 100), "{output}");
    assert!(output.stdout.contains("next in 24h"), "{output}");
}

#[test]
fn list_warns_of_a_kid_that_is_the_thumbprint_of_another_key() {
    let sandbox = array_of(&[&jwk_with(KEY2, &json!({"kid": THUMBPRINT1}))]);
    let output = sandbox.run(["keys", "list", "--keys", "keys.json", "-q"]);
    assert!(
        output.stderr.contains("looks like a thumbprint but does not match its key"),
        "{output}"
    );
}

#[test]
fn list_warns_of_sessions_whose_key_is_gone() {
    let sandbox = array_of(&[KEY1]);
    store(&sandbox);
    let database = AppDatabase::create(&sandbox.path("evil.db"));
    let mut evil = session(ALICE, "3h");
    evil["authMethod"]["kid"] = json!("\u{1b}[2Jlost");
    database.session(&evil);
    insta::assert_snapshot!(sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "sqlite:app.db", "-q"]), @r"
    exit 0
    -- stdout --
    KID   STATE   CREATED  SESSIONS  LOGINS  SOURCE
    key1  active  -        1         0       keys.json
    -- stderr --
    warning: 2 records bound to key key2, which is not in the set: the app deletes them when their users return
    ");
    let harmless =
        sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "sqlite:evil.db"]);
    assert!(
        harmless.stderr.contains("lost") && !harmless.to_string().contains('\u{1b}'),
        "{harmless}"
    );
}

#[test]
fn list_warns_when_nobody_can_log_in() {
    let sandbox = array_of(&[&jwk_with(KEY1, &json!({"revoked": true}))]);
    store(&sandbox);
    insta::assert_snapshot!(sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "sqlite:app.db", "-q"]), @r"
    exit 0
    -- stdout --
    KID   STATE     CREATED  SESSIONS  LOGINS  SOURCE
    key1  retiring  -        1         0       keys.json
    -- stderr --
    warning: key key1 has expired or is revoked: the app cannot refresh the sessions bound to it
    warning: no key can sign, so logins fail
    warning: 2 records bound to key key2, which is not in the set: the app deletes them when their users return
    ");
}

#[test]
fn list_shows_the_keys_while_the_store_does_not_answer() {
    let sandbox = array_of(&[KEY1, KEY2]);
    let output =
        sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "redis://127.0.0.1:1"]);
    assert_eq!((output.code, output.stdout.lines().count()), (3, 3), "{output}");
    assert!(
        output.stdout.contains("key2  retiring  -        -         -       keys.json"),
        "{output}"
    );
    assert!(
        output.stderr.starts_with("warning: cannot count what depends on each key: "),
        "{output}"
    );
    assert_eq!(output.stderr.lines().count(), 1, "{output}");
    // Errors of the command line are still reported.
    assert_eq!(
        sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "nonsense://x"]).code,
        2
    );
}

#[test]
fn list_calls_no_key_unused_that_retire_would_keep() {
    let sandbox = array_of(&[KEY1, KEY2]);
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let check = |doubt: &str| {
        let output =
            sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "sqlite:app.db"]);
        assert_eq!(output.stderr, format!("warning: {doubt}: no key is shown as unused\n"));
        assert!(output.stdout.contains("key2  retiring  -        0         0 "), "{output}");
        let retire = ["keys", "retire", "key2", "--keys", "keys.json", "--store", "sqlite:app.db"];
        assert_eq!(sandbox.run(retire).code, 2);
    };
    check("sqlite:app.db contains no sessions and logins");
    database.session(&session(ALICE, "3h")).record("did:web:damaged", "{");
    check(
        "1 record of sqlite:app.db (did:web:damaged) could not be read and may be bound to any key",
    );
}
