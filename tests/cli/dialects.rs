//! Results of oauthctl at all kinds of authorization servers, as a table of cases by servers.
//!
//! Each line has the exit status, the number of sessions per result, and the number of sessions
//! that have ended at the server.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Credentials, Dialect, LoginOptions, Policy, keys};

use crate::app::{App, days_ago, did_of, hours_ago};
use crate::samples::{ALICE, object};

/// Number of users beside Alice.
const OTHERS: usize = 7;

/// Returns an app with users at a server of this dialect.
fn at(dialect: Dialect) -> App {
    let app = App::new();
    app.net.set_dialect(0, dialect);
    app.configure("min_interval = \"0s\"");
    app
}

/// Returns such an app with Alice as the last active user, who comes first.
fn alice_first(dialect: Dialect) -> App {
    let app = at(dialect);
    app.log_in(OTHERS, &days_ago(2));
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..hours_ago(30) });
    app
}

/// Returns such an app with Alice as the least recently active user, who comes last.
fn alice_last(dialect: Dialect) -> App {
    let app = at(dialect);
    app.log_in(OTHERS, &hours_ago(30));
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(3) });
    app
}

/// Makes the server rotate tokens without storing the new ones.
fn leave_behind(app: &App, did: &str) {
    app.net.refresh_as_app(&app.record(did).unwrap()).unwrap();
}

fn alive(app: &App) -> usize {
    app.net.alive()
}

/// Runs `oauthctl sessions …`, and returns the result in a line.
fn run(app: &App, arguments: &str) -> String {
    let before = alive(app);
    let retry = if arguments.contains("--retry-for") { "" } else { "--retry-for 2s" };
    let output = app.sessions(&format!("{arguments} {retry} --per-issuer 1 -q --format jsonl"));
    let mut counts = BTreeMap::<String, usize>::new();
    for line in output.stdout.lines() {
        let row = object(line);
        let result = row["result"].as_str().unwrap_or_default();
        let is_attempted = !row["reason"].as_str().unwrap_or_default().starts_with("not attempted");
        let result = if is_attempted { result.to_owned() } else { format!("{result} unattempted") };
        *counts.entry(result).or_default() += 1;
    }
    let counts: Vec<_> = counts.into_iter().map(|(result, n)| format!("{n} {result}")).collect();
    let lost = before - alive(app);
    let lost = if lost > 0 { format!("; {lost} lost") } else { String::new() };
    format!("{} {}{lost}", output.code, counts.join(", "))
}

/// Runs a case at all servers, and joins the lines.
fn table(case: impl Fn(Dialect) -> Vec<String>) -> String {
    let row = |dialect: &Dialect| {
        format!("{:<10}{}\n", format!("{dialect:?}"), case(*dialect).join(" | "))
    };
    Dialect::ALL.iter().map(row).collect()
}

/// Repeats a run.
fn runs(app: &App, count: usize, arguments: &str) -> Vec<String> {
    (0..count).map(|_| run(app, arguments)).collect()
}

#[test]
fn healthy_sessions_are_refreshed_everywhere() {
    let table = table(|dialect| runs(&alice_first(dialect), 2, "refresh --all"));
    insta::assert_snapshot!(table, @r"
    Reference 0 8 refreshed | 0 8 refreshed
    Rsky      0 8 refreshed | 0 8 refreshed
    Cocoon    0 8 refreshed | 0 8 refreshed
    Pegasus   0 8 refreshed | 0 8 refreshed
    Tranquil  0 8 refreshed | 0 8 refreshed
    Cirrus    0 8 refreshed | 0 8 refreshed
    ");
}

#[test]
fn one_ended_session_holds_back_nobody() {
    let table = table(|dialect| {
        let app = alice_first(dialect);
        app.net.end_sessions_of(ALICE);
        runs(&app, 2, "refresh --all")
    });
    insta::assert_snapshot!(table, @r"
    Reference 0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    Rsky      0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    Cocoon    0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    Pegasus   0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    Tranquil  0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    Cirrus    0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    ");
}

#[test]
fn a_session_that_ended_is_pruned_once_another_has_worked() {
    let table = table(|dialect| {
        let app = alice_last(dialect);
        app.net.end_sessions_of(ALICE);
        vec![run(&app, "refresh --all"), run(&app, "prune")]
    });
    insta::assert_snapshot!(table, @r"
    Reference 0 1 gone, 7 refreshed | 0 1 dead
    Rsky      0 1 gone, 7 refreshed | 0 1 dead
    Cocoon    0 1 gone, 7 refreshed | 0 1 dead
    Pegasus   0 1 gone, 7 refreshed | 0 1 dead
    Tranquil  0 1 gone, 7 refreshed | 0 1 dead
    Cirrus    0 1 gone, 7 refreshed | 0 1 dead
    ");
}

#[test]
fn where_words_mean_two_things_the_only_session_is_kept() {
    let table = table(|dialect| {
        let app = at(dialect);
        app.log_in(1, &days_ago(2));
        app.net.end_sessions_of(did_of(&app.records().into_values().next().unwrap()));
        vec![run(&app, "refresh --all"), run(&app, "prune"), app.records_left().len().to_string()]
    });
    insta::assert_snapshot!(table, @r"
    Reference 0 1 gone | 0 1 dead | 0
    Rsky      0 1 gone | 0 1 dead | 0
    Cocoon    1 1 unknown | 0  | 1
    Pegasus   1 1 unknown | 0  | 1
    Tranquil  0 1 gone | 0 1 dead | 0
    Cirrus    0 1 gone | 0 1 dead | 0
    ");
}

#[test]
fn a_record_behind_the_server_costs_its_session_at_most() {
    let table = table(|dialect| {
        let app = alice_last(dialect);
        leave_behind(&app, ALICE);
        runs(&app, 2, "refresh --all")
    });
    insta::assert_snapshot!(table, @r"
    Reference 0 1 gone, 7 refreshed; 1 lost | 0 7 refreshed, 1 skipped
    Rsky      0 1 gone, 7 refreshed; 1 lost | 0 7 refreshed, 1 skipped
    Cocoon    0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    Pegasus   0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    Tranquil  0 1 gone, 7 refreshed; 1 lost | 0 7 refreshed, 1 skipped
    Cirrus    0 1 gone, 7 refreshed | 0 7 refreshed, 1 skipped
    ");
}

#[test]
fn a_store_behind_the_servers_costs_one_session_at_most() {
    let table = table(|dialect| {
        let app = alice_first(dialect);
        for did in app.records_left() {
            leave_behind(&app, &did);
        }
        runs(&app, 3, "refresh --all")
    });
    insta::assert_snapshot!(table, @r"
    Reference 3 7 blocked unattempted, 1 gone; 1 lost | 3 1 skipped, 7 unknown unattempted | 3 1 skipped, 7 unknown unattempted
    Rsky      3 7 blocked unattempted, 1 gone; 1 lost | 3 1 skipped, 7 unknown unattempted | 3 1 skipped, 7 unknown unattempted
    Cocoon    1 8 unknown | 1 8 unknown | 1 8 unknown
    Pegasus   1 8 unknown | 1 8 unknown | 1 8 unknown
    Tranquil  3 7 blocked unattempted, 1 gone; 1 lost | 3 1 skipped, 7 unknown unattempted | 3 1 skipped, 7 unknown unattempted
    Cirrus    3 8 gone | 0 8 skipped | 0 8 skipped
    ");
}

#[test]
fn another_dpop_key_in_a_record_is_its_own_fault() {
    let table = table(|dialect| {
        let app = at(dialect);
        app.net.configure(opaque);
        app.log_in(OTHERS, &hours_ago(30));
        let mut record = app.net.login(LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(3) });
        record["dpopJwk"] = keys::generate(testbed::Alg::Es256);
        app.database.session(&record);
        runs(&app, 2, "refresh --all")
    });
    insta::assert_snapshot!(table, @r"
    Reference 0 1 gone, 7 refreshed; 1 lost | 0 7 refreshed, 1 skipped
    Rsky      0 1 gone, 7 refreshed; 1 lost | 0 7 refreshed, 1 skipped
    Cocoon    3 1 blocked, 7 refreshed | 3 1 blocked, 7 refreshed
    Pegasus   3 1 blocked, 7 refreshed | 3 1 blocked, 7 refreshed
    Tranquil  3 1 blocked, 7 refreshed | 3 1 blocked, 7 refreshed
    Cirrus    3 1 blocked, 7 refreshed | 3 1 blocked, 7 refreshed
    ");
}

/// Makes tokens opaque, so that records do not show a wrong configuration.
fn opaque(policy: &mut Policy) {
    policy.readable_access_tokens = false;
}

/// Returns the results of three runs with a configuration that is wrong for all sessions.
fn misconfigured(dialect: Dialect, change: impl FnOnce(&mut App)) -> Vec<String> {
    let mut app = at(dialect);
    app.net.configure(opaque);
    app.log_in(OTHERS, &days_ago(2));
    change(&mut app);
    runs(&app, 3, "refresh --all")
}

#[test]
fn another_key_under_the_kid_costs_one_session_at_most() {
    let table = table(|dialect| {
        misconfigured(dialect, |app| {
            let other = keys::client_key("testbed-1");
            app.set_keys(&[&other]);
            app.net.publish_confidential(&[other]);
        })
    });
    insta::assert_snapshot!(table, @r"
    Reference 3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Rsky      3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Cocoon    0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Pegasus   0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Tranquil  0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Cirrus    0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    ");
}

#[test]
fn a_key_that_is_not_published_costs_nothing() {
    let table = table(|dialect| {
        misconfigured(dialect, |app| app.set_keys(&[&keys::client_key("testbed-1")]))
    });
    insta::assert_snapshot!(table, @r"
    Reference 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted
    Rsky      1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted
    Cocoon    1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted
    Pegasus   0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Tranquil  0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Cirrus    1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted
    ");
}

#[test]
fn records_that_name_another_key_cost_one_session_at_most() {
    let table = table(|dialect| {
        misconfigured(dialect, |app| {
            let (one, two) = (app.net.signing_key().unwrap(), keys::client_key("testbed-2"));
            app.set_keys(&[&one, &two]);
            app.net.publish_confidential(&[one, two]);
            for mut record in app.records().into_values() {
                record["authMethod"]["kid"] = json!("testbed-2");
                app.database.session(&record);
            }
        })
    });
    insta::assert_snapshot!(table, @r"
    Reference 3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Rsky      3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Cocoon    0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Pegasus   0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Tranquil  0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Cirrus    0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    ");
}

#[test]
fn another_client_id_costs_one_session_at_most() {
    let table = table(|dialect| {
        misconfigured(dialect, |app| {
            let key = app.net.signing_key().unwrap();
            let other = format!("{}/other.json", app.net.app_url());
            let mut metadata = app.net.metadata();
            metadata["client_id"] = json!(other);
            app.net.publish("/other.json", testbed::Reply::json(200, &metadata));
            app.set_keys(&[&key]);
            app.configure_client(&other, "min_interval = \"0s\"");
        })
    });
    insta::assert_snapshot!(table, @r"
    Reference 3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Rsky      3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Cocoon    1 7 unknown | 1 7 unknown | 1 7 unknown
    Pegasus   1 7 blocked | 1 7 blocked | 1 7 blocked
    Tranquil  0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Cirrus    1 7 blocked | 1 7 blocked | 1 7 blocked
    ");
}

#[test]
fn a_document_that_says_none_costs_one_session_at_most() {
    let table = table(|dialect| misconfigured(dialect, |app| app.net.publish_public()));
    insta::assert_snapshot!(table, @r"
    Reference 3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Rsky      3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Cocoon    1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted
    Pegasus   0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Tranquil  0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Cirrus    1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted
    ");
}

#[test]
fn a_document_without_the_grant_costs_one_session_at_most() {
    let table = table(|dialect| {
        misconfigured(dialect, |app| {
            let mut metadata = app.net.metadata();
            metadata["grant_types"] = json!(["authorization_code"]);
            app.net.publish_metadata(&metadata);
        })
    });
    insta::assert_snapshot!(table, @r"
    Reference 1 7 unknown | 1 7 unknown | 1 7 unknown
    Rsky      3 6 blocked unattempted, 1 gone; 1 lost | 3 6 blocked unattempted, 1 skipped | 3 6 blocked unattempted, 1 skipped
    Cocoon    1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted | 1 1 blocked, 6 blocked unattempted
    Pegasus   0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Tranquil  0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    Cirrus    0 7 refreshed | 0 7 refreshed | 0 7 refreshed
    ");
}

#[test]
fn documents_that_a_server_cannot_fetch_are_tried_again() {
    let table = table(|dialect| {
        let app = alice_first(dialect);
        app.net.configure(|policy| policy.documents_reachable = false);
        let down = run(&app, "refresh --all");
        app.net.configure(|policy| policy.documents_reachable = true);
        vec![down, run(&app, "refresh --all")]
    });
    insta::assert_snapshot!(table, @r"
    Reference 1 1 blocked, 7 blocked unattempted | 0 8 refreshed
    Rsky      1 1 unknown, 7 unknown unattempted | 0 8 refreshed
    Cocoon    1 1 unknown, 7 unknown unattempted | 0 8 refreshed
    Pegasus   0 8 refreshed | 0 8 refreshed
    Tranquil  0 8 refreshed | 0 8 refreshed
    Cirrus    1 1 unknown, 7 unknown unattempted | 0 8 refreshed
    ");
}

#[test]
fn a_wrong_key_that_worked_where_none_is_checked_blocks_nobody() {
    let table = table(|dialect| {
        let mut app = alice_first(dialect);
        let right = app.net.signing_key().unwrap();
        app.set_keys(&[&keys::client_key("testbed-1")]);
        let wrong = run(&app, "refresh --all");
        app.set_keys(&[&right]);
        vec![wrong, run(&app, "refresh --all")]
    });
    insta::assert_snapshot!(table, @r"
    Reference 1 1 blocked, 7 blocked unattempted | 0 8 refreshed
    Rsky      1 1 blocked, 7 blocked unattempted | 0 8 refreshed
    Cocoon    1 1 blocked, 7 blocked unattempted | 0 8 refreshed
    Pegasus   0 8 refreshed | 0 8 refreshed
    Tranquil  0 8 refreshed | 0 8 refreshed
    Cirrus    1 1 blocked, 7 blocked unattempted | 0 8 refreshed
    ");
}

#[test]
fn public_sessions_are_carried_over_only_where_they_live_on() {
    let public = |dialect| {
        let app = at(dialect);
        app.log_in(
            5,
            &LoginOptions {
                credentials: Some(Credentials::Public),
                created_ago: Duration::from_hours(24 * 5),
                ..days_ago(2)
            },
        );
        app
    };
    let cautious = table(|dialect| {
        let app = public(dialect);
        vec![run(&app, "upgrade --dry-run"), run(&app, "upgrade --yes"), run(&app, "upgrade")]
    });
    insta::assert_snapshot!(cautious, @r"
    Reference 0 5 would_upgrade | 0 5 upgraded | 0 
    Rsky      1 5 blocked unattempted | 1 5 blocked unattempted | 1 5 blocked unattempted
    Cocoon    1 5 blocked unattempted | 1 5 blocked unattempted | 1 5 blocked unattempted
    Pegasus   0 5 would_upgrade | 0 5 upgraded | 0 
    Tranquil  0 5 would_upgrade | 0 5 upgraded | 0 
    Cirrus    0 5 would_upgrade | 0 5 upgraded | 0
    ");
    let agreed = table(|dialect| {
        let app = public(dialect);
        let issuer = app.net.pds_url();
        runs(&app, 3, &format!("upgrade --issuer {issuer} --yes"))
    });
    insta::assert_snapshot!(agreed, @r"
    Reference 0 5 upgraded | 0  | 0 
    Rsky      1 4 blocked unattempted, 1 gone; 1 lost | 3 4 blocked unattempted, 1 skipped | 3 4 blocked unattempted, 1 skipped
    Cocoon    1 1 blocked, 4 blocked unattempted | 1 1 blocked, 4 blocked unattempted | 1 1 blocked, 4 blocked unattempted
    Pegasus   0 5 upgraded | 0  | 0 
    Tranquil  0 5 upgraded | 0  | 0 
    Cirrus    0 5 upgraded | 0  | 0
    ");
}

#[test]
fn sessions_are_ended_with_proof_where_there_is_an_endpoint() {
    let table = table(|dialect| {
        let app = alice_first(dialect);
        vec![run(&app, "revoke --all --yes"), format!("{} left", app.records_left().len())]
    });
    insta::assert_snapshot!(table, @r"
    Reference 0 8 confirmed; 8 lost | 0 left
    Rsky      0 8 confirmed; 8 lost | 0 left
    Cocoon    0 8 confirmed; 8 lost | 0 left
    Pegasus   1 8 unconfirmed | 8 left
    Tranquil  0 8 confirmed; 8 lost | 0 left
    Cirrus    1 8 unconfirmed | 8 left
    ");
}

#[test]
fn a_refusal_proves_an_end_only_in_words_that_mean_nothing_else() {
    let ended = table(|dialect| {
        let app = alice_first(dialect);
        announce(&app);
        for did in app.records_left() {
            app.net.end_sessions_of(&did);
        }
        vec![run(&app, "revoke --all --yes")]
    });
    insta::assert_snapshot!(ended, @r"
    Reference 0 8 confirmed
    Rsky      0 8 confirmed
    Cocoon    1 8 unconfirmed
    Pegasus   1 8 unconfirmed
    Tranquil  1 8 unconfirmed
    Cirrus    1 8 unconfirmed
    ");
    let behind = table(|dialect| {
        let app = alice_first(dialect);
        announce(&app);
        for did in app.records_left() {
            leave_behind(&app, &did);
        }
        vec![run(&app, "revoke --all --yes")]
    });
    insta::assert_snapshot!(behind, @r"
    Reference 0 8 confirmed; 8 lost
    Rsky      0 8 confirmed; 8 lost
    Cocoon    1 8 unconfirmed
    Pegasus   1 8 unconfirmed
    Tranquil  0 8 confirmed; 8 lost
    Cirrus    1 8 unconfirmed
    ");
}

/// Makes a server announce its revocation endpoint.
fn announce(app: &App) {
    let endpoint = format!("{}/oauth/revoke", app.net.pds_url());
    app.net.patch_server_metadata(0, json!({"revocation_endpoint": endpoint}));
}

#[test]
fn a_key_can_be_retired_everywhere() {
    let table = table(|dialect| {
        let app = at(dialect);
        let (old, new) = (app.net.signing_key().unwrap(), keys::client_key("new"));
        app.sandbox.file("keys.json", json!([new, old]).to_string());
        app.log_in(3, &days_ago(2));
        app.net.publish_confidential(&[new, old]);
        let retire = |more: &[&str]| {
            let all = [
                "keys",
                "retire",
                "testbed-1",
                "--revoke-sessions",
                "--yes",
                "--keys",
                "keys.json",
                "-q",
            ];
            let output = app.sandbox.run([&all[..], more].concat());
            let kids: Value = serde_json::from_str(&app.sandbox.read("keys.json")).unwrap();
            format!(
                "{} {} keys, {} records",
                output.code,
                kids.as_array().map_or(0, Vec::len),
                app.records_left().len()
            )
        };
        vec![retire(&["--retry-for", "0s"]), retire(&["--retry-for", "0s", "--forget"])]
    });
    insta::assert_snapshot!(table, @r"
    Reference 0 1 keys, 0 records | 2 1 keys, 0 records
    Rsky      0 1 keys, 0 records | 2 1 keys, 0 records
    Cocoon    0 1 keys, 0 records | 2 1 keys, 0 records
    Pegasus   1 2 keys, 3 records | 3 1 keys, 0 records
    Tranquil  0 1 keys, 0 records | 2 1 keys, 0 records
    Cirrus    1 2 keys, 3 records | 3 1 keys, 0 records
    ");
}

#[test]
fn many_sessions_of_two_servers_are_refreshed_in_one_run() {
    for dialect in [Dialect::Reference, Dialect::Rsky] {
        let app = at(dialect);
        app.log_in(300, &days_ago(2));
        let ended = app.records_left().into_iter().step_by(10).collect::<Vec<_>>();
        for did in &ended {
            app.net.end_sessions_of(did);
        }
        let output = app.sessions("refresh --all");
        assert_eq!(
            (output.code, output.stdout.lines().last()),
            (0, Some("refreshed 270 sessions, 30 gone")),
            "{output}"
        );
        let lost = app.lost();
        assert_eq!(lost.len(), 30, "{output}");
    }
}
