//! Parsing of addresses. Errors never quote the address, which may contain a password.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::options::{TLS_OPTIONS, meant_by, plain};
use super::{Endpoint, Location, Login, REDIS_PORT, RedisAddress, SENTINEL_PORT};
use crate::error::{Failure, usage};
use crate::secret::Secret;

/// Kinds of address, by scheme.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AddressKind {
    Server,
    Socket,
    Sentinel,
    Cluster,
}

/// Schemes with their kind and encryption.
const SCHEMES: [(&str, AddressKind, bool); 14] = [
    ("redis", AddressKind::Server, false),
    ("rediss", AddressKind::Server, true),
    ("valkey", AddressKind::Server, false),
    ("valkeys", AddressKind::Server, true),
    ("unix", AddressKind::Socket, false),
    ("redis+unix", AddressKind::Socket, false),
    ("redis+sentinel", AddressKind::Sentinel, false),
    ("rediss+sentinel", AddressKind::Sentinel, true),
    ("valkey+sentinel", AddressKind::Sentinel, false),
    ("valkeys+sentinel", AddressKind::Sentinel, true),
    ("redis+cluster", AddressKind::Cluster, false),
    ("rediss+cluster", AddressKind::Cluster, true),
    ("valkey+cluster", AddressKind::Cluster, false),
    ("valkeys+cluster", AddressKind::Cluster, true),
];

impl RedisAddress {
    /// Parses an address. `None` if its scheme is not one of Redis. Errors never quote the address,
    /// which may contain a password.
    pub fn parse(text: &str) -> Option<Result<Self, Failure>> {
        let (scheme, rest) = text.split_once(':')?;
        let (_, kind, tls) = SCHEMES.iter().find(|(name, ..)| scheme.eq_ignore_ascii_case(name))?;
        let parts = rest
            .strip_prefix("//")
            .ok_or_else(|| refused("has no // after its scheme"))
            .and_then(Parts::split);
        let address = parts.and_then(|parts| match kind {
            AddressKind::Server => parts.server(*tls),
            AddressKind::Socket => parts.socket(),
            AddressKind::Sentinel => parts.sentinel(*tls),
            AddressKind::Cluster => parts.cluster(*tls),
        });
        Some(address.map_err(|e| e.at(format!("the {scheme}: address")).hint(example(*kind))))
    }
}

fn example(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::Server => {
            "write redis://USER:PASSWORD@HOST:PORT/DATABASE; in a password, write % : / ? # @ as %25 %3A %2F %3F %23 %40"
        }
        AddressKind::Socket => "write unix:///path/of/redis.sock?db=0",
        AddressKind::Sentinel => {
            "write redis+sentinel://USER:PASSWORD@HOST1:26379,HOST2:26379/MASTER/DATABASE"
        }
        AddressKind::Cluster => "write redis+cluster://USER:PASSWORD@HOST1:6379,HOST2:6379/",
    }
}

fn refused(why: impl Into<String>) -> Failure {
    usage(why)
}

/// Parts of an address after its scheme.
struct Parts<'a> {
    login: Login,
    hosts: &'a str,
    path: Vec<String>,
    query: Vec<(String, String)>,
}

impl<'a> Parts<'a> {
    fn split(rest: &'a str) -> Result<Self, Failure> {
        if rest.contains('#') {
            return Err(refused("has a #, which cuts the rest off: in a password, write %23"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(login, hosts)| (Some(login), hosts));
        if login.is_none() && (path.contains('@') || query.contains('@')) {
            return Err(refused("has an @ after its host: does the password contain / or ?"));
        }
        // This is left of an unquoted `redis://default:57#…` in a dotenv file.
        if login.is_none()
            && hosts.split(':').next().is_some_and(|host| host.eq_ignore_ascii_case("default"))
        {
            return Err(refused(
                "has the host \"default\", which is the name of Redis's user: was the address cut at a #? In a dotenv file, put it in quotes",
            ));
        }
        let login = login.map(Login::parse).transpose()?.unwrap_or_default();
        let path = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decoded)
            .collect::<Result<_, _>>()?;
        let query = url::form_urlencoded::parse(query.as_bytes())
            .map(|(k, v)| (k.into_owned(), v.into_owned()));
        Ok(Self { login, hosts, path, query: query.collect() })
    }

    fn server(mut self, tls: bool) -> Result<RedisAddress, Failure> {
        let hosts = endpoints(self.hosts, REDIS_PORT)?;
        let [host] = <[Endpoint; 1]>::try_from(hosts)
            .map_err(|_| refused("has several hosts: use redis+sentinel:// or redis+cluster://"))?;
        let mut path = std::mem::take(&mut self.path).into_iter();
        let database = self.database(path.next())?;
        self.check_login()?;
        self.finish(
            path,
            RedisAddress {
                place: Location::Server(host),
                tls,
                login: self.login.clone(),
                database,
            },
        )
    }

    fn socket(mut self) -> Result<RedisAddress, Failure> {
        let path = PathBuf::from(format!("/{}", self.path.join("/")));
        if !self.hosts.is_empty() {
            return Err(refused("has a host: the path of a socket starts with a third /"));
        }
        if self.path.is_empty() {
            return Err(refused("has no socket path"));
        }
        let database = self.database(None)?;
        let (user, password) = (self.take("user"), self.take("pass").map(Secret::from));
        if (user.is_some() && self.login.user.is_some())
            || (password.is_some() && self.login.password.is_some())
        {
            return Err(refused("has a login before the @ and another in its options: remove one"));
        }
        self.login.user = user.or(self.login.user.take());
        self.login.password = password.or(self.login.password.take());
        let place = Location::Server(Endpoint::Socket(path));
        self.finish([], RedisAddress { place, tls: false, login: self.login.clone(), database })
    }

    fn sentinel(mut self, tls: bool) -> Result<RedisAddress, Failure> {
        let sentinels = endpoints(self.hosts, SENTINEL_PORT)?;
        let mut path = std::mem::take(&mut self.path).into_iter();
        let master = path.next().ok_or_else(|| refused("has no master name"))?;
        let database = self.database(path.next())?;
        let login = Login {
            user: self.take("sentinel_user"),
            password: self.take("sentinel_password").map(Secret::from),
        };
        let place = Location::Sentinel { sentinels, master, login };
        self.finish(path, RedisAddress { place, tls, login: self.login.clone(), database })
    }

    fn cluster(mut self, tls: bool) -> Result<RedisAddress, Failure> {
        let place = Location::Cluster(endpoints(self.hosts, REDIS_PORT)?);
        let mut path = std::mem::take(&mut self.path).into_iter();
        if self.database(path.next())? != 0 {
            return Err(refused("has a database number: a cluster has only database 0"));
        }
        self.finish(path, RedisAddress { place, tls, login: self.login.clone(), database: 0 })
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.query.iter().position(|(known, _)| known == name)?;
        Some(self.query.remove(at).1)
    }

    fn database(&mut self, in_path: Option<String>) -> Result<u32, Failure> {
        let parse = |number: String| {
            number.parse().map_err(|_| refused("has a database that is not a number"))
        };
        let [in_option, in_path] =
            [self.take("db"), in_path].map(|number| number.map(parse).transpose());
        match (in_option?, in_path?) {
            (Some(option), Some(path)) if option != path => Err(refused(format!(
                "has database {path} in its path but database {option} in its option db"
            ))),
            (option, path) => Ok(option.or(path).unwrap_or(0)),
        }
    }

    /// Refuses credentials in options. They belong before the @.
    fn check_login(&self) -> Result<(), Failure> {
        let is_login = |(name, _): &(String, String)| {
            matches!(plain(name).as_str(), "password" | "pass" | "username" | "user")
        };
        if self.query.iter().any(is_login) {
            return Err(refused("has a login in its options: a login belongs before an @"));
        }
        Ok(())
    }

    /// Refuses unknown options, which must not be ignored silently.
    fn finish(
        &self,
        rest: impl IntoIterator<Item = String>,
        address: RedisAddress,
    ) -> Result<RedisAddress, Failure> {
        if rest.into_iter().next().is_some() {
            return Err(refused("has too many parts in its path"));
        }
        self.check_encryption(address.tls)?;
        let is_harmless = |name: &str| {
            matches!(name, "protocol" | "family") || TLS_OPTIONS.contains(&plain(name).as_str())
        };
        match self.query.iter().find(|(name, _)| !is_harmless(name)) {
            None => Ok(address),
            Some((name, _)) if meant_by(name).is_some() => Err(refused(format!(
                "has an unknown option {name:?}: {}",
                meant_by(name).unwrap_or_default()
            ))),
            Some((name, _))
                if name.len() <= 16
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') =>
            {
                Err(refused(format!("has an unknown option {name:?}")))
            }
            // Not quoted: it does not look like a name.
            Some(_) => Err(refused("has an unknown option")),
        }
    }
}

impl Parts<'_> {
    /// Fails if an option contradicts the scheme.
    fn check_encryption(&self, tls: bool) -> Result<(), Failure> {
        let said = self.query.iter().find(|(name, _)| TLS_OPTIONS.contains(&plain(name).as_str()));
        let Some((name, value)) = said else { return Ok(()) };
        let on = match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "required" | "" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                return Err(refused(format!(
                    "has an option {} that is not true or false",
                    plain(name)
                )));
            }
        };
        if on == tls {
            return Ok(());
        }
        let (scheme, with, other) = if tls {
            ("rediss: is encrypted", "false", "redis:")
        } else {
            ("redis: is not encrypted", "true", "rediss:")
        };
        let name = plain(name);
        Err(refused(format!(
            "contradicts itself: {scheme}, but its option {name} is {with}; write {other} or remove the option"
        )))
    }
}

fn decoded(text: &str) -> Result<String, Failure> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| refused("has an escape that is not UTF-8"))?;
    Ok(text.into_owned())
}

fn endpoints(hosts: &str, default_port: u16) -> Result<Vec<Endpoint>, Failure> {
    hosts.split(',').map(|host| endpoint(host, default_port)).collect()
}

fn endpoint(host: &str, default_port: u16) -> Result<Endpoint, Failure> {
    let (name, port) = match host.strip_prefix('[') {
        Some(v6) => {
            let (name, port) =
                v6.split_once(']').ok_or_else(|| refused("has an unfinished IPv6 address"))?;
            (name, port.strip_prefix(':'))
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    if name.is_empty() {
        return Err(refused("has no host"));
    }
    let port = port.filter(|port| !port.is_empty()).map_or(Ok(default_port), str::parse);
    // Not quoted: an invalid port may be a part of a password.
    let port = port.map_err(|_| refused("has a port that is not a number"))?;
    let name = decoded(name)?;
    let is_host = |c: char| c.is_alphanumeric() || ".-_:".contains(c);
    if name.chars().all(is_host) {
        Ok(Endpoint::Tcp(name, port))
    } else {
        Err(refused("has an invalid host"))
    }
}

impl Login {
    fn parse(text: &str) -> Result<Self, Failure> {
        let (user, password) =
            text.split_once(':').map_or((text, None), |(user, password)| (user, Some(password)));
        let part =
            |text: &str| Ok::<_, Failure>(Some(decoded(text)?).filter(|text| !text.is_empty()));
        let password = password.map(part).transpose()?.flatten().map(Secret::from);
        Ok(Self { user: part(user)?, password })
    }
}
