//! Times for which runs keep the app waiting. Between the server's answer and the write of the
//! record, the app finds used tokens in its store. The lock prevents their use, for as long as the
//! app waits for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::store::{Layout, Store};

/// Name of the note with the longest times.
const NOTE: &str = "lock-times";

/// Lifetime of the note. Older times say nothing about the store's current speed.
const NOTE_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Longest times of a run that exceed the limit, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockTimes {
    /// From the server's answer until the store had the new tokens.
    pub write_ms: u64,
    /// Time for which the lock was held.
    pub held_ms: u64,
}

/// Longest times so far.
#[derive(Default)]
pub(super) struct Longest(Mutex<LockTimes>);

impl Longest {
    /// Records the times of one refresh. Writes a note to the store if the app may not have waited
    /// long enough.
    pub(super) async fn note(&self, store: &dyn Store, write: Duration, held: Duration) {
        let layout = store.layout();
        let Some(waits) = layout.app_waits else { return };
        let over = |time: Duration, limit: Duration| {
            let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            if time > limit { ms } else { 0 }
        };
        let held = if layout.app_fails_without_lock() { held } else { Duration::ZERO };
        let times = LockTimes { write_ms: over(write, waits / 2), held_ms: over(held, waits) };
        let Some(longest) = self.extend(times) else { return };
        let note = serde_json::to_vec(&longest).unwrap_or_default();
        // Without the note, only its finding is missing.
        let _ = store.write_notes(&[(NOTE.to_owned(), note)], NOTE_LIFETIME).await;
    }

    /// Returns the longest times if these exceed those before.
    fn extend(&self, times: LockTimes) -> Option<LockTimes> {
        let mut longest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *longest;
        longest.write_ms = before.write_ms.max(times.write_ms);
        longest.held_ms = before.held_ms.max(times.held_ms);
        (*longest != before).then_some(*longest)
    }
}

impl LockTimes {
    /// Reads the note of a run of the last days.
    pub async fn noted(store: &dyn Store) -> Option<Self> {
        let note = store.notes(&[NOTE.to_owned()]).await.ok()?.pop()??;
        serde_json::from_slice(&note).ok()
    }
}

/// Checks whether there is still time for a request after holding the lock for this long. An app
/// that has stopped waiting may have sent the same token meanwhile.
pub(super) fn app_still_waits(layout: &Layout, held: Duration) -> bool {
    layout.app_waits.is_none_or(|waits| held < waits)
}
