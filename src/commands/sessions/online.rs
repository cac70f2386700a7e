//! What the commands share that speak to authorization servers in the users' names.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tracing::debug;

use super::results::ResultRow;
use super::select::Noted;
use crate::commands::ending::{cut_short, exit};
use crate::context::Context;
use crate::error::Exit;
use crate::jose::KeySet;
use crate::maintenance::{
    Binding, Canaries, Event, Exchanger, Health, Judge, Outcome, Recovered, Recovery, Report, Step, Stop,
};
use crate::session::Age;
use crate::store::Store;
use crate::ui::{Format, Listing, Role, counted, counts};

/// How hard a run may push.
#[derive(clap::Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]
    #[arg(long, value_name = "N")]
    concurrency: Option<std::num::NonZeroUsize>,
    /// Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]
    #[arg(long, value_name = "N")]
    per_issuer: Option<std::num::NonZeroUsize>,
    /// At most so many a second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How long to try again where a server gives no answer, or the store does not take new tokens
    #[arg(long, value_name = "AGE", default_value = "30s")]
    retry_for: Age,
    /// How long to wait for a session's lock
    #[arg(long, value_name = "AGE", default_value = "5s")]
    lock_timeout: Age,
}

/// One an hour is slower than anybody wants it, and one a microsecond as fast as can be told.
const RATES: std::ops::RangeInclusive<f64> = 1.0 / 3600.0..=1e6;

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| RATES.contains(rate));
    rate.ok_or_else(|| "must be a number from 0.0003 (one an hour) to 1000000".to_owned())
}

impl PaceArgs {
    /// Options over settings.
    pub fn limits(&self, context: &Context) -> anyhow::Result<crate::maintenance::Limits> {
        let settings = context.settings()?.refresh()?;
        Ok(crate::maintenance::Limits {
            concurrency: self.concurrency.unwrap_or(settings.concurrency).get(),
            per_issuer: self.per_issuer.unwrap_or(settings.per_issuer).get(),
            rate: self.rate,
            retry_for: duration(self.retry_for),
        })
    }

    /// How long to wait for a lock.
    pub fn lock_timeout(&self) -> Duration {
        duration(self.lock_timeout)
    }
}

fn duration(age: Age) -> Duration {
    Duration::try_from(age.duration()).unwrap_or_default()
}

/// Whether a signal came.
pub fn stop(context: &Context) -> Stop {
    let interrupt = context.interrupt();
    Box::new(move || interrupt.is_set())
}

/// Where a wrong configuration costs a session, let it be one that is likely to be alive, or a session that had long
/// ended would be taken for a sign of it.
pub fn healthiest_first(judge: &Judge, sessions: &mut [Noted]) {
    sessions
        .sort_by_cached_key(|(stored, note)| std::cmp::Reverse(judge.summary(stored, note.as_ref()).last_refreshed_at));
}

/// The store's address without secrets, as recovery entries name it.
fn address(context: &Context) -> anyhow::Result<String> {
    Ok(context.store_address()?.0.anywhere())
}

/// Gathers what an exchange needs, when the store takes writes, and first stores what an earlier run could not.
pub fn exchanger(
    context: &Context,
    store: &Arc<dyn Store>,
    keys: KeySet,
    binding: Binding,
    pace: &PaceArgs,
) -> anyhow::Result<Exchanger> {
    recover(context, &**store)?;
    // A store that takes the lock and then refuses the tokens would cost one session after the other.
    context.runtime()?.block_on(store.check_writable())?;
    Ok(Exchanger {
        store: Arc::clone(store),
        address: address(context)?,
        network: Arc::clone(context.network()?),
        keys,
        binding,
        client_id: context.client_id()?,
        recovery: Recovery::new(context.recovery_directory()?)
            .prepare(pace.limits(context)?.concurrency, context.now())?,
        lock_timeout: pace.lock_timeout(),
        clock: context.clock(),
        canaries: Canaries::default(),
        checked_kids: std::sync::Mutex::default(),
        noted: std::sync::Mutex::default(),
        health: Health::default(),
        waiting: std::sync::Mutex::default(),
        insists: false,
    })
}

/// Stores the results of exchanges that an earlier run could not. Returns how many wait on.
pub fn recover(context: &Context, store: &dyn Store) -> anyhow::Result<RecoveryReport> {
    let recovery = Recovery::new(context.recovery_directory()?);
    let address = address(context)?;
    let mut report = RecoveryReport::default();
    for path in recovery.entries()? {
        match context.runtime()?.block_on(recovery.apply(&path, store, &address, context.now())) {
            Ok(None) => report.elsewhere += 1,
            Ok(Some((key, Recovered::Applied))) => {
                report.applied += 1;
                context.ui.note(format!("stored the tokens of {key} that an earlier run could not store"));
            }
            Ok(Some((key, Recovered::Superseded))) => {
                report.superseded += 1;
                context.ui.warn(format!("the tokens kept for {key} are of no use: its record has changed since"));
            }
            Ok(Some((key, Recovered::Orphaned))) => {
                report.orphaned += 1;
                debug!("the record of {key} is gone, and the tokens kept for it stay for some days");
            }
            Ok(Some((key, Recovered::Pending))) => {
                report.pending += 1;
                context.ui.warn(format!("the tokens kept for {key} could not be stored yet"));
            }
            Err(error) => {
                report.pending += 1;
                context.ui.warn(format!("{error:#}"));
            }
        }
    }
    Ok(report)
}

/// What became of recovery entries.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RecoveryReport {
    /// Stored now.
    pub applied: u64,
    /// Of no use any more.
    pub superseded: u64,
    /// Their records are gone.
    pub orphaned: u64,
    /// Still waiting.
    pub pending: u64,
    /// Of another store.
    pub elsewhere: u64,
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
    /// Of the selected sessions, some needed nothing, and none was attempted.
    pub some_are_well: bool,
    /// Whoever names a session wants to know why nothing was done with it.
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
                Step::Work(session) => Event { session, outcome: Outcome::Refreshed },
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
            some_are_well: false,
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
        let achieved = refreshed + skipped + gone > 0 || self.some_are_well;
        Ok(exit(self.context, done, blocked + unknown, achieved))
    }

    /// The counts for a program, which must not take a rehearsal for the real thing.
    fn document(&self) -> Value {
        let dry_run = self.dry_run.then(|| ("dry_run".to_owned(), true.into()));
        let counts = self.counts().map(|(name, n)| (name.replace(' ', "_"), n.into()));
        Value::Object(dry_run.into_iter().chain(counts).collect())
    }
}
