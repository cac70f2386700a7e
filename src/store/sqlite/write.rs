//! Writes to rows that are unchanged since they were read.

use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, Transaction};
use zeroize::Zeroizing;

use super::read::time_cell;
use crate::error::{Failure, failed};
use crate::store::layout::Table;
use crate::store::sql::quoting::quoted;
use crate::store::sql::time::{Cell, TimeNotation};
use crate::store::{Kind, MAX_VALUE, Stored, Unreadable, Written, written_at};

impl Table {
    /// Returns the quoted time column with this time in its notation, `None` if the layout has no
    /// such column.
    fn time_of(
        &self,
        connection: &Connection,
        at: Timestamp,
    ) -> rusqlite::Result<Option<(String, Value)>> {
        let Some(column) = &self.updated else { return Ok(None) };
        let value = match self.time_notation(connection, column)?.write(at) {
            Cell::Integer(n) => Value::Integer(n),
            Cell::Text(text) => Value::Text(text),
        };
        Ok(Some((quoted(column), value)))
    }

    /// Returns the notation of an existing row or, in an empty table, the usual one for the
    /// column's type.
    fn time_notation(
        &self,
        connection: &Connection,
        column: &str,
    ) -> rusqlite::Result<TimeNotation> {
        let (name, quoted_column) = (quoted(&self.name), quoted(column));
        let sql =
            format!("SELECT {quoted_column} FROM {name} WHERE {quoted_column} IS NOT NULL LIMIT 1");
        let of_row = |row: &Row<'_>| {
            row.get_ref(0).map(|value| time_cell(value).map(|cell| cell.notation()))
        };
        if let Some(notation) =
            connection.prepare_cached(&sql)?.query_row([], of_row).optional()?.flatten()
        {
            return Ok(notation);
        }
        let sql = "SELECT type FROM pragma_table_info(?1) WHERE name = ?2";
        let declared: Option<String> = connection
            .prepare_cached(sql)?
            .query_row([&self.name, column], |row| row.get(0))
            .optional()?;
        Ok(TimeNotation::of_type(&declared.unwrap_or_default()))
    }

    /// Returns the condition that a row has exactly this value under the key ?1. The value is ?2
    /// and ?3.
    fn is_record(&self, unreadable: Option<Unreadable>) -> String {
        let column = quoted(&self.value);
        let same = if unreadable == Some(Unreadable::TooLarge) {
            format!("octet_length({column}) > {MAX_VALUE}")
        } else {
            // Compared as read: an app may write text, a blob or NULL.
            format!("(COALESCE(CAST({column} AS TEXT), '') COLLATE BINARY = ?2 OR {column} = ?3)")
        };
        format!("{} AND {same}", self.has_key())
    }

    /// Replaces a row if it is unchanged since it was read.
    pub(super) fn replace(
        &self,
        transaction: &Transaction<'_>,
        read: &Stored,
        new: &str,
    ) -> rusqlite::Result<Written> {
        let time = self.time_of(transaction, now())?;
        let also = time.as_ref().map(|(column, _)| format!(", {column} = ?5")).unwrap_or_default();
        let (name, value) = (quoted(&self.name), quoted(&self.value));
        let sql = format!("UPDATE {name} SET {value} = ?4{also} WHERE {}", self.is_record(None));
        let (key, bytes) = (read.key.text(), &**read.version());
        let text = Text(bytes);
        let mut values: Vec<&dyn ToSql> = vec![&key, &text, &bytes, &new];
        values.extend(time.iter().map(|(_, time)| time as &dyn ToSql));
        match transaction.execute(&sql, &values[..])? {
            0 => self.changed_or_gone(transaction, &key),
            1 => Ok(Written::Done),
            // The error causes a rollback.
            rows => Err(rusqlite::Error::StatementChangedRows(rows)),
        }
    }

    /// Creates a row if there is none with this key. Returns false if there is one, and changes
    /// nothing.
    pub(super) fn create(
        &self,
        transaction: &Transaction<'_>,
        kind: Kind,
        key: &str,
        value: &str,
    ) -> rusqlite::Result<bool> {
        let time = self.time_of(transaction, written_at(kind, value.as_bytes(), now()))?;
        let sql = self.insert(time.as_ref().map(|(column, _)| column.as_str()));
        let mut parameters: Vec<&dyn ToSql> = vec![&key, &value];
        parameters.extend(time.iter().map(|(_, time)| time as &dyn ToSql));
        Ok(transaction.execute(&sql, &parameters[..])? == 1)
    }

    /// Returns the result of a write that matched no row.
    fn changed_or_gone(&self, connection: &Connection, key: &str) -> rusqlite::Result<Written> {
        let sql = format!("SELECT 1 FROM {} WHERE {}", quoted(&self.name), self.has_key());
        Ok(if connection.prepare_cached(&sql)?.exists([key])? {
            Written::Changed
        } else {
            Written::Gone
        })
    }

    /// Deletes one row with this record. Of several equal rows, one is deleted per record listed.
    pub(super) fn remove(
        &self,
        connection: &Connection,
        record: &Stored,
    ) -> rusqlite::Result<Written> {
        let (key, bytes) = (record.key.text(), &**record.version());
        let (name, is_record) = (quoted(&self.name), self.is_record(record.unreadable));
        let one_of_them = format!(
            "DELETE FROM {name} WHERE rowid = (SELECT rowid FROM {name} WHERE {is_record} LIMIT 1)"
        );
        let mut statement = match connection.prepare_cached(&one_of_them) {
            Ok(statement) => statement,
            // A table without row IDs has a primary key.
            Err(_) => {
                connection.prepare_cached(&format!("DELETE FROM {name} WHERE {is_record}"))?
            }
        };
        // Parameters that do not occur in the condition cannot be bound.
        let count = statement.parameter_count();
        let parameters: [&dyn ToSql; 3] = [&key, &Text(bytes), &bytes];
        match statement.execute(&parameters[..count])? {
            0 => self.changed_or_gone(connection, &key),
            1 => Ok(Written::Done),
            rows => Err(rusqlite::Error::StatementChangedRows(rows)),
        }
    }
}

/// Text for SQLite, which need not be UTF-8.
struct Text<'a>(&'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a time column holds the real time, as the app would write it"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Converts a record for a text column.
pub(super) fn text(value: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let text = std::str::from_utf8(value).map(str::to_owned).map(Zeroizing::new);
    text.map_err(|_| failed("the record is not text, but the column contains text"))
}
