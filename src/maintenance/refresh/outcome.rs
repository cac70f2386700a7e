//! Outcome of one session's turn.

use std::borrow::Cow;
use std::time::Duration;

use crate::maintenance::breaker::Objection;
use crate::maintenance::runner::Retry;
use crate::oauth::LookupError;
use crate::text::named;

/// How long a server is left alone that fails, or that says *too many requests* without a
/// `Retry-After`.
pub const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// Why a server could not be brought to consider a request.
pub const NONCES: &str = "the server keeps asking for a newer nonce";

/// How one session's turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New tokens are stored.
    Refreshed,
    /// Nothing had to be done, or somebody else did it.
    Skipped(Cow<'static, str>),
    /// The server has said `invalid_grant` to exactly this token: the session has ended.
    Gone(String),
    /// It cannot be refreshed now, through no fault of its own. Not attempted, or refused without
    /// harm.
    Blocked(String),
    /// Nobody knows. Kept as it is.
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
    }
}

impl Outcome {
    /// Returns the kind of the outcome, and the reason, where there is one.
    pub fn told(&self) -> (RefreshResult, Option<&str>) {
        match self {
            Self::Refreshed => (RefreshResult::Refreshed, None),
            Self::Skipped(why) => (RefreshResult::Skipped, Some(why)),
            Self::Gone(why) => (RefreshResult::Gone, Some(why)),
            Self::Blocked(why) => (RefreshResult::Blocked, Some(why)),
            Self::Unknown(why, _) => (RefreshResult::Unknown, Some(why)),
        }
    }
}

/// What keeps a session back that others of its kind speak against.
pub fn kept_back(objection: Objection) -> Outcome {
    match objection {
        Objection::Stopped(why) => Outcome::Blocked(format!("not attempted: {why}")),
        Objection::Resting(why, wait) => Outcome::Unknown(
            format!("not attempted, to leave its server alone: {why}"),
            Retry::After(wait),
        ),
    }
}

/// Returns a look-up that failed: what was found may say no for good, or there was no answer today.
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
        // Those in between say the same less clearly.
        [what, why, .., last] => format!("{what}: {why}: {last}"),
        few => few.join(": "),
    }
}
