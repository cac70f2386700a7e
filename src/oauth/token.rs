//! Speaking to the token and revocation endpoints: everything that can be done before a lock is
//! taken, then one request.

use std::time::{Duration, Instant};

use url::Url;
use zeroize::Zeroizing;

use super::client_assertion::{self, BACKDATED, Credentials};
use super::dpop::{self, ProofParameters};
use super::http::{HttpError, Limits};
use super::lookup::LookupError;
use super::outcome::{Answered, Exchange, Revocation};
use super::server::AuthorizationServer;
use crate::jose::DpopKey;

/// Larger answers are not believed.
const MAX_BYTES: usize = 64 * 1024;
/// Patience with the request that prepares; nothing is at stake in it.
const PREPARE_WITHIN: Duration = Duration::from_secs(10);
/// How often a request is repeated that the server has not considered, for want of another nonce.
/// The first repetition helps, unless another program shares the nonce or it expires at that very
/// moment.
pub const MAX_NONCE_RETRIES: u32 = 3;

/// Who asks, and the proof of it: what of a request can be made before the token is looked at.
pub struct Signed {
    fields: Vec<(&'static str, String)>,
    proof: String,
    parameters: ProofParameters,
}

/// A refresh to be made.
#[expect(clippy::struct_field_names, reason = "OAuth's own name for it")]
pub struct Refresh<'a> {
    /// By whom, for one request.
    pub signed: Signed,
    /// The session's account, for whom the new tokens must be.
    pub sub: &'a str,
    /// The session's refresh token.
    pub refresh_token: &'a str,
    /// Time for the whole exchange; the lock must live longer.
    pub within: Duration,
}

/// A token to be revoked.
#[derive(Clone, Copy)]
pub struct Revoke<'a> {
    /// As whom.
    pub credentials: Credentials<'a>,
    /// The session's DPoP key.
    pub dpop_key: &'a DpopKey,
    /// The refresh token, rather than the access token, which may be out of date.
    pub token: &'a str,
    /// Time for the whole exchange.
    pub within: Duration,
}

impl AuthorizationServer {
    /// Sees to it that the exchange that follows takes one round trip: an open connection and a
    /// current nonce, which every answer of the token endpoint carries. Sends nothing where the
    /// last answers are recent enough. A server that gives no nonces has said so in its first
    /// answer.
    ///
    /// The request that it sends otherwise holds no token and no assertion: a server can only
    /// refuse it, and knows of no session that it could be about. A server in trouble shows it
    /// here, before anything is at stake.
    pub async fn prepare(&self, client_id: &str, dpop_key: &DpopKey) -> Result<(), LookupError> {
        self.check_alg(dpop_key.alg())?;
        let what = format!("nonce of {}", self.issuer);
        // For the exchange itself, which must not wait under a lock.
        let reserved = self.http.reserve(&self.token_endpoint).await;
        reserved.map_err(|e| LookupError::no_answer(&what, e))?;
        if self.nonces.has_answered(&self.token_endpoint) && self.take_warm() {
            return Ok(());
        }
        let fields = [("client_id", client_id), ("grant_type", "refresh_token")];
        let limits = Limits { within: PREPARE_WITHIN, bytes: MAX_BYTES };
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

    /// Signs one request to the token endpoint, as this client, with the session's DPoP key. Two
    /// signatures take longer than a request that only has to be sent, and every moment between
    /// the last look at a record and the request is one in which the app may exchange the same
    /// token.
    ///
    /// A request that was not considered ([`Exchange::UseNonce`]) is signed with the parameters of
    /// that answer: nobody else uses its nonce, so even one that is good for one request is
    /// good for this one.
    pub fn sign(
        &self,
        credentials: Credentials<'_>,
        dpop_key: &DpopKey,
        parameters: Option<ProofParameters>,
    ) -> Signed {
        self.signed(&self.token_endpoint, credentials, dpop_key, parameters)
    }

    /// Exchanges a refresh token: exactly one request, never repeated. A wrong key, a wrong client
    /// or a token used before destroys the session, so everything must have been checked by
    /// now.
    pub async fn refresh(&self, refresh: Refresh<'_>) -> Exchange {
        let url = &self.token_endpoint;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.refresh_token)];
        let answered = match self.post(url, &fields, &refresh.signed, refresh.within).await {
            Ok(answered) => answered,
            Err(error) => return Exchange::of_failure(error),
        };
        let nonce = nonce_to_keep(&answered);
        let exchange = Exchange::of(answered, url, refresh.sub);
        let again =
            if let Exchange::UseNonce(parameters) = &exchange { Some(parameters) } else { None };
        self.learn_nonce(url, nonce.as_deref(), again);
        exchange
    }

    /// Asks for a token to be revoked (RFC 7009): one request, repeated where the server wants
    /// another nonce. Proves nothing.
    pub async fn revoke(&self, revoke: Revoke<'_>) -> Revocation {
        let Some(url) = &self.revocation_endpoint else { return Revocation::Unsupported };
        let begun = Instant::now();
        let mut parameters = None;
        for last in (0..=MAX_NONCE_RETRIES).map(|n| n == MAX_NONCE_RETRIES) {
            let signed = self.signed(url, revoke.credentials, revoke.dpop_key, parameters);
            let within = revoke.within.saturating_sub(begun.elapsed());
            let answered = match self.post(url, &[("token", revoke.token)], &signed, within).await {
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

    /// Client authentication and proof for one request.
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

    /// Keeps the nonce for other requests, unless this request is to be repeated with it. An
    /// invalid proof casts doubt on the nonce that is kept.
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

    /// One request.
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
            .post_form(url, &all, &signed.proof, Limits { within, bytes: MAX_BYTES })
            .await?;
        // A server in trouble is to be asked with nothing at stake before it is sent the next
        // token.
        if answer.body.is_ok()
            && answer.status < 500
            && url.origin() == self.token_endpoint.origin()
        {
            self.put_warm();
        }
        let secrets = all
            .iter()
            .filter(|(name, _)| matches!(*name, "refresh_token" | "token" | "client_assertion"));
        let sent = secrets.map(|(_, secret)| Zeroizing::new((*secret).to_owned())).collect();
        Ok(Answered { answer, proof: signed.parameters.clone(), sent })
    }
}

/// Returns the nonce of an answer; without one, the nonce of a request that was granted goes on
/// being good.
pub(super) fn nonce_to_keep(answered: &Answered) -> Option<String> {
    let used = || answered.proof.nonce.clone().filter(|_| answered.answer.status == 200);
    answered.answer.dpop_nonce.clone().or_else(used)
}

#[cfg(test)]
mod tests;
