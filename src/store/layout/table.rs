//! Tables of records.

use super::KeyPattern;

/// Table of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Name.
    pub name: String,
    /// Column of the key.
    pub key: String,
    /// Template of the keys.
    pub pattern: KeyPattern,
    /// Column of the record.
    pub value: String,
    /// Column that must have this value, in a table with both kinds of record.
    pub only: Option<(String, String)>,
    /// Column with the time of the first write, unless the database sets it.
    pub created: Option<String>,
    /// Column with the time of the last write.
    pub updated: Option<String>,
    /// Column with the expiry of a record.
    pub expires: Option<String>,
    /// Column with the account, in addition to the key.
    pub did: Option<String>,
}

impl Table {
    /// Returns a table with only one known column.
    pub fn of_column(table: &str, column: &str) -> Self {
        let pattern = KeyPattern::bare();
        let (name, key, value) = (table.to_owned(), column.to_owned(), column.to_owned());
        Self {
            name,
            key,
            pattern,
            value,
            only: None,
            created: None,
            updated: None,
            expires: None,
            did: None,
        }
    }

    /// Returns the table with a value in place of a placeholder of its key and constant.
    pub fn with(&self, placeholder: &str, value: &str) -> Self {
        let only = self
            .only
            .as_ref()
            .map(|(column, text)| (column.clone(), text.replace(placeholder, value)));
        Self { pattern: self.pattern.with(placeholder, value), only, ..self.clone() }
    }

    /// Checks whether both have the same rows.
    pub fn has_rows_of(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value && self.only == other.only
    }
}
