//! What a run of `sessions prune` would do, and what it did, in words and in documents.

use serde::Serialize;

use crate::commands::ending::{cut_short, exit};
use crate::commands::sessions::results::ResultRow;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Action, Event, Judge, Plan, PruneReport, Pruned};
use crate::session::Age;
use crate::ui::{Format, Listing, counted, counts};

/// `remove 3 of 7 sessions (2 dead, 1 malformed), ask the server about 1 (suspect), sign out 2 (away)`
pub fn intentions(plan: &Plan) -> String {
    let count = |action| plan.actions.get(&action).copied().unwrap_or_default();
    let removals = [Action::RemoveDead, Action::RemoveOld, Action::RemoveMalformed];
    let reasons = listed(removals.map(|action| (count(action), action.reason())));
    let total: u64 = removals.into_iter().map(count).sum();
    let mut text = format!("remove {total} of {}{reasons}", counted(plan.read, "session"));
    for (action, what) in [(Action::Ask, "ask the server about"), (Action::SignOut, "sign out")] {
        if count(action) > 0 {
            text.push_str(&format!(", {what} {} ({})", count(action), action.reason()));
        }
    }
    text
}

/// ` (2 dead, 1 malformed)`; nothing where all are 0.
fn listed(some: impl IntoIterator<Item = (u64, &'static str)>) -> String {
    let text = counts(", ", some);
    text.strip_prefix(", ").map(|text| format!(" ({text})")).unwrap_or_default()
}

/// The totals of a dry run.
pub fn tell_plan(context: &Context, plan: &Plan, inactive: Option<Age>) -> anyhow::Result<()> {
    let ui = &context.ui;
    if ui.format == Format::Json {
        let document = DryRun { plan, dry_run: true };
        return Ok(ui.document(&serde_json::to_value(document)?)?);
    }
    let end = context.interrupt().before_the_end();
    let text = format!("would {}{}{}{end}", intentions(plan), kept(plan), threshold(inactive));
    Ok(ui.summary(text)?)
}

/// Repeats `--inactive` in words, so that minutes are not taken for months.
pub fn threshold(inactive: Option<Age>) -> String {
    inactive.map(|age| format!("; signed out is who was inactive for {}", age.in_words())).unwrap_or_default()
}

/// What was asked for and is not touched.
fn kept(plan: &Plan) -> String {
    counts(
        "; ",
        [(plan.unobservable, "kept: cannot tell whether their users were away"), (plan.foreign, "kept: foreign")],
    )
}

/// A dry run as a document.
#[derive(Serialize)]
struct DryRun<'p> {
    #[serde(flatten)]
    plan: &'p Plan,
    dry_run: bool,
}

/// A run as a document.
#[derive(Serialize)]
pub struct Document {
    #[serde(flatten)]
    report: PruneReport,
    unobservable: u64,
    foreign: u64,
    read: u64,
}

/// Shows results as they come, and sums them up.
pub struct Results<'c> {
    context: &'c Context,
    /// Judges what results are of.
    pub judge: &'c Judge,
    listing: Option<Listing>,
    report: PruneReport,
    some_are_unconfirmed: bool,
}

impl<'c> Results<'c> {
    /// Nothing has happened yet.
    pub fn new(context: &'c Context, judge: &'c Judge) -> Self {
        let has_lines = matches!(context.ui.format, Format::Jsonl | Format::Csv);
        let listing = has_lines.then(|| context.ui.listing::<ResultRow>());
        Self { context, judge, listing, report: PruneReport::default(), some_are_unconfirmed: false }
    }

    /// Takes one in.
    pub fn add(&mut self, event: &Event<Pruned>) -> anyhow::Result<()> {
        self.report.count(&event.outcome);
        let summary = self.judge.summary(&event.session, None);
        let (reason, meaning) = match &event.outcome {
            Pruned::Unsettled(why, _) => (Some(why.as_str()), "kept"),
            Pruned::Refused(why) => (Some(why.as_str()), "it was to prove the configuration right"),
            _ => (None, ""),
        };
        if let Some(listing) = &mut self.listing {
            listing.push(&ResultRow::new(&summary, event.outcome.name(), reason, None))?;
            listing.flush()?;
        } else if let Some(why) = reason {
            self.context.ui.warn(format!("{}: {why}; {meaning}", summary.key));
        }
        Ok(())
    }

    /// Takes back that all is settled with so many sessions that live: whether their new tokens last nobody knows.
    pub fn take_back(&mut self, unconfirmed: u64) {
        let alive = unconfirmed.min(self.report.alive);
        self.report.alive -= alive;
        self.report.witnesses = self.report.witnesses.saturating_sub(unconfirmed - alive);
        self.report.unsettled += unconfirmed;
        self.some_are_unconfirmed = unconfirmed > 0;
    }

    /// Everything that was counted, as a document.
    pub fn document(&self, plan: &Plan) -> Document {
        let Plan { read, unobservable, foreign, .. } = *plan;
        Document { report: self.report, unobservable, foreign, read }
    }

    /// Number of records that are gone.
    pub fn removed(&self) -> u64 {
        self.report.removed()
    }

    /// One line for people, one document for programs.
    pub fn finish(self, done: anyhow::Result<()>, plan: &Plan, inactive: Option<Age>) -> anyhow::Result<Exit> {
        let document = self.document(plan);
        let Self { context, report, listing, some_are_unconfirmed, .. } = self;
        let ui = &context.ui;
        let achieved = report.removed() + report.alive + report.witnesses > 0 || some_are_unconfirmed;
        let done = cut_short(context, done, achieved)?;
        if let Some(listing) = listing {
            listing.finish()?;
        }
        let summary = summary(context, &report, plan, inactive);
        if ui.format == Format::Json {
            ui.document(&serde_json::to_value(document)?)?;
        }
        ui.summary(summary)?;
        Ok(exit(context, done, report.unsettled, achieved || report.changed > 0))
    }
}

fn summary(context: &Context, report: &PruneReport, plan: &Plan, inactive: Option<Age>) -> String {
    let mut text = format!("removed {} of {}", report.removed(), counted(plan.read, "session"));
    text.push_str(&listed([
        (report.dead, "dead"),
        (report.ended, "ended"),
        (report.old, "older than any session lives"),
        (report.malformed, "malformed"),
        (report.signed_out, "signed out"),
    ]));
    text.push_str(&counts(
        "; ",
        [
            (report.alive, "kept: alive, and refreshed"),
            (report.changed, "kept: changed meanwhile"),
            (report.unsettled, "kept: not settled"),
            (report.witnesses, "refreshed first, to prove the configuration right"),
            (report.refused, "refreshed first, and refused"),
        ],
    ));
    text + &kept(plan) + &threshold(inactive) + context.interrupt().before_the_end()
}
