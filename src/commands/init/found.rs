//! What an app says about itself: its variables, from the environment and from dotenv files. Pure.

use std::path::PathBuf;

use serde_json::Value;

use crate::environment::Environment;
use crate::error::Failure;
use crate::jose::parse_keys;
use crate::settings::app;

/// Dotenv files in which apps keep what a deployment needs; of two, the first has the last word.
pub const ENV_FILES: [&str; 4] = [".env.production.local", ".env.local", ".env.production", ".env"];

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

/// Variables with client keys: an app uses one of these families.
const KEY_FAMILIES: [&[&str]; 12] = [
    &["NUXT_OAUTH_JWK_ONE", "NUXT_OAUTH_JWK_TWO", "NUXT_OAUTH_JWK_THREE"],
    &["OAUTH_JWK_ONE", "OAUTH_JWK_TWO", "OAUTH_JWK_THREE"],
    &["PRIVATE_KEYS"],
    &["PRIVATE_KEY"],
    &["OAUTH_JWK"],
    &["PRIVATE_KEY_JWK"],
    &["ATPROTO_JWK_PRIVATE"],
    &["PRIVATE_KEY_1", "PRIVATE_KEY_2", "PRIVATE_KEY_3"],
    &["JWK_1", "JWK_2", "JWK_3"],
    &["BLUESKY_KEY_1", "BLUESKY_KEY_2", "BLUESKY_KEY_3"],
    &["PRIVATE_KEY_ES256_B64"],
    &["CLIENT_SECRET_KEY"],
];

/// Everything that was read before anything is concluded.
#[derive(Default)]
pub struct Surroundings {
    /// The variables exported.
    pub exported: Environment,
    /// Dotenv files and their variables; of two files, the first has the last word.
    pub files: Vec<(String, Vec<(String, String)>)>,
    /// Whether there is a database under the usual name.
    pub has_database: bool,
    /// Whether the app is one of Nuxt's.
    pub is_nuxt: bool,
    /// The directory whose files the app serves.
    pub served: Option<&'static str>,
    /// What the app is called.
    pub name: Option<String>,
    /// A client metadata document that is there already.
    pub document: Option<(PathBuf, Value)>,
}

/// A variable that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// Its value; perhaps empty.
    pub value: &'a str,
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
    /// A variable, wherever it stands: what is exported comes first.
    pub fn variable(&self, name: &str) -> Option<Sighting<'_>> {
        if self.exported.exists(name) {
            return Some(Sighting { value: self.exported.text(name).unwrap_or_default(), file: None });
        }
        self.files.iter().find_map(|(file, variables)| {
            let (_, value) = variables.iter().rfind(|(known, _)| known == name)?;
            Some(Sighting { value, file: Some(file) })
        })
    }

    fn filled(&self, name: &str) -> Option<Sighting<'_>> {
        self.variable(name).filter(|sighting| !sighting.value.trim().is_empty())
    }

    /// The app's home page: the first address that `fits`, and the variable it stands in.
    pub fn site(&self, fits: impl Fn(&str) -> bool) -> Option<(String, &'static str)> {
        let whole = SITE_VARIABLES.iter().map(|name| (name, ""));
        let hosts = HOST_VARIABLES.iter().map(|name| (name, "https://"));
        whole.chain(hosts).find_map(|(name, scheme)| {
            let address = format!("{scheme}{}", self.filled(name)?.value.trim().trim_end_matches('/'));
            fits(&address).then_some((address, *name))
        })
    }

    /// The variables that hold client keys, in order. A damaged key is an error: another in its place would orphan the
    /// sessions bound to it.
    pub fn key_variables(&self) -> Result<Vec<&'static str>, Failure> {
        for family in KEY_FAMILIES {
            let mut names = Vec::new();
            for name in family {
                let Some(sighting) = self.filled(name) else { continue };
                match parse_keys(sighting.value) {
                    Ok(_) => names.push(*name),
                    Err(e) if sighting.value.trim_start().starts_with(['{', '[', '-']) => return Err(e.at(name)),
                    // Anything may be called a private key.
                    Err(_) => {}
                }
            }
            if !names.is_empty() {
                return Ok(names);
            }
        }
        Ok(Vec::new())
    }

    /// The variable in which the app looks for a key, and which is empty.
    pub fn empty_key_variable(&self) -> Option<&'static str> {
        let is_empty = |name: &&str| self.variable(name).is_some_and(|sighting| sighting.value.trim().is_empty());
        KEY_FAMILIES.iter().map(|family| family[0]).find(|name| is_empty(name))
    }

    /// The store that the app uses.
    pub fn store(&self) -> Option<FoundStore> {
        let found = |url: String, token: Option<&str>, by: &str| {
            Some(FoundStore { url, token: token.map(|name| format!("env:{name}")), by: by.to_owned() })
        };
        if self.filled(app::REDIS_VARIABLE).is_some() {
            return found(format!("env:{}", app::REDIS_VARIABLE), None, app::REDIS_VARIABLE);
        }
        if let Some((url, token)) = app::REST_VARIABLES.iter().find(|(url, _)| self.filled(url).is_some()) {
            return found(format!("env:{url}"), Some(token), url);
        }
        if let Some(path) = self.filled(app::DATABASE_VARIABLE) {
            let path = path.value.trim();
            let path = path.strip_prefix("sqlite:").or_else(|| path.strip_prefix("file:")).unwrap_or(path);
            if path != ":memory:" {
                return found(format!("sqlite:{path}"), None, app::DATABASE_VARIABLE);
            }
        }
        if self.has_database { found(format!("sqlite:{}", app::DATABASE), None, app::DATABASE) } else { None }
    }

    /// The dotenv files without which these variables would not be known, in order.
    pub fn files_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<&str> {
        let mut needed: Vec<_> = names.into_iter().filter_map(|name| self.variable(name)?.file).collect();
        needed.sort_by_key(|file| self.files.iter().position(|(known, _)| known == file));
        needed.dedup();
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(files: &[(&str, &str)]) -> Surroundings {
        let files =
            files.iter().map(|(name, text)| ((*name).to_owned(), crate::settings::dotenv::parse(text))).collect();
        Surroundings { files, ..Surroundings::default() }
    }

    #[test]
    fn the_first_file_and_before_it_the_environment_has_the_last_word() {
        let mut app = app(&[(".env.local", "A=local"), (".env", "A=common\nB=common")]);
        assert_eq!(app.variable("A"), Some(Sighting { value: "local", file: Some(".env.local") }));
        assert_eq!(app.variable("B"), Some(Sighting { value: "common", file: Some(".env") }));
        app.exported = Environment::new([("A".into(), "exported".into())].into());
        assert_eq!(app.variable("A"), Some(Sighting { value: "exported", file: None }));
        assert_eq!(app.files_of(["B", "A", "C"]), [".env"]);
    }

    #[test]
    fn a_store_with_a_password_is_named_by_its_variable_only() {
        let url = |text| app(&[(".env", text)]).store().map(|store| (store.url, store.token));
        assert_eq!(url("REDIS_URL=redis://:secret@h"), Some(("env:REDIS_URL".to_owned(), None)));
        let rest = Some(("env:KV_REST_API_URL".to_owned(), Some("env:KV_REST_API_TOKEN".to_owned())));
        assert_eq!(url("KV_REST_API_URL=https://h\nKV_REST_API_TOKEN=secret"), rest);
        assert_eq!(url("DATABASE_PATH=./data/app.db"), Some(("sqlite:./data/app.db".to_owned(), None)));
        assert_eq!(url("DATABASE_PATH=:memory:"), None);
        assert_eq!(url("REDIS_URL="), None);
    }

    #[test]
    fn only_what_is_a_key_counts_as_one() {
        let jwk = testbed::keys::client_key("a");
        let keys = |text: &str| app(&[(".env", text)]).key_variables();
        assert_eq!(keys("PRIVATE_KEY=0x1234\nJWK_1=").unwrap(), [""; 0]);
        assert_eq!(keys(&format!("PRIVATE_KEY=0x1234\nJWK_1='{jwk}'\nJWK_2='{jwk}'")).unwrap(), ["JWK_1", "JWK_2"]);
        assert!(keys("NUXT_OAUTH_JWK_ONE={kty:EC}").unwrap_err().to_string().starts_with("NUXT_OAUTH_JWK_ONE: "));
        assert_eq!(app(&[(".env", "PRIVATE_KEYS=")]).empty_key_variable(), Some("PRIVATE_KEYS"));
    }

    #[test]
    fn the_home_page_is_the_first_address_that_fits() {
        let app = app(&[(".env", "PUBLIC_URL=http://localhost:3000\nRAILWAY_PUBLIC_DOMAIN=app.example.com")]);
        let site = app.site(|url| url.starts_with("https:"));
        assert_eq!(site, Some(("https://app.example.com".to_owned(), "RAILWAY_PUBLIC_DOMAIN")));
    }
}
