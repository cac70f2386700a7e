//! Protects published documents: no key that sessions need may be missing from them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::kid::{find_kid, kids_of};
use super::shared_keys::SharedStore;
use crate::args::Completer;
use crate::commands::census;
use crate::context::Context;
use crate::error::{Failure, nearest, usage};
use crate::input;
use crate::jose::{ClientKey, KeySet, Kid};
use crate::maintenance::Census;
use crate::ui::{Ui, sessions_and_logins};

/// Time limit for reading the store.
pub const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Options of the commands that publish keys.
#[derive(clap::Args)]
pub struct PublishArgs {
    /// Leave out this key, even if the replaced file contains it or records are bound to it
    /// (repeatable)
    #[arg(long, value_name = "KID", allow_hyphen_values = true, add = Completer::Kids)]
    drop_key: Vec<Kid>,
    /// Do not read the store to find sessions that need other keys
    #[arg(long)]
    offline: bool,
}

impl PublishArgs {
    /// Fails if the file would lose a key that is not to be dropped, or lacks one to which records
    /// are bound. For a document on stdout, the latter is a warning.
    pub fn check(
        &self,
        context: &Context,
        keys: &KeySet,
        file: Option<&Path>,
    ) -> anyhow::Result<()> {
        if let Some(kid) = self.drop_key.iter().find(|kid| keys.get(kid).is_some()) {
            return Err(usage(format!("key {kid} is in the key set, so it is published"))
                .hint(format!("`oauthctl keys retire {kid}` removes it from the set"))
                .into());
        }
        let census = if self.offline { None } else { look_into_store(context) };
        let shared =
            if self.offline { Vec::new() } else { look_into_shared_stores(context, keys)? };
        let published = file.map(published_in).unwrap_or_default();
        let censuses =
            census.iter().chain(shared.iter().filter_map(|store| store.census.as_ref().ok()));
        let dropped = self.dropped(context, keys, &published, censuses)?;
        let is_dropped = |kid: &str| dropped.contains(kid);
        let or_else = if file.is_some() { "; if it is lost: --drop-key KID" } else { "" };
        let missing_here =
            census.as_ref().and_then(|census| missing(census, keys, is_dropped, or_else));
        let missing = missing_here.or_else(|| {
            shared.iter().find_map(|store| {
                let is_elsewhere = |kid: &str| is_dropped(kid) || store.has_key(kid);
                missing(store.census.as_ref().ok()?, keys, is_elsewhere, or_else)
            })
        });
        match (missing, file) {
            (Some(missing), Some(_)) => return Err(missing.into()),
            (Some(missing), None) => context.ui.warn(missing.in_one_line()),
            (None, _) => {}
        }
        if let Some(doubt) = census.as_ref().and_then(|census| census.doubt_about_others(keys)) {
            context.ui.warn(doubt);
        }
        let Some(file) = file else { return Ok(()) };
        let lost = published.iter().filter(|key| !is_held(keys, key));
        for kid in lost
            .filter_map(|key| Some(key.get("kid")?.as_str()?.to_owned()))
            .filter(|kid| !is_dropped(kid))
        {
            match &census {
                Some(census)
                    if census.is_proof()
                        && census.records.to(&kid).total() == 0
                        && shared.iter().all(|store| store.needs_not(&kid)) =>
                {
                    context.ui.note(format!(
                        "left out key {kid}: not needed by any of {}",
                        census.counted()
                    ));
                }
                _ => return Err(would_lose(file, keys, &kid).into()),
            }
        }
        Ok(())
    }

    /// Fails if the file would describe a public client although records of the store are bound to
    /// a key: their sessions could not be refreshed. For a document on stdout, this is a warning.
    pub fn check_public(&self, context: &Context, file: Option<&Path>) -> anyhow::Result<()> {
        let Some(census) = (if self.offline { None } else { look_into_store(context) }) else {
            return Ok(());
        };
        let none = KeySet::default();
        let dropped = self.dropped(context, &none, &[], std::iter::once(&census))?;
        let Some((kid, count)) =
            census.missing_from(&none).find(|(kid, _)| !dropped.contains(*kid))
        else {
            return Ok(());
        };
        let bound = sessions_and_logins(count.sessions, count.states);
        let refusal = usage(format!(
            "{} has {bound} bound to key {kid}, which the app could not refresh as a public client",
            census.store()
        ))
        .hint(format!(
            "describe a confidential client: no --public, and no auth_method = \"none\" under [client]; if those sessions are lost: --drop-key {kid}"
        ));
        if file.is_some() {
            return Err(refusal.into());
        }
        context.ui.warn(refusal.in_one_line());
        Ok(())
    }

    /// Returns the complete kids to be dropped, among those of the key set, the file and the store.
    fn dropped<'c>(
        &self,
        context: &Context,
        keys: &KeySet,
        published: &[Value],
        censuses: impl Iterator<Item = &'c Census>,
    ) -> anyhow::Result<BTreeSet<String>> {
        let mut known = kids_of(keys);
        known.extend(published.iter().filter_map(|key| Some(key.get("kid")?.as_str()?.to_owned())));
        known.extend(
            censuses.flat_map(|census| census.records.iter()).map(|(kid, _)| kid.to_owned()),
        );
        let mut dropped = BTreeSet::new();
        for given in self.drop_key.iter().map(Kid::as_str) {
            match find_kid(given, &known)? {
                Some(found) if found.by_prefix && keys.get(&found.kid.parse()?).is_some() => {
                    return Err(usage(format!(
                        "{given} is the beginning of kid {}, which is in the key set",
                        found.kid
                    ))
                    .hint("all keys of the key set are published; choose another key")
                    .into());
                }
                Some(found) => {
                    dropped.insert(found.accepted(context, given, Some("Leave that key out?"))?);
                }
                // Dropped already, unless another was meant.
                None => {
                    if let Some(near) = nearest(given, known.iter().map(String::as_str)) {
                        context
                            .ui
                            .warn(format!("no key {given} to leave out; did you mean {near}?"));
                    }
                }
            }
        }
        Ok(dropped)
    }
}

/// Counts the records of the store, if there is one. Warns if it cannot be read.
fn look_into_store(context: &Context) -> Option<Census> {
    if !context.has_store() {
        return None;
    }
    let census = census::take_within(context, STORE_PATIENCE);
    census
        .map_err(|e| context.ui.warn(format!("cannot find out which keys sessions need: {e:#}")))
        .ok()
}

/// Counts the records of other stores that need the same keys. Warns of those that cannot be read.
fn look_into_shared_stores(context: &Context, keys: &KeySet) -> anyhow::Result<Vec<SharedStore>> {
    let shared = SharedStore::read_all(context, keys, Some(STORE_PATIENCE))?;
    for store in &shared {
        if let Err(e) = &store.census {
            context.ui.warn(format!("cannot find out which keys {} needs: {e:#}", store.name()));
        }
    }
    Ok(shared)
}

/// Returns the error about keys to which records of the store are bound and that no source
/// contains, `None` if there are none. `or_else` ends its hint.
pub fn missing(
    census: &Census,
    keys: &KeySet,
    is_dropped: impl Fn(&str) -> bool,
    or_else: &str,
) -> Option<Failure> {
    let missing: Vec<_> = census.missing_from(keys).filter(|(kid, _)| !is_dropped(kid)).collect();
    let (first, _) = missing.first()?;
    let named = missing.iter().map(|(kid, count)| {
        format!("{} bound to key {kid}", sessions_and_logins(count.sessions, count.states))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    Some(usage(format!("{} has {named}, but no key source contains the key", census.store())).hint(format!(
        "add the source of key {first} with --keys: without it those users are logged out{or_else}"
    )))
}

/// Warns if an unchanged published set lacks keys of this set, or has others.
pub fn compare_with_published(ui: &Ui, file: &Path, keys: &KeySet) {
    if std::fs::symlink_metadata(file).is_err() {
        return;
    }
    let (published, file) = (published_in(file), file.display());
    let is_published = |key: &&ClientKey| published.iter().any(|known| key.has_public_half(known));
    if let Some(kid) = keys.iter().find(|key| !is_published(key)).and_then(ClientKey::kid) {
        ui.warn(format!(
            "{file} does not contain key {kid} and is not changed: logins with that key fail until `oauthctl jwks -o {file} --force` publishes it"
        ));
    }
    if let Some(kid) =
        published.iter().filter(|key| !is_held(keys, key)).find_map(|key| key.get("kid")?.as_str())
    {
        ui.warn(format!(
            "{file} contains key {kid}, but no key source does: add its source with --keys if sessions need it"
        ));
    }
}

fn would_lose(file: &Path, keys: &KeySet, kid: &str) -> Failure {
    let is_other = keys.iter().filter_map(ClientKey::kid).any(|known| known.as_str() == kid);
    if is_other {
        return usage(format!("{} has another key under the kid {kid}", file.display())).hint(
            "find out which of the two keys the sessions need; two keys cannot have the same kid",
        );
    }
    usage(format!("{} contains key {kid}, but the new set does not", file.display())).hint(format!(
        "add its source with --keys; if no session needs it any more: --drop-key {kid}"
    ))
}

fn is_held(keys: &KeySet, published: &Value) -> bool {
    let kid = published.get("kid").and_then(Value::as_str);
    let is_it =
        |key: &ClientKey| key.kid().map(Kid::as_str) == kid && key.has_public_half(published);
    keys.iter().any(is_it)
}

/// Returns the keys in a published document: a set, or client metadata with a set. Empty for other
/// documents.
fn published_in(file: &Path) -> Vec<Value> {
    let document = std::fs::read(file)
        .ok()
        .and_then(|text| serde_json::from_slice::<Value>(input::without_mark(&text)).ok());
    let keys =
        document.as_ref().and_then(|document| document.get("jwks").unwrap_or(document).get("keys"));
    keys.and_then(Value::as_array).cloned().unwrap_or_default()
}
