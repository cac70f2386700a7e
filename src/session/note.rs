//! What oauthctl remembers of a session beside the app's record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::fingerprint;

/// A note on one record. Tokens appear in it only as fingerprints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// The refresh token that oauthctl stored last.
    pub wrote: Option<String>,
    /// When it did.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    pub wrote_at: Option<Timestamp>,
    /// The refresh token to which the server has said `invalid_grant`.
    pub refused: Option<String>,
}

impl Note {
    /// The note that says that there are notes at all.
    pub const MARKER: &'static str = "any";

    /// The name under which the note on a record is kept.
    pub fn name(key: &str) -> String {
        format!("session:{}", fingerprint(key.as_bytes()))
    }

    /// Reads a note; one that cannot be read is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The note as it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a note is JSON")
    }

    /// Whether the server has refused exactly this refresh token.
    pub fn says_refused(&self, refresh_token: &str) -> bool {
        self.refused.as_deref() == Some(fingerprint(refresh_token.as_bytes()).as_str())
    }

    /// When oauthctl stored exactly this refresh token.
    pub fn wrote_at(&self, refresh_token: &str) -> Option<Timestamp> {
        let ours = self.wrote.as_deref() == Some(fingerprint(refresh_token.as_bytes()).as_str());
        self.wrote_at.filter(|_| ours)
    }
}
