//! `oauthctl sessions refresh`: refreshes tokens, so that sessions of inactive users stay alive.

use std::sync::Arc;

use super::acknowledged::Acknowledgements;
use super::foreign::{compare, exit_of};
use super::online::refresher;
use super::pace::PaceArgs;
use super::results::Refreshes;
use super::select::SelectArgs;
use super::view::assessor_of_run;
use crate::commands::metrics::{Counts, MetricsArgs};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Binding, FirstSeen, Mode, Planner};
use crate::session::{Note, Summary};
use crate::store::{Store, Stored};
use crate::ui::counted;

/// Refresh sessions to keep them alive
#[derive(clap::Args)]
#[command(after_help = "\
By default, due sessions are refreshed; --issuer, --kid and other filters select among them. Naming
accounts, --key or --status selects those sessions even if they are not due. Sessions that were
refreshed less than `min_interval` (10m) ago are always skipped.

Results:
  refreshed  new tokens are stored
  skipped    nothing to do, or the app refreshed the session meanwhile
  gone       the server says that the session has ended; `sessions prune` removes the record
  blocked    cannot be refreshed at the moment; nothing was sent, or it was refused without harm
  unknown    no usable answer; the record is kept and tried again later

More than three sessions with the same result and reason are one line; -v lists each. Known causes
can be acknowledged in oauthctl.toml (`acknowledged` under [refresh]).

Exit status: 0 all refreshed, skipped, gone or acknowledged; 3 some blocked or unknown, or three or
more gone and none refreshed; 1 only blocked or unknown ones. If no session was due, 3 if some
sessions are blocked, and 1 if all are. An empty store is 3 if it had sessions before, or if
sessions of this client are found elsewhere.

Examples:
  oauthctl sessions refresh                       in cron, once an hour
  oauthctl sessions refresh did:plc:ewvi7nxzyoun6zhxrhs64oiz
  oauthctl sessions refresh --all --issuer https://bsky.social --rate 10 --dry-run")]
pub struct Args {
    /// Show what would be refreshed, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// Due sessions (default)
    #[arg(long, group = "mode", help_heading = "Selection")]
    due: bool,
    /// Sessions whose access token has expired
    #[arg(long, group = "mode", help_heading = "Selection")]
    expired: bool,
    /// All sessions
    #[arg(long, group = "mode", help_heading = "Selection")]
    all: bool,
    #[command(flatten)]
    pace: PaceArgs,
}

/// Selects, refreshes, and reports each result.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    args.metrics.measured(context, "sessions_refresh", args.dry_run, |counts| {
        refresh(context, args, counts)
    })
}

fn refresh(context: &Context, args: &Args, counts: &mut Counts) -> anyhow::Result<Exit> {
    let keys = context.key_set()?.unwrap_or_default();
    let store: Arc<dyn Store> = context.open_store_to_change()?.into();
    store.check_lock()?;
    let assessor = assessor_of_run(context, store.layout())?;
    args.select.prepare(context, &[&*store], None)?;
    let min_interval = context.settings()?.refresh()?.min_interval;
    let is_named = args.select.names_sessions();
    let planner =
        Planner::new(&assessor, mode(args), is_named, min_interval, store.layout().has_lock());
    let refresher = if args.dry_run {
        // A dry run fails for the same reasons as the run itself.
        context.client_id()?;
        args.pace.set(context.network()?);
        None
    } else {
        Some(refresher(context, &store, &assessor, keys, Binding::Recorded, &args.pace, is_named)?)
    };
    let first_seen = FirstSeen::default();
    let network = context.network()?;
    let mut results = Refreshes::new(
        context,
        &assessor,
        ["would refresh", "refreshed"],
        refresher,
        (&args.select, &args.pace),
    )?;
    results.reports_skipped = is_named;
    results.acknowledged = Acknowledgements::of(context)?;
    let done = context.runtime()?.block_on(async {
        let mut selection = args.select.begin(context, &*store, &assessor).await?;
        let source = async || {
            let see = |_: &Stored, session: &Summary<'_>, note: Option<&Note>| {
                if !args.dry_run {
                    first_seen.see(session, note, assessor.now());
                }
            };
            let sessions =
                selection.next_seen(see, |_, session, _| Ok(planner.means(session))).await?;
            first_seen.write(&*store).await?;
            let steps = sessions.map(|sessions| planner.steps(sessions));
            if (!args.dry_run || steps.is_none())
                && let Some(text) = planner.estimate.borrow_mut().text(network, args.dry_run)
            {
                context.ui.note(text);
            }
            Ok(steps)
        };
        results.run(&args.select, source).await
    });
    counts.extend(results.counts());
    let done = done.and_then(|()| args.select.check_names(context, &*store));
    tell_well(context, &planner, &mut results);
    let exit = results.finish(done)?;
    let records = args.select.seen().borrow().records;
    let exit = exit_of(context, records, exit);
    Ok(compare(context, store.layout(), records, (!args.dry_run).then_some(0), exit)?)
}

/// Returns the mode. Naming sessions or a status selects exactly these; other filters restrict
/// those that are due.
fn mode(args: &Args) -> Mode {
    match args {
        Args { expired: true, .. } => Mode::Expired,
        Args { all: true, .. } => Mode::All,
        Args { due: true, .. } => Mode::Due,
        _ if args.select.names_sessions() || args.select.names_statuses() => Mode::All,
        _ => Mode::Due,
    }
}

/// Records sessions that need no refresh, for the exit status: a permanently blocked session must
/// not make each run fail when nothing is due.
fn tell_well(context: &Context, planner: &Planner<'_>, results: &mut Refreshes<'_>) {
    let well = planner.not_meant();
    results.some_are_well = well > 0 && !planner.has_attempted();
    if well > 0 && results.is_empty() {
        let what = if planner.mode == Mode::Due { "is due" } else { "has expired" };
        context
            .ui
            .note(format!("none of {} {what}; use --all to select all", counted(well, "session")));
    }
}
