//! Redis addresses in all notations that apps and hosting providers use.

mod options;
mod parse;

use std::fmt;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::secret::Secret;

pub const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Address and credentials of a Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisAddress {
    pub place: Location,
    /// True if connections are encrypted.
    pub tls: bool,
    /// Credentials for the data servers.
    pub login: Login,
    pub database: u32,
}

/// One server, or the servers to ask for the topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Server(Endpoint),
    Sentinel { sentinels: Vec<Endpoint>, master: String, login: Login },
    Cluster(Vec<Endpoint>),
}

/// Network address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    Tcp(String, u16),
    Socket(PathBuf),
}

/// User and password, both optional.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub user: Option<String>,
    pub password: Option<Secret<'static>>,
}

impl RedisAddress {
    /// Checks whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls
    }
}

/// Percent-encodes text for an address.
fn escaped(text: &str) -> impl fmt::Display {
    const SPECIAL: &AsciiSet =
        &CONTROLS.add(b' ').add(b'%').add(b'/').add(b'?').add(b'#').add(b'@').add(b':');
    utf8_percent_encode(text, SPECIAL)
}

impl Login {
    /// Returns the user, if there is a password, too. A user without password may be a password
    /// without its colon.
    fn shown_user(&self) -> Option<&str> {
        self.user.as_deref().filter(|_| self.password.is_some())
    }
}

#[cfg(test)]
impl RedisAddress {
    pub fn password(&self) -> Option<&str> {
        self.login.password.as_ref().map(Secret::expose_secret)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.shown_user()).finish_non_exhaustive()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for RedisAddress {
    /// Returns the address without passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |hosts: &[Endpoint]| {
            hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        };
        let scheme = if self.tls { "rediss" } else { "redis" };
        let user =
            self.login.shown_user().map(|user| format!("{}@", escaped(user))).unwrap_or_default();
        let database = self.database;
        match &self.place {
            Location::Server(Endpoint::Socket(path)) => {
                let parts = path.to_string_lossy();
                let path = parts
                    .split('/')
                    .map(|part| escaped(part).to_string())
                    .collect::<Vec<_>>()
                    .join("/");
                if database == 0 {
                    write!(f, "unix://{path}")
                } else {
                    write!(f, "unix://{path}?db={database}")
                }
            }
            Location::Server(host) => write!(f, "{scheme}://{user}{host}/{database}"),
            Location::Sentinel { sentinels, master, .. } => {
                write!(
                    f,
                    "{scheme}+sentinel://{user}{}/{}/{database}",
                    list(sentinels),
                    escaped(master)
                )
            }
            Location::Cluster(hosts) => write!(f, "{scheme}+cluster://{user}{}/", list(hosts)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<RedisAddress, String> {
        RedisAddress::parse(text).unwrap().map_err(|e| e.to_string())
    }

    #[test]
    fn every_form_is_read_and_shown_without_its_password() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379/0"),
            ("redis://:pa%2Fss@h:1/2", "redis://h:1/2"),
            ("rediss://default:secret@x.upstash.io:6379", "rediss://default@x.upstash.io:6379/0"),
            ("valkeys://u:p@[::1]:7/3?protocol=2", "rediss://u@[::1]:7/3"),
            ("unix:///run/redis.sock?db=3&pass=secret", "unix:///run/redis.sock?db=3"),
            ("redis://secret@h", "redis://h:6379/0"),
            ("redis://a%40b:secret@h", "redis://a%40b@h:6379/0"),
            ("redis+unix:///run/redis.sock", "unix:///run/redis.sock"),
            ("redis+sentinel://u:p@a:1,b/mymaster/2", "redis+sentinel://u@a:1,b:26379/mymaster/2"),
            ("rediss+cluster://u:p@a,b:2/", "rediss+cluster://u@a:6379,b:2/"),
            ("rediss://h?ssl=true", "rediss://h:6379/0"),
            ("redis://h/3?db=3", "redis://h:6379/3"),
        ] {
            let address = parsed(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("secret"), "{text}");
        }
        assert_eq!(parsed("redis://u:p%40%2f@h").unwrap().password().unwrap(), "p@/");
        assert_eq!(parsed("redis://u:p@ss@h").unwrap().password().unwrap(), "p@ss");
    }

    #[test]
    fn options_are_known_under_the_names_of_other_programs() {
        for (text, advice) in [
            ("redis+sentinel://a/m?sentinelPassword=secret", "write sentinel_password"),
            ("redis+sentinel://a/m?sentinel-username=u", "write sentinel_user"),
            ("redis+sentinel://a/m?SENTINEL_PASSWORD=secret", "write sentinel_password"),
            ("redis+sentinel://a/m?password=secret", "before the @"),
            ("rediss://h?ssl_cert_reqs=none", "certificates are always checked"),
            ("redis://h?keyPrefix=app", "--layout"),
            ("redis://h?connectTimeout=3", "its own limits"),
            ("redis://h?database=2", "write db"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(advice) && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_being_quoted() {
        for bad in [
            "redis:secret",
            "redis://",
            "redis://:sec/ret@host",
            "redis://:secret@",
            "redis://u:secret@h:port",
            "redis://u:secret@h/db",
            "redis://u:secret@h/0/1",
            "redis://u:secret@a,b/",
            "redis://u:secret@h?tiemout=1",
            "unix://secret/path",
            "unix://",
            "redis+sentinel://u:secret@a:1",
            "redis+cluster://u:secret@a:1/3",
            "redis://[::1",
            "redis://default:sec#ret@host",
            "redis://host/0#secret",
            "redis://default:57",
            "redis://h/1?db=2",
            "redis://h?password=secret",
            "redis://h?tls=true",
            "rediss://h?ssl=false",
            "unix://u:p@/path?pass=secret",
        ] {
            let error = parsed(bad).unwrap_err();
            assert!(!error.contains("secret") && !error.contains("sec/"), "{bad}: {error}");
        }
        assert!(RedisAddress::parse("mysql://h").is_none());
    }
}
