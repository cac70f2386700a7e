//! Trying again what is harmless to do twice, with growing pauses, for a while.

use std::time::{Duration, Instant};

use redis::Value;

use super::trouble::Trouble;
use super::wire::{Command, Wire};

/// Fail-overs take about this long with usual settings.
const WHOLE: Duration = Duration::from_secs(20);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How much longer to try.
pub(super) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + WHOLE, pause: FIRST_PAUSE }
    }

    /// Waits until it is worth trying again; gives the trouble back when it is not.
    pub(super) async fn after(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        if !trouble.may_pass() || Instant::now() + self.pause > self.until {
            return Err(trouble);
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// Runs commands that are harmless to run twice, until they were answered.
pub(super) async fn read(wire: &dyn Wire, commands: &[Command]) -> Result<Vec<Value>, Trouble> {
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
