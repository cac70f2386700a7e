//! Checks the published key set: public, valid, fresh, and consistent with the available keys.

use jiff::Timestamp;
use serde_json::Value;

use super::keys::named;
use super::{Finding, LocalKeys, Topic, served};
use crate::jose::KeySet;
use crate::json::{items, member, text};
use crate::oauth::client_metadata::{self, PRIVATE_MEMBERS, Severity};
use crate::oauth::{LookupError, Published};

const TOPIC: Topic = Topic::Jwks;
/// Consequence of all findings.
const WHY: &str = "servers cannot verify the app's signatures without its public keys, so logins and refreshes fail";
/// Fix for a set that differs.
const FIX: &str = "publish the output of `oauthctl jwks`; servers cache a key set for 10 minutes";

/// Checks the set under `jwks_uri`. Also returns the set, if it could be read.
pub fn check<'p>(
    answer: &'p Result<Published, LookupError>,
    keys: &LocalKeys,
    now: Timestamp,
) -> (Vec<Finding>, Option<&'p Value>) {
    let (mut findings, document) = served::check(TOPIC, answer, WHY);
    if let Some(document) = document {
        check_set(document, keys, now, &mut findings);
    }
    if let (Ok(published), Some(_)) = (answer, document) {
        findings.extend(served::check_stale(TOPIC, published, &findings));
        findings.extend(served::check_caching(TOPIC, "set", &published.served));
        if findings.is_empty() {
            findings.push(Finding::ok(
                TOPIC,
                format!("{} contains the configured keys", published.url),
            ));
        }
    }
    (findings, document)
}

/// Looks at a set under an address that need not be the app's, by the rules alone.
pub fn check_published(answer: &Result<Published, LookupError>) -> Vec<Finding> {
    let (mut findings, document) = served::check(TOPIC, answer, WHY);
    if let (Ok(published), Some(document)) = (answer, document) {
        findings.extend(check_document(document));
        findings.extend(served::check_caching(TOPIC, "set", &published.served));
    }
    findings
}

/// Looks at a set by the rules alone.
pub fn check_document(jwks: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_rules(jwks, &mut findings);
    findings
}

/// Looks at a set that stands in the client metadata, whose own rules were checked with it.
pub fn check_inline(jwks: &Value, keys: &LocalKeys, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_set(jwks, keys, now, &mut findings);
    findings
}

fn check_set(jwks: &Value, keys: &LocalKeys, now: Timestamp, findings: &mut Vec<Finding>) {
    let public = check_rules(jwks, findings);
    if let LocalKeys::Set(keys) = keys {
        compare(&public, keys, now, findings);
    }
}

/// Reports the rules that a set breaks. Returns it without private members.
fn check_rules(jwks: &Value, findings: &mut Vec<Finding>) -> Value {
    let mut stripped = jwks.clone();
    let keys_there = stripped.get_mut("keys").and_then(Value::as_array_mut);
    for key in keys_there.into_iter().flatten().filter_map(Value::as_object_mut) {
        let before = key.len();
        key.retain(|name, _| !PRIVATE_MEMBERS.contains(&name.as_str()));
        if key.len() < before {
            findings
                .push(leaked(key.get("kid").and_then(Value::as_str).unwrap_or("without a kid")));
        }
    }
    for broken in client_metadata::check_jwks(&stripped) {
        let what = format!("{}: {}", broken.member, broken.rule);
        findings.push(
            match broken.severity {
                Severity::Problem => Finding::problem(TOPIC, what, WHY, broken.fix),
                Severity::Warning => {
                    Finding::warning(TOPIC, what, "servers go by what they understand", broken.fix)
                }
            }
            .named(&broken.code)
            .about(&broken.member),
        );
    }
    stripped
}

/// Returns the finding about a published private key, which is more urgent than any other.
fn leaked(kid: &str) -> Finding {
    Finding::problem(
        Topic::Keys,
        format!("the private part of key {kid} is published"),
        "anybody can act as the app at every server, and use leaked tokens",
        "publish the output of `oauthctl jwks`, then replace the key: `oauthctl keys rotate`, and `oauthctl keys retire` with --revoke-sessions for the old one",
    )
    .named("published")
    .about("d")
}

fn compare(jwks: &Value, keys: &KeySet, now: Timestamp, findings: &mut Vec<Finding>) {
    let published = || items(jwks, "keys");
    for (key, kid) in named(keys) {
        match published().find(|one| member(one, "kid") == kid.as_str()) {
            Some(one) if key.has_public_half(one) => {}
            Some(_) => findings.push(Finding::problem(
                TOPIC,
                format!("another key than the configured one is published as {kid}"),
                "servers reject the app's signatures with invalid_client",
                format!("find out which of the two keys the app uses; {FIX}"),
            )
            .named("other_key")
            .about("keys")),
            None if key.not_before().is_some_and(|nbf| nbf > now) => {
                let nbf = key.not_before().unwrap_or(now);
                let by = nbf.checked_sub(served::KEPT_BY_SERVERS).unwrap_or(nbf);
                let what = format!("key {kid} is not published yet, and signs from {nbf:.0} on");
                let why = "servers that do not know it by then refuse every login and refresh that it signs";
                let fix = format!("publish what `oauthctl jwks` prints before {by:.0}");
                let make = if by > now { Finding::warning } else { Finding::problem };
                findings.push(make(TOPIC, what, why, fix).named("next_key").about("keys"));
            }
            None => findings.push(Finding::problem(
                TOPIC,
                format!("key {kid} is not published"),
                "servers reject its signatures with invalid_client: its sessions cannot be refreshed, and logins with it fail",
                FIX,
            )
            .named("missing_key")
            .about("keys")),
        }
    }
    let known = |one: &Value| named(keys).any(|(_, kid)| member(one, "kid") == kid.as_str());
    for kid in published().filter(|one| !known(one)).filter_map(|one| text(one, "kid")) {
        findings.push(
            Finding::warning(
                TOPIC,
                format!("key {kid} is published but not configured"),
                "anybody who has its private part can act as the app",
                format!("if it is yours, add it to `keys`; if it is not: {FIX}"),
            )
            .named("strange_key")
            .about("keys"),
        );
    }
}
