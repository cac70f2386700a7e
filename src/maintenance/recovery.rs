//! Exchanged tokens that could not be stored: kept in files until they can.
//!
//! An entry is applied only over the record it supersedes, or one that holds the same used-up
//! token, and never creates one. So it is found by that token, however the store is called this
//! time.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::sent::{SentTokens, is_journal};
use crate::error::{Failure, failed};
use crate::files::{self, Existing, PRIVATE};
use crate::session::{FORMATS, Session, Traces, fingerprint};
use crate::store::{Kind, RecordKey, Store, StoreId, Stored, Written};

/// Room on the disk for one entry. Records have 1 to 2 kB.
const ENTRY_BYTES: usize = 16 * 1024;
/// An entry whose record is gone is kept for so long: a store that lost it may get it back from a
/// snapshot.
const ORPHAN_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);
/// No entry is kept for longer: no refresh token lives longer (AT Protocol OAuth profile).
const ENTRY_LIFETIME: SignedDuration = SignedDuration::from_hours(180 * 24);
/// What is still being written is younger.
const UNFINISHED_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// How long the journal of a run that was cut off is kept: its sessions are due in the next runs.
const JOURNAL_LIFETIME: SignedDuration = SignedDuration::from_hours(60 * 24);

/// The directory of pending entries.
pub struct Recovery {
    directory: PathBuf,
    /// A nameless file that takes up the room that entries may need. Given up when the disk is
    /// full otherwise.
    reserve: Mutex<Option<File>>,
    /// Tokens whose exchange has begun.
    pub(super) sent: SentTokens,
}

/// One exchange whose result is not in the store yet. Holds tokens.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// The store of the record.
    store: StoreId,
    /// The record's key.
    key: String,
    /// Fingerprint of the record that was exchanged.
    supersedes: String,
    /// Fingerprint of its refresh token.
    supersedes_token: Option<String>,
    /// The record to store.
    record: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.record.zeroize();
    }
}

/// Entries that wait to be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// In the store at hand.
    pub here: u64,
    /// In another store.
    pub elsewhere: u64,
    /// Files that are no entries, or that this user may not read.
    pub unreadable: u64,
}

/// An entry that this store was tried for.
pub(super) struct Applied {
    /// The key of its record.
    pub(super) key: String,
    pub(super) result: Recovered,
    /// It was made for a store of another address.
    is_elsewhere: bool,
}

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Its record was written to the store.
    Applied,
    /// Its record was in the store before.
    Present,
    /// The record it supersedes was replaced; the entry is of no use any more and was removed.
    Superseded,
    /// The record it supersedes is gone. The entry stays for some days, in case the record comes
    /// back.
    Orphaned,
    /// It could not be applied now, and stays.
    Pending,
}

impl Recovery {
    /// Entries live in this directory. It is not made by looking.
    pub fn new(directory: PathBuf) -> Self {
        let sent = SentTokens::new(directory.clone());
        Self { directory, reserve: Mutex::default(), sent }
    }

    /// Makes sure that so many entries can be written, before anything is exchanged that may need
    /// one: makes the directory, and occupies the room. What nobody can use any more is
    /// removed.
    pub fn prepare(self, entries: usize, now: Timestamp) -> Result<Self, Failure> {
        let occupy = || -> io::Result<File> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
            let mut file = tempfile::tempfile_in(&self.directory)?;
            // Neither a hole nor all the same: some file systems would store nothing.
            let block: Vec<u8> =
                (0..ENTRY_BYTES).map(|i| (i * 131 + (i >> 8) * 31).to_le_bytes()[0]).collect();
            for _ in 0..entries {
                file.write_all(&block)?;
            }
            Ok(file)
        };
        let reserve = occupy().map_err(|e| {
            failed("the recovery directory cannot be written, and without it a failing store would cost sessions")
                .at(self.directory.display())
                .because(e)
                .hint("make room, or set XDG_STATE_HOME to a directory that this user may write to")
        })?;
        self.tidy(now);
        Ok(Self { reserve: Mutex::new(Some(reserve)), ..self })
    }

    /// Keeps the result of an exchange.
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

    /// Keeps the result of an exchange that the store has, too, until it is confirmed. It does not
    /// survive a power cut, and takes none of the room for those that the store has not.
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
        let entry = Entry {
            store: store.clone(),
            key: key.text().into_owned(),
            supersedes: fingerprint(superseded),
            supersedes_token: token(superseded),
            record: String::from_utf8_lossy(record).into_owned(),
        };
        let superseded = entry.supersedes_token.as_deref().unwrap_or(&entry.supersedes);
        let path = self.path_of(&entry.key, superseded);
        (path, Zeroizing::new(serde_json::to_vec(&entry).expect("an entry is JSON")))
    }

    /// Removes an entry whose record is in the store after all. One that stays is found out by the
    /// next attempt to apply it.
    pub fn discard(&self, entry: &Path) {
        let _ = fs::remove_file(entry);
    }

    /// Where the entry of a session is while one waits to be applied. Such a session is never
    /// exchanged.
    pub fn entry_of(&self, stored: &Stored, refresh_token: Option<&str>) -> PathBuf {
        let superseded = fingerprint(refresh_token.map_or(&stored.value, str::as_bytes));
        self.path_of(&stored.key.text(), &superseded)
    }

    /// Returns the paths of all entries.
    pub fn entries(&self) -> Result<Vec<PathBuf>, Failure> {
        let cannot = |e| {
            let failure = failed("cannot read the recovery directory")
                .at(self.directory.display())
                .because(e);
            failure.hint("give it back to the user that oauthctl runs as: tokens may wait in it")
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

    /// Counts the entries by the store that they wait for. `store` is ours, where it is known.
    pub fn waiting(&self, store: Option<&StoreId>) -> Result<Waiting, Failure> {
        let read = |path: &PathBuf| {
            let bytes = Zeroizing::new(fs::read(path).ok()?);
            Some(serde_json::from_slice::<Entry>(&bytes).ok()?.store.clone())
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

    /// Applies the entry, if this store has the record it supersedes, and leaves it where it is:
    /// see [`Self::finish`]. None when it has not, and the entry is another store's by its
    /// address.
    pub(super) async fn apply(
        &self,
        path: &Path,
        store: &dyn Store,
        id: &StoreId,
    ) -> anyhow::Result<Option<Applied>> {
        let bytes = fs::read(path).map_err(|e| {
            let failure = failed("cannot read the recovery entry").at(path.display()).because(e);
            failure.hint("give the file back to the user that oauthctl runs as")
        })?;
        let bytes = Zeroizing::new(bytes);
        // The parser's words may quote what is there.
        let entry: Entry = serde_json::from_slice(&bytes)
            .map_err(|_| unreadable("is not a recovery entry", path))?;
        if Traces::read(entry.record.as_bytes()).is_none() {
            return Err(unreadable("is a recovery entry without a record", path).into());
        }
        let result = apply(&entry, store).await?;
        let is_elsewhere = entry.store != *id;
        if is_elsewhere && !matches!(result, Recovered::Applied | Recovered::Present) {
            return Ok(None);
        }
        Ok(Some(Applied { key: entry.key.clone(), result, is_elsewhere }))
    }

    /// Removes an entry that was applied, once what it has brought is sure to last, and one that
    /// nobody can use any more. One of another store by its address stays even then: of two
    /// copies of a record each needs it.
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
            // Another run may have done it.
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(failed("cannot remove the entry").at(path.display()).because(e).into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the key of the record that an entry is for.
    pub(super) fn key_of(path: &Path) -> Option<String> {
        let bytes = Zeroizing::new(fs::read(path).ok()?);
        serde_json::from_slice::<Entry>(&bytes).ok().map(|entry| entry.key.clone())
    }

    /// Removes entries that have outlived their tokens, and what a run left behind that was killed
    /// while it wrote.
    fn tidy(&self, now: Timestamp) {
        let Ok(listing) = fs::read_dir(&self.directory) else { return };
        for path in listing.flatten().map(|entry| entry.path()) {
            let lifetime = match () {
                () if is_entry(&path) => ENTRY_LIFETIME,
                () if is_journal(&path) => JOURNAL_LIFETIME,
                () => UNFINISHED_LIFETIME,
            };
            if is_older(&path, lifetime, now) {
                // Another run may have done it.
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// By the fingerprint of the used-up token (of the record, where it has none), and not by the
    /// store: the same store has many addresses.
    fn path_of(&self, key: &str, superseded: &str) -> PathBuf {
        self.directory
            .join(format!("{}.json", fingerprint(format!("{superseded}\n{key}").as_bytes())))
    }
}

/// Checks whether the file was last written longer ago than this. False when nobody knows.
fn is_older(path: &Path, lifetime: SignedDuration, now: Timestamp) -> bool {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified());
    let written = written.ok().and_then(|written| Timestamp::try_from(written).ok());
    written.is_some_and(|written| now.duration_since(written) > lifetime)
}

fn unreadable(what: &str, path: &Path) -> Failure {
    failed(what)
        .at(path.display())
        .hint("whoever put it there may know what it is; elsewhere it is in nobody's way")
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

async fn apply(entry: &Entry, store: &dyn Store) -> anyhow::Result<Recovered> {
    let key = RecordKey::from_text(&entry.key);
    let mut rows = store.records(Kind::Session, &key).await?;
    if rows.iter().any(|row| row.value == entry.record.as_bytes()) {
        return Ok(Recovered::Present);
    }
    // Where several rows share the key, the one that the entry supersedes.
    rows.sort_by_key(|row| {
        (fingerprint(&row.value) != entry.supersedes, token(&row.value) != entry.supersedes_token)
    });
    let Some(present) = rows.into_iter().next() else { return Ok(Recovered::Orphaned) };
    let new = if fingerprint(&present.value) == entry.supersedes {
        Zeroizing::new(entry.record.clone().into_bytes())
    } else if entry.supersedes_token.is_some() && token(&present.value) == entry.supersedes_token {
        // Somebody touched the record but not its tokens, and those are used up.
        let renewed = entry.record.as_bytes();
        let format = Session::read(renewed).map_or(FORMATS[0], |session| session.format);
        let Ok(adopted) = format.adopt(&present.value, renewed) else {
            return Ok(Recovered::Superseded);
        };
        adopted
    } else {
        return Ok(Recovered::Superseded);
    };
    Ok(match store.replace(&present, &new).await? {
        Written::Done | Written::Unconfirmed => Recovered::Applied,
        Written::Gone => Recovered::Orphaned,
        // Somebody was faster; the next attempt sees what they wrote.
        Written::Changed => Recovered::Pending,
    })
}

fn token(record: &[u8]) -> Option<String> {
    Traces::refresh_token(record).map(|token| fingerprint(token.as_bytes()))
}

#[cfg(test)]
mod properties {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{damage, text};

    proptest! {
        #[test]
        fn an_entry_is_read_as_it_was_written_or_not_at_all(
            store in text(), key in text(), supersedes in "[0-9a-f]{32}", token in option::of("[0-9a-f]{32}"), record in text(),
            damage in damage(3),
        ) {
            let entry = Entry { store: store.into(), key, supersedes, supersedes_token: token, record };
            let written = serde_json::to_vec(&entry).unwrap();
            let read: Entry = serde_json::from_slice(&written).unwrap();
            prop_assert_eq!((&read.store, &read.key, &read.record), (&entry.store, &entry.key, &entry.record));
            prop_assert_eq!(&read.supersedes, &entry.supersedes);
            prop_assert_eq!(&read.supersedes_token, &entry.supersedes_token);
            // Half of one is none.
            prop_assert!(serde_json::from_slice::<Entry>(&written[..written.len() - 1]).is_err());
            let damaged = damage.to(std::str::from_utf8(&written).unwrap());
            if let Ok(read) = serde_json::from_str::<Entry>(&damaged) {
                prop_assert!(serde_json::to_vec(&read).is_ok());
            }
        }
    }
}
