//! Sessions in an SQLite database, read in short transactions beside the running app.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row};
use tokio::sync::mpsc;

use super::layout::{Layout, LayoutChoice, SQL_LAYOUTS, Table};
use super::{Kind, RecordKey, Scan, ScanMessage, Store, Stored};
use crate::error::{Failure, failed, usage};
use crate::session::{Did, Observed};

/// How long to wait while the app writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Records read in one transaction.
const BATCH: usize = 500;

/// Batches read ahead of the consumer.
const BATCHES_AHEAD: usize = 4;

/// An SQLite database of an app.
pub struct SqliteStore {
    path: PathBuf,
    layout: &'static Layout,
}

impl SqliteStore {
    /// Opens the database, creating nothing, and settles the layout.
    pub fn open(path: &Path, choice: &LayoutChoice) -> Result<Self, Failure> {
        let connection = connect(path)?;
        let tables = tables(&connection).map_err(|e| explain(e, path))?;
        let layout = match choice {
            LayoutChoice::Named(layout) if fits(layout, &tables) => *layout,
            LayoutChoice::Named(layout) => return Err(unfit(path, &tables, Some(layout))),
            LayoutChoice::Auto => {
                SQL_LAYOUTS.iter().find(|layout| fits(layout, &tables)).ok_or_else(|| unfit(path, &tables, None))?
            }
        };
        Ok(Self { path: path.to_owned(), layout })
    }

    fn table(&self, kind: Kind) -> &'static Table {
        match kind {
            Kind::Session => &self.layout.sessions,
            Kind::State => &self.layout.states,
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn layout(&self) -> &Layout {
        self.layout
    }

    fn scan(&self, kind: Kind) -> Scan {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        let (path, table) = (self.path.clone(), self.table(kind));
        tokio::task::spawn_blocking(move || {
            let end = match read_all(&path, table, &sender) {
                Ok(()) => ScanMessage::End,
                Err(error) => ScanMessage::Failed(error.into()),
            };
            // A consumer that went away has seen enough.
            let _ = sender.blocking_send(end);
        });
        Scan(receiver)
    }

    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>> {
        let table = self.table(Kind::Session);
        let connection = connect(&self.path)?;
        let sql = format!(
            "SELECT {0}, {1} FROM {2} WHERE {0} = ?1",
            quoted(table.key),
            quoted(table.value),
            quoted(table.name)
        );
        let found = connection.query_row(&sql, [did.as_str()], |row| stored(row).map(|(stored, _)| stored)).optional();
        Ok(found.map_err(|e| explain(e, &self.path))?.into_iter().collect())
    }
}

/// Reads a table page by page in the order of its keys: each page is a transaction of its own, so that the app's
/// checkpoints are not held up, and a key that is rewritten meanwhile keeps its place.
fn read_all(path: &Path, table: &Table, sender: &mpsc::Sender<ScanMessage>) -> Result<(), Failure> {
    let connection = connect(path)?;
    let columns = format!("SELECT {}, {} FROM {}", quoted(table.key), quoted(table.value), quoted(table.name));
    let key = quoted(table.key);
    let order = format!("ORDER BY {key} LIMIT {BATCH}");
    // SQLite's primary keys may be NULL, and NULL compares with nothing: such a row comes with the first page only.
    let first_page = format!("{columns} {order}");
    let next_page = format!("{columns} WHERE {key} > ?1 {order}");
    let mut last: Option<Value> = None;
    loop {
        let page = || -> rusqlite::Result<(Vec<Stored>, Option<Value>)> {
            let mut statement = connection.prepare_cached(if last.is_some() { &next_page } else { &first_page })?;
            let mut rows = match &last {
                Some(last) => statement.query([last])?,
                None => statement.query([])?,
            };
            let (mut records, mut last) = (Vec::with_capacity(BATCH), None);
            while let Some(row) = rows.next()? {
                let (record, key) = stored(row)?;
                records.push(record);
                last = Some(key);
            }
            Ok((records, last))
        };
        let (records, end) = page().map_err(|e| explain(e, path))?;
        let complete = records.len() < BATCH;
        if sender.blocking_send(ScanMessage::Batch(records)).is_err() || complete {
            return Ok(());
        }
        last = end;
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<(Stored, Value)> {
    let key: Value = row.get(0)?;
    let record = Stored {
        key: RecordKey(bytes(ValueRef::from(&key))),
        value: bytes(row.get_ref(1)?),
        observed: Observed::default(),
    };
    Ok((record, key))
}

fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Null => Vec::new(),
        ValueRef::Integer(n) => n.to_string().into_bytes(),
        ValueRef::Real(n) => n.to_string().into_bytes(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
    }
}

/// Opens without creating. Write access is asked for although nothing is written: the last reader of a WAL database
/// removes the files beside it only if it may write, and would leave them behind otherwise.
fn connect(path: &Path) -> Result<Connection, Failure> {
    if !path.exists() {
        return Err(usage("there is no such database")
            .at(path.display())
            .hint("check the path, and let the app create its database; oauthctl never creates one"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|e| explain(e, path))
}

/// Every table with its columns.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let sql = "SELECT m.name, p.name FROM sqlite_schema m, pragma_table_info(m.name) p \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (table, column): (String, String) = (row.get(0)?, row.get(1)?);
        match tables.last_mut().filter(|(name, _)| *name == table) {
            Some((_, columns)) => columns.push(column),
            None => tables.push((table, vec![column])),
        }
    }
    Ok(tables)
}

fn fits(layout: &Layout, tables: &[(String, Vec<String>)]) -> bool {
    [&layout.sessions, &layout.states].iter().all(|wanted| {
        tables.iter().any(|(name, columns)| {
            name == wanted.name && [wanted.key, wanted.value].iter().all(|column| columns.iter().any(|c| c == column))
        })
    })
}

fn unfit(path: &Path, tables: &[(String, Vec<String>)], wanted: Option<&Layout>) -> Failure {
    let found = tables.iter().map(|(name, columns)| format!("{name}({})", columns.join(", "))).collect::<Vec<_>>();
    let found = if found.is_empty() { "it has no tables".to_owned() } else { format!("it has {}", found.join(", ")) };
    let problem = match wanted {
        Some(layout) => format!("the tables of layout {} are not in this database: {found}", layout.name),
        None => format!("no known layout fits this database: {found}"),
    };
    let mut hint = "layouts: ".to_owned();
    for (i, layout) in SQL_LAYOUTS.iter().enumerate() {
        let [sessions, states] =
            [&layout.sessions, &layout.states].map(|t| format!("{}({}, {})", t.name, t.key, t.value));
        let separator = if i == 0 { "" } else { "; " };
        let _ = write!(hint, "{separator}{} needs {sessions} and {states}", layout.name);
    }
    usage(problem).at(path.display()).hint(hint)
}

fn explain(error: rusqlite::Error, path: &Path) -> Failure {
    let place = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => failed("the database is locked by another process")
            .at(place)
            .because(error)
            .hint("try again when the app or its migration has finished writing"),
        Some(ErrorCode::NotADatabase) => usage("is not an SQLite database").at(place).because(error).hint("check --store"),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            failed("cannot open the database").at(place).because(error).hint(
                "run oauthctl as the user the app runs as; it must be able to write in the database's directory, as SQLite needs it",
            )
        }
        _ => failed("cannot read the database").at(place).because(error),
    }
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
