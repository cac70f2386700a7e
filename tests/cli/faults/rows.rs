//! Sessions of an app in PostgreSQL, in tables with time columns, with an advisory lock.

use std::time::Duration;

use serde_json::Value;
use testbed::postgres::{PASSWORD, Postgres, ROLE};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::app::did_of;
use crate::sandbox::Sandbox;

/// Tables of onrepeat.
const TABLES: &str = "
    CREATE TABLE oauth_state
        (key text PRIMARY KEY, state text NOT NULL, created_at timestamptz NOT NULL);
    CREATE TABLE oauth_session
        (did text PRIMARY KEY, session text NOT NULL, updated_at timestamptz NOT NULL);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''no''; END'";

/// Database with a connection of the app.
pub(super) struct Rows {
    pub(super) server: Postgres,
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Rows {
    /// Starts a server with empty tables.
    pub(super) fn start() -> Self {
        let server = Postgres::start();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let config = format!("user={ROLE} password={PASSWORD} dbname=app application_name=the-app");
        let client = runtime.block_on(async {
            let address = ("127.0.0.1", server.port());
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let config: tokio_postgres::Config = config.parse().unwrap();
            let (client, connection) = config.connect_raw(stream, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        let rows = Self { server, runtime, client };
        rows.run(TABLES);
        rows
    }

    /// Runs the SQL of `init --sql`.
    pub(super) fn prepare(&self, sandbox: &Sandbox) {
        let sql = sandbox.run(["init", "--sql"]);
        assert_eq!(sql.code, 0, "{sql}");
        self.server.psql("postgres", "app", &sql.stdout);
    }

    /// Runs SQL and returns the first column.
    fn run(&self, sql: &str) -> Vec<String> {
        let answer = self.runtime.block_on(self.client.simple_query(sql));
        let column = |message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        let answer = answer.unwrap_or_else(|e| panic!("{e:?}: {sql:.200}"));
        answer.into_iter().filter_map(column).collect()
    }

    /// Stores a session with this age, as the app does.
    pub(super) fn store(&self, record: &Value, ago: Duration) {
        self.run(&format!(
            "INSERT INTO oauth_session VALUES ('{}', '{record}', now() - interval '{} s') \
             ON CONFLICT (did) DO UPDATE SET session = excluded.session, updated_at = excluded.updated_at",
            did_of(record),
            ago.as_secs()
        ));
    }

    /// Returns the stored record of one account.
    pub(super) fn record(&self, did: &str) -> Option<Value> {
        let found = self.run(&format!("SELECT session FROM oauth_session WHERE did = '{did}'"));
        serde_json::from_str(found.first()?).ok()
    }

    /// Deletes a session.
    pub(super) fn forget(&self, did: &str) {
        self.run(&format!("DELETE FROM oauth_session WHERE did = '{did}'"));
    }

    /// Deletes all records and notes.
    pub(super) fn clear(&self) {
        self.run("DELETE FROM oauth_session; DELETE FROM oauth_state; DELETE FROM oauthctl.note");
    }

    /// Stores a pending login with this age.
    pub(super) fn set_state(&self, key: &str, state: &Value, ago: Duration) {
        let ago = ago.as_secs();
        self.run(&format!(
            "INSERT INTO oauth_state VALUES ('{key}', '{state}', now() - interval '{ago} s')"
        ));
    }

    pub(super) fn has_state(&self, key: &str) -> bool {
        !self.run(&format!("SELECT key FROM oauth_state WHERE key = '{key}'")).is_empty()
    }

    /// Lets updates succeed or fail.
    pub(super) fn set_writable(&self, on: bool) {
        self.run(if on {
            "DROP TRIGGER refuse ON oauth_session"
        } else {
            "CREATE TRIGGER refuse BEFORE UPDATE ON oauth_session \
             FOR EACH ROW EXECUTE FUNCTION refuse()"
        });
    }

    /// Ends connections that commands have left behind.
    pub(super) fn end_others(&self) {
        self.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE application_name = 'oauthctl'",
        );
    }
}
