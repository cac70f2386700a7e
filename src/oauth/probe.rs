//! Probes a server's treatment of clients without risk: a refresh with a token that was never
//! issued.

use std::time::Duration;

use super::answers::Upgrading;
use super::client_assertion::Credentials;
use super::error_response::ErrorResponse;
use super::outcome::RefreshResponse;
use super::server::AuthorizationServer;
use super::token::{MAX_NONCE_RETRIES, Refresh};
use crate::jose::DpopKey;
use crate::secret::Secret;
use crate::session::{AuthMethod, ClientId};

/// Refresh token in the form that most servers require. Real ones are random, so no server has
/// issued it.
pub const NEVER_ISSUED: &str =
    "ref-0000000000000000000000000000000000000000000000000000000000000000";
/// Timeout for an answer.
const WITHIN: Duration = Duration::from_secs(5);

impl AuthorizationServer {
    /// Checks whether the server authenticates this client at a refresh, `None` if its answer does
    /// not tell. Sends no assertion.
    pub async fn authenticates(
        &self,
        client_id: &ClientId<'_>,
        dpop_key: &DpopKey,
    ) -> Option<bool> {
        let credentials = Credentials { client_id, auth: AuthMethod::None };
        self.refusal_of_unknown(credentials, dpop_key).await?.asks_for_assertion()
    }

    /// Returns the server's treatment of public sessions refreshed with an assertion.
    pub async fn upgrading(&self, credentials: Credentials<'_>, dpop_key: &DpopKey) -> Upgrading {
        let refusal = self.refusal_of_unknown(credentials, dpop_key).await;
        refusal.map_or(Upgrading::NoAnswer, |refusal| refusal.upgrading())
    }

    /// Returns the error response to a token that was never issued.
    async fn refusal_of_unknown(
        &self,
        credentials: Credentials<'_>,
        dpop_key: &DpopKey,
    ) -> Option<ErrorResponse> {
        self.check_alg(dpop_key.alg()).ok()?;
        let mut parameters = None;
        for _ in 0..=MAX_NONCE_RETRIES {
            let signed = self.sign(credentials, dpop_key, parameters.take());
            let refresh = Refresh {
                signed,
                sub: "",
                refresh_token: &Secret::new(NEVER_ISSUED),
                within: WITHIN,
            };
            match self.refresh(refresh).await {
                RefreshResponse::UseNonce(next) => parameters = Some(next),
                RefreshResponse::Refused(refusal) => return Some(refusal),
                _ => return None,
            }
        }
        None
    }
}
