//! `--batch-size` and `--pause`: not all at once.

use std::time::Duration;

use tokio::time::timeout;

use super::Args;
use crate::context::Context;
use crate::interrupt::Interrupt;
use crate::store::Stored;

/// Hands sessions out so many at a time, with a pause after each batch that another follows.
pub struct Batches {
    size: usize,
    left: usize,
    pause: Duration,
    interrupt: Interrupt,
}

impl Batches {
    /// Of the size, and with the pause, that were asked for.
    pub fn new(context: &Context, args: &Args) -> Self {
        let size = args.batch_size.map_or(usize::MAX, std::num::NonZeroUsize::get);
        let pause =
            args.pause.and_then(|age| Duration::try_from(age.duration()).ok()).unwrap_or_default();
        Self { size, left: size, pause, interrupt: context.interrupt() }
    }

    /// Returns the next of those that wait, of whom there are some.
    pub async fn take(&mut self, waiting: &mut Vec<Stored>) -> Vec<Stored> {
        if self.left == 0 {
            // Whichever comes first.
            let _ = timeout(self.pause, self.interrupt.raised()).await;
            self.left = self.size;
        }
        let rest = waiting.split_off(waiting.len().min(self.left));
        let batch = std::mem::replace(waiting, rest);
        self.left -= batch.len();
        batch
    }
}
