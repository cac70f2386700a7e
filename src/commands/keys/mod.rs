//! `oauthctl keys …`: the key set. Who signs, who is published, how many sessions each key still carries.

mod first_seen;
mod list;
mod place;
mod promote;
mod retire;
mod rotate;

use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::jose::Kid;

// What the noun is about stands in the command tree.
#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Rotate(rotate::Args),
    Retire(retire::Args),
}

/// Runs the verb.
pub fn run(context: &Context, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(context, args),
        Command::Rotate(args) => rotate::run(context, args),
        Command::Retire(args) => retire::run(context, args),
    }
}

fn no_such_key(kid: &Kid) -> Failure {
    usage(format!("there is no key {kid}")).hint("`oauthctl keys list` shows the keys there are")
}
