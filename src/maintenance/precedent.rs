//! What earlier runs have learnt of configurations and keys, so that no run pays for it again.

use std::sync::PoisonError;
use std::time::Duration;

use super::exchange::{Exchanger, Ready};
use super::outcome::Outcome;
use crate::jose::{ClientKey, Kid};
use crate::session::fingerprint;
use crate::store::Store;

/// How long a configuration is not tried again that has cost a session.
const STOP_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// A note that is to be forgotten is empty, and soon gone.
const SHORTLY: Duration = Duration::from_secs(1);

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
        let all = [&ready.issuer, &self.client_id, kid, &thumbprint].join("\n");
        format!("stopped:{}", fingerprint(all.as_bytes()))
    }

    /// A key that has worked before under this kid must be the same key still.
    pub(super) async fn check_known_key(&self, key: &ClientKey) -> Result<(), Outcome> {
        let Some(kid) = key.kid() else { return Ok(()) };
        let known = self.checked_kids.lock().unwrap_or_else(PoisonError::into_inner).get(kid).cloned();
        let verdict = if let Some(verdict) = known {
            verdict
        } else {
            let noted = self.noted(name_of_key(kid)).await?;
            let differs = noted.is_some_and(|noted| noted != key.thumbprint().as_bytes());
            let verdict = differs.then(|| format!("the key under the kid {kid} is not the one that worked before"));
            self.checked_kids.lock().unwrap_or_else(PoisonError::into_inner).insert(kid.clone(), verdict.clone());
            verdict
        };
        verdict.map_or(Ok(()), |why| Err(Outcome::Blocked(why)))
    }

    async fn noted(&self, name: String) -> Result<Option<Vec<u8>>, Outcome> {
        let notes = self.store.notes(&[name]).await;
        let noted = notes.map_err(|e| self.store_trouble("cannot read the notes", &e))?.pop().flatten();
        Ok(noted.filter(|note| !note.is_empty()))
    }
}

/// Forgets which key has worked under this kid, when that key is gone and another may get its name. Where nothing was
/// noted, nothing is written.
pub async fn forget_key(store: &dyn Store, kid: &Kid) -> anyhow::Result<()> {
    let name = name_of_key(kid);
    let noted = store.notes(std::slice::from_ref(&name)).await?.pop().flatten();
    if noted.is_some() { forget(store, name).await } else { Ok(()) }
}

async fn forget(store: &dyn Store, name: String) -> anyhow::Result<()> {
    store.write_notes(&[(name, Vec::new())], SHORTLY).await
}

/// The note that this key works under this kid.
pub(super) fn note_of_key(kid: &Kid, key: &ClientKey) -> (String, Vec<u8>) {
    (name_of_key(kid), key.thumbprint().into_bytes())
}

fn name_of_key(kid: &Kid) -> String {
    format!("key:{}", fingerprint(kid.as_str().as_bytes()))
}
