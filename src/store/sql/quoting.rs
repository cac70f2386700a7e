//! Quoting of identifiers and strings in SQL.

/// Quotes the name of a table or column.
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Quotes a string.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
