//! Client metadata document as oauthctl writes it, and the conventional URLs of an app.

use serde_json::{Map, Value, json};
use url::{Position, Url, form_urlencoded};

use super::client_id::LOOPBACK;
use crate::error::{Failure, usage};
use crate::jose::PublicJwks;

/// Default scope of a new app: the user's identity only. A missing scope fails at the first login
/// that requests it and is easy to add, while an excessive one goes unnoticed.
pub const DEFAULT_SCOPE: &str = "atproto";

/// Conventional path of the client metadata document.
const CLIENT_ID_PATH: &str = "/oauth-client-metadata.json";
/// Conventional path of the public key set.
const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Members of a client metadata document that are up to the operator (RFC 7591 section 2). The
/// others follow from the atproto OAuth profile.
pub struct ClientMetadata {
    /// URL of the document, or the development form.
    pub client_id: String,
    /// Members shown to users (name, pages, contacts), unchanged and in this order.
    pub about: Vec<(&'static str, Value)>,
    /// Redirect URIs.
    pub redirect_uris: Vec<String>,
    /// All scopes that the client may request.
    pub scope: String,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// `web` or `native`.
    pub application_type: String,
    /// Authentication method, with the keys.
    pub authentication: Authentication,
}

/// Client authentication at the token endpoint.
pub enum Authentication {
    /// None.
    Public,
    /// ES256 signature (RFC 7523) with one of these keys.
    Confidential(PublishedKeys),
}

/// Location of the client's public keys. Never both.
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

/// Web site of an app, the base URL of its paths.
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

    /// Returns the site of an app on this machine.
    pub fn loopback(port: u16) -> Self {
        Self(
            Url::parse(&format!("http://127.0.0.1:{port}/"))
                .expect("an address and a port make a URL"),
        )
    }

    /// Resolves a path on the site. Full URLs are returned unchanged.
    pub fn resolve(&self, reference: &str) -> String {
        match reference.starts_with('/').then(|| self.0.join(reference)) {
            Some(Ok(url)) => url.into(),
            // The check reports text that is not a URL.
            Some(Err(_)) | None => reference.to_owned(),
        }
    }

    /// Returns the URL of the same path and query on this site.
    pub fn rehost(&self, reference: &str) -> String {
        match Url::parse(reference) {
            Ok(elsewhere) => self.resolve(&elsewhere[Position::BeforePath..Position::AfterQuery]),
            Err(_) => self.resolve(reference),
        }
    }

    /// Returns the conventional URL of the client metadata document.
    pub fn client_id(&self) -> String {
        self.resolve(CLIENT_ID_PATH)
    }

    /// Returns the conventional URL of the key set.
    pub fn jwks_uri(&self) -> String {
        self.resolve(JWKS_PATH)
    }
}

/// Returns the `client_id` of a development client, the only information that servers get about it
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
