//! Runs that somebody watches: progress of the work, and what a signal leaves undone.

use super::select::SelectArgs;
use crate::context::Context;
use crate::maintenance::{Event, Runner, Step, Work};
use crate::text::counted_number;
use crate::ui::Progress;

/// Sessions that a signal has kept from being attempted.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotAttempted {
    sessions: u64,
    /// Others were not even read.
    is_more: bool,
}

impl NotAttempted {
    /// Returns the end of a run's summary; nothing where no signal came.
    pub fn in_words(self, context: &Context) -> String {
        let Self { sessions, is_more } = self;
        match (context.interrupt().is_set(), sessions) {
            (false, _) => String::new(),
            (true, 0) => context.interrupt().before_the_end().to_owned(),
            (true, _) => {
                let least = if is_more { "at least " } else { "" };
                format!("; interrupted, {least}{} not attempted", counted_number(sessions))
            }
        }
    }
}

/// Runs to the end, with progress that [`progress`] has begun. A first signal is answered with what
/// is under way.
pub async fn watched<W: Work>(
    context: &Context,
    select: &SelectArgs,
    runner: Runner<W>,
    progress: &Progress,
    mut source: impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<W::Outcome>>>>,
    mut tell: impl AsyncFnMut(&W, Event<W::Outcome>) -> anyhow::Result<()>,
) -> (anyhow::Result<()>, NotAttempted) {
    let answer = {
        let (interrupt, ui) = (context.interrupt(), context.ui.clone());
        let (under_way, progress) = (runner.under_way(), progress.clone());
        tokio::spawn(async move {
            interrupt.raised().await;
            let left = counted_number(under_way.worked_on());
            progress.suspend(|| ui.note(format!("stopping, {left} under way; again to quit")));
        })
    };
    let (mut found, mut told) = (0, 0);
    let source = async || {
        let steps = source().await?;
        let more = steps.as_ref().map_or(0, |steps| steps.len() as u64);
        found += more;
        progress.expect(more);
        Ok(steps)
    };
    let tell = async |work: &W, event: Event<W::Outcome>| {
        told += 1;
        progress.advance(1);
        tell(work, event).await
    };
    let done = runner.run(source, tell).await;
    answer.abort();
    progress.end();
    let is_more = !select.names_sessions() && !select.seen().borrow().records.are_all;
    (done, NotAttempted { sessions: found - told, is_more })
}

/// Begins to show progress of a run. What is read is not shown beside it.
pub fn progress<W: Work>(context: &Context, select: &SelectArgs, runner: &Runner<W>) -> Progress {
    select.hide_reading();
    let under_way = runner.under_way();
    context.ui.work_progress("sessions", move || under_way.in_words())
}
