//! The only endpoint of the resource server, which tests an access token.

use serde_json::json;

use crate::{
    http::{Reply, Request},
    keys,
    sessions::access_id,
    state::Shared,
};

use super::proof;

pub(super) fn get_session(shared: &Shared, server: usize, request: &Request) -> Reply {
    let Some(token) = request.header("authorization").and_then(|value| value.strip_prefix("DPoP "))
    else {
        return Reply::json(
            401,
            &json!({"error": "AuthMissing", "message": "Authentication Required"}),
        );
    };
    let dpop = match proof::check(shared, server, request, Some(token)) {
        Ok(Some(dpop)) => dpop,
        Ok(None) => return refused("invalid_dpop_proof", "DPoP proof required"),
        Err(error) => return refused(error.error, &error.description),
    };
    let state = shared.lock();
    let readable = token.matches('.').count() == 2;
    if readable && keys::verify_hs256(token, &state.servers[server].secret).is_err() {
        return refused("invalid_token", "Invalid token");
    }
    let Some(id) = state.sessions.by_current_access(server, &access_id(token)) else {
        return refused("invalid_token", "Invalid token");
    };
    let session = &state.sessions[id];
    if session.dpop_jkt != dpop {
        return refused("invalid_token", "Invalid token");
    }
    if session.access_expires <= shared.clock.now() {
        return refused("invalid_token", "\"exp\" claim timestamp check failed");
    }
    let body = json!({
        "did": session.did,
        "handle": state.directory.handle(&session.did),
        "active": true,
    });
    Reply::json(200, &body)
}

fn refused(error: &str, message: &str) -> Reply {
    let message = message.replace('"', "'");
    let challenge =
        format!(r#"DPoP algs="ES256 ES256K", error="{error}", error_description="{message}""#);
    Reply::json(401, &json!({"error": error, "message": message}))
        .header("www-authenticate", &challenge)
}
