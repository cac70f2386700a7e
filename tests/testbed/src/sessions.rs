//! Sessions as known to the authorization servers: the truth with which a store is compared.

use std::{collections::HashMap, ops::Index};

use serde_json::{Value, json};

use crate::{
    clock::{Millis, millis},
    keys::{self, Jws},
    random,
    state::{Policy, Server},
};

/// Client authentication at the start of the session, to which it is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Public client.
    Public,
    /// Client key, permanently.
    Key { kid: String, alg: String, jkt: String },
}

/// Session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) server: usize,
    pub(crate) did: String,
    pub(crate) client_id: String,
    pub(crate) binding: Binding,
    pub(crate) dpop_jkt: String,
    pub(crate) scope: String,
    pub(crate) created: Millis,
    pub(crate) refreshed: Millis,
    pub(crate) access_id: String,
    pub(crate) access_expires: Millis,
    pub(crate) refresh_token: String,
    pub(crate) generation: u64,
    /// Reason for its end, if it has ended.
    pub(crate) ended: Option<&'static str>,
    /// True while a refresh has looked the token up and not rotated it yet.
    pub(crate) in_exchange: bool,
}

/// Session as visible to tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState {
    /// Account.
    pub did: String,
    /// True if the server still accepts it.
    pub alive: bool,
    /// Reason for its end: `revoked`, `Refresh token replayed`, ….
    pub ended: Option<String>,
    /// Current refresh token.
    pub refresh_token: String,
    /// Number of refreshes.
    pub generation: u64,
    /// Client key to which it is bound, `None` for a public client.
    pub kid: Option<String>,
    /// Thumbprint of that key.
    pub key_thumbprint: Option<String>,
    /// Client to which it belongs.
    pub client_id: String,
    /// Thumbprint of its DPoP key.
    pub dpop_thumbprint: String,
    /// Time of the login.
    pub created: Millis,
    /// Time of the last refresh.
    pub refreshed: Millis,
    /// Number of its PDS.
    pub pds: usize,
}

impl From<&Session> for SessionState {
    fn from(session: &Session) -> Self {
        let (kid, key_thumbprint) = match &session.binding {
            Binding::Public => (None, None),
            Binding::Key { kid, jkt, .. } => (Some(kid.clone()), Some(jkt.clone())),
        };
        Self {
            did: session.did.clone(),
            alive: session.ended.is_none(),
            ended: session.ended.map(str::to_owned),
            refresh_token: session.refresh_token.clone(),
            generation: session.generation,
            kid,
            key_thumbprint,
            client_id: session.client_id.clone(),
            dpop_thumbprint: session.dpop_jkt.clone(),
            created: session.created,
            refreshed: session.refreshed,
            pds: session.server,
        }
    }
}

/// Number of a session.
pub(crate) type Id = usize;

/// Kind of a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presented {
    Current(Id),
    Used(Id),
    Unknown,
}

/// All sessions, with indexes.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    all: Vec<Session>,
    by_refresh: HashMap<String, Id>,
    by_access: HashMap<String, Id>,
    by_did: HashMap<String, Vec<Id>>,
}

impl Index<Id> for Sessions {
    type Output = Session;

    fn index(&self, id: Id) -> &Session {
        &self.all[id]
    }
}

impl Sessions {
    pub(crate) fn add(&mut self, session: Session) -> Id {
        let id = self.all.len();
        self.by_refresh.insert(session.refresh_token.clone(), id);
        self.by_access.insert(session.access_id.clone(), id);
        self.by_did.entry(session.did.clone()).or_default().push(id);
        self.all.push(session);
        id
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.all.iter()
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> &mut Session {
        &mut self.all[id]
    }

    pub(crate) fn of_did(&self, did: &str) -> impl Iterator<Item = Id> + '_ {
        self.by_did.get(did).into_iter().flatten().copied()
    }

    /// Returns the session of a current or former refresh token, alive or not.
    pub(crate) fn by_refresh(&self, token: &str) -> Option<Id> {
        self.by_refresh.get(token).copied()
    }

    /// Returns the session of a current or former refresh or access token.
    pub(crate) fn by_any_token(&self, token: &str) -> Option<Id> {
        self.by_refresh(token).or_else(|| self.by_access.get(&access_id(token)).copied())
    }

    /// Looks up a refresh token like a server. Ended sessions are not found.
    pub(crate) fn present(&self, server: usize, token: &str) -> Presented {
        match self.by_refresh(token) {
            Some(id) if self.all[id].ended.is_none() && self.all[id].server == server => {
                if self.all[id].refresh_token == token {
                    Presented::Current(id)
                } else {
                    Presented::Used(id)
                }
            }
            _ => Presented::Unknown,
        }
    }

    /// Returns the living session whose current access token this is.
    pub(crate) fn by_current_access(&self, server: usize, id: &str) -> Option<Id> {
        let session = self.by_access.get(id).copied()?;
        let known = &self.all[session];
        (known.ended.is_none() && known.server == server && known.access_id == id)
            .then_some(session)
    }

    pub(crate) fn end(&mut self, id: Id, why: &'static str) {
        self.all[id].ended.get_or_insert(why);
    }

    /// Issues new tokens with the binding of the requesting client. Returns the token endpoint's
    /// 200.
    pub(crate) fn rotate(
        &mut self,
        id: Id,
        binding: Binding,
        policy: &Policy,
        server: &Server,
        now: Millis,
    ) -> Value {
        let old_access = std::mem::take(&mut self.all[id].access_id);
        self.by_access.remove(&old_access);
        let session = &mut self.all[id];
        session.binding = binding;
        session.generation += 1;
        session.refreshed = now;
        let access_token = session.renew_access(policy, server, now);
        if policy.rotate_refresh_tokens {
            session.refresh_token = new_refresh_token();
            self.by_refresh.insert(session.refresh_token.clone(), id);
        }
        self.by_access.insert(session.access_id.clone(), id);
        let mut answer = json!({
            "access_token": access_token,
            "token_type": "DPoP",
            "refresh_token": session.refresh_token,
            "scope": session.scope,
            "expires_in": (session.access_expires - now - 1) / 1000,
            "sub": session.did,
        });
        if !policy.rotate_refresh_tokens
            && let Some(answer) = answer.as_object_mut()
        {
            answer.shift_remove("refresh_token");
        }
        answer
    }
}

impl Session {
    /// Creates a new access token, which invalidates the previous one.
    pub(crate) fn renew_access(&mut self, policy: &Policy, server: &Server, now: Millis) -> String {
        let confidential = self.binding != Binding::Public;
        let (lifetime, _) = policy.lifetimes(confidential);
        let expires = (now + millis(policy.access_lifetime)).min(self.created + lifetime);
        self.access_id = format!("tok-{}", random::hex::<16>());
        self.access_expires = expires;
        if !policy.readable_access_tokens {
            return self.access_id.clone();
        }
        let host = server.url.split("://").last().unwrap_or_default();
        let name = host.split(':').next().unwrap_or_default();
        let claims = json!({
            "jti": self.access_id,
            "sub": self.did,
            "iat": now / 1000,
            "exp": expires / 1000,
            "aud": format!("did:web:{name}"),
            "cnf": {"jkt": self.dpop_jkt},
            "client_id": self.client_id,
            "iss": server.url,
        });
        keys::sign_hs256(json!({"typ": "at+jwt"}), &claims, &server.secret)
    }
}

/// Returns a refresh token in the form of the reference server.
pub(crate) fn new_refresh_token() -> String {
    format!("ref-{}", random::hex::<32>())
}

/// Returns the identifier in an access token, or the token itself if it is opaque.
pub(crate) fn access_id(token: &str) -> String {
    Jws::decode(token)
        .ok()
        .and_then(|jws| jws.claims["jti"].as_str().map(str::to_owned))
        .unwrap_or_else(|| token.to_owned())
}
