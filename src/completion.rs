//! Completion that knows: kids, profiles, layouts and accounts, as they are now. The scripts of
//! `oauthctl completions --dynamic` ask for it with `oauthctl __complete`. Whatever goes wrong, the
//! answer is silence, and soon.

mod knowledge;
mod words;

use std::ffi::OsString;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{Command, ValueHint};
use clap_complete::ArgValueCompleter;
use clap_complete::engine::{CompletionCandidate, complete};

use self::knowledge::Knowledge;
use self::words::Words;
use crate::args::Completer;

/// The first argument of a request. No command that people type.
const REQUEST: &str = "__complete";
/// Nobody waits longer for what Tab says.
const PATIENCE: Duration = Duration::from_millis(300);
/// Asks the shell to complete a path: it does that better.
const FILES: &str = ":files";

/// A shell that can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Bash, which hands its line over as it is.
    Bash,
    /// Z shell.
    Zsh,
    /// Fish.
    Fish,
}

impl Asker {
    fn named(name: &str) -> Option<Self> {
        [("bash", Self::Bash), ("zsh", Self::Zsh), ("fish", Self::Fish)]
            .into_iter()
            .find_map(|(known, asker)| (known == name).then_some(asker))
    }

    /// Returns the script that makes the shell ask.
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

/// What to print: candidates, one a line. `tree` makes the command tree.
pub fn answer(tree: fn() -> Command, request: Vec<OsString>) -> String {
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        std::panic::set_hook(Box::new(|_| {}));
        // Nobody listens any more when it took too long.
        let _ = sender.send(candidates(tree(), &request).unwrap_or_default());
    });
    answer.recv_timeout(PATIENCE).unwrap_or_default()
}

fn candidates(tree: Command, request: &[OsString]) -> Option<String> {
    let (shell, rest) = request.split_first()?;
    let asker = Asker::named(shell.to_str()?)?;
    let words = match (asker, rest) {
        (Asker::Bash, [line, breaks]) => Words::of_line(line.to_str()?, breaks.to_str()?),
        (Asker::Bash, _) => return None,
        (Asker::Zsh | Asker::Fish, words) => Words::of_list(words)?,
    };
    let mut tree = taught(tree, &Knowledge::of(&words.before));
    let mut line = vec![OsString::from("oauthctl")];
    line.extend(words.before.iter().chain([&words.current]).map(OsString::from));
    let index = line.len() - 1;
    let mut found = complete(&mut tree, line, index, None).ok()?;
    let value =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().into_owned();
    if found.iter().any(|candidate| value(candidate).ends_with(FILES)) {
        return Some(format!("{FILES}\n"));
    }
    // Whoever has not begun an option wants a value, where there is one.
    let is_option = |candidate: &CompletionCandidate| is_option(&value(candidate));
    if words.current.is_empty() && !found.iter().all(is_option) {
        found.retain(|candidate| !is_option(candidate));
    }
    let help = |candidate: &CompletionCandidate| candidate.get_help().map(ToString::to_string);
    Some(found.iter().map(|one| shown(asker, &words, &value(one), help(one).as_deref())).collect())
}

/// A kid may begin with a dash, too.
fn is_option(value: &str) -> bool {
    value.starts_with("--") || (value.starts_with('-') && value.len() == 2)
}

/// One line of an answer, as the shell wants it.
fn shown(asker: Asker, words: &Words, value: &str, help: Option<&str>) -> String {
    let help = help.and_then(|help| help.lines().next()).unwrap_or_default();
    match asker {
        Asker::Bash => format!("{}\n", value.get(words.kept..).unwrap_or_default()),
        Asker::Zsh if help.is_empty() => format!("{}\n", value.replace(':', "\\:")),
        Asker::Zsh => format!("{}:{help}\n", value.replace(':', "\\:")),
        Asker::Fish => format!("{value}\t{help}\n"),
    }
}

/// Returns the tree with what is known beside each argument that asks for it.
fn taught(command: Command, knowledge: &Knowledge) -> Command {
    let command = command.mut_args(|argument| {
        if let Some(knows) = argument.get::<Completer>().copied() {
            let knowledge = knowledge.clone();
            return argument.add(ArgValueCompleter::new(move |current: &std::ffi::OsStr| {
                current
                    .to_str()
                    .map(|current| knowledge.candidates(knows, current))
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
    command.mut_subcommands(|child| taught(child, knowledge))
}
