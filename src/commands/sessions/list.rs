//! `oauthctl sessions list`: lists the selected sessions as a stream.

use super::inactive::InactiveArgs;
use super::layouts::Layouts;
use super::select::SelectArgs;
use super::view::{BriefRow, LayoutRow};
use crate::context::Context;
use crate::error::Exit;
use crate::session::{Status, Summary};
use crate::text::Named as _;

/// List the sessions in the app's store
#[derive(clap::Args)]
#[command(after_help = help())]
pub struct Args {
    /// Show full key IDs, timestamps and the expiry of access tokens; other formats always contain
    /// every field
    #[arg(long)]
    wide: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    inactive: InactiveArgs,
}

fn help() -> String {
    let status = |status: &Status| format!("  {:9}  {}\n", status.name(), status.meaning());
    format!(
        "Statuses:\n{}\n\
Inactivity of a user is not a status; use --inactive.\n\n\
Examples:
  oauthctl sessions list                          in the directory of an app with an app.db
  oauthctl sessions list --store sqlite:/srv/app/app.db --status dead,blocked
  oauthctl sessions list --not-refreshed-for 30d --format csv
  oauthctl sessions list --format jsonl | jq -r .did",
        Status::ALL.iter().map(status).collect::<String>()
    )
}

/// Selects sessions and prints them with their status.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let layouts = Layouts::open(context, &args.select, &args.inactive)?;
    let mut listing = match (args.wide, layouts.are_several()) {
        (true, _) => context.ui.listing::<Summary>(),
        (false, false) => context.ui.listing::<BriefRow>(),
        (false, true) => context.ui.listing::<LayoutRow>(),
    };
    let count = layouts.for_each(|summary, assessor| match (args.wide, layouts.are_several()) {
        (true, _) => listing.push(summary),
        (false, false) => listing.push(&BriefRow::of(summary, assessor)),
        (false, true) => listing.push(&LayoutRow(BriefRow::of(summary, assessor))),
    })?;
    listing.finish()?;
    layouts.finish(count)
}
