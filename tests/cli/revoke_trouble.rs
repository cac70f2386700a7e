//! `oauthctl sessions revoke` with failing servers: no useless renewals, and no repeated sending of
//! a token.

use serde_json::json;
use testbed::{Dialect, Endpoint, Fault, Injection, LoginOptions, Reply};

use crate::app::{App, days_ago, wait_until};
use crate::samples::ALICE;

/// Returns an app with one user, inactive for forty days.
fn alice() -> App {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(40) });
    app
}

#[test]
fn a_server_that_cannot_revoke_now_is_tried_again() {
    let app = alice();
    app.net.inject(Injection::new(Endpoint::Revoke, Fault::status(500)).times(1));
    let output = app.sessions("revoke --not-refreshed-for 30d --yes --retry-for 10s");
    assert_eq!(output.code, 0, "{output}");
    assert!(output.stdout.contains("1 session: 1 confirmed"), "{output}");
    // Tokens made by oauthctl do not count as activity of the user.
    assert_eq!(app.net.counters().exchanged, 2, "{output}");
    assert_eq!((app.net.alive(), app.records().len()), (0, 0));
}

#[test]
fn tokens_renewed_by_a_proof_are_reported_and_not_activity() {
    let app = alice();
    app.net.fault(Endpoint::Revoke, Fault::Instead(Reply::json(200, &json!({}))));
    let output =
        app.sessions("revoke --not-refreshed-for 30d --yes --retry-for 10s --format jsonl");
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stdout.contains(r#""result":"failed""#), "{output}");
    app.assert_nobody_lost(&output);
    let listed = app.sessions("list --format jsonl");
    assert!(listed.stdout.contains(r#""last_refreshed_by":"notes""#), "{listed}");
}

#[test]
fn the_user_of_a_session_that_a_proof_has_renewed_is_still_away() {
    let app = alice();
    app.net.fault(Endpoint::Revoke, Fault::Instead(Reply::json(200, &json!({}))));
    let output = app.sessions("prune --inactive 30d");
    assert_eq!(output.code, 1, "{output}");
    app.net.clear_faults();
    let output = app.sessions("prune --inactive 30d --dry-run");
    assert!(output.stdout.contains("sign out 1 (inactive)"), "{output}");
}

#[test]
fn the_proof_s_token_is_sent_twice_at_most() {
    let app = alice();
    // The first request only fetches a nonce.
    app.net.inject(Injection::new(Endpoint::Token, Fault::Close).skip(1));
    let output = app.sessions(&format!("revoke {ALICE} --yes"));
    assert_eq!(output.code, 1, "{output}");
    assert_eq!(app.exchanges().len(), 2, "{output}");
}

#[test]
fn new_tokens_are_on_the_disk_before_they_are_revoked() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let app = alice();
        app.net.fault_once(Endpoint::Revoke, fault.clone());
        let mut child = app.begin(&format!("revoke {ALICE} --yes"));
        let is_alive = matches!(fault, Fault::Hang);
        // The request is counted before it is processed.
        wait_until(|| {
            app.net.counters().of(Endpoint::Revoke) > 0 && (app.net.alive() == 1) == is_alive
        });
        assert_eq!(app.waiting_records().len(), 1, "{fault:?}");
        assert_eq!(app.net.is_alive_with(&app.waiting_records()[0]), is_alive, "{fault:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        let output = app.sessions("recover");
        assert_eq!(output.stdout, "stored 1 session\n", "{output}");
        if is_alive {
            app.assert_nobody_lost(output);
        }
        assert!(app.recovery_entries().is_empty());
    }
}

#[test]
fn a_proven_end_is_remembered_if_words_prove_nothing() {
    let app = alice();
    app.net.set_dialect(0, Dialect::Cocoon);
    app.database.execute(
        "CREATE TRIGGER b BEFORE DELETE ON auth_session BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let output = app.sessions(&format!("revoke {ALICE} --yes"));
    assert!(
        output.code == 1 && output.stdout.contains("ended, but its record could not be removed"),
        "{output}"
    );
    app.database.execute("DROP TRIGGER b");
    let output = app.sessions("prune");
    assert!(output.code == 0 && app.records_left().is_empty(), "{output}");
}
