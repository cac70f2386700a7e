//! Reads a record again. If several rows have its key, finds the right one.

use crate::session::{Session, Traces, is_provably_newer};
use crate::store::{Kind, Store, Stored};

/// Returns the current record. If several rows have its key: the unchanged row, else one with the
/// same refresh token, else the newest row of the same session, else any.
pub(super) async fn present(store: &dyn Store, read: &Stored) -> anyhow::Result<Option<Stored>> {
    let mut rows = store.records(Kind::Session, &read.key).await?;
    if rows.len() > 1 {
        rows.sort_by_cached_key(|row| std::cmp::Reverse(likeness(row, read)));
        let newer = |row: &Stored| {
            likeness(row, read) == likeness(&rows[0], read) && is_newer(row, &rows[0])
        };
        if let Some(newest) = (1..rows.len()).find(|n| newer(&rows[*n])) {
            rows.swap(0, newest);
        }
    }
    Ok(rows.into_iter().next())
}

fn likeness(row: &Stored, read: &Stored) -> u8 {
    let token = |stored: &Stored| Traces::refresh_token(&stored.value);
    if row.value == read.value {
        3
    } else if token(row).is_some() && token(row) == token(read) {
        2
    } else {
        u8::from(Traces::are_of_one_login(&row.value, &read.value))
    }
}

fn is_newer(one: &Stored, other: &Stored) -> bool {
    match (Session::read(&one.value), Session::read(&other.value)) {
        (Ok(one), Ok(other)) => is_provably_newer(&one, &other),
        _ => false,
    }
}
