//! Persists new tokens: to the store, else to the recovery directory. The old tokens are invalid as
//! soon as the server has answered.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use zeroize::Zeroizing;

use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::{Refresher, Waiting};
use super::request::Exchange;
use crate::error::{Failure, failed};
use crate::jose::{ClientKey, Kid};
use crate::maintenance::present::present;
use crate::maintenance::recovery::Recovered;
use crate::maintenance::runner::Retry;
use crate::oauth::TokenSet;
use crate::secret::Secret;
use crate::session::{Session, Traces};
use crate::store::{Durability, Stored, Written};

/// Duration of a write after which the tokens are also put into the recovery directory.
const SHORTLY: Duration = Duration::from_secs(2);
/// Time for retries of a write once the tokens are in the recovery directory.
const STORE_PATIENCE: Duration = Duration::from_secs(1);
/// Time for retries if neither the store nor the recovery directory is writable.
const LAST_RESORT: Duration = Duration::from_mins(1);

/// Recovery entry of one refresh.
struct Kept {
    entry: Result<PathBuf, Failure>,
    /// True if the store has it, too, but may lose it in a failover.
    is_unconfirmed: bool,
    /// First failure of the store.
    cause: Option<String>,
}

impl Refresher {
    /// Stores the new tokens over the unchanged record. Nothing may be lost from here on, because
    /// the old tokens are invalid. While the store does not answer, the new tokens are in the
    /// recovery directory. `entry` is an existing entry of this session.
    pub(in crate::maintenance) async fn write_back(
        &self,
        exchange: Exchange<'_>,
        tokens: &TokenSet,
        entry: Option<PathBuf>,
    ) -> Outcome {
        let mut kept = Kept {
            entry: entry.ok_or_else(|| failed("there was no time for it")),
            is_unconfirmed: false,
            cause: None,
        };
        let outcome = self.try_to_write(exchange, tokens, &mut kept).await;
        if outcome.is_none() {
            self.store_breaker
                .fail(kept.cause.as_deref().unwrap_or("the tokens could not be written"));
        }
        match (outcome, kept.entry) {
            (Some(outcome), Ok(entry)) if kept.is_unconfirmed => {
                self.unconfirmed.add(entry);
                self.unconfirmed.heed_disturbances(&self.parts, &self.store_breaker).await;
                outcome
            }
            (Some(outcome), Ok(entry)) => {
                self.parts.recovery.discard(&entry);
                outcome
            }
            (Some(outcome), Err(error)) => {
                if kept.is_unconfirmed {
                    // Each further session could be lost in a failover.
                    self.store_breaker.fail(error);
                }
                outcome
            }
            (None, Ok(entry)) => {
                let outcome = waits(&entry, Retry::Soon);
                self.waiting()
                    .insert(exchange.stored.key.clone(), Waiting { entry, since: Instant::now() });
                outcome
            }
            (None, Err(error)) => {
                let why =
                    format!("refreshed, but its tokens could not be stored anywhere: {error}");
                Outcome::Unknown(why, Retry::Never)
            }
        }
    }

    /// Retries to store tokens from the recovery directory. A store that recovers must get them
    /// before the app uses the old ones.
    pub(super) async fn store_waiting(&self, entry: &Path) -> Outcome {
        if !entry.exists() {
            return Outcome::Skipped("another run has stored its new tokens".into());
        }
        let entries = vec![entry.to_owned()];
        let Ok(mut settled) = self.parts.settler().settle(entries).await else {
            return waits(entry, Retry::Soon);
        };
        match settled.entries.pop() {
            Some((_, Ok(Some((_, Recovered::Applied | Recovered::Present))))) => {
                if settled.durability != Durability::Durable {
                    self.unconfirmed.add(entry.to_owned());
                }
                Outcome::Refreshed
            }
            Some((_, Ok(Some((_, Recovered::Superseded))))) => {
                Outcome::Skipped("another process refreshed it meanwhile".into())
            }
            Some((_, Ok(Some((_, Recovered::Pending | Recovered::Orphaned)) | None))) => {
                waits(entry, Retry::Never)
            }
            Some((_, Err(_))) | None => waits(entry, Retry::Soon),
        }
    }

    /// Retries to store all tokens that have waited for less than `within`. Returns whether some
    /// still wait.
    pub async fn store_all_waiting(&self, within: Duration) -> bool {
        let all: Vec<_> =
            self.waiting().iter().map(|(key, waiting)| (key.clone(), waiting.clone())).collect();
        let mut some_wait = false;
        for (key, Waiting { entry, since }) in all {
            if since.elapsed() >= within {
                continue;
            }
            if matches!(self.store_waiting(&entry).await, Outcome::Unknown(_, Retry::Soon)) {
                some_wait = true;
            } else {
                self.waiting().remove(&key);
            }
        }
        some_wait
    }

    /// Makes one attempt. Returns `None` if the store cannot be written.
    async fn try_to_write(
        &self,
        exchange: Exchange<'_>,
        tokens: &TokenSet,
        kept: &mut Kept,
    ) -> Option<Outcome> {
        let Exchange { stored, ready, .. } = exchange;
        let renewed = |value: &[u8]| self.renewed(value, ready, tokens);
        let mut expected = stored.clone();
        let mut new = renewed(&expected.value)?;
        let begun = Instant::now();
        let mut failures = 0;
        loop {
            let written = {
                let mut writing = self.parts.store.replace(&expected, &new);
                if let Ok(written) = timeout(SHORTLY, writing.as_mut()).await {
                    written
                } else {
                    self.keep(stored, &new, kept);
                    writing.await
                }
            };
            match written {
                Ok(Written::Done) => return Some(Outcome::Refreshed),
                Ok(Written::Unconfirmed) => {
                    if kept.entry.is_err() {
                        let id = &self.parts.store_id;
                        kept.entry =
                            self.parts.recovery.keep_beside(id, &stored.key, &stored.value, &new);
                    }
                    kept.is_unconfirmed = true;
                    return Some(Outcome::Refreshed);
                }
                Ok(Written::Gone) => {
                    let tokens = self.revoke(exchange, tokens).await;
                    return Some(Outcome::Skipped(
                        format!("it was deleted meanwhile; {tokens}").into(),
                    ));
                }
                Ok(Written::Changed) => match present(&*self.parts.store, stored).await {
                    // Written by an earlier attempt without an answer.
                    Ok(Some(now)) if now.value == *new => {
                        kept.is_unconfirmed = kept.entry.is_ok();
                        return Some(Outcome::Refreshed);
                    }
                    // The record was changed, but not its tokens, which are the ones just used.
                    Ok(Some(now)) if holds(&now.value, &ready.refresh_token) => {
                        new = renewed(&now.value)?;
                        expected = now;
                    }
                    // Tokens of the same session: revoking the new ones would end it.
                    Ok(Some(now)) if Traces::are_of_one_login(&now.value, &stored.value) => {
                        return Some(Outcome::Skipped(
                            "another process refreshed it meanwhile".into(),
                        ));
                    }
                    Ok(_) => {
                        let tokens = self.revoke(exchange, tokens).await;
                        return Some(Outcome::Skipped(
                            format!("it was replaced meanwhile; {tokens}").into(),
                        ));
                    }
                    Err(error) => {
                        failures += 1;
                        kept.cause.get_or_insert_with(|| format!("{error:#}"));
                    }
                },
                Err(error) => {
                    failures += 1;
                    kept.cause.get_or_insert_with(|| format!("{error:#}"));
                }
            }
            if failures > 0 {
                self.keep(stored, &new, kept);
                // Neither the store nor the disk is writable. All that remains is to retry both.
                let patience = if kept.entry.is_ok() { STORE_PATIENCE } else { LAST_RESORT };
                if begun.elapsed() > patience {
                    return None;
                }
                tokio::time::sleep(Duration::from_millis(100 << failures.min(4))).await;
            }
        }
    }

    fn renewed(
        &self,
        value: &[u8],
        ready: &Ready<'_>,
        tokens: &TokenSet,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let new_key = ready.client_key.and_then(ClientKey::kid).filter(|_| ready.is_new_to_key);
        let renewal = tokens.renewal(
            ready.audience.as_deref(),
            new_key.map(Kid::as_str),
            self.parts.clock.now(),
        );
        // The app may have rewritten the record in another format.
        let format = Session::read(value).map_or(ready.format, |session| session.format);
        format.renew(value, &renewal).ok()
    }

    /// Puts new tokens on disk before anything else is done with them.
    pub(in crate::maintenance) fn keep_tokens(
        &self,
        exchange: Exchange<'_>,
        tokens: &TokenSet,
    ) -> Result<PathBuf, Failure> {
        let Exchange { stored, ready, .. } = exchange;
        let new = self
            .renewed(&stored.value, ready, tokens)
            .ok_or_else(|| failed("its record cannot be read"))?;
        self.parts.recovery.keep(&self.parts.store_id, &stored.key, &stored.value, &new)
    }

    /// Puts the tokens on disk, unless they are already there.
    fn keep(&self, stored: &Stored, new: &[u8], kept: &mut Kept) {
        if kept.entry.is_err() {
            kept.entry =
                self.parts.recovery.keep(&self.parts.store_id, &stored.key, &stored.value, new);
        }
    }
}

/// Returns the outcome for tokens that only the recovery directory has.
fn waits(entry: &Path, retry: Retry) -> Outcome {
    let why = format!(
        "refreshed, but the store could not be written; its new tokens are in {}",
        entry.display()
    );
    Outcome::Unknown(why, retry)
}

fn holds(value: &[u8], refresh_token: &Secret<'_>) -> bool {
    Traces::refresh_token(value).is_some_and(|token| token == *refresh_token)
}
