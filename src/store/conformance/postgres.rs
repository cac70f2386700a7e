//! Conformance tests of PostgreSQL for each type of column, and tests of its own features.

use std::time::Duration;

use serde_json::{Value as Json, json};
use testbed::pooler::{PoolMode, Pooler};
use testbed::postgres::{Postgres, ROLE};
use testbed::redis::Certificates;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio_postgres::types::Type;

use super::apps::{App, Capabilities};
use super::{open, passes, plain};
use crate::error::Failure;
use crate::session::Did;
use crate::store::{Access, Kind, LayoutChoice, RecordKey, Store, StoreUrl, Want, Written};

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// App that keeps its records in a column of this type.
struct PostgresApp {
    server: Postgres,
    client: tokio_postgres::Client,
    column: &'static str,
    state: tempfile::TempDir,
}

impl PostgresApp {
    async fn new(column: &'static str) -> Self {
        Self::on(Postgres::start(), column).await
    }

    async fn on(server: Postgres, column: &'static str) -> Self {
        server.sql(&format!(
            "CREATE TABLE auth_session (key varchar PRIMARY KEY, session {column} NOT NULL);
             CREATE TABLE auth_state (key varchar PRIMARY KEY, state {column} NOT NULL)"
        ));
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        let config: tokio_postgres::Config =
            format!("user={ROLE} password=app-password-123 dbname=app").parse().unwrap();
        let (client, connection) = config.connect_raw(stream, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { server, client, column, state: tempfile::tempdir().unwrap() }
    }

    fn access(&self) -> Access {
        Access { state: Some(self.state.path().to_owned()), ..plain() }
    }

    async fn passes(&self) {
        passes(&self.server.url(), &self.access(), "statusphere-legacy", self).await;
    }

    async fn open(&self) -> Box<dyn Store> {
        open(&self.server.url(), &self.access(), "statusphere-legacy").await
    }

    async fn refused(&self, url: &str, layout: &str) -> Failure {
        refused(url, &self.access(), layout).await
    }

    /// Runs a query with a single result.
    fn one(&self, sql: &str, key: &str) -> Option<String> {
        let rows = block_in_place(|| {
            Handle::current().block_on(self.client.query_typed(sql, &[(&key, Type::TEXT)]))
        });
        rows.unwrap().first().map(|row| row.get(0))
    }
}

async fn refused(url: &str, access: &Access, layout: &str) -> Failure {
    let url = StoreUrl::parse(url, std::path::Path::new("")).unwrap();
    let layout = LayoutChoice::parse(layout, &std::collections::BTreeMap::new()).unwrap();
    match crate::store::open(&url, access, &layout).await {
        Ok(store) => panic!("{} was opened", store.layout().name),
        Err(failure) => failure,
    }
}

fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Session => ("auth_session", "session"),
        Kind::State => ("auth_state", "state"),
    }
}

impl App for PostgresApp {
    fn can(&self) -> Capabilities {
        Capabilities { lifetimes: false }
    }

    fn put(&self, kind: Kind, key: &str, value: &Json) {
        let (table, column) = names(kind);
        let new = if self.column == "bytea" {
            "convert_to($2, 'UTF8')".to_owned()
        } else {
            format!("$2::{}", self.column)
        };
        let sql = format!(
            "INSERT INTO {table} VALUES ($1, {new}) ON CONFLICT (key) DO UPDATE SET {column} = excluded.{column}"
        );
        let (key, value) = (key.to_owned(), value.to_string());
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&key, Type::TEXT), (&value, Type::TEXT)];
        block_in_place(|| Handle::current().block_on(self.client.execute_typed(&sql, &parameters)))
            .unwrap();
    }

    fn value(&self, kind: Kind, key: &str) -> Option<Json> {
        let (table, column) = names(kind);
        let text = if self.column == "bytea" {
            format!("convert_from({column}, 'UTF8')")
        } else {
            format!("{column}::text")
        };
        let value = self.one(&format!("SELECT {text} FROM {table} WHERE key = $1"), key)?;
        Some(serde_json::from_str(&value).unwrap())
    }

    fn size(&self) -> usize {
        self.one("SELECT count(*)::text FROM pg_class WHERE $1 = ''", "").unwrap().parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_its_promises_with_text() {
    PostgresApp::new("text").await.passes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_its_promises_with_json() {
    PostgresApp::new("json").await.passes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms_with_jsonb_and_a_schema_for_notes() {
    let app = PostgresApp::new("jsonb").await;
    app.server.psql("postgres", "app", &app.open().await.preparation().unwrap());
    app.passes().await;
    assert!(!app.state.path().join("notes").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_its_promises_with_bytes_over_tls() {
    let certificates = Certificates::new();
    let app = PostgresApp::on(Postgres::start_tls(&certificates, &[]), "bytea").await;
    let (url, ca) =
        (app.server.url().replace("127.0.0.1", "localhost"), app.state.path().join("ca.pem"));
    std::fs::write(&ca, &certificates.ca).unwrap();
    let url_of = |query: &str| format!("{url}?{query}");
    let full = url_of(&format!(
        "sslmode=verify-full&channel_binding=require&sslrootcert={}",
        ca.display()
    ));
    passes(&full, &app.access(), "statusphere-legacy", &app).await;
    // The certificate is of an authority that is not trusted.
    let failure = app.refused(&url_of("sslmode=verify-full"), "statusphere-legacy").await;
    assert!(failure.in_one_line().contains("sslrootcert"), "{failure}");
    let access = Access { ca_pem: Some(certificates.ca.clone().into_bytes()), ..app.access() };
    open(&url_of("sslmode=verify-full"), &access, "statusphere-legacy").await;
    for mode in ["disable", "prefer", "require"] {
        open(&url_of(&format!("sslmode={mode}")), &app.access(), "statusphere-legacy").await;
    }
    // Of a trusted authority, but for another host name.
    let other = url.replace("localhost", "127.0.0.2");
    let mode = |mode: &str| format!("{other}?sslmode={mode}&sslrootcert={}", ca.display());
    assert!(
        app.refused(&mode("verify-full"), "statusphere-legacy")
            .await
            .in_one_line()
            .contains("127.0.0.2")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_over_a_socket_keeps_its_promises_through_a_restart() {
    let mut app = PostgresApp::new("varchar").await;
    let directory = app.server.socket().display().to_string().replace('/', "%2F");
    let url = format!("postgres://{ROLE}@{directory}:{}/app", app.server.port());
    passes(&url, &app.access(), "statusphere-legacy", &app).await;
    let store = open(&url, &app.access(), "statusphere-legacy").await;
    let did: Did = DID.parse().unwrap();
    app.put(Kind::Session, DID, &json!({"n": 1}));
    let lock = store
        .lock(&format!("@atproto-oauth-client-{did}"), Duration::from_secs(1))
        .await
        .unwrap()
        .unwrap();
    let found = store.sessions_of(&did).await.unwrap().remove(0);
    app.server.kill();
    app.server.restart();
    // The transaction of the lock is lost. The write uses another connection, and compares as
    // usual.
    assert_eq!(store.replace(&found, br#"{"n": 2}"#).await.unwrap(), Written::Done);
    assert_eq!(store.replace(&found, br#"{"n": 3}"#).await.unwrap(), Written::Changed);
    assert!(!lock.release().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_behind_a_pooler_keeps_its_promises() {
    for mode in [PoolMode::Transaction, PoolMode::Session] {
        let app = PostgresApp::new("text").await;
        app.server.psql("postgres", "app", &app.open().await.preparation().unwrap());
        let pooler = Pooler::before(&app.server, mode, 4);
        passes(&pooler.url(), &app.access(), "statusphere-legacy", &app).await;
        let options = format!("{}?options=-c%20search_path%3Dpublic", pooler.url());
        let failure = app.refused(&options, "statusphere-legacy").await;
        assert!(failure.in_one_line().contains("ignore_startup_parameters"), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_with_a_standby_keeps_its_promises() {
    let app = PostgresApp::new("text").await;
    let standby = app.server.standby();
    app.passes().await;
    let store = app.open().await;
    let key = RecordKey::from_text(DID);
    app.put(Kind::Session, DID, &json!({"n": 1}));
    let found = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!(store.replace(&found, br#"{"n": 2}"#).await.unwrap(), Written::Unconfirmed);
    drop(standby);
}

/// More than are read ahead, so that a scan has to wait.
const LONG: usize = 6000;

async fn keys(mut scan: crate::store::Scan) -> Vec<RecordKey> {
    let mut keys = Vec::new();
    while let Some(records) = scan.next().await.unwrap() {
        if keys.is_empty() {
            // Longer than an open query is left waiting.
            tokio::time::sleep(Duration::from_millis(5500)).await;
        }
        keys.extend(records.into_iter().map(|record| record.key));
    }
    keys.sort();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_interrupted_brings_every_row_once() {
    let app = PostgresApp::new("text").await;
    app.server.sql(&format!(
        "INSERT INTO auth_session SELECT 'did:plc:' || translate(lpad(n::text, 24, '0'), '0123456789', 'abcdefghij'),
         '{{\"n\": \"' || repeat('x', 1000) || '\"}}' FROM generate_series(1, {LONG}) n"
    ));
    let proxy = testbed::Proxy::start(([127, 0, 0, 1], app.server.port()).into()).unwrap();
    let here = format!(":{}", app.server.port());
    let url = app.server.url().replace(&here, &format!(":{}", proxy.address().port()));
    let want = Want { values: true, ttls: false };
    let is_complete =
        |keys: &[RecordKey]| keys.len() == LONG && keys.windows(2).all(|two| two[0] < two[1]);
    // The server believes that the table is large, and it is read in slices.
    for estimate in ["-1", "4e6"] {
        app.server.psql(
            "postgres",
            "app",
            &format!("UPDATE pg_class SET reltuples = {estimate} WHERE relname = 'auth_session'"),
        );
        proxy.heal();
        let store = open(&url, &app.access(), "statusphere-legacy").await;
        // Nobody takes its records for a while.
        let found = keys(store.scan(Kind::Session, want)).await;
        assert!(is_complete(&found), "{estimate}: {}", found.len());
        // The connection is lost on the way.
        proxy.cut_after_down(Some(2_000_000));
        proxy.kill_all();
        let found = keys(store.scan(Kind::Session, want)).await;
        assert!(is_complete(&found), "{estimate}: {}", found.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_timed_out_changes_nothing() {
    let app = PostgresApp::new("text").await;
    app.put(Kind::Session, DID, &json!({"n": 1}));
    app.server.admin("ALTER ROLE app SET statement_timeout = '300ms'");
    let store = app.open().await;
    let found = store.get(Kind::Session, &RecordKey::from_text(DID)).await.unwrap().unwrap();
    // The app is working on the row.
    app.client.batch_execute("BEGIN; SELECT FROM auth_session FOR UPDATE").await.unwrap();
    let error = store.replace(&found, br#"{"n": 2}"#).await.unwrap_err();
    let failure = error.downcast::<Failure>().unwrap().in_one_line();
    assert!(failure.contains("a statement_timeout of the role"), "{failure}");
    app.client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(app.value(Kind::Session, DID), Some(json!({"n": 1})));
    assert_eq!(store.replace(&found, br#"{"n": 2}"#).await.unwrap(), Written::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_json_in_a_json_column_stays_text() {
    let app = PostgresApp::new("jsonb").await;
    app.put(Kind::Session, DID, &json!("{\"n\":1}"));
    let store = app.open().await;
    let key = RecordKey::from_text(DID);
    let found = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!(found.value, b"{\"n\":1}");
    assert_eq!(store.replace(&found, br#"{"n":2}"#).await.unwrap(), Written::Done);
    assert_eq!(app.value(Kind::Session, DID), Some(json!("{\"n\":2}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_that_readme_names_are_enough() {
    let app = PostgresApp::new("text").await;
    app.put(Kind::Session, DID, &json!({"n": 1}));
    app.put(Kind::State, "s", &json!({}));
    app.server.admin("CREATE ROLE operator LOGIN PASSWORD 'p'");
    let url = app.server.url().replace("app:app-password-123", "operator:p");
    let failure = app.refused(&url, "statusphere-legacy").await;
    assert!(failure.in_one_line().contains("GRANT SELECT"), "{failure}");
    app.server.sql(
        "GRANT SELECT, DELETE ON auth_session, auth_state TO operator; GRANT UPDATE (session) ON auth_session TO operator",
    );
    let store = open(&url, &app.access(), "statusphere-legacy").await;
    store.check_writable().await.unwrap();
    let found = store.get(Kind::Session, &RecordKey::from_text(DID)).await.unwrap().unwrap();
    assert_eq!(store.replace(&found, br#"{"n":2}"#).await.unwrap(), Written::Done);
    let mut scan = store.scan(Kind::State, Want { values: false, ttls: false });
    let states = scan.next().await.unwrap().unwrap();
    assert_eq!(store.remove(Kind::State, &states).await.unwrap(), [Written::Done]);
    app.server.sql("REVOKE UPDATE (session) ON auth_session FROM operator");
    let error = format!("{:#}", store.check_writable().await.unwrap_err());
    assert!(error.contains("permission denied for table auth_session"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_swallows_writes_is_told_from_a_change() {
    let app = PostgresApp::new("text").await;
    app.put(Kind::Session, DID, &json!({"n": 1}));
    let store = app.open().await;
    let found = store.get(Kind::Session, &RecordKey::from_text(DID)).await.unwrap().unwrap();
    app.server.sql(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER swallow BEFORE UPDATE ON auth_session FOR EACH ROW EXECUTE FUNCTION swallow()",
    );
    let error = store.replace(&found, b"{}").await.unwrap_err().to_string();
    assert!(error.contains("ignored the update"), "{error}");
    assert_eq!(app.value(Kind::Session, DID), Some(json!({"n": 1})));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_policies_hide_are_not_taken_for_none() {
    let app = PostgresApp::new("text").await;
    app.put(Kind::Session, DID, &json!({"n": 1}));
    app.server.admin("CREATE ROLE operator LOGIN PASSWORD 'p'");
    app.server.sql(
        "GRANT SELECT, UPDATE, DELETE ON auth_session, auth_state TO operator;
         ALTER TABLE auth_session ENABLE ROW LEVEL SECURITY",
    );
    let url = app.server.url().replace("app:app-password-123", "operator:p");
    let failure = app.refused(&url, "statusphere-legacy").await;
    assert!(failure.to_string().contains("row-level security hides every row"), "{failure}");
    // Visible to its owner.
    assert!(
        app.open().await.get(Kind::Session, &RecordKey::from_text(DID)).await.unwrap().is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_long_for_its_column_is_not_sent() {
    let app = PostgresApp::new("varchar(40)").await;
    app.put(Kind::Session, DID, &json!({"n": 1}));
    let store = app.open().await;
    let found = store.get(Kind::Session, &RecordKey::from_text(DID)).await.unwrap().unwrap();
    let long = json!({"n": "x".repeat(50)}).to_string();
    let error = store.replace(&found, long.as_bytes()).await.unwrap_err().to_string();
    assert!(
        error.contains(
            "has 58 characters, but column session of table auth_session is limited to 40"
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_addresses_say_what_is_wrong() {
    let app = PostgresApp::new("text").await;
    let url = app.server.url();
    for (url, why) in [
        (url.replace("password-123", "password-124"), "password authentication failed"),
        (url.replace("app:app", "nobody:app"), "password authentication failed"),
        (url.replace(":app-password-123", ""), "the server asks for a password"),
        (url.trim_end_matches('p').to_owned(), "check the name of the database"),
        (format!("{url}?sslmode=require"), "the server does not encrypt"),
        (format!("{url}?schema=nowhere"), "are not in this database: it has public.auth_session("),
    ] {
        let failure = app.refused(&url, "statusphere-legacy").await;
        assert!(failure.in_one_line().contains(why), "{url}: {}", failure.in_one_line());
        assert_eq!(failure.exit(), crate::error::Exit::Usage, "{url}");
        assert!(!failure.in_one_line().contains("password-12"));
    }
    app.server
        .sql("ALTER TABLE auth_session RENAME TO s; CREATE VIEW auth_session AS SELECT * FROM s");
    assert!(app.refused(&url, "statusphere-legacy").await.to_string().contains("is a view"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_read_and_not_written() {
    let app = PostgresApp::new("text").await;
    app.put(Kind::Session, DID, &json!({"n": 1}));
    app.server.sql("ALTER DATABASE app SET default_transaction_read_only = on");
    let store = app.open().await;
    let found = store.get(Kind::Session, &RecordKey::from_text(DID)).await.unwrap().unwrap();
    let error = store.check_writable().await.unwrap_err().to_string();
    assert!(error.contains("read-only transaction"), "{error}");
    assert!(store.replace(&found, b"{}").await.is_err());
    assert_eq!(app.value(Kind::Session, DID), Some(json!({"n": 1})));
}
