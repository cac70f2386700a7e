//! `oauthctl states list | purge`: pending logins, and removal of abandoned ones.

use serde_json::{Value, json};
use testbed::redis::{Answer, Redis};
use testbed::{Mishap, Proxy, Spot, Way};

use crate::app::wait_until;
use crate::database::{ADONIS, AppDatabase, SVELTEKIT};
use crate::samples::{ALICE, counts, session, state};
use crate::sandbox::{Sandbox, interrupt};

const LATER: &str = "2026-11-23T12:31:00Z";

/// Returns an app directory with two pending logins.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database
        .session(&session(ALICE, "3h"))
        .state("state-1", &state("key1"))
        .state("state-2", &state("key1"));
    database.close();
    sandbox
}

/// Returns the keys of the logins in the store.
fn keys(sandbox: &Sandbox) -> Vec<String> {
    AppDatabase::open(&sandbox.path("app.db")).rows("SELECT key FROM auth_state ORDER BY key")
}

fn purge(sandbox: &Sandbox) -> String {
    sandbox.result(["states", "purge"])
}

#[test]
fn list_shows_every_login_but_its_secrets() {
    let sandbox = app();
    let public = json!({"iss": "https://bsky.social", "authMethod": {"method": "none"}, "verifier": "verifier-0123456789"});
    let old = json!({"iss": "https://old.example.com", "verifier": "verifier-0123456789"});
    AppDatabase::open(&sandbox.path("app.db")).state("public", &public).state("old", &old);
    let output = sandbox.run(["states", "list"]);
    insta::assert_snapshot!(output, @"
    exit 0
    -- stdout --
    KEY      ISSUER            AUTH             KID   AGE      REASON
    old      old.example.com   -                -     unknown
    public   bsky.social       none             -     unknown
    state-1  auth.example.com  private_key_jwt  key1  unknown
    state-2  auth.example.com  private_key_jwt  key1  unknown
    -- stderr --
    4 pending logins in sqlite:app.db (layout statusphere)
    ");
    insta::assert_snapshot!(sandbox.run(["states", "list", "--format", "csv", "-q"]).stdout, @"
    key,issuer,auth_method,kid,begun_at,begun_by,reason,layout
    old,https://old.example.com,,,,,,statusphere
    public,https://bsky.social,none,,,,,statusphere
    state-1,https://auth.example.com,private_key_jwt,key1,,,,statusphere
    state-2,https://auth.example.com,private_key_jwt,key1,,,,statusphere
    ");
    for format in ["table", "json", "jsonl", "csv"] {
        let output = sandbox.run(["states", "list", "--format", format]).to_string();
        assert!(
            !output.contains("verifier-0123456789") && !output.contains("dpop-private"),
            "{format}: {output}"
        );
    }
}

#[test]
fn list_tells_the_age_where_the_store_knows_it() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::with(&sandbox.path("app.db"), ADONIS);
    let value = state("key1");
    database.execute(&format!(
        "INSERT INTO oauth_states VALUES ('a', '{value}', '2026-11-23 11:00:00')"
    ));
    insta::assert_snapshot!(sandbox.run(["states", "list"]), @"
    exit 0
    -- stdout --
    KEY  ISSUER            AUTH             KID   AGE  REASON
    a    auth.example.com  private_key_jwt  key1  1h
    -- stderr --
    1 pending login in sqlite:app.db (layout adonis)
    ");
    insta::assert_snapshot!(sandbox.run(["states", "list", "--format", "jsonl", "-q"]).stdout, @r#"{"key":"a","issuer":"https://auth.example.com","auth_method":"private_key_jwt","kid":"key1","begun_at":"2026-11-23T11:00:00Z","begun_by":"column","reason":null,"layout":"adonis"}"#);
}

#[test]
fn list_says_what_is_no_login() {
    let sandbox = app();
    let database = AppDatabase::open(&sandbox.path("app.db"));
    database.execute("DELETE FROM auth_state; INSERT INTO auth_state VALUES ('a', '{'), ('b', '{}'), ('c', '[]')");
    database.state("d\u{1b}[2J", &json!({"verifier": "x"}));
    insta::assert_snapshot!(sandbox.run(["states", "list"]), @r"
    exit 0
    -- stdout --
    KEY         ISSUER  AUTH  KID  AGE      REASON
    a           -       -     -    unknown  not JSON
    b           -       -     -    unknown  no verifier
    c           -       -     -    unknown  a member has the wrong type
    d\u{1b}[2J  -       -     -    unknown  no iss
    -- stderr --
    4 pending logins in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn an_empty_store_has_no_logins() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    assert_eq!(sandbox.run(["states", "list", "--format", "json"]).stdout, "[]\n");
    assert_eq!(purge(&sandbox), "removed 0 pending logins\n");
    assert_eq!(sandbox.files(), ["app.db"]);
}

#[test]
fn the_notes_of_purged_logins_go_with_them() {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.execute(&format!(
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000)
         INSERT INTO auth_state SELECT 'state-' || n, '{}' FROM number",
        state("key1")
    ));
    let notes = |sandbox: &Sandbox| {
        AppDatabase::open(&sandbox.path("app.db.oauthctl"))
            .rows("SELECT count(*) FROM note")
            .remove(0)
    };
    assert_eq!(purge(&sandbox), "removed 0 pending logins; 1000 kept until their age is known\n");
    assert_eq!(notes(&sandbox), "1000");
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    database.state("young", &state("key1"));
    let purged =
        "removed 1,000 pending logins (1000 by first-seen time); 1 kept until their age is known\n";
    assert_eq!(purge(&sandbox), purged);
    assert_eq!(notes(&sandbox), "1", "that of the login that stays");
}

#[test]
fn neither_list_nor_a_dry_run_notes_anything() {
    let mut sandbox = app();
    let before = sandbox.everything();
    sandbox.run(["states", "list"]);
    insta::assert_snapshot!(sandbox.run(["states", "purge", "--dry-run"]), @"
    exit 0
    -- stdout --
    would remove 0 pending logins; 2 kept: age unknown
    ");
    assert_eq!(sandbox.everything(), before);
    // Otherwise these would be old by now.
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    insta::assert_snapshot!(sandbox.result(["states", "purge", "--dry-run"]), @"would remove 0 pending logins; 2 kept: age unknown");
}

#[test]
fn states_of_unknown_age_are_noted_then_removed_when_old() {
    let mut sandbox = app();
    insta::assert_snapshot!(purge(&sandbox), @"removed 0 pending logins; 2 kept until their age is known");
    assert_eq!(keys(&sandbox), ["state-1", "state-2"]);
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T12:20:00Z");
    AppDatabase::open(&sandbox.path("app.db")).state("state-3", &state("key1"));
    insta::assert_snapshot!(purge(&sandbox), @"removed 0 pending logins; 3 kept until their age is known");
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T12:30:00Z");
    purge(&sandbox);
    assert_eq!(keys(&sandbox), ["state-1", "state-2", "state-3"], "not older than 30 minutes yet");
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    insta::assert_snapshot!(sandbox.result(["states", "purge", "-n"]), @"would remove 2 pending logins (2 by first-seen time); 1 kept: age unknown");
    insta::assert_snapshot!(purge(&sandbox), @"removed 2 pending logins (2 by first-seen time); 1 kept until their age is known");
    assert_eq!(keys(&sandbox), ["state-3"]);
    sandbox.set("OAUTHCTL_TEST_NOW", "2026-11-23T12:50:01Z");
    purge(&sandbox);
    assert_eq!(keys(&sandbox), [""; 0]);
}

#[test]
fn how_old_is_for_the_operator_to_say() {
    let mut sandbox = app();
    purge(&sandbox);
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    sandbox.result(["states", "purge", "--older-than", "1h"]);
    assert_eq!(keys(&sandbox).len(), 2);
    sandbox.result(["states", "purge", "--older-than", "30m"]);
    assert_eq!(keys(&sandbox).len(), 0);
}

#[test]
fn a_login_completed_meanwhile_is_not_counted() {
    let mut sandbox = app();
    purge(&sandbox);
    AppDatabase::open(&sandbox.path("app.db")).execute("DELETE FROM auth_state");
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    assert_eq!(purge(&sandbox), "removed 0 pending logins\n");
}

#[test]
fn notes_do_not_repeat_the_key_of_a_login() {
    let sandbox = app();
    purge(&sandbox);
    assert_eq!(sandbox.files(), ["app.db", "app.db.oauthctl"]);
    let notes = std::fs::read(sandbox.path("app.db.oauthctl")).unwrap();
    assert!(!String::from_utf8_lossy(&notes).contains("state-1"));
}

#[test]
fn what_is_no_login_is_never_removed() {
    let mut sandbox = app();
    AppDatabase::open(&sandbox.path("app.db")).execute(
        "INSERT INTO auth_state VALUES ('list', '[]'), ('no-json', 'x'), ('other', '{\"a\":1}'), ('empty', '')",
    );
    purge(&sandbox);
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    insta::assert_snapshot!(purge(&sandbox), @"removed 2 pending logins (2 by first-seen time); 4 kept: not a pending login");
    assert_eq!(keys(&sandbox), ["empty", "list", "no-json", "other"]);
}

#[test]
fn a_time_column_tells_the_age_at_once() {
    let value = state("key1").to_string();
    let adonis = format!(
        "INSERT INTO oauth_sessions VALUES ('{ALICE}', '{{}}', '2020-01-01 00:00:00');
         INSERT INTO oauth_states VALUES ('old', '{value}', '2026-11-23 11:29:59'), ('old-iso', '{value}', '2026-11-23T11:29:59.000Z'),
             ('young', '{value}', '2026-11-23 11:30:01'), ('future', '{value}', '2027-01-01 00:00:00')"
    );
    let sveltekit = |unit: i64| {
        format!(
            "INSERT INTO keyValueStore VALUES ('{ALICE}', '{value}', 'sessions', 1),
                 ('old', '{value}', 'states', {}), ('old-iso', '{value}', 'states', {}),
                 ('young', '{value}', 'states', {}), ('future', '{value}', 'states', {})",
            1_795_433_399 * unit,
            1_795_433_399 * unit,
            1_795_433_401 * unit,
            1_800_000_000 * unit
        )
    };
    for (name, tables, rows, left) in [
        (
            "adonis",
            ADONIS,
            adonis,
            "SELECT key FROM oauth_states UNION SELECT sub FROM oauth_sessions",
        ),
        ("seconds", SVELTEKIT, sveltekit(1), "SELECT key FROM keyValueStore ORDER BY key"),
        ("milliseconds", SVELTEKIT, sveltekit(1000), "SELECT key FROM keyValueStore ORDER BY key"),
    ] {
        let sandbox = Sandbox::new();
        let database = AppDatabase::with(&sandbox.path("app.db"), tables);
        database.execute(&rows);
        let planned = sandbox.result(["states", "purge", "--dry-run"]);
        assert_eq!(
            planned, "would remove 2 pending logins (2 by time column); 2 kept: too young\n",
            "{name}"
        );
        assert_eq!(
            purge(&sandbox),
            "removed 2 pending logins (2 by time column); 2 kept: too young\n",
            "{name}"
        );
        assert_eq!(database.rows(left), [ALICE, "future", "young"], "{name}");
        // No notes were needed.
        assert!(!sandbox.path("app.db.oauthctl").exists(), "{name}");
    }
}

#[test]
fn a_time_that_is_missing_is_made_up_for_by_a_note() {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::with(&sandbox.path("app.db"), ADONIS);
    database.execute(&format!(
        "INSERT INTO oauth_states VALUES ('a', '{}', NULL), ('b', '{0}', 'soon')",
        state("key1")
    ));
    assert_eq!(purge(&sandbox), "removed 0 pending logins; 2 kept until their age is known\n");
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    assert_eq!(purge(&sandbox), "removed 2 pending logins (2 by first-seen time)\n");
}

#[test]
fn programs_get_counts_as_json() {
    let sandbox = app();
    for format in ["json", "jsonl"] {
        let report = counts(&sandbox.result(["states", "purge", "--format", format]));
        let expected = json!({
            "by_ttl": 0, "by_column": 0, "by_first_seen": 0,
            "young": 0, "unknown": 2, "malformed": 0, "gone": 0,
        });
        assert_eq!(Value::Object(report), expected);
    }
    assert_eq!(
        sandbox.result(["states", "purge", "--format", "csv"]),
        "by_ttl,by_column,by_first_seen,young,unknown,malformed,gone\n0,0,0,0,2,0,0\n"
    );
}

#[test]
fn the_app_s_tables_stay_as_they_are() {
    let mut sandbox = app();
    let database = AppDatabase::open(&sandbox.path("app.db"));
    database.execute("INSERT INTO status VALUES ('at://x', 'y')");
    let shown = |database: &AppDatabase| {
        [
            "SELECT type, name, sql FROM sqlite_schema",
            "SELECT * FROM status",
            "SELECT * FROM auth_session",
            "PRAGMA user_version",
        ]
        .map(|sql| database.rows(sql))
    };
    let before = shown(&database);
    purge(&sandbox);
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    purge(&sandbox);
    assert_eq!(keys(&sandbox).len(), 0);
    assert_eq!(shown(&database), before);
}

#[test]
fn a_purge_at_the_same_time_as_another_counts_each_login_once() {
    let mut sandbox = app();
    let database = AppDatabase::open(&sandbox.path("app.db"));
    database.execute("BEGIN");
    for n in 0..2000 {
        database.state(&format!("more-{n}"), &state("key1"));
    }
    database.execute("COMMIT");
    purge(&sandbox);
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    let started: Vec<_> =
        (0..3).map(|_| sandbox.start(["states", "purge", "--format", "json"])).collect();
    let outputs = started.into_iter().map(|child| child.wait_with_output().unwrap());
    let removed = outputs.map(|output| {
        counts(std::str::from_utf8(&output.stdout).unwrap())["by_first_seen"].as_u64().unwrap()
    });
    assert_eq!(removed.sum::<u64>(), 2002);
}

#[test]
fn a_purge_that_fails_half_way_says_what_it_has_removed() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::with(&sandbox.path("app.db"), ADONIS);
    database.execute("BEGIN");
    for n in 1000..1600 {
        let value = state("key1");
        database.execute(&format!(
            "INSERT INTO oauth_states VALUES ('{n}', '{value}', '2026-11-23 11:00:00')"
        ));
    }
    database.execute(
        "COMMIT; CREATE TRIGGER broken BEFORE DELETE ON oauth_states WHEN OLD.key = '1550' BEGIN SELECT RAISE(ABORT, 'x'); END",
    );
    let output = sandbox.run(["states", "purge"]);
    let said = "removed 500 pending logins (500 by time column); stopped before the end\n";
    assert_eq!((output.code, output.stdout.as_str()), (3, said), "{output}");
    assert!(output.stderr.starts_with("warning: stopped early: app.db: "), "{output}");
    assert_eq!(database.rows("SELECT count(*) FROM oauth_states"), ["100"]);
    // A run without any effect is a failure.
    let again = sandbox.run(["states", "purge"]);
    assert_eq!((again.code, again.stdout.as_str()), (1, ""), "{again}");
}

#[test]
fn a_note_lasts_until_it_is_of_use() {
    let sandbox = app();
    sandbox.result(["states", "purge", "--older-than", "45d"]);
    let notes = AppDatabase::open(&sandbox.path("app.db.oauthctl"));
    let days = "SELECT DISTINCT round((until_ms / 1000.0 - unixepoch()) / 86400) FROM note";
    assert_eq!(notes.rows(days), ["75"]);
}

#[test]
fn a_merely_usual_ttl_requires_a_first_seen_note() {
    let redis = Redis::start();
    let mut sandbox = Sandbox::new();
    // In an app with a TTL of ten minutes, a recent login appears 50 minutes old if an hour is
    // assumed.
    for key in ["oauth:state:begun", "atproto:oauth:state:begun"] {
        redis.ask(&["SET", key, &state("key1").to_string(), "EX", "600"]);
    }
    let url = redis.url();
    let purge = |sandbox: &Sandbox, layout: &str| {
        sandbox.result([
            "--store",
            &url,
            "--layout",
            layout,
            "states",
            "purge",
            "--older-than",
            "15m",
        ])
    };
    let noted = "removed 0 pending logins; 1 kept until their age is known\n";
    assert_eq!(purge(&sandbox, "oauth"), noted);
    assert_eq!(purge(&sandbox, "oauth-stamped"), noted);
    assert_eq!(purge(&sandbox, "npmx"), "removed 1 pending login (1 by TTL)\n");
    sandbox.set("OAUTHCTL_TEST_NOW", LATER);
    assert_eq!(purge(&sandbox, "oauth"), "removed 1 pending login (1 by first-seen time)\n");
    assert_eq!(
        redis.ask(&["EXISTS", "oauth:state:begun", "atproto:oauth:state:begun"]),
        Answer::Number(0)
    );
}

#[test]
fn a_signal_is_heeded_while_the_store_is_silent() {
    let redis = Redis::start();
    redis.ask(&["SET", "atproto:oauth:state:begun", &state("key1").to_string()]);
    let proxy = Proxy::start(([127, 0, 0, 1], redis.port()).into()).unwrap();
    let url = format!("redis://{}", proxy.address());
    let sandbox = Sandbox::new();
    for command in ["list", "purge"] {
        // Messages before the scan: two greetings, and an answer to PING.
        proxy.plan(Spot { way: Way::Down, message: 3, halfway: false }, Mishap::Silence);
        let child = sandbox.start(["--store", &url, "--layout", "npmx", "states", command]);
        wait_until(|| proxy.messages()[1] > 3);
        interrupt(&child, "INT");
        let output = sandbox.output_of(child);
        assert_eq!(output.code, 130, "{command}: {output}");
        proxy.heal();
    }
}
