//! Learning how a server treats clients, with nothing at stake: it is asked for a refresh with a
//! token that never was.

use std::time::Duration;

use super::answers::{ErrorResponse, Upgrading};
use super::client_assertion::Credentials;
use super::outcome::Exchange;
use super::server::AuthorizationServer;
use super::token::{MAX_NONCE_RETRIES, Refresh};
use crate::jose::DpopKey;
use crate::session::AuthMethod;

/// A refresh token of the form that most servers demand, and that none issues: they are random.
pub const NEVER_ISSUED: &str =
    "ref-0000000000000000000000000000000000000000000000000000000000000000";
/// Patience with an answer.
const WITHIN: Duration = Duration::from_secs(5);

impl AuthorizationServer {
    /// Checks whether it authenticates this client at a refresh; none where its answer does not
    /// tell. Sends no assertion.
    pub async fn authenticates(&self, client_id: &str, dpop_key: &DpopKey) -> Option<bool> {
        let credentials = Credentials { client_id, auth: AuthMethod::None };
        self.refusal_of_unknown(credentials, dpop_key).await?.asks_for_assertion()
    }

    /// Its way with public sessions that are asked for with an assertion.
    pub async fn upgrading(&self, credentials: Credentials<'_>, dpop_key: &DpopKey) -> Upgrading {
        let refusal = self.refusal_of_unknown(credentials, dpop_key).await;
        refusal.map_or(Upgrading::NoAnswer, |refusal| refusal.upgrading())
    }

    /// Its refusal of a token that never was.
    async fn refusal_of_unknown(
        &self,
        credentials: Credentials<'_>,
        dpop_key: &DpopKey,
    ) -> Option<ErrorResponse> {
        self.check_alg(dpop_key.alg()).ok()?;
        let mut parameters = None;
        for _ in 0..=MAX_NONCE_RETRIES {
            let signed = self.sign(credentials, dpop_key, parameters.take());
            let refresh = Refresh { signed, sub: "", refresh_token: NEVER_ISSUED, within: WITHIN };
            match self.refresh(refresh).await {
                Exchange::UseNonce(next) => parameters = Some(next),
                Exchange::Refused(refusal) => return Some(refusal),
                _ => return None,
            }
        }
        None
    }
}
