//! Removing sessions that have ended, settling those that may have, and signing out users who have
//! been away.

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

/// Without asking the server, a session is taken for ended only beyond the longest life that the
/// atproto OAuth profile allows a refresh token: 180 days.
const LONGEST_LIFETIME: Age = Age::from_secs(180 * 86_400);

/// What may be removed.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Sign out sessions whose user has been away for this long.
    pub inactive: Option<Age>,
    /// Remove records that are no sessions and nobody's.
    pub malformed: bool,
    /// Ask nobody.
    pub offline: bool,
}

/// What to do with one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It can never be refreshed: its record goes.
    RemoveDead,
    /// Offline, and older than any session lives: its record goes.
    RemoveOld,
    /// It is no session: its record goes, as asked.
    RemoveMalformed,
    /// It may have ended: the server is asked once, by an exchange.
    Ask,
    /// Its user has been away: it is revoked with proof, and its record goes.
    SignOut,
}

/// How one session's turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pruned {
    /// Its record is gone.
    Removed(Action),
    /// The server says that it lives; it was refreshed.
    Alive,
    /// It was refreshed first, and so has proved the configuration right.
    Witness,
    /// It was to be, and the server said that it has ended.
    Refused(String),
    /// The app touched it after planning.
    Changed,
    /// It could not be settled now.
    Unsettled(String, Retry),
}

/// What a run will do: counts by action in the order of [`Action`], and who is left out for want of
/// observation.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// Sessions read.
    pub read: u64,
    /// Sessions by what is to be done with them.
    pub actions: BTreeMap<Action, u64>,
    /// Asked for by inactivity, but too little of the time could be observed.
    pub unobservable: u64,
    /// Perhaps records of another layout, library or program.
    pub foreign: u64,
}

named! {
    /// Kinds of [`Pruned`].
    pub enum PruneResult {
        Dead = "dead",
        /// Removed: the server said that they had ended.
        Ended = "ended",
        /// Removed without asking: older than any session lives.
        Old = "old",
        Malformed = "malformed",
        SignedOut = "signed_out",
        Alive = "alive",
        /// Refreshed first, as proof that the configuration is right.
        Witness = "witnesses",
        /// Refreshed first, and refused. What their group is worth after that, the group's own counts say.
        Refused = "refused",
        /// Touched by the app after planning, and kept.
        Changed = "changed",
        Unsettled = "unsettled",
    }
}

impl PruneResult {
    /// Kinds whose records are gone.
    pub const REMOVED: [Self; 5] =
        [Self::Dead, Self::Ended, Self::Old, Self::Malformed, Self::SignedOut];
}

/// Settles sessions.
pub struct Pruner {
    /// Where the sessions are.
    pub store: Arc<dyn Store>,
    /// Speaks to the servers, where the plan needs it.
    pub online: Option<Revoker>,
    /// Judges anew what was planned: the app goes on meanwhile.
    pub assessor: Assessor,
    /// What may be removed.
    pub rules: Rules,
    /// Whether the store is worth asking.
    pub health: StoreBreaker,
}

impl Action {
    /// What it would be to the session.
    pub fn intent(self) -> &'static str {
        match self {
            Self::RemoveDead | Self::RemoveOld | Self::RemoveMalformed => "would remove",
            Self::Ask => "would ask",
            Self::SignOut => "would sign out",
        }
    }

    /// What is done to so many sessions, and why; after "remove", "ask", "sign out".
    pub fn reason(self) -> &'static str {
        match self {
            Self::RemoveDead => "dead",
            Self::RemoveOld => "older than any session lives",
            Self::RemoveMalformed => "malformed",
            Self::Ask => "suspect",
            Self::SignOut => "away",
        }
    }
}

impl Rules {
    /// What to do with a session, if anything. `Err` when it was asked for, and yet is not to be
    /// touched.
    pub fn action(
        &self,
        summary: &Summary<'_>,
        note: Option<&Note>,
        assessor: &Assessor,
    ) -> Result<Option<Action>, Kept> {
        match summary.status {
            Status::Malformed => return Ok(self.malformed.then_some(Action::RemoveMalformed)),
            // The layout may be the wrong one, or a prefix shared: a living session must not pay
            // for that.
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

/// Why a session is kept that was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    /// Too little of the time could be observed to say whether its user was away.
    Unobservable,
    /// Perhaps a record of another layout, library or program.
    Foreign,
}

impl Plan {
    /// What is limited in number.
    const BULK: [Action; 2] = [Action::RemoveMalformed, Action::SignOut];

    /// Takes a session in, and says what is to be done with it.
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

    /// Checks whether any server must be asked.
    pub fn needs_servers(&self) -> bool {
        [Action::Ask, Action::SignOut].iter().any(|action| self.actions.contains_key(action))
    }

    /// Checks whether anything goes for its age, without the server having a say.
    pub fn goes_by_age(&self) -> bool {
        [Action::RemoveOld, Action::SignOut].iter().any(|action| self.actions.contains_key(action))
    }

    /// How many sessions would end, or lose their record, without the server having a say in
    /// whether they live.
    pub fn in_bulk(&self) -> u64 {
        Self::BULK.iter().filter_map(|action| self.actions.get(action)).sum()
    }

    /// Leaves these as they are.
    pub fn leave_bulk(&mut self) {
        self.actions.retain(|action, _| !Self::BULK.contains(action));
    }

    /// How many sessions something is to be done with.
    pub fn total(&self) -> u64 {
        self.actions.values().sum()
    }
}

impl Pruned {
    /// Returns the kind of the outcome.
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
            // It has become so since the plan was made; the next run sees to it.
            (Ok(_) | Err(_), _) => Ok(Pruned::Changed),
        }
    }

    /// Refreshes a witness; none when that was not needed after all.
    pub async fn prove(&self, witness: Stored) -> Option<Event<Pruned>> {
        let outcome = match self.online.as_ref()?.refresher.refresh(&witness).await {
            Outcome::Refreshed => Pruned::Witness,
            Outcome::Skipped(_) => return None,
            Outcome::Gone(why) => Pruned::Refused(why),
            Outcome::Blocked(why) | Outcome::Unknown(why, _) => {
                Pruned::Unsettled(why, Retry::Never)
            }
        };
        Some(Event { session: witness, outcome })
    }

    /// Lifetimes are a server's choice, so the server has the last word.
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
