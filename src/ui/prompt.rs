//! Questions to a person at the terminal.

use std::io::{self, IsTerminal as _};

use dialoguer::Input;
use dialoguer::console::Term;

use crate::error::{Exit, Failure, failed, interrupted, usage};

/// Checks whether there is a person to ask.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Yes or no, as a line: what cannot be undone must not hang on one key. Asked on stderr, so that
/// stdout holds results only.
pub(super) fn ask(question: &str) -> Result<bool, Failure> {
    if !can_ask() {
        return Err(usage("there is no terminal to ask for confirmation on")
            .hint("--yes confirms beforehand"));
    }
    let check =
        |answer: &str| yes_or_no(answer).map(drop).ok_or_else(|| "answer y or n".to_owned());
    let answer = line(&format!("{question} [y/N]"), None, true, check)?;
    Ok(yes_or_no(&answer).unwrap_or_default())
}

/// Enter alone means no.
fn yes_or_no(answer: &str) -> Option<bool> {
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// Returns a line of text. Enter alone says what is offered; an answer that is refused is asked for
/// again.
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
    // A question hides the cursor, and one that was cut short does not show it again.
    let _ = Term::stderr().show_cursor();
    let dialoguer::Error::IO(cause) = &error;
    if cause.kind() == io::ErrorKind::Interrupted {
        return interrupted(Exit::Interrupted, "nothing was done");
    }
    failed("the question was not answered").because(error)
}
