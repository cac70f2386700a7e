//! What became of each session, as it is listed, and of all, as it is summed up: shared by the commands that work on many.

use serde::Serialize;
use serde_json::Value;

use crate::commands::ending::{cut_short, exit};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Event, Judge, Outcome, Report, Step};
use crate::session::Summary;
use crate::ui::{Format, Listing, Role, Row, counted, counts};

/// So many sessions that have ended, and no other met, are no chance.
const MANY: u64 = 3;

/// One session's line: what became of it, or would.
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
    /// What became of this session, and why.
    pub fn new(session: &'a Summary<'_>, result: &'static str, reason: Option<&'a str>, role: Option<Role>) -> Self {
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

/// Shows results as they come, and sums them up.
pub struct Results<'c> {
    context: &'c Context,
    judge: &'c Judge,
    listing: Option<Listing>,
    report: Report,
    verb: &'static str,
    dry_run: bool,
    some_are_told: bool,
    some_are_unconfirmed: bool,
    /// Of the selected sessions, some needed nothing, and none was attempted.
    pub some_are_well: bool,
    /// The run itself may end sessions at their server.
    pub may_end_sessions: bool,
    /// Whether people are told of skipped sessions, too: whoever names one wants to know why nothing was done with it.
    pub tells_skipped: bool,
}

/// Tells what a run would do with what the source brings, and does nothing.
pub async fn rehearse(
    mut source: impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<Outcome>>>>,
    results: &mut Results<'_>,
) -> anyhow::Result<()> {
    while let Some(steps) = source().await? {
        for step in steps {
            results.add(&match step {
                Step::Work(session) => {
                    let outcome = Judge::unusable_key(&session).map_or(Outcome::Refreshed, Outcome::Blocked);
                    Event { session, outcome }
                }
                Step::Settled(event) => event,
            })?;
        }
    }
    Ok(())
}

impl<'c> Results<'c> {
    /// `verb` is what is done, or would be: "refreshed", "would upgrade".
    pub fn new(context: &'c Context, judge: &'c Judge, verb: &'static str, dry_run: bool) -> Self {
        // JSON is one document, the summary; the formats of lines have a line for every session.
        let listing = (context.ui.format != Format::Json).then(|| context.ui.listing::<ResultRow>());
        Self {
            context,
            judge,
            listing,
            report: Report::default(),
            verb,
            dry_run,
            some_are_told: false,
            some_are_unconfirmed: false,
            some_are_well: false,
            may_end_sessions: false,
            tells_skipped: false,
        }
    }

    /// Takes one in.
    pub fn add(&mut self, event: &Event<Outcome>) -> anyhow::Result<()> {
        self.report.count(&event.outcome);
        let (result, reason, role) = match &event.outcome {
            Outcome::Refreshed => (self.verb, None, Role::Good),
            Outcome::Skipped(why) => ("skipped", Some(why.as_ref()), Role::Faint),
            Outcome::Gone(why) => ("gone", Some(why.as_str()), Role::Warning),
            Outcome::Blocked(why) => ("blocked", Some(why.as_str()), Role::Warning),
            Outcome::Unknown(why, _) => ("unknown", Some(why.as_str()), Role::Warning),
        };
        let summary = self.judge.summary(&event.session, None);
        let row = ResultRow::new(&summary, result, reason, Some(role));
        // A person wants to read what went wrong, not what went well.
        let is_worth_a_word = role == Role::Warning || self.tells_skipped && result == "skipped";
        match (&mut self.listing, self.context.ui.format) {
            (Some(listing), Format::Table) if is_worth_a_word => {
                self.some_are_told = true;
                listing.push(&row)?;
            }
            (Some(listing), Format::Jsonl | Format::Csv) => {
                listing.push(&row)?;
                listing.flush()?;
            }
            (None, _) if is_worth_a_word => {
                self.context.ui.warn(format!("{}: {result}: {}", summary.key, reason.unwrap_or_default()));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes back that so many were refreshed: whether they stay so nobody knows.
    pub fn take_back(&mut self, unconfirmed: u64) {
        self.report.refreshed = self.report.refreshed.saturating_sub(unconfirmed);
        self.report.unknown += unconfirmed;
        self.some_are_unconfirmed = unconfirmed > 0;
    }

    /// How many ended how.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        let Report { refreshed, skipped, gone, blocked, unknown } = self.report;
        [(self.verb, refreshed), ("skipped", skipped), ("gone", gone), ("blocked", blocked), ("unknown", unknown)]
    }

    /// Prints what is left to print, and says how to exit.
    pub fn finish(self, done: anyhow::Result<()>) -> anyhow::Result<Exit> {
        let document = self.document();
        let Report { refreshed, skipped, gone, blocked, unknown } = self.report;
        let ui = &self.context.ui;
        let done = cut_short(self.context, done, refreshed + gone + unknown > 0)?;
        match (self.listing, ui.format) {
            (None, _) => ui.document(&document)?,
            (Some(listing), Format::Table) if !self.some_are_told => drop(listing),
            (Some(listing), _) => listing.finish()?,
        }
        let others = [(skipped, "skipped"), (gone, "gone"), (blocked, "blocked"), (unknown, "unknown")];
        let summary = format!("{} {}{}", self.verb, counted(refreshed, "session"), counts(", ", others));
        ui.summary(summary)?;
        // Single sessions end all the time. Where nothing else is met, the configuration may be what ends them.
        let doubtful = if refreshed > 0 || gone < MANY && !self.may_end_sessions { 0 } else { gone };
        if doubtful >= MANY {
            ui.warn(format!(
                "{} gone and none alive: `oauthctl doctor` tells whether the configuration is right",
                counted(gone, "session")
            ));
        }
        let ended = if self.may_end_sessions { 0 } else { gone };
        let achieved = refreshed + skipped + ended > 0 || self.some_are_well || self.some_are_unconfirmed;
        Ok(exit(self.context, done, blocked + unknown + doubtful, achieved))
    }

    /// The counts for a program, which must not take a rehearsal for the real thing.
    pub fn document(&self) -> Value {
        let dry_run = self.dry_run.then(|| ("dry_run".to_owned(), true.into()));
        let counts = self.counts().map(|(name, n)| (name.replace(' ', "_"), n.into()));
        Value::Object(dry_run.into_iter().chain(counts).collect())
    }
}
