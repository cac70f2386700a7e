//! `oauthctl keys retire`: removes a key that is no longer in use.

mod checks;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::no_such_key;
use super::place::{lock_files, put_back, read_again, retired_beside};
use crate::args::Completer;
use crate::commands::census;
use crate::commands::kid::whole_kid;
use crate::commands::sessions::{
    PaceArgs, RevokedRow, SelectArgs, assessor, dry_run_of_revocation, revoke_selected,
};
use crate::context::Context;
use crate::error::{Exit, usage};
use crate::jose::{ClientKey, KeySet, Kid};
use crate::keyring::{self, KeySource, LoadedSource};
use crate::maintenance::Census;
use crate::maintenance::forget_key;
use crate::store::Store;
use crate::ui::{Begun, counted};
use checks::{Sessions, check_role, check_shared_stores, check_unbound, check_within_reach};

/// Remove a key that no session or pending login depends on
#[derive(Clone, clap::Args)]
#[command(after_help = "\
A session cannot be moved to another key, and the app deletes a session whose key is missing.
Therefore the key stays as long as any session in any layout is bound to it. A removed key is kept
in a file next to its source: keys.retired-KID.json.

Examples:
  oauthctl keys retire 1795420766438 --keys keys.json --store sqlite:app.db
  oauthctl keys retire 1795420766438 --revoke-sessions --yes")]
pub struct Args {
    /// The key to remove
    #[arg(allow_hyphen_values = true, add = Completer::Kids)]
    kid: Kid,
    /// Retire the key even if the store cannot show that it is unused, because the store is empty
    /// or has unreadable records
    #[arg(long)]
    unused: bool,
    // Name of the option until 0.1. It does not cover an empty store.
    #[arg(long, hide = true)]
    ignore_malformed: bool,
    /// First revoke the sessions that are bound to the key
    #[arg(long)]
    revoke_sessions: bool,
    /// Also remove the records of sessions whose end could not be verified; they may still be
    /// alive at their server
    #[arg(long, requires = "revoke_sessions")]
    forget: bool,
    /// Show what would be done, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    pace: PaceArgs,
}

/// Checks that the key is unused, or used only by sessions to be ended, and removes it.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let _locks = lock_files(context)?;
    let sources = context.required_key_sources()?;
    let question = (!args.dry_run).then_some("Retire that key?");
    let kid = whole_kid(context, &args.kid, &keyring::key_set(&sources)?, question)?;
    retire(context, &Args { kid, ..args.clone() }, sources)
}

fn retire(context: &Context, args: &Args, sources: Vec<LoadedSource>) -> anyhow::Result<Exit> {
    check_role(context, &keyring::key_set(&sources)?, &args.kid)?;
    let has_key =
        |source: &&LoadedSource| source.keys.iter().any(|key| key.kid() == Some(&args.kid));
    let Some(LoadedSource { source, .. }) = sources.iter().find(has_key) else {
        return Err(no_such_key(&args.kid, &KeySet::default()).into());
    };
    if matches!(source, KeySource::Table { .. }) {
        return Err(keyring::refuse_table(source).into());
    }
    let (kid, source) = (args.kid.as_str(), source.to_string());
    let mut key = KeyResult { kid, source, is_removed: false, kept_as: None };
    let begun = Rc::default();
    let done = end_and_remove(context, args, sources, &mut key, &begun);
    match begun.get() {
        Begun::Not if done.is_ok() => {
            let dry_run = args.dry_run;
            context.ui.receipt(&Document { dry_run, items: None, counts: None, key })?;
        }
        // Also where the key stays.
        Begun::Open => context.ui.end_document(&key)?,
        Begun::Not | Begun::Rows => {}
    }
    done
}

/// Ends the sessions of the key, if requested, and removes it.
fn end_and_remove(
    context: &Context,
    args: &Args,
    sources: Vec<LoadedSource>,
    result: &mut KeyResult<'_>,
    begun: &Rc<Cell<Begun>>,
) -> anyhow::Result<Exit> {
    let store = context.open_named_store()?.ok_or_else(|| {
        usage(format!(
            "no store is configured, so it is unknown which sessions are bound to key {}",
            args.kid
        ))
        .hint("configure the app's store with --store, OAUTHCTL_STORE or in oauthctl.toml")
    })?;
    let store: Arc<dyn Store> = store.into();
    // All obstacles are checked first, so that no user is signed out in vain.
    let mut census = census::take(context)?;
    check_shared_stores(context, args, &keyring::key_set(&sources)?)?;
    let mut ended = Exit::Done;
    let count = census.records.to(args.kid.as_str());
    if args.revoke_sessions && count.sessions > 0 {
        check_unbound(args, &census, Sessions::WillEnd)?;
        check_within_reach(context, args, &census, &*store)?;
        if args.dry_run {
            return dry_run(context, args, sources, &store, result, begun);
        }
        ended = end_sessions(context, args, count.sessions, &store, begun)?;
        let may_go_on = ended == Exit::Done || args.forget && ended == Exit::Partial;
        if !may_go_on {
            if matches!(ended, Exit::Partial | Exit::Failed) {
                context.ui.note(stays(args));
            }
            return Ok(ended);
        }
        census = census::take(context)?;
        // Ending the last session of the store has shown that it is the right one.
        check_unbound(args, &census, Sessions::HaveEnded)?;
    } else {
        check_unbound(args, &census, Sessions::Stay)?;
    }
    // Ending sessions may have taken long, and the files may have changed.
    let sources = read_again(context, sources)?;
    let keys = keyring::key_set(&sources)?;
    check_role(context, &keys, &args.kid)?;
    remove(context, args, sources, Some(&census), result)?;
    let forgotten = async || match keys.get(&args.kid) {
        Some(key) => forget_key(&*store, &args.kid, key).await,
        None => Ok(()),
    };
    if !args.dry_run && context.runtime()?.block_on(forgotten()).is_err() {
        context
            .ui
            .warn(format!("another key with the kid {} will be treated as a mistake", args.kid));
    }
    Ok(ended)
}

fn stays(args: &Args) -> String {
    format!(
        "key {} is kept, because some of its sessions may be alive; --forget removes their records and the key",
        args.kid
    )
}

/// Prints the sessions that would end, and the effect on the key.
fn dry_run(
    context: &Context,
    args: &Args,
    sources: Vec<LoadedSource>,
    store: &Arc<dyn Store>,
    result: &mut KeyResult<'_>,
    begun: &Rc<Cell<Begun>>,
) -> anyhow::Result<Exit> {
    let assessor = assessor(context, store.layout())?;
    let dry_run = dry_run_of_revocation(
        context,
        &SelectArgs::bound_to(&args.kid),
        args.forget,
        store,
        &assessor,
        Some(begun),
    )?;
    if dry_run.exit != Exit::Done {
        return Ok(dry_run.exit);
    }
    if dry_run.impossible > 0 && !args.forget {
        context.ui.note(format!("dry run: {}", stays(args)));
    } else {
        remove(context, args, sources, None, result)?;
    }
    Ok(Exit::Done)
}

/// Ends the sessions bound to the key while the key is available for it.
fn end_sessions(
    context: &Context,
    args: &Args,
    sessions: u64,
    store: &Arc<dyn Store>,
    begun: &Rc<Cell<Begun>>,
) -> anyhow::Result<Exit> {
    let assessor = assessor(context, store.layout())?;
    let select = SelectArgs::bound_to(&args.kid);
    let question = format!(
        "End {} bound to key {}? Their users will have to log in again.",
        counted(sessions, "session"),
        args.kid
    );
    context.confirm(&question)?;
    // All of them, in any state, because the key will be removed.
    let selected = (&select, &args.pace);
    revoke_selected(context, selected, args.forget, store, &assessor, |_| true, Some(begun))
}

/// Document of the key, and of the sessions that ended before it was removed.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'r> {
    dry_run: bool,
    /// Results of the sessions, with --revoke-sessions. They are written as they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<RevokedRow<'r>>>,
    /// Counts of those results.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<BTreeMap<String, u64>>,
    #[serde(flatten)]
    key: KeyResult<'r>,
}

/// Result for the key.
#[derive(Serialize, JsonSchema)]
struct KeyResult<'r> {
    kid: &'r str,
    /// Source that has the key.
    source: String,
    /// True if it was removed from the source. A source that holds the key alone is to be given up
    /// by hand.
    is_removed: bool,
    /// File that keeps the key.
    kept_as: Option<String>,
}

/// Removes the key from its source. `census` shows that it is unused, unless sessions are yet to
/// end.
fn remove(
    context: &Context,
    args: &Args,
    sources: Vec<LoadedSource>,
    census: Option<&Census>,
    result: &mut KeyResult<'_>,
) -> anyhow::Result<()> {
    let kid = &args.kid;
    let is_it = |key: &ClientKey| key.kid() == Some(kid);
    let Some(mut source) = sources.into_iter().find(|source| source.keys.iter().any(is_it)) else {
        return Err(no_such_key(kid, &KeySet::default()).into());
    };
    let ui = &context.ui;
    let place = source.source.clone();
    let unneeded = census
        .map_or_else(String::new, |census| format!("; not needed by any of {}", census.counted()));
    let given_up = (!source.form.holds_many()).then(|| place.to_string());
    let publish = format!(
        "`oauthctl jwks{} -o {} --force --drop-key {}`",
        options(context, given_up.as_deref()),
        published_file(),
        in_shell(kid.as_str())
    );
    if !source.form.holds_many() {
        ui.note(format!("{place} contains only key {kid}{unneeded}"));
        ui.note(format!("remove {place} from the app's configuration and from `keys`, deploy, and publish: {publish}"));
        return Ok(());
    }
    if args.dry_run {
        ui.note(format!("dry run: key {kid} would be removed from {place}{unneeded}"));
        return Ok(());
    }
    let retired: Vec<_> = source.keys.extract_if(.., |key| is_it(key)).collect();
    let text = source.encode()?;
    let kept = retired_beside(&place, kid, &retired)?;
    match &kept {
        Some(kept) => ui.note(format!("kept key {kid} as {}", kept.display())),
        None => {
            ui.note(format!("keep a copy of the old value of {place}, which contains key {kid}"));
        }
    }
    put_back(context, &place, &text)?;
    ui.note(format!("removed key {kid} from {place}{unneeded}"));
    ui.note(format!("deploy it, and publish: {publish}"));
    (result.is_removed, result.kept_as) = (true, kept.map(|path| path.display().to_string()));
    Ok(())
}

/// Returns the options with which another command finds the same keys, without an abandoned source.
fn options(context: &Context, given_up: Option<&str>) -> String {
    let given = context.overrides();
    let config = given.config.iter().map(|path| ("config", path.display().to_string()));
    let profile = given.profile.iter().map(|name| ("profile", name.clone()));
    let keys = given
        .keys
        .iter()
        .filter(|source| Some(source.as_str()) != given_up)
        .map(|source| ("keys", source.clone()));
    config
        .chain(profile)
        .chain(keys)
        .map(|(name, value)| format!(" --{name} {}", in_shell(&value)))
        .collect()
}

/// Returns the conventional path of the document of public keys.
fn published_file() -> &'static str {
    const FILES: [&str; 3] =
        ["public/.well-known/jwks.json", "static/.well-known/jwks.json", "jwks.json"];
    FILES.into_iter().find(|file| Path::new(file).exists()).unwrap_or("FILE")
}

/// Quotes the text for a shell.
fn in_shell(text: &str) -> String {
    let is_plain = !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
