//! Quoting of names and texts in SQL.

/// Returns a name of a table or column.
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Returns a text.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
