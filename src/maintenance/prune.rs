//! Removes ended sessions, settles doubtful ones, and signs out inactive users.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::assess::Assessor;
use super::breaker::StoreBreaker;
use super::refresh::Outcome;
use super::revoke::{Revoked, Revoker};
use super::runner::{Event, Retry, Work};
use crate::session::{Age, Note, Presence, Status, Summary};
use crate::store::{Kind, Store, Stored, Written};
use crate::text::named;

/// Age from which a session counts as ended without asking the server: the maximum lifetime of a
/// refresh token in the atproto OAuth profile, 180 days.
const LONGEST_LIFETIME: Age = Age::from_secs(180 * 86_400);

/// Removal options.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Signs out sessions whose user has been inactive for this time.
    pub inactive: Option<Age>,
    /// Removes records that are not sessions and belong to no one.
    pub malformed: bool,
    /// Sends no requests.
    pub offline: bool,
}

/// Action for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Remove: it can never be refreshed.
    RemoveDead,
    /// Remove: offline, and older than any session lives.
    RemoveOld,
    /// Remove on request: it is not a session.
    RemoveMalformed,
    /// Ask the server once, with a refresh, because it may have ended.
    Ask,
    /// Revoke with proof and remove: its user is inactive.
    SignOut,
}

/// Result for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pruned {
    /// The record was removed.
    Removed(Action),
    /// The session is alive, and was refreshed.
    Alive,
    /// The session was refreshed first, to verify the configuration.
    Witness,
    /// The session was to be refreshed first, and the server reported that it had ended.
    Refused(String),
    /// The app changed the record after planning.
    Changed,
    /// The state of the session could not be determined now.
    Unsettled(String, Retry),
}

/// Plan of a run: number of sessions by [`Action`], and those that cannot be assessed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PrunePlan {
    /// Sessions read.
    pub read: u64,
    /// Number of sessions by action.
    #[serde(flatten)]
    pub actions: BTreeMap<Action, u64>,
    /// Sessions for which too little of the period of inactivity could be observed.
    pub unobservable: u64,
    /// Records that may belong to another layout, library or program.
    pub foreign: u64,
}

named! {
    /// Kinds of [`Pruned`].
    pub enum PruneResult {
        Dead = "dead",
        /// Removed: the server reported that they had ended.
        Ended = "ended",
        /// Removed without asking: older than any session lives.
        Old = "old",
        Malformed = "malformed",
        SignedOut = "signed_out",
        Alive = "alive",
        /// Refreshed first, to verify the configuration.
        Witness = "witnesses",
        /// Refreshed first, and refused. The counts of their group show the consequence.
        Refused = "refused",
        /// Changed by the app after planning, and kept.
        Changed = "changed",
        Unsettled = "unsettled",
    }
}

impl PruneResult {
    /// Kinds with a removed record.
    pub const REMOVED: [Self; 5] =
        [Self::Dead, Self::Ended, Self::Old, Self::Malformed, Self::SignedOut];
}

/// Settles sessions.
pub struct Pruner {
    /// Store of the sessions.
    pub store: Arc<dyn Store>,
    /// Client of the servers, if the plan requires one.
    pub online: Option<Revoker>,
    /// Assesses planned sessions again, because the app may have changed them.
    pub assessor: Assessor,
    /// Removal options.
    pub rules: Rules,
    /// Circuit breaker of the store.
    pub health: StoreBreaker,
}

impl Action {
    /// Returns the action on a session as a verb phrase.
    pub fn intent(self) -> &'static str {
        match self {
            Self::RemoveDead | Self::RemoveOld | Self::RemoveMalformed => "would remove",
            Self::Ask => "would ask",
            Self::SignOut => "would sign out",
        }
    }

    /// Returns the reason for an action, to follow "remove", "ask" or "sign out".
    pub fn reason(self) -> &'static str {
        match self {
            Self::RemoveDead => "dead",
            Self::RemoveOld => "older than any session lives",
            Self::RemoveMalformed => "malformed",
            Self::Ask => "suspect",
            Self::SignOut => "inactive",
        }
    }
}

impl Rules {
    /// Returns the action for a session, if any. `Err` if it was selected but must not be changed.
    pub fn action(
        &self,
        summary: &Summary<'_>,
        note: Option<&Note>,
        assessor: &Assessor,
    ) -> Result<Option<Action>, Kept> {
        match summary.status {
            Status::Malformed => return Ok(self.malformed.then_some(Action::RemoveMalformed)),
            // The layout may be wrong, or a prefix shared: a living session must not be removed
            // because of that.
            Status::Foreign => return Err(Kept::Foreign),
            Status::Blocked => return Ok(None),
            Status::Dead => return Ok(Some(Action::RemoveDead)),
            Status::Suspect if !self.offline => return Ok(Some(Action::Ask)),
            Status::Suspect => {
                let old =
                    summary.last_refreshed_at.is_some_and(|at| assessor.age(at) > LONGEST_LIFETIME);
                return Ok(old.then_some(Action::RemoveOld));
            }
            Status::Fresh | Status::Idle | Status::Due => {}
        }
        let Some(period) = self.inactive.filter(|_| !self.offline) else { return Ok(None) };
        match Note::presence(note, summary, period, assessor.now()) {
            Presence::Away => Ok(Some(Action::SignOut)),
            Presence::Seen => Ok(None),
            Presence::Unobservable => Err(Kept::Unobservable),
        }
    }
}

/// Reason for which a selected session is kept.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    /// Too little of the period could be observed to determine the user's inactivity.
    Unobservable,
    /// May be a record of another layout, library or program.
    Foreign,
}

impl PrunePlan {
    /// Actions limited in number.
    const BULK: [Action; 2] = [Action::RemoveMalformed, Action::SignOut];

    /// Adds a session, and returns its action.
    pub fn add(&mut self, decided: Result<Option<Action>, Kept>) -> Option<Action> {
        self.read += 1;
        match decided {
            Ok(Some(action)) => {
                *self.actions.entry(action).or_default() += 1;
                Some(action)
            }
            Ok(None) => None,
            Err(kept) => {
                *match kept {
                    Kept::Unobservable => &mut self.unobservable,
                    Kept::Foreign => &mut self.foreign,
                } += 1;
                None
            }
        }
    }

    /// Checks whether a server must be asked.
    pub fn needs_servers(&self) -> bool {
        [Action::Ask, Action::SignOut].iter().any(|action| self.actions.contains_key(action))
    }

    /// Checks whether any session is removed by age without asking the server.
    pub fn goes_by_age(&self) -> bool {
        [Action::RemoveOld, Action::SignOut].iter().any(|action| self.actions.contains_key(action))
    }

    /// Returns the number of sessions that would be ended or removed without the server confirming
    /// their end.
    pub fn in_bulk(&self) -> u64 {
        Self::BULK.iter().filter_map(|action| self.actions.get(action)).sum()
    }

    /// Cancels these actions.
    pub fn leave_bulk(&mut self) {
        self.actions.retain(|action, _| !Self::BULK.contains(action));
    }

    /// Returns the number of sessions with an action.
    pub fn total(&self) -> u64 {
        self.actions.values().sum()
    }
}

impl Pruned {
    /// Returns the kind of the result.
    pub fn kind(&self) -> PruneResult {
        match self {
            Self::Removed(Action::RemoveDead) => PruneResult::Dead,
            Self::Removed(Action::RemoveOld) => PruneResult::Old,
            Self::Removed(Action::RemoveMalformed) => PruneResult::Malformed,
            Self::Removed(Action::Ask) => PruneResult::Ended,
            Self::Removed(Action::SignOut) => PruneResult::SignedOut,
            Self::Alive => PruneResult::Alive,
            Self::Witness => PruneResult::Witness,
            Self::Refused(_) => PruneResult::Refused,
            Self::Changed => PruneResult::Changed,
            Self::Unsettled(..) => PruneResult::Unsettled,
        }
    }
}

impl Work for Pruner {
    type Outcome = Pruned;

    async fn run(&self, session: &Stored) -> Pruned {
        if let Some(why) = self.health.objection() {
            return Pruned::Unsettled(why, Retry::Never);
        }
        match self.settle(session).await {
            Ok(outcome) => {
                self.health.works();
                outcome
            }
            Err(error) => {
                self.health.trouble(format_args!("{error:#}"));
                Pruned::Unsettled(format!("the store failed: {error}"), Retry::Soon)
            }
        }
    }

    fn retry(outcome: &Pruned) -> Retry {
        match outcome {
            Pruned::Unsettled(_, retry) => *retry,
            _ => Retry::Never,
        }
    }

    fn crashed() -> Pruned {
        Pruned::Unsettled("oauthctl failed; please report it".to_owned(), Retry::Never)
    }

    async fn wind_up(&self, within: Duration) -> bool {
        match &self.online {
            Some(online) => online.wind_up(within).await,
            None => false,
        }
    }

    async fn confirm(&self) {
        if let Some(online) = &self.online {
            online.confirm().await;
        }
    }
}

impl Pruner {
    async fn settle(&self, session: &Stored) -> anyhow::Result<Pruned> {
        let name = Note::name(&session.key.text());
        let note =
            self.store.notes(&[name]).await?.pop().flatten().and_then(|note| Note::parse(&note));
        let action = {
            let summary = self.assessor.summary(session, note.as_ref());
            self.rules.action(&summary, note.as_ref(), &self.assessor)
        };
        match (action, &self.online) {
            (Ok(Some(Action::Ask)), Some(online)) => self.ask(online, session).await,
            (Ok(Some(Action::SignOut)), Some(online)) => Ok(match online.run(session).await {
                Revoked::Confirmed => Pruned::Removed(Action::SignOut),
                Revoked::Skipped(_) => Pruned::Changed,
                Revoked::Unconfirmed(why, retry) => Pruned::Unsettled(why, retry),
                Revoked::Failed(why) | Revoked::Forgotten(why) => {
                    Pruned::Unsettled(why, Retry::Never)
                }
            }),
            (
                Ok(Some(
                    action @ (Action::RemoveDead | Action::RemoveOld | Action::RemoveMalformed),
                )),
                _,
            ) => self.remove(session, action).await,
            // Changed since planning. The next run will process it.
            (Ok(_) | Err(_), _) => Ok(Pruned::Changed),
        }
    }

    /// Refreshes a session to verify the configuration, `None` if no longer needed.
    pub async fn probe(&self, session: Stored) -> Option<Event<Pruned>> {
        let outcome = match self.online.as_ref()?.refresher.refresh(&session).await {
            Outcome::Refreshed => Pruned::Witness,
            Outcome::Skipped(_) => return None,
            Outcome::Gone(why) => Pruned::Refused(why),
            Outcome::Blocked(why) | Outcome::Unknown(why, _) => {
                Pruned::Unsettled(why, Retry::Never)
            }
        };
        Some(Event { session, outcome })
    }

    /// Asks the server, which determines the lifetime of its sessions.
    async fn ask(&self, online: &Revoker, session: &Stored) -> anyhow::Result<Pruned> {
        match online.refresher.refresh(session).await {
            Outcome::Gone(_) => self.remove(session, Action::Ask).await,
            Outcome::Refreshed => Ok(Pruned::Alive),
            Outcome::Skipped(_) => Ok(Pruned::Changed),
            Outcome::Blocked(why) => Ok(Pruned::Unsettled(why, Retry::Never)),
            Outcome::Unknown(why, retry) => Ok(Pruned::Unsettled(why, retry)),
        }
    }

    async fn remove(&self, session: &Stored, action: Action) -> anyhow::Result<Pruned> {
        let written = self.store.remove(Kind::Session, std::slice::from_ref(session)).await?;
        Ok(if written == [Written::Done] { Pruned::Removed(action) } else { Pruned::Changed })
    }
}
