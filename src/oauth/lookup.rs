//! Fetches JSON documents, classifies failures, and caches results for one run.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use url::Url;

use crate::input;

use super::http::{Answer, Http, HttpError, RequestLimits, Served};
use crate::session::Issuer;

/// Limits generous enough for any real document and for slow servers.
pub(super) const LIMITS: RequestLimits =
    RequestLimits { within: Duration::from_secs(10), bytes: 256 * 1024 };

/// Lifetime of a cached failure, so that sessions of an unreachable server do not each wait for the
/// timeout.
const FAILURE_LIFETIME: Duration = Duration::from_secs(10);

/// Failure of a look-up.
#[derive(Clone)]
pub struct LookupError {
    message: String,
    standing: Standing,
    source: Option<Arc<HttpError>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Transient failure.
    Unavailable { retry_after: Option<Duration> },
    /// Definite negative result. A retry gives the same one.
    RuledOut,
}

impl LookupError {
    /// Returns a transient failure.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        let standing = Standing::Unavailable { retry_after: None };
        Self { message: message.into(), standing, source: None }
    }

    /// Returns a definite failure.
    pub(super) fn ruled_out(message: impl Into<String>) -> Self {
        Self { message: message.into(), standing: Standing::RuledOut, source: None }
    }

    /// Returns the failure of a request without an answer.
    pub(super) fn no_answer(what: &str, error: HttpError) -> Self {
        let says_it_all = error.says_it_all();
        let message = if says_it_all { error.to_string() } else { format!("cannot fetch {what}") };
        let standing = if error.is_forbidden() {
            Standing::RuledOut
        } else {
            Standing::Unavailable { retry_after: error.retry_after() }
        };
        Self { message, standing, source: (!says_it_all).then(|| Arc::new(error)) }
    }

    /// Classifies an answer without a success status. Only *not found* and *gone* are definite.
    pub(super) fn of_status(what: &str, answer: &Answer) -> Self {
        match answer.status {
            404 | 410 => Self::ruled_out(format!("there is no {what}")),
            300..=399 => Self::ruled_out(format!("{what} is a redirect, which is not followed")),
            status => Self {
                standing: Standing::Unavailable { retry_after: answer.retry_after },
                ..Self::unavailable(format!("cannot fetch {what}: status {status}"))
            },
        }
    }

    /// Returns the failure of a token endpoint that cannot take requests at present.
    pub(super) fn of_token_status(issuer: &Issuer<'_>, answer: &Answer) -> Self {
        Self {
            standing: Standing::Unavailable { retry_after: answer.retry_after },
            ..Self::unavailable(format!(
                "the token endpoint of {issuer} answers with status {}",
                answer.status
            ))
        }
    }

    /// Checks whether a retry may succeed. False for a definite result, which blocks the session.
    pub fn is_transient(&self) -> bool {
        matches!(self.standing, Standing::Unavailable { .. })
    }

    /// Returns the time for which the server asks for no further requests.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.standing {
            Standing::Unavailable { retry_after } => retry_after,
            Standing::RuledOut => None,
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.message, self.standing)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source:?}"))
    }
}

impl Error for LookupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|e| &**e as _)
    }
}

/// Fetches a JSON document. `what` completes "cannot fetch …".
pub(super) async fn json<T: DeserializeOwned>(
    http: &Http,
    url: &Url,
    what: &str,
) -> Result<T, LookupError> {
    json_served(http, url, what).await.map(|(document, _)| document)
}

/// Fetches a JSON document and its caching headers.
pub(super) async fn json_served<T: DeserializeOwned>(
    http: &Http,
    url: &Url,
    what: &str,
) -> Result<(T, Served), LookupError> {
    let answer = fetch(http, url, "application/json", what).await?;
    // A proxy's login page says nothing about the document.
    if !answer.is_json() {
        return Err(LookupError::unavailable(format!("{what} is not JSON")));
    }
    let body = answer.body.map_err(|e| LookupError::no_answer(what, e))?;
    let wrong = || LookupError::unavailable(format!("{what} has unexpected JSON"));
    Ok((serde_json::from_slice(input::without_mark(&body)).map_err(|_| wrong())?, answer.served))
}

/// Fetches a document of any type.
pub(super) async fn fetch(
    http: &Http,
    url: &Url,
    accept: &'static str,
    what: &str,
) -> Result<Answer, LookupError> {
    let answer =
        http.get(url, accept, LIMITS).await.map_err(|e| LookupError::no_answer(what, e))?;
    if answer.status == 200 { Ok(answer) } else { Err(LookupError::of_status(what, &answer)) }
}

/// Shortens foreign text for messages.
pub fn brief(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    text.chars().take(MAX_CHARS).collect()
}

/// Results of look-ups in this run. Concurrent look-ups of one name share a single request.
pub(super) struct Remembered<T>(Mutex<HashMap<String, Arc<Slot<T>>>>);

type Slot<T> = tokio::sync::Mutex<Option<Found<T>>>;

struct Found<T> {
    at: Instant,
    result: Result<T, LookupError>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Remembered<T> {
    /// Returns the cached result for this name, or runs `look_up`. Successes are cached for the
    /// run, failures briefly.
    pub(super) async fn get(
        &self,
        name: &str,
        look_up: impl Future<Output = Result<T, LookupError>>,
    ) -> Result<T, LookupError> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(name.to_owned()).or_default())
        };
        let mut slot = slot.lock().await;
        if let Some(found) = &*slot
            && (found.result.is_ok() || found.at.elapsed() < FAILURE_LIFETIME)
        {
            return found.result.clone();
        }
        let result = look_up.await;
        *slot = Some(Found { at: Instant::now(), result: result.clone() });
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn those_who_ask_at_once_wait_for_one_look_up() {
        let remembered = Remembered::<u8>::default();
        let count = AtomicUsize::new(0);
        let look_up = || async {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(7)
        };
        let all =
            futures_util::future::join_all((0..8).map(|_| remembered.get("x", look_up()))).await;
        assert!(all.into_iter().all(|found| found.unwrap() == 7));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failure_is_remembered_too_and_a_look_up_given_up_is_not() {
        let remembered = Remembered::<u8>::default();
        let given_up = remembered.get("x", std::future::pending());
        assert!(tokio::time::timeout(Duration::from_millis(5), given_up).await.is_err());
        let failed = remembered.get("x", async { Err(LookupError::unavailable("down")) }).await;
        assert!(failed.unwrap_err().is_transient());
        assert!(remembered.get("x", async { Ok(1) }).await.is_err());
        assert_eq!(remembered.get("y", async { Ok(1) }).await.unwrap(), 1);
    }
}
