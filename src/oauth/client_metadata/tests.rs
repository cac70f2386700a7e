//! One row per rule: a valid document, one change, and the member that the finding must name.

use serde_json::{Value, json};

use super::*;
use crate::jose::{ClientKey, PublicJwks};

fn keys() -> PublicJwks {
    let mut key = ClientKey::from_secret(p256::SecretKey::from_slice(&[7; 32]).unwrap());
    key.set_kid("a".parse().unwrap());
    PublicJwks::of([&key])
}

fn metadata(authentication: Authentication) -> ClientMetadata {
    let site = Site::parse("https://app.example.com").unwrap();
    ClientMetadata {
        client_id: site.client_id(),
        about: vec![("client_uri", json!("https://app.example.com"))],
        redirect_uris: vec![site.resolve("/api/auth/atproto")],
        scope: "atproto transition:generic".to_owned(),
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        application_type: "web".to_owned(),
        authentication,
    }
}

fn confidential() -> Value {
    metadata(Authentication::Confidential(PublishedKeys::At(
        "https://app.example.com/.well-known/jwks.json".into(),
    )))
    .to_document()
}

fn inline() -> Value {
    metadata(Authentication::Confidential(PublishedKeys::Inline(keys()))).to_document()
}

fn public() -> Value {
    metadata(Authentication::Public).to_document()
}

fn native() -> Value {
    let mut document = public();
    document["application_type"] = json!("native");
    document["redirect_uris"] =
        json!(["com.example.app:/callback", "http://127.0.0.1/", "http://[::1]:8000/x"]);
    document
}

fn loopback() -> Value {
    let redirect_uris = vec!["http://127.0.0.1:3000/api/auth/atproto".to_owned()];
    let scope = "atproto transition:generic".to_owned();
    let client_id = loopback_client_id(&redirect_uris, &scope);
    let mut metadata = metadata(Authentication::Public);
    metadata.about.clear();
    ClientMetadata {
        client_id,
        redirect_uris,
        scope,
        application_type: "native".to_owned(),
        ..metadata
    }
    .to_document()
}

/// Returns the document with one member changed or, for `None`, removed.
fn with(mut document: Value, member: &str, value: impl Into<Option<Value>>) -> Value {
    let members = document.as_object_mut().unwrap();
    match value.into() {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.shift_remove(member),
    };
    document
}

/// Returns a document with one member of its only key changed.
fn with_key(member: &str, value: impl Into<Option<Value>>) -> Value {
    let mut document = inline();
    let key = with(document["jwks"]["keys"][0].take(), member, value);
    document["jwks"]["keys"][0] = key;
    document
}

fn found(document: &Value, severity: Severity) -> Vec<(String, String)> {
    let findings = check(document, None);
    findings.into_iter().filter(|f| f.severity == severity).map(|f| (f.member, f.rule)).collect()
}

/// Asserts that there is exactly one finding, with this severity and member, and this part in its
/// text.
#[track_caller]
fn assert_only(document: &Value, severity: Severity, member: &str, part: &str) {
    let found = found(document, severity);
    let expected = found.len() == 1 && found[0].0 == member && found[0].1.contains(part);
    assert!(expected, "expected {member}: …{part}…, found {found:#?}\nin {document:#}");
}

#[test]
fn what_oauthctl_writes_breaks_no_rule() {
    for document in [confidential(), inline(), public(), native(), loopback()] {
        assert_eq!(check(&document, None), [], "{document:#}");
    }
}

#[test]
fn a_document_lists_its_members_in_the_order_people_read_them() {
    let document = confidential();
    let names: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "client_id",
            "client_uri",
            "redirect_uris",
            "scope",
            "grant_types",
            "response_types",
            "application_type",
            "dpop_bound_access_tokens",
            "token_endpoint_auth_method",
            "token_endpoint_auth_signing_alg",
            "jwks_uri",
        ]
    );
    assert_eq!(document["client_id"], "https://app.example.com/oauth-client-metadata.json");
    assert_eq!(document["redirect_uris"][0], "https://app.example.com/api/auth/atproto");
}

#[test]
fn every_rule_about_client_id_is_checked() {
    for (id, part) in [
        (json!("app"), "must be a URL"),
        (json!("http://app.example.com/c.json"), "must be https"),
        (json!("https://user:pass@app.example.com/c.json"), "credentials"),
        (json!("https://app.example.com/c.json#x"), "fragment"),
        (json!("https://app.example.com"), "must have a path"),
        (json!("https://app.example.com/c/"), "must have a path"),
        (json!("https://192.0.2.1/c.json"), "IP address"),
        (json!("https://[2001:db8::1]/c.json"), "IP address"),
        (json!("https://app/c.json"), "local host"),
        (json!("https://localhost/c.json"), "local host"),
        (json!("https://app.test/c.json"), "local host"),
        (json!("https://APP.example.com/c.json"), "normalise"),
        (json!("https://app.example.com/a/../c.json"), "normalise"),
        (json!("https://app.example.com:443/c.json"), "normalise"),
        (json!(" https://app.example.com/c.json"), "must be a URL"),
        (json!(5), "must be a string"),
        (Value::Null, "not null"),
    ] {
        assert_only(
            &with(with(confidential(), "client_uri", None), "client_id", id),
            Severity::Problem,
            "client_id",
            part,
        );
    }
    assert_only(
        &with(confidential(), "client_id", None),
        Severity::Problem,
        "client_id",
        "must be set",
    );
}

#[test]
fn a_port_in_client_id_is_a_warning() {
    let document = with(confidential(), "client_id", json!("https://app.example.com:8443/c.json"));
    let document = with(document, "client_uri", json!("https://app.example.com:8443"));
    assert_only(&document, Severity::Warning, "client_id", "port");
    assert_eq!(found(&document, Severity::Problem), []);
}

#[test]
fn a_document_must_be_where_its_client_id_says() {
    let document = confidential();
    assert_eq!(check(&document, Some("https://app.example.com/oauth-client-metadata.json")), []);
    let findings = check(&document, Some("https://www.example.com/oauth-client-metadata.json"));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].member, "client_id");
}

#[test]
fn every_rule_about_a_loopback_client_is_checked() {
    let redirect = "redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fapi%2Fauth%2Fatproto";
    let scope = "scope=atproto%20transition%3Ageneric";
    let id = |text: String| with(loopback(), "client_id", json!(text));
    for (id, part) in [
        (format!("http://localhost:3000?{redirect}&{scope}"), "port"),
        (format!("http://localhost/app?{redirect}&{scope}"), "path"),
        (format!("http://localhost?{redirect}&{scope}#x"), "fragment"),
        (format!("http://me@localhost?{redirect}&{scope}"), "begin"),
        (format!("http://LOCALHOST?{redirect}&{scope}"), "lower case"),
        (format!("http://localhost?{redirect}&{scope}&x=1"), "\"x\""),
        (format!("http://localhost?{redirect}&{scope}&scope=atproto"), "one parameter scope"),
        (
            format!("http://localhost?{redirect}&redirect_uri=https%3A%2F%2Fa.example.com&{scope}"),
            "127.0.0.1",
        ),
        (
            format!("http://localhost?{redirect}&redirect_uri=http%3A%2F%2Flocalhost%2F&{scope}"),
            "127.0.0.1",
        ),
    ] {
        let document = self::with(loopback(), "client_id", json!(id));
        let found = found(&document, Severity::Problem);
        assert!(
            found.iter().any(|(member, rule)| member == "client_id" && rule.contains(part)),
            "{id}: {found:?}"
        );
    }
    for (document, member, part) in [
        (id(format!("http://localhost?{scope}")), "redirect_uris[0]", "client_id"),
        (id(format!("http://localhost/?{redirect}")), "scope", "transition:generic"),
        (with(loopback(), "application_type", json!("web")), "application_type", "native"),
        (
            with(loopback(), "client_uri", json!("https://app.example.com")),
            "client_uri",
            "loopback",
        ),
    ] {
        let found = found(&document, Severity::Problem);
        assert!(found.iter().any(|f| f.0 == member && f.1.contains(part)), "{member}: {found:?}");
    }
    let scope_alone = with(id(format!("http://localhost?{redirect}&scope=x")), "scope", json!("x"));
    let members: Vec<_> = found(&scope_alone, Severity::Problem).into_iter().map(|f| f.0).collect();
    assert_eq!(members, ["client_id", "scope"]);
}

#[test]
fn a_loopback_address_without_a_port_covers_every_port() {
    let id = "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%2Fx&scope=atproto";
    let mut document = with(loopback(), "client_id", json!(id));
    document["scope"] = json!("atproto");
    document["redirect_uris"] = json!(["http://127.0.0.1:5173/x"]);
    assert_eq!(check(&document, None), []);
    document["redirect_uris"] = json!(["http://127.0.0.1:5173/y"]);
    assert_only(&document, Severity::Problem, "redirect_uris[0]", "client_id");
}

#[test]
fn every_rule_about_redirect_uris_is_checked() {
    for (uri, part) in [
        ("app", "must be a URL"),
        ("https:app.example.com", "must be a URL"),
        ("http://app.example.com/x", "must be https"),
        ("http://127.0.0.1/x", "web client"),
        ("http://[::1]:3000/x", "web client"),
        ("http://localhost/x", "localhost"),
        ("https://localhost/x", "local host"),
        ("https://127.0.0.1/x", "local host"),
        ("https://app.local/x", "local host"),
        ("https://me:pw@app.example.com/x", "credentials"),
        ("com.example.app:/x", "web client"),
        ("myapp:/x", "private-use"),
    ] {
        assert_only(
            &with(public(), "redirect_uris", json!([uri])),
            Severity::Problem,
            "redirect_uris[0]",
            part,
        );
    }
    for (uri, part) in [
        ("http://localhost/x", "localhost"),
        ("com.example.other:/x", "reversed"),
        ("com.example.app://x", "one slash"),
        ("com.example.app:x", "one slash"),
    ] {
        assert_only(
            &with(native(), "redirect_uris", json!([uri])),
            Severity::Problem,
            "redirect_uris[0]",
            part,
        );
    }
    assert_only(
        &with(public(), "redirect_uris", None),
        Severity::Problem,
        "redirect_uris",
        "at least one",
    );
    assert_only(
        &with(public(), "redirect_uris", json!([])),
        Severity::Problem,
        "redirect_uris",
        "at least one",
    );
    assert_only(
        &with(public(), "redirect_uris", json!("x")),
        Severity::Problem,
        "redirect_uris",
        "array",
    );
    let fragment = json!(["https://app.example.com/x#y"]);
    assert_only(
        &with(public(), "redirect_uris", fragment),
        Severity::Warning,
        "redirect_uris[0]",
        "fragment",
    );
    let elsewhere = json!(["https://other.example.net/x"]);
    assert_eq!(check(&with(public(), "redirect_uris", elsewhere), None), []);
}

#[test]
fn every_rule_about_single_members_is_checked() {
    for (member, value, part) in [
        ("client_uri", json!("https://other.example.com"), "origin"),
        ("client_uri", json!("https://app.example.com/home"), "parent"),
        ("client_uri", json!("app"), "must be a URL"),
        ("client_name", json!(["a"]), "string"),
        ("logo_uri", json!("http://app.example.com/l.png"), "https"),
        ("tos_uri", json!("https://app/tos"), "https"),
        ("policy_uri", json!(1), "string"),
        ("contacts", json!("a@example.com"), "array"),
        ("scope", Value::Null, "not null"),
        ("scope", json!("transition:generic"), "atproto"),
        ("scope", json!("atproto2"), "atproto"),
        ("scope", json!("atproto x atproto"), "twice"),
        ("scope", json!("atproto  x"), "one space"),
        ("scope", json!("atproto \"x\""), "quotes"),
        ("grant_types", json!(["refresh_token"]), "authorization_code"),
        ("grant_types", json!(["authorization_code", "refresh_token", "implicit"]), "implicit"),
        ("grant_types", json!(["authorization_code", "refresh_token", "password"]), "password"),
        ("grant_types", json!(["authorization_code", "refresh_token", "refresh_token"]), "twice"),
        ("grant_types", json!("authorization_code"), "array"),
        ("response_types", json!([]), "code"),
        ("response_types", json!(["token"]), "code"),
        ("response_types", json!(["code", "x"]), "\"x\""),
        ("dpop_bound_access_tokens", json!(false), "true"),
        ("dpop_bound_access_tokens", json!("true"), "true or false"),
        ("token_endpoint_auth_method", json!("client_secret_basic"), "private_key_jwt"),
        ("token_endpoint_auth_method", json!(true), "string"),
        ("token_endpoint_auth_signing_alg", json!("none"), "never"),
        ("token_endpoint_auth_signing_alg", json!(256), "string"),
        ("application_type", json!("spa"), "web"),
        ("jwks_uri", json!("http://app.example.com/jwks.json"), "https"),
        ("jwks_uri", json!("https://localhost/jwks.json"), "public host"),
        ("subject_type", json!("pairwise"), "public"),
        ("authorization_details_types", json!(["x"]), "RFC 9396"),
        ("token_endpoint_auth_signing_alg", json!(""), "must be set"),
        ("default_max_age", json!(60), "must not"),
        ("userinfo_signed_response_alg", json!("ES256"), "must not"),
        ("userinfo_encrypted_response_alg", json!("x"), "must not"),
        ("id_token_signed_response_alg", json!("ES256"), "must not"),
        ("authorization_encrypted_response_enc", json!("A128CBC-HS256"), "must not"),
        ("tls_client_certificate_bound_access_tokens", json!(true), "DPoP"),
    ] {
        assert_only(&with(confidential(), member, value), Severity::Problem, member, part);
    }
    for (member, part) in [
        ("scope", "must be set"),
        ("dpop_bound_access_tokens", "true"),
        ("token_endpoint_auth_method", "must be set"),
        ("token_endpoint_auth_signing_alg", "must be set"),
        ("jwks_uri", "must be set"),
    ] {
        assert_only(&with(confidential(), member, None), Severity::Problem, member, part);
    }
    assert_only(
        &with(confidential(), "contacts", json!(["me"])),
        Severity::Problem,
        "contacts[0]",
        "e-mail",
    );
    let found = found(
        &with(confidential(), "client_uri", json!("http://localhost:3000")),
        Severity::Problem,
    );
    assert!(
        found.iter().all(|(member, _)| member == "client_uri") && found.len() == 3,
        "{found:?}"
    );
}

#[test]
fn every_rule_about_who_authenticates_how_is_checked() {
    let native = with(confidential(), "application_type", json!("native"));
    assert_only(&native, Severity::Problem, "token_endpoint_auth_method", "native");
    let algorithm = with(public(), "token_endpoint_auth_signing_alg", json!("ES256"));
    assert_only(&algorithm, Severity::Problem, "token_endpoint_auth_signing_alg", "public client");
    let both = with(inline(), "jwks_uri", json!("https://app.example.com/jwks.json"));
    assert_only(&both, Severity::Problem, "jwks", "combined with jwks_uri");
}

#[test]
fn every_rule_about_published_keys_is_checked() {
    let key = inline()["jwks"]["keys"][0].clone();
    let other = with(key.clone(), "kid", json!("b"));
    let unknown = json!({ "kty": "AKP", "kid": "c" });
    for (keys, member, part) in [
        (json!([key]), "jwks", "bare array"),
        (json!("x"), "jwks", "object"),
        (json!({}), "jwks.keys", "array"),
        (json!({ "keys": key }), "jwks.keys", "array"),
        (json!({ "keys": [] }), "jwks.keys", "at least one"),
        (json!({ "keys": [unknown] }), "jwks.keys", "verifies"),
        (json!({ "keys": [key, "x"] }), "jwks.keys[1]", "object"),
        (json!({ "keys": [key, other, key] }), "jwks.keys[2]", "of its own"),
    ] {
        assert_only(&with(inline(), "jwks", keys), Severity::Problem, member, part);
    }
    for (member, value, part) in [
        ("kid", None, "must have a `kid`"),
        ("kid", Some(json!("")), "not empty"),
        ("kid", Some(json!(1)), "string"),
        ("d", Some(json!("AAAA")), "private member `d`"),
        ("k", Some(json!("AAAA")), "private member `k`"),
        ("key_ops", Some(json!(["sign"])), "\"sign\""),
        ("key_ops", Some(json!(["verify", "sign"])), "\"sign\""),
        ("key_ops", Some(json!("verify")), "array"),
        ("key_ops", Some(json!(["verify", "encrypt"])), "agree"),
    ] {
        assert_only(&with_key(member, value), Severity::Problem, "jwks.keys[0]", part);
    }
    for (member, value) in [
        ("use", json!("enc")),
        ("key_ops", json!([])),
        ("kty", json!("RSA")),
        ("crv", json!("P-384")),
        ("alg", json!("ES384")),
        ("x", json!("")),
        ("y", json!(1)),
        ("exp", json!("tomorrow")),
        ("revoked", json!(true)),
    ] {
        let ignored = with_key(member, value);
        assert_only(&ignored, Severity::Warning, "jwks.keys[0]", "servers ignore it");
        assert_only(&ignored, Severity::Problem, "jwks.keys", "verifies");
    }
    for tolerated in [
        with_key("use", None),
        with_key("alg", None),
        with_key("key_ops", json!(["verify"])),
        with_key("revoked", json!({ "revoked_at": 1 })),
        with_key("exp", json!(1)),
    ] {
        assert_eq!(check(&tolerated, None), [], "{tolerated:#}");
    }
    let beside = with(inline(), "jwks", json!({ "keys": [unknown, key] }));
    assert_only(&beside, Severity::Warning, "jwks.keys[0]", "some servers reject a client");
}

#[test]
fn the_private_part_of_a_published_key_is_not_repeated() {
    let findings = check(&with_key("d", json!("c2VjcmV0")), None);
    assert!(!format!("{findings:?}").contains("c2VjcmV0"), "{findings:?}");
}

#[test]
fn what_the_reference_server_tolerates_is_a_warning_at_most() {
    for (member, value) in [
        ("response_types", None),
        ("grant_types", None),
        ("token_endpoint_auth_signing_alg", Some(json!("ES384"))),
        ("logo_uri", Some(json!("http://localhost:3000/l.png"))),
        ("logo_uri", Some(json!("http://127.0.0.1:3000/l.png"))),
    ] {
        assert_only(&with(confidential(), member, value), Severity::Warning, member, "");
    }
    let unused = with(public(), "jwks_uri", json!("https://app.example.com/jwks.json"));
    assert_only(&unused, Severity::Warning, "token_endpoint_auth_method", "never used");
    for (member, value) in [
        ("subject_type", json!("public")),
        ("authorization_signed_response_alg", json!("RS256")),
        ("tls_client_certificate_bound_access_tokens", json!(false)),
        ("x_unknown", json!(null)),
    ] {
        assert_eq!(check(&with(confidential(), member, value), None), [], "{member}");
    }
    assert_eq!(check(&with(confidential(), "application_type", None), None), []);
}

#[test]
fn all_violations_are_listed_not_only_the_first() {
    let members: Vec<_> = check(&json!({}), None).into_iter().map(|f| f.member).collect();
    for member in [
        "client_id",
        "redirect_uris",
        "scope",
        "dpop_bound_access_tokens",
        "token_endpoint_auth_method",
    ] {
        assert!(members.iter().any(|found| found == member), "{member}: {members:?}");
    }
}

#[test]
fn what_is_no_object_is_no_document() {
    for document in [json!([]), json!(null), json!("x")] {
        assert_only(&document, Severity::Problem, "document", "object");
    }
}

#[test]
fn paths_are_put_onto_the_site_and_urls_are_left_alone() {
    let site = Site::parse("https://app.example.com/some/page").unwrap();
    assert_eq!(site.resolve("/api/auth"), "https://app.example.com/api/auth");
    assert_eq!(site.resolve("https://other.example.com/x"), "https://other.example.com/x");
    assert_eq!(site.jwks_uri(), "https://app.example.com/.well-known/jwks.json");
    let here = Site::loopback(3000);
    assert_eq!(
        here.rehost("https://app.example.com/api/auth?x=1"),
        "http://127.0.0.1:3000/api/auth?x=1"
    );
    assert_eq!(here.rehost("/api/auth"), "http://127.0.0.1:3000/api/auth");
    assert!(Site::parse("app.example.com").is_err());
}

#[test]
fn a_loopback_client_id_carries_what_servers_must_know() {
    let id =
        loopback_client_id(&["http://127.0.0.1:3000/cb".to_owned()], "atproto transition:generic");
    assert_eq!(
        id,
        "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fcb&scope=atproto+transition%3Ageneric"
    );
}
