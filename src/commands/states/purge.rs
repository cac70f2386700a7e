//! `oauthctl states purge`: removes logins that were begun and never completed.

use crate::commands::metrics::MetricsArgs;
use crate::commands::sessions::cut_short;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Purge, PurgeReport};
use crate::session::Age;
use crate::ui::{Format, counted};

/// Remove logins that were begun and never completed
#[derive(clap::Args)]
#[command(after_help = "\
Where the store knows no age, oauthctl notes when it first saw a state, and removes it once its age
has become certain: run it from cron. In the layouts oauth and oauth-stamped, which many apps share,
what remains of a state's time to live shows its age only if the app gives it an hour: there, too,
it must have been seen long enough ago. An app that gives its states another time than its layout
here (see `man oauthctl`) needs a layout of its own, with state_ttl.

Examples:
  oauthctl states purge --dry-run
  oauthctl states purge --older-than 1h --format json")]
pub struct Args {
    /// Remove states older than this
    #[arg(long, value_name = "AGE", default_value = "30m")]
    older_than: Age,
    /// Say what would be removed, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// Reads all states, removes the old ones, tells how many.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let begun = context.now();
    let store = context.open_store()?;
    let purge = Purge { older_than: args.older_than, dry_run: args.dry_run, now: context.now() };
    let interrupt = context.interrupt();
    let progress = context.ui.progress("states read");
    let mut report = PurgeReport::default();
    let purged = purge.run(&*store, interrupt.raised(), |read| progress.advance(read), &mut report);
    let purged = context.runtime()?.block_on(purged);
    drop(progress);
    let done = cut_short(context, purged, report.purged() > 0 && !args.dry_run)?;
    tell(context, &report, done)?;
    let exit = interrupt.exit().unwrap_or(done);
    if !args.dry_run {
        let kept = report.young + report.unknown + report.malformed;
        let counts = [("removed", report.purged()), ("kept", kept), ("gone", report.gone)];
        args.metrics.write(context, "states_purge", begun, &counts, exit)?;
    }
    Ok(exit)
}

fn tell(context: &Context, report: &PurgeReport, done: Exit) -> anyhow::Result<()> {
    if context.ui.format != Format::Table {
        return Ok(context.ui.result(context.ui.json_document(&serde_json::to_value(report)?, false))?);
    }
    let verb = if report.dry_run { "would remove" } else { "removed" };
    let mut text = format!("{verb} {}", counted(report.purged(), "pending login"));
    let mut details = Vec::new();
    for (n, what) in [
        (report.by_ttl, "old by their time to live"),
        (report.by_column, "old by their time column"),
        (report.by_first_seen, "old since first seen"),
    ] {
        if n > 0 {
            details.push(format!("{n} {what}"));
        }
    }
    if !details.is_empty() {
        text.push_str(&format!(" ({})", details.join(", ")));
    }
    let noted = if report.dry_run { "kept: of unknown age" } else { "kept: of unknown age, noted" };
    for (n, what) in [
        (report.young, "kept: too young"),
        (report.unknown, noted),
        (report.malformed, "kept: not a pending login"),
        (report.gone, "gone by themselves"),
    ] {
        if n > 0 {
            text.push_str(&format!("; {n} {what}"));
        }
    }
    if context.interrupt().is_set() {
        text.push_str("; interrupted before the end");
    } else if done != Exit::Done {
        text.push_str("; stopped before the end");
    }
    Ok(context.ui.result(format!("{text}\n"))?)
}
