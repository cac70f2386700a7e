//! How a run ends that works on many records: what a failure in the middle of it means, how it
//! exits, how that is said.

use crate::context::Context;
use crate::error::{Exit, is_broken_pipe};

/// What to make of a run that ended in a failure: where something was achieved before, that is
/// still to be told, and the failure is only a warning.
pub fn cut_short(
    context: &Context,
    done: anyhow::Result<()>,
    achieved: bool,
) -> anyhow::Result<Exit> {
    match done {
        Ok(()) => Ok(Exit::Done),
        Err(error) if achieved && !is_broken_pipe(&error) => {
            context.ui.warn(format!("stopped early: {error:#}"));
            Ok(Exit::Partial)
        }
        Err(error) => Err(error),
    }
}

/// How a run exits that [`cut_short`] has spoken about: `troubled` sessions are not as they were to
/// be, and something else was achieved, or was well already.
pub fn exit(context: &Context, done: Exit, troubled: u64, achieved: bool) -> Exit {
    match context.interrupt().exit() {
        Some(exit) => exit,
        None if done == Exit::Partial => Exit::Partial,
        None if troubled == 0 => Exit::Done,
        None if achieved => Exit::Partial,
        None => Exit::Failed,
    }
}

/// What a summary says of a run that has not come to its end; nothing of one that has.
pub fn unfinished(context: &Context, done: Exit) -> &'static str {
    match context.interrupt().before_the_end() {
        "" if done != Exit::Done => "; stopped before the end",
        interrupted => interrupted,
    }
}
