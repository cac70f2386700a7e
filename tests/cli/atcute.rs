//! Records of the library atcute, in any layout.

use serde_json::{Value, json};
use testbed::{Credentials, Library, LoginOptions};

use crate::app::{App, days_ago};
use crate::npmx::Npmx;
use crate::samples::{ALICE, BOB};

/// A login by way of atcute, last refreshed two days ago.
fn atcute() -> LoginOptions {
    LoginOptions { library: Library::Atcute, ..days_ago(2) }
}

/// The same of this account.
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
    assert_eq!((names(&after), names(&after["tokenSet"])), (names(&before), names(&before["tokenSet"])));
    assert_eq!((&after["dpopKey"], &after["authMethod"]), (&before["dpopKey"], &before["authMethod"]));
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
    let numbers = records.values().filter(|record| record["tokenSet"]["expires_at"].is_number()).count();
    assert_eq!(numbers, 3);
}

#[test]
fn public_sessions_are_upgraded_and_keep_unknown_members() {
    let app = App::new();
    let mut record = app.net.login(LoginOptions { credentials: Some(Credentials::Public), ..of(ALICE) });
    record["authMethod"]["later"] = json!(1);
    record["tokenSet"]["later"] = json!([1, "2"]);
    app.database.session(&record);
    let output = app.sessions("upgrade");
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 1 session\n"), "{output}");
    app.assert_nobody_lost(output);
    let after = app.record(ALICE).unwrap();
    assert_eq!(after["authMethod"], json!({"method": "private_key_jwt", "later": 1, "kid": "testbed-1"}));
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
    assert_eq!(output.stdout.matches("somebody else holds the lock on it").count(), 2, "{output}");
    assert!(npmx.app.exchanges().is_empty());
    npmx.redis.ask(&["DEL", &format!("oauth:lock:oauth-session-{ALICE}")]);
    let output = npmx.app.sessions("refresh --all --lock-timeout 0s");
    assert_eq!(output.stdout, "refreshed 1 session, 1 skipped\n", "{output}");
    npmx.assert_nobody_lost(output);
}

#[test]
fn pending_logins_are_listed() {
    let app = App::new();
    let login = app.net.pending_state(LoginOptions { library: Library::Atcute, ..LoginOptions::default() });
    app.database.state("state-1", &login);
    let output = app.sandbox.run(["states", "list", "--format", "jsonl"]);
    assert!(output.stdout.contains(r#""auth_method":"private_key_jwt","kid":"testbed-1""#), "{output}");
    assert!(output.stdout.contains(&app.net.pds_url()) && output.stdout.contains(r#""reason":null"#), "{output}");
}
