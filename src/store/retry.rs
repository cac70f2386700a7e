//! Retries of idempotent commands with exponential backoff.

use std::time::{Duration, Instant};

use super::settle::CommandError;

/// Total time of all attempts. Failovers take about this long with usual settings.
const WHOLE: Duration = Duration::from_secs(20);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Remaining time for retries.
pub struct Backoff {
    /// End of the retries. `None` until the next error.
    until: Option<Instant>,
    pause: Duration,
}

impl Backoff {
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

    struct TestError(bool);

    impl CommandError for TestError {
        fn fate(&self) -> Fate {
            Fate::NotExecuted
        }

        fn may_pass(&self) -> bool {
            self.0
        }
    }

    #[tokio::test]
    async fn after_progress_there_is_as_much_patience_as_in_the_beginning() {
        let mut backoff = Backoff { until: Some(Instant::now()), pause: LONGEST_PAUSE };
        assert!(backoff.after(TestError(true)).await.is_err());
        backoff.renew();
        assert!(backoff.after(TestError(true)).await.is_ok() && backoff.until.is_some());
        assert!(backoff.after(TestError(false)).await.is_err());
    }
}
