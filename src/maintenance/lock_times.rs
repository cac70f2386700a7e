//! How long runs keep the app waiting. From the server's answer until the record is written, the
//! app finds used tokens in its store; what keeps it from using them is the lock, for as long as it
//! waits for that.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::store::{Layout, Store};

/// Name of the note on the longest times.
const NOTE: &str = "lock-times";

/// How long the note is kept: a store that was slow long ago need not be slow now.
const NOTE_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Longest times of a run that are longer than they should be, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockTimes {
    /// From the server's answer until the store had the new tokens.
    pub write_ms: u64,
    /// A lock was held.
    pub held_ms: u64,
}

/// The longest times so far.
#[derive(Default)]
pub(super) struct Longest(Mutex<LockTimes>);

impl Longest {
    /// Takes in the times of one refresh, and notes them in the store where the app may not have
    /// waited long enough.
    pub(super) async fn note(&self, store: &dyn Store, write: Duration, held: Duration) {
        let Some(waits) = store.layout().app_waits else { return };
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let longest = {
            let mut longest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let before = *longest;
            if write > waits / 2 {
                longest.write_ms = longest.write_ms.max(ms(write));
            }
            if held > waits && store.layout().app_fails_without_lock() {
                longest.held_ms = longest.held_ms.max(ms(held));
            }
            if before == *longest {
                return;
            }
            *longest
        };
        let note = serde_json::to_vec(&longest).unwrap_or_default();
        // A note that is missing costs nothing but its finding.
        let _ = store.write_notes(&[(NOTE.to_owned(), note)], NOTE_LIFETIME).await;
    }
}

impl LockTimes {
    /// Reads what a run of the last days has noted.
    pub async fn noted(store: &dyn Store) -> Option<Self> {
        let note = store.notes(&[NOTE.to_owned()]).await.ok()?.pop()??;
        serde_json::from_slice(&note).ok()
    }
}

/// Checks whether there is still time for a request after so long under the lock: an app that waits
/// no longer may have sent the same token meanwhile.
pub(super) fn app_still_waits(layout: &Layout, held: Duration) -> bool {
    layout.app_waits.is_none_or(|waits| held < waits)
}
