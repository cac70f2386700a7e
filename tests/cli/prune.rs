//! `oauthctl sessions prune` removes ended sessions, asks the server if in doubt, and keeps
//! everything else.

use std::time::Duration;

use serde_json::{Value, json};
use testbed::redis::{Answer, Redis};
use testbed::{Credentials, Endpoint, Fault, Injection, LoginOptions, keys};

use crate::app::{App, days_ago, to_be, wait_until};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, counts, object, session};
use crate::sandbox::{Sandbox, interrupt};

/// Returns the session of one account, started and last refreshed this many days ago.
fn of(did: &str, refreshed: u64) -> LoginOptions {
    LoginOptions {
        did: Some(did.to_owned()),
        created_ago: Duration::from_hours(300 * 24),
        ..days_ago(refreshed)
    }
}

/// Adds a session that can never be refreshed.
fn log_in_dead(app: &App, did: &str) {
    let mut record = app.net.login(of(did, 2));
    record["tokenSet"].as_object_mut().unwrap().shift_remove("refresh_token");
    app.database.session(&record);
}

/// Adds a session bound to a missing key.
fn log_in_blocked(app: &App, did: &str, refreshed: u64) {
    let lost = Credentials::Key(keys::client_key("lost"));
    app.log_in(1, &LoginOptions { credentials: Some(lost), ..of(did, refreshed) });
}

/// Returns an app whose sessions become suspect after ten days, while its server keeps them for 91.
fn impatient() -> App {
    let app = App::new();
    app.configure("confidential_lifetime = \"10d\"");
    app
}

/// Returns an app with one session of each kind.
fn of_every_kind() -> App {
    let app = impatient();
    log_in_dead(&app, &to_be("dead"));
    app.log_in(1, &of(&to_be("ended"), 120));
    app.log_in(1, &of(&to_be("alive"), 20));
    app.log_in(1, &of(&to_be("healthy"), 2));
    log_in_blocked(&app, &to_be("blocked"), 200);
    app.database.record(&to_be("malformed"), "{\"tokenSet\":{}}");
    app
}

#[test]
fn what_has_ended_goes_and_what_may_have_is_asked_about_once() {
    let app = of_every_kind();
    let output = app.sessions("prune");
    insta::assert_snapshot!(output, @r"
    exit 0
    -- stdout --
    removed 2 of 6 sessions (1 dead, 1 ended); 1 kept: alive, and refreshed; 1 refreshed first, to verify the configuration
    ");
    let left: Vec<_> = app.records_left();
    assert_eq!(left, ["alive", "blocked", "healthy", "malformed"].map(to_be));
    // A healthy session goes first: it verifies the configuration before a suspect's refusal
    // counts.
    let asked: Vec<_> = app.exchanges().into_iter().filter_map(|request| request.did).collect();
    assert_eq!(asked[0], to_be("healthy"));
    let mut asked = asked;
    asked.sort();
    assert_eq!(asked, ["alive", "ended", "healthy"].map(to_be));
    // Kept because it is alive, and refreshed by the question, so no longer suspect.
    assert!(app.net.is_alive_with(&app.record(&to_be("alive")).unwrap()));
    let output = app.sessions("prune");
    assert_eq!((output.code, output.stdout.as_str()), (0, "removed 0 of 4 sessions\n"), "{output}");
    assert_eq!(app.exchanges().len(), 3, "nobody is asked twice");
}

#[test]
fn no_server_is_asked_for_what_is_dead_already() {
    let app = App::new();
    log_in_dead(&app, ALICE);
    app.log_in(1, &of(BOB, 2));
    app.net.end_sessions_of(BOB);
    // The server has refused a refresh.
    app.sessions("refresh");
    app.net.clear_log();
    let output = app.sessions("prune");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "removed 2 of 2 sessions (2 dead)\n"),
        "{output}"
    );
    assert!(app.net.requests().is_empty());
    assert!(app.records().is_empty());
}

#[test]
fn blocked_sessions_are_kept_at_any_age_with_any_option() {
    let app = impatient();
    log_in_blocked(&app, ALICE, 250);
    for options in ["", "--offline", "--inactive 1d", "--malformed", &format!("--key {ALICE}")] {
        let output = app.sessions(&format!("prune {options}"));
        let removed = output.stdout.starts_with("removed 0 of 1 session");
        assert!(output.code == 0 && removed && !output.stdout.contains('('), "{options}: {output}");
    }
    assert!(app.net.requests().is_empty());
    app.assert_nobody_lost("");
}

#[test]
fn what_is_no_session_goes_only_when_asked() {
    let app = App::new();
    app.database.record(ALICE, r#"{"tokenSet":{}}"#);
    app.log_in(1, &of(BOB, 2));
    let output = app.sessions("prune");
    assert_eq!((output.code, output.stdout.as_str()), (0, "removed 0 of 2 sessions\n"), "{output}");
    let output = app.sessions("prune --malformed");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "removed 1 of 2 sessions (1 malformed)\n"),
        "{output}"
    );
    assert_eq!(app.records_left(), [BOB]);
}

#[test]
fn offline_removes_only_sessions_older_than_any_lifetime() {
    let app = of_every_kind();
    app.log_in(1, &of(&to_be("old"), 181));
    app.log_in(1, &of(&to_be("young"), 179));
    let output = app.sessions("prune --offline");
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(
        output.stdout, "removed 2 of 8 sessions (1 dead, 1 older than any session lives)\n",
        "{output}"
    );
    let left = app.records_left();
    assert_eq!(left, ["alive", "blocked", "ended", "healthy", "malformed", "young"].map(to_be));
    assert!(app.net.requests().is_empty());
    let output = app.sessions("prune --offline --inactive 30d");
    assert!(output.code == 2 && output.stderr.contains("--inactive"), "{output}");
}

#[test]
fn a_dry_run_names_sessions_with_reasons_and_changes_nothing() {
    let app = of_every_kind();
    app.log_in(1, &of(&to_be("away"), 9));
    let before = app.records();
    insta::assert_snapshot!(app.sessions("prune --dry-run --inactive 7d --malformed"), @r"
    exit 0
    -- stdout --
    DID                               RESULT          REASON
    did:plc:aliveaaaaaaaaaaaaaaaaaaa  would ask       suspect: not refreshed for longer than 10d
    did:plc:awayaaaaaaaaaaaaaaaaaaaa  would sign out  inactive for 7d
    did:plc:deadaaaaaaaaaaaaaaaaaaaa  would remove    dead: expired, and has no refresh token
    did:plc:endedaaaaaaaaaaaaaaaaaaa  would ask       suspect: not refreshed for longer than 10d
    did:plc:malformedaaaaaaaaaaaaaaa  would remove    malformed: no DPoP key
    would remove 2 of 7 sessions (1 dead, 1 malformed), ask the server about 2 (suspect), sign out 1 (inactive); signed out: inactive for 7 days
    ");
    insta::assert_snapshot!(app.sessions("prune --dry-run --inactive 7d --malformed --format csv"), @r#"
    exit 0
    -- stdout --
    key,did,result,reason
    did:plc:aliveaaaaaaaaaaaaaaaaaaa,did:plc:aliveaaaaaaaaaaaaaaaaaaa,would_ask,suspect: not refreshed for longer than 10d
    did:plc:awayaaaaaaaaaaaaaaaaaaaa,did:plc:awayaaaaaaaaaaaaaaaaaaaa,would_sign_out,inactive for 7d
    did:plc:deadaaaaaaaaaaaaaaaaaaaa,did:plc:deadaaaaaaaaaaaaaaaaaaaa,would_remove,"dead: expired, and has no refresh token"
    did:plc:endedaaaaaaaaaaaaaaaaaaa,did:plc:endedaaaaaaaaaaaaaaaaaaa,would_ask,suspect: not refreshed for longer than 10d
    did:plc:malformedaaaaaaaaaaaaaaa,,would_remove,malformed: no DPoP key
    -- stderr --
    would remove 2 of 7 sessions (1 dead, 1 malformed), ask the server about 2 (suspect), sign out 1 (inactive); signed out: inactive for 7 days
    "#);
    let output = app.sessions("prune --dry-run --inactive 7d --malformed --format json");
    let document = object(&output.stdout);
    assert_eq!(document["items"].as_array().unwrap().len(), 5, "{output}");
    let expected = json!({"read": 7, "remove_dead": 1, "remove_malformed": 1, "ask": 2,
        "sign_out": 1, "unobservable": 0, "foreign": 0});
    assert_eq!((&document["dry_run"], &document["counts"]), (&json!(true), &expected));
    insta::assert_snapshot!(app.sessions("prune --dry-run --offline --limit 0"), @r"
    exit 0
    -- stdout --
    would remove 0 of 0 sessions
    ");
    assert!(app.net.requests().is_empty());
    assert_eq!(app.records(), before);
    assert_eq!(app.sandbox.files(), ["app.db", "app.db-shm", "app.db-wal", "oauthctl.toml"]);
    // The plan is carried out unchanged.
    insta::assert_snapshot!(app.sessions("prune --inactive 7d --malformed"), @r"
    exit 0
    -- stdout --
    removed 4 of 7 sessions (1 dead, 1 ended, 1 malformed, 1 signed out); 1 kept: alive, and refreshed; 1 refreshed first, to verify the configuration; signed out: inactive for 7 days
    ");
}

#[test]
fn a_program_reads_what_became_of_each() {
    let app = of_every_kind();
    app.net.inject(Injection::new(Endpoint::Token, Fault::status(503)).only(&to_be("alive")));
    let output = app.sessions("prune --format jsonl --per-issuer 1");
    assert_eq!(output.code, 3, "{output}");
    let mut rows: Vec<_> = output.stdout.lines().map(object).collect();
    rows.sort_by_key(|row| row["key"].to_string());
    let of = |row: &serde_json::Map<String, Value>| {
        (row["did"].clone(), row["result"].clone(), row["reason"].clone())
    };
    assert_eq!(
        rows.iter().map(of).collect::<Vec<_>>(),
        [
            (
                json!(to_be("alive")),
                json!("unsettled"),
                json!("the server answered with status 503")
            ),
            (json!(to_be("dead")), json!("dead"), Value::Null),
            (json!(to_be("ended")), json!("ended"), Value::Null),
            (json!(to_be("healthy")), json!("witness"), Value::Null),
        ],
        "{output}"
    );
    let app = of_every_kind();
    let output = app.sessions("prune --format json");
    let report = json!({"dead": 1, "ended": 1, "old": 0, "malformed": 0, "signed_out": 0, "alive": 1, "changed": 0,
        "witnesses": 1, "refused": 0, "unsettled": 0, "unobservable": 0, "foreign": 0, "read": 6});
    assert_eq!((output.code, Value::Object(counts(&output.stdout))), (0, report), "{output}");
}

#[test]
fn a_server_that_does_not_answer_settles_nothing() {
    let app = impatient();
    app.log_in(1, &of(ALICE, 120));
    app.net.fault(Endpoint::Token, Fault::status(503));
    let output = app.sessions("prune");
    let lines: Vec<_> = output.stdout.lines().collect();
    assert_eq!((output.code, lines[2]), (1, "removed 0 of 1 session; 1 kept: no clear answer"));
    assert!(lines[1].starts_with(&format!("{ALICE}  unsettled  ")), "{output}");
    assert!(lines[1].ends_with("answers with status 503"), "{output}");
    assert!(app.record(ALICE).is_some());
    log_in_dead(&app, BOB);
    let output = app.sessions("prune");
    let summary = "removed 1 of 2 sessions (1 dead); 1 kept: no clear answer\n";
    assert!(output.code == 3 && output.stdout.ends_with(summary), "{output}");
}

#[test]
fn a_limit_counts_what_is_done_and_not_what_is_looked_at() {
    let app = App::new();
    for name in ["a", "b", "c"] {
        app.log_in(1, &of(&to_be(name), 2));
    }
    for name in ["x", "y", "z"] {
        log_in_dead(&app, &to_be(name));
    }
    let output = app.sessions("prune --limit 2");
    assert!(output.code == 0 && output.stdout.starts_with("removed 2 of "), "{output}");
    assert_eq!(app.records().len(), 4);
    assert_eq!(app.sessions("prune --limit 2").code, 0);
    assert_eq!(app.records_left(), ["a", "b", "c"].map(to_be));
}

#[test]
fn between_batches_it_rests_and_a_signal_ends_the_rest() {
    for signal in [("INT", 130), ("TERM", 143)] {
        let app = App::new();
        for number in 0..5 {
            log_in_dead(&app, &to_be(&format!("dead{number}")));
        }
        let child = app.begin("prune --batch-size 2 --pause 1h");
        wait_until(|| app.records().len() == 3);
        interrupt(&child, signal.0);
        let output = app.sandbox.output_of(child);
        let summary = "removed 2 of 5 sessions (2 dead); interrupted, at least 2 not attempted\n";
        assert_eq!((output.code, output.stdout.as_str()), (signal.1, summary), "{output}");
        assert_eq!(app.records().len(), 3);
        let output = app.sessions("prune --batch-size 2 --pause 0s");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "removed 3 of 3 sessions (3 dead)\n"),
            "{output}"
        );
    }
}

#[test]
fn a_login_during_the_question_is_kept() {
    let app = impatient();
    app.log_in(1, &of(ALICE, 120));
    let slow = Injection::new(Endpoint::Token, Fault::DelayAfter(Duration::from_secs(1)));
    app.net.inject(slow.only(&app.net.sessions_of(ALICE)[0].refresh_token));
    let child = app.begin("prune");
    wait_until(|| app.net.sessions_of(ALICE)[0].ended.is_some());
    app.log_in(1, &of(ALICE, 0));
    let output = app.sandbox.output_of(child);
    let summary = "removed 0 of 1 session; 1 kept: changed meanwhile\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, summary), "{output}");
    assert!(app.net.is_alive_with(&app.record(ALICE).unwrap()));
}

#[test]
fn on_a_terminal_a_person_sees_the_plan_and_is_asked() {
    for (answer, left) in [("n", 2), ("y", 1)] {
        let app = App::new();
        log_in_dead(&app, ALICE);
        app.log_in(1, &of(BOB, 2));
        let mut terminal = app.sandbox.terminal(["sessions", "prune"]);
        terminal.exp_string("This will remove 1 of 2 sessions (1 dead). Go on?").unwrap();
        terminal.send_line(answer).unwrap();
        let shown = terminal.exp_eof().unwrap();
        assert_eq!(app.records().len(), left, "{answer}: {shown}");
        assert_eq!(shown.contains("not confirmed; nothing was done"), answer == "n", "{shown}");
        assert_eq!(shown.contains("removed 1 of 2 sessions (1 dead)"), answer == "y", "{shown}");
    }
}

#[test]
fn whoever_logs_in_while_the_question_stands_stays() {
    let app = App::new();
    log_in_dead(&app, ALICE);
    log_in_dead(&app, BOB);
    let mut terminal = app.sandbox.terminal(["sessions", "prune"]);
    terminal.exp_string("This will remove 2 of 2 sessions (2 dead). Go on?").unwrap();
    app.log_in(1, &of(ALICE, 0));
    terminal.send_line("y").unwrap();
    let shown = terminal.exp_eof().unwrap();
    assert!(shown.contains("removed 1 of 2 sessions (1 dead)"), "{shown}");
    assert!(app.net.is_alive_with(&app.record(ALICE).unwrap()));
    assert!(app.record(BOB).is_none());
}

#[test]
fn nothing_to_do_is_no_question() {
    let app = App::with_users(1);
    let shown = app.sandbox.on_a_terminal(["sessions", "prune"]);
    assert_eq!(shown, "removed 0 of 1 session\n");
}

#[test]
fn without_its_key_a_cron_job_removes_nothing_and_says_so() {
    let mut app = of_every_kind();
    app.sandbox.unset("APP_KEY");
    let before = app.records();
    let output = app.sessions("prune --inactive 1d --malformed");
    insta::assert_snapshot!(output, @r"
    exit 2
    -- stderr --
    error: env:APP_KEY: the variable is not set
    hint: export APP_KEY, or name another source
    ");
    // The same without a configured store.
    let output = app.sandbox.run(["--config", "/dev/null", "sessions", "prune", "--malformed"]);
    insta::assert_snapshot!(output, @r"
    exit 2
    -- stderr --
    error: sessions are bound to client keys, but no key source is configured; nothing was removed
    hint: use --keys, or set `keys` in oauthctl.toml; --offline needs no keys
    ");
    assert_eq!(app.records(), before);
    assert!(app.net.requests().is_empty());
}

#[test]
fn with_another_key_a_cron_job_touches_no_living_session() {
    let mut app = impatient();
    app.set_keys(&[&keys::client_key("other")]);
    for (name, refreshed) in [("a", 0), ("b", 20), ("c", 120), ("d", 250)] {
        app.log_in(1, &of(&to_be(name), refreshed));
    }
    let before = app.records();
    let output = app.sessions("prune --inactive 1d");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "removed 0 of 4 sessions; signed out: inactive for 1 day\n"),
        "{output}"
    );
    assert_eq!(app.records(), before);
    assert!(app.net.requests().is_empty());
}

#[test]
fn recently_renewed_sessions_do_not_verify_the_configuration() {
    let app = impatient();
    app.log_in(1, &of(&to_be("ended"), 120));
    let half_an_hour_ago = Some(Duration::from_mins(30));
    app.log_in(1, &LoginOptions { refreshed_ago: half_an_hour_ago, ..of(&to_be("healthy"), 0) });
    let output = app.sessions("prune");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "removed 1 of 2 sessions (1 ended)\n"),
        "{output}"
    );
    assert_eq!(app.exchanges().len(), 1, "this layout has no lock that the app knows of");
    assert!(app.net.is_alive_with(&app.record(&to_be("healthy")).unwrap()));
}

#[test]
fn ttls_in_redis_are_evidence_and_kept_records_unchanged() {
    let mut app = App::new();
    let redis = Redis::start();
    app.sandbox.set("OAUTHCTL_STORE", redis.url());
    let key = |name: &str| format!("atproto:oauth:sessions:{}", to_be(name));
    // The layout's TTL is 179 days after each write.
    let store = |name: &str, record: &Value, days_ago: u64| {
        let left = ((179 - days_ago) * 86_400).to_string();
        redis.ask(&["SET", &key(name), &record.to_string(), "EX", &left]);
    };
    for (name, refreshed, written) in [("ended", 120, 120), ("touched", 120, 5), ("healthy", 2, 2)]
    {
        store(name, &app.net.login(of(&to_be(name), refreshed)), written);
    }
    let mut dead = app.net.login(of(&to_be("dead"), 2));
    dead["tokenSet"].as_object_mut().unwrap().shift_remove("refresh_token");
    store("dead", &dead, 2);
    let output = app.sessions("prune");
    let summary = "removed 2 of 4 sessions (1 dead, 1 ended); 1 refreshed first, to verify the configuration\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, summary), "{output}");
    let is_there = |name: &str| redis.ask(&["EXISTS", &key(name)]) == Answer::Number(1);
    assert_eq!(["ended", "touched", "healthy", "dead"].map(is_there), [false, true, true, false]);
    let Answer::Number(left) = redis.ask(&["TTL", &key("touched")]) else { panic!() };
    assert!(left <= 174 * 86_400 && left > 173 * 86_400, "{left}");
}

#[test]
fn whatever_the_filter_a_healthy_session_goes_first() {
    let app = of_every_kind();
    let output = app.sessions("prune --status suspect");
    let summary = "removed 1 of 2 sessions (1 ended); 1 kept: alive, and refreshed; 1 refreshed first, to verify the configuration\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, summary), "{output}");
    assert_eq!(app.exchanges()[0].did, Some(to_be("healthy")));
    // Without suspects, the configuration need not be verified.
    let app = of_every_kind();
    assert_eq!(app.sessions("prune --status dead").code, 0);
    assert!(app.exchanges().is_empty());
}

#[test]
fn a_healthy_session_that_is_lost_on_the_way_is_named() {
    let app = impatient();
    app.log_in(1, &of(&to_be("ended"), 120));
    app.log_in(1, &of(&to_be("healthy"), 2));
    app.net.end_sessions_of(&to_be("healthy"));
    let output = app.sessions("prune");
    let summary = "removed 2 of 2 sessions (1 dead, 1 ended); 1 refreshed first, and refused\n";
    assert!(output.code == 0 && output.stdout.ends_with(summary), "{output}");
    let row = format!("{}  refused  invalid_grant: Invalid refresh token\n", to_be("healthy"));
    assert!(output.stdout.contains(&row), "{output}");
}

#[test]
fn of_two_rows_of_one_account_only_the_dead_one_goes() {
    let sandbox = Sandbox::new();
    let tables = "CREATE TABLE auth_session (key TEXT, value TEXT); CREATE TABLE auth_state (key TEXT, value TEXT);";
    let database = AppDatabase::with(&sandbox.path("app.db"), tables);
    let mut dead = session(ALICE, "40h");
    drop(dead["tokenSet"].as_object_mut().unwrap().remove("refresh_token"));
    let living = session(ALICE, "30m");
    for record in [&dead, &living] {
        database.session(record);
    }
    let listed = sandbox.result(["sessions", "list", "--format", "jsonl", "-q"]);
    let statuses: Vec<_> = listed.lines().map(|line| object(line)["status"].clone()).collect();
    assert_eq!(statuses, ["dead", "fresh"]);
    let pruned = sandbox.result(["sessions", "prune", "--offline"]);
    assert_eq!(pruned, "removed 1 of 2 sessions (1 dead)\n");
    assert_eq!(database.rows("SELECT value FROM auth_session"), [living.to_string()]);
}
