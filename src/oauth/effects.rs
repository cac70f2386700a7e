//! Injected side effects: clock, randomness and the egress policy.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use url::Url;

use super::http::RateSettings;
use crate::proxy::ProxySettings;

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
