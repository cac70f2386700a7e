//! Recovery entries applied at the servers that are in charge of the store, and removed once what
//! they have brought lasts.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;

use super::recovery::{Applied, Recovered, Recovery};
use crate::store::{Durability, Store, StoreId};
use crate::text::named;

/// Entries applied at the same time.
const AT_ONCE: usize = 16;
/// How long to wait until it is settled which servers are in charge of the store.
const STANDSTILL: Duration = Duration::from_secs(20);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

named! {
    /// Result of a recovery entry for the user.
    pub enum RecoveryResult {
        /// Stored, and lasts.
        Applied = "applied",
        /// Of no use any more.
        Superseded = "superseded",
        /// Its record is gone.
        Orphaned = "orphaned",
        Pending = "pending",
        /// Of another store.
        Elsewhere = "elsewhere",
    }
}

/// What became of entries.
pub struct Settled {
    /// Each with the key of its record; none for one of another store.
    pub entries: Vec<(PathBuf, anyhow::Result<Option<(String, Recovered)>>)>,
    /// Whether those that were applied last. Where they do not, no entry was removed.
    pub durability: Durability,
}

/// One round's results, and whether another server might have taken over meanwhile.
struct Round {
    applied: Vec<(PathBuf, anyhow::Result<Option<Applied>>)>,
    durability: Durability,
    may_fail_over: bool,
}

/// Applies entries. An error says that nobody in charge of the store can be reached, and nothing
/// was done.
pub async fn settle(
    recovery: &Recovery,
    store: &dyn Store,
    id: &StoreId,
    now: Timestamp,
    entries: Vec<PathBuf>,
) -> anyhow::Result<Settled> {
    let mut round = once(recovery, store, id, entries).await?;
    if round.may_fail_over && round.durability == Durability::Durable {
        // What was written a moment ago is read again, by way of whoever is in charge then.
        let is_new = |(_, applied): &(_, anyhow::Result<Option<Applied>>)| {
            matches!(applied, Ok(Some(Applied { result: Recovered::Applied, .. })))
        };
        let new: Vec<_> =
            round.applied.iter().filter(|one| is_new(one)).map(|(path, _)| path.clone()).collect();
        if !new.is_empty() {
            round.durability = once(recovery, store, id, new).await?.durability;
        }
    }
    let lasts = round.durability == Durability::Durable;
    let finish = |(path, applied): (PathBuf, anyhow::Result<Option<Applied>>)| {
        let result = applied.and_then(|applied| {
            let Some(applied) = applied else { return Ok(None) };
            if lasts {
                recovery.finish(&path, &applied, now)?;
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

/// The same; while it is not settled which servers are in charge of the store, again, until `stop`.
pub async fn settle_patiently(
    recovery: &Recovery,
    store: &dyn Store,
    id: &StoreId,
    now: Timestamp,
    entries: &[PathBuf],
    stop: impl Fn() -> bool,
) -> anyhow::Result<Settled> {
    let begun = Instant::now();
    loop {
        let settled = settle(recovery, store, id, now, entries.to_vec()).await;
        let is_settled = matches!(&settled, Ok(settled) if !matches!(settled.durability, Durability::Unsettled(_)));
        if is_settled || begun.elapsed() > STANDSTILL || stop() {
            return settled;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn once(
    recovery: &Recovery,
    store: &dyn Store,
    id: &StoreId,
    entries: Vec<PathBuf>,
) -> anyhow::Result<Round> {
    let checkpoint = store.checkpoint().await?;
    let store = checkpoint.as_deref().map_or(store, |checkpoint| checkpoint.store());
    let applied = stream::iter(entries).map(async |path| {
        let applied = recovery.apply(&path, store, id).await;
        (path, applied)
    });
    let applied = applied.buffered(AT_ONCE).collect().await;
    let durability = match &checkpoint {
        Some(checkpoint) => checkpoint.durability().await,
        None => Durability::Durable,
    };
    Ok(Round { applied, durability, may_fail_over: checkpoint.is_some() })
}
