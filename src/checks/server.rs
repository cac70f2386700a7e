//! Checks the features of an authorization server by its metadata (RFC 8414; atproto OAuth profile,
//! "Authorization servers").

use serde_json::Value;

use super::{Finding, Severity, Topic, served};
use crate::json::{items, member, text};
use crate::oauth::{LookupError, Published};
use crate::session::Issuer;

const TOPIC: Topic = Topic::Server;
const WHY: &str = "users with an account there cannot log in";
const FIX: &str = "ask the operator of the server; the app cannot fix it";

/// Members with lists, their required values, and the purpose of these.
const REQUIRED: [(&str, &str, &str); 6] = [
    ("grant_types_supported", "authorization_code", "logins"),
    ("grant_types_supported", "refresh_token", "sessions that last longer than an hour"),
    ("response_types_supported", "code", "logins"),
    ("code_challenge_methods_supported", "S256", "logins (PKCE)"),
    ("scopes_supported", "atproto", "accounts of the atproto network"),
    ("dpop_signing_alg_values_supported", "ES256", "sender-constrained tokens (DPoP)"),
];
/// Further requirements of a confidential client.
const REQUIRED_BY_CONFIDENTIAL: [(&str, &str, &str); 2] = [
    ("token_endpoint_auth_methods_supported", "private_key_jwt", "confidential clients"),
    ("token_endpoint_auth_signing_alg_values_supported", "ES256", "confidential clients"),
];
/// Members that must be true.
const SWITCHES: [(&str, &str); 2] = [
    ("client_id_metadata_document_supported", "clients that publish their metadata"),
    (
        "require_pushed_authorization_requests",
        "pushed authorization requests, which atproto requires",
    ),
];
/// URLs that must be present.
const ENDPOINTS: [&str; 3] =
    ["authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint"];

/// Checks the metadata fetched from this issuer. `confidential` is `None` if unknown; `scope` is
/// the app's scope.
pub fn check(
    issuer: &Issuer<'_>,
    answer: &Result<Published, LookupError>,
    confidential: Option<bool>,
    scope: Option<&str>,
) -> Vec<Finding> {
    let (mut findings, document) = served::check(TOPIC, answer, WHY);
    let Some(metadata) = document else { return findings };
    let mut lacks =
        |what: String, why: &str| findings.push(Finding::problem(TOPIC, what, why, FIX));
    if member(metadata, "issuer") != issuer.as_str() {
        let what = format!("{issuer} identifies itself as {}", member(metadata, "issuer"));
        lacks(what, "clients reject a server with another issuer");
    }
    for (name, what) in SWITCHES.iter().filter(|(name, _)| *member(metadata, name) != true) {
        lacks(format!("{issuer} does not support {what} ({name})"), WHY);
    }
    for name in ENDPOINTS.iter().filter(|name| text(metadata, name).is_none()) {
        lacks(format!("{issuer} has no {name}"), WHY);
    }
    let required_by_confidential =
        REQUIRED_BY_CONFIDENTIAL.iter().filter(|_| confidential != Some(false));
    for (member, value, what) in REQUIRED.iter().chain(required_by_confidential) {
        if !lists(metadata, member, value) {
            lacks(format!("{issuer} does not support {what}: no {value} in {member}"), WHY);
        }
    }
    if text(metadata, "revocation_endpoint").is_none() {
        findings.push(Finding::warning(
            TOPIC,
            format!("{issuer} has no revocation_endpoint"),
            "sessions cannot be revoked there: tokens stay valid until they expire",
            FIX,
        ));
    }
    for token in
        scope.unwrap_or_default().split(' ').filter(|token| token.starts_with("transition:"))
    {
        if !lists(metadata, "scopes_supported", token) {
            let what = format!("{issuer} does not list the scope {token}");
            findings.push(Finding::warning(
                TOPIC,
                what,
                "it may reject logins that request it",
                FIX,
            ));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(TOPIC, format!("{issuer} supports {}", supported(metadata))));
    }
    findings
}

/// Checks whether the finding is free of faults.
pub fn is_fine(finding: &Finding) -> bool {
    finding.severity != Severity::Problem
}

fn lists(metadata: &Value, name: &str, value: &str) -> bool {
    items(metadata, name).any(|one| one == value)
}

/// Describes optional features of a server that meets all requirements.
fn supported(metadata: &Value) -> String {
    let list =
        |name: &str| items(metadata, name).filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let methods = list("token_endpoint_auth_methods_supported");
    format!(
        "{methods}; DPoP {}; scopes {}; revocation",
        list("dpop_signing_alg_values_supported"),
        list("scopes_supported")
    )
}
