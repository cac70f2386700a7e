//! Reads all records of a database: of all matching layouts, and of other tables with telling
//! names.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::address::PostgresAddress;
use super::detect::Tables;
use super::error::PostgresError;
use super::read::{self, View};
use super::relation::{Holds, Rows};
use super::server::Server;
use crate::error::Failure;
use crate::session::KeyDependence;
use crate::store::layout::{APP, Layout, Table};
use crate::store::scan::{Scan, ScanSender};
use crate::store::sql::shape;
use crate::store::{Access, RecordKey, Stored, Want};

/// Parts of table names that suggest sessions. Only such tables are searched for records without a
/// layout, because reading all tables of an app would take long and strain its database.
const TELLING: [&str; 3] = ["session", "oauth", "atproto"];

/// Streams the rows of all matching layouts, and values in tables with telling names that look like
/// records.
pub(in crate::store) async fn census(
    address: &PostgresAddress,
    access: &Access,
    layouts: Vec<Arc<Layout>>,
) -> Result<Scan, Failure> {
    let server = Arc::new(Server::new(address, access)?);
    let tables = Tables::read(&server, address).await.map_err(|error| server.explain(error))?;
    let (sender, scan) = Scan::channel();
    tokio::spawn(async move {
        let outcome = tokio::select! {
            outcome = all(&server, &tables, &layouts, &sender) => outcome,
            () = sender.closed() => return,
        };
        sender.end(outcome.map_err(|error| server.explain(error).into())).await;
    });
    Ok(scan)
}

/// Checks whether a table of one of the layouts has a row.
pub(in crate::store) async fn has_records(
    address: &PostgresAddress,
    access: &Access,
    layouts: &[Arc<Layout>],
) -> Result<bool, Failure> {
    let server = Server::new(address, access)?;
    let explain = |error| server.explain(error);
    server.query_once("SELECT 1", &[]).await.map_err(explain)?;
    let tables = Tables::read(&server, address).await.map_err(explain)?;
    for table in shape::fitting_tables(&tables.shapes, layouts) {
        let Ok(rows) = tables.rows(&of_everybody(&table), None) else { continue };
        if !server.query(&rows.has_any(), &[]).await.map_err(explain)?.is_empty() {
            return Ok(true);
        }
        rows.check_visible().map_err(|e| e.at(address))?;
    }
    Ok(false)
}

/// The table with the rows of all clients and apps that share it.
fn of_everybody(table: &Table) -> Arc<Table> {
    let only = table.only.clone().filter(|(_, text)| !text.contains(APP));
    Arc::new(Table { pattern: table.pattern.without_prefix(), only, ..table.clone() })
}

async fn all(
    server: &Server,
    tables: &Tables,
    layouts: &[Arc<Layout>],
    sender: &ScanSender,
) -> Result<(), PostgresError> {
    let view = View { want: Want { values: true, ttls: false }, lifetime: None, now: super::now() };
    let mut read = BTreeSet::new();
    for table in shape::fitting_tables(&tables.shapes, layouts) {
        let Ok(rows) = tables.rows(&of_everybody(&table), None) else { continue };
        if read.insert((
            rows.relation.schema.clone(),
            rows.relation.name.clone(),
            table.value.clone(),
            table.only.clone(),
        )) {
            read::all(server, &rows, view, sender).await?;
        }
    }
    for (name, columns) in &tables.shapes {
        if !TELLING.iter().any(|part| name.to_ascii_lowercase().contains(part)) {
            continue;
        }
        for column in columns {
            let table = Arc::new(Table::of_column(name, column));
            let Ok(rows) = tables.rows(&table, None) else { continue };
            let place = (rows.relation.schema.clone(), rows.relation.name.clone());
            let is_read =
                |(schema, name, value, _): &(String, String, String, Option<(String, String)>)| {
                    (schema, name) == (&place.0, &place.1) && value == column
                };
            if rows.holds != Holds::Bytes && !read.iter().any(is_read) {
                read.insert((place.0, place.1, column.clone(), None));
                others(server, &rows, sender).await?;
            }
        }
    }
    Ok(())
}

/// Sends the values of a column that look like records.
async fn others(server: &Server, rows: &Rows, sender: &ScanSender) -> Result<(), PostgresError> {
    let found = server.query(&rows.select_records(), &[]).await;
    let found = match found {
        Ok(found) => found,
        // A table that this role may not read does not belong to its app.
        Err(error) if error.is_forbidden() => return Ok(()),
        Err(error) => return Err(error),
    };
    let key = RecordKey::from_text(&format!("{}.{}", rows.relation.name, rows.table.value));
    let mut records = Vec::new();
    for row in &found {
        let value = row.try_get::<_, &str>(0)?.as_bytes().to_vec();
        if KeyDependence::of(&value) != KeyDependence::None {
            records.push(Stored::new(key.clone(), value.into()));
        }
    }
    if !records.is_empty() {
        let _ = sender.send(records).await;
    }
    Ok(())
}
