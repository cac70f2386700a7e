//! HTTP proxy for https requests.

use std::fmt;

use reqwest::ClientBuilder;
use url::Url;

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

impl ProxySettings {
    /// Returns a client that goes through the proxy for https, which the proxy cannot read, and for nothing
    /// else. No variable of the environment has a say.
    pub fn apply(&self, client: ClientBuilder) -> reqwest::Result<ClientBuilder> {
        let client = client.no_proxy();
        let Some(address) = &self.address else { return Ok(client) };
        let exceptions = self.exceptions.as_deref().and_then(reqwest::NoProxy::from_string);
        let proxy = reqwest::Proxy::https(address.clone()).map_err(reqwest::Error::without_url)?;
        Ok(client.proxy(proxy.no_proxy(exceptions)))
    }

    /// Returns a note about the proxy for connections that fail; empty where there is none.
    pub fn note(&self) -> String {
        match (&self.address, self.unused) {
            (Some(address), _) => {
                format!(" through the proxy {}", address.host_str().unwrap_or_default())
            }
            (None, Some(name)) => format!(" ({name} is set but not used: see network.proxy)"),
            (None, None) => String::new(),
        }
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("host", &self.address.as_ref().and_then(Url::host_str))
            .finish_non_exhaustive()
    }
}
