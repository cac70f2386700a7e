//! Tables of records.

use super::KeyPattern;

/// A table of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub name: String,
    /// The column of the key.
    pub key: String,
    /// What a key looks like.
    pub pattern: KeyPattern,
    /// The column of the record.
    pub value: String,
    /// A column that must have this text, where one table holds both kinds of record.
    pub only: Option<(String, String)>,
    /// A column with the time of the first write, where the database does not fill it in.
    pub created: Option<String>,
    /// A column with the time of the last write.
    pub updated: Option<String>,
    /// A column with the time at which the app lets a record end.
    pub expires: Option<String>,
    /// A column with the account, beside the key.
    pub did: Option<String>,
}

impl Table {
    /// Returns a column of which nothing else is known.
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

    /// The same rows with a value in the place of a placeholder of their key and constant.
    pub fn with(&self, placeholder: &str, value: &str) -> Self {
        let only = self
            .only
            .as_ref()
            .map(|(column, text)| (column.clone(), text.replace(placeholder, value)));
        Self { pattern: self.pattern.with(placeholder, value), only, ..self.clone() }
    }

    /// Checks whether both are the same rows.
    pub fn has_rows_of(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value && self.only == other.only
    }
}
