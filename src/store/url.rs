//! Addresses of stores.

use std::fmt;
use std::path::{Path, PathBuf};

use super::StoreId;
use super::postgres::PostgresAddress;
use super::redis::{RedisAddress, RestAddress};
use crate::error::{Failure, usage};
use crate::input;

/// Address of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// SQLite database file: `sqlite:PATH` or `sqlite://PATH`.
    Sqlite(PathBuf),
    /// Redis: `redis://HOST`, `rediss://HOST`, `unix:///SOCKET`, `redis+sentinel://…`,
    /// `redis+cluster://…`.
    Redis(RedisAddress),
    /// Redis over Upstash's REST interface: `https://HOST`, without its token.
    Rest(RestAddress),
    /// PostgreSQL: `postgres://HOST/DATABASE`.
    Postgres(PostgresAddress),
}

/// Supported forms.
const FORMS: &str = "write redis://HOST, rediss://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, \
                     redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE, or sqlite:PATH";

/// Schemes of databases that are not served, and that are written without slashes, too.
const UNSERVED: [&str; 7] =
    ["mysql", "mariadb", "mongodb", "mongodb+srv", "libsql", "sqlserver", "cockroachdb"];

impl StoreUrl {
    /// Returns the scheme of an address of a kind that is not served; none for other texts.
    pub fn unserved(text: &str) -> Option<&str> {
        let (scheme, rest) = input::trimmed(text).split_once(':')?;
        let is_served = || {
            scheme.eq_ignore_ascii_case("sqlite")
                || Self::of_server(&format!("{scheme}://h/d"), Path::new("")).is_some()
        };
        // Others may be half a password.
        let is_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        let looks_like_one = scheme.len() <= 16 && scheme.chars().all(is_scheme);
        let is_known = UNSERVED.iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let may_be_one = is_known || rest.starts_with("//") && looks_like_one;
        (may_be_one && !is_served())
            .then_some(scheme)
            .filter(|scheme| !scheme.eq_ignore_ascii_case("file"))
    }

    /// Parses an address. Relative paths are relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Failure> {
        let text = input::value(text)?;
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if let Some((plain, _)) = path.split_once('?') {
                return Err(usage("has options after the ?, which oauthctl does not support")
                    .hint(format!("write sqlite:{plain}")));
            }
            // Some write an absolute path with four slashes.
            let doubled = path.len() - path.trim_start_matches('/').len();
            return match &path[doubled.saturating_sub(1)..] {
                "" => Err(usage("names no file").at(text).hint("write sqlite:PATH")),
                ":memory:" => Err(usage(
                    "is an in-memory database of the app, which other programs cannot open",
                )
                .at(text)
                .hint("configure the app to use a file, and use that file")),
                path => Ok(Self::Sqlite(base.join(path))),
            };
        }
        if let Some(url) = Self::of_server(text, base) {
            return url;
        }
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.split('?').next().unwrap_or_default();
            let path = path.strip_prefix("//").unwrap_or(path);
            return Err(usage("is probably the path of an SQLite database")
                .hint(format!("write sqlite:{path}")));
        }
        if text.split_once(':').is_none_or(|(scheme, _)| scheme.contains('/')) {
            let path = text.split('?').next().unwrap_or_default();
            let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
            let is_database = matches!(extension, Some("db" | "sqlite" | "sqlite3" | "sqlite-db"));
            if (is_database || base.join(path).is_file()) && !text.contains('@') {
                let hint = format!("write sqlite:{path}");
                return Err(usage(format!(
                    "{path:?} is probably the path of an SQLite database, not an address"
                ))
                .hint(hint));
            }
            // Not quoted: it may be a token, or an address with a password and a typing error.
            return Err(usage("is not the address of a store").hint(FORMS));
        }
        if let Some(scheme) = Self::unserved(text) {
            return Err(usage(format!("unknown kind of store: {scheme:?}")).hint(FORMS));
        }
        Err(usage("is not the address of a store").hint(FORMS))
    }

    /// Parses the address of a server. `None` if its scheme is not that of a supported one.
    fn of_server(text: &str, base: &Path) -> Option<Result<Self, Failure>> {
        let redis = || Some(RedisAddress::parse(text)?.map(Self::Redis));
        let postgres = || Some(PostgresAddress::parse(text, base)?.map(Self::Postgres));
        let rest = || Some(RestAddress::parse(text)?.map(Self::Rest));
        redis().or_else(postgres).or_else(rest)
    }

    /// Checks whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Redis(address) => address.is_encrypted(),
            Self::Rest(_) => true,
            Self::Postgres(address) => address.is_encrypted(),
        }
    }

    /// Checks whether the connection to it is encrypted, and the server's certificate is not
    /// verified because the address says so.
    pub fn is_unverified(&self) -> bool {
        match self {
            Self::Postgres(address) => address.is_unverified(),
            Self::Sqlite(_) | Self::Redis(_) | Self::Rest(_) => false,
        }
    }

    /// Returns the address with missing parts taken from variables of libpq.
    pub fn filled(mut self, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        match &mut self {
            Self::Postgres(address) => address.fill(variable)?,
            Self::Sqlite(_) | Self::Redis(_) | Self::Rest(_) => {}
        }
        Ok(self)
    }

    /// Returns parameters of the address that are ignored.
    pub fn passed_over(&self) -> &[String] {
        match self {
            Self::Postgres(address) => address.passed_over(),
            Self::Sqlite(_) | Self::Redis(_) | Self::Rest(_) => &[],
        }
    }

    /// Returns the identity of the store at this address.
    pub fn id(&self) -> StoreId {
        StoreId::of(self)
    }

    /// Returns the database file, if the store is one.
    pub fn file(&self) -> Option<&Path> {
        if let Self::Sqlite(path) = self { Some(path) } else { None }
    }

    /// Returns the canonical address of the same store: files by their canonical path, servers
    /// without user, secrets and encryption.
    pub(super) fn simplest(&self) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(canonical(path)),
            Self::Redis(address) => Self::Redis(address.simplest()),
            // Upstash serves a database over both protocols.
            Self::Rest(address) => match address.upstash_host() {
                Some(host) => Self::Redis(RedisAddress::of_host(host)),
                None => self.clone(),
            },
            Self::Postgres(address) => Self::Postgres(address.simplest()),
        }
    }
}

/// Returns the absolute path of a file. Symbolic links are resolved if it exists.
pub(super) fn canonical(path: &Path) -> PathBuf {
    let found = path.canonicalize().or_else(|_| std::path::absolute(path));
    found.unwrap_or_else(|_| path.to_owned())
}

/// Returns the host in canonical spelling, which identifies a server.
pub(super) fn canonical_host(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if matches!(host.as_str(), "127.0.0.1" | "::1") { "localhost".to_owned() } else { host }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Redis(address) => address.fmt(f),
            Self::Rest(address) => address.fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_addresses_are_spelt_with_slashes_and_without() {
        for (text, path) in [
            ("sqlite:app.db", "/base/app.db"),
            ("sqlite://app.db", "/base/app.db"),
            ("sqlite:///srv/a.db", "/srv/a.db"),
            ("sqlite:////srv/a.db", "/srv/a.db"),
        ] {
            assert_eq!(
                StoreUrl::parse(text, Path::new("/base")).unwrap(),
                StoreUrl::Sqlite(path.into())
            );
        }
        for bad in [
            "app.db",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:app.db?mode=ro",
            "file:./app.db",
            "file:app.db?cache=shared",
            "mysql://host/db",
        ] {
            assert!(StoreUrl::parse(bad, Path::new("")).is_err(), "{bad}");
        }
    }
}
