//! DPoP nonces: one is current, some older ones may still be accepted.

use std::collections::VecDeque;

use crate::random;

/// A server's nonces, newest first.
#[derive(Debug)]
pub(crate) struct Nonces {
    accepted: VecDeque<String>,
    answers: u64,
}

impl Default for Nonces {
    fn default() -> Self {
        Self { accepted: VecDeque::from([random::base64url::<32>()]), answers: 0 }
    }
}

impl Nonces {
    pub(crate) fn accepts(&self, nonce: &str) -> bool {
        self.accepted.iter().any(|known| known == nonce)
    }

    /// Accepts a nonce for the last time.
    pub(crate) fn uses_up(&mut self, nonce: &str) -> bool {
        let known = self.accepted.iter().position(|known| known == nonce);
        known.is_some_and(|at| self.accepted.remove(at).is_some())
    }

    /// Returns the nonce for an answer, a new one if it is time.
    pub(crate) fn next(&mut self, every: Option<u64>, old: usize) -> String {
        self.answers += 1;
        if every.is_some_and(|every| self.answers.is_multiple_of(every)) {
            self.accepted.push_front(random::base64url::<32>());
            self.accepted.truncate(old + 1);
        }
        self.accepted[0].clone()
    }

    /// Invalidates all earlier nonces.
    pub(crate) fn rotate(&mut self) {
        *self = Self::default();
    }
}
