//! Outcome for one session.

use std::borrow::Cow;
use std::time::Duration;

use crate::maintenance::breaker::Objection;
use crate::maintenance::runner::Retry;
use crate::oauth::LookupError;
use crate::text::named;

/// Pause for a server that fails, or that answers *too many requests* without `Retry-After`.
pub const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// Reason of a request that the server never processed.
pub const NONCES: &str = "the server keeps asking for a newer nonce";

/// Outcome for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New tokens are stored.
    Refreshed,
    /// Nothing to do, or done by someone else.
    Skipped(Cow<'static, str>),
    /// The server has answered `invalid_grant` to exactly this token: the session has ended.
    Gone(String),
    /// Cannot be refreshed now, for reasons outside the session. Not attempted, or refused without
    /// harm.
    Blocked(String),
    /// Unknown. Kept unchanged.
    Unknown(String, Retry),
}

named! {
    /// Kinds of [`Outcome`].
    pub enum RefreshResult {
        Refreshed = "refreshed",
        Skipped = "skipped",
        Gone = "gone",
        Blocked = "blocked",
        Unknown = "unknown",
        /// Blocked or unknown for a cause that the operator knows.
        Acknowledged = "acknowledged",
    }
}

impl Outcome {
    /// Returns the kind of the outcome, and the reason, if there is one.
    pub fn kind_and_reason(&self) -> (RefreshResult, Option<&str>) {
        match self {
            Self::Refreshed => (RefreshResult::Refreshed, None),
            Self::Skipped(why) => (RefreshResult::Skipped, Some(why)),
            Self::Gone(why) => (RefreshResult::Gone, Some(why)),
            Self::Blocked(why) => (RefreshResult::Blocked, Some(why)),
            Self::Unknown(why, _) => (RefreshResult::Unknown, Some(why)),
        }
    }
}

/// Returns the outcome for a session that is blocked by its circuit breaker.
pub fn kept_back(objection: Objection) -> Outcome {
    match objection {
        Objection::Stopped(why) => Outcome::Blocked(format!("not attempted: {why}")),
        Objection::Resting(why, wait) => Outcome::Unknown(
            format!("not attempted, because its server is overloaded: {why}"),
            Retry::After(wait),
        ),
    }
}

/// Returns the outcome for a failed look-up, which may be definite or transient.
pub fn look_up_failed(error: &LookupError) -> Outcome {
    let text = chain(error);
    if error.is_transient() {
        Outcome::Unknown(text, error.retry_after().map_or(Retry::Soon, Retry::After))
    } else {
        Outcome::Blocked(text)
    }
}

pub fn chain(error: &dyn std::error::Error) -> String {
    let causes: Vec<_> = std::iter::successors(Some(error), |cause| cause.source())
        .map(ToString::to_string)
        .collect();
    match &causes[..] {
        // The middle of the chain repeats the same less clearly.
        [what, why, .., last] => format!("{what}: {why}: {last}"),
        few => few.join(": "),
    }
}
