//! Published documents of the app: its client metadata, its key set, and others added by tests.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{
    http::{Reply, Request},
    keys,
    state::State,
};

/// Path of the client metadata document on the app's origin.
pub const METADATA_PATH: &str = "/oauth-client-metadata.json";
/// Path of the key set.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// Scope of the app.
pub const SCOPE: &str = "atproto transition:generic";

/// Web root of the app.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// Origin on which the app listens.
    pub(crate) origin: String,
    /// `client_id`, by default the URL of the metadata document on that origin.
    pub(crate) client_id: String,
    /// Private keys of the published ones. The first signs for new sessions. Empty for a public
    /// client.
    pub(crate) private_keys: Vec<Value>,
    /// Answers by path.
    pub(crate) files: HashMap<String, Reply>,
}

impl Documents {
    /// Returns the document at a URL: on the app's origin, or on that of the `client_id`.
    pub(crate) fn fetch(&self, url: &str) -> Option<&Reply> {
        let path = [self.origin.as_str(), origin(&self.client_id)]
            .into_iter()
            .find_map(|origin| url.strip_prefix(origin))?;
        self.files.get(path)
    }

    /// Publishes a confidential client with these private keys' public halves.
    pub(crate) fn publish_confidential(&mut self, private_keys: &[Value]) {
        let public: Vec<Value> = private_keys.iter().map(keys::public).collect();
        let mut metadata = self.base_metadata();
        metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
        metadata["token_endpoint_auth_signing_alg"] = json!("ES256");
        metadata["jwks_uri"] = json!(format!("{}{JWKS_PATH}", origin(&self.client_id)));
        self.put(METADATA_PATH, &metadata);
        self.put(JWKS_PATH, &json!({"keys": public}));
        self.private_keys = private_keys.to_vec();
    }

    /// Publishes a public client.
    pub(crate) fn publish_public(&mut self) {
        let mut metadata = self.base_metadata();
        metadata["token_endpoint_auth_method"] = json!("none");
        self.put(METADATA_PATH, &metadata);
        self.put(JWKS_PATH, &json!({"keys": []}));
        self.private_keys.clear();
    }

    fn put(&mut self, path: &str, document: &Value) {
        self.files.insert(path.to_owned(), Reply::json(200, document));
    }

    fn base_metadata(&self) -> Value {
        let uri = origin(&self.client_id);
        json!({
            "client_id": self.client_id,
            "client_name": "Testbed",
            "client_uri": uri,
            "scope": SCOPE,
            "redirect_uris": [format!("{uri}/api/auth/atproto")],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "application_type": "web",
            "dpop_bound_access_tokens": true,
        })
    }
}

/// Returns scheme, host and port of a URL.
pub(crate) fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

pub(crate) fn answer(state: &State, request: &Request) -> Reply {
    state
        .documents
        .files
        .get(&request.path)
        .cloned()
        .unwrap_or_else(|| Reply::new(404, "text/plain", "Not Found"))
}
