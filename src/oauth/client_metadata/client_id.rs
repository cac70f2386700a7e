//! Rules of `client_id`: the https URL of the document itself
//! (draft-ietf-oauth-client-id-metadata-document section 3), or `http://localhost?…` for
//! development (atproto OAuth profile, "Localhost Client Development").

use std::collections::BTreeSet;

use url::{Host, Url, form_urlencoded};

use super::finding::Findings;
use super::place::{has_credentials, is_local, is_loopback_redirect, parse};

const MEMBER: &str = "client_id";
/// Prefix of loopback `client_id`s.
pub(super) const LOOPBACK: &str = "http://localhost";
/// Redirect URIs that the reference server assumes for a loopback client that names none.
const DEFAULT_LOOPBACK_REDIRECTS: [&str; 2] = ["http://127.0.0.1/", "http://[::1]/"];

/// Kind of a `client_id`.
pub(super) enum ClientIdKind {
    /// URL from which servers fetch the document.
    Discoverable(Url),
    /// Development client. Servers derive its document from these parameters.
    Loopback(LoopbackParameters),
    /// Missing or not a URL. Rules that depend on it are skipped.
    Unusable,
}

/// Query parameters of a loopback `client_id`.
pub(super) struct LoopbackParameters {
    redirect_uris: Vec<String>,
    scope: String,
}

impl ClientIdKind {
    /// Returns the host, if the URL has a significant one.
    pub(super) fn host(&self) -> Option<&str> {
        match self {
            Self::Discoverable(url) => url.host_str(),
            Self::Loopback(_) | Self::Unusable => None,
        }
    }

    /// Checks whether this is a development client.
    pub(super) fn is_loopback(&self) -> bool {
        matches!(self, Self::Loopback(_))
    }
}

/// Checks the text and returns its kind.
pub(super) fn check(text: &str, findings: &mut Findings) -> ClientIdKind {
    let Some(url) = parse(text) else {
        findings.problem(
            MEMBER,
            "must be a URL",
            "write the URL under which this document is published, https://…",
        );
        return ClientIdKind::Unusable;
    };
    if url.scheme() == "http" && url.host_str() == Some("localhost") {
        return ClientIdKind::Loopback(check_loopback(text, &url, findings));
    }
    check_discoverable(text, &url, findings);
    ClientIdKind::Discoverable(url)
}

fn check_discoverable(text: &str, url: &Url, findings: &mut Findings) {
    let before = findings.problems();
    if url.scheme() != "https" {
        findings.problem(
            MEMBER,
            "must be https",
            "write https; only the development form http://localhost?redirect_uri=…&scope=… is http",
        );
    }
    if has_credentials(url) {
        findings.problem(MEMBER, "must not contain credentials", "remove the part before the @");
    }
    if url.fragment().is_some() {
        findings.problem(MEMBER, "must not contain a fragment", "remove the part from the #");
    }
    if matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) {
        findings.problem(
            MEMBER,
            "must name a host, not an IP address",
            "write the app's domain name",
        );
    } else if is_local(url) {
        findings.problem(MEMBER, "must not name a local host", "write the app's public host");
    }
    if url.path().ends_with('/') {
        findings.problem(
            MEMBER,
            "must have a path, which does not end with a slash",
            "add the document's path, for example /oauth-client-metadata.json",
        );
    }
    // Servers compare the text with the URL they fetched, in normalised form.
    if findings.problems() == before && text != url.as_str() {
        findings.problem(MEMBER, "must be written as servers normalise it", format!("write {url}"));
    }
    if url.port().is_some() {
        findings.warning(
            MEMBER,
            "has a port, which servers accept only in development",
            "serve the document on port 443",
        );
    }
}

fn check_loopback(text: &str, url: &Url, findings: &mut Findings) -> LoopbackParameters {
    let bare =
        "write http://localhost?redirect_uri=…&scope=…; the app's own port goes into redirect_uri";
    if !text.starts_with(LOOPBACK) {
        findings.problem(MEMBER, "must begin with http://localhost, in lower case", bare);
    }
    if has_credentials(url) {
        findings.problem(MEMBER, "must not contain credentials", bare);
    }
    if url.port().is_some() {
        findings.problem(MEMBER, "must not have a port in its loopback form", bare);
    }
    if url.path() != "/" {
        findings.problem(MEMBER, "must not have a path in its loopback form", bare);
    }
    if url.fragment().is_some() {
        findings.problem(MEMBER, "must not contain a fragment", "remove the part from the #");
    }
    let mut redirect_uris = Vec::new();
    let mut scopes = Vec::new();
    for (name, value) in form_urlencoded::parse(url.query().unwrap_or_default().as_bytes()) {
        match &*name {
            "redirect_uri" => redirect_uris.push(value.into_owned()),
            "scope" => scopes.push(value.into_owned()),
            other => findings.problem(
                MEMBER,
                format!("must only have the parameters redirect_uri and scope in its loopback form, not {other:?}"),
                "remove it",
            ),
        }
    }
    if redirect_uris.iter().any(|uri| !parse(uri).is_some_and(|uri| is_loopback_redirect(&uri))) {
        findings.problem(
            MEMBER,
            "must name only redirect URIs of http://127.0.0.1 or http://[::1] in its loopback form",
            "write http://127.0.0.1:PORT/PATH, percent-encoded",
        );
    }
    if redirect_uris.is_empty() {
        redirect_uris.extend(DEFAULT_LOOPBACK_REDIRECTS.map(str::to_owned));
    }
    if scopes.len() > 1 {
        findings.problem(
            MEMBER,
            "must have one parameter scope in its loopback form",
            "join the scopes with %20",
        );
    }
    let scope = scopes.into_iter().next().unwrap_or_else(|| "atproto".to_owned());
    if !scope.split(' ').any(|token| token == "atproto") {
        findings.problem(
            MEMBER,
            "must contain the scope atproto in its loopback form",
            "write scope=atproto%20…",
        );
    }
    LoopbackParameters { redirect_uris, scope }
}

impl LoopbackParameters {
    /// Checks that the document adds nothing to the `client_id`, since servers see only the latter.
    pub(super) fn check_covers(
        &self,
        redirect_uris: &[&str],
        scope: Option<&str>,
        findings: &mut Findings,
    ) {
        for (index, uri) in redirect_uris.iter().enumerate() {
            if !self.redirect_uris.iter().any(|known| is_covered(known, uri)) {
                findings.problem(
                    &format!("redirect_uris[{index}]"),
                    "must be in client_id, from which servers read a loopback client",
                    "add it there as redirect_uri=…, percent-encoded",
                );
            }
        }
        let tokens: BTreeSet<_> =
            scope.unwrap_or_default().split(' ').filter(|token| !token.is_empty()).collect();
        for token in tokens {
            if !self.scope.split(' ').any(|known| known == token) {
                findings.problem(
                    "scope",
                    format!("must be in client_id, from which servers read a loopback client: {token:?} does not"),
                    "add it there to scope=…",
                );
            }
        }
    }
}

/// Checks whether a server that knows the redirect URI `known` accepts `uri`: equal, except for the
/// port if `known` has none (RFC 8252 section 7.3).
fn is_covered(known: &str, uri: &str) -> bool {
    let without_port = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_port(None).ok()?;
        Some(url)
    };
    known == uri
        || Url::parse(known)
            .is_ok_and(|known| known.port().is_none() && without_port(uri) == Some(known))
}
