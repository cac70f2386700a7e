//! Counts of what became of sessions.

use serde::Serialize;

use super::refresh::Outcome;

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
