//! Refreshing many sessions: what a run of exchanges does with each, and how it is counted.

use std::time::Duration;

use serde::Serialize;

use super::refresh::Exchanger;
use super::refresh::{Outcome, Retry};
use super::runner::Work;
use crate::store::Stored;

impl Work for Exchanger {
    type Outcome = Outcome;

    async fn run(&self, session: &Stored) -> Outcome {
        self.exchange(session).await
    }

    fn retry(outcome: &Outcome) -> Retry {
        match outcome {
            Outcome::Unknown(_, retry) => *retry,
            _ => Retry::Never,
        }
    }

    fn crashed() -> Outcome {
        Outcome::Unknown("oauthctl failed; please report it".to_owned(), Retry::Never)
    }

    async fn wind_up(&self, within: Duration) -> bool {
        self.note_worked_keys().await;
        self.store_all_waiting(within).await
    }

    async fn confirm(&self) {
        self.confirm_all().await;
    }
}

/// Counts of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`Outcome::Refreshed`]
    pub refreshed: u64,
    /// [`Outcome::Skipped`]
    pub skipped: u64,
    /// [`Outcome::Gone`]
    pub gone: u64,
    /// [`Outcome::Blocked`]
    pub blocked: u64,
    /// [`Outcome::Unknown`]
    pub unknown: u64,
}

impl Report {
    /// Counts one.
    pub fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Refreshed => &mut self.refreshed,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::Gone(_) => &mut self.gone,
            Outcome::Blocked(_) => &mut self.blocked,
            Outcome::Unknown(..) => &mut self.unknown,
        } += 1;
    }
}
