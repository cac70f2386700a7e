//! Refresh of one session: checks, lock, request, write and notes, in this order.

use std::time::{Duration, Instant};

use tracing::debug;

use super::answer::{SpentBy, no_tokens, refused};
use super::behind::Finds;
use super::outcome::{BUSY_PAUSE, Outcome, kept_back, look_up_failed};
use super::refresher::Refresher;
use super::request::{Asked, CopyCheck, Exchange};
use crate::maintenance::breaker::{Conclusion, Objection, Permit};
use crate::maintenance::runner::{Retry, Work};
use crate::oauth::{Cause, RefreshResponse, TokenSet};
use crate::session::Note;
use crate::store::{EndlessLock, Lock, Stored};

impl Work for Refresher {
    type Outcome = Outcome;

    async fn run(&self, session: &Stored) -> Outcome {
        self.refresh(session).await
    }

    fn retry(outcome: &Outcome) -> Retry {
        match outcome {
            Outcome::Unknown(_, retry) => *retry,
            _ => Retry::Never,
        }
    }

    fn crashed() -> Outcome {
        Outcome::Unknown("oauthctl failed; please report it".to_owned(), Retry::Never)
    }

    async fn wind_up(&self, within: Duration) -> bool {
        self.note_worked_keys().await;
        self.store_all_waiting(within).await
    }

    async fn confirm(&self) {
        self.unconfirmed.confirm_all(&self.parts).await;
    }
}

impl Refresher {
    /// Refreshes one session, given as it was when selected.
    pub async fn refresh(&self, stored: &Stored) -> Outcome {
        let (Ok(outcome) | Err(outcome)) = self.try_refresh(stored).await;
        outcome
    }

    async fn try_refresh(&self, stored: &Stored) -> Result<Outcome, Outcome> {
        let waiting = self.waiting().get(&stored.key).cloned();
        if let Some(waiting) = waiting {
            return Ok(self.store_waiting(&waiting.entry).await);
        }
        self.check_store()?;
        let mut ready = self.check_locally(stored).await?;
        let group = ready.group();
        let (server, pds) = self
            .parts
            .network
            .server_for(&ready.did, &ready.issuer)
            .await
            .map_err(|e| look_up_failed(&e))?;
        ready.audience = Some(format!("{pds}/"));
        let exchange = Exchange { stored, ready: &ready, server: &server };
        let undecided = self.undecided().get(&stored.key).cloned();
        if let Some(refusal) = undecided {
            return Ok(self.decide(exchange, &refusal, self.issuers.has_worked(&group)).await);
        }
        let permit = self.issuers.permit(&group).await.map_err(kept_back)?;
        self.check_store()?;
        self.check_not_behind(stored, &ready, Finds::TolerateOne).await?;
        let mut precedent = None;
        if permit.is_canary() {
            precedent = self.precedent(&ready).await?;
            if let Some(why) = precedent.as_ref().filter(|_| !self.parts.insists) {
                let why =
                    format!("{why} (found by an earlier run; name the session to try it anyway)");
                permit.settle(Conclusion::Misconfigured(why.clone()));
                return Err(kept_back(Objection::Stopped(why.into())));
            }
        }
        if let Err(error) = server.prime_nonce(&self.parts.client_id, &ready.dpop_key).await {
            let wait = error.is_transient().then(|| error.retry_after().unwrap_or(BUSY_PAUSE));
            let outcome = look_up_failed(&error);
            if let (Outcome::Unknown(why, _), Some(wait)) = (&outcome, wait) {
                permit.settle(Conclusion::Busy(why.clone(), wait));
            }
            return Err(outcome);
        }
        let lock = match self.parts.store.lock(&ready.lock_name(), self.parts.lock_timeout).await {
            Ok(Some(lock)) => lock,
            Ok(None) => return Err(Outcome::Skipped("another process holds its lock".into())),
            // Not a fault of the store. Other sessions can be refreshed.
            Err(error) if error.is::<EndlessLock>() => {
                return Err(Outcome::Unknown(error.to_string(), Retry::Never));
            }
            Err(error) => return Err(self.store_trouble("cannot take the lock", &error)),
        };
        self.store_breaker.works();
        let ((outcome, conclusion, tokens), earlier) = match permit.objection() {
            Some(objection) => ((kept_back(objection), Conclusion::Nothing, None), Note::default()),
            // Both are read under the lock, concurrently.
            None => {
                tokio::join!(
                    self.refresh_locked(exchange, &lock, &permit),
                    self.earlier_note(stored)
                )
            }
        };
        if self.store_breaker.fails() {
            self.give_back(lock, stored).await;
            permit.settle(conclusion);
            return Ok(outcome);
        }
        // The next holder of the lock finds the note.
        let noted = self.note(exchange, (&outcome, tokens.as_deref()), earlier);
        tokio::join!(noted, self.give_back(lock, stored));
        // Before waiting sessions are admitted, so that other processes know of it.
        match &conclusion {
            Conclusion::Misconfigured(why) => self.set_precedent(&ready, why).await,
            Conclusion::Behind(_) => self.set_behind(&ready).await,
            Conclusion::Works if precedent.is_some() => self.lift_precedent(&ready).await,
            _ => {}
        }
        permit.settle(conclusion);
        Ok(outcome)
    }

    /// Releases the lock, unless the new tokens are only on disk: the next holder of the lock would
    /// send the used token. An expired lock cannot be released.
    pub(in crate::maintenance) async fn give_back(&self, lock: Lock, stored: &Stored) {
        if self.waiting().contains_key(&stored.key) {
            lock.abandon_until_ttl();
        } else if self.store_breaker.fails() {
            // Released in the background, because an unreachable store would delay the run.
            drop(lock);
        } else if let Err(error) = lock.release().await {
            self.store_breaker.trouble(format_args!("{error:#}"));
        }
    }

    /// Under the lock: reads again, sends one request, and writes.
    async fn refresh_locked(
        &self,
        exchange: Exchange<'_>,
        lock: &Lock,
        permit: &Permit,
    ) -> (Outcome, Conclusion, Option<Box<TokenSet>>) {
        let asked = match self.ask(exchange, lock, CopyCheck::Before).await {
            Ok(asked) => asked,
            Err(outcome) => return (outcome, Conclusion::Nothing, None),
        };
        let is_conclusive = asked.is_conclusive();
        let result = self.conclude(exchange, lock, permit, asked).await;
        if is_conclusive {
            self.parts.recovery.sent.settled(&exchange.ready.refresh_token);
        }
        result
    }

    /// Processes the server's answer.
    async fn conclude(
        &self,
        exchange: Exchange<'_>,
        lock: &Lock,
        permit: &Permit,
        asked: Asked,
    ) -> (Outcome, Conclusion, Option<Box<TokenSet>>) {
        let Exchange { stored, ready, .. } = exchange;
        match asked.answer {
            RefreshResponse::Refreshed(tokens) => {
                let answered = Instant::now();
                let outcome = self.write_back(exchange, &tokens, None).await;
                let write = answered.elapsed();
                debug!(
                    "{}: stored {:.1} ms after the answer",
                    ready.did,
                    write.as_secs_f64() * 1e3
                );
                self.longest.note(&*self.parts.store, write, lock.held()).await;
                (outcome, Conclusion::Works, Some(Box::new(tokens)))
            }
            RefreshResponse::Unacceptable { why, tokens } => {
                if let Some(tokens) = tokens {
                    self.revoke(exchange, &tokens).await;
                }
                let why = format!("the server's answer is unusable: {why}");
                (Outcome::Unknown(why.clone(), Retry::Never), Conclusion::OutOfStep(why), None)
            }
            RefreshResponse::Refused(refusal) => {
                // Read from the disk only for sessions that are gone.
                let spent_by = || {
                    if asked.answer_was_lost {
                        SpentBy::ThisRun
                    } else if self.parts.recovery.sent.was_cut_off(&ready.refresh_token) {
                        SpentBy::EarlierRun
                    } else {
                        SpentBy::Unknown
                    }
                };
                let (outcome, conclusion) = refused(ready, &refusal, spent_by, permit.has_worked());
                if matches!(
                    (&outcome, refusal.meaning().0),
                    (Outcome::Unknown(..), Cause::EndedOrConfiguration)
                ) {
                    self.undecided().insert(stored.key.clone(), refusal);
                }
                (outcome, conclusion, None)
            }
            answer => {
                let (outcome, conclusion) = no_tokens(answer);
                (outcome, conclusion, None)
            }
        }
    }
}
