//! Warnings about a store without a session, and about one in which no record is a session that oauthctl can read.

use std::cell::Cell;

use crate::commands::empty_store::EmptyStore;
use crate::commands::last_count;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::session::{Status, Summary};
use crate::store::Layout;
use crate::ui::counted;

/// Counter of the records of a run, and of those that are foreign.
#[derive(Default)]
pub struct ForeignRecords {
    read: Cell<u64>,
    foreign: Cell<u64>,
    /// These are all records of the store.
    are_all: Cell<bool>,
}

impl ForeignRecords {
    /// Counts a record.
    pub fn see(&self, session: &Summary<'_>) {
        self.read.update(|n| n + 1);
        self.foreign.update(|n| n + u64::from(session.status == Status::Foreign));
    }

    /// Takes in that all records of the store were counted.
    pub fn saw_all(&self) {
        self.are_all.set(true);
    }

    /// Returns the number of records that are not foreign, where all records of the store were counted.
    pub fn all(&self) -> Option<u64> {
        self.are_all.get().then(|| self.read.get() - self.foreign.get())
    }

    /// Compares a whole store with what it had before, and keeps the count less what the run has `removed`; a dry run,
    /// which has none, keeps nothing. Returns the exit status of the run.
    pub fn compare(
        &self,
        context: &Context,
        layout: &Layout,
        removed: Option<u64>,
        exit: Exit,
    ) -> Result<Exit, Failure> {
        let Some(sessions) = self.all() else { return Ok(exit) };
        let is_empty = self.read.get() == 0;
        let exit = if is_empty { EmptyStore::examine(context, &[&layout.name])?.tell(context, exit) } else { exit };
        if let Some(removed) = removed {
            last_count::found(context, layout, sessions, removed);
        }
        Ok(exit)
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
