//! Dynamic shell completion (`oauthctl __complete`): current kids, profiles, layouts and accounts,
//! for the scripts of `oauthctl completions --dynamic`. Errors produce no candidates; limits: 300
//! ms overall, 100 ms for the store.

mod candidate_source;
mod words;

use std::ffi::OsString;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{Command, ValueHint};
use clap_complete::ArgValueCompleter;
use clap_complete::engine::{CompletionCandidate, complete};

use self::candidate_source::CandidateSource;
use self::words::Words;
use crate::args::Completer;

/// First argument of a request. Not a command for people.
const REQUEST: &str = "__complete";
/// Maximum time of an answer.
const PATIENCE: Duration = Duration::from_millis(300);
/// Reply that lets the shell complete a path itself.
const FILES: &str = ":files";

/// Shell with dynamic completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DynamicShell {
    /// Bash, which passes its line unchanged.
    Bash,
    /// Z shell.
    Zsh,
    /// Fish.
    Fish,
}

impl DynamicShell {
    fn named(name: &str) -> Option<Self> {
        [("bash", Self::Bash), ("zsh", Self::Zsh), ("fish", Self::Fish)]
            .into_iter()
            .find_map(|(known, dynamic_shell)| (known == name).then_some(dynamic_shell))
    }

    /// Returns the script that sends requests from the shell.
    pub fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("completion/oauthctl.bash"),
            Self::Zsh => include_str!("completion/oauthctl.zsh"),
            Self::Fish => include_str!("completion/oauthctl.fish"),
        }
    }
}

/// Returns the request of a shell, if the command line is one.
pub fn requested(mut arguments: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    (arguments.nth(1)? == REQUEST).then(|| arguments.collect())
}

/// Returns the answer to print: one candidate per line. `tree` builds the command tree.
pub fn answer(tree: fn() -> Command, request: Vec<OsString>) -> String {
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        std::panic::set_hook(Box::new(|_| {}));
        // The receiver is gone after a timeout.
        let _ = sender.send(candidates(tree(), &request).unwrap_or_default());
    });
    answer.recv_timeout(PATIENCE).unwrap_or_default()
}

fn candidates(tree: Command, request: &[OsString]) -> Option<String> {
    let (shell, rest) = request.split_first()?;
    let dynamic_shell = DynamicShell::named(shell.to_str()?)?;
    let words = match (dynamic_shell, rest) {
        (DynamicShell::Bash, [line, breaks]) => Words::of_line(line.to_str()?, breaks.to_str()?),
        (DynamicShell::Bash, _) => return None,
        (DynamicShell::Zsh | DynamicShell::Fish, words) => Words::of_list(words)?,
    };
    let mut tree = taught(tree, &CandidateSource::of(&words.before));
    let mut line = vec![OsString::from("oauthctl")];
    line.extend(words.before.iter().chain([&words.current]).map(OsString::from));
    let index = line.len() - 1;
    let mut found = complete(&mut tree, line, index, None).ok()?;
    let value =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().into_owned();
    if found.iter().any(|candidate| value(candidate).ends_with(FILES)) {
        return Some(format!("{FILES}\n"));
    }
    // Unless an option was started, values take precedence over options.
    let is_option = |candidate: &CompletionCandidate| is_option(&value(candidate));
    if words.current.is_empty() && !found.iter().all(is_option) {
        found.retain(|candidate| !is_option(candidate));
    }
    let help = |candidate: &CompletionCandidate| candidate.get_help().map(ToString::to_string);
    Some(
        found
            .iter()
            .map(|one| shown(dynamic_shell, &words, &value(one), help(one).as_deref()))
            .collect(),
    )
}

/// Checks whether this is an option. A kid may begin with a dash, too.
fn is_option(value: &str) -> bool {
    value.starts_with("--") || (value.starts_with('-') && value.len() == 2)
}

/// Formats one line of an answer for the shell.
fn shown(dynamic_shell: DynamicShell, words: &Words, value: &str, help: Option<&str>) -> String {
    let help = help.and_then(|help| help.lines().next()).unwrap_or_default();
    match dynamic_shell {
        DynamicShell::Bash => format!("{}\n", value.get(words.kept..).unwrap_or_default()),
        DynamicShell::Zsh if help.is_empty() => format!("{}\n", value.replace(':', "\\:")),
        DynamicShell::Zsh => format!("{}:{help}\n", value.replace(':', "\\:")),
        DynamicShell::Fish => format!("{value}\t{help}\n"),
    }
}

/// Returns the tree with candidates for all arguments that have a dynamic source.
fn taught(command: Command, candidate_source: &CandidateSource) -> Command {
    let command = command.mut_args(|argument| {
        if let Some(knows) = argument.get::<Completer>().copied() {
            let candidate_source = candidate_source.clone();
            return argument.add(ArgValueCompleter::new(move |current: &std::ffi::OsStr| {
                current
                    .to_str()
                    .map(|current| candidate_source.candidates(knows, current))
                    .unwrap_or_default()
            }));
        }
        match argument.get_value_hint() {
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath => {
                argument.add(ArgValueCompleter::new(|_: &std::ffi::OsStr| {
                    vec![CompletionCandidate::new(FILES)]
                }))
            }
            _ => argument,
        }
    });
    command.mut_subcommands(|child| taught(child, candidate_source))
}
