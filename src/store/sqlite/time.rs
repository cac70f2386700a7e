//! Time columns, in whichever form the app writes them.

use jiff::Timestamp;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};

use super::{Table, quoted};

/// Larger numbers are milliseconds: in seconds they would lie beyond the year 5000.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// How a column holds times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Seconds,
    Milliseconds,
    /// `2026-11-23T12:00:00.000Z`
    Iso8601,
    /// `2026-11-23 12:00:00`, in UTC: SQLite's own.
    Sql,
}

/// Reads a time.
pub(super) fn read(value: ValueRef<'_>) -> Option<Timestamp> {
    match value {
        ValueRef::Integer(n) if n >= MILLISECONDS_FROM => Timestamp::from_millisecond(n).ok(),
        ValueRef::Integer(n) => Timestamp::from_second(n).ok(),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).ok()?;
            text.parse().or_else(|_| format!("{text}Z").parse()).ok()
        }
        _ => None,
    }
}

/// A time as this table's time column holds it.
pub(super) fn write(connection: &Connection, table: &Table, column: &str, at: Timestamp) -> rusqlite::Result<Value> {
    Ok(match form(connection, table, column)? {
        Form::Seconds => Value::Integer(at.as_second()),
        Form::Milliseconds => Value::Integer(at.as_millisecond()),
        Form::Iso8601 => Value::Text(format!("{at:.3}")),
        Form::Sql => Value::Text(at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
    })
}

/// The form that a row already has, or, in an empty table, the usual one for the column's type.
fn form(connection: &Connection, table: &Table, column: &str) -> rusqlite::Result<Form> {
    let (name, quoted_column) = (quoted(&table.name), quoted(column));
    let sql = format!("SELECT {quoted_column} FROM {name} WHERE {quoted_column} IS NOT NULL LIMIT 1");
    let of_row = |row: &rusqlite::Row<'_>| row.get_ref(0).map(|value| form_of(value));
    if let Some(form) = connection.prepare_cached(&sql)?.query_row([], of_row).optional()?.flatten() {
        return Ok(form);
    }
    let sql = "SELECT type FROM pragma_table_info(?1) WHERE name = ?2";
    let declared: Option<String> =
        connection.prepare_cached(sql)?.query_row([&table.name, column], |row| row.get(0)).optional()?;
    let is_number = declared.is_some_and(|declared| declared.to_ascii_uppercase().contains("INT"));
    Ok(if is_number { Form::Seconds } else { Form::Sql })
}

fn form_of(value: ValueRef<'_>) -> Option<Form> {
    match value {
        ValueRef::Integer(MILLISECONDS_FROM..) => Some(Form::Milliseconds),
        ValueRef::Integer(_) => Some(Form::Seconds),
        ValueRef::Text(text) if text.contains(&b'T') => Some(Form::Iso8601),
        ValueRef::Text(_) => Some(Form::Sql),
        _ => None,
    }
}
