//! Questions to a person at the terminal.

use std::io::{self, IsTerminal as _};

use dialoguer::console::Term;
use dialoguer::{Confirm, Input};

use crate::error::{Exit, Failure, failed, interrupted, usage};

/// Whether there is a person to ask.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Yes or no. Asked on stderr, so that stdout holds results only.
pub(super) fn ask(question: &str) -> Result<bool, Failure> {
    if !can_ask() {
        return Err(usage("there is no terminal to ask for confirmation on").hint("--yes confirms beforehand"));
    }
    Confirm::new().with_prompt(question).default(false).interact().map_err(not_answered)
}

/// A line of text. Enter alone says what is offered; an answer that is refused is asked for again.
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
