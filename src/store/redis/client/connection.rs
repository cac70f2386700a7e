//! Connection to one server, established on first use and again after a loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use redis::Value;
use redis::aio::MultiplexedConnection;
use tokio::sync::Mutex;

use super::address::Endpoint;
use super::command::CHECK_KEY;
use super::command::{self, BatchLimits, Command, Server, Shard, Survey, Wire};
use super::dial::{self, Dialer};
use super::error::{ClientError, ErrorKind};
use super::sentinel::Sentinels;

/// Location of the server.
#[derive(Clone)]
pub enum Topology {
    /// Fixed address.
    Fixed(Endpoint),
    /// Address given by the sentinels, asked for at each connection.
    Asked(Arc<Sentinels>),
}

/// Reconnecting connection.
pub struct Link {
    dialer: Arc<Dialer>,
    topology: Topology,
    current: Mutex<ActiveConnection>,
    losses: AtomicU64,
}

/// Active connection and its generation. Failures of earlier generations are ignored.
#[derive(Default)]
struct ActiveConnection {
    connection: Option<(MultiplexedConnection, Endpoint)>,
    number: u64,
}

impl Link {
    pub fn new(dialer: Arc<Dialer>, topology: Topology) -> Self {
        Self { dialer, topology, current: Mutex::default(), losses: AtomicU64::default() }
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), ClientError> {
        let mut current = self.current.lock().await;
        if let Some((connection, _)) = &current.connection {
            return Ok((connection.clone(), current.number));
        }
        let (connection, endpoint) = match &self.topology {
            Topology::Fixed(endpoint) => (self.dialer.dial(endpoint).await?, endpoint.clone()),
            Topology::Asked(sentinels) => sentinels.dial_master(&self.dialer).await?,
        };
        current.connection = Some((connection.clone(), endpoint));
        current.number += 1;
        Ok((connection, current.number))
    }

    async fn forget(&self, number: u64) {
        let mut current = self.current.lock().await;
        if current.number == number {
            current.connection = None;
            self.losses.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Closes a connection to any other server than this one.
    async fn leave_all_but(&self, endpoint: &Endpoint) {
        let mut current = self.current.lock().await;
        if current.connection.as_ref().is_some_and(|(_, connected)| connected != endpoint) {
            current.connection = None;
        }
    }

    /// Keeps everybody from the connection, as somebody does who is connecting.
    #[cfg(test)]
    pub async fn hold(&self) -> impl Sized + '_ {
        self.current.lock().await
    }

    /// Returns the number of lost connections and demotions to a replica.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Wire for Link {
    async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, ClientError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        // No command has been executed if the connection failed.
        let (mut connection, number) =
            self.connection().await.map_err(ClientError::before_sending)?;
        let pipeline = dial::pipeline(commands.iter().map(|command| &command.cmd));
        let begun = Instant::now();
        let answers = dial::run(&mut connection, &pipeline).await;
        command::tell(commands, begun, &answers);
        let demoted = |answers: &[Value]| {
            answers.iter().filter_map(ClientError::in_answer).any(|error| error.is("READONLY"))
        };
        match &answers {
            Err(error) if error.kind != ErrorKind::Refused => self.forget(number).await,
            // The sentinels know the new master now, or will soon.
            Ok(answers) if matches!(self.topology, Topology::Asked(_)) && demoted(answers) => {
                self.forget(number).await;
            }
            _ => {}
        }
        answers
    }
}

/// Single server with all keys.
pub struct Single {
    main: Arc<Link>,
    /// Connection for scans (pages of keys and values), so that other commands do not wait behind
    /// megabytes of data.
    scan: Arc<Link>,
    read: Arc<Link>,
}

impl Single {
    pub fn new(dialer: &Arc<Dialer>, topology: &Topology) -> Self {
        let link = || Arc::new(Link::new(Arc::clone(dialer), topology.clone()));
        Self { main: link(), scan: link(), read: link() }
    }
}

#[async_trait]
impl Wire for Single {
    async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, ClientError> {
        self.main.run(commands).await
    }
}

#[async_trait]
impl Server for Single {
    async fn shards(&self) -> Result<Vec<Shard>, ClientError> {
        let (scan, read) = (Arc::clone(&self.scan) as _, Arc::clone(&self.read) as _);
        Ok(vec![Shard { id: String::new(), scan, read, limits: BatchLimits::SERVER }])
    }

    fn fails_over(&self) -> bool {
        matches!(self.main.topology, Topology::Asked(_))
    }

    fn wire(&self) -> &dyn Wire {
        self
    }

    fn disturbances(&self) -> u64 {
        self.main.losses()
    }

    async fn survey(&self) -> Result<Option<Survey>, ClientError> {
        let (endpoint, identity, doubt, is_complete) = match &self.main.topology {
            Topology::Fixed(endpoint) => (endpoint.clone(), endpoint.to_string(), None, false),
            Topology::Asked(sentinels) => {
                let opinion = sentinels.opinion().await?;
                let identity = format!("{} {}", opinion.master, opinion.epoch);
                self.main.leave_all_but(&opinion.master).await;
                (opinion.master, identity, opinion.doubt, opinion.is_complete)
            }
        };
        let server = Arc::new(Self::new(&self.main.dialer, &Topology::Fixed(endpoint)));
        Ok(Some(Survey { server, identity, doubt, is_complete, keys: vec![CHECK_KEY.into()] }))
    }
}
