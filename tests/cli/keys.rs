//! `oauthctl keys list | rotate | retire`: who signs, who takes over, who may go.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use testbed::{Credentials, Endpoint, Fault, Injection, LoginOptions, keys};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, KEY2, jwk_with, object, session, state};
use crate::sandbox::{NOW, Output, Sandbox, interrupt};

/// RFC 7638 thumbprint of the material of [`KEY1`].
const THUMBPRINT1: &str = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";

/// The moment the clock of the sandbox stands at, in seconds.
fn now() -> i64 {
    NOW.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// A sandbox whose keys.json holds these keys as an array.
fn array_of(keys: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("[{}]\n", keys.join(",")));
    sandbox
}

/// The keys in an array or a JWKS.
fn keys_in(text: &str) -> Vec<Map<String, Value>> {
    let keys = match serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}")) {
        Value::Array(keys) => keys,
        mut jwks => jwks["keys"].as_array_mut().unwrap().drain(..).collect(),
    };
    keys.into_iter().map(|key| key.as_object().unwrap().clone()).collect()
}

fn kids(keys: &[Map<String, Value>]) -> Vec<&str> {
    keys.iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

/// The states that `keys list` tells, by kid.
fn states(sandbox: &Sandbox, options: &[&str]) -> Vec<(String, String)> {
    let output = sandbox.run([&["keys", "list", "--format", "jsonl", "-q"], options].concat());
    assert_eq!(output.code, 0, "{output}");
    let text = |row: &Map<String, Value>, name: &str| row[name].as_str().unwrap().to_owned();
    output.stdout.lines().map(object).map(|row| (text(&row, "kid"), text(&row, "state"))).collect()
}

/// The value in a line `NAME='value'`.
fn assigned<'o>(output: &'o Output, name: &str) -> &'o str {
    let value = output.stdout.strip_prefix(name).and_then(|rest| rest.strip_prefix("='"));
    value.and_then(|rest| rest.strip_suffix("'\n")).unwrap_or_else(|| panic!("{name} is not assigned: {output}"))
}

/// A store in which one session is bound to `key1`, and one session and one login to `key2`.
fn store(sandbox: &Sandbox) {
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let mut other = session(BOB, "3h");
    other["authMethod"]["kid"] = json!("key2");
    database.session(&session(ALICE, "3h")).session(&other).state("pending", &state("key2"));
    database.close();
}

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
    name a store (--store) to count the sessions that depend on each key
    ");
}

#[test]
fn list_counts_what_depends_on_each_key_in_a_store_that_is_named() {
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
    name a store (--store) to count the sessions that depend on each key
    ");
    sandbox.set("DATABASE_PATH", "app.db");
    assert_eq!(sandbox.run(["keys", "list", "--keys", "keys.json"]), found);
}

#[test]
fn list_says_whether_a_kid_proves_which_key_it_names() {
    let sandbox = Sandbox::new();
    for (jwk, kid, matches) in [(KEY1, THUMBPRINT1, "yes"), (KEY2, THUMBPRINT1, "no"), (KEY1, "key1", "-")] {
        sandbox.file("key.json", jwk_with(jwk, &json!({ "kid": kid })));
        let output = sandbox.run(["keys", "list", "--keys", "key.json", "--format", "jsonl", "-q"]);
        assert_eq!(object(&output.stdout)["thumbprint"], matches, "{kid}");
    }
}

#[test]
fn list_is_no_wider_than_a_terminal_usually_is() {
    let next = jwk_with(KEY1, &json!({"kid": THUMBPRINT1, "nbf": now() + 86_400, "iat": now() - 60}));
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
    assert!(output.stderr.contains("has the form of a thumbprint, and is not that of its key"), "{output}");
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
    let harmless = sandbox.run(["keys", "list", "--keys", "keys.json", "--store", "sqlite:evil.db"]);
    assert!(harmless.stderr.contains("lost") && !harmless.to_string().contains('\u{1b}'), "{harmless}");
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
    warning: no key can sign: nobody can log in
    warning: 2 records bound to key key2, which is not in the set: the app deletes them when their users return
    ");
}

#[test]
fn rotate_puts_a_new_key_in_front_that_signs_from_tomorrow() {
    let sandbox = array_of(&[KEY1, KEY2]);
    let output = sandbox.run(["keys", "rotate", "--keys", "keys.json"]);
    let keys = keys_in(&sandbox.read("keys.json"));
    let new = &keys[0];
    let kid = new["kid"].as_str().unwrap();
    insta::assert_snapshot!(output.to_string().replace(kid, "<new>"), @"
    exit 0
    -- stderr --
    new key <new>, in front of key1
    1. deploy keys.json to every instance of the app, and publish `oauthctl jwks` anew
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    assert_eq!(kids(&keys), [kid, "key1", "key2"]);
    let members: Vec<_> = new.keys().map(String::as_str).collect();
    assert_eq!(members, ["kty", "crv", "x", "y", "d", "kid", "alg", "key_ops", "iat", "nbf"]);
    assert_eq!((&new["iat"], &new["nbf"]), (&json!(now()), &json!(now() + 86_400)));
    let listed = sandbox.run(["keys", "list", "--keys", "keys.json", "--format", "jsonl", "-q"]);
    let listed = object(listed.stdout.lines().next().unwrap());
    assert_eq!((&listed["thumbprint"], &listed["state"]), (&json!("yes"), &json!("next")));
    assert_eq!(listed["active_from"], "2026-11-24T12:00:00Z");
}

#[test]
fn rotate_leaves_the_keys_there_are_as_they_are() {
    let odd = jwk_with(KEY2, &json!({"later": {"b": [1, null, "ü"], "a": -0.5}, "ext": true}));
    let sandbox = Sandbox::new();
    for (form, begin, end) in [("array", "[", "]\n"), ("JWKS", "{\"keys\":[", "]}\n")] {
        sandbox.file("keys.json", format!(" {begin}\n{KEY1},\n\t{odd}{end}"));
        sandbox.run(["keys", "rotate", "--keys", "keys.json"]);
        let text = sandbox.read("keys.json");
        let rest = text.strip_prefix(begin).unwrap_or_else(|| panic!("no {form}: {text}"));
        let old = rest.split_once("},").unwrap().1;
        assert_eq!(old, format!("{KEY1},{odd}{end}"), "{form}");
    }
}

#[test]
fn the_new_key_signs_when_its_time_has_come() {
    let mut sandbox = array_of(&[KEY1]);
    sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", "new", "--activate-in", "2h"]);
    let keys = ["--keys", "keys.json"];
    let said = |new: &str, old: &str| vec![("new".to_owned(), new.to_owned()), ("key1".to_owned(), old.to_owned())];
    assert_eq!(states(&sandbox, &keys), said("next", "active"));
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T13:59:59Z");
    assert_eq!(states(&sandbox, &keys), said("next", "active"));
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T14:00:00Z");
    assert_eq!(states(&sandbox, &keys), said("active", "retiring"));
    // Both are published throughout.
    assert_eq!(kids(&keys_in(&sandbox.result(["jwks", "--keys", "keys.json"]))), ["new", "key1"]);
}

#[test]
fn rotate_stages_a_key_right_behind_the_active_one() {
    let sandbox = array_of(&[&jwk_with(KEY1, &json!({"kid": "revoked", "revoked": true})), KEY2, KEY1]);
    let output = sandbox.run(["keys", "rotate", "--keys", "keys.json", "--stage", "--kid", "new"]);
    insta::assert_snapshot!(output, @"
    exit 0
    -- stderr --
    new key new, behind key2
    1. deploy keys.json to every instance of the app, and publish `oauthctl jwks` anew
    2. at least 10m later: `oauthctl keys rotate --promote new` makes it the one that signs
    when nothing depends on key2 any more: `oauthctl keys retire key2`
    ");
    let keys = keys_in(&sandbox.read("keys.json"));
    assert_eq!(kids(&keys), ["revoked", "key2", "new", "key1"]);
    assert!(!keys[2].contains_key("nbf"));
    assert_eq!(states(&sandbox, &["--keys", "keys.json"])[2].1, "next");
}

#[test]
fn rotate_warns_when_servers_cannot_have_learnt_the_key_in_time() {
    let sandbox = array_of(&[KEY1]);
    let output = sandbox.run(["keys", "rotate", "--keys", "keys.json", "--activate-in", "9m", "-q"]);
    insta::assert_snapshot!(output, @"
    exit 0
    -- stderr --
    warning: servers keep a published key set for up to 10m: those that fetched it just now refuse the new key for as long
    ");
}

#[test]
fn a_key_with_a_variable_to_itself_gets_a_second_variable_beside_it() {
    for (first, second) in [
        ("NUXT_OAUTH_JWK_ONE", "NUXT_OAUTH_JWK_TWO"),
        ("PRIVATE_KEY_1", "PRIVATE_KEY_2"),
        ("PRIVATE_KEY", "PRIVATE_KEY_2"),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.set(first, KEY1);
        let output = sandbox.run(["keys", "rotate", "--keys", &format!("env:{first}"), "--kid", "new"]);
        let new = object(assigned(&output, second));
        assert_eq!((&new["kid"], &new["nbf"]), (&json!("new"), &json!(now() + 86_400)), "{output}");
        sandbox.set(second, assigned(&output, second));
        // What the advice says works: both, the new one first.
        let keys = ["--keys", &format!("env:{second}"), "--keys", &format!("env:{first}")];
        assert_eq!(states(&sandbox, &keys).len(), 2);
    }
    let mut sandbox = Sandbox::new();
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--kid", "new"]).stderr, @r#"
    new key new, in front of key1
    1. let the app load, in this order: env:NUXT_OAUTH_JWK_TWO, then env:NUXT_OAUTH_JWK_ONE; deploy, and publish `oauthctl jwks` anew
       name them to oauthctl in the same order: keys = ["env:NUXT_OAUTH_JWK_TWO", "env:NUXT_OAUTH_JWK_ONE"]
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    "#);
}

#[test]
fn every_source_that_the_app_must_load_is_named_in_order() {
    let mut sandbox = Sandbox::new();
    sandbox.set("JWK_1", KEY1).set("JWK_2", KEY2);
    sandbox.file("oauthctl.toml", "keys = ['env:JWK_2', 'env:JWK_1']");
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--kid", "new"]).stderr, @r#"
    new key new, in front of key2
    1. let the app load, in this order: env:JWK_3, then env:JWK_2, then env:JWK_1; deploy, and publish `oauthctl jwks` anew
       name them to oauthctl in the same order: keys = ["env:JWK_3", "env:JWK_2", "env:JWK_1"]
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key2 any more: `oauthctl keys retire key2`
    "#);
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--stage", "--kid", "new"]).stderr, @r#"
    new key new, behind key2
    1. let the app load, in this order: env:JWK_2, then env:JWK_3, then env:JWK_1; deploy, and publish `oauthctl jwks` anew
       name them to oauthctl in the same order: keys = ["env:JWK_2", "env:JWK_3", "env:JWK_1"]
    2. at least 10m later: `oauthctl keys rotate --promote new` makes it the one that signs
    when nothing depends on key2 any more: `oauthctl keys retire key2`
    "#);
}

#[test]
fn the_new_variable_may_be_named_but_must_be_free() {
    let mut sandbox = Sandbox::new();
    sandbox.set("OAUTH_JWK_ONE", KEY1).set("IN_USE", "x");
    let output = sandbox.run(["keys", "rotate", "--new-env", "OAUTH_JWK_NEXT"]);
    assert!(object(assigned(&output, "OAUTH_JWK_NEXT")).contains_key("d"));
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--new-env", "OAUTH_JWK_ONE"]), @"
    exit 2
    -- stderr --
    error: OAUTH_JWK_ONE has a value already, which the new key would take the place of
    hint: choose another name for the new key's variable
    ");
    assert_eq!(sandbox.refusal(["keys", "rotate", "--new-env", "IN_USE"]).code, 2);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--new-env", "1-X"]), @r#"
    exit 2
    -- stderr --
    error: "1-X" is no name for a variable
    hint: use letters, digits and _
    "#);
    // A set grows in its own place.
    sandbox.set("PRIVATE_KEYS", format!("[{KEY1}]"));
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "env:PRIVATE_KEYS", "--new-env", "X"]), @"
    exit 2
    -- stderr --
    error: env:PRIVATE_KEYS holds several keys, and the new one joins them
    hint: leave --new-env X out: it is for a key that has a variable to itself
    ");
}

#[test]
fn a_set_in_a_variable_is_printed_as_it_will_be() {
    let mut sandbox = Sandbox::new();
    sandbox
        .set("PRIVATE_KEYS", format!("[{KEY1},{KEY2}]"))
        .set("ATPROTO_JWK_PRIVATE", format!("{{\"keys\":[{KEY1}]}}"));
    let output = sandbox.run(["keys", "rotate", "--kid", "new"]);
    assert_eq!(kids(&keys_in(assigned(&output, "PRIVATE_KEYS"))), ["new", "key1", "key2"]);
    insta::assert_snapshot!(output.stderr, @"
    new key new, in front of key1
    1. give env:PRIVATE_KEYS its new value on every instance of the app, and publish `oauthctl jwks` anew
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    let output = sandbox.run(["keys", "rotate", "--keys", "env:ATPROTO_JWK_PRIVATE", "--kid", "new"]);
    let jwks = object(assigned(&output, "ATPROTO_JWK_PRIVATE"));
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn a_new_assignment_may_go_to_a_file_that_only_its_owner_reads() {
    let mut sandbox = Sandbox::new();
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    let output = sandbox.run(["keys", "rotate", "--kid", "new", "-o", "new.env"]);
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert!(sandbox.read("new.env").starts_with("NUXT_OAUTH_JWK_TWO='{"));
    assert_eq!(sandbox.mode("new.env"), 0o600);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "-o", "new.env"]), @"
    exit 2
    -- stderr --
    error: new.env: the file exists
    hint: choose another name
    ");
}

#[test]
fn a_key_with_a_file_to_itself_gets_a_second_file_beside_it() {
    let sandbox = Sandbox::new();
    sandbox.file("keys/client.json", KEY1);
    let rotate = ["keys", "rotate", "--keys", "keys/client.json", "--kid", "2026-11-new"];
    insta::assert_snapshot!(sandbox.run(rotate), @r#"
    exit 0
    -- stderr --
    wrote keys/client.202611ne.json
    new key 2026-11-new, in front of key1
    1. let the app load, in this order: keys/client.202611ne.json, then keys/client.json; deploy, and publish `oauthctl jwks` anew
       name them to oauthctl in the same order: keys = ["keys/client.202611ne.json", "keys/client.json"]
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    "#);
    assert_eq!(sandbox.read("keys/client.json"), KEY1);
    assert_eq!(object(&sandbox.read("keys/client.202611ne.json"))["kid"], "2026-11-new");
    assert_eq!(sandbox.mode("keys/client.202611ne.json"), 0o600);
    // Never over another.
    insta::assert_snapshot!(sandbox.refusal(rotate), @"
    exit 2
    -- stderr --
    error: keys/client.202611ne.json: the file exists
    hint: choose another name
    ");
}

#[test]
fn the_second_file_may_be_named_or_be_stdout() {
    let sandbox = Sandbox::new();
    sandbox.file("client.json", KEY1);
    sandbox.run(["keys", "rotate", "--keys", "client.json", "--kid", "new", "-o", "next.json"]);
    assert_eq!((object(&sandbox.read("next.json"))["kid"].as_str(), sandbox.mode("next.json")), (Some("new"), 0o600));
    let printed = sandbox.run(["keys", "rotate", "--keys", "client.json", "--kid", "new", "-o", "-"]);
    assert_eq!(object(&printed.stdout)["kid"], "new");
    assert_eq!(sandbox.files(), ["client.json", "next.json"]);
    assert_eq!(sandbox.refusal(["keys", "rotate", "--keys", "client.json", "-o", "client.json"]).code, 2);
}

#[test]
fn a_set_may_go_to_another_file_and_then_stays_as_it_is() {
    let sandbox = array_of(&[KEY1]);
    let before = sandbox.read("keys.json");
    let output = sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", "new", "-o", "next.json"]);
    insta::assert_snapshot!(output.stderr, @r"
    wrote next.json
    new key new, in front of key1
    1. deploy next.json in the place of keys.json to every instance of the app, and publish `oauthctl jwks` anew
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    assert_eq!(kids(&keys_in(&sandbox.read("next.json"))), ["new", "key1"]);
    let printed = sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", "new", "-o", "-"]);
    assert_eq!(kids(&keys_in(&printed.stdout)), ["new", "key1"]);
    assert_eq!(sandbox.read("keys.json"), before);
}

#[test]
fn keys_from_stdin_come_back_on_stdout() {
    let mut sandbox = Sandbox::new();
    sandbox.stdin(format!("[{KEY1}]"));
    let output = sandbox.run(["keys", "rotate", "--keys", "-", "--kid", "new"]);
    assert_eq!(kids(&keys_in(&output.stdout)), ["new", "key1"]);
    insta::assert_snapshot!(output.stderr, @"
    new key new, in front of key1
    1. deploy the set printed to every instance of the app, and publish `oauthctl jwks` anew
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    // One key alone: the new one alone.
    sandbox.stdin(KEY1);
    let output = sandbox.run(["keys", "rotate", "--keys", "-", "--kid", "new"]);
    assert_eq!(object(&output.stdout)["kid"], "new");
    insta::assert_snapshot!(output.stderr, @"
    new key new, in front of key1
    1. let the app load, in this order: the new key, then the old key; deploy, and publish `oauthctl jwks` anew
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
}

#[test]
fn a_kid_may_begin_with_a_hyphen() {
    let sandbox = array_of(&[KEY1]);
    sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", "-0WNMClehiVp"]);
    assert_eq!(kids(&keys_in(&sandbox.read("keys.json"))), ["-0WNMClehiVp", "key1"]);
}

#[test]
fn a_kid_that_is_taken_is_refused() {
    let sandbox = array_of(&[KEY1]);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "keys.json", "--kid", "key1"]), @"
    exit 2
    -- stderr --
    error: keys.json: two keys have the kid key1, and servers refuse such a set
    hint: remove one of them; never rename a key that sessions are bound to
    ");
}

#[test]
fn a_dry_run_of_rotate_writes_nothing_and_makes_no_key() {
    let mut sandbox = array_of(&[KEY1]);
    sandbox.file("client.json", KEY1);
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    let before = sandbox.everything();
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--keys", "keys.json", "--dry-run"]), @"
    exit 0
    -- stderr --
    dry run: nothing is written, and the key is not made
    new key KID, in front of key1
    1. deploy keys.json to every instance of the app, and publish `oauthctl jwks` anew
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--keys", "client.json", "-n"]), @r#"
    exit 0
    -- stderr --
    dry run: nothing is written, and the key is not made
    new key KID, in front of key1
    1. let the app load, in this order: client.KID.json, then client.json; deploy, and publish `oauthctl jwks` anew
       name them to oauthctl in the same order: keys = ["client.KID.json", "client.json"]
    2. before 2026-11-24T12:00:00Z every instance must have the key; from then on new sessions are bound to it
    3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    "#);
    for more in [&["--keys", "env:NUXT_OAUTH_JWK_ONE"][..], &["--keys", "client.json", "-o", "next.json"], &["--stage"]]
    {
        let output = sandbox.run([&["keys", "rotate", "-n"], more].concat());
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output}");
    }
    assert_eq!(sandbox.everything(), before);
}

#[test]
fn a_rotation_waits_for_the_one_before_it() {
    let mut sandbox = array_of(&[KEY1]);
    let rotate = |sandbox: &Sandbox, kid| sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", kid]);
    assert_eq!(rotate(&sandbox, "new").code, 0);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "keys.json"]), @"
    exit 2
    -- stderr --
    error: a rotation is under way: key new begins to sign at 2026-11-24T12:00:00Z
    hint: wait until then, or take it back with `oauthctl keys retire new`
    ");
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-24T12:00:00Z");
    assert_eq!(rotate(&sandbox, "newer").code, 0);
    assert_eq!(kids(&keys_in(&sandbox.read("keys.json"))), ["newer", "new", "key1"]);
}

#[test]
fn a_key_without_a_name_cannot_be_rotated() {
    let sandbox = Sandbox::new();
    sandbox.file("key.pem", sandbox.result(["gen-jwk", "--encoding", "pem", "-q"]));
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "key.pem"]), @"
    exit 2
    -- stderr --
    error: key.pem: key 1 has no kid, so the app cannot publish it
    hint: `oauthctl gen-jwk --from SOURCE --kid NAME` gives it the kid that the app uses for it
    ");
}

#[test]
fn nothing_to_rotate_is_an_error() {
    let sandbox = array_of(&[]);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "keys.json"]), @"
    exit 2
    -- stderr --
    error: there is no signing key to rotate
    hint: `oauthctl gen-jwk` makes a first one
    ");
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate"]), @"
    exit 2
    -- stderr --
    error: no key source is configured
    hint: name one with --keys env:NAME or --keys FILE, or in oauthctl.toml as `keys`; `oauthctl gen-jwk` makes a first key
    ");
    assert_eq!(sandbox.refusal(["keys", "rotate", "--keys", "missing/keys.json"]).code, 2);
}

#[test]
fn a_rewritten_file_keeps_its_owner_its_mode_and_its_links() {
    let sandbox = array_of(&[KEY1]);
    sandbox.sh("chmod 640 keys.json; mkdir current; ln -s ../keys.json current/keys.json");
    // Only root can give a file away.
    let given = sandbox.sh("chown 65534:65533 keys.json").code == 0;
    sandbox.run(["keys", "rotate", "--keys", "current/keys.json", "--kid", "new"]);
    let metadata = fs::metadata(sandbox.path("keys.json")).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o640);
    if given {
        assert_eq!((metadata.uid(), metadata.gid()), (65534, 65533));
    }
    assert_eq!(fs::read_link(sandbox.path("current/keys.json")).unwrap(), Path::new("../keys.json"));
    assert_eq!(kids(&keys_in(&sandbox.read("keys.json"))), ["new", "key1"]);
    assert_eq!(sandbox.files(), ["current", "keys.json"]);
}

#[test]
fn of_rotations_at_the_same_time_none_is_lost() {
    const AT_ONCE: usize = 8;
    let sandbox = array_of(&[KEY1]);
    sandbox.sh("mkdir current; ln -s ../keys.json current/keys.json");
    let started: Vec<_> = (0..AT_ONCE)
        .map(|n| {
            let path = if n % 2 == 0 { "keys.json" } else { "current/keys.json" };
            sandbox.start(["keys", "rotate", "--keys", path, "--activate-in", "0s", "--kid", &format!("new{n}")])
        })
        .collect();
    // Whoever reads meanwhile finds a whole set.
    for _ in 0..50 {
        let keys = keys_in(&sandbox.read("keys.json"));
        assert_eq!(keys.last().unwrap()["kid"], "key1");
    }
    for child in started {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let keys = keys_in(&sandbox.read("keys.json"));
    let mut found = kids(&keys);
    found.sort_unstable();
    assert_eq!(found, ["key1", "new0", "new1", "new2", "new3", "new4", "new5", "new6", "new7"]);
}

#[test]
fn of_ordinary_rotations_at_the_same_time_one_takes_place() {
    let sandbox = array_of(&[KEY1]);
    let started: Vec<_> = (0..4).map(|_| sandbox.start(["keys", "rotate", "--keys", "keys.json"])).collect();
    let codes = started.into_iter().map(|child| child.wait_with_output().unwrap().status.code().unwrap());
    let mut codes: Vec<_> = codes.collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2, 2]);
    assert_eq!(keys_in(&sandbox.read("keys.json")).len(), 2);
}

/// A set that was rotated: `new` signs, nothing is bound to `old`, and sessions and logins to `key1` and `key2`.
fn rotated() -> Sandbox {
    let new = jwk_with(KEY1, &json!({"kid": "new"}));
    let old = jwk_with(KEY2, &json!({"kid": "old"}));
    let sandbox = array_of(&[&new, KEY1, KEY2, &old]);
    store(&sandbox);
    sandbox
}

const RETIRE: [&str; 6] = ["keys", "retire", "--keys", "keys.json", "--store", "sqlite:app.db"];

/// `keys retire`, with the store named.
fn retire<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&RETIRE[..], more].concat()
}

#[test]
fn retire_removes_a_key_that_nothing_depends_on() {
    let sandbox = rotated();
    insta::assert_snapshot!(sandbox.run(retire(&["old"])), @"
    exit 0
    -- stderr --
    removed key old from keys.json; deploy it, and publish `oauthctl jwks` anew
    ");
    let new = jwk_with(KEY1, &json!({"kid": "new"}));
    assert_eq!(sandbox.read("keys.json"), format!("[{new},{KEY1},{KEY2}]\n"));
    assert_eq!(sandbox.mode("keys.json"), 0o600);
    insta::assert_snapshot!(sandbox.refusal(retire(&["old"])), @"
    exit 2
    -- stderr --
    error: there is no key old
    hint: `oauthctl keys list` shows the keys there are
    ");
}

#[test]
fn retire_keeps_a_jwks_a_jwks() {
    let sandbox = rotated();
    let keys = sandbox.read("keys.json");
    sandbox.file("keys.json", format!("{{\"keys\":{keys}}}"));
    assert_eq!(sandbox.run(retire(&["old"])).code, 0);
    assert_eq!(object(&sandbox.read("keys.json"))["keys"].as_array().unwrap().len(), 3);
}

#[test]
fn what_stands_beside_the_keys_of_a_set_survives_every_change() {
    let sandbox = rotated();
    let keys = sandbox.read("keys.json");
    sandbox.file("keys.json", format!("{{\"note\":\"ours\",\"keys\":{},\"version\":2}}", keys.trim_end()));
    for change in [
        &["rotate", "--stage", "--kid", "staged"] as &[_],
        &["rotate", "--promote", "staged", "--force"],
        &["rotate", "--kid", "next"],
        &["retire", "old"],
    ] {
        let arguments = [&["keys"], change, &["--keys", "keys.json", "--store", "sqlite:app.db"]].concat();
        let output = sandbox.run(arguments);
        assert_eq!(output.code, 0, "{output}");
        let set = object(&sandbox.read("keys.json"));
        assert_eq!((&set["note"], &set["version"]), (&json!("ours"), &json!(2)), "{change:?}");
        assert_eq!(set.keys().collect::<Vec<_>>(), ["note", "keys", "version"], "{change:?}");
    }
    assert_eq!(kids(&keys_in(&sandbox.read("keys.json"))), ["next", "staged", "new", "key1", "key2"]);
}

#[test]
fn retire_takes_a_rotation_back_before_the_new_key_signs() {
    let sandbox = rotated();
    let before = sandbox.read("keys.json");
    sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", "-next"]);
    assert_eq!(sandbox.run(retire(&["-next"])).code, 0);
    assert_eq!(sandbox.read("keys.json"), before);
}

#[test]
fn retire_refuses_while_sessions_or_logins_are_bound_to_the_key() {
    let sandbox = rotated();
    insta::assert_snapshot!(sandbox.refusal(retire(&["key2"])), @"
    exit 2
    -- stderr --
    error: 1 session and 1 pending login are bound to key key2, and would be lost with it
    hint: keep the key until they have ended, or end the sessions with --revoke-sessions; logins end by themselves
    ");
    AppDatabase::open(&sandbox.path("app.db")).execute(&format!("DELETE FROM auth_session WHERE key = '{BOB}'"));
    // A pending login alone counts, too.
    let refusal = sandbox.refusal(retire(&["key2", "--ignore-malformed"]));
    assert!(refusal.stderr.starts_with("error: 0 sessions and 1 pending login are bound to key key2"), "{refusal}");
}

#[test]
fn retire_wants_the_store_to_be_named() {
    let mut sandbox = rotated();
    insta::assert_snapshot!(sandbox.refusal(["keys", "retire", "--keys", "keys.json", "old"]), @"
    exit 2
    -- stderr --
    error: no store was named, so nobody knows which sessions are bound to key old
    hint: name the app's store with --store, OAUTHCTL_STORE or in oauthctl.toml
    ");
    sandbox.set("DATABASE_PATH", "app.db");
    assert_eq!(sandbox.refusal(["keys", "retire", "--keys", "keys.json", "old"]).code, 2);
    sandbox.file("oauthctl.toml", "keys = 'keys.json'\n[store]\nurl = 'sqlite:app.db'\n");
    assert_eq!(sandbox.run(["keys", "retire", "old"]).code, 0);
}

#[test]
fn retire_refuses_when_the_store_cannot_be_read() {
    let sandbox = rotated();
    for store in ["sqlite:missing.db", "sqlite:keys.json"] {
        sandbox.refusal(["keys", "retire", "old", "--keys", "keys.json", "--store", store, "--ignore-malformed"]);
    }
}

#[test]
fn retire_refuses_when_a_record_may_be_bound_to_the_key() {
    let sandbox = rotated();
    AppDatabase::open(&sandbox.path("app.db")).record("did:web:broken", "{");
    insta::assert_snapshot!(sandbox.refusal(retire(&["old"])), @"
    exit 2
    -- stderr --
    error: 1 record could not be read, and may be bound to this key
    hint: `oauthctl sessions list` and `states list` show what; --ignore-malformed retires the key all the same
    ");
    assert_eq!(sandbox.run(retire(&["old", "--ignore-malformed"])).code, 0);
    assert_eq!(keys_in(&sandbox.read("keys.json")).len(), 3);
}

#[test]
fn retire_refuses_the_key_that_signs() {
    let sandbox = rotated();
    insta::assert_snapshot!(sandbox.refusal(retire(&["new"])), @"
    exit 2
    -- stderr --
    error: new is the active key: the running app binds new sessions to it
    hint: `oauthctl keys rotate` lets another key take over first
    ");
    insta::assert_snapshot!(sandbox.refusal(retire(&["nobody"])), @"
    exit 2
    -- stderr --
    error: there is no key nobody
    hint: `oauthctl keys list` shows the keys there are
    ");
    // Another key is there, but it cannot sign yet.
    sandbox.file("keys.json", format!("[{},{KEY2}]", jwk_with(KEY1, &json!({"kid": "next", "nbf": now() + 60}))));
    insta::assert_snapshot!(sandbox.refusal(retire(&["key2"])), @"
    exit 2
    -- stderr --
    error: key2 is the last key that can sign: without it nobody can log in
    hint: `oauthctl keys rotate` adds a new one first
    ");
}

#[test]
fn a_dry_run_of_retire_changes_nothing() {
    let sandbox = rotated();
    let before = sandbox.everything();
    insta::assert_snapshot!(sandbox.run(retire(&["old", "--dry-run"])), @"
    exit 0
    -- stderr --
    dry run: key old would be removed from keys.json
    ");
    assert_eq!(sandbox.refusal(retire(&["key1", "--dry-run"])).code, 2);
    assert_eq!(sandbox.everything(), before);
}

#[test]
fn retire_prints_what_a_variable_becomes() {
    let mut sandbox = rotated();
    sandbox.set("PRIVATE_KEYS", sandbox.read("keys.json")).set("JWK_1", KEY1);
    sandbox.set("JWK_2", jwk_with(KEY2, &json!({"kid": "alone"})));
    let named = ["keys", "retire", "--store", "sqlite:app.db"];
    let output = sandbox.run([&named[..], &["--keys", "env:PRIVATE_KEYS", "old"]].concat());
    assert_eq!(kids(&keys_in(assigned(&output, "PRIVATE_KEYS"))), ["new", "key1", "key2"]);
    insta::assert_snapshot!(output.stderr, @"removed key old from env:PRIVATE_KEYS; deploy it, and publish `oauthctl jwks` anew");
    // A key that has a variable to itself leaves with it.
    let output = sandbox.run([&named[..], &["--keys", "env:JWK_1", "--keys", "env:JWK_2", "alone"]].concat());
    insta::assert_snapshot!(output, @"
    exit 0
    -- stderr --
    nothing depends on key alone, which env:JWK_2 holds alone:
    take env:JWK_2 out of what the app loads and out of `keys`, deploy, and publish `oauthctl jwks` anew
    ");
}

/// An app whose old key has leaked: `new` signs, two sessions are bound to the old one and Alice's to `new`.
fn leaked() -> App {
    let app = App::new();
    let (old, new) = (app.net.signing_key().unwrap(), keys::client_key("new"));
    app.sandbox.file("keys.json", json!([new, old]).to_string());
    app.log_in(2, &days_ago(2));
    app.net.publish_confidential(&[new.clone(), old]);
    let alice = LoginOptions { did: Some(ALICE.to_owned()), credentials: Some(Credentials::Key(new)), ..days_ago(2) };
    app.log_in(1, &alice);
    app
}

/// `keys retire --revoke-sessions` of the old key.
fn end(app: &App, options: &[&str]) -> Output {
    let retire = ["keys", "retire", "testbed-1", "--revoke-sessions", "--keys", "keys.json", "--retry-for", "0s"];
    app.sandbox.run([&retire[..], options].concat())
}

fn kids_of(app: &App) -> Vec<String> {
    kids(&keys_in(&app.sandbox.read("keys.json"))).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_key_goes_once_every_session_of_it_has_provably_ended() {
    let app = leaked();
    let output = end(&app, &["--yes"]);
    assert!(output.code == 0 && output.stderr.contains("2 sessions: 2 confirmed\nremoved key testbed-1"), "{output}");
    assert_eq!(kids_of(&app), ["new"]);
    assert_eq!((app.net.alive(), app.records_left()), (1, vec![ALICE.to_owned()]));
}

#[test]
fn a_key_stays_while_one_session_of_it_may_live() {
    let app = leaked();
    let one = app.records().into_keys().find(|did| did != ALICE).unwrap();
    app.net.inject(Injection::new(Endpoint::Token, Fault::status(500)).only(&one));
    let output = end(&app, &["--yes"]);
    assert!(output.code == 3 && output.stderr.contains("2 sessions: 1 confirmed, 1 unconfirmed"), "{output}");
    assert_eq!(kids_of(&app), ["new", "testbed-1"]);
    assert_eq!(app.records().len(), 2);
    app.net.clear_faults();
    assert_eq!(end(&app, &["--yes"]).code, 0);
    assert_eq!((kids_of(&app), app.records_left()), (vec!["new".to_owned()], vec![ALICE.to_owned()]));
}

#[test]
fn nobody_is_signed_out_for_a_key_that_has_to_stay() {
    let app = leaked();
    let assert_untouched = |options: &[&str], part: &str| {
        let output = end(&app, options);
        assert!(output.code == 2 && output.stderr.contains(part), "{output}");
        assert_eq!((app.net.alive(), app.records_left().len(), kids_of(&app).len()), (3, 3, 2), "{output}");
        assert_eq!(app.net.counters().requests, [].into(), "{output}");
    };
    assert_untouched(&[], "no terminal to ask for confirmation on");
    app.database.state("pending", &state("testbed-1"));
    assert_untouched(&["--yes"], "0 sessions and 1 pending login are bound to key testbed-1");
    assert_untouched(&["--yes", "--dry-run"], "0 sessions and 1 pending login are bound to key testbed-1");
    app.database.execute("DELETE FROM auth_state");
    app.database.execute("INSERT INTO auth_state VALUES ('odd', '{')");
    assert_untouched(&["--yes"], "1 record could not be read, and may be bound to this key");
    assert!(end(&app, &["--yes", "--ignore-malformed"]).code == 0 && kids_of(&app) == ["new"]);
}

#[test]
fn a_dry_run_names_the_sessions_that_would_end_and_the_key_that_would_go() {
    let app = leaked();
    let output = end(&app, &["--dry-run"]);
    assert!(output.code == 0 && output.stdout.ends_with("would revoke 2 sessions\n"), "{output}");
    assert_eq!(output.stdout.matches("  would revoke  kept\n").count(), 2, "{output}");
    assert_eq!(output.stderr, "dry run: key testbed-1 would be removed from keys.json\n");
    assert_eq!((app.net.alive(), app.records_left().len(), kids_of(&app).len()), (3, 3, 2));
    assert_eq!(app.net.counters().requests, [].into());
}

#[test]
fn keys_that_came_while_sessions_were_ended_stay() {
    let app = leaked();
    app.net.fault(Endpoint::Revoke, Fault::DelayAfter(std::time::Duration::from_millis(300)));
    let retire = ["keys", "retire", "testbed-1", "--revoke-sessions", "--keys", "keys.json", "--yes"];
    let child = app.sandbox.start(retire);
    crate::app::wait_until(|| app.net.counters().of(Endpoint::Revoke) > 0);
    // Not by oauthctl, which would wait for its turn.
    let mut set = keys_in(&app.sandbox.read("keys.json"));
    set.push(object(KEY1));
    app.sandbox.file("keys.json", json!(set).to_string());
    let output = app.sandbox.output_of(child);
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(kids_of(&app), ["new", "key1"]);
}

/// An app whose second key, `next`, stands behind the one that signs.
fn staged() -> (App, Value, Value) {
    let mut app = App::new();
    let (active, next) = (app.net.signing_key().unwrap(), keys::client_key("next"));
    app.sandbox.file("keys.json", json!([active, next]).to_string());
    app.sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T12:00:00Z");
    (app, active, next)
}

const PROMOTE: [&str; 6] = ["keys", "rotate", "--promote", "next", "--keys", "keys.json"];

#[test]
fn a_staged_key_takes_over_once_servers_have_had_time_to_learn_it() {
    let (mut app, active, next) = staged();
    let before = app.sandbox.read("keys.json");
    let refusal = app.sandbox.refusal(PROMOTE);
    assert!(refusal.code == 1 && refusal.stderr.contains("the published key set does not hold key next"), "{refusal}");
    app.net.publish_confidential(&[active, next]);
    for time in ["12:00:00", "12:01:00", "12:09:59"] {
        app.sandbox.set("OAUTHCTL_TEST_NOW", format!("2026-11-23T{time}Z"));
        let output = app.sandbox.run(PROMOTE);
        assert!(
            output.code == 1 && output.stderr.contains("may keep an older set until 2026-11-23T12:10:00Z"),
            "{output}"
        );
        assert_eq!(app.sandbox.read("keys.json"), before);
    }
    app.sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T12:11:00Z");
    let output = app.sandbox.run(PROMOTE);
    assert!(output.code == 0 && output.stderr.contains("next is in front"), "{output}");
    assert_eq!(kids_of(&app), ["next", "testbed-1"]);
}

#[test]
fn a_key_that_is_taken_back_from_the_published_set_waits_anew() {
    let (mut app, active, next) = staged();
    app.net.publish_confidential(&[active.clone(), next.clone()]);
    assert_eq!(app.sandbox.run(PROMOTE).code, 1);
    app.net.publish_confidential(std::slice::from_ref(&active));
    assert_eq!(app.sandbox.run(PROMOTE).code, 1);
    app.net.publish_confidential(&[active, next]);
    app.sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T12:11:00Z");
    let output = app.sandbox.run(PROMOTE);
    assert!(output.code == 1 && output.stderr.contains("until 2026-11-23T12:21:00Z"), "{output}");
}

#[test]
fn waiting_for_servers_ends_at_the_first_signal() {
    let (app, active, next) = staged();
    app.net.publish_confidential(&[active, next]);
    let before = app.sandbox.read("keys.json");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        // In this sandbox no time passes.
        let child = app.sandbox.start([&PROMOTE[..], &["--wait"]].concat());
        interrupt(&child, signal);
        let output = app.sandbox.output_of(child);
        assert!(output.code == code && output.stderr.ends_with("interrupted; nothing was changed\n"), "{output}");
        assert_eq!(app.sandbox.read("keys.json"), before);
    }
}
