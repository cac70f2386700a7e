//! Ending sessions at the server, with proof, and then removing their records.
//!
//! A 200 from the revocation endpoint proves nothing. What proves it: a refresh with the same token is refused.

use std::time::Duration;

use serde::Serialize;

use super::exchange::{Exchanger, Ready, is_same_session, time_for_request, too_little_time};
use super::outcome::{NONCES, Outcome, Retry, chain, look_up_failed};
use super::present::present;
use super::runner::Work;
use crate::oauth::{AuthorizationServer, Exchange, Revocation, Revoke, TokenSet};
use crate::store::{Kind, Lock, Stored, Written};

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
    /// Not proved, and its record removed all the same because that was asked for: the session may live on.
    Forgotten(String),
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
    /// [`Revoked::Forgotten`]
    pub forgotten: u64,
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
            Revoked::Forgotten(_) => &mut self.forgotten,
            Revoked::Skipped(_) => &mut self.skipped,
        } += 1;
    }
}

impl Work for Revoker {
    type Outcome = Revoked;

    async fn run(&self, session: &Stored) -> Revoked {
        let (Ok(outcome) | Err(outcome)) = self.revoke(session).await;
        outcome
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

    async fn wind_up(&self, within: Duration) -> bool {
        self.exchanger.store_all_waiting(within).await
    }
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
            Err(error) => return Err(unable(look_up_failed(&error))),
        };
        if !server.can_revoke() {
            return Err(Revoked::Failed("the server has no revocation endpoint".to_owned()));
        }
        if let Err(error) = server.prepare(&exchanger.client_id, &ready.dpop_key).await {
            return Err(unable(look_up_failed(&error)));
        }
        let lock = match exchanger.store.lock(&ready.did, exchanger.lock_timeout).await {
            Ok(Some(lock)) => lock,
            Ok(None) => return Err(Revoked::Unconfirmed("somebody else holds the lock on it".into(), Retry::Soon)),
            Err(error) => return Err(self.store_trouble(&error)),
        };
        exchanger.health.works();
        let outcome = self.revoke_locked(selected, &server, &lock).await;
        exchanger.give_back(lock, selected).await;
        outcome
    }

    /// Under the lock: the record as it is now, its newest token revoked, and the proof.
    async fn revoke_locked(
        &self,
        selected: &Stored,
        server: &AuthorizationServer,
        lock: &Lock,
    ) -> Result<Revoked, Revoked> {
        let mut current = self.reread(selected).await?;
        if current.value != selected.value && !(self.still_meant)(&current) {
            return Err(Revoked::Skipped("it was refreshed meanwhile, and is not among those meant any more".into()));
        }
        let mut last = Revoked::Unconfirmed("the server keeps the session alive".to_owned(), Retry::Never);
        for _ in 0..ROUNDS {
            let ready = self.exchanger.check_locally(&current).await.map_err(unable)?;
            match self.end(&current, &ready, server, lock).await {
                Ok(()) => return self.remove(&current).await,
                Err(why) => last = why,
            }
            let now = self.reread(selected).await?;
            if now.value == current.value {
                break;
            }
            current = now;
        }
        Ok(last)
    }

    /// The record as it is now, where it is of the login that was selected.
    async fn reread(&self, selected: &Stored) -> Result<Stored, Revoked> {
        match present(&*self.exchanger.store, selected).await {
            Ok(Some(now)) if now.value == selected.value || is_same_session(&now.value, &selected.value) => Ok(now),
            Ok(Some(_)) => Err(Revoked::Skipped("its user has logged in anew meanwhile".to_owned())),
            Ok(None) => Err(Revoked::Skipped("its record was deleted meanwhile".to_owned())),
            Err(error) => Err(self.store_trouble(&error)),
        }
    }

    fn store_trouble(&self, error: &anyhow::Error) -> Revoked {
        self.exchanger.health.trouble();
        Revoked::Unconfirmed(format!("the store failed: {error:#}"), Retry::Soon)
    }

    /// Revokes, then tries whether the token is refused. The error says why there is no proof of it, and the record may be
    /// another by then.
    async fn end(
        &self,
        current: &Stored,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        lock: &Lock,
    ) -> Result<(), Revoked> {
        let doubt = self.ask_to_revoke(ready, server, lock).await?;
        let asked = self.exchanger.ask(current, ready, server, lock).await.map_err(unable)?;
        let unconfirmed = |why: String, retry| Err(Revoked::Unconfirmed(doubt.clone().unwrap_or(why), retry));
        match asked.answer {
            Exchange::InvalidGrant { session_lives: false, .. } => Ok(()),
            Exchange::Refreshed(tokens) => {
                self.keep_alive(current, ready, server, &tokens).await;
                unconfirmed("the server keeps the session alive".to_owned(), Retry::Never)
            }
            Exchange::Unacceptable { why, tokens } => {
                if let Some(tokens) = tokens {
                    self.exchanger.revoke(ready, server, &tokens).await;
                }
                unconfirmed(format!("the proof's answer is of no use: {why}"), Retry::Never)
            }
            Exchange::InvalidClient(refusal) => Err(Revoked::Failed(ready.client_refused(&refusal))),
            Exchange::InvalidGrant { refusal, .. } | Exchange::Refused(refusal) => {
                Err(Revoked::Failed(refusal.to_string()))
            }
            Exchange::UseNonce(_) => unconfirmed(NONCES.to_owned(), Retry::Soon),
            Exchange::AnswerLost(error) => {
                unconfirmed(format!("the proof's answer was lost: {}", chain(&error)), Retry::Soon)
            }
            Exchange::NotSent(error) => unconfirmed(format!("the proof was not sent: {}", chain(&error)), Retry::Soon),
            Exchange::TryLater { status, retry_after } => unconfirmed(
                format!("the proof was answered with status {status}"),
                retry_after.map_or(Retry::Soon, Retry::After),
            ),
        }
    }

    /// A proof that succeeds has made new tokens. The session lives on with them, as one that we have refreshed and not
    /// its user.
    async fn keep_alive(&self, current: &Stored, ready: &Ready<'_>, server: &AuthorizationServer, tokens: &TokenSet) {
        let outcome = self.exchanger.write_back(current, ready, server, tokens).await;
        let earlier = self.exchanger.earlier_note(current).await;
        self.exchanger.note(current, ready, &outcome, Some(tokens), earlier).await;
    }

    /// Sends the revocation. Returns what speaks against its having worked, where a proof is worth while all the same; the
    /// error says that nothing has come of it yet. A proof would then only renew the session.
    async fn ask_to_revoke(
        &self,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        lock: &Lock,
    ) -> Result<Option<String>, Revoked> {
        let later = |why: String| Err(Revoked::Unconfirmed(why, Retry::Soon));
        // Half of the time is for the proof.
        let within = time_for_request(lock).ok_or_else(|| unable(too_little_time()))? / 2;
        let revocation = server.revoke(Revoke {
            credentials: self.exchanger.credentials(ready),
            dpop_key: &ready.dpop_key,
            token: &ready.refresh_token,
            within,
        });
        match revocation.await {
            Revocation::UseNonce(_) => later(NONCES.to_owned()),
            Revocation::Accepted => Ok(None),
            Revocation::Unsupported => Ok(Some("the server has no revocation endpoint".to_owned())),
            Revocation::Refused(refusal) => Ok(Some(refusal.to_string())),
            Revocation::AnswerLost(error) => Ok(Some(chain(&error))),
            Revocation::TryLater { status } => later(format!("the server answered with status {status}")),
            Revocation::NotSent(error) => later(chain(&error)),
        }
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
        let Some(now) = present(&**store, selected).await? else { return Ok(true) };
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
