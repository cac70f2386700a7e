//! Transfer of sessions between stores: one line of JSON per session.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Session;

/// Line of an export. Contains tokens and keys.
#[derive(Serialize, Deserialize)]
pub struct Transfer<'a> {
    /// Account.
    #[serde(borrow)]
    pub did: Cow<'a, str>,
    /// Original key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// Session ID, if the layout has several sessions per account.
    #[serde(borrow)]
    pub sid: Option<Cow<'a, str>>,
    /// Remaining lifetime in seconds, if the store knows it.
    pub ttl: Option<u64>,
    /// Time of the last refresh, if known.
    pub last_refreshed_at: Option<Timestamp>,
    /// Original record, unknown members included.
    #[serde(borrow)]
    pub record: &'a RawValue,
}

/// Checks whether `incoming` is certainly from a later refresh than `present`: both state the time,
/// and it is later. If in doubt it is not: a replay of the older tokens would end the session.
pub fn is_provably_newer(incoming: &Session<'_>, present: &Session<'_>) -> bool {
    is_later(incoming.times(), present.times())
}

/// Checks whether the first is later in all known respects: issue and expiry of the access token.
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
