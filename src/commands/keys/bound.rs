//! What depends on a key: the sessions and pending states bound to it.

use std::collections::HashMap;

use crate::context::Context;
use crate::jose::Kid;
use crate::session::{AuthMethod, NodeSession, NodeState};
use crate::store::{Kind, Store, Want};

/// How many records each key carries.
#[derive(Default)]
pub struct Bound {
    per_kid: HashMap<String, Count>,
    /// Records that could not be read: nobody knows which key they are bound to.
    pub unreadable: u64,
}

/// The records bound to one key.
#[derive(Clone, Copy, Default)]
pub struct Count {
    /// Users' sessions.
    pub sessions: u64,
    /// Logins that were begun.
    pub states: u64,
}

impl Count {
    /// All of them.
    pub fn total(self) -> u64 {
        self.sessions + self.states
    }
}

impl Bound {
    /// Reads the whole store.
    pub fn count(context: &Context, store: &dyn Store) -> anyhow::Result<Self> {
        context.runtime()?.block_on(async {
            let mut bound = Self::default();
            for kind in [Kind::Session, Kind::State] {
                let mut scan = store.scan(kind, Want { values: true, ttls: false });
                while let Some(records) = scan.next().await? {
                    for record in &records {
                        bound.add(kind, &record.value);
                    }
                }
            }
            Ok(bound)
        })
    }

    fn add(&mut self, kind: Kind, value: &[u8]) {
        let auth_method = match kind {
            Kind::Session => NodeSession::parse(value).map(|session| Some(session.auth_method)),
            Kind::State => NodeState::parse(value).map(|state| state.auth_method),
        };
        match auth_method {
            Ok(Some(AuthMethod::PrivateKeyJwt(kid))) => {
                // The name is copied once a key, not once a record.
                let count = match self.per_kid.get_mut(kid.as_ref()) {
                    Some(count) => count,
                    None => self.per_kid.entry(kid.into_owned()).or_default(),
                };
                match kind {
                    Kind::Session => count.sessions += 1,
                    Kind::State => count.states += 1,
                }
            }
            Ok(Some(AuthMethod::None)) => {}
            Ok(None) | Err(_) => self.unreadable += 1,
        }
    }

    /// What is bound to this key.
    pub fn to(&self, kid: &Kid) -> Count {
        self.per_kid.get(kid.as_str()).copied().unwrap_or_default()
    }

    /// Keys that records are bound to although they are not in the set, with how many.
    pub fn orphans(&self, known: impl Fn(&str) -> bool) -> Vec<(&str, Count)> {
        let mut orphans: Vec<_> =
            self.per_kid.iter().filter(|(kid, _)| !known(kid)).map(|(kid, count)| (kid.as_str(), *count)).collect();
        orphans.sort_unstable_by_key(|(kid, _)| *kid);
        orphans
    }
}
