//! The .env files of real apps: after `init`, and with exported variables alone, all commands that
//! read or refresh work without options.

use serde_json::json;
use testbed::upstash::Front;

use crate::app::{App, days_ago};
use crate::atcute_layouts::bookhive;
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
        let key = app.net.signing_key().unwrap().to_string();
        let variables = [
            ("NODE_ENV", "production"),
            ("PUBLIC_URL", ""),
            ("DB_PATH", "other.db"),
            ("KV_DB_PATH", "kv.db"),
            ("PRIVATE_KEY_JWK", key.as_str()),
        ];
        assert_template_works(&mut app, &variables, is_exported);
    }
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
