//! Notes of oauthctl in the sidecar.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};

use super::sidecar::{Sidecar, epoch_millis, millis};

impl Sidecar {
    /// Returns the notes with these names, in order.
    pub(in crate::store) async fn notes(
        &self,
        names: &[String],
    ) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
        if !self.path.exists() {
            return Ok(vec![None; names.len()]);
        }
        let names = names.to_vec();
        self.with_one_of(Arc::clone(&self.readers), Self::open_to_read, move |connection| {
            // Taking a lock creates the file, and its tables a moment later.
            if !connection.table_exists(None, "note")? {
                return Ok(vec![None; names.len()]);
            }
            let mut statement = connection
                .prepare_cached("SELECT value FROM note WHERE name = ?1 AND until_ms >= ?2")?;
            let now = epoch_millis();
            names
                .iter()
                .map(|name| statement.query_row(params![name, now], |row| row.get(0)).optional())
                .collect()
        })
        .await
    }

    /// Writes notes. Removes expired ones once per run.
    pub(in crate::store) async fn write_notes(
        &self,
        notes: &[(String, Vec<u8>)],
        lifetime: Duration,
    ) -> anyhow::Result<()> {
        let notes = notes.to_vec();
        let sweep = !self.swept.swap(true, Ordering::Relaxed);
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            let now = epoch_millis();
            if sweep {
                transaction.execute("DELETE FROM note WHERE until_ms < ?1", [now])?;
                transaction.execute("DELETE FROM lock WHERE until_ms < ?1", [now])?;
            }
            {
                let mut statement = transaction.prepare(
                    "INSERT INTO note (name, value, until_ms) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value, until_ms = excluded.until_ms",
                )?;
                for (name, value) in &notes {
                    statement.execute(params![name, value, now + millis(lifetime)])?;
                }
            }
            transaction.commit()
        })
        .await
    }

    /// Removes notes. Does not create the file.
    pub(in crate::store) async fn remove_notes(&self, names: &[String]) -> anyhow::Result<()> {
        if names.is_empty() || !self.path.exists() {
            return Ok(());
        }
        let names = names.to_vec();
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare("DELETE FROM note WHERE name = ?1")?;
                for name in &names {
                    statement.execute([name])?;
                }
            }
            transaction.commit()
        })
        .await
    }
}
