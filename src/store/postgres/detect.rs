//! Tables of a database, and detection of the layouts in use.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::types::Type;

use super::address::PostgresAddress;
use super::error::PostgresError;
use super::relation::{Column, Relation, Rows};
use super::server::Server;
use crate::error::{Failure, usage};
use crate::store::layout::{APP, Layout, Table};
use crate::store::sql::quoting::quoted;
use crate::store::sql::shape::Shape;

/// Query for all tables and views outside the system's schemas, each with its columns in order.
const TABLES: &str = "SELECT n.nspname::text, c.relname::text, c.relkind::text, \
    coalesce(pg_catalog.row_security_active(c.oid), FALSE), \
    CASE WHEN $1 = '' THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1 END, \
    a.attname::text, \
    pg_catalog.format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, NULL), \
    CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END, \
    c.reltuples::int8 \
    FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'oauthctl') AND n.nspname NOT LIKE 'pg\\_%' \
    ORDER BY n.nspname, c.relname, a.attnum";

/// Query for the columns of all unique indexes that cover all rows.
const UNIQUE: &str = "SELECT n.nspname::text, c.relname::text, i.indexrelid::int8, a.attname::text \
    FROM pg_catalog.pg_index i \
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, nth) \
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0 \
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND k.nth <= i.indnkeyatts \
    ORDER BY i.indexrelid, k.nth";

/// Tables of a database by the names used in layouts: unqualified if in the search path, and with
/// their schema.
pub(super) struct Tables {
    relations: BTreeMap<String, Relation>,
    /// Tables for [`crate::store::sql::shape`]. Those in the search path come first.
    pub(super) shapes: Vec<Shape>,
}

impl Tables {
    pub(super) async fn read(
        server: &Server,
        address: &PostgresAddress,
    ) -> Result<Self, PostgresError> {
        let schema = address.schema().unwrap_or_default();
        let rows = server.query(TABLES, &[(&schema, Type::TEXT)]).await?;
        let mut all: Vec<(Relation, bool, Vec<String>)> = Vec::new();
        for row in &rows {
            let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if all.last().is_none_or(|(last, ..)| (&last.schema, &last.name) != (&schema, &name)) {
                let (kind, has_policies) = (row.try_get(2)?, row.try_get(3)?);
                let (columns, unique) = (BTreeMap::new(), Vec::new());
                let estimate = u64::try_from(row.try_get::<_, i64>(8)?).unwrap_or(0);
                all.push((
                    Relation { schema, name, kind, has_policies, estimate, columns, unique },
                    row.try_get(4)?,
                    Vec::new(),
                ));
            }
            let Some((relation, _, order)) = all.last_mut() else { continue };
            let limit: Option<i32> = row.try_get(7)?;
            let column = Column {
                type_name: row.try_get(6)?,
                limit: limit.and_then(|n| usize::try_from(n).ok()),
            };
            order.push(row.try_get(5)?);
            relation.columns.insert(row.try_get(5)?, column);
        }
        let mut indexes: BTreeMap<i64, (String, String, Vec<String>)> = BTreeMap::new();
        for row in server.query(UNIQUE, &[]).await? {
            let index = indexes.entry(row.try_get(2)?).or_insert((
                row.try_get(0)?,
                row.try_get(1)?,
                Vec::new(),
            ));
            // An expression has no name, and equals no column.
            index.2.push(row.try_get::<_, Option<String>>(3)?.unwrap_or_default());
        }
        for (schema, name, columns) in indexes.into_values() {
            let of = all
                .iter_mut()
                .find(|(relation, ..)| relation.schema == schema && relation.name == name);
            if let Some((relation, ..)) = of {
                relation.unique.push(columns);
            }
        }
        let mut tables = Self { relations: BTreeMap::new(), shapes: Vec::new() };
        all.sort_by_key(|(_, is_visible, _)| !is_visible);
        for (relation, is_visible, order) in all {
            let qualified = format!("{}.{}", relation.schema, relation.name);
            if is_visible {
                tables.shapes.push((relation.name.clone(), order.clone()));
                tables.relations.insert(relation.name.clone(), relation.clone());
            }
            tables.shapes.push((qualified.clone(), order));
            tables.relations.insert(qualified, relation);
        }
        Ok(tables)
    }

    /// Returns the quoted name of a table that has these columns.
    pub(super) fn place_with(&self, table: &str, columns: &[&str]) -> Result<String, Failure> {
        let relation = self.relations.get(table).ok_or_else(|| {
            usage(format!("there is no table {table}"))
                .hint("check the name, and the rights of the role")
        })?;
        match columns.iter().find(|column| !relation.columns.contains_key(**column)) {
            Some(column) => Err(usage(format!("table {table} has no column {column}"))
                .hint(format!("it needs the columns {}", columns.join(", ")))),
            None => Ok([&relation.schema, &relation.name].map(|name| quoted(name)).join(".")),
        }
    }

    /// Returns the rows of a table of a layout.
    pub(super) fn rows(
        &self,
        table: &Arc<Table>,
        lifetime: Option<i64>,
    ) -> Result<Arc<Rows>, Failure> {
        let relation = self
            .relations
            .get(&table.name)
            .ok_or_else(|| usage(format!("table {} does not exist", table.name)))?;
        if !matches!(relation.kind.as_str(), "r" | "p") {
            return Err(usage(format!("{} is a view or a foreign table", table.name)).hint(
                "define a layout with the table itself under [layouts.NAME] in oauthctl.toml",
            ));
        }
        Rows::new(table, relation, lifetime).map(Arc::new)
    }
}

/// Completes a layout whose keys begin with the name of the app, if its table contains a single
/// name.
pub(super) async fn with_app(
    server: &Server,
    tables: &Tables,
    layout: &Arc<Layout>,
) -> Result<Arc<Layout>, Failure> {
    let Some(table) = layout.sessions.table().filter(|table| table.pattern.prefix().contains(APP))
    else {
        return Ok(Arc::clone(layout));
    };
    let (Some((column, _)), Some(relation)) = (&table.only, tables.relations.get(&table.name))
    else {
        return Ok(Arc::clone(layout));
    };
    let column = quoted(column);
    let place = [&relation.schema, &relation.name].map(|name| quoted(name)).join(".");
    let sql =
        format!("SELECT DISTINCT {column}::text FROM {place} WHERE {column} IS NOT NULL LIMIT 9");
    let found = server.query(&sql, &[]).await.map_err(|error| server.explain(error))?;
    let apps: Vec<String> = found
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()
        .map_err(|e| server.explain(e.into()))?;
    match &apps[..] {
        [] => Ok(Arc::clone(layout)),
        [app] => Ok(Arc::new(layout.with(APP, app))),
        several => Err(usage(format!("table {} has sessions of several apps: {}", table.name, several.join(", ")))
            .hint(format!(
                "define the layout of one app under [layouts.NAME] in oauthctl.toml: copy {} from README.md, with \
                 session_key = \"{}:{{did}}\"",
                layout.name, several[0]
            ))),
    }
}
