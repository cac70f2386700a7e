//! `oauthctl sessions refresh` keeps sessions alive, and never sends a token under a configuration
//! that ends sessions.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::{Alg, Credentials, Endpoint, Fault, LoginOptions, NoncePolicy, keys};

use crate::app::{App, days_ago, did_of, hours_ago, to_be};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, counts, object, session};
use crate::sandbox::Sandbox;

/// Returns the session of one account, last refreshed two days ago.
fn of(did: &str) -> LoginOptions {
    LoginOptions { did: Some(did.to_owned()), ..days_ago(2) }
}

#[test]
fn every_session_is_refreshed_whatever_its_dpop_key() {
    let app = App::new();
    app.log_in(15, &LoginOptions { dpop_alg: Alg::Es256, ..days_ago(2) });
    app.log_in(15, &LoginOptions { dpop_alg: Alg::Es256k, ..days_ago(2) });
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 30 sessions\n"), "{output}");
    assert_eq!(app.generations(), [(1, 30)].into());
    app.assert_nobody_lost(output);
}

#[test]
fn the_second_run_in_a_row_has_nothing_to_do() {
    let app = App::with_users(5);
    app.sessions("refresh --all");
    let output = app.sessions("refresh --all");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "refreshed 0 sessions, 5 skipped (refreshed less than 10m ago)\n"),
        "{output}"
    );
    let output = app.sessions("refresh");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 0 sessions\n"), "{output}");
    assert_eq!(output.stderr, "none of 5 sessions is due; use --all to select all\n");
    assert_eq!(app.generations(), [(1, 5)].into());
}

#[test]
fn without_a_minimal_interval_every_run_refreshes() {
    let app = App::with_users(5);
    app.configure("min_interval = \"0s\"");
    for generation in 1..=3 {
        let output = app.sessions("refresh --all");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "refreshed 5 sessions\n"),
            "{output}"
        );
        assert_eq!(app.generations(), [(generation, 5)].into());
    }
    app.assert_nobody_lost("");
}

#[test]
fn the_stored_record_is_what_the_app_would_have_stored() {
    let app = App::new();
    let before = app.log_in(1, &of(ALICE)).remove(0);
    app.sessions("refresh --all");
    let after = app.record(ALICE).unwrap();
    assert_eq!(after["dpopJwk"], before["dpopJwk"]);
    assert_eq!(after["authMethod"], before["authMethod"]);
    for name in ["refresh_token", "access_token", "expires_at"] {
        assert_ne!(after["tokenSet"][name], before["tokenSet"][name], "{name}");
    }
    let names = |record: &Value| {
        record["tokenSet"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&after), names(&before));
}

#[test]
fn opaque_tokens_and_minimal_answers_are_refreshed() {
    for change in [
        (|policy| policy.readable_access_tokens = false) as fn(&mut testbed::Policy),
        |policy| policy.rotate_refresh_tokens = false,
        |policy| policy.nonces = NoncePolicy::SingleUse,
        |policy| policy.nonces = NoncePolicy::OnDemand,
        |policy| policy.nonces = NoncePolicy::Optional,
        |policy| policy.nonces = NoncePolicy::Never,
        |policy| policy.revocation = false,
    ] {
        let app = App::new();
        app.net.configure(change);
        app.log_in(6, &days_ago(2));
        let output = app.sessions("refresh --all");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "refreshed 6 sessions\n"),
            "{output}"
        );
        app.assert_nobody_lost(output);
    }
}

#[test]
fn by_default_those_that_are_due_are_refreshed() {
    let app = App::new();
    for hours in [0, 3, 20, 24, 24 * 80] {
        app.log_in(1, &hours_ago(hours));
    }
    let output = app.sessions("refresh");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 2 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
    let output = app.sessions("refresh --expired");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 2 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
    assert_eq!(app.generations(), [(0, 1), (1, 4)].into());
}

#[test]
fn a_named_account_is_refreshed_though_it_is_not_due() {
    let app = App::new();
    app.log_in(3, &days_ago(2));
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..hours_ago(3) });
    let output = app.sessions(&format!("refresh {ALICE}"));
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    assert_eq!(app.generations(), [(0, 3), (1, 1)].into());
}

#[test]
fn nothing_is_refreshed_again_within_the_minimal_interval() {
    let app = App::new();
    let minutes = |minutes| LoginOptions {
        did: Some(ALICE.to_owned()),
        refreshed_ago: Some(Duration::from_mins(minutes)),
        ..days_ago(2)
    };
    app.log_in(1, &minutes(5));
    let output = app.sessions(&format!("refresh {ALICE} --format jsonl"));
    assert_eq!(output.code, 0, "{output}");
    assert!(
        output.stdout.contains(r#""result":"skipped","reason":"refreshed less than 10m ago (5m"#),
        "{output}"
    );
    // Skipped sessions are explained to people only if they were named.
    let told =
        |arguments: &str| app.sessions(arguments).stdout.contains("skipped  refreshed less than");
    assert!(told(&format!("refresh {ALICE}")) && !told("refresh --all"));
    assert!(app.exchanges().is_empty());
}

#[test]
fn without_a_lock_active_sessions_are_left_to_the_app() {
    let app = App::new();
    app.log_in(
        1,
        &LoginOptions {
            did: Some(ALICE.to_owned()),
            refreshed_ago: Some(Duration::from_mins(30)),
            ..days_ago(2)
        },
    );
    let output = app.sessions("refresh --all --format jsonl");
    assert!(
        output.code == 0 && output.stdout.contains("less than 1h ago, which has no lock"),
        "{output}"
    );
    assert!(app.exchanges().is_empty());
    let output = app.sessions(&format!("refresh {ALICE}"));
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
}

#[test]
fn sessions_from_the_future_count_as_just_renewed() {
    let sandbox = Sandbox::new();
    let mut renewed = session(ALICE, "3h");
    renewed["tokenSet"]["access_token"] = json!("opaque");
    renewed["tokenSet"]["expires_at"] = json!("2026-11-23T13:00:05Z");
    renewed["dpopJwk"] = keys::generate(keys::Alg::Es256k);
    AppDatabase::create(&sandbox.path("app.db")).session(&renewed);
    sandbox.file("keys.json", KEY1);
    sandbox.file(
        "oauthctl.toml",
        "keys = ['keys.json']\n[client]\nclient_uri = 'https://app.example.com'\n",
    );
    let plan =
        |who: &str| sandbox.result(["sessions", "refresh", who, "-n", "--format", "csv", "-q"]);
    assert!(
        plan("--all")
            .contains(",skipped,the app may have just refreshed it and this layout has no lock"),
        "{}",
        plan("--all")
    );
    assert!(plan(ALICE).contains(",would_refresh,"));
}

#[test]
fn a_dry_run_asks_nobody_and_changes_nothing() {
    let app = App::with_users(4);
    let before = app.records();
    for arguments in ["refresh --dry-run", "refresh --all -n"] {
        let output = app.sessions(arguments);
        let rows = output.stdout.matches("  would refresh\n").count();
        assert_eq!((output.code, rows), (0, 4), "{output}");
        assert!(output.stdout.ends_with("\nwould refresh 4 sessions\n"), "{output}");
    }
    let output = app.sessions("refresh --all -n -q --format json");
    let expected = json!({"would_refresh": 4, "skipped": 0, "gone": 0, "blocked": 0, "unknown": 0,
        "acknowledged": 0});
    assert_eq!((output.code, Value::Object(counts(&output.stdout))), (0, expected), "{output}");
    let output = app.sessions("refresh -n -q --format jsonl");
    assert!(
        output.stdout.lines().all(|line| object(line)["result"] == "would_refresh"),
        "{output}"
    );
    assert_eq!(app.records(), before);
    assert_eq!(app.net.counters().requests, [].into());
    assert_eq!(app.sandbox.files(), ["app.db", "app.db-shm", "app.db-wal", "oauthctl.toml"]);
    assert!(app.recovery_entries().is_empty());
}

/// Returns an app with one session per result: refreshed, skipped, gone, blocked, unknown.
fn of_every_result() -> App {
    let app = App::new();
    app.log_in(1, &of(&to_be("refreshed")));
    app.log_in(1, &LoginOptions { did: Some(to_be("skipped")), ..hours_ago(0) });
    app.log_in(1, &of(&to_be("gone")));
    app.net.end_sessions_of(&to_be("gone"));
    let other = Credentials::Key(keys::client_key("other"));
    app.log_in(1, &LoginOptions { credentials: Some(other), ..of(&to_be("blocked")) });
    app.log_in(1, &of(&to_be("unknown")));
    app.net.set_did_status(&to_be("unknown"), 503);
    app
}

#[test]
fn a_person_reads_what_went_wrong() {
    insta::assert_snapshot!(of_every_result().sessions("refresh --all --per-issuer 1 --concurrency 1"), @r"
    exit 3
    -- stdout --
    DID                               RESULT   REASON
    did:plc:blockedaaaaaaaaaaaaaaaaa  blocked  its client key other is not in the key set
    did:plc:goneaaaaaaaaaaaaaaaaaaaa  gone     invalid_grant: Invalid refresh token
    did:plc:unknownaaaaaaaaaaaaaaaaa  unknown  cannot fetch DID document of did:plc:unknownaaaaaaaaaaaaaaaaa: status 503
    refreshed 1 session, 1 skipped (refreshed less than 10m ago), 1 gone, 1 blocked, 1 unknown
    -- stderr --
    hint: 1 session is bound to key other, which the key set lacks: add the key, or, if it is lost, end them with `oauthctl sessions revoke --kid other --forget`; `acknowledged` under [refresh] keeps them from failing runs
    ");
}

#[test]
fn a_program_reads_what_became_of_each() {
    let app = of_every_result();
    let output = app.sessions("refresh --all --format csv -q");
    let mut lines: Vec<_> = output.stdout.lines().map(str::to_owned).collect();
    lines[1..].sort();
    let (at, time) = lines
        .iter()
        .enumerate()
        .find_map(|(n, line)| Some((n, line.split_once("10m ago (")?.1.to_owned())))
        .unwrap();
    lines[at] = lines[at].replace(&time, "[time])");
    insta::assert_snapshot!(lines.join("\n"), @r"
    key,did,result,reason
    did:plc:blockedaaaaaaaaaaaaaaaaa,did:plc:blockedaaaaaaaaaaaaaaaaa,blocked,its client key other is not in the key set
    did:plc:goneaaaaaaaaaaaaaaaaaaaa,did:plc:goneaaaaaaaaaaaaaaaaaaaa,gone,invalid_grant: Invalid refresh token
    did:plc:refreshedaaaaaaaaaaaaaaa,did:plc:refreshedaaaaaaaaaaaaaaa,refreshed,
    did:plc:skippedaaaaaaaaaaaaaaaaa,did:plc:skippedaaaaaaaaaaaaaaaaa,skipped,refreshed less than 10m ago ([time])
    did:plc:unknownaaaaaaaaaaaaaaaaa,did:plc:unknownaaaaaaaaaaaaaaaaa,unknown,cannot fetch DID document of did:plc:unknownaaaaaaaaaaaaaaaaa: status 503
    ");
    let app = of_every_result();
    let output = app.sessions("refresh --all --format jsonl -q");
    assert_eq!((output.code, output.stdout.lines().count()), (3, 5), "{output}");
    for line in output.stdout.lines() {
        let row = object(line);
        assert_eq!(row.keys().collect::<Vec<_>>(), ["key", "did", "result", "reason"]);
        assert_eq!(row["did"], to_be(row["result"].as_str().unwrap()), "{output}");
    }
    let app = of_every_result();
    let output = app.sessions("refresh --all --format json -q");
    assert_eq!(
        Value::Object(counts(&output.stdout)),
        json!({"refreshed": 1, "skipped": 1, "gone": 1, "blocked": 1, "unknown": 1, "acknowledged": 0}),
        "{output}"
    );
    assert_eq!(output.stderr, "", "the document names each session");
}

#[test]
fn the_exit_status_says_how_much_was_achieved() {
    let blocked = || {
        let app = App::new();
        let other = Credentials::Key(keys::client_key("other"));
        app.log_in(1, &LoginOptions { credentials: Some(other), ..days_ago(2) });
        app
    };
    let app = blocked();
    assert_eq!(app.sessions("refresh --all").code, 1);
    app.log_in(1, &days_ago(2));
    assert_eq!(app.sessions("refresh --all").code, 3);
    let app = App::new();
    assert_eq!(app.sessions("refresh --all").code, 0);
    app.log_in(1, &of(ALICE));
    app.net.end_sessions_of(ALICE);
    let output = app.sessions("refresh --all");
    assert_eq!(output.code, 0, "gone is nobody's fault: {output}");
    assert!(app.record(ALICE).is_some(), "only prune removes records");
}

#[test]
fn permanently_blocked_sessions_do_not_fail_every_run() {
    let app = App::new();
    let other = Credentials::Key(keys::client_key("other"));
    app.log_in(1, &LoginOptions { credentials: Some(other), ..of(&to_be("blocked")) });
    assert_eq!(app.sessions("refresh").code, 1, "there is no other");
    app.log_in(3, &hours_ago(3));
    for arguments in ["refresh", "refresh --dry-run", "refresh --due"] {
        let output = app.sessions(arguments);
        assert!(output.code == 3 && output.stdout.ends_with("0 sessions, 1 blocked\n"), "{output}");
    }
    // Work without any success is a failure.
    app.log_in(1, &days_ago(2));
    app.net.fault(Endpoint::Token, Fault::status(503));
    let output = app.sessions("refresh");
    assert!(
        output.code == 1 && output.stdout.ends_with("refreshed 0 sessions, 1 blocked, 1 unknown\n"),
        "{output}"
    );
}

#[test]
fn sessions_that_nobody_can_help_do_not_use_up_a_limit() {
    let app = App::new();
    let other = Credentials::Key(keys::client_key("other"));
    app.log_in(2, &LoginOptions { credentials: Some(other), ..days_ago(2) });
    app.log_in(1, &of("did:plc:zzzzzzzzzzzzzzzzzzzzzzzz"));
    let output = app.sessions("refresh --limit 1");
    assert_eq!(output.code, 3, "{output}");
    assert!(output.stdout.ends_with("refreshed 1 session, 2 blocked\n"), "{output}");
}

#[test]
fn quiet_says_nothing_while_all_is_well() {
    let app = App::with_users(2);
    for arguments in ["refresh -q", "prune -q", "revoke --all --yes --forget -q --status dead"] {
        let output = app.sessions(arguments);
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (0, "", ""),
            "{arguments}: {output}"
        );
    }
    assert_eq!(app.exchanges().len(), 2);
}

#[test]
fn a_limit_counts_what_is_due_and_not_what_is_looked_at() {
    let app = App::new();
    for (name, options) in
        [("a", hours_ago(3)), ("b", hours_ago(3)), ("c", days_ago(2)), ("d", days_ago(2))]
    {
        app.log_in(1, &LoginOptions { did: Some(to_be(name)), ..options });
    }
    let output = app.sessions("refresh --limit 1");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
}

#[test]
fn sessions_reported_as_ended_are_not_asked_about_again() {
    let app = App::new();
    app.log_in(3, &of(ALICE));
    app.net.end_sessions_of(ALICE);
    app.sessions("refresh --all");
    let asked = app.exchanges().len();
    let output = app.sessions("refresh --all --format jsonl");
    assert!(
        output.code == 0
            && output.stdout.contains("dead: the server has refused this refresh token"),
        "{output}"
    );
    assert_eq!(app.exchanges().len(), asked);
}

#[test]
fn ended_sessions_do_not_stop_living_ones() {
    let app = App::new();
    for record in app.log_in(10, &hours_ago(30)) {
        app.net.end_sessions_of(did_of(&record));
    }
    app.log_in(10, &hours_ago(40));
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 0 && output.stdout.ends_with("refreshed 10 sessions, 10 gone\n"),
        "{output}"
    );
}

#[test]
fn an_undetected_wrong_client_id_costs_at_most_one_session() {
    let mut app = App::new();
    app.net.configure(|policy| policy.readable_access_tokens = false);
    // The sessions were started under another `client_id` of the same app, with the same key.
    let old = LoginOptions {
        client_id: Some("https://old.example/client.json".to_owned()),
        ..days_ago(2)
    };
    app.log_in(50, &old);
    let output = app.sessions("refresh --all");
    assert_eq!(output.code, 3, "{output}");
    assert!(output.stdout.contains("not attempted: a session was lost because"), "{output}");
    assert_eq!(app.lost().len(), 1);
    // Hourly runs must not end a session each time.
    let sent = app.exchanges().len();
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, app.exchanges().len()), (3, sent), "{output}");
    // Another configuration is tried.
    let other = keys::client_key("testbed-2");
    app.set_keys(&[&other, &app.net.signing_key().unwrap()]);
    app.net.publish_confidential(&[other]);
    app.log_in(3, &days_ago(2));
    let output = app.sessions("refresh --all");
    assert!(output.stdout.contains("refreshed 3 sessions"), "{output}");
    assert_eq!(app.lost().len(), 1, "{output}");
}

#[test]
fn a_wrong_client_id_that_the_tokens_show_costs_nothing() {
    let app = App::with_users(10);
    app.configure_client("https://other.example/client.json", "");
    let output = app.sessions("refresh --all");
    assert!(output.code == 1 && output.stdout.contains("issued to the client_id"), "{output}");
    assert!(app.exchanges().is_empty());
    app.assert_nobody_lost(output);
}

#[test]
fn a_wrong_key_is_refused_once_the_right_one_has_worked() {
    let mut app = App::with_users(10);
    app.configure("min_interval = \"0s\"");
    assert_eq!(app.sessions("refresh --all --limit 1").code, 0);
    let imposter = keys::client_key("testbed-1");
    app.set_keys(&[&imposter]);
    app.net.publish_confidential(&[imposter]);
    let sent = app.exchanges().len();
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 1 && output.stdout.contains("is not the one that worked before"),
        "{output}"
    );
    assert_eq!(app.exchanges().len(), sent);
    app.assert_nobody_lost(output);
}

#[test]
fn an_unpublished_wrong_key_costs_nothing() {
    let mut app = App::with_users(10);
    app.set_keys(&[&keys::client_key("testbed-1")]);
    let output = app.sessions("refresh --all");
    assert!(output.code == 1 && output.stdout.contains("invalid_client"), "{output}");
    app.assert_nobody_lost(output);
    assert_eq!(app.exchanges().len(), 1, "one goes first");
}

#[test]
fn a_published_wrong_key_costs_at_most_one_session() {
    let mut app = App::with_users(20);
    let imposter = keys::client_key("testbed-1");
    app.set_keys(&[&imposter]);
    app.net.publish_confidential(&[imposter]);
    for _ in 0..3 {
        let output = app.sessions("refresh --all");
        assert_ne!(output.code, 0, "{output}");
        assert_eq!(app.lost().len(), 1, "{output}");
    }
}

#[test]
fn a_kid_used_twice_does_not_cost_the_sessions_of_the_older_key() {
    let mut app = App::with_users(20);
    let second = keys::client_key("testbed-1");
    app.set_keys(&[&second]);
    app.net.publish_confidential(&[second]);
    // They are more recent, go first, and verify the configuration.
    app.log_in(5, &hours_ago(30));
    let output = app.sessions("refresh --all --per-issuer 1");
    assert!(output.code == 3 && output.stdout.contains("refreshed 5 sessions"), "{output}");
    assert_eq!(app.lost().len(), 1, "{output}");
}

#[test]
fn a_key_that_is_missing_blocks_its_sessions_and_no_others() {
    let app = App::with_users(3);
    let other = keys::client_key("other");
    app.log_in(3, &LoginOptions { credentials: Some(Credentials::Key(other)), ..days_ago(2) });
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 3 && output.stdout.contains("its client key other is not in the key set"),
        "{output}"
    );
    assert!(output.stdout.ends_with("refreshed 3 sessions, 3 blocked\n"), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn an_unpublished_key_costs_nothing_and_works_when_restored() {
    let app = App::with_users(20);
    let key = app.net.signing_key().unwrap();
    app.net.publish_jwks(&json!({"keys": [keys::public(&keys::client_key("testbed-2"))]}));
    let output = app.sessions("refresh --all");
    assert!(output.code == 1 && output.stdout.contains("invalid_client"), "{output}");
    assert_eq!(app.exchanges().len(), 1, "one goes first");
    app.assert_nobody_lost(output);
    app.net.publish_confidential(&[key]);
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 20 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn an_app_whose_documents_cannot_be_fetched_loses_nothing() {
    let app = App::with_users(10);
    app.net.configure(|policy| policy.documents_reachable = false);
    let output = app.sessions("refresh --all");
    assert!(output.code == 1 && output.stdout.contains("invalid_client_metadata"), "{output}");
    app.assert_nobody_lost(output);
    app.net.configure(|policy| policy.documents_reachable = true);
    assert_eq!(app.sessions("refresh --all").code, 0);
}

#[test]
fn one_group_is_stopped_and_the_others_go_on() {
    let mut app = App::new();
    let (good, imposter) = (app.net.signing_key().unwrap(), keys::client_key("second"));
    let second = app.net.add_pds().unwrap();
    app.log_in(5, &days_ago(2));
    app.log_in(5, &LoginOptions { pds: second, ..days_ago(2) });
    let bound = Credentials::Key(keys::client_key("second"));
    app.log_in(10, &LoginOptions { credentials: Some(bound), ..days_ago(2) });
    app.set_keys(&[&good, &imposter]);
    app.net.publish_confidential(&[good, imposter]);
    let output = app.sessions("refresh --all");
    assert!(output.stdout.ends_with("refreshed 10 sessions, 1 gone, 9 blocked\n"), "{output}");
    assert_eq!((output.code, app.lost().len()), (3, 1), "{output}");
}

#[test]
fn a_restored_backup_costs_few_sessions() {
    let app = App::with_users(60);
    // The app continues with the real store, of which this is an old copy.
    for record in app.records().into_values().skip(1) {
        app.net.refresh_as_app(&record).unwrap();
    }
    let output = app.sessions("refresh --all --per-issuer 4");
    let replayed = app.net.sessions().iter().filter(|session| !session.alive).count();
    assert!((1..=3 + 3).contains(&replayed), "{replayed} of 60: {output}");
    assert!(
        output.stdout.contains("the records are older than the sessions at the server"),
        "{output}"
    );
}

#[test]
fn an_account_that_cannot_be_looked_up_is_not_refreshed() {
    let cases: [(&str, fn(&App), &str); 7] = [
        ("unknown", |app| app.net.set_did_status(ALICE, 500), "status 500"),
        ("unknown", |app| app.net.set_did_status(ALICE, 429), "status 429"),
        ("blocked", |app| app.net.set_did_status(ALICE, 404), "there is no"),
        ("blocked", |app| app.net.set_did_status(ALICE, 410), "there is no"),
        ("blocked", |app| app.net.remove_did_endpoint(ALICE), "contains no PDS"),
        (
            "blocked",
            |app| {
                let other = app.net.add_pds().unwrap();
                app.net.set_pds_of(ALICE, other);
            },
            "the issuer has changed",
        ),
        (
            "blocked",
            |app| {
                app.net.patch_resource_metadata(
                    0,
                    json!({"authorization_servers": ["https://as.example"]}),
                );
            },
            "the issuer has changed",
        ),
    ];
    for (result, change, reason) in cases {
        let app = App::new();
        app.log_in(1, &of(ALICE));
        change(&app);
        let output = app.sessions("refresh --all --format jsonl");
        let row = object(output.stdout.trim());
        assert_eq!((output.code, row["result"].as_str()), (1, Some(result)), "{output}");
        assert!(row["reason"].as_str().unwrap().contains(reason), "{output}");
        assert_eq!(app.net.counters().of(Endpoint::Token), 0, "{output}");
        app.assert_nobody_lost(output);
    }
}

#[test]
fn the_limits_on_what_goes_on_at_once_are_kept() {
    let app = App::new();
    let second = app.net.add_pds().unwrap();
    app.log_in(12, &days_ago(2));
    app.log_in(12, &LoginOptions { pds: second, ..days_ago(2) });
    app.net.configure(|policy| policy.exchange_time = Duration::from_millis(100));
    app.sessions("refresh --all --concurrency 5 --per-issuer 3");
    let counters = app.net.counters();
    assert!(
        counters.token_peaks.values().all(|peak| (2..=3).contains(peak)),
        "{:?}",
        counters.token_peaks
    );
    assert!((2..=5).contains(&counters.token_peak), "{}", counters.token_peak);
    assert_eq!(app.generations(), [(1, 24)].into());
}

#[test]
fn a_rate_is_kept() {
    let app = App::with_users(11);
    let begun = Instant::now();
    app.sessions("refresh --all --rate 20");
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!(app.generations(), [(1, 11)].into());
}

#[test]
fn so_many_and_no_more() {
    let app = App::with_users(6);
    let output = app.sessions("refresh --all --limit 2");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 2 sessions\n"), "{output}");
    assert_eq!(app.generations(), [(0, 4), (1, 2)].into());
    assert_eq!(app.sessions(&format!("refresh {BOB}")).code, 1);
}

#[test]
fn filters_restrict_due_sessions_and_names_select_any() {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(to_be("due")), ..days_ago(2) });
    app.log_in(1, &LoginOptions { did: Some(to_be("idle")), ..hours_ago(3) });
    let count = |options: &str| {
        counts(&app.sessions(&format!("refresh -n --format json {options}")).stdout)["would_refresh"]
            .clone()
    };
    let issuer = app.record(&to_be("due")).unwrap()["tokenSet"]["iss"].as_str().unwrap().to_owned();
    for filter in [
        &format!("--issuer {issuer}"),
        "--auth private_key_jwt",
        "--kid testbed-1",
        "--scope atproto",
    ] {
        assert_eq!(count(filter), 1, "{filter}");
        assert_eq!(count(&format!("{filter} --all")), 2, "{filter}");
    }
    assert_eq!((count("--status idle"), count(&to_be("idle"))), (json!(1), json!(1)));
}

#[test]
fn a_rate_that_no_clock_can_wait_for_is_refused() {
    let app = App::with_users(1);
    for rate in ["1e-20", "0", "-1", "nan", "inf", "1e300"] {
        let output = app.sessions(&format!("refresh --rate={rate}"));
        assert!(
            output.code == 2 && output.stderr.contains("must be a number from"),
            "{rate}: {output}"
        );
    }
    assert_eq!(app.sessions("refresh --rate 0.5").stdout, "refreshed 1 session\n");
}
