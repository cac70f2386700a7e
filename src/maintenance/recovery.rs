//! Exchanged tokens that could not be stored: kept in files until they can.
//!
//! An entry is applied only over exactly the record it supersedes, and never creates one.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Failure, failed};
use crate::files::{self, Existing, PRIVATE};
use crate::session::fingerprint;
use crate::store::{Kind, RecordKey, Store, Written};

/// The directory of pending entries.
#[derive(Clone, Debug)]
pub struct Recovery(PathBuf);

/// One exchange whose result is not in the store yet. Holds tokens.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// The store, by its address without secrets.
    store: String,
    /// The record's key.
    key: String,
    /// Fingerprint of the record that was exchanged.
    supersedes: String,
    /// The record to store.
    record: String,
}

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Its record is in the store now.
    Applied,
    /// The record it supersedes is gone or was replaced; the entry is of no use any more and was removed.
    Superseded,
    /// It could not be applied now, and stays.
    Pending,
}

impl Recovery {
    /// Entries live in this directory, which is made when the first is written.
    pub fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// Keeps the result of an exchange. `store` is the store's address without secrets.
    pub fn keep(&self, store: &str, key: &RecordKey, superseded: &[u8], record: &[u8]) -> Result<PathBuf, Failure> {
        fs::create_dir_all(&self.0)
            .map_err(|e| failed("cannot make the recovery directory").at(self.0.display()).because(e))?;
        let entry = Entry {
            store: store.to_owned(),
            key: key.text().into_owned(),
            supersedes: fingerprint(superseded),
            record: String::from_utf8_lossy(record).into_owned(),
        };
        let path = self.path_of(store, &entry.key);
        let bytes = serde_json::to_vec(&entry).expect("an entry is JSON");
        files::write_file(&path, &bytes, PRIVATE, Existing::Replace)?;
        Ok(path)
    }

    /// Whether the record has an entry that waits to be applied. Such a session is never exchanged.
    pub fn has_pending(&self, store: &str, key: &RecordKey) -> bool {
        self.path_of(store, &key.text()).exists()
    }

    /// The paths of all entries.
    pub fn entries(&self) -> Result<Vec<PathBuf>, Failure> {
        let cannot = |e| failed("cannot read the recovery directory").at(self.0.display()).because(e);
        let listing = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(cannot)?,
        };
        let paths: Result<Vec<_>, _> = listing.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut paths: Vec<_> = paths.map_err(cannot)?.into_iter().filter(|path| is_entry(path)).collect();
        paths.sort();
        Ok(paths)
    }

    /// The stores that entries wait for; none for an entry that cannot be read.
    pub fn stores(&self) -> Result<Vec<Option<String>>, Failure> {
        let read = |path: &PathBuf| Some(serde_json::from_slice::<Entry>(&fs::read(path).ok()?).ok()?.store);
        Ok(self.entries()?.iter().map(read).collect())
    }

    /// Applies the entry, if it belongs to this store. None when it belongs to another.
    pub async fn apply(
        &self,
        path: &Path,
        store: &dyn Store,
        address: &str,
    ) -> anyhow::Result<Option<(String, Recovered)>> {
        let bytes =
            fs::read(path).map_err(|e| failed("cannot read the recovery entry").at(path.display()).because(e))?;
        let entry: Entry = serde_json::from_slice(&bytes)
            .map_err(|e| failed("is not a recovery entry").at(path.display()).because(e))?;
        if entry.store != address {
            return Ok(None);
        }
        let recovered = apply(&entry, store).await?;
        if recovered != Recovered::Pending {
            fs::remove_file(path).map_err(|e| failed("cannot remove the entry").at(path.display()).because(e))?;
        }
        Ok(Some((entry.key, recovered)))
    }

    fn path_of(&self, store: &str, key: &str) -> PathBuf {
        self.0.join(format!("{}.json", fingerprint(format!("{store}\n{key}").as_bytes())))
    }
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

async fn apply(entry: &Entry, store: &dyn Store) -> anyhow::Result<Recovered> {
    let key = RecordKey::from_text(&entry.key);
    let Some(present) = store.get(Kind::Session, &key).await? else { return Ok(Recovered::Superseded) };
    if present.value == entry.record.as_bytes() {
        return Ok(Recovered::Applied);
    }
    if fingerprint(&present.value) != entry.supersedes {
        return Ok(Recovered::Superseded);
    }
    Ok(match store.replace(&key, &present.value, entry.record.as_bytes()).await? {
        Written::Done => Recovered::Applied,
        Written::Gone => Recovered::Superseded,
        // Somebody was faster; the next attempt sees what they wrote.
        Written::Changed => Recovered::Pending,
    })
}
