//! What became of one session, and what it says of the others of its kind.

use std::borrow::Cow;
use std::time::Duration;

use super::canary::{Objection, Verdict};
use super::exchange::Ready;
use crate::oauth::{Blame, Exchange, LookupError, Refusal};

/// How long a server is left alone that fails, or that says *too many requests* without a `Retry-After`.
pub(super) const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// Why a server could not be brought to consider a request.
pub(super) const NONCES: &str = "the server keeps asking for a newer nonce";

/// How one session's turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New tokens are stored.
    Refreshed,
    /// Nothing had to be done, or somebody else did it.
    Skipped(Cow<'static, str>),
    /// The server has said `invalid_grant` to exactly this token: the session has ended.
    Gone(String),
    /// It cannot be refreshed now, through no fault of its own. Not attempted, or refused without harm.
    Blocked(String),
    /// Nobody knows. Kept as it is.
    Unknown(String, Retry),
}

/// Whether to try again what nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// In this run.
    Soon,
    /// In this run, when the server wants to be asked again.
    After(Duration),
    /// Not in this run.
    Never,
}

/// The server refuses the token, and the session with it.
pub(super) fn gone(refusal: &Refusal, answer_was_lost: bool) -> (Outcome, Verdict) {
    let verdict = match refusal.blame() {
        Blame::Nobody => Verdict::Ended(refusal.to_string()),
        Blame::Unknown => Verdict::Refused(refusal.to_string()),
        Blame::Record if answer_was_lost => {
            Verdict::OutOfStep(format!("an answer was lost, and a session with it ({refusal})"))
        }
        Blame::Record => Verdict::OutOfStep(format!("records are older than what the server knows ({refusal})")),
        Blame::Client => Verdict::Misconfigured(format!(
            "a session was lost because its client key or the configured client_id is not the one it was begun with \
             ({refusal})"
        )),
    };
    let lost = if answer_was_lost { "the answer was lost, and then: " } else { "" };
    (Outcome::Gone(format!("{lost}{refusal}")), verdict)
}

/// An answer that neither brings tokens nor says that the session has ended.
pub(super) fn no_tokens(answer: Exchange, ready: &Ready<'_>) -> (Outcome, Verdict) {
    let unknown = |why: String| Outcome::Unknown(why, Retry::Soon);
    match answer {
        // It was asked twice already. Whether there are new tokens is for another run to find out.
        Exchange::AnswerLost(error) => {
            let why = format!("the answer was lost: {}", chain(&error));
            (Outcome::Unknown(why.clone(), Retry::Never), Verdict::Trouble(why))
        }
        Exchange::TryLater { status, retry_after } => {
            let why = format!("the server answered with status {status}");
            let wait = retry_after.or((status == 429).then_some(BUSY_PAUSE));
            let verdict = match wait {
                Some(wait) => Verdict::Busy(why.clone(), wait),
                None => Verdict::Trouble(why.clone()),
            };
            (Outcome::Unknown(why, retry_after.map_or(Retry::Soon, Retry::After)), verdict)
        }
        Exchange::InvalidClient(refusal) => {
            let why = ready.client_refused(&refusal);
            (Outcome::Blocked(why.clone()), Verdict::Refused(why))
        }
        Exchange::Refused(refusal) => {
            let why = refusal.to_string();
            (Outcome::Blocked(why.clone()), Verdict::Refused(why))
        }
        Exchange::InvalidGrant { refusal, .. } => (unknown(refusal.to_string()), Verdict::Nothing),
        Exchange::NotSent(error) => (unknown(format!("not sent: {}", chain(&error))), Verdict::Nothing),
        Exchange::UseNonce(_) => (unknown(NONCES.to_owned()), Verdict::Nothing),
        Exchange::Refreshed(_) | Exchange::Unacceptable { .. } => unreachable!("these brought tokens"),
    }
}

/// What keeps a session back that others of its kind speak against.
pub(super) fn kept_back(objection: Objection) -> Outcome {
    match objection {
        Objection::Stopped(why) => Outcome::Blocked(format!("not attempted: {why}")),
        Objection::Resting(why, wait) => {
            Outcome::Unknown(format!("not attempted, to leave its server alone: {why}"), Retry::After(wait))
        }
    }
}

/// A look-up that failed: what was found may say no for good, or there was no answer today.
pub(super) fn look_up_failed(error: &LookupError) -> Outcome {
    let text = chain(error);
    if error.is_transient() {
        Outcome::Unknown(text, error.retry_after().map_or(Retry::Soon, Retry::After))
    } else {
        Outcome::Blocked(text)
    }
}

pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
