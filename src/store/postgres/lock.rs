//! Lock on an account's sessions: an advisory lock of a transaction, on a separate connection. The
//! write under the lock belongs to that transaction, so that one connection suffices with any
//! pooler.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tokio_postgres::types::{ToSql, Type};

use super::error::PostgresError;
use super::server::{self, Connection, Server};
use super::write;
use crate::store::layout::{AdvisoryKey, LockRule};
use crate::store::lock::{self, Lock, Release};
use crate::store::retry::Backoff;

/// TTL of a lock that is not released. The server then ends the idle transaction.
const TTL: Duration = Duration::from_secs(30);

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
                     SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL lock_timeout = '5s'";

/// First half of the keys of oauthctl's own locks.
const OWN: i32 = 0x6f61_7574;

/// Interval between checks of a held lock.
const POLL: Duration = Duration::from_millis(50);

/// Transactions that hold a lock, by the name of the lock.
#[derive(Clone, Default)]
pub(super) struct Transactions(Arc<std::sync::Mutex<HashMap<String, Slot>>>);

pub(super) type Slot = Arc<Mutex<Transaction>>;

/// Transaction with a lock.
pub(super) enum Transaction {
    Open(Connection),
    /// Committed, which released the lock.
    Committed,
    /// Lost with its connection, which released the lock.
    Lost,
}

impl Transactions {
    /// Returns the transaction that holds the lock on an account. Names of locks end with the
    /// account.
    pub(super) fn of(&self, account: &str) -> Option<Slot> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|(name, _)| name.ends_with(account)).map(|(_, slot)| Arc::clone(slot))
    }

    /// Acquires the lock, waiting for up to `patience`.
    pub(super) async fn lock(
        &self,
        server: &Arc<Server>,
        rule: &LockRule,
        name: &str,
        patience: Duration,
    ) -> Result<Option<Lock>, PostgresError> {
        let mut retries = Backoff::new();
        let mut client = loop {
            match server.client_for_lock().await {
                Ok(client) => break client,
                Err(error) => retries.after(error).await?,
            }
        };
        // Measured from here, because earlier waits were for oauthctl's own connections.
        let begun = Instant::now();
        let mut is_open = false;
        loop {
            let taken = Instant::now();
            let attempt = if is_open {
                try_lock(&client, rule, name).await
            } else {
                // In one round trip. Without the transaction, the lock would end with its statement.
                let both = tokio::try_join!(biased; begin(&client), try_lock(&client, rule, name));
                both.map(|((), is_ours)| is_ours)
            };
            match attempt {
                Ok(true) => {
                    let slot = Arc::new(Mutex::new(Transaction::Open(client)));
                    self.0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(name.to_owned(), Arc::clone(&slot));
                    let held = Held {
                        transactions: self.clone(),
                        server: Arc::clone(server),
                        name: name.to_owned(),
                        slot,
                    };
                    return Ok(Some(Lock::new(Box::new(held), name.to_owned(), taken, TTL)));
                }
                Ok(false) if begun.elapsed() >= patience => {
                    lock::tell_busy(name);
                    write::roll_back(server, client).await;
                    return Ok(None);
                }
                Ok(false) => {
                    is_open = true;
                    tokio::time::sleep(POLL.min(patience.saturating_sub(begun.elapsed()))).await;
                }
                Err(error) => {
                    server.count_loss();
                    drop(client);
                    retries.after(error).await?;
                    client = server.client_for_lock().await?;
                    is_open = false;
                }
            }
        }
    }
}

/// Begins the transaction. It is durable from the start, so that the write need not wait for it.
async fn begin(client: &Connection) -> Result<(), PostgresError> {
    server::batch(client, &format!("{BEGIN}; {}", write::DURABLE)).await
}

async fn try_lock(client: &Connection, rule: &LockRule, name: &str) -> Result<bool, PostgresError> {
    let key;
    let (sql, parameter): (&str, (&(dyn ToSql + Sync), Type)) = match rule {
        LockRule::Advisory(AdvisoryKey::HashText) => (
            "SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtext($1))",
            (&name, Type::TEXT),
        ),
        LockRule::Advisory(formula) => {
            key = number(*formula, name);
            ("SELECT pg_catalog.pg_try_advisory_xact_lock($1)", (&key, Type::INT8))
        }
        _ => (
            &format!("SELECT pg_catalog.pg_try_advisory_xact_lock({OWN}, pg_catalog.hashtext($1))"),
            (&name, Type::TEXT),
        ),
    };
    let rows = server::query(client, sql, &[parameter]).await?;
    rows.first().map_or(Ok(false), |row| Ok(row.try_get(0)?))
}

/// Returns the key of a lock by the formula of an app.
fn number(formula: AdvisoryKey, name: &str) -> i64 {
    match formula {
        AdvisoryKey::Hash31 => name.chars().fold(0_i64, |hash, c| {
            hash.wrapping_mul(31).wrapping_add(u32::from(c).into()) & i64::MAX
        }),
        AdvisoryKey::Sha256 => {
            // Constant with which wisp.place separates its locks from others.
            const APART: i64 = 0x0a41_5450_524f_544f;
            let digest = Sha256::digest(name.as_bytes());
            let first = digest.first_chunk().copied().unwrap_or_default();
            i64::from_be_bytes(first) ^ APART
        }
        AdvisoryKey::HashText => 0,
    }
}

/// Held lock.
struct Held {
    transactions: Transactions,
    server: Arc<Server>,
    name: String,
    slot: Slot,
}

#[async_trait]
impl Release for Held {
    async fn release(self: Box<Self>) -> anyhow::Result<bool> {
        {
            let mut all = self.transactions.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.get(&self.name).is_some_and(|slot| Arc::ptr_eq(slot, &self.slot)) {
                all.remove(&self.name);
            }
        }
        let mut transaction = self.slot.lock().await;
        match std::mem::replace(&mut *transaction, Transaction::Lost) {
            Transaction::Open(client) => {
                let is_ours = !client.is_closed();
                write::roll_back(&self.server, client).await;
                Ok(is_ours)
            }
            Transaction::Committed => Ok(true),
            Transaction::Lost => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values were calculated with the apps' own code.
    #[test]
    fn keys_are_those_of_the_apps() {
        let name = "@atproto-oauth-client-did:plc:z72i7hdynmk6r22z27h6tvur";
        assert_eq!(number(AdvisoryKey::Hash31, "abc"), 96354);
        assert_eq!(number(AdvisoryKey::Hash31, name), 3_752_350_517_246_945_952);
        assert_eq!(number(AdvisoryKey::Sha256, name), 7_556_063_209_644_916_769);
    }
}
