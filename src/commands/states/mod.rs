//! `oauthctl states …`: pending logins.

mod list;
mod purge;

use crate::context::Context;
use crate::error::Exit;

// The command tree describes the noun.
#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Purge(purge::Args),
}

/// Runs the subcommand.
pub fn run(context: &Context, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(context, args),
        Command::Purge(args) => purge::run(context, args),
    }
}
