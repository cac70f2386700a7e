//! Detects stores that are behind their server: copies of a store that an app continues to use, and
//! stores restored from a backup. A run that finds a record older than the server's state stops the
//! group and writes a note. Later runs send nothing of the group that has not been written since.
//!
//! A single such record, while others could be refreshed, does not block later runs: an app that
//! crashed between answer and write leaves one, too, and blocked sessions expire.

use jiff::SignedDuration;
use tracing::debug;

use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::Refresher;
use crate::hashes::fingerprint;
use crate::maintenance::behind::Behind;
use crate::maintenance::breaker::Group;
use crate::maintenance::runner::Retry;
use crate::session::Note;
use crate::store::Stored;

/// Time after which two findings count as unrelated. For this time after the second one, only
/// records written since are sent.
const PROBATION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Treatment of earlier findings.
#[derive(Clone, Copy)]
pub(in crate::maintenance) enum Finds {
    /// Tolerates a single finding, because blocked sessions may expire.
    TolerateOne,
    /// Heeds each finding, for operations that would end sessions.
    Heed,
}

impl Refresher {
    /// Refuses to send the token of a record that may be older than the server's state: one not
    /// written since such a record of its group was found. Once the server accepts a record that
    /// its app has written since, the store counts as up to date, after a second finding only with
    /// a delay.
    pub(in crate::maintenance) async fn check_not_behind(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        finds: Finds,
    ) -> Result<(), Outcome> {
        let group = ready.group();
        let Some(behind) = self.noted_behind(&group).await? else { return Ok(()) };
        let is_tolerated = matches!(finds, Finds::TolerateOne) && behind.is_isolated();
        if self.parts.insists || is_tolerated {
            return Ok(());
        }
        if behind.is_before(stored, self.parts.clock.now()) {
            if !self.wrote(stored, ready).await {
                self.behind.moved().insert(group);
            }
            return Ok(());
        }
        let is_believed = behind.times <= 1 || self.is_over(behind);
        let has_moved = self.behind.moved().contains(&group);
        if is_believed && has_moved && self.issuers.has_worked(&group) {
            return Ok(());
        }
        let why = format!(
            "not attempted: on {} a record was older than its session at the server, which ended the session, and this record has not been written since. Is this store a copy or a restored backup? Name the session to try it anyway",
            behind.at
        );
        // A record that was written since may be refreshed in this run.
        Err(Outcome::Unknown(why, if is_believed { Retry::Soon } else { Retry::Never }))
    }

    fn is_over(&self, behind: Behind) -> bool {
        self.parts.clock.now().duration_since(behind.at) > PROBATION
    }

    /// Checks whether the record's token was written by oauthctl, and not by the app.
    async fn wrote(&self, stored: &Stored, ready: &Ready<'_>) -> bool {
        self.earlier_note(stored).await.wrote_at(&ready.refresh_token).is_some()
    }

    /// Notes that a record of the group was older than the server's state.
    pub(in crate::maintenance) async fn set_behind(&self, ready: &Ready<'_>) {
        let group = ready.group();
        let earlier = self.noted_behind(&group).await.ok().flatten();
        // Sessions refreshed earlier in this run were up to date.
        let at = self.parts.assessor.now();
        let times = match earlier {
            Some(behind) if behind.at == at => behind.times,
            Some(behind) if !self.is_over(behind) => behind.times.saturating_add(1),
            _ => 1,
        };
        let had_worked = self.issuers.has_worked(&group);
        let behind = Behind { at, times, had_worked };
        self.behind.groups().insert(group.clone(), Some(behind));
        let Ok(note) = serde_json::to_vec(&behind) else { return };
        if let Err(error) = self
            .parts
            .store
            .write_notes(&[(self.name_of_behind(&group), note)], Note::LIFETIME)
            .await
        {
            debug!("cannot note that the store is outdated: {error:#}");
        }
    }

    /// Returns the note about the group, read once per run.
    async fn noted_behind(&self, group: &Group) -> Result<Option<Behind>, Outcome> {
        let known = self.behind.groups().get(group).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let noted = self.parts.store.notes(&[self.name_of_behind(group)]).await;
        let noted =
            noted.map_err(|e| self.store_trouble("cannot read the notes", &e))?.pop().flatten();
        let behind = noted.and_then(|note| serde_json::from_slice(&note).ok());
        Ok(*self.behind.groups().entry(group.clone()).or_insert(behind))
    }

    fn name_of_behind(&self, group: &Group) -> String {
        let kid = group.kid.as_deref().unwrap_or_default();
        format!(
            "behind:{}",
            fingerprint(
                [group.issuer.as_str(), self.parts.client_id.as_str(), kid].join("\n").as_bytes()
            )
        )
    }
}
