//! Output of findings, common to all commands that check something.

use crate::checks::{Finding, Severity};
use crate::context::Context;
use crate::error::Exit;
use crate::ui::{Entry, Format, Role, Row, counted};

/// Prints findings, worst first, and possible causes before their effects. Returns the counts in
/// words, and the exit status.
pub fn print(context: &Context, mut findings: Vec<Finding>) -> anyhow::Result<(String, Exit)> {
    findings.sort_by_key(|finding| (finding.severity, finding.topic));
    match context.ui.format {
        Format::Table => context.ui.entries(&findings.iter().map(entry).collect::<Vec<_>>())?,
        Format::Json | Format::Jsonl | Format::Csv => {
            let mut listing = context.ui.listing::<Finding>();
            for finding in &findings {
                listing.push(finding)?;
            }
            listing.finish()?;
        }
    }
    let [problems, warnings] = numbers(&findings);
    let counts = format!("{}, {}", counted(problems, "problem"), counted(warnings, "warning"));
    Ok((counts, if problems == 0 { Exit::Done } else { Exit::Failed }))
}

/// Sums findings up: `valid`, `2 problems, 1 warning`.
pub fn verdict(findings: &[Finding]) -> String {
    let [problems, warnings] = numbers(findings);
    let verdict = if problems == 0 { "valid".to_owned() } else { counted(problems, "problem") };
    match warnings {
        0 => verdict,
        _ => format!("{verdict}, {}", counted(warnings, "warning")),
    }
}

/// Returns the numbers of problems and of warnings.
fn numbers(findings: &[Finding]) -> [u64; 2] {
    [Severity::Problem, Severity::Warning].map(|severity| {
        findings.iter().filter(|finding| finding.severity == severity).count() as u64
    })
}

fn role(severity: Severity) -> Role {
    match severity {
        Severity::Problem => Role::Error,
        Severity::Warning => Role::Warning,
        Severity::Ok => Role::Good,
    }
}

fn entry(finding: &Finding) -> Entry<'_> {
    let notes = [("why", &finding.why), ("fix", &finding.fix)];
    Entry {
        mark: finding.severity.name(),
        role: role(finding.severity),
        text: format!("{}: {}", finding.topic.name(), finding.what),
        notes: notes
            .into_iter()
            .filter_map(|(name, text)| Some((name, text.as_deref()?)))
            .collect(),
    }
}

impl Row for Finding {
    const FIELDS: &'static [&'static str] =
        &["topic", "severity", "code", "member", "server", "what", "why", "fix"];
    const TITLES: &'static [&'static str] = Self::FIELDS;

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let text = |text: &Option<String>| (text.clone().unwrap_or_default(), None);
        vec![
            (self.topic.name().to_owned(), None),
            (self.severity.name().to_owned(), Some(role(self.severity))),
            (self.code.clone(), None),
            text(&self.member),
            text(&self.server),
            (self.what.clone(), None),
            text(&self.why),
            text(&self.fix),
        ]
    }
}
