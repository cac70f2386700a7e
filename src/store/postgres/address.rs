//! PostgreSQL addresses in the notation of libpq, and the parameters that hosts and ORMs add to
//! them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::error::{Failure, nearest, usage};
use crate::store::url::{canonical, canonical_host};

const PORT: u16 = 5432;

const EXAMPLE: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE; in a password, write % : / ? # @ as \
                       %25 %3A %2F %3F %23 %40";

/// Supported parameters of libpq, with the variables of libpq that replace them.
const FOLLOWED: [(&str, &str); 22] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
    ("passfile", "PGPASSFILE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("keepalives", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("keepalives_count", ""),
    // Of ORMs.
    ("schema", ""),
    ("search_path", ""),
    ("connection_limit", ""),
];

/// Ignored parameters of libpq, poolers and ORMs, without relevance to oauthctl.
const PASSED_OVER: [&str; 23] = [
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "hostaddr",
    "load_balance_hosts",
    "sslcompression",
    "sslnegotiation",
    "sslsni",
    "sslcertmode",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "tcp_user_timeout",
    "pgbouncer",
    "pool_timeout",
    "pool_mode",
    "pool_size",
    "max_idle_connection_lifetime",
    "supa",
    "workaround",
    "statement_cache_size",
    "prepared_statements",
    "prepare",
    "socket_timeout",
];

/// Refused parameters of libpq, which would change the server or the role.
const REFUSED: [(&str, &str); 8] = [
    ("service", "write what the service file says into the address"),
    ("krbsrvname", "Kerberos is not supported: name a user with a password or a certificate"),
    ("gsslib", "Kerberos is not supported: name a user with a password or a certificate"),
    ("gssdelegation", "Kerberos is not supported: name a user with a password or a certificate"),
    (
        "requirepeer",
        "take it out; file permissions of the socket's directory say who may listen there",
    ),
    ("replication", "take it out: oauthctl reads tables"),
    ("sslcrl", "take it out: certificates that were withdrawn are not looked up"),
    ("sslpassword", "name a key without a passphrase as sslkey"),
];

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
    parameters: BTreeMap<&'static str, Zeroizing<String>>,
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
            return Err(usage("has an @ behind its host: is there a / or ? in the password?"));
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
            address.take_parameter(&decoded(name)?, decoded(value)?)?;
        }
        address.settle()?;
        Ok(address)
    }

    fn add(&mut self, name: &'static str, value: impl Into<Zeroizing<String>>) {
        let value = value.into();
        if !value.is_empty() {
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
            hosts.push(decoded(host)?.to_string());
            ports.push(port);
        }
        self.add("host", hosts.join(","));
        if ports.iter().any(|port| !port.is_empty()) {
            self.add("port", ports.join(","));
        }
        Ok(())
    }

    fn take_parameter(&mut self, name: &str, value: Zeroizing<String>) -> Result<(), Failure> {
        if let Some((known, _)) = FOLLOWED.iter().find(|(known, _)| *known == name) {
            self.add(known, value);
            return Ok(());
        }
        if let Some((_, hint)) = REFUSED.iter().find(|(known, _)| *known == name) {
            return Err(usage(format!(
                "has the parameter {name:?}, which oauthctl does not follow"
            ))
            .hint(*hint));
        }
        let mode = match (name, value.as_str()) {
            ("ssl", "true" | "1" | "require" | "no-verify")
            | ("sslaccept", "accept_invalid_certs") => Some("require"),
            ("ssl", "false" | "0" | "disable") => Some("disable"),
            ("sslaccept", "strict") => Some("verify-full"),
            ("ssl" | "sslaccept", _) => {
                return Err(usage(format!("has a value of {name} that is unknown"))
                    .hint("write sslmode=verify-full"));
            }
            _ => None,
        };
        if let Some(mode) = mode {
            // The stricter of two takes precedence.
            if name == "sslaccept" || !self.parameters.contains_key("sslmode") {
                self.add("sslmode", mode.to_owned());
            }
        } else if !PASSED_OVER.contains(&name) {
            let known = FOLLOWED
                .iter()
                .map(|(known, _)| *known)
                .chain(PASSED_OVER)
                .chain(["ssl", "sslaccept"]);
            let looks_like_a_name = name.len() <= 24
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !looks_like_a_name {
                return Err(usage("has an unknown parameter"));
            }
            let problem = usage(format!("has an unknown parameter {name:?}"));
            return Err(match nearest(name, known) {
                Some(known) => problem.hint(format!("did you mean {known}?")),
                None => problem.hint(
                    "take it out: a parameter that is not followed could be one that matters",
                ),
            });
        }
        self.passed_over.extend(mode.is_none().then(|| name.to_owned()));
        Ok(())
    }

    /// Adds missing parameters from libpq's variables.
    pub fn fill(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), Failure> {
        if self.parameter("host").is_none() && variable("PGSERVICE").is_some() {
            return Err(usage("PGSERVICE names a service, which oauthctl does not follow")
                .hint("write what the service file says into the address"));
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

    /// Evaluates the parameters.
    fn settle(&mut self) -> Result<(), Failure> {
        let parse_mode = |text: &str| {
            Ok(match text {
                "disable" => SslMode::Disable,
                "allow" | "prefer" => SslMode::Prefer,
                "require" | "no-verify" => SslMode::Require,
                "verify-ca" => SslMode::VerifyCa,
                "verify-full" => SslMode::VerifyFull,
                _ => {
                    return Err(usage("has an sslmode that is unknown")
                        .hint("sslmode is disable, prefer, require, verify-ca or verify-full"));
                }
            })
        };
        self.ssl_mode = self.parameter("sslmode").map(parse_mode).transpose()?;
        // As in libpq: with the system's roots the host name is verified, too, and a root
        // certificate implies verification.
        self.ssl_mode = match (self.ssl_mode, self.parameter("sslrootcert")) {
            (None | Some(SslMode::Prefer | SslMode::Require), Some("system")) => {
                Some(SslMode::VerifyFull)
            }
            (Some(SslMode::Require), Some(_)) => Some(SslMode::VerifyCa),
            (mode, _) => mode,
        };
        for (name, known) in [
            ("channel_binding", &["disable", "prefer", "require"][..]),
            (
                "target_session_attrs",
                &["any", "read-write", "primary", "prefer-standby", "standby", "read-only"],
            ),
        ] {
            if self.parameter(name).is_some_and(|text| !known.contains(&text)) {
                return Err(usage(format!("has a value of {name} that is unknown"))
                    .hint(format!("it is one of {}", known.join(", "))));
            }
        }
        for name in [
            "connect_timeout",
            "keepalives",
            "keepalives_idle",
            "keepalives_interval",
            "keepalives_count",
        ] {
            if self.parameter(name).is_some_and(|text| text.parse::<u32>().is_err()) {
                return Err(usage(format!("has a {name} that is not a number")));
            }
        }
        let ports: Vec<_> =
            self.parameter("port").unwrap_or_default().split(',').map(str::to_owned).collect();
        let hosts: Vec<_> = match self.parameter("host") {
            Some(hosts) => hosts.split(',').map(str::to_owned).collect(),
            None => vec!["/var/run/postgresql".to_owned()],
        };
        let port_of = |n: usize| {
            let text =
                if ports.len() == 1 { &ports[0] } else { ports.get(n).map_or("", |port| port) };
            // Not quoted: an invalid port may be a part of a password.
            if text.is_empty() {
                Ok(PORT)
            } else {
                text.parse().map_err(|_| usage("has a port that is not a number"))
            }
        };
        let endpoint = |(n, host): (usize, &String)| {
            let port = port_of(n)?;
            let is_host = |c: char| c.is_alphanumeric() || ".-_:".contains(c);
            match host.strip_prefix('/') {
                Some(_) => Ok(Endpoint::Socket(host.into(), port)),
                None if host.is_empty() => Err(usage("names no host")),
                None if host.chars().all(is_host) => Ok(Endpoint::Tcp(host.clone(), port)),
                None => Err(usage("has a host that is no name")),
            }
        };
        self.hosts = hosts.iter().enumerate().map(endpoint).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Returns the value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(|text| text.as_str())
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

    /// Checks whether connections may be encrypted.
    pub fn is_encrypted(&self) -> bool {
        let is_remote = self.hosts.iter().any(|host| matches!(host, Endpoint::Tcp(..)));
        is_remote && self.ssl_mode != Some(SslMode::Disable)
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

fn decoded(text: &str) -> Result<Zeroizing<String>, Failure> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| usage("has an escape that is not UTF-8"))?;
    Ok(Zeroizing::new(text.into_owned()))
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
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<PostgresAddress, String> {
        PostgresAddress::parse(text, Path::new("/base")).unwrap().map_err(|e| e.in_one_line())
    }

    #[test]
    fn every_form_is_read_and_shown_without_its_password() {
        for (text, shown) in [
            ("postgres://localhost", "postgres://localhost:5432/"),
            ("postgresql://u:pa%2Fsecret@h:1/app", "postgres://u@h:1/app"),
            (
                "POSTGRES://u:secret@[::1]:7/app?schema=oauth",
                "postgres://u@[::1]:7/app?schema=oauth",
            ),
            ("postgres://u:secret@a,b:2/app", "postgres://u@a:5432,b:2/app"),
            ("postgres://u@%2Fvar%2Frun/app", "postgres://u@%2Fvar%2Frun:5432/app"),
            (
                "postgres:///app?host=/tmp&port=6&user=u&password=secret",
                "postgres://u@%2Ftmp:6/app",
            ),
            ("postgres:", "postgres://%2Fvar%2Frun%2Fpostgresql:5432/"),
            (
                "postgres://u:secret@h/a%20b?sslmode=require&pgbouncer=true&connection_limit=1",
                "postgres://u@h:5432/a%20b",
            ),
        ] {
            let address = parsed(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("secret"), "{text}");
            assert_eq!(parsed(shown).unwrap().to_string(), shown);
        }
        assert_eq!(parsed("postgres://u:p@ss@h").unwrap().parameter("password"), Some("p@ss"));
    }

    #[test]
    fn encryption_is_demanded_in_the_words_of_libpq_and_of_orms() {
        for (query, mode) in [
            ("", None),
            ("sslmode=disable", Some(SslMode::Disable)),
            ("sslmode=allow", Some(SslMode::Prefer)),
            ("sslmode=require", Some(SslMode::Require)),
            ("sslmode=no-verify", Some(SslMode::Require)),
            ("sslmode=require&sslrootcert=ca.pem", Some(SslMode::VerifyCa)),
            ("sslrootcert=system", Some(SslMode::VerifyFull)),
            ("sslmode=verify-full", Some(SslMode::VerifyFull)),
            ("ssl=true", Some(SslMode::Require)),
            ("ssl=false", Some(SslMode::Disable)),
            ("sslmode=require&sslaccept=strict", Some(SslMode::VerifyFull)),
        ] {
            assert_eq!(
                parsed(&format!("postgres://h/d?{query}")).unwrap().ssl_mode(),
                mode,
                "{query}"
            );
        }
        let address = parsed("postgres://h/d?sslrootcert=ca.pem&supa=base-pooler.x").unwrap();
        assert_eq!(address.path("sslrootcert"), Some("/base/ca.pem".into()));
        assert_eq!(address.passed_over(), ["supa"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_being_quoted() {
        for (bad, why) in [
            ("postgres:secret", "has no // after its scheme"),
            ("postgres://u:sec/ret@host/d", "has an @ behind its host"),
            ("postgres://u:secret@h:port/d", "has a port that is not a number"),
            ("postgres://u:secret@h/d/e", "has too many parts in its path"),
            ("postgres://u:secret@h/d?sslmode=yes", "sslmode is disable, prefer"),
            ("postgres://u:secret@h/d?service=main", "write what the service file says"),
            ("postgres://u:secret@h/d?krbsrvname=x", "Kerberos is not supported"),
            ("postgres://u:secret@h/d?sslmod=require", "did you mean sslmode?"),
            ("postgres://u:secret@h/d?conection_limit=1", "did you mean connection_limit?"),
            ("postgres://u:secret@h/d?frobnicate=1", "take it out"),
            (
                "postgres://u:secret@h/d?connect_timeout=soon",
                "connect_timeout that is not a number",
            ),
            ("postgres://u:secret@a,/d", "names no host"),
        ] {
            let error = parsed(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
            assert!(!error.contains("secret") && !error.contains("sec/"), "{bad}: {error}");
        }
        assert!(PostgresAddress::parse("mysql://h", Path::new("")).is_none());
    }

    #[test]
    fn variables_of_libpq_fill_what_the_address_leaves_open() {
        let variables = |name: &str| match name {
            "PGHOST" => Some("db.internal".to_owned()),
            "PGPORT" => Some("6000".to_owned()),
            "PGUSER" => Some("app".to_owned()),
            "PGDATABASE" => Some("oauth".to_owned()),
            "PGSSLMODE" => Some("disable".to_owned()),
            _ => None,
        };
        for (text, filled) in [
            ("postgres:", "postgres://app@db.internal:6000/oauth"),
            ("postgres://me@h/d", "postgres://me@h:5432/d"),
            ("postgres:///d", "postgres://app@db.internal:6000/d"),
        ] {
            let mut address = parsed(text).unwrap();
            address.fill(variables).unwrap();
            assert_eq!(address.to_string(), filled);
            assert_eq!(address.ssl_mode(), Some(SslMode::Disable));
        }
        let service = |name: &str| (name == "PGSERVICE").then(|| "main".to_owned());
        assert!(parsed("postgres:").unwrap().fill(service).is_err());
    }

    #[test]
    fn one_database_has_one_simplest_address() {
        for address in [
            "postgres://127.0.0.1/d",
            "postgresql://u:p@LOCALHOST:5432/d?sslmode=require",
            "postgres://d@[::1]",
        ] {
            assert_eq!(
                parsed(address).unwrap().simplest().to_string(),
                "postgres://localhost:5432/d",
                "{address}"
            );
        }
    }
}
