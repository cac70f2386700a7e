//! Pool of connections to one database. Statements are unnamed and settings end with their
//! transaction, which permits a pooler in transaction mode.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::address::{Endpoint, PostgresAddress, SslMode};
use super::connect::Dialer;
use super::error::PostgresError;
use super::standbys::{self, Head};
use crate::error::Failure;
use crate::store::retry::Backoff;
use crate::store::settle::CommandError as _;
use crate::store::{Access, PostgresVitals};

/// Timeout for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Parameters of a statement, with their types.
pub type Parameters<'p> = [(&'p (dyn ToSql + Sync), Type)];

/// Default maximum of concurrent connections (`connection_limit`). Poolers have 15 or 20 per
/// database, and the app needs some of them.
const CONNECTIONS: u32 = 10;

/// Database.
pub struct Server {
    address: PostgresAddress,
    dialer: Arc<Dialer>,
    /// Restricts connections to this server of the address.
    only: Option<Endpoint>,
    idle: Mutex<Vec<Client>>,
    budget: Budget,
    /// Number of lost connections.
    losses: AtomicU64,
}

/// Limits on connections in use.
#[derive(Clone)]
struct Budget {
    all: Arc<Semaphore>,
    /// Limit on those with a lock. It is lower, because otherwise all might wait for each other.
    locks: Arc<Semaphore>,
}

impl Budget {
    fn new(limit: Option<u32>) -> Self {
        let all = limit.unwrap_or(CONNECTIONS).clamp(2, 1000) as usize;
        let locks = if all < 4 { all - 1 } else { all - 2 };
        let [all, locks] = [all, locks].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { all, locks }
    }
}

/// Connection in use.
pub struct Connection {
    client: Client,
    _permits: (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>),
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Server {
    /// Creates the pool. Connects on first use.
    pub fn new(address: &PostgresAddress, access: &Access) -> Result<Self, Failure> {
        let dialer = Dialer::new(address, access).map_err(|e| e.at(address))?;
        Ok(Self {
            address: address.clone(),
            dialer: Arc::new(dialer),
            only: None,
            idle: Mutex::default(),
            budget: Budget::new(address.number("connection_limit")),
            losses: AtomicU64::new(0),
        })
    }

    /// Reconnects to the primary. Returns a pool for it alone, and its replication state. Of
    /// several servers that accept writes, the one with the longest history is chosen. Further
    /// connections of `self` use it, too.
    pub async fn in_charge(&self) -> Result<(Self, Head), PostgresError> {
        // A pooler may have no connection left for another client.
        self.idle().clear();
        let mut found: Option<(Endpoint, Client, Head)> = None;
        let mut error = None;
        for host in self.address.hosts() {
            let dialled = async {
                let client = self.dialer.dial_one(host).await?;
                let head = standbys::head(&client).await?;
                Ok((client, head))
            };
            match dialled.await {
                Ok((client, head)) => {
                    if found.as_ref().is_none_or(|(.., known)| known.timeline < head.timeline) {
                        found = Some((host.clone(), client, head));
                    }
                }
                Err(why) => drop(error.get_or_insert(why)),
            }
        }
        let Some((host, client, head)) = found else {
            return Err(error.unwrap_or_else(PostgresError::late));
        };
        self.dialer.prefer(&host);
        let server = Self {
            address: self.address.clone(),
            dialer: Arc::clone(&self.dialer),
            only: Some(host),
            idle: Mutex::new(vec![client]),
            budget: self.budget.clone(),
            losses: AtomicU64::new(0),
        };
        Ok((server, head))
    }

    /// Checks whether the address names several servers.
    pub fn is_several(&self) -> bool {
        self.address.hosts().len() > 1
    }

    /// Returns the role given in the address.
    pub fn role(&self) -> Option<&str> {
        self.address.parameter("user")
    }

    /// Returns the number of lost connections.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a connection without a transaction.
    pub async fn client(&self) -> Result<Connection, PostgresError> {
        self.connection(None).await
    }

    /// Returns a connection for a transaction that waits for others while it is open.
    pub async fn client_for_lock(&self) -> Result<Connection, PostgresError> {
        let permit = Arc::clone(&self.budget.locks).acquire_owned().await;
        self.connection(permit.ok()).await
    }

    async fn connection(
        &self,
        lock: Option<OwnedSemaphorePermit>,
    ) -> Result<Connection, PostgresError> {
        let permit = Arc::clone(&self.budget.all).acquire_owned().await;
        let permits = (permit.ok(), lock);
        let kept = || self.idle().pop();
        while let Some(client) = kept() {
            if !client.is_closed() {
                return Ok(Connection { client, _permits: permits });
            }
            self.count_loss();
        }
        let client = match &self.only {
            Some(host) => self.dialer.dial_one(host).await?,
            None => self.dialer.dial().await?,
        };
        Ok(Connection { client, _permits: permits })
    }

    /// Returns a connection to the pool. It must not be in a transaction.
    pub fn keep(&self, connection: Connection) {
        if !connection.is_closed() {
            self.idle().push(connection.client);
        }
    }

    /// Counts a lost connection.
    pub fn count_loss(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs an idempotent query until it is answered.
    pub async fn query(
        &self,
        sql: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, PostgresError> {
        let mut backoff = Backoff::new();
        loop {
            match self.query_once(sql, parameters).await {
                Ok(rows) => return Ok(rows),
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    /// Runs a query once.
    pub async fn query_once(
        &self,
        sql: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, PostgresError> {
        let client = self.client().await?;
        match query(&client, sql, parameters).await {
            Ok(rows) => {
                self.keep(client);
                Ok(rows)
            }
            Err(error) => {
                self.lost(client, &error);
                Err(error)
            }
        }
    }

    /// Returns facts that decide whether the server keeps what it holds.
    pub async fn vitals(&self) -> Result<PostgresVitals, PostgresError> {
        let sql = "SELECT pg_catalog.pg_is_in_recovery(), \
                   pg_catalog.current_setting('default_transaction_read_only') = 'on', \
                   (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'), \
                   (SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid())";
        let rows = self.query(sql, &[]).await?;
        let Some(row) = rows.first() else { return Ok(PostgresVitals::default()) };
        let timeout: Option<i64> = row.try_get(2)?;
        let timeout = timeout.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
        let is_verifying = |mode| matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
        Ok(PostgresVitals {
            is_standby: row.try_get(0)?,
            is_read_only: row.try_get(1)?,
            statement_timeout: timeout.map(Duration::from_millis),
            has_row_policies: false,
            is_encrypted: row.try_get(3)?,
            is_verified: self.address.ssl_mode().is_some_and(is_verifying),
            is_remote: self.address.is_remote(),
        })
    }

    /// Returns a connection to the pool after a failed statement outside of a transaction, unless
    /// it is lost.
    pub fn lost(&self, client: Connection, error: &PostgresError) {
        if client.is_closed() || error.fate() == crate::store::settle::Fate::Unknown {
            self.count_loss();
        } else {
            self.keep(client);
        }
    }

    /// Converts an error for the operator.
    pub fn explain(&self, error: PostgresError) -> Failure {
        error.explain(&self.address)
    }
}

/// Runs a query on this connection.
pub async fn query(
    client: &Client,
    sql: &str,
    parameters: &Parameters<'_>,
) -> Result<Vec<Row>, PostgresError> {
    in_time(client.query_typed(sql, parameters)).await
}

/// Runs a statement on this connection, and returns the number of changed rows.
pub async fn execute(
    client: &Client,
    sql: &str,
    parameters: &Parameters<'_>,
) -> Result<u64, PostgresError> {
    in_time(client.execute_typed(sql, parameters)).await
}

/// Runs statements without parameters.
pub async fn batch(client: &Client, sql: &str) -> Result<(), PostgresError> {
    in_time(client.batch_execute(sql)).await
}

/// Waits for an answer, but not for ever.
pub async fn in_time<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, PostgresError> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(PostgresError::late()),
    }
}
