//! `oauthctl keys retire`: a key is removed when it is unused, or once all its sessions have
//! provably ended.

use serde_json::json;
use testbed::redis::Redis;
use testbed::{Credentials, Endpoint, Fault, Injection, LoginOptions, keys};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::keys::{array_of, assigned, keys_in, kids, kids_of, now, store};
use crate::samples::{ALICE, BOB, KEY1, KEY2, jwk_with, object, session, state};
use crate::sandbox::{Output, Sandbox};
use crate::schema::assert_holds;

/// Returns a rotated set: `new` is active, `old` is unused, and sessions and logins are bound to
/// `key1` and `key2`.
fn rotated() -> Sandbox {
    let new = jwk_with(KEY1, &json!({"kid": "new"}));
    let old = jwk_with(KEY2, &json!({"kid": "old"}));
    let sandbox = array_of(&[&new, KEY1, KEY2, &old]);
    store(&sandbox);
    sandbox
}

const RETIRE: [&str; 6] = ["keys", "retire", "--keys", "keys.json", "--store", "sqlite:app.db"];

/// Returns `keys retire` with the store.
fn retire<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&RETIRE[..], more].concat()
}

#[test]
fn retire_removes_a_key_that_nothing_depends_on() {
    let sandbox = rotated();
    insta::assert_snapshot!(sandbox.run(retire(&["old"])), @"
    exit 0
    -- stderr --
    kept key old as keys.retired-old.json
    removed key old from keys.json; not needed by any of the 2 sessions and 1 pending login of sqlite:app.db
    deploy it, and publish: `oauthctl jwks --keys keys.json -o FILE --force --drop-key old`
    ");
    let new = jwk_with(KEY1, &json!({"kid": "new"}));
    assert_eq!(sandbox.read("keys.json"), format!("[{new},{KEY1},{KEY2}]\n"));
    assert_eq!((sandbox.mode("keys.json"), sandbox.mode("keys.retired-old.json")), (0o600, 0o600));
    assert_eq!(
        sandbox.read("keys.retired-old.json"),
        format!("{}\n", jwk_with(KEY2, &json!({"kid": "old"})))
    );
    insta::assert_snapshot!(sandbox.refusal(retire(&["old"])), @"
    exit 2
    -- stderr --
    error: no key old
    hint: `oauthctl keys list` shows all keys
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
    sandbox.file(
        "keys.json",
        format!("{{\"note\":\"ours\",\"keys\":{},\"version\":2}}", keys.trim_end()),
    );
    for change in [
        &["rotate", "--stage", "--kid", "staged"] as &[_],
        &["rotate", "--promote", "staged", "--unpublished"],
        &["rotate", "--kid", "next"],
        &["retire", "old"],
    ] {
        let arguments =
            [&["keys"], change, &["--keys", "keys.json", "--store", "sqlite:app.db"]].concat();
        let output = sandbox.run(arguments);
        assert_eq!(output.code, 0, "{output}");
        let set = object(&sandbox.read("keys.json"));
        assert_eq!((&set["note"], &set["version"]), (&json!("ours"), &json!(2)), "{change:?}");
        assert_eq!(set.keys().collect::<Vec<_>>(), ["note", "keys", "version"], "{change:?}");
    }
    assert_eq!(
        kids(&keys_in(&sandbox.read("keys.json"))),
        ["next", "staged", "new", "key1", "key2"]
    );
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
    error: 1 session and 1 pending login of sqlite:app.db are bound to key key2 and would be lost with it
    hint: keep the key until they have ended, or end the sessions with --revoke-sessions; pending logins with a TTL end within an hour; `oauthctl states purge` removes others
    ");
    AppDatabase::open(&sandbox.path("app.db"))
        .execute(&format!("DELETE FROM auth_session WHERE key = '{BOB}'"));
    // A pending login alone counts, too.
    let refusal = sandbox.refusal(retire(&["key2", "--ignore-malformed"]));
    assert!(
        refusal.stderr.starts_with("error: 1 pending login of sqlite:app.db is bound to key key2"),
        "{refusal}"
    );
}

#[test]
fn retire_wants_the_store_to_be_named() {
    let mut sandbox = rotated();
    insta::assert_snapshot!(sandbox.refusal(["keys", "retire", "--keys", "keys.json", "old"]), @"
    exit 2
    -- stderr --
    error: no store is configured, so it is unknown which sessions are bound to key old
    hint: configure the app's store with --store, OAUTHCTL_STORE or in oauthctl.toml
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
        sandbox.refusal([
            "keys",
            "retire",
            "old",
            "--keys",
            "keys.json",
            "--store",
            store,
            "--ignore-malformed",
        ]);
    }
}

#[test]
fn retire_refuses_when_a_record_may_be_bound_to_the_key() {
    let sandbox = rotated();
    AppDatabase::open(&sandbox.path("app.db")).record("did:web:broken", "{");
    insta::assert_snapshot!(sandbox.refusal(retire(&["old"])), @"
    exit 2
    -- stderr --
    error: 1 record of sqlite:app.db (did:web:broken) could not be read and may be bound to key old
    hint: `oauthctl sessions list` and `states list` show them; --unused retires the key anyway
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
    hint: first let another key take over: `oauthctl keys rotate`
    ");
    insta::assert_snapshot!(sandbox.refusal(retire(&["nobody"])), @"
    exit 2
    -- stderr --
    error: no key nobody
    hint: `oauthctl keys list` shows all keys
    ");
    // There is another key, but it cannot sign yet.
    sandbox.file(
        "keys.json",
        format!("[{},{KEY2}]", jwk_with(KEY1, &json!({"kid": "next", "nbf": now() + 60}))),
    );
    insta::assert_snapshot!(sandbox.refusal(retire(&["key2"])), @"
    exit 2
    -- stderr --
    error: key2 is the last key that can sign: without it, logins fail
    hint: retire it once key next has taken over, at 2026-11-23T12:01:00Z
    ");
}

#[test]
fn a_dry_run_of_retire_changes_nothing() {
    let sandbox = rotated();
    let before = sandbox.everything();
    insta::assert_snapshot!(sandbox.run(retire(&["old", "--dry-run"])), @"
    exit 0
    -- stderr --
    dry run: key old would be removed from keys.json; not needed by any of the 2 sessions and 1 pending login of sqlite:app.db
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
    insta::assert_snapshot!(output.stderr, @"
    keep a copy of the old value of env:PRIVATE_KEYS, which contains key old
    removed key old from env:PRIVATE_KEYS; not needed by any of the 2 sessions and 1 pending login of sqlite:app.db
    deploy it, and publish: `oauthctl jwks --keys env:PRIVATE_KEYS -o FILE --force --drop-key old`
    ");
    // A key with its own variable is removed with it.
    let output = sandbox
        .run([&named[..], &["--keys", "env:JWK_1", "--keys", "env:JWK_2", "alone"]].concat());
    insta::assert_snapshot!(output, @"
    exit 0
    -- stderr --
    env:JWK_2 contains only key alone; not needed by any of the 2 sessions and 1 pending login of sqlite:app.db
    remove env:JWK_2 from the app's configuration and from `keys`, deploy, and publish: `oauthctl jwks --keys env:JWK_1 -o FILE --force --drop-key alone`
    ");
}

/// Returns an app with a leaked key: `new` is active, two sessions are bound to the old one and
/// Alice's to `new`.
fn leaked() -> App {
    let app = App::new();
    let (old, new) = (app.net.signing_key().unwrap(), keys::client_key("new"));
    app.sandbox.file("keys.json", json!([new, old]).to_string());
    app.log_in(2, &days_ago(2));
    app.net.publish_confidential(&[new.clone(), old]);
    let alice = LoginOptions {
        did: Some(ALICE.to_owned()),
        credentials: Some(Credentials::Key(new)),
        ..days_ago(2)
    };
    app.log_in(1, &alice);
    app
}

/// Runs `keys retire --revoke-sessions` for the old key.
fn end(app: &App, options: &[&str]) -> Output {
    let retire = [
        "keys",
        "retire",
        "testbed-1",
        "--revoke-sessions",
        "--keys",
        "keys.json",
        "--retry-for",
        "0s",
    ];
    app.sandbox.run([&retire[..], options].concat())
}

#[test]
fn a_key_goes_once_every_session_of_it_has_provably_ended() {
    let app = leaked();
    let output = end(&app, &["--yes"]);
    assert!(output.code == 0 && output.stdout.ends_with("2 sessions: 2 confirmed\n"), "{output}");
    assert_eq!(kids_of(&app), ["new"]);
    assert_eq!((app.net.alive(), app.records_left()), (1, vec![ALICE.to_owned()]));
}

#[test]
fn a_key_stays_while_one_session_of_it_may_live() {
    let app = leaked();
    let one = app.records().into_keys().find(|did| did != ALICE).unwrap();
    app.net.inject(Injection::new(Endpoint::Token, Fault::status(500)).only(&one));
    let output = end(&app, &["--yes"]);
    assert!(
        output.code == 3 && output.stdout.contains("2 sessions: 1 confirmed, 1 unconfirmed"),
        "{output}"
    );
    assert_eq!(kids_of(&app), ["new", "testbed-1"]);
    assert_eq!(app.records().len(), 2);
    app.net.clear_faults();
    assert_eq!(end(&app, &["--yes"]).code, 0);
    assert_eq!(
        (kids_of(&app), app.records_left()),
        (vec!["new".to_owned()], vec![ALICE.to_owned()])
    );
}

#[test]
fn one_document_tells_of_the_sessions_and_of_the_key() {
    let document = |output: &Output| {
        assert_holds("keys-retire", &output.stdout);
        let document = object(&output.stdout);
        let items = document["items"].as_array().unwrap().len();
        (items, document["counts"].clone(), document["is_removed"].clone())
    };
    let app = leaked();
    let output = end(&app, &["--dry-run", "--format", "json"]);
    let counts = json!({"would_revoke": 2, "would_fail": 0});
    assert_eq!(document(&output), (2, counts, json!(false)), "{output}");
    let one = app.records().into_keys().find(|did| did != ALICE).unwrap();
    app.net.inject(Injection::new(Endpoint::Token, Fault::status(500)).only(&one));
    let output = end(&app, &["--yes", "--format", "json"]);
    let (items, counts, is_removed) = document(&output);
    assert_eq!((output.code, items, is_removed), (3, 2, json!(false)), "{output}");
    assert_eq!((&counts["confirmed"], &counts["unconfirmed"]), (&json!(1), &json!(1)), "{output}");
    app.net.clear_faults();
    let output = end(&app, &["--yes", "--format", "json"]);
    let (items, counts, is_removed) = document(&output);
    assert_eq!((output.code, items, is_removed), (0, 1, json!(true)), "{output}");
    assert_eq!(counts["confirmed"], 1, "{output}");
    assert_eq!(object(&output.stdout)["kept_as"], "keys.retired-testbed-1.json", "{output}");
    assert_eq!(kids_of(&app), ["new"]);
}

#[test]
fn rows_of_ended_sessions_are_not_mixed_with_the_key() {
    let app = leaked();
    let output = end(&app, &["--yes", "--format", "jsonl"]);
    assert_eq!((output.code, output.stdout.lines().count()), (0, 2), "{output}");
    assert!(output.stdout.lines().all(|line| object(line)["result"] == "confirmed"), "{output}");
}

#[test]
fn a_dry_run_says_that_a_key_stays_whose_sessions_cannot_end() {
    let app = leaked();
    app.configure_client("https://other.example.com/c.json", "");
    let output = end(&app, &["--dry-run"]);
    assert!(output.stdout.ends_with("would revoke 0 sessions, 2 would fail\n"), "{output}");
    assert!(output.stderr.contains("dry run: key testbed-1 is kept"), "{output}");
    let output = end(&app, &["--dry-run", "--forget"]);
    assert!(output.stderr.contains("dry run: key testbed-1 would be removed"), "{output}");
}

#[test]
fn nobody_is_signed_out_for_a_key_that_has_to_stay() {
    let app = leaked();
    let assert_untouched = |options: &[&str], part: &str| {
        let output = end(&app, options);
        assert!(output.code == 2 && output.stderr.contains(part), "{output}");
        assert_eq!(
            (app.net.alive(), app.records_left().len(), kids_of(&app).len()),
            (3, 3, 2),
            "{output}"
        );
        assert_eq!(app.net.counters().requests, [].into(), "{output}");
    };
    assert_untouched(&[], "cannot ask for confirmation without a terminal");
    app.database.state("pending", &state("testbed-1"));
    assert_untouched(
        &["--yes"],
        "2 sessions and 1 pending login of sqlite:app.db are bound to key testbed-1",
    );
    assert_untouched(
        &["--yes", "--dry-run"],
        "2 sessions and 1 pending login of sqlite:app.db are bound to key testbed-1",
    );
    app.database.execute("DELETE FROM auth_state");
    app.database.execute("INSERT INTO auth_state VALUES ('odd', '{')");
    assert_untouched(
        &["--yes"],
        "1 record of sqlite:app.db (odd) could not be read and may be bound to key testbed-1",
    );
    assert!(end(&app, &["--yes", "--ignore-malformed"]).code == 0 && kids_of(&app) == ["new"]);
}

#[test]
fn rotation_in_progress_says_when_the_old_key_may_go() {
    let sandbox = Sandbox::new();
    sandbox.run(["gen-jwk", "--encoding", "jwks", "--kid", "old", "-o", "keys.json"]);
    sandbox.run(["keys", "rotate", "--keys", "keys.json", "--kid", "new"]);
    let output = sandbox.refusal(["keys", "retire", "old", "--keys", "keys.json"]);
    assert!(
        output.stderr.contains("\nhint: retire it once key new has taken over, at 20"),
        "{output}"
    );
}

#[test]
fn a_dry_run_names_the_sessions_and_the_key_affected() {
    let app = leaked();
    let output = end(&app, &["--dry-run"]);
    assert!(output.code == 0 && output.stdout.ends_with("would revoke 2 sessions\n"), "{output}");
    assert_eq!(output.stdout.matches("  would revoke  would be removed\n").count(), 2, "{output}");
    assert_eq!(output.stderr, "dry run: key testbed-1 would be removed from keys.json\n");
    assert_eq!((app.net.alive(), app.records_left().len(), kids_of(&app).len()), (3, 3, 2));
    assert_eq!(app.net.counters().requests, [].into());
}

#[test]
fn keys_that_came_while_sessions_were_ended_stay() {
    let app = leaked();
    app.net.fault(Endpoint::Revoke, Fault::DelayAfter(std::time::Duration::from_millis(300)));
    let retire =
        ["keys", "retire", "testbed-1", "--revoke-sessions", "--keys", "keys.json", "--yes"];
    let child = app.sandbox.start(retire);
    crate::app::wait_until(|| app.net.counters().of(Endpoint::Revoke) > 0);
    // Not with oauthctl, which would wait for the lock.
    let mut set = keys_in(&app.sandbox.read("keys.json"));
    set.push(object(KEY1));
    app.sandbox.file("keys.json", json!(set).to_string());
    let output = app.sandbox.output_of(child);
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(kids_of(&app), ["new", "key1"]);
}

#[test]
fn retire_counts_in_every_layout_of_the_store() {
    let redis = Redis::start();
    let sandbox = rotated();
    let mut bound = session(ALICE, "3h");
    bound["authMethod"]["kid"] = json!("old");
    redis.ask(&["SET", &format!("atproto:oauth:sessions:{ALICE}"), &bound.to_string()]);
    let url = redis.url();
    let retire = ["keys", "retire", "old", "--keys", "keys.json", "--store", &url];
    for layout in ["npmx", "oauth", "auto"] {
        let refusal = sandbox.refusal([&retire[..], &["--layout", layout]].concat());
        assert!(refusal.stderr.contains("error: 1 session of redis://"), "{layout}: {refusal}");
    }
    // Another database of the same server is empty.
    let elsewhere = format!("{url}/3");
    let retire =
        ["keys", "retire", "old", "--keys", "keys.json", "--store", &elsewhere, "--layout", "npmx"];
    let refusal = sandbox.refusal(retire);
    assert!(
        refusal.stderr.contains(
            "contains no sessions and logins, so it does not show that key old is unused"
        ),
        "{refusal}"
    );
    assert_eq!(sandbox.run([&retire[..], &["--unused"]].concat()).code, 0);
    assert_eq!(object(&sandbox.read("keys.retired-old.json"))["kid"], "old");
}

#[test]
fn retire_refuses_a_store_that_does_not_show_what_it_holds() {
    let sealed = "9f8e7d.encrypted";
    for (key, value) in [
        (format!("oauth:session:{ALICE}"), sealed),
        (format!("myapp:sess:{ALICE}"), sealed),
        (format!("x:{ALICE}"), r#"{"dpop_data":{"dpop_key":{"d":"x"}}}"#),
        ("x".to_owned(), r#""{\"tokenSet\":{\"refresh_token\":\"x\"}}""#),
    ] {
        let redis = Redis::start();
        let sandbox = rotated();
        redis.ask(&[
            "SET",
            &format!("atproto:oauth:sessions:{BOB}"),
            &session(BOB, "3h").to_string(),
        ]);
        redis.ask(&["SET", &key, value]);
        let url = redis.url();
        let retire =
            ["keys", "retire", "old", "--keys", "keys.json", "--store", &url, "--layout", "npmx"];
        let refusal = sandbox.refusal(retire);
        assert!(
            refusal
                .stderr
                .contains(&format!("({key}) could not be read and may be bound to key old")),
            "{refusal}"
        );
        assert_eq!(sandbox.run([&retire[..], &["--unused"]].concat()).code, 0);
    }
}

#[test]
fn retire_never_writes_over_a_key_that_was_retired_before() {
    let sandbox = rotated();
    let keys = sandbox.read("keys.json");
    sandbox.file("keys.retired-old.json", "mine");
    for kept in ["keys.retired-old-2.json", "keys.retired-old-2.json"] {
        let output = sandbox.run(retire(&["old"]));
        assert!(
            output.code == 0 && output.stderr.contains(&format!("kept key old as {kept}\n")),
            "{output}"
        );
        sandbox.file("keys.json", &keys);
    }
    assert_eq!(sandbox.read("keys.retired-old.json"), "mine");
}

#[test]
fn the_printed_command_publishes_the_set_without_the_key() {
    let sandbox = rotated();
    sandbox.file("oauthctl.toml", "keys = 'keys.json'\n[store]\nurl = 'sqlite:app.db'\n");
    sandbox.file("public/.well-known/x", "");
    assert_eq!(sandbox.run(["jwks", "-o", "public/.well-known/jwks.json"]).code, 0);
    let output = sandbox.run(["keys", "retire", "old"]);
    let line = output.stderr.lines().last().unwrap().split('`').nth(1).unwrap();
    assert_eq!(line, "oauthctl jwks -o public/.well-known/jwks.json --force --drop-key old");
    let output = sandbox.sh(line);
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(
        kids(&keys_in(&sandbox.read("public/.well-known/jwks.json"))),
        ["new", "key1", "key2"]
    );
}

#[test]
fn sessions_in_another_layout_prevent_signing_users_out() {
    let app = leaked();
    let other = session(BOB, "3h").to_string().replace("key1", "testbed-1");
    app.database
        .execute(&format!("CREATE TABLE other (v TEXT); INSERT INTO other VALUES ('{other}')"));
    let output = end(&app, &["--yes"]);
    assert!(
        output.code == 2
            && output
                .stderr
                .contains("error: outside layout statusphere, sqlite:app.db has 1 session"),
        "{output}"
    );
    assert_eq!((app.net.alive(), kids_of(&app).len()), (3, 2), "{output}");
}

#[test]
fn retire_says_only_of_what_there_is_how_it_ends() {
    let sandbox = rotated();
    let refusal = sandbox.refusal(retire(&["key1"]));
    assert!(
        refusal.stderr.contains("is bound to key key1") && !refusal.stderr.contains("login"),
        "{refusal}"
    );
    AppDatabase::open(&sandbox.path("app.db"))
        .execute(&format!("DELETE FROM auth_session WHERE key = '{BOB}'"));
    let refusal = sandbox.refusal(retire(&["key2"]));
    assert!(
        refusal.stderr.contains("`oauthctl states purge`") && !refusal.stderr.contains("session "),
        "{refusal}"
    );
}
