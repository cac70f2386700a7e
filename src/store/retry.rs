//! Retries of idempotent commands with exponential backoff.

use std::time::{Duration, Instant};

use super::settle::CommandError;

/// Total time of all attempts. Failovers take about this long with usual settings.
const WHOLE: Duration = Duration::from_secs(20);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Remaining time for retries.
pub struct Patience {
    /// End of the retries. `None` until the next error.
    until: Option<Instant>,
    pause: Duration,
}

impl Patience {
    pub fn new() -> Self {
        Self { until: Some(Instant::now() + WHOLE), pause: FIRST_PAUSE }
    }

    /// Restarts the time after progress: the next error counts as a new one.
    pub fn renew(&mut self) {
        *self = Self { until: None, pause: FIRST_PAUSE };
    }

    /// Waits before a retry, or returns the error if a retry cannot help or the time is over.
    pub async fn after<E: CommandError>(&mut self, trouble: E) -> Result<(), E> {
        let now = Instant::now();
        let until = *self.until.get_or_insert(now + WHOLE);
        if !trouble.may_pass() || now + self.pause > until {
            return Err(trouble);
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::settle::Fate;

    struct Trouble(bool);

    impl CommandError for Trouble {
        fn fate(&self) -> Fate {
            Fate::NotExecuted
        }

        fn may_pass(&self) -> bool {
            self.0
        }
    }

    #[tokio::test]
    async fn after_progress_there_is_as_much_patience_as_in_the_beginning() {
        let mut patience = Patience { until: Some(Instant::now()), pause: LONGEST_PAUSE };
        assert!(patience.after(Trouble(true)).await.is_err());
        patience.renew();
        assert!(patience.after(Trouble(true)).await.is_ok() && patience.until.is_some());
        assert!(patience.after(Trouble(false)).await.is_err());
    }
}
