//! Checks the published key set: public, valid, fresh, and consistent with the available keys.

use std::time::Duration;

use serde_json::Value;

use super::keys::named;
use super::{Finding, LocalKeys, Topic, served};
use crate::jose::KeySet;
use crate::json::{items, member, text};
use crate::oauth::client_metadata::{self, PRIVATE_MEMBERS, Severity};
use crate::oauth::{LookupError, Published, Served};
use crate::session::Age;

const TOPIC: Topic = Topic::Jwks;
/// Consequence of all findings.
const WHY: &str =
    "without the public keys servers cannot verify what the app signs: no login, no refresh";
/// Fix for a set that differs.
const FIX: &str =
    "publish what `oauthctl jwks` prints; servers keep the set they know for 10 minutes";
/// Time for which the reference server caches a set, in addition to other caches.
const KEPT_BY_SERVERS: Duration = Duration::from_mins(10);

/// Checks the set under `jwks_uri`. Also returns the set, if it could be read.
pub fn check<'p>(
    answer: &'p Result<Published, LookupError>,
    keys: &LocalKeys,
) -> (Vec<Finding>, Option<&'p Value>) {
    let (mut findings, document) = served::check(TOPIC, answer, WHY);
    if let Some(document) = document {
        check_set(document, keys, &mut findings);
    }
    if let (Ok(published), Some(_)) = (answer, document) {
        findings.extend(check_caching(&published.served));
        if findings.is_empty() {
            findings.push(Finding::ok(TOPIC, format!("{} holds the keys at hand", published.url)));
        }
    }
    (findings, document)
}

/// Checks a set inside the client metadata, whose general rules were checked with the metadata.
pub fn check_inline(jwks: &Value, keys: &LocalKeys) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_set(jwks, keys, &mut findings);
    findings
}

fn check_set(jwks: &Value, keys: &LocalKeys, findings: &mut Vec<Finding>) {
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
    if let LocalKeys::Set(keys) = keys {
        compare(&stripped, keys, findings);
    }
}

/// Returns the finding about a published private key, which is more urgent than any other.
fn leaked(kid: &str) -> Finding {
    Finding::problem(
        Topic::Keys,
        format!("the private half of key {kid} is published"),
        "anyone can act as the app at every server, and use every token that leaks",
        "publish what `oauthctl jwks` prints, then replace the key: `oauthctl keys rotate`, and \
         `oauthctl keys retire` with --revoke-sessions for the old one",
    )
    .named("published")
    .about("d")
}

fn compare(jwks: &Value, keys: &KeySet, findings: &mut Vec<Finding>) {
    let published = || items(jwks, "keys");
    for (key, kid) in named(keys) {
        match published().find(|one| member(one, "kid") == kid.as_str()) {
            Some(one) if key.has_public_half(one) => {}
            Some(_) => findings.push(Finding::problem(
                TOPIC,
                format!("another key than the one at hand is published as {kid}"),
                "servers refuse what the app signs, with invalid_client",
                format!("find out which of the two the app signs with; {FIX}"),
            )
            .named("other_key")
            .about("keys")),
            None => findings.push(Finding::problem(
                TOPIC,
                format!("key {kid} is not published"),
                "servers refuse what it signs, with invalid_client: its sessions cannot be refreshed, and no user can \
                 log in with it",
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
                format!("key {kid} is published and not at hand"),
                "whoever has its private half can act as the app",
                format!("if it is yours, add it to `keys`; if it is not: {FIX}"),
            )
            .named("strange_key")
            .about("keys"),
        );
    }
}

/// Checks the caching of the set. A new key works once no cache has the old set.
fn check_caching(served: &Served) -> Vec<Finding> {
    let why = "a new key is refused until every cache has forgotten the old set";
    let fix =
        "send Cache-Control: max-age=600 or less with it, and purge the cache when a key changes";
    let mut findings = Vec::new();
    if let Some(age) = served.age.filter(|age| *age > KEPT_BY_SERVERS) {
        findings.push(Finding::warning(
            TOPIC,
            format!("the set came out of a cache, {} old", length(age)),
            why,
            fix,
        ));
    }
    if let Some(max_age) = served.max_age.filter(|max_age| *max_age > KEPT_BY_SERVERS) {
        let what = format!("caches may keep the set for {}", length(max_age));
        findings.push(Finding::warning(TOPIC, what, why, fix));
    }
    findings
}

fn length(duration: Duration) -> Age {
    Age::from_secs(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}
