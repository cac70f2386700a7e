//! Lock on an account's sessions in the sidecar, because apps with sessions in SQLite have none.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, params};

use super::sidecar::{LOCK_POLL, Sidecar, epoch_millis, millis};
use crate::store::lock::{self, Lock, Release};

/// TTL of a lock that is not released.
const LOCK_TTL: Duration = Duration::from_secs(30);

impl Sidecar {
    /// Acquires the lock, waiting for up to `patience`.
    pub(super) async fn lock(
        &self,
        name: String,
        patience: Duration,
    ) -> anyhow::Result<Option<Lock>> {
        let begun = Instant::now();
        loop {
            let taken = Instant::now();
            let wanted = name.clone();
            let owner = self
                .with(move |connection| {
                    let now = epoch_millis();
                    connection
                        .query_row(
                            "INSERT INTO lock (name, owner, until_ms) VALUES (?1, random(), ?2)
                             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
                             WHERE until_ms < ?3 RETURNING owner",
                            params![wanted, now + millis(LOCK_TTL), now],
                            |row| row.get::<_, i64>(0),
                        )
                        .optional()
                })
                .await?;
            if let Some(owner) = owner {
                let held = Held { sidecar: self.clone(), name: name.clone(), owner };
                return Ok(Some(Lock::new(Box::new(held), name, taken, LOCK_TTL)));
            }
            if begun.elapsed() >= patience {
                lock::tell_busy(&name);
                return Ok(None);
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }
}

/// Lock held in the sidecar.
struct Held {
    sidecar: Sidecar,
    name: String,
    owner: i64,
}

#[async_trait]
impl Release for Held {
    async fn release(self: Box<Self>) -> anyhow::Result<bool> {
        let (name, owner) = (self.name, self.owner);
        self.sidecar
            .with(move |connection| {
                connection
                    .execute(
                        "DELETE FROM lock WHERE name = ?1 AND owner = ?2 AND until_ms >= ?3",
                        params![name, owner, epoch_millis()],
                    )
                    .map(|deleted| deleted == 1)
            })
            .await
    }
}
