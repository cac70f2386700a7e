//! Settings file: read as a whole, and checked against the schema.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{is_reference, schema};
use crate::error::{Failure, usage};
use crate::input;

/// Name of the settings file.
pub const FILE_NAME: &str = "oauthctl.toml";

/// Maximum size of a settings file.
const MAX_FILE: u64 = 1 << 20;

/// Settings file with known settings of correct types only.
#[derive(Clone)]
pub struct SettingsFile {
    path: PathBuf,
    table: Table,
}

impl SettingsFile {
    /// Reads a settings file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = input::read(path, MAX_FILE).map_err(|unread| match unread {
            input::Unread::Refused(e) => cannot_read(path, e),
            input::Unread::Unusable(e) => e.at(path.display()),
        })?;
        Self::parse(path, &text)
    }

    /// Parses the text of an existing or future settings file with this path.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let place = || path.display();
        let table: Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            // The parser's own message quotes the line, including secrets.
            usage(format!("invalid TOML in line {line}: {}", e.message()))
                .at(place())
                .hint("strings need quotes: name = \"value\"")
        })?;
        schema::check(&table).map_err(|e| e.at(place()))?;
        Ok(Self { path: path.to_owned(), table })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the base of relative paths in the file.
    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Returns the settings outside of profiles.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the settings of a profile.
    pub(super) fn profile(&self, name: &str) -> Option<&Table> {
        self.table.get("profiles")?.get(name)?.as_table()
    }

    /// Returns the names of the profiles.
    pub(super) fn profiles(&self) -> Vec<&str> {
        let profiles = self.table.get("profiles").and_then(Value::as_table);
        profiles.into_iter().flat_map(Table::keys).map(String::as_str).collect()
    }

    /// Returns the names of settings with secrets in the file itself that could be references.
    pub(super) fn secrets(&self) -> Vec<String> {
        let in_table = |at: &str, table: &Table| {
            let text = |section: &str, key: &str| {
                table.get(section)?.get(key)?.as_str().filter(|text| !is_reference(text))
            };
            let has_login =
                |text: &&str| text.split_once("://").map_or(*text, |(_, rest)| rest).contains('@');
            let found = [
                ("store.url", text("store", "url").filter(has_login)),
                ("store.lock_url", text("store", "lock_url").filter(has_login)),
                ("store.token", text("store", "token")),
                ("network.proxy", text("network", "proxy").filter(has_login)),
            ];
            found.map(|(name, found)| found.map(|_| format!("{at}{name}")))
        };
        let profiles = self.profiles().into_iter();
        let profiles =
            profiles.filter_map(|name| Some((format!("profiles.{name}."), self.profile(name)?)));
        let tables = std::iter::once((String::new(), &self.table)).chain(profiles);
        tables.flat_map(|(at, table)| in_table(&at, table)).flatten().collect()
    }
}

fn cannot_read(path: &Path, error: std::io::Error) -> Failure {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if error.kind() == std::io::ErrorKind::NotFound && is_link {
        let target = fs::read_link(path).unwrap_or_default();
        return usage("is a link to a missing file")
            .at(path.display())
            .hint(format!("create {}, or remove the link", target.display()));
    }
    if path.is_dir() {
        return usage("is a directory, not a settings file")
            .at(path.display())
            .hint("move it away, or rename it");
    }
    usage("cannot read the settings file")
        .at(path.display())
        .because(error)
        .hint("check --config and OAUTHCTL_CONFIG, and that this user can read the file")
}
