//! `oauthctl sessions list`: lists the selected sessions as a stream.

use super::handles::{self, HandleRow, LayoutHandleRow};
use super::inactive::InactiveArgs;
use super::layouts::Layouts;
use super::select::SelectArgs;
use super::view::{BriefRow, LayoutRow};
use crate::commands::table::TableArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::session::{Status, Summary};
use crate::text::Named as _;
use crate::ui::Wanted;

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
    #[command(flatten)]
    table: TableArgs,
    /// Show the handles of accounts, looked up and verified, of at most 100; `handle.invalid` is
    /// one that does not lead back to its account
    #[arg(long, help_heading = "Table", conflicts_with = "wide")]
    handles: bool,
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
  oauthctl sessions list --columns did,kid,expires_at --sort -refreshed
  oauthctl sessions list --format jsonl | jq -r .did",
        Status::ALL.iter().map(status).collect::<String>()
    )
}

/// Selects sessions and prints them with their status.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let layouts = Layouts::open(context, &args.select, &args.inactive)?;
    let wanted = args.table.wanted();
    if args.handles {
        return list_with_handles(context, &layouts, &wanted);
    }
    let mut listing = match (args.wide, layouts.are_several()) {
        (true, _) => context.ui.wanted_listing::<Summary>(&wanted)?,
        (false, false) => context.ui.wanted_listing::<BriefRow>(&wanted)?,
        (false, true) => context.ui.wanted_listing::<LayoutRow>(&wanted)?,
    };
    let count = layouts.for_each(|summary, assessor| match (args.wide, layouts.are_several()) {
        (true, _) => listing.push(summary),
        (false, false) => listing.push(&BriefRow::of(summary, assessor)),
        (false, true) => listing.push(&LayoutRow(BriefRow::of(summary, assessor))),
    })?;
    listing.finish()?;
    layouts.finish(count)
}

fn list_with_handles(
    context: &Context,
    layouts: &Layouts<'_>,
    wanted: &Wanted,
) -> anyhow::Result<Exit> {
    let are_several = layouts.are_several();
    let mut listing = if are_several {
        context.ui.wanted_listing::<LayoutHandleRow>(wanted)?
    } else {
        context.ui.wanted_listing::<HandleRow>(wanted)?
    };
    let mut rows = Vec::new();
    let count = layouts.for_each(|summary, assessor| {
        let row = BriefRow::of(summary, assessor);
        rows.push(if are_several { HandleRow::of(&LayoutRow(row))? } else { HandleRow::of(&row)? });
        Ok(())
    })?;
    handles::name(context, &mut rows)?;
    rows.iter().try_for_each(|row| {
        if are_several { listing.push(&LayoutHandleRow(row)) } else { listing.push(row) }
    })?;
    listing.finish()?;
    layouts.finish(count)
}
