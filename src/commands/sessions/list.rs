//! `oauthctl sessions list`: every session, streamed.

use super::view::Judge;
use crate::context::Context;
use crate::error::Exit;
use crate::session::Summary;
use crate::store::{Kind, Want};
use crate::ui::counted;

/// List the sessions in the app's store
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  oauthctl sessions list                          in the directory of an app with an app.db
  oauthctl sessions list --store sqlite:/srv/app/app.db
  oauthctl sessions list --format jsonl | jq -r 'select(.status == \"dead\") | .did'")]
pub struct Args {}

/// Scans, judges and prints.
pub fn run(context: &Context, _: &Args) -> anyhow::Result<Exit> {
    let store = context.open_store()?;
    let judge = Judge::new(context, store.layout())?;
    let mut listing = context.ui.listing::<Summary>();
    let mut count = 0;
    context.runtime()?.block_on(async {
        let mut scan = store.scan(Kind::Session, Want { values: true, ttls: true });
        while let Some(records) = scan.next().await? {
            for stored in &records {
                listing.push(&judge.summary(stored))?;
                count += 1;
            }
        }
        anyhow::Ok(())
    })?;
    listing.finish()?;
    let (url, _) = context.store_address()?;
    context.ui.note(format!("{} in {url} (layout {})", counted(count, "session"), store.layout().name));
    Ok(Exit::Done)
}
