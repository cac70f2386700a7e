//! Published documents as `doctor` sees them: every way in which a deployment is broken has a name, and
//! says what is to be changed.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use testbed::{Endpoint, Fault, JWKS_PATH, METADATA_PATH, Reply, keys};

use crate::deployment::{Deployment, now};

/// One way in which a deployment is broken.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    break_it: fn(&mut Deployment),
    severity: &'static str,
    code: &'static str,
    member: Option<&'static str>,
    /// A part of what is said.
    says: &'static str,
}

const fn case(
    name: &'static str,
    break_it: fn(&mut Deployment),
    code: &'static str,
    member: Option<&'static str>,
    says: &'static str,
) -> Case {
    Case { name, break_it, severity: "problem", code, member, says }
}

const fn warning(case: Case) -> Case {
    Case { severity: "warning", ..case }
}

fn jwks_with(deployment: &Deployment, other: &Value) {
    deployment.net.publish_jwks(&json!({"keys": [deployment.public_key(), other]}));
}

fn own_key_with(deployment: &Deployment, member: &str, value: &Value) {
    let mut key = deployment.public_key();
    key[member] = value.clone();
    deployment.net.publish_jwks(&json!({"keys": [key]}));
}

fn metadata_as(deployment: &Deployment, change: impl Fn(Reply) -> Reply) {
    let reply = Reply::json(200, &deployment.net.metadata());
    deployment.net.publish(METADATA_PATH, change(reply));
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    vec![
        case(
            "redirect URI of another host",
            |broken| broken.metadata_with("redirect_uris", json!(["https://old.example.com/cb"])),
            "metadata.differs",
            Some("redirect_uris"),
            "is configured but not published",
        ),
        case(
            "redirect URI of the development server",
            |broken| broken.metadata_with("redirect_uris", json!(["http://localhost:3000/cb"])),
            "metadata.redirect_uris",
            Some("redirect_uris[0]"),
            "localhost",
        ),
        case(
            "no redirect URI",
            |broken| broken.metadata_with("redirect_uris", json!([])),
            "metadata.redirect_uris",
            Some("redirect_uris"),
            "at least one",
        ),
        case(
            "scope not published",
            |broken| broken.metadata_with("scope", json!("atproto")),
            "metadata.differs",
            Some("scope"),
            "transition:generic",
        ),
        case(
            "scope without atproto",
            |broken| broken.metadata_with("scope", json!("transition:generic")),
            "metadata.scope",
            Some("scope"),
            "must contain atproto",
        ),
        warning(case(
            "misspelt scope",
            |broken| {
                broken.metadata_with("scope", json!("atproto transition:generic transition:emial"));
            },
            "metadata.scope_syntax",
            Some("scope"),
            "transition:emial",
        )),
        case(
            "method none beside keys",
            |broken| broken.metadata_with("token_endpoint_auth_method", json!("none")),
            "metadata.auth_method",
            Some("token_endpoint_auth_method"),
            "public client",
        ),
        case(
            "unknown method",
            |broken| {
                broken.metadata_with("token_endpoint_auth_method", json!("client_secret_post"));
            },
            "metadata.token_endpoint_auth_method",
            Some("token_endpoint_auth_method"),
            "private_key_jwt",
        ),
        case(
            "no signing algorithm",
            |broken| broken.metadata_with("token_endpoint_auth_signing_alg", Value::Null),
            "metadata.token_endpoint_auth_signing_alg",
            Some("token_endpoint_auth_signing_alg"),
            "not null",
        ),
        case(
            "both jwks and jwks_uri",
            |broken| broken.metadata_with("jwks", json!({"keys": [broken.public_key()]})),
            "metadata.jwks",
            Some("jwks"),
            "combined with jwks_uri",
        ),
        case(
            "jwks_uri over http",
            |broken| broken.metadata_with("jwks_uri", json!("http://app.example.com/jwks.json")),
            "metadata.jwks_uri",
            Some("jwks_uri"),
            "https",
        ),
        case(
            "jwks_uri that leads nowhere",
            |broken| {
                broken
                    .metadata_with("jwks_uri", json!(format!("{}/nowhere", broken.net.app_url())));
            },
            "jwks.status",
            None,
            "status 404",
        ),
        case(
            "client_id of another deployment",
            |broken| broken.metadata_with("client_id", json!("https://preview.example.com/c.json")),
            "metadata.client_id",
            Some("client_id"),
            "must be exactly the URL",
        ),
        case(
            "client_uri of another origin",
            |broken| broken.metadata_with("client_uri", json!("https://www.example.com")),
            "metadata.client_uri",
            Some("client_uri"),
            "same origin",
        ),
        case(
            "tokens not bound by DPoP",
            |broken| broken.metadata_with("dpop_bound_access_tokens", json!(false)),
            "metadata.dpop_bound_access_tokens",
            Some("dpop_bound_access_tokens"),
            "must be true",
        ),
        case(
            "key without a kid",
            |broken| own_key_with(broken, "kid", &Value::Null),
            "jwks.kid",
            Some("jwks.keys[0]"),
            "kid",
        ),
        case(
            "two keys of one kid",
            |broken| jwks_with(broken, &keys::public(&keys::client_key("testbed-1"))),
            "jwks.duplicate_kid",
            Some("jwks.keys[1]"),
            "of its own",
        ),
        case(
            "private key served",
            |broken| broken.net.publish_jwks(&json!({"keys": [broken.net.signing_key().unwrap()]})),
            "keys.published",
            Some("d"),
            "private part",
        ),
        case(
            "bare array",
            |broken| broken.net.publish_jwks(&json!([])),
            "jwks.bare_array",
            Some("jwks"),
            "not a bare array",
        ),
        case(
            "empty set",
            |broken| broken.net.publish_jwks(&json!({"keys": []})),
            "jwks.no_keys",
            Some("jwks.keys"),
            "at least one",
        ),
        case(
            "other key under the kid",
            |broken| {
                let other = keys::public(&keys::client_key("testbed-1"));
                broken.net.publish_jwks(&json!({"keys": [other]}));
            },
            "jwks.other_key",
            Some("keys"),
            "another key",
        ),
        case(
            "key for encryption",
            |broken| own_key_with(broken, "key_ops", &json!(["sign"])),
            "jwks.key_ops",
            Some("jwks.keys[0]"),
            "key_ops",
        ),
        warning(case(
            "Ed25519 beside it",
            |broken| {
                let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
                jwks_with(broken, &json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "ed"}));
            },
            "jwks.other_type",
            Some("jwks.keys[1]"),
            "is not an EC key",
        )),
        case(
            "stale copy",
            |broken| {
                let set = json!({"keys": [keys::public(&keys::client_key("old"))]});
                let reply = Reply::json(200, &set).header("x-vercel-cache", "PRERENDER");
                broken.net.publish(JWKS_PATH, reply);
            },
            "jwks.stale",
            None,
            "x-vercel-cache: PRERENDER",
        ),
        warning(case(
            "next key not yet published",
            |broken| {
                let mut next = keys::client_key("next");
                let nbf = now() + SignedDuration::from_hours(24);
                next["nbf"] = json!(nbf.as_second());
                let set = json!([next, broken.net.signing_key().unwrap()]);
                broken.sandbox.file("keys.json", set.to_string());
            },
            "jwks.next_key",
            Some("keys"),
            "not published yet",
        )),
        case(
            "redirect",
            |broken| {
                broken
                    .net
                    .publish(METADATA_PATH, Reply::redirect("https://www.example.com/c.json"));
            },
            "metadata.redirect",
            None,
            "do not follow redirects",
        ),
        case(
            "redirect to a login",
            |broken| {
                let to = "https://vercel.com/sso-api?url=x";
                broken.net.publish(METADATA_PATH, Reply::redirect(to));
            },
            "metadata.login_page",
            None,
            "vercel.com",
        ),
        case(
            "page of the app",
            |broken| broken.net.publish(METADATA_PATH, Reply::html(200)),
            "metadata.html",
            None,
            "an HTML page",
        ),
        case(
            "forbidden",
            |broken| {
                let reply = Reply::json(403, &json!({"message": "Forbidden"}));
                broken.net.publish(METADATA_PATH, reply);
            },
            "metadata.status",
            None,
            "status 403",
        ),
        case(
            "bot protection",
            |broken| {
                let page = "<html><title>Just a moment...</title>";
                let reply = Reply::new(403, "text/html", page).header("cf-mitigated", "challenge");
                broken.net.publish(METADATA_PATH, reply);
            },
            "metadata.bot_shield",
            None,
            "bot protection",
        ),
        case(
            "password of a proxy",
            |broken| {
                let reply = Reply::html(401).header("www-authenticate", "Basic realm=staging");
                broken.net.publish(JWKS_PATH, reply);
            },
            "jwks.login_page",
            None,
            "asks for a login",
        ),
        case(
            "served as text",
            |broken| metadata_as(broken, |reply| reply.header("content-type", "text/plain")),
            "metadata.content_type",
            None,
            "text/plain",
        ),
        warning(case(
            "byte order mark",
            |broken| {
                metadata_as(broken, |mut reply| {
                    reply.body.insert(0, '\u{feff}');
                    reply
                });
            },
            "metadata.byte_order_mark",
            None,
            "byte order mark",
        )),
        warning(case(
            "slow",
            |broken| {
                let fault = Fault::DelayBefore(Duration::from_millis(2100));
                broken.net.fault(Endpoint::AppDocument, fault);
            },
            "metadata.slow",
            None,
            " s to load",
        )),
        warning(case(
            "kept by caches for a day",
            |broken| metadata_as(broken, |reply| reply.header("cache-control", "max-age=86400")),
            "metadata.max_age",
            None,
            "for 1d",
        )),
        case(
            "clock off",
            |broken| {
                let wrong = now() + SignedDuration::from_mins(5);
                broken.sandbox.set("OAUTHCTL_TEST_NOW", wrong.to_string());
            },
            "clock",
            None,
            "ahead of",
        ),
    ]
}

#[test]
fn a_broken_deployment_is_named_with_what_is_to_be_changed() {
    let mut missed = Vec::new();
    for Case { name, break_it, severity, code, member, says } in cases() {
        let mut broken = Deployment::new();
        let rows = |deployment: &Deployment| deployment.database.rows("SELECT * FROM auth_session");
        let before = rows(&broken);
        break_it(&mut broken);
        let (output, findings) = broken.run(&[]);
        let is_it = |finding: &&Value| {
            finding["severity"] == severity
                && finding["code"] == code
                && finding["member"].as_str() == member
                && finding["what"].as_str().unwrap().contains(says)
                && finding["why"].is_string()
                && finding["fix"].is_string()
        };
        if !findings.iter().any(|finding| is_it(&finding)) {
            missed.push(format!("{name}: {output}"));
        }
        assert_eq!(output.code, i32::from(severity == "problem"), "{name}: {output}");
        assert_eq!(rows(&broken), before, "{name}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(cases().len() >= 25);
}

#[test]
fn a_key_that_signs_soon_must_be_published_by_then() {
    for (minutes, severity) in [(60, "warning"), (5, "problem")] {
        let right = Deployment::new();
        let mut next = keys::client_key("next");
        next["nbf"] = json!((now() + SignedDuration::from_mins(minutes)).as_second());
        let set = json!([next, right.net.signing_key().unwrap()]);
        right.sandbox.file("keys.json", set.to_string());
        let (output, findings) = right.run(&[]);
        let found = findings.iter().find(|finding| finding["code"] == "jwks.next_key");
        assert_eq!(found.map(|finding| &finding["severity"]), Some(&json!(severity)), "{output}");
        right.net.publish_confidential(&[right.net.signing_key().unwrap(), next]);
        let (output, findings) = right.run(&[]);
        assert!(findings.iter().all(|finding| finding["code"] != "jwks.next_key"), "{output}");
        assert_eq!(output.code, 0, "{output}");
    }
}

#[test]
fn documents_are_waited_for() {
    let deployed = Deployment::new();
    let right = deployed.net.metadata();
    deployed.metadata_with("scope", json!("atproto"));
    let run = deployed.sandbox.start(["doctor", "--wait", "60s", "--format", "json"]);
    while deployed.net.requests_to(Endpoint::AppDocument).is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    deployed.net.publish_metadata(&right);
    let output = deployed.sandbox.output_of(run);
    assert_eq!(output.code, 0, "{output}");
    let waited = "waiting: scope: \"transition:generic\" is configured but not published\n";
    assert!(output.stderr.starts_with(waited), "{output}");
}

#[test]
fn the_wait_for_documents_has_an_end() {
    let broken = Deployment::new();
    broken.metadata_with("scope", json!("atproto"));
    let (output, findings) = broken.run(&["--wait", "1s"]);
    assert_eq!((output.code, &findings[0]["code"]), (1, &json!("metadata.differs")), "{output}");
}
