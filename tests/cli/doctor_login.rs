//! `doctor --login`: a server checks the client, and its answer is explained with the required
//! change.

use serde_json::{Value, json};
use testbed::{Credentials, Endpoint, Fault, LoginOptions, Reply, keys};

use crate::deployment::Deployment;
use crate::sandbox::Sandbox;

/// Returns the findings about logins.
fn logins(deployment: &Deployment, arguments: &[&str]) -> Vec<Value> {
    let (_, mut findings) = deployment.run(arguments);
    findings.retain(|finding| finding["topic"] == "login");
    findings
}

/// Returns the codes of all problems of a login at the first server.
fn codes(deployment: &Deployment) -> Vec<String> {
    let problems = logins(deployment, &["--login"]).into_iter();
    let problems = problems.filter(|finding| finding["severity"] == "problem");
    problems.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_login_is_begun_at_the_server_of_the_sessions() {
    let right = Deployment::new();
    let rows = || right.database.rows("SELECT * FROM auth_session");
    let before = (rows(), right.database.rows("SELECT * FROM auth_state"));
    let findings = logins(&right, &["--login"]);
    assert_eq!((rows(), right.database.rows("SELECT * FROM auth_state")), before);
    let [accepted] = findings.as_slice() else { panic!("{findings:?}") };
    let pds = right.net.pds_url();
    assert_eq!(accepted["code"], "login.accepted");
    assert_eq!(accepted["server"], pds);
    assert_eq!(
        accepted["what"],
        format!("{pds} accepts logins to 1 redirect URI, signed by testbed-1")
    );
    let forms = right.net.requests_to(Endpoint::Par);
    // The first request fetches a nonce.
    assert_eq!(forms.len(), 2);
    assert!(right.net.requests_to(Endpoint::Token).is_empty());
}

#[test]
fn every_redirect_uri_and_every_key_is_tried() {
    let right = Deployment::new();
    let further = keys::client_key("further");
    let set = json!([right.net.signing_key().unwrap(), further]);
    right.sandbox.file("keys.json", set.to_string());
    right.net.publish_confidential(&[right.net.signing_key().unwrap(), further]);
    let app = right.net.app_url();
    right.metadata_with(
        "redirect_uris",
        json!([format!("{app}/api/auth/atproto"), format!("{app}/second")]),
    );
    right.configure("[\"/api/auth/atproto\"]", "[\"/api/auth/atproto\", \"/second\", \"/third\"]");
    let findings = logins(&right, &["--login"]);
    let [refused, accepted] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(
        (&refused["code"], &refused["member"]),
        (&json!("login.redirect_uri"), &json!("redirect_uris"))
    );
    assert!(refused["what"].as_str().unwrap().contains(&format!("{app}/third")), "{refused}");
    assert!(
        accepted["what"]
            .as_str()
            .unwrap()
            .ends_with("accepts logins to 2 redirect URIs, signed by testbed-1, further"),
        "{accepted}"
    );
}

#[test]
fn nothing_secret_and_nothing_of_the_request_is_shown() {
    let right = Deployment::new();
    for output in [
        right.sandbox.run(["doctor", "--login", "-vv"]),
        right.sandbox.run(["doctor", "--login", "--format", "json"]),
    ] {
        for part in ["urn:ietf:params:oauth:request_uri", "eyJ", "code_challenge"] {
            assert!(!output.to_string().contains(part), "{part}: {output}");
        }
    }
}

#[test]
fn a_server_is_found_by_address_handle_and_did() {
    let right = Deployment::new();
    right.configure(
        "[store]",
        &format!("doh_resolver = \"{}/dns-query\"\n[store]", right.net.web_url()),
    );
    let record = right.net.login(LoginOptions::default());
    let did = record["tokenSet"]["sub"].as_str().unwrap();
    right.net.set_handle("alice.example.com", did);
    for target in [&*right.net.pds_url(), "alice.example.com", "@alice.example.com", did] {
        let findings = logins(&right, &["--login", target]);
        assert_eq!(findings[0]["code"], "login.accepted", "{target}: {findings:?}");
        assert_eq!(findings[0]["server"], right.net.pds_url(), "{target}");
    }
    // Old name of the option.
    assert_eq!(logins(&right, &["--as", &right.net.pds_url()])[0]["code"], "login.accepted");
    let findings = logins(&right, &["--login", "nobody.example.com"]);
    assert_eq!(
        (findings.len(), &findings[0]["code"]),
        (1, &json!("login.no_server")),
        "{findings:?}"
    );
}

#[test]
fn each_server_is_asked_once() {
    let right = Deployment::new();
    let second = right.net.add_pds().unwrap();
    for _ in 0..2 {
        let login = LoginOptions { pds: second, ..LoginOptions::default() };
        right.database.session(&right.net.login(login));
    }
    let servers = |arguments: &[&str]| {
        let findings = logins(&right, arguments).into_iter();
        let servers = findings.map(|finding| finding["server"].as_str().unwrap().to_owned());
        servers.collect::<Vec<_>>()
    };
    let (first, second) = (right.net.pds_url(), right.net.pds_url_of(second));
    // Servers with most sessions come first.
    assert_eq!(servers(&["--login"]), [second.clone(), first.clone()]);
    assert_eq!(servers(&["--login", &first, "--login", &format!("{first}/")]), [first]);
}

#[test]
fn what_a_server_refuses_is_named() {
    type Break = fn(&Deployment);
    let cases: [(&str, Break); 10] = [
        ("login.scope", |broken| broken.metadata_with("scope", json!("atproto"))),
        ("login.redirect_uri", |broken| {
            broken.metadata_with("redirect_uris", json!(["https://other.example.com/callback"]));
        }),
        ("login.metadata", |broken| broken.metadata_with("jwks", json!({"keys": []}))),
        ("login.metadata", |broken| {
            broken.metadata_with("dpop_bound_access_tokens", json!(false));
        }),
        ("login.unknown_key", |broken| broken.net.publish_jwks(&json!({"keys": []}))),
        ("login.other_key", |broken| {
            let other = keys::public(&keys::client_key("testbed-1"));
            broken.net.publish_jwks(&json!({"keys": [other]}));
        }),
        ("login.duplicate_kid", |broken| {
            let other = keys::public(&keys::client_key("testbed-1"));
            broken.net.publish_jwks(&json!({"keys": [broken.public_key(), other]}));
        }),
        ("login.jwks_unreadable", |broken| broken.net.publish_jwks(&json!([]))),
        ("login.metadata_unreadable", |broken| {
            broken.net.publish(testbed::METADATA_PATH, Reply::html(403));
        }),
        ("login.auth_method", |broken| broken.configure("keys = [\"keys.json\"]\n", "")),
    ];
    for (code, break_it) in cases {
        let broken = Deployment::new();
        break_it(&broken);
        assert_eq!(codes(&broken), [code], "{code}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_not_taken_for_a_refusal() {
    for (fault, severity, code) in [
        (Fault::too_many("0"), "warning", "login.rate_limited"),
        (Fault::status(500), "problem", "login.server_error"),
        (Fault::Close, "problem", "login.no_answer"),
        (Fault::Instead(Reply::html(200)), "problem", "login.no_answer"),
    ] {
        let broken = Deployment::new();
        broken.net.fault(Endpoint::Par, fault);
        let findings = logins(&broken, &["--login"]);
        assert_eq!(
            (&findings[0]["severity"], &findings[0]["code"]),
            (&json!(severity), &json!(code)),
            "{findings:?}"
        );
    }
    let broken = Deployment::new();
    broken.net.patch_server_metadata(0, json!({"pushed_authorization_request_endpoint": null}));
    assert_eq!(codes(&broken), ["login.no_endpoint"]);
}

#[test]
fn public_and_development_clients_are_tried_without_a_key() {
    let right = Deployment::new();
    right.configure("keys = [\"keys.json\"]\n", "");
    right.net.publish_public();
    let public = right
        .net
        .login(LoginOptions { credentials: Some(Credentials::Public), ..LoginOptions::default() });
    right.database.execute("DELETE FROM auth_session");
    right.database.session(&public);
    let findings = logins(&right, &["--login"]);
    assert!(
        findings[0]["what"].as_str().unwrap().ends_with("1 redirect URI, as a public client"),
        "{findings:?}"
    );
    let id = "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fcallback&scope=atproto";
    let settings = format!(
        "[client]\nclient_id = \"{id}\"\n[network]\nallow_http = true\nallow_private_hosts = true\n"
    );
    right.sandbox.file("oauthctl.toml", settings);
    let findings = logins(&right, &["--login", &right.net.pds_url()]);
    assert_eq!(findings[0]["code"], "login.accepted", "{findings:?}");
}

#[test]
fn without_sessions_a_server_has_to_be_named() {
    let right = Deployment::new();
    right.database.execute("DELETE FROM auth_session");
    let findings = logins(&right, &["--login"]);
    assert_eq!((findings.len(), &findings[0]["code"]), (1, &json!("login.no_server")));
    assert_eq!(findings[0]["severity"], "warning");
}

#[test]
fn offline_no_login_is_begun() {
    let output = Sandbox::new().run(["doctor", "--login", "--offline"]);
    assert_eq!(output.code, 2, "{output}");
}
