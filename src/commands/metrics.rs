//! `--metrics-file`: what a run did, for a Prometheus textfile collector.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::files::{self, Existing, PUBLIC};

/// `--metrics-file`, shared by the commands made for cron.
#[derive(clap::Args)]
pub struct MetricsArgs {
    /// Write counts, duration and the time of the last success to this file (Prometheus text format);
    /// a dry run writes none
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    metrics_file: Option<PathBuf>,
}

/// Results of a run, by name.
pub type Counts = Vec<(&'static str, u64)>;

impl MetricsArgs {
    /// Runs, and writes the file, where one was asked for, however the run has ended: whoever watches it must see a
    /// failure, too. `run` fills in what it has done.
    pub fn measured(
        &self,
        context: &Context,
        command: &str,
        run: impl FnOnce(&mut Counts) -> anyhow::Result<Exit>,
    ) -> anyhow::Result<Exit> {
        let begun = context.now();
        let mut counts = Counts::new();
        let outcome = run(&mut counts);
        let exit = outcome.as_ref().map_or_else(Exit::of, |exit| *exit);
        let written = self.write(context, command, begun, &counts, exit);
        // What the run failed of matters more than the file.
        let exit = outcome?;
        written?;
        Ok(exit)
    }

    /// Writes the file, where one was asked for. `command` is like `sessions_prune`; `counts` are results by name.
    fn write(
        &self,
        context: &Context,
        command: &str,
        begun: Timestamp,
        counts: &[(&str, u64)],
        exit: Exit,
    ) -> Result<(), Failure> {
        let Some(path) = &self.metrics_file else { return Ok(()) };
        let now = context.now();
        let success = if exit == Exit::Done { Some(now.as_second()) } else { last_success(path, command) };
        let text = render(command, now, now.duration_since(begun).as_secs_f64(), counts, exit, success);
        files::write_file(path, text.as_bytes(), PUBLIC, Existing::Replace)
    }
}

fn success_name(command: &str) -> String {
    format!("oauthctl_{command}_last_success_timestamp_seconds")
}

fn render(
    command: &str,
    now: Timestamp,
    seconds: f64,
    counts: &[(&str, u64)],
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
    let plain = |value: String| [(String::new(), value)];
    let by_result: Vec<_> =
        counts.iter().map(|(result, n)| (format!("{{result=\"{result}\"}}"), n.to_string())).collect();
    metric(&format!("oauthctl_{command}_results"), "What the last run did, by result.", &by_result);
    metric(&format!("oauthctl_{command}_duration_seconds"), "How long the last run took.", &plain(seconds.to_string()));
    metric(&format!("oauthctl_{command}_exit_status"), "Exit status of the last run.", &plain(exit.code().to_string()));
    metric(
        &format!("oauthctl_{command}_last_run_timestamp_seconds"),
        "When the last run ended.",
        &plain(now.as_second().to_string()),
    );
    if let Some(success) = success {
        metric(&success_name(command), "When a run last did everything.", &plain(success.to_string()));
    }
    text
}

/// A run that failed keeps the time of the last that did not.
fn last_success(path: &Path, command: &str) -> Option<i64> {
    let text = std::fs::read_to_string(path).ok()?;
    let name = success_name(command);
    text.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_in_the_text_format_of_prometheus() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let text = render("states_purge", now, 1.5, &[("removed", 3)], Exit::Done, Some(7));
        assert!(text.contains(
            "# TYPE oauthctl_states_purge_results gauge\noauthctl_states_purge_results{result=\"removed\"} 3\n"
        ));
        assert!(text.contains("\noauthctl_states_purge_duration_seconds 1.5\n"));
        assert!(text.contains("\noauthctl_states_purge_last_success_timestamp_seconds 7\n"));
        assert!(text.lines().all(|line| line.starts_with('#') || line.split(' ').count() == 2));
    }
}
