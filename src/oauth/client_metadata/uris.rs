//! URLs in a document: redirect URIs (RFC 8252 sections 7 and 8), and pages about the client.

use super::client_id::ClientIdKind;
use super::finding::Findings;
use super::place::{has_credentials, is_local, is_loopback_redirect, parse};

/// Checks a redirect URI. `native` is true for an app on a device, `None` if unknown.
pub(super) fn check_redirect_uri(
    member: &str,
    text: &str,
    native: Option<bool>,
    client_id: &ClientIdKind,
    findings: &mut Findings,
) {
    let Some(url) = parse(text) else {
        findings.problem(
            member,
            "must be a URL",
            "write the whole URL of the app's callback, https://…",
        );
        return;
    };
    if has_credentials(&url) {
        findings.problem(member, "must not contain credentials", "remove the part before the @");
    }
    if url.fragment().is_some() {
        findings.warning(
            member,
            "must not contain a fragment (RFC 6749, 3.1.2)",
            "remove the part from the #",
        );
    }
    match url.scheme() {
        "https" if is_local(&url) => findings.problem(
            member,
            "must not lead to a local host",
            "write the app's public host; the development form http://localhost?… takes http://127.0.0.1",
        ),
        "https" => {}
        "http" if is_loopback_redirect(&url) => {
            if native == Some(false) {
                findings.problem(
                    member,
                    "must be https for a web client: only a native one may use loopback addresses",
                    "write the app's public https URL, or use the development form http://localhost?…",
                );
            }
        }
        "http" if url.host_str() == Some("localhost") => findings.problem(
            member,
            "must not use the name localhost (RFC 8252, 8.3)",
            "write https and a public host, or 127.0.0.1 for a native or development client",
        ),
        "http" => findings.problem(member, "must be https", "write https"),
        scheme if scheme.contains('.') => check_private_use(member, text, scheme, native, client_id, findings),
        scheme => findings.problem(
            member,
            format!("must be https or a private-use scheme, not {scheme:?} (RFC 8252, 7.1)"),
            "write https, or the client's domain name in reverse order: com.example.app:/callback",
        ),
    }
}

/// Checks `com.example.app:/callback` (RFC 8252 section 7.1, atproto OAuth profile).
fn check_private_use(
    member: &str,
    text: &str,
    scheme: &str,
    native: Option<bool>,
    client_id: &ClientIdKind,
    findings: &mut Findings,
) {
    if native == Some(false) {
        findings.problem(
            member,
            "must be https for a web client: only a native one may use a private-use scheme",
            r#"write https, or set application_type to "native""#,
        );
    }
    let path = text.get(scheme.len() + 1..).unwrap_or_default();
    if !path.starts_with('/') || path.starts_with("//") {
        findings.problem(
            member,
            "must have one slash after its private-use scheme",
            format!("write {scheme}:/{}", path.trim_start_matches('/')),
        );
    }
    if let Some(host) = client_id.host() {
        let reversed = host.rsplit('.').collect::<Vec<_>>().join(".");
        if scheme != reversed {
            findings.problem(
                member,
                "must use the host of client_id, reversed, as its private-use scheme",
                format!("write {reversed}:/…"),
            );
        }
    }
}

/// Checks the client's home page. The reference server requires it to match `client_id`.
pub(super) fn check_client_uri(text: &str, client_id: &ClientIdKind, findings: &mut Findings) {
    const MEMBER: &str = "client_uri";
    let id = match client_id {
        ClientIdKind::Loopback(_) => {
            findings.problem(
                MEMBER,
                "must not be in the document of a loopback client",
                "leave it out",
            );
            return;
        }
        ClientIdKind::Discoverable(id) => Some(id),
        ClientIdKind::Unusable => None,
    };
    let Some(url) = parse(text) else {
        findings.problem(MEMBER, "must be a URL", "write the app's home page, https://…");
        return;
    };
    if is_local(&url) {
        findings.problem(MEMBER, "must not name a local host", "write the app's public host");
    }
    if url.scheme() != "https" {
        findings.problem(MEMBER, "must be https", "write https");
    }
    let Some(id) = id else { return };
    if url.origin() != id.origin() {
        findings.problem(
            MEMBER,
            "must have the same origin as client_id",
            format!("write {}, or move client_id", id.origin().ascii_serialization()),
        );
    } else if !is_parent(url.path(), id.path()) {
        findings.problem(
            MEMBER,
            "must be a parent of client_id",
            format!("write {}, or move client_id below it", id.origin().ascii_serialization()),
        );
    }
}

fn is_parent(parent: &str, path: &str) -> bool {
    parent == path
        || path.strip_prefix(parent.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// Checks a page or picture that servers show to users.
pub(super) fn check_page(member: &str, text: &str, findings: &mut Findings) {
    match parse(text) {
        Some(url) if url.scheme() == "https" && !is_local(&url) => {}
        Some(url)
            if url.scheme() == "http"
                && (url.host_str() == Some("localhost") || is_loopback_redirect(&url)) =>
        {
            findings.warning(member, "leads to the user's own machine", "write a public https URL");
        }
        _ => findings.problem(member, "must be an https URL of a public host", "write https://…"),
    }
}
