//! What `oauthctl schema` says is what the commands print, and what settings may be.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::{LoginOptions, keys};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, KEY1, object, state};
use crate::sandbox::Sandbox;

fn schema(name: &str) -> Value {
    serde_json::from_str(&Sandbox::new().result(["schema", name])).unwrap()
}

/// Returns why a value is not as a schema says, if it is not.
fn objection(schema: &Value, value: &Value) -> Option<String> {
    let validator = jsonschema::validator_for(schema).unwrap_or_else(|e| panic!("{e}: {schema}"));
    let fault = validator.iter_errors(value).next()?;
    Some(format!("{} at {}", fault, fault.instance_path()))
}

/// Checks a document, and that the schema requires its first member.
#[track_caller]
pub(crate) fn assert_holds(name: &str, document: &str) {
    let mut document: Value =
        serde_json::from_str(document).unwrap_or_else(|e| panic!("{name}: {e}: {document}"));
    let schema = schema(name);
    assert_eq!(objection(&schema, &document), None, "{name}: {document}");
    let first = match &mut document {
        Value::Array(items) => items.first_mut().expect("there is an item"),
        other => other,
    };
    let members = first.as_object_mut().unwrap();
    let name_of_first = members.keys().next().unwrap().clone();
    drop(members.shift_remove(&name_of_first));
    assert!(objection(&schema, &document).is_some(), "{name} allows anything: {document}");
}

/// Commands whose output is text, a document of a standard, or has a schema under another name.
const WITHOUT_SCHEMA: [&str; 9] = [
    "completions",
    "jwks",
    "keys",
    "man",
    "metadata",
    "schema",
    "sessions",
    "sessions-export",
    "states",
];

#[test]
fn every_command_with_json_output_has_a_schema() {
    let names = Sandbox::new().result(["schema"]);
    let names: Vec<_> = names.lines().collect();
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/man")).unwrap();
    for page in pages {
        let page = page.unwrap().file_name().into_string().unwrap();
        let Some(command) = page.trim_end_matches(".1").strip_prefix("oauthctl-") else { continue };
        assert!(
            names.contains(&command) || WITHOUT_SCHEMA.contains(&command),
            "add {command} to NAMES in src/commands/schema.rs"
        );
    }
    for name in names {
        assert!(schema(name).is_object(), "{name} has no row in a function `schema`");
    }
}

/// Outputs, each with the name of its schema.
type Outputs = Vec<(&'static str, String)>;

fn app() -> App {
    let app = App::with_users(2);
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    app.database.state("a", &state("key1"));
    app
}

fn outputs_of_a_store() -> Outputs {
    let app = app();
    let show = format!("sessions show {ALICE}");
    let run = |command: &str| app.sandbox.run(format!("{command} --format json -q").split(' '));
    let of = |(name, command)| (name, run(command).stdout);
    let mut outputs: Outputs = [
        ("sessions-list", "sessions list"),
        ("sessions-list", "sessions list --handles"),
        ("sessions-show", &*show),
        ("sessions-stats", "sessions stats"),
        ("states-list", "states list"),
        ("keys-list", "keys list"),
        ("sessions-refresh", "sessions refresh --all --dry-run"),
        ("sessions-revoke", "sessions revoke --all --dry-run"),
        ("sessions-prune", "sessions prune --dry-run"),
        ("sessions-refresh", "sessions refresh --all"),
        ("sessions-prune", "sessions prune"),
        ("sessions-recover", "sessions recover"),
        ("sessions-recover", "sessions recover --dry-run"),
        ("sessions-upgrade", "sessions upgrade --unpublished"),
        ("states-purge", "states purge"),
        ("doctor", "doctor --offline"),
    ]
    .map(of)
    .into();
    app.sandbox.run(["sessions", "export", "-o", "out.jsonl"]);
    AppDatabase::create(&app.sandbox.path("new.db")).close();
    let import = "sessions import out.jsonl --source-app-stopped --store sqlite:new.db";
    outputs.push(of(("sessions-import", import)));
    outputs.push(of(("sessions-revoke", "sessions revoke --all --yes")));
    outputs
}

fn outputs_about_keys() -> Outputs {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("{{\"keys\":[{KEY1}]}}"));
    AppDatabase::create(&sandbox.path("app.db")).session(&crate::samples::session(ALICE, "3h"));
    let run = |command: &str| {
        let output = sandbox.run(format!("{command} --format json").split(' '));
        assert_eq!(output.code, 0, "{command}: {output}");
        output.stdout
    };
    let store = "--keys keys.json --store sqlite:app.db";
    [
        ("gen-jwk", "gen-jwk --kid a"),
        ("gen-jwk", "gen-jwk --kid a -o a.json"),
        ("keys-rotate", "keys rotate --keys keys.json --kid next --stage --dry-run"),
        ("keys-rotate", "keys rotate --keys keys.json --kid next --stage"),
        ("keys-retire", &format!("keys retire next --dry-run --unused {store}")),
        ("keys-promote", "keys rotate --promote next --unpublished --dry-run --keys keys.json"),
        ("keys-retire", &format!("keys retire next --unused {store}")),
        ("init", "init --yes --offline --client-uri https://app.example.com --config new.toml -n"),
    ]
    .map(|(name, command)| (name, run(command)))
    .into()
}

fn outputs_about_documents() -> Outputs {
    let sandbox = Sandbox::new();
    sandbox.file("client.json", r#"{"client_id":"http://app.example.com","scope":"openid"}"#);
    sandbox.file("jwks.json", r#"{"keys":[{"kty":"EC","kid":""},{"d":1}]}"#);
    [("metadata-check", "metadata --check client.json"), ("jwks-check", "jwks --check jwks.json")]
        .map(|(name, command)| {
            (name, sandbox.run(format!("{command} --format json").split(' ')).stdout)
        })
        .into()
}

#[test]
fn every_output_is_as_its_schema_says() {
    let outputs = [outputs_of_a_store(), outputs_about_keys(), outputs_about_documents()].concat();
    for (name, output) in &outputs {
        assert_holds(name, output);
    }
    let seen: BTreeSet<&str> = outputs.iter().map(|(name, _)| *name).collect();
    let names = Sandbox::new().result(["schema"]);
    let names = names.lines().filter(|name| *name != "oauthctl.toml").collect();
    assert_eq!(seen, names, "every schema is checked against real output");
}

#[test]
fn a_rotation_says_what_it_has_written_and_where() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("{{\"keys\":[{KEY1}]}}"));
    let rotate = "keys rotate --keys keys.json --kid next --stage --format json";
    let rotated = object(&sandbox.run(rotate.split(' ')).stdout);
    assert_eq!((&rotated["kid"], &rotated["file"]), (&json!("next"), &json!("keys.json")));
    assert_eq!(rotated["value"], Value::Null);
}

#[test]
fn a_key_that_is_printed_is_in_the_document_of_a_rotation() {
    let mut sandbox = Sandbox::new();
    sandbox.set("APP_KEY", keys::client_key("one").to_string());
    let output = sandbox.run(["keys", "rotate", "--keys", "env:APP_KEY", "--format", "json"]);
    assert_eq!(output.code, 0, "{output}");
    let document = object(&output.stdout);
    assert!(document["value"].as_str().unwrap().starts_with("APP_KEY_2="), "{document:?}");
    assert_eq!(document["load_order"].as_array().unwrap().len(), 2, "{document:?}");
}

#[test]
fn settings_are_as_their_schema_says() {
    let schema = schema("oauthctl.toml");
    for (settings, is_valid) in [
        (json!({"keys": ["env:A", {"source": "b", "kid": "c"}], "env_file": ".env"}), true),
        (json!({"refresh": {"keep_alive": "1d", "concurrency": 3, "per_issuer_rate": 0.5}}), true),
        (json!({"refresh": {"acknowledged": [{"what": "kid:a", "since": "2026-11-30"}]}}), true),
        (json!({"profiles": {"p": {"store": {"url": "sqlite:a.db"}}}}), true),
        (json!({"issuers": {"https://a": {"per_issuer": 1}}, "layouts": {"l": {"ttl": 1}}}), false),
        (json!({"refresh": {"concurrency": 0}}), false),
        (json!({"refresh": {"keep_alife": "1d"}}), false),
        (json!({"refresh": {"acknowledged": [{"what": "a", "since": "2026-11-30"}]}}), false),
        (json!({"profiles": {"p": {"profiles": {}}}}), false),
    ] {
        let objection = objection(&schema, &settings);
        assert_eq!(objection.is_none(), is_valid, "{settings}: {objection:?}");
    }
    let written: Value = toml::from_str(&app().sandbox.read("oauthctl.toml")).unwrap();
    assert_eq!(objection(&schema, &written), None, "{written}");
}

#[test]
fn names_are_listed_and_others_refused() {
    let sandbox = Sandbox::new();
    let names = sandbox.result(["schema"]);
    assert!(names.lines().count() >= 20 && names.starts_with("oauthctl.toml\n"), "{names}");
    for name in names.lines() {
        let schema: Value = serde_json::from_str(&sandbox.result(["schema", name])).unwrap();
        assert!(schema.is_object() && schema["title"].is_string(), "{name}: {schema}");
    }
    let refused = sandbox.run(["schema", "sessions"]);
    assert!(refused.code == 2 && refused.stderr.contains("possible values"), "{refused}");
}
