//! `oauthctl sessions recover`: stores tokens that an earlier run exchanged and could not store.

use super::online::recover;
use crate::context::Context;
use crate::error::Exit;
use crate::ui::{Format, counted};

/// Store tokens that an earlier run exchanged and could not store
#[derive(clap::Args)]
#[command(after_help = "\
Every session command does this first. An entry is applied only over exactly the record it
supersedes, and never creates one. Entries live in $XDG_STATE_HOME/oauthctl/recovery/.

Examples:
  oauthctl sessions recover")]
pub struct Args {}

/// Applies what can be applied.
pub fn run(context: &Context, _: &Args) -> anyhow::Result<Exit> {
    let store = context.open_store()?;
    let report = recover(context, &*store)?;
    if context.ui.format == Format::Table {
        let mut text = format!("stored {}", counted(report.applied, "session"));
        for (n, what) in [
            (report.superseded, "of no use any more"),
            (report.orphaned, "whose record is gone"),
            (report.pending, "still waiting"),
            (report.elsewhere, "of another store"),
        ] {
            if n > 0 {
                text.push_str(&format!(", {n} {what}"));
            }
        }
        context.ui.result(format!("{text}\n"))?;
    } else {
        context.ui.result(context.ui.json_document(&serde_json::to_value(report)?, false))?;
    }
    Ok(if report.pending > 0 { Exit::Partial } else { Exit::Done })
}
