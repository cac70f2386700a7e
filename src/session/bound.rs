//! How many records each client key carries: what is lost with a key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::AuthMethod;

/// The records bound to one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoundCount {
    /// Users' sessions.
    pub sessions: u64,
    /// Logins that were begun.
    pub states: u64,
}

/// The same for every key that there is any record of.
#[derive(Debug, Default)]
pub struct BoundRecords(BTreeMap<String, BoundCount>);

impl BoundCount {
    /// All of them.
    pub fn total(self) -> u64 {
        self.sessions + self.states
    }
}

impl BoundRecords {
    /// What is counted of the key by which a record is authenticated; none of a public client's.
    pub fn of(&mut self, auth_method: AuthMethod<Cow<'_, str>>) -> Option<&mut BoundCount> {
        let kid = auth_method.into_key()?;
        // The name is copied once a key, not once a record.
        if !self.0.contains_key(kid.as_ref()) {
            self.0.insert(kid.clone().into_owned(), BoundCount::default());
        }
        self.0.get_mut(kid.as_ref())
    }

    /// Counts a record that is bound to this key; nothing where there is none.
    pub fn add(&mut self, kid: Option<String>, count: impl FnOnce(&mut BoundCount)) {
        if let Some(kid) = kid {
            count(self.0.entry(kid).or_default());
        }
    }

    /// What is bound to this key.
    pub fn to(&self, kid: &str) -> BoundCount {
        self.0.get(kid).copied().unwrap_or_default()
    }

    /// Every key that records are bound to, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, BoundCount)> {
        self.0.iter().map(|(kid, count)| (kid.as_str(), *count))
    }
}
