//! Removes unfinished logins.
//!
//! A pending login states neither its time nor its author. If the store does not know its age
//! either, oauthctl notes when it first saw it, and the age is certain once enough time has passed.
//! The same applies if the age follows from a TTL that is merely the usual one: in an app with a
//! shorter TTL, recent logins would appear old.

use std::pin::pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::tally::Tally;
use crate::hashes::fingerprint;
use crate::session::Age;
use crate::store::{Kind, Store, Stored, Want, Written};
use crate::text::named;

/// Lifetime of first-seen notes. They are removed with their logins, and expire for completed ones.
const NOTE_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Age of a pending login, with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateAge {
    /// From the layout's TTL and the remaining TTL.
    Ttl(SignedDuration),
    /// From the layout's time column.
    Column(SignedDuration),
    /// At least this, since oauthctl first saw it.
    FirstSeen(SignedDuration),
    /// Unknown.
    Unknown,
}

/// Purge options.
#[derive(Clone, Copy, Debug)]
pub struct Purge {
    /// Minimum age.
    pub older_than: Age,
    /// True to change nothing and to write no notes.
    pub dry_run: bool,
    /// Current time.
    pub now: Timestamp,
}

named! {
    /// Result for one pending login.
    pub enum PurgeResult {
        ByTtl = "by_ttl",
        ByColumn = "by_column",
        ByFirstSeen = "by_first_seen",
        Young = "young",
        /// Kept: of unknown age, noted now or before.
        Unknown = "unknown",
        /// Kept: not a readable pending login.
        Malformed = "malformed",
        /// Completed or expired in the meantime.
        Gone = "gone",
    }
}

impl PurgeResult {
    /// Results that are removals, also in a dry run.
    pub const PURGED: [Self; 3] = [Self::ByTtl, Self::ByColumn, Self::ByFirstSeen];

    fn old(age: StateAge) -> Self {
        match age {
            StateAge::Ttl(_) => Self::ByTtl,
            StateAge::Column(_) => Self::ByColumn,
            StateAge::FirstSeen(_) => Self::ByFirstSeen,
            StateAge::Unknown => Self::Unknown,
        }
    }
}

impl StateAge {
    /// Determines the age from the store's data.
    pub fn of(stored: &Stored, now: Timestamp) -> Self {
        if let Some(at) = stored.observed.column {
            return Self::Column(now.duration_since(at));
        }
        stored.observed.ttl_age.map_or(Self::Unknown, Self::Ttl)
    }

    /// Returns the age, if it is known.
    pub fn known(self) -> Option<SignedDuration> {
        match self {
            Self::Ttl(age) | Self::Column(age) | Self::FirstSeen(age) => Some(age),
            Self::Unknown => None,
        }
    }
}

impl Purge {
    /// Reads all pending logins and removes old ones on the way, until `stop`. `tally` has the
    /// results even after a failure. `progress` gets the number of logins read.
    pub async fn run(
        self,
        store: &dyn Store,
        stop: impl Future<Output = ()>,
        mut progress: impl FnMut(usize),
        tally: &mut Tally<PurgeResult>,
    ) -> anyhow::Result<()> {
        let mut stop = pin!(stop);
        let mut scan = store.scan(Kind::State, Want { values: true, ttls: true });
        loop {
            let next = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                next = scan.next() => next?,
            };
            let Some(records) = next else { return Ok(()) };
            progress(records.len());
            self.purge_batch(store, records, tally).await?;
        }
    }

    async fn purge_batch(
        &self,
        store: &dyn Store,
        records: Vec<Stored>,
        tally: &mut Tally<PurgeResult>,
    ) -> anyhow::Result<()> {
        // Other programs may use the same prefix: only values that are pending logins may be
        // removed.
        let (states, others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| store.layout().login(record).is_ok());
        tally.add(PurgeResult::Malformed, others.len() as u64);
        let ages = self.ages(store, &states).await?;
        let mut old = Vec::new();
        for (state, age) in states.into_iter().zip(ages) {
            match age.known() {
                Some(known) if known > self.older_than.duration() => old.push((state, age)),
                Some(_) if !matches!(age, StateAge::FirstSeen(_)) => {
                    tally.count(PurgeResult::Young);
                }
                _ => tally.count(PurgeResult::Unknown),
            }
        }
        if self.dry_run {
            for (_, age) in old {
                tally.count(PurgeResult::old(age));
            }
            return Ok(());
        }
        let (records, ages): (Vec<_>, Vec<_>) = old.into_iter().unzip();
        let noted =
            records.iter().zip(&ages).filter(|(_, age)| matches!(age, StateAge::FirstSeen(_)));
        let notes: Vec<_> = noted.map(|(state, _)| note_name(state)).collect();
        for (written, age) in store.remove(Kind::State, &records).await?.into_iter().zip(ages) {
            match written {
                Written::Done | Written::Unconfirmed => tally.count(PurgeResult::old(age)),
                Written::Changed | Written::Gone => tally.count(PurgeResult::Gone),
            }
        }
        store.remove_notes(&notes).await
    }

    /// Checks whether the age also requires a first-seen note of sufficient age.
    fn is_uncertain(&self, store: &dyn Store, age: StateAge) -> bool {
        match age {
            // The real age is at most the apparent one.
            StateAge::Ttl(age) => store.layout().is_generic && age > self.older_than.duration(),
            StateAge::Unknown => true,
            StateAge::Column(_) | StateAge::FirstSeen(_) => false,
        }
    }

    /// Returns the ages of these logins. Uncertain ones are looked up in the notes, and noted if
    /// they are new.
    async fn ages(&self, store: &dyn Store, states: &[Stored]) -> anyhow::Result<Vec<StateAge>> {
        let mut ages: Vec<_> = states.iter().map(|state| StateAge::of(state, self.now)).collect();
        let unknown: Vec<usize> =
            (0..ages.len()).filter(|i| self.is_uncertain(store, ages[*i])).collect();
        if unknown.is_empty() {
            return Ok(ages);
        }
        let names: Vec<_> = unknown.iter().map(|i| note_name(&states[*i])).collect();
        let mut fresh = Vec::new();
        for ((i, name), note) in unknown.into_iter().zip(&names).zip(store.notes(&names).await?) {
            if let Some(at) = note.as_deref().and_then(first_seen) {
                ages[i] = StateAge::FirstSeen(self.now.duration_since(at));
            } else {
                ages[i] = StateAge::Unknown;
                fresh.push((name.clone(), self.now.as_second().to_string().into_bytes()));
            }
        }
        if !self.dry_run && !fresh.is_empty() {
            let of_use_after = Duration::try_from(self.older_than.duration()).unwrap_or_default();
            store.write_notes(&fresh, of_use_after.saturating_add(NOTE_LIFETIME)).await?;
        }
        Ok(ages)
    }
}

/// Returns a note name that does not disclose the state parameter, which is a secret while the
/// login is pending.
fn note_name(state: &Stored) -> String {
    format!("state-seen:{}", fingerprint(state.key.text().as_bytes()))
}

fn first_seen(note: &[u8]) -> Option<Timestamp> {
    Timestamp::from_second(std::str::from_utf8(note).ok()?.parse().ok()?).ok()
}
