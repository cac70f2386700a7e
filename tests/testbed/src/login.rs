//! Logins without a browser: sessions and pending logins in the form stored by the app's library.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    clock::{iso8601, millis},
    directory::Identity,
    documents::SCOPE,
    keys::{self, Alg},
    network::Network,
    random,
    sessions::{Binding, Session, new_refresh_token},
    state::State,
};

/// Client authentication of the app.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Public client.
    Public,
    /// Confidential client that signs with this private JWK, which has a `kid`.
    Key(Value),
}

/// Client library of the app, which determines the form of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Library {
    /// `@atproto/oauth-client-node`.
    #[default]
    Node,
    /// `@atcute/oauth-node-client` 2.0.1, which creates P-256 keys only.
    Atcute,
}

/// Login to be created. The default is a new user of the first PDS, now, with the credentials last
/// published.
#[derive(Debug, Clone, Default)]
pub struct LoginOptions {
    /// Client library of the app.
    pub library: Library,
    /// User, a new one by default.
    pub did: Option<String>,
    /// Number of the PDS.
    pub pds: usize,
    /// Client authentication, by default according to the published documents.
    pub credentials: Option<Credentials>,
    /// `client_id`, by default the app's.
    pub client_id: Option<String>,
    /// Algorithm of the DPoP key.
    pub dpop_alg: Alg,
    /// DPoP key, by default a new one.
    pub dpop_key: Option<Value>,
    /// Size of a pool from which the DPoP key is taken, for very many sessions.
    pub dpop_pool: Option<usize>,
    /// Time since the login.
    pub created_ago: Duration,
    /// Time since the last refresh, at most that since the login.
    pub refreshed_ago: Option<Duration>,
    /// Scope, if it is not the usual one.
    pub scope: Option<String>,
}

impl Network {
    /// Logs a user in and returns the record that the app's library stores.
    pub fn login(&self, options: LoginOptions) -> Value {
        let now = self.shared.clock.now();
        let created = now - millis(options.created_ago);
        let refreshed =
            options.refreshed_ago.map_or(created, |ago| (now - millis(ago)).max(created));
        let did = options.did.clone().unwrap_or_else(random::did);
        let dpop_key = self.dpop_key(&options);
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let credentials = credentials(state, options.credentials);
        let client_id = options.client_id.unwrap_or_else(|| state.documents.client_id.clone());
        let server = &state.servers[options.pds];
        let mut session = Session {
            server: options.pds,
            did: did.clone(),
            client_id,
            binding: binding(&credentials),
            dpop_jkt: keys::thumbprint(&dpop_key),
            scope: options.scope.unwrap_or_else(|| SCOPE.to_owned()),
            created,
            refreshed,
            access_id: String::new(),
            access_expires: 0,
            refresh_token: new_refresh_token(),
            generation: 0,
            ended: None,
            in_exchange: false,
        };
        let access_token = session.renew_access(&state.policy, server, refreshed);
        let expires = session.access_expires - 1000;
        let auth_method = auth_method(&credentials);
        let record = match options.library {
            Library::Node => json!({
                "authMethod": auth_method,
                "tokenSet": {
                    "aud": format!("{}/", server.url),
                    "sub": did,
                    "iss": server.url,
                    "scope": session.scope,
                    "refresh_token": session.refresh_token,
                    "access_token": access_token,
                    "token_type": "DPoP",
                    "expires_at": iso8601(expires),
                },
                "dpopJwk": dpop_key,
            }),
            Library::Atcute => json!({
                "dpopKey": atcute_key(&dpop_key),
                "authMethod": auth_method,
                "tokenSet": {
                    "iss": server.url,
                    "sub": did,
                    "aud": format!("{}/", server.url),
                    "scope": session.scope,
                    "access_token": access_token,
                    "refresh_token": session.refresh_token,
                    "token_type": "DPoP",
                    "expires_at": expires,
                },
            }),
        };
        state.directory.identities.entry(did).or_insert(Identity::Account { server: options.pds });
        state.sessions.add(session);
        record
    }

    /// Logs `count` users in at once, cheaply: they share a pool of DPoP keys unless the options
    /// say otherwise.
    pub fn login_many(&self, count: usize, options: &LoginOptions) -> Vec<Value> {
        let mut options = options.clone();
        options.did = None;
        options.dpop_pool.get_or_insert(64);
        (0..count).map(|_| self.login(options.clone())).collect()
    }

    /// Returns the record of a pending login, as stored by the app's library.
    pub fn pending_state(&self, options: LoginOptions) -> Value {
        let dpop_key = self.dpop_key(&options);
        let state = self.shared.lock();
        let credentials = credentials(&state, options.credentials);
        let issuer = &state.servers[options.pds].url;
        if options.library == Library::Atcute {
            return json!({
                "dpopKey": atcute_key(&dpop_key),
                "authMethod": auth_method(&credentials),
                "pkceVerifier": random::base64url::<48>(),
                "issuer": issuer,
                "redirectUri": "https://app.example/callback",
                "userState": {"returnTo": "/"},
                "expiresAt": self.shared.clock.now() + 600_000,
            });
        }
        json!({
            "iss": issuer,
            "authMethod": auth_method(&credentials),
            "verifier": random::base64url::<32>(),
            "appState": r#"{"data":{"redirectPath":"/"},"id":"abc"}"#,
            "dpopJwk": dpop_key,
        })
    }

    /// Refreshes a session like the running app: rotates the tokens at the server and returns the
    /// record that the app stores. `None` if the record's refresh token is not the current one.
    pub fn refresh_as_app(&self, record: &Value) -> Option<Value> {
        let now = self.shared.clock.now();
        let mut guard = self.shared.lock();
        let State { sessions, policy, servers, .. } = &mut *guard;
        let token = record["tokenSet"]["refresh_token"].as_str()?;
        let id = sessions.by_refresh(token)?;
        let session = &sessions[id];
        if session.ended.is_some() || session.refresh_token != token {
            return None;
        }
        let (binding, server) = (session.binding.clone(), &servers[session.server]);
        let answer = sessions.rotate(id, binding, policy, server, now);
        let mut record = record.clone();
        let tokens = &mut record["tokenSet"];
        for name in ["access_token", "refresh_token", "scope"] {
            if let Some(value) = answer.get(name) {
                tokens[name] = value.clone();
            }
        }
        let lifetime = answer["expires_in"].as_i64().unwrap_or_default();
        let expires = now + lifetime * 1000;
        let is_number = tokens["expires_at"].is_number();
        tokens["expires_at"] = if is_number { json!(expires) } else { json!(iso8601(expires)) };
        Some(record)
    }

    fn dpop_key(&self, options: &LoginOptions) -> Value {
        if let Some(key) = &options.dpop_key {
            return key.clone();
        }
        let alg = if options.library == Library::Atcute { Alg::Es256 } else { options.dpop_alg };
        let Some(size) = options.dpop_pool else {
            return keys::generate(alg);
        };
        let number = usize::from(u16::from_le_bytes(random::bytes())) % size.max(1);
        let mut state = self.shared.lock();
        state.key_pool.entry((alg.name(), number)).or_insert_with(|| keys::generate(alg)).clone()
    }
}

/// Returns a private JWK as exported by the library.
fn atcute_key(jwk: &Value) -> Value {
    let Value::Object(mut members) = json!({"key_ops": ["sign"], "ext": true}) else {
        return Value::Null;
    };
    members.extend(jwk.as_object().cloned().unwrap_or_default());
    members.insert("alg".to_owned(), "ES256".into());
    members.into()
}

/// Returns the requested credentials, or those last published.
fn credentials(state: &State, asked: Option<Credentials>) -> Credentials {
    asked.unwrap_or_else(|| {
        state.documents.private_keys.first().cloned().map_or(Credentials::Public, Credentials::Key)
    })
}

fn binding(credentials: &Credentials) -> Binding {
    match credentials {
        Credentials::Public => Binding::Public,
        Credentials::Key(jwk) => Binding::Key {
            kid: jwk["kid"].as_str().unwrap_or_default().to_owned(),
            alg: Alg::Es256.name().to_owned(),
            jkt: keys::thumbprint(jwk),
        },
    }
}

fn auth_method(credentials: &Credentials) -> Value {
    match credentials {
        Credentials::Public => json!({"method": "none"}),
        Credentials::Key(jwk) => json!({"method": "private_key_jwt", "kid": jwk["kid"]}),
    }
}
