//! Checks of a session before anything is sent. A request with the wrong client key, DPoP key or
//! `client_id` would end it.

use std::path::{Path, PathBuf};

use super::outcome::Outcome;
use super::parts::Binding;
use super::refresher::Refresher;
use crate::jose::{ClientKey, DpopKey};
use crate::maintenance::assess::NEWER_TOKENS_WAIT;
use crate::maintenance::breaker::Group;
use crate::maintenance::known_keys::{KnownKey, key_has_changed};
use crate::maintenance::present::present;
use crate::oauth::{Credentials, ErrorResponse};
use crate::secret::Secret;
use crate::session::{
    AuthMethod, Did, Format, Issuer, Malformed, NO_CLIENT_AUTH, NO_REFRESH_TOKEN, Status,
};
use crate::store::Stored;

/// Session that has passed all checks without network access.
pub(in crate::maintenance) struct Ready<'k> {
    /// Format of the record.
    pub(super) format: &'static dyn Format,
    pub did: Did,
    pub issuer: Issuer<'static>,
    /// URL of the PDS as client libraries store it, once it was resolved.
    pub(super) audience: Option<String>,
    pub refresh_token: Secret<'static>,
    pub dpop_key: DpopKey,
    pub client_key: Option<&'k ClientKey>,
    /// True if the record does not name this key yet.
    pub(super) is_new_to_key: bool,
    /// Path of its recovery entry, if one existed.
    pub(super) entry: PathBuf,
}

impl Refresher {
    /// Runs all checks that need no network access. A request with the wrong client key, DPoP key
    /// or `client_id` would end the session.
    pub(in crate::maintenance) async fn check_locally(
        &self,
        stored: &Stored,
    ) -> Result<Ready<'_>, Outcome> {
        let ready = self.check_record(stored).await?;
        if let Some(why) = self.parts.store.objection_to_growth(stored) {
            return Err(Outcome::Blocked(why));
        }
        if let Err(outcome) = check_recovery(&ready.entry) {
            // If the store has the new tokens, too, they only await confirmation.
            self.check_unchanged(stored).await?;
            return Err(outcome);
        }
        Ok(ready)
    }

    /// Runs the checks except for tokens in the recovery directory, which the holder of the lock
    /// may have put there for a moment.
    pub(in crate::maintenance) async fn check_record(
        &self,
        stored: &Stored,
    ) -> Result<Ready<'_>, Outcome> {
        let blocked = |why: &str| Outcome::Blocked(why.to_owned());
        let summary = self.parts.assessor.summary_of_record(stored, None);
        if summary.status.is_unreadable()
            || summary.status == Status::Blocked && !summary.needs_upgrade
        {
            return Err(blocked(summary.reason.as_deref().unwrap_or_default()));
        }
        let session =
            self.parts.store.layout().session(stored).map_err(|why| blocked(why.description()))?;
        let did: Did = session.did.parse().map_err(|_| blocked("the account is not a DID"))?;
        let refresh_token =
            session.refresh_token.as_ref().ok_or_else(|| blocked(NO_REFRESH_TOKEN))?.to_owned();
        let dpop_key =
            session.format.dpop_key(&stored.value).map_err(|Malformed(why)| blocked(why))?;
        let client_auth = session.client_auth.as_ref().ok_or_else(|| blocked(NO_CLIENT_AUTH))?;
        let client_key = match (client_auth, &self.parts.binding) {
            (AuthMethod::None, Binding::Recorded) if summary.needs_upgrade => {
                return Err(blocked(summary.reason.as_deref().unwrap_or_default()));
            }
            (AuthMethod::None, Binding::Recorded) => None,
            (AuthMethod::None, Binding::Upgrade(kid) | Binding::RecordedOr(kid)) => {
                Some(self.key(kid.as_str())?)
            }
            (AuthMethod::PrivateKeyJwt(_), Binding::Upgrade(_)) => {
                return Err(Outcome::Skipped("it is already bound to a client key".into()));
            }
            (AuthMethod::PrivateKeyJwt(kid), Binding::Recorded | Binding::RecordedOr(_)) => {
                Some(self.key(kid)?)
            }
        };
        let is_new_to_key = client_key.is_some() && session.is_public();
        if let Some(key) = client_key {
            self.check_known_key(&session.issuer, key).await?;
        }
        let entry = self.parts.recovery.entry_of(stored, Some(&refresh_token));
        let issuer = session.issuer.to_owned();
        Ok(Ready {
            format: session.format,
            did,
            issuer,
            audience: None,
            refresh_token,
            dpop_key,
            client_key,
            is_new_to_key,
            entry,
        })
    }

    fn key(&self, kid: &str) -> Result<&ClientKey, Outcome> {
        let key = kid.parse().ok().and_then(|kid| self.parts.keys.get(&kid));
        key.ok_or_else(|| Outcome::Blocked(format!("its client key {kid} is not in the key set")))
    }

    /// Checks that the key is the one that has worked before under this kid at this server.
    pub(super) async fn check_known_key(
        &self,
        issuer: &Issuer<'_>,
        key: &ClientKey,
    ) -> Result<(), Outcome> {
        let Some(kid) = key.kid() else { return Ok(()) };
        let known = self
            .parts
            .assessor
            .compare_key(&*self.parts.store, issuer, kid.as_str(), &key.thumbprint())
            .await;
        match known.map_err(|e| self.store_trouble("cannot read the notes", &e))? {
            KnownKey::Other => Err(Outcome::Blocked(key_has_changed(kid.as_str()))),
            KnownKey::Same | KnownKey::Unknown => Ok(()),
        }
    }

    /// Checks that the record is unchanged, and that nothing has happened that makes sending its
    /// token unsafe.
    pub(super) async fn check_again(&self, stored: &Stored, entry: &Path) -> Result<(), Outcome> {
        self.check_unchanged(stored).await?;
        // The previous holder of the lock may have used the token and failed to store the new ones.
        check_recovery(entry)?;
        self.check_store()
    }

    /// Checks that the record in the store is unchanged.
    async fn check_unchanged(&self, stored: &Stored) -> Result<(), Outcome> {
        match present(&*self.parts.store, stored).await {
            Ok(Some(present)) if present.value == stored.value => Ok(()),
            Ok(Some(_)) => Err(Outcome::Skipped("another process changed it meanwhile".into())),
            Ok(None) => Err(Outcome::Skipped("it was deleted meanwhile".into())),
            Err(error) => Err(self.store_trouble("cannot read it again", &error)),
        }
    }

    pub(in crate::maintenance) fn credentials<'c>(
        &'c self,
        ready: &'c Ready<'_>,
    ) -> Credentials<'c> {
        let auth = ready.client_key.map_or(AuthMethod::None, AuthMethod::PrivateKeyJwt);
        Credentials { client_id: &self.parts.client_id, auth }
    }
}

impl Ready<'_> {
    /// Returns the name that the app's client library passes to its lock on the account's sessions.
    pub(in crate::maintenance) fn lock_name(&self) -> String {
        self.format.lock_name(&self.did)
    }

    /// Returns the group of the session.
    pub(super) fn group(&self) -> Group {
        let kid = self.client_key.and_then(|key| key.kid()).map(|kid| kid.as_str().to_owned());
        Group { issuer: self.issuer.clone(), kid }
    }

    /// Describes the server's refusal of the client, with the server and the client key.
    pub(in crate::maintenance) fn client_refused(&self, refusal: &ErrorResponse) -> String {
        let issuer = &self.issuer;
        match self.client_key.and_then(|key| key.kid()) {
            Some(kid) => format!("{issuer} does not accept the client with key {kid}: {refusal}"),
            None => format!("{issuer} does not accept the client as a public one: {refusal}"),
        }
    }
}

fn check_recovery(entry: &Path) -> Result<(), Outcome> {
    if entry.exists() {
        return Err(Outcome::Blocked(NEWER_TOKENS_WAIT.to_owned()));
    }
    Ok(())
}
