//! Waiting for something outside: looks again and again, and says what is in the way.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::context::Context;

/// Pause after the first look; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Result of a look.
pub enum Look {
    /// The awaited state is reached.
    Ready,
    /// The state is not reached yet.
    NotYet {
        /// Reason, for the operator.
        why: String,
        /// Time at which it will be reached, if known.
        at: Option<Timestamp>,
    },
}

/// Looks until the state is reached or the time limit is over. Returns true if it is reached.
/// `otherwise` completes the message after a signal.
pub fn wait(
    context: &Context,
    limit: Option<Duration>,
    otherwise: &str,
    mut look: impl FnMut() -> anyhow::Result<Look>,
) -> anyhow::Result<bool> {
    let interrupt = context.interrupt();
    let (begun, mut pause, mut said) = (Instant::now(), FIRST_PAUSE, None);
    loop {
        let Look::NotYet { why, at } = look()? else { return Ok(true) };
        let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        if said.as_ref() != Some(&why) {
            context.ui.note(&why);
            said = Some(why);
        }
        let until = at.and_then(|at| Duration::try_from(at.duration_since(context.now())).ok());
        let length = [left, until].into_iter().flatten().fold(pause, Duration::min);
        let sleep = async { interrupt.or(tokio::time::sleep(length)).await };
        context.runtime()?.block_on(sleep).ok_or_else(|| interrupt.failure(otherwise))?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
