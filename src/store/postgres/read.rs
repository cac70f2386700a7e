//! Reads rows by key, and whole tables.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use tracing::debug;
use zeroize::Zeroizing;

use super::address::PostgresAddress;
use super::detect::Tables;
use super::error::PostgresError;
use super::relation::{Holds, Rows};
use super::server::{self, Server};
use crate::error::Failure;
use crate::session::{Age, Observed};
use crate::store::key_table::KeyRow;
use crate::store::scan::ScanSender;
use crate::store::seen::Seen;
use crate::store::sql::time::Cell;
use crate::store::{Access, MAX_VALUE, RecordKey, RecordValue, Stored, Unreadable, Want};

/// Records per query, if one query does not return all.
const PAGE: usize = 1000;

/// Records sent together.
const BATCH: usize = 250;

/// Time for which a query may wait for the receiver of its records.
const PATIENCE: Duration = Duration::from_secs(5);

/// Parameters of a read, apart from the rows.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) want: Want,
    /// TTL set by the app.
    pub(super) lifetime: Option<Age>,
    pub(super) now: Timestamp,
}

/// Reads a table. One query without an order is about three times as fast as the order of the
/// keys. If it ends early, pages return the missing rows. A large table is read in slices, because
/// until then the keys of one query have to be remembered.
pub(super) async fn all(
    server: &Server,
    rows: &Rows,
    view: View,
    sender: &ScanSender,
) -> Result<(), PostgresError> {
    // Otherwise rows that were sent could not be recognised.
    if !rows.has_unique_keys {
        return in_pages(server, rows, view, sender, (0, Seen::new())).await;
    }
    for slice in 0..rows.slices() {
        let mut seen = Seen::new();
        match in_one_go(server, rows, view, sender, (slice, &mut seen)).await {
            Ok(true) => continue,
            Ok(false) => debug!("records are received too slowly for one query"),
            Err(error) => debug!("the query for all rows failed: {error}"),
        }
        return in_pages(server, rows, view, sender, (slice, seen)).await;
    }
    Ok(())
}

/// Reads a slice of a table with one query, as it is at the start. Returns false if the records are
/// received too slowly, because an open query blocks the server's clean-up.
async fn in_one_go(
    server: &Server,
    rows: &Rows,
    view: View,
    sender: &ScanSender,
    (slice, seen): (i32, &mut Seen),
) -> Result<bool, PostgresError> {
    let client = server.client().await?;
    let sql = rows.select_slice(view.want.values, slice);
    let none: [(&str, Type); 0] = [];
    let found = server::in_time(client.query_typed_raw(&sql, none)).await?;
    let mut found = pin!(found.try_ready_chunks(BATCH));
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let next = server::in_time(async { found.try_next().await.map_err(|e| e.1) }).await?;
        let is_last = next.is_none();
        for row in next.iter().flatten() {
            batch.push(stored(rows, row, view)?);
        }
        if batch.len() >= BATCH || is_last {
            for record in &batch {
                seen.insert(&record.key);
            }
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            let mut sending = pin!(sender.send(full));
            match timeout(PATIENCE, sending.as_mut()).await {
                Ok(Ok(())) if is_last => break,
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(true),
                Err(_) => {
                    // Closing the connection ends the query.
                    drop(client);
                    let _ = sending.await;
                    return Ok(is_last);
                }
            }
        }
    }
    server.keep(client);
    Ok(true)
}

/// Reads the rows that were not seen, of this slice and the following ones, page by page in the
/// order of their keys. Each page is a query of its own, so that the server's clean-up is not
/// blocked, and a rewritten row keeps its place.
async fn in_pages(
    server: &Server,
    rows: &Rows,
    view: View,
    sender: &ScanSender,
    (slice, mut seen): (i32, Seen),
) -> Result<(), PostgresError> {
    let mut after: Option<String> = None;
    loop {
        // Rows with equal keys are on one page.
        let end = if rows.has_unique_keys {
            None
        } else {
            last_key(server, rows, after.as_deref()).await?
        };
        let sql = rows.select_page(view.want.values, after.is_none(), end.is_some(), PAGE);
        let bounds: Vec<(&(dyn ToSql + Sync), Type)> =
            after.iter().chain(&end).map(|key| (key as &(dyn ToSql + Sync), Type::TEXT)).collect();
        let page = server.query(&sql, &bounds).await?;
        let is_last = page.len() < PAGE && end.is_none();
        after = match (end, page.last()) {
            (Some(end), _) => Some(end),
            (None, Some(last)) => Some(last.try_get(0)?),
            (None, None) => return Ok(()),
        };
        let mut records = Vec::with_capacity(page.len());
        for row in &page {
            let of_slice: i32 = row.try_get(5)?;
            let record = stored(rows, row, view)?;
            let is_new = !rows.has_unique_keys
                || of_slice > slice
                || (of_slice == slice && seen.insert(&record.key));
            if is_new {
                records.push(record);
            }
        }
        if sender.send(records).await.is_err() || is_last {
            return Ok(());
        }
    }
}

/// Returns the last key of a page, unless it is the last page.
async fn last_key(
    server: &Server,
    rows: &Rows,
    after: Option<&str>,
) -> Result<Option<String>, PostgresError> {
    let sql = rows.select_end(after.is_none(), PAGE);
    let bounds: Vec<(&(dyn ToSql + Sync), Type)> =
        after.iter().map(|key| (key as &(dyn ToSql + Sync), Type::TEXT)).collect();
    Ok(server.query(&sql, &bounds).await?.first().map(|row| row.try_get(0)).transpose()?)
}

/// Converts a row of [`Rows`] to a record.
pub(super) fn stored(rows: &Rows, row: &Row, view: View) -> Result<Stored, PostgresError> {
    let bytes = match rows.holds {
        Holds::Bytes => row.try_get::<_, Option<&[u8]>>(1)?,
        _ => row.try_get::<_, Option<&str>>(1)?.map(str::as_bytes),
    };
    let is_long = row.try_get::<_, Option<bool>>(4)?.unwrap_or(false)
        || bytes.is_some_and(|b| b.len() as u64 > MAX_VALUE);
    let bytes = bytes.filter(|_| !is_long).unwrap_or_default();
    let time = |at: usize, is_end: bool| -> Result<Option<Timestamp>, PostgresError> {
        let cell = if rows.is_text(is_end) {
            row.try_get::<_, Option<&str>>(at)?.map(|text| Cell::Text(text.as_bytes()))
        } else {
            row.try_get::<_, Option<i64>>(at)?.map(Cell::Integer)
        };
        Ok(rows.time(cell, is_end))
    };
    let ttl = time(3, true)?
        .map(|end| Duration::try_from(end.duration_since(view.now)).unwrap_or_default());
    let age = |ttl: Duration| {
        let lifetime = Duration::try_from(view.lifetime?.duration()).ok()?;
        lifetime.checked_sub(ttl)
    };
    let (value, raw) = unwrapped(bytes);
    Ok(Stored {
        value,
        raw,
        observed: Observed {
            ttl_age: ttl.and_then(age).and_then(|age| age.try_into().ok()),
            column: time(2, false)?,
        },
        ttl,
        unreadable: is_long.then_some(Unreadable::TooLarge),
        ..Stored::new(RecordKey::from_text(row.try_get(0)?), RecordValue::default())
    })
}

/// Returns the record in a value. Some apps write JSON text into a JSON column, which then contains
/// a string.
fn unwrapped(bytes: &[u8]) -> (RecordValue, Option<RecordValue>) {
    if bytes.first() == Some(&b'"')
        && let Ok(inner) = serde_json::from_slice::<String>(bytes)
        && inner.starts_with('{')
    {
        return (inner.into_bytes().into(), Some(bytes.to_vec().into()));
    }
    (bytes.to_vec().into(), None)
}

/// Returns a record in the wrapping with which it was read.
pub(super) fn wrapped(read: &Stored, new: &[u8]) -> Vec<u8> {
    match &read.raw {
        Some(_) => serde_json::to_vec(&String::from_utf8_lossy(new)).unwrap_or_default(),
        None => new.to_vec(),
    }
}

/// Reads the kids and the JWKs of a table of keys, in the order of the kids.
pub(in crate::store) async fn keys(
    address: &PostgresAddress,
    access: &Access,
    table: &str,
) -> Result<Vec<KeyRow>, Failure> {
    let server = Server::new(address, access)?;
    let explain = |error| server.explain(error);
    server.query_once("SELECT 1", &[]).await.map_err(explain)?;
    let tables = Tables::read(&server, address).await.map_err(explain)?;
    let place = tables.place_with(table, &["kid", "jwk"]).map_err(|e| e.at(address))?;
    let sql = format!("SELECT kid::text, jwk::text FROM {place} ORDER BY kid");
    let rows = server.query(&sql, &[]).await.map_err(explain)?;
    let row = |row: &Row| Ok((row.try_get(0)?, Zeroizing::new(row.try_get(1)?)));
    rows.iter().map(row).collect::<Result<_, _>>().map_err(explain)
}

/// Scans in a background task.
pub(super) fn spawn(server: Arc<Server>, rows: Option<Arc<Rows>>, view: View, sender: ScanSender) {
    tokio::spawn(async move {
        let Some(rows) = rows else { return sender.end(Ok(())).await };
        let outcome = tokio::select! {
            outcome = all(&server, &rows, view, &sender) => outcome,
            () = sender.closed() => return,
        };
        sender.end(outcome.map_err(|error| server.explain(error).into())).await;
    });
}
