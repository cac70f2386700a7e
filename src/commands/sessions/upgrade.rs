//! `oauthctl sessions upgrade`: carries sessions over that began while the client was public.

use std::sync::Arc;

use super::online::{exchanger, healthiest_first, stop, tell_unconfirmed};
use super::pace::PaceArgs;
use super::results::{Results, rehearse};
use super::select::{Meant, Noted, SelectArgs};
use super::view::judge_of_run;
use crate::context::Context;
use crate::error::{Exit, usage};
use crate::jose::ClientKey;
use crate::maintenance::{Binding, Event, Judge, Outcome, Runner, Step, Upgrades, check_published};
use crate::session::{Age, NO_REFRESH_TOKEN, Status};
use crate::store::Store;
use crate::ui::counted;

/// Carry sessions begun as a public client over to the confidential client
#[derive(clap::Args)]
#[command(after_help = "\
When an app becomes a confidential client, the sessions it has cannot be refreshed by it any more.
Each is exchanged once with the app's key, which binds it to that key: two weeks of life become up
to two years, and nobody has to log in again at servers like the reference one (bsky.social).

Some servers end such a session instead. Each server is asked before, with a token that nobody has;
where the answer is that of a server that ends sessions, or an unknown one, nothing is sent to it
unless you name it and say yes: --issuer URL --yes.

Before anything is sent, the published client metadata must say private_key_jwt, and the published
key set must hold the key. Servers keep both for up to 10 minutes. Where the app has no lock, a
session that it renewed within the last hour is left alone unless you name it.

Examples:
  oauthctl sessions upgrade --dry-run
  oauthctl sessions upgrade --limit 1")]
pub struct Args {
    /// Do not look at the published documents first: for networks that oauthctl cannot see from here
    #[arg(long, alias = "skip-published-check")]
    unpublished: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    pace: PaceArgs,
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
    if !args.unpublished {
        runtime.block_on(check_published(context.network()?, &client_id, &active))?;
    }
    let store: Arc<dyn Store> = context.open_store_to_change()?.into();
    store.layout().check_lock_is_said()?;
    let judge = judge_of_run(context, store.layout())?;
    args.select.prepare(context, &[&*store], None)?;
    let mut unconfirmed = Arc::default();
    let (runner, verb) = if args.dry_run {
        (None, "would upgrade")
    } else {
        let mut exchanger = exchanger(context, &store, &judge, keys, Binding::Upgrade(kid), &args.pace)?;
        exchanger.insists = args.select.names_sessions();
        unconfirmed = Arc::clone(&exchanger.unconfirmed);
        (Some(Runner::new(exchanger, args.pace.limits(context)?, stop(context))), "upgraded")
    };
    let mut upgrades = Upgrades::new(Arc::clone(context.network()?), client_id, active.clone(), agreed(context, args));
    let may_meet_the_app = !store.layout().has_lock() && !args.select.names_sessions();
    let mut results = Results::new(context, &judge, verb, args.dry_run);
    results.tells_skipped = args.select.names_sessions();
    results.may_end_sessions = true;
    let done = runtime.block_on(async {
        let mut selection = args.select.begin(context, &*store, &judge).await?;
        let source = async || {
            let sessions = selection.next_meant(|_, session, _| Ok(Meant::to_do_if(session.is_public))).await?;
            let Some(sessions) = sessions else { return Ok(None) };
            steps(&*store, &judge, &active, may_meet_the_app, &mut upgrades, sessions).await.map(Some)
        };
        match runner {
            Some(runner) => runner.run(source, async |_, event| results.add(&event)).await,
            None => rehearse(source, &mut results).await,
        }
    });
    results.take_back(tell_unconfirmed(context, &unconfirmed));
    for (issuer, count) in upgrades.dangers() {
        context.ui.warn(format!(
            "{} at {issuer} may end there instead of being carried over; `--issuer {issuer} --yes` tries one of them first",
            counted(count, "session")
        ));
    }
    let done = done.and_then(|()| args.select.check_names(context, &*store));
    let (missing, done) = (done.as_ref().copied().unwrap_or_default(), done.map(drop));
    Ok(missing.exit(results.finish(done)?))
}

/// The server that the operator has agreed to try: named, and with `--yes`.
fn agreed(context: &Context, args: &Args) -> Option<String> {
    args.select.filter().issuer.filter(|_| context.is_confirmed())
}

/// What to do with these sessions of the public client. Instances of the app that were not deployed anew yet may still
/// refresh them, and where no lock keeps the two of us apart, `may_meet_the_app` says so.
async fn steps(
    store: &dyn Store,
    judge: &Judge,
    key: &ClientKey,
    may_meet_the_app: bool,
    upgrades: &mut Upgrades,
    mut sessions: Vec<Noted>,
) -> anyhow::Result<Vec<Step<Outcome>>> {
    healthiest_first(judge, &mut sessions);
    let mut steps = Vec::with_capacity(sessions.len());
    for (session, note) in sessions {
        let settled = {
            let summary = judge.summary(&session, note.as_ref());
            let reason = summary.reason.as_deref().unwrap_or_default();
            match summary.status {
                Status::Dead | Status::Malformed | Status::Foreign => {
                    Some(Outcome::Skipped(format!("{}: {reason}", summary.status.name()).into()))
                }
                Status::Blocked if !summary.needs_upgrade => Some(Outcome::Blocked(reason.to_owned())),
                _ => match judge.too_recent(&summary, Age::from_secs(0), !may_meet_the_app) {
                    Some(why) => Some(Outcome::Skipped(why.into())),
                    None if summary.refresh_token.is_none() => Some(Outcome::Blocked(NO_REFRESH_TOKEN.to_owned())),
                    None => judge.objection_to_key(store, &summary, key).await?.map(Outcome::Blocked),
                },
            }
        };
        let settled = match settled {
            None => upgrades.objection(&session).await,
            settled => settled,
        };
        steps.push(match settled {
            None => Step::Work(session),
            Some(outcome) => Step::Settled(Event { session, outcome }),
        });
    }
    Ok(steps)
}
