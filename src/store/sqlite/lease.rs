//! Lock of the app in the form of a row that its owner renews.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, params};
use tokio::task::JoinHandle;
use tracing::debug;

use super::sidecar::{epoch_millis, millis};
use super::writer::Writer;
use crate::session::Age;
use crate::store::lock::{self, Lock, Release};
use crate::store::sql::quoting::quoted;

/// Number of renewals during the lifetime of a row.
const HEARTBEATS: u32 = 3;

/// First pause between attempts.
const SHORTEST_WAIT: Duration = Duration::from_millis(25);
const LONGEST_WAIT: Duration = Duration::from_millis(400);

/// Acquires the lock like the app, waiting for up to `patience`: removes expired rows, and succeeds
/// if its own row is then present.
pub(super) async fn take(
    writer: &Writer,
    (table, ttl): (&'static str, Age),
    name: &str,
    patience: Duration,
) -> anyhow::Result<Option<Lock>> {
    let ttl = Duration::try_from(ttl.duration()).unwrap_or_default();
    let begun = Instant::now();
    let mut wait = SHORTEST_WAIT;
    loop {
        // Measured from before the write, so that the local expiry is not later than that seen by
        // others.
        let taken = Instant::now();
        let (id, table_name) = (name.to_owned(), quoted(table));
        let owner = writer
            .write(move |transaction| {
                let now = epoch_millis();
                let stale = format!("DELETE FROM {table_name} WHERE id = ?1 AND acquired_at < ?2");
                transaction.execute(&stale, params![id, now - millis(ttl)])?;
                let insert = format!(
                    "INSERT OR IGNORE INTO {table_name} (id, owner, acquired_at)
                     VALUES (?1, 'oauthctl-' || lower(hex(randomblob(16))), ?2) RETURNING owner"
                );
                transaction
                    .query_row(&insert, params![id, now], |row| row.get::<_, String>(0))
                    .optional()
            })
            .await?;
        if let Some(owner) = owner {
            let row = LeaseRow {
                writer: writer.clone(),
                table: quoted(table),
                id: name.to_owned(),
                owner,
            };
            let heartbeat = tokio::spawn(row.clone().renew(ttl / HEARTBEATS));
            return Ok(Some(Lock::new(
                Box::new(Held { row, heartbeat }),
                name.to_owned(),
                taken,
                ttl,
            )));
        }
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            lock::tell_busy(name);
            return Ok(None);
        }
        tokio::time::sleep(wait.min(left)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Row owned by this run.
#[derive(Clone)]
struct LeaseRow {
    writer: Writer,
    /// Quoted name of the table.
    table: String,
    id: String,
    owner: String,
}

/// Held lock. Its row is renewed until it is released or dropped.
struct Held {
    row: LeaseRow,
    heartbeat: JoinHandle<()>,
}

impl LeaseRow {
    /// Renews the row forever. A failed attempt is made good by the next one.
    async fn renew(self, pause: Duration) {
        loop {
            tokio::time::sleep(pause).await;
            let sql =
                format!("UPDATE {} SET acquired_at = ?3 WHERE id = ?1 AND owner = ?2", self.table);
            let (id, owner) = (self.id.clone(), self.owner.clone());
            let renewed = self
                .writer
                .write(move |row| row.execute(&sql, params![id, owner, epoch_millis()]))
                .await;
            if let Err(error) = renewed {
                debug!("lock {}: not renewed: {error:#}", self.id);
            }
        }
    }
}

#[async_trait]
impl Release for Held {
    async fn release(self: Box<Self>) -> anyhow::Result<bool> {
        self.heartbeat.abort();
        let LeaseRow { writer, table, id, owner } = self.row.clone();
        let sql = format!("DELETE FROM {table} WHERE id = ?1 AND owner = ?2");
        writer
            .write(move |transaction| Ok(transaction.execute(&sql, params![id, owner])? == 1))
            .await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}
