//! HTTP client with the egress policy: no redirects, short timeouts, small answers, no private
//! networks. Errors state whether a request may have been received.

mod error;
mod guard;
mod pace;
mod served;
mod tls;

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER,
};
use tracing::debug;
use url::{Url, form_urlencoded};

use crate::input::{self, Compressed};

use super::{Clock, NetworkSettings};
use guard::Guard;
use pace::{Pace, RateLimit};

pub use error::HttpError;
pub use guard::objection;
pub use pace::RateSettings;
pub use served::Served;

/// Timeout for establishing a connection. Nothing has been sent by then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Lifetime of idle connections, shorter than on servers (Node: 5 s). A request on a connection
/// that is just being closed may or may not be received.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Maximum of `Retry-After`, longer than any run.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(366 * 24);
/// User agent.
const USER_AGENT: &str = concat!("oauthctl/", env!("CARGO_PKG_VERSION"));

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// HTTP client with the egress policy. Clones are cheap and share connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    guard: Guard,
    /// Hint about the proxy for failed connections.
    note: Arc<str>,
    clock: Clock,
    pace: Arc<Pace>,
    skew: Arc<Mutex<Option<Skew>>>,
}

/// Difference between the local clock and a server's.
#[derive(Clone, Debug)]
pub struct Skew {
    /// Amount by which the local clock is ahead.
    pub ahead: SignedDuration,
    /// Origin of the server.
    pub origin: String,
}

/// Limits of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Time from the start of the request to the end of the answer.
    pub within: Duration,
    /// Maximum size of the body, in bytes.
    pub bytes: usize,
}

/// HTTP answer. The body can fail (too large, too slow, interrupted) after the status is known.
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Media type without parameters, in lower case.
    pub content_type: Option<String>,
    /// Nonce for the next proof (RFC 9449 section 8), unchecked.
    pub dpop_nonce: Option<String>,
    /// Time for which the server asks for no further requests.
    pub retry_after: Option<Duration>,
    /// Times and cache headers.
    pub served: Served,
    /// Complete body. Contains tokens if the request asked for tokens.
    pub body: Result<Vec<u8>, HttpError>,
}

impl Http {
    /// Returns a client for one run. Fails if the certificates of `ca_pem` cannot be read.
    pub fn new(settings: &NetworkSettings, clock: Clock) -> anyhow::Result<Self> {
        let proxy = settings.proxy.address.as_ref();
        let guard = Guard {
            allow_http: settings.allow_http,
            allow_private_hosts: settings.allow_private_hosts,
            proxy_host: proxy.and_then(Url::host_str).map(Arc::from),
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(
                settings.ca_pem.as_deref(),
                &settings.system_pem,
            )?)
            .dns_resolver(Arc::new(guard.clone()))
            .redirect(reqwest::redirect::Policy::none())
            // Each request is sent at most once. The caller knows whether it may be repeated.
            .retry(reqwest::retry::never())
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .default_headers(
                [(ACCEPT_ENCODING, HeaderValue::from_static("identity"))].into_iter().collect(),
            );
        let client = settings.proxy.apply(client).context("network.proxy cannot be used")?;
        let client = client.build().context("cannot set up the HTTP client")?;
        let note = settings.proxy.note();
        let pace = Arc::new(Pace::new(settings.rates.clone()));
        Ok(Self { client, guard, note: note.into(), clock, pace, skew: Arc::default() })
    }

    /// Checks whether the egress policy permits this URL, without resolving its host.
    pub fn allows(&self, url: &Url) -> bool {
        self.guard.check(url).is_ok()
    }

    /// Returns the smallest clock difference to a server that has sent its time so far.
    pub fn skew(&self) -> Option<Skew> {
        self.skew.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn compare_clocks(&self, served: &Served, origin: &str) {
        let Some(ahead) = served.sent.map(|sent| served.received.duration_since(sent)) else {
            return;
        };
        let mut skew = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        if skew.as_ref().is_none_or(|known| ahead.abs() < known.ahead.abs()) {
            *skew = Some(Skew { ahead, origin: origin.to_owned() });
        }
    }

    /// Sets the rate of origins without a rate of their own, in requests per second, 0 for
    /// unlimited.
    pub fn set_rate(&self, rate: f64) {
        self.pace.set_rate(rate);
    }

    /// Returns the request rate for a URL's origin.
    pub fn rate(&self, url: &Url) -> Option<f64> {
        self.pace.rate(url)
    }

    /// Ends waits as soon as `stop` returns true.
    pub fn stop_waiting_when(&self, stop: impl Fn() -> bool + Send + Sync + 'static) {
        self.pace.stop_when(stop);
    }

    /// Waits until another request to the URL's origin is permitted, to be sent with
    /// [`Http::post_form`].
    pub async fn reserve(&self, url: &Url) -> Result<(), HttpError> {
        self.pace.reserve(url).await
    }

    /// Fetches a document within the rate limit.
    pub async fn get(
        &self,
        url: &Url,
        accept: &'static str,
        limits: RequestLimits,
    ) -> Result<Answer, HttpError> {
        if let Err(forbidden) = self.guard.check(url) {
            return Err(HttpError::forbidden(url.origin().ascii_serialization(), forbidden));
        }
        self.pace.admit(url).await?;
        let request = self.client.get(url.clone()).header(ACCEPT, accept);
        let answer = self.send(url, request, limits).await;
        if let Err(error) = &answer
            && !error.is_forbidden()
        {
            self.pace.failed(url, error);
        }
        answer
    }

    /// Sends a form with a DPoP proof, without waiting for the rate limit.
    pub async fn post_form(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        proof: &str,
        limits: RequestLimits,
    ) -> Result<Answer, HttpError> {
        self.pace.charge(url)?;
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self
            .client
            .post(url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(DPOP, proof)
            .body(form);
        self.send(url, request, limits).await
    }

    async fn send(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
        limits: RequestLimits,
    ) -> Result<Answer, HttpError> {
        let origin = url.origin().ascii_serialization();
        if let Err(forbidden) = self.guard.check(url) {
            return Err(HttpError::forbidden(origin, forbidden));
        }
        if self.guard.proxy_host.is_some()
            && let Err(forbidden) = self.guard.check_name(url).await
        {
            return Err(HttpError::forbidden(origin, forbidden));
        }
        let (request, begun) = (request.timeout(limits.within).build(), Instant::now());
        let request = request.map_err(|e| HttpError::from_reqwest(origin.clone(), e))?;
        let method = request.method().clone();
        // Without the query, which may contain secrets.
        let tell = |outcome: &dyn Display| {
            debug!(
                "{method} {origin}{}: {outcome}, {} ms",
                url.path(),
                begun.elapsed().as_millis()
            );
        };
        let mut response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(e) => {
                let error = HttpError::from_reqwest(origin.clone(), e).noting(&self.note);
                tell(&error);
                return Err(error);
            }
        };
        tell(&response.status().as_u16());
        let (status, headers, now) =
            (response.status().as_u16(), response.headers(), self.clock.now());
        let limit = RateLimit::read(|name| headers.get(name)?.to_str().ok(), now);
        let retry_after = text(headers, &RETRY_AFTER).and_then(|value| retry_after(value, now));
        let served = Served::of(headers, now);
        self.compare_clocks(&served, &origin);
        self.pace.answered(url, status, retry_after, limit, method == Method::GET);
        Ok(Answer {
            status,
            content_type: text(headers, &CONTENT_TYPE).map(media_type),
            dpop_nonce: text(headers, &DPOP_NONCE).map(str::to_owned),
            retry_after,
            served,
            body: read(&mut response, limits.bytes, &origin).await,
        })
    }
}

impl Answer {
    /// Checks whether the media type is JSON.
    pub fn is_json(&self) -> bool {
        self.content_type
            .as_deref()
            .is_some_and(|kind| kind.ends_with("/json") || kind.ends_with("+json"))
    }
}

async fn read(
    response: &mut reqwest::Response,
    limit: usize,
    origin: &str,
) -> Result<Vec<u8>, HttpError> {
    let too_large = || HttpError::too_large(origin.to_owned());
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|e| HttpError::from_reqwest(origin.to_owned(), e))?
    {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let encoding = text(response.headers(), &CONTENT_ENCODING);
    input::decompressed(body, encoding, limit).map_err(|failure| match failure {
        Compressed::TooLarge => too_large(),
        Compressed::Unknown => HttpError::unreadable(
            response.url(),
            "is compressed without being asked for, and cannot be read",
        ),
    })
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn media_type(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let wait = if let Ok(seconds) = value.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
        Duration::try_from(at.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
