//! Which layout fits a database: told from its tables and columns.

use std::fmt::Write as _;
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::{Failure, usage};
use crate::store::layout::{Layout, LayoutChoice, Place, SqlTables, Table};

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
pub(super) fn choose(shapes: &[Shape], choice: &LayoutChoice) -> Result<(Arc<Layout>, Arc<SqlTables>), Failure> {
    if let LayoutChoice::Named(layout) = choice
        && tables_of(layout).is_none()
    {
        return Err(usage(format!("layout {} is one of Redis keys, and this is an SQLite database", layout.name))
            .hint("name a layout of SQLite tables with --layout, or the Redis with --store redis://HOST"));
    }
    let fitting: Vec<_> = known(choice).filter(|(_, tables)| fits(tables, shapes)).collect();
    match fitting[..] {
        [(layout, tables)] => Ok((Arc::clone(layout), Arc::clone(tables))),
        [] => Err(unfit(shapes, choice)),
        [..] => {
            let names = fitting.iter().map(|(layout, _)| layout.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(usage(format!("several layouts fit this database: {names}")).hint("say which one with --layout"))
        }
    }
}

/// The tables of these layouts that are there, each once.
pub(super) fn fitting_tables(shapes: &[Shape], layouts: &[Arc<Layout>]) -> Vec<Table> {
    let mut found: Vec<Table> = Vec::new();
    for table in
        layouts.iter().filter_map(|layout| tables_of(layout)).flat_map(|tables| [&tables.sessions, &tables.states])
    {
        if is_there(table, shapes) && !found.contains(table) {
            found.push(table.clone());
        }
    }
    found
}

/// The layouts to choose from, as far as they are of tables.
fn known(choice: &LayoutChoice) -> impl Iterator<Item = (&Arc<Layout>, &Arc<SqlTables>)> {
    let layouts = match choice {
        LayoutChoice::Named(layout) => std::slice::from_ref(layout),
        LayoutChoice::Auto(all) => all,
    };
    layouts.iter().filter_map(|layout| Some((layout, tables_of(layout)?)))
}

fn tables_of(layout: &Layout) -> Option<&Arc<SqlTables>> {
    match &layout.place {
        Place::Tables(tables) => Some(tables),
        Place::Keys(_) => None,
    }
}

fn fits(tables: &SqlTables, shapes: &[Shape]) -> bool {
    [&tables.sessions, &tables.states].iter().all(|wanted| is_there(wanted, shapes))
}

fn is_there(wanted: &Table, shapes: &[Shape]) -> bool {
    let has_all = |columns: &[String]| columns_of(wanted).all(|column| columns.iter().any(|c| c == column));
    shapes.iter().any(|(name, columns)| *name == wanted.name && has_all(columns))
}

fn columns_of(table: &Table) -> impl Iterator<Item = &str> {
    let optional = table.only.iter().map(|(column, _)| column).chain(&table.updated);
    [&table.key, &table.value].into_iter().chain(optional).map(String::as_str)
}

fn unfit(shapes: &[Shape], choice: &LayoutChoice) -> Failure {
    let found = shapes.iter().map(|(name, columns)| format!("{name}({})", columns.join(", "))).collect::<Vec<_>>();
    let found = if found.is_empty() { "it has no tables".to_owned() } else { format!("it has {}", found.join(", ")) };
    let problem = match choice {
        LayoutChoice::Named(layout) => {
            format!("the tables of layout {} are not in this database: {found}", layout.name)
        }
        LayoutChoice::Auto(_) => format!("no known layout fits this database: {found}"),
    };
    let mut hint = String::new();
    for (layout, tables) in known(choice) {
        let [sessions, states] = [&tables.sessions, &tables.states]
            .map(|t| format!("{}({})", t.name, columns_of(t).collect::<Vec<_>>().join(", ")));
        let separator = if hint.is_empty() { "" } else { "; " };
        let _ = write!(hint, "{separator}{} has {sessions} and {states}", layout.name);
    }
    usage(problem).hint(hint)
}
