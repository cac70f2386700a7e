//! Interprets answers of the token endpoint: the outcome for the session, and the conclusion about
//! its group.

use std::cell::LazyCell;

use super::outcome::{BUSY_PAUSE, NONCES, Outcome, chain};
use super::preflight::Ready;
use crate::maintenance::breaker::Conclusion;
use crate::maintenance::runner::Retry;
use crate::oauth::{Cause, ErrorResponse, Fate, RefreshResponse};

/// Possible earlier sender of a refused token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpentBy {
    /// This run, which lost the answer.
    ThisRun,
    /// Earlier run of oauthctl, which was interrupted or lost the answer.
    EarlierRun,
    /// Unknown.
    Unknown,
}

/// Interprets an error response of the token endpoint. `has_worked` is true if the server has
/// accepted another session of the same client and key in this run, so that the configuration is
/// not the cause.
pub fn refused(
    ready: &Ready<'_>,
    refusal: &ErrorResponse,
    spent_by: impl FnOnce() -> SpentBy,
    has_worked: bool,
) -> (Outcome, Conclusion) {
    let why = match refusal.meaning().0 {
        Cause::ClientAuthentication | Cause::ClientDocuments => ready.client_refused(refusal),
        _ => refusal.to_string(),
    };
    let spent_by = LazyCell::new(spent_by);
    let gone = || {
        let lost = match *spent_by {
            SpentBy::ThisRun => "the answer was lost, and then: ",
            SpentBy::EarlierRun => {
                "an earlier run was cut off before it had the answer, and then: "
            }
            SpentBy::Unknown => "",
        };
        Outcome::Gone(format!("{lost}{why}"))
    };
    let blocked = || Outcome::Blocked(why.clone());
    match refusal.meaning() {
        (Cause::Ended | Cause::Expired, _) => (gone(), Conclusion::Ended(why)),
        (Cause::EndedOrConfiguration, _) if has_worked => (gone(), Conclusion::Ended(why)),
        (Cause::EndedOrConfiguration, _) => {
            let outcome = format!(
                "it has ended, or the configuration is wrong ({why}); unclear until another session is refreshed"
            );
            (Outcome::Unknown(outcome, Retry::Soon), Conclusion::Kept(why))
        }
        // Does not indicate that the store is behind.
        (Cause::Replayed | Cause::DpopKey, Fate::Gone) if *spent_by == SpentBy::EarlierRun => {
            (gone(), Conclusion::Ended(why))
        }
        (Cause::Replayed | Cause::DpopKey, Fate::Gone) if *spent_by == SpentBy::ThisRun => (
            gone(),
            Conclusion::OutOfStep(format!("an answer was lost, and its session ended ({why})")),
        ),
        (Cause::Replayed, Fate::Gone) => (
            gone(),
            Conclusion::Behind(format!(
                "the records are older than the sessions at the server ({why})"
            )),
        ),
        (Cause::DpopKey, Fate::Gone) => (
            gone(),
            Conclusion::OutOfStep(format!(
                "the records have other keys than the sessions at the server ({why})"
            )),
        ),
        (Cause::OtherClient, Fate::Gone) => {
            let conclusion = format!(
                "a session was lost because its client key, client_id or published client metadata differs from when it started ({why})"
            );
            (gone(), Conclusion::Misconfigured(conclusion))
        }
        (_, Fate::Gone) => (gone(), Conclusion::Refused(why)),
        (Cause::Replayed | Cause::DpopKey | Cause::OtherClient, Fate::Kept) => {
            (blocked(), Conclusion::Kept(why))
        }
        (Cause::ClientDocuments, _) => {
            (Outcome::Unknown(why.clone(), Retry::Soon), Conclusion::Busy(why, BUSY_PAUSE))
        }
        (Cause::Request, _) => (Outcome::Unknown(why, Retry::Soon), Conclusion::Nothing),
        (Cause::ClientAuthentication | Cause::Unknown, _) => (blocked(), Conclusion::Refused(why)),
    }
}

/// Interprets a missing answer, or one that is neither tokens nor an error response.
pub fn no_tokens(answer: RefreshResponse) -> (Outcome, Conclusion) {
    let unknown = |why: String| Outcome::Unknown(why, Retry::Soon);
    match answer {
        // It was sent twice already. A later run will find out whether there are new tokens.
        RefreshResponse::AnswerLost(error) => {
            let why = format!("the answer was lost: {}", chain(&error));
            (Outcome::Unknown(why.clone(), Retry::Never), Conclusion::Trouble(why))
        }
        RefreshResponse::TryLater { status, retry_after } => {
            let why = format!("the server answered with status {status}");
            let wait = retry_after.or((status == 429).then_some(BUSY_PAUSE));
            let conclusion = match wait {
                Some(wait) => Conclusion::Busy(why.clone(), wait),
                None => Conclusion::Trouble(why.clone()),
            };
            (Outcome::Unknown(why, retry_after.map_or(Retry::Soon, Retry::After)), conclusion)
        }
        RefreshResponse::NotSent(error) => {
            let retry = error.retry_after().map_or(Retry::Soon, Retry::After);
            (Outcome::Unknown(format!("not sent: {}", chain(&error)), retry), Conclusion::Nothing)
        }
        RefreshResponse::UseNonce(_) => (unknown(NONCES.to_owned()), Conclusion::Nothing),
        RefreshResponse::Refreshed(_)
        | RefreshResponse::Unacceptable { .. }
        | RefreshResponse::Refused(_) => {
            unreachable!("judged before")
        }
    }
}
