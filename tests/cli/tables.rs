//! Tables fit their terminal and show what is wanted; runs show what they do while they do it.

use std::time::Duration;

use rexpect::session::{PtySession, spawn_command};
use serde_json::json;
use testbed::{Credentials, LoginOptions, keys};

use crate::app::{App, days_ago, hours_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, object, session};
use crate::sandbox::Sandbox;

/// A terminal of this width on which a command runs.
fn terminal(sandbox: &Sandbox, width: usize, command: &str) -> PtySession {
    let mut shell = sandbox.command("sh");
    shell
        .args(["-c", &format!("stty rows 24 cols {width}; exec oauthctl {command}")])
        .env("NO_COLOR", "1");
    spawn_command(shell, Some(20_000)).unwrap()
}

/// All that a terminal shows, which takes every byte for a character.
fn shown(sandbox: &Sandbox, width: usize, command: &str) -> String {
    let text = terminal(sandbox, width, command).exp_eof().unwrap();
    text.replace("\r\n", "\n").replace("â\u{80}¦", "…")
}

fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for (did, refreshed, kid) in [
        (ALICE, "3h", "key1"),
        (BOB, "100d", "key1"),
        ("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "40h", "lost"),
    ] {
        let mut record = session(did, refreshed);
        record["authMethod"]["kid"] = json!(kid);
        database.session(&record);
    }
    sandbox.file("keys.json", KEY1);
    sandbox
}

const LIST: &str = "--keys keys.json sessions list";

fn list(sandbox: &Sandbox, options: &str) -> String {
    let output = sandbox.run(format!("{LIST} -q {options}").split(' '));
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    output.stdout
}

#[test]
fn columns_are_chosen_by_title_or_field_and_rows_sorted() {
    let sandbox = three();
    let newest_first = list(&sandbox, "--columns did,kid,last_refreshed_by --sort -refreshed");
    let lines: Vec<_> = newest_first.lines().collect();
    assert_eq!(lines[0], "DID                               KID   LAST REFRESHED BY");
    assert!(lines[1].starts_with(ALICE) && lines[3].starts_with(BOB), "{newest_first}");
    let oldest_first = list(&sandbox, "--columns did --sort refreshed --no-header");
    assert_eq!(oldest_first.lines().next(), Some(BOB));
    assert_eq!(oldest_first.lines().count(), 3);
    let csv = list(&sandbox, "--columns did,refreshed --format csv");
    assert!(csv.starts_with("did,last_refreshed_at\ndid:plc:"), "{csv}");
    let jsonl = list(&sandbox, "--columns kid,status --format jsonl --limit 1");
    assert_eq!(object(&jsonl).keys().collect::<Vec<_>>(), ["kid", "status"]);
    assert_eq!(
        list(&sandbox, "--columns did --format csv --no-header --limit 1").lines().count(),
        1
    );
}

#[test]
fn a_column_that_is_not_there_is_refused_with_those_that_are() {
    let sandbox = three();
    for (options, said) in [
        ("--columns did,kit", "there is no column \"kit\"\nhint: did you mean kid?"),
        (
            "--sort nothing_like_it",
            "hint: columns: did, status, refreshed, kid, issuer, reason, key",
        ),
        ("--sort did --format csv", "--sort did is for tables\nhint: leave --format out"),
    ] {
        let output = sandbox.run(format!("{LIST} {options}").split(' '));
        assert!(output.code == 2 && output.stderr.contains(said), "{output}");
    }
}

#[test]
fn a_table_keeps_kid_and_issuer_and_says_what_it_leaves_out() {
    let sandbox = three();
    for (width, reason, hidden) in [
        (80, "", "not shown for want of room: reason; --columns chooses"),
        (100, "its client key lost i…", ""),
        (160, "its client key lost is not in the key set", ""),
    ] {
        let text = shown(&sandbox, width, LIST);
        assert!(text.contains("KID   ISSUER") && text.contains("auth.example.com"), "{text}");
        assert!(text.contains(reason) && text.contains(hidden), "{width}: {text}");
        assert_eq!(text.contains("not shown"), width == 80, "{text}");
        assert!(text.lines().all(|line| line.trim_end().chars().count() <= width), "{text}");
    }
}

#[test]
fn messages_are_wrapped_at_words_on_a_terminal() {
    let sandbox = three();
    let text = shown(&sandbox, 60, "sessions list --status due --columns did --kid nope");
    let warning = "warning: no session is bound to key nope, which is also not";
    assert!(text.contains(&format!("{warning}\n")), "{text}");
}

#[test]
fn errors_are_wrapped_at_words_and_commands_are_whole() {
    let sandbox = three();
    let command = "keys retire key1 --keys keys.json --store sqlite:app.db";
    let whole = sandbox.refusal(command.split(' ')).stderr;
    assert!(whole.lines().count() == 2 && whole.contains("`oauthctl keys rotate`"), "{whole}");
    let narrow = shown(&sandbox, 40, command);
    assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
    assert!(narrow.contains("`oauthctl keys rotate`"), "{narrow}");
    assert_eq!(narrow.replace("\n  ", " "), whole);
    let coloured = shown(&sandbox, 40, &format!("--color always {command}"));
    let plain = coloured.replace("\u{1b}[1;31m", "").replace("\u{1b}[36m", "");
    assert_eq!(plain.replace("\u{1b}[0m", ""), narrow);
}

/// An app that has lost the key of so many of its sessions.
fn without_key(count: usize) -> App {
    let app = App::new();
    let credentials = Some(Credentials::Key(keys::client_key("lost")));
    app.log_in(count, &LoginOptions { credentials, ..days_ago(2) });
    app.log_in(12, &LoginOptions { ..hours_ago(30) });
    app
}

#[test]
fn on_a_terminal_results_and_progress_are_seen_as_they_come() {
    let mut app = without_key(8);
    app.sandbox.set("TERM", "xterm");
    app.net.configure(|policy| policy.exchange_time = Duration::from_millis(700));
    let mut terminal =
        terminal(&app.sandbox, 120, "sessions refresh --per-issuer 2 --concurrency 2");
    // A session that is blocked is told before others are refreshed.
    terminal.exp_string("blocked      its client key lost is not in the key set").unwrap();
    terminal.exp_string(" of 20 sessions").unwrap();
    terminal.exp_string("left; waiting for ").unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains("and 5 more"), "{rest}");
    assert!(rest.contains("refreshed 12 sessions, 8 blocked"), "{rest}");
}

#[test]
fn a_reader_that_goes_ends_a_list_quietly() {
    let sandbox = three();
    let output =
        sandbox.sh("oauthctl --keys keys.json sessions list -q | head -1; echo ${PIPESTATUS[0]}");
    assert!(output.stdout.ends_with("\n0\n") && output.stderr.is_empty(), "{output}");
}

#[test]
fn handles_are_shown_where_they_are_verified_and_cached() {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    app.net.set_handle("alice.test", ALICE);
    app.resolve_names();
    let output = app.sessions("list --handles --columns handle,did --no-header -q");
    assert_eq!(output.stdout, format!("alice.test  {ALICE}\n"), "{output}");
    let asked = app.net.counters().requests;
    let again = app.sessions("list --handles --format jsonl -q");
    assert!(again.stdout.contains(r#""handle":"alice.test""#), "{again}");
    assert_eq!(app.net.counters().requests, asked, "the cache knows them");
}

#[test]
fn a_handle_that_leads_to_another_account_is_shown_as_invalid() {
    let app = App::new();
    for did in [ALICE, BOB] {
        app.log_in(1, &LoginOptions { did: Some(did.to_owned()), ..days_ago(2) });
    }
    // Alice's document claims it.
    let handle = format!("{}.test", ALICE.rsplit(':').next().unwrap());
    app.net.set_handle(&handle, BOB);
    app.resolve_names();
    let output = app.sessions("list --handles --format jsonl -q");
    let handle_of = |did: &str| {
        let mut rows = output.stdout.lines().map(object);
        rows.find(|row| row["did"] == did).unwrap()["handle"].clone()
    };
    assert_eq!(handle_of(ALICE), "handle.invalid", "{output}");
    assert_eq!(handle_of(BOB), handle.as_str(), "{output}");
}

#[test]
fn an_account_that_is_named_as_a_key_is_said_to_be_one() {
    let app = App::new();
    let record = app.net.login(LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    app.database.record("another-key", &record.to_string());
    let output = app.sessions(&format!("list --key {ALICE} -q"));
    assert!(!output.stderr.contains("did you mean"), "{output}");
}

#[test]
fn a_limit_of_nothing_is_refused_in_our_own_words() {
    let refusal = Sandbox::new().refusal(["sessions", "prune", "--max-removed", "0"]);
    assert_eq!(
        refusal.stderr,
        "error: --max-removed: \"0\" is not a whole number above 0\n\
         hint: --dry-run removes nothing, and shows what would be removed\n"
    );
}
