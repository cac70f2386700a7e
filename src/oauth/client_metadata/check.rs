//! Rules by which servers refuse a client metadata document, one function per topic.

use std::collections::HashSet;

use serde_json::Value;

use super::client_id::{self, ClientIdKind};
use super::finding::{Finding, Findings};
use super::members::{Given, Members};
use super::{jwks, place, uris};
use crate::session::{ScopeFault, scope_fault};

/// Response types known to servers (RFC 6749, OAuth 2.0 Multiple Response Type Encoding Practices).
const RESPONSE_TYPES: [&str; 8] = [
    "code",
    "token",
    "none",
    "id_token",
    "code token",
    "code id_token",
    "id_token token",
    "code id_token token",
];
/// Members of `OpenID` Connect and other profiles that servers refuse, with any value.
const REFUSED: [&str; 5] = [
    "default_max_age",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "id_token_signed_response_alg",
    "authorization_encrypted_response_enc",
];

/// Finds all faults of a document. `served_at` is the URL it was fetched from, if any.
pub fn check(document: &Value, served_at: Option<&str>) -> Vec<Finding> {
    let mut findings = Findings::default();
    let Value::Object(members) = document else {
        findings.problem(
            "document",
            "must be a JSON object",
            "write the output of `oauthctl metadata`",
        );
        return findings.into_vec();
    };
    let document = Members(members);
    document.check_types(&mut findings);
    let client_id = check_client_id(&document, served_at, &mut findings);
    check_pages(&document, &client_id, &mut findings);
    check_application_type(&document, &client_id, &mut findings);
    check_redirect_uris(&document, &client_id, &mut findings);
    check_scope(&document, &mut findings);
    if let ClientIdKind::Loopback(known) = &client_id {
        let redirect_uris = document.texts("redirect_uris").value().unwrap_or_default();
        known.check_covers(&redirect_uris, document.text("scope").value(), &mut findings);
    }
    check_grants(&document, &mut findings);
    check_response_types(&document, &mut findings);
    check_token_binding(&document, &mut findings);
    check_authentication(&document, &client_id, &mut findings);
    check_keys(&document, &mut findings);
    check_refused(&document, &mut findings);
    findings.into_vec()
}

/// Finds all faults of a published key set.
pub fn check_jwks(document: &Value) -> Vec<Finding> {
    let mut findings = Findings::default();
    jwks::check("jwks", document, &mut findings);
    findings.into_vec()
}

fn check_client_id(
    document: &Members,
    served_at: Option<&str>,
    findings: &mut Findings,
) -> ClientIdKind {
    match document.text("client_id") {
        Given::Mistyped => ClientIdKind::Unusable,
        Given::Absent => {
            findings.problem(
                "client_id",
                "must be set",
                "write the URL under which this document is published",
            );
            ClientIdKind::Unusable
        }
        Given::Is(text) => {
            if let Some(url) = served_at
                && text != url
            {
                let fix = format!("write {url:?}, or publish the document where client_id says");
                findings.problem("client_id", "must be exactly the URL of the document", fix);
            }
            client_id::check(text, findings)
        }
    }
}

fn check_pages(document: &Members, client_id: &ClientIdKind, findings: &mut Findings) {
    if let Given::Is(text) = document.text("client_uri") {
        uris::check_client_uri(text, client_id, findings);
    }
    for member in ["logo_uri", "tos_uri", "policy_uri"] {
        if let Given::Is(text) = document.text(member) {
            uris::check_page(member, text, findings);
        }
    }
    for (index, contact) in
        document.texts("contacts").value().unwrap_or_default().iter().enumerate()
    {
        let is_address = contact
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
        if !is_address {
            findings.problem(
                &format!("contacts[{index}]"),
                "must be an e-mail address",
                "write name@host",
            );
        }
    }
}

/// Checks whether the client is native. `None` if the document does not say so in a form that
/// servers accept. The default is web.
fn is_native(document: &Members) -> Option<bool> {
    match document.text("application_type") {
        Given::Absent | Given::Is("web") => Some(false),
        Given::Is("native") => Some(true),
        Given::Is(_) | Given::Mistyped => None,
    }
}

fn check_application_type(document: &Members, client_id: &ClientIdKind, findings: &mut Findings) {
    const MEMBER: &str = "application_type";
    match document.text(MEMBER) {
        Given::Is("native") | Given::Mistyped => {}
        Given::Is("web") | Given::Absent => {
            if client_id.is_loopback() {
                findings.problem(
                    MEMBER,
                    r#"must be "native" for a loopback client"#,
                    r#"write "native""#,
                );
            }
        }
        Given::Is(_) => findings.problem(MEMBER, r#"must be "web" or "native""#, r#"write "web""#),
    }
}

fn check_redirect_uris(document: &Members, client_id: &ClientIdKind, findings: &mut Findings) {
    let uris = match document.texts("redirect_uris") {
        Given::Mistyped => return,
        Given::Absent => Vec::new(),
        Given::Is(uris) => uris,
    };
    if uris.is_empty() {
        findings.problem(
            "redirect_uris",
            "must name at least one URL",
            "add the URL of the app's callback",
        );
    }
    let native = is_native(document);
    for (index, uri) in uris.iter().enumerate() {
        uris::check_redirect_uri(
            &format!("redirect_uris[{index}]"),
            uri,
            native,
            client_id,
            findings,
        );
    }
}

/// Checks `scope` (RFC 6749 section 3.3; atproto OAuth profile, "Authorization Scopes").
fn check_scope(document: &Members, findings: &mut Findings) {
    let scope = match document.text("scope") {
        Given::Mistyped => return,
        Given::Absent => {
            findings.problem(
                "scope",
                "must be set and contain atproto",
                r#"write "scope":"atproto""#,
            );
            return;
        }
        Given::Is(scope) => scope,
    };
    let is_token_byte = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if scope.split(' ').any(|token| token.is_empty() || !token.bytes().all(is_token_byte)) {
        findings.problem(
            "scope",
            "must be ASCII words with one space between them, without quotes or backslashes",
            r#"write "atproto transition:generic", for example"#,
        );
    }
    let tokens: Vec<_> = scope.split(' ').filter(|token| !token.is_empty()).collect();
    if !tokens.contains(&"atproto") {
        findings.problem("scope", "must contain atproto", "add atproto to it");
    }
    for token in &tokens {
        if let Some(ScopeFault { rule, fix }) = scope_fault(token) {
            let rule = format!("{token:?} {rule}, or servers pass it over");
            findings.rule("scope_syntax").warning("scope", rule, fix);
        }
    }
    for token in repeated(&tokens) {
        findings.problem("scope", format!("must not name {token:?} twice"), "remove one of them");
    }
}

/// Checks `grant_types`. The default is `authorization_code` alone (RFC 7591 section 2).
fn check_grants(document: &Members, findings: &mut Findings) {
    const MEMBER: &str = "grant_types";
    let write = r#"write ["authorization_code","refresh_token"]"#;
    let grants = match document.texts(MEMBER) {
        Given::Mistyped => return,
        Given::Absent => vec!["authorization_code"],
        Given::Is(grants) => grants,
    };
    if !grants.contains(&"authorization_code") {
        findings.problem(MEMBER, "must contain authorization_code", write);
    }
    for grant in &grants {
        match *grant {
            "authorization_code" | "refresh_token" => {}
            "implicit" => findings.problem(MEMBER, "must never contain implicit", "remove it"),
            other => {
                findings.problem(
                    MEMBER,
                    format!("must not contain {other:?}, which servers do not grant"),
                    "remove it",
                );
            }
        }
    }
    for grant in repeated(&grants) {
        findings.problem(MEMBER, format!("must not name {grant:?} twice"), "remove one of them");
    }
    if !grants.contains(&"refresh_token") {
        findings.warning(
            MEMBER,
            "lacks refresh_token, so each session ends when its first access token expires",
            write,
        );
    }
}

/// Checks `response_types`. The default is `code` alone (RFC 7591 section 2).
fn check_response_types(document: &Members, findings: &mut Findings) {
    const MEMBER: &str = "response_types";
    let write = r#"write ["code"]"#;
    match document.texts(MEMBER) {
        Given::Mistyped => {}
        Given::Absent => {
            findings.warning(MEMBER, "is missing, but required by the atproto profile", write);
        }
        Given::Is(types) => {
            if !types.contains(&"code") {
                findings.problem(MEMBER, "must contain code", write);
            }
            if let Some(other) = types.iter().find(|name| !RESPONSE_TYPES.contains(name)) {
                findings.problem(
                    MEMBER,
                    format!("must not contain {other:?}, which servers do not know"),
                    write,
                );
            }
        }
    }
}

/// Checks that tokens are bound with DPoP and not with mutual TLS (RFC 9449 section 5.2, RFC 8705
/// section 3.4).
fn check_token_binding(document: &Members, findings: &mut Findings) {
    const DPOP: &str = "dpop_bound_access_tokens";
    const MUTUAL_TLS: &str = "tls_client_certificate_bound_access_tokens";
    if let Given::Absent | Given::Is(false) = document.flag(DPOP) {
        findings.problem(DPOP, "must be true", "write true");
    }
    if let Given::Is(true) = document.flag(MUTUAL_TLS) {
        findings.problem(
            MUTUAL_TLS,
            "must not be true: atproto binds tokens with DPoP",
            "remove the member",
        );
    }
}

/// Checks the authentication method: `none` or `private_key_jwt` (atproto OAuth profile, "Types of
/// Clients").
fn check_authentication(document: &Members, client_id: &ClientIdKind, findings: &mut Findings) {
    const METHOD: &str = "token_endpoint_auth_method";
    const ALGORITHM: &str = "token_endpoint_auth_signing_alg";
    let choose = r#"write "private_key_jwt" with a key set, or "none""#;
    let has_keys = document.value("jwks").is_some() || document.value("jwks_uri").is_some();
    let method = match document.text(METHOD) {
        Given::Mistyped => return,
        Given::Absent => {
            let rule = "must be set: its default client_secret_basic is not allowed in atproto";
            findings.problem(METHOD, rule, choose);
            return;
        }
        Given::Is(method) => method,
    };
    match method {
        "none" => {
            if document.value(ALGORITHM).is_some() {
                findings.problem(
                    ALGORITHM,
                    "must not be set for a public client",
                    "remove the member",
                );
            }
            if has_keys {
                let rule = r#"is "none", so the published keys are never used and sessions end after two weeks"#;
                findings.warning(METHOD, rule, r#"write "private_key_jwt", or remove the keys"#);
            }
        }
        "private_key_jwt" => {
            if client_id.is_loopback() || is_native(document) == Some(true) {
                findings.problem(
                    METHOD,
                    r#"must be "none" for a native client"#,
                    r#"write "none""#,
                );
            }
            if !has_keys {
                findings.problem(
                    "jwks_uri",
                    "must be set, or jwks",
                    "write the URL of the public key set",
                );
            }
            match document.text(ALGORITHM) {
                Given::Absent | Given::Is("") => {
                    findings.problem(ALGORITHM, "must be set", r#"write "ES256""#);
                }
                Given::Is("none") => {
                    findings.problem(ALGORITHM, r#"must never be "none""#, r#"write "ES256""#);
                }
                Given::Is("ES256") | Given::Mistyped => {}
                Given::Is(_) => {
                    findings.warning(
                        ALGORITHM,
                        "is not ES256, the only one that every server takes",
                        r#"write "ES256""#,
                    );
                }
            }
        }
        _ => findings.problem(METHOD, r#"must be "private_key_jwt" or "none""#, choose),
    }
}

fn check_keys(document: &Members, findings: &mut Findings) {
    if let (Some(_), Some(_)) = (document.value("jwks"), document.value("jwks_uri")) {
        findings.problem("jwks", "must not be combined with jwks_uri", "remove one of the two");
    }
    if let Some(jwks) = document.value("jwks") {
        jwks::check("jwks", jwks, findings);
    }
    if let Given::Is(text) = document.text("jwks_uri") {
        let url = place::parse(text).filter(|url| url.scheme() == "https" && !place::is_local(url));
        if url.is_none() {
            findings.problem(
                "jwks_uri",
                "must be an https URL of a public host",
                "write https://…",
            );
        }
    }
}

fn check_refused(document: &Members, findings: &mut Findings) {
    if let Given::Is(subject_type) = document.text("subject_type")
        && subject_type != "public"
    {
        findings.problem("subject_type", r#"must be "public" or missing"#, "remove the member");
    }
    for member in REFUSED {
        if document.value(member).is_some() {
            findings.problem(
                member,
                "must not be set: atproto has no OpenID Connect",
                "remove the member",
            );
        }
    }
    let details = document.texts("authorization_details_types").value();
    if details.is_some_and(|types| !types.is_empty()) {
        let rule = "must be empty: atproto servers know no such types (RFC 9396)";
        findings.problem("authorization_details_types", rule, "remove the member");
    }
}

/// Returns the repetitions in a list, one entry each.
fn repeated<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    let mut seen = HashSet::new();
    texts.iter().copied().filter(|text| !seen.insert(*text)).collect()
}
