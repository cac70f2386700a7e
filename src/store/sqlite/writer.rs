//! Transactions that write, one after the other.

use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Mutex;
use tracing::trace;

use super::connect::{Access, Database};
use crate::error::Failure;

/// The one connection of this process that writes. SQLite lets those who wait race for their turn,
/// and some would never get it. The connection stays, for each that is opened and closed again
/// costs more than the write itself.
#[derive(Clone)]
pub(super) struct Writer {
    database: Database,
    connection: Arc<Mutex<Option<Connection>>>,
}

impl Writer {
    pub(super) fn of(database: Database) -> Self {
        Self { database, connection: Arc::default() }
    }

    /// Writes in one transaction.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.in_turn(|transaction| {
            let outcome = work(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        })
        .await
    }

    /// Runs a transaction that writes on a thread where waiting holds nobody up. What is not
    /// committed is undone.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let database = self.database.clone();
        // The turn ends with the work, even if nobody waits for it any more.
        let mut writer = Arc::clone(&self.connection).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = match writer.take() {
                Some(connection) => connection,
                None => database.connect(Access::Write)?,
            };
            let begun = Instant::now();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let outcome = transaction.and_then(work).map_err(|e| database.explain(e))?;
            trace!("store: write, {} ms", begun.elapsed().as_millis());
            // Only one that works is used again.
            *writer = Some(connection);
            Ok::<_, Failure>(outcome)
        });
        Ok(done.await??)
    }
}
