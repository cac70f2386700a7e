//! Notes about sessions, keys and configurations, from earlier runs and for later ones.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;

use super::answer::{SpentBy, refused};
use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::{Refresher, WorkedKey};
use super::request::Exchange;
use crate::hashes::fingerprint;
use crate::jose::{ClientKey, Kid};
use crate::maintenance::known_keys::{KnownKey, forget, name_of_key, noted};
use crate::maintenance::runner::Retry;
use crate::oauth::{AuthorizationServer, ErrorResponse, TokenSet};
use crate::session::{LastRefreshed, Note};
use crate::store::Stored;

/// Lifetime of access tokens, if the server does not state it.
const USUAL_FRESHNESS: SignedDuration = SignedDuration::from_hours(1);
/// Time for which a configuration that has ended a session is not tried again.
const STOP_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// Number of servers probed concurrently for client authentication.
const QUESTIONS: usize = 8;

impl Refresher {
    /// Decides about an error response that could not be interpreted when it was received. Sends
    /// nothing, because the server would repeat its answer.
    pub(super) async fn decide(
        &self,
        exchange: Exchange<'_>,
        refusal: &ErrorResponse,
        has_worked: bool,
    ) -> Outcome {
        let (outcome, _) = refused(exchange.ready, refusal, || SpentBy::Unknown, has_worked);
        if let Outcome::Unknown(why, _) = outcome {
            return Outcome::Unknown(why, Retry::Never);
        }
        let earlier = self.earlier_note(exchange.stored).await;
        self.note(exchange, (&outcome, None), earlier).await;
        outcome
    }

    /// Returns the note about the session.
    pub(in crate::maintenance) async fn earlier_note(&self, stored: &Stored) -> Note {
        let noted = self
            .parts
            .store
            .notes(&[Note::name(&stored.key.text())])
            .await
            .unwrap_or_default()
            .pop()
            .flatten();
        noted.and_then(|note| Note::parse(&note)).unwrap_or_default()
    }

    /// Writes notes about this refresh. They only save requests, so a failure is harmless.
    pub(in crate::maintenance) async fn note(
        &self,
        exchange: Exchange<'_>,
        (outcome, tokens): (&Outcome, Option<&TokenSet>),
        earlier: Note,
    ) {
        let Exchange { stored, ready, server } = exchange;
        let mut common = vec![(Note::MARKER.to_owned(), b"1".to_vec())];
        let note = match outcome {
            Outcome::Refreshed => {
                common.extend(self.key_has_worked(ready, server));
                tokens.and_then(|tokens| self.note_of_refresh(stored, ready, tokens, earlier))
            }
            Outcome::Gone(_) => Some(earlier.refused(&self.parts.client_id, &ready.refresh_token)),
            _ => None,
        };
        let Some(note) = note else { return };
        let noted = || self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        common.retain(|(name, _)| !noted().contains(name));
        let notes = [&common[..], &[(Note::name(&stored.key.text()), note.to_bytes())]].concat();
        if self.parts.store.write_notes(&notes, Note::LIFETIME).await.is_ok() {
            noted().extend(common.into_iter().map(|(name, _)| name));
        }
    }

    /// Builds the note from the tokens themselves, because the app may have replaced them by now.
    fn note_of_refresh(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        tokens: &TokenSet,
        earlier: Note,
    ) -> Option<Note> {
        let now = self.parts.clock.now();
        let old = self.parts.store.layout().session(stored).ok()?;
        // If this machine's clock is slow, times from servers are in the future, and the nearest to
        // the truth.
        let written = LastRefreshed::of(&old, None, stored.observed, now).map(|last| last.at);
        let written = written.into_iter().chain(LastRefreshed::by_server(&old)).max();
        let fresh_for =
            tokens.expires_in.and_then(|life| life.try_into().ok()).unwrap_or(USUAL_FRESHNESS);
        let new_token = tokens.refresh_token.as_ref().unwrap_or(&ready.refresh_token);
        let note = earlier.refreshed(&ready.refresh_token, written, new_token, fresh_for, now);
        Some(note.living_for(tokens.refresh_expires_in))
    }

    /// Returns the reason for which an earlier run has blocked this configuration.
    pub(super) async fn precedent(&self, ready: &Ready<'_>) -> Result<Option<String>, Outcome> {
        let why = self.noted(self.name_of_configuration(ready)).await?;
        Ok(why.map(|why| String::from_utf8_lossy(&why).into_owned()))
    }

    /// Notes that this configuration ends sessions. If the note cannot be written, the next run may
    /// end another session.
    pub(super) async fn set_precedent(&self, ready: &Ready<'_>, why: &str) {
        let note = (self.name_of_configuration(ready), why.as_bytes().to_vec());
        let _ = self.parts.store.write_notes(&[note], STOP_LIFETIME).await;
    }

    /// Removes the note about this configuration.
    pub(super) async fn lift_precedent(&self, ready: &Ready<'_>) {
        let _ = forget(&*self.parts.store, self.name_of_configuration(ready)).await;
    }

    /// Returns the name of the note about the entire configuration, so that a changed one is tried
    /// again.
    fn name_of_configuration(&self, ready: &Ready<'_>) -> String {
        let kid = ready.client_key.and_then(ClientKey::kid).map(Kid::as_str).unwrap_or_default();
        let thumbprint = ready.client_key.map(ClientKey::thumbprint).unwrap_or_default();
        // A server that ends public sessions because of an assertion may still accept the key for
        // others.
        let upgrade = if ready.is_new_to_key { "\nupgrade" } else { "" };
        let all = [ready.issuer.as_str(), self.parts.client_id.as_str(), kid, thumbprint.as_str()]
            .join("\n")
            + upgrade;
        format!("stopped:{}", fingerprint(all.as_bytes()))
    }

    /// Records that a key has worked. Returns the note about it, if this server already has one and
    /// is known to check keys. Otherwise the note is written at the end of the run.
    pub(super) fn key_has_worked(
        &self,
        ready: &Ready<'_>,
        server: &Arc<AuthorizationServer>,
    ) -> Option<(String, Vec<u8>)> {
        let key = ready.client_key?;
        let kid = key.kid()?;
        let at = (ready.issuer.clone(), kid.clone());
        let known = self.parts.assessor.noted(&ready.issuer, kid.as_str());
        let note = (
            name_of_key(&self.parts.client_id, &ready.issuer, kid.as_str()),
            key.thumbprint().into_bytes(),
        );
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

    /// Writes notes about the keys that have worked in this run, at servers that check keys. A
    /// server that accepts any key proves nothing.
    pub(super) async fn note_worked_keys(&self) {
        let worked =
            std::mem::take(&mut *self.worked_keys.lock().unwrap_or_else(PoisonError::into_inner));
        if self.store_breaker.fails() {
            return;
        }
        let notes = stream::iter(worked.into_values()).map(async |worked| {
            let WorkedKey { server, dpop_key, note } = worked;
            (server.authenticates(&self.parts.client_id, &dpop_key).await == Some(true))
                .then_some(note)
        });
        let notes: Vec<_> =
            notes.buffer_unordered(QUESTIONS).filter_map(async |note| note).collect().await;
        if !notes.is_empty() {
            let _ = self.parts.store.write_notes(&notes, Note::LIFETIME).await;
        }
    }

    async fn noted(&self, name: String) -> Result<Option<Vec<u8>>, Outcome> {
        noted(&*self.parts.store, name)
            .await
            .map_err(|e| self.store_trouble("cannot read the notes", &e))
    }
}
