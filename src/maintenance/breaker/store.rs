//! Whether the store is worth asking. Whoever asks one that is gone waits for long before they
//! know, and hundreds of sessions must not find it out one after the other.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many failures in a row, each after all patience, and a store is left alone for the rest of
/// the run.
const TROUBLES: u32 = 3;

/// How the store has fared in this run.
#[derive(Debug, Default)]
pub struct StoreBreaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Failures in a row.
    troubles: u32,
    /// The first of them.
    cause: Option<Arc<str>>,
    fails: bool,
}

impl StoreBreaker {
    /// It has done what it was asked.
    pub fn works(&self) {
        let mut state = self.state();
        if !state.fails {
            *state = State::default();
        }
    }

    /// It has not, for this reason, and perhaps the next one is luckier.
    pub fn trouble(&self, cause: impl fmt::Display) {
        let mut state = self.state();
        state.troubles += 1;
        state.blame(cause);
        state.fails |= state.troubles >= TROUBLES;
    }

    /// Tokens could be kept in the recovery directory only. It has room for what is under way, and
    /// not for more.
    pub fn fail(&self, cause: impl fmt::Display) {
        let mut state = self.state();
        state.blame(cause);
        state.fails = true;
    }

    /// Checks whether nothing more is to be begun.
    pub fn fails(&self) -> bool {
        self.state().fails
    }

    /// Why nothing more is begun, with the first cause; none while the store works.
    pub fn objection(&self) -> Option<String> {
        let state = self.state();
        let cause = state.cause.as_deref().filter(|_| state.fails)?;
        Some(format!("not attempted, since the store fails: {cause}"))
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
            Some("not attempted, since the store fails: no answer")
        );
    }
}
