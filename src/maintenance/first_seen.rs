//! Notes when sessions of unknown age were first seen with their current refresh token, so that
//! keep-alive includes them in time.

use std::cell::RefCell;

use jiff::Timestamp;

use crate::session::{Note, Summary};
use crate::store::Store;

/// Notes to be written.
#[derive(Default)]
pub struct FirstSeen(RefCell<Vec<(String, Vec<u8>)>>);

impl FirstSeen {
    /// Records a session. No note is needed for one of known age or one seen before.
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
