//! The document as oauthctl writes it, and the addresses that follow from where the app lives.

use serde_json::{Map, Value, json};
use url::{Position, Url, form_urlencoded};

use super::client_id::LOOPBACK;
use crate::error::{Failure, usage};
use crate::jose::PublicJwks;

/// What an app may ask its users for unless its operator says more: who they are. What the document
/// lacks can be added at any time, and a login that asks for it is refused at once and says so;
/// what it has too much nobody notices.
pub const DEFAULT_SCOPE: &str = "atproto";

/// Where apps publish the document.
const CLIENT_ID_PATH: &str = "/oauth-client-metadata.json";
/// Where apps publish their public keys.
const JWKS_PATH: &str = "/.well-known/jwks.json";

/// What an operator decides about a client (RFC 7591 section 2). Members that atproto leaves no
/// choice about follow.
pub struct ClientMetadata {
    /// The URL of the document, or the development form.
    pub client_id: String,
    /// What users are shown: name, pages, contacts; as they are, in this order.
    pub about: Vec<(&'static str, Value)>,
    /// Where users are sent back to.
    pub redirect_uris: Vec<String>,
    /// The most that the client may ask for.
    pub scope: String,
    /// How it gets tokens.
    pub grant_types: Vec<String>,
    /// `web` or `native`.
    pub application_type: String,
    /// How it proves who it is.
    pub authentication: Authentication,
}

/// How a client proves who it is at the token endpoint.
pub enum Authentication {
    /// Not at all.
    Public,
    /// With an ES256 signature (RFC 7523) by one of these keys.
    Confidential(PublishedKeys),
}

/// Where servers find a client's keys: never in both places.
pub enum PublishedKeys {
    /// At this URL.
    At(String),
    /// In the document itself.
    Inline(PublicJwks),
}

impl ClientMetadata {
    /// Returns the document to publish.
    pub fn to_document(&self) -> Value {
        let mut document = Map::new();
        let mut add = |member: &str, value: Value| document.insert(member.to_owned(), value);
        add("client_id", json!(self.client_id));
        for (member, value) in &self.about {
            add(member, value.clone());
        }
        add("redirect_uris", json!(self.redirect_uris));
        add("scope", json!(self.scope));
        add("grant_types", json!(self.grant_types));
        add("response_types", json!(["code"]));
        add("application_type", json!(self.application_type));
        add("dpop_bound_access_tokens", json!(true));
        match &self.authentication {
            Authentication::Public => {
                add("token_endpoint_auth_method", json!("none"));
            }
            Authentication::Confidential(keys) => {
                add("token_endpoint_auth_method", json!("private_key_jwt"));
                add("token_endpoint_auth_signing_alg", json!("ES256"));
                match keys {
                    PublishedKeys::At(url) => add("jwks_uri", json!(url)),
                    PublishedKeys::Inline(jwks) => add("jwks", jwks.to_json()),
                };
            }
        }
        Value::Object(document)
    }
}

/// The web site of an app: what its paths are relative to.
pub struct Site(Url);

impl Site {
    /// Reads the URL of any page of the site.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        match Url::parse(text) {
            Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => Ok(Self(url)),
            _ => Err(usage(format!("{text:?} is not the URL of a web site"))
                .hint("write it whole: https://app.example.com")),
        }
    }

    /// Returns the app on this machine.
    pub fn loopback(port: u16) -> Self {
        Self(
            Url::parse(&format!("http://127.0.0.1:{port}/"))
                .expect("an address and a port make a URL"),
        )
    }

    /// Puts a path onto the site; leaves whole URLs as they are.
    pub fn resolve(&self, reference: &str) -> String {
        match reference.starts_with('/').then(|| self.0.join(reference)) {
            Some(Ok(url)) => url.into(),
            // Whether it is a URL at all is for the check to say.
            Some(Err(_)) | None => reference.to_owned(),
        }
    }

    /// The same path and query on this site.
    pub fn rehost(&self, reference: &str) -> String {
        match Url::parse(reference) {
            Ok(elsewhere) => self.resolve(&elsewhere[Position::BeforePath..Position::AfterQuery]),
            Err(_) => self.resolve(reference),
        }
    }

    /// Where the app publishes the document by convention.
    pub fn client_id(&self) -> String {
        self.resolve(CLIENT_ID_PATH)
    }

    /// Where the app publishes its keys by convention.
    pub fn jwks_uri(&self) -> String {
        self.resolve(JWKS_PATH)
    }
}

/// Returns the `client_id` of a development client, which tells servers all they get to know
/// (atproto OAuth profile, "Localhost Client Development").
pub fn loopback_client_id(redirect_uris: &[String], scope: &str) -> String {
    let start = format!("{LOOPBACK}?");
    let start_position = start.len();
    let mut query = form_urlencoded::Serializer::for_suffix(start, start_position);
    for uri in redirect_uris {
        query.append_pair("redirect_uri", uri);
    }
    query.append_pair("scope", scope).finish()
}
