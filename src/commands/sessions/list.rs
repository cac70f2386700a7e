//! `oauthctl sessions list`: lists the selected sessions as a stream.

use super::inactive::InactiveArgs;
use super::layouts::Layouts;
use super::select::SelectArgs;
use super::view::{BriefRow, LayoutRow};
use crate::commands::table::TableArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::session::{Status, Summary};
use crate::text::Named as _;

/// List the sessions in the app's store
#[derive(clap::Args)]
#[command(after_help = "\
Statuses:
  fresh      its access token is valid
  idle       expired, which is normal for a user who is away; nothing to do yet
  due        expired, and due for a refresh
  suspect    older than sessions usually live; only the server knows
  blocked    cannot be refreshed now, through no fault of the session
  dead       can never be refreshed
  malformed  no session, and nobody's: empty, or with neither a refresh token nor a private key
  foreign    cannot be read; perhaps another library's, another program's, or encrypted
That a user is away is no status of the session; --inactive asks about it.

Examples:
  oauthctl sessions list                          in the directory of an app with an app.db
  oauthctl sessions list --store sqlite:/srv/app/app.db --status dead,blocked
  oauthctl sessions list --not-refreshed-for 30d --format csv
  oauthctl sessions list --columns did,kid,expires_at --sort -refreshed
  oauthctl sessions list --format jsonl | jq -r .did")]
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
    let wanted = args.table.wanted();
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
