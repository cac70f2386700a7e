//! `oauthctl sessions upgrade` converts the sessions of a formerly public client, without any user
//! having to log in again.

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Credentials, Dialect, Endpoint, Fault, Injection, LoginOptions, Reply, keys};

use crate::app::{App, days_ago, did_of, hours_ago, to_be};
use crate::samples::{ALICE, object};

/// Refresh token used for probes, which no server has issued.
const NEVER_ISSUED: &str = "ref-0000000000000000000000000000000000000000000000000000000000000000";

/// Returns an app that has just become confidential, with this number of earlier users.
fn formerly_public(count: usize) -> App {
    let app = App::new();
    app.log_in(count, &public());
    app
}

/// Returns a session started by the public client.
fn public() -> LoginOptions {
    LoginOptions {
        credentials: Some(Credentials::Public),
        created_ago: Duration::from_hours(24 * 5),
        ..days_ago(2)
    }
}

#[test]
fn public_sessions_become_confidential_and_stay_so() {
    let app = formerly_public(20);
    let bound = app.log_in(2, &hours_ago(30));
    let output = app.sessions("upgrade");
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 20 sessions\n"), "{output}");
    for record in app.records().into_values() {
        assert_eq!(record["authMethod"], json!({"method": "private_key_jwt", "kid": "testbed-1"}));
    }
    assert!(bound.iter().all(|record| app.record(did_of(record)).as_ref() == Some(record)));
    app.assert_nobody_lost(&output);
    // The confidential client continues them far beyond the two weeks of a public one.
    app.configure("min_interval = \"0s\"");
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 22 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
    let output = app.sessions("upgrade");
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 0 sessions\n"), "{output}");
}

#[test]
fn one_is_tried_first_whoever_stands_before_it_in_the_store() {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(to_be("confidential")), ..days_ago(2) });
    app.log_in(2, &public());
    let output = app.sessions("upgrade --limit 1");
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 1 session\n"), "{output}");
}

#[test]
fn a_refresh_skips_public_sessions_with_a_hint() {
    let app = formerly_public(3);
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 1
            && output.stdout.contains(
                "started when the client was public; `oauthctl sessions upgrade` converts it"
            ),
        "{output}"
    );
    assert!(app.exchanges().is_empty());
    app.assert_nobody_lost(output);
}

#[test]
fn public_sessions_can_be_revoked_by_the_confidential_client() {
    let app = formerly_public(3);
    app.log_in(1, &days_ago(2));
    let output = app.sessions("revoke --all --yes");
    assert!(output.code == 0 && output.stdout.contains("4 sessions: 4 confirmed"), "{output}");
    assert_eq!((app.net.alive(), app.records().len()), (0, 0));
    assert_eq!(app.net.counters().revoked, 4, "by revocation, not by the proof");
}

#[test]
fn unrevokable_public_sessions_continue_as_confidential() {
    let app = formerly_public(1);
    app.net.fault(Endpoint::Revoke, Fault::Instead(testbed::Reply::json(200, &json!({}))));
    let output = app.sessions("revoke --all --yes");
    assert!(output.code == 1 && output.stdout.contains("1 failed"), "{output}");
    let record = app.records().into_values().next().unwrap();
    assert_eq!(record["authMethod"], json!({"method": "private_key_jwt", "kid": "testbed-1"}));
    app.assert_nobody_lost(output);
}

#[test]
fn a_public_client_s_sessions_are_refreshed_without_a_key() {
    let mut app = App::new();
    app.net.publish_public();
    app.sandbox.unset("APP_KEY");
    let text = app.sandbox.read("oauthctl.toml").replace("keys = [\"env:APP_KEY\"]\n", "");
    app.sandbox.file("oauthctl.toml", text);
    app.log_in(5, &public());
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 5 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn what_is_published_must_be_ready_before_anything_is_sent() {
    let cases: [(fn(&App), &str); 6] = [
        (|app| app.net.publish_public(), "does not contain private_key_jwt"),
        (|app| app.net.publish_jwks(&json!({"keys": []})), "does not contain key testbed-1"),
        (
            |app| {
                app.net
                    .publish_jwks(&json!({"keys": [keys::public(&keys::client_key("testbed-1"))]}));
            },
            "does not contain key testbed-1",
        ),
        (
            |app| app.net.fault(Endpoint::AppDocument, Fault::status(503)),
            "cannot read the published document",
        ),
        (
            |app| app.net.fault(Endpoint::AppJwks, Fault::Close),
            "cannot read the published document",
        ),
        (
            |app| app.net.fault(Endpoint::AppDocument, Fault::redirect("/other")),
            "cannot read the published document",
        ),
    ];
    for (change, reason) in cases {
        let app = formerly_public(3);
        change(&app);
        for arguments in ["upgrade", "upgrade --dry-run"] {
            let output = app.sessions(arguments);
            assert!(output.code == 1 && output.stderr.contains(reason), "{reason}: {output}");
            assert!(output.stderr.contains("hint: "), "{output}");
        }
        assert_eq!(app.net.counters().of(Endpoint::Token), 0, "{reason}");
    }
}

#[test]
fn the_check_of_what_is_published_can_be_left_out() {
    let app = formerly_public(3);
    app.net.fault(Endpoint::AppDocument, Fault::status(503));
    let output = app.sessions("upgrade --unpublished");
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 3 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn a_server_that_does_not_know_the_key_yet_costs_nothing() {
    let app = formerly_public(10);
    let other = keys::client_key("another");
    app.net.publish_confidential(&[other]);
    let output = app.sessions("upgrade --unpublished");
    assert!(output.code == 1 && output.stdout.contains("invalid_client"), "{output}");
    assert!(
        app.exchanges().is_empty(),
        "the server is asked with a token that nobody has: {output}"
    );
    let public = |record: &Value| record["authMethod"]["method"] == "none";
    assert!(app.records().values().all(public));
    app.assert_nobody_lost(output);
}

#[test]
fn a_dry_run_sends_no_token() {
    let app = formerly_public(3);
    let before = app.records();
    let output = app.sessions("upgrade --dry-run");
    assert_eq!((output.code, output.stdout.matches("would upgrade\n").count()), (0, 3));
    assert!(output.stdout.ends_with("\nwould upgrade 3 sessions\n"), "{output}");
    assert_eq!((app.exchanges().len(), app.records()), (0, before));
}

#[test]
fn without_a_key_there_is_nothing_to_upgrade_to() {
    let mut app = formerly_public(1);
    app.sandbox.set("APP_KEY", "[]");
    let output = app.sessions("upgrade");
    assert_eq!(output.code, 2, "{output}");
    assert_eq!(app.net.counters().of(Endpoint::Token), 0);
}

#[test]
fn sessions_that_had_ended_do_not_stop_the_others() {
    let app = formerly_public(0);
    for record in
        app.log_in(3, &LoginOptions { refreshed_ago: Some(Duration::from_hours(20)), ..public() })
    {
        app.net.end_sessions_of(did_of(&record));
    }
    app.log_in(5, &public());
    let output = app.sessions("upgrade");
    assert!(
        output.code == 0 && output.stdout.ends_with("upgraded 5 sessions, 3 gone\n"),
        "{output}"
    );
    let sent = app.exchanges().len();
    let output = app.sessions("upgrade");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "upgraded 0 sessions, 3 skipped (dead: the server has refused this refresh token)\n"),
        "{output}"
    );
    assert_eq!(app.exchanges().len(), sent);
}

#[test]
fn an_upgrade_that_cannot_be_stored_is_recovered_with_its_key() {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..public() });
    app.database.execute(
        "CREATE TRIGGER b BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    assert_eq!(app.sessions("upgrade").code, 1);
    app.database.execute("DROP TRIGGER b");
    assert_eq!(app.sessions("recover").stdout, "stored 1 session\n");
    assert_eq!(app.record(ALICE).unwrap()["authMethod"]["kid"], "testbed-1");
    app.assert_nobody_lost("");
}

#[test]
fn two_upgrades_at_once_carry_each_session_over_once() {
    let app = formerly_public(40);
    app.net.inject(Injection::new(Endpoint::Token, Fault::DelayBefore(Duration::from_millis(5))));
    let children: Vec<_> = (0..2).map(|_| app.begin("upgrade --retry-for 20s")).collect();
    for child in children {
        let output = app.sandbox.output_of(child);
        assert_eq!(output.code, 0, "{output}");
    }
    assert_eq!(app.generations(), [(1, 40)].into());
    app.assert_nobody_lost("");
}

#[test]
fn sessions_of_old_app_instances_are_skipped_unless_named() {
    let app = App::new();
    app.log_in(
        1,
        &LoginOptions {
            did: Some(ALICE.to_owned()),
            refreshed_ago: None,
            created_ago: Duration::ZERO,
            ..public()
        },
    );
    let output = app.sessions("upgrade");
    assert!(
        output.code == 0 && output.stdout.contains("upgraded 0 sessions, 1 skipped"),
        "{output}"
    );
    assert!(app.exchanges().is_empty());
    let output = app.sessions(&format!("upgrade {ALICE}"));
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 1 session\n"), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn a_program_reads_the_same_word_in_every_format() {
    let app = formerly_public(2);
    let count = |options: &str| {
        object(&app.sessions(&format!("upgrade -q --format json {options}")).stdout)
    };
    let counts = count("-n");
    assert_eq!(
        (&counts["dry_run"], &counts["counts"]["would_upgrade"]),
        (&json!(true), &json!(2)),
        "{counts:?}"
    );
    let output = app.sessions("upgrade --limit 1 -q --format jsonl");
    assert_eq!(object(&output.stdout)["result"], "upgraded", "{output}");
    assert_eq!(count("")["counts"]["upgraded"], 1);
}

#[test]
fn sessions_that_a_server_would_end_are_counted_and_left_alone() {
    let app = formerly_public(2);
    let other = app.net.add_pds().unwrap();
    app.net.set_dialect(other, Dialect::Rsky);
    app.log_in(3, &LoginOptions { pds: other, ..public() });
    let (issuer, before) = (app.net.pds_url_of(other), app.net.alive());
    for (arguments, summary) in [
        ("upgrade --dry-run", "would upgrade 2 sessions, 3 blocked\n"),
        ("upgrade", "upgraded 2 sessions, 3 blocked\n"),
    ] {
        let output = app.sessions(arguments);
        assert!(output.code == 3 && output.stdout.ends_with(summary), "{output}");
        let warning = format!(
            "warning: 3 sessions at {issuer} may end instead of being converted; `--issuer {issuer} --yes` tries one of them first\n"
        );
        assert_eq!(output.stderr, warning, "{output}");
    }
    // Naming the server is not a confirmation, and a confirmation does not name it.
    for arguments in [format!("upgrade --issuer {issuer}"), "upgrade --yes".to_owned()] {
        let output = app.sessions(&arguments);
        assert!(
            output.code == 1 && output.stdout.ends_with("upgraded 0 sessions, 3 blocked\n"),
            "{output}"
        );
    }
    app.assert_nobody_lost("");
    let agreed = format!("upgrade --issuer {issuer} --yes");
    for _ in 0..3 {
        app.sessions(&agreed);
    }
    assert_eq!(app.net.alive(), before - 1);
}

#[test]
fn a_server_whose_words_are_unknown_is_tried_only_by_consent() {
    let app = formerly_public(2);
    let unknown = Reply::error(400, "invalid_grant", "no such thing");
    app.net.inject(Injection::new(Endpoint::Token, Fault::Instead(unknown)).only(NEVER_ISSUED));
    let output = app.sessions("upgrade");
    assert!(output.code == 1 && output.stdout.contains("it is unknown whether"), "{output}");
    app.assert_nobody_lost(&output);
    let output = app.sessions(&format!("upgrade --issuer {} --yes", app.net.pds_url()));
    assert_eq!((output.code, output.stdout.as_str()), (0, "upgraded 2 sessions\n"), "{output}");
}

#[test]
fn an_upgrade_that_lost_its_session_has_failed() {
    let app = formerly_public(0);
    for record in app.log_in(1, &public()) {
        app.net.end_sessions_of(did_of(&record));
    }
    let output = app.sessions("upgrade --limit 1");
    assert!(
        output.code == 1 && output.stdout.ends_with("upgraded 0 sessions, 1 gone\n"),
        "{output}"
    );
}
