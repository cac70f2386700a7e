//! Properties of a session that are known without its server: the same in a list, in a dry run and
//! in the run itself.

use serde_json::{Value, json};
use testbed::{Credentials, LoginOptions, keys};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, object, session};
use crate::sandbox::Sandbox;

const MISTYPED: &str = "https://app.example.com/mistyped.json";

/// Returns the blocked sessions of `sessions list` or of a run with such results, with the reasons.
#[track_caller]
fn blocked(app: &App, command: &str, result: &str) -> Vec<(String, String)> {
    let output = app.sessions(&format!("{command} --format jsonl -q"));
    let row = |line: &str| {
        let row = object(line);
        let text =
            |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_blocked = text("status") == "blocked" || text("result") == result;
        is_blocked.then(|| (text("key"), text("reason")))
    };
    let mut rows: Vec<_> = output.stdout.lines().filter_map(row).collect();
    rows.sort();
    assert!(rows.iter().all(|(_, reason)| !reason.is_empty()), "{output}");
    rows
}

/// Asserts that a list, the dry run and the run of a refresh, and the dry run of a revocation agree
/// on the number of sessions and the reason.
#[track_caller]
fn assert_all_agree(app: &App, count: usize, reason: &str) {
    let sent = app.exchanges().len();
    let listed = blocked(app, "list", "blocked");
    assert_eq!(listed.len(), count, "{listed:?}");
    assert!(listed.iter().all(|(_, why)| why.contains(reason)), "{listed:?}");
    for (command, result) in [
        ("refresh --all -n", "blocked"),
        ("refresh --all", "blocked"),
        ("revoke --all -n", "would_fail"),
    ] {
        assert_eq!(blocked(app, command, result), listed, "{command}");
    }
    let counts = object(&app.sessions("stats --format json -q").stdout);
    assert_eq!(counts["by_status"]["blocked"], json!(count));
    for (did, why) in listed {
        let shown = app.sessions(&format!("show {did} --format json -q")).stdout;
        assert!(shown.contains(&json!(why).to_string()), "{shown}");
    }
    assert_eq!(app.exchanges().len(), sent);
    app.assert_nobody_lost("");
}

#[test]
fn a_mistyped_client_id_blocks_every_session_everywhere() {
    let app = App::with_users(3);
    app.configure_client(MISTYPED, "min_interval = \"0s\"");
    assert_all_agree(
        &app,
        3,
        &format!(
            "the tokens were issued to the client_id {}, not to {MISTYPED}",
            app.net.client_id()
        ),
    );
    for (command, verb) in [("refresh --dry-run", "would refresh"), ("refresh", "refreshed")] {
        let output = app.sessions(command);
        assert_eq!(output.code, 1, "{output}");
        assert!(output.stdout.ends_with(&format!("{verb} 0 sessions, 3 blocked\n")), "{output}");
    }
    app.configure("min_interval = \"0s\"");
    assert_eq!(blocked(&app, "list", "blocked"), []);
    assert_eq!(app.sessions("refresh").stdout, "refreshed 3 sessions\n");
}

#[test]
fn a_mistyped_client_id_blocks_an_upgrade_and_its_dry_run() {
    let app = App::new();
    app.log_in(2, &LoginOptions { credentials: Some(Credentials::Public), ..days_ago(2) });
    app.configure_client(MISTYPED, "");
    for (command, verb) in [
        ("upgrade --unpublished --dry-run", "would upgrade"),
        ("upgrade --unpublished", "upgraded"),
    ] {
        let output = app.sessions(command);
        assert_eq!(output.code, 1, "{output}");
        assert!(output.stdout.ends_with(&format!("{verb} 0 sessions, 2 blocked\n")), "{output}");
    }
    app.assert_nobody_lost("");
}

#[test]
fn a_changed_key_blocks_its_sessions_in_all_commands() {
    let mut app = App::with_users(2);
    app.configure("min_interval = \"0s\"");
    assert_eq!(app.sessions("refresh --all").code, 0);
    let right = app.net.signing_key().unwrap();
    app.set_keys(&[&keys::client_key("testbed-1")]);
    assert_all_agree(&app, 2, "the key with kid testbed-1 is not the one that worked before");
    app.set_keys(&[&right]);
    assert_eq!(blocked(&app, "list", "blocked"), []);
}

#[test]
fn a_wrong_dpop_key_blocks_a_session_in_all_commands() {
    let app = App::with_users(2);
    let (did, mut record) = app.records().into_iter().next().unwrap();
    let right = record.clone();
    record["dpopJwk"] = keys::generate(keys::Alg::Es256);
    let store = |record: &Value| {
        app.database.execute(&format!("DELETE FROM auth_session WHERE key = '{did}'"));
        app.database.session(record);
    };
    store(&record);
    app.configure("min_interval = \"0s\"");
    let listed = blocked(&app, "list", "blocked");
    assert_eq!(
        listed,
        [(did.clone(), "the tokens are bound to a DPoP key other than the stored one".to_owned())]
    );
    for command in ["refresh --all -n", "refresh --all"] {
        assert_eq!(blocked(&app, command, "blocked"), listed, "{command}");
    }
    store(&right);
    app.assert_nobody_lost("");
}

#[test]
fn tokens_that_wait_to_be_stored_block_a_session_everywhere() {
    let app = App::with_users(2);
    app.database.execute(
        "CREATE TRIGGER b BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    app.configure("min_interval = \"0s\"");
    assert_eq!(app.sessions("refresh --all").code, 1);
    let waiting = app.recovery_entries().len();
    assert!(waiting > 0);
    let listed = blocked(&app, "list", "blocked");
    assert_eq!(listed.len(), waiting);
    assert!(listed[0].1.starts_with("newer tokens are in the recovery directory"), "{listed:?}");
    assert_eq!(blocked(&app, "refresh --all -n", "blocked"), listed);
}

#[test]
fn settings_that_let_nothing_out_block_every_session_everywhere() {
    let app = App::with_users(2);
    let text = app.sandbox.read("oauthctl.toml").replace("allow_http = true", "allow_http = false");
    let text = text.replace(&format!("plc_directory = \"{}\"\n", app.net.plc_url()), "");
    app.sandbox
        .file("oauthctl.toml", text.replace("[refresh]", "[refresh]\nmin_interval = \"0s\""));
    assert_all_agree(&app, 2, "is not https (network.allow_http)");
}

#[test]
fn without_a_key_source_a_run_and_its_dry_run_find_no_key() {
    let app = App::with_users(2);
    let text = app.sandbox.read("oauthctl.toml").replace("keys = [\"env:APP_KEY\"]\n", "");
    app.sandbox.file("oauthctl.toml", text);
    // The absence of a key was not configured.
    assert_eq!(blocked(&app, "list", "blocked"), []);
    let dry = blocked(&app, "refresh --all -n", "blocked");
    assert!(dry.len() == 2 && dry[0].1.ends_with("is not in the key set"), "{dry:?}");
    assert_eq!(blocked(&app, "refresh --all", "blocked"), dry);
}

#[test]
fn what_is_not_configured_blocks_nothing() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let mut public = session("did:web:public", "3h");
    public["authMethod"] = json!({"method": "none"});
    database.session(&session(ALICE, "3h")).session(&public);
    database.close();
    let output = sandbox.run(["sessions", "list", "--format", "jsonl", "-q"]);
    assert!(output.stdout.lines().all(|line| object(line)["status"] == "idle"), "{output}");
    assert_eq!(output.stdout.lines().count(), 2);
}

#[test]
fn no_refresh_token_blocks_a_session_in_a_dry_run_too() {
    let app = App::new();
    let mut record = app
        .log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..LoginOptions::default() })
        .remove(0);
    record["tokenSet"].as_object_mut().unwrap().remove("refresh_token");
    app.database.execute("DELETE FROM auth_session");
    app.database.session(&record);
    app.configure("min_interval = \"0s\"");
    let dry = blocked(&app, &format!("refresh {ALICE} -n"), "blocked");
    assert_eq!(dry, [(ALICE.to_owned(), "no refresh token".to_owned())]);
    assert_eq!(blocked(&app, &format!("refresh {ALICE}"), "blocked"), dry);
    assert_eq!(blocked(&app, "revoke --all -n", "would_fail"), dry);
}

#[test]
fn a_revocation_dry_run_includes_public_sessions() {
    let app = App::new();
    app.log_in(2, &LoginOptions { credentials: Some(Credentials::Public), ..days_ago(2) });
    assert_eq!(blocked(&app, "list", "blocked").len(), 2);
    let output = app.sessions("revoke --all --dry-run");
    assert!(output.code == 0 && output.stdout.ends_with("\nwould revoke 2 sessions\n"), "{output}");
    let output = app.sessions("revoke --all --yes");
    assert!(output.code == 0 && output.stdout.ends_with("2 sessions: 2 confirmed\n"), "{output}");
}
