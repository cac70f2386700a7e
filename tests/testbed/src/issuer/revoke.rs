//! `POST /oauth/revoke`: answers 200 in nearly all cases, and has an effect only if everything is
//! right.

use serde_json::json;

use crate::{
    http::{Reply, Request},
    sessions::access_id,
    state::Shared,
};

use super::{Refused, client, proof, token::compare};

pub(super) fn answer(shared: &Shared, server: usize, request: &Request) -> Reply {
    let (Some(_), Some(token)) = (request.field("client_id"), request.field("token")) else {
        return Refused::new("invalid_request", "Client credentials missing").into();
    };
    let dpop = match proof::check(shared, server, request, None) {
        Ok(dpop) => dpop,
        Err(refused) => return refused.into(),
    };
    // The client could not use an error here, so it gets none (RFC 7009, 2.2).
    if let Ok((client, binding)) = client::authenticate(shared, server, request, dpop.as_deref()) {
        let mut state = shared.lock();
        let sessions = &state.sessions;
        let found = sessions
            .by_refresh(token)
            .filter(|id| sessions[*id].ended.is_none() && sessions[*id].server == server)
            .or_else(|| sessions.by_current_access(server, &access_id(token)));
        if let Some(id) = found
            && compare(&sessions[id], &client, &binding, dpop.as_deref()).is_none()
        {
            state.sessions.end(id, "revoked");
            state.record.counters.revoked += 1;
        }
    }
    Reply::json(200, &json!({}))
}
