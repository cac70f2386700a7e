//! Reads the selected sessions in all layouts of a store.

use super::inactive::InactiveArgs;
use super::select::SelectArgs;
use super::view::{assessor, tell_where};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::Assessor;
use crate::session::Summary;
use crate::store::Store;

/// Layouts with records in the store.
pub struct Layouts<'a> {
    context: &'a Context,
    select: &'a SelectArgs,
    inactive: &'a InactiveArgs,
    stores: Vec<Box<dyn Store>>,
}

impl<'a> Layouts<'a> {
    /// Opens the store once per layout, and resolves `--kid`.
    pub fn open(
        context: &'a Context,
        select: &'a SelectArgs,
        inactive: &'a InactiveArgs,
    ) -> anyhow::Result<Self> {
        let layouts = Self { context, select, inactive, stores: context.open_stores()? };
        select.prepare(context, &layouts.stores(), None)?;
        Ok(layouts)
    }

    fn stores(&self) -> Vec<&dyn Store> {
        self.stores.iter().map(|store| &**store).collect()
    }

    /// Checks whether there are several.
    pub fn are_several(&self) -> bool {
        self.stores.len() > 1
    }

    /// Passes on all selected sessions. Returns their number.
    pub fn for_each(
        &self,
        mut consume: impl FnMut(&Summary<'_>, &Assessor) -> anyhow::Result<()>,
    ) -> anyhow::Result<u64> {
        let mut count = 0;
        for store in &self.stores {
            let assessor = assessor(self.context, store.layout())?;
            self.select.in_one_of(self.stores.len(), count);
            let read = self.inactive.for_each(
                self.select,
                self.context,
                &**store,
                &assessor,
                |_, summary| {
                    count += 1;
                    consume(summary, &assessor)
                },
            );
            self.context.runtime()?.block_on(read)?;
        }
        Ok(count)
    }

    /// Reports the number of selected sessions, and names that were not found.
    pub fn finish(&self, count: u64) -> anyhow::Result<Exit> {
        self.select.warn_of_missing(self.context, &self.stores())?;
        tell_where(self.context, &self.stores, &self.select.seen().borrow().counted(count))?;
        Ok(self.context.interrupt().exit().unwrap_or(Exit::Done))
    }
}
