//! Connecting to one server: socket, encryption, login, database.

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
use super::error::{Kind, Trouble, connecting};
use super::limit::Limited;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take. A busy server, or one far away with many values to send, is slow without being lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

const WANTS_TLS: &str = "is this a Redis? one that expects TLS is named by rediss:// instead of redis://";
const NO_TLS: &str = "does the server speak TLS? one that does not is named by redis:// instead of rediss://";

/// What every connection to the servers of one address has in common.
#[derive(Clone)]
pub struct Dialer {
    pub tls: Option<Arc<ClientConfig>>,
    pub login: Login,
    pub database: u32,
}

impl Dialer {
    /// Connects and logs in.
    pub async fn dial(&self, endpoint: &Endpoint) -> Result<MultiplexedConnection, Trouble> {
        let dialled = tokio::time::timeout(CONNECT_TIMEOUT, self.greet(endpoint)).await;
        let dialled = dialled.unwrap_or_else(|_| {
            let trouble = Trouble::unreached(format!("{endpoint}: no connection in time"));
            Err(if self.tls.is_some() { trouble.hint(NO_TLS) } else { trouble })
        });
        match &dialled {
            Ok(_) => debug!("connected to {endpoint}"),
            Err(trouble) => debug!("not connected to {endpoint}: {trouble}"),
        }
        dialled
    }

    async fn greet(&self, endpoint: &Endpoint) -> Result<MultiplexedConnection, Trouble> {
        match endpoint {
            Endpoint::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(|e| connecting(&e, endpoint))?;
                self.log_in(stream).await
            }
            Endpoint::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(|e| unreachable(&e, endpoint))?;
                // Small requests must not wait for the answers to earlier ones.
                stream.set_nodelay(true).map_err(|e| connecting(&e, endpoint))?;
                match &self.tls {
                    None => self.log_in(stream).await,
                    Some(config) => {
                        let name = ServerName::try_from(host.clone())
                            .map_err(|_| Trouble::unreached(format!("{host} is not a name a certificate can have")))?;
                        let connector = TlsConnector::from(Arc::clone(config));
                        let stream = connector.connect(name, stream).await.map_err(|e| untrusted(&e, endpoint))?;
                        self.log_in(stream).await
                    }
                }
            }
        }
    }

    async fn log_in<S>(&self, stream: S) -> Result<MultiplexedConnection, Trouble>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_TIMEOUT));
        // Login and database are ours to ask for: the library does not say why a server refuses them.
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let (mut connection, driver) = MultiplexedConnection::new_with_config(&info, Limited::new(stream), config)
            .await
            .map_err(|e| Trouble::of_sent(&e))?;
        tokio::spawn(driver);
        let mut greeting = Pipeline::new();
        if let Some(password) = &self.login.password {
            let mut auth = redis::cmd("AUTH");
            if let Some(user) = &self.login.user {
                auth.arg(user);
            }
            greeting.add_command(auth.arg(password.as_str()).take());
        }
        if self.database != 0 {
            greeting.add_command(redis::cmd("SELECT").arg(self.database).take());
        }
        greeting.add_command(redis::cmd("PING"));
        let answers = run(&mut connection, &greeting).await.map_err(|trouble| match trouble.kind {
            // What a server does that waits for a TLS greeting.
            Kind::Lost | Kind::Nonsense if self.tls.is_none() => trouble.hint(WANTS_TLS),
            _ => trouble,
        })?;
        match answers.iter().filter_map(Trouble::in_answer).find(|trouble| !trouble.is_about_writing()) {
            Some(trouble) => Err(trouble),
            None => Ok(connection),
        }
    }
}

/// Runs commands; what the server refuses is among the answers.
pub async fn run(connection: &mut MultiplexedConnection, commands: &Pipeline) -> Result<Vec<Value>, Trouble> {
    let count = commands.len();
    let answers = connection.req_packed_commands(commands, 0, count).await.map_err(|e| Trouble::of_sent(&e))?;
    if answers.len() == count { Ok(answers) } else { Err(Trouble::nonsense()) }
}

/// A pipeline of these commands.
pub fn pipeline<'c>(commands: impl ExactSizeIterator<Item = &'c Cmd>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    pipeline
}

fn unreachable(error: &io::Error, endpoint: &Endpoint) -> Trouble {
    // What the resolver says has no kind of its own.
    if error.to_string().contains("lookup") {
        return Trouble::unreached(format!("{endpoint}: the name is not known here: {error}"))
            .hint("check the name of the host, and that names can be resolved here");
    }
    connecting(error, endpoint)
}

/// Why no encrypted connection came about.
fn untrusted(error: &io::Error, endpoint: &Endpoint) -> Trouble {
    let trouble = Trouble::unreached(format!("{endpoint}: {error}"));
    let text = error.to_string();
    if text.contains("UnknownIssuer") || text.contains("SelfSigned") || text.contains("CaUsedAsEndEntity") {
        trouble.hint(
            "the server's certificate is of a private authority: name it as `ca_file` under [network] in oauthctl.toml",
        )
    } else if text.contains("certificate") {
        trouble.hint("the certificate does not fit: check the host's name, and the clocks")
    } else {
        trouble.hint(NO_TLS)
    }
}
