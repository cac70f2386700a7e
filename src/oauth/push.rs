//! Pushed authorization requests (RFC 9126): the first step of a login, in which a server checks
//! the client's documents, its key and its request. No one is logged in by it.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::client_assertion::Credentials;
use super::dpop::ProofParameters;
use super::error_response::ErrorResponse;
use super::http::HttpError;
use super::lookup::LookupError;
use super::outcome::{self, Answered, Read};
use super::server::AuthorizationServer;
use super::token::{MAX_NONCE_RETRIES, nonce_to_keep};
use crate::jose::DpopKey;

/// Timeout, sufficient for a server that fetches two documents first.
const WITHIN: Duration = Duration::from_secs(20);

/// Request for a login without a particular user.
#[derive(Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Client with the key that authenticates it.
    pub credentials: Credentials<'a>,
    /// Key to which the tokens would be bound.
    pub dpop_key: &'a DpopKey,
    /// Redirect URI.
    pub redirect_uri: &'a str,
    /// Requested scope.
    pub scope: &'a str,
}

/// Answer to a pushed authorization request.
#[derive(Debug)]
pub enum Pushed {
    /// Accepted. The `request_uri` is discarded.
    Accepted,
    /// The server has no endpoint for it. Nothing was sent.
    Unsupported,
    /// Not processed: the server requires a proof with these parameters.
    UseNonce(ProofParameters),
    /// Refused.
    Refused(ErrorResponse),
    /// 429, 5xx, a proxy's page.
    TryLater {
        /// Status code.
        status: u16,
    },
    /// No readable answer.
    NoAnswer(HttpError),
    /// The server does not support the key's algorithm. Nothing was sent.
    Unfit(LookupError),
}

impl AuthorizationServer {
    /// Pushes a request, repeated if the server requires another nonce. `state` and the PKCE
    /// verifier (RFC 7636) are discarded at once, so that the login cannot be continued.
    pub async fn push(&self, request: AuthorizationRequest<'_>) -> Pushed {
        let Some(url) = &self.push_endpoint else { return Pushed::Unsupported };
        if let Err(unfit) = self.check_alg(request.dpop_key.alg()) {
            return Pushed::Unfit(unfit);
        }
        // Twice 128 bits give the minimum length of a verifier, 43 characters.
        let verifier = format!("{}{}", self.random.id(), self.random.id());
        let challenge = BASE64URL.encode(Sha256::digest(verifier));
        let state = self.random.id();
        let fields = [
            ("response_type", "code"),
            ("code_challenge", &*challenge),
            ("code_challenge_method", "S256"),
            ("state", &*state),
            ("redirect_uri", request.redirect_uri),
            ("scope", request.scope),
        ];
        let begun = Instant::now();
        let mut parameters = None;
        for last in (0..=MAX_NONCE_RETRIES).map(|n| n == MAX_NONCE_RETRIES) {
            if let Err(error) = self.http.reserve(url).await {
                return Pushed::NoAnswer(error);
            }
            let signed = self.signed(url, request.credentials, request.dpop_key, parameters);
            let within = WITHIN.saturating_sub(begun.elapsed());
            let answered = match self.post(url, &fields, &signed, within).await {
                Ok(answered) => answered,
                Err(error) => return Pushed::NoAnswer(error),
            };
            let nonce = nonce_to_keep(&answered);
            let pushed = Pushed::of(answered, url);
            let again =
                if let Pushed::UseNonce(parameters) = &pushed { Some(parameters) } else { None };
            self.learn_nonce(url, nonce.as_deref(), again);
            match pushed {
                Pushed::UseNonce(next) if !last => parameters = Some(next),
                pushed => return pushed,
            }
        }
        unreachable!("the last request's answer is returned")
    }
}

impl Pushed {
    fn of(answered: Answered, url: &Url) -> Self {
        if answered.answer.status == 201 {
            return match answered.answer.body {
                Ok(body) => Self::of_success(serde_json::from_slice(&body).ok().as_ref(), url),
                Err(error) => Self::NoAnswer(error),
            };
        }
        match outcome::read(answered, url) {
            // RFC 9126 section 2.2 requires 201; some servers send 200.
            Read::Success(body) => Self::of_success(Some(&body), url),
            Read::UseNonce(parameters) => Self::UseNonce(parameters),
            Read::Refused(refusal) => Self::Refused(refusal),
            Read::TryLater { status, .. } => Self::TryLater { status },
            Read::Lost(error) => Self::NoAnswer(error),
        }
    }

    fn of_success(body: Option<&Map<String, Value>>, url: &Url) -> Self {
        match body.and_then(|body| body.get("request_uri")) {
            Some(Value::String(_)) => Self::Accepted,
            _ => Self::NoAnswer(HttpError::unreadable(url, "names no request_uri")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use testbed::{Endpoint, Fault, Network as Testbed, Reply, keys};

    use super::super::testing::network;
    use super::*;
    use crate::jose::ClientKey;
    use crate::session::AuthMethod;

    async fn push(bed: &Testbed, redirect_uri: &str) -> Pushed {
        let server = network(bed).server(&bed.pds_url().into()).await.unwrap();
        let members = bed.signing_key().unwrap().as_object().unwrap().clone();
        let key = ClientKey::from_members(members).unwrap();
        let jwk = keys::generate(keys::Alg::Es256);
        let request = AuthorizationRequest {
            credentials: Credentials {
                client_id: &bed.client_id().into(),
                auth: AuthMethod::PrivateKeyJwt(&key),
            },
            dpop_key: &DpopKey::from_members(jwk.as_object().unwrap()).unwrap(),
            redirect_uri,
            scope: "atproto transition:generic",
        };
        server.push(request).await
    }

    #[tokio::test]
    async fn a_request_is_taken_or_refused_in_the_servers_words() {
        let bed = Testbed::start().await.unwrap();
        let callback = format!("{}/api/auth/atproto", bed.app_url());
        assert!(matches!(push(&bed, &callback).await, Pushed::Accepted));
        let Pushed::Refused(refusal) = push(&bed, "https://other.example/").await else {
            panic!("a callback that is not in the document is taken")
        };
        assert_eq!(
            refusal.description.as_deref(),
            Some("Invalid redirect_uri https://other.example/")
        );
        let forms = bed.requests_to(Endpoint::Par);
        assert!(forms.len() >= 2);
    }

    #[tokio::test]
    async fn an_answer_that_is_none_is_told_apart() {
        let bed = Testbed::start().await.unwrap();
        let callback = format!("{}/api/auth/atproto", bed.app_url());
        for (reply, later) in [
            (Reply::json(201, &json!({"expires_in": 300})), false),
            (Reply::json(201, &json!([])), false),
            (Reply::html(200), false),
            (Reply::html(403), true),
            (Reply::error(500, "server_error", "x"), true),
        ] {
            bed.fault_once(Endpoint::Par, Fault::Instead(reply.clone()));
            let pushed = push(&bed, &callback).await;
            let fits = if later {
                matches!(pushed, Pushed::TryLater { .. })
            } else {
                matches!(pushed, Pushed::NoAnswer(_))
            };
            assert!(fits, "{reply:?}: {pushed:?}");
        }
        bed.patch_server_metadata(0, json!({"pushed_authorization_request_endpoint": 1}));
        assert!(matches!(push(&bed, &callback).await, Pushed::Unsupported));
    }
}
