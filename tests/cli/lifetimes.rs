//! Lifetimes specific to a server: configured, or learnt from its answers.

use std::time::Duration;

use serde_json::json;
use testbed::{Endpoint, Fault, iso8601, real_now};

use crate::app::App;
use crate::samples::object;

const DAY: i64 = 86_400_000;

/// Returns the status of the only session, this many days from now.
fn status_in(app: &mut App, days: i64) -> String {
    app.sandbox.set("OAUTHCTL_TEST_NOW", iso8601(real_now() + days * DAY));
    let output = app.sessions("list --format jsonl");
    app.sandbox.unset("OAUTHCTL_TEST_NOW");
    object(output.stdout.trim())["status"].as_str().unwrap().to_owned()
}

#[test]
fn sessions_of_an_issuer_live_as_long_as_is_set_for_it() {
    let mut app = App::with_alice();
    assert_eq!(status_in(&mut app, 30), "due");
    let issuer = app.net.pds_url();
    app.configure(&format!(
        "[issuers.\"{issuer}\"]\npublic_lifetime = \"1d\"\nconfidential_lifetime = \"30d\""
    ));
    assert_eq!(
        (status_in(&mut app, 27), status_in(&mut app, 30)),
        ("due".to_owned(), "suspect".to_owned())
    );
    app.configure("[issuers.\"https://other.example\"]\nconfidential_lifetime = \"30d\"");
    assert_eq!(status_in(&mut app, 30), "due");
}

#[test]
fn a_lifetime_that_a_server_states_is_learnt() {
    for name in ["refresh_token_expires_in", "refresh_expires_in"] {
        let mut app = App::with_alice();
        app.net.fault(
            Endpoint::Token,
            Fault::Set(name, json!(Duration::from_hours(10 * 24).as_secs())),
        );
        assert_eq!(app.sessions("refresh --all").code, 0);
        assert_eq!(
            (status_in(&mut app, 9), status_in(&mut app, 11)),
            ("due".to_owned(), "suspect".to_owned()),
            "{name}"
        );
        // A later answer without a lifetime revokes it.
        app.net.clear_faults();
        app.configure("min_interval = \"0s\"");
        assert_eq!(app.sessions("refresh --all").code, 0);
        assert_eq!(status_in(&mut app, 11), "due", "{name}");
    }
}

#[test]
fn an_issuer_that_is_none_is_refused() {
    let app = App::new();
    app.configure("[issuers.\"https://pds.example/\"]\nper_issuer = 1");
    let output = app.sessions("list");
    assert!(
        output.code == 2
            && output.stderr.contains("issuers.\"https://pds.example/\": not an issuer"),
        "{output}"
    );
}
