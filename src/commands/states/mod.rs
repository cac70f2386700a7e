//! `oauthctl states …`: pending logins.

mod list;
mod purge;

use schemars::Schema;

use crate::commands::schema::of;
use crate::context::Context;
use crate::error::Exit;

// The command tree describes the noun.
#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Purge(purge::Args),
}

/// Returns the schema of what a command prints.
pub fn schema(name: &str) -> Option<Schema> {
    Some(match name {
        "states-list" => of::<Vec<list::StateRow<'_>>>(),
        "states-purge" => of::<purge::Document<'_>>(),
        _ => return None,
    })
}

/// Runs the subcommand.
pub fn run(context: &Context, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(context, args),
        Command::Purge(args) => purge::run(context, args),
    }
}
