//! Stores that other parts of the settings file name for the keys of this run. The top level and
//! profiles may share a key source or a published document, and a key is needed as long as any of
//! their stores needs it.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future;

use crate::commands::census;
use crate::context::Context;
use crate::error::{Failure, failed};
use crate::jose::{ClientKey, KeySet};
use crate::keyring::KeySource;
use crate::maintenance::Census;
use crate::settings::Settings;

/// Store that shares keys with the current one.
pub struct SharedStore {
    /// Profile that names it, `None` for the top level of the settings file.
    pub profile: Option<String>,
    /// Kids of that profile's own key sources.
    kids: HashSet<String>,
    /// Records by key.
    pub census: anyhow::Result<Census>,
}

impl SharedStore {
    /// Reads all such stores except the current one. One that exceeds `limit` counts as unreadable.
    pub fn read_all(
        context: &Context,
        keys: &KeySet,
        limit: Option<Duration>,
    ) -> anyhow::Result<Vec<Self>> {
        let mut known: HashSet<_> = context.store_id().ok().into_iter().collect();
        let mut parts = Vec::new();
        for part in context.parts()? {
            if !part.has_store() || !shares_keys(context, &part, keys)? {
                continue;
            }
            if part.store_id().map_or(true, |id| known.insert(id)) {
                parts.push(part);
            }
        }
        let read = future::join_all(parts.iter().map(async |part| {
            let census = match limit {
                None => census::read(part).await,
                Some(limit) => tokio::time::timeout(limit, census::read(part))
                    .await
                    .unwrap_or_else(|_| Err(failed("reading the store took too long").into())),
            };
            let profile = part.profile().map(str::to_owned);
            let kids = keys_of(part)
                .iter()
                .filter_map(ClientKey::kid)
                .map(|kid| kid.as_str().to_owned())
                .collect();
            let census = census.map(|census| census.of_part(&name(profile.as_deref())));
            Self { profile, kids, census }
        }));
        let interrupt = context.interrupt();
        let read = context.runtime()?.block_on(interrupt.or(read));
        read.ok_or_else(|| interrupt.failure("the keys were not changed").into())
    }

    /// Describes the store: `the store of profile preview`.
    pub fn name(&self) -> String {
        format!("the store of {}", name(self.profile.as_deref()))
    }

    /// Checks whether a key source of its profile has this key.
    pub fn has_key(&self, kid: &str) -> bool {
        self.kids.contains(kid)
    }

    /// Checks whether certainly nothing in the store is bound to this key.
    pub fn needs_not(&self, kid: &str) -> bool {
        self.census
            .as_ref()
            .is_ok_and(|census| census.unplaced == 0 && census.records.to(kid).total() == 0)
    }
}

fn name(profile: Option<&str>) -> String {
    profile.map_or_else(
        || "the settings without a profile".to_owned(),
        |name| format!("profile {name}"),
    )
}

/// Checks whether a part of the settings file has a key source, a key or a published document in
/// common with this run.
fn shares_keys(context: &Context, part: &Context, keys: &KeySet) -> Result<bool, Failure> {
    let has_same_document =
        context.client_id().is_ok_and(|id| part.client_id().is_ok_and(|other| other == id));
    let files = |context: &Context| -> Result<HashSet<_>, Failure> {
        let sources = context.settings()?.key_sources()?.unwrap_or_default();
        let paths = sources.into_iter().filter_map(|source| match source {
            KeySource::File { path, .. } => Some(path.canonicalize().unwrap_or(path)),
            _ => None,
        });
        Ok(paths.collect())
    };
    let thumbprints: HashSet<_> = keys.iter().map(ClientKey::thumbprint).collect();
    Ok(has_same_document
        || !files(context)?.is_disjoint(&files(part)?)
        || keys_of(part).iter().any(|key| thumbprints.contains(&key.thumbprint())))
}

/// Returns the keys of a part of the settings file, as far as its sources are readable.
fn keys_of(part: &Context) -> Vec<ClientKey> {
    let sources =
        part.settings().and_then(Settings::key_sources).ok().flatten().unwrap_or_default();
    let sources = sources.into_iter().filter(|source| *source != KeySource::Stdin);
    sources
        .filter_map(|source| part.read_key_source(source).ok())
        .flat_map(|source| source.keys)
        .collect()
}
