//! Is what servers see of the client what is needed? Looks at the published documents as a server would.

use serde_json::Value;

use crate::error::{Failure, failed};
use crate::jose::ClientKey;
use crate::oauth::Network;

/// The published metadata must be confidential, and the published key set must hold the key.
pub async fn check_published(network: &Network, client_id: &str, key: &ClientKey) -> Result<(), Failure> {
    let metadata = network.published(client_id).await.map_err(|e| unreadable(client_id, e))?;
    if metadata["token_endpoint_auth_method"] != "private_key_jwt" {
        return Err(failed("the published client metadata does not say private_key_jwt: the client is public still")
            .at(client_id)
            .hint(
                "publish what `oauthctl metadata` prints, and wait 10 minutes: servers keep the old one for that long",
            ));
    }
    let jwks = match (&metadata["jwks"], metadata["jwks_uri"].as_str()) {
        (jwks @ Value::Object(_), _) => jwks.clone(),
        (_, Some(uri)) => network.published(uri).await.map_err(|e| unreadable(uri, e))?,
        _ => return Err(failed("the published client metadata names no keys").at(client_id)),
    };
    if !holds(&jwks, key) {
        let kid = key.kid().map(crate::jose::Kid::as_str).unwrap_or_default();
        return Err(failed(format!("the published key set does not hold key {kid}"))
            .at(client_id)
            .hint("publish what `oauthctl jwks` prints, and wait 10 minutes: servers keep the old one for that long"));
    }
    Ok(())
}

/// Whether the set publishes exactly this key under its kid.
pub fn holds(jwks: &Value, key: &ClientKey) -> bool {
    let keys = jwks["keys"].as_array();
    keys.into_iter()
        .flatten()
        .any(|published| ["kid", "x", "y"].iter().all(|member| published[member] == key.expose_jwk()[*member]))
}

fn unreadable(url: &str, error: impl Into<anyhow::Error>) -> Failure {
    failed("cannot read the published document")
        .at(url)
        .because(error)
        .hint("check that it is reachable from here; --skip-published-check does without")
}
