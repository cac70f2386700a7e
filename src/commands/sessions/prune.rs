//! `oauthctl sessions prune`: removes what has ended; made for cron.

use std::sync::Arc;
use std::time::Duration;

use super::online::{PaceArgs, exchanger, stop};
use super::select::SelectArgs;
use super::view::judge;
use crate::commands::metrics::MetricsArgs;
use crate::context::Context;
use crate::error::{Exit, usage};
use crate::maintenance::{
    Action, Binding, Event, Health, Judge, Plan, PruneReport, Pruned, Pruner, Revoker, Rules, Runner, Step, Witnesses,
};
use crate::session::Age;
use crate::store::{Store, Stored};
use crate::ui::{Format, Row, counted};

/// Remove sessions that have ended, and on request sign out users who have been away
#[derive(clap::Args)]
#[command(after_help = "\
Removed are sessions that can never be refreshed (dead), and those older than sessions live
(suspect) of which the server says, asked once, that they have ended. Blocked sessions are never
touched. What the app touches meanwhile stays.

Inactivity is told apart from oauthctl's own refreshes by notes. Where keep-alive runs so often that
a user's return could not have been seen, nobody is signed out, and the summary counts them.

Examples:
  oauthctl sessions prune                         in cron, once a day
  oauthctl sessions prune --dry-run
  oauthctl sessions prune --inactive 30d --metrics-file /var/lib/node_exporter/prune.prom")]
pub struct Args {
    #[command(flatten)]
    select: SelectArgs,
    /// Also sign out sessions whose user has been away for this long
    #[arg(long, value_name = "AGE", conflicts_with = "offline")]
    inactive: Option<Age>,
    /// Also remove records that are not sessions
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
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// Plans, asks a person if there is one, settles, sums up.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let begun = context.now();
    let store: Arc<dyn Store> = context.open_store()?.into();
    let judge = judge(context, store.layout())?;
    let rules = Rules { inactive: args.inactive, malformed: args.malformed, offline: args.offline };
    let (plan, witnesses) = plan(context, args, &*store, &judge, rules)?;
    if args.dry_run {
        show_plan(context, &plan)?;
        return Ok(Exit::Done);
    }
    if plan.total() == 0 {
        return finish(context, args, begun, &plan, PruneReport::default());
    }
    if context.is_interactive() {
        show_plan(context, &plan)?;
        context.confirm(&format!("Settle {}?", counted(plan.total(), "session")))?;
    }
    let report = settle(context, args, &store, &judge, rules, &plan, &witnesses)?;
    finish(context, args, begun, &plan, report)
}

/// Reads everything once, before anything is removed.
fn plan(
    context: &Context,
    args: &Args,
    store: &dyn Store,
    judge: &Judge,
    rules: Rules,
) -> anyhow::Result<(Plan, Vec<Stored>)> {
    let min_interval = context.settings()?.refresh()?.min_interval;
    let mut plan = Plan::default();
    let mut witnesses = Witnesses::default();
    let mut listing = (args.dry_run && context.ui.format != Format::Json).then(|| context.ui.listing::<PlanRow>());
    context.runtime()?.block_on(async {
        let mut selection = args.select.begin(context, store, judge).await?;
        while let Some(sessions) = selection.next().await? {
            for (stored, note) in sessions {
                let summary = judge.summary(&stored, note.as_ref());
                if summary.kid.is_some() && !judge.knows_keys() && !args.offline {
                    return Err(usage("sessions are bound to client keys, and no key source is configured")
                        .hint("name the app's keys with --keys or in oauthctl.toml; --offline asks no server")
                        .into());
                }
                let action = plan.add(rules.action(&stored, &summary, note.as_ref(), judge));
                if let (Some(action), Some(listing)) = (action, &mut listing) {
                    let row =
                        PlanRow { key: &summary.key, did: summary.did.as_deref(), action, reason: action.reason() };
                    listing.push(&row)?;
                }
                witnesses.consider(&stored, &summary, judge, min_interval);
            }
        }
        anyhow::Ok(())
    })?;
    if let Some(listing) = listing.filter(|_| plan.total() > 0 || context.ui.format == Format::Csv) {
        listing.finish()?;
    }
    Ok((plan, witnesses.needed()))
}

fn settle(
    context: &Context,
    args: &Args,
    store: &Arc<dyn Store>,
    judge: &Judge,
    rules: Rules,
    plan: &Plan,
    witnesses: &[Stored],
) -> anyhow::Result<PruneReport> {
    let keys = context.key_set()?.unwrap_or_default();
    let online = if plan.needs_servers() {
        let exchanger = exchanger(context, store, keys, Binding::Recorded, &args.pace)?;
        // What is touched after planning stays, whoever touched it.
        Some(Revoker { exchanger, still_meant: Box::new(|_| false) })
    } else {
        None
    };
    let pruner = Pruner { store: Arc::clone(store), online, judge: judge.clone(), rules, health: Health::default() };
    let batch = args.batch_size.map_or(usize::MAX, std::num::NonZeroUsize::get);
    let pause = args.pause.and_then(|age| Duration::try_from(age.duration()).ok()).unwrap_or_default();
    let mut report = PruneReport::default();
    context.runtime()?.block_on(async {
        for (online, witness) in pruner.online.iter().flat_map(|online| witnesses.iter().map(move |w| (online, w))) {
            // Whatever it says: if it is refused, its group is stopped, and so it should be.
            online.exchanger.exchange(witness).await;
        }
        let runner = Runner::new(pruner, args.pace.limits(context)?, stop(context));
        let mut selection = args.select.begin(context, &**store, judge).await?;
        let mut pending: Vec<Stored> = Vec::new();
        let source = async || {
            while pending.is_empty() {
                let Some(sessions) = selection.next().await? else { return Ok(None) };
                let wanted = |(stored, note): &(Stored, Option<_>)| {
                    let summary = judge.summary(stored, note.as_ref());
                    matches!(rules.action(stored, &summary, note.as_ref(), judge), Ok(Some(_)))
                };
                pending = sessions.into_iter().filter(wanted).map(|(stored, _)| stored).collect();
            }
            if pending.len() > batch {
                tokio::time::sleep(pause).await;
            }
            let rest = pending.split_off(pending.len().min(batch));
            Ok(Some(std::mem::replace(&mut pending, rest).into_iter().map(Step::Work).collect()))
        };
        runner
            .run(source, async |_, event: Event<Pruned>| {
                report.count(&event.outcome);
                if let Pruned::Unsettled(why, _) = &event.outcome {
                    context.ui.warn(format!("{}: {why}; kept", event.session.key.text()));
                }
                Ok(())
            })
            .await
    })?;
    Ok(report)
}

#[derive(serde::Serialize)]
struct PlanRow<'a> {
    key: &'a str,
    did: Option<&'a str>,
    action: Action,
    reason: &'static str,
}

impl Row for PlanRow<'_> {
    const FIELDS: &'static [&'static str] = &["key", "did", "action", "reason"];
    const TITLES: &'static [&'static str] = &["did", "reason"];

    fn cells(&self) -> Vec<(String, Option<crate::ui::Role>)> {
        vec![(self.did.unwrap_or(self.key).to_owned(), None), (self.reason.to_owned(), None)]
    }
}

/// Totals per reason.
fn show_plan(context: &Context, plan: &Plan) -> anyhow::Result<()> {
    if context.ui.format == Format::Json {
        return Ok(context.ui.result(context.ui.json_document(&serde_json::to_value(plan)?, false))?);
    }
    let mut actions: Vec<_> = plan.actions.iter().collect();
    actions.sort();
    context.ui.note(format!("would settle {} of {}", plan.total(), counted(plan.read, "session")));
    for (action, n) in actions {
        context.ui.note(format!("  {n} {}", action.reason()));
    }
    if plan.unobservable > 0 {
        context.ui.note(format!("  {} left out: too little could be observed", plan.unobservable));
    }
    Ok(())
}

/// One line for people, one document for programs, and the metrics.
fn finish(
    context: &Context,
    args: &Args,
    begun: jiff::Timestamp,
    plan: &Plan,
    report: PruneReport,
) -> anyhow::Result<Exit> {
    let ui = &context.ui;
    if ui.format == Format::Table {
        let mut summary = format!("removed {} of {}", report.removed(), counted(plan.read, "session"));
        for (n, what) in [
            (report.dead, "dead"),
            (report.ended, "ended"),
            (report.old, "old"),
            (report.malformed, "malformed"),
            (report.signed_out, "signed out"),
            (report.alive, "alive and refreshed"),
            (report.changed, "changed meanwhile and kept"),
            (report.unsettled, "unsettled and kept"),
            (plan.unobservable, "of unobservable activity and kept"),
        ] {
            if n > 0 {
                summary.push_str(&format!(", {n} {what}"));
            }
        }
        ui.result(format!("{summary}\n"))?;
    } else {
        let mut document = serde_json::to_value(report)?;
        document["read"] = plan.read.into();
        document["unobservable"] = plan.unobservable.into();
        ui.result(ui.json_document(&document, false))?;
    }
    let exit = match context.interrupt().exit() {
        Some(exit) => exit,
        None if report.unsettled == 0 => Exit::Done,
        None if report.removed() + report.alive + report.changed == 0 => Exit::Failed,
        None => Exit::Partial,
    };
    let counts = [
        ("dead", report.dead),
        ("ended", report.ended),
        ("old", report.old),
        ("malformed", report.malformed),
        ("signed_out", report.signed_out),
        ("alive", report.alive),
        ("changed", report.changed),
        ("unsettled", report.unsettled),
        ("unobservable", plan.unobservable),
        ("read", plan.read),
    ];
    args.metrics.write(context, "sessions_prune", begun, &counts, exit)?;
    Ok(exit)
}
