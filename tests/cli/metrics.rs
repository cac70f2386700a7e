//! `--metrics-file`: what a run from cron did, for Prometheus.

use testbed::Endpoint;
use testbed::Fault;

use crate::app::App;
use crate::samples::{ALICE, session, state};
use crate::sandbox::NOW;

/// An app at the time of the sandbox, with a login that was given up long ago.
fn app() -> App {
    let mut app = App::new();
    app.sandbox.set("OAUTHCTL_TEST_NOW", NOW);
    app.database.record("nonsense", "{");
    app.database.state("given-up", &state("key1"));
    app
}

/// A file of metrics must be complete whenever it is read, and readable for the collector.
fn assert_is_whole(app: &App, file: &str) {
    assert_eq!(app.sandbox.mode(file), 0o644);
    let others: Vec<_> = app.sandbox.files().into_iter().filter(|name| name.contains("prom") && name != file).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn prune_tells_what_it_did() {
    let app = app();
    app.database.session(&session(ALICE, "3h"));
    let output = app.sessions("prune --malformed --metrics-file prune.prom --quiet");
    assert_eq!(output.code, 0, "{output}");
    insta::assert_snapshot!(app.sandbox.read("prune.prom"), @r#"
    # HELP oauthctl_sessions_prune_results What the last run did, by result.
    # TYPE oauthctl_sessions_prune_results gauge
    oauthctl_sessions_prune_results{result="dead"} 0
    oauthctl_sessions_prune_results{result="ended"} 0
    oauthctl_sessions_prune_results{result="old"} 0
    oauthctl_sessions_prune_results{result="malformed"} 1
    oauthctl_sessions_prune_results{result="signed_out"} 0
    oauthctl_sessions_prune_results{result="alive"} 0
    oauthctl_sessions_prune_results{result="witnesses"} 0
    oauthctl_sessions_prune_results{result="refused"} 0
    oauthctl_sessions_prune_results{result="changed"} 0
    oauthctl_sessions_prune_results{result="unsettled"} 0
    oauthctl_sessions_prune_results{result="unobservable"} 0
    oauthctl_sessions_prune_results{result="foreign"} 0
    oauthctl_sessions_prune_results{result="read"} 2
    # HELP oauthctl_sessions_prune_duration_seconds How long the last run took.
    # TYPE oauthctl_sessions_prune_duration_seconds gauge
    oauthctl_sessions_prune_duration_seconds 0
    # HELP oauthctl_sessions_prune_exit_status Exit status of the last run.
    # TYPE oauthctl_sessions_prune_exit_status gauge
    oauthctl_sessions_prune_exit_status 0
    # HELP oauthctl_sessions_prune_last_run_timestamp_seconds When the last run ended.
    # TYPE oauthctl_sessions_prune_last_run_timestamp_seconds gauge
    oauthctl_sessions_prune_last_run_timestamp_seconds 1795435200
    # HELP oauthctl_sessions_prune_last_success_timestamp_seconds When a run last did everything.
    # TYPE oauthctl_sessions_prune_last_success_timestamp_seconds gauge
    oauthctl_sessions_prune_last_success_timestamp_seconds 1795435200
    "#);
    assert_is_whole(&app, "prune.prom");
}

#[test]
fn refresh_tells_what_it_did() {
    let app = app();
    assert_eq!(app.sessions("refresh --metrics-file refresh.prom --quiet").code, 0);
    insta::assert_snapshot!(app.sandbox.read("refresh.prom"), @r#"
    # HELP oauthctl_sessions_refresh_results What the last run did, by result.
    # TYPE oauthctl_sessions_refresh_results gauge
    oauthctl_sessions_refresh_results{result="refreshed"} 0
    oauthctl_sessions_refresh_results{result="skipped"} 0
    oauthctl_sessions_refresh_results{result="gone"} 0
    oauthctl_sessions_refresh_results{result="blocked"} 0
    oauthctl_sessions_refresh_results{result="unknown"} 0
    # HELP oauthctl_sessions_refresh_duration_seconds How long the last run took.
    # TYPE oauthctl_sessions_refresh_duration_seconds gauge
    oauthctl_sessions_refresh_duration_seconds 0
    # HELP oauthctl_sessions_refresh_exit_status Exit status of the last run.
    # TYPE oauthctl_sessions_refresh_exit_status gauge
    oauthctl_sessions_refresh_exit_status 0
    # HELP oauthctl_sessions_refresh_last_run_timestamp_seconds When the last run ended.
    # TYPE oauthctl_sessions_refresh_last_run_timestamp_seconds gauge
    oauthctl_sessions_refresh_last_run_timestamp_seconds 1795435200
    # HELP oauthctl_sessions_refresh_last_success_timestamp_seconds When a run last did everything.
    # TYPE oauthctl_sessions_refresh_last_success_timestamp_seconds gauge
    oauthctl_sessions_refresh_last_success_timestamp_seconds 1795435200
    "#);
    assert_is_whole(&app, "refresh.prom");
}

#[test]
fn purge_tells_what_it_did() {
    let app = app();
    let output = app.sandbox.run(["states", "purge", "--metrics-file", "purge.prom", "--quiet"]);
    assert_eq!(output.code, 0, "{output}");
    insta::assert_snapshot!(app.sandbox.read("purge.prom"), @r#"
    # HELP oauthctl_states_purge_results What the last run did, by result.
    # TYPE oauthctl_states_purge_results gauge
    oauthctl_states_purge_results{result="removed"} 0
    oauthctl_states_purge_results{result="kept"} 1
    oauthctl_states_purge_results{result="gone"} 0
    # HELP oauthctl_states_purge_duration_seconds How long the last run took.
    # TYPE oauthctl_states_purge_duration_seconds gauge
    oauthctl_states_purge_duration_seconds 0
    # HELP oauthctl_states_purge_exit_status Exit status of the last run.
    # TYPE oauthctl_states_purge_exit_status gauge
    oauthctl_states_purge_exit_status 0
    # HELP oauthctl_states_purge_last_run_timestamp_seconds When the last run ended.
    # TYPE oauthctl_states_purge_last_run_timestamp_seconds gauge
    oauthctl_states_purge_last_run_timestamp_seconds 1795435200
    # HELP oauthctl_states_purge_last_success_timestamp_seconds When a run last did everything.
    # TYPE oauthctl_states_purge_last_success_timestamp_seconds gauge
    oauthctl_states_purge_last_success_timestamp_seconds 1795435200
    "#);
    assert_is_whole(&app, "purge.prom");
}

#[test]
fn a_run_that_fails_says_so_and_keeps_the_time_of_the_last_success() {
    let app = App::with_users(1);
    app.configure("min_interval = \"0s\"");
    let value = |name: &str| {
        let text = app.sandbox.read("refresh.prom");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("oauthctl_sessions_refresh_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
    };
    assert_eq!(app.sessions("refresh --all --metrics-file refresh.prom").code, 0);
    assert_eq!(value("exit_status"), "0");
    let success = value("last_success_timestamp_seconds");
    app.net.fault(Endpoint::Token, Fault::status(503));
    assert_eq!(app.sessions("refresh --all --metrics-file refresh.prom").code, 1);
    assert_eq!(value("exit_status"), "1");
    assert_eq!(value("last_success_timestamp_seconds"), success);
}

#[test]
fn a_run_that_achieves_nothing_at_all_says_so_too() {
    let app = App::with_users(1);
    for command in ["sessions refresh", "sessions prune", "states purge"] {
        let status = |store: &str| {
            app.sandbox.run(format!("{command} --metrics-file run.prom --store {store}").split(' '));
            let text = app.sandbox.read("run.prom");
            let name = format!("oauthctl_{}_exit_status ", command.replace(' ', "_"));
            text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
        };
        assert_eq!(status("sqlite:app.db"), Some(0));
        // The database is gone; another is damaged in the middle of it.
        assert_eq!(status("sqlite:missing.db"), Some(2));
        app.sandbox.file("damaged.db", "no database at all");
        assert!(status("sqlite:damaged.db").is_some_and(|status: i32| status > 0), "{command}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_after_the_work() {
    let app = app();
    app.database.session(&session(ALICE, "3h"));
    let output = app.sessions("prune --malformed --metrics-file missing/prune.prom");
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stderr.contains("missing/prune.prom"), "{output}");
    assert_eq!(output.stdout, "removed 1 of 2 sessions (1 malformed)\n");
}

#[test]
fn a_dry_run_writes_no_metrics() {
    let app = app();
    for verb in ["prune", "refresh"] {
        assert_eq!(app.sessions(&format!("{verb} --dry-run --metrics-file x.prom")).code, 0);
    }
    assert_eq!(app.sandbox.run(["states", "purge", "--dry-run", "--metrics-file", "x.prom"]).code, 0);
    assert!(!app.sandbox.files().contains(&"x.prom".to_owned()));
}
