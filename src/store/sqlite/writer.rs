//! Serialises write transactions.

use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Mutex;
use tracing::trace;

use super::connect::{Database, OpenMode};
use crate::error::Failure;

/// Single writing connection of the process. SQLite does not queue waiting writers fairly, so some
/// could starve. The connection is kept open, because opening and closing one costs more than a
/// write.
#[derive(Clone)]
pub(super) struct Writer {
    database: Database,
    connection: Arc<Mutex<Option<Connection>>>,
}

impl Writer {
    pub(super) fn of(database: Database) -> Self {
        Self { database, connection: Arc::default() }
    }

    /// Runs writes in one transaction.
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

    /// Runs a write transaction on a blocking thread. Rolls back unless it is committed.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let database = self.database.clone();
        // The guard is held until the work ends, even if the caller stops waiting.
        let mut writer = Arc::clone(&self.connection).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = match writer.take() {
                Some(connection) => connection,
                None => database.connect(OpenMode::Write)?,
            };
            let begun = Instant::now();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let outcome = transaction.and_then(work).map_err(|e| database.explain(e))?;
            trace!("store: write, {} ms", begun.elapsed().as_millis());
            // Only a working connection is reused.
            *writer = Some(connection);
            Ok::<_, Failure>(outcome)
        });
        Ok(done.await??)
    }
}
