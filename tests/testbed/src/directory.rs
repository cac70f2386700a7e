//! Identities: the PLC directory, did:web documents, handle files and DNS over HTTPS.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{
    http::{Reply, Request},
    log::Endpoint,
    state::{Server, State},
};

/// Entry of a DID.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// Account on one of the network's servers. Its document follows the server's URL.
    Account { server: usize },
    /// Fixed document.
    Document(Value),
    /// Status only: 404, 500, 410 for a tombstone.
    Status(u16),
}

/// Identities of the network.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) identities: HashMap<String, Identity>,
    /// Handles that differ from the default, with their DIDs, in the order in which they were set.
    pub(crate) handles: Vec<(String, String)>,
}

impl Directory {
    /// Returns the handle of a DID: the first that was set, or one made from its last part.
    pub(crate) fn handle(&self, did: &str) -> String {
        self.handles
            .iter()
            .find(|(_, known)| *known == did)
            .map_or_else(|| default_handle(did), |(handle, _)| handle.clone())
    }

    /// Returns the DID of a handle.
    pub(crate) fn resolve(&self, handle: &str) -> Option<String> {
        let by_default = || {
            let did = format!("did:plc:{}", handle.strip_suffix(".test")?);
            self.identities.contains_key(&did).then_some(did)
        };
        let known = self.handles.iter().find(|(known, _)| known == handle);
        known.map(|(_, did)| did.clone()).or_else(by_default)
    }

    /// Returns the DID document with the PDS of the account.
    pub(crate) fn document(&self, did: &str, servers: &[Server]) -> Option<Value> {
        match self.identities.get(did)? {
            Identity::Account { server } => {
                Some(did_document(did, &self.handle(did), &servers[*server].url))
            }
            Identity::Document(document) => Some(document.clone()),
            Identity::Status(_) => None,
        }
    }
}

fn default_handle(did: &str) -> String {
    format!("{}.test", did.rsplit(':').next().unwrap_or_default())
}

/// Returns a DID document like the reference directory's.
pub(crate) fn did_document(did: &str, handle: &str, pds: &str) -> Value {
    json!({
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            "https://w3id.org/security/suites/secp256k1-2019/v1",
        ],
        "id": did,
        "alsoKnownAs": [format!("at://{handle}")],
        "verificationMethod": [{
            "id": format!("{did}#atproto"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": "zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF",
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": pds,
        }],
    })
}

pub(crate) fn answer(state: &State, endpoint: Endpoint, request: &Request) -> Reply {
    let host = request.header("host").unwrap_or_default();
    match endpoint {
        Endpoint::Plc => identity(state, &request.path[1..], "application/did+ld+json"),
        Endpoint::DidWeb => {
            let did = format!("did:web:{}", host.replace(':', "%3A"));
            identity(state, &did, "application/json")
        }
        Endpoint::HandleFile => match state.directory.resolve(host) {
            Some(did) => Reply::new(200, "text/plain", did),
            None => Reply::new(404, "text/plain", "User not found"),
        },
        Endpoint::Dns => dns(state, request),
        _ => Reply::new(404, "text/plain", "Not Found"),
    }
}

fn identity(state: &State, did: &str, content_type: &str) -> Reply {
    let directory = &state.directory;
    if let Some(Identity::Status(status)) = directory.identities.get(did) {
        let message = match status {
            410 => format!("DID not available: {did}"),
            404 => format!("DID not registered: {did}"),
            _ => "Internal Server Error".to_owned(),
        };
        return Reply::json(*status, &json!({"message": message}));
    }
    directory.document(did, &state.servers).map_or_else(
        || {
            let message = format!("DID not registered: {did}");
            Reply::json(404, &json!({"message": message}))
        },
        |document| Reply::new(200, content_type, document.to_string()),
    )
}

/// Returns the JSON form of DNS over HTTPS.
fn dns(state: &State, request: &Request) -> Reply {
    let name = request.query.get("name").map_or("", String::as_str);
    let did = name.strip_prefix("_atproto.").and_then(|handle| state.directory.resolve(handle));
    let answers: Vec<Value> = did
        .iter()
        .map(|did| json!({"name": name, "type": 16, "TTL": 300, "data": format!("\"did={did}\"")}))
        .collect();
    let status = if answers.is_empty() { 3 } else { 0 };
    let body = json!({
        "Status": status,
        "TC": false, "RD": true, "RA": true, "AD": false, "CD": false,
        "Question": [{"name": name, "type": 16}],
        "Answer": answers,
    });
    Reply::new(200, "application/dns-json", body.to_string())
}
