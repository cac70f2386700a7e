//! `--batch-size` and `--pause`: divides a run into batches.

use std::time::Duration;

use tokio::time::timeout;

use super::Args;
use crate::context::Context;
use crate::interrupt::Interrupt;
use crate::store::Stored;

/// Divides sessions into batches, with a pause after each batch but the last.
pub struct Batches {
    size: usize,
    left: usize,
    pause: Duration,
    interrupt: Interrupt,
}

impl Batches {
    /// Reads the options.
    pub fn new(context: &Context, args: &Args) -> Self {
        let size = args.batch_size.map_or(usize::MAX, std::num::NonZeroUsize::get);
        let pause =
            args.pause.and_then(|age| Duration::try_from(age.duration()).ok()).unwrap_or_default();
        Self { size, left: size, pause, interrupt: context.interrupt() }
    }

    /// Takes the next batch from `waiting`, which is not empty.
    pub async fn take(&mut self, waiting: &mut Vec<Stored>) -> Vec<Stored> {
        if self.left == 0 {
            // Ends early on a signal.
            let _ = timeout(self.pause, self.interrupt.raised()).await;
            self.left = self.size;
        }
        let rest = waiting.split_off(waiting.len().min(self.left));
        let batch = std::mem::replace(waiting, rest);
        self.left -= batch.len();
        batch
    }
}
