//! Progress of long operations: on a terminal, on stderr, after a moment, never with `--quiet`.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Time before progress is shown.
const DELAY: Duration = Duration::from_millis(400);
/// Interval at which progress of work is drawn while nothing happens.
const TICK: Duration = Duration::from_millis(250);

/// Counter, shown only on a terminal.
#[derive(Clone, Default)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// Starts to count `what`.
    pub(super) fn new(visible: bool, what: &'static str) -> Self {
        Self::styled(visible, what, |style| style, "{spinner} {human_pos} {msg} ({per_sec})")
    }

    /// Begins to count `what` of a total that may grow. `waits` says what is waited for.
    pub(super) fn of_work(
        visible: bool,
        what: &'static str,
        waits: impl Fn() -> Option<String> + Clone + Send + Sync + 'static,
    ) -> Self {
        let with_waits = |style: ProgressStyle| {
            style.with_key("waits", move |_: &ProgressState, out: &mut dyn Write| {
                if let Some(text) = waits() {
                    let _ = write!(out, "; {text}");
                }
            })
        };
        let template = "{spinner} {human_pos} of {human_len} {msg}, {per_sec}, {eta} left{waits}";
        let progress = Self::styled(visible, what, with_waits, template);
        if let Some(bar) = progress.0.clone() {
            bar.set_length(0);
            // Also where nothing comes to its end: that is when somebody wants to know.
            std::thread::spawn(move || {
                std::thread::sleep(DELAY);
                if !bar.is_finished() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.enable_steady_tick(TICK);
                }
            });
        }
        progress
    }

    fn styled(
        visible: bool,
        what: &'static str,
        change: impl FnOnce(ProgressStyle) -> ProgressStyle,
        template: &str,
    ) -> Self {
        if !visible {
            return Self(None);
        }
        let bar =
            ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        let style = ProgressStyle::with_template(template).expect("the template is well-formed");
        bar.set_style(change(style));
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

    /// Adds to the total.
    pub fn expect(&self, n: u64) {
        if let Some(bar) = &self.0 {
            bar.inc_length(n);
        }
    }

    /// Lets something be printed where progress is shown.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Ends it: nothing remains of it on the terminal.
    pub fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
