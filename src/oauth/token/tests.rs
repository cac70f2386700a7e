//! Tests of the token and revocation endpoints against a server that ends sessions like a real one.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use testbed::{
    Credentials as Binding, Endpoint, Fault, Injection, LoginOptions, Network as Testbed, Reply,
    keys,
};

use super::super::testing::{clock, did_of, network};
use super::super::{AuthorizationServer, Cause, Fate, Network};
use super::*;
use crate::jose::ClientKey;
use crate::secret::Secret;
use crate::session::{AuthMethod, ClientId};

/// Network with one session, and a client for it.
struct Stage {
    bed: Testbed,
    network: Network,
    key: ClientKey,
    client_id: ClientId<'static>,
    record: Value,
}

impl Stage {
    async fn new() -> Self {
        Self::with(LoginOptions::default()).await
    }

    async fn with(options: LoginOptions) -> Self {
        let bed = Testbed::start().await.unwrap();
        let record = bed.login(options);
        let key = client_key(&bed.signing_key().unwrap());
        Self { network: network(&bed), client_id: bed.client_id().into(), bed, key, record }
    }

    async fn server(&self) -> Arc<AuthorizationServer> {
        self.network.server_for(&did_of(&self.record), &self.bed.pds_url().into()).await.unwrap().0
    }

    fn credentials(&self) -> Credentials<'_> {
        Credentials { client_id: &self.client_id, auth: AuthMethod::PrivateKeyJwt(&self.key) }
    }

    async fn refresh(&self) -> RefreshResponse {
        self.refresh_as(self.credentials(), &dpop_key(&self.record)).await
    }

    async fn refresh_as(
        &self,
        credentials: Credentials<'_>,
        dpop_key: &DpopKey,
    ) -> RefreshResponse {
        let server = self.server().await;
        server.prime_nonce(credentials.client_id, dpop_key).await.unwrap();
        let did = did_of(&self.record);
        server
            .refresh(Refresh {
                signed: server.sign(credentials, dpop_key, None),
                sub: did.as_str(),
                refresh_token: &refresh_token(&self.record).into(),
                within: Duration::from_secs(1),
            })
            .await
    }

    async fn revoke_as(
        &self,
        credentials: Credentials<'_>,
        dpop_key: &DpopKey,
        token: &str,
    ) -> Revocation {
        let server = self.server().await;
        server.prime_nonce(credentials.client_id, dpop_key).await.unwrap();
        server
            .revoke(Revoke {
                credentials,
                dpop_key,
                token: &token.into(),
                within: Duration::from_secs(1),
            })
            .await
    }

    /// Breaks the refresh itself, not its preparation.
    fn fault(&self, endpoint: Endpoint, fault: Fault) {
        self.bed.inject(Injection::new(endpoint, fault).only(refresh_token(&self.record)).times(1));
    }

    fn is_alive(&self) -> bool {
        self.bed.is_alive_with(&self.record)
    }

    fn exchanges(&self) -> usize {
        let sent = self.bed.requests_to(Endpoint::Token);
        sent.iter().filter(|request| request.token.is_some()).count()
    }
}

fn client_key(jwk: &Value) -> ClientKey {
    ClientKey::from_members(jwk.as_object().unwrap().clone()).unwrap()
}

fn dpop_key(record: &Value) -> DpopKey {
    DpopKey::from_members(record["dpopJwk"].as_object().unwrap()).unwrap()
}

fn new_dpop_key(alg: keys::Alg) -> DpopKey {
    DpopKey::from_members(keys::generate(alg).as_object().unwrap()).unwrap()
}

fn refresh_token(record: &Value) -> &str {
    record["tokenSet"]["refresh_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_session_is_refreshed_in_one_request() {
    for alg in [keys::Alg::Es256, keys::Alg::Es256k] {
        let stage = Stage::with(LoginOptions { dpop_alg: alg, ..LoginOptions::default() }).await;
        let RefreshResponse::Refreshed(tokens) = stage.refresh().await else { panic!("{alg:?}") };
        let mut record = stage.record.clone();
        record["tokenSet"]["refresh_token"] =
            json!(tokens.refresh_token.as_ref().unwrap().expose_secret());
        assert!(stage.bed.is_alive_with(&record) && !stage.is_alive());
        assert_eq!(tokens.expires_in.unwrap().as_secs(), 3599);
        assert_eq!(stage.exchanges(), 1);
    }
}

#[tokio::test]
async fn preparing_sends_no_token_and_touches_no_session() {
    let stage = Stage::new().await;
    let server = stage.server().await;
    server.prime_nonce(&stage.client_id, &dpop_key(&stage.record)).await.unwrap();
    let sent = stage.bed.requests_to(Endpoint::Token);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].token.as_deref(), sent[0].kid.as_deref()), (None, None));
    assert!(stage.is_alive());
    assert_eq!(stage.bed.sessions()[0].generation, 0);
}

#[tokio::test]
async fn a_recent_answer_makes_preparation_free() {
    let stage = Stage::new().await;
    let server = stage.server().await;
    let RefreshResponse::Refreshed(tokens) = stage.refresh().await else { panic!() };
    stage.bed.clear_log();
    server.prime_nonce(&stage.client_id, &dpop_key(&stage.record)).await.unwrap();
    assert!(stage.bed.requests().is_empty());
    // That connection is taken. A second session needs its own.
    server.prime_nonce(&stage.client_id, &dpop_key(&stage.record)).await.unwrap();
    assert_eq!(stage.bed.requests().len(), 1);
    drop(tokens);
}

#[tokio::test]
async fn a_server_in_trouble_is_noticed_before_anything_is_at_stake() {
    let stage = Stage::new().await;
    let server = stage.server().await;
    for fault in [
        Fault::status(500),
        Fault::status(503),
        Fault::too_many("9"),
        Fault::Instead(Reply::html(403)),
        Fault::Instead(Reply::html(404)),
        Fault::redirect("http://169.254.169.254/"),
        Fault::Close,
    ] {
        stage.bed.fault_once(Endpoint::Token, fault.clone());
        let error =
            server.prime_nonce(&stage.client_id, &dpop_key(&stage.record)).await.unwrap_err();
        assert!(error.is_transient(), "{fault:?}: {error:?}");
    }
    assert!(stage.is_alive());
}

#[tokio::test]
async fn a_proof_that_the_server_does_not_take_is_not_sent() {
    let stage = Stage::new().await;
    stage.bed.patch_server_metadata(0, json!({"dpop_signing_alg_values_supported": ["ES256"]}));
    let error = stage
        .server()
        .await
        .prime_nonce(&stage.client_id, &dpop_key(&stage.record))
        .await
        .unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("ES256K"), "{error:?}");
    assert!(stage.bed.requests_to(Endpoint::Token).is_empty());
}

#[tokio::test]
async fn a_stale_nonce_costs_one_more_request_only() {
    let stage = Stage::new().await;
    let server = stage.server().await;
    server.prime_nonce(&stage.client_id, &dpop_key(&stage.record)).await.unwrap();
    stage.bed.rotate_nonces();
    let refresh = |parameters| async {
        let did = did_of(&stage.record);
        let dpop_key = dpop_key(&stage.record);
        let refresh = Refresh {
            signed: server.sign(stage.credentials(), &dpop_key, parameters),
            sub: did.as_str(),
            refresh_token: &refresh_token(&stage.record).into(),
            within: Duration::from_secs(1),
        };
        server.refresh(refresh).await
    };
    let RefreshResponse::UseNonce(parameters) = refresh(None).await else { panic!() };
    assert!(stage.is_alive());
    assert!(matches!(refresh(Some(parameters)).await, RefreshResponse::Refreshed(_)));
}

#[tokio::test]
async fn a_nonce_that_cannot_be_used_is_no_reason_to_try_again() {
    let stage = Stage::new().await;
    let answer = Reply::json(400, &json!({"error": "use_dpop_nonce"}))
        .header("dpop-nonce", &"x".repeat(9000));
    stage.fault(Endpoint::Token, Fault::Instead(answer));
    let exchange = stage.refresh().await;
    assert!(matches!(exchange, RefreshResponse::Refused(_)), "{exchange:?}");
    assert!(matches!(stage.refresh().await, RefreshResponse::Refreshed(_)));
}

#[tokio::test]
async fn what_the_server_refuses_without_looking_the_session_survives() {
    let stage = Stage::new().await;
    let mut same_kid = keys::client_key("x");
    same_kid["kid"] = stage.bed.signing_key().unwrap()["kid"].clone();
    let (unknown, same_kid) = (client_key(&keys::client_key("nobody")), client_key(&same_kid));
    for key in [&unknown, &same_kid] {
        let credentials =
            Credentials { auth: AuthMethod::PrivateKeyJwt(key), ..stage.credentials() };
        let exchange = stage.refresh_as(credentials, &dpop_key(&stage.record)).await;
        assert!(
            matches!(&exchange, RefreshResponse::Refused(r) if r.meaning().0 == Cause::ClientAuthentication),
            "{exchange:?}"
        );
    }
    let exchange = stage
        .refresh_as(
            Credentials { client_id: &stage.client_id, auth: AuthMethod::None },
            &dpop_key(&stage.record),
        )
        .await;
    assert!(
        matches!(&exchange, RefreshResponse::Refused(refusal) if refusal.error.as_deref() == Some("invalid_request"))
    );
    stage.bed.configure(|policy| policy.documents_reachable = false);
    let exchange = stage.refresh().await;
    assert!(
        matches!(&exchange, RefreshResponse::Refused(r) if r.error.as_deref() == Some("invalid_client_metadata"))
    );
    stage.bed.configure(|policy| policy.documents_reachable = true);
    let mut metadata = stage.bed.metadata();
    metadata["grant_types"] = json!(["authorization_code"]);
    stage.bed.publish_metadata(&metadata);
    let exchange = stage.refresh().await;
    assert!(
        matches!(&exchange, RefreshResponse::Refused(r) if r.meaning().1 == Fate::Kept),
        "{exchange:?}"
    );
    assert!(stage.is_alive());
}

#[tokio::test]
async fn what_destroys_a_session_is_recognised_as_its_end() {
    let stage = Stage::new().await;
    let exchange = stage.refresh_as(stage.credentials(), &new_dpop_key(keys::Alg::Es256k)).await;
    assert!(
        matches!(&exchange, RefreshResponse::Refused(r) if r.meaning().1 == Fate::Gone),
        "{exchange:?}"
    );
    assert!(!stage.is_alive());

    let stage = Stage::new().await;
    assert!(matches!(stage.refresh().await, RefreshResponse::Refreshed(_)));
    let RefreshResponse::Refused(refusal) = stage.refresh().await else { panic!() };
    assert_eq!(refusal.to_string(), "invalid_grant: Refresh token replayed");
}

#[tokio::test]
async fn a_public_session_is_refreshed_and_upgraded() {
    let options = LoginOptions { credentials: Some(Binding::Public), ..LoginOptions::default() };
    let stage = Stage::with(options).await;
    assert!(matches!(stage.refresh().await, RefreshResponse::Refreshed(_)));
    assert_eq!(stage.bed.sessions()[0].kid.as_deref(), Some("testbed-1"));

    let stage = Stage::new().await;
    stage.bed.publish_public();
    let record = stage.bed.login(LoginOptions::default());
    let stage = Stage { record, ..stage };
    let exchange = stage
        .refresh_as(
            Credentials { client_id: &stage.client_id, auth: AuthMethod::None },
            &dpop_key(&stage.record),
        )
        .await;
    assert!(matches!(exchange, RefreshResponse::Refreshed(_)), "{exchange:?}");
}

#[tokio::test]
async fn a_server_may_keep_the_refresh_token() {
    let stage = Stage::new().await;
    stage.bed.configure(|policy| policy.rotate_refresh_tokens = false);
    let RefreshResponse::Refreshed(tokens) = stage.refresh().await else { panic!() };
    assert!(tokens.refresh_token.is_none() && stage.is_alive());
}

#[tokio::test]
async fn a_lost_answer_is_not_mistaken_for_a_request_never_sent() {
    for (fault, alive) in [
        (Fault::Close, true),
        (Fault::CloseAfter, false),
        (Fault::Hang, true),
        (Fault::HangAfter, false),
    ] {
        let stage = Stage::new().await;
        stage.fault(Endpoint::Token, fault.clone());
        let exchange = stage.refresh().await;
        assert!(matches!(exchange, RefreshResponse::AnswerLost(_)), "{fault:?}: {exchange:?}");
        assert_eq!((stage.is_alive(), stage.exchanges()), (alive, 1), "{fault:?}");
    }
    for fault in [
        Fault::EndlessBody,
        Fault::HugeBody(1 << 20),
        Fault::Drip(Duration::from_millis(20)),
        Fault::Body("{\"access_token\":\"".to_owned()),
        Fault::Afterwards(Reply::html(200)),
    ] {
        let stage = Stage::new().await;
        stage.fault(Endpoint::Token, fault.clone());
        let exchange = stage.refresh().await;
        assert!(matches!(exchange, RefreshResponse::AnswerLost(_)), "{fault:?}: {exchange:?}");
        assert_eq!(stage.exchanges(), 1);
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_was_not_sent_anything() {
    let stage = Stage::new().await;
    let port = stage.bed.pds_url().rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let proxy = testbed::Proxy::start(([127, 0, 0, 1], port).into()).unwrap();
    let url = proxy_url(&proxy);
    stage.bed.set_pds_url(0, &url);
    let record = stage.bed.login(LoginOptions::default());
    let stage = Stage { record, ..stage };
    let server = stage.server().await;
    // Closes all connections and accepts no new ones.
    proxy.refuse(true);
    proxy.kill_all();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let did = did_of(&stage.record);
    let key = dpop_key(&stage.record);
    let refresh = Refresh {
        signed: server.sign(stage.credentials(), &key, None),
        sub: did.as_str(),
        refresh_token: &refresh_token(&stage.record).into(),
        within: Duration::from_secs(1),
    };
    let exchange = server.refresh(refresh).await;
    assert!(matches!(exchange, RefreshResponse::NotSent(_)), "{exchange:?}");
    assert!(stage.is_alive());
}

fn proxy_url(proxy: &testbed::Proxy) -> String {
    format!("http://localhost:{}", proxy.address().port())
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again_later() {
    let stage = Stage::new().await;
    for (fault, expected) in [
        (Fault::status(500), 500),
        (Fault::Instead(Reply::html(502)), 502),
        (Fault::Instead(Reply::html(403)), 403),
        (Fault::Instead(Reply::html(503)), 503),
    ] {
        stage.fault(Endpoint::Token, fault);
        let exchange = stage.refresh().await;
        assert!(
            matches!(exchange, RefreshResponse::TryLater { status, .. } if status == expected),
            "{exchange:?}"
        );
    }
    stage.fault(Endpoint::Token, Fault::too_many("7"));
    let wait = Some(Duration::from_secs(7));
    assert!(
        matches!(stage.refresh().await, RefreshResponse::TryLater { status: 429, retry_after } if retry_after == wait)
    );
    assert!(stage.is_alive());
}

#[tokio::test]
async fn tokens_for_somebody_else_are_not_accepted() {
    for fault in [
        Fault::Set("sub", json!("did:plc:eve")),
        Fault::Remove("sub"),
        Fault::Set("token_type", json!("Bearer")),
        Fault::Remove("token_type"),
    ] {
        let stage = Stage::new().await;
        stage.fault(Endpoint::Token, fault.clone());
        let exchange = stage.refresh().await;
        assert!(
            matches!(exchange, RefreshResponse::Unacceptable { tokens: Some(_), .. }),
            "{fault:?}: {exchange:?}"
        );
    }
}

#[tokio::test]
async fn every_request_has_its_own_identifiers() {
    let stage = Stage::new().await;
    stage.bed.configure(|policy| policy.rotate_refresh_tokens = false);
    for _ in 0..5 {
        // The fake server refuses a `jti` of a proof or assertion that it has seen.
        assert!(matches!(stage.refresh().await, RefreshResponse::Refreshed(_)));
    }
}

#[tokio::test]
async fn a_clock_that_is_a_little_off_does_no_harm() {
    for (seconds, max_lead) in [(-9, 180), (-9, 0), (9, 180), (9, 0), (45, 180)] {
        let stage = Stage::new().await;
        stage.bed.configure(|policy| {
            policy.proofs_follow_clock = true;
            policy.max_proof_lead = max_lead;
        });
        stage.bed.set_clock_offset(seconds * 1000);
        let exchange = stage.refresh().await;
        assert!(matches!(exchange, RefreshResponse::Refreshed(_)), "{seconds}: {exchange:?}");
    }
}

#[tokio::test]
async fn an_invalid_proof_is_dated_anew_by_the_server_s_clock() {
    let stage = Stage::new().await;
    let server = stage.server().await;
    server.prime_nonce(&stage.client_id, &dpop_key(&stage.record)).await.unwrap();
    stage.bed.configure(|policy| {
        policy.proofs_follow_clock = true;
        policy.max_proof_lead = 5;
    });
    stage.bed.set_clock_offset(-60_000);
    let dated = |ago| {
        let at = clock().now() - SignedDuration::from_secs(ago);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap()
    };
    let answer =
        Reply::error(401, "invalid_dpop_proof", "from the future").header("date", &dated(60));
    stage.fault(Endpoint::Token, Fault::Instead(answer));
    let (did, key) = (did_of(&stage.record), dpop_key(&stage.record));
    let token = Secret::new(refresh_token(&stage.record));
    let refresh = |parameters| {
        server.refresh(Refresh {
            signed: server.sign(stage.credentials(), &key, parameters),
            sub: did.as_str(),
            refresh_token: &token,
            within: Duration::from_secs(1),
        })
    };
    let RefreshResponse::UseNonce(parameters) = refresh(None).await else { panic!() };
    // The nonce was forgotten, so this answer brings another.
    let RefreshResponse::UseNonce(parameters) = refresh(Some(parameters)).await else { panic!() };
    assert!(matches!(refresh(Some(parameters)).await, RefreshResponse::Refreshed(_)));
}

#[tokio::test]
async fn a_proof_that_stays_invalid_is_refused() {
    let stage = Stage::new().await;
    let invalid = Fault::Instead(Reply::error(401, "invalid_dpop_proof", "no"));
    stage.bed.inject(
        Injection::new(Endpoint::Token, invalid).only(refresh_token(&stage.record)).times(2),
    );
    let server = stage.server().await;
    let (did, key) = (did_of(&stage.record), dpop_key(&stage.record));
    let mut parameters = None;
    for n in 0..2 {
        let refresh = Refresh {
            signed: server.sign(stage.credentials(), &key, parameters.take()),
            sub: did.as_str(),
            refresh_token: &refresh_token(&stage.record).into(),
            within: Duration::from_secs(1),
        };
        match server.refresh(refresh).await {
            RefreshResponse::UseNonce(next) if n == 0 => parameters = Some(next),
            RefreshResponse::Refused(refusal) if n == 1 => {
                assert_eq!(refusal.error.as_deref(), Some("invalid_dpop_proof"));
            }
            exchange => panic!("{n}: {exchange:?}"),
        }
    }
}

#[tokio::test]
async fn revoking_is_accepted_whether_or_not_it_worked() {
    let stage = Stage::new().await;
    let (own, other) = (dpop_key(&stage.record), new_dpop_key(keys::Alg::Es256));
    let token = refresh_token(&stage.record);
    let unknown = client_key(&keys::client_key("nobody"));
    let foreign = Credentials { auth: AuthMethod::PrivateKeyJwt(&unknown), ..stage.credentials() };
    for (credentials, key, token) in [
        (foreign, &own, token),
        (stage.credentials(), &other, token),
        (stage.credentials(), &own, "garbage"),
    ] {
        let revocation = stage.revoke_as(credentials, key, token).await;
        assert!(matches!(revocation, Revocation::Accepted), "{revocation:?}");
        assert!(stage.is_alive());
    }
    assert!(matches!(
        stage.revoke_as(stage.credentials(), &own, token).await,
        Revocation::Accepted
    ));
    assert!(!stage.is_alive());
    let exchange = stage.refresh().await;
    assert!(
        matches!(&exchange, RefreshResponse::Refused(r) if r.meaning().1 == Fate::Gone),
        "{exchange:?}"
    );
}

#[tokio::test]
async fn revoking_can_fail_in_every_way() {
    let stage = Stage::new().await;
    let key = dpop_key(&stage.record);
    let revoke = || stage.revoke_as(stage.credentials(), &key, refresh_token(&stage.record));
    stage.fault(Endpoint::Revoke, Fault::status(500));
    assert!(matches!(revoke().await, Revocation::TryLater { status: 500, .. }));
    stage.fault(Endpoint::Revoke, Fault::Close);
    assert!(matches!(revoke().await, Revocation::AnswerLost(_)));
    let refusal = Reply::error(400, "unsupported_token_type", "no");
    stage.fault(Endpoint::Revoke, Fault::Instead(refusal));
    assert!(matches!(revoke().await, Revocation::Refused(_)));
    assert!(stage.is_alive());
    stage.server().await.prime_nonce(&stage.client_id, &key).await.unwrap();
    stage.bed.rotate_nonces();
    let server = stage.server().await;
    let token = Secret::new(refresh_token(&stage.record));
    let now = || Revoke {
        credentials: stage.credentials(),
        dpop_key: &key,
        token: &token,
        within: Duration::from_secs(1),
    };
    let sent = stage.bed.requests_to(Endpoint::Revoke).len();
    assert!(matches!(server.revoke(now()).await, Revocation::Accepted));
    assert_eq!(stage.bed.requests_to(Endpoint::Revoke).len(), sent + 2);
    assert!(!stage.is_alive());

    let stage = Stage::new().await;
    stage.bed.configure(|policy| policy.revocation = false);
    let key = dpop_key(&stage.record);
    let revocation = stage.revoke_as(stage.credentials(), &key, refresh_token(&stage.record)).await;
    assert!(matches!(revocation, Revocation::Unsupported));

    let stage = Stage::new().await;
    let key = dpop_key(&stage.record);
    stage.fault(Endpoint::Revoke, Fault::too_many("3"));
    let revocation = stage.revoke_as(stage.credentials(), &key, refresh_token(&stage.record)).await;
    assert!(matches!(revocation, Revocation::TryLater { status: 429 }));
}

#[tokio::test]
async fn sessions_of_one_server_share_connections_and_nonces() {
    let stage = Stage::new().await;
    let records = stage.bed.login_many(40, &LoginOptions::default());
    let server = stage.server().await;
    stage.bed.clear_log();
    for record in &records {
        let (did, key) = (did_of(record), dpop_key(record));
        server.prime_nonce(&stage.client_id, &key).await.unwrap();
        let refresh = Refresh {
            signed: server.sign(stage.credentials(), &key, None),
            sub: did.as_str(),
            refresh_token: &refresh_token(record).into(),
            within: Duration::from_secs(1),
        };
        assert!(matches!(server.refresh(refresh).await, RefreshResponse::Refreshed(_)));
    }
    let counters = stage.bed.counters();
    assert_eq!(counters.of(Endpoint::Token), 41);
    assert!(counters.pds_connections <= 2, "{}", counters.pds_connections);
    assert_eq!(
        counters.user_agents,
        BTreeSet::from([concat!("oauthctl/", env!("CARGO_PKG_VERSION")).to_owned()])
    );
}

#[tokio::test]
async fn nothing_that_can_be_printed_holds_a_secret() {
    let stage = Stage::new().await;
    stage.fault(Endpoint::Token, Fault::CloseAfter);
    let lost = stage.refresh().await;
    let stage = Stage::new().await;
    let refreshed = stage.refresh().await;
    let shown =
        format!("{:?} {:?} {lost:?} {refreshed:?}", stage.credentials(), dpop_key(&stage.record));
    let session = &stage.bed.sessions()[0];
    let (access, d) = (&stage.record["tokenSet"]["access_token"], &stage.record["dpopJwk"]["d"]);
    for secret in ["ref-", &session.refresh_token, access.as_str().unwrap(), d.as_str().unwrap()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
