//! SQLite database of a running app, and the tables of all SQL layouts.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value;

use crate::app::did_of;

/// Tables of the layout `statusphere`, and one of the app's own.
pub(crate) const STATUSPHERE: &str = "
    CREATE TABLE auth_session (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE auth_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE status (uri TEXT PRIMARY KEY, status TEXT NOT NULL);";
/// Tables of the layout `statusphere-legacy`.
pub(crate) const LEGACY: &str = "
    CREATE TABLE auth_session (key varchar PRIMARY KEY, session varchar NOT NULL);
    CREATE TABLE auth_state (key varchar PRIMARY KEY, state varchar NOT NULL);";
/// Table of the layout `sveltekit-template`.
pub(crate) const SVELTEKIT: &str = "
    CREATE TABLE keyValueStore (
        key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, storeName TEXT NOT NULL, createdAt INTEGER NOT NULL);";
/// Tables of the layout `adonis`.
pub(crate) const ADONIS: &str = "
    CREATE TABLE oauth_sessions (sub varchar(255) PRIMARY KEY NOT NULL, value text NOT NULL, updated_at datetime);
    CREATE TABLE oauth_states (key varchar(255) PRIMARY KEY NOT NULL, value text NOT NULL, updated_at datetime);";

/// Database as left by a running app: in WAL mode, open.
pub(crate) struct AppDatabase(Connection);

impl AppDatabase {
    /// Creates a database of the statusphere layout.
    pub(crate) fn create(path: &Path) -> Self {
        Self::with(path, STATUSPHERE)
    }

    /// Creates a database with these tables.
    pub(crate) fn with(path: &Path, tables: &str) -> Self {
        let database = Self::open(path);
        database.0.pragma_update(None, "journal_mode", "wal").unwrap();
        database.execute(tables);
        database
    }

    /// Opens an existing database.
    pub(crate) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        // No test simulates a power failure.
        connection.pragma_update(None, "synchronous", "off").unwrap();
        Self(connection)
    }

    /// Stores a session under its DID.
    pub(crate) fn session(&self, session: &Value) -> &Self {
        self.record(did_of(session), &session.to_string())
    }

    /// Stores this number of sessions like this one, each of another account.
    pub(crate) fn sessions_like(&self, session: &Value, count: u32) -> &Self {
        let sub = did_of(session);
        self.execute(&format!(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count})
             INSERT INTO auth_session
             SELECT printf('did:plc:%024d', n), replace('{session}', '{sub}', printf('did:plc:%024d', n)) FROM number"
        ))
    }

    /// Stores any text in the table of sessions.
    pub(crate) fn record(&self, key: &str, value: &str) -> &Self {
        self.0
            .execute("INSERT OR REPLACE INTO auth_session VALUES (?1, ?2)", [key, value])
            .unwrap();
        self
    }

    /// Stores a pending login.
    pub(crate) fn state(&self, key: &str, state: &Value) -> &Self {
        self.0
            .execute("INSERT INTO auth_state VALUES (?1, ?2)", [key, &state.to_string()])
            .unwrap();
        self
    }

    /// Runs SQL as the app would.
    pub(crate) fn execute(&self, sql: &str) -> &Self {
        self.0.execute_batch(sql).unwrap();
        self
    }

    /// Returns the rows of a query, with columns separated by bars.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.0.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |value: ValueRef<'_>| match value {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Real(n) => n.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                String::from_utf8_lossy(text).into_owned()
            }
        };
        let row = |row: &rusqlite::Row<'_>| {
            let cells: Vec<_> = (0..columns).map(|n| text(row.get_ref(n).unwrap())).collect();
            Ok(cells.join("|"))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    /// Stops the app and leaves one file. SQLite usually removes its log with the last connection,
    /// but not always.
    pub(crate) fn close(self) {
        let path = PathBuf::from(self.0.path().unwrap());
        self.0.close().unwrap();
        let log = PathBuf::from(format!("{}-wal", path.display()));
        for _ in 0..10 {
            if !log.exists() {
                return;
            }
            let again = Self::open(&path);
            again.rows("PRAGMA wal_checkpoint(TRUNCATE)");
            again.0.close().unwrap();
        }
        panic!("SQLite keeps {}", log.display());
    }
}
