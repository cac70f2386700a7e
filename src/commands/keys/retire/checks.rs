//! Obstacles to removing a key.

use super::{Args, in_shell};
use crate::commands::keys::no_such_key;
use crate::commands::shared_keys::SharedStore;
use crate::context::Context;
use crate::error::{Failure, usage};
use crate::jose::{KeySet, KeyState, Kid};
use crate::maintenance::Census;
use crate::store::{Kind, Store, Want};
use crate::ui::{counted, sessions_and_logins};

/// Hint about pending logins, which do not expire in all stores.
const LOGINS_END: &str =
    "pending logins with a TTL end within an hour; `oauthctl states purge` removes others";

/// Checks that the key exists, is not the active one, and that another remains that signs.
pub(super) fn check_role(context: &Context, set: &KeySet, kid: &Kid) -> Result<(), Failure> {
    let Some(key) = set.get(kid) else {
        return Err(no_such_key(kid, set));
    };
    let others_sign = set.iter().filter(|other| other.kid() != Some(kid)).cloned().collect();
    let now = context.now();
    let is_last = KeySet::new(others_sign)?.active(now).is_none();
    if !is_last && set.state(key, Some(0), now) != KeyState::Active {
        return Ok(());
    }
    let error = usage(if is_last {
        format!("{kid} is the last key that can sign: without it, logins fail")
    } else {
        format!("{kid} is the active key: the running app binds new sessions to it")
    });
    let next =
        set.iter().filter_map(|key| Some((key.kid()?, key.not_before().filter(|nbf| *nbf > now)?)));
    Err(match next.min_by_key(|(_, nbf)| *nbf) {
        Some((next, nbf)) => {
            error.hint(format!("retire it once key {next} has taken over, at {nbf}"))
        }
        None => error.hint("first let another key take over: `oauthctl keys rotate`"),
    })
}

/// Sessions bound to the key, before its removal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sessions {
    Stay,
    WillEnd,
    HaveEnded,
}

/// Fails if the key is still needed, or the store does not show that it is unused.
pub(super) fn check_unbound(
    args: &Args,
    census: &Census,
    sessions: Sessions,
) -> Result<(), Failure> {
    let kid = &args.kid;
    let count = census.records.to(kid.as_str());
    let are_in_the_way = count.states > 0 || count.sessions > 0 && sessions != Sessions::WillEnd;
    if are_in_the_way {
        let (bound, store) = (sessions_and_logins(count.sessions, count.states), census.store());
        let are = if count.total() == 1 { "is" } else { "are" };
        let error =
            usage(format!("{bound} of {store} {are} bound to key {kid} and would be lost with it"));
        return Err(match (sessions, count.sessions, count.states) {
            (Sessions::WillEnd, ..) => error.hint(format!("no user was signed out: {LOGINS_END}; try again then")),
            (_, _, 0) => error.hint("keep the key until they have ended, or end them with --revoke-sessions"),
            (_, 0, _) => error.hint(format!("keep the key until then: {LOGINS_END}")),
            _ => error.hint(format!(
                "keep the key until they have ended, or end the sessions with --revoke-sessions; {LOGINS_END}"
            )),
        });
    }
    check_placed(args, census)?;
    if census.is_empty() && !args.unused && sessions == Sessions::Stay {
        return Err(usage(format!(
            "{} contains no sessions and logins, so it does not show that key {kid} is unused",
            census.store()
        ))
        .hint("check that this is the app's store; --unused retires the key anyway"));
    }
    Ok(())
}

fn check_placed(args: &Args, census: &Census) -> Result<(), Failure> {
    if census.unplaced == 0 || args.unused || args.ignore_malformed {
        return Ok(());
    }
    let unplaced = census.counted_unplaced();
    Err(usage(format!("{unplaced} could not be read and may be bound to key {}", args.kid)).hint(
        "`oauthctl sessions list` and `states list` show them; --unused retires the key anyway",
    ))
}

/// Fails if another part of the settings file names a store whose sessions need the key.
pub(super) fn check_shared_stores(
    context: &Context,
    args: &Args,
    keys: &KeySet,
) -> anyhow::Result<()> {
    let kid = &args.kid;
    for store in SharedStore::read_all(context, keys, None)? {
        let (name, profile) = (store.name(), store.profile);
        let census = match store.census {
            Ok(census) => census,
            Err(e) if args.unused => {
                context.ui.warn(format!("cannot find out whether {name} needs key {kid}: {e:#}"));
                continue;
            }
            Err(e) => {
                return Err(usage(format!(
                    "{name} cannot be read, but its sessions may be bound to key {kid}"
                ))
                .because(e)
                .hint("run this where that store can be read; --unused retires the key anyway")
                .into());
            }
        };
        let count = census.records.to(kid.as_str());
        if count.total() > 0 {
            let (bound, are) = (
                sessions_and_logins(count.sessions, count.states),
                if count.total() == 1 { "is" } else { "are" },
            );
            let profile = profile
                .map_or_else(String::new, |profile| format!(" --profile {}", in_shell(&profile)));
            return Err(usage(format!(
                "{bound} of {} {are} bound to key {kid} and would be lost with it",
                census.store()
            ))
            .hint(format!(
                "keep the key until they have ended, or end them with `oauthctl{profile} sessions revoke --kid {}`",
                in_shell(kid.as_str())
            ))
            .into());
        }
        check_placed(args, &census)?;
    }
    Ok(())
}

/// Fails if sessions bound to the key are in another layout, and would remain.
pub(super) fn check_within_reach(
    context: &Context,
    args: &Args,
    census: &Census,
    store: &dyn Store,
) -> anyhow::Result<()> {
    let interrupt = context.interrupt();
    let count = async {
        let mut scan = store.scan(Kind::Session, Want { values: true, ttls: false });
        let mut count = 0;
        while let Some(records) = scan.next().await? {
            let kids = records
                .iter()
                .filter_map(|record| store.layout().session(record).ok()?.client_auth?.into_key());
            count += kids.filter(|kid| *kid == args.kid.as_str()).count() as u64;
        }
        anyhow::Ok(count)
    };
    let Some(here) = context.runtime()?.block_on(interrupt.or(count)) else {
        return Err(interrupt.failure("the keys were not changed").into());
    };
    let elsewhere = census.records.to(args.kid.as_str()).sessions.saturating_sub(here?);
    if elsewhere == 0 {
        return Ok(());
    }
    let elsewhere = counted(elsewhere, "session");
    Err(usage(format!(
        "outside layout {}, {} has {elsewhere} bound to key {}, which would be lost with it",
        store.layout().name,
        census.store(),
        args.kid
    ))
    .hint("no user was signed out; select the other layout with --layout, and first revoke those with `oauthctl sessions revoke --kid`")
    .into())
}
