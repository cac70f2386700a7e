//! Exit status and final message of batch commands.

use crate::context::Context;
use crate::error::{Exit, is_broken_pipe};

/// Handles the end of a run that failed: if something was achieved before, it is still reported,
/// and the failure is only a warning.
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

/// Returns the exit status of a run handled by [`cut_short`]. `troubled` is the number of sessions
/// that did not reach their intended state; `achieved` is true if others did.
pub fn exit(context: &Context, done: Exit, troubled: u64, achieved: bool) -> Exit {
    match context.interrupt().exit() {
        Some(exit) => exit,
        None if done == Exit::Partial => Exit::Partial,
        None if troubled == 0 => Exit::Done,
        None if achieved => Exit::Partial,
        None => Exit::Failed,
    }
}

/// Returns the note in the summary of an incomplete run, empty for a complete one.
pub fn unfinished(context: &Context, done: Exit) -> &'static str {
    match context.interrupt().before_the_end() {
        "" if done != Exit::Done => "; stopped before the end",
        interrupted => interrupted,
    }
}
