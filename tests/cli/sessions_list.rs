//! `oauthctl sessions list` shows all sessions of a store, and does not change the store.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, jwk_with, object, session};
use crate::sandbox::Sandbox;

/// Returns a record like the app's, with one change.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut record = session(ALICE, "3h");
    change(&mut record);
    record
}

/// Returns an app directory with two users' sessions.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&session(ALICE, "10m")).session(&session(BOB, "40h"));
    database.close();
    sandbox
}

/// Returns the rows of a JSON list.
fn rows(output: &str) -> Vec<Value> {
    serde_json::from_str(output).unwrap_or_else(|e| panic!("{e}: {output}"))
}

#[test]
fn in_the_app_s_directory_it_needs_no_option() {
    insta::assert_snapshot!(app().run(["sessions", "list"]), @r"
    exit 0
    -- stdout --
    DID                               STATUS  REFRESHED  KID   ISSUER            REASON
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  fresh   10m ago    key1  auth.example.com
    did:plc:z72i7hdynmk6r22z27h6tvur  due     40h ago    key1  auth.example.com
    -- stderr --
    2 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn the_database_is_found_where_the_app_finds_it() {
    let mut sandbox = app();
    std::fs::rename(sandbox.path("app.db"), sandbox.path("elsewhere.db")).unwrap();
    for (name, value) in [
        ("DATABASE_PATH", "elsewhere.db"),
        ("DATABASE_PATH", "sqlite:elsewhere.db"),
        ("OAUTHCTL_STORE", "sqlite:elsewhere.db"),
        ("OAUTHCTL_STORE", "sqlite://elsewhere.db"),
    ] {
        let output = sandbox.set(name, value).run(["sessions", "list", "--format", "jsonl"]);
        assert_eq!(
            (output.code, output.stdout.lines().count()),
            (0, 2),
            "{name}={value}: {output}"
        );
    }
}

#[test]
fn json_is_one_document() {
    insta::assert_snapshot!(app().run(["sessions", "list", "--format", "json", "-q"]), @r#"
    exit 0
    -- stdout --
    [
    {"key":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","issuer":"https://auth.example.com","pds":"https://pds.example.com/","scope":"atproto transition:generic","auth_method":"private_key_jwt","kid":"key1","dpop_alg":"ES256K","expires_at":"2026-11-23T12:50:00.000Z","last_refreshed_at":"2026-11-23T11:50:00.000Z","last_refreshed_by":"access_token","status":"fresh","reason":null,"layout":"statusphere","format":"node"},
    {"key":"did:plc:z72i7hdynmk6r22z27h6tvur","did":"did:plc:z72i7hdynmk6r22z27h6tvur","issuer":"https://auth.example.com","pds":"https://pds.example.com/","scope":"atproto transition:generic","auth_method":"private_key_jwt","kid":"key1","dpop_alg":"ES256K","expires_at":"2026-11-21T21:00:00.000Z","last_refreshed_at":"2026-11-21T20:00:00.000Z","last_refreshed_by":"access_token","status":"due","reason":null,"layout":"statusphere","format":"node"}
    ]
    "#);
}

#[test]
fn json_lines_are_one_object_each() {
    let output = app().run(["sessions", "list", "--format", "jsonl", "-q"]);
    let fields = [
        "key",
        "did",
        "issuer",
        "pds",
        "scope",
        "auth_method",
        "kid",
        "dpop_alg",
        "expires_at",
        "last_refreshed_at",
        "last_refreshed_by",
        "status",
        "reason",
        "layout",
        "format",
    ];
    for line in output.stdout.lines() {
        assert_eq!(object(line).keys().collect::<Vec<_>>(), fields);
    }
    assert_eq!(output.stdout.lines().count(), 2);
}

#[test]
fn csv_has_a_header_and_a_record_each() {
    insta::assert_snapshot!(app().run(["sessions", "list", "--format", "csv", "-q"]), @r"
    exit 0
    -- stdout --
    key,did,issuer,pds,scope,auth_method,kid,dpop_alg,expires_at,last_refreshed_at,last_refreshed_by,status,reason,layout,format
    did:plc:ewvi7nxzyoun6zhxrhs64oiz,did:plc:ewvi7nxzyoun6zhxrhs64oiz,https://auth.example.com,https://pds.example.com/,atproto transition:generic,private_key_jwt,key1,ES256K,2026-11-23T12:50:00.000Z,2026-11-23T11:50:00.000Z,access_token,fresh,,statusphere,node
    did:plc:z72i7hdynmk6r22z27h6tvur,did:plc:z72i7hdynmk6r22z27h6tvur,https://auth.example.com,https://pds.example.com/,atproto transition:generic,private_key_jwt,key1,ES256K,2026-11-21T21:00:00.000Z,2026-11-21T20:00:00.000Z,access_token,due,,statusphere,node
    ");
}

#[test]
fn an_empty_store_is_an_empty_list_in_every_format() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    insta::assert_snapshot!(sandbox.run(["sessions", "list"]), @r"
    exit 0
    -- stdout --
    DID  STATUS  REFRESHED  KID  ISSUER  REASON
    -- stderr --
    0 sessions in sqlite:app.db (layout statusphere)
    ");
    insta::assert_snapshot!(sandbox.run(["sessions", "list", "--format", "json"]), @r"
    exit 0
    -- stdout --
    []
    -- stderr --
    0 sessions in sqlite:app.db (layout statusphere)
    ");
    insta::assert_snapshot!(sandbox.run(["sessions", "list", "--format", "jsonl"]), @r"
    exit 0
    -- stderr --
    0 sessions in sqlite:app.db (layout statusphere)
    ");
    insta::assert_snapshot!(sandbox.run(["sessions", "list", "--format", "csv"]), @r"
    exit 0
    -- stdout --
    key,did,issuer,pds,scope,auth_method,kid,dpop_alg,expires_at,last_refreshed_at,last_refreshed_by,status,reason,layout,format
    -- stderr --
    0 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn a_session_s_status_follows_from_its_age() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for (refreshed, status) in [
        ("59m", "fresh"),
        ("61m", "idle"),
        ("23h", "idle"),
        ("24h", "due"),
        ("91d", "due"),
        ("92d", "suspect"),
    ] {
        database.session(&session(ALICE, refreshed));
        let listed = rows(&sandbox.run(["sessions", "list", "--format", "json"]).stdout);
        assert_eq!(listed[0]["status"], status, "{refreshed}");
    }
    for (refreshed, status) in [("13d", "due"), ("15d", "suspect")] {
        let mut public = session(ALICE, refreshed);
        public["authMethod"] = json!({"method": "none"});
        database.session(&public);
        let listed = rows(&sandbox.run(["sessions", "list", "--format", "json"]).stdout);
        assert_eq!(listed[0]["status"], status, "public, {refreshed}");
    }
}

#[test]
fn what_keeps_a_session_from_being_refreshed_is_named() {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let with = |did: &str, change: &dyn Fn(&mut Value)| {
        let mut record = session(did, "3h");
        change(&mut record);
        database.session(&record);
    };
    with("did:web:other-key.example.com", &|s| s["authMethod"]["kid"] = json!("lost"));
    with("did:web:public.example.com", &|s| s["authMethod"] = json!({"method": "none"}));
    with("did:web:rsa.example.com", &|s| s["dpopJwk"] = json!({"kty": "RSA", "d": "x"}));
    with("did:web:no-refresh-token.example.com", &|s| {
        s["tokenSet"].as_object_mut().unwrap().remove("refresh_token");
    });
    with("did:web:fine.example.com", &|_| ());
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    insta::assert_snapshot!(sandbox.run(["sessions", "list"]), @r"
    exit 0
    -- stdout --
    DID                                   STATUS   REFRESHED  KID   ISSUER            REASON
    did:web:fine.example.com              idle     3h ago     key1  auth.example.com
    did:web:no-refresh-token.example.com  dead     3h ago     key1  auth.example.com  expired, and has no refresh token
    did:web:other-key.example.com         blocked  3h ago     lost  auth.example.com  its client key lost is not in the key set
    did:web:public.example.com            blocked  3h ago     none  auth.example.com  started when the client was public; `oauthctl sessions upgrade` converts it
    did:web:rsa.example.com               blocked  3h ago     key1  auth.example.com  the DPoP key is neither ES256 nor ES256K
    -- stderr --
    5 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn an_age_that_nothing_tells_is_unknown() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).session(&changed(|s| {
        s["tokenSet"].as_object_mut().unwrap().remove("expires_at");
        s["tokenSet"]["access_token"] = json!("opaque");
    }));
    let listed = rows(&sandbox.run(["sessions", "list", "--format", "json"]).stdout);
    assert_eq!(listed[0]["last_refreshed_at"], Value::Null);
    assert_eq!(listed[0]["last_refreshed_by"], Value::Null);
    assert_eq!(listed[0]["reason"], "last refresh unknown");
}

#[test]
fn what_is_no_session_is_listed_with_the_reason() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let remove = |member: &'static str| {
        changed(|s| drop(s.as_object_mut().unwrap().remove(member))).to_string()
    };
    for (key, value) in [
        ("did:web:array", "[]".to_owned()),
        ("did:web:cut-short", session(ALICE, "3h").to_string()[..200].to_owned()),
        ("did:web:deep", "[".repeat(100_000)),
        ("did:web:empty", String::new()),
        (
            "did:web:expiry",
            changed(|s| s["tokenSet"]["expires_at"] = json!("yesterday")).to_string(),
        ),
        ("did:web:no-auth-method", remove("authMethod")),
        ("did:web:no-dpop-key", remove("dpopJwk")),
        ("did:web:no-tokens", remove("tokenSet")),
        ("did:web:null", "null".to_owned()),
        ("did:web:number-for-a-text", changed(|s| s["tokenSet"]["iss"] = json!(1)).to_string()),
        ("did:web:someone-else", session(ALICE, "3h").to_string()),
        ("not a did", session("not a did", "3h").to_string()),
    ] {
        database.record(key, &value);
    }
    database.execute(
        "INSERT INTO auth_session VALUES (NULL, 'x'), (CAST(x'ff' AS TEXT), x'00ff'), (42, 42)",
    );
    insta::assert_snapshot!(sandbox.run(["sessions", "list"]), @r"
    exit 0
    -- stdout --
    DID                        STATUS     REFRESHED  KID  ISSUER  REASON
                               foreign    -          -    -       the key contains no account
    42                         foreign    -          -    -       the key contains no account
    did:web:array              foreign    -          -    -       a member has the wrong type
    did:web:cut-short          foreign    -          -    -       not JSON, perhaps encrypted
    did:web:deep               foreign    -          -    -       not JSON, perhaps encrypted
    did:web:empty              malformed  -          -    -       empty
    did:web:expiry             foreign    -          -    -       the session belongs to another account than its key
    did:web:no-auth-method     foreign    -          -    -       no client authentication, as in records of very old clients
    did:web:no-dpop-key        foreign    -          -    -       no DPoP key
    did:web:no-tokens          foreign    -          -    -       no token set
    did:web:null               foreign    -          -    -       a member has the wrong type
    did:web:number-for-a-text  foreign    -          -    -       a member has the wrong type
    did:web:someone-else       foreign    -          -    -       the session belongs to another account than its key
    not a did                  foreign    -          -    -       the key contains no account
    �                          foreign    -          -    -       the key contains no account
    -- stderr --
    15 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn records_tolerated_by_the_app_are_not_malformed() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for record in [
        changed(|s| s["later"] = json!({"nested": [1, 2]})),
        changed(|s| s["tokenSet"]["expires_at"] = json!("2026-11-23T10:00:00.123456+00:00")),
        changed(|s| s["dpopJwk"]["alg"] = json!("ES256K")),
    ] {
        let text = format!(" \n{}", serde_json::to_string_pretty(&record).unwrap());
        database.record(ALICE, &text);
        assert_eq!(
            rows(&sandbox.run(["sessions", "list", "--format", "json"]).stdout)[0]["status"],
            "idle",
            "{text}"
        );
    }
}

#[test]
fn nothing_in_a_store_acts_on_the_terminal() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let evil = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}31m\r\u{202e}\u{0}\u{7f}";
    database.record(evil, "x");
    database.session(&changed(|s| {
        s["tokenSet"]["iss"] = json!(evil);
        s["tokenSet"]["aud"] = json!(evil);
        s["tokenSet"]["scope"] = json!(evil);
        s["authMethod"]["kid"] = json!(evil);
    }));
    for format in ["table", "json", "jsonl", "csv"] {
        let output = sandbox.run(["sessions", "list", "--format", format]);
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(
            !output.stdout.contains(acts) && !output.stderr.contains(acts),
            "{format}: {output:?}"
        );
        assert!(output.stdout.contains("pwned"), "{format}: {output}");
    }
    // JSON contains the complete value.
    let listed = rows(&sandbox.run(["sessions", "list", "--format", "json"]).stdout);
    assert!(listed.iter().any(|row| row["key"] == evil));
}

#[test]
fn no_secret_is_listed() {
    let sandbox = app();
    for format in ["table", "json", "jsonl", "csv"] {
        let output = sandbox.run(["sessions", "list", "--format", format]).to_string();
        for secret in ["ref-0123456789abcdef", "eyJ0eXAi", "dpop-private"] {
            assert!(!output.contains(secret), "{format}: {output}");
        }
    }
}

#[test]
fn nothing_is_left_behind_beside_the_database() {
    let sandbox = app();
    let before = sandbox.everything();
    assert_eq!(sandbox.files(), ["app.db"]);
    for arguments in [&["sessions", "list"] as &[_], &["sessions", "show", ALICE]] {
        assert_eq!(sandbox.run(arguments).code, 0);
        assert_eq!(sandbox.everything(), before, "{arguments:?}");
    }
}

#[test]
fn a_running_app_keeps_writing_while_its_sessions_are_listed() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.execute("PRAGMA wal_autocheckpoint = 0");
    let account = |n: usize| format!("did:plc:{n:024}");
    for n in 0..1200 {
        database.session(&session(&account(n), "3h"));
    }
    let before = sandbox.files();
    assert_eq!(before, ["app.db", "app.db-shm", "app.db-wal"]);
    let listed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let app = rusqlite::Connection::open(sandbox.path("app.db")).unwrap();
            let fresh = session(&account(7), "1m").to_string();
            let mut writes = 0;
            while !listed.load(Ordering::Relaxed) || writes == 0 {
                // No busy timeout: a blocking reader would fail this.
                app.execute(
                    "INSERT OR REPLACE INTO auth_session VALUES (?1, ?2)",
                    [&account(7), &fresh],
                )
                .unwrap();
                writes += 1;
            }
        });
        for _ in 0..3 {
            let output = sandbox.run(["sessions", "list", "--format", "jsonl"]);
            assert_eq!(output.code, 0, "{output}");
            let mut keys: Vec<_> =
                output.stdout.lines().map(|line| object(line)["key"].to_string()).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), 1200, "each exactly once");
        }
        listed.store(true, Ordering::Relaxed);
    });
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_row_that_the_app_holds_uncommitted_is_not_waited_for() {
    let sandbox = app();
    let writer = rusqlite::Connection::open(sandbox.path("app.db")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; DELETE FROM auth_session").unwrap();
    assert_eq!(sandbox.run(["sessions", "list", "--format", "jsonl"]).stdout.lines().count(), 2);
}

#[test]
fn the_older_layout_of_the_same_app_is_recognised() {
    let sandbox = Sandbox::new();
    let connection = rusqlite::Connection::open(sandbox.path("app.db")).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE auth_session (key TEXT PRIMARY KEY, session TEXT NOT NULL);
             CREATE TABLE auth_state (key TEXT PRIMARY KEY, state TEXT NOT NULL);",
        )
        .unwrap();
    connection
        .execute(
            "INSERT INTO auth_session VALUES (?1, ?2)",
            [ALICE, &session(ALICE, "3h").to_string()],
        )
        .unwrap();
    insta::assert_snapshot!(sandbox.run(["sessions", "list"]), @r"
    exit 0
    -- stdout --
    DID                               STATUS  REFRESHED  KID   ISSUER            REASON
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  idle    3h ago     key1  auth.example.com
    -- stderr --
    1 session in sqlite:app.db (layout statusphere-legacy)
    ");
}

#[test]
fn a_table_with_everything_is_there_on_request() {
    insta::assert_snapshot!(app().run(["sessions", "list", "--wide"]), @r"
    exit 0
    -- stdout --
    DID                               STATUS  KID   EXPIRES               LAST REFRESHED        ISSUER            LAYOUT       FORMAT  REASON
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  fresh   key1  2026-11-23T12:50:00Z  2026-11-23T11:50:00Z  auth.example.com  statusphere  node
    did:plc:z72i7hdynmk6r22z27h6tvur  due     key1  2026-11-21T21:00:00Z  2026-11-21T20:00:00Z  auth.example.com  statusphere  node
    -- stderr --
    2 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn tables_fit_the_terminal_without_cutting_identifiers() {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&changed(|s| {
        s["authMethod"]["kid"] = json!("bCEeUp-6bIsR2AjnQ9tupOb2361WTDMSZ_Zd67Nxmw4");
    }));
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    let widest =
        |text: &str| text.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    let on_paper = sandbox.run(["sessions", "list"]).stdout;
    assert!(on_paper.contains("its client key bCEeUp-6… is not in the key set"), "{on_paper}");
    for width in [100, 80] {
        let mut command = sandbox.command("sh");
        command.args([
            "-c",
            &format!("stty rows 24 cols {width}; exec oauthctl sessions list --color never"),
        ]);
        let mut terminal = rexpect::session::spawn_command(command, Some(10_000)).unwrap();
        // It treats each byte as a character.
        let shown = terminal.exp_eof().unwrap().replace("â\u{80}¦", "…");
        assert!(widest(&shown) <= width && widest(&on_paper) > width, "{shown}");
        assert!(shown.contains(ALICE) && shown.contains('…'), "{shown}");
    }
}

#[test]
fn a_table_is_about_as_wide_as_a_terminal_of_today() {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for (did, refreshed, change) in [
        (ALICE, "100d", None),
        (BOB, "3h", Some("refresh_token")),
        ("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "40h", None),
    ] {
        let mut record = session(did, refreshed);
        record["authMethod"]["kid"] = json!("1795420766438");
        record["tokenSet"]["iss"] = json!("https://bsky.social");
        if let Some(name) = change {
            record["tokenSet"].as_object_mut().unwrap().remove(name);
        }
        database.session(&record);
    }
    sandbox.set("NUXT_OAUTH_JWK_ONE", jwk_with(KEY1, &json!({"kid": "1795420766438"})));
    let output = sandbox.run(["sessions", "list"]);
    insta::assert_snapshot!(output, @r"
    exit 0
    -- stdout --
    DID                               STATUS   REFRESHED  KID        ISSUER       REASON
    did:plc:aaaaaaaaaaaaaaaaaaaaaaaa  due      40h ago    17954207…  bsky.social
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  suspect  100d ago   17954207…  bsky.social  not refreshed for longer than 91d 7h
    did:plc:z72i7hdynmk6r22z27h6tvur  dead     3h ago     17954207…  bsky.social  expired, and has no refresh token
    -- stderr --
    3 sessions in sqlite:app.db (layout statusphere)
    ");
    assert!(output.stdout.lines().all(|line| line.chars().count() <= 120), "{output}");
}

#[test]
fn a_person_at_a_terminal_sees_colours_unless_they_are_unwanted() {
    let mut sandbox = app();
    assert!(sandbox.on_a_terminal(["sessions", "list"]).contains("\u{1b}[32mfresh"));
    assert!(!sandbox.on_a_terminal(["sessions", "list", "--color", "never"]).contains('\u{1b}'));
    assert!(!sandbox.run(["sessions", "list"]).stdout.contains('\u{1b}'));
    assert!(sandbox.run(["sessions", "list", "--color", "always"]).stdout.contains('\u{1b}'));
    sandbox.set("NO_COLOR", "1");
    assert!(!sandbox.on_a_terminal(["sessions", "list"]).contains('\u{1b}'));
}
