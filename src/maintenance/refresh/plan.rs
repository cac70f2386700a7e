//! Plan of a refresh: decides about each session before anything is sent.

use std::cell::{Cell, RefCell};

use super::outcome::Outcome;
use crate::maintenance::assess::Assessor;
use crate::maintenance::estimate::Estimate;
use crate::maintenance::runner::{Event, Step};
use crate::maintenance::selection::{Meant, Noted, healthiest_first};
use crate::session::{Age, NO_REFRESH_TOKEN, Status, Summary};

/// Selection of sessions to refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Due,
    Expired,
    All,
}

/// Decides about each session before anything is sent.
pub struct Planner<'a> {
    assessor: &'a Assessor,
    pub mode: Mode,
    /// True if sessions are named individually.
    is_named: bool,
    min_interval: Age,
    app_has_lock: bool,
    /// Number of selected sessions without any need for a refresh.
    not_meant: Cell<u64>,
    has_attempted: Cell<bool>,
    /// Estimate for the sessions to be refreshed.
    pub estimate: RefCell<Estimate>,
}

enum Decision {
    Refresh,
    Settled(Outcome),
    NotMeant,
}

impl<'a> Planner<'a> {
    /// Creates the planner of a run.
    pub fn new(
        assessor: &'a Assessor,
        mode: Mode,
        is_named: bool,
        min_interval: Age,
        app_has_lock: bool,
    ) -> Self {
        Self {
            assessor,
            mode,
            is_named,
            min_interval,
            app_has_lock,
            not_meant: Cell::default(),
            has_attempted: Cell::default(),
            estimate: RefCell::default(),
        }
    }

    /// Returns the number of selected sessions without any need for a refresh.
    pub fn not_meant(&self) -> u64 {
        self.not_meant.get()
    }

    /// Checks whether any session was to be refreshed.
    pub fn has_attempted(&self) -> bool {
        self.has_attempted.get()
    }

    /// Returns the steps for these sessions.
    pub fn steps(&self, mut sessions: Vec<Noted>) -> Vec<Step<Outcome>> {
        healthiest_first(self.assessor, &mut sessions);
        let step = |(session, note): Noted| {
            let decision = {
                let summary = self.assessor.summary(&session, note.as_ref());
                let decision = self.decision(&summary);
                if matches!(decision, Decision::Refresh) {
                    self.estimate.borrow_mut().add(&summary);
                }
                decision
            };
            match decision {
                Decision::Refresh => {
                    self.has_attempted.set(true);
                    Some(Step::Work(session))
                }
                Decision::Settled(outcome) => Some(Step::Done(Event { session, outcome })),
                Decision::NotMeant => None,
            }
        };
        sessions.into_iter().filter_map(step).collect()
    }

    /// Decides whether a session requires work or a report, and counts those that require neither.
    pub fn means(&self, session: &Summary<'_>) -> Meant {
        match self.decision(session) {
            Decision::Refresh => Meant::Work,
            Decision::Settled(_) => Meant::Report,
            Decision::NotMeant => {
                self.not_meant.update(|n| n + u64::from(session.status != Status::Foreign));
                Meant::No
            }
        }
    }

    fn decision(&self, session: &Summary<'_>) -> Decision {
        let reason = || session.reason.as_deref().unwrap_or_default().to_owned();
        // An unreadable expiry does not mean that the token has expired.
        let expired = session
            .expires_at
            .map_or(!session.has_unreadable_expiry, |at| at <= self.assessor.now());
        match (session.status, self.mode) {
            (Status::Fresh | Status::Idle | Status::Suspect, Mode::Due) => {
                return Decision::NotMeant;
            }
            (_, Mode::Expired) if !expired => return Decision::NotMeant,
            (Status::Blocked, _) => return Decision::Settled(Outcome::Blocked(reason())),
            (Status::Dead | Status::Malformed | Status::Foreign, Mode::All) => {
                let why = format!("{}: {}", session.status.name(), reason());
                return Decision::Settled(Outcome::Skipped(why.into()));
            }
            (Status::Dead | Status::Malformed | Status::Foreign, _) => return Decision::NotMeant,
            _ => {}
        }
        match self.assessor.too_recent(
            session,
            self.min_interval,
            self.app_has_lock || self.is_named,
        ) {
            Some(why) => Decision::Settled(Outcome::Skipped(why.into())),
            None if session.refresh_token.is_none() => {
                Decision::Settled(Outcome::Blocked(NO_REFRESH_TOKEN.to_owned()))
            }
            None => Decision::Refresh,
        }
    }
}
