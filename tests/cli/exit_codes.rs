//! Exit codes as documented in the README.

use crate::app::{App, did_of, hours_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, KEY1, session};
use crate::sandbox::Sandbox;

/// Returns a sandbox with more sessions than fit into a pipe.
fn busy_app() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.execute("BEGIN");
    for n in 0..1000 {
        database.session(&session(&format!("did:plc:{n:024}"), "3h"));
    }
    database.execute("COMMIT");
    database.close();
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    sandbox
}

#[test]
fn done_is_0() {
    assert_eq!(Sandbox::new().run(["gen-jwk"]).code, 0);
}

#[test]
fn nothing_to_do_is_0() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    assert_eq!(sandbox.run(["sessions", "list"]).code, 0);
}

#[test]
fn help_and_version_are_0() {
    for argument in ["--help", "-h", "help", "--version"] {
        let output = Sandbox::new().run([argument]);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{argument}");
    }
}

#[test]
fn a_reader_that_went_away_is_0() {
    let sandbox = busy_app();
    for command in [
        "sessions list",
        "sessions list --format json",
        "sessions list --format jsonl",
        "sessions list --format csv",
        "gen-jwk",
        "jwks",
        "completions bash",
        "man",
        "--help",
    ] {
        let closed = sandbox
            .sh(&format!("oauthctl {command} 2>err | sleep 0; echo ${{PIPESTATUS[0]}}; cat err"));
        assert!(
            closed.stdout.starts_with("0\n") && !closed.stdout.contains("error"),
            "{command}: {closed}"
        );
        let head = sandbox.sh(&format!(
            "oauthctl {command} 2>err | head -n 1 >head; echo ${{PIPESTATUS[0]}}; cat err"
        ));
        assert!(
            head.stdout.starts_with("0\n") && !head.stdout.contains("error"),
            "{command}: {head}"
        );
        assert_eq!(sandbox.read("head").lines().count(), 1, "{command}");
    }
}

#[test]
fn what_the_world_does_not_allow_is_1() {
    let sandbox = busy_app();
    assert_eq!(sandbox.refusal(["gen-jwk", "-o", "/proc/key.json"]).code, 1);
    assert_eq!(sandbox.refusal(["sessions", "show", ALICE]).code, 1);
    for command in ["gen-jwk", "jwks", "sessions list", "sessions list --format jsonl"] {
        let full = sandbox.sh(&format!("oauthctl {command} >/dev/full"));
        assert_eq!(full.code, 1, "{command}: {full}");
        assert!(full.stderr.starts_with("error: "), "{command}: {full}");
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    for arguments in [
        &[] as &[&str],
        &["frobnicate"],
        &["gen-jwk", "--frobnicate"],
        &["gen-jwk", "--encoding", "der"],
        &["gen-jwk", "--force"],
        &["sessions"],
        &["sessions", "show"],
        &["sessions", "list", "--format", "xml"],
    ] {
        let output = Sandbox::new().run(arguments);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn a_wrong_configuration_is_2() {
    let sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", "nonsense = 1");
    assert_eq!(sandbox.refusal(["jwks"]).code, 2);
    assert_eq!(sandbox.refusal(["sessions", "list"]).code, 2);
}

#[test]
fn a_failure_of_our_own_names_its_place_and_quotes_nothing() {
    let mut sandbox = busy_app();
    // An invalid time makes a debug build panic, with the text in its message.
    sandbox.set("OAUTHCTL_TEST_NOW", "ref-S3cretToken");
    let output = sandbox.run(["sessions", "list"]);
    assert_eq!((output.code, output.stdout.as_str()), (101, ""), "{output}");
    assert!(output.stderr.starts_with("error: oauthctl failed at src/context.rs:"), "{output}");
    assert!(
        output.stderr.ends_with("; please report this line\n") && !output.stderr.contains("S3cret"),
        "{output}"
    );
}

#[test]
fn sessions_that_are_all_gone_make_a_refresh_3() {
    for (count, code) in [(2, 0), (3, 3)] {
        let app = App::new();
        for record in app.log_in(count, &hours_ago(30)) {
            app.net.end_sessions_of(did_of(&record));
        }
        let output = app.sessions("refresh --all");
        let summary = format!("refreshed 0 sessions, {count} gone\n");
        assert!(output.code == code && output.stdout.ends_with(&summary), "{output}");
        assert_eq!(output.stderr.contains("`oauthctl doctor`"), code == 3, "{output}");
    }
}
