//! Warnings about a store without sessions, and about one without readable sessions.

use crate::commands::empty_store::EmptyStore;
use crate::commands::last_count;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::maintenance::Records;
use crate::store::Layout;
use crate::ui::counted;

/// Compares a whole store with its earlier count, and records the count minus `removed` sessions. A
/// dry run (`None`) records nothing. Returns the exit status of the run.
pub fn compare(
    context: &Context,
    layout: &Layout,
    records: Records,
    removed: Option<u64>,
    exit: Exit,
) -> Result<Exit, Failure> {
    let Some(sessions) = records.all() else { return Ok(exit) };
    let is_empty = records.read == 0;
    let exit = if is_empty {
        EmptyStore::examine(context, &[&layout.name])?.tell(context, exit)
    } else {
        exit
    };
    if let Some(removed) = removed {
        last_count::found(context, layout, sessions, removed);
    }
    Ok(exit)
}

/// Returns the exit status of the run. A run that met only foreign records has not succeeded.
pub fn exit_of(context: &Context, records: Records, exit: Exit) -> Exit {
    let Records { read, foreign, .. } = records;
    if foreign == 0 || foreign < read {
        return exit;
    }
    context.ui.warn(format!(
        "oauthctl can read none of the records: {foreign} of {} foreign; check --layout, and see `oauthctl sessions list`",
        counted(read, "record"),
    ));
    if exit == Exit::Done { Exit::Partial } else { exit }
}
