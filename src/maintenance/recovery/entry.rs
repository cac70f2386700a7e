//! Entry of the recovery directory: a record with new tokens, and the record that it supersedes.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::hashes::fingerprint;
use crate::session::{FORMATS, Session, Traces};
use crate::store::{Kind, RecordKey, Store, StoreId, Written};

/// Result of a refresh that is not yet in the store. Contains tokens.
#[derive(Serialize, Deserialize)]
pub(super) struct RecoveryEntry {
    /// Store of the record.
    pub(super) store: StoreId,
    /// Key of the record.
    pub(super) key: String,
    /// Fingerprint of the record before the refresh.
    pub(super) supersedes: String,
    /// Fingerprint of its refresh token.
    pub(super) supersedes_token: Option<String>,
    /// Record to store.
    pub(super) record: String,
}

/// Result for one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// The record was written to the store.
    Applied,
    /// The record was already in the store.
    Present,
    /// The record that it supersedes was replaced, so it is obsolete and was removed.
    Superseded,
    /// The record that it supersedes is missing. The entry is kept for some days, in case the
    /// record returns.
    Orphaned,
    /// The entry could not be applied now, and is kept.
    Pending,
}

impl RecoveryEntry {
    /// Creates the entry of a record that a refresh has changed.
    pub(super) fn new(store: &StoreId, key: &RecordKey, superseded: &[u8], record: &[u8]) -> Self {
        Self {
            store: store.clone(),
            key: key.text().into_owned(),
            supersedes: fingerprint(superseded),
            supersedes_token: token(superseded),
            record: String::from_utf8_lossy(record).into_owned(),
        }
    }

    /// Applies the entry if the store has the record that it supersedes.
    pub(super) async fn apply(&self, store: &dyn Store) -> anyhow::Result<Recovered> {
        let key = RecordKey::from_text(&self.key);
        let mut rows = store.records(Kind::Session, &key).await?;
        if rows.iter().any(|row| row.value == self.record.as_bytes()) {
            return Ok(Recovered::Present);
        }
        // Of several rows with this key, the one that the entry supersedes comes first.
        rows.sort_by_key(|row| {
            (fingerprint(&row.value) != self.supersedes, token(&row.value) != self.supersedes_token)
        });
        let Some(present) = rows.into_iter().next() else { return Ok(Recovered::Orphaned) };
        let new = if fingerprint(&present.value) == self.supersedes {
            Zeroizing::new(self.record.clone().into_bytes())
        } else if self.supersedes_token.is_some() && token(&present.value) == self.supersedes_token
        {
            // The record was changed, but not its tokens, and those are used up.
            let renewed = self.record.as_bytes();
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
            // The record was changed concurrently. The next attempt reads it again.
            Written::Changed => Recovered::Pending,
        })
    }
}

impl Drop for RecoveryEntry {
    fn drop(&mut self) {
        self.record.zeroize();
    }
}

fn token(record: &[u8]) -> Option<String> {
    Traces::refresh_token(record).map(|token| token.fingerprint())
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
            let entry = RecoveryEntry { store: store.into(), key, supersedes, supersedes_token: token, record };
            let written = serde_json::to_vec(&entry).unwrap();
            let read: RecoveryEntry = serde_json::from_slice(&written).unwrap();
            prop_assert_eq!((&read.store, &read.key, &read.record), (&entry.store, &entry.key, &entry.record));
            prop_assert_eq!(&read.supersedes, &entry.supersedes);
            prop_assert_eq!(&read.supersedes_token, &entry.supersedes_token);
            // A truncated entry is invalid.
            prop_assert!(serde_json::from_slice::<RecoveryEntry>(&written[..written.len() - 1]).is_err());
            let damaged = damage.to(std::str::from_utf8(&written).unwrap());
            if let Ok(read) = serde_json::from_str::<RecoveryEntry>(&damaged) {
                prop_assert!(serde_json::to_vec(&read).is_ok());
            }
        }
    }
}
