//! Settings from flags, environment, profile and oauthctl.toml, in this order. All inputs are
//! passed in.
//!
//! A value may be a reference (`env:NAME`, `file:PATH`). It is resolved when a command needs it, so
//! that printing a key set does not fail because of a missing Redis password.

mod acknowledged;
pub mod app;
pub mod dotenv;
mod file;
mod find;
mod issuers;
pub mod nearby;
mod network;
#[cfg(test)]
mod properties;
mod reference;
mod refresh;
mod schema;
mod store;
pub mod stores;
mod trust;

use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::{Table, Value};
use tracing::debug;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::{Failure, suggestion, usage};
use crate::files::is_open_to_others;
use crate::input;
use crate::keyring::KeySource;
use crate::session::AuthMethod;

pub use acknowledged::{Acknowledged, Cause};
pub use file::{FILE_NAME, SettingsFile};
pub use find::{FoundFile, find};
pub use issuers::{IssuerSettings, parse_rate};
pub use refresh::RefreshSettings;

use reference::{is_reference, named_sources, strings};
pub use schema::json_schema;
use schema::wrong_type;
use trust::SystemRoots;

/// Settings of `[client]`: members of the client metadata document (RFC 7591 section 2), as printed
/// by `metadata`.
pub const CLIENT_MEMBERS: [&str; 13] = [
    "auth_method",
    "client_id",
    "client_name",
    "client_uri",
    "logo_uri",
    "tos_uri",
    "policy_uri",
    "redirect_uris",
    "scope",
    "grant_types",
    "application_type",
    "jwks_uri",
    "contacts",
];

/// Maximum size of a dotenv file.
pub const MAX_ENV_FILE: u64 = 1 << 20;

/// Settings options of the command line.
#[derive(Clone, Default)]
pub struct Overrides {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--store`
    pub store: Option<String>,
    /// `--layout`
    pub layout: Option<String>,
    /// `--keys`, repeatable
    pub keys: Vec<String>,
}

/// Origin of a value. Determines its trust, and the base of relative paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Command-line option.
    Flag(&'static str),
    /// Variable of oauthctl.
    Variable(&'static str),
    /// Settings file.
    File,
    /// Variable of the app, or a file in the working directory: detected, not configured.
    Found(String),
}

/// Text of a setting with its origin. May contain a password.
#[derive(Clone)]
pub struct Sourced {
    /// Value.
    pub text: String,
    /// Origin.
    pub origin: Origin,
}

/// All settings, with unresolved references.
pub struct Settings {
    file: Option<SettingsFile>,
    profile: Option<String>,
    environment: Environment,
    overrides: Overrides,
    /// Harmless faults of the files.
    warnings: Vec<String>,
    system_roots: OnceCell<SystemRoots>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File => f.write_str(FILE_NAME),
            Self::Found(name) => write!(f, "{name}, found automatically"),
        }
    }
}

impl Settings {
    /// Merges the layers. Fails if the selected profile does not exist.
    pub fn new(
        file: Option<SettingsFile>,
        environment: Environment,
        overrides: Overrides,
    ) -> Result<Self, Failure> {
        let profile = overrides
            .profile
            .clone()
            .or_else(|| environment.text("OAUTHCTL_PROFILE").map(str::to_owned));
        let mut settings = Self {
            file,
            profile,
            environment,
            overrides,
            warnings: Vec::new(),
            system_roots: OnceCell::new(),
        };
        if let Some(profile) = &settings.profile {
            let known = settings.profiles();
            if !known.contains(&profile.as_str()) {
                return Err(match &settings.file {
                    None => {
                        usage(format!("no profile {profile:?}, because there is no {FILE_NAME}"))
                            .hint(format!("profiles are sections [profiles.NAME] of {FILE_NAME}"))
                    }
                    Some(file) => {
                        usage(format!("no profile {profile:?}")).at(file.path().display()).hint(
                            suggestion(profile, &known)
                                .unwrap_or_else(|| format!("profiles there: {}", list(&known))),
                        )
                    }
                });
            }
        }
        settings.read_env_files()?;
        Ok(settings)
    }

    /// Reads the configured dotenv files. The first file with a variable takes precedence. A
    /// missing file is not an error: in a deployment the variables are exported, and missing ones
    /// are reported by name.
    fn read_env_files(&mut self) -> Result<(), Failure> {
        for path in self.env_files() {
            match input::read(&path, MAX_ENV_FILE) {
                Ok(text) => {
                    debug!("variables of {}", path.display());
                    let read = dotenv::read(&text);
                    self.warnings.extend(dotenv::warning(path.display(), &read.unread));
                    self.environment.add(read.variables);
                }
                Err(input::Unread::Refused(e)) if e.kind() == std::io::ErrorKind::NotFound => {
                    debug!("no variables: no {}", path.display());
                    self.environment.note_missing_file(path);
                }
                Err(unread) => {
                    let refused = |e| {
                        usage("cannot read the file with the app's variables")
                            .because(e)
                            .hint("check env_file, and that this user can read the file")
                    };
                    return Err(unread.into_failure(refused).at(path.display()));
                }
            }
        }
        Ok(())
    }

    /// Returns the configured dotenv files.
    pub fn env_files(&self) -> Vec<PathBuf> {
        let Some((value, file)) = self.in_file("", "env_file") else { return Vec::new() };
        strings(value).iter().map(|name| file.directory().join(name)).collect()
    }

    /// Returns harmless faults of the files.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the variables to which references are resolved: exported ones, and those of the
    /// configured dotenv files.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the path of the settings file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(SettingsFile::path)
    }

    /// Returns the names of secrets in the file itself that could be references.
    pub fn secrets_in_file(&self) -> Vec<String> {
        self.file.as_ref().map(SettingsFile::secrets).unwrap_or_default()
    }

    /// Returns files with secrets that other users can read: dotenv files, targets of `file:` for
    /// the store, and the settings file itself if it contains secrets.
    pub fn exposed_files(&self) -> Vec<PathBuf> {
        let own = self.path().filter(|_| !self.secrets_in_file().is_empty()).map(Path::to_owned);
        let said =
            self.overrides.store.as_deref().or_else(|| self.environment.text("OAUTHCTL_STORE"));
        let in_file = |key| {
            let (value, file) = self.in_file("store", key)?;
            Some(file.directory().join(value.as_str()?.strip_prefix("file:")?))
        };
        let url = match said {
            Some(text) => text.strip_prefix("file:").map(PathBuf::from),
            None => in_file("url"),
        };
        let all = own.into_iter().chain(url).chain(in_file("token")).chain(self.env_files());
        all.filter(|path| is_open_to_others(path)).collect()
    }

    /// Returns the settings file.
    pub fn file(&self) -> Option<&SettingsFile> {
        self.file.as_ref()
    }

    /// Returns the names of the profiles.
    pub fn profiles(&self) -> Vec<&str> {
        self.file.as_ref().map(SettingsFile::profiles).unwrap_or_default()
    }

    /// Returns the configured key sources, or the app's own variables.
    pub fn key_sources(&self) -> Result<Option<Vec<KeySource>>, Failure> {
        let parse = |sources: &[String], base: &Path| -> Result<_, Failure> {
            sources
                .iter()
                .map(|s| KeySource::parse(s, base))
                .collect::<Result<Vec<_>, _>>()
                .map(Some)
        };
        if !self.overrides.keys.is_empty() {
            return parse(&self.overrides.keys, Path::new(""));
        }
        if let Some(sources) = self.environment.text("OAUTHCTL_KEYS") {
            let sources: Vec<_> = sources.split(',').map(|s| s.trim().to_owned()).collect();
            return parse(&sources, Path::new("")).map_err(|e| e.at("OAUTHCTL_KEYS"));
        }
        if let Some((value, file)) = self.in_file("", "keys") {
            return named_sources(value, file.directory()).map(Some);
        }
        let found = self.found_keys();
        // A public client has no unreadable key variable: the variable holds something else.
        let is_one = found.names.len() == 1 && found.unreadable.is_some();
        if is_one && self.auth_method()? == Some(AuthMethod::None) {
            return Ok(None);
        }
        // An existing but empty variable counts: a missing secret must not turn the app into a
        // public client.
        let names: Vec<_> = found.empty.into_iter().chain(found.names).collect();
        if !names.is_empty() {
            return Ok(Some(
                names.into_iter().map(|name| KeySource::Variable { name, kid: None }).collect(),
            ));
        }
        self.environment
            .text(app::KEY_PATH_VARIABLE)
            .map(|path| parse(&[path.to_owned()], Path::new("")))
            .transpose()
            .map(Option::flatten)
            .map_err(|e| e.at(app::KEY_PATH_VARIABLE))
    }

    /// Returns the keys in the app's own variables.
    pub fn found_keys(&self) -> app::FoundKeys {
        app::find_keys(|name| self.environment.lossy(name), true)
    }

    /// Returns a setting of `[client]` that is one text.
    pub fn client_text(&self, member: &str) -> Result<Option<String>, Failure> {
        self.file_text("client", member).map(|found| found.map(|text| text.to_string()))
    }

    /// Returns the client authentication method, if it is configured.
    pub fn auth_method(&self) -> Result<Option<AuthMethod<()>>, Failure> {
        let Some(text) = self.client_text("auth_method")? else { return Ok(None) };
        match text.as_str() {
            "none" => Ok(Some(AuthMethod::None)),
            "private_key_jwt" => Ok(Some(AuthMethod::PrivateKeyJwt(()))),
            _ => Err(usage("is neither \"none\" nor \"private_key_jwt\"")
                .at("client.auth_method")
                .hint(
                    "write auth_method = \"private_key_jwt\" if the app has keys, otherwise \"none\"",
                )),
        }
    }

    /// Returns a setting of `[client]` that is a list.
    pub fn client_list(&self, member: &str) -> Result<Option<Vec<String>>, Failure> {
        let Some((value, file)) = self.in_file("client", member) else { return Ok(None) };
        let name = format!("client.{member}");
        strings(value)
            .iter()
            .map(|text| self.follow(text, file.directory(), &name).map(|t| t.to_string()))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Returns the base of relative paths in a value of this origin.
    pub fn base_of(&self, origin: &Origin) -> &Path {
        match (origin, &self.file) {
            (Origin::File, Some(file)) => file.directory(),
            _ => Path::new(""),
        }
    }

    fn layered(
        &self,
        flag: &'static str,
        given: Option<&str>,
        variable: &'static str,
        section: &str,
        key: &str,
    ) -> Result<Option<Sourced>, Failure> {
        let said = given.map(|text| (text, Origin::Flag(flag), flag));
        let said = said.or_else(|| {
            Some((self.environment.text(variable)?, Origin::Variable(variable), variable))
        });
        if let Some((text, origin, name)) = said {
            let text = self.follow(text, Path::new(""), name)?.to_string();
            return Ok(Some(Sourced { text, origin }));
        }
        if section == "store" && self.store_is_named_elsewhere() {
            return Ok(None);
        }
        let text = self.file_text(section, key)?;
        Ok(text.map(|text| Sourced { text: text.to_string(), origin: Origin::File }))
    }

    /// Returns a text from the file, with its reference resolved.
    fn file_text(&self, section: &str, key: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some((value, file)) = self.in_file(section, key) else { return Ok(None) };
        self.one_value(value, file, &format!("{section}.{key}")).map(Some)
    }

    /// Returns a setting of a type whose parser has no specific error messages.
    fn value<T: FromStr>(
        &self,
        section: &str,
        key: &str,
        expected: &str,
        default: T,
    ) -> Result<T, Failure> {
        let Some(text) = self.file_text(section, key)? else { return Ok(default) };
        text.trim().parse().map_err(|_| wrong_type(&format!("{section}.{key}"), expected))
    }

    /// Returns the value of the profile, else that of the top level.
    fn in_file(&self, section: &str, key: &str) -> Option<(&Value, &SettingsFile)> {
        let file = self.file.as_ref()?;
        let of_profile = self.profile_table().and_then(|table| lookup(table, section, key));
        Some((of_profile.or_else(|| lookup(file.table(), section, key))?, file))
    }

    fn profile_table(&self) -> Option<&Table> {
        self.file.as_ref()?.profile(self.profile.as_deref()?)
    }
}

fn lookup<'t>(table: &'t Table, section: &str, key: &str) -> Option<&'t Value> {
    if section.is_empty() { table.get(key) } else { table.get(section)?.get(key) }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Parses settings from this text.
#[cfg(test)]
fn settings_of(text: &str) -> Settings {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    std::fs::write(&path, text).unwrap();
    let variables =
        [("PLC", "https://plc.example"), ("CA", "-----BEGIN CERTIFICATE-----"), ("YES", "true")];
    let environment = Environment::new(variables.map(|(n, v)| (n.into(), v.into())).into());
    Settings::new(Some(SettingsFile::read(&path).unwrap()), environment, Overrides::default())
        .unwrap()
}
