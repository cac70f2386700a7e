//! Standbys that may take over from a server: how many there are, and whether they have received
//! what was written.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::error::Trouble;
use super::server::{self, Server};
use crate::store::checkpoint::majority;

/// For how long a server is believed to have no standbys. Then it is asked again: they come and go.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// How long standbys may take to have everything.
const PATIENCE: Duration = Duration::from_millis(500);

const POLL: Duration = Duration::from_millis(10);

/// The standbys of a server, by the processes that send them its log. Every role sees the processes,
/// and how far a slot is; the rest is for `pg_read_all_stats`. What copies the log or decodes it
/// takes over from nobody.
const STANDBYS: &str = "pg_catalog.pg_stat_replication r \
    LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid \
    WHERE coalesce(s.slot_type, 'physical') = 'physical' AND coalesce(r.state, '') <> 'backup' \
    AND coalesce(r.application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')";

/// What a primary says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Identifier of the cluster; none where the server does not say.
    pub cluster: Option<String>,
    /// Timeline, in eight hexadecimal digits. A standby that is promoted begins the next one.
    pub timeline: Option<String>,
    /// Standbys.
    pub attached: usize,
}

impl Head {
    /// Checks that both are of one server, and no other has taken over in between.
    pub fn has_history_of(&self, other: &Self) -> bool {
        (&self.cluster, &self.timeline) == (&other.cluster, &other.timeline)
    }
}

/// Asks a server about itself. An error says that it is a standby, or does not answer.
pub async fn head(client: &Client) -> Result<Head, Trouble> {
    let sql = "SELECT pg_catalog.pg_is_in_recovery()";
    let answer = server::query(client, sql, &[]).await?;
    if answer.first().map(|row| row.try_get(0)).transpose()? == Some(true) {
        return Err(Trouble::unreached("the server is a standby at the moment"));
    }
    let sql = format!(
        "SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()), \
         pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8), \
         (SELECT count(*) FROM {STANDBYS})"
    );
    let rows = match server::query(client, &sql, &[]).await {
        Ok(rows) => rows,
        // Compatible servers lack some of it.
        Err(trouble) if trouble.is_refusal() => return Ok(Head::default()),
        Err(trouble) => return Err(trouble),
    };
    let Some(row) = rows.first() else { return Ok(Head::default()) };
    Ok(Head {
        cluster: row.try_get(0)?,
        timeline: row.try_get(1)?,
        attached: usize::try_from(row.try_get::<_, i64>(2)?).unwrap_or(0),
    })
}

/// How far the standbys are.
pub struct Progress {
    pub attached: usize,
    /// Those that have everything; none where this role may not know.
    pub reached: Option<usize>,
}

/// Waits for so many standbys, or a moment, until they have what was written before.
pub async fn progress(server: &Server, most: usize) -> Result<Progress, Trouble> {
    let answer = server.query("SELECT pg_catalog.pg_current_wal_flush_lsn()::text", &[]).await?;
    let Some(row) = answer.first() else { return Err(Trouble::late()) };
    let position: String = row.try_get(0)?;
    let sql = format!(
        "SELECT count(*), count(lsn), count(*) FILTER (WHERE lsn >= $1::text::pg_catalog.pg_lsn) FROM \
         (SELECT coalesce(r.flush_lsn, s.restart_lsn) AS lsn FROM {STANDBYS}) AS standby"
    );
    let begun = Instant::now();
    loop {
        let rows = server.query(&sql, &[(&position, Type::TEXT)]).await?;
        let Some(row) = rows.first() else { return Err(Trouble::late()) };
        let count = |at: usize| -> Result<usize, Trouble> {
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

/// What is known of a server's standbys in this run.
#[derive(Default)]
pub struct Standbys(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The most there were at the same time.
    most: usize,
    asked: Option<Instant>,
    head: Head,
}

impl Standbys {
    /// Tells whether another server may take over without what was written: as a rule where the address
    /// names several, else where standbys were seen in this run.
    pub async fn may_take_over(&self, server: &Server) -> bool {
        if server.is_several() {
            return true;
        }
        let is_known = {
            let known = self.known();
            known.most > 0 || known.asked.is_some_and(|asked| asked.elapsed() < FORGOTTEN_AFTER)
        };
        if !is_known && self.ask(server).await.is_err() {
            // A server that is gone may have had some.
            return true;
        }
        self.most() > 0
    }

    /// Asks the server about its standbys.
    pub async fn ask(&self, server: &Server) -> Result<(), Trouble> {
        let client = server.client().await?;
        let head = head(&client).await?;
        server.keep(client);
        self.meet(&head);
        Ok(())
    }

    /// Takes in what a server says of itself. One with another history has other standbys.
    pub fn meet(&self, head: &Head) {
        let mut known = self.known();
        if !known.head.has_history_of(head) {
            known.most = 0;
        }
        known.most = known.most.max(head.attached);
        known.asked = Some(Instant::now());
        known.head = head.clone();
    }

    /// Returns the most standbys that the server has had at the same time.
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
