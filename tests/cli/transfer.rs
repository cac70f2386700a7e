//! `oauthctl sessions export | import` moves an app from one store to another without logging users
//! out.

use serde_json::{Value, json};
use testbed::LoginOptions;
use testbed::redis::{Answer, Redis};

use crate::app::{App, days_ago};
use crate::database::{ADONIS, AppDatabase, LEGACY, STATUSPHERE, SVELTEKIT};
use crate::samples::{ALICE, BOB, object, session};
use crate::sandbox::{Sandbox, interrupt};

/// Returns a record with unknown members, in an unusual notation.
fn odd(did: &str) -> String {
    let text = session(did, "40h").to_string();
    let odd =
        r#"{ "later" : {"b":1.50,"a":[ 1e2,null]} ,"name":"J\u00f6rg \u263a ü","authMethod":"#;
    text.replacen(r#"{"authMethod":"#, odd, 1)
}

/// Returns the old app's store, and an empty one with these tables, named by the profile `new`.
fn between(tables: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&session(ALICE, "3h")).record(BOB, &odd(BOB));
    database.close();
    AppDatabase::with(&sandbox.path("new.db"), tables).close();
    sandbox.file("oauthctl.toml", "[profiles.new.store]\nurl = 'sqlite:new.db'\n");
    sandbox
}

/// Returns the rows in the new store.
fn arrived(sandbox: &Sandbox, sql: &str) -> Vec<String> {
    AppDatabase::open(&sandbox.path("new.db")).rows(sql)
}

const MOVE: &str = "oauthctl sessions export -o - | oauthctl --profile new sessions import - --source-app-stopped; echo ${PIPESTATUS[@]}";

/// Returns an export of the old app's store.
fn export(sandbox: &Sandbox) -> String {
    sandbox.run(["sessions", "export", "-o", "-", "-q"]).stdout
}

#[test]
fn every_session_arrives_byte_for_byte_whatever_the_layout() {
    let custom = "CREATE TABLE logins (id TEXT PRIMARY KEY, data TEXT NOT NULL, at TEXT NOT NULL); CREATE TABLE begun (id TEXT, data TEXT);";
    for (layout, tables, sql) in [
        ("statusphere-legacy", LEGACY, "SELECT key, session FROM auth_session ORDER BY key"),
        (
            "sveltekit-template",
            SVELTEKIT,
            "SELECT key, value FROM keyValueStore WHERE storeName = 'sessions' ORDER BY key",
        ),
        ("adonis", ADONIS, "SELECT sub, value FROM oauth_sessions ORDER BY sub"),
        ("custom", custom, "SELECT id, data FROM logins ORDER BY id"),
    ] {
        let sandbox = between(tables);
        let mut settings = sandbox.read("oauthctl.toml");
        settings.push_str(
            "[layouts.custom]\nsession_table = 'logins'\nsession_key_column = 'id'\nsession_value_column = 'data'
             session_updated_column = 'at'\nstate_table = 'begun'\nstate_key_column = 'id'\nstate_value_column = 'data'\n",
        );
        sandbox.file("oauthctl.toml", settings);
        let before = sandbox.run(["sessions", "list", "--format", "jsonl"]);
        let moved = sandbox.sh(MOVE);
        assert_eq!(moved.stdout, "imported 2 sessions\n0 0\n", "{layout}: {moved}");
        let expected = [format!("{ALICE}|{}", session(ALICE, "3h")), format!("{BOB}|{}", odd(BOB))];
        assert_eq!(arrived(&sandbox, sql), expected, "{layout}");
        // Sessions do not appear refreshed because of the move.
        let after = sandbox.run(["--profile", "new", "sessions", "list", "--format", "jsonl"]);
        assert!(after.stderr.ends_with(&format!("(layout {layout})\n")), "{after}");
        for (before, after) in
            before.stdout.lines().map(object).zip(after.stdout.lines().map(object))
        {
            for member in ["key", "last_refreshed_at", "expires_at", "status", "kid"] {
                assert_eq!(before[member], after[member], "{layout}: {member}");
            }
        }
        // Nothing was left next to either store.
        assert_eq!(sandbox.files(), ["app.db", "new.db", "oauthctl.toml"]);
    }
}

#[test]
fn a_time_column_is_written_as_the_app_writes_it() {
    let refreshed = session(ALICE, "3h");
    let adonis = |time: &str| {
        format!("{ADONIS} INSERT INTO oauth_sessions VALUES ('{BOB}', '{{}}', {time});")
    };
    let sveltekit = |time: &str| {
        format!("{SVELTEKIT} INSERT INTO keyValueStore VALUES ('x', '', 'states', {time});")
    };
    for (tables, expected) in [
        (ADONIS.to_owned(), "2026-11-23 09:00:00"),
        (adonis("'2020-01-01 00:00:00'"), "2026-11-23 09:00:00"),
        (adonis("'2020-01-01T00:00:00.000Z'"), "2026-11-23T09:00:00.000Z"),
        (adonis("1577836800000"), "1795424400000"),
        (SVELTEKIT.to_owned(), "1795424400"),
        (sveltekit("1577836800"), "1795424400"),
        (sveltekit("1577836800000"), "1795424400000"),
    ] {
        let sandbox = between(&tables);
        AppDatabase::open(&sandbox.path("app.db"))
            .execute("DELETE FROM auth_session")
            .session(&refreshed);
        assert_eq!(sandbox.sh(MOVE).stdout, "imported 1 session\n0 0\n", "{tables}");
        let (table, key, column) = if tables.contains("keyValueStore") {
            ("keyValueStore", "key", "createdAt")
        } else {
            ("oauth_sessions", "sub", "updated_at")
        };
        let sql = format!("SELECT {column} FROM {table} WHERE {key} = '{ALICE}'");
        assert_eq!(arrived(&sandbox, &sql), [expected], "{tables}");
    }
}

#[test]
fn an_export_is_one_line_a_session() {
    let sandbox = between(LEGACY);
    let database = AppDatabase::open(&sandbox.path("app.db"));
    database.record(
        ALICE,
        &format!("\r\n{}\n", serde_json::to_string_pretty(&session(ALICE, "3h")).unwrap()),
    );
    let lines = export(&sandbox);
    assert_eq!(lines.lines().count(), 2);
    let first = object(lines.lines().next().unwrap());
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        ["did", "key", "sid", "ttl", "last_refreshed_at", "record"]
    );
    assert_eq!(
        (&first["did"], &first["sid"], &first["ttl"]),
        (&json!(ALICE), &Value::Null, &Value::Null)
    );
    assert_eq!(first["record"], session(ALICE, "3h"));
    assert_eq!(sandbox.sh(MOVE).stdout, "imported 2 sessions\n0 0\n");
}

#[test]
fn exports_are_private_and_never_overwrite_a_file() {
    let sandbox = between(LEGACY);
    insta::assert_snapshot!(sandbox.run(["sessions", "export", "-o", "out.jsonl"]), @"
    exit 0
    -- stderr --
    exported 2 sessions
    wrote out.jsonl; it contains the tokens of all users: delete it after the move
    ");
    assert_eq!(sandbox.mode("out.jsonl"), 0o600);
    assert_eq!(sandbox.read("out.jsonl"), export(&sandbox));
    insta::assert_snapshot!(sandbox.refusal(["sessions", "export", "-o", "out.jsonl"]), @"
    exit 2
    -- stderr --
    error: out.jsonl: the file exists
    hint: choose another name, or --force to replace it
    ");
    sandbox.sh("chmod 644 out.jsonl");
    let forced = sandbox.run(["sessions", "export", "-o", "out.jsonl", "--force", "--limit", "1"]);
    assert_eq!((forced.code, sandbox.mode("out.jsonl")), (0, 0o600), "{forced}");
    assert_eq!(sandbox.read("out.jsonl").lines().count(), 1);
}

#[test]
fn an_export_is_told_where_to_go() {
    let sandbox = between(LEGACY);
    let output = sandbox.run(["sessions", "export"]);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    assert!(output.stderr.contains("--output"), "{output}");
    assert_eq!(sandbox.refusal(["sessions", "export", "-o", "missing/out.jsonl"]).code, 1);
    // A file that cannot be opened causes no other message.
    assert_eq!(
        sandbox
            .refusal(["sessions", "export", "-o", "out.jsonl", "--store", "sqlite:missing.db"])
            .code,
        2
    );
}

#[test]
fn an_export_takes_the_filters_of_sessions() {
    let sandbox = between(LEGACY);
    let output = sandbox.run(["sessions", "export", "-o", "-", "--status", "due"]);
    assert_eq!(
        (output.stdout.lines().count(), output.stderr.as_str()),
        (1, "exported 1 session\n")
    );
    assert_eq!(object(&output.stdout)["did"], BOB);
}

#[test]
fn what_is_no_session_is_left_out_and_named() {
    let sandbox = between(LEGACY);
    AppDatabase::open(&sandbox.path("app.db"))
        .record("did:web:broken", "{")
        .record("\u{1b}[2J", "[]");
    let output = sandbox.run(["sessions", "export", "-o", "out.jsonl"]);
    insta::assert_snapshot!(output, @r"
    exit 3
    -- stderr --
    warning: left out \u{1b}[2J: the key contains no account
    warning: left out did:web:broken: not JSON, perhaps encrypted
    exported 2 sessions
    wrote out.jsonl; it contains the tokens of all users: delete it after the move
    ");
    assert_eq!(sandbox.read("out.jsonl").lines().count(), 2);
}

#[test]
fn a_reader_that_went_away_ends_an_export_in_peace() {
    let sandbox = between(LEGACY);
    AppDatabase::open(&sandbox.path("app.db")).sessions_like(&session(ALICE, "3h"), 2000);
    let output =
        sandbox.sh("oauthctl sessions export -o - -q | head -n 1 | wc -l; echo ${PIPESTATUS[0]}");
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("1\n0\n", ""));
}

#[test]
fn an_interrupted_export_leaves_no_half_file() {
    let sandbox = between(LEGACY);
    AppDatabase::open(&sandbox.path("app.db")).sessions_like(&session(ALICE, "3h"), 50_000);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let before = sandbox.files();
        let child = sandbox.start(["sessions", "export", "-o", "out.jsonl"]);
        interrupt(&child, signal);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.ends_with("warning: interrupted: out.jsonl was not written\n"), "{stderr}");
        assert_eq!(sandbox.files(), before);
    }
}

#[test]
fn a_second_import_changes_nothing() {
    let sandbox = between(STATUSPHERE);
    assert_eq!(sandbox.sh(MOVE).stdout, "imported 2 sessions\n0 0\n");
    let before = sandbox.everything();
    for again in [MOVE.to_owned(), MOVE.replace("import -", "import - --replace")] {
        assert_eq!(
            sandbox.sh(&again).stdout,
            "imported 0 sessions; 2 already there, unchanged\n0 0\n"
        );
    }
    assert_eq!(sandbox.everything(), before);
}

#[test]
fn a_dry_run_of_import_changes_nothing() {
    let sandbox = between(LEGACY);
    let exported = export(&sandbox);
    sandbox.file("out.jsonl", exported);
    let before = sandbox.everything();
    let import = ["--profile", "new", "sessions", "import", "out.jsonl", "--dry-run"];
    assert_eq!(sandbox.result(import), "would import 2 sessions\n");
    let report = object(&sandbox.run([&import[..], &["--format", "json"]].concat()).stdout);
    assert_eq!((&report["dry_run"], &report["counts"]["created"]), (&json!(true), &json!(2)));
    assert_eq!(sandbox.everything(), before);
}

#[test]
fn an_import_of_many_does_not_get_in_its_own_way() {
    // A database not in WAL mode permits one connection at a time.
    for (mode, count) in [("wal", 500), ("delete", 100)] {
        let sandbox = between(STATUSPHERE);
        AppDatabase::open(&sandbox.path("app.db")).sessions_like(&session(ALICE, "3h"), count);
        AppDatabase::open(&sandbox.path("new.db")).rows(&format!("PRAGMA journal_mode = {mode}"));
        let all = count + 2;
        assert_eq!(sandbox.sh(MOVE).stdout, format!("imported {all} sessions\n0 0\n"), "{mode}");
        let again = format!("imported 0 sessions; {all} already there, unchanged\n0 0\n");
        assert_eq!(sandbox.sh(MOVE).stdout, again, "{mode}");
    }
}

/// Returns an import over sessions that are older, newer and not comparable.
fn collision() -> (Sandbox, [Value; 3]) {
    let sandbox = between(STATUSPHERE);
    let database = AppDatabase::open(&sandbox.path("new.db"));
    let older = session(ALICE, "30h");
    let newer = session(BOB, "1h");
    let mut ageless = session("did:web:ageless", "3h");
    ageless["tokenSet"]["access_token"] = json!("opaque");
    drop(ageless["tokenSet"].as_object_mut().unwrap().remove("expires_at"));
    AppDatabase::open(&sandbox.path("app.db")).session(&ageless);
    ageless["tokenSet"]["refresh_token"] = json!("another");
    database.session(&older).session(&newer).session(&ageless);
    (sandbox, [older, newer, ageless])
}

#[test]
fn what_is_there_already_is_kept() {
    let (sandbox, there) = collision();
    let output = sandbox.sh(MOVE);
    insta::assert_snapshot!(output, @"
    exit 0
    -- stdout --
    imported 0 sessions; 3 already there, kept
    0 0
    -- stderr --
    exported 3 sessions
    ");
    let sql = "SELECT value FROM auth_session ORDER BY key";
    let expected: Vec<_> = there.iter().map(ToString::to_string).collect();
    assert_eq!(arrived(&sandbox, sql), expected);
    // A dry run reports the same.
    assert_eq!(
        sandbox.sh(&MOVE.replace("import -", "import - -n")).stdout,
        output.stdout.replace("imported", "would import")
    );
}

#[test]
fn replace_touches_only_what_is_provably_older() {
    let (sandbox, [_, newer, ageless]) = collision();
    let planned = sandbox.sh(&MOVE.replace("import -", "import - --replace -n"));
    insta::assert_snapshot!(planned.stdout, @"
    would import 1 session; 1 replacing an older one; 2 already there, not provably older, kept
    0 3
    ");
    let output = sandbox.sh(&MOVE.replace("import -", "import - --replace"));
    insta::assert_snapshot!(output, @"
    exit 0
    -- stdout --
    imported 1 session; 1 replacing an older one; 2 already there, not provably older, kept
    0 3
    -- stderr --
    exported 3 sessions
    warning: line 2: did:plc:z72i7hdynmk6r22z27h6tvur has a session in the store that is not provably older and is kept
    warning: line 3: did:web:ageless has a session in the store that is not provably older and is kept
    ");
    let rows = arrived(&sandbox, "SELECT value FROM auth_session ORDER BY key");
    assert_eq!(rows, [session(ALICE, "3h").to_string(), newer.to_string(), ageless.to_string()]);
}

#[test]
fn a_replaced_record_has_the_time_of_its_replacement() {
    let sandbox = between(ADONIS);
    AppDatabase::open(&sandbox.path("new.db")).execute(&format!(
        "INSERT INTO oauth_sessions VALUES ('{ALICE}', '{}', '2026-11-22 06:00:00')",
        session(ALICE, "30h")
    ));
    let output = sandbox.sh(&MOVE.replace("import -", "import - --replace"));
    assert_eq!(output.stdout, "imported 2 sessions; 1 replacing an older one\n0 0\n");
    let sql = format!(
        "SELECT updated_at > '2026-11-22 06:00:00' FROM oauth_sessions WHERE sub = '{ALICE}'"
    );
    assert_eq!(arrived(&sandbox, &sql), ["1"]);
}

#[test]
fn invalid_lines_are_reported_and_the_others_imported() {
    let mut sandbox = between(LEGACY);
    let exported = export(&sandbox);
    let (first, second) = exported.split_once('\n').unwrap();
    let mut input = b"nonsense\n".to_vec();
    input.extend([first.as_bytes(), b"\n\n  \r\n{}\n\xff\xfe\n"].concat());
    input.extend([b"x".repeat(3 << 20), b"\n".to_vec()].concat());
    // Of another account than stated.
    input.extend(first.replacen(ALICE, BOB, 1).as_bytes());
    input.extend([b"\n", second.trim_end().as_bytes()].concat());
    sandbox.stdin(input);
    let output =
        sandbox.run(["--profile", "new", "sessions", "import", "--source-app-stopped", "-"]);
    insta::assert_snapshot!(output, @"
    exit 3
    -- stdout --
    imported 2 sessions; 5 malformed, left out
    -- stderr --
    warning: line 1 is not an exported session
    warning: line 5 is not an exported session
    warning: line 6 is not an exported session
    warning: line 7 is not an exported session
    warning: line 8 is not an exported session
    ");
    assert_eq!(arrived(&sandbox, "SELECT count(*) FROM auth_session"), ["2"]);
}

#[test]
fn many_invalid_lines_are_one_warning_after_the_first() {
    let mut sandbox = between(LEGACY);
    let exported = export(&sandbox);
    let input = format!("{exported}{}", "{}\n".repeat(3000));
    sandbox.stdin(input.clone().into_bytes());
    let arguments = ["--profile", "new", "sessions", "import", "--source-app-stopped", "-"];
    let output = sandbox.run(arguments);
    assert_eq!((output.code, output.stderr.lines().count()), (3, 6), "{output}");
    let more = "warning: 2,995 more lines: not an exported session; -v lists each\n";
    assert!(output.stderr.ends_with(more), "{output}");
    sandbox.stdin(input.into_bytes());
    let output = sandbox.run(arguments.into_iter().chain(["-v"]));
    assert_eq!(output.stderr.matches("is not an exported session").count(), 3000);
}

#[test]
fn an_import_reads_files_and_says_which_it_cannot() {
    let sandbox = between(LEGACY);
    insta::assert_snapshot!(sandbox.refusal(["--profile", "new", "sessions", "import", "missing.jsonl"]), @"
    exit 2
    -- stderr --
    error: missing.jsonl: cannot read the export
    caused by: No such file or directory (os error 2)
    hint: check the path, and that this user can read it
    ");
    assert_eq!(
        sandbox
            .refusal(["sessions", "import", "oauthctl.toml", "--store", "sqlite:missing.db"])
            .code,
        2
    );
    sandbox.file("empty.jsonl", "");
    insta::assert_snapshot!(sandbox.refusal(["--profile", "new", "sessions", "import", "empty.jsonl"]), @"
    exit 1
    -- stderr --
    error: empty.jsonl: nothing was imported: the input is empty
    hint: check the output of `oauthctl sessions export`, and its --store
    ");
}

#[test]
fn a_table_that_wants_more_than_oauthctl_knows_is_named() {
    let sandbox = between(
        "CREATE TABLE auth_session (key TEXT, value TEXT, tenant TEXT NOT NULL); CREATE TABLE auth_state (key TEXT, value TEXT);",
    );
    sandbox.file("out.jsonl", export(&sandbox));
    insta::assert_snapshot!(sandbox.refusal(["--profile", "new", "sessions", "import", "--source-app-stopped", "out.jsonl"]), @"
    exit 1
    -- stderr --
    error: new.db: the app's table rejects the record
    caused by: NOT NULL constraint failed: auth_session.tenant
    caused by: Error code 1299: constraint failed
    hint: a column unknown to oauthctl needs a value; only the app can write such records
    ");
}

#[test]
fn a_file_that_is_no_export_is_refused_at_its_first_lines() {
    let sandbox = between(LEGACY);
    let noise = "GET / HTTP/1.1\n".repeat(5000);
    for text in ["x", "\n{}\n", &noise] {
        sandbox.file("wrong.jsonl", text);
        let refusal = sandbox.refusal(["--profile", "new", "sessions", "import", "wrong.jsonl"]);
        assert_eq!(
            (refusal.code, refusal.stderr.as_str()),
            (
                2,
                "error: wrong.jsonl: not an export of oauthctl\n\
                 hint: `oauthctl sessions export` writes one\n"
            )
        );
    }
}

#[test]
fn programs_get_counts_of_an_import_as_json() {
    let (sandbox, _) = collision();
    AppDatabase::open(&sandbox.path("new.db"))
        .execute(&format!("DELETE FROM auth_session WHERE key = '{ALICE}'"));
    let output = sandbox.sh(&MOVE.replace("import -", "import - --replace --format json"));
    let (document, exits) = output.stdout.rsplit_once("}\n").unwrap();
    assert_eq!(exits, "0 3\n", "{output}");
    let document = object(&format!("{document}}}"));
    let counts = json!({"created": 1, "replaced": 0, "unchanged": 0, "kept": 0, "not_newer": 2,
        "crowded": 0, "unusable": 0, "malformed": 0});
    assert_eq!((&document["dry_run"], &document["counts"]), (&json!(false), &counts));
    let results: Vec<_> =
        document["items"].as_array().unwrap().iter().map(|item| &item["result"]).collect();
    assert_eq!(results.iter().filter(|result| **result == "not_newer").count(), 2, "{output}");
}

#[test]
fn a_record_goes_into_several_browsers_layout_and_back() {
    let sandbox = between(
        "CREATE TABLE s (k TEXT PRIMARY KEY, v TEXT); CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT);",
    );
    let mut settings = sandbox.read("oauthctl.toml");
    settings.push_str(
        "[layouts.many]\nsession_table = 's'\nsession_key = '{did}/{sid}'\nsession_key_column = 'k'\nsession_value_column = 'v'
         state_table = 't'\nstate_key_column = 'k'\nstate_value_column = 'v'\n",
    );
    sandbox.file("oauthctl.toml", settings);
    for created in ["imported 2 sessions", "imported 0 sessions; 2 already there, unchanged"] {
        assert_eq!(sandbox.sh(MOVE).stdout, format!("{created}\n0 0\n"));
    }
    let keys = arrived(&sandbox, "SELECT k FROM s ORDER BY k");
    assert!(
        keys[0].starts_with(&format!("{ALICE}/")) && keys[1].starts_with(&format!("{BOB}/")),
        "{keys:?}"
    );
    let back = "oauthctl --profile new sessions export -o - | oauthctl sessions import - --source-app-stopped; echo ${PIPESTATUS[@]}";
    assert_eq!(sandbox.sh(back).stdout, "imported 0 sessions; 2 already there, unchanged\n0 0\n");
}

#[test]
fn no_secret_shows_up_beside_the_export() {
    let (sandbox, _) = collision();
    let output = sandbox
        .sh("oauthctl sessions export -o - | oauthctl --profile new sessions import - --source-app-stopped --replace");
    for secret in ["ref-0123456789abcdef", "eyJ0eXAi", "dpop-private"] {
        assert!(!output.to_string().contains(secret), "{output}");
    }
}

/// Returns the TTL of a key in Redis in seconds, after an import of one session of ALICE with this
/// remaining time.
fn left_after_a_move(layout: &str, key: &str, ttl: Value) -> i64 {
    let redis = Redis::start();
    let mut sandbox = between(STATUSPHERE);
    let mut line = object(export(&sandbox).lines().next().unwrap());
    line.insert("ttl".to_owned(), ttl);
    sandbox.stdin(Value::Object(line).to_string());
    let import = [
        "--store",
        &redis.url(),
        "--layout",
        layout,
        "sessions",
        "import",
        "--source-app-stopped",
        "-",
    ];
    assert_eq!(sandbox.result(import), "imported 1 session\n");
    let Answer::Number(left) = redis.ask(&["TTL", &format!("{key}{ALICE}")]) else {
        panic!("a number is answered")
    };
    left
}

#[test]
fn a_move_leaves_a_session_no_less_time_than_its_new_app_would() {
    const DAY: i64 = 86_400;
    for ttl in [json!(600), json!(400 * DAY), Value::Null] {
        assert_eq!(
            left_after_a_move("atproto", "atproto:session:", ttl),
            -1,
            "the layout's sessions end by no time"
        );
    }
    for (ttl, expected) in [(json!(600), 179 * DAY - 3 * 3600), (json!(400 * DAY), 400 * DAY)] {
        let left = left_after_a_move("npmx", "atproto:oauth:sessions:", ttl);
        assert!((expected - 60..=expected).contains(&left), "{left}");
    }
}

#[test]
fn a_second_import_recognises_reformatted_tokens() {
    let redis = Redis::start();
    let sandbox = between(STATUSPHERE);
    let older = session(ALICE, "30h").to_string();
    redis.ask(&["SET", &format!("oauth:session:{ALICE}"), &older]);
    let import = format!(
        "oauthctl sessions export -o - -q | oauthctl --store {} --layout oauth-stamped sessions import - --source-app-stopped --replace",
        redis.url()
    );
    assert_eq!(sandbox.sh(&import).stdout, "imported 2 sessions; 1 replacing an older one\n");
    let again = sandbox.sh(&import);
    assert_eq!(
        (again.stdout.as_str(), again.code),
        ("imported 0 sessions; 2 already there, unchanged\n", 0)
    );
}

#[test]
fn of_several_sessions_of_an_account_the_newest_is_imported() {
    let mut sandbox = between(STATUSPHERE);
    let line = |age: &str, token: &str| {
        let mut record = session(ALICE, age);
        record["tokenSet"]["refresh_token"] = json!(token);
        let key = format!("{ALICE}:{token}");
        json!({"did": ALICE, "key": key, "sid": token, "ttl": null, "last_refreshed_at": null, "record": record})
    };
    let [old, new, older] = [line("30h", "b"), line("3h", "a"), line("50h", "c")];
    sandbox.stdin([&old, &new, &new, &older].map(Value::to_string).join("\n"));
    let planned =
        sandbox.run(["--profile", "new", "sessions", "import", "--source-app-stopped", "-", "-n"]);
    assert_eq!(planned.code, 3, "{planned}");
    insta::assert_snapshot!(sandbox.run(["--profile", "new", "sessions", "import", "--source-app-stopped", "-"]), @"
    exit 3
    -- stdout --
    imported 1 session; 1 already there, unchanged; 2 left out, because the layout has one session per account
    -- stderr --
    warning: line 2: did:plc:ewvi7nxzyoun6zhxrhs64oiz has several sessions, but the layout has one per account: the newest is imported if it is known
    warning: line 4: did:plc:ewvi7nxzyoun6zhxrhs64oiz has several sessions, but the layout has one per account: the newest is imported if it is known
    ");
    assert_eq!(arrived(&sandbox, "SELECT value FROM auth_session"), [new["record"].to_string()]);
}

#[test]
fn what_was_brought_in_before_the_store_failed_is_counted() {
    let sandbox = between(STATUSPHERE);
    AppDatabase::open(&sandbox.path("app.db")).sessions_like(&session(ALICE, "3h"), 300);
    AppDatabase::open(&sandbox.path("new.db")).execute(&format!(
        "CREATE TRIGGER full BEFORE INSERT ON auth_session WHEN NEW.key = '{BOB}' BEGIN SELECT RAISE(ABORT, 'no'); END"
    ));
    let output = sandbox.sh(MOVE);
    assert!(output.stderr.contains("warning: stopped early: new.db"), "{output}");
    let there: usize = arrived(&sandbox, "SELECT count(*) FROM auth_session")[0].parse().unwrap();
    let said = format!("imported {there} sessions; stopped before the end\n");
    assert!(
        there > 0 && output.stdout.starts_with(&said) && output.stdout.ends_with(" 3\n"),
        "{there}: {output}"
    );
}

#[test]
fn an_export_hands_out_no_tokens_that_were_used_up() {
    let app = App::new();
    for did in [ALICE, BOB] {
        app.log_in(1, &LoginOptions { did: Some(did.to_owned()), ..days_ago(2) });
    }
    let broken = "CREATE TRIGGER broken BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END";
    app.database.execute(broken);
    assert_eq!(app.sessions(&format!("refresh {ALICE}")).code, 1);
    assert_eq!(app.recovery_entries().len(), 1);
    let output = app.sessions("export -o -");
    assert_eq!((output.code, output.stdout.lines().count()), (3, 1), "{output}");
    assert_eq!(object(&output.stdout)["did"], BOB);
    assert!(
        output.stderr.contains(&format!("left out {ALICE}: its new tokens are not stored yet")),
        "{output}"
    );
    app.database.execute("DROP TRIGGER broken");
    let output = app.sessions("export -o -");
    assert_eq!((output.code, output.stdout.lines().count()), (0, 2), "{output}");
    assert!(app.recovery_entries().is_empty());
    let records: Vec<_> =
        output.stdout.lines().map(|line| object(line)["record"].clone()).collect();
    assert!(records.iter().all(|record| app.net.is_alive_with(record)), "{output}");
}

#[test]
fn refresh_tokens_are_imported_only_while_their_app_is_stopped() {
    let mut sandbox = between(STATUSPHERE);
    let exported = export(&sandbox);
    sandbox.file("out.jsonl", &exported);
    insta::assert_snapshot!(sandbox.refusal(["--profile", "new", "sessions", "import", "out.jsonl"]), @"
    exit 2
    -- stderr --
    error: the export contains refresh tokens, and an app that still uses them would end these sessions
    hint: stop the app of the old store, and confirm with --source-app-stopped; start it on this store only
    ");
    // `--yes` does not confirm it, either, and leading records without a token change nothing.
    assert_eq!(
        sandbox
            .refusal(["--profile", "new", "sessions", "import", "out.jsonl", "--replace", "--yes"])
            .code,
        2
    );
    let mut expired = object(exported.lines().next().unwrap());
    drop(expired["record"]["tokenSet"].as_object_mut().unwrap().remove("refresh_token"));
    let expired = Value::Object(expired).to_string();
    sandbox.stdin(format!("nonsense\n{expired}\n{exported}"));
    assert_eq!(sandbox.refusal(["--profile", "new", "sessions", "import", "-"]).code, 2);
    assert_eq!(arrived(&sandbox, "SELECT count(*) FROM auth_session"), ["0"]);
    // A record without a refresh token cannot be sent.
    sandbox.stdin(expired);
    assert_eq!(
        sandbox.result(["--profile", "new", "sessions", "import", "-"]),
        "imported 1 session\n"
    );
}

#[test]
fn a_person_is_asked_whether_the_old_app_is_stopped() {
    for (answer, said, count) in
        [("n", "not confirmed; nothing was imported", "0"), ("y", "imported 2 sessions", "2")]
    {
        let sandbox = between(STATUSPHERE);
        sandbox.file("out.jsonl", export(&sandbox));
        let mut terminal =
            sandbox.terminal(["--profile", "new", "sessions", "import", "out.jsonl"]);
        terminal.exp_string("Is the app of the old store stopped").unwrap();
        terminal.send_line(answer).unwrap();
        let rest = terminal.exp_eof().unwrap();
        assert!(rest.contains(said), "{rest}");
        assert_eq!(arrived(&sandbox, "SELECT count(*) FROM auth_session"), [count]);
    }
}
