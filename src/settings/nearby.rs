//! Hints for missing settings: variables in dotenv files of the working directory, variables with
//! similar names, and database files.

use std::fs;
use std::path::Path;

use super::MAX_ENV_FILE;
use super::app::{self, ENV_FILES, FoundKeys};
use super::dotenv;
use crate::environment::Environment;
use crate::input;

/// Maximum number of names in a hint.
const MOST_NAMES: usize = 3;

/// Returns the start of a hint about keys, empty if nothing similar is found.
pub fn keys(environment: &Environment, found: &FoundKeys) -> String {
    let mut parts: Vec<_> =
        found.ignored.iter().map(|(name, why)| format!("{name} {why}")).collect();
    let in_files = |name: &str| app::is_key_variable(name) || name == app::KEY_PATH_VARIABLE;
    parts.extend(in_env_file(in_files).or_else(|| {
        let words = ["JWK", "PRIVATE_KEY", "CLIENT_SECRET", "SIGNING_KEY"];
        exported(environment, &words, "keys", |name| !app::is_key_variable(name))
    }));
    joined(&parts)
}

/// Returns the start of a hint about the store, empty if nothing similar is found.
pub fn stores(environment: &Environment) -> String {
    let is_known = |name: &str| app::STORE_VARIABLES.iter().any(|(known, _)| *known == name);
    let found = in_env_file(is_known).or_else(database_here);
    let found = found.or_else(|| {
        let words = ["REDIS", "VALKEY", "DATABASE", "DB_", "POSTGRES", "SQLITE"];
        exported(environment, &words, "store", |name| {
            ["_URL", "_URI", "_PATH"].iter().any(|end| name.ends_with(end))
        })
    });
    joined(&Vec::from_iter(found))
}

fn joined(parts: &[String]) -> String {
    parts.iter().map(|part| format!("{part}; ")).collect()
}

/// Describes a known variable in a dotenv file of the working directory that is not configured.
fn in_env_file(is_known: impl Fn(&str) -> bool) -> Option<String> {
    ENV_FILES.iter().find_map(|file| {
        let text = input::read(Path::new(file), MAX_ENV_FILE).ok()?;
        let (name, _) = dotenv::parse(&text)
            .into_iter()
            .find(|(name, value)| is_known(name) && !value.is_empty())?;
        let how = format!("write env_file = \"{file}\" in oauthctl.toml, or run `oauthctl init`");
        Some(format!("{name} is in {file} here: {how}"))
    })
}

/// Describes variables with one of these words in their names.
fn exported(
    environment: &Environment,
    words: &[&str],
    option: &str,
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    let is_near = |name: &&str| {
        !name.starts_with("OAUTHCTL_") && words.iter().any(|word| name.contains(word)) && fits(name)
    };
    let names: Vec<_> = environment.names().into_iter().filter(is_near).take(MOST_NAMES).collect();
    let first = names.first()?;
    Some(format!("set here: {} (--{option} env:{first})", names.join(", ")))
}

/// Describes a file of the working directory named like a database.
fn database_here() -> Option<String> {
    let names =
        fs::read_dir(".").ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let is_database = |name: &String| {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("db" | "sqlite" | "sqlite3"))
    };
    let name = names.filter(is_database).min()?;
    Some(format!("{name} is here: --store sqlite:{name}"))
}
