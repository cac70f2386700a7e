//! `oauthctl schema`: JSON Schema of what the commands print, and of oauthctl.toml.

use clap::builder::PossibleValuesParser;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{gen_jwk, init, keys, sessions, states};
use crate::checks;
use crate::context::Context;
use crate::error::Exit;
use crate::settings;

/// Outputs, each of the command of that name with `--format json`, and the settings file.
pub const NAMES: [&str; 21] = [
    "oauthctl.toml",
    "gen-jwk",
    "init",
    "keys-list",
    "keys-rotate",
    "keys-promote",
    "keys-retire",
    "sessions-list",
    "sessions-show",
    "sessions-stats",
    "sessions-refresh",
    "sessions-upgrade",
    "sessions-revoke",
    "sessions-prune",
    "sessions-import",
    "sessions-recover",
    "states-list",
    "states-purge",
    "doctor",
    "metadata-check",
    "jwks-check",
];

/// Print the JSON Schema of an output or of oauthctl.toml
#[derive(clap::Args)]
#[command(after_help = "\
The schema of a command describes its output with --format json. With --format jsonl, each line is
one of the items. Any version may add members. Members are removed, or change their type, only in a
new major version (before 1.0: a new minor version).

Examples:
  oauthctl schema
  oauthctl schema sessions-list
  oauthctl schema oauthctl.toml > oauthctl.schema.json")]
pub struct Args {
    /// Schema to print; without a name, the names are listed
    #[arg(value_parser = PossibleValuesParser::new(NAMES), hide_possible_values = true)]
    name: Option<String>,
}

/// Document of a run: results as they came, then counts.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are written one by one, as they come")]
struct RunDocument<T, C> {
    /// Nothing was changed.
    dry_run: bool,
    items: Vec<T>,
    counts: C,
}

/// Prints the schema.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    match &args.name {
        None => context.ui.result(NAMES.map(|name| format!("{name}\n")).concat())?,
        Some(name) => context.ui.result(context.ui.json_for_people(&of_name(name)))?,
    }
    Ok(Exit::Done)
}

fn of_name(name: &str) -> Value {
    if name == settings::FILE_NAME {
        return settings::json_schema();
    }
    let schema = match name {
        "gen-jwk" => Some(of::<gen_jwk::Receipt<'_>>()),
        "init" => Some(of::<init::Receipt>()),
        "doctor" | "metadata-check" | "jwks-check" => Some(of::<Vec<checks::Finding>>()),
        _ => keys::schema(name).or_else(|| sessions::schema(name)).or_else(|| states::schema(name)),
    };
    let mut schema = schema.map_or_else(|| json!(true), Schema::to_value);
    if let Some(members) = schema.as_object_mut() {
        members.insert("title".to_owned(), json!(format!("oauthctl {name}")));
    }
    schema
}

/// Returns the schema of what is serialised as this type.
pub fn of<T: JsonSchema>() -> Schema {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().for_serialize().into();
    generator.into_root_schema_for::<T>()
}

/// Returns the schema of a run with such items and counts.
pub fn of_run<T: JsonSchema, C: JsonSchema>() -> Schema {
    of::<RunDocument<T, C>>()
}
