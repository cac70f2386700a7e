//! The layouts of tables that the README describes, each with tables that are as it says.

use testbed::postgres::Postgres;
use toml::Table;

use crate::app::{App, days_ago, did_of};
use crate::readme;

/// The name of a column or table as a description gives it, in quotes.
fn named(layout: &Table, member: &str, usual: &str) -> String {
    format!("\"{}\"", layout.get(member).and_then(toml::Value::as_str).unwrap_or(usual))
}

/// A table of sessions or pending logins as a description has it.
fn table(layout: &Table, kind: &str, of_value: &str) -> (String, String) {
    let schema = named(layout, "schema", "public");
    let name = format!("{schema}.{}", named(layout, &format!("{kind}_table"), ""));
    let column = |member: &str, usual| named(layout, &format!("{kind}_{member}_column"), usual);
    let mut columns = format!(
        "{} text PRIMARY KEY, {} {of_value} NOT NULL",
        column("key", "key"),
        column("value", "value")
    );
    for member in ["updated", "expires"] {
        if layout.contains_key(&format!("{kind}_{member}_column")) {
            columns += &format!(", {} timestamptz DEFAULT now()", column(member, ""));
        }
    }
    let sql = format!("CREATE SCHEMA IF NOT EXISTS {schema}; CREATE TABLE {name} ({columns});");
    (name, sql)
}

#[test]
fn each_described_layout_of_tables_is_listed_and_refreshed() {
    let (mut app, server) = (App::new(), Postgres::start());
    app.sandbox.set("OAUTHCTL_STORE", server.url());
    let settings = app.sandbox.read("oauthctl.toml");
    let mut count = 0;
    for block in readme::blocks().iter().filter(|block| block.info == "toml") {
        let Ok(document) = block.text.parse::<Table>() else { continue };
        let described = document.get("layouts").and_then(toml::Value::as_table);
        app.sandbox.file("oauthctl.toml", format!("{settings}\n{}", block.text));
        for (name, layout) in described.into_iter().flatten() {
            let layout = layout.as_table().unwrap();
            if !layout.contains_key("session_table") {
                continue;
            }
            let of_value = ["text", "json", "jsonb"][count % 3];
            let (sessions, sql) = table(layout, "session", of_value);
            let (states, more) = table(layout, "state", of_value);
            server.sql(&format!("{sql}{more}"));
            let record = app.net.login(days_ago(2));
            let (key, value) = (
                named(layout, "session_key_column", "key"),
                named(layout, "session_value_column", "value"),
            );
            server.sql(&format!(
                "INSERT INTO {sessions} ({key}, {value}) VALUES ('{}', '{record}')",
                did_of(&record)
            ));
            if layout.contains_key("session_updated_column") {
                let updated = named(layout, "session_updated_column", "");
                server.sql(&format!("UPDATE {sessions} SET {updated} = now() - interval '2 days'"));
            }
            let listed = app.sessions(&format!("list --layout {name}"));
            assert!(
                listed.code == 0 && listed.stdout.contains(did_of(&record)),
                "{name}: {listed}"
            );
            let refreshed = app.sessions(&format!("refresh --all --layout {name}"));
            assert_eq!(refreshed.stdout, "refreshed 1 session\n", "{name}: {refreshed}");
            let now = server.sql(&format!("SELECT {value} FROM {sessions}"));
            assert!(app.net.is_alive_with(&serde_json::from_str(&now).unwrap()), "{name}");
            if layout.contains_key("session_expires_column") {
                let expires = named(layout, "session_expires_column", "");
                let is_set =
                    format!("SELECT {expires} > now() + interval '13 days' FROM {sessions}");
                assert_eq!(server.sql(&is_set), "t", "{name}");
            }
            server.sql(&format!("DROP TABLE {sessions}, {states}"));
            count += 1;
        }
    }
    assert_eq!(count, 11);
}
