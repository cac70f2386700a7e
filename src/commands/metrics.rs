//! `--metrics-file`: results of a run for a Prometheus textfile collector.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::output::refuse_private_keys;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::files::{self, Existing, PUBLIC};

/// `--metrics-file`, shared by the commands made for cron.
#[derive(clap::Args)]
pub struct MetricsArgs {
    /// Write counts, duration and time of the last success to this file (Prometheus text format);
    /// not in a dry run
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    metrics_file: Option<PathBuf>,
}

/// Results of a run, by name.
pub type Counts = Vec<(String, u64)>;

/// Returns the counts of a run under their names in its JSON document.
pub fn counts_of(document: &impl Serialize) -> anyhow::Result<Counts> {
    let members = serde_json::to_value(document)?;
    let members = members.as_object().into_iter().flatten();
    Ok(members.filter_map(|(name, value)| Some((name.clone(), value.as_u64()?))).collect())
}

/// Deployment of the run, since files of several deployments are collected together.
struct Labels {
    /// Host of the `client_id`, with its port, if any.
    app: String,
    profile: String,
}

impl Labels {
    /// `before` is the file of the last run. Its app is used if the settings cannot be read.
    fn of(context: &Context, before: &str) -> Self {
        let app = || {
            let id = Url::parse(context.client_id().ok()?.as_str()).ok()?;
            let host = id.host_str()?;
            Some(id.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        };
        let last = || Some(before.split_once("{app=\"")?.1.split_once('"')?.0.to_owned());
        let profile = context.profile().unwrap_or_default().to_owned();
        Self { app: app().or_else(last).unwrap_or_default(), profile }
    }

    /// Formats the labels with an optional further one: `{app="…",profile="…"}`.
    fn with(&self, more: Option<(&str, &str)>) -> String {
        let own = [("app", self.app.as_str()), ("profile", self.profile.as_str())];
        let labels = own
            .into_iter()
            .chain(more)
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        format!("{{{}}}", labels.collect::<Vec<_>>().join(","))
    }
}

/// Escapes a label's value for the text format.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl MetricsArgs {
    /// Runs a command, and writes the file if requested, on any outcome: monitoring must see
    /// failures, too. A dry run writes none. `run` fills in the counts.
    pub fn measured(
        &self,
        context: &Context,
        command: &str,
        dry_run: bool,
        run: impl FnOnce(&mut Counts) -> anyhow::Result<Exit>,
    ) -> anyhow::Result<Exit> {
        let mut counts = Counts::new();
        if dry_run {
            return run(&mut counts);
        }
        let begun = context.now();
        let outcome = run(&mut counts);
        let exit = outcome.as_ref().map_or_else(Exit::of, |exit| *exit);
        let written = self.write(context, command, begun, &counts, exit);
        // An error of the run takes precedence over one of the file.
        let exit = outcome?;
        written?;
        Ok(exit)
    }

    /// Writes the file, if requested. `command` is like `sessions_prune`; `counts` are results by
    /// name.
    fn write(
        &self,
        context: &Context,
        command: &str,
        begun: Timestamp,
        counts: &[(String, u64)],
        exit: Exit,
    ) -> Result<(), Failure> {
        let Some(path) = &self.metrics_file else { return Ok(()) };
        refuse_private_keys(path)?;
        let now = context.now();
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let labels = Labels::of(context, &before);
        let success = if exit == Exit::Done {
            Some(now.as_second())
        } else {
            last_success(&before, command, &labels)
        };
        let text = render(
            command,
            &labels,
            now,
            now.duration_since(begun).as_secs_f64(),
            counts,
            exit,
            success,
        );
        files::write_file(path, text.as_bytes(), PUBLIC, Existing::Replace)
    }
}

fn success_name(command: &str) -> String {
    format!("oauthctl_{command}_last_success_timestamp_seconds")
}

fn render(
    command: &str,
    labels: &Labels,
    now: Timestamp,
    seconds: f64,
    counts: &[(String, u64)],
    exit: Exit,
    success: Option<i64>,
) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, samples: &[(String, String)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let plain = |value: String| [(labels.with(None), value)];
    let by_result: Vec<_> = counts
        .iter()
        .map(|(result, n)| (labels.with(Some(("result", result))), n.to_string()))
        .collect();
    metric(&format!("oauthctl_{command}_results"), "Results of the last run.", &by_result);
    metric(
        &format!("oauthctl_{command}_duration_seconds"),
        "Duration of the last run.",
        &plain(seconds.to_string()),
    );
    metric(
        &format!("oauthctl_{command}_exit_status"),
        "Exit status of the last run.",
        &plain(exit.code().to_string()),
    );
    metric(
        &format!("oauthctl_{command}_last_run_timestamp_seconds"),
        "End of the last run.",
        &plain(now.as_second().to_string()),
    );
    if let Some(success) = success {
        metric(
            &success_name(command),
            "End of the last run that did everything.",
            &plain(success.to_string()),
        );
    }
    text
}

/// Returns the time of the last complete run, from the file as left by that run or a later one.
/// oauthctl 0.1.0 wrote it without labels.
fn last_success(before: &str, command: &str, labels: &Labels) -> Option<i64> {
    let samples = [labels.with(None), String::new()]
        .map(|labels| format!("{}{labels} ", success_name(command)));
    let value = |line: &str| {
        samples.iter().find_map(|sample| line.strip_prefix(sample)?.trim().parse().ok())
    };
    before.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_in_the_text_format_of_prometheus() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let labels =
            Labels { app: "a.example:8443".to_owned(), profile: "two \"words\"\n\\".to_owned() };
        let shown = r#"app="a.example:8443",profile="two \"words\"\n\\""#;
        let text = render(
            "states_purge",
            &labels,
            now,
            1.5,
            &[("young".to_owned(), 3)],
            Exit::Done,
            Some(7),
        );
        let results = "oauthctl_states_purge_results";
        assert!(
            text.contains(&format!(
                "# TYPE {results} gauge\n{results}{{{shown},result=\"young\"}} 3\n"
            )),
            "{text}"
        );
        assert!(
            text.contains(&format!("\noauthctl_states_purge_duration_seconds{{{shown}}} 1.5\n")),
            "{text}"
        );
        let success = "oauthctl_states_purge_last_success_timestamp_seconds";
        assert!(text.contains(&format!("\n{success}{{{shown}}} 7\n")), "{text}");
        let is_sample = |line: &str| {
            line.starts_with("oauthctl_") && line.rsplit(' ').next().unwrap().parse::<f64>().is_ok()
        };
        assert!(text.lines().all(|line| line.starts_with("# ") || is_sample(line)), "{text}");
    }

    #[test]
    fn the_last_success_is_that_of_the_same_deployment() {
        let labels = |app: &str| Labels { app: app.to_owned(), profile: String::new() };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let before = render("states_purge", &labels("a"), now, 1.5, &[], Exit::Done, Some(7));
        assert_eq!(last_success(&before, "states_purge", &labels("a")), Some(7));
        assert_eq!(last_success(&before, "states_purge", &labels("b")), None);
        let unlabelled = "oauthctl_states_purge_last_success_timestamp_seconds 8\n";
        assert_eq!(last_success(unlabelled, "states_purge", &labels("a")), Some(8));
    }
}
