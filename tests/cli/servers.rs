//! Sessions at servers that differ from the reference server, and at servers that have changed.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::json;
use testbed::{Endpoint, NoncePolicy, keys};

use crate::app::{App, days_ago};
use crate::samples::ALICE;

#[test]
fn a_nonce_good_for_one_request_costs_one_more_request() {
    let app = App::new();
    app.net.configure(|policy| policy.nonces = NoncePolicy::SingleUse);
    app.log_in(60, &days_ago(2));
    let output = app.sessions("refresh --all --concurrency 16 --per-issuer 16");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 60 sessions\n"), "{output}");
    let mut sent = BTreeMap::<_, u32>::new();
    for token in app.exchanges().into_iter().filter_map(|request| request.token) {
        *sent.entry(token).or_default() += 1;
    }
    assert_eq!(sent.len(), 60);
    assert!(sent.values().all(|times| *times <= 2), "{sent:?}");
    app.assert_nobody_lost(output);
    let output = app.sessions("revoke --all --yes --concurrency 16 --per-issuer 16");
    assert_eq!((output.code, app.net.alive()), (0, 0), "{output}");
}

#[test]
fn a_nonce_that_a_server_has_forgotten_costs_nobody_a_session() {
    for nonces in [NoncePolicy::Always, NoncePolicy::OnDemand, NoncePolicy::Optional] {
        let app = App::with_users(12);
        app.net.configure(|policy| policy.nonces = nonces);
        let run = app.begin("refresh --all --concurrency 1 --rate 20");
        thread::sleep(Duration::from_millis(300));
        app.net.rotate_nonces();
        let output = run.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            (output.status.code(), &*stdout),
            (Some(0), "refreshed 12 sessions\n"),
            "{nonces:?}: {output:?}"
        );
        app.assert_nobody_lost(stdout);
    }
}

#[test]
fn a_server_without_nonces_is_asked_for_one_once_a_run() {
    let app = App::with_users(12);
    app.net.configure(|policy| policy.nonces = NoncePolicy::Never);
    let output = app.sessions("refresh --all --concurrency 1");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 12 sessions\n"), "{output}");
    // The last request tests whether the server checks client keys.
    assert_eq!(app.net.requests_to(Endpoint::Token).len(), 1 + 12 + 1);
}

#[test]
fn the_audience_follows_the_account_to_its_new_pds() {
    let app = App::with_alice();
    app.sessions("refresh --all");
    assert_eq!(app.record(ALICE).unwrap()["tokenSet"]["aud"], format!("{}/", app.net.pds_url()));
    let new = app.net.add_pds().unwrap();
    app.net.patch_resource_metadata(new, json!({"authorization_servers": [app.net.pds_url()]}));
    app.net.patch_server_metadata(
        0,
        json!({"protected_resources": [app.net.pds_url(), app.net.pds_url_of(new)]}),
    );
    app.net.set_pds_of(ALICE, new);
    app.configure("min_interval = \"0s\"");
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    assert_eq!(
        app.record(ALICE).unwrap()["tokenSet"]["aud"],
        format!("{}/", app.net.pds_url_of(new))
    );
    app.assert_nobody_lost(output);
}

#[test]
fn an_issuer_that_has_changed_is_named_beside_the_old_one() {
    let app = App::with_alice();
    let (old, new) = (app.net.pds_url(), app.net.add_pds().unwrap());
    app.net.set_pds_of(ALICE, new);
    let output = app.sessions("refresh --all");
    let new = app.net.pds_url_of(new);
    let expected =
        format!("the session was issued by {old}, but the account's PDS {new} belongs to {new}");
    assert!(output.code == 1 && output.stdout.contains(&expected), "{output}");
    assert!(app.exchanges().is_empty());
}

#[test]
fn an_issuer_that_differs_by_a_slash_is_said_to() {
    let app = App::with_alice();
    let issuer = app.net.pds_url();
    app.net.patch_resource_metadata(0, json!({"authorization_servers": [format!("{issuer}/")]}));
    let output = app.sessions("refresh --all");
    let expected =
        format!("the issuer is \"{issuer}\" in the session but \"{issuer}/\" at its PDS {issuer}");
    assert!(output.code == 1 && output.stdout.contains(&expected), "{output}");
    assert!(app.exchanges().is_empty());
}

#[test]
fn both_client_ids_are_named_where_they_differ() {
    let app = App::with_users(2);
    app.configure_client("https://other.example/client.json", "");
    let output = app.sessions("refresh --all");
    let theirs = app.net.client_id();
    let expected =
        format!("issued to the client_id {theirs}, not to https://other.example/client.json");
    assert!(output.code == 1 && output.stdout.contains(&expected), "{output}");
}

#[test]
fn a_refused_client_is_named_with_its_key_and_the_server() {
    let mut app = App::with_users(2);
    app.set_keys(&[&keys::client_key("testbed-1")]);
    let expected = format!(
        "{} does not accept the client with key testbed-1: invalid_client",
        app.net.pds_url()
    );
    for command in ["refresh --all", "revoke --all --yes"] {
        let output = app.sessions(command);
        assert!(output.code != 0 && output.stdout.contains(&expected), "{command}: {output}");
    }
    app.assert_nobody_lost("");
    let app = App::new();
    app.net.publish_public();
    app.log_in(1, &days_ago(2));
    app.net.configure(|policy| policy.documents_reachable = false);
    app.sandbox
        .file("oauthctl.toml", app.sandbox.read("oauthctl.toml").replace("\"env:APP_KEY\"", ""));
    let output = app.sessions("refresh --all");
    assert!(output.stdout.contains("does not accept the client as a public one"), "{output}");
}
