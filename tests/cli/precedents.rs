//! Notes about configurations and keys: they apply to later runs, until they are disproved.

use std::time::Duration;

use serde_json::Value;
use testbed::{Credentials, Dialect, Endpoint, Fault, LoginOptions, Reply, iso8601, keys};

use crate::app::{App, days_ago, hours_ago};
use crate::samples::ALICE;

#[test]
fn a_blocked_configuration_is_retried_for_named_sessions_only() {
    let mut app = App::with_users(3);
    // Another key under the kid of the key with which these sessions started.
    let second = keys::client_key("testbed-1");
    app.set_keys(&[&second]);
    app.net.publish_confidential(&[second]);
    app.configure("min_interval = \"0s\"");
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..hours_ago(30) });
    let output = app.sessions("refresh --all --per-issuer 1");
    assert_eq!((output.code, app.lost().len()), (3, 1), "{output}");
    app.database.execute(&format!("DELETE FROM auth_session WHERE key != '{ALICE}'"));
    let sent = app.exchanges().len();

    let output = app.sessions("refresh --all");
    assert!(
        output.code == 1 && output.stdout.contains("name the session to try it anyway"),
        "{output}"
    );
    assert_eq!(app.exchanges().len(), sent, "{output}");

    let output = app.sessions(&format!("refresh {ALICE}"));
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    // Its success also clears the others.
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
}

#[test]
fn a_kid_is_free_again_when_its_key_was_retired() {
    let app = App::new();
    let (signing, old, new) =
        (app.net.signing_key().unwrap(), keys::client_key("old"), keys::client_key("old"));
    let settings = app.sandbox.read("oauthctl.toml").replace("env:APP_KEY", "keys.json");
    app.sandbox.file("oauthctl.toml", settings);
    let log_in_with = |key: &Value| {
        let all = [signing.clone(), key.clone()];
        app.sandbox.file("keys.json", Value::from(all.to_vec()).to_string());
        app.net.publish_confidential(&all);
        app.log_in(
            1,
            &LoginOptions { credentials: Some(Credentials::Key(key.clone())), ..days_ago(2) },
        );
    };
    log_in_with(&old);
    assert_eq!(app.sessions("refresh --all").stdout, "refreshed 1 session\n");
    assert_eq!(app.sessions("revoke --all --yes").code, 0);
    let output = app.sandbox.run(["keys", "retire", "old", "--unused"]);
    assert_eq!(output.code, 0, "{output}");
    log_in_with(&new);
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
}

#[test]
fn a_key_noted_where_none_is_checked_blocks_no_other_server() {
    let mut app = App::with_users(3);
    let lax = app.net.add_pds().unwrap();
    app.net.set_dialect(lax, Dialect::Pegasus);
    app.configure("min_interval = \"0s\"");
    app.log_in(3, &LoginOptions { pds: lax, ..days_ago(2) });
    let right = app.net.signing_key().unwrap();
    app.set_keys(&[&keys::client_key("testbed-1")]);
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 3 && output.stdout.ends_with("refreshed 3 sessions, 3 blocked\n"),
        "{output}"
    );
    app.set_keys(&[&right]);
    for _ in 0..2 {
        let output = app.sessions("refresh --all");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "refreshed 6 sessions\n"),
            "{output}"
        );
    }
    app.assert_nobody_lost("");
    // The strict server's key is now noted, and another with its kid is not sent to that server.
    app.set_keys(&[&keys::client_key("testbed-1")]);
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 3 && output.stdout.ends_with("refreshed 3 sessions, 3 blocked\n"),
        "{output}"
    );
    assert!(output.stdout.contains("is not the one that worked before"), "{output}");
}

#[test]
fn a_key_that_worked_for_another_client_blocks_nobody() {
    let mut app = App::with_users(2);
    app.configure("min_interval = \"0s\"");
    assert_eq!(app.sessions("refresh --all").code, 0);
    // Another app in the same store, whose key has the same kid.
    let other = keys::client_key("testbed-1");
    app.set_keys(&[&other]);
    app.net.publish_confidential(std::slice::from_ref(&other));
    app.net.set_client_id(&format!("{}/other.json", app.net.app_url()));
    app.net.publish("/other.json", testbed::Reply::json(200, &app.net.metadata()));
    app.configure("min_interval = \"0s\"");
    app.database.execute("DELETE FROM auth_session");
    app.log_in(2, &days_ago(2));
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 2 sessions\n"), "{output}");
}

/// Returns the number of sessions that have ended at their server.
fn ended(app: &App) -> usize {
    app.net.sessions().iter().filter(|session| !session.alive).count()
}

#[test]
fn a_copy_of_a_store_costs_one_session_over_all_runs() {
    let app = App::with_users(6);
    app.configure("min_interval = \"0s\"");
    // The app continues with another store, of which this is a copy.
    for record in app.records().into_values() {
        app.net.refresh_as_app(&record).unwrap();
    }
    let output = app.sessions("refresh --all --per-issuer 1");
    assert_eq!((output.code, ended(&app)), (3, 1), "{output}");
    let sent = app.exchanges().len();
    for command in ["refresh --all", "refresh", "prune --inactive 1d"] {
        let output = app.sessions(command);
        assert!(
            output.code != 0 && output.to_string().contains("Is this store a copy"),
            "{output}"
        );
        assert_eq!((app.exchanges().len(), ended(&app)), (sent, 1), "{output}");
    }
    let one = app.records_left().pop().unwrap();
    app.sessions(&format!("refresh {one}"));
    assert_eq!(app.exchanges().len(), sent + 1, "it was named");
}

#[test]
fn signing_out_in_a_copy_of_a_store_is_tried_once_over_all_runs() {
    let app = App::with_users(4);
    for record in app.records().into_values() {
        app.net.refresh_as_app(&record).unwrap();
    }
    for _ in 0..3 {
        let output = app.sessions("prune --inactive 1d");
        assert_eq!((output.code, ended(&app), app.exchanges().len()), (1, 1, 1), "{output}");
    }
}

#[test]
fn a_lost_write_holds_others_back_until_the_store_moves_on() {
    let mut app = App::new();
    app.net.stop_clock();
    app.net.configure(|policy| policy.proofs_follow_clock = true);
    app.configure("min_interval = \"0s\"");
    app.log_in(3, &days_ago(2));
    // Recently active users come first.
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..hours_ago(30) });
    app.net.refresh_as_app(&app.record(ALICE).unwrap()).unwrap();
    let run = |app: &mut App| {
        app.sandbox.set("OAUTHCTL_TEST_NOW", iso8601(app.net.now()));
        app.sessions("refresh --all --per-issuer 1 --retry-for 8s")
    };
    let output = run(&mut app);
    assert_eq!((output.code, ended(&app)), (3, 1), "{output}");
    app.net.advance(Duration::from_hours(24));
    let sent = app.exchanges().len();
    let output = run(&mut app);
    assert_eq!((output.code, app.exchanges().len()), (3, sent), "{output}");
    // A user becomes active.
    let record = app.records().into_values().find(|record| app.net.is_alive_with(record)).unwrap();
    app.database.session(&app.net.refresh_as_app(&record).unwrap());
    app.net.advance(Duration::from_hours(24));
    let output = run(&mut app);
    assert!(
        output.stdout.ends_with(
            "refreshed 3 sessions, 1 skipped (dead: the server has refused this refresh token)\n"
        ),
        "{output}"
    );
    assert_eq!(ended(&app), 1, "{output}");
}

#[test]
fn a_lost_write_among_good_sessions_holds_nobody_back() {
    let app = App::with_users(6);
    app.configure("min_interval = \"0s\"");
    // The least recently active user comes last.
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(20) });
    app.net.refresh_as_app(&app.record(ALICE).unwrap()).unwrap();
    let output = app.sessions("refresh --all --per-issuer 1");
    assert_eq!((output.code, ended(&app)), (0, 1), "{output}");
    let output = app.sessions("refresh --all --per-issuer 1");
    assert!(
        output.stdout.ends_with(
            "refreshed 6 sessions, 1 skipped (dead: the server has refused this refresh token)\n"
        ),
        "{output}"
    );
}

#[test]
fn a_token_of_the_wrong_form_says_nothing_about_its_session() {
    let app = App::with_alice();
    let words = "String must contain exactly 68 character(s)";
    app.net.fault(Endpoint::Token, Fault::Instead(Reply::error(400, "invalid_grant", words)));
    let output = app.sessions("refresh --all");
    assert!(output.code == 1 && output.stdout.contains("1 unknown"), "{output}");
    assert_eq!(app.records_left(), [ALICE]);
}
