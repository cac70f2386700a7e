//! Client keys that an app keeps in a table of its store: read, and never written.

use serde_json::json;
use testbed::postgres::Postgres;
use testbed::redis::Redis;

use crate::app::{App, days_ago, did_of};
use crate::database::AppDatabase;
use crate::samples::{KEY1, object};

/// The tables of wisp.place.
const WISP: &str = "
    CREATE TABLE oauth_states (key text PRIMARY KEY, data text NOT NULL, created_at bigint, expires_at bigint);
    CREATE TABLE oauth_sessions (sub text PRIMARY KEY, data text NOT NULL, updated_at bigint, expires_at bigint NOT NULL);
    CREATE TABLE oauth_keys (kid text PRIMARY KEY, jwk text NOT NULL, created_at bigint);";

#[test]
fn the_keys_of_wisp_sign_and_are_not_changed() {
    let (mut app, server) = (App::new(), Postgres::start());
    server.sql(WISP);
    let key = app.net.signing_key().unwrap();
    let kid = key["kid"].as_str().unwrap().to_owned();
    let mut other = testbed::keys::client_key("zz-next");
    // One whose kid stands in its row alone.
    other.as_object_mut().unwrap().remove("kid");
    server.sql(&format!(
        "INSERT INTO oauth_keys VALUES ('{kid}', '{key}', 1), ('zz-next', '{other}', 2)"
    ));
    let record = app.net.login(days_ago(2));
    let did = did_of(&record).to_owned();
    server.sql(&format!(
        "INSERT INTO oauth_sessions VALUES ('{did}', '{record}', extract(epoch FROM now()) - 172800,
         extract(epoch FROM now()) + 86400)"
    ));
    app.sandbox.set("OAUTHCTL_STORE", server.url()).set("OAUTHCTL_KEYS", "store:oauth_keys");
    let set = object(&app.sandbox.result(["jwks", "--offline"]));
    assert_eq!([&set["keys"][0]["kid"], &set["keys"][1]["kid"]], [kid.as_str(), "zz-next"]);
    let refreshed = app.sessions("refresh --all");
    assert_eq!(refreshed.stdout, "refreshed 1 session\n", "{refreshed}");
    let now = server.sql("SELECT data FROM oauth_sessions");
    assert!(app.net.is_alive_with(&serde_json::from_str(&now).unwrap()));
    let listed = app.sandbox.run(["keys", "list"]);
    assert!(listed.code == 0 && listed.stdout.contains(&kid), "{listed}");
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert_eq!(doctor.code, 0, "{doctor}");
    let before = server.sql("SELECT * FROM oauth_keys");
    for command in ["keys rotate --stage", "keys retire zz-next"] {
        let refusal = app.sandbox.refusal(command.split(' '));
        assert!(
            refusal
                .stderr
                .contains("store:oauth_keys: is the app's own table of keys, which oauthctl"),
            "{command}: {refusal}"
        );
    }
    assert_eq!(server.sql("SELECT * FROM oauth_keys"), before);
}

#[test]
fn a_table_of_keys_in_sqlite_is_read_too() {
    let mut app = App::new();
    let table =
        "CREATE TABLE oauth_keys (kid TEXT PRIMARY KEY, jwk TEXT NOT NULL, created_at INTEGER)";
    app.database
        .execute(table)
        .execute(&format!("INSERT INTO oauth_keys VALUES ('key1', '{KEY1}', 1)"));
    app.sandbox.set("OAUTHCTL_KEYS", "store:oauth_keys");
    assert_eq!(object(&app.sandbox.result(["jwks", "--offline"]))["keys"][0]["kid"], json!("key1"));
}

#[test]
fn what_is_no_table_of_keys_is_named() {
    let (mut app, server) = (App::new(), Postgres::start());
    server.sql(WISP);
    app.sandbox.set("OAUTHCTL_STORE", server.url());
    for (source, part) in [
        ("store:oauth_keys", "store:oauth_keys: the table has no key"),
        ("store:nothing", "there is no table nothing"),
        ("store:oauth_states", "table oauth_states has no column kid"),
        ("store:", "the text after store: is not the name of a table"),
        ("store:oauth_keys; DROP", "the text after store: is not the name of a table"),
        ("store:oauth_keys#kid=x", "store:oauth_keys takes no kid"),
    ] {
        let refusal = app.sandbox.refusal(["jwks", "--offline", "--keys", source]);
        assert!(refusal.code == 2 && refusal.stderr.contains(part), "{source}: {refusal}");
    }
    server.sql("INSERT INTO oauth_keys VALUES ('key1', 'a-secret-that-is-no-jwk', 1)");
    let refusal = app.sandbox.refusal(["jwks", "--offline", "--keys", "store:oauth_keys"]);
    assert!(refusal.stderr.contains("key \"key1\" is not a JWK"), "{refusal}");
    assert!(!refusal.stderr.contains("a-secret"), "{refusal}");
    let redis = Redis::start();
    app.sandbox.set("OAUTHCTL_STORE", redis.url());
    let refusal = app.sandbox.refusal(["jwks", "--offline", "--keys", "store:oauth_keys"]);
    assert!(refusal.code == 2 && refusal.stderr.contains("has no tables"), "{refusal}");
    AppDatabase::create(&app.sandbox.path("other.db")).close();
    app.sandbox.set("OAUTHCTL_STORE", "sqlite:other.db");
    let refusal = app.sandbox.refusal(["jwks", "--offline", "--keys", "store:oauth_keys"]);
    assert!(
        refusal.to_string().contains("there is no table oauth_keys with the columns kid and jwk"),
        "{refusal}"
    );
}
