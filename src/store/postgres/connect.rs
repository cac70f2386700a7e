//! Connection setup with a database: socket, encryption, authentication, and the choice among
//! several servers.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::sockopt;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_postgres::config::{ChannelBinding, SslMode as Wire};
use tokio_postgres::{Client, Config, NoTls};
use tracing::debug;
use zeroize::Zeroizing;

use super::address::{Endpoint, PostgresAddress, SslMode};
use super::error::PostgresError;
use super::tls::{self, Tls};
use crate::address::is_public;
use crate::error::Failure;
use crate::secret::Secret;
use crate::store::Access;

/// Timeout for establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes read at once. The client library reads 8 KB, four records, and a server delivers faster.
const READ_AHEAD: usize = 1 << 16;

/// Connection factory of one database.
pub struct Dialer {
    address: PostgresAddress,
    config: Config,
    tls: Arc<ClientConfig>,
    /// Server that is tried first.
    preferred: Mutex<Option<Endpoint>>,
}

impl Dialer {
    /// Reads the files named by the address.
    pub fn new(address: &PostgresAddress, access: &Access) -> Result<Self, Failure> {
        let mut config = Config::new();
        for (name, set) in [
            ("user", Config::user as fn(&mut Config, String) -> &mut Config),
            ("dbname", Config::dbname),
            ("options", Config::options),
        ] {
            if let Some(text) = address.parameter(name) {
                set(&mut config, text.to_owned());
            }
        }
        config.application_name(address.parameter("application_name").unwrap_or("oauthctl"));
        config.channel_binding(match address.parameter("channel_binding") {
            Some("disable") => ChannelBinding::Disable,
            Some("require") => ChannelBinding::Require,
            _ => ChannelBinding::Prefer,
        });
        let tls = tls::config(address, address.ssl_mode().unwrap_or(SslMode::Prefer), access)?;
        Ok(Self { address: address.clone(), config, tls, preferred: Mutex::default() })
    }

    /// Makes this server the first to be tried.
    pub fn prefer(&self, host: &Endpoint) {
        *self.preferred.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.clone());
    }

    /// Connects to the first server that responds, preferring the primary.
    pub async fn dial(&self) -> Result<Client, PostgresError> {
        let hosts = self.address.hosts();
        let target = self.address.parameter("target_session_attrs").unwrap_or("any");
        let preferred = self.preferred.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let others = hosts.iter().filter(|host| Some(*host) != preferred.as_ref());
        let mut standby = None;
        let mut error = None;
        for host in preferred.iter().chain(others) {
            let client = match self.dial_one(host).await {
                Ok(client) => client,
                Err(why) => {
                    debug!("not connected to {host}: {why}");
                    error.get_or_insert(why);
                    continue;
                }
            };
            debug!("connected to {host}");
            if hosts.len() == 1 && target == "any" {
                return Ok(client);
            }
            // The primary is preferred, because only it accepts writes.
            if !is_read_only(&client).await? {
                return Ok(client);
            }
            standby.get_or_insert(client);
        }
        match (standby, error) {
            (Some(standby), _) if !matches!(target, "primary" | "read-write") => Ok(standby),
            (None, Some(error)) => Err(error),
            _ => Err(PostgresError::unreached("none of the servers is a writable primary")
                .hint("check target_session_attrs and the hosts of the address")),
        }
    }

    /// Connects to this server.
    pub async fn dial_one(&self, host: &Endpoint) -> Result<Client, PostgresError> {
        let limit = self.address.connect_timeout().unwrap_or(CONNECT_TIMEOUT);
        let dialled = tokio::time::timeout(limit, self.greet(host)).await;
        dialled.unwrap_or_else(|_| {
            Err(PostgresError::unreached(format!("{host}: no connection in time")))
        })
    }

    async fn greet(&self, host: &Endpoint) -> Result<Client, PostgresError> {
        let mut config = self.config.clone();
        if let Some(password) = self.password(host) {
            config.password(password.expose_secret());
        }
        match host {
            Endpoint::Socket(directory, port) => {
                let path = directory.join(format!(".s.PGSQL.{port}"));
                let stream =
                    UnixStream::connect(&path).await.map_err(|e| unreached(&path.display(), &e))?;
                config.ssl_mode(Wire::Disable);
                let (client, connection) = config
                    .connect_raw(BufReader::with_capacity(READ_AHEAD, stream), NoTls)
                    .await
                    .map_err(|e| PostgresError::of_login(&e))?;
                drive(connection);
                Ok(client)
            }
            Endpoint::Tcp(name, port) => {
                let addresses: Vec<SocketAddr> = lookup_host((name.as_str(), *port))
                    .await
                    .map_err(|e| {
                        PostgresError::unreached(format!("cannot resolve {name}: {e}"))
                            .hint("check the host name and the DNS")
                    })?
                    .collect();
                let stream =
                    TcpStream::connect(&addresses[..]).await.map_err(|e| unreached(host, &e))?;
                let peer = stream.peer_addr().map_err(|e| unreached(host, &e))?;
                self.prepare(&stream).map_err(|e| unreached(host, &e))?;
                config.ssl_mode(match self.address.ssl_mode() {
                    Some(SslMode::Disable) => Wire::Disable,
                    // Connections to public addresses must be encrypted, unless the operator
                    // permits otherwise.
                    None | Some(SslMode::Prefer) if !is_public(peer.ip()) => Wire::Prefer,
                    _ => Wire::Require,
                });
                let name = ServerName::try_from(name.clone()).map_err(|_| {
                    PostgresError::refused(format!("{name} is not a name a certificate can have"))
                })?;
                let tls = Tls { config: Arc::clone(&self.tls), name };
                let (client, connection) = config
                    .connect_raw(BufReader::with_capacity(READ_AHEAD, stream), tls)
                    .await
                    .map_err(|e| PostgresError::of_login(&e))?;
                drive(connection);
                Ok(client)
            }
        }
    }

    /// Applies the socket parameters of the address.
    fn prepare(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if self.address.number("keepalives") == Some(0) {
            return Ok(());
        }
        sockopt::set_socket_keepalive(stream, true)?;
        let seconds = |name| self.address.number(name).filter(|n| *n > 0);
        if let Some(idle) = seconds("keepalives_idle") {
            sockopt::set_tcp_keepidle(stream, Duration::from_secs(idle.into()))?;
        }
        if let Some(interval) = seconds("keepalives_interval") {
            sockopt::set_tcp_keepintvl(stream, Duration::from_secs(interval.into()))?;
        }
        if let Some(count) = seconds("keepalives_count") {
            sockopt::set_tcp_keepcnt(stream, count)?;
        }
        Ok(())
    }

    /// Returns the password of the address, else the one in its password file.
    fn password(&self, host: &Endpoint) -> Option<Secret<'static>> {
        if let Some(password) = self.address.password() {
            return Some(password.clone());
        }
        let text = Zeroizing::new(fs::read_to_string(self.address.path("passfile")?).ok()?);
        let user = self.address.parameter("user").unwrap_or_default();
        let database = self.address.parameter("dbname").unwrap_or(user);
        let (name, port) = match host {
            Endpoint::Tcp(name, port) => (name.as_str(), port),
            Endpoint::Socket(directory, port) if directory == Path::new("/var/run/postgresql") => {
                ("localhost", port)
            }
            Endpoint::Socket(directory, port) => (directory.to_str()?, port),
        };
        let wanted = [name, &port.to_string(), database, user];
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| password_of(line, wanted))
    }
}

/// Returns the password in a line `host:port:database:user:password` if the other fields match.
fn password_of(line: &str, wanted: [&str; 4]) -> Option<Secret<'static>> {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut rest = line.chars();
    while fields.len() < 4 {
        match rest.next()? {
            ':' => fields.push(std::mem::take(&mut field)),
            '\\' => field.push(rest.next()?),
            c => field.push(c),
        }
    }
    let fits = fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
    let password = rest.as_str().replace("\\:", ":").replace("\\\\", "\\");
    fits.then_some(password.into())
}

/// Checks whether a server is a standby, or read-only for another reason.
async fn is_read_only(client: &Client) -> Result<bool, PostgresError> {
    let sql = "SELECT pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only') = 'on'";
    Ok(client.query_typed_one(sql, &[]).await?.try_get(0)?)
}

/// Drives the connection until the client is dropped.
fn drive<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(e) = connection.await {
            debug!("connection lost: {}", PostgresError::of(&e));
        }
    });
}

fn unreached(place: &impl std::fmt::Display, error: &io::Error) -> PostgresError {
    let trouble = PostgresError::unreached(format!("{place}: {error}"));
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            trouble.hint("check host and port of the address, and that the server is running")
        }
        io::ErrorKind::PermissionDenied => {
            trouble.hint("run oauthctl as a user who can use the socket")
        }
        _ => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        let wanted = ["db", "5432", "app", "me"];
        for (line, password) in [
            ("db:5432:app:me:secret", Some("secret")),
            ("*:*:*:me:a\\:b\\\\c", Some("a:b\\c")),
            ("db:5433:app:me:secret", None),
            ("d\\b:5432:*:*:", Some("")),
            ("db:5432:app", None),
        ] {
            assert_eq!(
                password_of(line, wanted).as_ref().map(Secret::expose_secret),
                password,
                "{line}"
            );
        }
    }
}
