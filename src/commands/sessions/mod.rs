//! `oauthctl sessions …`: the sessions of the app's users.

mod account;
mod acknowledged;
mod causes;
mod export;
mod foreign;
mod import;
mod inactive;
mod layouts;
mod list;
mod names;
mod online;
mod pace;
mod prune;
mod recover;
mod refresh;
mod results;
mod revoke;
mod select;
mod show;
mod stats;
mod upgrade;
mod view;
mod watch;

pub use pace::PaceArgs;
pub use revoke::{dry_run as dry_run_of_revocation, revoke_selected};
pub use select::SelectArgs;
pub use view::{assessor, tell_where};

use crate::context::Context;
use crate::error::Exit;

// The command tree describes the noun.
#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Show(show::Args),
    Stats(stats::Args),
    Refresh(refresh::Args),
    Revoke(revoke::Args),
    Prune(prune::Args),
    Upgrade(upgrade::Args),
    Recover(recover::Args),
    Export(export::Args),
    Import(import::Args),
}

/// Runs the subcommand.
pub fn run(context: &Context, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(context, args),
        Command::Show(args) => show::run(context, args),
        Command::Stats(args) => stats::run(context, args),
        Command::Refresh(args) => refresh::run(context, args),
        Command::Prune(args) => prune::run(context, args),
        Command::Revoke(args) => revoke::run(context, args),
        Command::Upgrade(args) => upgrade::run(context, args),
        Command::Recover(args) => recover::run(context, args),
        Command::Export(args) => export::run(context, args),
        Command::Import(args) => import::run(context, args),
    }
}
