//! Layouts described by the operator under `[layouts.NAME]`: oauthctl works with them like the app.

use serde_json::{Value, json};
use testbed::LoginOptions;
use testbed::redis::{Answer, Redis};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, object};
use crate::sandbox::{Output, Sandbox};

const DAY: i64 = 86_400;

/// Keys with a common prefix, a lock, and TTLs.
const KEYS: &str =
    "session_key = 'mine:{did}'\nstate_key = 'mine:{state}'\nlock_key = 'mine:lock:{name}'
    session_ttl = '30d'\nstate_ttl = '1h'\n";

/// App with sessions in Redis under a layout of its own.
struct Mine {
    app: App,
    redis: Redis,
}

impl Mine {
    fn new(layout: &str) -> Self {
        let mut app = App::new();
        let redis = Redis::start();
        app.sandbox.set("OAUTHCTL_STORE", redis.url());
        let settings = app.sandbox.read("oauthctl.toml");
        app.sandbox.file("oauthctl.toml", format!("{settings}[layouts.mine]\n{layout}"));
        Self { app, redis }
    }

    /// Returns a session started on a browser, as the server knows it.
    fn login(&self, did: &str) -> Value {
        self.app.net.login(LoginOptions {
            did: Some(did.to_owned()),
            dpop_pool: None,
            ..days_ago(2)
        })
    }

    fn put(&self, key: &str, value: &Value, seconds_left: i64) {
        self.redis.ask(&["SET", key, &value.to_string(), "EX", &seconds_left.to_string()]);
    }

    fn value(&self, key: &str) -> Value {
        let Answer::Bulk(Some(value)) = self.redis.ask(&["GET", key]) else {
            panic!("{key} is there")
        };
        serde_json::from_slice(&value).unwrap()
    }

    /// Returns the remaining TTL of a key.
    fn left(&self, key: &str) -> i64 {
        let Answer::Number(left) = self.redis.ask(&["TTL", key]) else {
            panic!("{key} has a time to live")
        };
        left
    }

    fn run(&self, command: &str) -> Output {
        self.app.sandbox.run(command.split(' '))
    }

    /// Returns the rows of a list, in the order of their keys.
    fn rows(&self, command: &str) -> Vec<Value> {
        let output = self.run(&format!("{command} --format jsonl -q"));
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
        let mut rows: Vec<_> =
            output.stdout.lines().map(|line| Value::Object(object(line))).collect();
        rows.sort_by_key(|row| row["key"].to_string());
        rows
    }

    fn is_alive(&self, record: &Value) -> bool {
        self.app.net.is_alive_with(record)
    }
}

#[test]
fn custom_keys_are_found_refreshed_and_locked_like_the_app() {
    let mine = Mine::new(KEYS);
    let (key, lock) = (format!("mine:{ALICE}"), format!("mine:lock:@atproto-oauth-client-{ALICE}"));
    mine.put(&key, &mine.login(ALICE), 20 * DAY);
    mine.put("mine:begun", &mine.app.net.pending_state(LoginOptions::default()), 600);
    mine.put("mine:fresh", &mine.app.net.pending_state(LoginOptions::default()), 3500);
    // All have the same prefix and differ in the rest.
    mine.put(&lock, &json!("the app"), 600);
    let listed = mine.run("sessions list --format jsonl");
    assert!(listed.stderr.ends_with("(layout mine)\n"), "{listed}");
    let row = object(&listed.stdout);
    assert_eq!(
        (&row["key"], &row["did"], &row["status"]),
        (&json!(key), &json!(ALICE), &json!("due"))
    );
    assert_eq!(
        row["last_refreshed_by"], "access_token",
        "written ten days ago, the token is younger"
    );
    assert_eq!(mine.rows(&format!("sessions show {ALICE}")).len(), 1);

    let output = mine.app.sessions("refresh --all --lock-timeout 0s --format jsonl");
    assert!(output.stdout.contains("another process holds its lock"), "{output}");
    assert_eq!(mine.app.exchanges().len(), 0);
    let states = mine.rows("states list");
    let begun: Vec<_> =
        states.iter().map(|row| (row["key"].as_str().unwrap(), &row["begun_by"])).collect();
    assert_eq!(begun, [("mine:begun", &json!("ttl")), ("mine:fresh", &json!("ttl"))]);
    let purged = mine.run("states purge").stdout;
    assert_eq!(purged, "removed 1 pending login (1 by TTL); 1 kept: too young\n");
    assert_eq!(
        mine.redis.ask(&["EXISTS", "mine:begun", "mine:fresh", &key, &lock]),
        Answer::Number(3)
    );

    mine.redis.ask(&["DEL", &lock]);
    assert_eq!(mine.app.sessions("refresh --all").stdout, "refreshed 1 session\n");
    assert!(mine.is_alive(&mine.value(&key)));
    assert!((30 * DAY - 60..=30 * DAY).contains(&mine.left(&key)), "{}", mine.left(&key));
    assert_eq!(mine.redis.ask(&["EXISTS", &lock]), Answer::Number(0));
}

#[test]
fn one_session_a_browser_is_one_record_each() {
    let mine = Mine::new(&KEYS.replace("mine:{did}", "mine:{did}:{sid}"));
    let keys = ["b0a1", "b0a2"].map(|sid| format!("mine:{ALICE}:{sid}"));
    for key in &keys {
        mine.put(key, &mine.login(ALICE), 20 * DAY);
    }
    mine.put(&format!("mine:{BOB}:b0a1"), &mine.login(BOB), 20 * DAY);
    let shown: Vec<_> =
        mine.rows(&format!("sessions show {ALICE}")).iter().map(|row| row["key"].clone()).collect();
    assert_eq!(shown, keys);
    assert_eq!(mine.app.sessions("refresh --all").stdout, "refreshed 3 sessions\n");
    for key in &keys {
        assert!(mine.is_alive(&mine.value(key)), "{key}");
    }
    let revoked = mine.run(&format!("sessions revoke --key {} --yes", keys[0]));
    assert_eq!(revoked.code, 0, "{revoked}");
    assert_eq!(mine.redis.ask(&["EXISTS", &keys[0], &keys[1]]), Answer::Number(1));
    assert!(mine.is_alive(&mine.value(&keys[1])));
}

#[test]
fn a_record_in_an_envelope_stays_in_it() {
    let mine = Mine::new(&format!("{KEYS}envelope = true\n"));
    let key = format!("mine:{ALICE}");
    let yesterday = mine.app.net.now() - DAY * 1000;
    let envelope = json!({"value": mine.login(ALICE), "ttl": 30 * DAY, "cachedAt": yesterday, "by": "the app"});
    mine.put(&key, &envelope, 28 * DAY);
    let row = mine.rows("sessions list").remove(0);
    assert_eq!((&row["status"], &row["last_refreshed_by"]), (&json!("due"), &json!("column")));
    assert_eq!(mine.app.sessions("refresh --all").stdout, "refreshed 1 session\n");
    let after = mine.value(&key);
    assert!(mine.is_alive(&after["value"]));
    assert_eq!((&after["ttl"], &after["by"]), (&json!(30 * DAY), &json!("the app")));
    assert!(after["cachedAt"].as_i64().unwrap() > yesterday + DAY * 1000 - 1);
    assert!((30 * DAY - 60..=30 * DAY).contains(&mine.left(&key)));
}

#[test]
fn a_stamp_is_renewed_and_what_else_the_app_keeps_stays() {
    let mine = Mine::new(&format!("{KEYS}stamped = true\n"));
    let key = format!("mine:{ALICE}");
    let mut record = mine.login(ALICE);
    record["lastUpdatedAt"] = json!(1_700_000_000_000_i64);
    record["note"] = json!({"of": "the app"});
    mine.put(&key, &record, 20 * DAY);
    assert_eq!(mine.app.sessions("refresh --all").stdout, "refreshed 1 session\n");
    let after = mine.value(&key);
    assert!(mine.is_alive(&after) && after["note"] == record["note"], "{after}");
    assert!(after["lastUpdatedAt"].as_i64().unwrap() > 1_700_000_000_000);
}

#[test]
fn imported_sessions_keep_their_age_in_an_envelope() {
    let mine = Mine::new(&format!("{KEYS}envelope = true\n"));
    let record =
        mine.app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) }).remove(0);
    let export = "oauthctl --store sqlite:app.db sessions export -o - -q";
    let moved = mine
        .app
        .sandbox
        .sh(&format!("{export} | oauthctl --layout mine sessions import --source-app-stopped -"));
    assert_eq!(moved.stdout, "imported 1 session\n", "{moved}");
    let key = format!("mine:{ALICE}");
    let envelope = mine.value(&key);
    assert_eq!(envelope["value"], record);
    let two_days_ago = mine.app.net.now() / 1000 - 2 * DAY;
    let cached_at = envelope["cachedAt"].as_i64().unwrap() / 1000;
    assert!((cached_at - two_days_ago).abs() < 600, "when it was last refreshed: {envelope}");
    assert!(
        (cached_at + envelope["ttl"].as_i64().unwrap() - two_days_ago - 30 * DAY).abs() < 600,
        "{envelope}"
    );
    assert!((mine.left(&key) - 28 * DAY).abs() < 600, "as Redis says, too");
    assert_eq!(mine.rows("sessions list")[0]["status"], "due");
}

#[test]
fn one_table_for_everything_is_told_apart_by_its_kind() {
    let app = App::new();
    let settings = app.sandbox.read("oauthctl.toml").replace("sqlite:app.db", "sqlite:kv.db");
    let layout = "[layouts.kv]\nsession_table = 'kv'\nstate_table = 'kv'\nkind_column = 'kind'\nsession_kind = 'login'
        state_kind = 'begun'\nsession_key_column = 'k'\nsession_value_column = 'v'\nsession_updated_column = 'at'
        state_key_column = 'k'\nstate_value_column = 'v'\nstate_updated_column = 'at'\n";
    app.sandbox.file("oauthctl.toml", format!("{settings}{layout}"));
    let database = AppDatabase::with(
        &app.sandbox.path("kv.db"),
        "CREATE TABLE kv (k TEXT, v TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, k));",
    );
    let record = app.net.login(LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    let state = app.net.pending_state(LoginOptions::default());
    let days_ago = app.net.now() - 2 * DAY * 1000;
    for (key, value, kind) in
        [(ALICE, &record, "login"), ("old", &state, "begun"), ("other", &json!(1), "cache")]
    {
        database
            .execute(&format!("INSERT INTO kv VALUES ('{key}', '{value}', '{kind}', {days_ago})"));
    }
    let run = |command: &str| app.sandbox.run(command.split(' '));
    let listed = run("sessions list --format jsonl");
    assert_eq!(object(&listed.stdout)["key"], ALICE);
    assert!(listed.stderr.ends_with("(layout kv)\n"), "{listed}");
    assert_eq!(object(&run(&format!("sessions show {ALICE} --format jsonl")).stdout)["did"], ALICE);
    assert_eq!(object(&run("states list --format jsonl").stdout)["key"], "old");
    assert_eq!(run("states purge").stdout, "removed 1 pending login (1 by time column)\n");
    assert_eq!(app.sessions("refresh --all").stdout, "refreshed 1 session\n");
    assert_eq!(
        database.rows("SELECT kind, k FROM kv ORDER BY kind"),
        ["cache|other", &format!("login|{ALICE}")]
    );
    let renewed = database.rows("SELECT v FROM kv WHERE kind = 'login'").remove(0);
    assert!(app.net.is_alive_with(&serde_json::from_str(&renewed).unwrap()));
    let at: i64 = database.rows("SELECT at FROM kv WHERE kind = 'login'")[0].parse().unwrap();
    assert!(at > days_ago + DAY * 1000, "in milliseconds, as the app writes it: {at}");
}

/// Returns the error about a description.
fn refusal_of(layout: &str) -> String {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    sandbox.file("oauthctl.toml", format!("[layouts.mine]\n{layout}"));
    let refusal = sandbox.refusal(["sessions", "list"]);
    assert_eq!(refusal.code, 2, "{refusal}");
    refusal.stderr
}

#[test]
fn faulty_descriptions_are_refused_even_if_unused() {
    let tables = "session_table = 's'\nstate_table = 't'\n";
    for (layout, said) in [
        (
            "sesion_key = 'a:{did}'",
            "unknown setting layouts.mine.sesion_key\nhint: did you mean session_key?",
        ),
        ("session_key = 'a:{did}'", "layouts.mine: state_key is missing\n"),
        ("session_key = 'a:did'\nstate_key = 'b:{state}'", "layouts.mine: session_key"),
        ("session_key = 'a:{did'\nstate_key = 'b:{state}'", "layouts.mine: session_key"),
        ("session_key = 'a:{did}:{did}'\nstate_key = 'b:{state}'", "layouts.mine: session_key"),
        ("session_key = 'a:{did}{sid}'\nstate_key = 'b:{state}'", "layouts.mine: session_key"),
        (
            "session_key = ['a:{did}']",
            "layouts.mine.session_key must be a string in quotes, a number, or true or false\n",
        ),
        (
            &format!("{KEYS}lock_ttl = 'soon'"),
            "layouts.mine: lock_ttl: \"soon\" is not a duration\n",
        ),
        (&KEYS.replace("30d", "0s"), "layouts.mine: session_ttl must be longer than zero\n"),
        (
            &KEYS.replace("lock:{name}", "lock:{name}:{sid}"),
            "layouts.mine: lock_key must not contain {sid}\n",
        ),
        (&format!("{KEYS}envelope = 'maybe'"), "layouts.mine: envelope must be true or false\n"),
        (
            &format!("{KEYS}session_value_column = 'v'"),
            "session_value_column is for layouts of SQL tables\n",
        ),
        (
            &KEYS.replace("lock_key = 'mine:lock:{name}'", "lock_ttl = '9s'"),
            "lock_ttl is for layouts with a lock_key\n",
        ),
        (
            &format!("{tables}session_ttl = '1d'"),
            "session_ttl and session_expires_column go together\n",
        ),
        (
            &format!("{tables}envelope = true"),
            "layouts.mine: envelope is for layouts of Redis keys\n",
        ),
        (
            &format!("{tables}session_kind = 'x'"),
            "session_kind is for layouts with a kind_column\n",
        ),
        (&format!("{tables}kind_column = 'k'"), "layouts.mine: session_kind is missing\n"),
        (
            "session_table = 's'\nstate_table = 's'",
            "sessions and pending logins would be the same rows\n",
        ),
        ("session_table = 's'", "layouts.mine: state_table is missing\n"),
    ] {
        let refusal = refusal_of(layout);
        assert!(refusal.contains(said), "{layout}: {refusal}");
    }
    let sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", format!("[layouts.auto]\n{KEYS}"));
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--store", "sqlite:app.db"]), @"
    exit 2
    -- stderr --
    error: layouts.auto: auto is not a valid layout name
    hint: it stands for automatic detection
    ");
}

#[test]
fn a_layout_for_another_kind_of_store_is_refused() {
    let redis = Redis::start();
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    let on_redis =
        sandbox.refusal(["sessions", "list", "--store", &redis.url(), "--layout", "statusphere"]);
    assert!(
        on_redis.code == 2 && on_redis.stderr.contains("layout statusphere is for SQL databases"),
        "{on_redis}"
    );
    let on_sqlite = sandbox.refusal(["sessions", "list", "--layout", "npmx"]);
    assert!(
        on_sqlite.code == 2 && on_sqlite.stderr.contains("layout npmx is for Redis"),
        "{on_sqlite}"
    );
}
