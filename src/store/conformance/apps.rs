//! The app's side of a store: what it writes, and what it would read.

use std::path::Path;
use std::time::Duration;

use testbed::redis::{Answer, Cluster, Redis};

use crate::store::Kind;

/// An app that uses the store beside us.
pub(super) trait App: Sync {
    /// Writes as the app does, without a time to live.
    fn put(&self, kind: Kind, key: &str, value: &str);

    /// Reads as the app does.
    fn value(&self, kind: Kind, key: &str) -> Option<String>;

    /// How long a record will live, in a store that knows.
    fn ttl(&self, key: &str) -> Option<Duration>;

    /// How many things there are in the store, the app's and anybody's.
    fn size(&self) -> usize;

    /// Whether the store has keys of Redis.
    fn has_lifetimes(&self) -> bool {
        true
    }
}

/// One server.
pub(super) struct RedisApp<'r>(pub(super) &'r Redis);

/// A cluster.
pub(super) struct ClusterApp<'r>(pub(super) &'r Cluster);

fn text(answer: Answer) -> Option<String> {
    match answer {
        Answer::Bulk(value) => value.map(|value| String::from_utf8(value).unwrap()),
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
    fn put(&self, _: Kind, key: &str, value: &str) {
        assert_eq!(self.0.ask(&["SET", key, value]), Answer::Status("OK".to_owned()));
    }

    fn value(&self, _: Kind, key: &str) -> Option<String> {
        text(self.0.ask(&["GET", key]))
    }

    fn ttl(&self, key: &str) -> Option<Duration> {
        milliseconds(&self.0.ask(&["PTTL", key]))
    }

    fn size(&self) -> usize {
        number(&self.0.ask(&["DBSIZE"]))
    }
}

impl ClusterApp<'_> {
    /// The answer of the node that has the key.
    fn ask(&self, command: &[&str]) -> Answer {
        let moved = |answer: &Answer| matches!(answer, Answer::Error(text) if text.starts_with("MOVED"));
        let answers = self.0.nodes.iter().map(|node| node.ask(command));
        answers.into_iter().find(|answer| !moved(answer)).expect("some node has the key")
    }
}

impl App for ClusterApp<'_> {
    fn put(&self, _: Kind, key: &str, value: &str) {
        assert_eq!(self.ask(&["SET", key, value]), Answer::Status("OK".to_owned()));
    }

    fn value(&self, _: Kind, key: &str) -> Option<String> {
        text(self.ask(&["GET", key]))
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
        app.connection().execute_batch(&format!("PRAGMA journal_mode = WAL; {sessions}; {states};")).unwrap();
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
    fn put(&self, kind: Kind, key: &str, value: &str) {
        let sql =
            format!("INSERT INTO {} VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value", table(kind));
        self.connection().execute(&sql, [key, value]).unwrap();
    }

    fn value(&self, kind: Kind, key: &str) -> Option<String> {
        let sql = format!("SELECT value FROM {} WHERE key = ?1", table(kind));
        self.connection().query_row(&sql, [key], |row| row.get(0)).ok()
    }

    fn ttl(&self, _: &str) -> Option<Duration> {
        None
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

    fn has_lifetimes(&self) -> bool {
        false
    }
}
