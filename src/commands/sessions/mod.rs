//! `oauthctl sessions …`: the sessions of the app's users.

mod account;
mod acknowledged;
mod causes;
mod export;
mod foreign;
mod handles;
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
pub use revoke::{ResultRow as RevokedRow, dry_run as dry_run_of_revocation, revoke_selected};
pub use select::SelectArgs;
pub use view::{assessor, tell_where};

use std::collections::BTreeMap;

use schemars::Schema;

use crate::commands::schema::{of, of_run};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{ImportResult, Tally};
use crate::session::Summary;

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

/// Returns the schema of what a command prints.
pub fn schema(name: &str) -> Option<Schema> {
    type Counts = BTreeMap<String, u64>;
    Some(match name {
        "sessions-list" | "sessions-show" => of::<Vec<Summary<'_>>>(),
        "sessions-stats" => of::<stats::Document>(),
        "sessions-refresh" | "sessions-upgrade" | "sessions-prune" => {
            of_run::<results::ResultRow<'_>, Counts>()
        }
        "sessions-revoke" => of_run::<revoke::ResultRow<'_>, Counts>(),
        "sessions-import" => of_run::<import::ImportRow, Tally<ImportResult>>(),
        "sessions-recover" => of_run::<recover::RecoverRow, Counts>(),
        _ => return None,
    })
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
