//! Of several records of one session only one is refreshed, and changes to a store require one
//! layout.

use serde_json::{Value, json};
use testbed::LoginOptions;
use testbed::redis::{Answer, Redis};

use crate::app::{App, days_ago};
use crate::database::{ADONIS, AppDatabase, STATUSPHERE};
use crate::samples::{ALICE, BOB, object, session};
use crate::sandbox::{Output, Sandbox};

/// Tables without unique keys.
const LOOSE: &str =
    "DROP TABLE auth_session; CREATE TABLE auth_session (key TEXT, value TEXT NOT NULL);";

fn login(app: &App, did: &str) -> Value {
    app.net.login(LoginOptions { did: Some(did.to_owned()), dpop_pool: None, ..days_ago(2) })
}

/// Returns the record as it was before its last refresh.
fn before_its_last_refresh(record: &Value) -> Value {
    let mut older = record.clone();
    older["tokenSet"]["refresh_token"] = json!("ref-of-before");
    older["tokenSet"]["access_token"] = json!("opaque");
    older["tokenSet"]["expires_at"] = json!("2020-01-01T00:00:00.000Z");
    older
}

/// Returns the statuses and reasons of a list, in the order of its rows.
fn statuses(output: &Output) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |line: &str| {
        let row = Value::Object(object(line));
        let name = if row["status"].is_string() { "status" } else { "result" };
        (text(&row[name]), text(&row["reason"]))
    };
    output.stdout.lines().map(row).collect()
}

fn pair(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

/// Returns an app whose table has these records under the key of ALICE.
fn with_rows(records: impl FnOnce(&App) -> Vec<Value>) -> App {
    let app = App::new();
    app.database.execute(LOOSE);
    for record in records(&app) {
        app.database.session(&record);
    }
    app
}

#[test]
fn of_copies_in_a_table_only_the_newest_is_exchanged() {
    let app = with_rows(|app| {
        let record = login(app, ALICE);
        vec![before_its_last_refresh(&record), record]
    });
    let copy = format!("a copy of {ALICE}");
    let listed = app.sessions("list --format jsonl");
    assert_eq!(statuses(&listed), [pair("blocked", &copy), pair("due", "")]);
    assert_eq!(statuses(&app.sessions(&format!("show {ALICE} --format jsonl"))), statuses(&listed));
    for selection in ["--all", ALICE, &format!("--key {ALICE}")] {
        let planned = app.sessions(&format!("refresh {selection} --dry-run"));
        assert!(planned.stdout.ends_with("would refresh 1 session, 1 blocked\n"), "{planned}");
    }
    let refreshed = app.sessions("refresh --all");
    assert_eq!(refreshed.code, 3, "{refreshed}");
    assert!(refreshed.stdout.contains(&copy), "{refreshed}");
    assert!(refreshed.stdout.ends_with("refreshed 1 session, 1 blocked\n"), "{refreshed}");
    assert_eq!(app.exchanges().len(), 1);
    let rows = app.database.rows("SELECT value FROM auth_session ORDER BY rowid");
    assert!(rows[0].contains("ref-of-before"), "{rows:?}");
    assert!(app.net.is_alive_with(&serde_json::from_str(&rows[1]).unwrap()));
    // A prune does not touch it, either.
    assert_eq!(app.sessions("prune").stdout, "removed 0 of 2 sessions\n");
}

#[test]
fn of_copies_none_of_which_is_newer_none_is_exchanged() {
    let app = with_rows(|app| {
        let record = login(app, ALICE);
        vec![record.clone(), record]
    });
    let blocked =
        pair("blocked", &format!("a copy of {ALICE}, and it is unknown which one is newer"));
    assert_eq!(statuses(&app.sessions("list --format jsonl")), [blocked.clone(), blocked.clone()]);
    for selection in ["--all", ALICE, "--due"] {
        let refreshed = app.sessions(&format!("refresh {selection} --format jsonl"));
        assert_eq!(
            (refreshed.code, statuses(&refreshed)),
            (1, vec![blocked.clone(); 2]),
            "{refreshed}"
        );
    }
    assert_eq!(app.exchanges().len(), 0);
}

#[test]
fn two_sessions_of_one_account_in_a_layout_for_one_are_blocked() {
    let app = with_rows(|app| vec![login(app, ALICE), login(app, ALICE), login(app, BOB)]);
    let rival =
        pair("blocked", "one of 2 sessions of its account, but the layout has one per account");
    let listed = app.sessions("list --format jsonl");
    assert_eq!(statuses(&listed), [rival.clone(), rival, pair("due", "")]);
    let refreshed = app.sessions("refresh --all");
    assert_eq!(refreshed.code, 3, "{refreshed}");
    assert!(refreshed.stdout.ends_with("refreshed 1 session, 2 blocked\n"), "{refreshed}");
    assert_eq!(app.exchanges().len(), 1);
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    let said = "2 records hold a session of an account with several sessions, in a layout with one per account";
    assert!(doctor.code != 0 && doctor.stdout.contains(said), "{doctor}");
}

#[test]
fn a_copy_under_another_browser_s_key_is_not_exchanged() {
    let app = App::new();
    let redis = Redis::start();
    let put = |key: &str, record: &Value| {
        redis.ask(&[
            "SET",
            &format!("atproto:oauth:sessions:{key}"),
            &record.to_string(),
            "EX",
            "14000000",
        ]);
    };
    let (first, second) = (login(&app, ALICE), login(&app, ALICE));
    put(&format!("{ALICE}:b1"), &first);
    put(&format!("{ALICE}:b2"), &before_its_last_refresh(&first));
    put(&format!("{ALICE}:b3"), &second);
    let url = redis.url();
    let refreshed = app.sessions(&format!("refresh --all --format jsonl --store {url}"));
    let mut results = statuses(&refreshed);
    results.sort();
    let copy = format!("a copy of atproto:oauth:sessions:{ALICE}:b1");
    assert_eq!(
        results,
        [pair("blocked", &copy), pair("refreshed", ""), pair("refreshed", "")],
        "{refreshed}"
    );
    assert_eq!(app.exchanges().len(), 2);
    let doctor = app.sandbox.run(["doctor", "--offline", "--store", &url]);
    assert!(
        doctor.stdout.contains("1 record holds a session that another record also contains"),
        "{doctor}"
    );
}

/// Redis with sessions of two layouts.
struct TwoLayouts {
    app: App,
    redis: Redis,
}

impl TwoLayouts {
    fn new(npmx: impl FnOnce(&App) -> Value, oauth: impl FnOnce(&App, &Value) -> Value) -> Self {
        let app = App::new();
        let redis = Redis::start();
        let npmx = npmx(&app);
        let oauth = oauth(&app, &npmx);
        redis.ask(&["SET", &format!("atproto:oauth:sessions:{ALICE}"), &npmx.to_string()]);
        let key = format!("oauth:session:{}", oauth["tokenSet"]["sub"].as_str().unwrap());
        redis.ask(&["SET", &key, &oauth.to_string()]);
        Self { app, redis }
    }

    fn sessions(&self, arguments: &str) -> Output {
        self.app.sessions(&format!("{arguments} --store {}", self.redis.url()))
    }
}

#[test]
fn of_two_layouts_lists_show_both_and_nothing_is_changed() {
    let two = TwoLayouts::new(|app| login(app, ALICE), |app, _| login(app, BOB));
    let listed = two.sessions("list");
    assert_eq!(listed.code, 0, "{listed}");
    let header: Vec<_> = listed.stdout.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header[..4], ["DID", "LAYOUT", "FORMAT", "STATUS"]);
    assert!(listed.stderr.ends_with("(layouts npmx, oauth)\n"), "{listed}");
    two.app.resolve_names();
    let named = two.sessions("list --handles -q").stdout;
    let header: Vec<_> = named.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header[..5], ["HANDLE", "DID", "LAYOUT", "FORMAT", "STATUS"]);
    assert!(named.contains(" npmx ") && named.contains(" oauth "), "{named}");
    let rows = two.sessions("list --format jsonl");
    let layouts: Vec<_> = rows.stdout.lines().map(|line| object(line)["layout"].clone()).collect();
    assert_eq!(layouts, ["npmx", "oauth"]);
    assert_eq!(two.sessions("list --limit 1 --format jsonl").stdout.lines().count(), 1);
    let stats = object(&two.sessions("stats --format json").stdout);
    assert_eq!(stats["by_layout"], json!({"npmx": 1, "oauth": 1}));
    let shown = two.sessions(&format!("show {BOB} --format jsonl"));
    assert_eq!(object(&shown.stdout)["layout"], "oauth");
    for command in [
        "refresh",
        "refresh -n",
        "prune",
        "prune -n",
        "upgrade --unpublished",
        "revoke --all -y",
        "export -o -",
        "recover",
    ] {
        let refused = two.sessions(command);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{command}: {refused}");
        assert!(
            refused.stderr.contains("records of several layouts: npmx, oauth"),
            "{command}: {refused}"
        );
        assert!(
            refused.stderr.contains("hint: choose one: --layout npmx or --layout oauth"),
            "{refused}"
        );
    }
    let states = two.app.sandbox.run([
        "states",
        "list",
        "--format",
        "csv",
        "-q",
        "--store",
        &two.redis.url(),
    ]);
    assert_eq!(states.stdout, "key,issuer,auth_method,kid,begun_at,begun_by,reason,layout\n");
    assert_eq!(two.app.exchanges().len(), 0);
    let doctor = two.app.sandbox.run(["doctor", "--offline", "--store", &two.redis.url()]);
    assert!(
        doctor.stdout.contains("the store has records of several layouts: npmx, oauth"),
        "{doctor}"
    );
    // Sessions of different users do not conflict.
    let refreshed = two.sessions("refresh --all --layout npmx");
    assert_eq!(
        (refreshed.code, refreshed.stdout.as_str()),
        (0, "refreshed 1 session\n"),
        "{refreshed}"
    );
}

#[test]
fn a_copy_in_another_layout_keeps_a_session_from_being_sent() {
    for older in [false, true] {
        let two = TwoLayouts::new(
            |app| login(app, ALICE),
            |_, npmx| if older { before_its_last_refresh(npmx) } else { npmx.clone() },
        );
        let blocked =
            [pair("blocked", &format!("a copy of oauth:session:{ALICE} in layout oauth"))];
        for command in ["list", "refresh --all", "refresh --all -n", &format!("refresh {ALICE}")] {
            let output = two.sessions(&format!("{command} --layout npmx --format jsonl"));
            assert_eq!(statuses(&output), blocked, "{command}: {output}");
        }
        let both = two.sessions("list --format jsonl");
        let reasons: Vec<_> = statuses(&both).into_iter().map(|(_, reason)| reason).collect();
        assert_eq!(
            reasons[1],
            format!("a copy of atproto:oauth:sessions:{ALICE} in layout npmx"),
            "{both}"
        );
        let planned = two.sessions("revoke --all -n --layout npmx");
        assert!(planned.stdout.ends_with("would revoke 0 sessions, 1 would fail\n"), "{planned}");
        let revoked = two.sessions("revoke --all -y --layout npmx");
        assert!(revoked.code == 1 && revoked.stdout.contains("in layout oauth"), "{revoked}");
        assert_eq!(two.app.exchanges().len(), 0);
        assert!(two.app.net.sessions().iter().all(|session| session.ended.is_none()));
        // Without the copy, the session is refreshed normally.
        two.redis.ask(&["DEL", &format!("oauth:session:{ALICE}")]);
        assert_eq!(two.sessions("refresh --all --layout npmx").stdout, "refreshed 1 session\n");
    }
}

#[test]
fn another_session_of_the_account_in_another_layout_is_no_copy() {
    let two = TwoLayouts::new(|app| login(app, ALICE), |app, _| login(app, ALICE));
    assert_eq!(two.sessions("refresh --all --layout npmx").stdout, "refreshed 1 session\n");
}

#[test]
fn a_copy_is_found_under_the_lock_in_a_store_of_many_keys() {
    let two = TwoLayouts::new(|app| login(app, ALICE), |_, npmx| npmx.clone());
    let fill = "for n = 1, 120000 do redis.call('SET', 'cache:' .. n, 'x') end";
    two.redis.ask(&["EVAL", fill, "0"]);
    let refreshed = two.sessions("refresh --all --layout npmx --format jsonl");
    let blocked = [pair("blocked", &format!("a copy of oauth:session:{ALICE} in layout oauth"))];
    assert_eq!(statuses(&refreshed), blocked, "{refreshed}");
    assert_eq!(two.app.exchanges().len(), 0);
    two.redis.ask(&["DEL", &format!("oauth:session:{ALICE}")]);
    assert_eq!(two.sessions("refresh --all --layout npmx").stdout, "refreshed 1 session\n");
}

#[test]
fn a_database_with_tables_of_two_layouts_has_the_one_with_rows() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::with(&sandbox.path("app.db"), &format!("{STATUSPHERE}{ADONIS}"));
    let insert = |did: &str| {
        let record = session(did, "40h").to_string().replace("ref-0123456789abcdef", did);
        database.execute(&format!(
            "INSERT INTO oauth_sessions VALUES ('{did}', '{record}', '2026-11-22 06:00:00')"
        ));
    };
    let refused = |command: &str| {
        let output = sandbox.run(["sessions", command]);
        output.code == 2 && output.stderr.contains("several layouts: statusphere, adonis")
    };
    assert!(refused("refresh"));
    insert(BOB);
    let listed = sandbox.run(["sessions", "list", "--format", "jsonl"]);
    assert_eq!(object(&listed.stdout)["layout"], "adonis", "{listed}");
    database.session(&session(ALICE, "40h"));
    let listed = sandbox.run(["sessions", "list", "--format", "jsonl"]);
    assert!(listed.stderr.ends_with("(layouts statusphere, adonis)\n"), "{listed}");
    assert_eq!(listed.stdout.lines().count(), 2);
    assert!(refused("prune"));
    insert(ALICE);
    database.execute(&format!(
        "UPDATE oauth_sessions SET value = (SELECT value FROM auth_session WHERE key = '{ALICE}') WHERE sub = '{ALICE}'"
    ));
    let listed =
        sandbox.run(["sessions", "list", ALICE, "--layout", "statusphere", "--format", "jsonl"]);
    assert_eq!(
        statuses(&listed),
        [pair("blocked", &format!("a copy of {ALICE} in layout adonis"))]
    );
}

#[test]
fn a_redis_list_under_another_layout_s_key_is_no_copy() {
    let two = TwoLayouts::new(|app| login(app, ALICE), |app, _| login(app, BOB));
    assert_eq!(
        two.redis.ask(&["RPUSH", &format!("atproto:session:{ALICE}"), "x"]),
        Answer::Number(1)
    );
    assert_eq!(two.sessions("refresh --all --layout npmx").stdout, "refreshed 1 session\n");
}
