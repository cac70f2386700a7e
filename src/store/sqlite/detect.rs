//! Tables of a database, and detection of the layouts in use.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::store::Kind;
use crate::store::layout::Table;
use crate::store::sql::quoting::quoted;
use crate::store::sql::shape::{Fitting, Shape};

/// Returns all tables of the database.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Vec<Shape>> {
    let sql = "SELECT m.name, p.name FROM sqlite_schema m, pragma_table_info(m.name) p \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut tables: Vec<Shape> = Vec::new();
    while let Some(row) = rows.next()? {
        let (table, column): (String, String) = (row.get(0)?, row.get(1)?);
        match tables.last_mut().filter(|(name, _)| *name == table) {
            Some((_, columns)) => columns.push(column),
            None => tables.push((table, vec![column])),
        }
    }
    Ok(tables)
}

/// Returns the layouts whose tables have rows of this kind.
pub(super) fn in_use(
    connection: &Connection,
    kind: Kind,
    layouts: &[Fitting],
) -> rusqlite::Result<Vec<Fitting>> {
    let mut in_use = Vec::new();
    for fitting in layouts {
        if let Some(table) = fitting.table(kind)
            && has_rows(connection, table)?
        {
            in_use.push(fitting.clone());
        }
    }
    Ok(in_use)
}

/// Checks whether a table has rows of this kind.
pub(super) fn has_rows(connection: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let sql = format!("SELECT 1 FROM {} WHERE {}", quoted(&table.name), table.filter());
    connection.prepare(&sql)?.exists([])
}

/// Checks whether the table ensures unique keys for this kind.
pub(super) fn has_unique_keys(connection: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let sql = r#"SELECT l.name, i.name FROM pragma_index_list(?1) l, pragma_index_info(l.name) i
                 WHERE l."unique" AND NOT l.partial ORDER BY l.name"#;
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([&table.name])?;
    let mut indexes: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        indexes.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    let only = table.only.as_ref().map(|(column, _)| column.as_str());
    // Index expressions have no names.
    let is_of_key = |column: &Option<String>| {
        column.as_deref().is_some_and(|column| column == table.key || Some(column) == only)
    };
    Ok(indexes.values().any(|columns| columns.iter().all(is_of_key)))
}
