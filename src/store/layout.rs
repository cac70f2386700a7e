//! How apps lay their stores out. A new layout is one row in the table.

use crate::error::{Failure, usage};

/// A layout of an SQL database.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// What `--layout` calls it.
    pub name: &'static str,
    /// Where sessions are.
    pub sessions: Table,
    /// Where pending states are.
    pub states: Table,
}

/// A table of records.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub name: &'static str,
    /// The column of the key; for sessions it holds the DID.
    pub key: &'static str,
    /// The column of the record.
    pub value: &'static str,
}

/// Which layout to use.
#[derive(Clone, Copy, Debug)]
pub enum LayoutChoice {
    /// Whichever the store's own shape shows.
    Auto,
    /// This one.
    Named(&'static Layout),
}

/// The layouts of SQLite databases that hold records of the Node client.
pub const SQL_LAYOUTS: &[Layout] = &[
    Layout {
        name: "statusphere",
        sessions: Table { name: "auth_session", key: "key", value: "value" },
        states: Table { name: "auth_state", key: "key", value: "value" },
    },
    Layout {
        name: "statusphere-legacy",
        sessions: Table { name: "auth_session", key: "key", value: "session" },
        states: Table { name: "auth_state", key: "key", value: "state" },
    },
];

impl LayoutChoice {
    /// Reads the name of a layout, or `auto`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let known: Vec<_> = SQL_LAYOUTS.iter().map(|layout| layout.name).collect();
        SQL_LAYOUTS.iter().find(|layout| layout.name == text).map(Self::Named).ok_or_else(|| {
            let hint = crate::settings::suggestion(text, &known);
            usage(format!("no layout is called {text:?}"))
                .hint(hint.unwrap_or_else(|| format!("layouts: auto, {}", known.join(", "))))
        })
    }
}
