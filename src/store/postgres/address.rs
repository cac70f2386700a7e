//! PostgreSQL addresses in the notation of libpq, and the parameters that hosts and ORMs add to
//! them.

mod parameters;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::error::{Failure, usage};
use crate::secret::Secret;
use crate::store::url::{canonical, canonical_host};
use parameters::FOLLOWED;

const PORT: u16 = 5432;

const EXAMPLE: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE; in a password, write % : / ? # @ as \
                       %25 %3A %2F %3F %23 %40";

/// Network address of a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    Tcp(String, u16),
    /// Socket file in a directory, by port.
    Socket(PathBuf, u16),
}

/// Encryption requirements, as in libpq's `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    /// Encrypted if the server supports it.
    Prefer,
    /// Encrypted, with any certificate.
    Require,
    /// Encrypted, with a certificate of a trusted authority.
    VerifyCa,
    /// Encrypted, with a certificate of a trusted authority for this host.
    VerifyFull,
}

/// Address and credentials of a database. All data from the address and from variables are among
/// its parameters, so that equal data give equal addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    parameters: BTreeMap<&'static str, Secret<'static>>,
    hosts: Vec<Endpoint>,
    ssl_mode: Option<SslMode>,
    passed_over: Vec<String>,
    base: PathBuf,
}

impl PostgresAddress {
    /// Parses an address. `None` if its scheme is not one of PostgreSQL. Errors never quote the
    /// address, which may contain a password.
    pub fn parse(text: &str, base: &Path) -> Option<Result<Self, Failure>> {
        let (scheme, rest) = text.split_once(':')?;
        if !["postgres", "postgresql"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let read = || Self::read(rest, base);
        Some(read().map_err(|e| {
            let hint = e.advice().unwrap_or(EXAMPLE).to_owned();
            e.at(format!("the {scheme}: address")).hint(hint)
        }))
    }

    fn read(rest: &str, base: &Path) -> Result<Self, Failure> {
        let mut address = Self {
            parameters: BTreeMap::new(),
            hosts: Vec::new(),
            ssl_mode: None,
            passed_over: Vec::new(),
            base: base.to_owned(),
        };
        let rest = if rest.is_empty() { "//" } else { rest };
        let rest = rest.strip_prefix("//").ok_or_else(|| usage("has no // after its scheme"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(login, hosts)| (Some(login), hosts));
        if login.is_none() && database.contains('@') {
            return Err(usage("has an @ after its host: does the password contain / or ?"));
        }
        if database.contains('/') {
            return Err(usage("has too many parts in its path"));
        }
        let (user, password) =
            login.unwrap_or_default().split_once(':').unwrap_or((login.unwrap_or_default(), ""));
        for (name, text) in [("user", user), ("password", password), ("dbname", database)] {
            address.add(name, decoded(text)?);
        }
        address.add_hosts(hosts)?;
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            address.take_parameter(&decoded(name)?, decoded(value)?.into())?;
        }
        address.settle()?;
        Ok(address)
    }

    fn add(&mut self, name: &'static str, value: impl Into<Secret<'static>>) {
        let value = value.into();
        if !value.expose_secret().is_empty() {
            self.parameters.insert(name, value);
        }
    }

    /// Adds the hosts of the authority part, each with its port.
    fn add_hosts(&mut self, text: &str) -> Result<(), Failure> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let (host, port) = match part.strip_prefix('[') {
                Some(v6) => {
                    let (host, rest) = v6
                        .split_once(']')
                        .ok_or_else(|| usage("has an unfinished IPv6 address"))?;
                    (host, rest.strip_prefix(':').unwrap_or(""))
                }
                None => part.split_once(':').unwrap_or((part, "")),
            };
            hosts.push(decoded(host)?);
            ports.push(port);
        }
        self.add("host", hosts.join(","));
        if ports.iter().any(|port| !port.is_empty()) {
            self.add("port", ports.join(","));
        }
        Ok(())
    }

    /// Adds missing parameters from libpq's variables.
    pub fn fill(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
        if self.parameter("host").is_none() && variable("PGSERVICE").is_some() {
            return Err(usage("PGSERVICE is set, but oauthctl does not support services")
                .hint("write the settings of the service file into the address"));
        }
        let has_host = self.parameter("host").is_some();
        for (name, from) in FOLLOWED.iter().filter(|(_, from)| !from.is_empty()) {
            // A port belongs to the host given with it.
            let is_open = !self.parameters.contains_key(name) && (*name != "port" || !has_host);
            if is_open && let Some(value) = variable(from) {
                self.add(name, value);
            }
        }
        if self.parameter("passfile").is_none() && self.parameter("password").is_none() {
            self.add(
                "passfile",
                variable("HOME").map(|home| format!("{home}/.pgpass")).unwrap_or_default(),
            );
        }
        self.settle()
    }

    /// Returns the value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(Secret::expose_secret)
    }

    /// Returns the password, if the address has one.
    pub fn password(&self) -> Option<&Secret<'static>> {
        self.parameters.get("password")
    }

    /// Returns a numeric parameter.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.parameter(name)?.parse().ok()
    }

    /// Returns a path parameter. Relative paths are relative to the location of the address.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.parameter(name).map(|text| self.base.join(text))
    }

    /// Returns the servers, in the order in which they are tried.
    pub fn hosts(&self) -> &[Endpoint] {
        &self.hosts
    }

    /// Returns the encryption requirements of the address, if any.
    pub fn ssl_mode(&self) -> Option<SslMode> {
        self.ssl_mode
    }

    /// Returns whether a server is not on this machine, as far as the address tells.
    pub fn is_remote(&self) -> bool {
        let is_local = |name: &str| {
            name == "localhost"
                || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        };
        self.hosts.iter().any(|host| matches!(host, Endpoint::Tcp(name, _) if !is_local(name)))
    }

    /// Checks whether connections may be encrypted.
    pub fn is_encrypted(&self) -> bool {
        let has_network = self.hosts.iter().any(|host| matches!(host, Endpoint::Tcp(..)));
        has_network && self.ssl_mode != Some(SslMode::Disable)
    }

    /// Checks whether the address asks for encryption with whatever certificate.
    pub fn is_unverified(&self) -> bool {
        self.is_encrypted() && self.ssl_mode == Some(SslMode::Require)
    }

    /// Returns the schema of the tables, `None` to use the search path.
    pub fn schema(&self) -> Option<&str> {
        self.parameter("schema").or_else(|| self.parameter("search_path"))
    }

    /// Returns the names of ignored parameters.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Returns the timeout for a connection.
    pub fn connect_timeout(&self) -> Option<Duration> {
        // As in libpq: 0 means none, and 1 is too short.
        self.number("connect_timeout")
            .filter(|n| *n > 0)
            .map(|n| Duration::from_secs(n.max(2).into()))
    }

    /// Returns the canonical address of the database: without user, secrets and encryption, hosts
    /// in canonical spelling.
    pub fn simplest(&self) -> Self {
        let user = self.parameter("user").unwrap_or_default();
        let mut hosts: Vec<_> = self.hosts.iter().map(Endpoint::simplest).collect();
        hosts.sort();
        let mut simplest = Self {
            parameters: BTreeMap::new(),
            hosts,
            ssl_mode: None,
            passed_over: Vec::new(),
            base: PathBuf::new(),
        };
        simplest.add("dbname", self.parameter("dbname").unwrap_or(user).to_owned());
        simplest.add("schema", self.schema().unwrap_or_default().to_owned());
        simplest
    }
}

impl Endpoint {
    fn simplest(&self) -> Self {
        match self {
            Self::Tcp(host, port) => Self::Tcp(canonical_host(host), *port),
            Self::Socket(directory, port) => Self::Socket(canonical(directory), *port),
        }
    }
}

fn decoded(text: &str) -> Result<String, Failure> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| usage("has an escape that is not UTF-8"))?;
    Ok(text.into_owned())
}

/// Percent-encodes text for an address.
fn escaped(text: &str) -> impl fmt::Display {
    const SPECIAL: &AsciiSet =
        &CONTROLS.add(b' ').add(b'%').add(b'/').add(b'?').add(b'#').add(b'@').add(b':').add(b'&');
    utf8_percent_encode(text, SPECIAL)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(directory, port) => {
                write!(f, "{}:{port}", escaped(&directory.to_string_lossy()))
            }
        }
    }
}

impl fmt::Display for PostgresAddress {
    /// Formats the address without password, certificates and connection settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let user =
            self.parameter("user").map(|user| format!("{}@", escaped(user))).unwrap_or_default();
        write!(
            f,
            "postgres://{user}{hosts}/{}",
            escaped(self.parameter("dbname").unwrap_or_default())
        )?;
        match self.schema() {
            Some(schema) => write!(f, "?schema={}", escaped(schema)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAddress({self})")
    }
}

#[cfg(test)]
mod tests;
