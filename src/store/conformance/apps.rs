//! The app's side of a store: what it writes, and what it would read.

use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use testbed::redis::{Answer, Cluster, Redis};

use crate::store::Kind;

/// What not every store can do.
pub(super) struct Capabilities {
    /// Records end by themselves.
    pub(super) lifetimes: bool,
}

/// An app that uses the store beside us: the part of this suite that each store has for itself.
pub(super) trait App: Sync {
    /// Tells which cases the store is tried with.
    fn can(&self) -> Capabilities;

    /// Writes as the app does, without a time to live.
    fn put(&self, kind: Kind, key: &str, value: &Json);

    /// Reads as the app does.
    fn value(&self, kind: Kind, key: &str) -> Option<Json>;

    /// How long a record will live, in a store with lifetimes.
    fn ttl(&self, _: &str) -> Option<Duration> {
        None
    }

    /// How many things there are in the store, the app's and anybody's.
    fn size(&self) -> usize;
}

/// One server.
pub(super) struct RedisApp<'r>(pub(super) &'r Redis);

/// A cluster.
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
    /// Returns the answer of the node that has the key.
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

/// The tutorial's database.
pub(super) struct SqliteApp {
    dir: tempfile::TempDir,
}

impl SqliteApp {
    pub(super) fn new() -> Self {
        Self::with("CREATE TABLE auth_session (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    }

    /// The same with another table of sessions.
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
                // SQLite's own files beside a database that is open come and go.
                let name = file.as_ref().unwrap().file_name().to_string_lossy().into_owned();
                !name.ends_with("-wal") && !name.ends_with("-shm")
            })
            .count()
    }
}
