//! Notes on exchanges: what one has taught about its session and its client key.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use super::outcome::{Outcome, Retry, refused};
use super::{Exchanger, Ready};
use crate::oauth::{AuthorizationServer, Refusal, TokenSet};
use crate::session::{LastRefreshed, Note};
use crate::store::Stored;

/// How long access tokens are fresh where the server does not say.
const USUAL_FRESHNESS: SignedDuration = SignedDuration::from_hours(1);
/// How long notes on sessions and keys are kept: longer than any session lives.
pub const NOTE_LIFETIME: Duration = Duration::from_hours(800 * 24);

impl Exchanger {
    /// Judges a refusal once more that could not be judged when it came. Nothing is sent: what the server has said of this
    /// token it would say again.
    pub(super) async fn decide(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        server: &Arc<AuthorizationServer>,
        refusal: &Refusal,
        has_worked: bool,
    ) -> Outcome {
        let (outcome, _) = refused(ready, refusal, false, has_worked);
        if let Outcome::Unknown(why, _) = outcome {
            return Outcome::Unknown(why, Retry::Never);
        }
        let earlier = self.earlier_note(stored).await;
        self.note(stored, ready, server, (&outcome, None), earlier).await;
        outcome
    }

    pub(super) fn undecided(&self, stored: &Stored) -> Option<Refusal> {
        self.undecided.lock().unwrap_or_else(PoisonError::into_inner).get(&stored.key).cloned()
    }

    pub(super) fn set_undecided(&self, stored: &Stored, refusal: Refusal) {
        self.undecided.lock().unwrap_or_else(PoisonError::into_inner).insert(stored.key.clone(), refusal);
    }

    /// What was noted of the session before.
    pub async fn earlier_note(&self, stored: &Stored) -> Note {
        let noted = self.store.notes(&[Note::name(&stored.key.text())]).await.unwrap_or_default().pop().flatten();
        noted.and_then(|note| Note::parse(&note)).unwrap_or_default()
    }

    /// Remembers what this exchange has taught. Notes only ever save questions; a failure to write one costs nothing.
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
            Outcome::Gone(_) => Some(earlier.refused(&self.client_id, &ready.refresh_token)),
            _ => None,
        };
        let Some(note) = note else { return };
        let noted = || self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        common.retain(|(name, _)| !noted().contains(name));
        let notes = [&common[..], &[(Note::name(&stored.key.text()), note.to_bytes())]].concat();
        if self.store.write_notes(&notes, NOTE_LIFETIME).await.is_ok() {
            noted().extend(common.into_iter().map(|(name, _)| name));
        }
    }

    /// From the tokens themselves: by now the app may have put others in their place.
    fn note_of_refresh(&self, stored: &Stored, ready: &Ready<'_>, tokens: &TokenSet, earlier: Note) -> Option<Note> {
        let now = self.clock.now();
        let old = self.store.layout().session(stored).ok()?;
        // Where this machine's clock is behind, what the servers' clocks say lies in the future and is the nearest to the truth.
        let written = LastRefreshed::of(&old, None, stored.observed, now).map(|last| last.at);
        let written = written.into_iter().chain(LastRefreshed::by_server(&old)).max();
        let fresh_for = tokens.expires_in.and_then(|life| life.try_into().ok()).unwrap_or(USUAL_FRESHNESS);
        let new_token = tokens.refresh_token.as_ref().unwrap_or(&ready.refresh_token);
        let note = earlier.refreshed(&ready.refresh_token, written, new_token, fresh_for, now);
        Some(note.living_for(tokens.refresh_expires_in))
    }
}
