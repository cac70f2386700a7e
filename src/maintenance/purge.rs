//! Removing logins that were begun and never completed.
//!
//! A pending state says neither when it was written nor by whom. Where the store does not know its age either, oauthctl
//! notes when it first saw it, and the age is certain once that is long enough ago.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::session::{Age, NodeState};
use crate::store::{Kind, Store, Stored, Want, Written};

/// First-seen notes are forgotten after this; a state that is still there then is noted anew.
const NOTE_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// How old a pending state is, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateAge {
    /// By the layout's time to live and the key's.
    Ttl(SignedDuration),
    /// By the layout's time column.
    Column(SignedDuration),
    /// At least this, since oauthctl first saw it.
    FirstSeen(SignedDuration),
    /// Nothing tells.
    Unknown,
}

/// What to remove.
#[derive(Clone, Copy, Debug)]
pub struct Purge {
    /// States older than this.
    pub older_than: Age,
    /// Only say what would go; write no notes either.
    pub dry_run: bool,
    /// The current time.
    pub now: Timestamp,
}

/// What was removed, or would be, and what stays.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PurgeReport {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Old by their time to live.
    pub by_ttl: u64,
    /// Old by their time column.
    pub by_column: u64,
    /// Old since oauthctl first saw them.
    pub by_first_seen: u64,
    /// Kept: too young.
    pub young: u64,
    /// Kept: of unknown age, noted now or before.
    pub unknown: u64,
    /// Kept: not a pending state that can be read.
    pub malformed: u64,
    /// Completed or expired by themselves while we looked.
    pub gone: u64,
}

impl StateAge {
    /// What the store itself knows.
    pub fn of(stored: &Stored, now: Timestamp) -> Self {
        if let Some(at) = stored.observed.column {
            return Self::Column(now.duration_since(at));
        }
        stored.observed.ttl_age.map_or(Self::Unknown, Self::Ttl)
    }

    /// The age, where it is known.
    pub fn known(self) -> Option<SignedDuration> {
        match self {
            Self::Ttl(age) | Self::Column(age) | Self::FirstSeen(age) => Some(age),
            Self::Unknown => None,
        }
    }
}

impl PurgeReport {
    /// How many went, or would go.
    pub fn purged(&self) -> u64 {
        self.by_ttl + self.by_column + self.by_first_seen
    }

    fn count(&mut self, age: StateAge) {
        match age {
            StateAge::Ttl(_) => self.by_ttl += 1,
            StateAge::Column(_) => self.by_column += 1,
            StateAge::FirstSeen(_) => self.by_first_seen += 1,
            StateAge::Unknown => self.unknown += 1,
        }
    }
}

impl Purge {
    /// Reads all pending states and removes the old ones as it goes. `proceed` is told how many were read and answers
    /// whether to go on.
    pub async fn run(self, store: &dyn Store, mut proceed: impl FnMut(usize) -> bool) -> anyhow::Result<PurgeReport> {
        let mut report = PurgeReport { dry_run: self.dry_run, ..PurgeReport::default() };
        let mut scan = store.scan(Kind::State, Want { values: true, ttls: true });
        while let Some(records) = scan.next().await? {
            let read = records.len();
            self.purge_batch(store, records, &mut report).await?;
            if !proceed(read) {
                break;
            }
        }
        Ok(report)
    }

    async fn purge_batch(
        &self,
        store: &dyn Store,
        records: Vec<Stored>,
        report: &mut PurgeReport,
    ) -> anyhow::Result<()> {
        // Something else may share the prefix of the app's states: only what is a state by its value may go.
        let (states, others): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|record| record.unreadable.is_none() && NodeState::parse(&record.value).is_ok());
        report.malformed += others.len() as u64;
        let ages = self.ages(store, &states).await?;
        let mut old = Vec::new();
        for (state, age) in states.into_iter().zip(ages) {
            match age.known() {
                Some(known) if known > self.older_than.duration() => old.push((state, age)),
                Some(_) if !matches!(age, StateAge::FirstSeen(_)) => report.young += 1,
                _ => report.unknown += 1,
            }
        }
        if self.dry_run {
            for (_, age) in old {
                report.count(age);
            }
            return Ok(());
        }
        let (records, ages): (Vec<_>, Vec<_>) = old.into_iter().unzip();
        for (written, age) in store.remove(Kind::State, &records).await?.into_iter().zip(ages) {
            match written {
                Written::Done | Written::Unconfirmed => report.count(age),
                Written::Changed | Written::Gone => report.gone += 1,
            }
        }
        Ok(())
    }

    /// The ages of these states; those the store does not know are looked up in the notes, and noted where they are new.
    async fn ages(&self, store: &dyn Store, states: &[Stored]) -> anyhow::Result<Vec<StateAge>> {
        let mut ages: Vec<_> = states.iter().map(|state| StateAge::of(state, self.now)).collect();
        let unknown: Vec<usize> = (0..ages.len()).filter(|i| ages[*i] == StateAge::Unknown).collect();
        if unknown.is_empty() {
            return Ok(ages);
        }
        let names: Vec<_> = unknown.iter().map(|i| note_name(&states[*i])).collect();
        let mut fresh = Vec::new();
        for ((i, name), note) in unknown.into_iter().zip(&names).zip(store.notes(&names).await?) {
            match note.as_deref().and_then(first_seen) {
                Some(at) => ages[i] = StateAge::FirstSeen(self.now.duration_since(at)),
                None => fresh.push((name.clone(), self.now.as_second().to_string().into_bytes())),
            }
        }
        if !self.dry_run && !fresh.is_empty() {
            store.write_notes(&fresh, NOTE_LIFETIME).await?;
        }
        Ok(ages)
    }
}

/// A name that does not repeat the state parameter, which is a secret while the login is pending.
fn note_name(state: &Stored) -> String {
    let digest = Sha256::digest(state.key.text().as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("state-seen:{hex}")
}

fn first_seen(note: &[u8]) -> Option<Timestamp> {
    Timestamp::from_second(std::str::from_utf8(note).ok()?.parse().ok()?).ok()
}
