//! Compares the machine's clock with others. A wrong clock would make active users appear inactive.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Failure, usage};
use crate::session::Age;
use crate::store::Store;

/// Tolerated difference, insignificant for inactivity of days.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Fails if the store's clock contradicts the machine's.
pub async fn check_clock(store: &dyn Store, now: Timestamp) -> Result<(), Failure> {
    let Some(time) = store.time().await else { return Ok(()) };
    let ahead = now.duration_since(time);
    if !is_wrong_clock(ahead) {
        return Ok(());
    }
    Err(usage(wrong_clock(ahead, "the store"))
        .hint("nothing was removed; synchronise the clock (NTP: `timedatectl` shows its state)"))
}

/// Checks whether a difference is too large.
pub(super) fn is_wrong_clock(ahead: SignedDuration) -> bool {
    ahead.abs() > TOLERANCE
}

/// Describes the difference: `this machine's clock is 40d ahead of that of the store`.
pub(super) fn wrong_clock(ahead: SignedDuration, other: &str) -> String {
    let by = Age::from_secs(ahead.abs().as_secs());
    let how = if ahead.is_positive() { "ahead of" } else { "behind" };
    format!("this machine's clock, which determines ages, is {by} {how} that of {other}")
}
