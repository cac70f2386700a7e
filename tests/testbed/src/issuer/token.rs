//! `POST /oauth/token`: refresh. Once a token has been looked up, any refusal ends its session.

use std::sync::Arc;

use crate::{
    http::{Reply, Request},
    sessions::{Binding, Id, Presented, Session},
    state::{Shared, State},
};

use super::{
    Refused,
    client::{self, Client},
    proof,
};

pub(super) async fn answer(shared: &Shared, server: usize, request: &Request) -> Reply {
    let (id, client, binding) = match begin(shared, server, request) {
        Ok(begun) => begun,
        Err(refused) => return refused.into(),
    };
    let pause = shared.lock().policy.exchange_time;
    if pause.is_zero() {
        // A real server's database access lets other requests run here, too.
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(pause).await;
    }
    finish(shared, id, &client, binding).unwrap_or_else(Reply::from)
}

/// Performs the request up to the decision to rotate.
fn begin(
    shared: &Shared,
    server: usize,
    request: &Request,
) -> Result<(Id, Arc<Client>, Binding), Refused> {
    if request.field("client_id").is_none() {
        return Err(invalid_grant("Client credentials missing: Required at body.client_id"));
    }
    let (Some("refresh_token"), Some(token)) =
        (request.field("grant_type"), request.field("refresh_token"))
    else {
        return Err(invalid_grant(
            "Invalid request payload: Invalid discriminator value. Expected 'authorization_code' | \
             'refresh_token' | 'password' | 'client_credentials' at body.grant_type",
        ));
    };
    let dpop = proof::check(shared, server, request, None)?;
    let (client, binding) = client::authenticate(shared, server, request, dpop.as_deref())?;
    if !client.may_refresh {
        return Err(invalid_grant("\"refresh_token\" grant type is not allowed for this client"));
    }
    if token.len() != 68 || !token.starts_with("ref-") {
        return Err(invalid_grant(
            "Invalid refresh token: String must contain exactly 68 character(s) at refresh_token; \
             Invalid refresh token format at refresh_token",
        ));
    }
    let mut state = shared.lock();
    let id = match state.sessions.present(server, token) {
        Presented::Unknown => return Err(invalid_grant("Invalid refresh token")),
        Presented::Used(id) => {
            let why = "Refresh token replayed";
            state.sessions.end(id, why);
            return Err(invalid_grant(why));
        }
        Presented::Current(id) => id,
    };
    if state.sessions[id].in_exchange {
        // The other request will win the race for the same row.
        return Err(Refused::new("server_error", "Server error"));
    }
    let now = shared.clock.now();
    let objection = compare(&state.sessions[id], &client, &binding, dpop.as_deref())
        .or_else(|| expired(&state, id, client.confidential, now));
    if let Some(why) = objection {
        state.sessions.end(id, why);
        return Err(invalid_grant(why));
    }
    state.sessions.get_mut(id).in_exchange = true;
    Ok((id, client, binding))
}

fn finish(shared: &Shared, id: Id, client: &Client, binding: Binding) -> Result<Reply, Refused> {
    let now = shared.clock.now();
    let mut state = shared.lock();
    let State { sessions, policy, servers, .. } = &mut *state;
    sessions.get_mut(id).in_exchange = false;
    if sessions[id].ended.is_some() || sessions[id].client_id != client.id {
        return Err(Refused::new("server_error", "Server error"));
    }
    let server = &servers[sessions[id].server];
    Ok(Reply::json(200, &sessions.rotate(id, binding, policy, server, now)))
}

/// Compares the request with the client to which the session was issued. Returns the difference.
pub(super) fn compare(
    session: &Session,
    client: &Client,
    binding: &Binding,
    dpop: Option<&str>,
) -> Option<&'static str> {
    if session.client_id != client.id {
        Some("Token was not issued to this client")
    } else if dpop != Some(&session.dpop_jkt) {
        Some("DPoP proof does not match the expected JKT")
    } else {
        match (&session.binding, binding) {
            // A public session may become a confidential one.
            (Binding::Public, _) => None,
            (Binding::Key { .. }, Binding::Public) => {
                Some("Client authentication method mismatch (expected private_key_jwt)")
            }
            (bound, used) if bound == used => None,
            _ => Some(
                "The session was initiated with a different key than the client assertion currently used",
            ),
        }
    }
}

/// Returns the reason for which a session has expired, if it has.
pub(super) fn expired(state: &State, id: Id, confidential: bool, now: i64) -> Option<&'static str> {
    let session = &state.sessions[id];
    let (lifetime, refresh_lifetime) = state.policy.lifetimes(confidential);
    if now - session.created > lifetime {
        Some("Session expired")
    } else if now - session.refreshed > refresh_lifetime {
        Some("Refresh token expired")
    } else {
        None
    }
}

fn invalid_grant(description: &str) -> Refused {
    Refused::new("invalid_grant", description)
}
