//! Authorization servers beside the reference one: the checks of each in its order and words, as
//! read in its source.
//!
//! rsky-oauth 1.1.0, cocoon 0.10, pegasus, tranquil-pds 0.6.5 and cirrus, of mid 2026. What is left
//! out: logins, rate limits and caches of client documents.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    http::{Reply, Request},
    keys::Jws,
    sessions::{Binding, Id, Presented, access_id},
    state::{NoncePolicy, Shared, State},
};

use super::{
    Refused,
    client::{self, Client},
    proof,
    token::expired,
};

/// Server software imitated by a PDS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `@atproto/oauth-provider`.
    #[default]
    Reference,
    /// Blacksky's. Ends a session on each refusal, like the reference server.
    Rsky,
    /// Answers with free text in `error`. Never ends a session.
    Cocoon,
    /// Answers with XRPC errors, authenticates no client, and has no revocation endpoint.
    Pegasus,
    /// Authenticates no client at a refresh. Requires no nonce.
    Tranquil,
    /// Has no nonces, and a revocation endpoint that it does not announce.
    Cirrus,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 6] =
        [Self::Reference, Self::Rsky, Self::Cocoon, Self::Pegasus, Self::Tranquil, Self::Cirrus];

    /// Checks whether the metadata names a revocation endpoint.
    pub(super) fn announces_revocation(self) -> bool {
        !matches!(self, Self::Pegasus | Self::Cirrus)
    }

    /// Checks whether there is a revocation endpoint, announced or not.
    pub(super) fn has_revocation(self) -> bool {
        self != Self::Pegasus
    }

    /// Returns the nonce policy, if it differs from the network's.
    pub(super) fn nonces(self) -> Option<NoncePolicy> {
        match self {
            Self::Tranquil => Some(NoncePolicy::Optional),
            Self::Cirrus => Some(NoncePolicy::Never),
            _ => None,
        }
    }

    /// Checks whether an answer of the token endpoint carries a nonce.
    pub(super) fn gives_nonce(self, reply: &Reply) -> bool {
        let asks = reply.error_code().as_deref() == Some("use_dpop_nonce");
        match self {
            Self::Reference | Self::Rsky | Self::Pegasus => true,
            Self::Cocoon => asks,
            Self::Tranquil => asks || reply.status == 200,
            Self::Cirrus => false,
        }
    }
}

/// Answers a refresh.
pub(super) fn refresh(
    shared: &Shared,
    server: usize,
    dialect: Dialect,
    request: &Request,
) -> Reply {
    let refresh = match dialect {
        Dialect::Reference => return Reply::error(500, "server_error", "not a dialect"),
        Dialect::Rsky => rsky,
        Dialect::Cocoon => cocoon,
        Dialect::Pegasus => pegasus,
        Dialect::Tranquil => tranquil,
        Dialect::Cirrus => cirrus,
    };
    match refresh(shared, server, request) {
        Ok((id, binding)) => rotate(shared, id, binding),
        Err(refusal) => refusal,
    }
}

/// Session to be refreshed with its new binding, or the refusal.
type Checked = Result<(Id, Binding), Reply>;

fn rotate(shared: &Shared, id: Id, binding: Binding) -> Reply {
    let now = shared.clock.now();
    let mut state = shared.lock();
    let State { sessions, policy, servers, .. } = &mut *state;
    let server = &servers[sessions[id].server];
    Reply::json(200, &sessions.rotate(id, binding, policy, server, now))
}

fn oauth(status: u16, error: &str, description: &str) -> Reply {
    Reply::error(status, error, description)
}

fn token_of(request: &Request) -> &str {
    request.field("refresh_token").unwrap_or_default()
}

fn client_id_of(request: &Request) -> &str {
    request.field("client_id").unwrap_or_default()
}

fn is_bound_to_key(binding: &Binding) -> bool {
    *binding != Binding::Public
}

/// Client, with the binding proved by its assertion.
type Authenticated = (Arc<Client>, Binding);

/// Authenticates a client with error messages of the dialect: `fetch` and `verify` return them.
fn authenticate(
    shared: &Shared,
    server: usize,
    request: &Request,
    fetch: impl Fn(&str) -> Reply,
    verify: impl Fn(Option<&str>, &Refused) -> Reply,
) -> Result<Authenticated, Reply> {
    let client = client::find(shared, server, client_id_of(request))
        .map_err(|refused| fetch(&refused.description))?;
    if !client.confidential {
        return Ok((client, Binding::Public));
    }
    let Some(assertion) = request.field("client_assertion") else {
        return Err(verify(None, &Refused::new("invalid_client", "client_assertion is required")));
    };
    match client::verify(shared, server, &client, assertion) {
        Ok(binding) => Ok((client, binding)),
        Err(refused) => Err(verify(Some(assertion), &refused)),
    }
}

/// Returns the binding claimed by an unverified assertion.
fn claimed(request: &Request, bound: &Binding) -> Binding {
    let Some(jws) = request.field("client_assertion").and_then(|text| Jws::decode(text).ok())
    else {
        return bound.clone();
    };
    let text = |name: &str| jws.header[name].as_str().unwrap_or_default().to_owned();
    let jkt = match bound {
        Binding::Key { jkt, .. } => jkt.clone(),
        Binding::Public => String::new(),
    };
    Binding::Key { kid: text("kid"), alg: text("alg"), jkt }
}

// ---- rsky

fn rsky(shared: &Shared, server: usize, request: &Request) -> Checked {
    let grant = |words: &str| oauth(400, "invalid_grant", words);
    let (client, binding) = rsky_client(shared, server, request)?;
    let Some(jkt) = proof::check(shared, server, request, None).map_err(Reply::from)? else {
        return Err(oauth(401, "invalid_dpop_proof", "DPoP proof is required"));
    };
    let mut state = shared.lock();
    let id = match state.sessions.present(server, token_of(request)) {
        Presented::Unknown => return Err(grant("invalid refresh token")),
        Presented::Used(id) => {
            state.sessions.end(id, "Refresh token replayed");
            return Err(grant("Refresh token replayed"));
        }
        Presented::Current(id) => id,
    };
    let session = &state.sessions[id];
    let same_client = match (&session.binding, &binding) {
        (Binding::Public, Binding::Public) => true,
        (Binding::Key { jkt: bound, .. }, Binding::Key { jkt: used, .. }) => bound == used,
        _ => false,
    };
    let objection = if session.client_id != client.id {
        Some("refresh token was issued to another client")
    } else if !client.may_refresh {
        Some("client metadata does not declare the refresh_token grant")
    } else if !same_client {
        Some("client authentication does not match the initial request")
    } else if session.dpop_jkt != jkt {
        Some("DPoP key does not match the session key")
    } else {
        match expired(&state, id, is_bound_to_key(&session.binding), shared.clock.now()) {
            Some("Session expired") => Some("session expired"),
            Some(_) => Some("refresh token expired"),
            None => None,
        }
    };
    if let Some(why) = objection {
        state.sessions.end(id, why);
        return Err(grant(why));
    }
    Ok((id, binding))
}

fn rsky_client(shared: &Shared, server: usize, request: &Request) -> Result<Authenticated, Reply> {
    let invalid = |words: &str| oauth(401, "invalid_client", words);
    authenticate(
        shared,
        server,
        request,
        |why| invalid(&format!("failed to fetch {}: {why}", client_id_of(request))),
        |_, refused| invalid(&format!("invalid client assertion: {}", refused.description)),
    )
}

// ---- cocoon

/// Returns an answer without a code, with the words in `error`.
fn free_text(words: &str) -> Reply {
    Reply::json(400, &json!({"error": words}))
}

fn cocoon(shared: &Shared, server: usize, request: &Request) -> Checked {
    let jkt = match proof::check(shared, server, request, None) {
        Ok(jkt) => jkt,
        Err(refused) if refused.error == "use_dpop_nonce" => {
            return Err(free_text("use_dpop_nonce"));
        }
        Err(_) => return Err(free_text("InvalidRequest")),
    };
    let (client, _) = cocoon_client(shared, server, request)?;
    if !client.may_refresh {
        return Err(free_text("\"refresh_token\" grant type is not supported by the client"));
    }
    if token_of(request).is_empty() {
        return Err(free_text("\"refresh_token\" is required"));
    }
    let state = shared.lock();
    let id = match state.sessions.present(server, token_of(request)) {
        Presented::Current(id) if state.sessions[id].client_id == client.id => id,
        _ => return Err(free_text("\"client_id\" mismatch")),
    };
    let session = &state.sessions[id];
    if is_bound_to_key(&session.binding) != client.confidential {
        return Err(free_text("\"client authentication method mismatch"));
    }
    if Some(&session.dpop_jkt) != jkt.as_ref() {
        return Err(free_text("dpop proof does not match expected jkt"));
    }
    if let Some(why) = expired(&state, id, client.confidential, shared.clock.now()) {
        return Err(free_text(why));
    }
    Ok((id, session.binding.clone()))
}

fn cocoon_client(
    shared: &Shared,
    server: usize,
    request: &Request,
) -> Result<Authenticated, Reply> {
    let get = |why: &str| free_text(&format!("failed to get client: {why}"));
    authenticate(shared, server, request, get, |assertion, refused| {
        let kid =
            assertion.and_then(|text| Jws::decode(text).ok()).map(|jws| jws.header["kid"].clone());
        free_text(&match kid {
            None => {
                "client authentication method \"private_key_jwt\" requires a \"client_assertion"
                    .to_owned()
            }
            Some(kid) if refused.description.contains("no applicable key") => {
                format!("no key with kid {kid} in client jwks")
            }
            Some(_) => {
                "unable to verify \"client_assertion\" jwt: crypto/ecdsa: verification error"
                    .to_owned()
            }
        })
    })
}

// ---- pegasus

fn xrpc(message: &str) -> Reply {
    Reply::json(400, &json!({"error": "InvalidRequest", "message": message}))
}

fn pegasus(shared: &Shared, server: usize, request: &Request) -> Checked {
    let jkt = match proof::check(shared, server, request, None) {
        Ok(Some(jkt)) => jkt,
        Ok(None) => return Err(xrpc("dpop error: missing dpop header")),
        Err(refused) if refused.error == "use_dpop_nonce" => {
            return Err(free_text("use_dpop_nonce"));
        }
        Err(refused) => return Err(xrpc(&format!("dpop error: {}", refused.description))),
    };
    if token_of(request).is_empty() {
        return Err(xrpc("refresh_token required"));
    }
    let state = shared.lock();
    let Presented::Current(id) = state.sessions.present(server, token_of(request)) else {
        return Err(xrpc("invalid refresh token"));
    };
    let (session, now) = (&state.sessions[id], shared.clock.now());
    match expired(&state, id, is_bound_to_key(&session.binding), now) {
        Some("Session expired") => return Err(xrpc("session expired")),
        Some(_) => return Err(xrpc("expired refresh token")),
        None => {}
    }
    if session.client_id != client_id_of(request) {
        return Err(xrpc("client_id mismatch"));
    }
    if session.dpop_jkt != jkt {
        return Err(xrpc("DPoP key mismatch"));
    }
    Ok((id, claimed(request, &session.binding)))
}

// ---- tranquil

fn tranquil(shared: &Shared, server: usize, request: &Request) -> Checked {
    if token_of(request).is_empty() {
        let words = "refresh_token is required for refresh_token grant";
        return Err(oauth(400, "invalid_request", words));
    }
    let grant = |words: &str| oauth(400, "invalid_grant", words);
    let now = shared.clock.now();
    let (id, jkt, binding) = {
        let mut state = shared.lock();
        let id = match state.sessions.present(server, token_of(request)) {
            Presented::Unknown => return Err(grant("Invalid refresh token")),
            // Within two hours the real one answers with the current tokens. None is that recent
            // here.
            Presented::Used(id) => {
                let why = "Refresh token reuse detected, token family revoked";
                state.sessions.end(id, why);
                return Err(grant(why));
            }
            Presented::Current(id) => id,
        };
        if expired(&state, id, is_bound_to_key(&state.sessions[id].binding), now).is_some() {
            let why = "Refresh token has expired";
            state.sessions.end(id, why);
            return Err(grant(why));
        }
        let session = &state.sessions[id];
        (id, session.dpop_jkt.clone(), claimed(request, &session.binding))
    };
    match proof::check(shared, server, request, None) {
        Ok(Some(used)) if used == jkt => Ok((id, binding)),
        Ok(Some(_)) => Err(oauth(401, "invalid_dpop_proof", "DPoP key binding mismatch")),
        Ok(None) => Err(oauth(400, "invalid_request", "DPoP proof required")),
        Err(refused) => Err(refused.into()),
    }
}

// ---- cirrus

fn cirrus(shared: &Shared, server: usize, request: &Request) -> Checked {
    if token_of(request).is_empty() {
        return Err(oauth(400, "invalid_request", "Missing refresh_token parameter"));
    }
    let client = client::find(shared, server, client_id_of(request)).map_err(|_| {
        oauth(400, "invalid_client", &format!("Unknown client: {}", client_id_of(request)))
    })?;
    let assertion = request.field("client_assertion");
    let binding = match (client.confidential, assertion) {
        (false, Some(_)) => {
            let words = "Client assertion not expected for public client";
            return Err(oauth(400, "invalid_request", words));
        }
        (false, None) => Binding::Public,
        (true, None) => {
            let words = "Client assertion required for confidential client";
            return Err(oauth(400, "invalid_client", words));
        }
        (true, Some(assertion)) => {
            client::verify(shared, server, &client, assertion).map_err(|refused| {
                oauth(
                    400,
                    "invalid_client",
                    &format!("JWT verification failed: {}", refused.description),
                )
            })?
        }
    };
    let (id, jkt) = {
        let state = shared.lock();
        let grant = |words: &str| oauth(400, "invalid_grant", words);
        let Presented::Current(id) = state.sessions.present(server, token_of(request)) else {
            return Err(grant("Invalid refresh token"));
        };
        if expired(&state, id, client.confidential, shared.clock.now()).is_some() {
            return Err(grant("Invalid refresh token"));
        }
        if state.sessions[id].client_id != client.id {
            return Err(grant("client_id mismatch"));
        }
        (id, state.sessions[id].dpop_jkt.clone())
    };
    match proof::check(shared, server, request, None) {
        Ok(Some(used)) if used == jkt => Ok((id, binding)),
        Ok(Some(_)) => Err(oauth(400, "invalid_dpop_proof", "DPoP key mismatch")),
        Ok(None) => Err(oauth(400, "invalid_dpop_proof", "Missing DPoP header")),
        Err(refused) => Err(oauth(400, "invalid_dpop_proof", &refused.description)),
    }
}

// ---- revocation

/// Answers a revocation request.
pub(super) fn revoke(shared: &Shared, server: usize, dialect: Dialect, request: &Request) -> Reply {
    let token = request.field("token").unwrap_or_default();
    let client_id = match dialect {
        Dialect::Rsky => match rsky_client(shared, server, request) {
            Ok((client, _)) => Some(client.id.clone()),
            Err(refusal) => return refusal,
        },
        // For any client: it never refuses.
        Dialect::Cocoon => {
            cocoon_client(shared, server, request).ok().map(|(client, _)| client.id.clone())
        }
        _ => None,
    };
    let mut state = shared.lock();
    let sessions = &state.sessions;
    let access = || sessions.by_current_access(server, &access_id(token));
    let found = match (sessions.present(server, token), dialect) {
        (Presented::Current(id), _) | (Presented::Used(id), Dialect::Rsky) => Some(id),
        (_, Dialect::Tranquil) => None,
        _ => access(),
    };
    if let Some(id) = found
        && client_id.is_none_or(|client_id| sessions[id].client_id == client_id)
    {
        state.sessions.end(id, "revoked");
        state.record.counters.revoked += 1;
    }
    match dialect {
        Dialect::Rsky | Dialect::Cirrus => Reply::json(200, &json!({})),
        _ => Reply::json(200, &Value::Null),
    }
}
