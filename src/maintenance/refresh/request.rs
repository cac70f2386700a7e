//! Request for new tokens, under the lock on the session.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::Refresher;
use crate::maintenance::copies::objection;
use crate::maintenance::lock_times::app_still_waits;
use crate::maintenance::runner::Retry;
use crate::oauth::{
    AuthorizationServer, MAX_NONCE_RETRIES, Refresh, RefreshResponse, Revocation, Revoke, TokenSet,
};
use crate::session::Did;
use crate::store::{Lock, Stored};

/// Part of the lock's TTL reserved for writing the new tokens.
const WRITE_RESERVE: Duration = Duration::from_secs(4);
/// Maximum timeout of a refresh, for any TTL of the lock.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(20);
/// Minimum time for a refresh. It is not begun with less.
const SHORTEST_EXCHANGE: Duration = Duration::from_millis(500);

/// Session to be refreshed or revoked, and the server for it.
#[derive(Clone, Copy)]
pub(in crate::maintenance) struct Exchange<'a> {
    /// Record as it was read.
    pub stored: &'a Stored,
    pub ready: &'a Ready<'a>,
    pub server: &'a Arc<AuthorizationServer>,
}

/// Handling of the account's other records before a token is sent.
#[derive(Clone, Copy)]
pub(in crate::maintenance) enum CopyCheck {
    Before,
    /// Already checked by the caller.
    Done,
}

/// Result of a request for new tokens.
pub(in crate::maintenance) struct Asked {
    pub answer: RefreshResponse,
    /// True if the request was sent twice, because the answer to the first was lost.
    pub answer_was_lost: bool,
}

impl Asked {
    /// Returns whether the server's answer tells if the token is spent.
    pub(in crate::maintenance) fn is_conclusive(&self) -> bool {
        match self.answer {
            RefreshResponse::Refreshed(_) | RefreshResponse::Refused(_) => true,
            RefreshResponse::UseNonce(_) | RefreshResponse::NotSent(_) => !self.answer_was_lost,
            // A server may fail after it has spent the token.
            RefreshResponse::TryLater { .. }
            | RefreshResponse::AnswerLost(_)
            | RefreshResponse::Unacceptable { .. } => false,
        }
    }
}

impl Refresher {
    /// Requests new tokens, while the record is unchanged and the lock lives long enough for the
    /// write. Repeats a request that the server did not process (nonce). Repeats a request whose
    /// answer was lost once, because any new tokens are lost already; but not if the app has
    /// stopped waiting for its lock, and may have sent the same token meanwhile.
    pub(in crate::maintenance) async fn ask(
        &self,
        exchange: Exchange<'_>,
        lock: &Lock,
        copy_check: CopyCheck,
    ) -> Result<Asked, Outcome> {
        let Exchange { stored, ready, server } = exchange;
        let (mut lost, mut parameters, mut repeated) = (None, None, 0);
        loop {
            // Signed before the record is read, so that only the request itself remains.
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
                            // The first request was sent, even if the second is not possible.
                            Some(error) if matches!(outcome, Outcome::Unknown(..)) => Ok(Asked {
                                answer: RefreshResponse::AnswerLost(error),
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
                RefreshResponse::UseNonce(next) if repeated < MAX_NONCE_RETRIES => {
                    repeated += 1;
                    parameters = Some(next);
                }
                RefreshResponse::AnswerLost(error)
                    if lost.is_none()
                        && app_still_waits(self.parts.store.layout(), lock.held()) =>
                {
                    lost = Some(error);
                }
                answer => return Ok(Asked { answer, answer_was_lost: lost.is_some() }),
            }
        }
    }

    /// Checks that no other record contains the session. The token of a copy would be sent twice.
    async fn check_copies(&self, stored: &Stored, did: &Did) -> Result<(), Outcome> {
        match objection(&*self.parts.store, stored, did).await {
            Ok(None) => Ok(()),
            Ok(Some((_, why))) => Err(Outcome::Blocked(why)),
            Err(error) => {
                Err(self.store_trouble("cannot read the account's other sessions", &error))
            }
        }
    }

    /// Revokes tokens that will not be used, and describes the result. If it fails, the tokens
    /// expire unused.
    pub(in crate::maintenance) async fn revoke(
        &self,
        exchange: Exchange<'_>,
        tokens: &TokenSet,
    ) -> &'static str {
        let Exchange { ready, server, .. } = exchange;
        let token = tokens.refresh_token.as_ref().unwrap_or(&tokens.access_token);
        let credentials = self.credentials(ready);
        let revoke =
            Revoke { credentials, dpop_key: &ready.dpop_key, token, within: LONGEST_EXCHANGE };
        match server.revoke(revoke).await {
            Revocation::Accepted => "its new tokens were revoked",
            _ => "its new tokens could not be revoked and will expire unused",
        }
    }
}

/// Returns the timeout for a request under this lock, which leaves time to write the result. `None`
/// if too little time is left.
pub(in crate::maintenance) fn time_for_request(lock: &Lock) -> Option<Duration> {
    let within = lock.remaining().saturating_sub(WRITE_RESERVE).min(LONGEST_EXCHANGE);
    (within >= SHORTEST_EXCHANGE).then_some(within)
}

/// Returns the outcome for a lock that has nearly expired.
pub(in crate::maintenance) fn too_little_time() -> Outcome {
    Outcome::Unknown("its lock would have expired too soon".to_owned(), Retry::Soon)
}
