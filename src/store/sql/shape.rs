//! Detection of a database's layouts by its tables and columns.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::error::{Failure, usage};
use crate::store::Kind;
use crate::store::layout::{Layout, LayoutChoice, Table};

/// Table with its columns.
pub type Shape = (String, Vec<String>);

/// Layout whose tables exist.
#[derive(Clone)]
pub struct Fitting {
    /// Layout.
    pub layout: Arc<Layout>,
    sessions: Arc<Table>,
    /// `None` if the app keeps them in its memory.
    logins: Option<Arc<Table>>,
}

impl Fitting {
    /// Returns `None` for a layout without tables.
    fn new(layout: &Arc<Layout>) -> Option<Self> {
        let [sessions, logins] =
            [&layout.sessions, &layout.logins].map(|records| records.table().cloned());
        Some(Self { layout: Arc::clone(layout), sessions: sessions?, logins })
    }

    /// Returns the table of sessions.
    pub fn sessions(&self) -> &Arc<Table> {
        &self.sessions
    }

    /// Returns the table of records of this kind.
    pub fn table(&self, kind: Kind) -> Option<&Arc<Table>> {
        match kind {
            Kind::Session => Some(&self.sessions),
            Kind::State => self.logins.as_ref(),
        }
    }

    fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        std::iter::once(&self.sessions).chain(&self.logins)
    }

    fn is_there(&self, shapes: &[Shape]) -> bool {
        self.tables().all(|table| is_there(table, shapes))
    }
}

/// Returns the layouts of the database: the named one, or all that match; and the others that match
/// if one is named.
pub fn choose(
    shapes: &[Shape],
    choice: &LayoutChoice,
) -> Result<(Vec<Fitting>, Vec<Fitting>), Failure> {
    let all = match choice {
        LayoutChoice::Named(layout, all) => {
            if layout.has_keys() {
                return Err(usage(format!(
                    "layout {} is for Redis, but this is an SQL database",
                    layout.name
                ))
                .hint(
                    "choose an SQL layout with --layout, or the Redis with --store redis://HOST",
                ));
            }
            std::slice::from_ref(layout).iter().chain(all)
        }
        LayoutChoice::Auto(all) => [].iter().chain(all),
    };
    let mut fitting: Vec<Fitting> = Vec::new();
    for layout in all {
        let Some(found) = Fitting::new(layout).filter(|found| found.is_there(shapes)) else {
            continue;
        };
        // The operator's own description of the same rows takes precedence.
        if !fitting.iter().any(|other| other.layout.shares_sessions_with(layout)) {
            fitting.push(found);
        }
    }
    let named = match choice {
        LayoutChoice::Named(layout, _) => {
            fitting.first().is_some_and(|first| first.layout == *layout)
        }
        LayoutChoice::Auto(_) => !fitting.is_empty(),
    };
    if !named {
        return Err(unfit(shapes, choice));
    }
    let others =
        if matches!(choice, LayoutChoice::Named(..)) { fitting.split_off(1) } else { Vec::new() };
    Ok((fitting, others))
}

/// Returns the existing tables of these layouts, each once.
pub fn fitting_tables(shapes: &[Shape], layouts: &[Arc<Layout>]) -> Vec<Arc<Table>> {
    let mut found = Vec::new();
    for fitting in layouts.iter().filter_map(Fitting::new) {
        for table in fitting.tables() {
            if is_there(table, shapes) && !found.contains(table) {
                found.push(Arc::clone(table));
            }
        }
    }
    found
}

fn is_there(wanted: &Table, shapes: &[Shape]) -> bool {
    let has_all =
        |columns: &[String]| columns_of(wanted).all(|column| columns.iter().any(|c| c == column));
    shapes.iter().any(|(name, columns)| *name == wanted.name && has_all(columns))
}

fn columns_of(table: &Table) -> impl Iterator<Item = &str> {
    let optional =
        table.only.iter().map(|(column, _)| column).chain(&table.created).chain(&table.updated);
    let optional = optional.chain(&table.expires).chain(&table.did);
    [&table.key, &table.value].into_iter().chain(optional).map(String::as_str)
}

fn unfit(shapes: &[Shape], choice: &LayoutChoice) -> Failure {
    // A table without a schema may be listed with its schema, too.
    let is_twice = |name: &str| {
        name.split_once('.')
            .is_some_and(|(_, alone)| shapes.iter().any(|(other, _)| other == alone))
    };
    let found = shapes.iter().filter(|(name, _)| !is_twice(name));
    let found =
        found.map(|(name, columns)| format!("{name}({})", columns.join(", "))).collect::<Vec<_>>();
    let found = if found.is_empty() {
        "it has no tables".to_owned()
    } else {
        format!("it has {}", found.join(", "))
    };
    let problem = match choice {
        LayoutChoice::Named(layout, _) => {
            format!("the tables of layout {} are not in this database: {found}", layout.name)
        }
        LayoutChoice::Auto(_) => format!("no known layout matches this database: {found}"),
    };
    let known = match choice {
        LayoutChoice::Named(layout, _) => std::slice::from_ref(layout),
        LayoutChoice::Auto(all) => all,
    };
    let known: Vec<_> = known.iter().filter_map(Fitting::new).collect();
    let has_a_table =
        |fitting: &&Fitting| shapes.iter().any(|(name, _)| *name == fitting.sessions.name);
    let mut near: Vec<_> = known.iter().filter(has_a_table).collect();
    if near.is_empty() && matches!(choice, LayoutChoice::Auto(_)) {
        let names: Vec<_> = known.iter().map(|fitting| fitting.layout.name.as_str()).collect();
        return usage(problem).hint(format!(
            "is it the app's database? SQL layouts are {}; define another one under [layouts.NAME] in oauthctl.toml",
            names.join(", ")
        ));
    }
    if near.is_empty() {
        near = known.iter().collect();
    }
    let mut hint = String::new();
    for fitting in near {
        let tables = fitting
            .tables()
            .map(|t| format!("{}({})", t.name, columns_of(t).collect::<Vec<_>>().join(", ")));
        let separator = if hint.is_empty() { "" } else { "; " };
        let tables = tables.collect::<Vec<_>>().join(" and ");
        let _ = write!(hint, "{separator}{} has {tables}", fitting.layout.name);
    }
    usage(problem).hint(hint)
}
