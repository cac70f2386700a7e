//! Circuit breaker for the store: fails fast after a connection loss instead of timing out once per
//! session.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Consecutive failures, each after all retries, after which the store is not used for the rest of
/// the run.
const TROUBLES: u32 = 3;

/// State of the store in this run.
#[derive(Debug, Default)]
pub struct StoreBreaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Consecutive failures.
    troubles: u32,
    /// First of them.
    cause: Option<Arc<str>>,
    fails: bool,
}

impl StoreBreaker {
    /// Records a success.
    pub fn works(&self) {
        let mut state = self.state();
        if !state.fails {
            *state = State::default();
        }
    }

    /// Records a failure after which the next operation may succeed.
    pub fn trouble(&self, cause: impl fmt::Display) {
        let mut state = self.state();
        state.troubles += 1;
        state.blame(cause);
        state.fails |= state.troubles >= TROUBLES;
    }

    /// Opens the breaker: tokens could be kept only in the recovery directory, which has room for
    /// work in progress, but not for more.
    pub fn fail(&self, cause: impl fmt::Display) {
        let mut state = self.state();
        state.blame(cause);
        state.fails = true;
    }

    /// Checks whether the breaker is open, so that no new work may start.
    pub fn fails(&self) -> bool {
        self.state().fails
    }

    /// Returns the reason for which no new work starts, with the first failure. `None` while the
    /// breaker is closed.
    pub fn objection(&self) -> Option<String> {
        let state = self.state();
        let cause = state.cause.as_deref().filter(|_| state.fails)?;
        Some(format!("not attempted, because the store fails: {cause}"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn blame(&mut self, cause: impl fmt::Display) {
        self.cause.get_or_insert_with(|| cause.to_string().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_in_a_row_count() {
        let health = StoreBreaker::default();
        for _ in 0..TROUBLES * 2 {
            health.trouble("no answer");
            health.trouble("no answer");
            health.works();
            assert!(!health.fails());
        }
        for _ in 0..TROUBLES {
            health.trouble("no answer");
        }
        health.trouble("another");
        health.works();
        assert_eq!(
            health.objection().as_deref(),
            Some("not attempted, because the store fails: no answer")
        );
    }
}
