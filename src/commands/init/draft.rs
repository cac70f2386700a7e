//! Settings and documents, built from the answers. Pure.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::oauth::client_metadata::{Authentication, ClientMetadata, PublishedKeys};

/// All answers.
pub struct Draft {
    /// URL of the metadata document.
    pub client_id: String,
    /// Home page.
    pub client_uri: String,
    /// Name of the app.
    pub client_name: Option<String>,
    /// Callbacks as full URLs.
    pub redirect_uris: Vec<String>,
    /// Scope.
    pub scope: String,
    /// Future URL of the public keys, `None` for a public client.
    pub jwks_uri: Option<String>,
    /// Key sources.
    pub keys: Vec<String>,
    /// Store.
    pub store: Option<DraftStore>,
    /// Variables that name stores of the app, or their tokens. The one with the sessions may need
    /// others for its locks.
    pub store_variables: Vec<&'static str>,
    /// Layout of the store, if known.
    pub layout: Option<String>,
    /// File of the metadata document.
    pub metadata_file: PathBuf,
    /// File of the public keys.
    pub jwks_file: Option<PathBuf>,
}

/// Store in the notation of settings.
pub struct DraftStore {
    /// `env:NAME`, or an address without a secret.
    pub url: String,
    /// `env:NAME` of a token.
    pub token: Option<String>,
}

impl Draft {
    /// Returns the variables to which the settings refer.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let store =
            self.store.iter().flat_map(|store| std::iter::once(&store.url).chain(&store.token));
        let named = self.keys.iter().chain(store).filter_map(|text| text.strip_prefix("env:"));
        // A kid may stand behind the name.
        let named = named.map(|name| name.split('#').next().unwrap_or_default());
        named.chain(self.store_variables.iter().copied())
    }

    /// Returns the settings file. `env_files` are the dotenv files required by its references. If
    /// the file is in another directory than the current one, `here` is the prefix of relative
    /// paths.
    pub fn settings(&self, env_files: &[&str], here: Option<&Path>) -> String {
        let keys: Vec<_> = self.keys.iter().map(|key| path_from(here, "", key)).collect();
        let files: Vec<_> = env_files.iter().map(|file| path_from(here, "", file)).collect();
        let mut text = String::from(
            "# Settings of oauthctl. Use \"env:NAME\" or \"file:PATH\" for secrets.\n",
        );
        if !files.is_empty() {
            put(&mut text, "env_file", files);
        }
        if !keys.is_empty() {
            put(&mut text, "keys", keys);
        }
        text.push_str("\n[client]\n");
        put(&mut text, "client_id", self.client_id.as_str());
        put(&mut text, "client_uri", self.client_uri.as_str());
        if let Some(name) = &self.client_name {
            put(&mut text, "client_name", name.as_str());
        }
        put(&mut text, "redirect_uris", self.redirect_uris.clone());
        put(&mut text, "scope", self.scope.as_str());
        let auth_method = if self.jwks_uri.is_some() { "private_key_jwt" } else { "none" };
        put(&mut text, "auth_method", auth_method);
        if let Some(uri) = &self.jwks_uri {
            put(&mut text, "jwks_uri", uri.as_str());
        }
        if let Some(store) = &self.store {
            text.push_str("\n[store]\n");
            put(&mut text, "url", path_from(here, "sqlite:", &store.url));
            if let Some(token) = &store.token {
                put(&mut text, "token", token.as_str());
            }
            if let Some(layout) = &self.layout {
                put(&mut text, "layout", layout.as_str());
            }
        }
        text
    }
}

/// Returns the text with `here` in front of a relative path that follows `prefix`.
fn path_from(here: Option<&Path>, prefix: &str, text: &str) -> String {
    match (here, text.strip_prefix(prefix)) {
        (Some(here), Some(path)) if !path.starts_with("env:") && !path.starts_with("file:") => {
            format!("{prefix}{}", here.join(path).display())
        }
        _ => text.to_owned(),
    }
}

/// Returns the client metadata document that `oauthctl metadata` will print with these settings.
pub fn document_of(draft: &Draft) -> Value {
    let name = draft.client_name.as_ref().map(|name| ("client_name", json!(name)));
    ClientMetadata {
        client_id: draft.client_id.clone(),
        about: name.into_iter().chain([("client_uri", json!(draft.client_uri))]).collect(),
        redirect_uris: draft.redirect_uris.clone(),
        scope: draft.scope.clone(),
        grant_types: ["authorization_code", "refresh_token"].map(str::to_owned).to_vec(),
        application_type: "web".to_owned(),
        authentication: authentication(draft.jwks_uri.as_deref()),
    }
    .to_document()
}

/// Adds a line of settings.
fn put(text: &mut String, name: &str, value: impl Into<toml::Value>) {
    writeln!(text, "{name} = {}", value.into()).expect("writing to memory");
}

/// Returns the client's authentication method.
fn authentication(jwks_uri: Option<&str>) -> Authentication {
    match jwks_uri {
        Some(uri) => Authentication::Confidential(PublishedKeys::At(uri.to_owned())),
        None => Authentication::Public,
    }
}
