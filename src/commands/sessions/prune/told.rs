//! What a run of `sessions prune` would do, and what it did, in words and in documents.

use serde::Serialize;

use crate::commands::sessions::online::cut_short;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Action, Event, Judge, Plan, PruneReport, Pruned};
use crate::session::Summary;
use crate::ui::{Format, Listing, Role, Row, counted};

/// One session's line: what became of it, or would.
#[derive(Serialize)]
pub struct ResultRow<'a> {
    key: &'a str,
    did: Option<&'a str>,
    result: &'static str,
    reason: Option<&'a str>,
}

impl<'a> ResultRow<'a> {
    /// A line of a dry run.
    pub fn planned(session: &'a Summary<'_>, action: Action, reason: &'a str) -> Self {
        Self { key: &session.key, did: session.did.as_deref(), result: action.intent(), reason: Some(reason) }
    }
}

impl Row for ResultRow<'_> {
    const FIELDS: &'static [&'static str] = &["key", "did", "result", "reason"];
    const TITLES: &'static [&'static str] = &["did", "result", "reason"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        vec![
            (self.did.unwrap_or(self.key).to_owned(), None),
            (self.result.to_owned(), None),
            (self.reason.unwrap_or_default().to_owned(), None),
        ]
    }
}

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
fn listed(counts: impl IntoIterator<Item = (u64, &'static str)>) -> String {
    let some = counts.into_iter().filter(|(n, _)| *n > 0);
    let parts: Vec<_> = some.map(|(n, what)| format!("{n} {what}")).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// The totals of a dry run.
pub fn tell_plan(context: &Context, plan: &Plan) -> anyhow::Result<()> {
    let ui = &context.ui;
    if ui.format == Format::Json {
        return Ok(ui.result(ui.json_document(&serde_json::to_value(plan)?, false))?);
    }
    let text = format!("would {}{}{}", intentions(plan), unobservable(plan), interrupted(context));
    match ui.format {
        Format::Table => ui.result(format!("{text}\n"))?,
        _ => ui.note(text),
    }
    Ok(())
}

fn unobservable(plan: &Plan) -> String {
    match plan.unobservable {
        0 => String::new(),
        n => format!("; {n} kept: cannot tell whether their users were away"),
    }
}

fn interrupted(context: &Context) -> &'static str {
    if context.interrupt().is_set() { "; interrupted before the end" } else { "" }
}

/// Shows results as they come, and sums them up.
pub struct Results<'c> {
    context: &'c Context,
    /// Judges what results are of.
    pub judge: &'c Judge,
    listing: Option<Listing>,
    report: PruneReport,
}

impl<'c> Results<'c> {
    /// Nothing has happened yet.
    pub fn new(context: &'c Context, judge: &'c Judge) -> Self {
        let has_lines = matches!(context.ui.format, Format::Jsonl | Format::Csv);
        let listing = has_lines.then(|| context.ui.listing::<ResultRow>());
        Self { context, judge, listing, report: PruneReport::default() }
    }

    /// Takes one in.
    pub fn add(&mut self, event: &Event<Pruned>) -> anyhow::Result<()> {
        self.report.count(&event.outcome);
        let summary = self.judge.summary(&event.session, None);
        let reason = match &event.outcome {
            Pruned::Unsettled(why, _) => Some(why.as_str()),
            _ => None,
        };
        if let Some(listing) = &mut self.listing {
            let did = summary.did.as_deref();
            listing.push(&ResultRow { key: &summary.key, did, result: event.outcome.name(), reason })?;
            listing.flush()?;
        } else if let Some(why) = reason {
            self.context.ui.warn(format!("{}: {why}; kept", summary.key));
        }
        Ok(())
    }

    /// Everything that was counted.
    pub fn counts(&self, plan: &Plan) -> Vec<(&'static str, u64)> {
        let seen = [("unobservable", plan.unobservable), ("read", plan.read)];
        self.report.counts().into_iter().chain(seen).collect()
    }

    /// One line for people, one document for programs.
    pub fn finish(self, done: anyhow::Result<()>, plan: &Plan) -> anyhow::Result<Exit> {
        let Self { context, report, listing, .. } = self;
        let ui = &context.ui;
        let achieved = report.removed() + report.alive;
        let done = cut_short(context, done, achieved > 0)?;
        if let Some(listing) = listing {
            listing.finish()?;
        }
        let summary = summary(context, &report, plan);
        match ui.format {
            Format::Table => ui.result(format!("{summary}\n"))?,
            Format::Json => {
                let mut document = serde_json::to_value(report)?;
                document["unobservable"] = plan.unobservable.into();
                document["read"] = plan.read.into();
                ui.result(ui.json_document(&document, false))?;
            }
            Format::Jsonl | Format::Csv => ui.note(summary),
        }
        Ok(match context.interrupt().exit() {
            Some(exit) => exit,
            None if done == Exit::Partial => Exit::Partial,
            None if report.unsettled == 0 => Exit::Done,
            None if achieved + report.changed == 0 => Exit::Failed,
            None => Exit::Partial,
        })
    }
}

fn summary(context: &Context, report: &PruneReport, plan: &Plan) -> String {
    let mut text = format!("removed {} of {}", report.removed(), counted(plan.read, "session"));
    text.push_str(&listed([
        (report.dead, "dead"),
        (report.ended, "ended"),
        (report.old, "older than any session lives"),
        (report.malformed, "malformed"),
        (report.signed_out, "signed out"),
    ]));
    for (n, why) in [
        (report.alive, "alive, and refreshed"),
        (report.changed, "changed meanwhile"),
        (report.unsettled, "not settled"),
    ] {
        if n > 0 {
            text.push_str(&format!("; {n} kept: {why}"));
        }
    }
    text + &unobservable(plan) + interrupted(context)
}
