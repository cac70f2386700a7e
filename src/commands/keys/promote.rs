//! `oauthctl keys rotate --promote`: activates a staged key after servers had time to fetch it.

use schemars::JsonSchema;
use serde::Serialize;

use super::first_seen::FirstSeen;
use super::no_such_key;
use super::place::{lock_files, put_back, read_again};
use crate::commands::kid::whole_kid;
use crate::commands::wait::{Look, wait};
use crate::context::Context;
use crate::error::{Exit, Failure, failed, usage};
use crate::jose::{ClientKey, KeyState, Kid};
use crate::keyring::{self, KeySource, LoadedSource};
use crate::maintenance::{holds, published_keys};
use crate::session::Age;

/// Time for which authorization servers cache a key set, unless the settings give a longer one.
/// Reference server: 600 s.
const SERVER_CACHE: Age = Age::from_secs(600);

/// Required publication of a key before it signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Publication {
    /// The key must be published and known to servers.
    Required,
    /// As above, and waits until it is.
    Awaited,
    /// Not checked, at the operator's request.
    Unchecked,
}

/// Result of a promotion, for programs.
#[derive(Serialize, JsonSchema)]
pub(in crate::commands) struct Receipt<'r> {
    dry_run: bool,
    kid: &'r str,
    /// True if it is now the first key of its source.
    is_moved: bool,
    /// Sources in the order in which the app must load them; empty where they are the same as before.
    load_order: Vec<String>,
}

/// Checks, moves the key to the front, and prints what to deploy.
pub(super) fn run(
    context: &Context,
    kid: &Kid,
    published: Publication,
    dry_run: bool,
) -> anyhow::Result<Exit> {
    let sources = context.required_key_sources()?;
    let set = keyring::key_set(&sources)?;
    let now = context.now();
    let kid = &whole_kid(context, kid, &set, None)?;
    let key = set.get(kid).ok_or_else(|| no_such_key(kid, &set))?;
    if set.state(key, None, now) == KeyState::Active {
        context.ui.note(format!("{kid} already signs; nothing to do"));
        let kid = kid.as_str();
        context.ui.receipt(&Receipt { dry_run, kid, is_moved: false, load_order: Vec::new() })?;
        return Ok(Exit::Done);
    }
    if key.is_disabled(now) || key.not_before().is_some_and(|nbf| nbf > now) {
        return Err(usage(format!(
            "{kid} cannot sign now: it is not yet valid (nbf), expired or revoked"
        ))
        .into());
    }
    if published != Publication::Unchecked {
        served_long_enough(context, key, kid, published, dry_run)?;
    }
    // Locked only now, because the wait may be long. The files may have changed meanwhile.
    let _locks = lock_files(context)?;
    move_to_front(context, read_again(context, sources)?, kid, dry_run)
}

/// Returns the longest time for which any server caches the app's documents.
pub(super) fn server_cache(context: &Context) -> Result<Age, Failure> {
    Ok(context.settings()?.document_cache()?.unwrap_or(SERVER_CACHE).max(SERVER_CACHE))
}

/// Refuses, or waits, until the published set has contained the key for longer than servers and
/// intermediate caches keep an older one. A dry run does not wait.
fn served_long_enough(
    context: &Context,
    key: &ClientKey,
    kid: &Kid,
    published: Publication,
    dry_run: bool,
) -> anyhow::Result<()> {
    let server_cache = server_cache(context)?;
    let client_id = context.client_id()?;
    let interrupt = context.interrupt();
    let otherwise = "nothing was changed";
    wait(context, None, otherwise, || {
        let published_keys = interrupt.or(published_keys(context.network()?, &client_id));
        let found = context.runtime()?.block_on(published_keys);
        let (served, max_age) = found.ok_or_else(|| interrupt.failure(otherwise))??;
        let max_age = Age::from_secs(i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX));
        let kept_for = server_cache.max(max_age);
        let now = context.now();
        let seen = FirstSeen::load(context, &client_id, kid)?;
        if !holds(&served, key) {
            seen.forget()?;
            return Err(failed(format!("the published key set does not contain key {kid}"))
                .at(&client_id)
                .hint(format!("deploy the staged key, publish `oauthctl jwks`, and promote it {kept_for} later"))
                .into());
        }
        let ready = seen.or_now(now)?.saturating_add(kept_for.duration()).unwrap_or(now);
        if now >= ready {
            return Ok(Look::Ready);
        }
        if published == Publication::Required {
            return Err(failed(format!(
                "key {kid} is published, but servers may cache an older set until {ready:.0}"
            ))
            .hint("try again then, or use --wait; --unpublished promotes it now")
            .into());
        }
        if dry_run {
            context
                .ui
                .note(format!("dry run: would wait until {ready:.0}, when servers know the key"));
            return Ok(Look::Ready);
        }
        let why = format!("waiting until {ready:.0}, when servers know the key");
        Ok(Look::NotYet { why, at: Some(ready) })
    })?;
    Ok(())
}

/// Moves the key to the front of a source with several. The order of sources can only be changed in
/// the app.
fn move_to_front(
    context: &Context,
    sources: Vec<LoadedSource>,
    kid: &Kid,
    dry_run: bool,
) -> anyhow::Result<Exit> {
    let is_it = |key: &ClientKey| key.kid() == Some(kid);
    let ui = &context.ui;
    let at = sources.iter().position(|source| source.keys.iter().any(is_it)).unwrap_or(0);
    if at > 0 || !sources[at].form.holds_many() {
        let mut order: Vec<_> = sources.iter().map(|source| source.source.to_string()).collect();
        let first = order.remove(at);
        order.insert(0, first);
        ui.note(format!(
            "configure the app to load its keys in this order, and deploy: {}",
            order.join(", ")
        ));
        ui.note(format!("set the same order in oauthctl.toml: keys = {order:?}"));
        let kid = kid.as_str();
        ui.receipt(&Receipt { dry_run, kid, is_moved: false, load_order: order })?;
        return Ok(Exit::Done);
    }
    let Some(mut source) = sources.into_iter().next() else { return Ok(Exit::Done) };
    source.keys.sort_by_key(|key| !is_it(key));
    let text = source.encode()?;
    if dry_run {
        ui.note(format!("dry run: {kid} would move to the front of {}", source.source));
        let kid = kid.as_str();
        ui.receipt(&Receipt { dry_run, kid, is_moved: false, load_order: Vec::new() })?;
        return Ok(Exit::Done);
    }
    put_back(context, &source.source, &text)?;
    let what = match &source.source {
        KeySource::File { named, .. } => format!("deploy {named}"),
        other => format!("put the new value in {other}"),
    };
    ui.note(format!(
        "{kid} is in front; {what} to every instance of the app: new sessions are bound to it then"
    ));
    let kid = kid.as_str();
    ui.receipt(&Receipt { dry_run, kid, is_moved: true, load_order: Vec::new() })?;
    Ok(Exit::Done)
}
