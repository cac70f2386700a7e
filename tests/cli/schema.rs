//! What `oauthctl schema` says is what the commands print, and what settings may be.

use serde_json::{Value, json};
use testbed::{LoginOptions, keys};

use crate::app::{App, days_ago};
use crate::database::AppDatabase;
use crate::samples::{ALICE, KEY1, object, state};
use crate::sandbox::Sandbox;

fn schema(name: &str) -> Value {
    serde_json::from_str(&Sandbox::new().result(["schema", name])).unwrap()
}

/// Returns why a value is not as a schema says, if it is not. Knows the keywords that our schemas
/// use, and fails on others.
fn objection(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let Value::Object(keywords) = schema else {
        return (schema != &Value::Bool(true)).then(|| format!("{value} is not allowed"));
    };
    keywords.iter().find_map(|(keyword, rule)| {
        let refuse = |holds: bool| (!holds).then(|| format!("{keyword} {rule}: {value}"));
        let each = |rules: &Value| rules.as_array().unwrap().clone();
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => None,
            "$ref" => {
                let place = rule.as_str().unwrap().strip_prefix('#').unwrap();
                objection(root, root.pointer(place).unwrap(), value)
            }
            "type" => {
                let types = if rule.is_array() { each(rule) } else { vec![rule.clone()] };
                refuse(types.iter().any(|name| match name.as_str().unwrap() {
                    "null" => value.is_null(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "string" => value.is_string(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("unknown type {other}"),
                }))
            }
            "enum" => refuse(each(rule).contains(value)),
            "minimum" => refuse(value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap())),
            "pattern" => {
                assert_eq!(rule, "^(kid|key):.", "the only one there is");
                let text = value.as_str().unwrap_or_default();
                refuse(
                    text.split_once(':').is_some_and(|(kind, rest)| {
                        matches!(kind, "kid" | "key") && !rest.is_empty()
                    }),
                )
            }
            "anyOf" => refuse(each(rule).iter().any(|rule| objection(root, rule, value).is_none())),
            "allOf" => each(rule).iter().find_map(|rule| objection(root, rule, value)),
            "required" => {
                let has = |name: &Value| value.get(name.as_str().unwrap()).is_some();
                refuse(!value.is_object() || each(rule).iter().all(has))
            }
            "properties" => rule
                .as_object()
                .unwrap()
                .iter()
                .find_map(|(name, rule)| objection(root, rule, value.get(name)?)),
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                let is_known = |name: &str| known.is_some_and(|known| known.contains_key(name));
                let others = value.as_object()?.iter().filter(|(name, _)| !is_known(name));
                others.map(|(_, value)| objection(root, rule, value)).find_map(|found| found)
            }
            "items" => value.as_array()?.iter().find_map(|item| objection(root, rule, item)),
            other => panic!("unknown keyword {other}"),
        }
    })
}

/// Checks a document, and that the schema requires its first member.
#[track_caller]
fn assert_holds(name: &str, document: &str) {
    let mut document: Value =
        serde_json::from_str(document).unwrap_or_else(|e| panic!("{name}: {e}: {document}"));
    let schema = schema(name);
    assert_eq!(objection(&schema, &schema, &document), None, "{name}: {document}");
    let first = match &mut document {
        Value::Array(items) => items.first_mut().expect("there is an item"),
        other => other,
    };
    let members = first.as_object_mut().unwrap();
    let name_of_first = members.keys().next().unwrap().clone();
    drop(members.shift_remove(&name_of_first));
    let is_refused = objection(&schema, &schema, &document).is_some();
    assert!(is_refused, "{name} allows anything: {document}");
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

fn app() -> App {
    let app = App::with_users(2);
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    app.database.state("a", &state("key1"));
    app
}

#[test]
fn every_output_of_a_store_is_as_its_schema_says() {
    let app = app();
    let show = format!("sessions show {ALICE}");
    for (name, command) in [
        ("sessions-list", "sessions list"),
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
        ("sessions-revoke", "sessions revoke --all --yes"),
    ] {
        let output = app.sandbox.run(format!("{command} --format json -q").split(' '));
        assert_holds(name, &output.stdout);
    }
}

#[test]
fn an_import_is_as_its_schema_says() {
    let app = app();
    app.sandbox.run(["sessions", "export", "-o", "out.jsonl"]);
    AppDatabase::create(&app.sandbox.path("new.db")).close();
    let import =
        "sessions import out.jsonl --source-app-stopped --store sqlite:new.db --format json";
    assert_holds("sessions-import", &app.sandbox.run(import.split(' ')).stdout);
}

#[test]
fn what_is_done_with_keys_is_as_its_schema_says() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("{{\"keys\":[{KEY1}]}}"));
    AppDatabase::create(&sandbox.path("app.db")).session(&crate::samples::session(ALICE, "3h"));
    let run = |command: &str| {
        let output = sandbox.run(format!("{command} --format json").split(' '));
        assert_eq!(output.code, 0, "{command}: {output}");
        output.stdout
    };
    assert_holds("gen-jwk", &run("gen-jwk --kid a"));
    assert_holds("gen-jwk", &run("gen-jwk --kid a -o a.json"));
    let store = "--keys keys.json --store sqlite:app.db";
    assert_holds("keys-rotate", &run("keys rotate --keys keys.json --kid next --stage --dry-run"));
    let rotated = run("keys rotate --keys keys.json --kid next --stage");
    assert_holds("keys-rotate", &rotated);
    let rotated = object(&rotated);
    assert_eq!((&rotated["kid"], &rotated["file"]), (&json!("next"), &json!("keys.json")));
    assert_eq!(rotated["value"], Value::Null);
    assert_holds("keys-retire", &run(&format!("keys retire next --dry-run --unused {store}")));
    assert_holds(
        "keys-promote",
        &run("keys rotate --promote next --unpublished --dry-run --keys keys.json"),
    );
    let retired = run(&format!("keys retire next --unused {store}"));
    assert_holds("keys-retire", &retired);
    assert_eq!(object(&retired)["is_removed"], true);
    let init =
        "init --yes --offline --client-uri https://app.example.com --config new.toml --dry-run";
    assert_holds("init", &run(init));
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
        let objection = objection(&schema, &schema, &settings);
        assert_eq!(objection.is_none(), is_valid, "{settings}: {objection:?}");
    }
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
