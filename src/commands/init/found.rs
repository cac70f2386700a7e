//! Data of an app from its variables, in the environment and in dotenv files. Pure.

use std::borrow::Cow;
use std::path::PathBuf;

use serde_json::Value;

use crate::environment::Environment;
use crate::error::Failure;
use crate::settings::app::{self, FoundKeys, StoreVariable};
use crate::settings::stores::{FoundStore, FoundStores};

/// Variables with the URL of the app.
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

/// Variables with the app's host name alone, set by hosting platforms.
const HOST_VARIABLES: [&str; 3] =
    ["VERCEL_PROJECT_PRODUCTION_URL", "RAILWAY_PUBLIC_DOMAIN", "RENDER_EXTERNAL_HOSTNAME"];

/// All data read before anything is concluded.
#[derive(Default)]
pub struct AppEnvironment {
    /// Exported variables.
    pub exported: Environment,
    /// Dotenv files and their variables. The first file with a variable takes precedence.
    pub files: Vec<(String, Vec<(String, String)>)>,
    /// Lines of these files that are neither comments nor assignments: file, line number and first
    /// word.
    pub unread_lines: Vec<(String, usize, String)>,
    /// True if there is a database with the usual name.
    pub has_database: bool,
    /// True for a Nuxt app.
    pub is_nuxt: bool,
    /// Directory of files that the app serves.
    pub served: Option<&'static str>,
    /// Name of the app.
    pub name: Option<String>,
    /// Existing client metadata document.
    pub document: Option<(PathBuf, Value)>,
}

/// Variable that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVariable<'a> {
    /// Value, may be empty.
    pub value: Cow<'a, str>,
    /// File with the variable, `None` if it is exported.
    pub file: Option<&'a str>,
}

/// Store in the notation of settings.
#[derive(Debug, PartialEq, Eq)]
pub struct AppStore {
    /// `env:NAME`, or an address without a secret.
    pub url: String,
    /// Variable of the token, if the store has one.
    pub token: Option<String>,
    /// Source of the information.
    pub by: String,
}

impl From<&FoundStore> for AppStore {
    /// Names the store by its variable if the address may hold a password.
    fn from(found: &FoundStore) -> Self {
        let token = match found.kind {
            StoreVariable::Rest(token) => Some(format!("env:{token}")),
            _ => None,
        };
        Self { url: found.reference(), token, by: found.name.to_owned() }
    }
}

impl AppEnvironment {
    /// Returns a variable from any place. Exported ones take precedence.
    pub fn variable(&self, name: &str) -> Option<FoundVariable<'_>> {
        if let Some(value) = self.exported.lossy(name) {
            return Some(FoundVariable { value, file: None });
        }
        self.files.iter().find_map(|(file, variables)| {
            let (_, value) = variables.iter().rfind(|(known, _)| known == name)?;
            Some(FoundVariable { value: value.into(), file: Some(file) })
        })
    }

    fn filled(&self, name: &str) -> Option<FoundVariable<'_>> {
        self.variable(name).filter(|sighting| !sighting.value.trim().is_empty())
    }

    /// Returns the app's home page: the first URL that `fits`, and its variable.
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

    /// Returns the file and number of an unparsed line that begins with the name of a variable for
    /// a client key.
    pub fn unread_key_line(&self) -> Option<(&str, usize)> {
        self.unread_lines
            .iter()
            .find(|(.., name)| app::is_key_variable(name))
            .map(|(file, line, _)| (file.as_str(), *line))
    }

    /// Returns the path of a key file named by a variable.
    pub fn key_path(&self) -> Option<String> {
        Some(self.filled(app::KEY_PATH_VARIABLE)?.value.trim().to_owned())
    }

    /// The stores that the app's variables name. Fails where one should be an address and is none.
    pub fn stores(&self) -> Result<FoundStores, Failure> {
        FoundStores::read(|name| Some(self.filled(name)?.value))
    }

    /// The database under the usual name.
    pub fn usual_database(&self) -> Option<AppStore> {
        let url = format!("sqlite:{}", app::DATABASE);
        self.has_database.then(|| AppStore { url, token: None, by: app::DATABASE.to_owned() })
    }

    /// Returns the dotenv files required for these variables, in order.
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

    fn app(files: &[(&str, &str)]) -> AppEnvironment {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), crate::settings::dotenv::parse(text)))
            .collect();
        AppEnvironment { files, ..AppEnvironment::default() }
    }

    #[test]
    fn the_environment_then_the_first_file_takes_precedence() {
        let mut app = app(&[(".env.local", "A=local"), (".env", "A=common\nB=common")]);
        assert_eq!(
            app.variable("A"),
            Some(FoundVariable { value: "local".into(), file: Some(".env.local") })
        );
        assert_eq!(
            app.variable("B"),
            Some(FoundVariable { value: "common".into(), file: Some(".env") })
        );
        app.exported = Environment::new([("A".into(), "exported".into())].into());
        assert_eq!(app.variable("A"), Some(FoundVariable { value: "exported".into(), file: None }));
        assert_eq!(app.files_of(["B", "A", "C"]), [".env"]);
    }

    #[test]
    fn a_store_with_a_password_is_named_by_its_variable_only() {
        let url = |text| {
            let found = app(&[(".env", text)]).stores().unwrap();
            found.stores.first().map(AppStore::from).map(|store| (store.url, store.token))
        };
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
        assert_eq!(url("DB_URL=postgres://u:secret@h/d"), Some(("env:DB_URL".to_owned(), None)));
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
        assert_eq!(found.ignored[0].0, "PRIVATE_KEY");
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
