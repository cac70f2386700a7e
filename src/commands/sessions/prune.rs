//! `oauthctl sessions prune`: removes ended sessions. Designed for cron.

mod batches;
mod report;

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::Arc;

use self::batches::Batches;
use self::report::{Prunings, intentions, print_plan, threshold};
use super::foreign::{compare, exit_of};
use super::online::{refresher, stop, tell_unconfirmed};
use super::pace::PaceArgs;
use super::results::ResultRow;
use super::select::SelectArgs;
use super::view::assessor;
use super::watch::{progress, watched};
use crate::commands::metrics::{Counts, MetricsArgs, counts_of};
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::maintenance::{
    Action, Assessor, Binding, Meant, ProbeOrder, PrunePlan, Pruner, Revoker, Rules, Runner, Step,
    StoreBreaker, check_clock,
};
use crate::session::{Age, Status, Summary};
use crate::store::{Store, Stored};
use crate::ui::{Format, Listing, counted};

/// Remove ended sessions, and optionally sign out inactive users
#[derive(clap::Args)]
#[command(after_help = "\
Removes dead sessions, and suspect sessions (past their expected lifetime) once their server
confirms that they have ended. Never touches blocked sessions, and sessions that the app changes
during the run. Before it asks about a suspect session, it refreshes a healthy session of the same
server and key, so that a wrong configuration is not mistaken for an ended session.

Refreshes by oauthctl do not count as activity of a user. If oauthctl refreshed a session so often
that it cannot tell whether the user was active, the session is kept and counted in the summary.

If a store is empty but had sessions in the last run, or sessions of this client are found
elsewhere, it may be the wrong store: the run warns and exits with 3.

Examples:
  oauthctl sessions prune                         in cron, once a day
  oauthctl sessions prune --dry-run
  oauthctl sessions prune --inactive 30d --metrics-file /var/lib/node_exporter/prune.prom")]
pub struct Args {
    /// Show what would be done, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// Also sign out users who have not used their session for this long; at least an hour, and
    /// less than a day only with --yes
    #[arg(long, value_name = "AGE", conflicts_with = "offline", value_parser = inactive)]
    inactive: Option<Age>,
    /// If more sessions than this would be signed out or removed as malformed, do neither
    /// [default: 20, or half of all records if that is more]
    #[arg(long, value_name = "N", value_parser = max_removed)]
    max_removed: Option<NonZeroUsize>,
    /// Also remove malformed records: empty ones, and those with neither a refresh token nor a
    /// private key; none if they are more than half of all records
    #[arg(long)]
    malformed: bool,
    /// Do not ask servers; remove suspect sessions only if they are older than 180 days
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    pace: PaceArgs,
    /// Pause after every N sessions
    #[arg(long, value_name = "N", requires = "pause")]
    batch_size: Option<NonZeroUsize>,
    /// Length of the pause after each batch
    #[arg(long, value_name = "AGE", requires = "batch_size")]
    pause: Option<Age>,
}

/// Minimum of `--inactive`. A session without a request for minutes is normal even for an active
/// user.
const SHORTEST: Age = Age::from_secs(3600);
/// Age below which `--inactive` requires confirmation.
const SHORT: Age = Age::from_secs(86_400);
/// Number of sessions that may be signed out or removed as malformed without confirmation, even if
/// they are more than half.
const FEW: u64 = 20;

fn max_removed(text: &str) -> Result<NonZeroUsize, Failure> {
    text.parse().map_err(|_| {
        usage(format!("{text:?} is not a whole number above 0"))
            .hint("--dry-run removes nothing, and shows what would be removed")
    })
}

fn inactive(text: &str) -> Result<Age, Failure> {
    let age: Age = text.parse()?;
    if age >= SHORTEST {
        return Ok(age);
    }
    Err(usage(format!("{text:?} is less than an hour: this would sign out active users"))
        .hint("m means minutes; use days or weeks, like 30d"))
}

/// Fails if recently active users would be signed out, and no one has confirmed that.
fn check_inactive(context: &Context, args: &Args) -> Result<(), Failure> {
    match args.inactive {
        Some(age)
            if age < SHORT
                && !args.dry_run
                && !context.is_confirmed()
                && !context.is_interactive() =>
        {
            let what = format!(
                "--inactive {age} would sign out users who were active less than a day ago"
            );
            Err(usage(what).hint("use --yes to confirm; --dry-run shows the sessions"))
        }
        _ => Ok(()),
    }
}

/// Removes actions from the rules and the plan that would end more sessions than permitted. Reports
/// this, and returns whether it happened.
fn hold_back(
    context: &Context,
    args: &Args,
    rules: &mut Rules,
    plan: &mut PrunePlan,
) -> anyhow::Result<bool> {
    let bulk = plan.in_bulk();
    let named =
        args.max_removed.map_or_else(|| context.settings()?.max_removed(), |n| Ok(Some(n)))?;
    let most = named.map_or_else(|| FEW.max(plan.read / 2), |n| n.get() as u64);
    if bulk <= most {
        return Ok(false);
    }
    context.ui.warn(format!(
        "{bulk} of {} would be signed out or removed as malformed, which is more than {most}, so none is; use --max-removed {bulk} to allow it",
        counted(plan.read, "session")
    ));
    plan.leave_bulk();
    (rules.inactive, rules.malformed) = (None, false);
    Ok(true)
}

/// Plans, asks for confirmation, settles, and prints a summary.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    args.metrics
        .measured(context, "sessions_prune", args.dry_run, |counts| prune(context, args, counts))
}

fn prune(context: &Context, args: &Args, counts: &mut Counts) -> anyhow::Result<Exit> {
    check_inactive(context, args)?;
    let store: Arc<dyn Store> = context.open_store_to_end()?.into();
    if args.inactive.is_some() {
        store.check_notes()?;
    }
    let assessor = assessor(context, store.layout())?;
    let question = (!args.dry_run).then_some("Go on with the sessions bound to it?");
    args.select.prepare(context, &[&*store], question)?;
    let mut rules =
        Rules { inactive: args.inactive, malformed: args.malformed, offline: args.offline };
    let mut listing = args.dry_run.then(|| context.ui.run_listing::<ResultRow>(true));
    let planned = plan(context, args, &*store, &assessor, rules, listing.as_mut());
    let checked = planned.and_then(|(plan, probes)| {
        if plan.needs_servers() {
            store.check_lock()?;
        }
        Ok((plan, probes))
    });
    let (mut plan, probes) = match checked {
        Ok(planned) => planned,
        Err(error) => {
            listing.into_iter().for_each(Listing::discard);
            return Err(error);
        }
    };
    if plan.goes_by_age() {
        context.runtime()?.block_on(check_clock(&*store, context.now()))?;
    }
    let records = args.select.seen().borrow().records;
    let missing = args.select.check_names(context, &*store)?;
    let is_held_back = hold_back(context, args, &mut rules, &mut plan)?;
    let status = |exit| {
        let exit = if is_held_back && exit == Exit::Done { Exit::Partial } else { exit };
        exit_of(context, records, missing.exit(exit))
    };
    let is_over = context.interrupt().is_set();
    if let Some(listing) = listing {
        if !listing.is_empty() || context.ui.format != Format::Table {
            listing.finish_with(&plan)?;
        }
        print_plan(context, &plan, args.inactive)?;
        let exit = status(context.interrupt().exit().unwrap_or(Exit::Done));
        return Ok(compare(context, store.layout(), records, None, exit)?);
    }
    let mut results = Prunings::new(context, &assessor);
    let done = if plan.total() == 0 || is_over {
        Ok(())
    } else {
        if context.is_interactive() {
            let intentions = format!("{}{}", intentions(&plan), threshold(args.inactive));
            context.confirm(&format!("This will {intentions}. Go on?"))?;
        }
        settle(context, args, &store, rules, &plan, probes, &mut results)
    };
    counts.extend(counts_of(&results.document(&plan))?);
    let removed = results.removed();
    let exit = status(results.finish(done, &plan, args.inactive)?);
    Ok(compare(context, store.layout(), records, Some(removed), exit)?)
}

/// Reads the whole store before anything is removed.
fn plan(
    context: &Context,
    args: &Args,
    store: &dyn Store,
    assessor: &Assessor,
    rules: Rules,
    mut listing: Option<&mut Listing>,
) -> anyhow::Result<(PrunePlan, Vec<Stored>)> {
    let min_interval = context.settings()?.refresh()?.min_interval;
    let app_has_lock = store.layout().has_lock();
    let mut plan = PrunePlan::default();
    let probes = RefCell::new(ProbeOrder::default());
    let (mut seen, mut unreadable) = (0, 0);
    context.runtime()?.block_on(async {
        let mut selection = args.select.begin(context, store, assessor).await?;
        let mut see = |stored: &Stored, summary: &Summary<'_>, _: Option<&_>| {
            probes.borrow_mut().consider(stored, summary, assessor, min_interval, app_has_lock);
            seen += 1;
            unreadable += u64::from(summary.status == Status::Malformed);
        };
        let mut add = |_: &Stored, summary: &Summary<'_>, note: Option<&_>| {
            if summary.kid.is_some() && !assessor.knows_keys() && !args.offline {
                return Err(no_keys().into());
            }
            let action = plan.add(rules.action(summary, note, assessor));
            if action == Some(Action::Ask) {
                probes.borrow_mut().suspect(summary);
            }
            if let (Some(action), Some(listing)) = (action, &mut listing) {
                let reason = reason(args, summary, action);
                listing.push(&ResultRow::new(summary, action.intent(), Some(&reason), None))?;
            }
            Ok(Meant::work_if(action.is_some()))
        };
        while selection.next_seen(&mut see, &mut add).await?.is_some() {}
        anyhow::Ok(())
    })?;
    if args.malformed && !args.select.names_sessions() && unreadable * 2 > seen {
        return Err(mostly_malformed(unreadable, seen).into());
    }
    Ok((plan, probes.into_inner().needed()))
}

fn no_keys() -> Failure {
    usage("sessions are bound to client keys, but no key source is configured; nothing was removed")
        .hint("use --keys, or set `keys` in oauthctl.toml; --offline needs no keys")
}

/// Returns the failure for a store that is mostly unreadable, where a wrong layout is more likely
/// than damage.
fn mostly_malformed(unreadable: u64, seen: u64) -> Failure {
    usage(format!(
        "more than half of all records are malformed ({unreadable} of {seen}); nothing was removed"
    ))
    .hint("check --layout, and `envelope` if it is your own layout; --key removes single records")
}

/// Returns the reason for which this session is in the plan.
fn reason(args: &Args, session: &Summary<'_>, action: Action) -> String {
    let why = session.reason.as_deref().unwrap_or_default();
    match (action, args.inactive) {
        (Action::SignOut, Some(period)) => format!("inactive for {period}"),
        (Action::RemoveOld, _) => format!("{}: {}", session.status.name(), action.reason()),
        _ => format!("{}: {why}", session.status.name()),
    }
}

/// Carries out the plan, and reads everything again, because the app may have changed it.
fn settle(
    context: &Context,
    args: &Args,
    store: &Arc<dyn Store>,
    rules: Rules,
    plan: &PrunePlan,
    probes: Vec<Stored>,
    results: &mut Prunings<'_>,
) -> anyhow::Result<()> {
    let assessor = results.assessor();
    let keys = context.key_set()?.unwrap_or_default();
    let mut unconfirmed = Arc::default();
    let online = if plan.needs_servers() {
        let refresher =
            refresher(context, store, assessor, keys, Binding::Recorded, &args.pace, false)?;
        unconfirmed = refresher.unconfirmed();
        Some(Revoker::for_absent_users(refresher, assessor.clone()))
    } else {
        None
    };
    let pruner = Pruner {
        store: Arc::clone(store),
        online,
        assessor: assessor.clone(),
        rules,
        health: StoreBreaker::default(),
    };
    let mut batches = Batches::new(context, args);
    let done = context.runtime()?.block_on(async {
        for probe in probes {
            if context.interrupt().is_set() {
                break;
            }
            if let Some(event) = pruner.probe(probe).await {
                results.add(&event)?;
            }
        }
        let runner = Runner::new(pruner, args.pace.limits(context)?, stop(context));
        let shown = progress(context, &args.select, &runner);
        results.show(shown.clone());
        let mut selection = args.select.begin(context, &**store, assessor).await?;
        let mut waiting: Vec<Stored> = Vec::new();
        let source = async || {
            while waiting.is_empty() {
                let wanted = |_: &Stored, summary: &Summary<'_>, note: Option<&_>| {
                    Ok(Meant::work_if(matches!(rules.action(summary, note, assessor), Ok(Some(_)))))
                };
                let Some(sessions) = selection.next_meant(wanted).await? else { return Ok(None) };
                waiting = sessions.into_iter().map(|(stored, _)| stored).collect();
            }
            let batch = batches.take(&mut waiting).await;
            Ok(Some(batch.into_iter().map(Step::Work).collect()))
        };
        let add = async |_: &Pruner, event| results.add(&event);
        let (done, not_attempted) =
            watched(context, &args.select, runner, &shown, source, add).await;
        results.not_attempted = not_attempted;
        done
    });
    results.take_back(tell_unconfirmed(context, &unconfirmed));
    done
}
