//! Errors about stores and their addresses: one line with the name of the store and a hint, and no
//! change.

use crate::database::AppDatabase;
use crate::samples::{ALICE, session};
use crate::sandbox::{Sandbox, assert_is_refusal};

#[test]
fn a_database_that_is_not_there() {
    let mut sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list"]), @r"
    exit 2
    -- stderr --
    error: no store is configured: none of REDIS_URL, VALKEY_URL, REDIS_TLS_URL, UPSTASH_KV_REST_API_URL, KV_REST_API_URL, UPSTASH_REDIS_REST_URL, KV_URL, DATABASE_PATH, DB_PATH, KV_DB_PATH, DATABASE_URL, POSTGRES_URL, DB_URL names a store, and app.db does not exist here
    hint: name it with --store redis://HOST, --store postgres://HOST/DATABASE or --store sqlite:PATH, or in oauthctl.toml as `url` under [store]
    ");
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--store", "sqlite:missing.db"]), @r"
    exit 2
    -- stderr --
    error: missing.db: the database does not exist
    hint: check the path; oauthctl never creates a database
    ");
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--store", "sqlite:missing/app.db"]), @r"
    exit 2
    -- stderr --
    error: missing/app.db: the database does not exist
    hint: check the path; oauthctl never creates a database
    ");
    sandbox.set("DATABASE_PATH", "missing.db");
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list"]), @r"
    exit 2
    -- stderr --
    error: missing.db: the database does not exist
    hint: check the path; oauthctl never creates a database
    ");
}

#[test]
fn an_address_that_is_none() {
    let sandbox = Sandbox::new();
    let store = |address| sandbox.refusal(["sessions", "list", "--store", address]);
    insta::assert_snapshot!(store("app.db"), @r#"
    exit 2
    -- stderr --
    error: --store: "app.db" is probably the path of an SQLite database, not an address
    hint: write sqlite:app.db
    "#);
    insta::assert_snapshot!(store("sqlite:"), @r"
    exit 2
    -- stderr --
    error: --store: sqlite:: names no file
    hint: write sqlite:PATH
    ");
    insta::assert_snapshot!(store("sqlite::memory:"), @r"
    exit 2
    -- stderr --
    error: --store: sqlite::memory:: is an in-memory database of the app, which other programs cannot open
    hint: configure the app to use a file, and use that file
    ");
    let refusal = store("mysql://root:hunter2@localhost/app");
    assert!(!refusal.stderr.contains("hunter2"));
    insta::assert_snapshot!(refusal, @r#"
    exit 2
    -- stderr --
    error: --store: unknown kind of store: "mysql"
    hint: write redis://HOST, rediss://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE, or sqlite:PATH
    "#);
}

#[test]
fn a_database_without_the_tables() {
    let sandbox = Sandbox::new();
    let connection = rusqlite::Connection::open(sandbox.path("app.db")).unwrap();
    connection.execute_batch("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)").unwrap();
    drop(connection);
    // A new layout does not change the message.
    let listing = || {
        let output = sandbox.refusal(["sessions", "list"]).to_string();
        let (before, names) = output.split_once("SQL layouts are statusphere, ").unwrap();
        let (_, after) = names.split_once("; ").unwrap();
        format!("{before}SQL layouts are …; {after}")
    };
    insta::assert_snapshot!(listing(), @r"
    exit 2
    -- stderr --
    error: app.db: no known layout matches this database: it has users(id, name)
    hint: is it the app's database? SQL layouts are …; define another one under [layouts.NAME] in oauthctl.toml
    ");
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--layout", "statusphere"]), @"
    exit 2
    -- stderr --
    error: app.db: the tables of layout statusphere are not in this database: it has users(id, name)
    hint: statusphere has auth_session(key, value) and auth_state(key, value)
    ");
    sandbox.file("app.db", "");
    insta::assert_snapshot!(listing(), @r"
    exit 2
    -- stderr --
    error: app.db: no known layout matches this database: it has no tables
    hint: is it the app's database? SQL layouts are …; define another one under [layouts.NAME] in oauthctl.toml
    ");
}

#[test]
fn a_database_of_another_layout_than_the_one_named() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--layout", "statusphere-legacy"]), @"
    exit 2
    -- stderr --
    error: app.db: the tables of layout statusphere-legacy are not in this database: it has auth_session(key, value), auth_state(key, value), status(uri, status)
    hint: statusphere-legacy has auth_session(key, session) and auth_state(key, state)
    ");
}

#[test]
fn a_file_that_is_no_database() {
    let sandbox = Sandbox::new();
    sandbox.file("app.db", "hello, this is no database".repeat(100));
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list"]), @r"
    exit 2
    -- stderr --
    error: app.db: is not an SQLite database
    caused by: file is not a database
    caused by: Error code 26: file is not a database
    hint: check --store
    ");
    std::fs::remove_file(sandbox.path("app.db")).unwrap();
    std::fs::create_dir(sandbox.path("app.db")).unwrap();
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list"]), @r"
    exit 2
    -- stderr --
    error: app.db: is a directory, not a database
    hint: use the database file in it, like sqlite:DIRECTORY/app.db
    ");
}

#[test]
fn a_database_cut_short() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for n in 0..100 {
        database.session(&session(&format!("did:plc:{n:024}"), "3h"));
    }
    database.close();
    let bytes = std::fs::read(sandbox.path("app.db")).unwrap();
    sandbox.file("app.db", &bytes[..bytes.len() / 2]);
    let output = sandbox.run(["sessions", "list", "--format", "jsonl"]);
    assert_eq!(output.code, 1, "{output}");
    insta::assert_snapshot!(output.stderr, @r"
    error: app.db: the database is damaged
    caused by: database disk image is malformed
    caused by: Error code 11: database disk image is malformed
    hint: `PRAGMA integrity_check` in the sqlite3 shell shows the damage; its `.recover` saves readable data
    ");
}

#[test]
fn a_locked_database_is_waited_for_and_then_given_up() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.execute("PRAGMA journal_mode = delete; BEGIN EXCLUSIVE");
    let begin = std::time::Instant::now();
    let refusal = sandbox.run(["sessions", "list"]);
    assert_is_refusal(&refusal);
    assert_eq!(sandbox.files(), ["app.db"]);
    assert!(
        begin.elapsed() > std::time::Duration::from_secs(1),
        "an app that writes for a moment is waited for"
    );
    insta::assert_snapshot!(refusal, @r"
    exit 1
    -- stderr --
    error: app.db: the database is locked by another process
    caused by: database is locked
    caused by: Error code 5: database is locked
    hint: try again after the app or its migration has finished writing
    ");
}

#[test]
fn a_database_in_a_directory_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db"))
        .session(&session(ALICE, "3h"))
        .execute("PRAGMA wal_checkpoint");
    sandbox.sh("chmod 755 . ..; chmod 644 app.db");
    insta::assert_snapshot!(sandbox.refusal_for_an_ordinary_user(["sessions", "list"]), @r"
    exit 1
    -- stderr --
    error: app.db: cannot open the database
    caused by: attempt to write a readonly database
    caused by: Error code 1544: attempt to write a readonly database
    hint: run oauthctl as the user of the app; SQLite must be able to write to the directory of the database
    ");
}
