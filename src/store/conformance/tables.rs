//! Tests of unusual databases: SQLite features that no app should rely on, and foreign tables.

use std::collections::BTreeMap;
use std::time::Duration;

use super::apps::SqliteApp;
use super::{open, plain};
use crate::store::{Kind, RecordKey, Store, Stored, Unreadable, Want, Written};

const ALL: Want = Want { values: true, ttls: true };

fn as_read(key: &RecordKey, value: &[u8]) -> Stored {
    Stored::new(key.clone(), value.to_vec().into())
}

/// Returns the number of sessions by key, read page by page.
async fn keys(store: &dyn Store) -> BTreeMap<RecordKey, usize> {
    let mut keys = BTreeMap::new();
    let mut scan = store.scan(Kind::Session, ALL);
    while let Some(records) = scan.next().await.unwrap() {
        for record in records {
            *keys.entry(record.key).or_default() += 1;
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_one_by_whichever_name_the_database_is_opened() {
    let app = SqliteApp::new();
    let directory = app.directory();
    let link = directory.join("link.db");
    std::os::unix::fs::symlink(directory.join("app.db"), &link).unwrap();
    let dotted = directory.join("..").join(directory.file_name().unwrap()).join("app.db");
    let store = open(&app.url(), &plain(), "statusphere").await;
    let account = "did:plc:ewvi7nxzyoun6zhxrhs64oiz".parse().unwrap();
    let held = store
        .lock(&store.layout().lock_name(&account), Duration::ZERO)
        .await
        .unwrap()
        .expect("nobody holds it");
    for other in [link, dotted] {
        let other = open(&format!("sqlite:{}", other.display()), &plain(), "statusphere").await;
        assert!(
            other
                .lock(&other.layout().lock_name(&account), Duration::ZERO)
                .await
                .unwrap()
                .is_none()
        );
        other
            .write_notes(&[("note".to_owned(), b"x".to_vec())], Duration::from_mins(1))
            .await
            .unwrap();
    }
    assert_eq!(store.notes(&["note".to_owned()]).await.unwrap(), [Some(b"x".to_vec())]);
    assert!(held.release().await.unwrap());
    assert!(!directory.join("link.db.oauthctl").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_brought_once_whatever_its_key() {
    for sessions in [
        "CREATE TABLE auth_session (key TEXT, value TEXT)",
        "CREATE TABLE auth_session (key TEXT COLLATE NOCASE, value TEXT)",
        "CREATE TABLE auth_session (key, value TEXT); CREATE INDEX by_key ON auth_session (key)",
    ] {
        let app = SqliteApp::with(sessions);
        // More rows per key than are read at once, at the start, in the middle and at the end.
        app.connection()
            .execute_batch(
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1200)
                 INSERT INTO auth_session SELECT NULL, n FROM n UNION ALL SELECT 'did:plc:' || (n + 10000), n FROM n
                 UNION ALL SELECT 'did:plc:10700', n FROM n UNION ALL SELECT 'DID:PLC:10700', n FROM n
                 UNION ALL SELECT 'x', n FROM n",
            )
            .unwrap();
        let found = keys(&*open(&app.url(), &plain(), "statusphere").await).await;
        let count = |key: &str| found[&RecordKey::from_text(key)];
        assert_eq!(found.values().sum::<usize>(), 6000, "{sessions}");
        assert_eq!(
            (count(""), count("did:plc:10700"), count("DID:PLC:10700"), count("x")),
            (1200, 1201, 1200, 1200)
        );
    }
    let without = "CREATE TABLE auth_session (key TEXT, value TEXT, n INTEGER, PRIMARY KEY (n, key)) WITHOUT ROWID";
    let app = SqliteApp::with(without);
    app.connection()
        .execute_batch(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1200)
             INSERT INTO auth_session SELECT 'did:plc:' || (n / 2), 'x', n FROM n",
        )
        .unwrap();
    let found = keys(&*open(&app.url(), &plain(), "statusphere").await).await;
    assert_eq!((found.values().sum::<usize>(), found.len()), (1200, 601));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_too_long_is_not_read_and_can_be_removed() {
    let app = SqliteApp::new();
    app.connection()
        .execute_batch(
            "INSERT INTO auth_session VALUES ('did:plc:blob', zeroblob(1 << 20 | 1)), ('did:plc:most', printf('%.*c', 1 << 20, 'x')),
                 ('did:plc:text', printf('%.*c', 1 << 19, 'x') || printf('%.*c', 1 << 19, 'x') || 'é')",
        )
        .unwrap();
    let store = open(&app.url(), &plain(), "statusphere").await;
    let mut scan = store.scan(Kind::Session, ALL);
    let found = scan.next().await.unwrap().unwrap();
    let seen: Vec<_> = found.iter().map(|record| (record.value.len(), record.unreadable)).collect();
    let too_large = (0, Some(Unreadable::TooLarge));
    assert_eq!(seen, [too_large, (1 << 20, None), too_large]);
    let key = RecordKey::from_text("did:plc:blob");
    assert_eq!(store.get(Kind::Session, &key).await.unwrap().unwrap().unreadable, too_large.1);
    assert_eq!(store.replace(&as_read(&key, b""), b"new").await.unwrap(), Written::Changed);
    app.connection()
        .execute("UPDATE auth_session SET value = '' WHERE key = 'did:plc:text'", [])
        .unwrap();
    let removed = store.remove(Kind::Session, &found).await.unwrap();
    assert_eq!(removed, [Written::Done, Written::Done, Written::Changed]);
}

/// Returns a table without unique keys, with these values under one key.
fn rows_of_one_key(values: &[&str]) -> (SqliteApp, RecordKey) {
    let app = SqliteApp::with("CREATE TABLE auth_session (key TEXT, value TEXT)");
    let key = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    for value in values {
        app.connection().execute("INSERT INTO auth_session VALUES (?1, ?2)", [key, value]).unwrap();
    }
    (app, RecordKey::from_text(key))
}

fn values(app: &SqliteApp) -> Vec<String> {
    let connection = app.connection();
    let mut statement =
        connection.prepare("SELECT value FROM auth_session ORDER BY value").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_meets_the_row_that_was_read() {
    let (app, key) = rows_of_one_key(&["a", "b", "c"]);
    let store = open(&app.url(), &plain(), "statusphere").await;
    let found = store.records(Kind::Session, &key).await.unwrap();
    assert_eq!(
        found.iter().map(|record| record.value.to_vec()).collect::<Vec<_>>(),
        [b"a", b"b", b"c"]
    );
    assert_eq!(store.sessions_of(&key.text().parse().unwrap()).await.unwrap().len(), 3);
    assert_eq!(store.replace(&as_read(&key, b"b"), b"B").await.unwrap(), Written::Done);
    assert_eq!(store.replace(&as_read(&key, b"b"), b"x").await.unwrap(), Written::Changed);
    assert_eq!(values(&app), ["B", "a", "c"]);
    let removed = store.remove(Kind::Session, &found).await.unwrap();
    assert_eq!(removed, [Written::Done, Written::Changed, Written::Done]);
    assert_eq!(values(&app), ["B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_alike_are_not_replaced_and_go_one_by_one() {
    let (app, key) = rows_of_one_key(&["a", "a", "b"]);
    let store = open(&app.url(), &plain(), "statusphere").await;
    let error = store.replace(&as_read(&key, b"a"), b"A").await.unwrap_err();
    assert!(error.to_string().contains("several rows contain the same record"), "{error:#}");
    assert_eq!(values(&app), ["a", "a", "b"]);
    assert_eq!(store.replace(&as_read(&key, b"b"), b"B").await.unwrap(), Written::Done);
    let found = store.records(Kind::Session, &key).await.unwrap();
    assert_eq!(store.remove(Kind::Session, &found[..1]).await.unwrap(), [Written::Done]);
    assert_eq!(values(&app), ["B", "a"]);
    let none_left =
        store.remove(Kind::Session, &[found[0].clone(), found[0].clone()]).await.unwrap();
    assert_eq!(none_left, [Written::Done, Written::Changed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_met_whatever_type_its_value_has() {
    for sql in ["x'7b7d'", "'{}'", "7", "NULL", "''"] {
        let app = SqliteApp::with("CREATE TABLE auth_session (key, value)");
        let insert =
            format!("INSERT INTO auth_session VALUES ('did:plc:a', {sql}), ('did:plc:a', 'other')");
        app.connection().execute(&insert, []).unwrap();
        let store = open(&app.url(), &plain(), "statusphere").await;
        let found = store.records(Kind::Session, &RecordKey::from_text("did:plc:a")).await.unwrap();
        assert_eq!(store.replace(&found[0], b"new").await.unwrap(), Written::Done, "{sql}");
        assert_eq!(values(&app), ["new", "other"], "{sql}");
        assert_eq!(
            store.remove(Kind::Session, &found).await.unwrap(),
            [Written::Changed, Written::Done],
            "{sql}"
        );
    }
}
