//! Detection of the store from the app's variables, if none is configured.

use std::borrow::Cow;
use std::path::Path;

use super::app::{STORE_VARIABLES, StoreVariable, database_address};
use super::{Origin, Sourced};
use crate::error::Failure;
use crate::input;
use crate::store::StoreUrl;

/// Store that a variable of the app names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundStore {
    /// The variable.
    pub name: &'static str,
    /// Kind of the variable.
    pub kind: StoreVariable,
    /// Value of the variable as an address. May contain a password.
    pub address: String,
}

/// Stores that the app's variables name.
#[derive(Debug, Default)]
pub struct FoundStores {
    /// Each store once, under the first variable that names it.
    pub stores: Vec<FoundStore>,
    /// Variables that oauthctl ignores, with the reasons.
    pub ignored: Vec<(&'static str, String)>,
}

impl FoundStore {
    /// Returns the address with its origin.
    pub fn sourced(&self) -> Sourced {
        Sourced { text: self.address.clone(), origin: Origin::Found(self.name.to_owned()) }
    }

    /// Returns a reference for the settings: the address of a file, else the variable, whose value may
    /// contain a password.
    pub fn reference(&self) -> String {
        if self.address.starts_with("sqlite:") {
            self.address.clone()
        } else {
            format!("env:{}", self.name)
        }
    }
}

impl FoundStores {
    /// Reads all variables of the table. Fails with the first that must be an address and is not
    /// valid.
    pub fn read<'v>(value_of: impl Fn(&str) -> Option<Cow<'v, str>>) -> Result<Self, Failure> {
        let (mut found, mut known) = (Self::default(), Vec::new());
        for (name, kind) in STORE_VARIABLES {
            let Some(value) = value_of(name) else { continue };
            let text = input::trimmed(&value);
            if text.is_empty() {
                continue;
            }
            match address_of(kind, text) {
                Ok(address) => {
                    let url =
                        StoreUrl::parse(&address, Path::new("")).map_err(|e| e.at(name))?.id();
                    if !known.contains(&url) {
                        known.push(url);
                        found.stores.push(FoundStore { name, kind, address });
                    }
                }
                Err(why) => found.ignored.push((name, why)),
            }
        }
        Ok(found)
    }

    /// Returns a message for each ignored variable.
    pub fn ignored(&self) -> Vec<String> {
        self.ignored.iter().map(|(name, why)| format!("ignored {name}: {why}")).collect()
    }
}

/// Returns the address that a variable's value names, or the reason to ignore it.
fn address_of(kind: StoreVariable, text: &str) -> Result<String, String> {
    let is_path = |text: &str| {
        let extension = Path::new(text).extension().and_then(|extension| extension.to_str());
        !text.contains([':', '@']) && matches!(extension, Some("db" | "sqlite" | "sqlite3"))
    };
    let address = match kind {
        StoreVariable::Database => database_address(text),
        StoreVariable::General if text.starts_with("file:") => {
            return Err(
                "its file: address is relative to a directory that only the app knows".to_owned()
            );
        }
        StoreVariable::General if text.starts_with("https://") || text.starts_with("http://") => {
            return Err("it names a database behind HTTP".to_owned());
        }
        StoreVariable::General if is_path(text) => format!("sqlite:{text}"),
        StoreVariable::General | StoreVariable::Redis | StoreVariable::Rest(_) => text.to_owned(),
    };
    if address == "sqlite::memory:" {
        return Err("it names an in-memory database of the app".to_owned());
    }
    match StoreUrl::unserved(&address) {
        Some(scheme) => Err(format!("unknown kind of store: {scheme:?}")),
        None => Ok(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &'static str)]) -> Result<FoundStores, Failure> {
        FoundStores::read(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(Cow::Borrowed(*value))
        })
    }

    #[test]
    fn each_store_is_found_once_in_the_order_of_the_table() {
        let several = found(&[
            ("DATABASE_URL", "postgres://u:p@h/d"),
            ("POSTGRES_URL", "postgresql://h/d?sslmode=require"),
            ("DB_PATH", "file:./app.db"),
            ("KV_REST_API_URL", "https://x.upstash.io"),
            ("KV_URL", "rediss://default:p@x.upstash.io:6379"),
            ("REDIS_URL", " "),
        ]);
        let stores = several.unwrap().stores;
        let names: Vec<_> =
            stores.iter().map(|store| (store.name, store.address.as_str())).collect();
        let expected = [
            ("KV_REST_API_URL", "https://x.upstash.io"),
            ("DB_PATH", "sqlite:./app.db"),
            ("DATABASE_URL", "postgres://u:p@h/d"),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn databases_of_other_kinds_are_ignored() {
        for text in [
            "mysql://root:secret@h/app",
            "mysql:host=h;dbname=app",
            "mongodb+srv://u:secret@h/app",
            "libsql://app.turso.io?authToken=secret",
            "file:./dev.db",
            "https://app.turso.io",
            "prisma+postgres://accelerate/?api_key=secret",
            "sqlite::memory:",
        ] {
            let found = found(&[("DATABASE_URL", text)]).unwrap();
            assert_eq!(found.stores, [], "{text}");
            let said = found.ignored().concat();
            assert!(said.starts_with("ignored DATABASE_URL: "), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
        for text in ["local.db", "sqlite:./local.db", "redis://h", "postgres:"] {
            assert_eq!(found(&[("DB_URL", text)]).unwrap().stores.len(), 1, "{text}");
        }
    }

    #[test]
    fn what_should_be_an_address_and_is_none_is_named() {
        for text in ["secret", "user:secret@tcp(h:3306)/app", "localhost:5432"] {
            let failure = found(&[("DATABASE_URL", text)]).unwrap_err().in_one_line();
            assert!(failure.starts_with("DATABASE_URL: ") && !failure.contains("secret"));
        }
    }
}
