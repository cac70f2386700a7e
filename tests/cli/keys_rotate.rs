//! `oauthctl keys rotate`: adds a new key to any kind of source, and prints the remaining steps.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::keys::{array_of, assigned, keys_in, kids, now};
use crate::samples::{KEY1, KEY2, jwk_with, object};
use crate::sandbox::Sandbox;

/// Returns the states in `keys list`, by kid.
fn states(sandbox: &Sandbox, options: &[&str]) -> Vec<(String, String)> {
    let output = sandbox.run([&["keys", "list", "--format", "jsonl", "-q"], options].concat());
    assert_eq!(output.code, 0, "{output}");
    let text = |row: &Map<String, Value>, name: &str| row[name].as_str().unwrap().to_owned();
    output.stdout.lines().map(object).map(|row| (text(&row, "kid"), text(&row, "state"))).collect()
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
    1. deploy keys.json to every instance of the app, and publish the output of `oauthctl jwks`
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
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
    let said = |new: &str, old: &str| {
        vec![("new".to_owned(), new.to_owned()), ("key1".to_owned(), old.to_owned())]
    };
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
    let sandbox =
        array_of(&[&jwk_with(KEY1, &json!({"kid": "revoked", "revoked": true})), KEY2, KEY1]);
    let output = sandbox.run(["keys", "rotate", "--keys", "keys.json", "--stage", "--kid", "new"]);
    insta::assert_snapshot!(output, @"
    exit 0
    -- stderr --
    new key new, behind key2
    1. deploy keys.json to every instance of the app, and publish the output of `oauthctl jwks`
    2. at least 10m later: `oauthctl keys rotate --promote new` makes it the signing key
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
    let output =
        sandbox.run(["keys", "rotate", "--keys", "keys.json", "--activate-in", "9m", "-q"]);
    insta::assert_snapshot!(output, @"
    exit 0
    -- stderr --
    warning: servers cache a key set for up to 10m, and reject the new key until then
    ");
}

#[test]
fn a_key_in_its_own_variable_gets_a_second_variable() {
    for (first, second) in [
        ("NUXT_OAUTH_JWK_ONE", "NUXT_OAUTH_JWK_TWO"),
        ("PRIVATE_KEY_1", "PRIVATE_KEY_2"),
        ("PRIVATE_KEY", "PRIVATE_KEY_2"),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.set(first, KEY1);
        let output =
            sandbox.run(["keys", "rotate", "--keys", &format!("env:{first}"), "--kid", "new"]);
        let new = object(assigned(&output, second));
        assert_eq!((&new["kid"], &new["nbf"]), (&json!("new"), &json!(now() + 86_400)), "{output}");
        sandbox.set(second, assigned(&output, second));
        // The printed advice works: both keys, the new one first.
        let keys = ["--keys", &format!("env:{second}"), "--keys", &format!("env:{first}")];
        assert_eq!(states(&sandbox, &keys).len(), 2);
    }
    let mut sandbox = Sandbox::new();
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--kid", "new"]).stderr, @r#"
    new key new, in front of key1
    1. configure the app to load, in this order: env:NUXT_OAUTH_JWK_TWO, then env:NUXT_OAUTH_JWK_ONE; deploy, and publish the output of `oauthctl jwks`
       set the same order in oauthctl.toml: keys = ["env:NUXT_OAUTH_JWK_TWO", "env:NUXT_OAUTH_JWK_ONE"]
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
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
    1. configure the app to load, in this order: env:JWK_3, then env:JWK_2, then env:JWK_1; deploy, and publish the output of `oauthctl jwks`
       set the same order in oauthctl.toml: keys = ["env:JWK_3", "env:JWK_2", "env:JWK_1"]
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
    when nothing depends on key2 any more: `oauthctl keys retire key2`
    "#);
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--stage", "--kid", "new"]).stderr, @r#"
    new key new, behind key2
    1. configure the app to load, in this order: env:JWK_2, then env:JWK_3, then env:JWK_1; deploy, and publish the output of `oauthctl jwks`
       set the same order in oauthctl.toml: keys = ["env:JWK_2", "env:JWK_3", "env:JWK_1"]
    2. at least 10m later: `oauthctl keys rotate --promote new` makes it the signing key
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
    error: OAUTH_JWK_ONE already has a value, which the new key would replace
    hint: choose another name for the new key's variable
    ");
    assert_eq!(sandbox.refusal(["keys", "rotate", "--new-env", "IN_USE"]).code, 2);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--new-env", "1-X"]), @r#"
    exit 2
    -- stderr --
    error: "1-X" is not a valid variable name
    hint: use letters, digits and _
    "#);
    // A set is extended in place.
    sandbox.set("PRIVATE_KEYS", format!("[{KEY1}]"));
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "env:PRIVATE_KEYS", "--new-env", "X"]), @"
    exit 2
    -- stderr --
    error: env:PRIVATE_KEYS contains several keys, and the new one is added to it
    hint: remove --new-env X: it is for keys with a variable of their own
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
    1. set env:PRIVATE_KEYS to its new value on every instance of the app, and publish the output of `oauthctl jwks`
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    let output =
        sandbox.run(["keys", "rotate", "--keys", "env:ATPROTO_JWK_PRIVATE", "--kid", "new"]);
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
    1. configure the app to load, in this order: keys/client.202611ne.json, then keys/client.json; deploy, and publish the output of `oauthctl jwks`
       set the same order in oauthctl.toml: keys = ["keys/client.202611ne.json", "keys/client.json"]
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    "#);
    assert_eq!(sandbox.read("keys/client.json"), KEY1);
    assert_eq!(object(&sandbox.read("keys/client.202611ne.json"))["kid"], "2026-11-new");
    assert_eq!(sandbox.mode("keys/client.202611ne.json"), 0o600);
    // Never overwrites another file.
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
    assert_eq!(
        (object(&sandbox.read("next.json"))["kid"].as_str(), sandbox.mode("next.json")),
        (Some("new"), 0o600)
    );
    let printed =
        sandbox.run(["keys", "rotate", "--keys", "client.json", "--kid", "new", "-o", "-"]);
    assert_eq!(object(&printed.stdout)["kid"], "new");
    assert_eq!(sandbox.files(), ["client.json", "next.json"]);
    assert_eq!(
        sandbox.refusal(["keys", "rotate", "--keys", "client.json", "-o", "client.json"]).code,
        2
    );
}

#[test]
fn a_set_may_go_to_another_file_and_then_stays_as_it_is() {
    let sandbox = array_of(&[KEY1]);
    let before = sandbox.read("keys.json");
    let output =
        sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", "new", "-o", "next.json"]);
    insta::assert_snapshot!(output.stderr, @r"
    wrote next.json
    new key new, in front of key1
    1. deploy next.json instead of keys.json to every instance of the app, and publish the output of `oauthctl jwks`
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
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
    1. deploy the printed set to every instance of the app, and publish the output of `oauthctl jwks`
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    // A single key: the new one alone.
    sandbox.stdin(KEY1);
    let output = sandbox.run(["keys", "rotate", "--keys", "-", "--kid", "new"]);
    assert_eq!(object(&output.stdout)["kid"], "new");
    insta::assert_snapshot!(output.stderr, @"
    new key new, in front of key1
    1. configure the app to load, in this order: the new key, then the old key; deploy, and publish the output of `oauthctl jwks`
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
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
    error: keys.json: two keys have the kid key1; servers reject such a set
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
    dry run: nothing is written, and no key is created
    new key KID, in front of key1
    1. deploy keys.json to every instance of the app, and publish the output of `oauthctl jwks`
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    ");
    insta::assert_snapshot!(sandbox.run(["keys", "rotate", "--keys", "client.json", "-n"]), @r#"
    exit 0
    -- stderr --
    dry run: nothing is written, and no key is created
    new key KID, in front of key1
    1. configure the app to load, in this order: client.KID.json, then client.json; deploy, and publish the output of `oauthctl jwks`
       set the same order in oauthctl.toml: keys = ["client.KID.json", "client.json"]
    2. until 2026-11-24T12:00:00Z, deploy the key to every instance; new sessions are then bound to it
    3. do not roll back after that time: the app deletes sessions whose key is missing
    when nothing depends on key1 any more: `oauthctl keys retire key1`
    "#);
    for more in [
        &["--keys", "env:NUXT_OAUTH_JWK_ONE"][..],
        &["--keys", "client.json", "-o", "next.json"],
        &["--stage"],
    ] {
        let output = sandbox.run([&["keys", "rotate", "-n"], more].concat());
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output}");
    }
    assert_eq!(sandbox.everything(), before);
}

#[test]
fn a_rotation_waits_for_the_one_before_it() {
    let mut sandbox = array_of(&[KEY1]);
    let rotate = |sandbox: &Sandbox, kid| {
        sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", kid])
    };
    assert_eq!(rotate(&sandbox, "new").code, 0);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "keys.json"]), @"
    exit 2
    -- stderr --
    error: a rotation is in progress: key new starts to sign at 2026-11-24T12:00:00Z
    hint: wait until then, or undo it with `oauthctl keys retire new`
    ");
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-24T12:00:00Z");
    assert_eq!(rotate(&sandbox, "newer").code, 0);
    assert_eq!(kids(&keys_in(&sandbox.read("keys.json"))), ["newer", "new", "key1"]);
}

#[test]
fn a_key_without_a_name_cannot_be_rotated() {
    let sandbox = Sandbox::new();
    sandbox.file("key.pem", sandbox.result(["gen-jwk", "--encoding", "pem", "-q"]));
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "key.pem"]), @r#"
    exit 2
    -- stderr --
    error: key.pem: key 1 has no kid, so the app cannot publish it
    hint: name the kid that the app uses for it in oauthctl.toml: keys = [{ source = "SOURCE", kid = "KID" }], or with --keys SOURCE#kid=KID
    "#);
}

#[test]
fn nothing_to_rotate_is_an_error() {
    let sandbox = array_of(&[]);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--keys", "keys.json"]), @"
    exit 2
    -- stderr --
    error: no signing key to rotate
    hint: `oauthctl gen-jwk` creates a first one
    ");
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate"]), @r"
    exit 2
    -- stderr --
    error: no key source is configured, and none of the 27 known variables is set
    hint: use --keys env:NAME or --keys FILE, or set `keys` in oauthctl.toml; `oauthctl gen-jwk` creates a first key
    ");
    assert_eq!(sandbox.refusal(["keys", "rotate", "--keys", "missing/keys.json"]).code, 2);
}

#[test]
fn a_rewritten_file_keeps_its_owner_its_mode_and_its_links() {
    let sandbox = array_of(&[KEY1]);
    sandbox.sh("chmod 640 keys.json; mkdir current; ln -s ../keys.json current/keys.json");
    // Only root can change the owner of a file.
    let given = sandbox.sh("chown 65534:65533 keys.json").code == 0;
    sandbox.run(["keys", "rotate", "--keys", "current/keys.json", "--kid", "new"]);
    let metadata = fs::metadata(sandbox.path("keys.json")).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o640);
    if given {
        assert_eq!((metadata.uid(), metadata.gid()), (65534, 65533));
    }
    assert_eq!(
        fs::read_link(sandbox.path("current/keys.json")).unwrap(),
        Path::new("../keys.json")
    );
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
            sandbox.start([
                "keys",
                "rotate",
                "--keys",
                path,
                "--activate-in",
                "0s",
                "--kid",
                &format!("new{n}"),
            ])
        })
        .collect();
    // A concurrent reader finds a complete set.
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
    let started: Vec<_> =
        (0..4).map(|_| sandbox.start(["keys", "rotate", "--keys", "keys.json"])).collect();
    let codes =
        started.into_iter().map(|child| child.wait_with_output().unwrap().status.code().unwrap());
    let mut codes: Vec<_> = codes.collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2, 2]);
    assert_eq!(keys_in(&sandbox.read("keys.json")).len(), 2);
}
