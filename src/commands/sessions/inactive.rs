//! `--inactive` of commands that show sessions: selects those that `sessions prune --inactive`
//! would sign out.

use super::select::SelectArgs;
use crate::context::Context;
use crate::maintenance::{Action, Assessor, Kept, Meant, Rules};
use crate::session::{Age, Note, Summary};
use crate::store::{Store, Stored};
use crate::ui::counts;

/// Selection of sessions by the inactivity of their users.
#[derive(clap::Args)]
#[command(next_help_heading = "Selection")]
pub struct InactiveArgs {
    /// Sessions that their user has not used for this long, as `sessions prune --inactive` would
    /// sign out
    #[arg(long, value_name = "AGE")]
    inactive: Option<Age>,
}

impl InactiveArgs {
    /// Passes on all selected sessions, with `--inactive` only those of inactive users. Reports the
    /// number of sessions for which this cannot be determined.
    pub async fn for_each(
        &self,
        select: &SelectArgs,
        context: &Context,
        store: &dyn Store,
        assessor: &Assessor,
        mut consume: impl FnMut(&Stored, &Summary<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.inactive.is_none() {
            return select.for_each(context, store, assessor, consume).await;
        }
        store.check_notes()?;
        let rules = Rules { inactive: self.inactive, malformed: false, offline: false };
        let mut unobservable = 0;
        let mut is_away = |stored: &Stored, summary: &Summary<'_>, note: Option<&Note>| {
            let is_away = match rules.action(summary, note, assessor) {
                Ok(action) => action == Some(Action::SignOut),
                Err(kept) => {
                    unobservable += u64::from(matches!(kept, Kept::Unobservable));
                    false
                }
            };
            if is_away {
                consume(stored, summary)?;
            }
            Ok(Meant::work_if(is_away))
        };
        let mut selection = select.begin(context, store, assessor).await?;
        while selection.next_meant(&mut is_away).await?.is_some() {}
        let text = counts("", [(unobservable, "left out: user activity unknown")]);
        if !text.is_empty() {
            context.ui.note(text);
        }
        Ok(())
    }
}
