//! Results of a run, listed individually and counted. Shared by the batch commands.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::acknowledged::Acknowledgements;
use super::causes::Causes;
use super::names::SomeMissing;
use super::online::{stop, tell_unconfirmed};
use super::pace::PaceArgs;
use super::select::SelectArgs;
use super::watch::{NotAttempted, progress, watched};
use crate::commands::ending::{cut_short, exit};
use crate::commands::metrics::Counts;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{
    Assessor, Event, Outcome, RefreshResult, Refresher, Runner, Step, Tally, Unconfirmed,
};
use crate::session::Summary;
use crate::store::Stored;
use crate::text::Named;
use crate::ui::{Begun, Format, Listing, Progress, Role, Row, counted, counts};

/// Number of ended sessions, without any other result, that is more than coincidence.
const MANY: u64 = 3;

/// Result of one session, possibly of a dry run.
#[derive(Serialize, JsonSchema)]
pub struct ResultRow<'a> {
    key: &'a str,
    did: Option<&'a str>,
    #[schemars(with = "String")]
    #[serde(serialize_with = "identifier")]
    result: &'static str,
    reason: Option<&'a str>,
    #[serde(skip)]
    role: Option<Role>,
}

impl<'a> ResultRow<'a> {
    /// Creates a row for this session, with its result and reason.
    pub fn new(
        session: &'a Summary<'_>,
        result: &'static str,
        reason: Option<&'a str>,
        role: Option<Role>,
    ) -> Self {
        Self { key: &session.key, did: session.did.as_deref(), result, reason, role }
    }
}

impl Row for ResultRow<'_> {
    const FIELDS: &'static [&'static str] = &["key", "did", "result", "reason"];
    const TITLES: &'static [&'static str] = &["did", "result", "reason"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        vec![
            (self.did.unwrap_or(self.key).to_owned(), None),
            (self.result.to_owned(), self.role),
            (self.reason.unwrap_or_default().to_owned(), None),
        ]
    }
}

/// Writes a name for people as programs read it: `would refresh` is `would_refresh`.
pub fn identifier<S: Serializer>(name: &&str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&name.replace(' ', "_"))
}

/// Shows results, and counts them. A table shows what is worth a word, by cause; other formats show
/// all, as they come.
pub struct Results<'c, K> {
    /// Context.
    pub context: &'c Context,
    /// Assessor of the sessions.
    pub assessor: &'c Assessor,
    /// Counts by kind.
    pub tally: Tally<K>,
    /// Progress of the run, which rows must not be mixed up with.
    pub progress: Progress,
    listing: Listing,
    causes: Causes,
}

/// Report of the result of one session.
pub struct Report<'a> {
    /// Session.
    pub session: &'a Summary<'a>,
    /// Name of the result for people.
    pub result: &'static str,
    /// Cause of the result.
    pub reason: Option<&'a str>,
    /// True if it is printed for people, not only for programs.
    pub is_for_people: bool,
}

impl<'c, K: Named> Results<'c, K> {
    /// Creates the results of a run. Rows of this type will be shown.
    pub fn new<R: Row>(context: &'c Context, assessor: &'c Assessor, dry_run: bool) -> Self {
        let listing = context.ui.run_listing::<R>(dry_run);
        let (tally, causes) = (Tally::default(), Causes::default());
        Self { context, assessor, tally, progress: Progress::default(), listing, causes }
    }

    /// Leaves the end of the document to a command that adds members.
    pub fn leave_open(&mut self, begun: &Rc<Cell<Begun>>) {
        self.listing.leave_open(begun);
    }

    /// Counts a result, and shows its row.
    pub fn report(&mut self, kind: K, row: &impl Row, report: &Report<'_>) -> anyhow::Result<()> {
        self.tally.count(kind);
        let ui = &self.context.ui;
        let listing = &mut self.listing;
        if ui.format != Format::Table {
            return self.progress.suspend(|| {
                listing.push(row)?;
                Ok(listing.flush()?)
            });
        }
        match report.reason {
            _ if !report.is_for_people => Ok(()),
            Some(reason) if !ui.is_verbose() => {
                let listed = self.causes.add(report.session, report.result, reason, || row.cells());
                match listed.filter(|_| listing.is_live()) {
                    Some(cells) => {
                        Ok(self.progress.suspend(|| listing.push_cells(cells.clone()))?)
                    }
                    None => Ok(()),
                }
            }
            _ => self.progress.suspend(|| listing.push(row)),
        }
    }

    /// Prints the remaining output. Returns the exit status; `achieved` is true if anything was
    /// done.
    pub fn close(
        mut self,
        done: anyhow::Result<()>,
        achieved: bool,
        counts: &impl Serialize,
        summary: &str,
    ) -> anyhow::Result<Exit> {
        let ui = &self.context.ui;
        let done = cut_short(self.context, done, achieved);
        let is_live = self.listing.is_live();
        let lines = if is_live { self.causes.lines_left() } else { self.causes.lines() };
        lines.into_iter().try_for_each(|line| self.listing.push_cells(line))?;
        // A run that has failed, or a table without rows, has no result.
        if !self.listing.is_empty() || done.is_ok() && ui.format != Format::Table {
            self.listing.finish_with(counts)?;
        }
        let done = done?;
        if self.causes.left_out() > 0 {
            let more = counted(self.causes.left_out(), "session");
            ui.say(format!("{more} with other causes are not listed; -v lists all"));
        }
        ui.summary(summary)?;
        for (kid, sessions) in self.causes.lost_kids() {
            ui.hint(format!(
                "{} bound to key {kid}, which the key set lacks: add the key, or, if it is lost, \
                 end them with `oauthctl sessions revoke --kid {kid} --forget`; \
                 `acknowledged` under [refresh] keeps them from failing runs",
                are(sessions)
            ));
        }
        Ok(done)
    }
}

/// `1 session is`, `2 sessions are`
fn are(sessions: u64) -> String {
    format!("{} {}", counted(sessions, "session"), if sessions == 1 { "is" } else { "are" })
}

/// Refresh run with its results.
pub struct Refreshes<'c> {
    results: Results<'c, RefreshResult>,
    /// `None` in a dry run.
    runner: Option<Runner<Refresher>>,
    unconfirmed: Arc<Unconfirmed>,
    dry_run: bool,
    /// Verb for the result: "refreshed", "would upgrade".
    verb: &'static str,
    some_are_unconfirmed: bool,
    not_attempted: NotAttempted,
    /// True if some of the selected sessions needed no refresh, and none was attempted.
    pub some_are_well: bool,
    /// True if the run itself may end sessions at their server.
    pub may_end_sessions: bool,
    /// Causes that the operator knows.
    pub acknowledged: Acknowledgements,
    /// Causes of skipped sessions.
    skipped: Causes,
    /// True to report skipped sessions to people, too, which is useful if the session was named.
    pub reports_skipped: bool,
}

impl<'c> Refreshes<'c> {
    /// Creates a run, a dry run without a refresher. `verbs` are for a dry run and for a real one.
    pub fn new(
        context: &'c Context,
        assessor: &'c Assessor,
        [would_do, done]: [&'static str; 2],
        refresher: Option<Refresher>,
        (select, pace): (&SelectArgs, &PaceArgs),
    ) -> anyhow::Result<Self> {
        let dry_run = refresher.is_none();
        let unconfirmed = refresher.as_ref().map(Refresher::unconfirmed).unwrap_or_default();
        let runner =
            |refresher| anyhow::Ok(Runner::new(refresher, pace.limits(context)?, stop(context)));
        let runner = refresher.map(runner).transpose()?;
        let mut results = Results::new::<ResultRow>(context, assessor, dry_run);
        if let Some(runner) = &runner {
            results.progress = progress(context, select, runner);
        }
        Ok(Self {
            results,
            runner,
            unconfirmed,
            dry_run,
            verb: if dry_run { would_do } else { done },
            some_are_unconfirmed: false,
            not_attempted: NotAttempted::default(),
            some_are_well: false,
            may_end_sessions: false,
            acknowledged: Acknowledgements::default(),
            skipped: Causes::default(),
            reports_skipped: false,
        })
    }

    /// Refreshes the sessions of the source, or reports what a run would do.
    pub async fn run(
        &mut self,
        select: &SelectArgs,
        mut source: impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<Outcome>>>>,
    ) -> anyhow::Result<()> {
        if let Some(runner) = self.runner.take() {
            let (context, progress) = (self.results.context, self.results.progress.clone());
            let add = async |_: &Refresher, event| self.add(&event);
            let watched = watched(context, select, runner, &progress, source, add).await;
            let (done, not_attempted) = watched;
            self.not_attempted = not_attempted;
            self.take_back(tell_unconfirmed(self.results.context, &self.unconfirmed));
            return done;
        }
        while let Some(steps) = source().await? {
            for step in &steps {
                self.plan(step)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, event: &Event<Outcome>) -> anyhow::Result<()> {
        let (kind, reason) = event.outcome.kind_and_reason();
        self.add_result(&event.session, kind, reason)
    }

    /// Records the planned step of a session.
    fn plan(&mut self, step: &Step<Outcome>) -> anyhow::Result<()> {
        match step {
            Step::Done(event) => self.add(event),
            Step::Work(session) => match Assessor::unusable_key(session) {
                Some(why) => self.add_result(session, RefreshResult::Blocked, Some(&why)),
                None => self.add_result(session, RefreshResult::Refreshed, None),
            },
        }
    }

    fn add_result(
        &mut self,
        session: &Stored,
        kind: RefreshResult,
        reason: Option<&str>,
    ) -> anyhow::Result<()> {
        let summary = self.results.assessor.summary(session, None);
        let kind = if self.acknowledged.cover(&summary, kind) {
            RefreshResult::Acknowledged
        } else {
            kind
        };
        let (result, role) = match kind {
            RefreshResult::Refreshed => (self.verb, Role::Good),
            RefreshResult::Skipped | RefreshResult::Acknowledged => (kind.name(), Role::Faint),
            RefreshResult::Gone | RefreshResult::Blocked | RefreshResult::Unknown => {
                (kind.name(), Role::Warning)
            }
        };
        if let (RefreshResult::Skipped, Some(reason)) = (kind, reason) {
            let _ = self.skipped.add(&summary, result, reason, Vec::new);
        }
        let row = ResultRow::new(&summary, result, reason, Some(role));
        // People are interested in failures, not in successes.
        let is_for_people = match kind {
            RefreshResult::Refreshed => self.dry_run,
            RefreshResult::Skipped => self.reports_skipped,
            RefreshResult::Acknowledged => self.results.context.ui.is_verbose(),
            RefreshResult::Gone | RefreshResult::Blocked | RefreshResult::Unknown => true,
        };
        self.results.report(
            kind,
            &row,
            &Report { session: &summary, result, reason, is_for_people },
        )
    }

    /// Marks this number of refreshed sessions as unconfirmed.
    fn take_back(&mut self, unconfirmed: u64) {
        self.results.tally.take(RefreshResult::Refreshed, unconfirmed);
        self.results.tally.add(RefreshResult::Unknown, unconfirmed);
        self.some_are_unconfirmed = unconfirmed > 0;
    }

    /// Checks whether there are no results.
    pub fn is_empty(&self) -> bool {
        self.results.tally.total() == 0
    }

    /// Prints the remaining output, and returns the exit status.
    pub fn finish(self, done: anyhow::Result<SomeMissing>) -> anyhow::Result<Exit> {
        let missing = done.as_ref().copied().unwrap_or_default();
        let document: Map<_, Value> =
            self.counts().into_iter().map(|(name, n)| (name, n.into())).collect();
        let count = |kind| self.results.tally.of(kind);
        let (refreshed, gone) = (count(RefreshResult::Refreshed), count(RefreshResult::Gone));
        let (skipped, unknown) = (count(RefreshResult::Skipped), count(RefreshResult::Unknown));
        let blocked = count(RefreshResult::Blocked);
        let (verb, context) = (self.verb, self.results.context);
        let mut summary = format!("{verb} {}", counted(refreshed, "session"));
        for (n, kind) in self.results.tally.others() {
            summary.push_str(&counts(", ", [(n, kind)]));
            if kind == RefreshResult::Skipped.name() && n > 0 && !self.reports_skipped {
                summary.push_str(&format!(" ({})", self.skipped.in_words()));
            }
        }
        summary.push_str(&self.not_attempted.in_words(context));
        let done = self.results.close(
            done.map(drop),
            refreshed + gone + unknown > 0,
            &document,
            &summary,
        )?;
        // Single sessions end all the time. If nothing else happens, the configuration may be the
        // cause.
        let doubtful =
            if refreshed > 0 || gone < MANY && !self.may_end_sessions { 0 } else { gone };
        if doubtful >= MANY {
            context.ui.warn(format!(
                "{} gone and none alive: check the configuration with `oauthctl doctor`",
                counted(gone, "session")
            ));
        }
        let ended = if self.may_end_sessions { 0 } else { gone };
        let achieved =
            refreshed + skipped + ended > 0 || self.some_are_well || self.some_are_unconfirmed;
        Ok(missing.exit(exit(context, done, blocked + unknown + doubtful, achieved)))
    }

    /// Returns the counts for programs, which must be able to recognise a dry run.
    pub fn counts(&self) -> Counts {
        let refreshed = self.results.tally.of(RefreshResult::Refreshed);
        let others = self.results.tally.others().map(|(n, name)| (name.to_owned(), n));
        std::iter::once((self.verb.replace(' ', "_"), refreshed)).chain(others).collect()
    }
}
