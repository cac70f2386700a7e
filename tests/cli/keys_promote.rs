//! `oauthctl keys rotate --promote`: a staged key becomes active after servers had time to fetch
//! it.

use serde_json::{Value, json};
use testbed::{Reply, keys};

use crate::app::App;
use crate::keys::kids_of;
use crate::sandbox::interrupt;

/// Returns an app whose second key, `next`, follows the active one.
fn staged() -> (App, Value, Value) {
    let mut app = App::new();
    let (active, next) = (app.net.signing_key().unwrap(), keys::client_key("next"));
    app.sandbox.file("keys.json", json!([active, next]).to_string());
    app.sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T12:00:00Z");
    (app, active, next)
}

const PROMOTE: [&str; 6] = ["keys", "rotate", "--promote", "next", "--keys", "keys.json"];

#[test]
fn a_staged_key_is_promoted_after_the_servers_cache_time() {
    let (mut app, active, next) = staged();
    let before = app.sandbox.read("keys.json");
    let refusal = app.sandbox.refusal(PROMOTE);
    assert!(
        refusal.code == 1
            && refusal.stderr.contains("the published key set does not contain key next"),
        "{refusal}"
    );
    app.net.publish_confidential(&[active, next]);
    for time in ["12:00:00", "12:01:00", "12:09:59"] {
        app.sandbox.set("OAUTHCTL_TEST_NOW", format!("2026-11-23T{time}Z"));
        let output = app.sandbox.run(PROMOTE);
        assert!(
            output.code == 1
                && output.stderr.contains("may cache an older set until 2026-11-23T12:10:00Z"),
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
fn an_unpublished_key_takes_over_where_that_is_asked_for() {
    // The second is the option's name until 0.1.
    for option in ["--unpublished", "--force"] {
        let (app, ..) = staged();
        let output = app.sandbox.run([&PROMOTE[..], &[option]].concat());
        assert_eq!(output.code, 0, "{option}: {output}");
        assert_eq!(kids_of(&app), ["next", "testbed-1"], "{option}");
    }
}

#[test]
fn waiting_for_servers_ends_at_the_first_signal() {
    let (app, active, next) = staged();
    app.net.publish_confidential(&[active, next]);
    let before = app.sandbox.read("keys.json");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        // Time stands still in this sandbox.
        let child = app.sandbox.start([&PROMOTE[..], &["--wait"]].concat());
        interrupt(&child, signal);
        let output = app.sandbox.output_of(child);
        assert!(
            output.code == code && output.stderr.ends_with("interrupted; nothing was changed\n"),
            "{output}"
        );
        assert_eq!(app.sandbox.read("keys.json"), before);
    }
}

#[test]
fn a_server_that_keeps_documents_for_longer_is_waited_for() {
    let (mut app, active, next) = staged();
    app.net.publish_confidential(&[active, next]);
    app.configure(
        "[issuers.\"https://a.example\"]\ndocument_cache = \"1h\"\n[issuers.\"https://b.example\"]\nper_issuer = 1",
    );
    let output = app.sandbox.run(PROMOTE);
    assert!(
        output.code == 1
            && output.stderr.contains("may cache an older set until 2026-11-23T13:00:00Z"),
        "{output}"
    );
    app.sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T13:01:00Z");
    assert_eq!(app.sandbox.run(PROMOTE).code, 0);
}

#[test]
fn caches_that_may_keep_the_key_set_are_waited_for() {
    let (app, active, next) = staged();
    let jwks = json!({"keys": [keys::public(&active), keys::public(&next)]});
    app.net.publish(
        testbed::JWKS_PATH,
        Reply::json(200, &jwks).header("cache-control", "public, max-age=7200"),
    );
    let output = app.sandbox.run(PROMOTE);
    assert!(
        output.code == 1
            && output.stderr.contains("may cache an older set until 2026-11-23T14:00:00Z"),
        "{output}"
    );
}

#[test]
fn waiting_takes_as_long_as_what_was_served_may_be_kept() {
    let (app, active, next) = staged();
    let jwks = json!({"keys": [keys::public(&active), keys::public(&next)]});
    app.net.publish(
        testbed::JWKS_PATH,
        Reply::json(200, &jwks).header("cache-control", "public, max-age=86400"),
    );
    let output = app.sandbox.run([&PROMOTE[..], &["--wait", "--dry-run"]].concat());
    assert!(
        output.code == 0 && output.stderr.contains("would wait until 2026-11-24T12:00:00Z"),
        "{output}"
    );
    let child = app.sandbox.start([&PROMOTE[..], &["--wait"]].concat());
    interrupt(&child, "INT");
    let output = app.sandbox.output_of(child);
    assert!(output.code == 130 && !output.stderr.contains("T12:10:00Z"), "{output}");
}

#[test]
fn a_dry_run_does_not_wait() {
    let (app, active, next) = staged();
    app.net.publish_confidential(&[active, next]);
    let before = app.sandbox.read("keys.json");
    let output = app.sandbox.run([&PROMOTE[..], &["--wait", "--dry-run"]].concat());
    let expected =
        ["dry run: would wait until 2026-11-23T12:10:00Z", "dry run: next would move to the front"];
    assert!(
        output.code == 0 && expected.iter().all(|part| output.stderr.contains(part)),
        "{output}"
    );
    assert_eq!(app.sandbox.read("keys.json"), before);
}
