//! Connection setup with one server: socket, TLS, authentication, database.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, Value};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tracing::debug;

use super::address::{Endpoint, Login};
use super::error::{ClientError, ErrorKind, connecting};
use super::limit::Limited;

/// Timeout for establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout for an answer. A server that is busy, or remote with many values to send, may be slow
/// without being lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

const WANTS_TLS: &str = "is this a Redis? if it expects TLS, use rediss:// instead of redis://";
const WANTS_CERTIFICATE: &str = "does the server require a client certificate? set `cert_file` and `key_file` under [store] in oauthctl.toml";
const NO_TLS: &str = "does the server support TLS? if not, use redis:// instead of rediss://";

/// Connection settings of an address.
#[derive(Clone)]
pub struct Dialer {
    /// True if `ca_file` is set.
    pub has_ca: bool,
    /// True if there is a client certificate.
    pub has_certificate: bool,
    pub tls: Option<Arc<ClientConfig>>,
    pub login: Login,
    pub database: u32,
}

impl Dialer {
    /// Connects and authenticates.
    pub async fn dial(&self, endpoint: &Endpoint) -> Result<MultiplexedConnection, ClientError> {
        let dialled = tokio::time::timeout(CONNECT_TIMEOUT, self.greet(endpoint)).await;
        let dialled = dialled.unwrap_or_else(|_| {
            let error = ClientError::unreached(format!("{endpoint}: no connection in time"));
            Err(if self.tls.is_some() { error.hint(NO_TLS) } else { error })
        });
        match &dialled {
            Ok(_) => debug!("connected to {endpoint}"),
            Err(error) => debug!("not connected to {endpoint}: {error}"),
        }
        dialled
    }

    async fn greet(&self, endpoint: &Endpoint) -> Result<MultiplexedConnection, ClientError> {
        match endpoint {
            Endpoint::Socket(path) => {
                let stream =
                    UnixStream::connect(path).await.map_err(|e| connecting(&e, endpoint))?;
                self.log_in(stream).await
            }
            Endpoint::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port))
                    .await
                    .map_err(|e| unreachable(&e, endpoint))?;
                // Disables Nagle's algorithm: small requests must not wait for earlier answers.
                stream.set_nodelay(true).map_err(|e| connecting(&e, endpoint))?;
                match &self.tls {
                    None => self.log_in(stream).await,
                    Some(config) => {
                        let name = ServerName::try_from(host.clone()).map_err(|_| {
                            ClientError::unreached(format!(
                                "{host} is not a name a certificate can have"
                            ))
                        })?;
                        let connector = TlsConnector::from(Arc::clone(config));
                        let stream = connector
                            .connect(name, stream)
                            .await
                            .map_err(|e| untrusted(&e, endpoint, self.has_ca))?;
                        self.log_in(stream).await
                    }
                }
            }
        }
    }

    async fn log_in<S>(&self, stream: S) -> Result<MultiplexedConnection, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_TIMEOUT));
        // Authentication and database are requested here, because the library does not report why a
        // server refuses them.
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let (mut connection, driver) =
            MultiplexedConnection::new_with_config(&info, Limited::new(stream), config)
                .await
                .map_err(|e| ClientError::of_sent(&e))?;
        tokio::spawn(driver);
        let mut answers = self.say_hello(&mut connection, true).await?;
        // Before version 6, Redis has no users and accepts only a password. ioredis does the same.
        let knows_no_users = |answer: &Value| {
            ClientError::in_answer(answer).is_some_and(|error| {
                error.to_string().contains("wrong number of arguments for 'auth'")
            })
        };
        if self.login.user.is_some() && answers.first().is_some_and(knows_no_users) {
            debug!("the server has no users; trying the password alone");
            answers = self.say_hello(&mut connection, false).await?;
        }
        match answers
            .iter()
            .filter_map(ClientError::in_answer)
            .find(|error| !error.is_about_writing())
        {
            Some(error) => Err(error),
            None => Ok(connection),
        }
    }
}

impl Dialer {
    /// Authenticates, selects the database and pings. Returns the answers, including refusals.
    async fn say_hello(
        &self,
        connection: &mut MultiplexedConnection,
        with_user: bool,
    ) -> Result<Vec<Value>, ClientError> {
        let mut greeting = Pipeline::new();
        if let Some(password) = &self.login.password {
            let mut auth = redis::cmd("AUTH");
            if let Some(user) = self.login.user.as_ref().filter(|_| with_user) {
                auth.arg(user);
            }
            greeting.add_command(auth.arg(password.expose_secret()).take());
        }
        if self.database != 0 {
            greeting.add_command(redis::cmd("SELECT").arg(self.database).take());
        }
        greeting.add_command(redis::cmd("PING"));
        run(connection, &greeting).await.map_err(|error| match error.kind {
            // Typical of a server that expects TLS.
            ErrorKind::Lost | ErrorKind::UnexpectedReply if self.tls.is_none() => {
                error.hint(WANTS_TLS)
            }
            // Typical of a server that requires a certificate, which TLS 1.3 reports only now.
            ErrorKind::Lost if !self.has_certificate => error.hint(WANTS_CERTIFICATE),
            _ => error,
        })
    }
}

/// Runs commands. Refusals by the server are among the answers.
pub async fn run(
    connection: &mut MultiplexedConnection,
    commands: &Pipeline,
) -> Result<Vec<Value>, ClientError> {
    let count = commands.len();
    let answers = connection
        .req_packed_commands(commands, 0, count)
        .await
        .map_err(|e| ClientError::of_sent(&e))?;
    if answers.len() == count { Ok(answers) } else { Err(ClientError::unexpected_reply()) }
}

/// Returns a pipeline of these commands.
pub fn pipeline<'c>(commands: impl ExactSizeIterator<Item = &'c Cmd>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    pipeline
}

fn unreachable(error: &io::Error, endpoint: &Endpoint) -> ClientError {
    // Errors of the resolver have no kind of their own.
    if error.to_string().contains("lookup") {
        return ClientError::unreached(format!("{endpoint}: cannot resolve the name: {error}"))
            .hint("check the host name and the DNS");
    }
    connecting(error, endpoint)
}

/// Returns the error of a failed TLS handshake.
fn untrusted(error: &io::Error, endpoint: &Endpoint, has_ca: bool) -> ClientError {
    let text = error.to_string();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["UnknownIssuer", "SelfSigned", "CaUsedAsEndEntity", "BadSignature"]) {
        let trouble =
            ClientError::unreached(format!("{endpoint}: the server's certificate is not trusted"));
        return trouble.hint(if has_ca {
            "`ca_file` under [network] is not the authority of the server: `openssl s_client -showcerts -connect \
             HOST:PORT` shows the server's; add its issuer to the file"
        } else {
            "the server's certificate is from a private authority: set `ca_file` under [network] in oauthctl.toml"
        });
    }
    if has(&["CertificateRequired", "certificate required"]) {
        return ClientError::unreached(format!(
            "{endpoint}: the server requires a client certificate"
        ))
        .hint(WANTS_CERTIFICATE);
    }
    let trouble = ClientError::unreached(format!("{endpoint}: {error}"));
    if has(&["NotValidForName", "not valid for name"]) {
        trouble.hint("the certificate is for another name: write the host in the address as in the certificate")
    } else if has(&["Expired", "expired", "NotValidYet", "not valid yet"]) {
        trouble.hint("the certificate has expired, or the clock here is wrong")
    } else if text.contains("certificate") {
        trouble.hint("the certificate does not match: check the host name and the clocks")
    } else {
        trouble.hint(NO_TLS)
    }
}
