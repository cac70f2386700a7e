//! Reads rows by key, and whole tables page by page.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use zeroize::Zeroizing;

use super::address::PostgresAddress;
use super::detect::Tables;
use super::error::Trouble;
use super::relation::{Holds, Rows};
use super::server::Server;
use crate::error::Failure;
use crate::session::{Age, Observed};
use crate::store::key_table::KeyRow;
use crate::store::scan::ScanSender;
use crate::store::sql::time::Cell;
use crate::store::{Access, MAX_VALUE, RecordKey, RecordValue, Stored, Unreadable, Want};

/// Records per query.
const PAGE: usize = 1000;

/// Parameters of a read, apart from the rows.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) want: Want,
    /// TTL set by the app.
    pub(super) lifetime: Option<Age>,
    pub(super) now: Timestamp,
}

/// Reads a table page by page in the order of its keys. Each page is a query of its own, so that
/// the server's clean-up is not blocked during waits, and a rewritten row keeps its place.
pub(super) async fn all(
    server: &Server,
    rows: &Rows,
    view: View,
    sender: &ScanSender,
) -> Result<(), Trouble> {
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
        let records =
            page.iter().map(|row| stored(rows, row, view)).collect::<Result<Vec<_>, _>>()?;
        after = match (end, records.last()) {
            (Some(end), _) => Some(end),
            (None, Some(last)) => Some(last.key.text().into_owned()),
            (None, None) => return Ok(()),
        };
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
) -> Result<Option<String>, Trouble> {
    let sql = rows.select_end(after.is_none(), PAGE);
    let bounds: Vec<(&(dyn ToSql + Sync), Type)> =
        after.iter().map(|key| (key as &(dyn ToSql + Sync), Type::TEXT)).collect();
    Ok(server.query(&sql, &bounds).await?.first().map(|row| row.try_get(0)).transpose()?)
}

/// Converts a row of [`Rows`] to a record.
pub(super) fn stored(rows: &Rows, row: &Row, view: View) -> Result<Stored, Trouble> {
    let bytes = match rows.holds {
        Holds::Bytes => row.try_get::<_, Option<&[u8]>>(1)?,
        _ => row.try_get::<_, Option<&str>>(1)?.map(str::as_bytes),
    };
    let is_long = row.try_get::<_, Option<bool>>(4)?.unwrap_or(false)
        || bytes.is_some_and(|b| b.len() as u64 > MAX_VALUE);
    let bytes = bytes.filter(|_| !is_long).unwrap_or_default();
    let time = |at: usize, is_end: bool| -> Result<Option<Timestamp>, Trouble> {
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
    let explain = |trouble| server.explain(trouble);
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
        sender.end(outcome.map_err(|trouble| server.explain(trouble).into())).await;
    });
}
