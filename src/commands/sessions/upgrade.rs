//! `oauthctl sessions upgrade`: converts sessions that started when the client was public.

use std::sync::Arc;

use super::online::refresher;
use super::pace::PaceArgs;
use super::results::Refreshes;
use super::select::SelectArgs;
use super::view::assessor_of_run;
use crate::context::Context;
use crate::error::{Exit, usage};
use crate::maintenance::{Binding, Meant, Upgrades, check_published};
use crate::session::Issuer;
use crate::store::Store;
use crate::ui::counted;

/// Convert sessions of a public client to the confidential client
#[derive(clap::Args)]
#[command(after_help = "\
When an app becomes a confidential client, it cannot refresh its existing sessions any more. This
command refreshes each of them once with the app's key, which binds the session to that key. At the
reference server (bsky.social and most others), the total lifetime of two weeks becomes up to two
years, and nobody has to log in again.

Some servers end such a session instead. Therefore each server is first sent a token that does not
exist. If its answer is unknown, or is that of a server that ends sessions, nothing else is sent to
it unless you use --issuer URL --yes.

Before that, the published client metadata must contain private_key_jwt, and the published key set
the key. Servers cache both for up to 10 minutes. If the layout has no lock, sessions that the app
refreshed within the last hour are skipped unless you name them.

Examples:
  oauthctl sessions upgrade --dry-run
  oauthctl sessions upgrade --limit 1")]
pub struct Args {
    /// Do not check the published documents first, if they cannot be reached from here
    #[arg(long, alias = "skip-published-check")]
    unpublished: bool,
    /// Show what would be done, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    pace: PaceArgs,
}

/// Checks the published documents, then refreshes.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let keys = context.key_set()?.unwrap_or_default();
    let active = keys.active(context.now()).cloned().ok_or_else(|| {
        usage("no signing key to bind the sessions to").hint("use --keys for the app's key")
    })?;
    let kid = active.kid().cloned().ok_or_else(|| usage("the signing key has no kid"))?;
    let client_id = context.client_id()?;
    let runtime = context.runtime()?;
    if !args.unpublished {
        runtime.block_on(check_published(context.network()?, &client_id, &active))?;
    }
    let store: Arc<dyn Store> = context.open_store_to_end()?.into();
    store.check_lock()?;
    let assessor = assessor_of_run(context, store.layout())?;
    args.select.prepare(context, &[&*store], None)?;
    let is_named = args.select.names_sessions();
    let refresher = if args.dry_run {
        None
    } else {
        Some(refresher(
            context,
            &store,
            &assessor,
            keys,
            Binding::Upgrade(kid),
            &args.pace,
            is_named,
        )?)
    };
    let mut upgrades = Upgrades::new(
        Arc::clone(context.network()?),
        client_id,
        active.clone(),
        agreed(context, args),
    );
    let may_meet_the_app = !store.layout().has_lock() && !is_named;
    let mut results = Refreshes::new(
        context,
        &assessor,
        ["would upgrade", "upgraded"],
        refresher,
        (&args.select, &args.pace),
    )?;
    results.reports_skipped = is_named;
    results.may_end_sessions = true;
    let done = runtime.block_on(async {
        let mut selection = args.select.begin(context, &*store, &assessor).await?;
        let source = async || {
            let sessions =
                selection.next_meant(|_, session, _| Ok(Meant::work_if(session.is_public))).await?;
            let Some(sessions) = sessions else { return Ok(None) };
            upgrades.steps(&*store, &assessor, may_meet_the_app, sessions).await.map(Some)
        };
        results.run(&args.select, source).await
    });
    for (issuer, count) in upgrades.dangers() {
        context.ui.warn(format!(
            "{} at {issuer} may end instead of being converted; `--issuer {issuer} --yes` tries one of them first",
            counted(count, "session")
        ));
    }
    results.finish(done.and_then(|()| args.select.check_names(context, &*store)))
}

/// Returns the server that the operator has agreed to try: named, and with `--yes`.
fn agreed(context: &Context, args: &Args) -> Option<Issuer<'static>> {
    args.select.filter().issuer.filter(|_| context.is_confirmed())
}
