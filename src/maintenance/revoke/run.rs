//! Revocation of one session: its newest record under the lock, the proof, and the removal of the
//! record.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::proof::Ending;
use super::revoker::{Revoked, Revoker, unable};
use crate::hashes::fingerprint;
use crate::maintenance::clocks::{is_wrong_clock, wrong_clock};
use crate::maintenance::copies::objection;
use crate::maintenance::present::present;
use crate::maintenance::refresh::{Exchange, Finds, Outcome, look_up_failed};
use crate::maintenance::runner::{Retry, Work};
use crate::oauth::{AuthorizationServer, Skew};
use crate::session::{Relation, Traces};
use crate::store::{EndlessLock, Kind, Lock, Stored, Written};

/// Maximum number of attempts if the app changes the record.
const ROUNDS: u32 = 3;

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
        self.refresher.wind_up(within).await
    }

    async fn confirm(&self) {
        self.refresher.confirm().await;
    }
}

impl Revoker {
    async fn revoke(&self, selected: &Stored) -> Result<Revoked, Revoked> {
        let refresher = &self.refresher;
        refresher.check_store().map_err(unable)?;
        self.check_store_is_current()?;
        let ready = match refresher.check_record(selected).await {
            Ok(ready) => ready,
            Err(outcome) => return Err(unable(outcome)),
        };
        if self.for_absent_users {
            refresher.check_not_behind(selected, &ready, Finds::Heed).await.map_err(unable)?;
        }
        // Tokens are returned to their issuer, even if the account has moved.
        let server = match refresher.parts().network.server(&ready.issuer).await {
            Ok(server) => server,
            Err(error) => return Err(unable(look_up_failed(&error))),
        };
        if self.for_absent_users {
            self.check_clock()?;
        }
        if !server.can_revoke() {
            let why = "the server has no revocation endpoint";
            let why = match self.assessor.ends_by(selected) {
                Some(day) => {
                    format!("{why}; its tokens expire on {day} at the latest unless they are used")
                }
                None => why.to_owned(),
            };
            return Err(Revoked::Unconfirmed(why, Retry::Never));
        }
        if let Err(error) = server.prime_nonce(&refresher.parts().client_id, &ready.dpop_key).await
        {
            return Err(unable(look_up_failed(&error)));
        }
        let lock = match refresher
            .parts()
            .store
            .lock(&ready.lock_name(), refresher.parts().lock_timeout)
            .await
        {
            Ok(Some(lock)) => lock,
            Ok(None) => {
                return Err(Revoked::Unconfirmed(
                    "another process holds its lock".into(),
                    Retry::Soon,
                ));
            }
            Err(error) if error.is::<EndlessLock>() => {
                return Err(Revoked::Unconfirmed(error.to_string(), Retry::Never));
            }
            Err(error) => return Err(self.store_trouble(&error)),
        };
        refresher.store_breaker().works();
        let outcome = self.revoke_locked(selected, &server, &lock).await;
        refresher.give_back(lock, selected).await;
        outcome
    }

    /// Fails if servers report that this machine's clock is wrong, because inactivity depends on
    /// it.
    fn check_clock(&self) -> Result<(), Revoked> {
        match self.refresher.parts().network.skew() {
            Some(Skew { ahead, origin }) if is_wrong_clock(ahead) => {
                Err(Revoked::Failed(format!("not attempted: {}", wrong_clock(ahead, &origin))))
            }
            _ => Ok(()),
        }
    }

    fn check_store_is_current(&self) -> Result<(), Revoked> {
        match self.store_is_behind.get() {
            Some(why) => Err(Revoked::Failed(format!("not attempted: {why}"))),
            None => Ok(()),
        }
    }

    /// Under the lock: reads the current record, revokes its newest token, and proves it.
    async fn revoke_locked(
        &self,
        selected: &Stored,
        server: &Arc<AuthorizationServer>,
        lock: &Lock,
    ) -> Result<Revoked, Revoked> {
        let mut current = self.reread(selected).await?;
        let is_meant = current.value == selected.value || self.is_renewed_by_us(&current);
        if !is_meant && !(self.still_meant)(&current) {
            return Err(Revoked::Skipped(
                "it was refreshed meanwhile and no longer matches the selection".into(),
            ));
        }
        self.check_elsewhere(&current).await?;
        self.check_store_is_current()?;
        let mut last =
            Revoked::Unconfirmed("the server keeps the session alive".to_owned(), Retry::Never);
        for _ in 0..ROUNDS {
            if self.has_ended(&current) {
                return self.remove(&current).await;
            }
            let ready = self.refresher.check_locally(&current).await.map_err(unable)?;
            let exchange = Exchange { stored: &current, ready: &ready, server };
            match self.end(&Ending { exchange, lock }).await {
                Ok(()) => {
                    self.ended
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(fingerprint(&current.value));
                    let removed = self.remove(&current).await;
                    if removed.is_err() {
                        // For later runs, which could not find it out again if the server's words
                        // prove nothing.
                        let earlier = self.refresher.earlier_note(&current).await;
                        let gone = Outcome::Gone(String::new());
                        self.refresher.note(exchange, (&gone, None), earlier).await;
                    }
                    return removed;
                }
                Err(why) => last = why,
            }
            let now = self.reread(selected).await?;
            if now.value == current.value || self.is_renewed_by_us(&now) {
                break;
            }
            current = now;
        }
        Ok(last)
    }

    /// Refuses a session with a copy in another layout, which an app may be using. Copies in this
    /// layout end together, as requested.
    async fn check_elsewhere(&self, current: &Stored) -> Result<(), Revoked> {
        let session = self.refresher.parts().store.layout().session(current);
        let Some(did) = session.ok().and_then(|session| session.did.parse().ok()) else {
            return Ok(());
        };
        match objection(&*self.refresher.parts().store, current, &did).await {
            Ok(Some((Relation::CopyElsewhere, why))) => Err(Revoked::Failed(why)),
            Ok(_) => Ok(()),
            Err(error) => Err(self.store_trouble(&error)),
        }
    }

    /// Returns the current record, if it is of the selected login.
    async fn reread(&self, selected: &Stored) -> Result<Stored, Revoked> {
        match present(&*self.refresher.parts().store, selected).await {
            Ok(Some(now))
                if now.value == selected.value
                    || Traces::are_of_one_login(&now.value, &selected.value) =>
            {
                Ok(now)
            }
            Ok(Some(_)) => Err(Revoked::Skipped("its user logged in again meanwhile".to_owned())),
            Ok(None) => Err(Revoked::Skipped("its record was deleted meanwhile".to_owned())),
            Err(error) => Err(self.store_trouble(&error)),
        }
    }

    /// Checks whether this run has proved that the session of this record has ended.
    fn has_ended(&self, current: &Stored) -> bool {
        self.ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&fingerprint(&current.value))
    }

    fn store_trouble(&self, error: &anyhow::Error) -> Revoked {
        self.refresher.store_breaker().trouble(format_args!("{error:#}"));
        Revoked::Unconfirmed(format!("the store failed: {error:#}"), Retry::Soon)
    }

    async fn remove(&self, current: &Stored) -> Result<Revoked, Revoked> {
        match self
            .refresher
            .parts()
            .store
            .remove(Kind::Session, std::slice::from_ref(current))
            .await
            .as_deref()
        {
            Ok([Written::Changed]) => Ok(Revoked::Skipped(
                "ended, but its record was replaced meanwhile and is kept".to_owned(),
            )),
            Ok(_) => Ok(Revoked::Confirmed),
            Err(error) => Err(Revoked::Unconfirmed(
                format!("ended, but its record could not be removed: {error}"),
                Retry::Soon,
            )),
        }
    }

    /// Removes the record of a session without proof, at the operator's request. The session may
    /// still be alive at the server. Returns false if the record is of a new login and was kept.
    pub async fn forget(&self, selected: &Stored) -> anyhow::Result<bool> {
        let store = &self.refresher.parts().store;
        let Some(now) = present(&**store, selected).await? else { return Ok(true) };
        if now.value != selected.value && !Traces::are_of_one_login(&now.value, &selected.value) {
            return Ok(false);
        }
        let removed = store.remove(Kind::Session, &[now]).await?;
        Ok(!matches!(removed[..], [Written::Changed]))
    }
}
