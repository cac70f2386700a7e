//! Metadata documents of a server.

use serde_json::{Map, Value, json};

use crate::{http::Reply, state::State};

const ALGS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES256K", "ES384", "ES512"];

/// Returns `/.well-known/oauth-protected-resource`.
pub(super) fn resource(state: &State, server: usize) -> Reply {
    let server = &state.servers[server];
    let url = &server.url;
    let document = json!({
        "resource": url,
        "authorization_servers": [url],
        "scopes_supported": [],
        "bearer_methods_supported": ["header"],
        "resource_documentation": "https://atproto.com",
    });
    Reply::json(200, &patched(document, &server.resource_patch))
}

/// Returns `/.well-known/oauth-authorization-server`.
pub(super) fn server(state: &State, server: usize) -> Reply {
    let server = &state.servers[server];
    let url = &server.url;
    let mut document = json!({
        "issuer": url,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "scopes_supported": ["atproto", "transition:email", "transition:generic", "transition:chat.bsky"],
        "subject_types_supported": ["public"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "ui_locales_supported": ["en-US"],
        "display_values_supported": ["page", "popup", "touch"],
        "authorization_response_iss_parameter_supported": true,
        "request_object_encryption_alg_values_supported": [],
        "request_object_encryption_enc_values_supported": [],
        "jwks_uri": format!("{url}/oauth/jwks"),
        "authorization_endpoint": format!("{url}/oauth/authorize"),
        "token_endpoint": format!("{url}/oauth/token"),
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ALGS,
        "revocation_endpoint": format!("{url}/oauth/revoke"),
        "pushed_authorization_request_endpoint": format!("{url}/oauth/par"),
        "require_pushed_authorization_requests": true,
        "dpop_signing_alg_values_supported": ALGS,
        "protected_resources": [url],
        "client_id_metadata_document_supported": true,
        "prompt_values_supported": ["none", "login", "consent", "select_account", "create"],
    });
    let mut algs = ALGS.to_vec();
    algs.push("none");
    document["request_object_signing_alg_values_supported"] = json!(algs);
    if (!state.policy.revocation || !server.dialect.announces_revocation())
        && let Some(members) = document.as_object_mut()
    {
        members.shift_remove("revocation_endpoint");
    }
    Reply::json(200, &patched(document, &server.metadata_patch))
        .header("cache-control", "max-age=300")
}

/// Returns the document with members replaced. Null removes one.
fn patched(mut document: Value, patch: &Map<String, Value>) -> Value {
    if let Some(members) = document.as_object_mut() {
        for (name, value) in patch {
            if value.is_null() {
                members.shift_remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
    }
    document
}
