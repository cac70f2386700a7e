//! `oauthctl states purge`: removes unfinished logins.

use crate::commands::ending::{cut_short, unfinished};
use crate::commands::metrics::{Counts, MetricsArgs, counts_of};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Purge, PurgeResult, Tally, TallyOfRun};
use crate::session::Age;
use crate::ui::{Format, counted, counts};

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

/// Reads all pending logins, removes old ones, and prints the counts.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    args.metrics
        .measured(context, "states_purge", args.dry_run, |results| purge(context, args, results))
}

fn purge(context: &Context, args: &Args, results: &mut Counts) -> anyhow::Result<Exit> {
    let store = context.open_store_to_change()?;
    let purge = Purge { older_than: args.older_than, dry_run: args.dry_run, now: context.now() };
    let interrupt = context.interrupt();
    let progress = context.ui.progress("states read");
    let mut report = TallyOfRun { dry_run: args.dry_run, tally: Tally::default() };
    let purged =
        purge.run(&*store, interrupt.raised(), |read| progress.advance(read), &mut report.tally);
    let purged = context.runtime()?.block_on(purged);
    drop(progress);
    results.extend(counts_of(&report)?);
    let done =
        cut_short(context, purged, report.tally.sum(&PurgeResult::PURGED) > 0 && !args.dry_run)?;
    tell(context, &report, done)?;
    Ok(interrupt.exit().unwrap_or(done))
}

fn tell(context: &Context, report: &TallyOfRun<PurgeResult>, done: Exit) -> anyhow::Result<()> {
    if context.ui.format != Format::Table {
        return Ok(context.ui.document(&serde_json::to_value(report)?)?);
    }
    let of = |kind| report.tally.of(kind);
    let verb = if report.dry_run { "would remove" } else { "removed" };
    let removed = counted(report.tally.sum(&PurgeResult::PURGED), "pending login");
    let reasons = [
        (of(PurgeResult::ByTtl), "old by their time to live"),
        (of(PurgeResult::ByColumn), "old by their time column"),
        (of(PurgeResult::ByFirstSeen), "old since first seen"),
    ];
    let reasons = counts(", ", reasons);
    let reasons =
        reasons.strip_prefix(", ").map(|reasons| format!(" ({reasons})")).unwrap_or_default();
    let noted = if report.dry_run { "kept: of unknown age" } else { "kept: of unknown age, noted" };
    let others = [
        (of(PurgeResult::Young), "kept: too young"),
        (of(PurgeResult::Unknown), noted),
        (of(PurgeResult::Malformed), "kept: not a pending login"),
        (of(PurgeResult::Gone), "gone by themselves"),
    ];
    let (others, unfinished) = (counts("; ", others), unfinished(context, done));
    Ok(context.ui.summary(format!("{verb} {removed}{reasons}{others}{unfinished}"))?)
}
