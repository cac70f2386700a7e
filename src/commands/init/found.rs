//! What an app says about itself: its variables, from the environment and from dotenv files. Pure.

use std::borrow::Cow;
use std::path::PathBuf;

use serde_json::Value;

use crate::environment::Environment;
use crate::settings::app::{self, FoundKeys, StoreVariable};

/// Variables with the address of the app.
const SITE_VARIABLES: [&str; 12] = [
    "PUBLIC_URL",
    "NUXT_PUBLIC_SITE_URL",
    "NEXT_PUBLIC_SITE_URL",
    "NEXT_PUBLIC_APP_URL",
    "NEXT_PUBLIC_URL",
    "PUBLIC_SITE_URL",
    "VITE_PUBLIC_URL",
    "APP_URL",
    "SITE_URL",
    "BASE_URL",
    "ORIGIN",
    "CLIENT_URI",
];

/// Variables with the app's host name alone, which hosting platforms set.
const HOST_VARIABLES: [&str; 3] =
    ["VERCEL_PROJECT_PRODUCTION_URL", "RAILWAY_PUBLIC_DOMAIN", "RENDER_EXTERNAL_HOSTNAME"];

/// Everything that was read before anything is concluded.
#[derive(Default)]
pub struct Surroundings {
    /// The variables exported.
    pub exported: Environment,
    /// Dotenv files and their variables; of two files, the first has the last word.
    pub files: Vec<(String, Vec<(String, String)>)>,
    /// Lines of these files that are neither comments nor assignments: the file, the number, and
    /// the first word.
    pub unread_lines: Vec<(String, usize, String)>,
    /// True if there is a database under the usual name.
    pub has_database: bool,
    /// True if the app is one of Nuxt's.
    pub is_nuxt: bool,
    /// The directory whose files the app serves.
    pub served: Option<&'static str>,
    /// What the app is called.
    pub name: Option<String>,
    /// A client metadata document that is there already.
    pub document: Option<(PathBuf, Value)>,
}

/// A variable that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// Its value; perhaps empty.
    pub value: Cow<'a, str>,
    /// The file it stands in; none when it is exported.
    pub file: Option<&'a str>,
}

/// A store, as the settings will name it.
#[derive(Debug, PartialEq, Eq)]
pub struct FoundStore {
    /// `env:NAME`, or an address that holds no secret.
    pub url: String,
    /// The token's variable, where the store has one.
    pub token: Option<String>,
    /// What it was told from.
    pub by: String,
}

impl Surroundings {
    /// Returns a variable, wherever it stands: what is exported comes first.
    pub fn variable(&self, name: &str) -> Option<Sighting<'_>> {
        if let Some(value) = self.exported.lossy(name) {
            return Some(Sighting { value, file: None });
        }
        self.files.iter().find_map(|(file, variables)| {
            let (_, value) = variables.iter().rfind(|(known, _)| known == name)?;
            Some(Sighting { value: value.into(), file: Some(file) })
        })
    }

    fn filled(&self, name: &str) -> Option<Sighting<'_>> {
        self.variable(name).filter(|sighting| !sighting.value.trim().is_empty())
    }

    /// Returns the app's home page: the first address that `fits`, and the variable it stands in.
    pub fn site(&self, fits: impl Fn(&str) -> bool) -> Option<(String, &'static str)> {
        let whole = SITE_VARIABLES.iter().map(|name| (name, ""));
        let hosts = HOST_VARIABLES.iter().map(|name| (name, "https://"));
        whole.chain(hosts).find_map(|(name, scheme)| {
            let address =
                format!("{scheme}{}", self.filled(name)?.value.trim().trim_end_matches('/'));
            fits(&address).then_some((address, *name))
        })
    }

    /// Returns the client keys among the variables.
    pub fn keys(&self) -> FoundKeys {
        app::find_keys(|name| Some(self.variable(name)?.value), false)
    }

    /// Returns a line that nobody reads, and that begins with the name of a variable for a client
    /// key: the file and its number.
    pub fn unread_key_line(&self) -> Option<(&str, usize)> {
        self.unread_lines
            .iter()
            .find(|(.., name)| app::is_key_variable(name))
            .map(|(file, line, _)| (file.as_str(), *line))
    }

    /// Returns the path of a key file, where a variable names one.
    pub fn key_path(&self) -> Option<String> {
        Some(self.filled(app::KEY_PATH_VARIABLE)?.value.trim().to_owned())
    }

    /// Returns the store that the app uses.
    pub fn store(&self) -> Option<FoundStore> {
        let found = |url: String, token: Option<&str>, by: &str| {
            Some(FoundStore {
                url,
                token: token.map(|name| format!("env:{name}")),
                by: by.to_owned(),
            })
        };
        for (name, kind) in app::STORE_VARIABLES {
            let Some(sighting) = self.filled(name) else { continue };
            match kind {
                StoreVariable::Redis => return found(format!("env:{name}"), None, name),
                StoreVariable::Rest(token) => {
                    return found(format!("env:{name}"), Some(token), name);
                }
                StoreVariable::Database => {
                    let url = app::database_address(&sighting.value);
                    if url != "sqlite::memory:" {
                        return found(url, None, name);
                    }
                }
            }
        }
        if self.has_database {
            found(format!("sqlite:{}", app::DATABASE), None, app::DATABASE)
        } else {
            None
        }
    }

    /// Returns the dotenv files without which these variables would not be known, in order.
    pub fn files_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<&str> {
        let mut needed: Vec<_> =
            names.into_iter().filter_map(|name| self.variable(name)?.file).collect();
        needed.sort_by_key(|file| self.files.iter().position(|(known, _)| known == file));
        needed.dedup();
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(files: &[(&str, &str)]) -> Surroundings {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), crate::settings::dotenv::parse(text)))
            .collect();
        Surroundings { files, ..Surroundings::default() }
    }

    #[test]
    fn the_first_file_and_before_it_the_environment_has_the_last_word() {
        let mut app = app(&[(".env.local", "A=local"), (".env", "A=common\nB=common")]);
        assert_eq!(
            app.variable("A"),
            Some(Sighting { value: "local".into(), file: Some(".env.local") })
        );
        assert_eq!(
            app.variable("B"),
            Some(Sighting { value: "common".into(), file: Some(".env") })
        );
        app.exported = Environment::new([("A".into(), "exported".into())].into());
        assert_eq!(app.variable("A"), Some(Sighting { value: "exported".into(), file: None }));
        assert_eq!(app.files_of(["B", "A", "C"]), [".env"]);
    }

    #[test]
    fn a_store_with_a_password_is_named_by_its_variable_only() {
        let url = |text| app(&[(".env", text)]).store().map(|store| (store.url, store.token));
        assert_eq!(url("REDIS_URL=redis://:secret@h"), Some(("env:REDIS_URL".to_owned(), None)));
        let rest =
            Some(("env:KV_REST_API_URL".to_owned(), Some("env:KV_REST_API_TOKEN".to_owned())));
        assert_eq!(url("KV_REST_API_URL=https://h\nKV_REST_API_TOKEN=secret"), rest);
        assert_eq!(
            url("DATABASE_PATH=./data/app.db"),
            Some(("sqlite:./data/app.db".to_owned(), None))
        );
        assert_eq!(url("DATABASE_PATH=:memory:"), None);
        assert_eq!(url("DB_PATH=\"db.sqlite\""), Some(("sqlite:db.sqlite".to_owned(), None)));
        assert_eq!(url("DATABASE_PATH=file:./app.db"), Some(("sqlite:./app.db".to_owned(), None)));
        assert_eq!(url("VALKEY_URL=redis://h"), Some(("env:VALKEY_URL".to_owned(), None)));
        assert_eq!(url("REDIS_URL="), None);
    }

    #[test]
    fn only_what_is_a_key_counts_as_one() {
        let jwk = testbed::keys::client_key("a");
        let keys = |text: &str| app(&[(".env", text)]).keys();
        let hex = "0f".repeat(32);
        assert_eq!(keys(&format!("PRIVATE_KEY=0x{hex}\nJWK_1=")).names, [""; 0]);
        let found = keys(&format!("PRIVATE_KEY={hex}\nJWK_1='{jwk}'\nJWK_2='{jwk}'"));
        assert_eq!(found.names, ["JWK_1", "JWK_2"]);
        assert_eq!(found.passed_over[0].0, "PRIVATE_KEY");
        let damaged = keys("NUXT_OAUTH_JWK_ONE={kty:EC}");
        assert_eq!(damaged.unreadable.unwrap().0, "NUXT_OAUTH_JWK_ONE");
        assert_eq!(keys("PRIVATE_KEYS=").empty.as_deref(), Some("PRIVATE_KEYS"));
    }

    #[test]
    fn the_home_page_is_the_first_address_that_fits() {
        let app = app(&[(
            ".env",
            "PUBLIC_URL=http://localhost:3000\nRAILWAY_PUBLIC_DOMAIN=app.example.com",
        )]);
        let site = app.site(|url| url.starts_with("https:"));
        assert_eq!(site, Some(("https://app.example.com".to_owned(), "RAILWAY_PUBLIC_DOMAIN")));
    }
}
