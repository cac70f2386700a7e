//! Speaking to the token and revocation endpoints: everything that can be done before a lock is taken, then one request.

use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use super::client_assertion::{self, Credentials};
use super::dpop;
use super::http::{HttpError, Limits};
use super::lookup::LookupError;
use super::outcome::{Answered, Exchange, Revocation};
use super::server::AuthorizationServer;
use crate::jose::DpopKey;

/// Larger answers are not believed.
const MAX_BYTES: usize = 64 * 1024;
/// Patience with the request that prepares; nothing is at stake in it.
const PREPARE_WITHIN: Duration = Duration::from_secs(10);

/// Who asks, and the proof of it: what of a request can be made before the token is looked at.
pub struct Signed {
    fields: Vec<(&'static str, String)>,
    proof: String,
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
    /// Sees to it that the exchange that follows takes one round trip: an open connection and a current nonce, which
    /// every answer of the token endpoint carries. Sends nothing where the last answers are recent enough.
    ///
    /// The request that it sends otherwise holds no token and no assertion: a server can only refuse it, and knows of no
    /// session that it could be about. A server in trouble shows it here, before anything is at stake.
    pub async fn prepare(&self, client_id: &str, dpop_key: &DpopKey) -> Result<(), LookupError> {
        self.check_alg(dpop_key.alg())?;
        if self.nonces.get(&self.token_endpoint).is_some() && self.take_warm() {
            return Ok(());
        }
        let what = format!("nonce of {}", self.issuer);
        let fields = [("client_id", client_id), ("grant_type", "refresh_token")];
        let limits = Limits { within: PREPARE_WITHIN, bytes: MAX_BYTES };
        let url = &self.token_endpoint;
        let proof = dpop::proof(dpop_key, url, None, &self.random.id(), self.clock.now().as_second());
        let answer = self.http.post_form(url, &fields, &proof, limits).await;
        let answer = answer.map_err(|e| LookupError::no_answer(&what, e))?;
        self.nonces.keep(url, answer.dpop_nonce.as_deref());
        match answer.status {
            403 | 404 | 408 | 410 | 429 | ..400 | 500.. => Err(LookupError::of_token_status(&self.issuer, &answer)),
            _ => Ok(()),
        }
    }

    /// Signs one request to the token endpoint, as this client, with the session's DPoP key. Two signatures take longer
    /// than a request that only has to be sent, and every moment between the last look at a record and the request is one
    /// in which the app may exchange the same token.
    pub fn sign(&self, credentials: Credentials<'_>, dpop_key: &DpopKey) -> Signed {
        self.signed(&self.token_endpoint, credentials, dpop_key)
    }

    /// Exchanges a refresh token: exactly one request, never repeated. A wrong key, a wrong client or a token used
    /// before destroys the session, so everything must have been checked by now.
    pub async fn refresh(&self, refresh: Refresh<'_>) -> Exchange {
        let url = &self.token_endpoint;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.refresh_token)];
        match self.post(url, &fields, &refresh.signed, refresh.within).await {
            Ok(answered) => Exchange::of(answered, url, refresh.sub),
            Err(error) => Exchange::of_failure(error),
        }
    }

    /// Asks for a token to be revoked (RFC 7009): exactly one request. Proves nothing.
    pub async fn revoke(&self, revoke: Revoke<'_>) -> Revocation {
        let Some(url) = &self.revocation_endpoint else { return Revocation::Unsupported };
        let signed = self.signed(url, revoke.credentials, revoke.dpop_key);
        match self.post(url, &[("token", revoke.token)], &signed, revoke.within).await {
            Ok(answered) => Revocation::of(answered, url),
            Err(error) => Revocation::of_failure(error),
        }
    }

    /// Client authentication and proof for one request.
    fn signed(&self, url: &Url, credentials: Credentials<'_>, dpop_key: &DpopKey) -> Signed {
        let now = self.clock.now().as_second();
        let fields = client_assertion::fields(credentials, &self.issuer, &self.random.id(), now);
        let proof = dpop::proof(dpop_key, url, self.nonces.get(url).as_deref(), &self.random.id(), now);
        Signed { fields, proof }
    }

    /// One request.
    async fn post(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        signed: &Signed,
        within: Duration,
    ) -> Result<Answered, HttpError> {
        let own = signed.fields.iter().map(|(name, text)| (*name, text.as_str()));
        let all: Vec<_> = fields.iter().copied().chain(own).collect();
        let answer = self.http.post_form(url, &all, &signed.proof, Limits { within, bytes: MAX_BYTES }).await?;
        let nonce_kept = self.nonces.keep(url, answer.dpop_nonce.as_deref());
        // A server in trouble is to be asked with nothing at stake before it is sent the next token.
        if answer.body.is_ok() && answer.status < 500 && url.origin() == self.token_endpoint.origin() {
            self.put_warm();
        }
        let secrets = all.iter().filter(|(name, _)| matches!(*name, "refresh_token" | "token" | "client_assertion"));
        let sent = secrets.map(|(_, secret)| Zeroizing::new((*secret).to_owned())).collect();
        Ok(Answered { answer, nonce_kept, sent })
    }
}

#[cfg(test)]
mod tests;
