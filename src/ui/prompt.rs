//! Prompts on the terminal.

use std::io::{self, IsTerminal as _};

use dialoguer::Input;
use dialoguer::console::Term;

use crate::error::{Exit, Failure, failed, interrupted, usage};

/// Checks whether prompts are possible.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a yes-no question. The answer is a line, because an irreversible action must not depend on
/// a single key. Prompts on stderr, so that stdout contains results only.
pub(super) fn ask(question: &str) -> Result<bool, Failure> {
    if !can_ask() {
        return Err(
            usage("cannot ask for confirmation without a terminal").hint("use --yes to confirm")
        );
    }
    let check =
        |answer: &str| yes_or_no(answer).map(drop).ok_or_else(|| "answer y or n".to_owned());
    let answer = line(&format!("{question} [y/N]"), None, true, check)?;
    Ok(yes_or_no(&answer).unwrap_or_default())
}

/// Parses an answer. Enter alone means no.
fn yes_or_no(answer: &str) -> Option<bool> {
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// Asks for a line of text. Enter alone means the default. Repeats the prompt after a refused
/// answer.
pub(super) fn line(
    question: &str,
    offered: Option<&str>,
    optional: bool,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<String, Failure> {
    let input = Input::<String>::new()
        .with_prompt(question)
        .allow_empty(optional)
        .validate_with(|text: &String| check(text.trim()));
    let input = match offered {
        Some(offered) => input.default(offered.to_owned()),
        None => input,
    };
    input.interact_text().map(|text| text.trim().to_owned()).map_err(not_answered)
}

fn not_answered(error: dialoguer::Error) -> Failure {
    // Prompts hide the cursor, and an interrupted one does not restore it.
    let _ = Term::stderr().show_cursor();
    let dialoguer::Error::IO(cause) = &error;
    if cause.kind() == io::ErrorKind::Interrupted {
        return interrupted(Exit::Interrupted, "nothing was done");
    }
    failed("the question was not answered").because(error)
}
