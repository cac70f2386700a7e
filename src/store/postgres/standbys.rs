//! Standbys that may take over from a server: their number, and whether they have received the
//! written data.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::error::PostgresError;
use super::server::{self, Server};
use crate::store::checkpoint::majority;

/// Time for which a server counts as having no standbys before it is asked again.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// Timeout for the standbys to have all data.
const PATIENCE: Duration = Duration::from_millis(500);

const POLL: Duration = Duration::from_millis(10);

/// Query for the standbys of a server, by its WAL senders. All roles can see these, and the
/// position of a slot; the rest requires `pg_read_all_stats`. Backups and logical decoding are not
/// standbys.
const STANDBYS: &str = "pg_catalog.pg_stat_replication r \
    LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid \
    WHERE coalesce(s.slot_type, 'physical') = 'physical' AND coalesce(r.state, '') <> 'backup' \
    AND coalesce(r.application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')";

/// Replication state reported by a primary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Identifier of the cluster, `None` if not reported.
    pub cluster: Option<String>,
    /// Timeline in eight hexadecimal digits. A promoted standby starts the next one.
    pub timeline: Option<String>,
    /// Number of standbys.
    pub attached: usize,
}

impl Head {
    /// Checks that both are of one server, and no other has taken over in between.
    pub fn has_history_of(&self, other: &Self) -> bool {
        (&self.cluster, &self.timeline) == (&other.cluster, &other.timeline)
    }
}

/// Asks a server for its replication state. Fails if it is a standby or does not answer.
pub async fn head(client: &Client) -> Result<Head, PostgresError> {
    let sql = "SELECT pg_catalog.pg_is_in_recovery()";
    let answer = server::query(client, sql, &[]).await?;
    if answer.first().map(|row| row.try_get(0)).transpose()? == Some(true) {
        return Err(PostgresError::unreached("the server is a standby at the moment"));
    }
    let sql = format!(
        "SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()), \
         pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8), \
         (SELECT count(*) FROM {STANDBYS})"
    );
    let rows = match server::query(client, &sql, &[]).await {
        Ok(rows) => rows,
        // Compatible servers lack parts of it.
        Err(error) if error.is_refusal() => return Ok(Head::default()),
        Err(error) => return Err(error),
    };
    let Some(row) = rows.first() else { return Ok(Head::default()) };
    Ok(Head {
        cluster: row.try_get(0)?,
        timeline: row.try_get(1)?,
        attached: usize::try_from(row.try_get::<_, i64>(2)?).unwrap_or(0),
    })
}

/// Progress of the standbys.
pub struct Progress {
    pub attached: usize,
    /// Number of those with all data, `None` if this role may not know.
    pub reached: Option<usize>,
}

/// Waits for up to `most` standbys, for a limited time, until they have all earlier writes.
pub async fn progress(server: &Server, most: usize) -> Result<Progress, PostgresError> {
    let answer = server.query("SELECT pg_catalog.pg_current_wal_flush_lsn()::text", &[]).await?;
    let Some(row) = answer.first() else { return Err(PostgresError::late()) };
    let position: String = row.try_get(0)?;
    let sql = format!(
        "SELECT count(*), count(lsn), count(*) FILTER (WHERE lsn >= $1::text::pg_catalog.pg_lsn) FROM \
         (SELECT coalesce(r.flush_lsn, s.restart_lsn) AS lsn FROM {STANDBYS}) AS standby"
    );
    let begun = Instant::now();
    loop {
        let rows = server.query(&sql, &[(&position, Type::TEXT)]).await?;
        let Some(row) = rows.first() else { return Err(PostgresError::late()) };
        let count = |at: usize| -> Result<usize, PostgresError> {
            Ok(usize::try_from(row.try_get::<_, i64>(at)?).unwrap_or(0))
        };
        let (attached, known, reached) = (count(0)?, count(1)?, count(2)?);
        let is_enough = reached >= majority(most);
        if is_enough || known < attached || begun.elapsed() > PATIENCE {
            let reached = (is_enough || known == attached).then_some(reached);
            return Ok(Progress { attached, reached });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Standbys of a server, as seen in this run.
#[derive(Default)]
pub struct Standbys(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Maximum number at any time.
    most: usize,
    asked: Option<Instant>,
    head: Head,
}

impl Standbys {
    /// Checks whether another server may take over without the written data: always if the address
    /// names several, else if standbys were seen in this run.
    pub async fn may_take_over(&self, server: &Server) -> bool {
        if server.is_several() {
            return true;
        }
        let is_known = {
            let known = self.known();
            known.most > 0 || known.asked.is_some_and(|asked| asked.elapsed() < FORGOTTEN_AFTER)
        };
        if !is_known && self.ask(server).await.is_err() {
            // A lost server may have had some.
            return true;
        }
        self.most() > 0
    }

    /// Asks the server for its standbys.
    pub async fn ask(&self, server: &Server) -> Result<(), PostgresError> {
        let client = server.client().await?;
        let head = head(&client).await?;
        server.keep(client);
        self.meet(&head);
        Ok(())
    }

    /// Records the state that a server reports. Another history means other standbys.
    pub fn meet(&self, head: &Head) {
        let mut known = self.known();
        if !known.head.has_history_of(head) {
            known.most = 0;
        }
        known.most = known.most.max(head.attached);
        known.asked = Some(Instant::now());
        known.head = head.clone();
    }

    /// Returns the maximum number of standbys of the server at any time.
    pub fn most(&self) -> usize {
        self.known().most
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_standby_is_remembered_until_another_takes_over() {
        let standbys = Standbys::default();
        let head = |timeline: &str, attached| Head {
            cluster: Some("1".to_owned()),
            timeline: Some(timeline.to_owned()),
            attached,
        };
        standbys.meet(&head("00000001", 2));
        standbys.meet(&head("00000001", 0));
        assert_eq!(standbys.most(), 2);
        standbys.meet(&head("00000002", 0));
        assert_eq!(standbys.most(), 0);
    }
}
