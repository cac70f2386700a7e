//! Trying again what is harmless to do twice, with growing pauses, for a while.

use std::time::{Duration, Instant};

use redis::Value;

use super::command::{Command, Wire};
use super::error::Trouble;

/// Fail-overs take about this long with usual settings.
const WHOLE: Duration = Duration::from_secs(20);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How much longer to try.
pub struct Patience {
    /// None: counted from the next trouble on.
    until: Option<Instant>,
    pause: Duration,
}

impl Patience {
    pub fn new() -> Self {
        Self { until: Some(Instant::now() + WHOLE), pause: FIRST_PAUSE }
    }

    /// There was progress: whatever comes now is new trouble.
    pub fn renew(&mut self) {
        *self = Self { until: None, pause: FIRST_PAUSE };
    }

    /// Waits until it is worth trying again; gives the trouble back when it is not.
    pub async fn after(&mut self, trouble: Trouble) -> Result<(), Trouble> {
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

/// Runs commands that are harmless to run twice, until they were answered.
pub async fn read(wire: &dyn Wire, commands: &[Command]) -> Result<Vec<Value>, Trouble> {
    let mut patience = Patience::new();
    loop {
        let trouble = match wire.run(commands).await {
            Ok(answers) => match answers.iter().filter_map(Trouble::in_answer).find(Trouble::may_pass) {
                None => return Ok(answers),
                Some(trouble) => trouble,
            },
            Err(trouble) => trouble,
        };
        patience.after(trouble).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_progress_there_is_as_much_patience_as_in_the_beginning() {
        let trouble = || Trouble::unreached("x");
        let mut patience = Patience { until: Some(Instant::now()), pause: LONGEST_PAUSE };
        assert!(patience.after(trouble()).await.is_err());
        patience.renew();
        assert!(patience.after(trouble()).await.is_ok() && patience.until.is_some());
        assert!(patience.after(Trouble::nonsense()).await.is_err());
    }
}
