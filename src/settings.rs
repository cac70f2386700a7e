//! Settings from flags, environment, profile and oauthctl.toml, in this order, from values handed in.
//!
//! A value may refer to where it really is (`env:NAME`, `file:PATH`); it is fetched when a command needs it, so that
//! printing a key set does not fail for want of a Redis password.

pub mod app;
pub mod dotenv;
mod network;
#[cfg(test)]
mod properties;
mod refresh;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::{Table, Value};
use tracing::debug;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::{Failure, suggestion, usage};
use crate::files::is_open_to_others;
use crate::keyring::KeySource;
use crate::store::CUSTOM_MEMBERS;

pub use refresh::RefreshSettings;

/// The name of the settings file.
pub const FILE_NAME: &str = "oauthctl.toml";

/// What may stand in the file: a section ("" is the top) and its settings.
const KNOWN: [(&str, &[&str]); 5] = [
    ("", &["keys", "env_file"]),
    ("client", &CLIENT_MEMBERS),
    ("store", &["url", "token", "layout"]),
    ("network", &["plc_directory", "doh_resolver", "allow_http", "allow_private_hosts", "ca_file"]),
    (
        "refresh",
        &["keep_alive", "min_interval", "concurrency", "per_issuer", "public_lifetime", "confidential_lifetime"],
    ),
];

/// The settings of `[client]`: members of the client metadata document (RFC 7591 section 2), as `metadata` prints them.
pub const CLIENT_MEMBERS: [&str; 12] = [
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

/// What the command line says about settings.
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
    /// `--keys`, each one
    pub keys: Vec<String>,
}

/// A settings file that was read and has no unknown setting.
pub struct SettingsFile {
    path: PathBuf,
    table: Table,
}

/// Where a value came from; decides how far it can be trusted and what relative paths are relative to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A command-line option.
    Flag(&'static str),
    /// One of oauthctl's own variables.
    Variable(&'static str),
    /// The settings file.
    File,
    /// A variable of the app, or a file found in the working directory: nobody named it to us.
    Found(String),
}

/// A setting's text and where it came from. The text may hold a password.
#[derive(Clone)]
pub struct Sourced {
    /// The value.
    pub text: String,
    /// Its origin.
    pub origin: Origin,
}

/// All settings, references not yet followed.
pub struct Settings {
    file: Option<SettingsFile>,
    profile: Option<String>,
    environment: Environment,
    overrides: Overrides,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File => f.write_str(FILE_NAME),
            Self::Found(name) => write!(f, "{name}, which nobody named"),
        }
    }
}

impl SettingsFile {
    /// Reads a settings file and checks that every setting in it is known.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            usage("cannot read the settings file")
                .at(path.display())
                .because(e)
                .hint("check --config and OAUTHCTL_CONFIG, and that this user may read the file")
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a settings file that is, or will be, under this path.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let place = || path.display();
        let table: Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            // The parser's own display quotes the line, and with it any secret on it.
            usage(format!("not TOML in line {line}: {}", e.message()))
                .at(place())
                .hint("texts stand in quotes: name = \"value\"")
        })?;
        check_known(&table).map_err(|e| e.at(place()))?;
        Ok(Self { path: path.to_owned(), table })
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

impl Settings {
    /// Brings the layers together. Fails when the profile asked for does not exist.
    pub fn new(file: Option<SettingsFile>, environment: Environment, overrides: Overrides) -> Result<Self, Failure> {
        let profile = overrides.profile.clone().or_else(|| environment.text("OAUTHCTL_PROFILE").map(str::to_owned));
        let mut settings = Self { file, profile, environment, overrides };
        if let Some(profile) = &settings.profile {
            let known = settings.profiles();
            if !known.contains(&profile.as_str()) {
                return Err(match &settings.file {
                    None => usage(format!("no profile {profile:?}: there is no {FILE_NAME}"))
                        .hint(format!("profiles are sections [profiles.NAME] of {FILE_NAME}")),
                    Some(file) => usage(format!("no profile {profile:?}")).at(file.path.display()).hint(
                        suggestion(profile, &known).unwrap_or_else(|| format!("profiles there: {}", list(&known))),
                    ),
                });
            }
        }
        settings.read_env_files()?;
        Ok(settings)
    }

    /// Reads the dotenv files that the settings name; of two, the first has the last word. One that is not there is no
    /// error: where the app is deployed its variables are exported, and a variable that is needed is missed by name.
    fn read_env_files(&mut self) -> Result<(), Failure> {
        for path in self.env_files()? {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    debug!("variables of {}", path.display());
                    self.environment.add(dotenv::parse(&text));
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    debug!("no variables: no {}", path.display());
                    self.environment.lacks(path);
                }
                Err(e) => {
                    return Err(usage("cannot read the file with the app's variables")
                        .at(path.display())
                        .because(e)
                        .hint("check env_file, and that this user may read it"));
                }
            }
        }
        Ok(())
    }

    /// The dotenv files that the settings name.
    pub fn env_files(&self) -> Result<Vec<PathBuf>, Failure> {
        let Some((value, file)) = self.in_file("", "env_file") else { return Ok(Vec::new()) };
        let names = strings(value)
            .ok_or_else(|| wrong_type("env_file", "a path or an array of paths").at(file.path.display()))?;
        Ok(names.iter().map(|name| file.directory().join(name)).collect())
    }

    /// The variables that references are followed to: those exported, and those of the files that the settings name.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Where the settings file is, when there is one.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// The secrets that stand in the file themselves, where they could be referred to.
    pub fn secrets_in_file(&self) -> Vec<String> {
        let Some(file) = &self.file else { return Vec::new() };
        let in_table = |at: &str, table: &Table| {
            let text = |key| table.get("store")?.get(key)?.as_str().filter(|text| !is_reference(text));
            let url = text("url").filter(|url| url.split_once("://").is_some_and(|(_, rest)| rest.contains('@')));
            [("url", url), ("token", text("token"))].map(|(key, found)| found.map(|_| format!("{at}store.{key}")))
        };
        let profiles = file.table.get("profiles").and_then(Value::as_table).into_iter().flatten();
        let profiles = profiles.filter_map(|(name, table)| Some((format!("profiles.{name}."), table.as_table()?)));
        let tables = std::iter::once((String::new(), &file.table)).chain(profiles);
        tables.flat_map(|(at, table)| in_table(&at, table)).flatten().collect()
    }

    /// The files that hold secrets and that other users can read: dotenv files, what `file:` names for the store, and
    /// the settings file itself where secrets stand in it.
    pub fn exposed_files(&self) -> Vec<PathBuf> {
        let own = self.path().filter(|_| !self.secrets_in_file().is_empty()).map(Path::to_owned);
        let said = self.overrides.store.as_deref().or_else(|| self.environment.text("OAUTHCTL_STORE"));
        let in_file = |key| {
            let (value, file) = self.in_file("store", key)?;
            Some(file.directory().join(value.as_str()?.strip_prefix("file:")?))
        };
        let url = match said {
            Some(text) => text.strip_prefix("file:").map(PathBuf::from),
            None => in_file("url"),
        };
        let all = own.into_iter().chain(url).chain(in_file("token")).chain(self.env_files().unwrap_or_default());
        all.filter(|path| is_open_to_others(path)).collect()
    }

    /// The profiles in the file.
    pub fn profiles(&self) -> Vec<&str> {
        let profiles = self.file.as_ref().and_then(|file| file.table.get("profiles")?.as_table());
        profiles.map(|table| table.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// The key sources named, or the first of the app's own variables that is set.
    pub fn key_sources(&self) -> Result<Option<Vec<KeySource>>, Failure> {
        let parse = |sources: &[String], base: &Path| -> Result<_, Failure> {
            sources.iter().map(|s| KeySource::parse(s, base)).collect::<Result<Vec<_>, _>>().map(Some)
        };
        if !self.overrides.keys.is_empty() {
            return parse(&self.overrides.keys, Path::new(""));
        }
        if let Some(sources) = self.environment.text("OAUTHCTL_KEYS") {
            let sources: Vec<_> = sources.split(',').map(|s| s.trim().to_owned()).collect();
            return parse(&sources, Path::new("")).map_err(|e| e.at("OAUTHCTL_KEYS"));
        }
        if let Some((value, file)) = self.in_file("", "keys") {
            let sources = strings(value)
                .ok_or_else(|| wrong_type("keys", "a source or an array of sources").at(file.path.display()))?;
            return parse(&sources, file.directory());
        }
        // One that is there but empty counts: a secret that did not arrive must not pass for a public client.
        let found = app::KEY_VARIABLES.iter().find(|name| self.environment.exists(name));
        Ok(found.map(|name| vec![KeySource::Variable((*name).to_owned())]))
    }

    /// A setting of `[client]` that is one text.
    pub fn client_text(&self, member: &str) -> Result<Option<String>, Failure> {
        self.file_text("client", member).map(|found| found.map(|text| text.to_string()))
    }

    /// A setting of `[client]` that is a list.
    pub fn client_list(&self, member: &str) -> Result<Option<Vec<String>>, Failure> {
        let Some((value, file)) = self.in_file("client", member) else { return Ok(None) };
        let name = format!("client.{member}");
        let texts = strings(value).ok_or_else(|| wrong_type(&name, "an array of strings").at(file.path.display()))?;
        texts
            .iter()
            .map(|text| self.follow(text, file.directory(), &name).map(|t| t.to_string()))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The store named, with where it was named. A profile on the command line and a variable that names another store
    /// contradict each other, and neither store is the one to guess.
    pub fn store_url(&self) -> Result<Option<Sourced>, Failure> {
        const VARIABLE: &str = "OAUTHCTL_STORE";
        let of_profile = || lookup(self.profile_table()?, "store", "url")?.as_str();
        if self.overrides.store.is_none()
            && let Some(profile) = &self.overrides.profile
            && let Some(text) = self.environment.text(VARIABLE)
            && of_profile().is_some_and(|other| other != text)
        {
            return Err(usage(format!("--profile {profile} names a store, and {VARIABLE} another"))
                .hint(format!("unset {VARIABLE}, or say which with --store")));
        }
        self.layered("--store", self.overrides.store.as_deref(), "OAUTHCTL_STORE", "store", "url")
    }

    /// The layout named.
    pub fn layout(&self) -> Result<Option<Sourced>, Failure> {
        self.layered("--layout", self.overrides.layout.as_deref(), "OAUTHCTL_LAYOUT", "store", "layout")
    }

    /// The token of a store that is reached over REST: one that the file gives for the address that `is_it` is asked
    /// about. It is not sent to an address that was named elsewhere.
    pub fn store_token(&self, is_it: impl Fn(&str) -> bool) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(file) = &self.file else { return Ok(None) };
        let tables = [self.profile_table(), Some(&file.table)];
        for (n, table) in tables.iter().enumerate() {
            let Some(token) = table.and_then(|table| lookup(table, "store", "token")) else { continue };
            // A profile has the address, too, unless it overrides it.
            let mut addresses = tables[n..].iter().flatten().filter_map(|table| lookup(table, "store", "url"));
            let address = addresses.next().map(|value| self.one_value(value, file, "store.url"));
            if address.is_some_and(|address| address.is_ok_and(|address| is_it(&address))) {
                return self.one_value(token, file, "store.token").map(Some);
            }
        }
        Ok(None)
    }

    /// The layouts that the file describes: by name, their members as text.
    pub fn layouts(&self) -> Result<BTreeMap<String, BTreeMap<String, String>>, Failure> {
        let Some(file) = &self.file else { return Ok(BTreeMap::new()) };
        let Some(layouts) = file.table.get("layouts").and_then(Value::as_table) else { return Ok(BTreeMap::new()) };
        let member = |layout: &str, (name, value): (&String, &Value)| {
            let place = format!("layouts.{layout}.{name}");
            let text = self.one_value(value, file, &place)?;
            Ok((name.clone(), text.to_string()))
        };
        let layout = |(name, value): (&String, &Value)| {
            let members = value.as_table().into_iter().flatten();
            Ok((name.clone(), members.map(|one| member(name, one)).collect::<Result<_, Failure>>()?))
        };
        layouts.iter().map(layout).collect()
    }

    /// What relative paths in a value of this origin are relative to.
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
        let said = said.or_else(|| Some((self.environment.text(variable)?, Origin::Variable(variable), variable)));
        if let Some((text, origin, name)) = said {
            let text = self.follow(text, Path::new(""), name)?.to_string();
            return Ok(Some(Sourced { text, origin }));
        }
        let text = self.file_text(section, key)?;
        Ok(text.map(|text| Sourced { text: text.to_string(), origin: Origin::File }))
    }

    /// A text from the file, its reference followed.
    fn file_text(&self, section: &str, key: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some((value, file)) = self.in_file(section, key) else { return Ok(None) };
        self.one_value(value, file, &format!("{section}.{key}")).map(Some)
    }

    /// A setting of a type whose parser has nothing to say about what is wrong.
    fn value<T: FromStr>(&self, section: &str, key: &str, expected: &str, default: T) -> Result<T, Failure> {
        let Some(text) = self.file_text(section, key)? else { return Ok(default) };
        text.trim().parse().map_err(|_| wrong_type(&format!("{section}.{key}"), expected))
    }

    /// The text of one value, its reference followed.
    fn one_value(&self, value: &Value, file: &SettingsFile, name: &str) -> Result<Zeroizing<String>, Failure> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(_) | Value::Boolean(_) => value.to_string(),
            _ => return Err(wrong_type(name, "one value")),
        };
        self.follow(&text, file.directory(), name)
    }

    /// The profile's value, else the file's own.
    fn in_file(&self, section: &str, key: &str) -> Option<(&Value, &SettingsFile)> {
        let file = self.file.as_ref()?;
        let of_profile = self.profile_table().and_then(|table| lookup(table, section, key));
        Some((of_profile.or_else(|| lookup(&file.table, section, key))?, file))
    }

    fn profile_table(&self) -> Option<&Table> {
        self.file.as_ref()?.table.get("profiles")?.get(self.profile.as_deref()?)?.as_table()
    }

    /// Fetches what `env:NAME` or `file:PATH` refers to; any other text stands for itself.
    fn follow(&self, text: &str, base: &Path, name: &str) -> Result<Zeroizing<String>, Failure> {
        let found = if let Some(variable) = text.strip_prefix("env:") {
            self.environment.required(variable).map(|text| Zeroizing::new(text.trim().to_owned()))
        } else if let Some(path) = text.strip_prefix("file:") {
            read_reference(&base.join(path))
        } else {
            Ok(Zeroizing::new(text.to_owned()))
        };
        found.map_err(|e| e.at(name))
    }
}

fn lookup<'t>(table: &'t Table, section: &str, key: &str) -> Option<&'t Value> {
    if section.is_empty() { table.get(key) } else { table.get(section)?.get(key) }
}

fn read_reference(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let place = format!("file:{}", path.display());
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| {
        usage("cannot read the file").at(&place).because(e).hint("check the path, and that this user may read it")
    })?;
    if text.trim().is_empty() {
        return Err(usage("the file is empty").at(place).hint("put the value in it, or name another source"));
    }
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn wrong_type(name: &str, expected: &str) -> Failure {
    usage(format!("{name} must be {expected}")).hint("compare it with the settings in the README")
}

/// Refuses what no part of oauthctl reads: a misspelt setting would be ignored in silence otherwise.
fn check_known(table: &Table) -> Result<(), Failure> {
    for (name, value) in table {
        if name == "layouts" {
            check_layouts(value)?;
            continue;
        }
        if name != "profiles" {
            check_entry("", name, value)?;
            continue;
        }
        let profiles = value.as_table().ok_or_else(|| wrong_type("profiles", "a table of profiles"))?;
        for (profile, value) in profiles {
            let place = format!("profiles.{profile}");
            let table = value.as_table().ok_or_else(|| wrong_type(&place, "a table"))?;
            for (name, value) in table {
                check_entry(&format!("{place}."), name, value)?;
            }
        }
    }
    Ok(())
}

/// Layouts have names of the operator's choosing, and known members. They describe apps, not deployments: no profile
/// has its own.
fn check_layouts(value: &Value) -> Result<(), Failure> {
    let layouts = value.as_table().ok_or_else(|| wrong_type("layouts", "a table of layouts"))?;
    for (name, value) in layouts {
        let place = format!("layouts.{name}");
        let table = value.as_table().ok_or_else(|| wrong_type(&place, "a table"))?;
        if let Some(key) = table.keys().find(|key| !CUSTOM_MEMBERS.contains(&key.as_str())) {
            return Err(unknown(&format!("{place}."), key, &CUSTOM_MEMBERS));
        }
    }
    Ok(())
}

fn check_entry(prefix: &str, name: &str, value: &Value) -> Result<(), Failure> {
    let top = KNOWN[0].1;
    let sections = || KNOWN.iter().map(|(section, _)| *section).filter(|section| !section.is_empty());
    if top.contains(&name) {
        return Ok(());
    }
    let Some((_, known)) = KNOWN.iter().find(|(section, _)| *section == name && !name.is_empty()) else {
        let mut known: Vec<_> = top.iter().copied().chain(sections()).collect();
        if prefix.is_empty() {
            known.extend(["profiles", "layouts"]);
        }
        return Err(unknown(prefix, name, &known));
    };
    let table = value.as_table().ok_or_else(|| wrong_type(&format!("{prefix}{name}"), "a section"))?;
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(unknown(&format!("{prefix}{name}."), key, known)),
        None => Ok(()),
    }
}

/// Whether the text says where the value is, rather than being it.
fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

fn unknown(prefix: &str, name: &str, known: &[&str]) -> Failure {
    usage(format!("unknown setting {prefix}{name}"))
        .hint(suggestion(name, known).unwrap_or_else(|| format!("settings there: {}", list(known))))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The settings of a file with this text.
#[cfg(test)]
fn settings_of(text: &str) -> Settings {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    std::fs::write(&path, text).unwrap();
    let variables = [("PLC", "https://plc.example"), ("CA", "-----BEGIN CERTIFICATE-----"), ("YES", "true")];
    let environment = Environment::new(variables.map(|(n, v)| (n.into(), v.into())).into());
    Settings::new(Some(SettingsFile::read(&path).unwrap()), environment, Overrides::default()).unwrap()
}
