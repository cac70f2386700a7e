//! Simulated apps that write to a store and read it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use testbed::redis::{Answer, Cluster, Redis};

use crate::store::Kind;

/// Features that not all stores have.
pub(super) struct Capabilities {
    /// True if records expire.
    pub(super) lifetimes: bool,
}

/// App that uses the store concurrently. The part of the suite that is specific to a store.
pub(super) trait App: Sync {
    /// Returns the features of the store.
    fn can(&self) -> Capabilities;

    /// Writes like the app, without a TTL.
    fn put(&self, kind: Kind, key: &str, value: &Json);

    /// Reads like the app.
    fn value(&self, kind: Kind, key: &str) -> Option<Json>;

    /// Returns the remaining lifetime of a record, in a store with lifetimes.
    fn ttl(&self, _: &str) -> Option<Duration> {
        None
    }

    /// Returns the number of objects in the store, of the app and of others.
    fn size(&self) -> usize;
}

/// App on a single server.
pub(super) struct RedisApp<'r>(pub(super) &'r Redis);

/// App on a cluster.
pub(super) struct ClusterApp<'r>(pub(super) &'r Cluster);

fn json(answer: Answer) -> Option<Json> {
    match answer {
        Answer::Bulk(value) => value.map(|value| serde_json::from_slice(&value).unwrap()),
        other => panic!("{other:?}"),
    }
}

fn milliseconds(answer: &Answer) -> Option<Duration> {
    match answer {
        Answer::Number(left) => u64::try_from(*left).ok().map(Duration::from_millis),
        other => panic!("{other:?}"),
    }
}

fn number(answer: &Answer) -> usize {
    match answer {
        Answer::Number(number) => usize::try_from(*number).unwrap(),
        other => panic!("{other:?}"),
    }
}

impl App for RedisApp<'_> {
    fn can(&self) -> Capabilities {
        Capabilities { lifetimes: true }
    }

    fn put(&self, _: Kind, key: &str, value: &Json) {
        assert_eq!(self.0.ask(&["SET", key, &value.to_string()]), Answer::Status("OK".to_owned()));
    }

    fn value(&self, _: Kind, key: &str) -> Option<Json> {
        json(self.0.ask(&["GET", key]))
    }

    fn ttl(&self, key: &str) -> Option<Duration> {
        milliseconds(&self.0.ask(&["PTTL", key]))
    }

    fn size(&self) -> usize {
        number(&self.0.ask(&["DBSIZE"]))
    }
}

impl ClusterApp<'_> {
    /// Sends a command to the node of its key.
    fn ask(&self, command: &[&str]) -> Answer {
        let moved =
            |answer: &Answer| matches!(answer, Answer::Error(text) if text.starts_with("MOVED"));
        let answers = self.0.nodes.iter().map(|node| node.ask(command));
        answers.into_iter().find(|answer| !moved(answer)).expect("some node has the key")
    }
}

impl App for ClusterApp<'_> {
    fn can(&self) -> Capabilities {
        Capabilities { lifetimes: true }
    }

    fn put(&self, _: Kind, key: &str, value: &Json) {
        assert_eq!(self.ask(&["SET", key, &value.to_string()]), Answer::Status("OK".to_owned()));
    }

    fn value(&self, _: Kind, key: &str) -> Option<Json> {
        json(self.ask(&["GET", key]))
    }

    fn ttl(&self, key: &str) -> Option<Duration> {
        milliseconds(&self.ask(&["PTTL", key]))
    }

    fn size(&self) -> usize {
        self.0.nodes.iter().map(|node| number(&node.ask(&["DBSIZE"]))).sum()
    }
}

/// App on the tutorial's database.
pub(super) struct SqliteApp {
    dir: tempfile::TempDir,
}

impl SqliteApp {
    pub(super) fn new() -> Self {
        Self::with("CREATE TABLE auth_session (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    }

    /// Creates the app with another table of sessions.
    pub(super) fn with(sessions: &str) -> Self {
        let app = Self { dir: tempfile::tempdir().unwrap() };
        let states = "CREATE TABLE auth_state (key TEXT PRIMARY KEY, value TEXT NOT NULL)";
        app.connection()
            .execute_batch(&format!("PRAGMA journal_mode = WAL; {sessions}; {states};"))
            .unwrap();
        app
    }

    pub(super) fn directory(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn url(&self) -> String {
        format!("sqlite:{}", self.dir.path().join("app.db").display())
    }

    pub(super) fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.dir.path().join("app.db")).unwrap()
    }
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Session => "auth_session",
        Kind::State => "auth_state",
    }
}

impl App for SqliteApp {
    fn can(&self) -> Capabilities {
        Capabilities { lifetimes: false }
    }

    fn put(&self, kind: Kind, key: &str, value: &Json) {
        let sql = format!(
            "INSERT INTO {} VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            table(kind)
        );
        self.connection().execute(&sql, [key, &value.to_string()]).unwrap();
    }

    fn value(&self, kind: Kind, key: &str) -> Option<Json> {
        let sql = format!("SELECT value FROM {} WHERE key = ?1", table(kind));
        let value: String = self.connection().query_row(&sql, [key], |row| row.get(0)).ok()?;
        Some(serde_json::from_str(&value).unwrap())
    }

    fn size(&self) -> usize {
        std::fs::read_dir(self.dir.path())
            .unwrap()
            .filter(|file| {
                // SQLite's auxiliary files of an open database come and go.
                let name = file.as_ref().unwrap().file_name().to_string_lossy().into_owned();
                !name.ends_with("-wal") && !name.ends_with("-shm")
            })
            .count()
    }
}
