//! `oauthctl sessions …`: the sessions of the app's users.

mod export;
mod import;
mod list;
mod select;
mod show;
mod stats;
mod view;

use crate::context::Context;
use crate::error::Exit;

/// Look at and look after the sessions of the app's users
#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Show(show::Args),
    Stats(stats::Args),
    Export(export::Args),
    Import(import::Args),
}

/// Runs the verb.
pub fn run(context: &Context, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(context, args),
        Command::Show(args) => show::run(context, args),
        Command::Stats(args) => stats::run(context, args),
        Command::Export(args) => export::run(context, args),
        Command::Import(args) => import::run(context, args),
    }
}
