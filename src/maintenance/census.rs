//! Count of the records bound to each client key, in all layouts of the app's store.

use crate::jose::{ClientKey, KeySet};
use crate::session::{Atcute, BoundCount, BoundRecords, ClientId, Format, KeyDependence};
use crate::store::{Scan, StoreUrl};
use crate::text::{counted, sessions_and_logins};

/// Number of example keys in a message.
const EXAMPLES: usize = 3;

/// Records by client key.
pub struct Census {
    store: String,
    is_named: bool,
    /// Records by the key to which they are bound.
    pub records: BoundRecords,
    /// Sessions whose tokens name another client. Two apps may share a store.
    of_others: BoundRecords,
    sessions_of_others: u64,
    /// Example of such a client.
    other_client: Option<ClientId<'static>>,
    client_id: Option<ClientId<'static>>,
    all: BoundCount,
    /// True if some sessions are records of atcute.
    pub has_atcute: bool,
    /// Number of records whose client key is unknown.
    pub unplaced: u64,
    examples: Vec<String>,
}

impl Census {
    /// Counts the records of a scan. `is_named` is true for a configured store, false for a
    /// detected one.
    pub async fn read(
        store: &StoreUrl,
        is_named: bool,
        client_id: Option<ClientId<'static>>,
        scan: &mut Scan,
    ) -> anyhow::Result<Self> {
        let mut census = Self {
            store: store.to_string(),
            is_named,
            records: BoundRecords::default(),
            of_others: BoundRecords::default(),
            sessions_of_others: 0,
            other_client: None,
            client_id,
            all: BoundCount::default(),
            has_atcute: false,
            unplaced: 0,
            examples: Vec::new(),
        };
        census.add_all(scan).await?;
        Ok(census)
    }

    async fn add_all(&mut self, scan: &mut Scan) -> anyhow::Result<()> {
        while let Some(records) = scan.next().await? {
            for record in &records {
                match KeyDependence::of(&record.value) {
                    KeyDependence::Session { kid, client_id, format } => {
                        self.all.sessions += 1;
                        self.has_atcute |= format == &Atcute as &dyn Format;
                        if client_id.is_some()
                            && self.client_id.is_some()
                            && client_id != self.client_id
                        {
                            self.of_others.add(kid.clone(), |count| count.sessions += 1);
                            self.sessions_of_others += 1;
                            self.other_client = self.other_client.take().or(client_id);
                        }
                        self.records.add(kid, |count| count.sessions += 1);
                    }
                    KeyDependence::Login(kid) => {
                        self.all.states += 1;
                        self.records.add(kid, |count| count.states += 1);
                    }
                    // A record that belongs to no one needs no key.
                    _ if record.is_nobodys() => {}
                    KeyDependence::Unknown | KeyDependence::None => {
                        self.unplaced += 1;
                        if self.examples.len() < EXAMPLES {
                            self.examples.push(record.key.text().into_owned());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the part of the settings file that names the store.
    pub fn of_part(mut self, part: &str) -> Self {
        self.store = format!("{} ({part})", self.store);
        self
    }

    /// Returns the address of the store, without secrets.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// Checks whether there are neither sessions nor logins.
    pub fn is_empty(&self) -> bool {
        self.all.total() == 0
    }

    /// Checks whether there is any session.
    pub fn has_sessions(&self) -> bool {
        self.all.sessions > 0
    }

    /// Checks whether a key without counted records is certainly unused: the store is configured,
    /// has records, and all of their keys are known.
    pub fn is_proof(&self) -> bool {
        self.is_named && !self.is_empty() && self.unplaced == 0
    }

    /// Formats the count: `the 4 sessions and 1 pending login of sqlite:app.db`.
    pub fn counted(&self) -> String {
        format!("the {} of {}", sessions_and_logins(self.all.sessions, self.all.states), self.store)
    }

    /// Returns the reason for which a key without counted records may be in use nevertheless.
    pub fn doubt(&self) -> String {
        if self.unplaced > 0 {
            format!("{} could not be read and may be bound to any key", self.counted_unplaced())
        } else {
            format!("{} contains no sessions and logins", self.store)
        }
    }

    /// Formats the count of records with unknown keys: `2 records of sqlite:app.db (KEY, …)`.
    pub fn counted_unplaced(&self) -> String {
        let others = if self.unplaced > self.examples.len() as u64 { ", …" } else { "" };
        format!(
            "{} of {} ({}{others})",
            counted(self.unplaced, "record"),
            self.store,
            self.examples.join(", ")
        )
    }

    /// Describes a key missing from the set to which sessions of other clients are bound, `None` if
    /// there are no such sessions.
    pub fn doubt_about_others(&self, keys: &KeySet) -> Option<String> {
        let is_there =
            |kid: &str| keys.iter().filter_map(ClientKey::kid).any(|known| known.as_str() == kid);
        let (kid, count) = self.of_others.iter().find(|(kid, _)| !is_there(kid))?;
        let (sessions, verb) =
            (counted(count.sessions, "session"), if count.sessions == 1 { "is" } else { "are" });
        Some(format!(
            "{sessions} of {} {verb} bound to key {kid}, which no key source has, and named for the client {}, not for {}: \
             if that is this app, too, its users are logged out without the key",
            self.store,
            self.other_client.as_ref().map_or("", ClientId::as_str),
            self.client_id.as_ref().map_or("", ClientId::as_str)
        ))
    }

    /// Checks whether there are sessions, and the tokens of all of them name other clients.
    pub fn is_of_others(&self) -> bool {
        self.all.sessions > 0 && self.sessions_of_others == self.all.sessions
    }

    /// Returns kids missing from the set to which records of this client are bound, with the
    /// counts.
    pub fn missing_from<'c>(
        &'c self,
        keys: &'c KeySet,
    ) -> impl Iterator<Item = (&'c str, BoundCount)> {
        let is_there =
            |kid: &str| keys.iter().filter_map(ClientKey::kid).any(|known| known.as_str() == kid);
        self.records.iter().filter(move |(kid, _)| !is_there(kid)).filter_map(|(kid, mut count)| {
            let of_others = self.of_others.to(kid).sessions;
            count.sessions -= of_others;
            // A pending login does not name its client.
            (count.sessions > 0 || count.states > 0 && of_others == 0).then_some((kid, count))
        })
    }
}
