//! Results of a run, listed individually and counted. Shared by the batch commands.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::names::SomeMissing;
use super::online::{stop, tell_unconfirmed};
use super::pace::PaceArgs;
use crate::commands::ending::{cut_short, exit};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{
    Assessor, Event, Outcome, RefreshResult, Refresher, Runner, Step, Tally, Unconfirmed,
};
use crate::session::Summary;
use crate::store::Stored;
use crate::text::Named;
use crate::ui::{Format, Listing, Role, Row, counted, counts};

/// Number of ended sessions, without any other result, that is more than coincidence.
const MANY: u64 = 3;

/// Result of one session, possibly of a dry run.
#[derive(Serialize)]
pub struct ResultRow<'a> {
    key: &'a str,
    did: Option<&'a str>,
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

/// Results shown in a table. Other listings show all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum InTable {
    /// All, as a stream.
    All,
    /// Significant ones, at the end.
    WorthAWord,
    /// None, without a table.
    Nothing,
}

/// Prints results as they arrive, and counts them.
pub struct Results<'c, K> {
    /// Context.
    pub context: &'c Context,
    /// Assessor of the sessions.
    pub assessor: &'c Assessor,
    /// Counts by kind.
    pub tally: Tally<K>,
    in_table: InTable,
    listing: Option<Listing>,
    has_rows: bool,
}

impl<'c, K: Named> Results<'c, K> {
    /// Creates empty results, with rows of type `R`.
    pub fn new<R: Row>(context: &'c Context, assessor: &'c Assessor, in_table: InTable) -> Self {
        // JSON has a single document, the summary. Formats with lines have one per session.
        let has_listing = match context.ui.format {
            Format::Json => false,
            Format::Table => in_table != InTable::Nothing,
            Format::Jsonl | Format::Csv => true,
        };
        let listing = has_listing.then(|| context.ui.listing::<R>());
        Self { context, assessor, tally: Tally::default(), in_table, listing, has_rows: false }
    }

    /// Counts a result, and prints its row. Without a listing, prints a warning about a significant
    /// one.
    pub fn tell(
        &mut self,
        kind: K,
        row: &impl Row,
        is_worth_a_word: bool,
        warning: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        self.tally.count(kind);
        let in_the_end =
            self.context.ui.format == Format::Table && self.in_table == InTable::WorthAWord;
        match &mut self.listing {
            Some(listing) if !in_the_end || is_worth_a_word => {
                self.has_rows = true;
                listing.push(row)?;
                if !in_the_end {
                    listing.flush()?;
                }
            }
            None if is_worth_a_word => self.context.ui.warn(warning()),
            _ => {}
        }
        Ok(())
    }

    /// Prints the remaining output. Returns the exit status; `achieved` is true if anything was
    /// done.
    pub fn close(
        &mut self,
        done: anyhow::Result<()>,
        achieved: bool,
        document: &impl Serialize,
        summary: &str,
    ) -> anyhow::Result<Exit> {
        let ui = &self.context.ui;
        let done = cut_short(self.context, done, achieved)?;
        match (self.listing.take(), ui.format) {
            // A table without rows is omitted.
            (Some(listing), Format::Table) if !self.has_rows => drop(listing),
            (Some(listing), _) => listing.finish()?,
            (None, Format::Json) => ui.document(&serde_json::to_value(document)?)?,
            (None, _) => {}
        }
        ui.summary(summary)?;
        Ok(done)
    }
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
    /// True if some of the selected sessions needed no refresh, and none was attempted.
    pub some_are_well: bool,
    /// True if the run itself may end sessions at their server.
    pub may_end_sessions: bool,
    /// True to report skipped sessions to people, too, which is useful if the session was named.
    pub tells_skipped: bool,
}

impl<'c> Refreshes<'c> {
    /// Creates a run, a dry run without a refresher. `verbs` are for a dry run and for a real one.
    pub fn new(
        context: &'c Context,
        assessor: &'c Assessor,
        [would_do, done]: [&'static str; 2],
        refresher: Option<Refresher>,
        pace: &PaceArgs,
    ) -> anyhow::Result<Self> {
        let dry_run = refresher.is_none();
        let unconfirmed = refresher.as_ref().map(Refresher::unconfirmed).unwrap_or_default();
        let runner =
            |refresher| anyhow::Ok(Runner::new(refresher, pace.limits(context)?, stop(context)));
        Ok(Self {
            results: Results::new::<ResultRow>(context, assessor, InTable::WorthAWord),
            runner: refresher.map(runner).transpose()?,
            unconfirmed,
            dry_run,
            verb: if dry_run { would_do } else { done },
            some_are_unconfirmed: false,
            some_are_well: false,
            may_end_sessions: false,
            tells_skipped: false,
        })
    }

    /// Refreshes the sessions of the source, or reports what a run would do.
    pub async fn run(
        &mut self,
        mut source: impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<Outcome>>>>,
    ) -> anyhow::Result<()> {
        if let Some(runner) = self.runner.take() {
            let done = runner.run(source, async |_, event| self.add(&event)).await;
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
        let (kind, reason) = event.outcome.told();
        self.tell(&event.session, kind, reason)
    }

    /// Records the planned step of a session.
    fn plan(&mut self, step: &Step<Outcome>) -> anyhow::Result<()> {
        match step {
            Step::Settled(event) => self.add(event),
            Step::Work(session) => match Assessor::unusable_key(session) {
                Some(why) => self.tell(session, RefreshResult::Blocked, Some(&why)),
                None => self.tell(session, RefreshResult::Refreshed, None),
            },
        }
    }

    fn tell(
        &mut self,
        session: &Stored,
        kind: RefreshResult,
        reason: Option<&str>,
    ) -> anyhow::Result<()> {
        let (result, role) = match kind {
            RefreshResult::Refreshed => (self.verb, Role::Good),
            RefreshResult::Skipped => (kind.name(), Role::Faint),
            RefreshResult::Gone | RefreshResult::Blocked | RefreshResult::Unknown => {
                (kind.name(), Role::Warning)
            }
        };
        let summary = self.results.assessor.summary(session, None);
        let row = ResultRow::new(&summary, result, reason, Some(role));
        // People are interested in failures, not in successes.
        let is_worth_a_word =
            role == Role::Warning || self.tells_skipped && kind == RefreshResult::Skipped;
        let warning = || format!("{}: {result}: {}", summary.key, reason.unwrap_or_default());
        self.results.tell(kind, &row, is_worth_a_word, warning)
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
    pub fn finish(mut self, done: anyhow::Result<SomeMissing>) -> anyhow::Result<Exit> {
        let missing = done.as_ref().copied().unwrap_or_default();
        let document = self.document();
        let count = |kind| self.results.tally.of(kind);
        let (refreshed, gone) = (count(RefreshResult::Refreshed), count(RefreshResult::Gone));
        let (skipped, unknown) = (count(RefreshResult::Skipped), count(RefreshResult::Unknown));
        let blocked = count(RefreshResult::Blocked);
        let others = counts(", ", self.results.tally.others());
        let summary = format!("{} {}{others}", self.verb, counted(refreshed, "session"));
        let context = self.results.context;
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
                "{} gone and none alive: `oauthctl doctor` tells whether the configuration is right",
                counted(gone, "session")
            ));
        }
        let ended = if self.may_end_sessions { 0 } else { gone };
        let achieved =
            refreshed + skipped + ended > 0 || self.some_are_well || self.some_are_unconfirmed;
        Ok(missing.exit(exit(context, done, blocked + unknown + doubtful, achieved)))
    }

    /// Returns the counts for programs, which must be able to recognise a dry run.
    pub fn document(&self) -> Value {
        let dry_run = self.dry_run.then(|| ("dry_run".to_owned(), true.into()));
        let first =
            (self.verb.replace(' ', "_"), self.results.tally.of(RefreshResult::Refreshed).into());
        let others = self.results.tally.others().map(|(n, name)| (name.to_owned(), n.into()));
        Value::Object(dry_run.into_iter().chain([first]).chain(others).collect())
    }
}
