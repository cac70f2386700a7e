//! Ends one session with proof: it is refreshed, the new tokens are revoked and then sent again.
//! The refusal of a token that has just been valid is the proof, independent of the server's words.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::revoker::{Revoked, Revoker, unable};
use crate::maintenance::refresh::{
    Asked, CopyCheck, Exchange, NONCES, Ready, chain, time_for_request, too_little_time,
};
use crate::maintenance::runner::Retry;
use crate::oauth::{
    Cause, ErrorResponse, Fate, MAX_NONCE_RETRIES, Refresh, RefreshResponse, Revocation, Revoke,
    TokenSet,
};
use crate::secret::Secret;
use crate::session::Traces;
use crate::store::{Lock, Stored};

/// Session being revoked, under its lock.
pub(super) struct Ending<'a> {
    pub exchange: Exchange<'a>,
    pub lock: &'a Lock,
}

fn unconfirmed(why: impl Into<String>, retry: Retry) -> Revoked {
    Revoked::Unconfirmed(why.into(), retry)
}

impl Revoker {
    /// Ends the session. The error states why there is no proof. The record may have changed by
    /// then.
    pub(super) async fn end(&self, ending: &Ending<'_>) -> Result<(), Revoked> {
        let Ending { exchange, lock } = *ending;
        let asked = self.refresher.ask(exchange, lock, CopyCheck::Done).await.map_err(unable)?;
        let is_conclusive = asked.is_conclusive();
        let ended = self.conclude(ending, asked).await;
        if is_conclusive {
            self.refresher.parts().recovery.sent.settled(&exchange.ready.refresh_token);
        }
        ended
    }

    /// Ends the session, given the server's answer to its token.
    async fn conclude(&self, ending: &Ending<'_>, asked: Asked) -> Result<(), Revoked> {
        let ready = ending.exchange.ready;
        match asked.answer {
            RefreshResponse::Refreshed(tokens) => self.end_newest(ending, tokens).await,
            RefreshResponse::Refused(refusal)
                if self.for_absent_users
                    && !asked.answer_was_lost
                    && refusal.meaning().0 == Cause::Replayed
                    && !self.refresher.parts().recovery.sent.was_cut_off(&ready.refresh_token) =>
            {
                let why = format!(
                    "somebody else has used the refresh token of an inactive session; is this store a copy or a restored backup? ({refusal})"
                );
                self.refresher.set_behind(ready).await;
                Err(Revoked::Failed(self.store_is_behind.get_or_init(|| why).clone()))
            }
            RefreshResponse::Refused(refusal) if refusal.proves_end() => Ok(()),
            RefreshResponse::Refused(refusal) => {
                // Without proof, but possibly with effect.
                let sent = self.send_revocation(ending, &ready.refresh_token).await;
                Err(match refused(ready, &refusal) {
                    Revoked::Failed(why) if matches!(sent, Ok(None)) => Revoked::Failed(format!(
                        "{why}; a revocation was sent, but its effect is unknown"
                    )),
                    outcome => outcome,
                })
            }
            RefreshResponse::Unacceptable { why, tokens } => {
                if let Some(tokens) = tokens {
                    self.refresher.revoke(ending.exchange, &tokens).await;
                }
                Err(unconfirmed(format!("the server's answer is unusable: {why}"), Retry::Never))
            }
            answer => Err(no_proof(answer)),
        }
    }

    /// Revokes these tokens, and sends them again. Until they are proved invalid, they are kept:
    /// first on disk, then in the store.
    async fn end_newest(&self, ending: &Ending<'_>, tokens: TokenSet) -> Result<(), Revoked> {
        let ready = ending.exchange.ready;
        let entry = match self.refresher.keep_tokens(ending.exchange, &tokens) {
            Ok(entry) => entry,
            Err(why) => {
                self.keep_alive(ending, &tokens, None).await;
                return Err(unconfirmed(
                    format!("its new tokens could not be written to the recovery directory: {why}"),
                    Retry::Never,
                ));
            }
        };
        let newest = tokens.refresh_token.as_ref().unwrap_or(&ready.refresh_token);
        let doubt = match self.send_revocation(ending, newest).await {
            Ok(doubt) => doubt,
            Err(why) => {
                self.keep_alive(ending, &tokens, Some(entry)).await;
                return Err(why);
            }
        };
        let answer = match self.send_once_more(ending, newest).await {
            Ok(answer) => answer,
            Err(why) => {
                self.keep_alive(ending, &tokens, Some(entry)).await;
                return Err(why);
            }
        };
        match answer {
            RefreshResponse::Refused(refusal) if refusal.refuses_newest_token() => {
                let recovery = &self.refresher.parts().recovery;
                recovery.sent.settled(newest);
                recovery.discard(&entry);
                Ok(())
            }
            RefreshResponse::Refreshed(newer) => {
                self.keep_alive(ending, &newer, Some(entry)).await;
                self.refresher.parts().recovery.sent.settled(newest);
                let why = doubt.unwrap_or_else(|| "the server keeps the session alive".to_owned());
                Err(Revoked::Failed(why))
            }
            RefreshResponse::Unacceptable { why, tokens: odd } => {
                if let Some(odd) = odd {
                    self.refresher.revoke(ending.exchange, &odd).await;
                }
                self.keep_alive(ending, &tokens, Some(entry)).await;
                Err(unconfirmed(
                    format!("the answer to the verification is unusable: {why}"),
                    Retry::Never,
                ))
            }
            answer => {
                self.keep_alive(ending, &tokens, Some(entry)).await;
                Err(match answer {
                    RefreshResponse::Refused(refusal) => {
                        unconfirmed(format!("not verified: {refusal}"), Retry::Soon)
                    }
                    answer => no_proof(answer),
                })
            }
        }
    }

    /// Keeps these tokens for a session that may be alive, marked as refreshed by oauthctl and not
    /// by its user.
    async fn keep_alive(&self, ending: &Ending<'_>, tokens: &TokenSet, entry: Option<PathBuf>) {
        let Exchange { stored: current, ready, .. } = ending.exchange;
        let newest = tokens.refresh_token.as_ref().unwrap_or(&ready.refresh_token);
        self.renewed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(current.key.clone(), newest.fingerprint());
        let outcome = self.refresher.write_back(ending.exchange, tokens, entry).await;
        let earlier = self.refresher.earlier_note(current).await;
        self.refresher.note(ending.exchange, (&outcome, Some(tokens)), earlier).await;
    }

    /// Checks whether a record contains tokens that this run has stored.
    pub(super) fn is_renewed_by_us(&self, stored: &Stored) -> bool {
        let renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let token = Traces::refresh_token(&stored.value).map(|token| token.fingerprint());
        token.is_some() && renewed.get(&stored.key) == token.as_ref()
    }

    /// Sends the revocation of a token. Returns a doubt about its effect, if a proof is worth
    /// trying nevertheless. The error means that it had no effect so far.
    async fn send_revocation(
        &self,
        ending: &Ending<'_>,
        token: &Secret<'_>,
    ) -> Result<Option<String>, Revoked> {
        let Ending { exchange: Exchange { ready, server, .. }, lock } = *ending;
        // Half of the time is reserved for the proof.
        let within = time_for_request(lock).ok_or_else(|| unable(too_little_time()))? / 2;
        let credentials = self.refresher.credentials(ready);
        match server.revoke(Revoke { credentials, dpop_key: &ready.dpop_key, token, within }).await
        {
            Revocation::UseNonce(_) => Err(unconfirmed(NONCES, Retry::Soon)),
            Revocation::Accepted => Ok(None),
            Revocation::Unsupported => Ok(Some("the server has no revocation endpoint".to_owned())),
            Revocation::Refused(refusal) => Ok(Some(refusal.to_string())),
            Revocation::AnswerLost(error) => Ok(Some(chain(&error))),
            Revocation::TryLater { status } => {
                Err(unconfirmed(format!("the server answered with status {status}"), Retry::Soon))
            }
            Revocation::NotSent(error) => Err(unconfirmed(chain(&error), Retry::Soon)),
        }
    }

    /// Sends a token that no one else has. Not repeated if the answer is lost, because a second
    /// refusal would prove nothing.
    async fn send_once_more(
        &self,
        ending: &Ending<'_>,
        token: &Secret<'_>,
    ) -> Result<RefreshResponse, Revoked> {
        let Ending { exchange: Exchange { ready, server, .. }, lock } = *ending;
        let (mut parameters, mut repeated) = (None, 0);
        loop {
            let within = time_for_request(lock).ok_or_else(|| unable(too_little_time()))?;
            let signed =
                server.sign(self.refresher.credentials(ready), &ready.dpop_key, parameters.take());
            let refresh = Refresh { signed, sub: ready.did.as_str(), refresh_token: token, within };
            self.refresher.parts().recovery.sent.sending(token);
            match server.refresh(refresh).await {
                RefreshResponse::UseNonce(next) if repeated < MAX_NONCE_RETRIES => {
                    repeated += 1;
                    parameters = Some(next);
                }
                answer => return Ok(answer),
            }
        }
    }
}

/// Returns the result for a refusal of the stored token. It may be older than the server's state,
/// so nothing is proved.
fn refused(ready: &Ready<'_>, refusal: &ErrorResponse) -> Revoked {
    match refusal.meaning() {
        (Cause::ClientDocuments, _) => unconfirmed(ready.client_refused(refusal), Retry::Soon),
        (Cause::ClientAuthentication, _) => Revoked::Failed(ready.client_refused(refusal)),
        (Cause::EndedOrConfiguration, _) | (_, Fate::Gone) => unconfirmed(
            format!(
                "the server refuses its token, perhaps only because the token is not the latest one ({refusal})"
            ),
            Retry::Never,
        ),
        (_, Fate::Kept) => Revoked::Failed(refusal.to_string()),
    }
}

/// Returns the result for a missing or inconclusive answer.
fn no_proof(answer: RefreshResponse) -> Revoked {
    match answer {
        RefreshResponse::UseNonce(_) => unconfirmed(NONCES, Retry::Soon),
        RefreshResponse::AnswerLost(error) => {
            unconfirmed(format!("the answer was lost: {}", chain(&error)), Retry::Soon)
        }
        RefreshResponse::NotSent(error) => {
            unconfirmed(format!("not sent: {}", chain(&error)), Retry::Soon)
        }
        RefreshResponse::TryLater { status, retry_after } => {
            let retry = retry_after.map_or(Retry::Soon, Retry::After);
            unconfirmed(format!("the server answered with status {status}"), retry)
        }
        RefreshResponse::Refreshed(_)
        | RefreshResponse::Unacceptable { .. }
        | RefreshResponse::Refused(_) => {
            unreachable!("judged before")
        }
    }
}
