//! Remembers when oauthctl first saw a key in a published set, because nothing else tells how long
//! it has been there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::context::Context;
use crate::error::{Failure, failed};
use crate::files::{self, Existing, PUBLIC};
use crate::jose::Kid;
use crate::session::ClientId;

/// Time at which a key of a client was first seen, among all such times.
pub(super) struct FirstSeen {
    path: PathBuf,
    entry: String,
    all: BTreeMap<String, Timestamp>,
}

impl FirstSeen {
    /// Reads the times. An unreadable file counts as empty.
    pub(super) fn load(
        context: &Context,
        client_id: &ClientId<'_>,
        kid: &Kid,
    ) -> Result<Self, Failure> {
        let path = context.state_directory()?.join("published.json");
        let all = std::fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        Ok(Self { path, entry: format!("{client_id} {kid}"), all })
    }

    /// Returns the time. If the key was not seen before, records and returns `now`.
    pub(super) fn or_now(mut self, now: Timestamp) -> Result<Timestamp, Failure> {
        if let Some(at) = self.all.get(&self.entry) {
            return Ok(*at);
        }
        self.all.insert(self.entry.clone(), now);
        self.save()?;
        Ok(now)
    }

    /// Removes the time of a key that is not published.
    pub(super) fn forget(mut self) -> Result<(), Failure> {
        if self.all.remove(&self.entry).is_some() { self.save() } else { Ok(()) }
    }

    fn save(&self) -> Result<(), Failure> {
        let directory = files::directory_of(&self.path);
        std::fs::create_dir_all(directory).map_err(|e| {
            failed("cannot make the state directory").at(directory.display()).because(e)
        })?;
        let text = serde_json::to_vec(&self.all).expect("times by name are JSON");
        files::write_file(&self.path, &text, PUBLIC, Existing::Replace)
    }
}
