//! Apps with sessions in PostgreSQL: each layout is detected, refreshed and locked like its app
//! does.

use serde_json::Value;
use testbed::LoginOptions;
use testbed::postgres::Postgres;
use testbed::redis::{Answer, Redis};

use crate::app::{App, days_ago};
use crate::samples::{ALICE, BOB};
use crate::sandbox::Output;

pub(crate) const NAME: &str = "@atproto-oauth-client-";

/// Layout as its app creates it.
pub(crate) struct Kind {
    pub(crate) layout: &'static str,
    pub(crate) tables: &'static str,
    /// Inserts a session: `$did`, `$value`, `$client`.
    pub(crate) insert: &'static str,
    /// Selects its value: `$did`.
    pub(crate) select: &'static str,
    /// Checks that the other columns are as the app sets them.
    pub(crate) times: &'static str,
    /// Acquires the app's lock: `$name`.
    pub(crate) lock: &'static str,
}

pub(crate) const KINDS: [Kind; 6] = [
    Kind {
        layout: "statusphere-legacy",
        tables: "CREATE TABLE auth_session (key varchar PRIMARY KEY, session varchar NOT NULL);
                 CREATE TABLE auth_state (key varchar PRIMARY KEY, state varchar NOT NULL)",
        insert: "INSERT INTO auth_session VALUES ('$did', '$value')",
        select: "SELECT session FROM auth_session WHERE key = '$did'",
        times: "SELECT true",
        lock: "",
    },
    Kind {
        layout: "sill",
        tables: "CREATE TABLE atproto_auth_session (key text PRIMARY KEY, session text NOT NULL);
                 CREATE TABLE atproto_auth_state (key text PRIMARY KEY, state text NOT NULL);
                 INSERT INTO atproto_auth_session VALUES ('https://sibling.example/client.json::did:plc:sibling', '{}')",
        insert: "INSERT INTO atproto_auth_session VALUES ('$client::$did', '$value')",
        select: "SELECT session FROM atproto_auth_session WHERE key LIKE '%::$did'",
        times: "SELECT session = '{}' FROM atproto_auth_session WHERE key LIKE '%sibling'",
        lock: "SELECT pg_advisory_xact_lock(HASH31)",
    },
    Kind {
        layout: "wisp",
        tables: "CREATE TABLE oauth_states (key text PRIMARY KEY, data text NOT NULL, created_at bigint, expires_at bigint);
                 CREATE TABLE oauth_sessions (sub text PRIMARY KEY, data text NOT NULL, updated_at bigint, expires_at bigint NOT NULL)",
        insert: "INSERT INTO oauth_sessions VALUES ('$did', '$value', extract(epoch FROM now()) - 172800, extract(epoch FROM now()) + 86400)",
        select: "SELECT data FROM oauth_sessions WHERE sub = '$did'",
        times: "SELECT bool_and(abs(updated_at - extract(epoch FROM now())) < 60 AND abs(expires_at - 2592000 - extract(epoch FROM now())) < 60) FROM oauth_sessions",
        lock: "",
    },
    Kind {
        layout: "gainforest",
        tables: "CREATE TABLE atproto_oauth_session (id text PRIMARY KEY, app_id text NOT NULL, did text NOT NULL, value jsonb NOT NULL,
                   created_at timestamptz DEFAULT now() - interval '9 days', updated_at timestamptz DEFAULT now() - interval '2 days', UNIQUE (app_id, did));
                 CREATE TABLE atproto_oauth_state (id text PRIMARY KEY, app_id text NOT NULL, value jsonb NOT NULL,
                   created_at timestamptz DEFAULT now(), expires_at timestamptz DEFAULT now() + interval '1 hour')",
        insert: "INSERT INTO atproto_oauth_session (id, app_id, did, value) VALUES ('main:$did', 'main', '$did', '$value')",
        select: "SELECT value FROM atproto_oauth_session WHERE did = '$did'",
        times: "SELECT bool_and(updated_at > now() - interval '1 minute' AND created_at < now() - interval '8 days') FROM atproto_oauth_session",
        lock: "",
    },
    Kind {
        layout: "onrepeat",
        tables: "CREATE TABLE oauth_state (key text PRIMARY KEY, state text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
                 CREATE TABLE oauth_session (did text PRIMARY KEY, session text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now() - interval '2 days')",
        insert: "INSERT INTO oauth_session VALUES ('$did', '$value')",
        select: "SELECT session FROM oauth_session WHERE did = '$did'",
        times: "SELECT bool_and(updated_at > now() - interval '1 minute') FROM oauth_session",
        lock: "SELECT pg_advisory_lock(hashtext('$name'))",
    },
    Kind {
        layout: "kv-timed",
        tables: "CREATE TABLE oauth_state (key text PRIMARY KEY, value json NOT NULL);
                 CREATE TABLE oauth_session (key text PRIMARY KEY, value json NOT NULL, updated_at text NOT NULL DEFAULT '2026-01-01T00:00:00.000Z')",
        insert: "INSERT INTO oauth_session VALUES ('$did', '$value')",
        select: "SELECT value FROM oauth_session WHERE key = '$did'",
        times: "SELECT bool_and(updated_at::timestamptz > now() - interval '1 minute' AND updated_at LIKE '%T%.___Z') FROM oauth_session",
        lock: "",
    },
];

/// App with its sessions in PostgreSQL.
pub(crate) struct Beside {
    pub(crate) app: App,
    pub(crate) server: Postgres,
}

impl Beside {
    pub(crate) fn new() -> Self {
        Self::on(Postgres::start())
    }

    /// Creates the app on this server.
    pub(crate) fn on(server: Postgres) -> Self {
        let mut app = App::new();
        app.sandbox.set("OAUTHCTL_STORE", server.url());
        Self { app, server }
    }

    pub(crate) fn login(&self, did: &str) -> Value {
        self.app.net.login(LoginOptions { did: Some(did.to_owned()), ..days_ago(2) })
    }

    pub(crate) fn put(&self, kind: &Kind, did: &str) {
        let client = self.app.net.client_id();
        let value = self.login(did).to_string();
        let insert =
            kind.insert.replace("$did", did).replace("$client", &client).replace("$value", &value);
        self.server.sql(&insert);
    }

    pub(crate) fn value(&self, kind: &Kind, did: &str) -> Value {
        serde_json::from_str(&self.server.sql(&kind.select.replace("$did", did))).unwrap()
    }

    pub(crate) fn run(&self, command: &str) -> Output {
        self.app.sandbox.run(command.split(' '))
    }
}

/// Returns the 31-hash of a lock's name, with the formula of sill.
pub(crate) fn hash31(name: &str) -> String {
    let hash = name.bytes().fold(0_u64, |hash, byte| {
        (hash.wrapping_mul(31).wrapping_add(byte.into())) & (u64::MAX >> 1)
    });
    hash.to_string()
}

#[test]
fn layouts_are_found_and_refreshed_as_their_apps_do() {
    for kind in &KINDS {
        let beside = Beside::new();
        beside.server.sql(kind.tables);
        beside.put(kind, ALICE);
        beside.put(kind, BOB);
        let listed = beside.run("sessions list");
        assert!(
            listed.stderr.contains(&format!("(layout {})", kind.layout)),
            "{}: {listed}",
            kind.layout
        );
        assert_eq!(listed.stdout.matches("did:plc:").count(), 2, "{listed}");
        if !kind.lock.is_empty() {
            let name = format!("{NAME}{ALICE}");
            let lock = kind.lock.replace("$name", &name).replace("HASH31", &hash31(&name));
            std::thread::scope(|scope| {
                let holder = scope.spawn(|| {
                    beside.server.sql(&format!("BEGIN; {lock}; SELECT pg_sleep(6); COMMIT"))
                });
                std::thread::sleep(std::time::Duration::from_millis(500));
                let busy = beside.app.sessions("refresh --all --lock-timeout 0s --format jsonl");
                assert_eq!(
                    busy.stdout.matches("another process holds its lock").count(),
                    1,
                    "{busy}"
                );
                assert_eq!(busy.stdout.matches("\"refreshed\"").count(), 1, "{busy}");
                holder.join().unwrap();
            });
        }
        let refreshed = beside.app.sessions("refresh --all");
        assert_eq!(refreshed.code, 0, "{}: {refreshed}", kind.layout);
        for did in [ALICE, BOB] {
            assert!(
                beside.app.net.is_alive_with(&beside.value(kind, did)),
                "{}: {refreshed}",
                kind.layout
            );
        }
        assert_eq!(beside.server.sql(kind.times), "t", "{}", kind.layout);
        let locks =
            beside.server.admin("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
        assert_eq!(locks, "0", "{}", kind.layout);
    }
}

#[test]
fn an_app_with_locks_in_redis_is_not_touched_without_them() {
    let mut beside = Beside::new();
    beside.server.sql(
        "CREATE TABLE oauth_session_store (key text PRIMARY KEY, session jsonb NOT NULL);
         CREATE TABLE oauth_state_store (key text PRIMARY KEY, state jsonb NOT NULL)",
    );
    let value = beside.login(ALICE).to_string();
    beside.server.sql(&format!("INSERT INTO oauth_session_store VALUES ('{ALICE}', '{value}')"));
    let refused = beside.app.sessions("refresh --all");
    assert_eq!(refused.code, 2, "{refused}");
    assert!(
        refused.stderr.starts_with("error: the app of layout leaflet keeps its locks in Redis\n"),
        "{refused}"
    );
    assert!(refused.stderr.contains("lock_url under [store]"), "{refused}");
    assert_eq!(beside.app.exchanges().len(), 0);

    let redis = Redis::start();
    let key = format!("{NAME}{ALICE}");
    redis.ask(&["SET", &key, "the app", "PX", "60000"]);
    beside.app.sandbox.set("REDIS_URL", redis.url());
    let busy = beside.app.sessions("refresh --all --lock-timeout 0s --format jsonl");
    assert!(busy.stdout.contains("another process holds its lock"), "{busy}");
    redis.ask(&["DEL", &key]);
    assert_eq!(beside.app.sessions("refresh --all").stdout, "refreshed 1 session\n");
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(0));
    let now = beside.server.sql("SELECT session FROM oauth_session_store");
    assert!(beside.app.net.is_alive_with(&serde_json::from_str(&now).unwrap()));
}

#[test]
fn the_sql_of_init_prepares_a_role_of_its_own() {
    let mut beside = Beside::new();
    let kind = &KINDS[0];
    beside.server.sql(kind.tables);
    beside.put(kind, ALICE);
    beside.server.admin("CREATE ROLE operator LOGIN PASSWORD 'p'");
    beside.server.psql("postgres", "app", "GRANT operator TO app");
    let url = beside.server.url();
    let other = url.replace("app:app-password-123", "operator:p");
    let sql = beside.run("init --sql").stdout.replace("\"app\"", "\"operator\"");
    assert!(sql.contains("CREATE SCHEMA IF NOT EXISTS oauthctl"), "{sql}");
    beside.app.sandbox.set("OAUTHCTL_STORE", &other);
    let refused = beside.app.sessions("list");
    assert!(
        refused.code == 2 && refused.stderr.contains("permission denied for table auth_session"),
        "{refused}"
    );
    beside.server.psql("postgres", "app", &sql);
    assert_eq!(beside.app.sessions("refresh --all").stdout, "refreshed 1 session\n");
    assert!(beside.app.net.is_alive_with(&beside.value(kind, ALICE)));
}

#[test]
fn sessions_move_from_sqlite_and_are_pruned_and_revoked() {
    let mut beside = Beside::new();
    let kind = &KINDS[0];
    beside.server.sql(kind.tables);
    beside.app.sandbox.unset("OAUTHCTL_STORE");
    let records: Vec<_> = [ALICE, BOB].map(|did| beside.login(did)).into();
    for record in &records {
        beside.app.database.session(record);
    }
    let exported = beside.run("sessions export --output sessions.jsonl");
    assert_eq!(exported.code, 0, "{exported}");
    beside.app.sandbox.set("OAUTHCTL_STORE", beside.server.url());
    let imported = beside.run("sessions import --source-app-stopped sessions.jsonl");
    assert_eq!(imported.code, 0, "{imported}");
    assert_eq!(beside.value(kind, BOB)["tokenSet"], records[1]["tokenSet"]);
    let revoked = beside.app.sessions(&format!("revoke {ALICE} --yes"));
    assert_eq!(revoked.code, 0, "{revoked}");
    assert_eq!(beside.server.sql("SELECT key FROM auth_session"), BOB);
    let counted = beside.run("keys list");
    assert_eq!(counted.code, 0, "{counted}");
    beside
        .server
        .sql("INSERT INTO auth_session VALUES ('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 'no JSON')");
    let listed = beside.run("sessions list --format jsonl");
    assert!(listed.stdout.contains("malformed") || listed.stdout.contains("foreign"), "{listed}");
    let doctor = beside.run("doctor --offline");
    assert!(doctor.stdout.contains("statusphere-legacy"), "{doctor}");
}
