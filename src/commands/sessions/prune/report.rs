//! Output of `sessions prune`: plan, results, JSON.

use serde::Serialize;

use crate::commands::ending::exit;
use crate::commands::sessions::results::{Report, ResultRow, Results};
use crate::commands::sessions::watch::NotAttempted;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Action, Assessor, Event, PrunePlan, PruneResult, Pruned, Tally};
use crate::session::Age;
use crate::ui::{Progress, Role, counted, counts};

/// Formats the plan: `remove 3 of 7 sessions (2 dead, 1 malformed), ask the server about 1
/// (suspect), sign out 2 (away)`.
pub fn intentions(plan: &PrunePlan) -> String {
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

/// Formats the counts: ` (2 dead, 1 malformed)`. Empty if all are 0.
fn listed(some: impl IntoIterator<Item = (u64, &'static str)>) -> String {
    let text = counts(", ", some);
    text.strip_prefix(", ").map(|text| format!(" ({text})")).unwrap_or_default()
}

/// Prints the totals of a dry run.
pub fn print_plan(
    context: &Context,
    plan: &PrunePlan,
    inactive: Option<Age>,
) -> anyhow::Result<()> {
    let ui = &context.ui;
    let end = context.interrupt().before_the_end();
    let text = format!("would {}{}{}{end}", intentions(plan), kept(plan), threshold(inactive));
    Ok(ui.summary(text)?)
}

/// Repeats `--inactive` in words, so that minutes are not mistaken for months.
pub fn threshold(inactive: Option<Age>) -> String {
    inactive.map(|age| format!("; signed out: inactive for {}", age.in_words())).unwrap_or_default()
}

/// Describes the selected sessions that are kept.
fn kept(plan: &PrunePlan) -> String {
    counts(
        "; ",
        [(plan.unobservable, "kept: user activity unknown"), (plan.foreign, "kept: foreign")],
    )
}

/// JSON document of a run.
#[derive(Serialize)]
pub struct Document {
    #[serde(flatten)]
    tally: Tally<PruneResult>,
    unobservable: u64,
    foreign: u64,
    read: u64,
}

/// Results of a run.
pub struct Prunings<'c> {
    results: Results<'c, PruneResult>,
    some_are_unconfirmed: bool,
    pub not_attempted: NotAttempted,
}

impl<'c> Prunings<'c> {
    /// Creates empty results.
    pub fn new(context: &'c Context, assessor: &'c Assessor) -> Self {
        let results = Results::new::<ResultRow>(context, assessor, false);
        Self { results, some_are_unconfirmed: false, not_attempted: NotAttempted::default() }
    }

    /// Returns the assessor of the sessions.
    pub fn assessor(&self) -> &'c Assessor {
        self.results.assessor
    }

    /// Shows progress beside the results.
    pub fn show(&mut self, progress: Progress) {
        self.results.progress = progress;
    }

    /// Adds a result.
    pub fn add(&mut self, event: &Event<Pruned>) -> anyhow::Result<()> {
        let summary = self.results.assessor.summary(&event.session, None);
        let kind = event.outcome.kind();
        let reason = match &event.outcome {
            Pruned::Unsettled(why, _) | Pruned::Refused(why) => Some(why.as_str()),
            _ => None,
        };
        let result = if kind == PruneResult::Witness { "witness" } else { kind.name() };
        let row = ResultRow::new(&summary, result, reason, reason.map(|_| Role::Warning));
        let is_for_people = reason.is_some();
        self.results.report(
            kind,
            &row,
            &Report { session: &summary, result, reason, is_for_people },
        )
    }

    /// Marks this number of living sessions as unconfirmed: their new tokens may be lost.
    pub fn take_back(&mut self, unconfirmed: u64) {
        let tally = &mut self.results.tally;
        let alive = tally.take(PruneResult::Alive, unconfirmed);
        tally.take(PruneResult::Witness, unconfirmed - alive);
        tally.add(PruneResult::Unsettled, unconfirmed);
        self.some_are_unconfirmed = unconfirmed > 0;
    }

    /// Returns all counts as a document.
    pub fn document(&self, plan: &PrunePlan) -> Document {
        let PrunePlan { read, unobservable, foreign, .. } = *plan;
        Document { tally: self.results.tally.clone(), unobservable, foreign, read }
    }

    /// Returns the number of removed records.
    pub fn removed(&self) -> u64 {
        self.results.tally.sum(&PruneResult::REMOVED)
    }

    /// Prints a summary for people, or a document for programs.
    pub fn finish(
        self,
        done: anyhow::Result<()>,
        plan: &PrunePlan,
        inactive: Option<Age>,
    ) -> anyhow::Result<Exit> {
        let (context, document) = (self.results.context, self.document(plan));
        let count = |kind| document.tally.of(kind);
        let kept_alive = count(PruneResult::Alive) + count(PruneResult::Witness);
        let achieved = self.removed() + kept_alive > 0 || self.some_are_unconfirmed;
        let left = self.not_attempted.in_words(context);
        let summary = summary(&document.tally, plan, inactive) + &left;
        let done = self.results.close(done, achieved, &document, &summary)?;
        Ok(exit(
            context,
            done,
            count(PruneResult::Unsettled),
            achieved || count(PruneResult::Changed) > 0,
        ))
    }
}

fn summary(tally: &Tally<PruneResult>, plan: &PrunePlan, inactive: Option<Age>) -> String {
    let of = |kind| tally.of(kind);
    let removed = tally.sum(&PruneResult::REMOVED);
    let mut text = format!("removed {removed} of {}", counted(plan.read, "session"));
    text.push_str(&listed([
        (of(PruneResult::Dead), "dead"),
        (of(PruneResult::Ended), "ended"),
        (of(PruneResult::Old), "older than any session lives"),
        (of(PruneResult::Malformed), "malformed"),
        (of(PruneResult::SignedOut), "signed out"),
    ]));
    text.push_str(&counts(
        "; ",
        [
            (of(PruneResult::Alive), "kept: alive, and refreshed"),
            (of(PruneResult::Changed), "kept: changed meanwhile"),
            (of(PruneResult::Unsettled), "kept: no clear answer"),
            (of(PruneResult::Witness), "refreshed first, to verify the configuration"),
            (of(PruneResult::Refused), "refreshed first, and refused"),
        ],
    ));
    text + &kept(plan) + &threshold(inactive)
}
