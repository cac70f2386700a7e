//! `oauthctl sessions list`: lists the selected sessions as a stream.

use super::inactive::InactiveArgs;
use super::layouts::Layouts;
use super::select::SelectArgs;
use super::view::{BriefRow, LayoutRow};
use crate::context::Context;
use crate::error::Exit;
use crate::session::Summary;

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
  oauthctl sessions list --format jsonl | jq -r .did")]
pub struct Args {
    /// Show whole kids, times instead of ages, and when access tokens expire; other formats always
    /// hold everything
    #[arg(long)]
    wide: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    inactive: InactiveArgs,
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
