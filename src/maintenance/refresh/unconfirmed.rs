//! New tokens that the store has accepted, but may still lose in a failover. They are kept in the
//! recovery directory, too, until they have been read from the current servers and replicated. On
//! any sign of a failover they are checked at once, and missing ones are written to the new
//! servers.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::debug;

use super::parts::Parts;
use crate::maintenance::breaker::StoreBreaker;
use crate::maintenance::recovery::{Recovered, Recovery};
use crate::maintenance::settle::STANDSTILL;
use crate::store::Durability;

/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause after a check that could not confirm everything, while sessions are being refreshed.
const REST: Duration = Duration::from_secs(5);
/// Time for the final check while the servers in charge are not known. With usual settings,
/// sentinels regard a master as lost after half of this time.
const LAST_RESORT: Duration = Duration::from_mins(1);
/// Time for the final check while replicas lag or are missing.
const LAG: Duration = Duration::from_secs(10);
/// Maximum number of entries before a check, so that the recovery directory does not grow with the
/// store.
const AT_MOST: usize = 4096;

/// Recovery entries of unconfirmed tokens in one run.
#[derive(Default)]
pub struct Unconfirmed {
    entries: Mutex<Vec<PathBuf>>,
    /// Serialises checks. Holds the time of the next useful one.
    next: tokio::sync::Mutex<Option<Instant>>,
    /// Counter of the store's disturbances at the last check.
    heeded: AtomicU64,
    left: Mutex<Vec<Left>>,
}

/// Session whose new tokens could not be confirmed.
#[derive(Debug)]
pub struct Left {
    /// Key of its record.
    pub key: String,
    /// Path of the recovery entry.
    pub entry: PathBuf,
    /// Reason for which a failover may lose its tokens.
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

    /// Takes the entries that could not be confirmed by the end of the run.
    pub fn take_left(&self) -> Vec<Left> {
        std::mem::take(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks unconfirmed tokens after a sign of a failover. New tokens wait meanwhile, because
    /// each further write to a replaced master would be lost.
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
            if !found.is_unsettled() || begun.elapsed() > STANDSTILL {
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

    /// Checks at the end of a run until all tokens are confirmed, or further attempts are useless.
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
            // It must be durable from now on.
            let _ = File::open(&entry).and_then(|file| file.sync_all());
            Some(Left { key, entry, why: why.clone() })
        });
        self.left.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
    }

    /// Performs one check.
    async fn check(&self, parts: &Parts) -> Durability {
        let entries = std::mem::take(&mut *self.entries());
        let count = entries.len();
        let settled = parts.settler().settle(entries.clone()).await;
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
