//! Which layout fits a database: told from its tables and columns.

use std::fmt::Write as _;
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::{Failure, usage};
use crate::store::layout::{Layout, LayoutChoice, Place, Table};

/// A table and its columns.
pub(super) type Shape = (String, Vec<String>);

/// Every table of the database.
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

/// The layout asked for if it fits, or the one that does.
pub(super) fn choose(tables: &[Shape], choice: &LayoutChoice) -> Result<Arc<Layout>, Failure> {
    if let LayoutChoice::Named(layout) = choice
        && matches!(layout.place, Place::Keys { .. })
    {
        return Err(usage(format!("layout {} is one of Redis keys, and this is an SQLite database", layout.name))
            .hint("name a layout of SQLite tables with --layout, or the Redis with --store redis://HOST"));
    }
    let fitting: Vec<_> = match choice {
        LayoutChoice::Named(layout) => std::iter::once(layout).filter(|layout| fits(layout, tables)).collect(),
        LayoutChoice::Auto(all) => all.iter().filter(|layout| fits(layout, tables)).collect(),
    };
    match fitting[..] {
        [layout] => Ok(Arc::clone(layout)),
        [] => Err(unfit(tables, choice)),
        [..] => {
            let names = fitting.iter().map(|layout| layout.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(usage(format!("several layouts fit this database: {names}")).hint("say which one with --layout"))
        }
    }
}

fn fits(layout: &Layout, tables: &[Shape]) -> bool {
    let Place::Tables { sessions, states } = &layout.place else { return false };
    [sessions, states].iter().all(|wanted| {
        tables.iter().any(|(name, columns)| {
            *name == wanted.name && columns_of(wanted).all(|column| columns.iter().any(|c| c == column))
        })
    })
}

fn columns_of(table: &Table) -> impl Iterator<Item = &str> {
    let optional = table.only.iter().map(|(column, _)| column).chain(&table.updated);
    [&table.key, &table.value].into_iter().chain(optional).map(String::as_str)
}

fn unfit(tables: &[Shape], choice: &LayoutChoice) -> Failure {
    let found = tables.iter().map(|(name, columns)| format!("{name}({})", columns.join(", "))).collect::<Vec<_>>();
    let found = if found.is_empty() { "it has no tables".to_owned() } else { format!("it has {}", found.join(", ")) };
    let problem = match choice {
        LayoutChoice::Named(layout) => {
            format!("the tables of layout {} are not in this database: {found}", layout.name)
        }
        LayoutChoice::Auto(_) => format!("no known layout fits this database: {found}"),
    };
    let mut hint = String::new();
    let known = match choice {
        LayoutChoice::Named(layout) => std::slice::from_ref(layout),
        LayoutChoice::Auto(all) => all,
    };
    for layout in known {
        if let Place::Tables { sessions, states } = &layout.place {
            let [sessions, states] =
                [sessions, states].map(|t| format!("{}({})", t.name, columns_of(t).collect::<Vec<_>>().join(", ")));
            let separator = if hint.is_empty() { "" } else { "; " };
            let _ = write!(hint, "{separator}{} has {sessions} and {states}", layout.name);
        }
    }
    usage(problem).hint(hint)
}
