//! Reading a record again: of several rows under one key, the row that was read.

use super::refresh::is_same_session;
use crate::session::{NodeSession, Record, is_provably_newer};
use crate::store::{Kind, Store, Stored};

/// The record as it is now. Where several rows share its key: the row as it was read, else a row with the same refresh
/// token, else the newest row of the same session, else any.
pub(super) async fn present(store: &dyn Store, read: &Stored) -> anyhow::Result<Option<Stored>> {
    let mut rows = store.records(Kind::Session, &read.key).await?;
    if rows.len() > 1 {
        rows.sort_by_cached_key(|row| std::cmp::Reverse(likeness(row, read)));
        let newer = |row: &Stored| likeness(row, read) == likeness(&rows[0], read) && is_newer(row, &rows[0]);
        if let Some(newest) = (1..rows.len()).find(|n| newer(&rows[*n])) {
            rows.swap(0, newest);
        }
    }
    Ok(rows.into_iter().next())
}

fn likeness(row: &Stored, read: &Stored) -> u8 {
    let token = |stored: &Stored| Some(Record::parse(&stored.value)?.refresh_token()?.to_owned());
    if row.value == read.value {
        3
    } else if token(row).is_some() && token(row) == token(read) {
        2
    } else {
        u8::from(is_same_session(&row.value, &read.value))
    }
}

fn is_newer(one: &Stored, other: &Stored) -> bool {
    match (NodeSession::parse(&one.value), NodeSession::parse(&other.value)) {
        (Ok(one), Ok(other)) => is_provably_newer(&one, &other),
        _ => false,
    }
}
