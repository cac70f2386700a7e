//! What a selection has read of a store, and which of the names given on the command line it has
//! met.

use std::collections::{BTreeMap, BTreeSet};

use crate::session::{Filter, Status, Summary};
use crate::text::counted;

/// So many other values are remembered, to name one that is near.
const REMEMBERED: usize = 1000;

/// Records read, over all layouts of a store.
#[derive(Default)]
pub struct Seen {
    /// Their number.
    pub records: Records,
    /// The limit has kept others from being read.
    pub is_cut: bool,
    /// Accounts and keys of records that were named, and whether there is any record of them.
    named: BTreeMap<Named, bool>,
    issuer: Value,
    kid: Value,
    scope: Value,
}

/// Counts of the records that a run has read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Records {
    pub read: u64,
    pub foreign: u64,
    /// All records of the store were read.
    pub are_all: bool,
}

impl Records {
    /// Returns the number of records that are not foreign, where all records of the store were
    /// read.
    pub fn all(&self) -> Option<u64> {
        self.are_all.then(|| self.read - self.foreign)
    }
}

/// A name of sessions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// A DID.
    Account(String),
    /// A key of the store.
    Record(String),
}

/// A value that a filter asks for.
#[derive(Default)]
struct Value {
    wanted: Option<String>,
    is_found: bool,
    others: BTreeSet<String>,
}

/// A name that nothing in the store has.
pub struct Missing {
    /// What is missing, and what it is called.
    pub message: String,
    /// The name.
    pub name: String,
    /// Names near which it may have been meant. None of accounts and keys of records, which are
    /// too many to remember.
    pub others: Option<BTreeSet<String>>,
}

impl Value {
    fn see<'v>(&mut self, values: impl IntoIterator<Item = &'v str>) {
        let Some(wanted) = self.wanted.as_deref().filter(|_| !self.is_found) else { return };
        for value in values {
            if value == wanted {
                self.is_found = true;
                self.others.clear();
                return;
            }
            if self.others.len() < REMEMBERED && !self.others.contains(value) {
                self.others.insert(value.to_owned());
            }
        }
    }

    fn missing(&self, message: impl Fn(&str) -> String) -> Option<Missing> {
        let name = self.wanted.clone().filter(|_| !self.is_found)?;
        Some(Missing { message: message(&name), name, others: Some(self.others.clone()) })
    }
}

impl Seen {
    /// Takes in what is asked for. `is_known`: the key set has the key.
    pub fn ask_for(&mut self, filter: &Filter, is_known: bool) {
        for (value, wanted) in [
            (&mut self.issuer, &filter.issuer),
            (&mut self.kid, &filter.kid),
            (&mut self.scope, &filter.scope),
        ] {
            value.wanted.clone_from(wanted);
        }
        self.kid.is_found |= is_known;
    }

    /// Takes in whether there are records of this name.
    pub fn name(&mut self, named: Named, is_there: bool) {
        *self.named.entry(named).or_default() |= is_there;
    }

    /// Takes in a record, selected or not.
    pub fn see(&mut self, session: &Summary<'_>) {
        self.records.foreign += u64::from(session.status == Status::Foreign);
        self.issuer.see(session.issuer.as_deref());
        self.kid.see(session.kid.as_deref());
        self.scope.see(session.scope.iter().flat_map(|scope| scope.split(' ')));
    }

    /// Checks whether any account or record is there that was named.
    pub fn any_named(&self) -> bool {
        self.named.values().any(|is_there| *is_there)
    }

    /// Everything that was asked for and that nothing in the store has. What a limit has kept from
    /// being read may have it.
    pub fn missing(&self) -> Vec<Missing> {
        let named = self.named.iter().filter(|(_, is_there)| !**is_there).map(|(named, _)| {
            let (message, name) = match named {
                Named::Account(did) => (format!("{did} has no session"), did),
                Named::Record(key) => (format!("there is no session under the key {key}"), key),
            };
            Missing { message, name: name.clone(), others: None }
        });
        let values = [
            self.issuer.missing(|issuer| format!("no session has the issuer {issuer}")),
            self.kid.missing(|kid| {
                format!("no session is bound to key {kid}, and it is not in the key set")
            }),
            self.scope.missing(|scope| format!("no session was granted the scope {scope}")),
        ];
        named.chain(values.into_iter().flatten().filter(|_| !self.is_cut)).collect()
    }

    /// `2 of 16 sessions`; never so that a part could be taken for the whole.
    pub fn counted(&self, selected: u64) -> String {
        if self.is_cut {
            format!("the first {}", counted(selected, "session"))
        } else if !self.named.is_empty() {
            counted(selected, "selected session")
        } else if selected == self.records.read {
            counted(selected, "session")
        } else {
            format!("{selected} of {}", counted(self.records.read, "session"))
        }
    }
}
