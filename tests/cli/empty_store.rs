//! Stores without sessions: that of the app, or the wrong one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use testbed::redis::{Answer, Redis};

use crate::app::App;
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, KEY2, ago, session, state};
use crate::sandbox::{Output, Sandbox};

const CLIENT: &str = "https://app.example.com/client-metadata.json";
const OTHER: &str = "https://other.example.com/client-metadata.json";
const PRUNE: [&str; 3] = ["sessions", "prune", "--offline"];

/// Returns a session whose access token was issued to this client.
fn session_of(client_id: &str, did: &str) -> Value {
    let mut session = session(did, "3h");
    let claims = json!({"sub": did, "iat": ago("3h").as_second(), "client_id": client_id});
    session["tokenSet"]["access_token"] =
        json!(format!("e30.{}.c2ln", BASE64URL.encode(claims.to_string())));
    session
}

/// Returns an app with two keys on this store.
fn app(store: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("[{KEY1},{KEY2}]"));
    configure(&sandbox, store, CLIENT);
    sandbox
}

fn configure(sandbox: &Sandbox, store: &str, client_id: &str) {
    sandbox.file(
        "oauthctl.toml",
        format!("keys = ['keys.json']\n[client]\nclient_id = '{client_id}'\n[store]\n{store}\n"),
    );
}

/// Returns settings with a database of a Redis.
fn in_redis(redis: &Redis, database: u32, layout: &str) -> String {
    format!("url = 'redis://127.0.0.1:{}/{database}'\nlayout = '{layout}'", redis.port())
}

fn put(redis: &Redis, key: &str, value: &Value) {
    assert_eq!(redis.ask(&["SET", key, &value.to_string()]), Answer::Status("OK".to_owned()));
}

/// Returns a Redis with two sessions of the app in database 0.
fn npmx() -> Redis {
    let redis = Redis::start();
    for did in [ALICE, BOB] {
        put(&redis, &format!("atproto:oauth:sessions:{did}"), &session_of(CLIENT, did));
    }
    redis
}

/// Moves the keys of all sessions into another database.
fn move_sessions(redis: &Redis, database: &str) {
    for did in [ALICE, BOB] {
        let moved = redis.ask(&["MOVE", &format!("atproto:oauth:sessions:{did}"), database]);
        assert_eq!(moved, Answer::Number(1));
    }
}

/// Runs a command that finds no session, and returns the warning without the port.
fn warning(sandbox: &Sandbox, command: &[&str]) -> String {
    let output = sandbox.run(command);
    assert_eq!(output.code, 3, "{output}");
    let mut warnings = output.stderr.lines().filter_map(|line| line.strip_prefix("warning: "));
    let warning = warnings.next().unwrap_or_else(|| panic!("{output}")).to_owned();
    assert_eq!(warnings.next(), None, "{output}");
    warning
}

/// Returns doctor's findings about the store, except for that about its availability.
fn doctor(sandbox: &Sandbox, severity: &str) -> Vec<String> {
    let output = sandbox.run(["doctor", "--offline", "--format", "jsonl"]);
    let findings = output.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let findings =
        findings.filter(|finding| finding["topic"] == "store" && finding["severity"] == severity);
    findings.map(|finding| finding["what"].as_str().unwrap().to_owned()).collect()
}

/// Returns the states of the keys in `keys list`.
fn states_of_keys(sandbox: &Sandbox) -> (Vec<String>, Output) {
    let output = sandbox.run(["keys", "list", "--format", "jsonl"]);
    let rows = output.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (rows.map(|row| row["state"].as_str().unwrap().to_owned()).collect(), output)
}

#[test]
fn an_emptied_database_is_warned_of_for_seven_days() {
    let mut sandbox = app("url = 'sqlite:app.db'");
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&session(ALICE, "3h")).session(&session(BOB, "3h"));
    assert_eq!(sandbox.run(PRUNE).code, 0);
    assert_eq!(states_of_keys(&sandbox).0, ["active", "unused"]);
    database.execute("DELETE FROM auth_session");
    let warned = "the store contains no sessions, but had 2 when it was last read";
    let dry = [&PRUNE[..], &["--dry-run"]].concat();
    for command in
        [&dry[..], &PRUNE, &["sessions", "refresh", "--dry-run"], &["sessions", "refresh"], &PRUNE]
    {
        assert_eq!(warning(&sandbox, command), format!("{warned}: check --store and --layout"));
    }
    assert_eq!(doctor(&sandbox, "problem"), [warned]);
    let (states, output) = states_of_keys(&sandbox);
    assert_eq!(states, ["active", "retiring"]);
    assert!(output.stderr.contains(&format!("warning: {warned}")), "{output}");
    // A pending login is not a session.
    database.execute(&format!("INSERT INTO auth_state VALUES ('s', '{}')", state("key1")));
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-30T11:59:59Z");
    assert_eq!(warning(&sandbox, &PRUNE), format!("{warned}: check --store and --layout"));
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-30T12:00:00Z");
    assert_eq!(doctor(&sandbox, "problem"), [""; 0]);
    for _ in 0..2 {
        let accepted = sandbox.run(PRUNE);
        assert_eq!((accepted.code, accepted.stderr.as_str()), (0, ""), "{accepted}");
    }
    assert_eq!(states_of_keys(&sandbox).0, ["active", "unused"]);
}

#[test]
fn sessions_that_come_back_are_counted_anew() {
    let mut sandbox = app("url = 'sqlite:app.db'");
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&session(ALICE, "3h"));
    assert_eq!(sandbox.run(PRUNE).code, 0);
    database.execute("DELETE FROM auth_session");
    assert_eq!(sandbox.run(PRUNE).code, 3);
    database.session(&session(BOB, "3h"));
    assert_eq!(sandbox.run(PRUNE).code, 0);
    database.execute("DELETE FROM auth_session");
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-12-10T12:00:00Z");
    assert!(warning(&sandbox, &PRUNE).contains("had 1 when"));
}

#[test]
fn counts_are_of_one_client_and_of_one_store() {
    let sandbox = app("url = 'sqlite:app.db'");
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&session(ALICE, "3h"));
    assert_eq!(sandbox.run(PRUNE).code, 0);
    database.execute("DELETE FROM auth_session");
    AppDatabase::create(&sandbox.path("other.db")).close();
    configure(&sandbox, "url = 'sqlite:other.db'", CLIENT);
    assert_eq!(sandbox.run(PRUNE).code, 0);
    configure(&sandbox, "url = 'sqlite:app.db'", OTHER);
    assert_eq!(sandbox.run(PRUNE).code, 0);
    configure(&sandbox, "url = 'sqlite:app.db'", CLIENT);
    assert_eq!(sandbox.run(PRUNE).code, 3);
}

#[test]
fn what_reads_only_keeps_no_count() {
    let sandbox = app("url = 'sqlite:app.db'");
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&session(ALICE, "3h"));
    for command in [
        "sessions list",
        "sessions prune --dry-run --offline",
        "sessions refresh --dry-run",
        "doctor --offline",
    ] {
        sandbox.run(command.split(' '));
    }
    assert!(!sandbox.path("../home/.local").exists());
    // Neither does a run that was limited.
    for command in
        ["sessions prune --offline --limit 0", &format!("sessions prune --offline {ALICE}")]
    {
        sandbox.run(command.split(' '));
    }
    assert!(!sandbox.path("../home/.local/state/oauthctl/counts.json").exists());
}

#[test]
fn what_our_own_runs_remove_is_not_missed() {
    let sandbox = app("url = 'sqlite:app.db'");
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let mut dead = session(ALICE, "3h");
    dead["tokenSet"].as_object_mut().unwrap().shift_remove("refresh_token");
    database.session(&session(BOB, "3h"));
    assert_eq!(sandbox.run(PRUNE).code, 0);
    database.execute("DELETE FROM auth_session");
    database.session(&dead);
    let pruned = sandbox.run(PRUNE);
    assert!(pruned.code == 0 && pruned.stdout.starts_with("removed 1 of 1"), "{pruned}");
    assert_eq!(sandbox.run(PRUNE).code, 0);
}

#[test]
fn revoked_sessions_are_not_missed() {
    let app = App::with_users(3);
    assert_eq!(app.sessions("refresh").code, 0);
    let did = app.records_left().pop().unwrap();
    for command in [format!("revoke --yes {did}"), "revoke --yes --auth private_key_jwt".to_owned()]
    {
        let revoked = app.sessions(&command);
        assert_eq!(revoked.code, 0, "{revoked}");
    }
    assert!(app.records_left().is_empty());
    let refreshed = app.sessions("refresh");
    assert_eq!((refreshed.code, refreshed.stderr.as_str()), (0, ""), "{refreshed}");
}

#[test]
fn imported_sessions_are_missed_when_they_go() {
    let mut sandbox = app("url = 'sqlite:app.db'");
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let export = {
        let other = AppDatabase::create(&sandbox.path("other.db"));
        other.session(&session(ALICE, "3h"));
        sandbox.run(["sessions", "export", "-o", "-", "--store", "sqlite:other.db"]).stdout
    };
    let imported = sandbox.stdin(export).run(["sessions", "import", "-", "--source-app-stopped"]);
    assert_eq!(imported.code, 0, "{imported}");
    database.execute("DELETE FROM auth_session");
    assert!(warning(&sandbox, &PRUNE).contains("had 1 when"));
}

#[test]
fn an_empty_import_is_an_error() {
    let mut sandbox = app("url = 'sqlite:app.db'");
    AppDatabase::create(&sandbox.path("app.db")).close();
    sandbox.file("blank.jsonl", "\n\n");
    for (input, file) in [("", "-"), (" \n\n", "-"), ("", "blank.jsonl")] {
        for options in
            [&["--source-app-stopped"][..], &["--dry-run"], &["--dry-run", "--format", "json"]]
        {
            let refusal =
                sandbox.stdin(input).refusal([&["sessions", "import", file], options].concat());
            let said = format!("error: {file}: nothing was imported: the input is empty\n");
            assert!(refusal.code == 1 && refusal.stderr.starts_with(&said), "{refusal}");
        }
    }
}

#[test]
fn a_wrong_database_number_is_found_out_by_the_right_one() {
    let redis = npmx();
    let sandbox = app(&in_redis(&redis, 1, "npmx"));
    let at = format!("redis://127.0.0.1:{}", redis.port());
    let found = format!(
        "the store contains no sessions, but {at}/0 (layout npmx) has 2 sessions of this client"
    );
    for command in [
        &PRUNE[..],
        &["sessions", "refresh"],
        &["sessions", "refresh", "--dry-run", "--limit", "5"],
    ] {
        assert_eq!(warning(&sandbox, command), format!("{found}: check --store and --layout"));
    }
    assert_eq!(doctor(&sandbox, "problem"), std::slice::from_ref(&found));
    let (states, output) = states_of_keys(&sandbox);
    assert_eq!(states, ["active", "retiring"]);
    assert!(output.stderr.contains(&format!("warning: {found}")), "{output}");
    // No warning with the right store. The earlier number appears with the current one.
    configure(&sandbox, &in_redis(&redis, 0, "npmx"), CLIENT);
    assert_eq!(sandbox.run(PRUNE).code, 0);
    move_sessions(&redis, "3");
    let moved = warning(&sandbox, &PRUNE);
    assert_eq!(
        moved,
        format!(
            "the store contains no sessions, but had 2 when it was last read; {at}/3 (layout npmx) has 2 \
             sessions of this client: check --store and --layout"
        )
    );
}

#[test]
fn a_wrong_layout_is_found_out_by_the_right_one() {
    let redis = npmx();
    put(&redis, "elsewhere/did", &session_of(CLIENT, "did:web:carol.example"));
    let sandbox = app(&in_redis(&redis, 0, "oauth"));
    let at = format!("redis://127.0.0.1:{}/0", redis.port());
    assert_eq!(
        warning(&sandbox, &["sessions", "refresh"])
            .replace(&format!("{at} (another layout) has 1 session"), "A")
            .replace(&format!("{at} (layout npmx) has 2 sessions"), "B")
            .replace("B, A", "A, B"),
        "the store contains no sessions, but A, B of this client: check --store and --layout"
    );
    assert_eq!(doctor(&sandbox, "problem").len(), 1);
}

#[test]
fn another_app_in_the_same_redis_is_no_problem() {
    let redis = npmx();
    move_sessions(&redis, "2");
    put(&redis, "oauth:session:did:web:carol.example", &session_of(OTHER, "did:web:carol.example"));
    let sandbox = app(&in_redis(&redis, 0, "npmx"));
    configure(
        &sandbox,
        &in_redis(&redis, 0, "npmx"),
        "https://third.example.com/client-metadata.json",
    );
    let at = format!("redis://127.0.0.1:{}", redis.port());
    let pruned = sandbox.run(PRUNE);
    assert_eq!(pruned.code, 0, "{pruned}");
    let in_others = |text: &str| {
        text.contains(&format!("{at}/0 (layout oauth) has 1 session"))
            && text.contains(&format!("{at}/2 (layout npmx) has 2 sessions"))
            && text.trim_end().ends_with(" of other clients")
    };
    assert!(in_others(&pruned.stderr) && pruned.stderr.lines().count() == 1, "{pruned}");
    assert_eq!(doctor(&sandbox, "problem"), [""; 0]);
    assert_eq!(doctor(&sandbox, "ok").iter().filter(|what| in_others(what)).count(), 1);
    assert_eq!(states_of_keys(&sandbox).0, ["active", "unused"]);
    // Tokens that do not name their client are attributed by the key.
    put(&redis, "oauth:session:did:web:carol.example", &session("did:web:carol.example", "3h"));
    assert_eq!(sandbox.run(PRUNE).code, 3);
}

#[test]
fn a_database_that_may_not_be_read_is_passed_over() {
    let redis = npmx();
    move_sessions(&redis, "1");
    redis.ask(&["ACL", "SETUSER", "app", "on", ">hunter2", "~*", "&*", "+@all", "-select"]);
    let store =
        format!("url = 'redis://app:hunter2@127.0.0.1:{}/0'\nlayout = 'npmx'", redis.port());
    let sandbox = app(&store);
    let pruned = sandbox.run(PRUNE);
    assert_eq!((pruned.code, pruned.stderr.as_str()), (0, ""), "{pruned}");
    assert_eq!(doctor(&sandbox, "problem"), [""; 0]);
}
