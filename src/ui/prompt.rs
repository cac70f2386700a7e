//! Questions to a person at the terminal.

use std::io::{self, IsTerminal as _};

use dialoguer::Confirm;

use crate::error::{Failure, failed, usage};

/// Whether there is a person to ask.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Yes or no. Asked on stderr, so that stdout holds results only.
pub(super) fn ask(question: &str) -> Result<bool, Failure> {
    if !can_ask() {
        return Err(usage("there is no terminal to ask for confirmation on").hint("--yes confirms beforehand"));
    }
    Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(|e| failed("the question was not answered").because(e))
}
