//! New tokens that the store has, and that a fail-over may still undo: they stay in the recovery
//! directory, too, until they were read at the servers in charge and these have told it to their
//! replicas. Whenever something happens that may be a fail-over they are checked at once, and what
//! the new servers lack is written there.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::debug;

use super::parts::Parts;
use crate::maintenance::breaker::StoreBreaker;
use crate::maintenance::recovery::{Recovered, Recovery};
use crate::maintenance::settle::settle;
use crate::store::Durability;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(250);
/// For how long a run stands still while it is not known which servers are in charge.
const STANDSTILL: Duration = Duration::from_secs(20);
/// How long not to check again after a check that could not confirm everything, while sessions are
/// worked on.
const REST: Duration = Duration::from_secs(5);
/// For how long to go on in the end while it is not known which servers are in charge. With usual
/// settings sentinels take a master for lost after half of this time.
const LAST_RESORT: Duration = Duration::from_mins(1);
/// For how long to wait in the end for replicas that lag behind or are gone.
const LAG: Duration = Duration::from_secs(10);
/// So many are checked at the latest: the recovery directory must not grow with the store.
const AT_MOST: usize = 4096;

/// The recovery entries of what is not confirmed, in one run.
#[derive(Default)]
pub struct Unconfirmed {
    entries: Mutex<Vec<PathBuf>>,
    /// One check at a time; when the next is worth while.
    next: tokio::sync::Mutex<Option<Instant>>,
    /// The disturbances of the store that were answered with a check.
    heeded: AtomicU64,
    left: Mutex<Vec<Left>>,
}

/// A session whose new tokens could not be confirmed.
#[derive(Debug)]
pub struct Left {
    /// The key of its record.
    pub key: String,
    /// Its recovery entry.
    pub entry: PathBuf,
    /// Why a fail-over may undo it.
    pub why: String,
}

impl Unconfirmed {
    pub(super) fn add(&self, entry: PathBuf) {
        self.entries().push(entry);
    }

    fn entries(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, disturbances: u64) -> bool {
        disturbances != self.heeded.load(Ordering::SeqCst) || self.entries().len() >= AT_MOST
    }

    /// Takes those out that could not be confirmed by the end of the run.
    pub fn take_left(&self) -> Vec<Left> {
        std::mem::take(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks what is not confirmed yet, when something has happened that may be a fail-over.
    /// Meanwhile whoever has new tokens waits: each further write to a master that has been
    /// replaced would be lost, too.
    pub(super) async fn heed_disturbances(&self, parts: &Parts, breaker: &StoreBreaker) {
        if !self.is_due(parts.store.disturbances()) {
            return;
        }
        let mut next = self.next.lock().await;
        let is_early = next.is_some_and(|next| Instant::now() < next);
        if is_early || !self.is_due(parts.store.disturbances()) {
            return;
        }
        let begun = Instant::now();
        loop {
            let disturbances = parts.store.disturbances();
            let found = self.check(parts).await;
            let is_settled = !matches!(found, Durability::Unsettled(_));
            if is_settled || begun.elapsed() > STANDSTILL {
                if let Durability::Unsettled(why) = &found {
                    breaker.fail(why);
                }
                self.heeded.store(disturbances, Ordering::SeqCst);
                *next = (found != Durability::Durable).then(|| Instant::now() + REST);
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Checks, in the end, until everything is confirmed, or it is no use any more.
    pub(super) async fn confirm_all(&self, parts: &Parts) {
        let begun = Instant::now();
        let mut lags_since = None;
        let why = loop {
            if self.entries().is_empty() {
                return;
            }
            let (is_over, why) = match self.check(parts).await {
                Durability::Durable if self.entries().is_empty() => return,
                Durability::Durable => (false, "its record keeps changing".to_owned()),
                Durability::Lagging(why) => {
                    (lags_since.get_or_insert_with(Instant::now).elapsed() > LAG, why)
                }
                Durability::Unsettled(why) => {
                    lags_since = None;
                    (false, why)
                }
            };
            if is_over || begun.elapsed() > LAST_RESORT {
                break why;
            }
            tokio::time::sleep(PAUSE).await;
        };
        let entries = std::mem::take(&mut *self.entries());
        let left = entries.into_iter().filter_map(|entry| {
            // Another run may have confirmed it.
            let key = Recovery::key_of(&entry)?;
            // From now on it has to last.
            let _ = File::open(&entry).and_then(|file| file.sync_all());
            Some(Left { key, entry, why: why.clone() })
        });
        self.left.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
    }

    /// Checks once.
    async fn check(&self, parts: &Parts) -> Durability {
        let entries = std::mem::take(&mut *self.entries());
        let count = entries.len();
        let settled = settle(
            &parts.recovery,
            &*parts.store,
            &parts.store_id,
            parts.clock.now(),
            entries.clone(),
        )
        .await;
        let settled = match settled {
            Ok(settled) => settled,
            Err(error) => {
                self.entries().extend(entries);
                return Durability::Unsettled(format!("{error:#}"));
            }
        };
        debug!("checked {count} records that a fail-over may undo: {:?}", settled.durability);
        let lasts = settled.durability == Durability::Durable;
        let stays = |result: &anyhow::Result<Option<(String, Recovered)>>| match result {
            Ok(Some((_, Recovered::Pending))) | Err(_) => true,
            Ok(Some(_)) => !lasts,
            Ok(None) => false,
        };
        let open =
            settled.entries.into_iter().filter(|(path, result)| stays(result) && path.exists());
        self.entries().extend(open.map(|(path, _)| path));
        settled.durability
    }
}
