//! Reads all records of a database in any table, because the client keys in use do not depend on
//! the configured layout.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, InterruptHandle};
use tokio::runtime::Handle;

use super::connect::{Database, OpenMode};
use super::detect;
use super::read::{self, BATCH, bytes};
use crate::error::Failure;
use crate::session::KeyDependence;
use crate::store::layout::{Layout, Table};
use crate::store::scan::{Scan, ScanSender};
use crate::store::sql::quoting::quoted;
use crate::store::sql::shape;
use crate::store::{MAX_VALUE, RecordKey, Stored};

/// Streams the rows of all layouts that match the database, and values in other columns that look
/// like records.
pub(in crate::store) fn census(path: &Path, layouts: Vec<Arc<Layout>>) -> Result<Scan, Failure> {
    let database = Database::find(path)?;
    // Reports faults of the file at once.
    database.connect(OpenMode::Read)?;
    let (sender, scan) = Scan::channel();
    tokio::task::spawn_blocking(move || {
        let outcome = read(&database, &layouts, &sender);
        sender.blocking_end(outcome.map_err(Into::into));
    });
    Ok(scan)
}

/// Checks whether a table of one of the layouts has a row.
pub(in crate::store) fn has_records(path: &Path, layouts: &[Arc<Layout>]) -> Result<bool, Failure> {
    let database = Database::find(path)?;
    let connection = database.connect(OpenMode::Read)?;
    let any = || {
        let shapes = detect::tables(&connection)?;
        for table in shape::fitting_tables(&shapes, layouts) {
            if detect::has_rows(&connection, &table)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    any().map_err(|e| database.explain(e))
}

fn read(database: &Database, layouts: &[Arc<Layout>], sender: &ScanSender) -> Result<(), Failure> {
    let connection = database.connect(OpenMode::Read)?;
    let (consumer, interrupt) =
        (sender.clone(), InterruptOnDrop(connection.get_interrupt_handle()));
    Handle::current().spawn(async move {
        consumer.closed().await;
        drop(interrupt);
    });
    let shapes = detect::tables(&connection).map_err(|e| database.explain(e))?;
    let tables = shape::fitting_tables(&shapes, layouts);
    for table in &tables {
        read::all(database, table, sender)?;
    }
    for (name, columns) in &shapes {
        for column in columns {
            let read: Vec<&Table> = tables
                .iter()
                .map(|table| &**table)
                .filter(|table| table.name == *name && table.value == *column)
                .collect();
            let others = others_of(&connection, name, column, &read, sender);
            if others.map_err(|e| database.explain(e))? == Consumer::Gone {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Interrupts a query that sends nothing and therefore does not notice that the receiver was
/// dropped.
struct InterruptOnDrop(InterruptHandle);

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

#[derive(PartialEq, Eq)]
enum Consumer {
    There,
    Gone,
}

/// Sends values of a column that look like records, except for rows already `read` through a
/// layout.
fn others_of(
    connection: &Connection,
    name: &str,
    column: &str,
    read: &[&Table],
    sender: &ScanSender,
) -> rusqlite::Result<Consumer> {
    let filters: Vec<_> = read.iter().map(|table| format!("({})", table.filter())).collect();
    let rest = if filters.is_empty() {
        "1".to_owned()
    } else {
        format!("({}) IS NOT 1", filters.join(" OR "))
    };
    let (table, value) = (quoted(name), quoted(column));
    // A record is JSON, possibly as a string.
    let sql = format!(
        "SELECT {value} FROM {table} WHERE {rest} AND octet_length({value}) <= {MAX_VALUE} \
         AND ltrim(CAST({value} AS TEXT)) GLOB '[{{\"]*'"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let value = bytes(row.get_ref(0)?);
        if KeyDependence::of(&value) == KeyDependence::None {
            continue;
        }
        let key = RecordKey::from_text(&format!("{name}.{column}"));
        found.push(Stored::new(key, value.into()));
        if found.len() == BATCH && sender.blocking_send(std::mem::take(&mut found)).is_err() {
            return Ok(Consumer::Gone);
        }
    }
    let sent = found.is_empty() || sender.blocking_send(found).is_ok();
    Ok(if sent { Consumer::There } else { Consumer::Gone })
}
