//! `oauthctl states …`: logins that were begun.

mod list;
mod purge;

use crate::context::Context;
use crate::error::Exit;

// What the noun is about stands in the command tree.
#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Purge(purge::Args),
}

/// Runs the verb.
pub fn run(context: &Context, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(context, args),
        Command::Purge(args) => purge::run(context, args),
    }
}
