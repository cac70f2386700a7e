//! Sessions in an SQLite database, in short transactions beside the running app.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, ToSql, Transaction, TransactionBehavior,
};
use tokio::sync::Mutex;
use tracing::trace;
use zeroize::Zeroizing;

use super::layout::{Layout, LayoutChoice, SqlTables, Table};
use super::lock::Lock;
use super::scan::{Scan, ScanSender};
use super::{Kind, MAX_VALUE, RecordKey, RecordValue, Store, Stored, TOO_LARGE, Want, Written, written_at};
use crate::error::{Failure, failed, usage};
use crate::owner;
use crate::session::{Did, Observed};

mod census;
mod shape;
mod sidecar;
mod time;

pub(super) use census::census;
use sidecar::Sidecar;

/// How long to wait while the app writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Records read in one transaction.
const BATCH: usize = 500;

/// An SQLite database of an app.
pub(super) struct SqliteStore {
    database: Database,
    sidecar: Sidecar,
    layout: Arc<Layout>,
    /// The part of the layout that a database has to do with.
    tables: Arc<SqlTables>,
    /// Whether the table cannot have several rows of one key.
    has_unique_keys: bool,
    /// The other layouts with sessions.
    others: Vec<Arc<dyn Store>>,
    /// One write after the other: SQLite lets those who wait race for their turn, and some would never get it. The
    /// connection stays, for each that is opened and closed again costs more than the write itself.
    writer: Arc<Mutex<Option<Connection>>>,
}

/// Where the database is.
#[derive(Clone)]
struct Database {
    /// As it was named.
    named: PathBuf,
    /// The file itself: by whichever name a database is opened, its locks are in one place.
    file: PathBuf,
}

impl SqliteStore {
    /// Opens the database, creating nothing, under each of its layouts.
    pub(super) fn open(path: &Path, choice: &LayoutChoice) -> Result<Vec<Self>, Failure> {
        let database = Database::find(path)?;
        let connection = database.connect(Access::Read)?;
        let explain = |e| database.explain(e);
        let shapes = shape::tables(&connection).map_err(explain)?;
        let (mut layouts, mut others) = shape::choose(&shapes, choice).map_err(|e| e.at(path.display()))?;
        for kind in [Kind::Session, Kind::State] {
            // Of several, those that the app uses.
            let in_use = in_use(&connection, kind, &layouts).map_err(explain)?;
            if layouts.len() > 1 && !in_use.is_empty() {
                layouts = in_use;
                break;
            }
        }
        others = in_use(&connection, Kind::Session, &others).map_err(explain)?;
        let sidecar = Sidecar::beside(&database.file);
        let open = |(layout, tables): &shape::Fitting, others| {
            let has_unique_keys = shape::has_unique_keys(&connection, &tables.sessions).map_err(explain)?;
            let (layout, tables) = (Arc::clone(layout), Arc::clone(tables));
            let (database, sidecar) = (database.clone(), sidecar.clone());
            Ok(Self { database, sidecar, layout, tables, has_unique_keys, others, writer: Arc::default() })
        };
        let open_beside = |layout: &shape::Fitting| {
            let rest = layouts.iter().filter(|(other, _)| other.name != layout.0.name).chain(&others);
            let others = rest.map(|other| Ok(Arc::new(open(other, Vec::new())?) as Arc<dyn Store>));
            open(layout, others.collect::<Result<_, Failure>>()?)
        };
        layouts.iter().map(open_beside).collect()
    }

    /// Reads on a thread where waiting for the database holds nobody up.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let database = self.database.clone();
        let done = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let connection = database.connect(Access::Read)?;
            let done = work(&connection).map_err(|e| database.explain(e));
            trace!("store: read, {} ms", begun.elapsed().as_millis());
            done
        });
        Ok(done.await??)
    }

    /// Writes in one transaction.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.in_turn(|transaction| {
            let outcome = work(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        })
        .await
    }

    /// Runs a transaction that writes on such a thread, one at a time in this process. What is not committed is undone.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.check_user()?;
        let database = self.database.clone();
        // The turn ends with the work, even if nobody waits for it any more.
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = match writer.take() {
                Some(connection) => connection,
                None => database.connect(Access::Write)?,
            };
            let begun = Instant::now();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let outcome = transaction.and_then(work).map_err(|e| database.explain(e))?;
            trace!("store: write, {} ms", begun.elapsed().as_millis());
            // Only one that works is used again.
            *writer = Some(connection);
            Ok::<_, Failure>(outcome)
        });
        Ok(done.await??)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn check_user(&self) -> Result<(), Failure> {
        owner::check_user(&self.database.file)
    }

    fn may_have_copies(&self) -> bool {
        self.layout.session_pattern().has_many() || !self.has_unique_keys
    }

    async fn others(&self) -> Vec<Arc<dyn Store>> {
        self.others.clone()
    }

    fn scan(&self, kind: Kind, _: Want) -> Scan {
        let (sender, scan) = Scan::channel();
        let (database, table) = (self.database.clone(), self.tables.of(kind).clone());
        tokio::task::spawn_blocking(move || {
            let outcome = read_all(&database, &table, &sender);
            sender.blocking_end(outcome.map_err(Into::into));
        });
        scan
    }

    async fn get(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Option<Stored>> {
        Ok(self.records(kind, key).await?.into_iter().next())
    }

    async fn records(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Vec<Stored>> {
        let table = self.tables.of(kind).clone();
        let key = key.text().into_owned();
        let sql = format!("{} WHERE {} AND {} = ?1", table.select(), table.filter(), quoted(&table.key));
        self.read(move |connection| connection.prepare(&sql)?.query_map([key], stored)?.collect()).await
    }

    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>> {
        let table = self.tables.of(Kind::Session);
        // Keys of several sessions, or with something in front, are found by their text; the pattern has the last word.
        let sql = format!("{} WHERE {} AND instr({}, ?1) > 0", table.select(), table.filter(), quoted(&table.key));
        let exact = format!("{} WHERE {} AND {} = ?1", table.select(), table.filter(), quoted(&table.key));
        let sql = if table.pattern.has_many() { sql } else { exact };
        let wanted = if table.pattern.has_many() { did.to_string() } else { table.pattern.key(did.as_str(), None) };
        let found = self
            .read(move |connection| {
                let mut statement = connection.prepare(&sql)?;
                statement.query_map([wanted], stored)?.collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let of_account = |record: &Stored| {
            table.pattern.parse_key(&record.key.text()).is_some_and(|(subject, _)| subject == did.as_str())
        };
        Ok(found.into_iter().filter(of_account).collect())
    }

    async fn replace(&self, key: &RecordKey, expected: &[u8], new: &[u8]) -> anyhow::Result<Written> {
        let table = self.tables.of(Kind::Session).clone();
        let (key, new) = (key.text().into_owned(), text(new)?);
        let expected = Text(expected.to_vec().into());
        self.write(move |transaction| {
            let time = table.time_of(transaction, written_now())?;
            let also = time.as_ref().map(|(column, _)| format!(", {column} = ?5")).unwrap_or_default();
            let sql = format!(
                "UPDATE {} SET {} = ?4{also} WHERE {}",
                quoted(&table.name),
                quoted(&table.value),
                table.is_record(None)
            );
            let bytes = &*expected.0;
            let mut values: Vec<&dyn ToSql> = vec![&key, &expected, &bytes, &*new];
            values.extend(time.iter().map(|(_, time)| time as &dyn ToSql));
            match transaction.execute(&sql, &values[..])? {
                0 => table.changed_or_gone(transaction, &key),
                1 => Ok(Written::Done),
                // The error undoes it.
                rows => Err(rusqlite::Error::StatementChangedRows(rows)),
            }
        })
        .await
    }

    async fn check_writable(&self) -> anyhow::Result<()> {
        self.in_turn(|transaction| {
            // SQLite finds out that it may not write to a file or beside it when a page is to change, not before.
            let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            transaction.pragma_update(None, "user_version", version ^ 1)?;
            transaction.rollback()
        })
        .await
    }

    async fn create(&self, kind: Kind, key: &RecordKey, value: &[u8], _: Option<Duration>) -> anyhow::Result<bool> {
        let table = self.tables.of(kind).clone();
        let (key, value) = (key.text().into_owned(), text(value)?);
        self.write(move |transaction| {
            let time = table.time_of(transaction, written_at(kind, value.as_bytes(), written_now()))?;
            let (mut columns, mut values) =
                (vec![quoted(&table.key), quoted(&table.value)], vec!["?1".to_owned(), "?2".to_owned()]);
            if let Some((column, text)) = &table.only {
                columns.push(quoted(column));
                values.push(literal(text));
            }
            if let Some((column, _)) = &time {
                columns.push(column.clone());
                values.push("?3".to_owned());
            }
            let sql = format!(
                "INSERT INTO {table} ({}) SELECT {} WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {} AND {} = ?1)",
                columns.join(", "),
                values.join(", "),
                table.filter(),
                quoted(&table.key),
                table = quoted(&table.name),
            );
            let mut parameters: Vec<&dyn ToSql> = vec![&key, &*value];
            parameters.extend(time.iter().map(|(_, time)| time as &dyn ToSql));
            Ok(transaction.execute(&sql, &parameters[..])? == 1)
        })
        .await
    }

    async fn remove(&self, kind: Kind, records: &[Stored]) -> anyhow::Result<Vec<Written>> {
        let table = self.tables.of(kind).clone();
        let records = records.to_vec();
        self.write(move |transaction| records.iter().map(|record| table.remove(transaction, record)).collect()).await
    }

    async fn lock(&self, did: &Did, patience: Duration) -> anyhow::Result<Option<Lock>> {
        self.check_user()?;
        self.sidecar.lock(did, patience).await
    }

    async fn notes(&self, names: &[String]) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
        self.sidecar.notes(names).await
    }

    async fn write_notes(&self, notes: &[(String, Vec<u8>)], lifetime: Duration) -> anyhow::Result<()> {
        self.check_user()?;
        self.sidecar.write_notes(notes, lifetime).await
    }

    async fn remove_notes(&self, names: &[String]) -> anyhow::Result<()> {
        self.sidecar.remove_notes(names).await
    }
}

/// Those of the layouts whose tables have rows of this kind.
fn in_use(connection: &Connection, kind: Kind, layouts: &[shape::Fitting]) -> rusqlite::Result<Vec<shape::Fitting>> {
    let mut in_use = Vec::new();
    for (layout, tables) in layouts {
        if shape::has_rows(connection, tables.of(kind))? {
            in_use.push((Arc::clone(layout), Arc::clone(tables)));
        }
    }
    Ok(in_use)
}

impl Table {
    /// The key, the value unless it is too long, the time of the last write, and whether the value is too long, of every
    /// row.
    fn select(&self) -> String {
        let updated = self.updated.as_deref().map_or_else(|| "NULL".to_owned(), quoted);
        let (key, value, name) = (quoted(&self.key), quoted(&self.value), quoted(&self.name));
        let fits = format!("octet_length({value}) <= {MAX_VALUE}");
        format!("SELECT {key}, CASE WHEN {fits} THEN {value} END, {updated}, NOT ({fits}) FROM {name}")
    }

    /// The condition under which a row is a record of this kind.
    fn filter(&self) -> String {
        match &self.only {
            None => "1".to_owned(),
            Some((column, text)) => format!("{} = {}", quoted(column), literal(text)),
        }
    }

    /// The time column, quoted, and this time as it holds it; none where the layout has no such column.
    fn time_of(&self, connection: &Connection, at: Timestamp) -> rusqlite::Result<Option<(String, Value)>> {
        let Some(column) = &self.updated else { return Ok(None) };
        Ok(Some((quoted(column), time::write(connection, self, column, at)?)))
    }

    /// The condition under which a row holds exactly this value under the key ?1; the value itself is ?2 and ?3.
    fn is_record(&self, unreadable: Option<&str>) -> String {
        let column = quoted(&self.value);
        let same = if unreadable == Some(TOO_LARGE) {
            format!("octet_length({column}) > {MAX_VALUE}")
        } else {
            // As it was read: an app may write text, bytes, or nothing at all.
            format!("(COALESCE(CAST({column} AS TEXT), '') COLLATE BINARY = ?2 OR {column} = ?3)")
        };
        format!("{} AND {} = ?1 AND {same}", self.filter(), quoted(&self.key))
    }

    /// Outcome of a write that has met no row.
    fn changed_or_gone(&self, connection: &Connection, key: &str) -> rusqlite::Result<Written> {
        let sql =
            format!("SELECT 1 FROM {} WHERE {} AND {} = ?1", quoted(&self.name), self.filter(), quoted(&self.key));
        Ok(if connection.prepare_cached(&sql)?.exists([key])? { Written::Changed } else { Written::Gone })
    }

    /// Deletes one row that holds the record. Of rows that are alike, one goes for each that was listed.
    fn remove(&self, connection: &Connection, record: &Stored) -> rusqlite::Result<Written> {
        let (key, value) = (record.key.text(), Text(record.value.clone()));
        let (name, is_record) = (quoted(&self.name), self.is_record(record.unreadable));
        let one_of_them =
            format!("DELETE FROM {name} WHERE rowid = (SELECT rowid FROM {name} WHERE {is_record} LIMIT 1)");
        let mut statement = match connection.prepare_cached(&one_of_them) {
            Ok(statement) => statement,
            // A table without row ids has a primary key to tell its rows apart by.
            Err(_) => connection.prepare_cached(&format!("DELETE FROM {name} WHERE {is_record}"))?,
        };
        // A parameter that the condition does not name cannot be bound.
        let (bytes, count) = (&*value.0, statement.parameter_count());
        let parameters: [&dyn ToSql; 3] = [&key, &value, &bytes];
        match statement.execute(&parameters[..count])? {
            0 => self.changed_or_gone(connection, &key),
            1 => Ok(Written::Done),
            rows => Err(rusqlite::Error::StatementChangedRows(rows)),
        }
    }
}

/// A value as SQLite's text, which need not be UTF-8.
struct Text(RecordValue);

impl ToSql for Text {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// Reads a table page by page in the order of its keys: each page is a transaction of its own, so that the app's
/// checkpoints are not held up, and a key that is rewritten meanwhile keeps its place. Keys need be neither unique nor
/// there at all: rows of equal keys are on one page.
fn read_all(database: &Database, table: &Table, sender: &ScanSender) -> Result<(), Failure> {
    let connection = database.connect(Access::Read)?;
    let mut after: Option<Bound> = None;
    loop {
        let begun = Instant::now();
        let page = read_page(&connection, table, after.as_ref(), sender).map_err(|e| database.explain(e))?;
        let Page { records, last, consumer_gone } = page;
        trace!("store: read {}, {} ms", records.len(), begun.elapsed().as_millis());
        if consumer_gone || sender.blocking_send(records).is_err() || last.is_none() {
            return Ok(());
        }
        after = last;
    }
}

/// What came of one page.
struct Page {
    /// Its last records, where there are more than a batch.
    records: Vec<Stored>,
    /// The last key, unless this was the last page.
    last: Option<Bound>,
    consumer_gone: bool,
}

/// Reads a batch of rows, and those that share the last one's key.
fn read_page(
    connection: &Connection,
    table: &Table,
    after: Option<&Bound>,
    sender: &ScanSender,
) -> rusqlite::Result<Page> {
    let transaction = connection.unchecked_transaction()?;
    let (name, filter, key) = (quoted(&table.name), table.filter(), quoted(&table.key));
    // NULL compares with nothing, and comes first.
    let above = match after {
        None => "1",
        Some(after) if after.is_null() => &format!("{key} IS NOT NULL"),
        Some(_) => &format!("{key} > ?1"),
    };
    let ends =
        format!("SELECT {key} FROM {name} WHERE {filter} AND {above} ORDER BY {key} LIMIT 1 OFFSET {}", BATCH - 1);
    let parameters: Vec<&dyn ToSql> = after.iter().filter(|after| !after.is_null()).map(|after| *after as _).collect();
    let last =
        transaction.prepare_cached(&ends)?.query_row(&parameters[..], |row| Bound::of(row.get_ref(0)?)).optional()?;
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

/// A row of [`Table::select`].
fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let too_long = row.get::<_, Option<bool>>(3)?.unwrap_or(false);
    Ok(Stored {
        key: RecordKey(bytes(row.get_ref(0)?)),
        value: bytes(row.get_ref(1)?).into(),
        observed: Observed { ttl_age: None, column: time::read(row.get_ref(2)?) },
        ttl: None,
        unreadable: too_long.then_some(TOO_LARGE),
    })
}

/// A key that a page begins after. SQLite's texts need not be UTF-8, as those of [`Value`] must.
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

fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Null => Vec::new(),
        ValueRef::Integer(n) => n.to_string().into_bytes(),
        ValueRef::Real(n) => n.to_string().into_bytes(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a time column holds the real time, as the app would write it")]
fn written_now() -> Timestamp {
    Timestamp::now()
}

fn text(value: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let text = std::str::from_utf8(value).map(str::to_owned).map(Zeroizing::new);
    text.map_err(|_| failed("the record is not text, and the column holds text"))
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Database {
    /// Looks where the file is.
    fn find(path: &Path) -> Result<Self, Failure> {
        let file = match path.canonicalize() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(usage("there is no such database")
                    .at(path.display())
                    .hint("check the path, and let the app create its database; oauthctl never creates one"));
            }
            found => found.map_err(|e| failed("cannot find the database").at(path.display()).because(e))?,
        };
        if file.is_dir() {
            return Err(usage("is a directory, not a database")
                .at(path.display())
                .hint("name the database file in it, like sqlite:DIRECTORY/app.db"));
        }
        Ok(Self { named: path.to_owned(), file })
    }

    /// Opens without creating. Write access is asked for even to read: the last reader of a WAL database removes the
    /// files beside it only if it may write, and would leave them behind otherwise.
    fn connect(&self, access: Access) -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.file, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "query_only", access == Access::Read)?;
            Ok(connection)
        };
        open().map_err(|e| self.explain(e))
    }

    fn explain(&self, error: rusqlite::Error) -> Failure {
        let place = self.named.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                failed("the database is locked by another process")
                    .at(place)
                    .because(error)
                    .hint("try again when the app or its migration has finished writing")
            }
            Some(ErrorCode::NotADatabase) => {
                usage("is not an SQLite database").at(place).because(error).hint("check --store")
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => failed(
                "cannot open the database",
            )
            .at(place)
            .because(error)
            .hint("run oauthctl as the user the app runs as; SQLite must be able to write in the database's directory"),
            Some(ErrorCode::DatabaseCorrupt) => failed("the database is damaged").at(place).because(error).hint(
                "`PRAGMA integrity_check` in the sqlite3 shell says what is damaged; its `.recover` saves what can be",
            ),
            None if matches!(error, rusqlite::Error::StatementChangedRows(_)) => {
                failed("several rows hold the same record; nothing was written").at(place)
            }
            Some(ErrorCode::ConstraintViolation) => failed("the app's table does not take the record")
                .at(place)
                .because(error)
                .hint("a column that oauthctl does not know needs a value; let the app itself write it"),
            _ => failed("cannot use the database").at(place).because(error),
        }
    }
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
