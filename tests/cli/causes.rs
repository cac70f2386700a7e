//! What many sessions have in common is told in one line: why they were not refreshed, and what to
//! do about it.

use serde_json::Value;
use testbed::{Credentials, LoginOptions, keys};

use crate::app::{App, days_ago, hours_ago, to_be};
use crate::samples::object;

/// The key of sessions that the key set lacks.
const LOST: &str = "lost-key";

/// An app that has lost the key of so many sessions.
fn without_key(count: usize) -> App {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(to_be("healthy")), ..hours_ago(30) });
    let credentials = Some(Credentials::Key(keys::client_key(LOST)));
    app.log_in(count, &LoginOptions { credentials, ..days_ago(2) });
    app
}

#[test]
fn a_key_that_is_missing_is_one_line_with_a_way_out() {
    let app = without_key(20);
    let output = app.sessions("refresh");
    assert_eq!(output.code, 3, "{output}");
    let lines: Vec<_> = output.stdout.lines().collect();
    assert_eq!((lines.len(), lines[2]), (3, "refreshed 1 session, 20 blocked"), "{output}");
    assert!(lines[1].contains(" and 19 more  blocked  its client key lost-key is not"), "{output}");
    assert!(output.stderr.starts_with("hint: 20 sessions are bound to key lost-key"), "{output}");
    let quiet = app.sessions("refresh -q");
    assert_eq!((quiet.stdout.lines().count(), quiet.stderr.as_str()), (2, ""), "{quiet}");
    let verbose = app.sessions("refresh -v");
    assert_eq!(verbose.stdout.matches("blocked  its client key").count(), 20, "{verbose}");
    let rows = app.sessions("refresh --format jsonl -q").stdout;
    assert_eq!(rows.lines().filter(|row| object(row)["result"] == "blocked").count(), 20);
    // The way out is one.
    let revoked = app.sessions("revoke --kid lost-key --forget --yes");
    assert!(revoked.stdout.contains("20 forgotten"), "{revoked}");
    assert_eq!(app.records_left().len(), 1);
    assert_eq!(app.sessions("refresh").code, 0);
}

#[test]
fn few_of_a_cause_are_named_each() {
    let output = without_key(3).sessions("refresh");
    assert_eq!(output.stdout.matches("blocked  its client key").count(), 3, "{output}");
}

#[test]
fn a_directory_that_is_down_is_one_line() {
    let app = App::with_users(12);
    let plc = app.net.plc_url().clone();
    let toml = app.sandbox.read("oauthctl.toml").replace(&plc, "http://127.0.0.1:9/");
    app.sandbox.file("oauthctl.toml", toml);
    let output = app.sessions("refresh -q");
    assert_eq!((output.code, output.stdout.lines().count()), (1, 2), "{output}");
    assert!(output.stdout.contains(" and 11 more  unknown  "), "{output}");
}

#[test]
fn an_acknowledged_cause_is_no_failure_and_stays_in_the_counts() {
    let mut app = without_key(5);
    let today = "2026-11-30";
    app.sandbox.set("OAUTHCTL_TEST_NOW", format!("{today}T12:00:00Z"));
    app.configure(&format!("acknowledged = [{{ what = 'kid:{LOST}', since = {today} }}]"));
    let output = app.sessions("refresh --status blocked");
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (0, "refreshed 0 sessions, 5 acknowledged\n", ""),
        "{output}"
    );
    let stats = object(&app.sessions("stats --format json").stdout);
    assert_eq!(stats["by_status"]["blocked"], 5);
    let listed = app.sessions("refresh --status blocked -v");
    assert_eq!(listed.stdout.matches("acknowledged  its client key").count(), 5, "{listed}");
    app.configure("acknowledged = [{ what = 'kid:lost-key', since = 2026-08-01 }]");
    let output = app.sessions("refresh --status blocked");
    assert_eq!(output.code, 1, "{output}");
    let warning = "warning: refresh.acknowledged: kid:lost-key was acknowledged on 2026-08-01, \
                   more than 90 days ago; solve it, or renew the date\n";
    assert!(output.stderr.starts_with(warning), "{output}");
}

#[test]
fn one_record_is_acknowledged_by_its_key() {
    let mut app = without_key(2);
    app.sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-30T12:00:00Z");
    let keys = app.records_left();
    let lost = keys.iter().find(|key| **key != to_be("healthy")).unwrap();
    app.configure(&format!("acknowledged = [{{ what = 'key:{lost}', since = 2026-11-30 }}]"));
    let output = app.sessions("refresh --status blocked");
    assert_eq!(output.code, 1, "{output}");
    assert!(
        output.stdout.ends_with("refreshed 0 sessions, 1 blocked, 1 acknowledged\n"),
        "{output}"
    );
}

#[test]
fn an_acknowledgement_says_what_and_since_when() {
    let app = App::new();
    for (setting, said) in [
        ("['kid:a']", "\"kid:a\" has no date\nhint: write { what = \"kid:a\", since = "),
        ("[{ what = 'a', since = 2026-11-30 }]", "\"a\" is neither a kid nor a key"),
        ("[{ what = 'kid:a', since = 'soon' }]", "\"soon\" is not a date"),
        ("[{ what = 'kid:a' }]", "must be an array of"),
        ("'kid:a'", "must be an array of"),
    ] {
        app.configure(&format!("acknowledged = {setting}"));
        let output = app.sessions("refresh");
        assert_eq!(output.code, 2, "{output}");
        let place = "error: oauthctl.toml: refresh.acknowledged";
        assert!(output.stderr.starts_with(place) && output.stderr.contains(said), "{output}");
    }
}

#[test]
fn the_summary_says_why_sessions_were_skipped() {
    let app = App::with_users(4);
    assert_eq!(app.sessions("refresh --all").code, 0);
    let again = app.sessions("refresh --all").stdout;
    assert_eq!(again, "refreshed 0 sessions, 4 skipped (refreshed less than 10m ago)\n");
    let app = App::new();
    app.log_in(
        6,
        &LoginOptions { refreshed_ago: Some(std::time::Duration::from_mins(30)), ..days_ago(2) },
    );
    let output = app.sessions("refresh --all").stdout;
    assert_eq!(
        output,
        "refreshed 0 sessions, 6 skipped (refreshed by the app less than 1h ago, which has no \
         lock: name accounts to refresh them anyway)\n"
    );
}

#[test]
fn a_run_as_json_is_one_document_of_items_and_counts() {
    let app = without_key(2);
    for (command, counts, items) in [
        ("refresh -n", "would_refresh", 3),
        ("refresh", "refreshed", 3),
        ("revoke --all --yes --forget -n", "would_revoke", 3),
        ("prune -n", "read", 0),
        ("prune", "read", 0),
        ("revoke --all --yes --forget", "confirmed", 3),
        ("refresh", "refreshed", 0),
    ] {
        let output = app.sessions(&format!("{command} --format json -q"));
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(document["items"].as_array().unwrap().len(), items, "{command}: {output}");
        assert!(document["counts"][counts].is_u64(), "{command}: {output}");
        assert_eq!(document["dry_run"], command.ends_with("-n"), "{command}: {output}");
        let members = document["counts"].as_object().unwrap();
        let is_identifier =
            |name: &String| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(members.keys().all(is_identifier), "{command}: {output}");
        assert!(members.values().all(Value::is_u64), "{command}: {output}");
    }
}
