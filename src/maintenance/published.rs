//! Compares the documents published by the app with the requirements, as a server would see them.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Failure, failed};
use crate::jose::{ClientKey, Kid};
use crate::json::{items, member, text};
use crate::oauth::Network;
use crate::session::ClientId;

/// Checks that the published metadata is confidential, and that the published key set contains the
/// key.
pub async fn check_published(
    network: &Network,
    client_id: &ClientId<'_>,
    key: &ClientKey,
) -> Result<(), Failure> {
    let (metadata, _) = published(network, client_id.as_str()).await?;
    if text(&metadata, "token_endpoint_auth_method") != Some("private_key_jwt") {
        return Err(failed("the published client metadata does not contain private_key_jwt: the client is still public")
            .at(client_id)
            .hint(
                "publish the output of `oauthctl metadata`, and wait 10 minutes until servers have dropped the old one",
            ));
    }
    if !holds(&key_set(network, client_id, &metadata).await?.0, key) {
        let kid = key.kid().map(Kid::as_str).unwrap_or_default();
        return Err(failed(format!("the published key set does not contain key {kid}"))
            .at(client_id)
            .hint("publish the output of `oauthctl jwks`, and wait 10 minutes until servers have dropped the old one"));
    }
    Ok(())
}

/// Returns the key set found through the client's metadata, and the cache lifetime of the set and
/// the metadata.
pub async fn published_keys(
    network: &Network,
    client_id: &ClientId<'_>,
) -> Result<(Value, Duration), Failure> {
    let (metadata, of_metadata) = published(network, client_id.as_str()).await?;
    let (keys, of_keys) = key_set(network, client_id, &metadata).await?;
    Ok((keys, of_metadata.max(of_keys)))
}

async fn key_set(
    network: &Network,
    client_id: &ClientId<'_>,
    metadata: &Value,
) -> Result<(Value, Duration), Failure> {
    match (member(metadata, "jwks"), text(metadata, "jwks_uri")) {
        (jwks @ Value::Object(_), _) => Ok((jwks.clone(), Duration::ZERO)),
        (_, Some(uri)) => published(network, uri).await,
        _ => Err(failed("the published client metadata contains no keys").at(client_id)),
    }
}

async fn published(network: &Network, url: &str) -> Result<(Value, Duration), Failure> {
    network.published(url).await.map_err(|e| {
        failed("cannot read the published document")
            .at(url)
            .because(e)
            .hint("check that it is reachable from here")
    })
}

/// Checks whether the set contains exactly this key under its kid.
pub fn holds(jwks: &Value, key: &ClientKey) -> bool {
    let kid = key.kid().map(Kid::as_str);
    items(jwks, "keys").any(|one| text(one, "kid") == kid && key.has_public_half(one))
}
