//! `oauthctl doctor`: is what is deployed what is configured? Looks at everything, changes nothing
//! of the app's.

mod examine;

use url::Url;

use crate::checks::{Finding, Severity};
use crate::context::Context;
use crate::error::Exit;
use crate::ui::{Entry, Format, Role, Row, counted};

/// Find out whether the deployment is right: settings, keys, store, published documents
///
/// Looks at all of it in one run and says of everything that is wrong why it matters and what to
/// do. The worst comes first, and what may be the cause of something else comes before it.
#[derive(clap::Args)]
#[command(after_help = "\
Looked at: settings, key files, the store (which gets a note of oauthctl's own for a minute), the
client metadata and the key set as servers see them, the keys that sessions are bound to, this
machine's clock, and tokens that an earlier run could not store. No session is touched.

Exit status: 0 no problem, perhaps warnings; 1 a problem.

Examples:
  oauthctl doctor
  oauthctl doctor --as https://bsky.social              also: can its users log in?
  oauthctl doctor --offline --format json | jq '.[] | select(.severity == \"problem\")'")]
pub struct Args {
    /// Also look at what this authorization server, or the one of this PDS, supports
    #[arg(long = "as", value_name = "URL", value_parser = server)]
    server: Option<Url>,
    /// Ask nobody but the store
    #[arg(long, conflicts_with = "server")]
    offline: bool,
}

fn server(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    url.ok_or_else(|| "must be an address like https://bsky.social".to_owned())
}

/// Looks at everything, then says what there is to say.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let mut findings = examine::everything(context, args)?;
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
    let count =
        |severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let (problems, warnings) = (count(Severity::Problem), count(Severity::Warning));
    context.ui.note(format!("{}, {}", counted(problems, "problem"), counted(warnings, "warning")));
    Ok(if problems == 0 { Exit::Done } else { Exit::Failed })
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
    const FIELDS: &'static [&'static str] = &["topic", "severity", "what", "why", "fix"];
    const TITLES: &'static [&'static str] = &["topic", "severity", "what", "why", "fix"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let text = |text: &Option<String>| (text.clone().unwrap_or_default(), None);
        vec![
            (self.topic.name().to_owned(), None),
            (self.severity.name().to_owned(), Some(role(self.severity))),
            (self.what.clone(), None),
            text(&self.why),
            text(&self.fix),
        ]
    }
}
