//! `--metrics-file`: results of runs from cron, for Prometheus.

use std::collections::BTreeSet;

use testbed::Endpoint;
use testbed::Fault;

use crate::app::App;
use crate::samples::{ALICE, counts, session, state};
use crate::sandbox::NOW;

/// Returns an app at the time of the sandbox, with an abandoned login.
fn app() -> App {
    let mut app = App::new();
    app.sandbox.set("OAUTHCTL_TEST_NOW", NOW);
    app.database.record("did:web:nonsense.example", r#"{"tokenSet":{}}"#);
    app.database.state("given-up", &state("key1"));
    app
}

/// Returns the contents of a metrics file, without the port of the app.
fn written(app: &App, file: &str) -> String {
    app.sandbox.read(file).replace(app.net.app_url().strip_prefix("http://").unwrap(), "$APP")
}

/// Asserts that a metrics file is complete and readable for the collector.
fn assert_is_whole(app: &App, file: &str) {
    assert_eq!(app.sandbox.mode(file), 0o644);
    let others: Vec<_> = app
        .sandbox
        .files()
        .into_iter()
        .filter(|name| name.contains("prom") && name != file)
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn prune_tells_what_it_did() {
    let app = app();
    app.database.session(&session(ALICE, "3h"));
    let output = app.sessions("prune --malformed --metrics-file prune.prom --quiet");
    assert_eq!(output.code, 0, "{output}");
    insta::assert_snapshot!(written(&app, "prune.prom"), @r#"
    # HELP oauthctl_sessions_prune_results Results of the last run.
    # TYPE oauthctl_sessions_prune_results gauge
    oauthctl_sessions_prune_results{app="$APP",profile="",result="dead"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="ended"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="old"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="malformed"} 1
    oauthctl_sessions_prune_results{app="$APP",profile="",result="signed_out"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="alive"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="witnesses"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="refused"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="changed"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="unsettled"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="unobservable"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="foreign"} 0
    oauthctl_sessions_prune_results{app="$APP",profile="",result="read"} 2
    # HELP oauthctl_sessions_prune_duration_seconds Duration of the last run.
    # TYPE oauthctl_sessions_prune_duration_seconds gauge
    oauthctl_sessions_prune_duration_seconds{app="$APP",profile=""} 0
    # HELP oauthctl_sessions_prune_exit_status Exit status of the last run.
    # TYPE oauthctl_sessions_prune_exit_status gauge
    oauthctl_sessions_prune_exit_status{app="$APP",profile=""} 0
    # HELP oauthctl_sessions_prune_last_run_timestamp_seconds End of the last run.
    # TYPE oauthctl_sessions_prune_last_run_timestamp_seconds gauge
    oauthctl_sessions_prune_last_run_timestamp_seconds{app="$APP",profile=""} 1795435200
    # HELP oauthctl_sessions_prune_last_success_timestamp_seconds End of the last run that did everything.
    # TYPE oauthctl_sessions_prune_last_success_timestamp_seconds gauge
    oauthctl_sessions_prune_last_success_timestamp_seconds{app="$APP",profile=""} 1795435200
    "#);
    assert_is_whole(&app, "prune.prom");
}

#[test]
fn refresh_tells_what_it_did() {
    let app = app();
    assert_eq!(app.sessions("refresh --metrics-file refresh.prom --quiet").code, 0);
    insta::assert_snapshot!(written(&app, "refresh.prom"), @r#"
    # HELP oauthctl_sessions_refresh_results Results of the last run.
    # TYPE oauthctl_sessions_refresh_results gauge
    oauthctl_sessions_refresh_results{app="$APP",profile="",result="refreshed"} 0
    oauthctl_sessions_refresh_results{app="$APP",profile="",result="skipped"} 0
    oauthctl_sessions_refresh_results{app="$APP",profile="",result="gone"} 0
    oauthctl_sessions_refresh_results{app="$APP",profile="",result="blocked"} 0
    oauthctl_sessions_refresh_results{app="$APP",profile="",result="unknown"} 0
    oauthctl_sessions_refresh_results{app="$APP",profile="",result="acknowledged"} 0
    # HELP oauthctl_sessions_refresh_duration_seconds Duration of the last run.
    # TYPE oauthctl_sessions_refresh_duration_seconds gauge
    oauthctl_sessions_refresh_duration_seconds{app="$APP",profile=""} 0
    # HELP oauthctl_sessions_refresh_exit_status Exit status of the last run.
    # TYPE oauthctl_sessions_refresh_exit_status gauge
    oauthctl_sessions_refresh_exit_status{app="$APP",profile=""} 0
    # HELP oauthctl_sessions_refresh_last_run_timestamp_seconds End of the last run.
    # TYPE oauthctl_sessions_refresh_last_run_timestamp_seconds gauge
    oauthctl_sessions_refresh_last_run_timestamp_seconds{app="$APP",profile=""} 1795435200
    # HELP oauthctl_sessions_refresh_last_success_timestamp_seconds End of the last run that did everything.
    # TYPE oauthctl_sessions_refresh_last_success_timestamp_seconds gauge
    oauthctl_sessions_refresh_last_success_timestamp_seconds{app="$APP",profile=""} 1795435200
    "#);
    assert_is_whole(&app, "refresh.prom");
}

#[test]
fn purge_tells_what_it_did() {
    let app = app();
    let output = app.sandbox.run(["states", "purge", "--metrics-file", "purge.prom", "--quiet"]);
    assert_eq!(output.code, 0, "{output}");
    insta::assert_snapshot!(written(&app, "purge.prom"), @r#"
    # HELP oauthctl_states_purge_results Results of the last run.
    # TYPE oauthctl_states_purge_results gauge
    oauthctl_states_purge_results{app="$APP",profile="",result="by_ttl"} 0
    oauthctl_states_purge_results{app="$APP",profile="",result="by_column"} 0
    oauthctl_states_purge_results{app="$APP",profile="",result="by_first_seen"} 0
    oauthctl_states_purge_results{app="$APP",profile="",result="young"} 0
    oauthctl_states_purge_results{app="$APP",profile="",result="unknown"} 1
    oauthctl_states_purge_results{app="$APP",profile="",result="malformed"} 0
    oauthctl_states_purge_results{app="$APP",profile="",result="gone"} 0
    # HELP oauthctl_states_purge_duration_seconds Duration of the last run.
    # TYPE oauthctl_states_purge_duration_seconds gauge
    oauthctl_states_purge_duration_seconds{app="$APP",profile=""} 0
    # HELP oauthctl_states_purge_exit_status Exit status of the last run.
    # TYPE oauthctl_states_purge_exit_status gauge
    oauthctl_states_purge_exit_status{app="$APP",profile=""} 0
    # HELP oauthctl_states_purge_last_run_timestamp_seconds End of the last run.
    # TYPE oauthctl_states_purge_last_run_timestamp_seconds gauge
    oauthctl_states_purge_last_run_timestamp_seconds{app="$APP",profile=""} 1795435200
    # HELP oauthctl_states_purge_last_success_timestamp_seconds End of the last run that did everything.
    # TYPE oauthctl_states_purge_last_success_timestamp_seconds gauge
    oauthctl_states_purge_last_success_timestamp_seconds{app="$APP",profile=""} 1795435200
    "#);
    assert_is_whole(&app, "purge.prom");
}

#[test]
fn a_failed_run_is_recorded_with_the_last_success() {
    let app = App::with_users(1);
    app.configure("min_interval = \"0s\"");
    let value = |name: &str| {
        let text = app.sandbox.read("refresh.prom");
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("oauthctl_sessions_refresh_{name}{{")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().to_owned()
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
            app.sandbox
                .run(format!("{command} --metrics-file run.prom --store {store}").split(' '));
            let text = app.sandbox.read("run.prom");
            let name = format!("oauthctl_{}_exit_status{{", command.replace(' ', "_"));
            text.lines().find_map(|line| line.strip_prefix(&name)?.rsplit(' ').next()?.parse().ok())
        };
        assert_eq!(status("sqlite:app.db"), Some(0));
        // The database is missing. Another is damaged in the middle.
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
    assert_eq!(
        app.sandbox.run(["states", "purge", "--dry-run", "--metrics-file", "x.prom"]).code,
        0
    );
    assert!(!app.sandbox.files().contains(&"x.prom".to_owned()));
}

/// Returns the labels of all samples in a file.
fn labels(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.split_once('{').unwrap().1.split_once(['}', ',']).unwrap().0).collect()
}

#[test]
fn two_deployments_of_one_machine_do_not_collide() {
    let app = App::with_users(1);
    app.configure("");
    let settings = app.sandbox.read("oauthctl.toml");
    let profile = "[profiles.preview.client]\nclient_id = \"https://preview.example:8443/client-metadata.json\"\n";
    app.sandbox.file("oauthctl.toml", settings + profile);
    for (options, file) in [("", "a.prom"), ("--profile preview ", "b.prom")] {
        app.sessions(&format!("prune {options}--metrics-file {file}"));
    }
    let [main, preview] = ["a.prom", "b.prom"].map(|file| app.sandbox.read(file));
    assert!(
        main.contains(r#",profile=""} "#) && preview.contains(r#",profile="preview"} "#),
        "{main}{preview}"
    );
    assert_eq!(labels(&preview), [r#"app="preview.example:8443""#].into());
    assert!(labels(&main).is_disjoint(&labels(&preview)), "{main}");
    // A collector refuses files that describe one metric differently.
    let described = |text: &str| {
        text.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(described(&main), described(&preview));
}

#[test]
fn a_run_without_settings_belongs_to_the_app_of_the_last_one() {
    let app = App::with_users(1);
    app.configure("");
    assert_eq!(app.sessions("prune --metrics-file x.prom").code, 0);
    let before = app.sandbox.read("x.prom");
    app.sandbox.file("oauthctl.toml", "[stoer]\n");
    assert_eq!(app.sessions("prune --metrics-file x.prom").code, 2);
    let after = app.sandbox.read("x.prom");
    assert_eq!(labels(&before), labels(&after));
    let success = |text: &str| {
        text.lines()
            .find(|line| line.contains("last_success_timestamp_seconds{"))
            .map(str::to_owned)
    };
    assert!(success(&before).is_some() && success(&before) == success(&after), "{after}");
}

#[test]
fn results_have_the_names_that_json_gives_them() {
    let app = App::with_users(1);
    for command in ["sessions refresh", "sessions prune", "states purge"] {
        let output =
            app.sandbox.run(format!("{command} --format json --metrics-file x.prom").split(' '));
        let document = counts(&output.stdout);
        let members = document.iter();
        let members: BTreeSet<_> =
            members.map(|(name, value)| format!("result=\"{name}\"}} {value}")).collect();
        let text = app.sandbox.read("x.prom");
        let samples =
            text.lines().filter_map(|line| Some(line[line.find("result=")?..].to_owned()));
        assert_eq!(samples.collect::<BTreeSet<_>>(), members, "{command}: {text}");
    }
}
