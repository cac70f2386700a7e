//! `oauthctl keys list`: lists all keys with their role and the records bound to them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::census;
use crate::commands::empty_store::EmptyStore;
use crate::commands::table::TableArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::jose::{KeyState, ThumbprintMatch};
use crate::keyring;
use crate::maintenance::Census;
use crate::session::{Age, BoundCount};
use crate::ui::{Role, Row, counted};

/// List the keys, their state, and how many sessions depend on each
#[derive(clap::Args)]
#[command(after_help = "\
States:
  next      published, but not signing yet
  active    signs new sessions
  retiring  signs only for sessions that are bound to it
  unused    nothing in the store depends on it; `oauthctl keys retire` removes it

Sessions and pending logins are counted if a store is configured (--store, OAUTHCTL_STORE or
oauthctl.toml). Exit status 3: the store does not answer, so nothing was counted.

Examples:
  oauthctl keys list --keys env:NUXT_OAUTH_JWK_ONE
  oauthctl keys list --keys keys.json --store sqlite:app.db")]
pub struct Args {
    #[command(flatten)]
    table: TableArgs,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct KeyRow<'a> {
    kid: &'a str,
    alg: &'static str,
    #[schemars(with = "Option<String>")]
    created_at: Option<Timestamp>,
    state: &'static str,
    #[schemars(with = "Option<String>")]
    active_from: Option<Timestamp>,
    thumbprint: &'static str,
    sessions: Option<u64>,
    states: Option<u64>,
    source: &'a str,
    #[serde(skip)]
    now: Timestamp,
}

impl Row for KeyRow<'_> {
    const FIELDS: &'static [&'static str] = &[
        "kid",
        "alg",
        "created_at",
        "state",
        "active_from",
        "thumbprint",
        "sessions",
        "states",
        "source",
    ];
    const TITLES: &'static [&'static str] =
        &["kid", "state", "created", "sessions", "logins", "source"];
    const SPARE: &'static [usize] = &[5, 2];
    const SHOWS: &'static [(&'static str, &'static str)] =
        &[("created", "created_at"), ("logins", "states")];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let (state, role) = match (self.state, self.active_from) {
            ("next", Some(at)) => (format!("next in {}", between(self.now, at)), None),
            ("active", _) => ("active".to_owned(), Some(Role::Good)),
            (state, _) => (state.to_owned(), Some(Role::Faint)),
        };
        let ago = |at| format!("{} ago", between(at, self.now));
        vec![
            (self.kid.to_owned(), None),
            (state, role),
            (self.created_at.map_or_else(|| "-".to_owned(), ago), None),
            (number(self.sessions), None),
            (number(self.states), None),
            (self.source.to_owned(), None),
        ]
    }
}

/// Formats the time between two moments for a table.
fn between(earlier: Timestamp, later: Timestamp) -> String {
    Age::from_secs(later.duration_since(earlier).as_secs().max(0)).at_a_glance()
}

/// Reads keys and, if configured, the store, and prints one row per key.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let sources = context.required_key_sources()?;
    let origins: Vec<String> =
        sources.iter().flat_map(|s| s.keys.iter().map(|_| s.source.to_string())).collect();
    let keys = keyring::key_set(&sources)?;
    let is_named = context.settings()?.store_url()?.is_some();
    let bound = if is_named { count_bound(context)? } else { None };
    let is_empty = bound.as_ref().is_some_and(|bound| !bound.has_sessions());
    let missing = if is_empty { EmptyStore::examine(context, &[])?.problem() } else { None };
    let is_proof = missing.is_none() && bound.as_ref().is_none_or(Census::is_proof);
    let mut any_doubtful = false;
    let now = context.now();
    let mut listing = context.ui.wanted_listing::<KeyRow>(&args.table.wanted())?;
    for (key, source) in keys.iter().zip(&origins) {
        let Some(kid) = key.kid() else { continue };
        let count = bound.as_ref().map(|bound| bound.records.to(kid.as_str()));
        let state = keys.state(key, count.map(BoundCount::total), now);
        // `keys retire` would refuse to remove it.
        let is_doubtful = state == KeyState::Unused && !is_proof;
        any_doubtful |= is_doubtful;
        let state = if is_doubtful { keys.state(key, None, now) } else { state };
        listing.push(&KeyRow {
            kid: kid.as_str(),
            alg: "ES256",
            created_at: key.created(),
            state: state.name(),
            active_from: key.not_before().filter(|_| state == KeyState::Next),
            thumbprint: ThumbprintMatch::of(key).name(),
            sessions: count.map(|count| count.sessions),
            states: count.map(|count| count.states),
            source,
            now,
        })?;
        if ThumbprintMatch::of(key) == ThumbprintMatch::No {
            context
                .ui
                .warn(format!("kid {kid} looks like a thumbprint but does not match its key"));
        }
        if key.is_disabled(now) && count.is_some_and(|count| count.sessions > 0) {
            context
                .ui
                .warn(format!("key {kid} has expired or is revoked: the app cannot refresh the sessions bound to it"));
        }
    }
    listing.finish()?;
    if context.is_for_atcute() || bound.as_ref().is_some_and(|census| census.has_atcute) {
        super::tell_without_alg(context, &keys);
    }
    if keys.active(now).is_none() {
        context.ui.warn("no key can sign, so logins fail");
    }
    for (kid, count) in bound.iter().flat_map(|census| census.missing_from(&keys)) {
        context.ui.warn(format!(
            "{} bound to key {kid}, which is not in the set: the app deletes them when their users return",
            counted(count.total(), "record")
        ));
    }
    if let Some(missing) = &missing {
        context.ui.warn(format!("{missing}: check --store; no key is shown as unused"));
    }
    match &bound {
        Some(census) if any_doubtful && missing.is_none() => {
            context.ui.warn(format!("{}: no key is shown as unused", census.doubt()));
        }
        None if !is_named => {
            context.ui.note("use --store to count the sessions that depend on each key");
        }
        _ => {}
    }
    Ok(if is_named && bound.is_none() { Exit::Partial } else { Exit::Done })
}

/// Counts the records bound to each key. Warns if the store does not answer, because the keys can
/// be listed nevertheless.
fn count_bound(context: &Context) -> anyhow::Result<Option<Census>> {
    match census::take(context) {
        Ok(census) => Ok(Some(census)),
        Err(error) if Exit::of(&error) == Exit::Failed => {
            context.ui.warn(format!("cannot count what depends on each key: {error:#}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
