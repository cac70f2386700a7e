//! Injected side effects: clock, randomness and the egress policy.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use url::Url;

use super::http::RateSettings;

/// Egress policy and resolvers (settings `[network]`).
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Directory of `did:plc` documents.
    pub plc_directory: Url,
    /// DNS over HTTPS resolver with JSON answers.
    pub doh_resolver: Url,
    /// Development: permits http URLs.
    pub allow_http: bool,
    /// Development: permits loopback and private addresses.
    pub allow_private_hosts: bool,
    /// Certificates in PEM, trusted in addition to the public roots.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificates in PEM from the environment. Unusable ones are ignored.
    pub system_pem: Vec<u8>,
    /// HTTP proxy.
    pub proxy: ProxySettings,
    /// Request rates by origin.
    pub rates: RateSettings,
}

/// HTTP proxy for https requests.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// URL of the proxy. May contain a password.
    pub address: Option<Url>,
    /// Hosts reached without the proxy, in the syntax of `NO_PROXY`.
    pub exceptions: Option<String>,
    /// Environment variable that names a proxy, but is not used because the settings do not enable
    /// it.
    pub unused: Option<&'static str>,
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("host", &self.address.as_ref().and_then(Url::host_str))
            .finish_non_exhaustive()
    }
}

/// Source of the current time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

/// Source of randomness, 128 bits at a time.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn() -> [u8; 16] + Send + Sync>);

impl Clock {
    /// Wraps a source of time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Random {
    /// Wraps a source of randomness, which must be cryptographically secure.
    pub fn new(bytes: impl Fn() -> [u8; 16] + Send + Sync + 'static) -> Self {
        Self(Arc::new(bytes))
    }

    /// Returns a unique identifier for `jti` (RFC 7519 section 4.1.7).
    pub fn id(&self) -> String {
        BASE64URL.encode((self.0)())
    }
}
