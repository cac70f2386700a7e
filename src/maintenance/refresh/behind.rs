//! Stores that are behind their server: a copy of a store that an app goes on with, or one restored
//! from a backup. A run that meets a record older than what the server knows stops there and notes
//! that, and later runs send nothing of the group that has not been written since.
//!
//! A single find among sessions that could be refreshed holds no later run back: an app that crashed
//! between answer and write leaves such a record, too, and sessions that are held back expire.

use jiff::SignedDuration;
use tracing::debug;

use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::Refresher;
use crate::maintenance::behind::Behind;
use crate::maintenance::breaker::Group;
use crate::maintenance::runner::Retry;
use crate::session::{Note, fingerprint};
use crate::store::Stored;

/// Two finds further apart have separate causes. For so long after the second one, only records that
/// were written since are sent.
const PROBATION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What earlier finds mean for a record.
#[derive(Clone, Copy)]
pub(in crate::maintenance) enum Finds {
    /// An isolated one means nothing: a session that is held back may expire.
    TolerateOne,
    /// Each holds back what would end sessions.
    Heed,
}

impl Refresher {
    /// Refuses to send the token of a record that may be older than what the server knows: one that
    /// has not been written since another of its group was. Where the server takes one that its
    /// app has written since, the store has moved on; after the second find that is not believed at
    /// once.
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
            "not attempted: on {} a record was older than what the server knows, and cost its session; this one has not \
             been written since. Is this store a copy, or restored from a backup? It is tried where you name the session",
            behind.at
        );
        // One that was may be refreshed in this run yet.
        Err(Outcome::Unknown(why, if is_believed { Retry::Soon } else { Retry::Never }))
    }

    fn is_over(&self, behind: Behind) -> bool {
        self.parts.clock.now().duration_since(behind.at) > PROBATION
    }

    /// Checks whether oauthctl has put the record's token there, and not the app.
    async fn wrote(&self, stored: &Stored, ready: &Ready<'_>) -> bool {
        self.earlier_note(stored).await.wrote_at(&ready.refresh_token).is_some()
    }

    /// Notes that a record of the group was older than what the server knows.
    pub(in crate::maintenance) async fn set_behind(&self, ready: &Ready<'_>) {
        let group = ready.group();
        let earlier = self.noted_behind(&group).await.ok().flatten();
        // What this run has refreshed before was in step.
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
            debug!("not noted that the store is behind: {error:#}");
        }
    }

    /// What is noted of the group; read once a run.
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
            fingerprint([&group.issuer, self.parts.client_id.as_str(), kid].join("\n").as_bytes())
        )
    }
}
