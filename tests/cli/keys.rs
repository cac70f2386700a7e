//! Common parts of the tests of `oauthctl keys`: key sets, and a store with records bound to them.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, session, state};
use crate::sandbox::{NOW, Output, Sandbox};

/// Returns the time of the sandbox in seconds.
pub(crate) fn now() -> i64 {
    NOW.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// Returns a sandbox whose keys.json holds these keys as an array.
pub(crate) fn array_of(keys: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("[{}]\n", keys.join(",")));
    sandbox
}

/// Returns the keys in an array or a JWKS.
pub(crate) fn keys_in(text: &str) -> Vec<Map<String, Value>> {
    let keys = match serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}")) {
        Value::Array(keys) => keys,
        mut jwks => jwks["keys"].as_array_mut().unwrap().drain(..).collect(),
    };
    keys.into_iter().map(|key| key.as_object().unwrap().clone()).collect()
}

pub(crate) fn kids(keys: &[Map<String, Value>]) -> Vec<&str> {
    keys.iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

pub(crate) fn kids_of(app: &App) -> Vec<String> {
    kids(&keys_in(&app.sandbox.read("keys.json"))).into_iter().map(str::to_owned).collect()
}

/// Returns the value in a line `NAME='value'`.
pub(crate) fn assigned<'o>(output: &'o Output, name: &str) -> &'o str {
    let value = output.stdout.strip_prefix(name).and_then(|rest| rest.strip_prefix("='"));
    value
        .and_then(|rest| rest.strip_suffix("'\n"))
        .unwrap_or_else(|| panic!("{name} is not assigned: {output}"))
}

/// Creates a store with one session bound to `key1`, and one session and one login bound to `key2`.
pub(crate) fn store(sandbox: &Sandbox) {
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let mut other = session(BOB, "3h");
    other["authMethod"]["kid"] = json!("key2");
    database.session(&session(ALICE, "3h")).session(&other).state("pending", &state("key2"));
    database.close();
}
