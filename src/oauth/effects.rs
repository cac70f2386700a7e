//! Time, randomness, and what may be spoken to: handed in.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use url::Url;

use super::http::RateSettings;

/// What of the network may be spoken to, and whom to ask (settings `[network]`).
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Knows `did:plc` documents.
    pub plc_directory: Url,
    /// Answers DNS questions over HTTPS, in JSON.
    pub doh_resolver: Url,
    /// Development: http beside https.
    pub allow_http: bool,
    /// Development: loopback and private addresses.
    pub allow_private_hosts: bool,
    /// Certificates added to the public roots, in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificates that the environment adds, in PEM. Those that cannot be used are left out.
    pub system_pem: Vec<u8>,
    /// HTTP proxy.
    pub proxy: ProxySettings,
    /// How many requests a second each origin gets.
    pub rates: RateSettings,
}

/// The HTTP proxy for https requests.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// Its address. May hold a password.
    pub address: Option<Url>,
    /// Hosts that are reached without it, as `NO_PROXY` lists them.
    pub exceptions: Option<String>,
    /// A variable that names a proxy, which nobody has said to use.
    pub unused: Option<&'static str>,
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("host", &self.address.as_ref().and_then(Url::host_str))
            .finish_non_exhaustive()
    }
}

/// Says what time it is.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

/// Gives 128 random bits at a time.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn() -> [u8; 16] + Send + Sync>);

impl Clock {
    /// Wraps a source of time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Random {
    /// Wraps a source of randomness, which must be fit for secrets.
    pub fn new(bytes: impl Fn() -> [u8; 16] + Send + Sync + 'static) -> Self {
        Self(Arc::new(bytes))
    }

    /// Returns an identifier that has never been used before: a `jti`.
    pub fn id(&self) -> String {
        BASE64URL.encode((self.0)())
    }
}
