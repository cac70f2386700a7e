//! Client keys that have worked before, by kid and server, from notes of earlier runs.

use std::time::Duration;

use crate::hashes::fingerprint;
use crate::jose::{ClientKey, Kid};
use crate::session::{ClientId, Issuer, Note};
use crate::store::Store;

/// Lifetime of the empty note that replaces a removed one.
const SHORTLY: Duration = Duration::from_secs(1);

/// Note about the key with a kid at one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownKey {
    /// No note.
    Unknown,
    /// This key has worked.
    Same,
    /// Another key has worked.
    Other,
}

/// Returns the reason of a session that is not refreshed because its client key has changed.
pub(super) fn key_has_changed(kid: &str) -> String {
    format!("the key with kid {kid} is not the one that worked before")
}

pub(super) async fn noted(store: &dyn Store, name: String) -> anyhow::Result<Option<Vec<u8>>> {
    let noted = store.notes(&[name]).await?.pop().flatten();
    Ok(noted.filter(|note| !note.is_empty()))
}

/// Compares the key with a kid with the one noted at a server.
pub(super) async fn noted_key(
    store: &dyn Store,
    client_id: &ClientId<'_>,
    issuer: &Issuer<'_>,
    kid: &str,
    thumbprint: &str,
) -> anyhow::Result<KnownKey> {
    match noted(store, name_of_key(client_id, issuer, kid)).await? {
        None => Ok(KnownKey::Unknown),
        Some(worked) if worked == thumbprint.as_bytes() => Ok(KnownKey::Same),
        // The old key was retired, so its kid is free.
        Some(worked) if noted(store, name_of_retired(kid)).await?.as_ref() == Some(&worked) => {
            Ok(KnownKey::Unknown)
        }
        Some(_) => Ok(KnownKey::Other),
    }
}

pub(super) fn name_of_key(client_id: &ClientId<'_>, issuer: &Issuer<'_>, kid: &str) -> String {
    format!("key:{}", fingerprint([client_id.as_str(), issuer.as_str(), kid].join("\n").as_bytes()))
}

/// Frees the kid of a removed key for another key. Writes nothing if there is no note.
pub async fn forget_key(store: &dyn Store, kid: &Kid, key: &ClientKey) -> anyhow::Result<()> {
    let is_used = store.notes(&[Note::MARKER.to_owned()]).await?.pop().flatten().is_some();
    if !is_used {
        return Ok(());
    }
    store
        .write_notes(
            &[(name_of_retired(kid.as_str()), key.thumbprint().into_bytes())],
            Note::LIFETIME,
        )
        .await
}

pub(super) async fn forget(store: &dyn Store, name: String) -> anyhow::Result<()> {
    store.write_notes(&[(name, Vec::new())], SHORTLY).await
}

/// Returns the name of the note with the thumbprint of the key retired under this kid.
fn name_of_retired(kid: &str) -> String {
    format!("retired:{}", fingerprint(kid.as_bytes()))
}
