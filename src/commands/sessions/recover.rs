//! `oauthctl sessions recover`: stores tokens that an earlier run exchanged and could not store.

use serde_json::json;

use super::online::recover;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::Recovery;
use crate::ui::{Format, counted, counts};

/// Store tokens that an earlier run exchanged and could not store
#[derive(clap::Args)]
#[command(after_help = "\
Commands that exchange or export sessions do this first. An entry is applied only over exactly the record it
supersedes, and never creates one. Entries live in $XDG_STATE_HOME/oauthctl/recovery/.

Examples:
  oauthctl sessions recover --dry-run
  oauthctl sessions recover")]
pub struct Args {
    /// Say what waits, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Applies what can be applied.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if args.dry_run {
        return rehearse(context);
    }
    let store = context.open_store()?;
    let report = recover(context, &*store)?;
    if context.ui.format == Format::Table {
        let others = [
            (report.superseded, "of no use any more"),
            (report.orphaned, "whose record is gone"),
            (report.pending, "still waiting"),
            (report.elsewhere, "of another store"),
        ];
        let text = format!("stored {}{}", counted(report.applied, "session"), counts(", ", others));
        context.ui.summary(text)?;
    } else {
        context.ui.document(&serde_json::to_value(report)?)?;
    }
    Ok(if report.pending > 0 { Exit::Partial } else { Exit::Done })
}

/// Says what waits for this store, and what for others.
fn rehearse(context: &Context) -> anyhow::Result<Exit> {
    let (url, _) = context.store_address()?;
    let stores = Recovery::new(context.recovery_directory()?).stores()?;
    let (mut waiting, mut elsewhere, mut unreadable) = (0, 0, 0);
    for store in stores {
        *match store {
            Some(store) if store == url.anywhere() => &mut waiting,
            Some(_) => &mut elsewhere,
            None => &mut unreadable,
        } += 1;
    }
    let ui = &context.ui;
    if ui.format == Format::Table {
        let others = counts(", ", [(elsewhere, "of another store"), (unreadable, "not to be read")]);
        ui.result(format!("would try to store {}{others}\n", counted(waiting, "session")))?;
    } else {
        let document = json!({"dry_run": true, "waiting": waiting, "elsewhere": elsewhere, "unreadable": unreadable});
        ui.document(&document)?;
    }
    Ok(Exit::Done)
}
