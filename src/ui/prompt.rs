//! Questions to a person at the terminal.

use std::io::{self, IsTerminal as _};

use dialoguer::Confirm;

use crate::error::{Failure, failed, usage};

/// Yes or no. Asked on stderr, so that stdout holds results only.
pub(super) fn ask(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(usage("there is no terminal to ask for confirmation on").hint("--yes confirms beforehand"));
    }
    Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(|e| failed("the question was not answered").because(e))
}
