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

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_read_in_whichever_form_it_was_written(ms in MILLISECONDS_FROM..4_000_000_000_000) {
            let at = Timestamp::from_millisecond(ms).unwrap();
            let seconds = Timestamp::from_second(at.as_second()).unwrap();
            let iso = format!("{at:.3}");
            let sql = at.strftime("%Y-%m-%d %H:%M:%S").to_string();
            for (value, form, read_as) in [
                (ValueRef::Integer(ms), Form::Milliseconds, at),
                (ValueRef::Integer(at.as_second()), Form::Seconds, seconds),
                (ValueRef::Text(iso.as_bytes()), Form::Iso8601, at),
                (ValueRef::Text(sql.as_bytes()), Form::Sql, seconds),
            ] {
                prop_assert_eq!((form_of(value), read(value)), (Some(form), Some(read_as)));
            }
        }

        #[test]
        fn what_is_no_time_is_none(bytes in proptest::collection::vec(any::<u8>(), 0..40), n: i64) {
            let _ = (read(ValueRef::Text(&bytes)), read(ValueRef::Real(0.5)), read(ValueRef::Null));
            if let Some(at) = read(ValueRef::Integer(n)) {
                prop_assert!(at.as_second() == n || at.as_millisecond() == n);
            }
        }
    }
}
