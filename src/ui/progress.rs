//! Progress of long operations: on a terminal, on stderr, after a moment, never with `--quiet`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time before progress is shown.
const DELAY: Duration = Duration::from_millis(400);

/// Counter, shown only on a terminal.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Starts to count `what`.
    pub(super) fn new(visible: bool, what: &'static str) -> Self {
        if !visible {
            return Self(None);
        }
        let bar =
            ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        bar.set_style(
            ProgressStyle::with_template("{spinner} {human_pos} {msg} ({per_sec})")
                .expect("the template is well-formed"),
        );
        Self(Some(bar))
    }

    /// Advances the counter.
    pub fn advance(&self, n: usize) {
        let Some(bar) = &self.0 else { return };
        if bar.is_hidden() && bar.elapsed() > DELAY {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.inc(n as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
