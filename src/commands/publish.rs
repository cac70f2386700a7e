//! Guard of what is published: no key that sessions need may be missing from it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::kid::{find_kid, kids_of};
use crate::args::Knows;
use crate::context::Context;
use crate::error::{Failure, nearest, usage};
use crate::jose::{ClientKey, KeySet, Kid};
use crate::maintenance::Census;
use crate::ui::sessions_and_logins;

/// How long reading the store may take.
pub const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Options of the commands that publish keys.
#[derive(clap::Args)]
pub struct PublishArgs {
    /// Leave this key out, though the file that is replaced has it or records are bound to it (repeatable)
    #[arg(long, value_name = "KID", allow_hyphen_values = true, add = Knows::Kids)]
    drop_key: Vec<Kid>,
    /// Do not look into the store for sessions that need another key
    #[arg(long)]
    offline: bool,
}

impl PublishArgs {
    /// Fails where the file would lose a key that is not to be dropped, or lack one that records are bound to. For a
    /// document that goes to stdout the latter is a warning.
    pub fn check(&self, context: &Context, keys: &KeySet, file: Option<&Path>) -> anyhow::Result<()> {
        if let Some(kid) = self.drop_key.iter().find(|kid| keys.get(kid).is_some()) {
            return Err(usage(format!("key {kid} is in the key set, and what is in it is published"))
                .hint(format!("`oauthctl keys retire {kid}` takes it out of the set"))
                .into());
        }
        let census = if self.offline { None } else { look_into_store(context) };
        let published = file.map(published_in).unwrap_or_default();
        let dropped = self.dropped(context, keys, &published, census.as_ref())?;
        let is_dropped = |kid: &str| dropped.contains(kid);
        let or_else = if file.is_some() { "; if it is lost for good: --drop-key KID" } else { "" };
        let missing = census.as_ref().and_then(|census| missing(census, keys, is_dropped, or_else));
        match (missing, file) {
            (Some(missing), Some(_)) => return Err(missing.into()),
            (Some(missing), None) => context.ui.warn(missing.in_one_line()),
            (None, _) => {}
        }
        let Some(file) = file else { return Ok(()) };
        let lost = published.iter().filter(|key| !is_held(keys, key));
        for kid in lost.filter_map(|key| Some(key.get("kid")?.as_str()?.to_owned())).filter(|kid| !is_dropped(kid)) {
            match &census {
                Some(census) if census.is_proof() && census.records.to(&kid).total() == 0 => {
                    context.ui.note(format!("left out key {kid}: it is needed by none of {}", census.counted()));
                }
                _ => return Err(would_lose(file, keys, &kid).into()),
            }
        }
        Ok(())
    }

    /// The whole kids that are to be dropped, among those that the key set, the file or the store has.
    fn dropped(
        &self,
        context: &Context,
        keys: &KeySet,
        published: &[Value],
        census: Option<&Census>,
    ) -> anyhow::Result<BTreeSet<String>> {
        let mut known = kids_of(keys);
        known.extend(published.iter().filter_map(|key| Some(key.get("kid")?.as_str()?.to_owned())));
        known.extend(census.iter().flat_map(|census| census.records.iter()).map(|(kid, _)| kid.to_owned()));
        let mut dropped = BTreeSet::new();
        for given in self.drop_key.iter().map(Kid::as_str) {
            match find_kid(given, &known)? {
                Some(found) if found.by_prefix && keys.get(&found.kid.parse()?).is_some() => {
                    return Err(usage(format!(
                        "{given} is the beginning of kid {}, which is in the key set",
                        found.kid
                    ))
                    .hint("what is in the key set is published; name another key")
                    .into());
                }
                Some(found) => {
                    dropped.insert(found.accepted(context, given, Some("Leave that key out?"))?);
                }
                // Done already, unless another was meant.
                None => {
                    if let Some(near) = nearest(given, known.iter().map(String::as_str)) {
                        context.ui.warn(format!("there is no key {given} to leave out; did you mean {near}?"));
                    }
                }
            }
        }
        Ok(dropped)
    }
}

/// Counts the records of the store, where there is one. One that cannot be read is warned of.
fn look_into_store(context: &Context) -> Option<Census> {
    if !context.has_store() {
        return None;
    }
    let census = Census::take_within(context, STORE_PATIENCE);
    census.map_err(|e| context.ui.warn(format!("which keys sessions need could not be seen: {e:#}"))).ok()
}

/// The error about keys that records of the store are bound to and no source has; none where all are there. `or_else`
/// ends its hint.
pub fn missing(census: &Census, keys: &KeySet, is_dropped: impl Fn(&str) -> bool, or_else: &str) -> Option<Failure> {
    let missing: Vec<_> = census.missing_from(keys).filter(|(kid, _)| !is_dropped(kid)).collect();
    let (first, _) = missing.first()?;
    let named = missing
        .iter()
        .map(|(kid, count)| format!("{} bound to key {kid}", sessions_and_logins(count.sessions, count.states)));
    let named = named.collect::<Vec<_>>().join(", ");
    Some(usage(format!("{} has {named}, and no key source has the key", census.store())).hint(format!(
        "name the source of key {first} with --keys, too: without it those users are logged out{or_else}"
    )))
}

fn would_lose(file: &Path, keys: &KeySet, kid: &str) -> Failure {
    let is_other = keys.iter().filter_map(ClientKey::kid).any(|known| known.as_str() == kid);
    if is_other {
        return usage(format!("{} has another key under the kid {kid}", file.display()))
            .hint("find out which of the two sessions are bound to; no two keys may have one kid");
    }
    usage(format!("{} has key {kid}, and the new set lacks it", file.display()))
        .hint(format!("name its source with --keys, too; if no session needs it any more: --drop-key {kid}"))
}

fn is_held(keys: &KeySet, published: &Value) -> bool {
    let kid = published.get("kid").and_then(Value::as_str);
    let is_it = |key: &ClientKey| key.kid().map(Kid::as_str) == kid && key.has_public_half(published);
    keys.iter().any(is_it)
}

/// The keys in a published document: a set, or client metadata with a set in it. What is neither has none.
fn published_in(file: &Path) -> Vec<Value> {
    let document = std::fs::read(file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let keys = document.as_ref().and_then(|document| document.get("jwks").unwrap_or(document).get("keys"));
    keys.and_then(Value::as_array).cloned().unwrap_or_default()
}
