//! `oauthctl sessions revoke` where servers fail: a session is not renewed for nothing, and its token is not sent on and on.

use serde_json::json;
use testbed::{Endpoint, Fault, Injection, LoginOptions, Reply};

use crate::app::{App, days_ago};
use crate::samples::ALICE;

/// An app with one user, who has been away for forty days.
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
    // Its tokens were made by us, and do not count as the user's return.
    assert_eq!(app.net.counters().exchanged, 2, "{output}");
    assert_eq!((app.net.alive(), app.records().len()), (0, 0));
}

#[test]
fn what_a_proof_has_renewed_is_named_and_not_taken_for_the_user_s_doing() {
    let app = alice();
    app.net.fault(Endpoint::Revoke, Fault::Instead(Reply::json(200, &json!({}))));
    let output = app.sessions("revoke --not-refreshed-for 30d --yes --retry-for 10s --format jsonl");
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stdout.contains(r#""result":"unconfirmed""#), "{output}");
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
    assert!(output.stdout.contains("sign out 1 (away)"), "{output}");
}

#[test]
fn the_proof_s_token_is_sent_twice_at_most() {
    let app = alice();
    // The first request only asks for a nonce.
    app.net.inject(Injection::new(Endpoint::Token, Fault::Close).skip(1));
    let output = app.sessions(&format!("revoke {ALICE} --yes"));
    assert_eq!(output.code, 1, "{output}");
    assert_eq!(app.exchanges().len(), 2, "{output}");
}
