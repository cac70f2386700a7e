//! Authorization server with its PDS on the same origin. Answers like the reference server,
//! according to measurements.

pub(crate) mod client;
mod dialects;
mod metadata;
pub(crate) mod nonce;
mod par;
mod proof;
mod resource;
mod revoke;
mod token;

use serde_json::json;

use crate::{
    http::{Reply, Request},
    log::Endpoint,
    state::{NoncePolicy, Shared},
};

pub use dialects::Dialect;

pub(crate) async fn answer(
    shared: &Shared,
    server: usize,
    endpoint: Endpoint,
    request: &Request,
) -> Reply {
    let dialect = shared.lock().servers[server].dialect;
    match endpoint {
        Endpoint::ResourceMetadata => metadata::resource(&shared.lock(), server),
        Endpoint::ServerMetadata => metadata::server(&shared.lock(), server),
        Endpoint::Token if request.method == "POST" => {
            let reply = match dialect {
                Dialect::Reference => token::answer(shared, server, request).await,
                _ => dialects::refresh(shared, server, dialect, request),
            };
            if dialect.gives_nonce(&reply) { oauth(shared, server, reply) } else { reply }
        }
        Endpoint::Par if request.method == "POST" => {
            let reply = par::answer(shared, server, request);
            oauth(shared, server, reply)
        }
        Endpoint::Revoke
            if request.method == "POST"
                && shared.lock().policy.revocation
                && dialect.has_revocation() =>
        {
            match dialect {
                Dialect::Reference => {
                    oauth(shared, server, revoke::answer(shared, server, request))
                }
                _ => dialects::revoke(shared, server, dialect, request),
            }
        }
        Endpoint::GetSession => {
            with_nonce(shared, server, resource::get_session(shared, server, request))
        }
        Endpoint::ResolveHandle => resolve_handle(shared, request),
        _ if request.path == "/oauth/jwks" => Reply::json(200, &json!({"keys": []})),
        _ => Reply::json(404, &json!({"error": "NotFound", "message": "Not Found"})),
    }
}

/// Refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    status: u16,
    error: &'static str,
    description: String,
}

impl Refused {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        let status = match error {
            "invalid_dpop_proof" => 401,
            "server_error" => 500,
            _ => 400,
        };
        Self { status, error, description: description.into() }
    }
}

impl From<Refused> for Reply {
    fn from(refused: Refused) -> Self {
        let reply = Self::error(refused.status, refused.error, &refused.description);
        if refused.status == 401 {
            let challenge = format!(
                r#"DPoP error="{}", error_description="{}""#,
                refused.error,
                refused.description.replace('"', "'")
            );
            return reply.header("www-authenticate", &challenge);
        }
        reply
    }
}

/// Adds the common headers of all answers of OAuth endpoints.
fn oauth(shared: &Shared, server: usize, reply: Reply) -> Reply {
    let reply = reply
        .header("cache-control", "no-store")
        .header("pragma", "no-cache")
        .header("access-control-allow-headers", "Content-Type,DPoP");
    with_nonce(shared, server, reply)
}

fn with_nonce(shared: &Shared, server: usize, reply: Reply) -> Reply {
    let mut state = shared.lock();
    let (every, old) = match state.policy.nonces {
        NoncePolicy::SingleUse => (Some(1), usize::MAX - 1),
        _ => (state.policy.nonce_every, state.policy.old_nonces),
    };
    let nonce = state.servers[server].nonces.next(every, old);
    let gives_it = match state.policy.nonces {
        NoncePolicy::Never => false,
        NoncePolicy::OnDemand => reply.error_code().as_deref() == Some("use_dpop_nonce"),
        _ => true,
    };
    let reply = if gives_it { reply.header("dpop-nonce", &nonce) } else { reply };
    reply
        .header("access-control-allow-origin", "*")
        .header("access-control-expose-headers", "DPoP-Nonce")
}

fn resolve_handle(shared: &Shared, request: &Request) -> Reply {
    let handle = request.query.get("handle").map_or("", String::as_str);
    match shared.lock().directory.resolve(handle) {
        Some(did) => Reply::json(200, &json!({"did": did})),
        None => Reply::json(
            400,
            &json!({"error": "InvalidRequest", "message": "Unable to resolve handle"}),
        ),
    }
}
