//! `oauthctl sessions revoke` ends sessions with proof and removes their records, but never that of
//! a living session without an explicit option.

use serde_json::{Value, json};
use testbed::{Credentials, Endpoint, Fault, Gate, Injection, LoginOptions, Reply, keys};

use crate::app::{App, days_ago, hours_ago, wait_until};
use crate::samples::{ALICE, BOB, counts, object};
use crate::sandbox::interrupt;

/// Revokes Alice's session. Returns exit code, result, reason and the fate of the record.
#[track_caller]
fn revoked(app: &App, options: &str) -> (i32, String, String, String) {
    let output = app.sessions(&format!("revoke {ALICE} --yes --format jsonl {options}"));
    let row = object(output.stdout.trim());
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("record") == "removed", app.record(ALICE).is_none(), "{output}");
    (output.code, text("result"), text("reason"), text("record"))
}

#[test]
fn revoked_sessions_end_at_the_server_and_in_the_store() {
    let app = App::with_users(30);
    app.log_in(5, &hours_ago(0));
    let output = app.sessions("revoke --all --yes -q --format json");
    let report =
        json!({"confirmed": 35, "unconfirmed": 0, "failed": 0, "forgotten": 0, "skipped": 0});
    assert_eq!((output.code, Value::Object(counts(&output.stdout))), (0, report), "{output}");
    assert_eq!((app.net.alive(), app.records().len()), (0, 0));
    assert_eq!(app.net.counters().revoked, 35, "by revocation, not by the proof");
}

#[test]
fn only_what_was_selected_is_revoked() {
    let app = App::with_users(4);
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    let output = app.sessions(&format!("revoke {ALICE} --yes"));
    insta::assert_snapshot!(output, @r"
    exit 0
    -- stdout --
    DID                               RESULT     RECORD   REASON
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  confirmed  removed
    1 session: 1 confirmed
    ");
    assert_eq!((app.net.alive(), app.records().len()), (4, 4));
    app.log_in(1, &LoginOptions { did: Some(BOB.to_owned()), ..days_ago(40) });
    let output = app.sessions("revoke --not-refreshed-for 30d --yes -q --format csv");
    assert_eq!(
        output.stdout,
        format!("key,did,result,reason,record\n{BOB},{BOB},confirmed,,removed\n")
    );
    assert_eq!((app.net.alive(), app.records().len()), (4, 4));
}

#[test]
fn nobody_is_signed_out_by_mistake() {
    let app = App::with_users(2);
    let output = app.sessions("revoke");
    assert!(
        output.code == 2 && output.stderr.contains("select the sessions to revoke"),
        "{output}"
    );
    let output = app.sessions("revoke --all");
    assert!(output.code == 2 && output.stderr.contains("without a terminal"), "{output}");
    let output = app.sessions("revoke --all --dry-run");
    assert!(output.code == 0 && output.stdout.ends_with("\nwould revoke 2 sessions\n"), "{output}");
    assert!(
        app.records()
            .keys()
            .all(|did| output.stdout.contains(&format!("{did}  would revoke  would be removed\n"))),
        "{output}"
    );
    assert_eq!(app.net.counters().requests, [].into());
    assert_eq!((app.net.alive(), app.records().len()), (2, 2));
    insta::assert_snapshot!(app.sessions(&format!("revoke {ALICE}")), @"
    exit 1
    -- stderr --
    error: did:plc:ewvi7nxzyoun6zhxrhs64oiz has no session
    hint: `oauthctl sessions list --format jsonl` shows all accounts and keys
    ");
}

#[test]
fn on_a_terminal_a_person_is_asked() {
    for (answer, alive) in [("n", 2), ("", 2), ("why\nmaybe\nno", 2), ("y", 0), ("YES", 0)] {
        let app = App::with_users(2);
        let mut terminal = app.sandbox.terminal(["sessions", "revoke", "--all"]);
        let names = app.records_left().join(", ");
        terminal
            .exp_string(&format!("End 2 sessions ({names}) of sqlite:app.db? Their users will"))
            .unwrap();
        terminal.send_line(answer).unwrap();
        let shown = terminal.exp_eof().unwrap();
        assert_eq!((app.net.alive(), app.records().len()), (alive, alive), "{answer}: {shown}");
        assert_eq!(shown.contains("not confirmed; nothing was done"), alive == 2, "{shown}");
    }
}

#[test]
fn nobody_is_signed_out_but_those_the_question_was_about() {
    let app = App::with_alice();
    let other = "did:plc:zzzzzzzzzzzzzzzzzzzzzzzz";
    app.log_in(1, &LoginOptions { did: Some(other.to_owned()), ..days_ago(2) });
    let mut terminal = app.sandbox.terminal(["sessions", "revoke", "--all", "--limit", "1"]);
    terminal
        .exp_string(&format!("End the session of {ALICE} in sqlite:app.db? Its user will"))
        .unwrap();
    app.database.execute(&format!("DELETE FROM auth_session WHERE key = '{ALICE}'"));
    terminal.send_line("y").unwrap();
    assert!(terminal.exp_eof().unwrap().contains("0 sessions: 0 confirmed"));
    assert!(app.net.is_alive_with(&app.record(other).unwrap()));
}

#[test]
fn a_session_that_had_ended_already_is_confirmed() {
    let app = App::with_alice();
    app.net.end_sessions_of(ALICE);
    assert_eq!(revoked(&app, "").1, "confirmed");
}

#[test]
fn a_revocation_without_effect_is_not_believed() {
    // Like a server's answer to a wrong key: 200, and the session stays alive.
    let app = App::with_alice();
    app.net.fault(Endpoint::Revoke, Fault::Instead(Reply::json(200, &json!({}))));
    let (code, result, reason, record) = revoked(&app, "");
    assert_eq!((code, result.as_str(), record.as_str()), (1, "failed", "kept"), "{reason}");
    assert!(reason.contains("the server keeps the session alive"), "{reason}");
    // The proofs have created new tokens, which are stored.
    app.assert_nobody_lost(reason);
    app.net.clear_faults();
    assert_eq!(revoked(&app, "").1, "confirmed");
    assert_eq!(app.net.alive(), 0);
}

#[test]
fn a_server_without_a_revocation_endpoint_is_sent_nothing() {
    let app = App::with_alice();
    app.net.configure(|policy| policy.revocation = false);
    let (code, result, reason, record) = revoked(&app, "");
    assert_eq!((code, result.as_str(), record.as_str()), (1, "unconfirmed", "kept"));
    let day = reason.strip_prefix("the server has no revocation endpoint; its tokens expire on ");
    assert!(
        day.is_some_and(|day| day.starts_with("20") && day.ends_with(" unless they are used")),
        "{reason}"
    );
    assert!(app.exchanges().is_empty());
    app.assert_nobody_lost("");
    let (code, result, _, record) = revoked(&app, "--forget");
    assert_eq!((code, result.as_str(), record.as_str()), (3, "forgotten", "removed"));
}

#[test]
fn what_is_not_proved_keeps_its_record() {
    let cases: [(&str, fn(&App)); 7] = [
        ("failed", |app| {
            app.net.publish_jwks(&json!({"keys": [keys::public(&keys::client_key("new"))]}));
        }),
        ("failed", |app| app.net.configure(|policy| policy.documents_reachable = false)),
        ("unconfirmed", |app| app.net.fault(Endpoint::Token, Fault::status(503))),
        ("unconfirmed", |app| app.net.fault(Endpoint::Token, Fault::Close)),
        ("unconfirmed", |app| {
            app.net.inject(Injection::new(Endpoint::Token, Fault::status(500)).skip(1));
        }),
        ("unconfirmed", |app| app.net.fault(Endpoint::ServerMetadata, Fault::Close)),
        ("unconfirmed", |app| {
            // The proof succeeds, but its answer is unusable.
            app.net.fault(Endpoint::Revoke, Fault::Close);
            app.net.inject(
                Injection::new(Endpoint::Token, Fault::Set("sub", json!("did:plc:mallory")))
                    .skip(1),
            );
        }),
    ];
    for (n, (expected, change)) in cases.into_iter().enumerate() {
        let app = App::with_alice();
        change(&app);
        let (code, result, reason, record) = revoked(&app, "");
        assert_eq!(
            (code, result.as_str(), record.as_str()),
            (1, expected, "kept"),
            "{n}: {reason}"
        );
    }
}

#[test]
fn forget_removes_the_record_whatever_the_server_says() {
    let app = App::with_alice();
    app.net.fault(Endpoint::Token, Fault::status(503));
    let (code, result, _, record) = revoked(&app, "--forget");
    assert_eq!((code, result.as_str(), record.as_str()), (3, "forgotten", "removed"));
}

#[test]
fn what_is_forgotten_is_counted_apart_from_what_is_kept() {
    let app = App::with_users(2);
    app.net.fault(Endpoint::Token, Fault::status(503));
    // The option's name until 0.1.
    let output = app.sessions("revoke --all --yes --force");
    assert_eq!(output.code, 3, "{output}");
    assert!(output.stdout.ends_with("2 sessions: 0 confirmed, 2 forgotten\n"), "{output}");
    assert_eq!((app.records().len(), app.net.alive()), (0, 2), "{output}");
}

#[test]
fn forget_does_not_remove_what_may_be_another_programs() {
    let app = App::with_alice();
    app.database.record("did:plc:jacquard", r#"{"dpop_data": {}}"#).record("did:plc:damaged", "{");
    let output = app.sessions("revoke --all --yes --forget --format json");
    assert_eq!(output.code, 3, "{output}");
    let items = object(&output.stdout)["items"].clone();
    for key in ["did:plc:jacquard", "did:plc:damaged"] {
        assert!(app.record(key).is_some(), "{output}");
        let item = items.as_array().unwrap().iter().find(|item| item["key"] == key).unwrap();
        assert_eq!((&item["result"], &item["record"]), (&json!("failed"), &json!("kept")));
    }
    assert!(app.record(ALICE).is_none());
}

#[test]
fn a_dry_run_says_what_cannot_be_revoked() {
    let app = App::with_alice();
    app.database.record("did:plc:damaged", "{");
    let output = app.sessions("revoke --all --dry-run");
    assert!(
        output.stdout.contains(
            "did:plc:damaged                   would fail    would be kept     not JSON, perhaps encrypted\n"
        ),
        "{output}"
    );
    assert!(output.stdout.ends_with("would revoke 1 session, 1 would fail\n"), "{output}");
}

#[test]
fn a_session_whose_key_is_missing_cannot_be_revoked() {
    let app = App::new();
    let credentials = Some(Credentials::Key(keys::client_key("other")));
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), credentials, ..days_ago(2) });
    let (code, result, reason, _) = revoked(&app, "");
    assert_eq!((code, result.as_str()), (1, "failed"));
    assert!(reason.contains("its client key other is not in the key set"), "{reason}");
    app.assert_nobody_lost(reason);
}

#[test]
fn an_account_that_has_moved_is_signed_out_where_its_session_is() {
    let app = App::with_alice();
    app.net.set_did_status(ALICE, 410);
    assert_eq!(revoked(&app, "").1, "confirmed");
    assert_eq!(app.net.alive(), 0);
}

#[test]
fn the_exit_status_says_how_much_was_achieved() {
    let app = App::with_alice();
    app.log_in(1, &LoginOptions { did: Some(BOB.to_owned()), ..days_ago(2) });
    app.net.inject(Injection::new(Endpoint::Token, Fault::status(500)).only(BOB));
    let output = app.sessions("revoke --all --yes --per-issuer 1");
    assert_eq!(output.code, 3, "{output}");
    assert!(output.stdout.contains("2 sessions: 1 confirmed, 1 unconfirmed"), "{output}");
}

/// Revokes while the session's lock is held by someone else, and changes the store meanwhile.
fn meanwhile(app: &App, options: &str, act: impl FnOnce(&App)) -> (String, String) {
    let answers = Gate::closed();
    app.net.fault_once(Endpoint::Token, Fault::HoldAfter(answers.clone()));
    let child = app.begin(&format!("revoke --yes --format jsonl {options}"));
    wait_until(|| app.net.counters().of(Endpoint::Token) > 0);
    act(app);
    answers.open();
    let output = app.sandbox.output_of(child);
    let row = object(output.stdout.trim());
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    (text("result"), text("record"))
}

#[test]
fn a_user_who_logs_in_again_meanwhile_stays_logged_in() {
    for options in ["--all", "--all --forget"] {
        let app = App::with_alice();
        if options.contains("forget") {
            app.net.fault(Endpoint::Revoke, Fault::status(500));
        }
        let outcome = meanwhile(&app, options, |app| {
            app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..LoginOptions::default() });
        });
        assert_eq!(outcome, ("skipped".to_owned(), "kept".to_owned()));
        assert!(app.net.is_alive_with(&app.record(ALICE).unwrap()), "{options}");
    }
}

#[test]
fn a_user_who_comes_back_meanwhile_is_signed_out_if_meant_still() {
    for (options, expected) in [("--all", "confirmed"), ("--not-refreshed-for 1d", "skipped")] {
        let app = App::with_alice();
        let (result, _) = meanwhile(&app, options, |app| {
            let renewed = app.net.refresh_as_app(&app.record(ALICE).unwrap()).unwrap();
            app.database.session(&renewed);
        });
        assert_eq!(result, expected, "{options}");
        assert_eq!(app.net.alive(), usize::from(expected == "skipped"));
        assert_eq!(app.record(ALICE).is_some(), expected == "skipped");
    }
}

#[test]
fn a_read_only_store_keeps_ended_sessions_for_the_next_run() {
    let app = App::with_alice();
    app.database.execute(
        "CREATE TRIGGER b BEFORE DELETE ON auth_session BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let (code, result, reason, _) = revoked(&app, "");
    assert_eq!((code, result.as_str()), (1, "unconfirmed"));
    assert!(reason.contains("ended, but its record could not be removed"), "{reason}");
    app.database.execute("DROP TRIGGER b");
    assert_eq!(revoked(&app, "").1, "confirmed");
}

#[test]
fn two_revocations_at_once_get_along() {
    let app = App::with_users(20);
    let children: Vec<_> =
        (0..2).map(|_| app.begin("revoke --all --yes --retry-for 10s")).collect();
    for child in children {
        let output = app.sandbox.output_of(child);
        assert_eq!(output.code, 0, "{output}");
    }
    assert_eq!((app.net.alive(), app.records().len()), (0, 0));
}

#[test]
fn a_signal_lets_what_was_begun_come_to_its_end() {
    let app = App::with_users(30);
    let answers = Gate::closed();
    app.net.inject(Injection::new(Endpoint::Revoke, Fault::HoldAfter(answers.clone())).skip(4));
    let child = app.begin("revoke --all --yes");
    wait_until(|| app.net.alive() < 26);
    interrupt(&child, "TERM");
    answers.open();
    let output = app.sandbox.output_of(child);
    assert_eq!(output.code, 143, "{output}");
    assert_eq!(app.records().len(), app.net.alive(), "{output}");
    assert!(app.net.alive() > 0);
    let living = app.records();
    assert!(living.values().all(|record| app.net.is_alive_with(record)));
}

#[test]
fn a_program_is_told_that_nothing_was_done_and_what_would_be() {
    let app = App::with_alice();
    let dry_run = |options: &str| app.sessions(&format!("revoke --dry-run -q {options}")).stdout;
    assert_eq!(
        counts(&dry_run("--all --format json")),
        *json!({"would_revoke": 1, "would_fail": 0}).as_object().unwrap()
    );
    assert_eq!(object(&dry_run("--all --format jsonl"))["result"], "would_revoke");
    let header = "key,did,result,reason,record\n";
    assert_eq!(
        dry_run("--all --format csv"),
        format!("{header}{ALICE},{ALICE},would_revoke,,would_be_removed\n")
    );
    assert_eq!(dry_run("--status dead --format csv"), header);
    // An empty selection is answered in the same form.
    let none =
        |format: &str| app.sessions(&format!("revoke --status dead -q --format {format}")).stdout;
    let report =
        json!({"confirmed": 0, "unconfirmed": 0, "failed": 0, "forgotten": 0, "skipped": 0});
    assert_eq!(Value::Object(counts(&none("json"))), report);
    assert_eq!((none("jsonl"), none("csv")), (String::new(), header.to_owned()));
    assert_eq!((app.net.alive(), app.net.counters().requests), (1, [].into()));
}

#[test]
fn a_time_of_absence_that_nobody_can_mean_is_refused() {
    let app = App::with_alice();
    for age in ["0s", "59m"] {
        let output = app.sessions(&format!("revoke --yes --not-refreshed-for {age}"));
        assert!(output.code == 2 && output.stderr.contains("is less than an hour"), "{output}");
    }
    app.assert_nobody_lost("");
}
