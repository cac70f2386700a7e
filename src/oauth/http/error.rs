//! Why a request has no answer, and whether it can have arrived.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use url::Url;

use super::guard::Forbidden;

/// Why there is no answer.
pub struct HttpError {
    origin: String,
    /// What there is to say of a proxy.
    note: String,
    problem: Problem,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What went wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    /// Our own guards do not let such a request out.
    Forbidden(Forbidden),
    /// No connection came about.
    NoConnection,
    /// It was sent, or may have been, and no whole answer came.
    NoAnswer,
    /// The answer is larger than anything honest.
    TooLarge,
    /// An answer came that cannot be understood.
    Unreadable(&'static str),
    /// The origin is left alone for so long, and why.
    LeftAlone(Duration, String),
}

impl HttpError {
    /// Checks whether the request can have reached the server. True in case of doubt.
    pub fn may_have_arrived(&self) -> bool {
        !matches!(
            self.problem,
            Problem::Forbidden(_) | Problem::NoConnection | Problem::LeftAlone(..)
        )
    }

    /// Checks whether it was our own guards that kept the request back; trying again does not help.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.problem, Problem::Forbidden(_))
    }

    /// How long the origin is left alone, where that is why the request was not sent.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Problem::LeftAlone(wait, _) = &self.problem { Some(*wait) } else { None }
    }

    fn of(origin: String, problem: Problem) -> Self {
        Self { origin, note: String::new(), problem, source: None }
    }

    /// Says something of a proxy, where no connection came about.
    pub(super) fn noting(self, note: &str) -> Self {
        Self { note: note.to_owned(), ..self }
    }

    /// The origin is left alone for so long.
    pub(super) fn left_alone(origin: String, why: String, wait: Duration) -> Self {
        Self::of(origin, Problem::LeftAlone(wait, why))
    }

    /// What is wrong, without the origin.
    pub(super) fn brief(&self) -> String {
        match &self.problem {
            Problem::NoConnection => "no connection comes about".to_owned(),
            _ => "it does not answer".to_owned(),
        }
    }

    /// Our own guards do not let it out.
    pub(super) fn forbidden(origin: String, forbidden: Forbidden) -> Self {
        Self::of(origin, Problem::Forbidden(forbidden))
    }

    /// The answer is larger than was agreed to.
    pub(super) fn too_large(origin: String) -> Self {
        Self::of(origin, Problem::TooLarge)
    }

    /// Returns an answer from this URL that cannot be understood, and why.
    pub(in crate::oauth) fn unreadable(url: &Url, why: &'static str) -> Self {
        Self::of(url.origin().ascii_serialization(), Problem::Unreadable(why))
    }

    /// Returns a failure on the way. What the library calls a failure to connect comes before
    /// anything is sent; of all others nobody knows.
    pub(super) fn from_reqwest(origin: String, error: reqwest::Error) -> Self {
        if let Some(forbidden) = forbidden_by_resolver(&error) {
            return Self::forbidden(origin, forbidden);
        }
        let unsent = error.is_connect() || error.is_builder();
        let problem = if unsent { Problem::NoConnection } else { Problem::NoAnswer };
        // The URL may be long, and what matters of it is in the message already.
        Self { source: Some(Box::new(error.without_url())), ..Self::of(origin, problem) }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.origin;
        match &self.problem {
            Problem::Forbidden(Forbidden::Scheme) => {
                write!(f, "{origin} is not https (network.allow_http)")
            }
            Problem::Forbidden(Forbidden::Credentials) => {
                write!(f, "the URL of {origin} carries a user name")
            }
            Problem::Forbidden(Forbidden::PrivateAddress) => {
                write!(f, "{origin} has no public address (network.allow_private_hosts)")
            }
            Problem::NoConnection => write!(f, "cannot connect to {origin}{}", self.note),
            Problem::NoAnswer => write!(f, "no answer from {origin}"),
            Problem::TooLarge => write!(f, "the answer of {origin} is too large"),
            Problem::Unreadable(why) => write!(f, "the answer of {origin} {why}"),
            Problem::LeftAlone(wait, why) => {
                write!(f, "{origin} is left alone for {} s: {why}", wait.as_secs_f64().ceil())
            }
        }
    }
}

impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.problem)
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|e| &**e as _)
    }
}

fn forbidden_by_resolver(error: &reqwest::Error) -> Option<Forbidden> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
            return Some(*forbidden);
        }
        cause = error.source();
    }
    None
}
