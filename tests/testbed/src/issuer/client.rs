//! Client authentication: the client's published documents, and the assertion that must match them.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use crate::{
    clock::{Millis, millis, real_now},
    documents::origin,
    http::{Reply, Request, percent_decode},
    keys::{self, Jws},
    sessions::Binding,
    state::{Shared, State},
};

use super::Refused;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Maximum age of an assertion at the reference server, with or without `exp`.
const MAX_ASSERTION_AGE: i64 = 60;

/// Client as described by its documents.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) confidential: bool,
    pub(super) may_refresh: bool,
    pub(super) scopes: Vec<String>,
    redirects: Vec<String>,
    keys: Vec<Value>,
}

impl Client {
    /// Checks whether this redirect URI is permitted. Development clients are not restricted.
    pub(super) fn takes_redirect(&self, uri: &str) -> bool {
        self.redirects.is_empty() || self.redirects.iter().any(|known| known == uri)
    }
}

/// Documents fetched by servers, with the time.
#[derive(Debug, Default)]
pub(crate) struct ClientCache(HashMap<(usize, String), (Millis, Arc<Client>)>);

impl ClientCache {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Returns the client of a request, and its authentication.
pub(super) fn authenticate(
    shared: &Shared,
    server: usize,
    request: &Request,
    dpop: Option<&str>,
) -> Result<(Arc<Client>, Binding), Refused> {
    let id = request.field("client_id").unwrap_or_default();
    let client = find(shared, server, id)?;
    if dpop.is_none() {
        return Err(Refused::new("invalid_dpop_proof", "DPoP proof required"));
    }
    if !client.confidential {
        return Ok((client, Binding::Public));
    }
    let Some(assertion) = request.field("client_assertion") else {
        return Err(Refused::new(
            "invalid_request",
            "client authentication method \"private_key_jwt\" required a \"client_assertion\"",
        ));
    };
    let kind = request.field("client_assertion_type").unwrap_or_default();
    if kind != ASSERTION_TYPE {
        return Err(Refused::new(
            "invalid_client",
            format!("Unsupported client_assertion_type \"{kind}\""),
        ));
    }
    let binding = verify(shared, server, &client, assertion)?;
    Ok((client, binding))
}

/// Verifies an assertion. Returns the binding for the session.
pub(super) fn verify(
    shared: &Shared,
    server: usize,
    client: &Client,
    assertion: &str,
) -> Result<Binding, Refused> {
    let failed = |reason: &str| {
        Refused::new(
            "invalid_client",
            format!("Validation of \"client_assertion\" failed: {reason}"),
        )
    };
    let jws = Jws::decode(assertion).map_err(|error| failed(&error.to_string()))?;
    let key = pick(&client.keys, &jws.header).map_err(failed)?;
    jws.verify(key).map_err(|error| failed(&error.to_string()))?;

    let claims = &jws.claims;
    let (issuer, clock) = {
        let state = shared.lock();
        let clock = if state.policy.proofs_follow_clock { shared.clock.now() } else { real_now() };
        (state.servers[server].url.clone(), clock / 1000)
    };
    for name in ["iss", "sub"] {
        if claims[name] != client.id.as_str() {
            return Err(failed(&format!("unexpected \"{name}\" claim value")));
        }
    }
    let addressed = match &claims["aud"] {
        Value::Array(all) => all.iter().any(|aud| *aud == issuer.as_str()),
        aud => *aud == issuer.as_str(),
    };
    if !addressed {
        return Err(failed("unexpected \"aud\" claim value"));
    }
    let Some(jti) = claims["jti"].as_str() else {
        return Err(failed("missing required \"jti\" claim"));
    };
    let Some(iat) = claims["iat"].as_i64() else {
        return Err(failed("missing required \"iat\" claim"));
    };
    if claims["nbf"].as_i64().is_some_and(|nbf| nbf > clock) {
        return Err(failed("\"nbf\" claim timestamp check failed"));
    }
    if claims["exp"].as_i64().is_some_and(|exp| exp <= clock) {
        return Err(failed("\"exp\" claim timestamp check failed"));
    }
    if clock - iat > MAX_ASSERTION_AGE {
        return Err(failed("\"iat\" claim timestamp check failed (too far in the past)"));
    }
    if iat > clock {
        return Err(failed("\"iat\" claim timestamp check failed (it should be in the past)"));
    }
    let Some(kid) = jws.header["kid"].as_str() else {
        return Err(Refused::new("invalid_client", "\"kid\" required in client_assertion"));
    };
    let used = format!("auth {} {jti}", client.id);
    if !shared.lock().used_jtis.insert(used) {
        return Err(Refused::new("invalid_grant", "private_key_jwt jti reused"));
    }
    Ok(Binding::Key {
        kid: kid.to_owned(),
        alg: jws.header["alg"].as_str().unwrap_or_default().to_owned(),
        jkt: keys::thumbprint(key),
    })
}

/// Returns the only published key that matches a header.
fn pick<'a>(keys: &'a [Value], header: &Value) -> Result<&'a Value, &'static str> {
    let mut fitting = keys.iter().filter(|key| {
        let kid_fits = header.get("kid").is_none_or(|kid| key["kid"] == *kid);
        let alg_fits = keys::alg_of(key).is_ok_and(|alg| header["alg"] == alg.name())
            && key.get("alg").is_none_or(|alg| *alg == header["alg"]);
        let for_signatures = key.get("use").is_none_or(|usage| usage == "sig");
        let may_verify =
            key["key_ops"].as_array().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        kid_fits && alg_fits && for_signatures && may_verify
    });
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err("no applicable key found in the JSON Web Key Set"),
        _ => Err("multiple matching keys found in the JSON Web Key Set"),
    }
}

/// Returns the client with this ID, from its documents or from the cache.
pub(super) fn find(shared: &Shared, server: usize, id: &str) -> Result<Arc<Client>, Refused> {
    let now = shared.clock.now();
    let mut state = shared.lock();
    let slot = (server, id.to_owned());
    if let (Some(keep), Some((fetched, client))) =
        (state.policy.document_cache, state.clients.0.get(&slot))
        && now - fetched < millis(keep)
    {
        return Ok(Arc::clone(client));
    }
    let client = Arc::new(fetch(&state, id)?);
    if state.policy.document_cache.is_some() {
        state.clients.0.insert(slot, (now, Arc::clone(&client)));
    }
    Ok(client)
}

fn fetch(state: &State, id: &str) -> Result<Client, Refused> {
    if let Some(query) = loopback_query(id) {
        let scoped = query.contains("atproto");
        return if scoped {
            Ok(Client {
                id: id.to_owned(),
                confidential: false,
                may_refresh: true,
                scopes: vec!["atproto".to_owned(), "transition:generic".to_owned()],
                redirects: Vec::new(),
                keys: Vec::new(),
            })
        } else {
            Err(bad("Missing \"atproto\" scope"))
        };
    }
    let metadata = document(state, id).map_err(|reason| {
        bad(&format!("Unable to obtain client metadata for \"{id}\": {reason}"))
    })?;
    check(id, &metadata)?;
    let confidential = metadata["token_endpoint_auth_method"] == "private_key_jwt";
    let key_set = match metadata["jwks_uri"].as_str() {
        _ if !confidential => json!({"keys": []}),
        Some(url) => document(state, url).map_err(|reason| {
            bad(&format!("Unable to obtain jwks from \"{url}\" for \"{id}\": {reason}"))
        })?,
        None => metadata["jwks"].clone(),
    };
    let Some(all) = key_set.get("keys").and_then(Value::as_array) else {
        let received = if key_set.is_array() { ", received array" } else { "" };
        return Err(bad(&format!(
            "Unable to obtain jwks for \"{id}\": Validation failed with error: Expected object{received}"
        )));
    };
    // A private key, or one without a kid, is ignored.
    let keys = all
        .iter()
        .filter(|key| key.get("d").is_none() && key["kid"].is_string())
        .cloned()
        .collect();
    let texts = |name: &str| -> Vec<String> {
        let all = metadata[name].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let scopes = metadata["scope"].as_str().unwrap_or_default().split(' ');
    Ok(Client {
        id: id.to_owned(),
        confidential,
        may_refresh: texts("grant_types").iter().any(|one| one == "refresh_token"),
        scopes: scopes.map(str::to_owned).collect(),
        redirects: texts("redirect_uris"),
        keys,
    })
}

/// Returns the query of a development client's ID.
fn loopback_query(id: &str) -> Option<String> {
    let rest = id.strip_prefix("http://localhost")?;
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    Some(percent_decode(rest.strip_prefix('?')?))
}

/// Fetches a JSON document like the reference server: 200, no redirect, `application/json`.
fn document(state: &State, url: &str) -> Result<Value, String> {
    if !state.policy.documents_reachable {
        return Err("Connection refused".to_owned());
    }
    let Some(Reply { status, headers, body, .. }) = state.documents.fetch(url) else {
        return Err("not found".to_owned());
    };
    if *status != 200 {
        return Err(format!("Unexpected status code {status}"));
    }
    let is_json = headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("application/json"));
    if !is_json {
        return Err("Unexpected response Content-Type".to_owned());
    }
    serde_json::from_str(body).map_err(|_| "Unable to parse response as JSON".to_owned())
}

/// Applies the checks whose refusals were measured, in the reference server's words.
fn check(id: &str, metadata: &Value) -> Result<(), Refused> {
    let has = |name: &str| metadata.get(name).is_some();
    let confidential = metadata["token_endpoint_auth_method"] == "private_key_jwt";
    let scoped = metadata["scope"]
        .as_str()
        .is_some_and(|scope| scope.split(' ').any(|part| part == "atproto"));
    let foreign = metadata["client_uri"].as_str().is_some_and(|uri| origin(uri) != origin(id));
    let problem = if metadata["client_id"] != id {
        "client_id does not match"
    } else if foreign {
        "client_uri must have the same origin as the client_id"
    } else if !scoped {
        "Missing \"atproto\" scope"
    } else if metadata["dpop_bound_access_tokens"] != true {
        "\"dpop_bound_access_tokens\" must be true"
    } else if has("jwks") && has("jwks_uri") {
        "jwks_uri and jwks are mutually exclusive"
    } else if confidential && !has("token_endpoint_auth_signing_alg") {
        "Missing token_endpoint_auth_signing_alg client metadata"
    } else if confidential && !has("jwks") && !has("jwks_uri") {
        "private_key_jwt auth method requires jwks or jwks_uri"
    } else if confidential && metadata["application_type"] == "native" {
        "Native clients must authenticate using \"none\" method"
    } else if metadata["redirect_uris"].as_array().is_none_or(Vec::is_empty) {
        "At least one redirect_uri is required"
    } else if let Some(redirect) = bad_redirect(id, metadata) {
        return Err(Refused::new("invalid_redirect_uri", redirect));
    } else {
        return Ok(());
    };
    Err(bad(problem))
}

/// Returns the error about a redirect URI that is not permitted for a client of its type. The app's
/// own origin counts as public.
fn bad_redirect(id: &str, metadata: &Value) -> Option<&'static str> {
    let is_native = metadata["application_type"] == "native";
    let uris = metadata["redirect_uris"].as_array().into_iter().flatten();
    let foreign = uris.filter_map(Value::as_str).filter(|uri| origin(uri) != origin(id));
    foreign.filter_map(|uri| uri.strip_prefix("http://")).find_map(|rest| {
        let is_loopback = rest.starts_with("127.0.0.1") || rest.starts_with("[::1]");
        match (is_loopback, is_native) {
            (true, true) => None,
            (true, false) => Some("Loopback redirect URIs are only allowed for native apps"),
            (false, _) => Some("Only loopback redirect URIs may use the \"http:\" scheme"),
        }
    })
}

fn bad(description: &str) -> Refused {
    Refused::new("invalid_client_metadata", description)
}
