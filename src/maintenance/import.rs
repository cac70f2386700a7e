//! Bringing exported sessions into a store, without logging anyone out and without bringing back old tokens.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::session::{Age, NodeSession, Transfer, is_provably_newer};
use crate::store::{Kind, RecordKey, Store, Written};

/// A session whose time would have run out by the new layout's reckoning gets this long, so that nobody is logged out
/// by the move itself.
const SHORTEST_TTL: Duration = Duration::from_hours(24);

/// How to treat what is there already.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    /// Put a provably newer record in the place of an older one.
    pub replace: bool,
    /// Only say what would happen.
    pub dry_run: bool,
    /// The current time.
    pub now: Timestamp,
}

/// What became of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportEvent {
    /// It was not there, and is now.
    Created,
    /// It was there already, the same.
    Unchanged,
    /// Another was there and stays, as asked.
    Kept,
    /// An older one was there and was replaced.
    Replaced,
    /// Another was there that is not provably older: it stays, although replacing was asked for.
    NotNewer,
    /// Not a session.
    Malformed,
}

/// Counts of each.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ImportReport {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// [`ImportEvent::Created`]
    pub created: u64,
    /// [`ImportEvent::Replaced`]
    pub replaced: u64,
    /// [`ImportEvent::Unchanged`]
    pub unchanged: u64,
    /// [`ImportEvent::Kept`]
    pub kept: u64,
    /// [`ImportEvent::NotNewer`]
    pub not_newer: u64,
    /// [`ImportEvent::Malformed`]
    pub malformed: u64,
}

impl ImportReport {
    /// Counts one.
    pub fn count(&mut self, event: ImportEvent) {
        *match event {
            ImportEvent::Created => &mut self.created,
            ImportEvent::Unchanged => &mut self.unchanged,
            ImportEvent::Kept => &mut self.kept,
            ImportEvent::Replaced => &mut self.replaced,
            ImportEvent::NotNewer => &mut self.not_newer,
            ImportEvent::Malformed => &mut self.malformed,
        } += 1;
    }
}

impl Import {
    /// Brings one line of an export in.
    pub async fn one(&self, store: &dyn Store, line: &str) -> anyhow::Result<ImportEvent> {
        let Ok(incoming) = serde_json::from_str::<Transfer<'_>>(line) else { return Ok(ImportEvent::Malformed) };
        let value = incoming.record.get().as_bytes();
        let session = match NodeSession::parse(value) {
            Ok(session) if session.sub == incoming.did => session,
            _ => return Ok(ImportEvent::Malformed),
        };
        let key = key_in(store, &incoming);
        if !self.dry_run && store.create(Kind::Session, &key, value, self.ttl(store, &incoming)).await? {
            return Ok(ImportEvent::Created);
        }
        let Some(present) = store.get(Kind::Session, &key).await? else {
            // A dry run has not tried to create it; otherwise it went between two commands, and is left gone.
            return Ok(if self.dry_run { ImportEvent::Created } else { ImportEvent::Kept });
        };
        if present.value == value {
            return Ok(ImportEvent::Unchanged);
        }
        if !self.replace {
            return Ok(ImportEvent::Kept);
        }
        match NodeSession::parse(&present.value) {
            Ok(older) if is_provably_newer(&session, &older) => {}
            _ => return Ok(ImportEvent::NotNewer),
        }
        if self.dry_run {
            return Ok(ImportEvent::Replaced);
        }
        match store.replace(&key, &present.value, value).await? {
            // The export is there still, should another server take over without it.
            Written::Done | Written::Unconfirmed => Ok(ImportEvent::Replaced),
            // The app refreshed it, or signed the user out, while we looked.
            Written::Changed | Written::Gone => Ok(ImportEvent::NotNewer),
        }
    }

    /// The time it still had, or, from a store that keeps no time, the new layout's own less the age that is known.
    fn ttl(&self, store: &dyn Store, incoming: &Transfer<'_>) -> Option<Duration> {
        if let Some(seconds) = incoming.ttl {
            return Some(Duration::from_secs(seconds.max(1)));
        }
        let whole = Duration::try_from(store.layout().session_ttl().map(Age::duration)?).ok()?;
        let age = incoming.last_refreshed_at.map(|at| self.now.duration_since(at));
        let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
        Some(whole.saturating_sub(age).max(SHORTEST_TTL.min(whole)))
    }
}

/// Its key under the store's layout. Where the layout tells several sessions of an account apart and the old one did
/// not, the id follows from the old key, so that a second import finds the first.
fn key_in(store: &dyn Store, incoming: &Transfer<'_>) -> RecordKey {
    let derived = || {
        let digest = Sha256::digest(incoming.key.as_bytes());
        Cow::Owned(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    let sid = incoming.sid.clone().unwrap_or_else(derived);
    RecordKey::from_text(&store.layout().session_pattern().key(&incoming.did, Some(&sid)))
}
