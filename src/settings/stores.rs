//! Stores that the app's variables name, where nobody has named one to oauthctl.

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
    /// Its value as an address. It may hold a password.
    pub address: String,
}

/// Stores that the app's variables name.
#[derive(Debug, Default)]
pub struct FoundStores {
    /// Each store once, under the first variable that names it.
    pub stores: Vec<FoundStore>,
    /// Variables that name no store oauthctl could open, and why not.
    pub passed_over: Vec<(&'static str, String)>,
}

impl FoundStore {
    /// The address, with where it was found.
    pub fn sourced(&self) -> Sourced {
        Sourced { text: self.address.clone(), origin: Origin::Found(self.name.to_owned()) }
    }

    /// Returns how settings name it: the address of a file, else the variable, which may hold a password.
    pub fn reference(&self) -> String {
        if self.address.starts_with("sqlite:") {
            self.address.clone()
        } else {
            format!("env:{}", self.name)
        }
    }
}

impl FoundStores {
    /// Reads all variables of the table. Fails with the first that should be an address and is
    /// none.
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
                Err(why) => found.passed_over.push((name, why)),
            }
        }
        Ok(found)
    }

    /// Says which variables name no store that oauthctl could open; empty where there are none.
    pub fn passed_over(&self) -> Vec<String> {
        self.passed_over.iter().map(|(name, why)| format!("passed over {name}: {why}")).collect()
    }
}

/// The address that a variable's text stands for, or why there is none.
fn address_of(kind: StoreVariable, text: &str) -> Result<String, String> {
    let is_path = |text: &str| {
        let extension = Path::new(text).extension().and_then(|extension| extension.to_str());
        !text.contains([':', '@']) && matches!(extension, Some("db" | "sqlite" | "sqlite3"))
    };
    let address = match kind {
        StoreVariable::Database => database_address(text),
        StoreVariable::General if text.starts_with("file:") => {
            return Err(
                "a file: in it is relative to a directory that only the app knows".to_owned()
            );
        }
        StoreVariable::General if text.starts_with("https://") || text.starts_with("http://") => {
            return Err("it names a database behind HTTP".to_owned());
        }
        StoreVariable::General if is_path(text) => format!("sqlite:{text}"),
        StoreVariable::General | StoreVariable::Redis | StoreVariable::Rest(_) => text.to_owned(),
    };
    if address == "sqlite::memory:" {
        return Err("it names a database inside the app's own memory".to_owned());
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
    fn databases_of_other_kinds_are_passed_over() {
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
            let said = found.passed_over().concat();
            assert!(said.starts_with("passed over DATABASE_URL: "), "{said}");
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
