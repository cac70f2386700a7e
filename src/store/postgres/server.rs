//! Connections to one database, kept for the next use. Statements have no names and settings end
//! with their transaction, so that a pooler in transaction mode may stand in between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::address::PostgresAddress;
use super::connect::Dialer;
use super::error::Trouble;
use crate::error::Failure;
use crate::store::Access;
use crate::store::retry::Patience;
use crate::store::settle::CommandError as _;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Parameters of a statement, each with its type.
pub type Parameters<'p> = [(&'p (dyn ToSql + Sync), Type)];

/// A database.
pub struct Server {
    address: PostgresAddress,
    dialer: Dialer,
    idle: Mutex<Vec<Client>>,
    /// Connections lost.
    losses: AtomicU64,
}

impl Server {
    /// Returns a server that connects when it is used.
    pub fn new(address: &PostgresAddress, access: &Access) -> Result<Self, Failure> {
        let dialer = Dialer::new(address, access).map_err(|e| e.at(address))?;
        Ok(Self {
            address: address.clone(),
            dialer,
            idle: Mutex::default(),
            losses: AtomicU64::new(0),
        })
    }

    /// Returns the role that the address names.
    pub fn role(&self) -> Option<&str> {
        self.address.parameter("user")
    }

    /// Returns how many connections were lost.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    /// Returns a connection outside any transaction.
    pub async fn client(&self) -> Result<Client, Trouble> {
        let kept = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(client) = kept() {
            if !client.is_closed() {
                return Ok(client);
            }
            self.losses.fetch_add(1, Ordering::Relaxed);
        }
        self.dialer.dial().await
    }

    /// Keeps a connection for the next use. It must be outside any transaction.
    pub fn keep(&self, client: Client) {
        if !client.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
        }
    }

    /// Runs a query that is harmless to run twice, until it was answered.
    pub async fn query(&self, sql: &str, parameters: &Parameters<'_>) -> Result<Vec<Row>, Trouble> {
        let mut patience = Patience::new();
        loop {
            match self.query_once(sql, parameters).await {
                Ok(rows) => return Ok(rows),
                Err(trouble) => patience.after(trouble).await?,
            }
        }
    }

    /// The same, once.
    pub async fn query_once(
        &self,
        sql: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        let client = self.client().await?;
        match query(&client, sql, parameters).await {
            Ok(rows) => {
                self.keep(client);
                Ok(rows)
            }
            Err(trouble) => {
                self.lost(client, &trouble);
                Err(trouble)
            }
        }
    }

    /// Keeps a connection on which a statement outside any transaction has failed, unless it is
    /// lost.
    pub fn lost(&self, client: Client, trouble: &Trouble) {
        if client.is_closed() || trouble.fate() == crate::store::settle::Fate::Unknown {
            self.losses.fetch_add(1, Ordering::Relaxed);
        } else {
            self.keep(client);
        }
    }

    /// Puts an error to the operator.
    pub fn explain(&self, trouble: Trouble) -> Failure {
        trouble.explain(&self.address)
    }
}

/// Runs a query on this connection.
pub async fn query(
    client: &Client,
    sql: &str,
    parameters: &Parameters<'_>,
) -> Result<Vec<Row>, Trouble> {
    in_time(client.query_typed(sql, parameters)).await
}

/// Runs a statement on this connection, and returns how many rows it has changed.
pub async fn execute(
    client: &Client,
    sql: &str,
    parameters: &Parameters<'_>,
) -> Result<u64, Trouble> {
    in_time(client.execute_typed(sql, parameters)).await
}

/// Runs statements without parameters.
pub async fn batch(client: &Client, sql: &str) -> Result<(), Trouble> {
    in_time(client.batch_execute(sql)).await
}

async fn in_time<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Trouble::late()),
    }
}
