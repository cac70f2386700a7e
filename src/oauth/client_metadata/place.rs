//! Classifies the host of a URL: loopback, private or public (RFC 8252 sections 7 and 8).

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Reserved top-level names (RFC 6761, RFC 6762). `.internal` is not among them.
const LOCAL_NAMES: [&str; 5] = ["test", "local", "localhost", "invalid", "example"];

/// Parses a URL strictly. The URL parser tolerates blanks and a missing slash, but servers compare
/// texts.
pub(super) fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let spelled_out = match url.scheme() {
        web @ ("http" | "https") => {
            text.strip_prefix(web).is_some_and(|rest| rest.starts_with("://"))
        }
        _ => true,
    };
    let blank = |c: char| c.is_whitespace() || c.is_control();
    (spelled_out && !text.contains(blank)).then_some(url)
}

/// Checks whether the host is this machine, or a name that is valid only in a private network.
pub(in crate::oauth) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.rsplit_once('.').is_none_or(|(_, last)| LOCAL_NAMES.contains(&last))
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        // The reference server treats an IPv6 address as a name without a dot.
        Some(Host::Ipv6(_)) | None => true,
    }
}

/// Checks whether this is an `http` URL of `127.0.0.1` or `[::1]`, as RFC 8252 section 7.3 requires
/// of native apps.
pub(super) fn is_loopback_redirect(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
            Some(Host::Domain(_)) | None => false,
        }
}

/// Checks whether the URL contains a user name or password.
pub(super) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
