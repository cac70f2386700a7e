//! What earlier runs have learnt of configurations and keys, so that no run pays for it again.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::assess::key_has_changed;
use super::refresh::NOTE_LIFETIME;
use super::refresh::Outcome;
use super::refresh::{Exchanger, Ready};
use crate::jose::{ClientKey, DpopKey, Kid};
use crate::oauth::AuthorizationServer;
use crate::session::{Note, fingerprint};
use crate::store::Store;

/// How long a configuration is not tried again that has cost a session.
const STOP_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// A note that is to be forgotten is empty, and soon gone.
const SHORTLY: Duration = Duration::from_secs(1);
/// So many servers are asked at once whether they look at client keys.
const QUESTIONS: usize = 8;

/// What is noted of the key under a kid at one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownKey {
    /// Nothing.
    Unknown,
    /// This key has worked.
    Same,
    /// Another key has worked.
    Other,
}

/// A key that has worked in this run, and that nothing is noted of.
pub struct WorkedKey {
    server: Arc<AuthorizationServer>,
    /// Of one of the sessions.
    dpop_key: DpopKey,
    note: (String, Vec<u8>),
}

impl Exchanger {
    /// Why an earlier run has found that this configuration costs sessions.
    pub(super) async fn precedent(&self, ready: &Ready<'_>) -> Result<Option<String>, Outcome> {
        let why = self.noted(self.name_of_configuration(ready)).await?;
        Ok(why.map(|why| String::from_utf8_lossy(&why).into_owned()))
    }

    /// Notes that this configuration costs sessions. Where it cannot be noted, the next run loses another one before it
    /// knows.
    pub(super) async fn set_precedent(&self, ready: &Ready<'_>, why: &str) {
        let note = (self.name_of_configuration(ready), why.as_bytes().to_vec());
        let _ = self.store.write_notes(&[note], STOP_LIFETIME).await;
    }

    /// Notes that it does not.
    pub(super) async fn lift_precedent(&self, ready: &Ready<'_>) {
        let _ = forget(&*self.store, self.name_of_configuration(ready)).await;
    }

    /// Names the whole configuration, so that another one is tried.
    fn name_of_configuration(&self, ready: &Ready<'_>) -> String {
        let kid = ready.client_key.and_then(ClientKey::kid).map(Kid::as_str).unwrap_or_default();
        let thumbprint = ready.client_key.map(ClientKey::thumbprint).unwrap_or_default();
        // A server that ends public sessions for an assertion may well take the same key for others.
        let upgrade = if ready.is_new_to_key { "\nupgrade" } else { "" };
        let all = [&ready.issuer, &self.client_id, kid, &thumbprint].join("\n") + upgrade;
        format!("stopped:{}", fingerprint(all.as_bytes()))
    }

    /// A key that has worked before under this kid at this server must be the same key still.
    pub(super) async fn check_known_key(&self, issuer: &str, key: &ClientKey) -> Result<(), Outcome> {
        let Some(kid) = key.kid() else { return Ok(()) };
        let known = self.judge.compare_key(&*self.store, issuer, kid.as_str(), &key.thumbprint()).await;
        match known.map_err(|e| self.store_trouble("cannot read the notes", &e))? {
            KnownKey::Other => Err(Outcome::Blocked(key_has_changed(kid.as_str()))),
            KnownKey::Same | KnownKey::Unknown => Ok(()),
        }
    }

    /// Takes in that a key has worked. Returns the note that says so, where this server has one already and is known to
    /// look at keys; otherwise that is for the end of the run to find out.
    pub(super) fn key_has_worked(
        &self,
        ready: &Ready<'_>,
        server: &Arc<AuthorizationServer>,
    ) -> Option<(String, Vec<u8>)> {
        let key = ready.client_key?;
        let kid = key.kid()?;
        let at = (ready.issuer.clone(), kid.clone());
        let known = self.judge.noted(&ready.issuer, kid.as_str());
        let note = (name_of_key(&self.client_id, &ready.issuer, kid.as_str()), key.thumbprint().into_bytes());
        if known == Some(KnownKey::Same) {
            return Some(note);
        }
        let mut worked = self.worked_keys.lock().unwrap_or_else(PoisonError::into_inner);
        worked.entry(at).or_insert_with(|| WorkedKey {
            server: Arc::clone(server),
            dpop_key: ready.dpop_key.clone(),
            note,
        });
        None
    }

    /// Notes the keys that have worked in this run at servers that look at them. A server that takes every key proves none.
    pub(super) async fn note_worked_keys(&self) {
        let worked = std::mem::take(&mut *self.worked_keys.lock().unwrap_or_else(PoisonError::into_inner));
        if self.health.fails() {
            return;
        }
        let notes = stream::iter(worked.into_values()).map(async |worked| {
            let WorkedKey { server, dpop_key, note } = worked;
            (server.authenticates(&self.client_id, &dpop_key).await == Some(true)).then_some(note)
        });
        let notes: Vec<_> = notes.buffer_unordered(QUESTIONS).filter_map(async |note| note).collect().await;
        if !notes.is_empty() {
            let _ = self.store.write_notes(&notes, NOTE_LIFETIME).await;
        }
    }

    async fn noted(&self, name: String) -> Result<Option<Vec<u8>>, Outcome> {
        noted(&*self.store, name).await.map_err(|e| self.store_trouble("cannot read the notes", &e))
    }
}

async fn noted(store: &dyn Store, name: String) -> anyhow::Result<Option<Vec<u8>>> {
    let noted = store.notes(&[name]).await?.pop().flatten();
    Ok(noted.filter(|note| !note.is_empty()))
}

/// Compares the key under a kid with the one that is noted at a server.
pub(super) async fn noted_key(
    store: &dyn Store,
    client_id: &str,
    issuer: &str,
    kid: &str,
    thumbprint: &str,
) -> anyhow::Result<KnownKey> {
    match noted(store, name_of_key(client_id, issuer, kid)).await? {
        None => Ok(KnownKey::Unknown),
        Some(worked) if worked == thumbprint.as_bytes() => Ok(KnownKey::Same),
        // It was retired, and its name is free.
        Some(worked) if noted(store, name_of_retired(kid)).await?.as_ref() == Some(&worked) => Ok(KnownKey::Unknown),
        Some(_) => Ok(KnownKey::Other),
    }
}

fn name_of_key(client_id: &str, issuer: &str, kid: &str) -> String {
    format!("key:{}", fingerprint([client_id, issuer, kid].join("\n").as_bytes()))
}

/// Frees the kid of a key that is gone, so that another may get its name. Where nothing was ever noted, nothing is written.
pub async fn forget_key(store: &dyn Store, kid: &Kid, key: &ClientKey) -> anyhow::Result<()> {
    let is_used = store.notes(&[Note::MARKER.to_owned()]).await?.pop().flatten().is_some();
    if !is_used {
        return Ok(());
    }
    store.write_notes(&[(name_of_retired(kid.as_str()), key.thumbprint().into_bytes())], NOTE_LIFETIME).await
}

async fn forget(store: &dyn Store, name: String) -> anyhow::Result<()> {
    store.write_notes(&[(name, Vec::new())], SHORTLY).await
}

/// The thumbprint of the key that was retired under this kid.
fn name_of_retired(kid: &str) -> String {
    format!("retired:{}", fingerprint(kid.as_bytes()))
}
