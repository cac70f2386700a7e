//! Dynamic completion in real shells: bash and fish through their scripting interfaces, zsh and
//! bash at a prompt.

use std::process::Command;
use std::time::{Duration, Instant};

use rexpect::session::PtySession;

use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, KEY2, session};
use crate::sandbox::{Output, Sandbox};

/// Returns an app with keys, profiles, a layout of its own and two sessions.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("[{KEY1},{KEY2}]"));
    sandbox.file(
        "oauthctl.toml",
        "keys = [\"keys.json\"]\n[store]\nurl = \"sqlite:app.db\"\n[profiles.preview.store]\nurl = \"sqlite:b.db\"\n\
         [profiles.production]\n[layouts.mine]\nsession_key = \"mine:s:{did}\"\nstate_key = \"mine:t:{state}\"\n",
    );
    for (file, did) in [("app.db", ALICE), ("b.db", BOB)] {
        let database = AppDatabase::create(&sandbox.path(file));
        database.session(&session(did, "3h"));
        database.close();
    }
    sandbox
}

/// Returns the candidates of bash for a line.
fn bash(sandbox: &Sandbox, line: &str) -> String {
    let script = format!(
        r#". <(oauthctl completions bash --dynamic)
        COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
        _oauthctl_knows; printf '%s\n' "${{COMPREPLY[@]}}""#
    );
    offered(&sandbox.sh(&script))
}

/// Returns the candidates of fish for a line, without descriptions.
fn fish(sandbox: &Sandbox, line: &str) -> String {
    let script = format!("oauthctl completions fish --dynamic | source; complete -C '{line}'");
    let offered = offered(&sandbox.sh(&format!("fish --no-config -c \"{script}\"")));
    let values = offered.lines().map(|line| line.split('\t').next().unwrap_or_default());
    values.map(|value| format!("{value}\n")).collect()
}

fn offered(output: &Output) -> String {
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    if output.stdout == "\n" { String::new() } else { output.stdout.clone() }
}

/// Starts a shell at a prompt.
fn at_a_prompt(sandbox: &Sandbox, shell: &str, options: &[&str], set_up: &str) -> PtySession {
    let mut command: Command = sandbox.command(shell);
    command.args(options).env("PS1", "ready> ").env("TERM", "dumb");
    let mut session = rexpect::session::spawn_command(command, Some(10_000)).unwrap();
    session.exp_string("ready> ").unwrap();
    session.send_line(set_up).unwrap();
    session.exp_string("sourced").unwrap();
    session.exp_string("ready> ").unwrap();
    session
}

/// Types, and waits for the expected output.
fn type_until(session: &mut PtySession, typed: &str, expected: &str) {
    session.send(typed).unwrap();
    session.flush().unwrap();
    session.exp_string(expected).unwrap_or_else(|e| panic!("{typed:?}: {e}"));
}

#[test]
fn bash_and_fish_offer_what_is_known() {
    let sandbox = app();
    for (line, expected) in [
        ("oauthctl keys retire ", "key1\nkey2\n"),
        ("oauthctl keys rotate --promote ", "key1\nkey2\n"),
        ("oauthctl keys retire --dry-run key2", "key2\n"),
        ("oauthctl --profile ", "preview\nproduction\n"),
        ("oauthctl sessions list --layout mi", "mine\n"),
        ("oauthctl sessions list --layout sta", "statusphere\nstatusphere-legacy\n"),
        ("oauthctl sessions list --status d", "due\ndead\n"),
        ("oauthctl sessions list --kid ", "key1\nkey2\n"),
        ("oauthctl ses", "sessions\n"),
        ("oauthctl gen-jwk --kid ", ""),
    ] {
        assert_eq!(bash(&sandbox, line), expected, "bash: {line}");
        assert_eq!(fish(&sandbox, line), expected, "fish: {line}");
    }
}

#[test]
fn accounts_are_those_of_the_store_that_the_line_names() {
    let sandbox = app();
    for (line, did) in [
        ("oauthctl sessions show ", ALICE),
        ("oauthctl sessions show did:", ALICE),
        ("oauthctl sessions show --profile preview did:plc:", BOB),
        ("oauthctl --profile=preview sessions list ", BOB),
        ("oauthctl sessions list --store sqlite:b.db ", BOB),
        ("oauthctl sessions revoke did:plc:e", ALICE),
    ] {
        assert_eq!(fish(&sandbox, line), format!("{did}\n"), "fish: {line}");
        // Bash expects only the part after the last colon that is already typed.
        let (_, word) = line.rsplit_once(' ').unwrap();
        let kept = word.rfind(':').map_or(0, |at| at + 1);
        assert_eq!(bash(&sandbox, line), format!("{}\n", &did[kept..]), "bash: {line}");
    }
}

#[test]
fn bash_puts_a_whole_did_on_the_line() {
    let sandbox = app();
    let set_up = ". <(oauthctl completions bash --dynamic); echo sour''ced";
    let mut shell = at_a_prompt(&sandbox, "bash", &["--norc", "--noprofile", "-i"], set_up);
    type_until(
        &mut shell,
        "oauthctl sessions show -q --format jsonl did:plc:ew\t\n",
        &format!("\"did\":\"{ALICE}\""),
    );
    type_until(&mut shell, "oauthctl keys retire \t\t\t", "key1  key2");
}

#[test]
fn zsh_puts_what_is_known_on_the_line() {
    let sandbox = app();
    let set_up = "autoload -U compinit; compinit -u -D; . <(oauthctl completions zsh --dynamic); echo sour''ced";
    let mut shell = at_a_prompt(&sandbox, "zsh", &["-f", "-i"], set_up);
    type_until(
        &mut shell,
        "oauthctl sessions show -q --format jsonl did:plc:ew\t\n",
        &format!("\"did\":\"{ALICE}\""),
    );
    type_until(&mut shell, "oauthctl --profile prev\tstates list -q --format json\n", "[]");
    type_until(&mut shell, "oauthctl keys retire \t\t", "key2");
}

#[test]
fn paths_are_left_to_the_shell() {
    let sandbox = app();
    assert_eq!(fish(&sandbox, "oauthctl --config oauth"), "oauthctl.toml\n");
    let asked = sandbox.result(["__complete", "zsh", "metadata", "--check", ""]);
    assert_eq!(asked, ":files\n");
}

#[test]
fn whatever_is_wrong_the_answer_is_silence() {
    let mut sandbox = app();
    sandbox.file("broken.toml", "this is not TOML");
    sandbox.file(
        "keys-broken.toml",
        "keys = [\"nowhere.json\", \"-\"]\n[store]\nurl = \"sqlite:nowhere.db\"",
    );
    let before = sandbox.everything();
    for request in [
        &["fish", "--config", "broken.toml", "keys", "retire", ""][..],
        &["fish", "--config", "keys-broken.toml", "keys", "retire", ""],
        &["fish", "--config", "keys-broken.toml", "sessions", "show", "did:"],
        &["fish", "--config", "nowhere.toml", "--profile", ""],
        &["fish", "--keys", "-", "keys", "retire", ""],
        &["fish", "--profile", "nowhere", "keys", "retire", ""],
        &["tcsh", "keys", ""],
        &["bash", "oauthctl keys retire "],
        &["fish"],
        &[],
    ] {
        let output = sandbox.run([&["__complete"], request].concat());
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{request:?}");
        assert!(output.stdout.lines().all(|line| line.starts_with('-')), "{request:?}: {output}");
    }
    sandbox.set("OAUTHCTL_PROFILE", "nowhere");
    assert_eq!(
        sandbox
            .result(["__complete", "zsh", "sessions", "show", ""])
            .lines()
            .filter(|l| !l.starts_with('-'))
            .count(),
        0
    );
    assert_eq!(before, sandbox.everything());
}

#[test]
fn a_store_that_does_not_answer_keeps_nobody_waiting() {
    let sandbox = app();
    // Accepts connections and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = format!("redis://{}", listener.local_addr().unwrap());
    let begun = Instant::now();
    let answer =
        sandbox.result(["__complete", "fish", "--store", &store, "sessions", "show", "did:"]);
    assert_eq!(answer, "");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn of_many_accounts_some_are_offered() {
    let sandbox = app();
    let database = AppDatabase::create(&sandbox.path("many.db"));
    database.execute("BEGIN");
    for n in 0..2000 {
        database.session(&session(&format!("did:web:{n}.example.com"), "3h"));
    }
    database.execute("COMMIT");
    database.close();
    let answer = sandbox.result([
        "__complete",
        "fish",
        "--store",
        "sqlite:many.db",
        "sessions",
        "show",
        "did:web:1",
    ]);
    assert_eq!(answer.lines().count(), 50);
}

#[test]
fn what_a_shell_would_run_is_not_offered() {
    let sandbox = app();
    sandbox.file("oauthctl.toml", "[profiles.\"$(touch pwned)\"]\n[profiles.good]\n");
    assert_eq!(bash(&sandbox, "oauthctl --profile "), "good\n");
}

#[test]
fn scripts_read_no_configuration_and_other_shells_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", "this is not TOML");
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            sandbox.result(["completions", shell, "--dynamic"]).contains("oauthctl __complete")
        );
    }
    let output = sandbox.refusal(["completions", "elvish", "--dynamic"]);
    assert!(output.stderr.contains("no dynamic completion for elvish"), "{output}");
}
