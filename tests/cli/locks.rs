//! The app's lock: nothing is sent if its existence is unknown, and a lock without a TTL is
//! reported.

use serde_json::json;
use testbed::redis::Answer;

use crate::npmx::{Npmx, key, lock};
use crate::samples::counts;
use crate::sandbox::Output;

/// Keys like those of a known app with a prefix, and nothing about a lock.
const SILENT: &str =
    "session_key = \"my:oauth:session:{did}\"\nstate_key = \"my:oauth:state:{state}\"\n";

/// Returns an app with a layout of its own and one user.
fn own(layout: &str) -> Npmx {
    let mut npmx = Npmx::new();
    npmx.log_in(1);
    let record = npmx.record(&npmx.dids[0]).unwrap().to_string();
    npmx.redis.ask(&["SET", &format!("my:oauth:session:{}", npmx.dids[0]), &record]);
    npmx.redis.ask(&["DEL", &key(&npmx.dids[0])]);
    describe(&npmx, layout);
    npmx
}

fn describe(npmx: &Npmx, layout: &str) {
    npmx.app.configure("min_interval = \"0s\"");
    let settings = npmx.app.sandbox.read("oauthctl.toml");
    npmx.app.sandbox.file("oauthctl.toml", format!("{settings}[layouts.mine]\n{layout}"));
}

fn run(npmx: &Npmx, command: &str) -> Output {
    npmx.app.sandbox.run(command.split(' '))
}

#[test]
fn nothing_is_sent_where_nobody_says_whether_there_is_a_lock() {
    let npmx = own(SILENT);
    for command in [
        "sessions refresh",
        "sessions refresh --all",
        "sessions refresh --all --dry-run",
        "sessions upgrade --unpublished",
        "sessions upgrade --unpublished --dry-run",
        "sessions revoke --all --yes",
        "sessions revoke --all --dry-run",
        "sessions prune --inactive 1d",
        "sessions prune --inactive 1d --format json --dry-run",
    ] {
        let refusal = npmx.app.sandbox.refusal(command.split(' '));
        assert_eq!(refusal.code, 2, "{command}: {refusal}");
        let lines = "  [layouts.mine]\n  lock_key = \"my:oauth:lock:{name}\"\n  lock_key = \"none\" # the app has no lock\n";
        assert!(refusal.stderr.ends_with(lines), "{command}: {refusal}");
    }
    assert!(npmx.app.exchanges().is_empty());
    for command in [
        "sessions list",
        "sessions stats",
        "sessions prune --offline",
        "states list",
        "states purge",
    ] {
        assert_eq!(run(&npmx, command).code, 0, "{command}");
    }
    let doctor = run(&npmx, "doctor --offline");
    let problem = "layout mine does not define whether the app locks its sessions";
    assert!(doctor.code == 1 && doctor.stdout.contains(problem), "{doctor}");

    for lock in ["none", "my:oauth:lock:{name}"] {
        describe(&npmx, &format!("{SILENT}lock_key = \"{lock}\"\n"));
        let output = run(&npmx, &format!("sessions refresh {} --all", npmx.dids[0]));
        assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    }
}

#[test]
fn the_lines_for_an_unknown_store_can_be_copied() {
    let npmx = own("session_key = \"x:{did}\"\nstate_key = \"y:{state}\"\n");
    npmx.app.configure("");
    let login = npmx.app.net.pending_state(testbed::LoginOptions::default()).to_string();
    npmx.redis.ask(&["SET", "my:oauth:state:0b5c", &login]);
    let refusal = npmx.app.sandbox.refusal(["sessions", "list"]);
    let lines: Vec<_> = refusal.stderr.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let layout = [
        "[layouts.mine]",
        "session_key = \"my:oauth:session:{did}\"",
        "state_key = \"my:oauth:state:{state}\"",
        "lock_key = \"my:oauth:lock:{name}\"",
    ];
    assert_eq!(lines, layout, "{refusal}");
    describe(&npmx, &layout[1..].join("\n"));
    let output = run(&npmx, "sessions refresh");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
}

#[test]
fn a_lock_that_never_ends_is_named_with_its_remedy() {
    let npmx = Npmx::with_users(3);
    let held = lock(&npmx.dids[0]);
    npmx.redis.ask(&["SET", &held, "crashed"]);
    let port = npmx.proxy.address().to_string().rsplit(':').next().unwrap().to_owned();
    let remedy = format!("redis-cli -h 127.0.0.1 -p {port} DEL {held}");
    let output = npmx.app.sessions("refresh --lock-timeout 0s --quiet");
    assert_eq!(output.code, 3, "{output}");
    assert!(output.stdout.contains("unknown") && output.stdout.contains(&remedy), "{output}");
    assert_eq!(npmx.app.exchanges().len(), 2, "the others are refreshed");
    let again = npmx.app.sessions("refresh --lock-timeout 0s --format json");
    assert_eq!(again.code, 1, "{again}");
    let report = json!({"refreshed": 0, "skipped": 0, "gone": 0, "blocked": 0, "unknown": 1, "acknowledged": 0});
    assert_eq!(serde_json::Value::Object(counts(&again.stdout)), report, "{again}");
    let revoked = npmx.app.sessions(&format!("revoke {} --yes --lock-timeout 0s", npmx.dids[0]));
    assert!(revoked.code == 1 && revoked.stdout.contains(&remedy), "{revoked}");

    // A lock with a TTL is held by the running app.
    npmx.redis.ask(&["EXPIRE", &held, "600"]);
    let output = npmx.app.sessions("refresh --lock-timeout 0s");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "refreshed 0 sessions, 1 skipped (another process holds its lock)\n"),
        "{output}"
    );
    assert_eq!(npmx.redis.ask(&["DEL", &held]), Answer::Number(1));
    assert_eq!(npmx.app.sessions("refresh").stdout, "refreshed 1 session\n");
    npmx.assert_nobody_lost("a lock that never ends");
}
