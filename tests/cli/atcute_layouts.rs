//! Layouts of apps that use atcute, and stores with records of two libraries.

use serde_json::Value;
use testbed::redis::{Answer, Redis};
use testbed::{Endpoint, Fault, Gate, Injection, Library, LoginOptions};

use crate::app::{App, days_ago, wait_until};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, object};
use crate::sandbox::Sandbox;

/// Tables of the layout `bookhive`.
const BOOKHIVE: &str = "
    CREATE TABLE auth_sessions (id text primary key, value text not null, created_at text not null, updated_at text not null);
    CREATE TABLE auth_state (id text primary key, value text not null, created_at text not null, updated_at text not null);
    CREATE TABLE auth_refresh_lock (id text primary key, owner text not null, acquired_at integer not null);";
/// Table of the layout `cocore`.
const COCORE: &str = "
    CREATE TABLE oauth_sessions (
        did text primary key, data text not null, updated_at text not null default current_timestamp);";

pub(crate) const LONG_AGO: &str = "2026-01-02T03:04:05.678Z";

fn login(app: &App, did: &str, library: Library) -> Value {
    app.net.login(LoginOptions { did: Some(did.to_owned()), library, ..days_ago(2) })
}

/// Returns an app with these tables instead of the usual ones.
fn with_tables(tables: &str) -> (App, AppDatabase) {
    let app = App::new();
    let database = AppDatabase::with(&app.sandbox.path("other.db"), tables);
    let settings = app.sandbox.read("oauthctl.toml").replace("sqlite:app.db", "sqlite:other.db");
    app.sandbox.file("oauthctl.toml", settings);
    (app, database)
}

/// Returns an app like bookhive, with one user last active two days ago.
pub(crate) fn bookhive() -> (App, AppDatabase) {
    let (app, database) = with_tables(BOOKHIVE);
    let record = login(&app, ALICE, Library::Atcute);
    database.execute(&format!(
        "INSERT INTO auth_sessions VALUES ('{ALICE}', '{record}', '{LONG_AGO}', '{LONG_AGO}')"
    ));
    (app, database)
}

fn hold_lock(database: &AppDatabase, age_ms: i64) {
    database.execute(&format!(
        "INSERT OR REPLACE INTO auth_refresh_lock
         VALUES ('oauth-session-{ALICE}', 'the app', unixepoch('subsec') * 1000 - {age_ms})"
    ));
}

#[test]
fn two_generations_of_npmx_are_two_layouts() {
    let app = App::new();
    let redis = Redis::start();
    let put = |key: String, record: &Value| {
        redis.ask(&["SET", &key, &record.to_string(), "EX", "15000000"])
    };
    put(format!("atproto:oauth:sessions:{ALICE}"), &login(&app, ALICE, Library::Node));
    put(format!("atproto:oauth:sessions:v2:{BOB}"), &login(&app, BOB, Library::Atcute));
    let store = redis.url();
    let sessions = |arguments: &str| app.sessions(&format!("{arguments} --store {store}"));
    let rows = sessions("list --format jsonl");
    let rows: Vec<_> = rows.stdout.lines().map(object).collect();
    let of = |row: &serde_json::Map<String, Value>| {
        [&row["did"], &row["layout"], &row["format"]].map(Value::to_string)
    };
    assert_eq!(of(&rows[0]), [ALICE, "npmx", "node"].map(|text| format!("{text:?}")));
    assert_eq!(of(&rows[1]), [BOB, "npmx-v2", "atcute"].map(|text| format!("{text:?}")));
    for (layout, did) in [("npmx", ALICE), ("npmx-v2", BOB)] {
        let listed = sessions(&format!("list --format jsonl --layout {layout}"));
        assert!(listed.stdout.lines().count() == 1 && listed.stdout.contains(did), "{listed}");
        let refreshed = sessions(&format!("refresh --all --layout {layout}"));
        assert_eq!(
            (refreshed.code, refreshed.stdout.as_str()),
            (0, "refreshed 1 session\n"),
            "{refreshed}"
        );
    }
    let Answer::Number(ttl) = redis.ask(&["TTL", &format!("atproto:oauth:sessions:v2:{BOB}")])
    else {
        panic!()
    };
    assert!(ttl > 15_465_000, "{ttl}");
    assert_eq!(app.net.alive(), 2);
}

#[test]
fn a_session_that_both_generations_have_is_not_refreshed() {
    let app = App::new();
    let redis = Redis::start();
    let record = login(&app, ALICE, Library::Atcute);
    let mut copy = record.clone();
    copy["dpopJwk"] = copy.as_object_mut().unwrap().shift_remove("dpopKey").unwrap();
    copy["tokenSet"].as_object_mut().unwrap().shift_remove("expires_at");
    redis.ask(&["SET", &format!("atproto:oauth:sessions:v2:{ALICE}"), &record.to_string()]);
    redis.ask(&["SET", &format!("atproto:oauth:sessions:{ALICE}"), &copy.to_string()]);
    for (layout, other) in [("npmx", "npmx-v2"), ("npmx-v2", "npmx")] {
        let output = app.sessions(&format!(
            "refresh --all --format jsonl --layout {layout} --store {}",
            redis.url()
        ));
        assert!(output.stdout.contains(&format!("in layout {other}")), "{output}");
    }
    assert!(app.exchanges().is_empty());
}

#[test]
fn bookhive_s_lock_is_respected_and_given_back() {
    let (app, database) = bookhive();
    hold_lock(&database, 5_000);
    let output = app.sessions("refresh --all --lock-timeout 0s --format jsonl");
    assert!(
        output.code == 0 && output.stdout.contains("another process holds its lock"),
        "{output}"
    );
    assert!(app.exchanges().is_empty());
    // The app regards a lock as abandoned if it was not renewed for half a minute.
    hold_lock(&database, 31_000);
    let output = app.sessions("refresh --all --lock-timeout 0s");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    assert!(database.rows("SELECT * FROM auth_refresh_lock").is_empty());
    let times = database.rows("SELECT created_at, updated_at FROM auth_sessions").remove(0);
    let (created, updated) = times.split_once('|').unwrap();
    assert!(
        created == LONG_AGO && updated > LONG_AGO && updated.len() == LONG_AGO.len(),
        "{times}"
    );
    assert_eq!(app.net.alive(), 1);
}

#[test]
fn bookhive_s_lock_is_renewed_until_the_write_is_done() {
    let (app, database) = bookhive();
    let answer = Gate::closed();
    app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answer.clone())).skip(1));
    let child = app.begin("refresh --all --format jsonl");
    app.wait_for_exchange();
    let acquired = || database.rows("SELECT acquired_at FROM auth_refresh_lock").remove(0);
    let first = acquired();
    // Ten seconds later. After thirty, the app could take over the row.
    wait_until(|| acquired() > first);
    answer.open();
    let output = app.sandbox.output_of(child);
    assert!(output.code == 0 && output.stdout.contains("\"refreshed\""), "{output}");
    assert!(database.rows("SELECT * FROM auth_refresh_lock").is_empty());
    assert_eq!((app.exchanges().len(), app.net.alive()), (1, 1), "{output}");
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert!(doctor.stdout.contains("the app waits 3000 ms for its lock"), "{doctor}");
}

#[test]
fn two_processes_share_bookhive_s_lock() {
    let (app, database) = bookhive();
    let children: Vec<_> = (0..2).map(|_| app.begin("refresh --all --retry-for 20s")).collect();
    for child in children {
        let output = app.sandbox.output_of(child);
        assert_eq!(output.code, 0, "{output}");
    }
    assert_eq!(app.generations(), [(1, 1)].into());
    assert!(database.rows("SELECT * FROM auth_refresh_lock").is_empty());
}

#[test]
fn cocore_has_no_pending_logins_in_its_store() {
    let (app, database) = with_tables(COCORE);
    let record = login(&app, ALICE, Library::Atcute);
    database.execute(&format!(
        "INSERT INTO oauth_sessions VALUES ('{ALICE}', '{record}', '2026-01-02 03:04:05')"
    ));
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    let updated = database.rows("SELECT updated_at FROM oauth_sessions").remove(0);
    assert!(updated.as_str() > "2026-01-02 03:04:05" && updated.len() == 19, "{updated}");
    for command in ["list", "purge"] {
        let output = app.sandbox.run(["states", command]);
        assert!(output.code == 0 && output.to_string().contains("0 pending logins"), "{output}");
    }
}

#[test]
fn a_layout_is_named_with_its_format() {
    let app = App::new();
    app.log_in(1, &LoginOptions { library: Library::Atcute, ..days_ago(2) });
    let output = app.sessions("list --layout statusphere/atcute");
    assert!(output.stderr.contains("(layout statusphere/atcute)"), "{output}");
    for (layout, error) in [
        ("statusphere/x", "error: unknown record format \"x\"\nhint: formats: node, atcute"),
        (
            "cocore/node",
            "error: layout cocore contains records of atcute\nhint: use --layout cocore\n",
        ),
    ] {
        let output = app.sessions(&format!("list --layout {layout}"));
        assert!(output.code == 2 && output.stderr.starts_with(error), "{output}");
    }
}

#[test]
fn a_layout_of_ones_own_says_its_format() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db"));
    let tables = "[layouts.mine]\nsession_table = 'auth_session'\nstate_table = 'auth_state'\n";
    for (format, error) in [
        ("atcute", ""),
        ("atrium", "error: layouts.mine: format: unknown record format \"atrium\""),
    ] {
        sandbox.file("oauthctl.toml", format!("{tables}format = '{format}'\n"));
        let output = sandbox.run(["sessions", "list", "--layout", "mine"]);
        assert!(
            output.stderr.starts_with(error) && (output.code == 0) == error.is_empty(),
            "{output}"
        );
    }
}

/// Returns a Redis with one session of npmx-v2.
fn npmx_v2() -> (App, Redis) {
    let mut app = App::new();
    let redis = Redis::start();
    app.sandbox.set("OAUTHCTL_STORE", redis.url());
    let record = login(&app, ALICE, Library::Atcute);
    redis.ask(&[
        "SET",
        &format!("atproto:oauth:sessions:v2:{ALICE}"),
        &record.to_string(),
        "EX",
        "15000000",
    ]);
    (app, redis)
}

#[test]
fn a_lost_answer_is_not_repeated_once_the_app_waits_no_longer() {
    let (app, _redis) = npmx_v2();
    app.net.inject(Injection::new(Endpoint::Token, Fault::HangAfter).skip(1));
    let output = app.sessions("refresh --all --format jsonl");
    assert_eq!(output.code, 1, "{output}");
    assert_eq!(app.exchanges().len(), 1, "{output}");
}

#[test]
fn a_layout_of_ones_own_says_how_long_its_app_waits() {
    for (waits, requests) in [("app_waits = '1ms'\n", 1), ("app_waits = '1h'\n", 2), ("", 2)] {
        let mut app = App::new();
        let redis = Redis::start();
        app.sandbox.set("OAUTHCTL_STORE", redis.url());
        app.configure(&format!(
            "[layouts.mine]\nsession_key = 'mine:{{did}}'\nstate_key = 'mine:state:{{state}}'\n\
             lock_key = 'mine:lock:{{name}}'\nformat = 'atcute'\n{waits}"
        ));
        let record = login(&app, ALICE, Library::Atcute);
        redis.ask(&["SET", &format!("mine:{ALICE}"), &record.to_string()]);
        app.net.inject(Injection::new(Endpoint::Token, Fault::Close).skip(1).times(1));
        let output = app.sessions("refresh --all --layout mine");
        assert_eq!(app.exchanges().len(), requests, "{waits}: {output}");
    }
}

#[test]
fn a_store_too_slow_for_the_app_is_named_by_doctor() {
    let (app, redis) = npmx_v2();
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert!(!doctor.stdout.contains("to store new tokens"), "{doctor}");
    redis.ask(&["SET", "oauthctl:note:lock-times", r#"{"write_ms":80,"held_ms":0}"#]);
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    let finding = "it took up to 80 ms to store new tokens; the app waits 100 ms for its lock";
    assert!(doctor.stdout.contains(finding), "{doctor}");
}
