//! A session on its way from one store to another: one line of JSON.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Session;

/// A line of an export. Holds tokens and keys.
#[derive(Serialize, Deserialize)]
pub struct Transfer<'a> {
    /// The account.
    #[serde(borrow)]
    pub did: Cow<'a, str>,
    /// The key it had.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// Which of several sessions of the account, where the layout has several.
    #[serde(borrow)]
    pub sid: Option<Cow<'a, str>>,
    /// How much longer it will live, in seconds, where the store knows.
    pub ttl: Option<u64>,
    /// When it was last refreshed, where that is known.
    pub last_refreshed_at: Option<Timestamp>,
    /// The record as it was, unknown members included.
    #[serde(borrow)]
    pub record: &'a RawValue,
}

/// Checks whether `incoming` is certainly from a later exchange than `present`: both say when, and
/// it is later. What cannot be told apart is not newer: the older tokens of the two would be
/// replayed, and that destroys the session.
pub fn is_provably_newer(incoming: &Session<'_>, present: &Session<'_>) -> bool {
    is_later(incoming.times(), present.times())
}

/// Checks whether all that is known of both says that the first is later: when access tokens were
/// issued, and when they expire.
pub(super) fn is_later(
    one: (Option<Timestamp>, Option<Timestamp>),
    other: (Option<Timestamp>, Option<Timestamp>),
) -> bool {
    let issued = one.0.zip(other.0).map(|(a, b)| a.cmp(&b));
    let expires = one.1.zip(other.1).map(|(a, b)| a.cmp(&b));
    match (issued, expires) {
        (None, None) => false,
        (issued, expires) => issued.into_iter().chain(expires).all(std::cmp::Ordering::is_gt),
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::RECORD;
    use super::*;

    #[test]
    fn a_record_is_newer_only_if_all_evidence_says_so() {
        let later =
            RECORD.replace("T09:02", "T10:02").replace("eyJpYXQiOjEwMDB9", "eyJpYXQiOjEwMDF9");
        let contradictory = RECORD.replace("T09:02", "T10:02");
        let silent = RECORD
            .replace(r#","expires_at":"2026-11-23T09:02:00.978Z""#, "")
            .replace("a.eyJpYXQiOjEwMDB9.c", "x");
        let parse = |record| Session::read(str::as_bytes(record)).unwrap();
        assert!(is_provably_newer(&parse(&later), &parse(RECORD)));
        for not_newer in [RECORD, &contradictory, &silent] {
            assert!(!is_provably_newer(&parse(not_newer), &parse(RECORD)));
        }
    }
}
