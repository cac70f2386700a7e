//! Notes of earlier runs on sessions, keys and configurations, and of this one for later runs.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;

use super::answer::{SpentBy, refused};
use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::{Refresher, WorkedKey};
use crate::jose::{ClientKey, Kid};
use crate::maintenance::known_keys::{KnownKey, forget, name_of_key, noted};
use crate::maintenance::runner::Retry;
use crate::oauth::{AuthorizationServer, ErrorResponse, TokenSet};
use crate::session::{LastRefreshed, Note, fingerprint};
use crate::store::Stored;

/// How long access tokens are fresh where the server does not say.
const USUAL_FRESHNESS: SignedDuration = SignedDuration::from_hours(1);
/// How long a configuration is not tried again that has cost a session.
const STOP_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// Servers that are asked at once whether they authenticate client keys.
const QUESTIONS: usize = 8;

impl Refresher {
    /// Judges a refusal once more that could not be judged when it came. Nothing is sent: what the
    /// server has said of this token it would say again.
    pub(super) async fn decide(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        server: &Arc<AuthorizationServer>,
        refusal: &ErrorResponse,
        has_worked: bool,
    ) -> Outcome {
        let (outcome, _) = refused(ready, refusal, SpentBy::Unknown, has_worked);
        if let Outcome::Unknown(why, _) = outcome {
            return Outcome::Unknown(why, Retry::Never);
        }
        let earlier = self.earlier_note(stored).await;
        self.note(stored, ready, server, (&outcome, None), earlier).await;
        outcome
    }

    /// What was noted of the session before.
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

    /// Remembers what this exchange has taught. Notes only ever save questions; a failure to write
    /// one costs nothing.
    pub(in crate::maintenance) async fn note(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        server: &Arc<AuthorizationServer>,
        (outcome, tokens): (&Outcome, Option<&TokenSet>),
        earlier: Note,
    ) {
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

    /// From the tokens themselves: by now the app may have put others in their place.
    fn note_of_refresh(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        tokens: &TokenSet,
        earlier: Note,
    ) -> Option<Note> {
        let now = self.parts.clock.now();
        let old = self.parts.store.layout().session(stored).ok()?;
        // Where this machine's clock is behind, what the servers' clocks say lies in the future and
        // is the nearest to the truth.
        let written = LastRefreshed::of(&old, None, stored.observed, now).map(|last| last.at);
        let written = written.into_iter().chain(LastRefreshed::by_server(&old)).max();
        let fresh_for =
            tokens.expires_in.and_then(|life| life.try_into().ok()).unwrap_or(USUAL_FRESHNESS);
        let new_token = tokens.refresh_token.as_ref().unwrap_or(&ready.refresh_token);
        let note = earlier.refreshed(&ready.refresh_token, written, new_token, fresh_for, now);
        Some(note.living_for(tokens.refresh_expires_in))
    }

    /// Why an earlier run has found that this configuration costs sessions.
    pub(super) async fn precedent(&self, ready: &Ready<'_>) -> Result<Option<String>, Outcome> {
        let why = self.noted(self.name_of_configuration(ready)).await?;
        Ok(why.map(|why| String::from_utf8_lossy(&why).into_owned()))
    }

    /// Notes that this configuration costs sessions. Where it cannot be noted, the next run loses
    /// another one before it knows.
    pub(super) async fn set_precedent(&self, ready: &Ready<'_>, why: &str) {
        let note = (self.name_of_configuration(ready), why.as_bytes().to_vec());
        let _ = self.parts.store.write_notes(&[note], STOP_LIFETIME).await;
    }

    /// Notes that it does not.
    pub(super) async fn lift_precedent(&self, ready: &Ready<'_>) {
        let _ = forget(&*self.parts.store, self.name_of_configuration(ready)).await;
    }

    /// Names the whole configuration, so that another one is tried.
    fn name_of_configuration(&self, ready: &Ready<'_>) -> String {
        let kid = ready.client_key.and_then(ClientKey::kid).map(Kid::as_str).unwrap_or_default();
        let thumbprint = ready.client_key.map(ClientKey::thumbprint).unwrap_or_default();
        // A server that ends public sessions for an assertion may well take the same key for
        // others.
        let upgrade = if ready.is_new_to_key { "\nupgrade" } else { "" };
        let all = [&ready.issuer, &self.parts.client_id, kid, &thumbprint].join("\n") + upgrade;
        format!("stopped:{}", fingerprint(all.as_bytes()))
    }

    /// Takes in that a key has worked. Returns the note that says so, where this server has one
    /// already and is known to look at keys; otherwise that is for the end of the run to find
    /// out.
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

    /// Notes the keys that have worked in this run at servers that look at them. A server that
    /// takes every key proves none.
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
