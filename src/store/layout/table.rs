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
}

impl Table {
    /// Whether both are the same rows.
    pub fn has_rows_of(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value && self.only == other.only
    }
}
