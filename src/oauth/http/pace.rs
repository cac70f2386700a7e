//! Rate limiting by origin: the configured rate, limits announced by servers (`RateLimit` header
//! fields), and pauses for origins that ask for one or do not answer.
//!
//! The app and oauthctl share an address, so each request of oauthctl reduces the quota of the
//! users. Waiting happens before a session is locked ([`Pace::admit`]). A request under the lock
//! counts without waiting ([`Pace::charge`]).

mod origin;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::debug;
use url::{Host, Url};

use self::origin::{Origin, Rate};
use super::error::HttpError;
use crate::address::is_public;
use crate::oauth::client_metadata::is_local;

/// Poll interval for a stop during a wait.
const STOP_POLL: Duration = Duration::from_millis(100);
/// Waits from this length on are logged.
const LONG_WAIT: Duration = Duration::from_secs(2);

/// Requests per second to one origin (settings `[refresh] per_issuer_rate`, `[issuers]`,
/// `--per-issuer-rate`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateSettings {
    /// Configured rate, 0 for unlimited. The default is [`RateSettings::DEFAULT`] for origins on
    /// the public network, and unlimited for others.
    pub all: Option<f64>,
    /// Rates of single origins.
    pub origins: HashMap<String, f64>,
}

/// Rate limit announced by a server (draft-ietf-httpapi-ratelimit-headers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// Requests per window.
    pub(super) limit: u64,
    /// Remaining requests of the window.
    pub(super) remaining: u64,
    /// Time until the window ends.
    pub(super) reset: Duration,
}

/// Callback that ends a wait by returning true.
type Stop = Box<dyn Fn() -> bool + Send + Sync>;

/// Rate limiter of one run.
#[derive(Default)]
pub(super) struct Pace {
    state: Mutex<State>,
    stop: OnceLock<Stop>,
}

#[derive(Default)]
struct State {
    settings: RateSettings,
    origins: HashMap<String, Origin>,
}

impl RateSettings {
    /// Default in requests per second. bsky.social permits 3,000 in five minutes per address, that
    /// is ten.
    pub const DEFAULT: f64 = 5.0;

    /// Returns the rate for this URL's origin, `None` if unlimited.
    pub fn of(&self, url: &Url) -> Option<f64> {
        let named = self.origins.get(&url.origin().ascii_serialization()).copied().or(self.all);
        let rate = named.unwrap_or(if is_private(url) { 0.0 } else { Self::DEFAULT });
        (rate > 0.0).then_some(rate)
    }
}

/// Checks whether the URL's host is loopback or private, without resolving it.
fn is_private(url: &Url) -> bool {
    let is_internal = |name: &str| name.trim_end_matches('.').ends_with(".internal");
    match url.host() {
        Some(Host::Domain(name)) => is_local(url) || is_internal(name),
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        None => true,
    }
}

impl Pace {
    pub(super) fn new(settings: RateSettings) -> Self {
        Self {
            state: Mutex::new(State { settings, origins: HashMap::new() }),
            stop: OnceLock::new(),
        }
    }

    /// Sets the rate of origins without a rate of their own.
    pub(super) fn set_rate(&self, rate: f64) {
        let mut state = self.state();
        state.settings.all = Some(rate);
        state.origins.clear();
    }

    /// Ends waits as soon as `stop` returns true. Only the first call has an effect.
    pub(super) fn stop_when(&self, stop: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.stop.set(Box::new(stop));
    }

    /// Returns the rate of this URL's origin.
    pub(super) fn rate(&self, url: &Url) -> Option<f64> {
        self.state().settings.of(url)
    }

    /// Waits until a request to this URL's origin is permitted. Fails at once if the origin is
    /// paused.
    pub(super) async fn admit(&self, url: &Url) -> Result<(), HttpError> {
        let start = self.with(url, Origin::take);
        self.wait(url, start).await?;
        // The pace may have changed during the wait.
        loop {
            let (rest, empty) =
                self.with(url, |origin, now| (origin.rest(now), origin.empty_until(now)));
            if let Some((wait, why)) = rest {
                return Err(HttpError::left_alone(name(url), why, wait));
            }
            let Some(until) = empty else { return Ok(()) };
            self.wait(url, until).await?;
        }
    }

    /// Waits like [`Pace::admit`], for a request that is sent later without waiting.
    pub(super) async fn reserve(&self, url: &Url) -> Result<(), HttpError> {
        self.admit(url).await?;
        self.with(url, |origin, _| origin.keep());
        Ok(())
    }

    /// Counts a request that cannot wait. Fails only if the origin has asked for a pause.
    pub(super) fn charge(&self, url: &Url) -> Result<(), HttpError> {
        match self.with(url, Origin::charge) {
            None => Ok(()),
            Some((wait, why)) => Err(HttpError::left_alone(name(url), why, wait)),
        }
    }

    /// Learns from the headers of an answer.
    pub(super) fn answered(
        &self,
        url: &Url,
        status: u16,
        retry_after: Option<Duration>,
        limit: Option<RateLimit>,
        is_get: bool,
    ) {
        self.with(url, |origin, now| {
            if status == 429 {
                origin.too_many(retry_after.or(limit.map(|limit| limit.reset)), now);
            } else {
                origin.not_too_many();
            }
            if let Some(limit) = limit {
                origin.learn_limit(limit, now);
            }
            if is_get {
                origin.learn_health(
                    if status >= 500 {
                        Err(format!("{} answers with status {status}", name(url)))
                    } else {
                        Ok(())
                    },
                    now,
                );
            }
        });
    }

    /// Learns from a failure to fetch a document.
    pub(super) fn failed(&self, url: &Url, error: &HttpError) {
        let why = error.to_string();
        self.with(url, |origin, now| origin.learn_health(Err(why), now));
    }

    async fn wait(&self, url: &Url, until: Instant) -> Result<(), HttpError> {
        let left = until.saturating_duration_since(Instant::now());
        if left >= LONG_WAIT {
            debug!("waits {} s for its turn at {}", left.as_secs(), name(url));
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if self.stop.get().is_some_and(|stop| stop()) {
                return Err(HttpError::left_alone(
                    name(url),
                    "the run was stopped".to_owned(),
                    Duration::ZERO,
                ));
            }
            tokio::time::sleep(left.min(STOP_POLL)).await;
        }
    }

    fn with<T>(&self, url: &Url, work: impl FnOnce(&mut Origin, Instant) -> T) -> T {
        let mut state = self.state();
        let State { settings, origins } = &mut *state;
        let now = Instant::now();
        let origin = origins
            .entry(name(url))
            .or_insert_with(|| Origin::new(settings.of(url).map(Rate::new), now));
        work(origin, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl RateLimit {
    /// Reads the header fields. The reset is a number of seconds, as in the draft, or a time since
    /// the epoch, as the reference PDS sends it.
    pub(super) fn read<'h>(
        field: impl Fn(&'static str) -> Option<&'h str>,
        now: Timestamp,
    ) -> Option<Self> {
        /// Smallest number taken for a time since the epoch.
        const EPOCH: u64 = 1_000_000_000;
        let number = |name| field(name)?.split([',', ';']).next()?.trim().parse::<u64>().ok();
        let reset = number("ratelimit-reset")?;
        let reset = if reset < EPOCH {
            reset
        } else {
            reset.saturating_sub(u64::try_from(now.as_second()).ok()?)
        };
        Some(Self {
            limit: number("ratelimit-limit")?,
            remaining: number("ratelimit-remaining")?,
            reset: Duration::from_secs(reset).min(super::MAX_RETRY_AFTER),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn only_origins_of_the_public_network_have_a_rate_by_default() {
        let default = RateSettings::default();
        for (text, rate) in [
            ("https://bsky.social/oauth/token", Some(5.0)),
            ("https://8.8.8.8/", Some(5.0)),
            ("http://localhost:2583/", None),
            ("http://127.0.0.1/", None),
            ("https://10.1.2.3/", None),
            ("https://[fd00::1]/", None),
            ("https://pds/", None),
            ("https://pds.rig.internal/", None),
        ] {
            assert_eq!(default.of(&url(text)), rate, "{text}");
        }
    }

    #[test]
    fn a_rate_of_an_origin_counts_before_that_of_all() {
        let origins = HashMap::from([
            ("https://a.example".to_owned(), 2.0),
            ("https://b.example".to_owned(), 0.0),
        ]);
        let settings = RateSettings { all: Some(7.0), origins };
        let of = |text| settings.of(&url(text));
        assert_eq!(
            (of("https://a.example/x"), of("https://b.example/"), of("http://localhost/")),
            (Some(2.0), None, Some(7.0))
        );
        assert_eq!(
            RateSettings { all: Some(0.0), ..RateSettings::default() }
                .of(&url("https://c.example/")),
            None
        );
    }

    #[test]
    fn limits_are_read_in_both_forms_of_reset() {
        let now: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
        let read = |limit: &'static str, remaining: &'static str, reset: &'static str| {
            let field = |name| match name {
                "ratelimit-limit" => Some(limit),
                "ratelimit-remaining" => Some(remaining),
                _ => Some(reset),
            };
            RateLimit::read(field, now)
                .map(|read| (read.limit, read.remaining, read.reset.as_secs()))
        };
        assert_eq!(read("3000", "12", "40"), Some((3000, 12, 40)));
        assert_eq!(read("3000, 3000;w=300", "12", "40;x"), Some((3000, 12, 40)));
        assert_eq!(read("100", "0", "1795424430"), Some((100, 0, 30)));
        assert_eq!(read("100", "0", "1795424300"), Some((100, 0, 0)));
        assert_eq!(read("100", "-1", "30"), None);
        assert_eq!(read("", "1", "soon"), None);
    }

    #[tokio::test]
    async fn requests_over_the_rate_wait_and_a_reserved_one_does_not() {
        let pace = Pace::new(RateSettings { all: Some(20.0), ..RateSettings::default() });
        let url = url("https://a.example/");
        let begun = Instant::now();
        for _ in 0..20 {
            pace.admit(&url).await.unwrap();
        }
        assert!(begun.elapsed() < Duration::from_millis(40), "a second's worth may come at once");
        for _ in 0..4 {
            pace.reserve(&url).await.unwrap();
            pace.charge(&url).unwrap();
        }
        assert!(begun.elapsed() >= Duration::from_millis(180), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_stop_ends_the_waiting() {
        let pace = Pace::new(RateSettings { all: Some(0.01), ..RateSettings::default() });
        pace.stop_when(|| true);
        let url = url("https://a.example/");
        pace.admit(&url).await.unwrap();
        let error = pace.admit(&url).await.unwrap_err();
        assert!(!error.may_have_arrived() && error.to_string().contains("stopped"), "{error}");
    }

    #[tokio::test]
    async fn an_origin_that_says_too_many_is_left_alone_by_all_requests() {
        let pace = Pace::default();
        let (url, other) = (url("https://a.example/"), url("https://b.example/"));
        pace.answered(&url, 429, Some(Duration::from_hours(2)), None, false);
        let error = pace.admit(&url).await.unwrap_err();
        assert!(
            error.retry_after().unwrap() > Duration::from_secs(7100) && !error.may_have_arrived()
        );
        assert!(pace.charge(&url).is_err());
        assert!(pace.admit(&other).await.is_ok());
    }

    #[tokio::test]
    async fn a_directory_that_is_down_is_not_asked_by_everybody() {
        let pace = Pace::default();
        let url = url("https://plc.example/");
        for _ in 0..3 {
            pace.admit(&url).await.unwrap();
            pace.answered(&url, 503, None, None, true);
        }
        let error = pace.admit(&url).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "https://plc.example answers with status 503 (no requests to https://plc.example for 5 s)"
        );
        assert!(pace.charge(&url).is_ok(), "tokens have a breaker of their own");
    }
}
