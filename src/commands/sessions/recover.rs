//! `oauthctl sessions recover`: stores tokens that an earlier run could not store.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tracing::debug;

use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Recovered, Recovery, RecoveryResult, Settler, Tally, Waiting};
use crate::store::{Durability, Store};
use crate::ui::{Cells, Format, Row, counted, counts};

/// Store new tokens that an earlier run could not store
#[derive(clap::Args)]
#[command(after_help = "\
Commands that refresh, revoke or export sessions do this first. An entry only replaces the record
that it supersedes, and never creates a record. Entries are files in
$XDG_STATE_HOME/oauthctl/recovery/.

Examples:
  oauthctl sessions recover --dry-run
  oauthctl sessions recover")]
pub struct Args {
    /// Show the waiting tokens, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Applies all applicable entries.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if args.dry_run {
        return dry_run(context);
    }
    let store = context.open_store_to_change()?;
    let report = recover(context, &*store)?;
    let count = |result| report.tally.of(result);
    if context.ui.format != Format::Table {
        let mut listing = context.ui.run_listing::<RecoverRow>(false);
        report.items.iter().try_for_each(|item| listing.push(item))?;
        listing.finish_with(&report.tally)?;
    }
    {
        let others = [
            (count(RecoveryResult::Superseded), "no longer needed"),
            (count(RecoveryResult::Orphaned), "whose record is gone"),
            (count(RecoveryResult::Pending), "still waiting"),
            (count(RecoveryResult::Elsewhere), "of another store"),
        ];
        let text = format!(
            "stored {}{}",
            counted(count(RecoveryResult::Applied), "session"),
            counts(", ", others)
        );
        context.ui.summary(text)?;
    }
    Ok(if count(RecoveryResult::Pending) > 0 { Exit::Partial } else { Exit::Done })
}

/// Prints the numbers of entries for this store and for others.
fn dry_run(context: &Context) -> anyhow::Result<Exit> {
    let recovery = Recovery::new(context.recovery_directory()?);
    let Waiting { here, elsewhere, unreadable } = recovery.waiting(Some(&context.store_id()?))?;
    let ui = &context.ui;
    if ui.format == Format::Table {
        let others =
            counts(", ", [(elsewhere, "of another store"), (unreadable, "not to be read")]);
        ui.result(format!("would try to store {}{others}\n", counted(here, "session")))?;
    } else {
        let counts = json!({"waiting": here, "elsewhere": elsewhere, "unreadable": unreadable});
        ui.run_listing::<RecoverRow>(true).finish_with(&counts)?;
    }
    Ok(Exit::Done)
}

/// Results of recovery entries.
#[derive(Default)]
pub struct RecoverReport {
    pub tally: Tally<RecoveryResult>,
    items: Vec<RecoverRow>,
}

/// Result of one entry.
#[derive(Serialize, JsonSchema)]
pub(super) struct RecoverRow {
    /// Key of the record; none for one of another store, or that cannot be read.
    key: Option<String>,
    result: RecoveryResult,
}

impl Row for RecoverRow {
    const FIELDS: &'static [&'static str] = &["key", "result"];
    const TITLES: &'static [&'static str] = Self::FIELDS;

    fn cells(&self) -> Cells {
        vec![(self.key.clone().unwrap_or_default(), None), (self.result.name().to_owned(), None)]
    }
}

/// Stores the results of exchanges that an earlier run could not.
pub fn recover(context: &Context, store: &dyn Store) -> anyhow::Result<RecoverReport> {
    let recovery = Recovery::new(context.recovery_directory()?);
    let mut report = RecoverReport::default();
    let entries = recovery.entries()?;
    if entries.is_empty() {
        return Ok(report);
    }
    let settled = {
        let (id, interrupt) = (context.store_id()?, context.interrupt());
        let stop = || interrupt.is_set();
        let settler = Settler { recovery: &recovery, store, store_id: &id, now: context.now() };
        context.runtime()?.block_on(settler.settle_patiently(&entries, stop))?
    };
    let doubt = match &settled.durability {
        Durability::Durable => None,
        Durability::Lagging(why) | Durability::Unsettled(why) => Some(why),
    };
    let ui = &context.ui;
    for (_, result) in settled.entries {
        let key = result.as_ref().ok().and_then(|found| Some(found.as_ref()?.0.clone()));
        let result = match (result, doubt) {
            (Ok(None), _) => RecoveryResult::Elsewhere,
            (Ok(Some((key, Recovered::Applied | Recovered::Present))), Some(why)) => {
                ui.warn(format!(
                    "stored the new tokens of {key}, but a fail-over may undo it: {why}"
                ));
                RecoveryResult::Pending
            }
            (Ok(Some((key, Recovered::Applied))), None) => {
                ui.note(format!(
                    "stored the new tokens of {key} that an earlier run could not store"
                ));
                RecoveryResult::Applied
            }
            (Ok(Some((key, Recovered::Present))), None) => {
                debug!("the new tokens of {key} were stored and are now confirmed");
                RecoveryResult::Applied
            }
            (Ok(Some((key, Recovered::Superseded))), _) => {
                ui.warn(format!(
                    "the new tokens of {key} are no longer needed: its record has changed since"
                ));
                RecoveryResult::Superseded
            }
            (Ok(Some((key, Recovered::Orphaned))), _) => {
                debug!("the record of {key} was deleted; its new tokens are kept for some days");
                RecoveryResult::Orphaned
            }
            (Ok(Some((key, Recovered::Pending))), _) => {
                ui.warn(format!("the new tokens of {key} could not be stored yet"));
                RecoveryResult::Pending
            }
            (Err(error), _) => {
                ui.warn(format!("{error:#}"));
                RecoveryResult::Pending
            }
        };
        report.tally.count(result);
        report.items.push(RecoverRow { key, result });
    }
    Ok(report)
}
