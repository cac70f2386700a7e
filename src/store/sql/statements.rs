//! Statements on tables of records.

use super::quoting::{literal, quoted};
use crate::store::MAX_VALUE;
use crate::store::layout::Table;

impl Table {
    /// Returns a query for each row's key, value (unless too long), time of the last write, and
    /// whether the value is too long.
    pub fn select(&self) -> String {
        let updated = self.updated.as_deref().map_or_else(|| "NULL".to_owned(), quoted);
        let (key, value, name) = (quoted(&self.key), quoted(&self.value), quoted(&self.name));
        let fits = format!("octet_length({value}) <= {MAX_VALUE}");
        format!(
            "SELECT {key}, CASE WHEN {fits} THEN {value} END, {updated}, NOT ({fits}) FROM {name}"
        )
    }

    /// Returns the condition for rows of this kind.
    pub fn filter(&self) -> String {
        match &self.only {
            None => "1".to_owned(),
            Some((column, text)) => format!("{} = {}", quoted(column), literal(text)),
        }
    }

    /// Returns the condition for rows of this kind with the key ?1.
    pub fn has_key(&self) -> String {
        format!("{} AND {} = ?1", self.filter(), quoted(&self.key))
    }

    /// Returns an insertion of the key ?1 with the value ?2 and the time ?3 (if there is a time
    /// column), unless the key exists.
    pub fn insert(&self, time_column: Option<&str>) -> String {
        let mut columns = vec![quoted(&self.key), quoted(&self.value)];
        let mut values = vec!["?1".to_owned(), "?2".to_owned()];
        if let Some((column, text)) = &self.only {
            columns.push(quoted(column));
            values.push(literal(text));
        }
        if let Some(column) = time_column {
            let created = self.created.as_deref().map(quoted);
            for column in created.into_iter().chain([column.to_owned()]) {
                columns.push(column);
                values.push("?3".to_owned());
            }
        }
        let (table, columns, values) = (quoted(&self.name), columns.join(", "), values.join(", "));
        format!(
            "INSERT INTO {table} ({columns}) SELECT {values} WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {})",
            self.has_key(),
        )
    }
}
