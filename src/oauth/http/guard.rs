//! Egress policy: HTTPS only, public addresses only (SSRF protection).

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::HttpError;
use crate::address::is_public;

/// Reason for which the egress policy refuses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forbidden {
    Scheme,
    Credentials,
    PrivateAddress,
}

/// Egress policy.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) allow_http: bool,
    pub(super) allow_private_hosts: bool,
    /// Host of the proxy. May have a private address.
    pub(super) proxy_host: Option<Arc<str>>,
}

impl Guard {
    /// Checks scheme and literal addresses. Host names are checked after resolution; literal
    /// addresses are never resolved. `Url` has already normalised decimal, octal and hexadecimal
    /// forms.
    pub(super) fn check(&self, url: &Url) -> Result<(), Forbidden> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(Forbidden::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::Credentials);
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Forbidden::Scheme),
        };
        if self.lets_through(address) { Ok(()) } else { Err(Forbidden::PrivateAddress) }
    }

    fn lets_through(&self, address: IpAddr) -> bool {
        self.allow_private_hosts || is_public(address)
    }
}

impl Guard {
    /// Checks a host name that the proxy will resolve. All addresses to which it resolves locally
    /// must be public. A name that does not resolve here must not be reserved for private networks.
    pub(super) async fn check_name(&self, url: &Url) -> Result<(), Forbidden> {
        const PRIVATE: [&str; 8] =
            ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "test", "invalid"];
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        if self.allow_private_hosts {
            return Ok(());
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let is_private =
            !name.contains('.') || PRIVATE.iter().any(|end| name.ends_with(&format!(".{end}")));
        let found = tokio::net::lookup_host((name.as_str(), 0)).await;
        let is_open = match found {
            Ok(addresses) => addresses.into_iter().all(|address| self.lets_through(address.ip())),
            Err(_) => true,
        };
        if is_open && !is_private { Ok(()) } else { Err(Forbidden::PrivateAddress) }
    }
}

/// Returns the reason for which the settings block this server, judging by its address alone.
pub fn objection(address: &str, allow_http: bool, allow_private_hosts: bool) -> Option<String> {
    // Most hosts are names, which are checked after resolution.
    let is_plain =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.contains('@');
    if address.strip_prefix("https://").is_some_and(is_plain) {
        return None;
    }
    let url = Url::parse(address).ok()?;
    let forbidden =
        Guard { allow_http, allow_private_hosts, proxy_host: None }.check(&url).err()?;
    Some(HttpError::forbidden(url.origin().ascii_serialization(), forbidden).to_string())
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if guard
                .proxy_host
                .as_deref()
                .is_some_and(|host| host.eq_ignore_ascii_case(name.as_str()))
            {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let open: Vec<SocketAddr> =
                found.iter().copied().filter(|address| guard.lets_through(address.ip())).collect();
            if open.is_empty() && !found.is_empty() {
                return Err(Forbidden::PrivateAddress.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "not https",
            Self::Credentials => "a URL with a user name",
            Self::PrivateAddress => "not a public address",
        })
    }
}

impl Error for Forbidden {}
