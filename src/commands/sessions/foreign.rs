//! Warning about a store in which no record is a session that oauthctl can read.

use std::cell::Cell;

use crate::context::Context;
use crate::error::Exit;
use crate::session::{Status, Summary};
use crate::ui::counted;

/// Counter of the records of a run, and of those that are foreign.
#[derive(Default)]
pub struct ForeignRecords {
    read: Cell<u64>,
    foreign: Cell<u64>,
}

impl ForeignRecords {
    /// Counts a record.
    pub fn see(&self, session: &Summary<'_>) {
        self.read.update(|n| n + 1);
        self.foreign.update(|n| n + u64::from(session.status == Status::Foreign));
    }

    /// Returns the exit status of the run: a run that met nothing but foreign records did not do what it is for.
    pub fn exit(&self, context: &Context, exit: Exit) -> Exit {
        let foreign = self.foreign.get();
        if foreign == 0 || foreign < self.read.get() {
            return exit;
        }
        context.ui.warn(format!(
            "no record is a session that oauthctl can read: {foreign} of {} foreign; check --layout, and see \
             `oauthctl sessions list`",
            counted(self.read.get(), "record"),
        ));
        if exit == Exit::Done { Exit::Partial } else { exit }
    }
}
