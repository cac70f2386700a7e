//! Duplicate records of one session, and accounts with several sessions in a layout for one.
//!
//! A refresh token works once, so only the provably newest of several copies may be refreshed. Two
//! records are copies of one session if they have the same refresh token, or the same account and
//! DPoP key (each login creates a new key).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use jiff::Timestamp;

use super::Session;
use super::transfer::is_later;
use crate::hashes::Hashes;

/// Layout of compared records.
#[derive(Clone, Debug)]
pub struct LayoutTraits {
    /// Name.
    pub name: String,
    /// True if the layout has one session per account.
    pub has_one: bool,
}

/// First pass over a store: finds tokens, logins or accounts that occur more than once. Needs 16
/// bytes per record.
pub struct Repeats {
    hasher: RandomState,
    /// True if accounts are compared and not logins: one session per account, or several layouts.
    by_account: bool,
    tokens: Hashes<u64>,
    logins: Hashes<u64>,
    repeated: HashSet<u64>,
}

/// Second pass: compares records that have something in common.
pub struct Comparison {
    hasher: RandomState,
    layouts: Vec<LayoutTraits>,
    marks: Vec<Marks>,
}

/// Compared properties of a record.
struct Marks {
    layout: usize,
    key: String,
    id: u64,
    account: u64,
    token: u64,
    login: u64,
    times: Times,
}

/// Issue and expiry of the access token.
type Times = (Option<Timestamp>, Option<Timestamp>);

/// Relation of a record to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Copy of another record of the same layout.
    Copy,
    /// Copy of a record of another layout.
    CopyElsewhere,
    /// Different sessions of one account, in a layout with one session per account.
    Rival,
}

/// Records that must not be refreshed because of another one. Empty for most stores.
#[derive(Default)]
pub struct Copies {
    hasher: RandomState,
    found: HashMap<u64, (Relation, String)>,
}

impl Repeats {
    /// Prepares a pass over the records of these layouts.
    pub fn new(layouts: &[LayoutTraits]) -> Self {
        Self {
            hasher: RandomState::new(),
            by_account: layouts.len() > 1 || layouts.iter().any(|layout| layout.has_one),
            tokens: Hashes::new(),
            logins: Hashes::new(),
            repeated: HashSet::new(),
        }
    }

    /// Adds a record.
    pub fn add(&mut self, session: &Session<'_>) {
        let Some(hashes) = self.hashes(session) else { return };
        for (set, hash) in [&mut self.tokens, &mut self.logins].into_iter().zip(hashes) {
            if !set.insert(hash, hash) {
                self.repeated.insert(hash);
            }
        }
    }

    /// Checks whether nothing occurred twice.
    pub fn is_empty(&self) -> bool {
        self.repeated.is_empty()
    }

    /// Checks whether something of the record occurred in another one, too.
    pub fn has(&self, session: &Session<'_>) -> bool {
        self.hashes(session)
            .is_some_and(|hashes| hashes.iter().any(|hash| self.repeated.contains(hash)))
    }

    fn hashes(&self, session: &Session<'_>) -> Option<[u64; 2]> {
        let token = token(&self.hasher, session)?;
        let login = if self.by_account {
            account(&self.hasher, session)
        } else {
            login(&self.hasher, session)
        };
        Some([token, login])
    }
}

impl Comparison {
    /// Prepares a comparison of records of these layouts. The first layout is the one being
    /// processed.
    pub fn new(layouts: Vec<LayoutTraits>) -> Self {
        Self { hasher: RandomState::new(), layouts, marks: Vec::new() }
    }

    /// Adds a layout unless it is already there. Returns its number.
    pub fn layout(&mut self, layout: LayoutTraits) -> usize {
        self.layouts.iter().position(|other| other.name == layout.name).unwrap_or_else(|| {
            self.layouts.push(layout);
            self.layouts.len() - 1
        })
    }

    /// Adds a record of an account. Skips values that are not sessions, and sessions without a
    /// refresh token, which cannot be refreshed.
    pub fn add(&mut self, layout: usize, key: &str, value: &[u8], did: &str) {
        let hasher = &self.hasher;
        let Some(session) = Session::read(value).ok().filter(|session| session.did == did) else {
            return;
        };
        let Some(token) = token(hasher, &session) else { return };
        self.marks.push(Marks {
            layout,
            key: key.to_owned(),
            id: hasher.hash_one((key, value)),
            account: account(hasher, &session),
            token,
            login: login(hasher, &session),
            times: session.times(),
        });
    }

    /// Compares the records.
    pub fn copies(self) -> Copies {
        let Self { hasher, layouts, marks } = self;
        let groups = groups(&marks);
        let mut sessions_of: HashMap<u64, HashSet<usize>> = HashMap::new();
        for (mark, group) in marks.iter().zip(&groups).filter(|(mark, _)| mark.layout == 0) {
            sessions_of.entry(mark.account).or_default().insert(*group);
        }
        let mut members: HashMap<usize, Vec<&Marks>> = HashMap::new();
        for (mark, group) in marks.iter().zip(&groups) {
            members.entry(*group).or_default().push(mark);
        }
        let has_one = layouts.first().is_some_and(|layout| layout.has_one);
        let mut found = HashMap::new();
        for members in members.values() {
            let elsewhere = members.iter().find(|mark| mark.layout != 0);
            let here: Vec<_> = members.iter().copied().filter(|mark| mark.layout == 0).collect();
            let newest = newest(&here);
            for (n, mark) in here.iter().enumerate() {
                let sessions = sessions_of[&mark.account].len();
                let relation = if let Some(other) = elsewhere {
                    let name = layouts.get(other.layout).map_or("", |layout| &layout.name);
                    (Relation::CopyElsewhere, format!("a copy of {} in layout {name}", other.key))
                } else if newest.is_none() {
                    let other = here[usize::from(n == 0)];
                    (
                        Relation::Copy,
                        format!("a copy of {}, and it is unknown which one is newer", other.key),
                    )
                } else if newest != Some(n) {
                    (Relation::Copy, format!("a copy of {}", here[newest.unwrap_or(n)].key))
                } else if has_one && sessions > 1 {
                    let why = format!(
                        "one of {sessions} sessions of its account, but the layout has one per account"
                    );
                    (Relation::Rival, why)
                } else {
                    continue;
                };
                found.insert(mark.id, relation);
            }
        }
        Copies { hasher, found }
    }
}

impl Copies {
    /// Returns the relation that keeps a record from being refreshed, and its description.
    pub fn of(&self, key: &str, value: &[u8]) -> Option<(Relation, &str)> {
        if self.found.is_empty() {
            return None;
        }
        self.found
            .get(&self.hasher.hash_one((key, value)))
            .map(|(relation, why)| (*relation, why.as_str()))
    }

    /// Counts the records with this relation.
    pub fn count(&self, relation: Relation) -> u64 {
        self.found.values().filter(|(found, _)| *found == relation).count() as u64
    }
}

/// Returns the session number of each record.
fn groups(marks: &[Marks]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..marks.len()).collect();
    let mut first: HashMap<u64, usize> = HashMap::new();
    for (n, mark) in marks.iter().enumerate() {
        for hash in [mark.token, mark.login] {
            let other = *first.entry(hash).or_insert(n);
            let (one, other) = (root(&mut parents, n), root(&mut parents, other));
            parents[one] = other;
        }
    }
    (0..marks.len()).map(|n| root(&mut parents, n)).collect()
}

/// Returns the representative of a set of records (disjoint sets with path halving).
fn root(parents: &mut [usize], mut n: usize) -> usize {
    while parents[n] != n {
        parents[n] = parents[parents[n]];
        n = parents[n];
    }
    n
}

/// Returns the record that is provably newer than all others.
fn newest(marks: &[&Marks]) -> Option<usize> {
    let mut newest = 0;
    for n in 1..marks.len() {
        if is_later(marks[n].times, marks[newest].times) {
            newest = n;
        }
    }
    let all_older = |n: usize| n == newest || is_later(marks[newest].times, marks[n].times);
    (0..marks.len()).all(all_older).then_some(newest)
}

fn token(hasher: &RandomState, session: &Session<'_>) -> Option<u64> {
    session.refresh_token.as_ref().map(|token| hasher.hash_one(("token", token.expose_secret())))
}

fn login(hasher: &RandomState, session: &Session<'_>) -> u64 {
    hasher.hash_one(("login", &session.did, &session.dpop.public))
}

fn account(hasher: &RandomState, session: &Session<'_>) -> u64 {
    hasher.hash_one(("account", &session.did))
}

#[cfg(test)]
mod tests {
    use super::super::format::RECORD;
    use super::*;

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    fn layouts(has_one: bool) -> Vec<LayoutTraits> {
        ["here", "there"].map(|name| LayoutTraits { name: name.to_owned(), has_one }).into()
    }

    /// Returns the descriptions for the records of the first layout, each with its key.
    fn said(has_one: bool, records: &[(usize, &str, String)]) -> Vec<Option<String>> {
        let mut comparison = Comparison::new(layouts(has_one));
        for (layout, key, value) in records {
            comparison.add(*layout, key, value.as_bytes(), DID);
        }
        let copies = comparison.copies();
        let here = records.iter().filter(|(layout, ..)| *layout == 0);
        here.map(|(_, key, value)| copies.of(key, value.as_bytes()).map(|(_, why)| why.to_owned()))
            .collect()
    }

    fn record(token: &str, dpop: &str, hour: u8) -> String {
        let record =
            RECORD.replace("ref-1", token).replace(r#""x":"x""#, &format!(r#""x":"{dpop}""#));
        record
            .replace("a.eyJpYXQiOjEwMDB9.c", "opaque")
            .replace("T09:02", &format!("T{hour:02}:02"))
    }

    #[test]
    fn of_copies_all_but_the_provably_newest_are_named() {
        let (older, newer) = (record("t1", "a", 9), record("t2", "a", 10));
        let copy = Some("a copy of k2".to_owned());
        assert_eq!(said(false, &[(0, "k1", older.clone()), (0, "k2", newer)]), [copy, None]);
        let same_token = record("t1", "b", 9);
        let undecided =
            |key: &str| Some(format!("a copy of {key}, and it is unknown which one is newer"));
        assert_eq!(
            said(false, &[(0, "k1", older), (0, "k2", same_token)]),
            [undecided("k2"), undecided("k1")]
        );
    }

    #[test]
    fn copies_of_copies_are_one_session() {
        let records = [record("t1", "a", 9), record("t2", "a", 10), record("t2", "b", 11)];
        let records: Vec<_> = records
            .into_iter()
            .zip(["k1", "k2", "k3"])
            .map(|(value, key)| (0, key, value))
            .collect();
        let copy = Some("a copy of k3".to_owned());
        assert_eq!(said(true, &records), [copy.clone(), copy, None]);
    }

    #[test]
    fn a_copy_in_another_layout_counts_whatever_its_age() {
        for hour in [8, 9, 10] {
            let records = [(0, "k", record("t1", "a", 9)), (1, "other", record("t2", "a", hour))];
            assert_eq!(said(true, &records), [Some("a copy of other in layout there".to_owned())]);
        }
        let another = [(0, "k", record("t1", "a", 9)), (1, "other", record("t2", "b", 9))];
        assert_eq!(said(true, &another), [None]);
    }

    #[test]
    fn several_sessions_of_an_account_matter_in_a_layout_for_one() {
        let records = [(0, "k", record("t1", "a", 9)), (0, "k", record("t2", "b", 10))];
        assert_eq!(said(false, &records), [None, None]);
        let rival =
            Some("one of 2 sessions of its account, but the layout has one per account".to_owned());
        assert_eq!(said(true, &records), [rival.clone(), rival]);
        // A record without a refresh token cannot be sent.
        let without = record("t2", "b", 10).replace(r#""refresh_token":"t2","#, "");
        assert_eq!(said(true, &[records[0].clone(), (0, "k", without)]), [None, None]);
    }

    #[test]
    fn repeats_are_what_copies_have_in_common() {
        let [one, copy, other] =
            [record("t1", "a", 9), record("t2", "a", 10), record("t3", "b", 9)];
        let parse = |record: &'static str| Session::read(record.as_bytes()).unwrap();
        let [one, copy, other] = [one, copy, other].map(|record| parse(record.leak()));
        let mut repeats = Repeats::new(&layouts(false)[..1]);
        repeats.add(&one);
        repeats.add(&other);
        assert!(repeats.is_empty() && !repeats.has(&one));
        repeats.add(&copy);
        assert_eq!([&one, &copy, &other].map(|session| repeats.has(session)), [true, true, false]);
    }
}
