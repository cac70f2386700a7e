//! Notes of oauthctl in the schema `oauthctl`, if the operator has created it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::types::Type;

use super::error::PostgresError;
use super::server::Server;
use crate::store::sql::quoting::quoted;

/// Returns the statements that create the schema for this role.
pub(super) fn schema(role: &str) -> String {
    let role = quoted(role);
    format!(
        "{SCHEMA}GRANT USAGE ON SCHEMA oauthctl TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON oauthctl.note TO {role};
"
    )
}

const SCHEMA: &str = "CREATE SCHEMA IF NOT EXISTS oauthctl;
CREATE TABLE IF NOT EXISTS oauthctl.note (
  name text PRIMARY KEY,
  value bytea NOT NULL,
  until timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS note_until ON oauthctl.note (until);
";

/// Notes in the database.
#[derive(Default)]
pub(super) struct Notes {
    /// True once expired notes were removed in this run.
    swept: AtomicBool,
}

impl Notes {
    /// Checks whether the schema exists and this role may use it.
    pub(super) async fn are_there(server: &Server) -> Result<bool, PostgresError> {
        let sql = "SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
                   AND pg_catalog.has_table_privilege(c.oid, 'SELECT') \
                   AND pg_catalog.has_table_privilege(c.oid, 'INSERT') \
                   AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') \
                   AND pg_catalog.has_table_privilege(c.oid, 'DELETE') \
                   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = 'oauthctl' AND c.relname = 'note'";
        Ok(server
            .query(sql, &[])
            .await?
            .first()
            .map(|row| row.try_get(0))
            .transpose()?
            .unwrap_or(false))
    }

    pub(super) async fn read(
        &self,
        server: &Server,
        names: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, PostgresError> {
        let sql = "SELECT name, value FROM oauthctl.note \
                   WHERE name = ANY ($1) AND until >= pg_catalog.clock_timestamp()";
        let rows = server.query(sql, &[(&names, Type::TEXT_ARRAY)]).await?;
        let mut found = std::collections::HashMap::with_capacity(rows.len());
        for row in rows {
            found.insert(row.try_get::<_, String>(0)?, row.try_get::<_, Vec<u8>>(1)?);
        }
        Ok(names.iter().map(|name| found.get(name).cloned()).collect())
    }

    pub(super) async fn write(
        &self,
        server: &Server,
        notes: &[(String, Vec<u8>)],
        lifetime: Duration,
    ) -> Result<(), PostgresError> {
        if !self.swept.swap(true, Ordering::Relaxed) {
            server
                .query("DELETE FROM oauthctl.note WHERE until < pg_catalog.clock_timestamp()", &[])
                .await?;
        }
        // Of two notes with one name the later counts.
        let notes: std::collections::BTreeMap<_, _> =
            notes.iter().map(|(name, value)| (name, value)).collect();
        let (names, values): (Vec<_>, Vec<_>) = notes.into_iter().unzip();
        let seconds = lifetime.as_secs_f64();
        let sql = "INSERT INTO oauthctl.note (name, value, until) \
                   SELECT name, value, pg_catalog.clock_timestamp() + $3 * interval '1 second' \
                   FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS new (name, value) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value, until = excluded.until";
        server
            .query(
                sql,
                &[
                    (&names, Type::TEXT_ARRAY),
                    (&values, Type::BYTEA_ARRAY),
                    (&seconds, Type::FLOAT8),
                ],
            )
            .await?;
        Ok(())
    }

    pub(super) async fn remove(
        &self,
        server: &Server,
        names: &[String],
    ) -> Result<(), PostgresError> {
        server
            .query("DELETE FROM oauthctl.note WHERE name = ANY ($1)", &[(&names, Type::TEXT_ARRAY)])
            .await?;
        Ok(())
    }
}
