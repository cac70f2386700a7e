//! Reads rows by key, and whole tables page by page.

use std::path::Path;
use std::time::Instant;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use tracing::trace;
use zeroize::Zeroizing;

use super::connect::{Database, OpenMode};
use super::detect;
use crate::error::{Failure, usage};
use crate::session::Observed;
use crate::store::key_table::KeyRow;
use crate::store::layout::Table;
use crate::store::scan::ScanSender;
use crate::store::sql::quoting::quoted;
use crate::store::sql::time::Cell;
use crate::store::{RecordKey, Stored, Unreadable};

/// Records per transaction.
pub(super) const BATCH: usize = 500;

/// Reads a table page by page in the order of its keys. Each page is a transaction of its own, so
/// that the app's checkpoints are not blocked, and a rewritten key keeps its place. Keys may be
/// missing or not unique: rows with equal keys are on one page.
pub(super) fn all(database: &Database, table: &Table, sender: &ScanSender) -> Result<(), Failure> {
    let connection = database.connect(OpenMode::Read)?;
    let mut after: Option<Bound> = None;
    loop {
        let begun = Instant::now();
        let page = read_page(&connection, table, after.as_ref(), sender)
            .map_err(|e| database.explain(e))?;
        let Page { records, last, consumer_gone } = page;
        trace!("store: read {}, {} ms", records.len(), begun.elapsed().as_millis());
        if consumer_gone || sender.blocking_send(records).is_err() || last.is_none() {
            return Ok(());
        }
        after = last;
    }
}

/// Reads the kids and the JWKs of a table of keys, in the order of the kids.
pub(in crate::store) fn keys(path: &Path, table: &str) -> Result<Vec<KeyRow>, Failure> {
    let database = Database::find(path)?;
    let connection = database.connect(OpenMode::Read)?;
    let shapes = detect::tables(&connection).map_err(|e| database.explain(e))?;
    let has_column = |column: &str| {
        shapes
            .iter()
            .any(|(name, columns)| name == table && columns.iter().any(|known| known == column))
    };
    if !["kid", "jwk"].into_iter().all(has_column) {
        let problem = format!("there is no table {table} with the columns kid and jwk");
        return Err(usage(problem).at(path.display()).hint("check the name of the table"));
    }
    let read = || -> rusqlite::Result<Vec<KeyRow>> {
        let sql = format!("SELECT kid, jwk FROM {} ORDER BY kid", quoted(table));
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, Zeroizing::new(row.get(1)?))))?;
        rows.collect()
    };
    read().map_err(|e| database.explain(e))
}

/// Result of reading a page.
struct Page {
    /// Last records, if there are more than a batch.
    records: Vec<Stored>,
    /// Last key, unless this was the last page.
    last: Option<Bound>,
    consumer_gone: bool,
}

/// Reads a batch of rows, and further ones with the same key as the last.
fn read_page(
    connection: &Connection,
    table: &Table,
    after: Option<&Bound>,
    sender: &ScanSender,
) -> rusqlite::Result<Page> {
    let transaction = connection.unchecked_transaction()?;
    let (name, filter, key) = (quoted(&table.name), table.filter(), quoted(&table.key));
    // NULL compares with nothing, and sorts first.
    let above = match after {
        None => "1",
        Some(after) if after.is_null() => &format!("{key} IS NOT NULL"),
        Some(_) => &format!("{key} > ?1"),
    };
    let ends = format!(
        "SELECT {key} FROM {name} WHERE {filter} AND {above} ORDER BY {key} LIMIT 1 OFFSET {}",
        BATCH - 1
    );
    let parameters: Vec<&dyn ToSql> =
        after.iter().filter(|after| !after.is_null()).map(|after| *after as _).collect();
    let last = transaction
        .prepare_cached(&ends)?
        .query_row(&parameters[..], |row| Bound::of(row.get_ref(0)?))
        .optional()?;
    let up_to = match &last {
        None => "1",
        Some(last) if last.is_null() => &format!("{key} IS NULL"),
        Some(_) => &format!("{key} <= ?{}", parameters.len() + 1),
    };
    let sql = format!("{} WHERE {filter} AND {above} AND {up_to} ORDER BY {key}", table.select());
    let mut parameters = parameters;
    parameters.extend(last.iter().filter(|last| !last.is_null()).map(|last| last as &dyn ToSql));
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut rows = statement.query(&parameters[..])?;
    let mut records = Vec::with_capacity(BATCH);
    while let Some(row) = rows.next()? {
        if records.len() == BATCH {
            let batch = std::mem::replace(&mut records, Vec::with_capacity(BATCH));
            if sender.blocking_send(batch).is_err() {
                return Ok(Page { records: Vec::new(), last: None, consumer_gone: true });
            }
        }
        records.push(stored(row)?);
    }
    Ok(Page { records, last, consumer_gone: false })
}

/// Comparison of keys with a text.
#[derive(Clone, Copy)]
pub(super) enum KeyIs {
    /// Equal to the text.
    Text,
    /// Contains the text.
    With,
}

/// Returns the rows whose keys match a text.
pub(super) fn where_key(
    connection: &Connection,
    table: &Table,
    key_is: KeyIs,
    text: &str,
) -> rusqlite::Result<Vec<Stored>> {
    let condition = match key_is {
        KeyIs::Text => table.has_key(),
        KeyIs::With => format!("{} AND instr({}, ?1) > 0", table.filter(), quoted(&table.key)),
    };
    let sql = format!("{} WHERE {condition}", table.select());
    connection.prepare(&sql)?.query_map([text], stored)?.collect()
}

/// Converts a row of [`Table::select`].
fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let too_long = row.get::<_, Option<bool>>(3)?.unwrap_or(false);
    Ok(Stored {
        observed: Observed {
            ttl_age: None,
            column: time_cell(row.get_ref(2)?).and_then(|cell| cell.read()),
        },
        unreadable: too_long.then_some(Unreadable::TooLarge),
        ..Stored::new(RecordKey(bytes(row.get_ref(0)?)), bytes(row.get_ref(1)?).into())
    })
}

/// Key after which a page begins. Texts in SQLite need not be UTF-8, unlike those of [`Value`].
enum Bound {
    Text(Vec<u8>),
    Other(Value),
}

impl Bound {
    fn of(key: ValueRef<'_>) -> rusqlite::Result<Self> {
        Ok(match key {
            ValueRef::Text(text) => Self::Text(text.to_vec()),
            other => Self::Other(other.try_into()?),
        })
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Other(Value::Null))
    }
}

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(text))),
            Self::Other(value) => value.to_sql(),
        }
    }
}

/// Returns the bytes of a key or value of any type.
pub(super) fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Null => Vec::new(),
        ValueRef::Integer(n) => n.to_string().into_bytes(),
        ValueRef::Real(n) => n.to_string().into_bytes(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
    }
}

/// Returns the value of a time column, `None` for a type that cannot hold a time.
pub(super) fn time_cell(value: ValueRef<'_>) -> Option<Cell<&[u8]>> {
    match value {
        ValueRef::Integer(n) => Some(Cell::Integer(n)),
        ValueRef::Text(text) => Some(Cell::Text(text)),
        _ => None,
    }
}
