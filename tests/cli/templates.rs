//! The .env files of real apps: after `init`, and with exported variables alone, all commands that
//! read or refresh work without options.

use serde_json::json;
use testbed::postgres::Postgres;
use testbed::redis::Redis;
use testbed::upstash::Front;
use testbed::{Library, LoginOptions};

use crate::app::{App, days_ago, did_of};
use crate::atcute_layouts::{LONG_AGO, bookhive};
use crate::database::AppDatabase;
use crate::npmx::Npmx;
use crate::sandbox::Sandbox;

const COMMANDS: [&str; 5] =
    ["sessions list", "sessions stats", "doctor --offline", "jwks", "sessions refresh"];

/// Replaces the `client_id` in settings, and permits the test network on loopback.
fn adapt(app: &App, settings: &str) {
    let (client_id, plc) = (app.net.client_id(), app.net.plc_url());
    let others = settings.lines().filter(|line| !line.starts_with("client_id"));
    let settings = others.map(|line| format!("{line}\n")).collect::<String>();
    let settings =
        settings.replacen("[client]\n", &format!("[client]\nclient_id = \"{client_id}\"\n"), 1);
    let network = format!(
        "\n[network]\nplc_directory = \"{plc}\"\nallow_http = true\nallow_private_hosts = true\n"
    );
    app.sandbox.file("oauthctl.toml", settings + &network);
}

#[track_caller]
fn assert_works(sandbox: &Sandbox) {
    for command in COMMANDS {
        let output = sandbox.run(command.split(' '));
        assert_eq!(output.code, 0, "{command}: {output}");
        assert!(
            command != "sessions refresh" || output.stdout.contains("refreshed 1 session"),
            "{output}"
        );
    }
}

/// Asserts that a template works, with the variables in a file known to `init`, or exported as in a
/// deployment.
#[track_caller]
fn assert_template_works(app: &mut App, variables: &[(&str, &str)], is_exported: bool) {
    std::fs::remove_file(app.sandbox.path("oauthctl.toml")).unwrap();
    for name in ["OAUTHCTL_STORE", "OAUTHCTL_KEYS", "APP_KEY"] {
        app.sandbox.unset(name);
    }
    if is_exported {
        for (name, value) in variables {
            app.sandbox.set(name, *value);
        }
        adapt(app, "[client]\n");
    } else {
        let lines =
            variables.iter().map(|(name, value)| format!("{name}='{value}'  # a comment\n"));
        app.sandbox.file(".env", lines.collect::<String>());
        let output = app.sandbox.run([
            "init",
            "--yes",
            "--offline",
            "--client-uri",
            "https://app.example.com",
        ]);
        assert_eq!(output.code, 0, "{output}");
        assert!(!app.sandbox.files().contains(&"client-key.json".to_owned()), "{output}");
        adapt(app, &app.sandbox.read("oauthctl.toml"));
    }
    assert_works(&app.sandbox);
}

#[test]
fn of_the_official_example() {
    for is_exported in [false, true] {
        let mut app = App::new();
        let database = AppDatabase::create(&app.sandbox.path("db.sqlite"));
        database.session(&app.net.login(days_ago(2)));
        database.close();
        let keys = json!([app.net.signing_key().unwrap()]).to_string();
        let variables = [
            ("NODE_ENV", "production"),
            ("PORT", "8080"),
            ("PUBLIC_URL", ""),
            ("DB_PATH", "db.sqlite"),
            ("PRIVATE_KEYS", keys.as_str()),
        ];
        assert_template_works(&mut app, &variables, is_exported);
    }
}

#[test]
fn of_bookhive() {
    for is_exported in [false, true] {
        let (mut app, database) = bookhive();
        database.close();
        // The app's own database has no sessions.
        let own = AppDatabase::with(&app.sandbox.path("db.sqlite"), "CREATE TABLE buzz (uri TEXT)");
        own.close();
        let key = app.net.signing_key().unwrap().to_string();
        let variables = [
            ("NODE_ENV", "production"),
            ("PUBLIC_URL", ""),
            ("DB_PATH", "./db.sqlite"),
            ("KV_DB_PATH", "./other.db"),
            ("PRIVATE_KEY_JWK", key.as_str()),
        ];
        assert_template_works(&mut app, &variables, is_exported);
    }
}

#[test]
fn of_bookhive_on_postgresql() {
    for is_exported in [false, true] {
        let (mut app, server) = (App::new(), Postgres::start());
        let options = LoginOptions { library: Library::Atcute, ..days_ago(2) };
        let record = app.net.login(options);
        let table = |name: &str| {
            format!(
                "CREATE TABLE {name} (id text PRIMARY KEY, value text NOT NULL, created_at text NOT NULL,
                 updated_at text NOT NULL);"
            )
        };
        server.sql(&["kv", "kv_auth_sessions", "kv_auth_state"].map(table).concat());
        server.sql(&format!(
            "INSERT INTO kv_auth_sessions VALUES ('{}', '{record}', '{LONG_AGO}', '{LONG_AGO}')",
            did_of(&record)
        ));
        let (key, url) = (app.net.signing_key().unwrap().to_string(), server.url());
        let variables = [
            ("NODE_ENV", "production"),
            ("PUBLIC_URL", ""),
            ("DATABASE_URL", url.as_str()),
            ("PRIVATE_KEY_JWK", key.as_str()),
        ];
        assert_template_works(&mut app, &variables, is_exported);
        let updated = server.sql("SELECT updated_at FROM kv_auth_sessions");
        assert!(updated.as_str() > LONG_AGO && updated.ends_with('Z'), "{updated}");
        assert_ending_wants_the_store_named(&mut app, "DATABASE_URL", is_exported);
    }
}

#[test]
fn of_leaflet() {
    for is_exported in [false, true] {
        let (mut app, server, redis) = (App::new(), Postgres::start(), Redis::start());
        // What else the app keeps there.
        redis.ask(&["SET", "profile:did:plc:ewvi7nxzyoun6zhxrhs64oiz", "{}"]);
        let front = Front::start(redis.port(), "the-token").unwrap();
        let record = app.net.login(days_ago(2));
        server.sql(
            "CREATE TABLE oauth_session_store (key text PRIMARY KEY, session jsonb NOT NULL);
             CREATE TABLE oauth_state_store (key text PRIMARY KEY, state jsonb NOT NULL)",
        );
        let did = did_of(&record);
        server.sql(&format!("INSERT INTO oauth_session_store VALUES ('{did}', '{record}')"));
        let key = app.net.signing_key().unwrap().to_string();
        let (database, locks) = (server.url(), front.url());
        let variables = [
            ("NEXT_PUBLIC_SUPABASE_API_URL", "http://localhost:54321"),
            ("NEXT_PUBLIC_SUPABASE_ANON_KEY", "anon"),
            ("SUPABASE_SERVICE_ROLE_KEY", "service"),
            ("DB_URL", database.as_str()),
            ("KV_REST_API_URL", locks.as_str()),
            ("KV_REST_API_TOKEN", "the-token"),
            ("JOSE_PRIVATE_KEY_1", key.as_str()),
        ];
        assert_template_works(&mut app, &variables, is_exported);
        // Its lock was taken where the app takes it.
        let other = app.net.login(days_ago(2));
        let did = did_of(&other);
        server.sql(&format!("INSERT INTO oauth_session_store VALUES ('{did}', '{other}')"));
        let lock = format!("@atproto-oauth-client-{did}");
        redis.ask(&["SET", &lock, "the app", "PX", "60000"]);
        let busy = app.sessions("refresh --all --lock-timeout 0s --format jsonl");
        assert!(busy.stdout.contains("another process holds its lock"), "{busy}");
        assert_ending_wants_the_store_named(&mut app, "DB_URL", is_exported);
    }
}

/// Under a name that databases of all kinds have.
#[track_caller]
fn assert_ending_wants_the_store_named(app: &mut App, name: &str, is_exported: bool) {
    if !is_exported {
        let settings = app.sandbox.read("oauthctl.toml");
        if settings.contains("[store]") {
            return;
        }
    }
    let refusal = app.sessions("prune --dry-run");
    assert!(refusal.code == 2 && refusal.stderr.contains(&format!("env:{name}")), "{refusal}");
    let named = app.sessions(&format!("prune --dry-run --store env:{name}"));
    assert_eq!(named.code, 0, "{named}");
}

#[test]
fn init_finds_the_one_of_several_stores_that_has_sessions() {
    let app = App::new();
    let database = AppDatabase::create(&app.sandbox.path("kv.sqlite"));
    database.session(&app.net.login(days_ago(2)));
    database.close();
    AppDatabase::create(&app.sandbox.path("db.sqlite")).close();
    std::fs::remove_file(app.sandbox.path("oauthctl.toml")).unwrap();
    let key = app.net.signing_key().unwrap();
    let stores = "DB_PATH=db.sqlite\nKV_DB_PATH=kv.sqlite\nDATABASE_URL=file:./dev.db\n";
    app.sandbox.file(".env", format!("{stores}OAUTH_JWK='{key}'\n"));
    let init = ["init", "--yes", "--client-uri", "https://app.example.com"];
    let output = app.sandbox.run(init);
    assert_eq!(output.code, 0, "{output}");
    assert!(output.stderr.contains("ignored DATABASE_URL: "), "{output}");
    assert!(output.stderr.contains("found the app's store: KV_DB_PATH"), "{output}");
    AppDatabase::open(&app.sandbox.path("db.sqlite")).session(&app.net.login(days_ago(2)));
    std::fs::remove_file(app.sandbox.path("oauthctl.toml")).unwrap();
    let refusal = app.sandbox.run(init);
    let two = "several of the app's stores have sessions: DB_PATH (sqlite:db.sqlite), KV_DB_PATH (";
    assert!(refusal.code == 2 && refusal.stderr.contains(two), "{refusal}");
    let named = app.sandbox.run([&init[..], &["--store", "sqlite:kv.sqlite"]].concat());
    assert_eq!(named.code, 0, "{named}");
}

#[test]
fn of_npmx() {
    for is_exported in [false, true] {
        let mut npmx = Npmx::with_users(1);
        let front = Front::start(npmx.redis.port(), "the-token").unwrap();
        let (key, url) = (npmx.app.net.signing_key().unwrap().to_string(), front.url());
        let variables = [
            ("NUXT_SESSION_PASSWORD", "x"),
            ("NUXT_OAUTH_JWK_ONE", key.as_str()),
            ("UPSTASH_KV_REST_API_URL", url.as_str()),
            ("UPSTASH_KV_REST_API_TOKEN", "the-token"),
        ];
        assert_template_works(&mut npmx.app, &variables, is_exported);
    }
}
