//! What became of each session, as it is listed, and what all of it comes to: shared by the commands that work on many.

use serde::Serialize;

use crate::context::Context;
use crate::error::{Exit, is_broken_pipe};
use crate::session::Summary;
use crate::ui::{Role, Row};

/// One session's line: what became of it, or would.
#[derive(Serialize)]
pub struct ResultRow<'a> {
    key: &'a str,
    did: Option<&'a str>,
    result: &'static str,
    reason: Option<&'a str>,
    #[serde(skip)]
    role: Option<Role>,
}

impl<'a> ResultRow<'a> {
    /// What became of this session, and why.
    pub fn new(session: &'a Summary<'_>, result: &'static str, reason: Option<&'a str>, role: Option<Role>) -> Self {
        Self { key: &session.key, did: session.did.as_deref(), result, reason, role }
    }
}

impl Row for ResultRow<'_> {
    const FIELDS: &'static [&'static str] = &["key", "did", "result", "reason"];
    const TITLES: &'static [&'static str] = &["did", "result", "reason"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        vec![
            (self.did.unwrap_or(self.key).to_owned(), None),
            (self.result.to_owned(), self.role),
            (self.reason.unwrap_or_default().to_owned(), None),
        ]
    }
}

/// What to make of a run that ended in a failure: where something was achieved before, that is still to be told, and the
/// failure is only a warning.
pub fn cut_short(context: &Context, done: anyhow::Result<()>, achieved: bool) -> anyhow::Result<Exit> {
    match done {
        Ok(()) => Ok(Exit::Done),
        Err(error) if achieved && !is_broken_pipe(&error) => {
            context.ui.warn(format!("stopped early: {error:#}"));
            Ok(Exit::Partial)
        }
        Err(error) => Err(error),
    }
}

/// How a run exits that [`cut_short`] has spoken about: `troubled` sessions are not as they were to be, and something else
/// was achieved, or was well already.
pub fn exit(context: &Context, done: Exit, troubled: u64, achieved: bool) -> Exit {
    match context.interrupt().exit() {
        Some(exit) => exit,
        None if done == Exit::Partial => Exit::Partial,
        None if troubled == 0 => Exit::Done,
        None if achieved => Exit::Partial,
        None => Exit::Failed,
    }
}
