//! Quoting of names and texts in SQL.

/// A name of a table or column.
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A text.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
