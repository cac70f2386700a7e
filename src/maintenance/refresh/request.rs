//! The request for new tokens, under the lock on the session.

use std::time::Duration;

use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::Refresher;
use crate::maintenance::copies::objection;
use crate::maintenance::lock_times::app_still_waits;
use crate::maintenance::runner::Retry;
use crate::oauth::{
    AuthorizationServer, Exchange, MAX_NONCE_RETRIES, Refresh, Revocation, Revoke, TokenSet,
};
use crate::session::Did;
use crate::store::{Lock, Stored};

/// Of a lock's time to live, so much is left for writing the new tokens back.
const WRITE_RESERVE: Duration = Duration::from_secs(4);
/// No exchange is given longer than this, however long the lock lives.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(20);
/// An exchange that has less time than this is not begun.
const SHORTEST_EXCHANGE: Duration = Duration::from_millis(500);

/// Whether other records of the account are looked at before a token is sent.
#[derive(Clone, Copy)]
pub(in crate::maintenance) enum CopyCheck {
    Before,
    /// Somebody has decided about them.
    Done,
}

/// What came of a request for new tokens.
pub(in crate::maintenance) struct Asked {
    pub answer: Exchange,
    /// The request was made twice: the answer to the first was lost.
    pub answer_was_lost: bool,
}

impl Asked {
    /// Checks whether it is known what the server has done with the token.
    pub(in crate::maintenance) fn is_conclusive(&self) -> bool {
        !matches!(self.answer, Exchange::AnswerLost(_) | Exchange::Unacceptable { .. })
    }
}

impl Refresher {
    /// Asks for new tokens, while the record is still the one that was checked and the lock lives
    /// long enough to write them. A request that the server says it did not consider (nonce) is
    /// made again; one whose answer was lost is made once more, since if the server had made
    /// new tokens, they are lost already; but not when the app waits for its lock no
    /// longer, and may have sent the same token meanwhile.
    pub(in crate::maintenance) async fn ask(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        lock: &Lock,
        copy_check: CopyCheck,
    ) -> Result<Asked, Outcome> {
        let (mut lost, mut parameters, mut repeated) = (None, None, 0);
        loop {
            // Before the record is read: from then on only the request itself is left to do.
            let signed = server.sign(self.credentials(ready), &ready.dpop_key, parameters.take());
            let (checked, alone) = tokio::join!(self.check_again(stored, &ready.entry), async {
                match copy_check {
                    CopyCheck::Before => self.check_copies(stored, &ready.did).await,
                    CopyCheck::Done => Ok(()),
                }
            });
            let checked = checked.and(alone);
            let within =
                match checked.and_then(|()| time_for_request(lock).ok_or_else(too_little_time)) {
                    Ok(within) => within,
                    Err(outcome) => {
                        return match lost {
                            // The request was made, whatever keeps us from making it once more.
                            Some(error) if matches!(outcome, Outcome::Unknown(..)) => Ok(Asked {
                                answer: Exchange::AnswerLost(error),
                                answer_was_lost: false,
                            }),
                            _ => Err(outcome),
                        };
                    }
                };
            let refresh = Refresh {
                signed,
                sub: ready.did.as_str(),
                refresh_token: &ready.refresh_token,
                within,
            };
            self.parts.recovery.sent.sending(&ready.refresh_token);
            match server.refresh(refresh).await {
                Exchange::UseNonce(next) if repeated < MAX_NONCE_RETRIES => {
                    repeated += 1;
                    parameters = Some(next);
                }
                Exchange::AnswerLost(error)
                    if lost.is_none()
                        && app_still_waits(self.parts.store.layout(), lock.held()) =>
                {
                    lost = Some(error);
                }
                answer => return Ok(Asked { answer, answer_was_lost: lost.is_some() }),
            }
        }
    }

    /// No other record may hold the session, or the token of a copy would be sent twice.
    async fn check_copies(&self, stored: &Stored, did: &Did) -> Result<(), Outcome> {
        match objection(&*self.parts.store, stored, did).await {
            Ok(None) => Ok(()),
            Ok(Some((_, why))) => Err(Outcome::Blocked(why)),
            Err(error) => {
                Err(self.store_trouble("cannot read the account's other sessions", &error))
            }
        }
    }

    /// Ends tokens that nobody will use. Says what came of it: where it fails, the tokens expire
    /// unused.
    pub(in crate::maintenance) async fn revoke(
        &self,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        tokens: &TokenSet,
    ) -> &'static str {
        let token = tokens.refresh_token.as_ref().unwrap_or(&tokens.access_token);
        let credentials = self.credentials(ready);
        let revoke =
            Revoke { credentials, dpop_key: &ready.dpop_key, token, within: LONGEST_EXCHANGE };
        match server.revoke(revoke).await {
            Revocation::Accepted => "its new tokens were revoked",
            _ => "its new tokens could not be revoked, and expire unused",
        }
    }
}

/// How long a request may take under this lock, so that what it brings can still be written. None
/// when that is too little to begin with.
pub(in crate::maintenance) fn time_for_request(lock: &Lock) -> Option<Duration> {
    let within = lock.remaining().saturating_sub(WRITE_RESERVE).min(LONGEST_EXCHANGE);
    (within >= SHORTEST_EXCHANGE).then_some(within)
}

/// The lock on the session has nearly run out.
pub(in crate::maintenance) fn too_little_time() -> Outcome {
    Outcome::Unknown("there was too little time left under its lock".to_owned(), Retry::Soon)
}
