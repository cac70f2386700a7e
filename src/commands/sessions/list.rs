//! `oauthctl sessions list`: the selected sessions, streamed.

use super::inactive::InactiveArgs;
use super::select::SelectArgs;
use super::view::{BriefRow, LayoutRow, judge, tell_where};
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
    /// Show whole kids, times instead of ages, and when access tokens expire; other formats always hold everything
    #[arg(long)]
    wide: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    inactive: InactiveArgs,
}

/// Selects, judges and prints.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let stores = context.open_stores()?;
    let all: Vec<_> = stores.iter().map(|store| &**store).collect();
    args.select.prepare(context, &all, None)?;
    let mut listing = match (args.wide, stores.len()) {
        (true, _) => context.ui.listing::<Summary>(),
        (false, 1) => context.ui.listing::<BriefRow>(),
        (false, _) => context.ui.listing::<LayoutRow>(),
    };
    let mut count = 0;
    for store in &stores {
        let judge = judge(context, store.layout())?;
        args.select.in_one_of(stores.len(), count);
        context.runtime()?.block_on(args.inactive.for_each(
            &args.select,
            context,
            &**store,
            &judge,
            |_, summary| {
                match (args.wide, stores.len()) {
                    (true, _) => listing.push(summary)?,
                    (false, 1) => listing.push(&BriefRow::of(summary, &judge))?,
                    (false, _) => listing.push(&LayoutRow(BriefRow::of(summary, &judge)))?,
                }
                count += 1;
                Ok(())
            },
        ))?;
    }
    listing.finish()?;
    args.select.warn_of_missing(context, &all)?;
    let counted = args.select.seen().borrow().counted(count);
    tell_where(context, &stores, &counted)?;
    Ok(context.interrupt().exit().unwrap_or(Exit::Done))
}
