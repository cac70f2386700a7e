//! Whether the store is worth asking. Whoever asks one that is gone waits for long before they know, and hundreds of
//! sessions must not find it out one after the other.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// So many failures in a row, each after all patience, and a store is left alone for the rest of the run.
const TROUBLES: u32 = 3;

/// How the store has fared in this run.
#[derive(Debug, Default)]
pub struct Health {
    troubles: AtomicU32,
    fails: AtomicBool,
}

impl Health {
    /// It has done what it was asked.
    pub fn works(&self) {
        self.troubles.store(0, Ordering::SeqCst);
    }

    /// It has not, and perhaps the next one is luckier.
    pub fn trouble(&self) {
        if self.troubles.fetch_add(1, Ordering::SeqCst) + 1 >= TROUBLES {
            self.fail();
        }
    }

    /// Tokens could be kept in the recovery directory only. It has room for what is under way, and not for more.
    pub fn fail(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    /// Whether nothing more is to be begun.
    pub fn fails(&self) -> bool {
        self.fails.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_in_a_row_count() {
        let health = Health::default();
        for _ in 0..TROUBLES * 2 {
            health.trouble();
            health.trouble();
            health.works();
            assert!(!health.fails());
        }
        for _ in 0..TROUBLES {
            health.trouble();
        }
        health.works();
        assert!(health.fails());
    }
}
