//! Ending sessions at the server, with proof, and then removing their records.
//!
//! A 200 from the revocation endpoint proves nothing. What proves it: a refresh with the same token is refused.

use serde::Serialize;

use super::exchange::{Exchanger, LONGEST_EXCHANGE, NONCE_TRIES, Ready, is_same_session};
use super::outcome::{Outcome, Retry, chain, not_found};
use super::runner::Work;
use crate::oauth::{AuthorizationServer, Exchange, Refresh, Revocation, Revoke};
use crate::store::{Kind, Stored, Written};

/// How often tokens that a proof brings to light are revoked in turn.
const ROUNDS: u32 = 3;

/// How one session's turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The server refuses its token now, and its record is gone.
    Confirmed,
    /// Revoked as far as one can tell, but without proof. The record is kept.
    Unconfirmed(String, Retry),
    /// It could not be revoked. The record is kept.
    Failed(String),
    /// Its record went before its turn came, or was changed after the proof.
    Skipped(String),
}

/// Counts of each.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RevokeReport {
    /// [`Revoked::Confirmed`]
    pub confirmed: u64,
    /// [`Revoked::Unconfirmed`]
    pub unconfirmed: u64,
    /// [`Revoked::Failed`]
    pub failed: u64,
    /// [`Revoked::Skipped`]
    pub skipped: u64,
}

/// Whether a session that has changed since it was selected is meant still.
pub type StillMeant = Box<dyn Fn(&Stored) -> bool + Send + Sync>;

/// Ends sessions.
pub struct Revoker {
    /// What every conversation about a session needs.
    pub exchanger: Exchanger,
    /// Asked of a session whose user came back after it was selected.
    pub still_meant: StillMeant,
}

impl RevokeReport {
    /// Counts one.
    pub fn count(&mut self, outcome: &Revoked) {
        *match outcome {
            Revoked::Confirmed => &mut self.confirmed,
            Revoked::Unconfirmed(..) => &mut self.unconfirmed,
            Revoked::Failed(_) => &mut self.failed,
            Revoked::Skipped(_) => &mut self.skipped,
        } += 1;
    }
}

impl Work for Revoker {
    type Outcome = Revoked;

    async fn run(&self, session: &Stored) -> Revoked {
        match self.revoke(session).await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    fn retry(outcome: &Revoked) -> Retry {
        match outcome {
            Revoked::Unconfirmed(_, retry) => *retry,
            _ => Retry::Never,
        }
    }

    fn crashed() -> Revoked {
        Revoked::Failed("oauthctl failed; please report it".to_owned())
    }
}

/// What the attempt at the server has shown.
enum Shown {
    Ended,
    /// Not ended, or nobody knows; the record as it is now.
    Alive(Revoked),
}

impl Revoker {
    async fn revoke(&self, selected: &Stored) -> Result<Revoked, Revoked> {
        let exchanger = &self.exchanger;
        exchanger.check_store().map_err(unable)?;
        let ready = match exchanger.check_locally(selected).await {
            Ok(ready) => ready,
            Err(outcome) => return Err(unable(outcome)),
        };
        // Tokens go back to where they came from, even if the account has moved.
        let server = match exchanger.network.server(&ready.issuer).await {
            Ok(server) => server,
            Err(error) => return Err(unable(not_found(&error))),
        };
        if !server.can_revoke() {
            return Err(Revoked::Failed("the server has no revocation endpoint".to_owned()));
        }
        if let Err(error) = server.prepare(&exchanger.client_id, &ready.dpop_key).await {
            return Err(unable(not_found(&error)));
        }
        let lock = match exchanger.store.lock(&ready.did, exchanger.lock_timeout).await {
            Ok(Some(lock)) => lock,
            Ok(None) => return Err(Revoked::Unconfirmed("somebody else holds the lock on it".into(), Retry::Soon)),
            Err(error) => return Err(self.store_trouble(&error)),
        };
        exchanger.health.works();
        let outcome = self.revoke_locked(selected, &server).await;
        if exchanger.health.fails() {
            // A store that is gone would have us wait.
            drop(lock);
        } else if lock.release().await.is_err() {
            exchanger.health.trouble();
        }
        outcome
    }

    /// Under the lock: the record as it is now, its newest token revoked, and the proof.
    async fn revoke_locked(&self, selected: &Stored, server: &AuthorizationServer) -> Result<Revoked, Revoked> {
        let mut current = self.reread(selected).await?;
        if current.value != selected.value {
            if !is_same_session(&current.value, &selected.value) {
                return Err(Revoked::Skipped("its user has logged in anew meanwhile".to_owned()));
            }
            if !(self.still_meant)(&current) {
                return Err(Revoked::Skipped(
                    "it was refreshed meanwhile, and is not among those meant any more".into(),
                ));
            }
        }
        let mut last = Revoked::Unconfirmed("the server keeps the session alive".to_owned(), Retry::Never);
        for _ in 0..ROUNDS {
            let ready = self.exchanger.check_locally(&current).await.map_err(unable)?;
            match self.end(&current, &ready, server).await {
                Shown::Ended => return self.remove(&current).await,
                Shown::Alive(why) => last = why,
            }
            let now = self.reread(selected).await?;
            if now.value == current.value {
                break;
            }
            current = now;
        }
        Ok(last)
    }

    async fn reread(&self, selected: &Stored) -> Result<Stored, Revoked> {
        match self.exchanger.store.get(Kind::Session, &selected.key).await {
            Ok(Some(now)) => Ok(now),
            Ok(None) => Err(Revoked::Skipped("its record was deleted meanwhile".to_owned())),
            Err(error) => Err(self.store_trouble(&error)),
        }
    }

    fn store_trouble(&self, error: &anyhow::Error) -> Revoked {
        self.exchanger.health.trouble();
        Revoked::Unconfirmed(format!("the store failed: {error:#}"), Retry::Soon)
    }

    /// Revokes, then tries whether the token is refused. A proof that succeeds has made new tokens: they are stored,
    /// since the session lives on with them, and the caller goes another round.
    async fn end(&self, current: &Stored, ready: &Ready<'_>, server: &AuthorizationServer) -> Shown {
        let mut words = self.ask_to_revoke(ready, server).await;
        for _ in 0..NONCE_TRIES {
            let proof = server.refresh(Refresh {
                signed: server.sign(self.exchanger.credentials(ready), &ready.dpop_key),
                sub: ready.did.as_str(),
                refresh_token: &ready.refresh_token,
                within: LONGEST_EXCHANGE,
            });
            match proof.await {
                Exchange::InvalidGrant { session_lives: false, .. } => return Shown::Ended,
                Exchange::UseNonce => {}
                Exchange::Refreshed(tokens) => {
                    self.exchanger.write_back(current, ready, server, &tokens).await;
                    words = words.or_else(|| Some("the server keeps the session alive".to_owned()));
                    break;
                }
                Exchange::AnswerLost(error) => words = Some(format!("the proof's answer was lost: {}", chain(&error))),
                Exchange::NotSent(error) => words = Some(format!("the proof was not sent: {}", chain(&error))),
                Exchange::TryLater { status, retry_after } => {
                    let why = format!("the proof was answered with status {status}");
                    return Shown::Alive(Revoked::Unconfirmed(why, retry_after.map_or(Retry::Soon, Retry::After)));
                }
                Exchange::InvalidGrant { refusal, .. }
                | Exchange::InvalidClient(refusal)
                | Exchange::Refused(refusal) => {
                    return Shown::Alive(Revoked::Failed(refusal.to_string()));
                }
                Exchange::Unacceptable { why, .. } => {
                    return Shown::Alive(Revoked::Unconfirmed(
                        format!("the proof's answer is of no use: {why}"),
                        Retry::Never,
                    ));
                }
            }
        }
        Shown::Alive(Revoked::Unconfirmed(words.unwrap_or_else(|| "there is no proof".to_owned()), Retry::Soon))
    }

    /// Sends the revocation. Returns what speaks against its having worked.
    async fn ask_to_revoke(&self, ready: &Ready<'_>, server: &AuthorizationServer) -> Option<String> {
        for _ in 0..NONCE_TRIES {
            let revocation = server.revoke(Revoke {
                credentials: self.exchanger.credentials(ready),
                dpop_key: &ready.dpop_key,
                token: &ready.refresh_token,
                within: LONGEST_EXCHANGE,
            });
            return match revocation.await {
                Revocation::UseNonce => continue,
                Revocation::Accepted => None,
                Revocation::Unsupported => Some("the server has no revocation endpoint".to_owned()),
                Revocation::Refused(refusal) => Some(refusal.to_string()),
                Revocation::TryLater { status } => Some(format!("the server answered with status {status}")),
                Revocation::NotSent(error) | Revocation::AnswerLost(error) => Some(chain(&error)),
            };
        }
        Some("the server keeps asking for a newer nonce".to_owned())
    }

    async fn remove(&self, current: &Stored) -> Result<Revoked, Revoked> {
        match self.exchanger.store.remove(Kind::Session, std::slice::from_ref(current)).await.as_deref() {
            Ok([Written::Changed]) => {
                Ok(Revoked::Skipped("ended, but its record was replaced meanwhile and stays".to_owned()))
            }
            Ok(_) => Ok(Revoked::Confirmed),
            Err(error) => {
                Err(Revoked::Unconfirmed(format!("ended, but its record could not be removed: {error}"), Retry::Soon))
            }
        }
    }

    /// Removes the record of a session for which there is no proof, when that is what the operator wants. The session may
    /// live on at the server. Returns whether it was removed: that of a new login is not the one that was meant.
    pub async fn forget(&self, selected: &Stored) -> anyhow::Result<bool> {
        let store = &self.exchanger.store;
        let Some(now) = store.get(Kind::Session, &selected.key).await? else { return Ok(true) };
        if now.value != selected.value && !is_same_session(&now.value, &selected.value) {
            return Ok(false);
        }
        let removed = store.remove(Kind::Session, &[now]).await?;
        Ok(!matches!(removed[..], [Written::Changed]))
    }
}

fn unable(outcome: Outcome) -> Revoked {
    match outcome {
        Outcome::Unknown(why, retry) => Revoked::Unconfirmed(why, retry),
        Outcome::Blocked(why) | Outcome::Gone(why) => Revoked::Failed(why),
        Outcome::Skipped(why) => Revoked::Skipped(why.into_owned()),
        Outcome::Refreshed => Revoked::Failed("unexpectedly refreshed".to_owned()),
    }
}
