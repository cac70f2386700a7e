//! Recovery directory: files with new tokens that could not be stored.
//!
//! An entry is applied only over the record that it supersedes, or over one with the same used
//! token, and never creates a record. It is identified by that token, independent of the store's
//! address.

mod entry;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

pub use entry::Recovered;

use super::sent::{SentTokens, is_journal};
use crate::error::{Failure, failed};
use crate::files::{self, Existing, PRIVATE};
use crate::hashes::fingerprint;
use crate::secret::Secret;
use crate::session::Traces;
use crate::store::{RecordKey, Store, StoreId, Stored};
use entry::RecoveryEntry;

/// Disk space reserved per entry. Records have 1 to 2 kB.
const ENTRY_BYTES: usize = 16 * 1024;
/// Lifetime of an entry whose record is missing. The store may get the record back from a snapshot.
const ORPHAN_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Maximum lifetime of an entry, equal to that of refresh tokens (AT Protocol OAuth profile).
const ENTRY_LIFETIME: SignedDuration = SignedDuration::from_hours(180 * 24);
/// Maximum age of a file still being written.
const UNFINISHED_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Lifetime of the journal of an interrupted run. Its sessions are due in the next runs.
const JOURNAL_LIFETIME: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Directory of pending entries.
pub struct Recovery {
    directory: PathBuf,
    /// Unnamed file that reserves space for entries. Released when the disk is full.
    reserve: Mutex<Option<File>>,
    /// Journal of tokens sent.
    pub(super) sent: SentTokens,
}

/// Numbers of entries to be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// In the current store.
    pub here: u64,
    /// In another store.
    pub elsewhere: u64,
    /// Files that are not entries, or not readable for this user.
    pub unreadable: u64,
}

/// Entry applied to this store.
pub(super) struct Applied {
    /// Key of its record.
    pub(super) key: String,
    pub(super) result: Recovered,
    /// True if it was made for a store with another address.
    is_elsewhere: bool,
}

impl Recovery {
    /// Uses this directory, without creating it.
    pub fn new(directory: PathBuf) -> Self {
        let sent = SentTokens::new(directory.clone());
        Self { directory, reserve: Mutex::default(), sent }
    }

    /// Reserves space for `entries` entries before anything is refreshed that may need one. Creates
    /// the directory, and removes obsolete files.
    pub fn prepare(self, entries: usize, now: Timestamp) -> Result<Self, Failure> {
        let occupy = || -> io::Result<File> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
            let mut file = tempfile::tempfile_in(&self.directory)?;
            // Neither sparse nor uniform, because some file systems would store nothing.
            let block: Vec<u8> =
                (0..ENTRY_BYTES).map(|i| (i * 131 + (i >> 8) * 31).to_le_bytes()[0]).collect();
            for _ in 0..entries {
                file.write_all(&block)?;
            }
            Ok(file)
        };
        let reserve = occupy().map_err(|e| {
            failed("cannot write to the recovery directory, which is needed to keep sessions if the store fails")
                .at(self.directory.display())
                .because(e)
                .hint("free disk space, or set XDG_STATE_HOME to a directory that this user can write to")
        })?;
        self.tidy(now);
        Ok(Self { reserve: Mutex::new(Some(reserve)), ..self })
    }

    /// Stores the result of a refresh.
    pub fn keep(
        &self,
        store: &StoreId,
        key: &RecordKey,
        superseded: &[u8],
        record: &[u8],
    ) -> Result<PathBuf, Failure> {
        let (path, bytes) = self.entry(store, key, superseded, record);
        let write = || files::write_file(&path, &bytes, PRIVATE, Existing::Replace);
        write().or_else(|_| {
            drop(self.reserve.lock().unwrap_or_else(PoisonError::into_inner).take());
            write()
        })?;
        Ok(path)
    }

    /// Stores the result of a refresh that the store has, too, until it is confirmed. Not synced,
    /// and outside of the reserved space.
    pub(super) fn keep_beside(
        &self,
        store: &StoreId,
        key: &RecordKey,
        superseded: &[u8],
        record: &[u8],
    ) -> Result<PathBuf, Failure> {
        let (path, bytes) = self.entry(store, key, superseded, record);
        files::write_unsynced(&path, &bytes)?;
        Ok(path)
    }

    fn entry(
        &self,
        store: &StoreId,
        key: &RecordKey,
        superseded: &[u8],
        record: &[u8],
    ) -> (PathBuf, Zeroizing<Vec<u8>>) {
        let entry = RecoveryEntry::new(store, key, superseded, record);
        let superseded = entry.supersedes_token.as_deref().unwrap_or(&entry.supersedes);
        let path = self.path_of(&entry.key, superseded);
        (path, Zeroizing::new(serde_json::to_vec(&entry).expect("an entry is JSON")))
    }

    /// Removes an entry whose record is in the store. If that fails, the next application detects
    /// it.
    pub fn discard(&self, entry: &Path) {
        let _ = fs::remove_file(entry);
    }

    /// Returns the path that a session's entry has while one is pending. A session with an entry is
    /// never refreshed.
    pub fn entry_of(&self, stored: &Stored, refresh_token: Option<&Secret<'_>>) -> PathBuf {
        let superseded =
            refresh_token.map_or_else(|| fingerprint(&stored.value), Secret::fingerprint);
        self.path_of(&stored.key.text(), &superseded)
    }

    /// Returns the paths of all entries.
    pub fn entries(&self) -> Result<Vec<PathBuf>, Failure> {
        let cannot = |e| {
            let failure = failed("cannot read the recovery directory")
                .at(self.directory.display())
                .because(e);
            failure.hint(
                "make it readable for this user: it may contain tokens that are not stored yet",
            )
        };
        let listing = match fs::read_dir(&self.directory) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(cannot)?,
        };
        let paths: Result<Vec<_>, _> =
            listing.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut paths: Vec<_> =
            paths.map_err(cannot)?.into_iter().filter(|path| is_entry(path)).collect();
        paths.sort();
        Ok(paths)
    }

    /// Counts the entries by their store. `store` is the current one, if known.
    pub fn waiting(&self, store: Option<&StoreId>) -> Result<Waiting, Failure> {
        let read = |path: &PathBuf| {
            let bytes = Zeroizing::new(fs::read(path).ok()?);
            Some(serde_json::from_slice::<RecoveryEntry>(&bytes).ok()?.store.clone())
        };
        let mut waiting = Waiting::default();
        for entry in self.entries()? {
            *match read(&entry) {
                Some(id) if store == Some(&id) => &mut waiting.here,
                Some(_) => &mut waiting.elsewhere,
                None => &mut waiting.unreadable,
            } += 1;
        }
        Ok(waiting)
    }

    /// Applies the entry if this store has the record that it supersedes, and keeps the file: see
    /// [`Self::finish`]. `None` if the record is missing and the entry belongs to another store.
    pub(super) async fn apply(
        &self,
        path: &Path,
        store: &dyn Store,
        id: &StoreId,
    ) -> anyhow::Result<Option<Applied>> {
        let bytes = fs::read(path).map_err(|e| {
            let failure = failed("cannot read the recovery entry").at(path.display()).because(e);
            failure.hint("make the file readable for this user")
        })?;
        let bytes = Zeroizing::new(bytes);
        // The parser's message may quote the contents.
        let entry: RecoveryEntry = serde_json::from_slice(&bytes)
            .map_err(|_| unreadable("is not a recovery entry", path))?;
        if Traces::read(entry.record.as_bytes()).is_none() {
            return Err(unreadable("is a recovery entry without a record", path).into());
        }
        let result = entry.apply(store).await?;
        let is_elsewhere = entry.store != *id;
        if is_elsewhere && !matches!(result, Recovered::Applied | Recovered::Present) {
            return Ok(None);
        }
        Ok(Some(Applied { key: entry.key.clone(), result, is_elsewhere }))
    }

    /// Removes an applied entry once its record is durable, or an obsolete one. One of a store with
    /// another address is kept even then, because each of two copies of a record needs it.
    pub(super) fn finish(
        &self,
        path: &Path,
        applied: &Applied,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let stays = applied.is_elsewhere
            || match applied.result {
                Recovered::Pending => true,
                Recovered::Orphaned => !is_older(path, ORPHAN_LIFETIME, now),
                Recovered::Applied | Recovered::Present | Recovered::Superseded => false,
            };
        if stays {
            return Ok(());
        }
        match fs::remove_file(path) {
            // Another run may have removed it.
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(failed("cannot remove the entry").at(path.display()).because(e).into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the record key of an entry.
    pub(super) fn key_of(path: &Path) -> Option<String> {
        let bytes = Zeroizing::new(fs::read(path).ok()?);
        serde_json::from_slice::<RecoveryEntry>(&bytes).ok().map(|entry| entry.key.clone())
    }

    /// Removes entries whose tokens have expired, and files left behind by a killed run.
    fn tidy(&self, now: Timestamp) {
        let Ok(listing) = fs::read_dir(&self.directory) else { return };
        for path in listing.flatten().map(|entry| entry.path()) {
            let lifetime = if is_entry(&path) {
                ENTRY_LIFETIME
            } else if is_journal(&path) {
                JOURNAL_LIFETIME
            } else {
                UNFINISHED_LIFETIME
            };
            if is_older(&path, lifetime, now) {
                // Another run may have removed it.
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Returns the path of an entry. It contains the fingerprint of the used token (of the record,
    /// if it has none), and not the store, which may have many addresses.
    fn path_of(&self, key: &str, superseded: &str) -> PathBuf {
        self.directory
            .join(format!("{}.json", fingerprint(format!("{superseded}\n{key}").as_bytes())))
    }
}

/// Checks whether the file was last modified longer ago than this. False if unknown.
fn is_older(path: &Path, lifetime: SignedDuration, now: Timestamp) -> bool {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified());
    let written = written.ok().and_then(|written| Timestamp::try_from(written).ok());
    written.is_some_and(|written| now.duration_since(written) > lifetime)
}

fn unreadable(what: &str, path: &Path) -> Failure {
    failed(what).at(path.display()).hint("find out what it is, or move it out of this directory")
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}
