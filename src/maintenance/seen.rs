//! Records read by a selection, and the names of the command line found among them.

use std::collections::{BTreeMap, BTreeSet};

use crate::session::{Filter, Issuer, Status, Summary};
use crate::text::counted;

/// Maximum number of other values remembered for suggestions.
const REMEMBERED: usize = 1000;

/// Records read, over all layouts of a store.
#[derive(Default)]
pub struct Seen {
    /// Counts.
    pub records: Records,
    /// True if `--limit` has kept further records from being read.
    pub is_cut: bool,
    /// Number of sessions that were left out because a permission set may give the scope that is
    /// missing.
    pub depending_on_sets: u64,
    /// Named accounts and record keys, and whether there is a record of them.
    named: BTreeMap<Named, bool>,
    issuer: Value,
    kid: Value,
    scope: Value,
}

/// Numbers of records read by a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Records {
    pub read: u64,
    pub foreign: u64,
    /// True if all records of the store were read.
    pub are_all: bool,
}

impl Records {
    /// Returns the number of records that are not foreign, if all records of the store were read.
    pub fn all(&self) -> Option<u64> {
        self.are_all.then(|| self.read - self.foreign)
    }
}

/// Name of sessions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// DID.
    Account(String),
    /// Record key.
    Record(String),
}

/// Value of a filter.
#[derive(Default)]
struct Value {
    wanted: Option<String>,
    is_found: bool,
    others: BTreeSet<String>,
}

/// Name that does not occur in the store.
pub struct Missing {
    /// Description with the name.
    pub message: String,
    /// Name.
    pub name: String,
    /// Names for a suggestion. `None` for accounts and record keys, which are too many to remember.
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
    /// Adds the values of the filter. `is_known` is true if the key set has the key.
    pub fn ask_for(&mut self, filter: &Filter, is_known: bool) {
        self.issuer.wanted = filter.issuer.as_ref().map(ToString::to_string);
        self.kid.wanted.clone_from(&filter.kid);
        self.scope.wanted.clone_from(&filter.scope);
        self.kid.is_found |= is_known;
    }

    /// Records whether there are records of this name.
    pub fn name(&mut self, named: Named, is_there: bool) {
        *self.named.entry(named).or_default() |= is_there;
    }

    /// Records a session, selected or not.
    pub fn see(&mut self, session: &Summary<'_>) {
        self.records.foreign += u64::from(session.status == Status::Foreign);
        self.issuer.see(session.issuer.as_ref().map(Issuer::as_str));
        self.kid.see(session.kid.as_deref());
        let has = |wanted: &str| session.has_scope(wanted) == Some(true);
        let scope = &mut self.scope;
        scope.is_found = scope.is_found || scope.wanted.as_deref().is_some_and(has);
        self.scope.see(session.scope.iter().flat_map(|scope| scope.split(' ')));
    }

    /// Checks whether any named account or record was found.
    pub fn any_named(&self) -> bool {
        self.named.values().any(|is_there| *is_there)
    }

    /// Returns all requested names that do not occur in the store. Names are not reported if the
    /// limit kept records from being read.
    pub fn missing(&self) -> Vec<Missing> {
        let named = self.named.iter().filter(|(_, is_there)| !**is_there).map(|(named, _)| {
            let (message, name) = match named {
                Named::Account(did) => (format!("{did} has no session"), did),
                Named::Record(key) => (format!("no session has the key {key}"), key),
            };
            Missing { message, name: name.clone(), others: None }
        });
        let values = [
            self.issuer.missing(|issuer| format!("no session has the issuer {issuer}")),
            self.kid.missing(|kid| {
                format!("no session is bound to key {kid}, which is also not in the key set")
            }),
            self.scope.missing(|scope| format!("no session has the scope {scope}")),
        ];
        named.chain(values.into_iter().flatten().filter(|_| !self.is_cut)).collect()
    }

    /// Formats the count: `2 of 16 sessions`, worded so that a part is never mistaken for the
    /// whole.
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
