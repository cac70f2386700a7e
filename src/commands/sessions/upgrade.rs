//! `oauthctl sessions upgrade`: carries sessions over that began while the client was public.

use std::sync::Arc;

use super::online::{PaceArgs, Results, exchanger, stop};
use super::select::SelectArgs;
use super::view::judge;
use crate::context::Context;
use crate::error::{Exit, usage};
use crate::maintenance::{Binding, Event, Outcome, Runner, Step, check_published};
use crate::session::{AuthMethod, NodeSession};
use crate::store::{Store, Stored};

/// Carry sessions begun as a public client over to the confidential client
#[derive(clap::Args)]
#[command(after_help = "\
When an app becomes a confidential client, the sessions it has cannot be refreshed by it any more. Each is exchanged once
with the app's key, which binds it to that key: two weeks of life become up to two years, and nobody has to log in again.

Before anything is sent, the published client metadata must say private_key_jwt, and the published key set must hold the
key. Servers keep both for up to 10 minutes.

Examples:
  oauthctl sessions upgrade --dry-run
  oauthctl sessions upgrade --limit 1")]
pub struct Args {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    pace: PaceArgs,
    /// Do not look at the published documents first: for networks that oauthctl cannot see from here
    #[arg(long)]
    skip_published_check: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Checks what is published, then exchanges.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let keys = context.key_set()?.unwrap_or_default();
    let active = keys.active(context.now()).cloned().ok_or_else(|| {
        usage("there is no signing key to bind the sessions to").hint("name the app's key with --keys")
    })?;
    let kid = active.kid().cloned().ok_or_else(|| usage("the signing key has no kid"))?;
    let client_id = context.client_id()?;
    let runtime = context.runtime()?;
    if !args.skip_published_check {
        runtime.block_on(check_published(context.network()?, &client_id, &active))?;
    }
    let store: Arc<dyn Store> = context.open_store()?.into();
    let judge = judge(context, store.layout())?;
    let verb = if args.dry_run { "would upgrade" } else { "upgraded" };
    let mut results = Results::new(context, &judge, verb);
    let exchanger = exchanger(context, &store, keys, Binding::Upgrade(kid), &args.pace)?;
    let runner = Runner::new(exchanger, args.pace.limits(context)?, stop(context));
    runtime.block_on(async {
        let mut selection = args.select.begin(context, &*store, &judge).await?;
        let source = async || {
            let Some(sessions) = selection.next().await? else { return Ok(None) };
            let public = sessions.into_iter().map(|(session, _)| session).filter(is_public);
            Ok(Some(public.map(|session| step(session, args.dry_run)).collect()))
        };
        runner.run(source, async |_, event| results.add(&event)).await
    })?;
    results.finish()
}

fn is_public(session: &Stored) -> bool {
    NodeSession::parse(&session.value).is_ok_and(|session| session.auth_method == AuthMethod::None)
}

fn step(session: Stored, dry_run: bool) -> Step<Outcome> {
    if dry_run { Step::Settled(Event { session, outcome: Outcome::Refreshed }) } else { Step::Work(session) }
}
