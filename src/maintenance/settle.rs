//! Applies recovery entries at the servers in charge of the store, and removes them once their
//! records are durable.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;

use super::recovery::{Applied, Recovered, Recovery};
use crate::store::{Durability, Store, StoreId};
use crate::text::named;

/// Maximum number of entries applied concurrently.
const AT_ONCE: usize = 16;
/// Time to wait until the servers in charge of the store are known.
pub(super) const STANDSTILL: Duration = Duration::from_secs(20);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(500);

named! {
    /// Result of a recovery entry for the user.
    pub enum RecoveryResult {
        /// Stored durably.
        Applied = "applied",
        /// Obsolete.
        Superseded = "superseded",
        /// The record is missing.
        Orphaned = "orphaned",
        Pending = "pending",
        /// The entry is of another store.
        Elsewhere = "elsewhere",
    }
}

/// Results of recovery entries.
pub struct Settled {
    /// Entries with the key of their record, `None` for one of another store.
    pub entries: Vec<(PathBuf, anyhow::Result<Option<(String, Recovered)>>)>,
    /// Durability of the applied entries. If it is not certain, no entry was removed.
    pub durability: Durability,
}

/// Results of one round, and whether a failover may have happened meanwhile.
struct Round {
    applied: Vec<(PathBuf, anyhow::Result<Option<Applied>>)>,
    durability: Durability,
    may_fail_over: bool,
}

/// Applies recovery entries to one store.
#[derive(Clone, Copy)]
pub struct Settler<'a> {
    pub recovery: &'a Recovery,
    pub store: &'a dyn Store,
    pub store_id: &'a StoreId,
    pub now: Timestamp,
}

impl Settler<'_> {
    /// Applies entries. An error means that no server in charge of the store can be reached, and
    /// nothing was done.
    pub async fn settle(&self, entries: Vec<PathBuf>) -> anyhow::Result<Settled> {
        let mut round = self.once(entries).await?;
        if round.may_fail_over && round.durability == Durability::Durable {
            // New writes are read again, from the servers that are in charge then.
            let is_new = |(_, applied): &(_, anyhow::Result<Option<Applied>>)| {
                matches!(applied, Ok(Some(Applied { result: Recovered::Applied, .. })))
            };
            let new: Vec<_> = round
                .applied
                .iter()
                .filter(|one| is_new(one))
                .map(|(path, _)| path.clone())
                .collect();
            if !new.is_empty() {
                round.durability = self.once(new).await?.durability;
            }
        }
        let lasts = round.durability == Durability::Durable;
        let finish = |(path, applied): (PathBuf, anyhow::Result<Option<Applied>>)| {
            let result = applied.and_then(|applied| {
                let Some(applied) = applied else { return Ok(None) };
                if lasts {
                    self.recovery.finish(&path, &applied, self.now)?;
                }
                Ok(Some((applied.key, applied.result)))
            });
            (path, result)
        };
        Ok(Settled {
            entries: round.applied.into_iter().map(finish).collect(),
            durability: round.durability,
        })
    }

    /// Like [`Self::settle`], and repeats it until `stop` while the servers in charge of the store are not
    /// known.
    pub async fn settle_patiently(
        &self,
        entries: &[PathBuf],
        stop: impl Fn() -> bool,
    ) -> anyhow::Result<Settled> {
        let begun = Instant::now();
        loop {
            let settled = self.settle(entries.to_vec()).await;
            let is_settled =
                settled.as_ref().is_ok_and(|settled| !settled.durability.is_unsettled());
            if is_settled || begun.elapsed() > STANDSTILL || stop() {
                return settled;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn once(&self, entries: Vec<PathBuf>) -> anyhow::Result<Round> {
        let checkpoint = self.store.checkpoint().await?;
        let store = checkpoint.as_deref().map_or(self.store, |checkpoint| checkpoint.store());
        let applied = stream::iter(entries).map(async |path| {
            let applied = self.recovery.apply(&path, store, self.store_id).await;
            (path, applied)
        });
        let applied = applied.buffered(AT_ONCE).collect().await;
        let durability = match &checkpoint {
            Some(checkpoint) => checkpoint.durability().await,
            None => Durability::Durable,
        };
        Ok(Round { applied, durability, may_fail_over: checkpoint.is_some() })
    }
}
