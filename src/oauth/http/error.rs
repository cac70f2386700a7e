//! Errors of HTTP requests. They state whether the request may have been received.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use url::Url;

use super::guard::Forbidden;

/// Error of an HTTP request.
pub struct HttpError {
    origin: String,
    /// Hint about the proxy.
    note: String,
    problem: Problem,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Kind of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    /// Refused by the egress policy.
    Forbidden(Forbidden),
    /// No connection came about, and why.
    NoConnection(String),
    /// The name of the host is not known.
    NoAddress,
    /// Sent, or possibly sent, without a complete answer.
    NoAnswer,
    /// The answer exceeds the limit.
    TooLarge,
    /// The answer cannot be parsed.
    Unreadable(&'static str),
    /// The origin gets no requests for this time, for this reason.
    LeftAlone(Duration, String),
}

impl HttpError {
    /// Checks whether the server may have received the request. True if in doubt.
    pub fn may_have_arrived(&self) -> bool {
        !matches!(
            self.problem,
            Problem::Forbidden(_)
                | Problem::NoConnection(_)
                | Problem::NoAddress
                | Problem::LeftAlone(..)
        )
    }

    /// Checks whether the egress policy refused the request. A retry cannot help.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.problem, Problem::Forbidden(_))
    }

    /// Returns the time for which the origin gets no requests, if the request was not sent for that
    /// reason.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Problem::LeftAlone(wait, _) = &self.problem { Some(*wait) } else { None }
    }

    fn of(origin: String, problem: Problem) -> Self {
        Self { origin, note: String::new(), problem, source: None }
    }

    /// Adds the hint about the proxy to a failed connection.
    pub(super) fn noting(self, note: &str) -> Self {
        Self { note: note.to_owned(), ..self }
    }

    /// Returns the error of an origin that gets no requests for some time.
    pub(super) fn left_alone(origin: String, why: String, wait: Duration) -> Self {
        Self::of(origin, Problem::LeftAlone(wait, why))
    }

    /// Checks whether the message is complete without the name of the document: the server cannot be
    /// reached.
    pub(in crate::oauth) fn says_it_all(&self) -> bool {
        let problem = &self.problem;
        matches!(problem, Problem::NoConnection(_) | Problem::NoAddress | Problem::LeftAlone(..))
    }

    /// Returns the error of a request that the egress policy refuses.
    pub(super) fn forbidden(origin: String, forbidden: Forbidden) -> Self {
        Self::of(origin, Problem::Forbidden(forbidden))
    }

    /// Returns the error of an answer that exceeds the limit.
    pub(super) fn too_large(origin: String) -> Self {
        Self::of(origin, Problem::TooLarge)
    }

    /// Returns the error of an answer that cannot be parsed.
    pub(in crate::oauth) fn unreadable(url: &Url, why: &'static str) -> Self {
        Self::of(url.origin().ascii_serialization(), Problem::Unreadable(why))
    }

    /// Converts an error of the library. After a failure to connect nothing has been sent. After
    /// any other error the request may have been received.
    pub(super) fn from_reqwest(origin: String, error: reqwest::Error) -> Self {
        if let Some(forbidden) = forbidden_by_resolver(&error) {
            return Self::forbidden(origin, forbidden);
        }
        // The URL may be long, and the message contains its origin already.
        let error = error.without_url();
        if !error.is_connect() && !error.is_builder() {
            return Self { source: Some(Box::new(error)), ..Self::of(origin, Problem::NoAnswer) };
        }
        let causes: Vec<_> = causes(&error).map(ToString::to_string).collect();
        let is_name = causes.iter().any(|cause| cause.starts_with("dns error"));
        Self::of(
            origin,
            if is_name { Problem::NoAddress } else { Problem::NoConnection(last(&causes)) },
        )
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
                write!(f, "the URL of {origin} contains a user name")
            }
            Problem::Forbidden(Forbidden::PrivateAddress) => {
                write!(f, "{origin} has a private address (network.allow_private_hosts)")
            }
            Problem::NoConnection(why) => {
                write!(f, "cannot connect to {origin}{}: {why}", self.note)
            }
            Problem::NoAddress => {
                let host = origin.split_once("://").map_or(&**origin, |(_, host)| host);
                write!(f, "cannot resolve {host}{}", self.note)
            }
            Problem::NoAnswer => write!(f, "no answer from {origin}"),
            Problem::TooLarge => write!(f, "the answer of {origin} is too large"),
            Problem::Unreadable(why) => write!(f, "the answer of {origin} {why}"),
            Problem::LeftAlone(wait, why) => {
                write!(f, "{why} (no requests to {origin} for {} s)", wait.as_secs_f64().ceil())
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
    causes(error).find_map(|cause| cause.downcast_ref::<Forbidden>()).copied()
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |cause| (*cause).source())
}

/// Returns the last cause, without the number that the system has for it.
fn last(causes: &[String]) -> String {
    let last = causes.last().map(String::as_str).unwrap_or_default();
    last.split(" (os error ").next().unwrap_or_default().to_owned()
}
