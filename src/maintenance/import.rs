//! Imports exported sessions into a store, without logging users out and without restoring old
//! tokens.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::error::{Failure, usage};
use crate::hashes::fingerprint;
use crate::session::{Age, FORMATS, Format, Session, Traces, Transfer, is_provably_newer};
use crate::store::{Kind, Layout, RecordKey, Store, Want, Written};
use crate::text::named;

/// Minimum TTL of an imported session, so that the import itself logs no one out.
const SHORTEST_TTL: Duration = Duration::from_hours(24);

/// Number of sessions sufficient to detect the format of a store's records.
const ENOUGH_TO_TELL: usize = 1000;

/// Number of shards. Keys of one shard are imported one after the other.
const PARTS: usize = 256;

/// Import options.
#[derive(Debug)]
pub struct Import {
    /// True to replace older records by provably newer ones.
    pub replace: bool,
    /// True to change nothing.
    pub dry_run: bool,
    /// Current time.
    pub now: Timestamp,
    /// Keys imported by this run.
    pub ledger: ImportLedger,
    /// Format of the store's records, if its layout or its sessions show it.
    pub format: Option<&'static dyn Format>,
}

/// Sharded set of imported key fingerprints. A shard's mutex also serialises imports to its keys.
#[derive(Debug)]
pub struct ImportLedger([Mutex<HashSet<u128>>; PARTS]);

impl Default for ImportLedger {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl ImportLedger {
    /// Returns the shard of this key, and its fingerprint.
    fn part(&self, key: &RecordKey) -> (&Mutex<HashSet<u128>>, u128) {
        let name = number(&fingerprint(key.text().as_bytes()));
        (&self.0[usize::from(name.to_le_bytes()[0]) % PARTS], name)
    }
}

named! {
    /// Result of importing one session.
    pub enum ImportResult {
        /// Did not exist and was created.
        Created = "created",
        /// An older one was replaced.
        Replaced = "replaced",
        /// Already existed with the same tokens.
        Unchanged = "unchanged",
        /// A different one existed and was kept.
        Kept = "kept",
        /// A different one existed that is not provably older. It was kept in spite of the option
        /// to replace.
        NotNewer = "not_newer",
        /// This run has imported another session of the account, and the layout has one per
        /// account. The provably newer one was kept, or else the first.
        Crowded = "crowded",
        /// The library of the store's app cannot use its DPoP key.
        Unusable = "unusable",
        /// Not a session.
        Malformed = "malformed",
    }
}

impl Import {
    /// Imports one line of an export.
    pub async fn one(&self, store: &dyn Store, line: &str) -> anyhow::Result<ImportResult> {
        let Ok(incoming) = serde_json::from_str::<Transfer<'_>>(line) else {
            return Ok(ImportResult::Malformed);
        };
        let value = incoming.record.get().as_bytes();
        let session = match Session::read(value) {
            Ok(session) if session.did == incoming.did => session,
            _ => return Ok(ImportResult::Malformed),
        };
        let format = self.format_for(&session, store.layout())?;
        let converted;
        let value = if session.format == format {
            value
        } else {
            let Ok(record) = format.convert(&session, value) else {
                return Ok(ImportResult::Unusable);
            };
            converted = record;
            &converted
        };
        let key = key_in(store, &incoming);
        let (part, name) = self.ledger.part(&key);
        let mut ledger = part.lock().await;
        if !self.dry_run
            && store.create(Kind::Session, &key, value, self.ttl(store, &incoming)).await?
        {
            ledger.insert(name);
            return Ok(ImportResult::Created);
        }
        let Some(present) = store.get(Kind::Session, &key).await? else {
            // A dry run has not tried to create it. Otherwise it was deleted between two commands,
            // and stays deleted.
            return Ok(if !self.dry_run {
                ImportResult::Kept
            } else if !ledger.insert(name ^ token_of(value)) {
                ImportResult::Unchanged
            } else if ledger.insert(name) {
                ImportResult::Created
            } else {
                ImportResult::Crowded
            });
        };
        if present.value == value || is_same(&present.value, &session) {
            return Ok(ImportResult::Unchanged);
        }
        let is_ours = ledger.contains(&name);
        if !self.replace && !is_ours {
            return Ok(ImportResult::Kept);
        }
        let (replaced, not_newer) = if is_ours {
            (ImportResult::Crowded, ImportResult::Crowded)
        } else {
            (ImportResult::Replaced, ImportResult::NotNewer)
        };
        match store.layout().session(&present) {
            Ok(older) if is_provably_newer(&session, &older) => {}
            _ => return Ok(not_newer),
        }
        if self.dry_run {
            return Ok(replaced);
        }
        match store.replace(&present, value).await? {
            // If a failover loses it, the export still has it.
            Written::Done | Written::Unconfirmed => {
                ledger.insert(name);
                Ok(replaced)
            }
            // The app refreshed it or signed the user out in the meantime.
            Written::Changed | Written::Gone => Ok(not_newer),
        }
    }

    /// Returns the format in which a session is written. If the app's library is unknown, only
    /// sessions of the layout's most common library are accepted.
    fn format_for(
        &self,
        session: &Session<'_>,
        layout: &Layout,
    ) -> Result<&'static dyn Format, Failure> {
        match self.format {
            Some(format) => Ok(format),
            None if session.format == layout.format => Ok(layout.format),
            None => {
                let (name, format) = (&layout.name, session.format);
                let problem =
                    format!("the store does not show that its app uses {}", format.library());
                let [theirs, usual] = [format, layout.format]
                    .map(|format| format!("--layout {name}/{}", format.name()));
                Err(usage(problem).hint(format!("choose its library: {theirs} or {usual}")))
            }
        }
    }

    /// Returns the TTL in a layout with expiry: the remaining time, or the layout's TTL minus the
    /// known age, whichever is longer.
    fn ttl(&self, store: &dyn Store, incoming: &Transfer<'_>) -> Option<Duration> {
        let whole = Duration::try_from(store.layout().session_ttl().map(Age::duration)?).ok()?;
        let age = incoming.last_refreshed_at.map(|at| self.now.duration_since(at));
        let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
        let own = whole.saturating_sub(age).max(SHORTEST_TTL.min(whole));
        Some(incoming.ttl.map_or(own, |carried| own.max(Duration::from_secs(carried))))
    }
}

/// Returns the format of the store's records: that of its layout, or of most of its first sessions.
/// `None` if unknown.
pub async fn written_format(store: &dyn Store) -> anyhow::Result<Option<&'static dyn Format>> {
    if store.layout().has_one_format {
        return Ok(Some(store.layout().format));
    }
    let mut counts = vec![0_usize; FORMATS.len()];
    let mut scan = store.scan(Kind::Session, Want { values: true, ttls: false });
    while counts.iter().sum::<usize>() < ENOUGH_TO_TELL
        && let Some(records) = scan.next().await?
    {
        for session in records.iter().filter_map(|stored| store.layout().session(stored).ok()) {
            for (count, format) in counts.iter_mut().zip(FORMATS) {
                *count += usize::from(*format == session.format);
            }
        }
    }
    let most = counts
        .iter()
        .zip(FORMATS)
        .filter(|(count, _)| **count > 0)
        .max_by_key(|(count, _)| **count);
    Ok(most.map(|(_, format)| *format))
}

/// Checks whether both contain the same tokens of the same refresh, in any format.
fn is_same(present: &[u8], incoming: &Session<'_>) -> bool {
    Session::read(present).is_ok_and(|present| present.is_of_same_refresh(incoming))
}

/// Returns a fingerprint of a record's tokens, consistent with [`is_same`].
fn token_of(record: &[u8]) -> u128 {
    match Traces::refresh_token(record) {
        Some(token) => number(&token.fingerprint()),
        None => number(&fingerprint(record)),
    }
}

/// Parses a fingerprint of 16 bytes.
fn number(fingerprint: &str) -> u128 {
    u128::from_str_radix(fingerprint, 16).expect("a fingerprint is 128 bits in hex")
}

/// Returns the key in the store's layout. If the layout requires a session ID and the export has
/// none, the ID is derived from the old key, so that a second import finds the first.
fn key_in(store: &dyn Store, incoming: &Transfer<'_>) -> RecordKey {
    let sid =
        incoming.sid.clone().unwrap_or_else(|| Cow::Owned(fingerprint(incoming.key.as_bytes())));
    RecordKey::from_text(&store.layout().session_pattern().key(&incoming.did, Some(&sid)))
}
