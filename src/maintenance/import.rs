//! Bringing exported sessions into a store, without logging anyone out and without bringing back
//! old tokens.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::error::{Failure, usage};
use crate::session::{
    Age, FORMATS, Format, Session, Traces, Transfer, fingerprint, is_provably_newer,
};
use crate::store::{Kind, Layout, RecordKey, Store, Want, Written};
use crate::text::named;

/// A session whose time would have run out by the new layout's reckoning gets this long, so that
/// nobody is logged out by the move itself.
const SHORTEST_TTL: Duration = Duration::from_hours(24);

/// So many sessions show the format of a store's records.
const ENOUGH_TO_TELL: usize = 1000;

/// Number of parts the keys are divided into; those of one part are brought in one after the other.
const PARTS: usize = 256;

/// How to treat what is there already.
#[derive(Debug)]
pub struct Import {
    /// Put a provably newer record in the place of an older one.
    pub replace: bool,
    /// Only say what would happen.
    pub dry_run: bool,
    /// The current time.
    pub now: Timestamp,
    /// What this run has brought in.
    pub arrived: Arrived,
    /// The format of the store's records, where its layout or its sessions show it.
    pub format: Option<&'static dyn Format>,
}

/// Fingerprints of the keys of a run, in parts, each of which also is the turn of its keys: of
/// several sessions for one key, one must be there before the next is compared with it.
#[derive(Debug)]
pub struct Arrived([Mutex<HashSet<u128>>; PARTS]);

impl Default for Arrived {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Arrived {
    /// Returns the part of this key, and its name there.
    fn part(&self, key: &RecordKey) -> (&Mutex<HashSet<u128>>, u128) {
        let name = number(&fingerprint(key.text().as_bytes()));
        (&self.0[usize::from(name.to_le_bytes()[0]) % PARTS], name)
    }
}

named! {
    /// Result of importing one session.
    pub enum ImportResult {
        /// It was not there, and is now.
        Created = "created",
        /// An older one was there and was replaced.
        Replaced = "replaced",
        /// It was there already, the same.
        Unchanged = "unchanged",
        /// Another was there and stays, as asked.
        Kept = "kept",
        /// Another was there that is not provably older: it stays, although replacing was asked for.
        NotNewer = "not_newer",
        /// This run has brought in another session of the account, and the layout has room for one: the one provably newer
        /// is there now, or else the first.
        Crowded = "crowded",
        /// The library of the store's app cannot use its DPoP key.
        Unusable = "unusable",
        /// Not a session.
        Malformed = "malformed",
    }
}

impl Import {
    /// Brings one line of an export in.
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
        let (part, name) = self.arrived.part(&key);
        let mut arrived = part.lock().await;
        if !self.dry_run
            && store.create(Kind::Session, &key, value, self.ttl(store, &incoming)).await?
        {
            arrived.insert(name);
            return Ok(ImportResult::Created);
        }
        let Some(present) = store.get(Kind::Session, &key).await? else {
            // A dry run has not tried to create it; otherwise it went between two commands, and is
            // left gone.
            return Ok(if !self.dry_run {
                ImportResult::Kept
            } else if !arrived.insert(name ^ token_of(value)) {
                ImportResult::Unchanged
            } else if arrived.insert(name) {
                ImportResult::Created
            } else {
                ImportResult::Crowded
            });
        };
        if present.value == value || is_same(&present.value, &session) {
            return Ok(ImportResult::Unchanged);
        }
        let is_ours = arrived.contains(&name);
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
            // The export is there still, should another server take over without it.
            Written::Done | Written::Unconfirmed => {
                arrived.insert(name);
                Ok(replaced)
            }
            // The app refreshed it, or signed the user out, while we looked.
            Written::Changed | Written::Gone => Ok(not_newer),
        }
    }

    /// Returns the format in which a session is written. Where nothing shows which library the app
    /// uses, only sessions of the library are taken that most apps of the layout use.
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
                    format!("nothing in the store shows that its app uses {}", format.library());
                let [theirs, usual] = [format, layout.format]
                    .map(|format| format!("--layout {name}/{}", format.name()));
                Err(usage(problem).hint(format!("say which library it uses: {theirs} or {usual}")))
            }
        }
    }

    /// How long it will live in a layout whose sessions do not live for ever: the time it still
    /// had, or the layout's own less the age that is known, whichever is longer.
    fn ttl(&self, store: &dyn Store, incoming: &Transfer<'_>) -> Option<Duration> {
        let whole = Duration::try_from(store.layout().session_ttl().map(Age::duration)?).ok()?;
        let age = incoming.last_refreshed_at.map(|at| self.now.duration_since(at));
        let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
        let own = whole.saturating_sub(age).max(SHORTEST_TTL.min(whole));
        Some(incoming.ttl.map_or(own, |carried| own.max(Duration::from_secs(carried))))
    }
}

/// Returns the format of the store's records: its layout's, or that of most of its first sessions.
/// None where neither shows it.
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

/// Checks whether both are one session with the same tokens of the same exchange, however the one
/// was written anew.
fn is_same(present: &[u8], incoming: &Session<'_>) -> bool {
    Session::read(present).is_ok_and(|present| present.is_of_same_refresh(incoming))
}

/// Returns a name for the tokens of a record, which [`is_same`] compares.
fn token_of(record: &[u8]) -> u128 {
    match Traces::refresh_token(record) {
        Some(token) => number(&fingerprint(token.as_bytes())),
        None => number(&fingerprint(record)),
    }
}

/// Returns a fingerprint in the 16 bytes that it says.
fn number(fingerprint: &str) -> u128 {
    u128::from_str_radix(fingerprint, 16).expect("a fingerprint is 128 bits in hex")
}

/// Its key under the store's layout. Where the layout tells several sessions of an account apart
/// and the old one did not, the id follows from the old key, so that a second import finds the
/// first.
fn key_in(store: &dyn Store, incoming: &Transfer<'_>) -> RecordKey {
    let sid =
        incoming.sid.clone().unwrap_or_else(|| Cow::Owned(fingerprint(incoming.key.as_bytes())));
    RecordKey::from_text(&store.layout().session_pattern().key(&incoming.did, Some(&sid)))
}
