//! Sessions whose age nothing tells: notes when each was first seen with its refresh token, so that
//! keep-alive takes it in time.

use std::cell::RefCell;

use jiff::Timestamp;

use crate::session::{Note, Summary};
use crate::store::Store;

/// Notes that are still to be written.
#[derive(Default)]
pub struct FirstSeen(RefCell<Vec<(String, Vec<u8>)>>);

impl FirstSeen {
    /// Takes in a session that was read. One whose age is known, or that was seen before, needs no
    /// note.
    pub fn see(&self, session: &Summary<'_>, note: Option<&Note>, now: Timestamp) {
        if session.last_refreshed_at.is_some()
            || session.unchanged_since.is_some()
            || session.status.is_unreadable()
        {
            return;
        }
        let Some(token) = &session.refresh_token else { return };
        let note = note.cloned().unwrap_or_default().first_seen(token, now);
        self.0.borrow_mut().push((Note::name(&session.key), note.to_bytes()));
    }

    /// Writes the notes.
    pub async fn write(&self, store: &dyn Store) -> anyhow::Result<()> {
        let mut notes = self.0.take();
        if notes.is_empty() {
            return Ok(());
        }
        notes.push((Note::MARKER.to_owned(), b"1".to_vec()));
        store.write_notes(&notes, Note::LIFETIME).await
    }
}
