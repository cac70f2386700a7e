//! Tests of `POST /oauth/token`.

use std::{thread, time::Duration};

use testbed::{Alg, Credentials, LoginOptions, Network, keys};

use crate::client::{Client, renewed};

fn days(days: f64) -> Duration {
    Duration::from_secs_f64(days * 86_400.0)
}

fn start() -> (Network, Client) {
    let net = Network::start_blocking().unwrap();
    let client = Client::of(&net);
    (net, client)
}

#[test]
fn good_refresh_rotates_both_tokens() {
    let (net, client) = start();
    for dpop_alg in [Alg::Es256, Alg::Es256k] {
        let record = net.login(LoginOptions { dpop_alg, ..Default::default() });
        assert!(net.is_alive_with(&record));
        assert_eq!(client.get_session(&record).summary(), "200");
        let answer = client.refresh(&record);
        let body = answer.json();
        let names: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["access_token", "token_type", "refresh_token", "scope", "expires_in", "sub"]
        );
        assert_eq!(body["expires_in"], 3599);
        assert_eq!(body["sub"], record["tokenSet"]["sub"]);
        let new = renewed(&record, &answer);
        assert!(net.is_alive_with(&new) && !net.is_alive_with(&record));
        assert_eq!(net.session_of(&record).unwrap().generation, 1);
        assert_eq!(client.get_session(&record).status, 401);
        assert_eq!(client.get_session(&new).summary(), "200");
    }
    assert_eq!(net.counters().exchanged, 2);
}

#[test]
fn a_nonce_is_demanded_and_given() {
    let (net, client) = start();
    let record = net.login(LoginOptions::default());
    let answer = client.but(|client| client.no_nonce = true).refresh(&record);
    assert_eq!(
        answer.summary(),
        "400 use_dpop_nonce: Authorization server requires nonce in DPoP proof"
    );
    assert_eq!(answer.header("dpop-nonce").unwrap().len(), 43);
    let answer = client.but(|client| client.no_dpop = true).refresh(&record);
    assert_eq!(answer.summary(), "401 invalid_dpop_proof: DPoP proof required");
    assert!(net.is_alive_with(&record));
}

#[test]
fn replay_destroys() {
    let (net, client) = start();
    let record = net.login(LoginOptions::default());
    let new = renewed(&record, &client.refresh(&record));
    assert_eq!(client.refresh(&record).summary(), "400 invalid_grant: Refresh token replayed");
    assert_eq!(client.refresh(&new).summary(), "400 invalid_grant: Invalid refresh token");
    assert_eq!(client.get_session(&new).status, 401);
    let state = net.session_of(&record).unwrap();
    assert_eq!(state.ended.as_deref(), Some("Refresh token replayed"));
}

#[test]
fn what_destroys_a_session() {
    let (net, client) = start();
    let (one, two) = (net.signing_key().unwrap(), keys::client_key("two"));
    net.publish_confidential(&[one, two.clone()]);
    let public = "http://localhost?scope=atproto";
    let cases = [
        (
            client.but(|client| client.dpop_key = Some(keys::generate(Alg::Es256k))),
            "DPoP proof does not match the expected JKT",
        ),
        (
            client.but(|client| client.key = Some(two)),
            "The session was initiated with a different key than the client assertion currently used",
        ),
        (
            client.but(|client| {
                client.key = None;
                client.id = public.to_owned();
            }),
            "Token was not issued to this client",
        ),
    ];
    for (wrong, description) in cases {
        let record = net.login(LoginOptions::default());
        let answer = wrong.refresh(&record);
        assert_eq!(answer.summary(), format!("400 invalid_grant: {description}"));
        assert_eq!(client.refresh(&record).summary(), "400 invalid_grant: Invalid refresh token");
    }
    assert_eq!(net.alive(), 0);
}

#[test]
fn what_a_session_survives() {
    let (net, client) = start();
    let key = net.signing_key().unwrap();
    let record = net.login(LoginOptions::default());
    let mut same_kid = keys::client_key("other");
    same_kid["kid"] = key["kid"].clone();
    let failed = "400 invalid_client: Validation of \"client_assertion\" failed:";
    let cases = [
        (
            client.but(|client| client.kid = Some("nobody".to_owned())),
            format!("{failed} no applicable key found in the JSON Web Key Set"),
        ),
        (
            client.but(|client| client.key = Some(same_kid)),
            format!("{failed} signature verification failed"),
        ),
        (
            client.but(|client| client.aud = Some(format!("{}/oauth/token", net.pds_url()))),
            format!("{failed} unexpected \"aud\" claim value"),
        ),
        (
            client.but(|client| client.age = 120),
            format!("{failed} \"exp\" claim timestamp check failed"),
        ),
        (
            client.but(|client| client.key = None),
            "400 invalid_request: client authentication method \"private_key_jwt\" required a \
             \"client_assertion\""
                .to_owned(),
        ),
    ];
    for (wrong, summary) in cases {
        assert_eq!(wrong.refresh(&record).summary(), summary);
    }
    let fixed = client.but(|client| client.jti = Some("once".to_owned()));
    let record = renewed(&record, &fixed.refresh(&record));
    assert_eq!(fixed.refresh(&record).summary(), "400 invalid_grant: private_key_jwt jti reused");
    net.configure(|policy| policy.documents_reachable = false);
    let answer = client.refresh(&record);
    assert_eq!(answer.json()["error"], "invalid_client_metadata");
    net.configure(|policy| policy.documents_reachable = true);
    renewed(&record, &client.refresh(&record));
}

#[test]
fn a_removed_key_comes_back() {
    let (net, client) = start();
    let key = net.signing_key().unwrap();
    let record = net.login(LoginOptions::default());
    net.configure(|policy| policy.document_cache = Some(Duration::from_mins(10)));
    net.publish_confidential(&[keys::client_key("new")]);
    let answer = client.refresh(&record);
    assert_eq!(answer.json()["error"], "invalid_client");
    net.publish_confidential(&[key]);
    assert_eq!(client.refresh(&record).json()["error"], "invalid_client");
    net.advance(Duration::from_secs(601));
    renewed(&record, &client.refresh(&record));
}

#[test]
fn lifetimes() {
    let (net, client) = start();
    let key = Credentials::Key(net.signing_key().unwrap());
    let public_client = client.but(|client| {
        client.key = None;
        client.id = "http://localhost?scope=atproto".to_owned();
    });
    let options = |public: bool, created, refreshed: Option<f64>| LoginOptions {
        credentials: Some(if public { Credentials::Public } else { key.clone() }),
        client_id: public.then(|| public_client.id.clone()),
        created_ago: days(created),
        refreshed_ago: refreshed.map(days),
        ..Default::default()
    };
    let cases = [
        (true, 13.99, None, "200"),
        (true, 14.01, None, "400 invalid_grant: Session expired"),
        (true, 14.01, Some(0.0), "400 invalid_grant: Session expired"),
        (false, 91.3, None, "200"),
        (false, 91.32, None, "400 invalid_grant: Refresh token expired"),
        (false, 730.49, Some(1.0), "200"),
        (false, 730.51, Some(1.0), "400 invalid_grant: Session expired"),
    ];
    for (public, created, refreshed, summary) in cases {
        let record = net.login(options(public, created, refreshed));
        let client = if public { &public_client } else { &client };
        let answer = client.refresh(&record);
        assert_eq!(answer.summary(), summary, "{created} {refreshed:?}");
        if answer.status == 200 && created > 730.0 {
            let left = answer.json()["expires_in"].as_i64().unwrap();
            assert!((860..=863).contains(&left), "{left}");
        }
    }
    let record = net.login(options(false, 0.0, None));
    net.advance(days(92.0));
    assert_eq!(client.refresh(&record).summary(), "400 invalid_grant: Refresh token expired");
}

#[test]
fn two_at_once_are_one_winner_and_one_500() {
    let (net, client) = start();
    net.configure(|policy| policy.exchange_time = Duration::from_millis(800));
    let record = net.login(LoginOptions::default());
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (client, record) = (client.clone(), record.clone());
            thread::spawn(move || client.refresh(&record))
        })
        .collect();
    let mut answers: Vec<_> = threads.into_iter().map(|one| one.join().unwrap()).collect();
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[1].summary(), "500 server_error: Server error");
    assert!(net.is_alive_with(&renewed(&record, &answers[0])));
    assert_eq!(net.counters().token_peak, 2);
}

#[test]
fn a_public_session_becomes_confidential() {
    let (net, client) = start();
    let key = net.signing_key().unwrap();
    net.publish_public();
    let record = net.login(LoginOptions::default());
    assert_eq!(record["authMethod"]["method"], "none");
    net.publish_confidential(std::slice::from_ref(&key));
    assert_eq!(
        client.but(|client| client.key = None).refresh(&record).json()["error"],
        "invalid_request"
    );
    let record = renewed(&record, &client.refresh(&record));
    let state = net.session_of(&record).unwrap();
    assert_eq!(state.kid.as_deref(), key["kid"].as_str());
    assert_eq!(state.key_thumbprint, Some(keys::thumbprint(&key)));
    net.advance(days(20.0));
    renewed(&record, &client.refresh(&record));
}

#[test]
fn a_login_can_be_begun() {
    let (net, client) = start();
    let redirect = net.metadata()["redirect_uris"][0].clone();
    let redirect = redirect.as_str().unwrap();
    let answer = client.push(redirect);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["expires_in"], 300);
    assert_eq!(
        client.push("https://evil.example/").summary(),
        "400 invalid_request: Invalid redirect_uri https://evil.example/"
    );
    net.publish_jwks(&serde_json::json!({"keys": []}));
    assert_eq!(client.push(redirect).json()["error"], "invalid_client");
}

#[test]
fn servers_do_not_know_each_others_sessions() {
    let (net, client) = start();
    let other = net.add_pds().unwrap();
    let record = net.login(LoginOptions { pds: other, ..Default::default() });
    assert_eq!(client.refresh(&record).summary(), "400 invalid_grant: Invalid refresh token");
    let there = client.but(|client| client.issuer = net.pds_url_of(other));
    renewed(&record, &there.refresh(&record));
}
