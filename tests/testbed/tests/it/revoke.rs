//! Tests of `POST /oauth/revoke`: always 200, and an effect only if everything is right.

use testbed::{Alg, LoginOptions, Network, keys};

use crate::client::{Client, renewed};

#[test]
fn what_ends_a_session() {
    let net = Network::start_blocking().unwrap();
    let client = Client::of(&net);
    for name in ["access_token", "refresh_token"] {
        let record = net.login(LoginOptions::default());
        let token = record["tokenSet"][name].as_str().unwrap();
        let answer = client.revoke(&record, token);
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
        assert_eq!(client.refresh(&record).summary(), "400 invalid_grant: Invalid refresh token");
        assert_eq!(client.get_session(&record).status, 401);
        assert_eq!(client.revoke(&record, token).status, 200);
    }
    // An already used refresh token.
    let record = net.login(LoginOptions::default());
    let new = renewed(&record, &client.refresh(&record));
    let used = record["tokenSet"]["refresh_token"].as_str().unwrap();
    client.revoke(&new, used);
    assert!(!net.is_alive_with(&new));
    assert_eq!(net.counters().revoked, 3);
}

#[test]
fn what_does_nothing() {
    let net = Network::start_blocking().unwrap();
    let (one, two) = (net.signing_key().unwrap(), keys::client_key("two"));
    net.publish_confidential(&[one, two.clone()]);
    let client = Client::of(&net);
    let old = net.login(LoginOptions::default());
    let record = renewed(&old, &client.refresh(&old));
    let token = record["tokenSet"]["refresh_token"].as_str().unwrap();
    let old_access = old["tokenSet"]["access_token"].as_str().unwrap();
    let wrong = [
        client.but(|client| client.kid = Some("nobody".to_owned())),
        client.but(|client| client.key = Some(two)),
        client.but(|client| client.dpop_key = Some(keys::generate(Alg::Es256))),
        client.but(|client| client.no_dpop = true),
    ];
    for client in &wrong {
        let answer = client.revoke(&record, token);
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    }
    assert_eq!(client.revoke(&record, old_access).summary(), "200");
    assert_eq!(client.revoke(&record, "garbage").summary(), "200");
    let answer = client.but(|client| client.no_nonce = true).revoke(&record, token);
    assert_eq!(answer.json()["error"], "use_dpop_nonce");
    assert!(net.is_alive_with(&record));
    assert_eq!(net.counters().revoked, 0);
    net.configure(|policy| policy.revocation = false);
    assert_eq!(client.revoke(&record, token).status, 404);
}
