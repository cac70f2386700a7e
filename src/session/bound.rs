//! Number of records bound to each client key, which are lost with the key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::AuthMethod;

/// Counter of the records bound to one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoundCount {
    /// Users' sessions.
    pub sessions: u64,
    /// Pending logins.
    pub states: u64,
}

/// Counters of all keys with bound records, by kid.
#[derive(Debug, Default)]
pub struct BoundRecords(BTreeMap<String, BoundCount>);

impl BoundCount {
    /// Returns the sum.
    pub fn total(self) -> u64 {
        self.sessions + self.states
    }
}

impl BoundRecords {
    /// Returns the counter of the record's client key, `None` for public clients.
    pub fn of(&mut self, auth_method: AuthMethod<Cow<'_, str>>) -> Option<&mut BoundCount> {
        let kid = auth_method.into_key()?;
        // The name is copied once per key, not once per record.
        if !self.0.contains_key(kid.as_ref()) {
            self.0.insert(kid.clone().into_owned(), BoundCount::default());
        }
        self.0.get_mut(kid.as_ref())
    }

    /// Counts a record bound to this key, if there is one.
    pub fn add(&mut self, kid: Option<String>, count: impl FnOnce(&mut BoundCount)) {
        if let Some(kid) = kid {
            count(self.0.entry(kid).or_default());
        }
    }

    /// Returns the counter of this key.
    pub fn to(&self, kid: &str) -> BoundCount {
        self.0.get(kid).copied().unwrap_or_default()
    }

    /// Iterates over the keys with bound records, sorted by kid.
    pub fn iter(&self) -> impl Iterator<Item = (&str, BoundCount)> {
        self.0.iter().map(|(kid, count)| (kid.as_str(), *count))
    }
}
