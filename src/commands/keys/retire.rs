//! `oauthctl keys retire`: removes a key that nothing depends on any more.

use std::sync::Arc;

use crate::args::Knows;
use crate::commands::sessions::{PaceArgs, SelectArgs, judge, rehearse_revocation, revoke_selected};
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::jose::{ClientKey, KeySet, KeyState, Kid};
use crate::keyring::{self, LoadedSource};
use crate::maintenance::forget_key;
use crate::session::BoundCount;
use crate::store::Store;
use crate::ui::counted;

use super::bound::Bound;
use super::no_such_key;
use super::place::{lock_files, put_back, read_again};

/// Remove a key that no session and no pending login depends on
#[derive(clap::Args)]
#[command(after_help = "\
A session cannot be moved to another key. While any is bound to this one, it stays; the app deletes
a session as soon as its key is missing.

Examples:
  oauthctl keys retire 1795420766438 --keys keys.json --store sqlite:app.db
  oauthctl keys retire 1795420766438 --revoke-sessions --yes")]
pub struct Args {
    /// The key to remove
    #[arg(allow_hyphen_values = true, add = Knows::Kids)]
    kid: Kid,
    /// Retire the key although some records could not be read, and may be bound to it
    #[arg(long)]
    ignore_malformed: bool,
    /// End the sessions bound to the key first, with that key
    #[arg(long)]
    revoke_sessions: bool,
    /// Remove the records of sessions that cannot be proved to have ended, too; they may live on at their server
    #[arg(long, requires = "revoke_sessions")]
    forget: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    pace: PaceArgs,
}

/// Checks that nothing depends on the key, or nothing but sessions that are to end; then removes it.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let _locks = lock_files(context)?;
    let sources = context.required_key_sources()?;
    check_role(context, &keyring::key_set(&sources)?, &args.kid)?;
    let store = context.open_named_store()?.ok_or_else(|| {
        usage(format!("no store was named, so nobody knows which sessions are bound to key {}", args.kid))
            .hint("name the app's store with --store, OAUTHCTL_STORE or in oauthctl.toml")
    })?;
    let store: Arc<dyn Store> = store.into();
    // Everything that may keep the key from going, before anybody is signed out for nothing.
    let mut bound = Bound::count(context, &*store)?;
    let mut ended = Exit::Done;
    let count = bound.records.to(args.kid.as_str());
    if args.revoke_sessions && count.sessions > 0 {
        check_unbound(args, count, bound.unreadable, Sessions::WillEnd)?;
        ended = end_sessions(context, args, count.sessions, &store)?;
        let may_go_on = ended == Exit::Done || args.forget && ended == Exit::Partial;
        if !may_go_on {
            if matches!(ended, Exit::Partial | Exit::Failed) {
                context.ui.note(format!(
                    "key {} stays, since some of its sessions may live; --forget removes their records and the key",
                    args.kid
                ));
            }
            return Ok(ended);
        }
        if args.dry_run {
            remove(context, args, sources)?;
            return Ok(Exit::Done);
        }
        bound = Bound::count(context, &*store)?;
    }
    check_unbound(args, bound.records.to(args.kid.as_str()), bound.unreadable, Sessions::Stay)?;
    // Ending sessions may have taken long, and the files may have changed.
    let sources = read_again(context, sources)?;
    let keys = keyring::key_set(&sources)?;
    check_role(context, &keys, &args.kid)?;
    remove(context, args, sources)?;
    let forgotten = async || match keys.get(&args.kid) {
        Some(key) => forget_key(&*store, &args.kid, key).await,
        None => Ok(()),
    };
    if !args.dry_run && context.runtime()?.block_on(forgotten()).is_err() {
        context.ui.warn(format!("another key under the kid {} will be taken for a mistake", args.kid));
    }
    Ok(ended)
}

/// The key must be there, must not be the one that signs, and another must remain that does.
fn check_role(context: &Context, set: &KeySet, kid: &Kid) -> Result<(), Failure> {
    let Some(key) = set.get(kid) else {
        return Err(no_such_key(kid));
    };
    let others_sign = set.iter().filter(|other| other.kid() != Some(kid)).cloned().collect();
    let now = context.now();
    let is_last = KeySet::new(others_sign)?.active(now).is_none();
    if !is_last && set.state(key, Some(0), now) != KeyState::Active {
        return Ok(());
    }
    let error = usage(if is_last {
        format!("{kid} is the last key that can sign: without it nobody can log in")
    } else {
        format!("{kid} is the active key: the running app binds new sessions to it")
    });
    let next = set.iter().filter_map(|key| Some((key.kid()?, key.not_before().filter(|nbf| *nbf > now)?)));
    Err(match next.min_by_key(|(_, nbf)| *nbf) {
        Some((next, nbf)) => error.hint(format!("retire it once key {next} has taken over, at {nbf}")),
        None => error.hint("`oauthctl keys rotate` lets another key take over first"),
    })
}

/// Ends the sessions bound to the key while the key is still there to do it with; a dry run names them.
fn end_sessions(context: &Context, args: &Args, sessions: u64, store: &Arc<dyn Store>) -> anyhow::Result<Exit> {
    let judge = judge(context, store.layout())?;
    let select = SelectArgs::bound_to(&args.kid);
    if args.dry_run {
        return rehearse_revocation(context, &select, store, &judge);
    }
    let question = format!(
        "End {} bound to key {}? Their users will have to log in again.",
        counted(sessions, "session"),
        args.kid
    );
    context.confirm(&question)?;
    // All of them, however they have come about: the key goes.
    revoke_selected(context, &select, &args.pace, args.forget, store, &judge, |_| true)
}

/// What becomes of the sessions bound to the key before it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sessions {
    Stay,
    WillEnd,
}

fn check_unbound(args: &Args, count: BoundCount, unreadable: u64, sessions: Sessions) -> Result<(), Failure> {
    let are_in_the_way = count.states > 0 || count.sessions > 0 && sessions == Sessions::Stay;
    if are_in_the_way {
        let (states, kid) = (counted(count.states, "pending login"), &args.kid);
        let error = usage(format!(
            "{} and {states} are bound to key {kid}, and would be lost with it",
            counted(count.sessions, "session"),
        ));
        return Err(match sessions {
            Sessions::Stay => error.hint(
                "keep the key until they have ended, or end the sessions with --revoke-sessions; logins end by themselves",
            ),
            Sessions::WillEnd => error.hint(
                "nobody was signed out: logins end by themselves, within an hour or by `oauthctl states purge`; try again then",
            ),
        });
    }
    if unreadable > 0 && !args.ignore_malformed {
        return Err(usage(format!(
            "{} could not be read, and may be bound to this key",
            counted(unreadable, "record")
        ))
        .hint(
            "`oauthctl sessions list` and `states list` show what; --ignore-malformed retires the key all the same",
        ));
    }
    Ok(())
}

fn remove(context: &Context, args: &Args, sources: Vec<LoadedSource>) -> anyhow::Result<()> {
    let is_it = |key: &ClientKey| key.kid() == Some(&args.kid);
    let Some(mut source) = sources.into_iter().find(|source| source.keys.iter().any(is_it)) else {
        return Err(no_such_key(&args.kid).into());
    };
    let ui = &context.ui;
    let place = source.source.clone();
    if !source.form.holds_many() {
        ui.note(format!("nothing depends on key {}, which {place} holds alone:", args.kid));
        ui.note(format!(
            "take {place} out of what the app loads and out of `keys`, deploy, and publish `oauthctl jwks` anew"
        ));
        return Ok(());
    }
    source.keys.retain(|key| !is_it(key));
    let text = source.encode()?;
    if args.dry_run {
        ui.note(format!("dry run: key {} would be removed from {place}", args.kid));
        return Ok(());
    }
    put_back(context, &place, &text)?;
    ui.note(format!("removed key {} from {place}; deploy it, and publish `oauthctl jwks` anew", args.kid));
    Ok(())
}
