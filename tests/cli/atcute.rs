//! Records of the library atcute, in any layout.

use serde_json::{Value, json};
use testbed::{Alg, Credentials, Library, LoginOptions};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::npmx::Npmx;
use crate::samples::{ALICE, BOB, object};
use crate::sandbox::Output;

/// Returns a login with atcute, last refreshed two days ago.
fn atcute() -> LoginOptions {
    LoginOptions { library: Library::Atcute, ..days_ago(2) }
}

/// Returns such a login of this account.
fn of(did: &str) -> LoginOptions {
    LoginOptions { did: Some(did.to_owned()), ..atcute() }
}

fn names(members: &Value) -> Vec<&String> {
    members.as_object().unwrap().keys().collect()
}

#[test]
fn a_refreshed_record_is_what_the_library_would_write() {
    let app = App::new();
    let before = app.log_in(1, &of(ALICE)).remove(0);
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    app.assert_nobody_lost(output);
    let after = app.record(ALICE).unwrap();
    assert_eq!(
        (names(&after), names(&after["tokenSet"])),
        (names(&before), names(&before["tokenSet"]))
    );
    assert_eq!(
        (&after["dpopKey"], &after["authMethod"]),
        (&before["dpopKey"], &before["authMethod"])
    );
    let expires = |record: &Value| record["tokenSet"]["expires_at"].as_i64().unwrap();
    assert!(expires(&after) > expires(&before));
    for name in ["access_token", "refresh_token"] {
        assert_ne!(after["tokenSet"][name], before["tokenSet"][name], "{name}");
    }
}

#[test]
fn records_of_both_libraries_are_refreshed_in_one_run() {
    let app = App::new();
    app.log_in(3, &atcute());
    app.log_in(3, &days_ago(2));
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 6 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
    let records = app.records();
    let numbers =
        records.values().filter(|record| record["tokenSet"]["expires_at"].is_number()).count();
    assert_eq!(numbers, 3);
}

#[test]
fn public_sessions_are_upgraded_and_keep_unknown_members() {
    let app = App::new();
    let mut record =
        app.net.login(LoginOptions { credentials: Some(Credentials::Public), ..of(ALICE) });
    record["authMethod"]["later"] = json!(1);
    record["tokenSet"]["later"] = json!([1, "2"]);
    app.database.session(&record);
    let output = app.sessions("upgrade");
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 1 session\n"), "{output}");
    app.assert_nobody_lost(output);
    let after = app.record(ALICE).unwrap();
    assert_eq!(
        after["authMethod"],
        json!({"method": "private_key_jwt", "later": 1, "kid": "testbed-1"})
    );
    assert_eq!(after["tokenSet"]["later"], json!([1, "2"]));
}

#[test]
fn sessions_are_revoked_at_the_server() {
    let app = App::new();
    app.log_in(2, &atcute());
    let output = app.sessions("revoke --all --yes");
    assert!(output.code == 0 && output.stdout.contains("2 sessions: 2 confirmed"), "{output}");
    assert_eq!((app.net.alive(), app.records().len()), (0, 0));
}

#[test]
fn the_lock_has_the_name_that_the_library_passes() {
    let mut npmx = Npmx::new();
    for (options, lock) in [
        (of(ALICE), "oauth-session-"),
        (LoginOptions { did: Some(BOB.to_owned()), ..days_ago(2) }, "@atproto-oauth-client-"),
    ] {
        let did = options.did.clone().unwrap();
        npmx.store(&npmx.app.net.login(options));
        npmx.redis.ask(&["SET", &format!("oauth:lock:{lock}{did}"), "the app", "EX", "30"]);
        npmx.dids.push(did);
    }
    let output = npmx.app.sessions("refresh --all --lock-timeout 0s --format jsonl");
    assert_eq!(output.stdout.matches("another process holds its lock").count(), 2, "{output}");
    assert!(npmx.app.exchanges().is_empty());
    npmx.redis.ask(&["DEL", &format!("oauth:lock:oauth-session-{ALICE}")]);
    let output = npmx.app.sessions("refresh --all --lock-timeout 0s");
    assert_eq!(
        output.stdout, "refreshed 1 session, 1 skipped (another process holds its lock)\n",
        "{output}"
    );
    npmx.assert_nobody_lost(output);
}

#[test]
fn pending_logins_are_listed() {
    let app = App::new();
    let login =
        app.net.pending_state(LoginOptions { library: Library::Atcute, ..LoginOptions::default() });
    app.database.state("state-1", &login);
    let output = app.sandbox.run(["states", "list", "--format", "jsonl"]);
    assert!(
        output.stdout.contains(r#""auth_method":"private_key_jwt","kid":"testbed-1""#),
        "{output}"
    );
    assert!(
        output.stdout.contains(&app.net.pds_url()) && output.stdout.contains(r#""reason":null"#),
        "{output}"
    );
}

/// Returns an app that has migrated to another library: two sessions in its old store, and an empty
/// new one with the profile `new`.
fn moving(options: &[LoginOptions]) -> App {
    let app = App::new();
    for options in options {
        app.log_in(1, options);
    }
    AppDatabase::create(&app.sandbox.path("new.db")).close();
    let settings = app.sandbox.read("oauthctl.toml");
    app.sandbox
        .file("oauthctl.toml", format!("{settings}[profiles.new.store]\nurl = 'sqlite:new.db'\n"));
    app
}

fn import(app: &App, layout: &str) -> Output {
    let export = app.sessions("export -o export.jsonl --force");
    assert_eq!(export.code, 0, "{export}");
    app.sessions(&format!(
        "import export.jsonl --source-app-stopped --profile new --layout {layout}"
    ))
}

fn records_of_new_store(app: &App) -> Vec<Value> {
    let rows =
        AppDatabase::open(&app.sandbox.path("new.db")).rows("SELECT value FROM auth_session");
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

#[test]
fn sessions_of_atcute_become_those_of_the_node_client() {
    let app = moving(&[of(ALICE), of(BOB)]);
    let output = import(&app, "statusphere/node");
    assert_eq!((output.code, output.stdout.as_str()), (0, "imported 2 sessions\n"), "{output}");
    for record in records_of_new_store(&app) {
        assert!(
            app.net.is_alive_with(&record) && record["tokenSet"]["expires_at"].is_string(),
            "{record}"
        );
        assert_eq!(names(&record["dpopJwk"]), ["kty", "crv", "x", "y", "d"]);
    }
    let refreshed = app.sessions("refresh --all --profile new");
    assert_eq!(
        (refreshed.code, refreshed.stdout.as_str()),
        (0, "refreshed 2 sessions\n"),
        "{refreshed}"
    );
}

#[test]
fn only_sessions_with_es256_keys_become_those_of_atcute() {
    let node =
        |did: &str, dpop_alg| LoginOptions { did: Some(did.to_owned()), dpop_alg, ..days_ago(2) };
    let app = moving(&[node(ALICE, Alg::Es256), node(BOB, Alg::Es256k)]);
    let stats = app.sessions("stats --format json");
    assert!(stats.stdout.contains(r#""by_dpop_alg":{"ES256":1,"ES256K":1}"#), "{stats}");
    let output = import(&app, "statusphere/atcute");
    let summary =
        "imported 1 session; 1 left out, because the app's library cannot use the DPoP key\n";
    assert_eq!((output.code, output.stdout.as_str()), (3, summary), "{output}");
    assert!(output.stderr.contains(&format!("cannot use the DPoP key of {BOB}")), "{output}");
    let record = records_of_new_store(&app).remove(0);
    assert!(
        app.net.is_alive_with(&record) && record["tokenSet"]["expires_at"].is_i64(),
        "{record}"
    );
    assert_eq!(names(&record["dpopKey"]), ["key_ops", "ext", "kty", "x", "y", "crv", "d", "alg"]);
}

#[test]
fn an_empty_store_does_not_show_the_library() {
    let app = moving(&[of(ALICE)]);
    let output = import(&app, "statusphere");
    let error = "error: the store does not show that its app uses atcute\n\
                 hint: choose its library: --layout statusphere/atcute or --layout statusphere/node\n";
    assert!(output.code == 2 && output.stderr.contains(error), "{output}");
    let record = app.net.login(of(BOB));
    AppDatabase::open(&app.sandbox.path("new.db")).session(&record);
    let output = import(&app, "statusphere");
    assert_eq!((output.code, output.stdout.as_str()), (0, "imported 1 session\n"), "{output}");
}

#[test]
fn a_key_without_alg_is_named_before_a_deployment_finds_out() {
    let mut app = App::new();
    let mut key = app.net.signing_key().unwrap();
    key.as_object_mut().unwrap().shift_remove("alg");
    key.as_object_mut().unwrap().shift_remove("key_ops");
    app.set_keys(&[&key]);
    let note = "key testbed-1 has no `alg`";
    let named = |command: &str| format!("{command} --layout statusphere/atcute");
    for (command, is_told) in [
        ("keys list".to_owned(), false),
        ("jwks".to_owned(), false),
        (named("keys list"), true),
        (named("jwks"), true),
    ] {
        let output = app.sandbox.run(command.split(' '));
        assert!(output.code == 0 && output.stderr.contains(note) == is_told, "{command}: {output}");
    }
    for (options, is_told) in [(days_ago(2), false), (of(ALICE), true)] {
        app.log_in(1, &options);
        let output = app.sandbox.run(["keys", "list"]);
        assert!(output.code == 0 && output.stderr.contains(note) == is_told, "{output}");
    }
    app.database.execute(&format!("DELETE FROM auth_session WHERE key <> '{ALICE}'"));
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert!(doctor.stdout.contains(note), "{doctor}");
    let output = app.sandbox.run(["gen-jwk", "--from", "env:APP_KEY"]);
    assert_eq!((output.code, &object(&output.stdout)["alg"]), (0, &json!("ES256")), "{output}");
}
