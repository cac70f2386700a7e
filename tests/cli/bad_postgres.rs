//! What is wrong with a database of PostgreSQL, or with what stands in it, is said in one line with
//! a hint, and nothing is changed.

use testbed::LoginOptions;
use testbed::postgres::Postgres;
use testbed::redis::Certificates;

use crate::app::{App, days_ago};
use crate::samples::{ALICE, BOB};
use crate::sandbox::Output;

/// The tables of the layout `statusphere-legacy`.
const TABLES: &str =
    "CREATE TABLE auth_session (key varchar PRIMARY KEY, session varchar NOT NULL);
    CREATE TABLE auth_state (key varchar PRIMARY KEY, state varchar NOT NULL);";
const DUMP: &str = "SELECT * FROM auth_session ORDER BY key";

struct Beside {
    app: App,
    server: Postgres,
}

impl Beside {
    /// An app with the session of Alice.
    fn new() -> Self {
        Self::with(Postgres::start(), TABLES)
    }

    fn with(server: Postgres, tables: &str) -> Self {
        let mut app = App::new();
        server.sql(tables);
        app.sandbox.set("OAUTHCTL_STORE", server.url());
        let beside = Self { app, server };
        beside.put(ALICE);
        beside
    }

    fn put(&self, did: &str) {
        let options = LoginOptions { did: Some(did.to_owned()), ..days_ago(2) };
        let value = self.app.net.login(options);
        self.server.sql(&format!("INSERT INTO auth_session VALUES ('{did}', '{value}')"));
    }

    /// What a run says to the store at this address, which it must refuse.
    #[track_caller]
    fn refusal(&self, command: &str, url: &str) -> Output {
        let mut arguments: Vec<_> = command.split(' ').collect();
        if !url.is_empty() {
            arguments.extend(["--store", url]);
        }
        let refusal = self.app.sandbox.refusal(arguments);
        assert!(!refusal.stderr.contains("password-123"), "{refusal}");
        refusal
    }
}

#[test]
fn an_address_that_leads_nowhere_is_named_part_by_part() {
    let beside = Beside::new();
    let (url, before) = (beside.server.url(), beside.server.sql(DUMP));
    for (address, error, hint) in [
        (
            url.replace("app-password", "wrong-password"),
            "password authentication failed for user \"app\"",
            "check the user and password",
        ),
        (
            url.replace("app:app-", "nobody:app-"),
            "password authentication failed",
            "check the user",
        ),
        (
            url.replace("/app", "/elsewhere").replace("//elsewhere", "//app"),
            "database \"elsewhere\" does not exist",
            "check the name of the database",
        ),
        (
            url.replace(":app-password-123", ""),
            "the server asks for a password",
            "write postgres://",
        ),
        (
            format!("{url}?sslmode=verify-full"),
            "the server does not encrypt",
            "add sslmode=disable",
        ),
        (
            "mysql://app:password-123@127.0.0.1/app".to_owned(),
            "unknown kind of store: \"mysql\"",
            "write redis:",
        ),
        ("file:./dev.db".to_owned(), "", ""),
    ] {
        for command in ["sessions list", "sessions refresh --all"] {
            let refusal = beside.refusal(command, &address);
            assert!(refusal.stderr.contains(error), "{address}: {refusal}");
            assert!(refusal.stderr.contains(&format!("hint: {hint}")), "{address}: {refusal}");
        }
    }
    assert_eq!(beside.server.sql(DUMP), before);
}

#[test]
fn unknown_certificates_are_refused_unverified_ones_reported() {
    let certificates = Certificates::new();
    let beside = Beside::with(Postgres::start_tls(&certificates, &[]), TABLES);
    let url = beside.server.url().replace("127.0.0.1", "localhost");
    let stranger = beside.refusal("sessions list", &format!("{url}?sslmode=verify-full"));
    assert!(stranger.stderr.contains("hint: the server's certificate is from a private authority"));
    let warning = "the server's certificate is not verified (sslmode=require)";
    let doctor =
        |url: String| beside.app.sandbox.run(["doctor", "--offline", "--store", &url]).stdout;
    assert!(doctor(format!("{url}?sslmode=require")).contains(warning));
    beside.app.sandbox.file("ca.pem", &certificates.ca);
    for verified in ["sslmode=verify-full&sslrootcert=ca.pem", "sslmode=require&sslrootcert=ca.pem"]
    {
        let found = doctor(format!("{url}?{verified}"));
        assert!(found.contains("is open (layout statusphere-legacy)"), "{found}");
        assert!(!found.contains(warning), "{found}");
    }
    assert!(!doctor(format!("{url}?sslmode=disable")).contains(warning));
}

#[test]
fn tables_and_rights_that_are_missing_are_named() {
    let beside = Beside::new();
    let (server, url) = (&beside.server, beside.server.url());
    server.admin("CREATE ROLE reader LOGIN PASSWORD 'password-123'");
    let reader = url.replace("app:app-password-123", "reader:password-123");
    let right = beside.refusal("sessions list", &reader);
    assert!(right.stderr.contains("permission denied for table auth_session"), "{right}");
    assert!(right.stderr.contains("hint: GRANT SELECT, UPDATE, DELETE"), "{right}");
    // One who may only look is refused before a token is spent.
    server.sql("GRANT SELECT ON auth_session, auth_state TO reader");
    let looked = beside.app.sandbox.run(["sessions", "list", "--store", &reader]);
    assert_eq!(looked.code, 0, "{looked}");
    let before = server.sql(DUMP);
    let write = beside.refusal("sessions refresh --all --retry-for=0s", &reader);
    assert!(write.stderr.contains("permission denied for table auth_session"), "{write}");
    assert_eq!((server.sql(DUMP), beside.app.exchanges().len()), (before, 0));
    server.sql("DROP TABLE auth_state");
    let missing = beside.refusal("sessions list", "");
    assert!(missing.stderr.contains("no known layout matches this database: it has auth_session("));
    server.sql(
        "ALTER TABLE auth_session RENAME TO real_session;
         CREATE VIEW auth_session AS SELECT * FROM real_session;
         CREATE TABLE auth_state (key varchar PRIMARY KEY, state varchar NOT NULL)",
    );
    let view = beside.refusal("sessions list", "");
    assert!(view.stderr.contains("auth_session is a view or a foreign table"), "{view}");
    assert!(view.stderr.contains("hint: define a layout with the table itself"), "{view}");
}

#[test]
fn a_read_only_server_is_detected_before_a_token_is_used() {
    let beside = Beside::new();
    let before = beside.server.sql(DUMP);
    beside.server.admin("ALTER DATABASE app SET default_transaction_read_only = on");
    let listed = beside.app.sessions("list");
    assert_eq!(listed.code, 0, "{listed}");
    for command in ["sessions refresh --all --retry-for=0s", "sessions prune --yes --retry-for=0s"]
    {
        let refusal = beside.app.sandbox.run(command.split(' '));
        assert!(
            refusal.code == 0 && !command.contains("refresh")
                || refusal.stderr.contains("this is a standby, or a read-only role or database"),
            "{command}: {refusal}"
        );
    }
    assert_eq!((beside.server.sql(DUMP), beside.app.exchanges().len()), (before, 0));
}

#[test]
fn rows_that_are_no_sessions_stay_as_they_are() {
    let beside = Beside::new();
    let before = beside.server.sql(DUMP);
    beside.server.sql(&format!(
        "INSERT INTO auth_session VALUES ('{BOB}', 'enc1.c2VhbGVk.c2VhbGVk'), ('user:1', '{{}}'),
           ('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 'no JSON'), ('', '')"
    ));
    let listed = beside.app.sessions("list --format jsonl");
    let row = |did: &str| listed.stdout.lines().find(|line| line.contains(did)).unwrap().to_owned();
    for key in [BOB, "user:1", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"] {
        assert!(row(key).contains("\"status\":\"foreign\""), "{}", row(key));
    }
    let all = beside.server.sql(DUMP);
    for command in ["prune --yes --malformed", "refresh --all"] {
        let output = beside.app.sessions(command);
        assert!(matches!(output.code, 0 | 3), "{command}: {output}");
    }
    let left = beside.server.sql("SELECT key FROM auth_session ORDER BY key COLLATE \"C\"");
    for key in [BOB, "user:1", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"] {
        assert!(left.contains(key), "{left}");
    }
    assert_ne!(beside.server.sql(DUMP), all, "Alice was refreshed");
    assert_ne!(beside.server.sql(DUMP), before);
}

#[test]
fn rows_that_others_refer_to_stay_where_the_database_says_so() {
    let beside = Beside::new();
    beside.server.sql(&format!(
        "CREATE TABLE browser (id int PRIMARY KEY, session varchar REFERENCES auth_session (key));
         INSERT INTO browser VALUES (1, '{ALICE}')"
    ));
    let output = beside.app.sessions(&format!("revoke {ALICE} --yes"));
    assert!(output.code != 0 && output.to_string().contains("foreign key"), "{output}");
    assert_eq!(beside.server.sql("SELECT count(*) FROM auth_session"), "1");
}

#[test]
fn a_column_too_short_for_new_tokens_blocks_a_refresh() {
    for (kind, limit) in [("varchar", 0), ("char", 40), ("varchar", 100)] {
        let beside = Beside::new();
        let length: usize =
            beside.server.sql("SELECT length(session) FROM auth_session").parse().unwrap();
        beside.server.sql(&format!(
            "ALTER TABLE auth_session ALTER session TYPE {kind}({})",
            length + limit
        ));
        let before = beside.server.sql(DUMP);
        let output = beside.app.sessions("refresh --all --format jsonl");
        assert!(output.stdout.contains("give the column the type text"), "{output}");
        assert_eq!((beside.server.sql(DUMP), beside.app.exchanges().len()), (before, 0));
        beside
            .server
            .sql(&format!("ALTER TABLE auth_session ALTER session TYPE {kind}({})", length + 400));
        let output = beside.app.sessions("refresh --all");
        assert_eq!(output.stdout, "refreshed 1 session\n", "{output}");
    }
}

#[test]
fn who_is_away_is_not_told_from_notes_of_one_host() {
    let beside = Beside::new();
    for command in ["sessions prune --inactive 30d --dry-run", "sessions list --inactive 30d"] {
        let refusal = beside.refusal(command, "");
        assert!(refusal.stderr.contains("notes about the sessions are kept on this host alone"));
        assert!(refusal.stderr.contains("`oauthctl init --sql`"), "{refusal}");
    }
    let doctor = beside.app.sandbox.run(["doctor", "--offline"]);
    assert!(doctor.stdout.contains("kept on this host alone"), "{doctor}");
    let sql = beside.app.sandbox.run(["init", "--sql"]).stdout;
    beside.server.psql("postgres", "app", &sql);
    let pruned = beside.app.sessions("prune --inactive 30d --dry-run");
    assert_eq!(pruned.code, 0, "{pruned}");
    let doctor = beside.app.sandbox.run(["doctor", "--offline"]);
    assert!(!doctor.stdout.contains("kept on this host alone"), "{doctor}");
}

#[test]
fn a_lock_in_another_kind_of_store_blocks_refreshes() {
    let server = Postgres::start();
    let columns = "(id text PRIMARY KEY, value text NOT NULL, created_at text, updated_at text)";
    server.sql(&format!(
        "CREATE TABLE auth_sessions {columns}; CREATE TABLE auth_state {columns};
         CREATE TABLE auth_refresh_lock (id text PRIMARY KEY, owner text, acquired_at bigint)"
    ));
    let mut app = App::new();
    let record = app.net.login(days_ago(2));
    server.sql(&format!("INSERT INTO auth_sessions VALUES ('{ALICE}', '{record}', '', '')"));
    app.sandbox.set("OAUTHCTL_STORE", server.url());
    let listed = app.sessions("list");
    assert!(listed.code == 0 && listed.stderr.contains("(layout bookhive)"), "{listed}");
    let refusal = app.sandbox.refusal(["sessions", "refresh", "--all"]);
    assert!(refusal.stderr.contains("the lock of layout bookhive is supported in SQLite only"));
    // And the other way round.
    for (tables, layout, lock) in [
        (
            "CREATE TABLE atproto_auth_session (key text PRIMARY KEY, session text NOT NULL);
             CREATE TABLE atproto_auth_state (key text PRIMARY KEY, state text NOT NULL);",
            "sill",
            "the lock of layout sill is one of PostgreSQL, and this is an SQLite database",
        ),
        (
            "CREATE TABLE oauth_session_store (key text PRIMARY KEY, session text NOT NULL);
             CREATE TABLE oauth_state_store (key text PRIMARY KEY, state text NOT NULL);",
            "leaflet",
            "the app of layout leaflet keeps its locks in Redis",
        ),
    ] {
        let path = app.sandbox.path(format!("{layout}.db"));
        crate::database::AppDatabase::with(&path, tables).close();
        app.sandbox.set("OAUTHCTL_STORE", format!("sqlite:{layout}.db"));
        let listed = app.sessions("list");
        assert!(listed.stderr.contains(&format!("(layout {layout})")), "{listed}");
        let refusal = app.sandbox.refusal(["sessions", "refresh", "--all"]);
        assert!(refusal.stderr.contains(lock), "{refusal}");
    }
}
