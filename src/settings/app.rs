//! Names that apps use for variables and files, which oauthctl searches if nothing is configured.
//! The only such table, for `init` and all other commands.

use std::borrow::Cow;

use crate::error::Failure;
use crate::jose::{NotAKey, read_keys};

/// Dotenv files of deployments. The first file with a variable takes precedence.
pub const ENV_FILES: [&str; 4] = [".env.production.local", ".env.local", ".env.production", ".env"];

/// Variables with client keys, in search order. An app uses one of these families. `#` stands for a
/// number from 1 on.
pub const KEY_FAMILIES: [&[&str]; 27] = [
    &["NUXT_OAUTH_JWK_ONE", "NUXT_OAUTH_JWK_TWO", "NUXT_OAUTH_JWK_THREE"],
    &["OAUTH_JWK_ONE", "OAUTH_JWK_TWO", "OAUTH_JWK_THREE"],
    &["PRIVATE_KEYS"],
    &["PRIVATE_KEY"],
    &["OAUTH_JWK"],
    &["PRIVATE_KEY_JWK"],
    &["ATPROTO_JWK_PRIVATE"],
    &["ATPROTO_PRIVATE_KEY_JWK"],
    &["OAUTH_PRIVATE_KEYS"],
    &["OAUTH_PRIVATE_KEY"],
    &["OAUTH_PRIVATE_KEY_JWK"],
    &["OAUTH_PRIVATE_KEY_#"],
    &["PRIVATE_KEY_#"],
    &["JWK_#"],
    &["JOSE_PRIVATE_KEY_#"],
    &["BLUESKY_KEY_#"],
    &["BLUESKY_PRIVATE_KEY_#"],
    &["BLUESKY_PRIVATE_JWK"],
    &["BLUESKY_OAUTH_PRIVATE_KEY"],
    &["BSKY_OAUTH_PRIVATE_KEY"],
    &["BSKY_OAUTH_PRIVATE_KEY_PEM"],
    &["CLIENT_ASSERTION_KEY"],
    &["PRIVATE_KEY_ES256_B64"],
    &["FLASK_CLIENT_SECRET_JWK"],
    &["CLIENT_SECRET_KEY"],
    &["OAUTH_SIGNING_KEY"],
    &["KEY_#"],
];

/// Variable with the path of a file with client keys.
pub const KEY_PATH_VARIABLE: &str = "OAUTH_PRIVATE_KEY_PATH";

/// Highest number searched for.
const MOST_NUMBERED: usize = 20;

/// Common name, which counts only if the value is a key.
const COMMON: &str = "KEY_#";

/// Kind of a variable with the location of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreVariable {
    /// Address of a Redis.
    Redis,
    /// Address of a Redis over REST. The token is in this variable.
    Rest(&'static str),
    /// Path of an SQLite database.
    Database,
    /// The address or path of a database of any kind. So many programs use the name that it says
    /// little about where sessions are.
    General,
}

/// Variables with the location of the app's store, in search order.
pub const STORE_VARIABLES: [(&str, StoreVariable); 13] = [
    ("REDIS_URL", StoreVariable::Redis),
    ("VALKEY_URL", StoreVariable::Redis),
    ("REDIS_TLS_URL", StoreVariable::Redis),
    ("UPSTASH_KV_REST_API_URL", StoreVariable::Rest("UPSTASH_KV_REST_API_TOKEN")),
    ("KV_REST_API_URL", StoreVariable::Rest("KV_REST_API_TOKEN")),
    ("UPSTASH_REDIS_REST_URL", StoreVariable::Rest("UPSTASH_REDIS_REST_TOKEN")),
    ("KV_URL", StoreVariable::Redis),
    ("DATABASE_PATH", StoreVariable::Database),
    ("DB_PATH", StoreVariable::Database),
    ("KV_DB_PATH", StoreVariable::Database),
    ("DATABASE_URL", StoreVariable::General),
    ("POSTGRES_URL", StoreVariable::General),
    ("DB_URL", StoreVariable::General),
];

/// Default name of a database.
pub const DATABASE: &str = "app.db";

/// Client keys found in variables.
#[derive(Debug, Default)]
pub struct FoundKeys {
    /// Names of the variables with keys, even if unreadable.
    pub names: Vec<String>,
    /// First of these that is unreadable.
    pub unreadable: Option<(String, Failure)>,
    /// Empty variable that precedes those with keys.
    pub empty: Option<String>,
    /// Variables with keys of another type, and their type.
    pub ignored: Vec<(String, String)>,
}

/// Returns the names of a family's variables.
fn names_of(family: &'static [&'static str]) -> impl Iterator<Item = Cow<'static, str>> {
    let numbered = |name: &'static str| {
        (1..=MOST_NUMBERED).map(move |number| name.replace('#', &number.to_string()))
    };
    family.iter().flat_map(move |name| {
        let plain = (!name.contains('#')).then_some(Cow::Borrowed(*name));
        let numbered = name.contains('#').then(|| numbered(name)).into_iter().flatten();
        plain.into_iter().chain(numbered.map(Cow::Owned))
    })
}

/// Checks whether a variable of this name should hold a client key.
pub fn is_key_variable(name: &str) -> bool {
    KEY_FAMILIES
        .iter()
        .filter(|family| family[0] != COMMON)
        .any(|family| names_of(family).any(|known| known == name))
}

/// Finds the first family with a key, or with an unreadable value, in one of its variables. Keys of
/// another type are skipped, because any program may have a private key. With `stops_at_empty`, a
/// family of empty variables counts.
pub fn find_keys<'v>(
    value_of: impl Fn(&str) -> Option<Cow<'v, str>>,
    stops_at_empty: bool,
) -> FoundKeys {
    let mut found = FoundKeys::default();
    for family in KEY_FAMILIES {
        for name in names_of(family) {
            let Some(value) = value_of(&name) else { continue };
            if value.trim().is_empty() {
                // After others it is a place for a future key.
                if found.names.is_empty() {
                    found.empty.get_or_insert_with(|| name.into_owned());
                }
                continue;
            }
            match read_keys(&value) {
                Ok(_) => found.names.push(name.into_owned()),
                Err(NotAKey { is_foreign, failure }) if is_foreign || family[0] == COMMON => {
                    found.ignored.push((name.into_owned(), failure.to_string()));
                }
                Err(NotAKey { failure, .. }) => {
                    found.names.push(name.clone().into_owned());
                    found.unreadable.get_or_insert((name.into_owned(), failure));
                }
            }
        }
        if !found.names.is_empty() || (stops_at_empty && found.empty.is_some()) {
            break;
        }
    }
    found
}

/// Returns variables that may contain the kid of this variable's key.
pub fn kid_variables(name: &str) -> impl Iterator<Item = String> {
    let own = name.starts_with("BSKY_OAUTH_").then(|| "BSKY_OAUTH_KID".to_owned());
    own.into_iter().chain(["_ID", "_KID"].map(|end| format!("{name}{end}")))
}

/// Checks whether the name of this variable says little about where sessions are.
pub fn is_general(name: &str) -> bool {
    STORE_VARIABLES.contains(&(name, StoreVariable::General))
}

/// Returns the address of the database at a path, in the notation of apps.
pub fn database_address(path: &str) -> String {
    let path = path.trim();
    let path =
        ["sqlite:", "file:"].iter().find_map(|scheme| path.strip_prefix(scheme)).unwrap_or(path);
    format!("sqlite:{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> FoundKeys {
        let value_of = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(Cow::Borrowed(*value))
        };
        find_keys(value_of, false)
    }

    #[test]
    fn every_family_is_found_under_each_of_its_names() {
        let key = testbed::keys::client_key("a").to_string();
        for family in KEY_FAMILIES {
            for name in names_of(family) {
                assert_eq!(found(&[(&name, &key)]).names, [&*name]);
            }
        }
        let two = found(&[("PRIVATE_KEY_3", &key), ("PRIVATE_KEY_1", &key), ("JWK_1", &key)]);
        assert_eq!(two.names, ["PRIVATE_KEY_1", "PRIVATE_KEY_3"]);
    }

    #[test]
    fn keys_of_other_types_are_skipped_and_damaged_ones_are_not() {
        let (key, hex) = (testbed::keys::client_key("a").to_string(), "0f".repeat(32));
        let other = found(&[("PRIVATE_KEY", &hex), ("OAUTH_JWK", &key), ("KEY_1", "x")]);
        assert_eq!((other.names, other.ignored.len()), (vec!["OAUTH_JWK".to_owned()], 1));
        let damaged = found(&[("PRIVATE_KEY", "'x'"), ("OAUTH_JWK", &key)]);
        assert_eq!(damaged.unreadable.unwrap().0, "PRIVATE_KEY");
        assert_eq!(found(&[("KEY_1", "x")]).names, [""; 0]);
        assert_eq!(found(&[("PRIVATE_KEYS", " ")]).empty.as_deref(), Some("PRIVATE_KEYS"));
    }
}
