//! `oauthctl states purge`: removes unfinished logins.

use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::ending::{cut_short, unfinished};
use crate::commands::metrics::{Counts, MetricsArgs, counts_of};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Purge, PurgeResult, Tally};
use crate::session::Age;
use crate::ui::{Format, counted, counts};

/// Remove unfinished logins
#[derive(clap::Args)]
#[command(after_help = "\
If the store does not show the age of a pending login, oauthctl notes when it first saw it, and a
later run removes it; run this from cron. Apps with the layouts oauth and oauth-stamped use
different state lifetimes, so oauthctl relies on its own notes there, too. If your app uses another
lifetime than its layout (see `man oauthctl`), define a layout with state_ttl.

Examples:
  oauthctl states purge --dry-run
  oauthctl states purge --older-than 1h --format json")]
pub struct Args {
    /// Remove pending logins older than this
    #[arg(long, value_name = "AGE", default_value = "30m")]
    older_than: Age,
    /// Show what would be removed, but do nothing
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
    let store = context.open_store_to_end()?;
    let purge = Purge { older_than: args.older_than, dry_run: args.dry_run, now: context.now() };
    let interrupt = context.interrupt();
    let progress = context.ui.progress("states read");
    let mut tally = Tally::default();
    let purged = purge.run(&*store, interrupt.raised(), |read| progress.advance(read), &mut tally);
    let purged = context.runtime()?.block_on(purged);
    drop(progress);
    results.extend(counts_of(&tally)?);
    let done = cut_short(context, purged, tally.sum(&PurgeResult::PURGED) > 0 && !args.dry_run)?;
    tell(context, &tally, args.dry_run, done)?;
    Ok(interrupt.exit().unwrap_or(done))
}

/// Counts without items: the key of a pending login is a secret.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    dry_run: bool,
    counts: &'a Tally<PurgeResult>,
}

fn tell(
    context: &Context,
    tally: &Tally<PurgeResult>,
    dry_run: bool,
    done: Exit,
) -> anyhow::Result<()> {
    match context.ui.format {
        Format::Table => {}
        Format::Csv => return context.ui.document(tally),
        Format::Json | Format::Jsonl => {
            return context.ui.document(&Document { dry_run, counts: tally });
        }
    }
    let of = |kind| tally.of(kind);
    let verb = if dry_run { "would remove" } else { "removed" };
    let removed = counted(tally.sum(&PurgeResult::PURGED), "pending login");
    let reasons = [
        (of(PurgeResult::ByTtl), "by TTL"),
        (of(PurgeResult::ByColumn), "by time column"),
        (of(PurgeResult::ByFirstSeen), "by first-seen time"),
    ];
    let reasons = counts(", ", reasons);
    let reasons =
        reasons.strip_prefix(", ").map(|reasons| format!(" ({reasons})")).unwrap_or_default();
    let noted = if dry_run { "kept: age unknown" } else { "kept until their age is known" };
    let others = [
        (of(PurgeResult::Young), "kept: too young"),
        (of(PurgeResult::Unknown), noted),
        (of(PurgeResult::Malformed), "kept: not a pending login"),
        (of(PurgeResult::Gone), "removed by others"),
    ];
    let (others, unfinished) = (counts("; ", others), unfinished(context, done));
    Ok(context.ui.summary(format!("{verb} {removed}{reasons}{others}{unfinished}"))?)
}
