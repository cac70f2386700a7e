//! `POST /oauth/par`: the first step of a login, and the cheapest test whether a server accepts the
//! client.

use serde_json::json;

use crate::{
    http::{Reply, Request},
    random,
    state::Shared,
};

use super::{Refused, client, proof};

pub(super) fn answer(shared: &Shared, server: usize, request: &Request) -> Reply {
    match push(shared, server, request) {
        Ok(()) => {
            let request_uri =
                format!("urn:ietf:params:oauth:request_uri:req-{}", random::hex::<16>());
            let body = json!({"request_uri": request_uri, "expires_in": 300});
            Reply::json(201, &body)
        }
        Err(refused) => refused.into(),
    }
}

fn push(shared: &Shared, server: usize, request: &Request) -> Result<(), Refused> {
    let dpop = proof::check(shared, server, request, None)?;
    // A thumbprint in the form can replace a proof here (RFC 9449, 10).
    let dpop = dpop.as_deref().or(request.field("dpop_jkt"));
    let (client, _) = client::authenticate(shared, server, request, dpop)?;
    if request.field("response_type") != Some("code") {
        return Err(Refused::new(
            "invalid_request",
            "Invalid response_type requested by the client",
        ));
    }
    let challenged = request.field("code_challenge_method") == Some("S256")
        && request.field("code_challenge").is_some();
    if !challenged {
        return Err(Refused::new("invalid_request", "code_challenge is required"));
    }
    let redirect = request.field("redirect_uri").unwrap_or_default();
    if !client.takes_redirect(redirect) {
        let description = format!("Invalid redirect_uri {redirect}");
        return Err(Refused::new("invalid_request", description));
    }
    let scopes = request.field("scope").unwrap_or("atproto").split(' ');
    for scope in scopes {
        if !client.scopes.iter().any(|known| known == scope) {
            let description = format!("Scope \"{scope}\" is not declared in the client metadata");
            return Err(Refused::new("invalid_scope", description));
        }
    }
    Ok(())
}
