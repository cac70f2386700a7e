//! `oauthctl sessions prune`: removes what has ended; made for cron.

mod batches;
mod told;

use std::cell::RefCell;
use std::sync::Arc;

use self::batches::Batches;
use self::told::{Results, intentions, tell_plan};
use super::foreign::ForeignRecords;
use super::online::{exchanger, stop};
use super::pace::PaceArgs;
use super::results::ResultRow;
use super::select::{Meant, SelectArgs};
use super::view::judge;
use crate::commands::metrics::{Counts, MetricsArgs, counts_of};
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::maintenance::{Action, Binding, Health, Judge, Plan, Pruner, Revoker, Rules, Runner, Step, Witnesses};
use crate::session::{Age, Status, Summary};
use crate::store::{Store, Stored};
use crate::ui::Format;

/// Remove sessions that have ended, and on request sign out users who have been away
#[derive(clap::Args)]
#[command(after_help = "\
Removed are sessions that can never be refreshed (dead), and those older than sessions live
(suspect) of which the server says, asked once, that they have ended. Blocked sessions are never
touched. What the app touches meanwhile stays. Before a suspect is asked about, a healthy session of
the same server and key is refreshed: a wrong configuration must not be taken for an end.

Inactivity is told apart from oauthctl's own refreshes by notes. Where keep-alive runs so often that
a user's return could not have been seen, nobody is signed out, and the summary counts them.

Examples:
  oauthctl sessions prune                         in cron, once a day
  oauthctl sessions prune --dry-run
  oauthctl sessions prune --inactive 30d --metrics-file /var/lib/node_exporter/prune.prom")]
pub struct Args {
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// Also sign out sessions whose user has been away for this long
    #[arg(long, value_name = "AGE", conflicts_with = "offline")]
    inactive: Option<Age>,
    /// Also remove what is provably nobody's: empty records, and those with neither a refresh token nor a private key; none at all where they are more than half
    #[arg(long)]
    malformed: bool,
    /// Ask no server; of suspect sessions, remove only those beyond 180 days
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    pace: PaceArgs,
    /// Pause after so many
    #[arg(long, value_name = "N", requires = "pause")]
    batch_size: Option<std::num::NonZeroUsize>,
    /// How long to pause after each batch
    #[arg(long, value_name = "AGE", requires = "batch_size")]
    pause: Option<Age>,
}

/// Plans, asks a person if there is one, settles, sums up.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if args.dry_run {
        return prune(context, args, &mut Vec::new());
    }
    args.metrics.measured(context, "sessions_prune", |counts| prune(context, args, counts))
}

fn prune(context: &Context, args: &Args, counts: &mut Counts) -> anyhow::Result<Exit> {
    let store: Arc<dyn Store> = context.open_store()?.into();
    let judge = judge(context, store.layout())?;
    let rules = Rules { inactive: args.inactive, malformed: args.malformed, offline: args.offline };
    let records = ForeignRecords::default();
    let (plan, witnesses) = plan(context, args, &*store, &judge, rules, &records)?;
    if plan.needs_servers() {
        store.layout().check_lock_is_said()?;
    }
    let is_over = context.interrupt().is_set();
    if args.dry_run {
        tell_plan(context, &plan)?;
        return Ok(records.exit(context, context.interrupt().exit().unwrap_or(Exit::Done)));
    }
    let mut results = Results::new(context, &judge);
    let done = if plan.total() == 0 || is_over {
        Ok(())
    } else {
        if context.is_interactive() {
            context.confirm(&format!("This will {}. Go on?", intentions(&plan)))?;
        }
        settle(context, args, &store, rules, &plan, witnesses, &mut results)
    };
    counts.extend(counts_of(&results.document(&plan))?);
    let exit = results.finish(done, &plan)?;
    Ok(records.exit(context, exit))
}

/// Reads everything once, before anything is removed.
fn plan(
    context: &Context,
    args: &Args,
    store: &dyn Store,
    judge: &Judge,
    rules: Rules,
    records: &ForeignRecords,
) -> anyhow::Result<(Plan, Vec<Stored>)> {
    let min_interval = context.settings()?.refresh()?.min_interval;
    let app_has_lock = store.layout().has_lock();
    let mut plan = Plan::default();
    let witnesses = RefCell::new(Witnesses::default());
    let (mut seen, mut unreadable) = (0, 0);
    let mut listing = (args.dry_run && context.ui.format != Format::Json).then(|| context.ui.listing::<ResultRow>());
    context.runtime()?.block_on(async {
        let mut selection = args.select.begin(context, store, judge).await?;
        let mut see = |stored: &Stored, summary: &Summary<'_>, _: Option<&_>| {
            witnesses.borrow_mut().consider(stored, summary, judge, min_interval, app_has_lock);
            records.see(summary);
            seen += 1;
            unreadable += u64::from(summary.status == Status::Malformed);
        };
        let mut add = |stored: &Stored, summary: &Summary<'_>, note: Option<&_>| {
            if summary.kid.is_some() && !judge.knows_keys() && !args.offline {
                return Err(no_keys().into());
            }
            let action = plan.add(rules.action(stored, summary, note, judge));
            if action == Some(Action::Ask) {
                witnesses.borrow_mut().suspect(summary);
            }
            if let (Some(action), Some(listing)) = (action, &mut listing) {
                let reason = reason(args, summary, action);
                listing.push(&ResultRow::new(summary, action.intent(), Some(&reason), None))?;
            }
            Ok(Meant::to_do_if(action.is_some()))
        };
        while selection.next_seen(&mut see, &mut add).await?.is_some() {}
        anyhow::Ok(())
    })?;
    if args.malformed && !args.select.names_sessions() && unreadable * 2 > seen {
        return Err(mostly_malformed(unreadable, seen).into());
    }
    if let Some(listing) = listing.filter(|_| plan.total() > 0 || context.ui.format == Format::Csv) {
        listing.finish()?;
    }
    Ok((plan, witnesses.into_inner().needed()))
}

fn no_keys() -> Failure {
    usage("sessions are bound to client keys, and no key source is configured; nothing was removed")
        .hint("name the app's keys with --keys or in oauthctl.toml; --offline asks no server")
}

/// Where most of a store cannot be read, it is we who read it wrongly.
fn mostly_malformed(unreadable: u64, seen: u64) -> Failure {
    usage(format!("more than half of what was read is malformed ({unreadable} of {seen}); nothing was removed"))
        .hint("check --layout, and `envelope` of a layout of your own; --key removes single records")
}

/// Why this session is in the plan.
fn reason(args: &Args, session: &Summary<'_>, action: Action) -> String {
    let why = session.reason.as_deref().unwrap_or_default();
    match (action, args.inactive) {
        (Action::SignOut, Some(period)) => format!("away: its user was not there for {period}"),
        (Action::RemoveOld, _) => format!("{}: {}", session.status.name(), action.reason()),
        _ => format!("{}: {why}", session.status.name()),
    }
}

/// Does what was planned, reading everything anew: the app goes on meanwhile.
fn settle(
    context: &Context,
    args: &Args,
    store: &Arc<dyn Store>,
    rules: Rules,
    plan: &Plan,
    witnesses: Vec<Stored>,
    results: &mut Results<'_>,
) -> anyhow::Result<()> {
    let judge = results.judge;
    let keys = context.key_set()?.unwrap_or_default();
    let online = if plan.needs_servers() {
        let exchanger = exchanger(context, store, keys, Binding::Recorded, &args.pace)?;
        // What is touched after planning stays, whoever touched it.
        Some(Revoker::new(exchanger, Box::new(|_| false), judge.clone()))
    } else {
        None
    };
    let pruner = Pruner { store: Arc::clone(store), online, judge: judge.clone(), rules, health: Health::default() };
    let mut batches = Batches::new(context, args);
    context.runtime()?.block_on(async {
        for witness in witnesses {
            if context.interrupt().is_set() {
                break;
            }
            if let Some(event) = pruner.prove(witness).await {
                results.add(&event)?;
            }
        }
        let runner = Runner::new(pruner, args.pace.limits(context)?, stop(context));
        let mut selection = args.select.begin(context, &**store, judge).await?;
        let mut waiting: Vec<Stored> = Vec::new();
        let source = async || {
            while waiting.is_empty() {
                let wanted = |stored: &Stored, summary: &Summary<'_>, note: Option<&_>| {
                    Ok(Meant::to_do_if(matches!(rules.action(stored, summary, note, judge), Ok(Some(_)))))
                };
                let Some(sessions) = selection.next_meant(wanted).await? else { return Ok(None) };
                waiting = sessions.into_iter().map(|(stored, _)| stored).collect();
            }
            let batch = batches.take(&mut waiting).await;
            Ok(Some(batch.into_iter().map(Step::Work).collect()))
        };
        runner.run(source, async |_, event| results.add(&event)).await
    })
}
