//! Requests to the token and revocation endpoints, in two parts: preparation before the lock, and
//! one request under it.

use std::time::{Duration, Instant};

use url::Url;

use super::client_assertion::{self, BACKDATED, Credentials};
use super::dpop::{self, ProofParameters};
use super::http::{HttpError, RequestLimits};
use super::lookup::LookupError;
use super::outcome::{Answered, RefreshResponse, Revocation};
use super::server::AuthorizationServer;
use crate::jose::DpopKey;
use crate::secret::Secret;
use crate::session::ClientId;

/// Maximum size of an answer.
const MAX_BYTES: usize = 64 * 1024;
/// Timeout of the preparing request, in which no token is at risk.
const PREPARE_WITHIN: Duration = Duration::from_secs(10);
/// Maximum number of repetitions of a request that was not processed for lack of a nonce. One
/// suffices, unless another program uses the same nonce or it expires at that moment.
pub const MAX_NONCE_RETRIES: u32 = 3;

/// Client authentication and proof of a request, which can be made before the record is read.
pub struct Signed {
    fields: Vec<(&'static str, String)>,
    proof: String,
    parameters: ProofParameters,
}

/// Refresh request.
#[expect(clippy::struct_field_names, reason = "OAuth's own name for it")]
pub struct Refresh<'a> {
    /// Client authentication and proof.
    pub signed: Signed,
    /// Account of the session, to which the new tokens must belong.
    pub sub: &'a str,
    /// Refresh token of the session.
    pub refresh_token: &'a Secret<'a>,
    /// Timeout for the whole exchange. The lock must live longer.
    pub within: Duration,
}

/// Revocation request.
#[derive(Clone, Copy)]
pub struct Revoke<'a> {
    /// Client.
    pub credentials: Credentials<'a>,
    /// DPoP key of the session.
    pub dpop_key: &'a DpopKey,
    /// Refresh token, not the access token, which may have expired.
    pub token: &'a Secret<'a>,
    /// Timeout for the whole exchange.
    pub within: Duration,
}

impl AuthorizationServer {
    /// Prepares a refresh in a single round trip: an open connection and a current nonce. Sends
    /// nothing if an answer of the token endpoint is recent enough. A server without nonces is
    /// recognised by its first answer.
    ///
    /// The request contains neither token nor assertion, so the server can only refuse it, and
    /// cannot relate it to a session. A server in trouble is detected here, before any token is at
    /// risk.
    pub async fn prime_nonce(
        &self,
        client_id: &ClientId<'_>,
        dpop_key: &DpopKey,
    ) -> Result<(), LookupError> {
        self.check_alg(dpop_key.alg())?;
        let what = format!("nonce of {}", self.issuer);
        // Reserved for the refresh itself, which must not wait under a lock.
        let reserved = self.http.reserve(&self.token_endpoint).await;
        reserved.map_err(|e| LookupError::no_answer(&what, e))?;
        if self.nonces.has_answered(&self.token_endpoint) && self.take_warm() {
            return Ok(());
        }
        let fields = [("client_id", client_id.as_str()), ("grant_type", "refresh_token")];
        let limits = RequestLimits { within: PREPARE_WITHIN, bytes: MAX_BYTES };
        let url = &self.token_endpoint;
        let iat = self.clock.now().as_second() - BACKDATED;
        let proof = dpop::proof(dpop_key, url, None, &self.random.id(), iat);
        let answer = self.http.post_form(url, &fields, &proof, limits).await;
        let answer = answer.map_err(|e| LookupError::no_answer(&what, e))?;
        self.nonces.keep(url, answer.dpop_nonce.as_deref());
        match answer.status {
            403 | 404 | 408 | 410 | 429 | ..400 | 500.. => {
                Err(LookupError::of_token_status(&self.issuer, &answer))
            }
            _ => Ok(()),
        }
    }

    /// Signs a request to the token endpoint as this client, with the session's DPoP key. Signing
    /// takes longer than sending, and in the time between the last read of the record and the
    /// request, the app may use the same token. So it is done in advance.
    ///
    /// A request that was not processed ([`RefreshResponse::UseNonce`]) is signed again with the
    /// parameters of that answer. No other request uses its nonce, so single-use nonces work, too.
    pub fn sign(
        &self,
        credentials: Credentials<'_>,
        dpop_key: &DpopKey,
        parameters: Option<ProofParameters>,
    ) -> Signed {
        self.signed(&self.token_endpoint, credentials, dpop_key, parameters)
    }

    /// Sends a refresh: exactly one request, never repeated. A wrong key, a wrong client or a used
    /// token ends the session, so everything must have been checked before.
    pub async fn refresh(&self, refresh: Refresh<'_>) -> RefreshResponse {
        let url = &self.token_endpoint;
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.refresh_token.expose_secret()),
        ];
        let answered = match self.post(url, &fields, &refresh.signed, refresh.within).await {
            Ok(answered) => answered,
            Err(error) => return RefreshResponse::of_failure(error),
        };
        let nonce = nonce_to_keep(&answered);
        let exchange = RefreshResponse::of(answered, url, refresh.sub);
        let again = if let RefreshResponse::UseNonce(parameters) = &exchange {
            Some(parameters)
        } else {
            None
        };
        self.learn_nonce(url, nonce.as_deref(), again);
        exchange
    }

    /// Sends a revocation (RFC 7009): one request, repeated if the server requires another nonce.
    /// Proves nothing.
    pub async fn revoke(&self, revoke: Revoke<'_>) -> Revocation {
        let Some(url) = &self.revocation_endpoint else { return Revocation::Unsupported };
        let begun = Instant::now();
        let mut parameters = None;
        for last in (0..=MAX_NONCE_RETRIES).map(|n| n == MAX_NONCE_RETRIES) {
            let signed = self.signed(url, revoke.credentials, revoke.dpop_key, parameters);
            let within = revoke.within.saturating_sub(begun.elapsed());
            let answered = match self
                .post(url, &[("token", revoke.token.expose_secret())], &signed, within)
                .await
            {
                Ok(answered) => answered,
                Err(error) => return Revocation::of_failure(error),
            };
            let nonce = nonce_to_keep(&answered);
            let revocation = Revocation::of(answered, url);
            let again = if let Revocation::UseNonce(parameters) = &revocation {
                Some(parameters)
            } else {
                None
            };
            self.learn_nonce(url, nonce.as_deref(), again);
            match revocation {
                Revocation::UseNonce(next) if !last => parameters = Some(next),
                revocation => return revocation,
            }
        }
        unreachable!("the last request's answer is returned")
    }

    /// Makes client authentication and proof for one request.
    pub(super) fn signed(
        &self,
        url: &Url,
        credentials: Credentials<'_>,
        dpop_key: &DpopKey,
        parameters: Option<ProofParameters>,
    ) -> Signed {
        let newest =
            || ProofParameters { nonce: self.nonces.get(url), ..ProofParameters::default() };
        let parameters = parameters.unwrap_or_else(newest);
        let now = self.clock.now().as_second().saturating_add(parameters.clock_offset.as_secs());
        let fields = client_assertion::fields(credentials, &self.issuer, &self.random.id(), now);
        let nonce = parameters.nonce.as_deref();
        let proof = dpop::proof(dpop_key, url, nonce, &self.random.id(), now - BACKDATED);
        Signed { fields, proof, parameters }
    }

    /// Stores the nonce for other requests, unless this request is repeated with it. After an
    /// invalid proof the stored nonce is not trusted.
    pub(super) fn learn_nonce(
        &self,
        url: &Url,
        nonce: Option<&str>,
        again: Option<&ProofParameters>,
    ) {
        match again {
            Some(parameters) if parameters.refused_before => self.nonces.forget(url),
            Some(_) => {}
            None => self.nonces.keep(url, nonce),
        }
    }

    /// Sends one request.
    pub(super) async fn post(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        signed: &Signed,
        within: Duration,
    ) -> Result<Answered, HttpError> {
        let own = signed.fields.iter().map(|(name, text)| (*name, text.as_str()));
        let all: Vec<_> = fields.iter().copied().chain(own).collect();
        let answer = self
            .http
            .post_form(url, &all, &signed.proof, RequestLimits { within, bytes: MAX_BYTES })
            .await?;
        // After server trouble, the next request to it must be one without a token.
        if answer.body.is_ok()
            && answer.status < 500
            && url.origin() == self.token_endpoint.origin()
        {
            self.put_warm();
        }
        let secrets = all
            .iter()
            .filter(|(name, _)| matches!(*name, "refresh_token" | "token" | "client_assertion"));
        let sent = secrets.map(|(_, secret)| Secret::from((*secret).to_owned())).collect();
        Ok(Answered { answer, proof: signed.parameters.clone(), sent })
    }
}

/// Returns the nonce of an answer. Without one, the nonce of a granted request stays valid.
pub(super) fn nonce_to_keep(answered: &Answered) -> Option<String> {
    let used = || answered.proof.nonce.clone().filter(|_| answered.answer.status == 200);
    answered.answer.dpop_nonce.clone().or_else(used)
}

#[cfg(test)]
mod tests;
