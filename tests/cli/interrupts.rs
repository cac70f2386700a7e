//! Ctrl-C, SIGTERM, SIGQUIT and a closed terminal: work in progress is completed, output is
//! complete, and the exit code names the signal.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::redis::{Answer, Redis};

use crate::app::{App, wait_until};
use crate::database::{ADONIS, AppDatabase};
use crate::samples::{ALICE, KEY1, counts, object, session, state};
use crate::sandbox::{DEFAULT_SIGNALS, OAUTHCTL, Sandbox, interrupt};

/// Many more sessions than fit into a pipe.
const MANY: u32 = 60_000;

const SIGNALS: [(&str, i32); 4] = [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)];

/// Returns an app with many sessions.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).sessions_like(&session(ALICE, "3h"), MANY);
    sandbox.file("oauthctl.toml", "[client]\nclient_uri = 'https://app.example.com'\n");
    sandbox
}

/// Interrupts a run after its first output. Returns all of stdout, all of stderr, and the exit
/// code.
fn interrupted(mut child: Child, signal: &str) -> (String, String, Option<i32>) {
    // The output is not read further, so the pipe fills and the list waits.
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    interrupt(&child, signal);
    // The signal is handled before the list continues.
    std::thread::sleep(std::time::Duration::from_millis(100));
    stdout.read_to_string(&mut text).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (text, stderr, child.wait().unwrap().code())
}

/// Returns the number in `12,345 sessions so far (interrupted) in …`.
fn summed_up(stderr: &str, noun: &str) -> usize {
    let (count, rest) = stderr.split_once(' ').unwrap();
    assert!(rest.starts_with(&format!("{noun} so far (interrupted) in sqlite:app.db")), "{stderr}");
    count.replace(',', "").parse().unwrap()
}

#[test]
fn an_interrupted_list_is_whole_in_every_format_and_counted() {
    let sandbox = app();
    for (signal, code) in SIGNALS {
        for format in ["jsonl", "json", "csv"] {
            let (text, stderr, ended) =
                interrupted(sandbox.start(["sessions", "list", "--format", format]), signal);
            assert_eq!(ended, Some(code), "{format}: {stderr}");
            let rows = match format {
                "json" => serde_json::from_str::<Vec<Value>>(&text).unwrap().len(),
                "jsonl" => text.lines().map(object).count(),
                _ => {
                    let fields = text.lines().next().unwrap().split(',').count();
                    text.lines()
                        .skip(1)
                        .inspect(|line| assert_eq!(line.split(',').count(), fields))
                        .count()
                }
            };
            assert_eq!(summed_up(&stderr, "sessions"), rows, "{format}");
            assert!(rows > 0 && rows < MANY as usize, "{format}: {rows}");
        }
    }
}

#[test]
fn an_interrupted_table_shows_what_was_read() {
    let sandbox = app();
    for (signal, code) in SIGNALS {
        let child = sandbox.start(["sessions", "list"]);
        interrupt(&child, signal);
        let output = child.wait_with_output().unwrap();
        let (text, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert_eq!(summed_up(&stderr, "sessions"), text.lines().count() - 1);
    }
}

#[test]
fn interrupted_counts_add_up() {
    let sandbox = app();
    let child = sandbox.start(["sessions", "stats", "--format", "json"]);
    interrupt(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let counts = object(std::str::from_utf8(&output.stdout).unwrap());
    let statuses = counts["by_status"].as_object().unwrap().values().map(|n| n.as_u64().unwrap());
    assert_eq!(Some(statuses.sum()), counts["total"].as_u64());
    assert!(counts["total"].as_u64().unwrap() < MANY.into());
}

#[test]
fn an_interrupted_list_of_logins_is_whole_too() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.execute(&many_states("auth_state VALUES", ""));
    let (text, stderr, code) =
        interrupted(sandbox.start(["states", "list", "--format", "json"]), "TERM");
    assert_eq!(code, Some(143), "{stderr}");
    assert_eq!(
        summed_up(&stderr, "pending logins"),
        serde_json::from_str::<Vec<Value>>(&text).unwrap().len()
    );
}

/// Returns SQL that inserts many logins.
fn many_states(into: &str, more: &str) -> String {
    let (table, _) = into.split_once(' ').unwrap();
    format!(
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {MANY})
         INSERT INTO {table} SELECT printf('state-%d', n), '{}'{more} FROM number",
        state("key1")
    )
}

#[test]
fn an_interrupted_purge_has_removed_exactly_what_it_says() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::with(&sandbox.path("app.db"), ADONIS);
    database.execute(&many_states("oauth_states VALUES", ", '2026-11-01 00:00:00'"));
    let child = sandbox.start(["states", "purge"]);
    interrupt(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(143), "{text}");
    let left: usize = database.rows("SELECT count(*) FROM oauth_states")[0].parse().unwrap();
    let removed =
        text.strip_prefix("removed ").unwrap().split_once(' ').unwrap().0.replace(',', "");
    assert_eq!(removed.parse::<usize>().unwrap() + left, MANY as usize);
    assert!(left > 0 && text.ends_with("; interrupted before the end\n"), "{text}");
}

#[test]
fn an_interrupted_import_has_brought_in_exactly_what_it_says() {
    let sandbox = app();
    assert_eq!(sandbox.run(["sessions", "export", "-o", "out.jsonl", "--limit", "5000"]).code, 0);
    let new = AppDatabase::create(&sandbox.path("new.db"));
    let child = sandbox.start([
        "sessions",
        "import",
        "--source-app-stopped",
        "out.jsonl",
        "--store",
        "sqlite:new.db",
        "--format",
        "json",
    ]);
    interrupt(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let created = counts(std::str::from_utf8(&output.stdout).unwrap())["created"].as_u64().unwrap();
    assert_eq!(new.rows("SELECT count(*) FROM auth_session"), [created.to_string()]);
    assert!(created < 5000);
}

#[test]
fn an_import_that_waits_for_its_input_ends_at_the_first_signal() {
    let sandbox = app();
    for (signal, code) in SIGNALS {
        let mut command = sandbox.command("env");
        command
            .args([DEFAULT_SIGNALS, OAUTHCTL])
            .args(["sessions", "import", "--source-app-stopped", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Open, without a writer.
        let _input = child.stdin.take();
        interrupt(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "imported 0 sessions; interrupted before the end\n"
        );
    }
}

#[test]
fn a_second_signal_does_not_wait_for_anybody() {
    let sandbox = app();
    for (signal, code) in SIGNALS {
        let mut child = sandbox.start(["sessions", "list", "--format", "jsonl"]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut String::new()).unwrap();
        interrupt(&child, "INT");
        // Longer than the interval within which signals count once.
        std::thread::sleep(std::time::Duration::from_millis(1200));
        // Still running: it waits for its reader.
        assert_eq!(child.try_wait().unwrap(), None);
        interrupt(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn what_only_prints_a_document_ends_at_once() {
    let mut sandbox = Sandbox::new();
    sandbox.set("OAUTH_JWK_ONE", KEY1);
    // Nothing to complete, so no handler is installed, and the shell sees the signal itself.
    let output = sandbox.sh(
        "mkfifo input; oauthctl jwks --keys - <>input & sleep 0.3; kill -TERM $!; wait $!; echo $?",
    );
    assert_eq!(output.stdout, "143\n");
}

#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    let sandbox = app();
    let mut child = sandbox.start(["sessions", "list", "--format", "jsonl"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    // As sent by both the terminal and a wrapper.
    interrupt(&child, "INT");
    interrupt(&child, "TERM");
    stdout.read_to_string(&mut text).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    // Depends on the signal that was handled first.
    assert!(matches!(child.wait().unwrap().code(), Some(130 | 143)), "{stderr}");
    assert_eq!(summed_up(&stderr, "sessions"), text.lines().map(object).count());
}

#[test]
fn under_nohup_the_terminal_may_go() {
    let sandbox = app();
    let mut child =
        sandbox.start_with("--ignore-signal=HUP", ["sessions", "list", "--format", "jsonl"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    let sent = std::process::Command::new("kill")
        .args(["-HUP", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!((child.wait().unwrap().code(), text.lines().count()), (Some(0), MANY as usize));
}

#[test]
fn whatever_ends_a_run_what_was_sent_is_stored_first() {
    for (signal, code) in SIGNALS {
        let app = App::with_users(30);
        let output = app.interrupted_refresh(1, signal);
        assert_eq!(output.code, code, "{output}");
        assert!(app.exchanges().len() < 30, "{signal} has stopped nothing");
        app.assert_nobody_lost(output);
    }
}

#[test]
fn a_slow_rate_keeps_no_signal_from_being_heeded() {
    let app = App::with_users(20);
    let child = app.begin("refresh --all --rate 0.1");
    wait_until(|| !app.exchanges().is_empty());
    let begun = Instant::now();
    interrupt(&child, "TERM");
    let output = app.sandbox.output_of(child);
    // At that rate, sessions in progress would have waited for three minutes.
    assert!(output.code == 143 && begun.elapsed() < Duration::from_mins(1), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn a_silent_store_does_not_delay_signals() {
    let redis = Redis::start();
    let (record, did) = (session(ALICE, "3h").to_string(), ALICE.replace('-', "%-"));
    let fill = format!(
        "for n = 1, {MANY} do local did = 'did:plc:' .. string.format('%024d', n)
         redis.call('SET', 'atproto:oauth:sessions:' .. did, (string.gsub(ARGV[1], '{did}', did))) end"
    );
    assert!(!matches!(redis.ask(&["EVAL", &fill, "0", &record]), Answer::Error(_)));
    let sandbox = Sandbox::new();
    let url = redis.url();
    let list = ["sessions", "list", "--format", "jsonl", "--store", &url, "--layout", "npmx"];
    let mut child = sandbox.start(list);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    redis.ask(&["CLIENT", "PAUSE", "3600000", "ALL"]);
    // All that was read is printed. Then it waits for the store, which does not answer.
    let reader =
        std::thread::spawn(move || stdout.read_to_string(&mut text).map(|_| text).unwrap());
    std::thread::sleep(std::time::Duration::from_millis(500));
    interrupt(&child, "INT");
    let text = reader.join().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    let rows = text.lines().map(object).count();
    assert!(
        rows > 0 && rows < MANY as usize && stderr.contains(" so far (interrupted) in redis://"),
        "{stderr}"
    );
}

#[test]
fn an_interrupted_rehearsal_exits_like_any_other_run() {
    let sandbox = app();
    for verb in ["refresh", "revoke"] {
        for (signal, code) in SIGNALS {
            let child = sandbox.start(["sessions", verb, "--all", "--dry-run", "--format", "json"]);
            interrupt(&child, signal);
            let output = sandbox.output_of(child);
            assert_eq!(output.code, code, "{output}");
            let document = object(&output.stdout);
            assert_eq!(document["dry_run"], true);
            let counts = &document["counts"];
            assert!(counts[&format!("would_{verb}")].as_u64().unwrap() < MANY.into(), "{output}");
        }
    }
}
