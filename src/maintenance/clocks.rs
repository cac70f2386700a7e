//! Comparison of this machine's clock with others: by a wrong one, users who were there today count
//! as away.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Failure, usage};
use crate::session::Age;
use crate::store::Store;

/// Clocks that differ by less agree: nobody is away for minutes.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Fails where the store's own clock contradicts this machine's.
pub async fn check_clock(store: &dyn Store, now: Timestamp) -> Result<(), Failure> {
    let Some(time) = store.time().await else { return Ok(()) };
    let ahead = now.duration_since(time);
    if !is_wrong_clock(ahead) {
        return Ok(());
    }
    Err(usage(wrong_clock(ahead, "the store"))
        .hint("nothing was removed; synchronise the clock (NTP: `timedatectl` shows its state)"))
}

/// Checks whether a clock that is so much ahead is wrong.
pub(super) fn is_wrong_clock(ahead: SignedDuration) -> bool {
    ahead.abs() > TOLERANCE
}

/// `this machine's clock is 40d ahead of that of the store`
pub(super) fn wrong_clock(ahead: SignedDuration, other: &str) -> String {
    let by = Age::from_secs(ahead.abs().as_secs());
    let how = if ahead.is_positive() { "ahead of" } else { "behind" };
    format!("this machine's clock is {by} {how} that of {other}, and ages are told by it")
}
