//! What an exchange has brought goes into the store, or onto the disk until the store takes it:
//! from the server's answer on, the old tokens are worthless.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use zeroize::Zeroizing;

use super::outcome::Outcome;
use super::preflight::Ready;
use super::refresher::{Refresher, Waiting};
use crate::error::{Failure, failed};
use crate::jose::{ClientKey, Kid};
use crate::maintenance::present::present;
use crate::maintenance::recovery::Recovered;
use crate::maintenance::runner::Retry;
use crate::maintenance::settle::settle;
use crate::oauth::{AuthorizationServer, TokenSet};
use crate::session::{Session, Traces};
use crate::store::{Durability, Stored, Written};

/// A write that takes longer has the tokens put into the recovery directory meanwhile.
const SHORTLY: Duration = Duration::from_secs(2);
/// For how long to go on trying to write, when the tokens are there.
const STORE_PATIENCE: Duration = Duration::from_secs(1);
/// When neither the store nor the recovery directory can be written: for how long to go on trying.
const LAST_RESORT: Duration = Duration::from_mins(1);

/// What the recovery directory has of one exchange.
struct Kept {
    entry: Result<PathBuf, Failure>,
    /// The store has it, too, and a fail-over may undo that.
    is_unconfirmed: bool,
    /// The first failure of the store.
    cause: Option<String>,
}

impl Refresher {
    /// Stores the new tokens over exactly the record that was exchanged. From here on nothing may
    /// be lost: the old tokens are worthless. While the store gives no answer, they are in the
    /// recovery directory. `entry` is the one under which tokens of this session are there
    /// already.
    pub(in crate::maintenance) async fn write_back(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        tokens: &TokenSet,
        entry: Option<PathBuf>,
    ) -> Outcome {
        let mut kept = Kept {
            entry: entry.ok_or_else(|| failed("there was no time to")),
            is_unconfirmed: false,
            cause: None,
        };
        let outcome = self.try_to_write(stored, ready, server, tokens, &mut kept).await;
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
                    // A fail-over would cost every further session.
                    self.store_breaker.fail(error);
                }
                outcome
            }
            (None, Ok(entry)) => {
                let outcome = waits(&entry, Retry::Soon);
                self.waiting().insert(stored.key.clone(), Waiting { entry, since: Instant::now() });
                outcome
            }
            (None, Err(error)) => {
                let why =
                    format!("refreshed, but its tokens could not be stored anywhere: {error}");
                Outcome::Unknown(why, Retry::Never)
            }
        }
    }

    /// Tries once more to store tokens that wait. A store that comes back must have them before the
    /// app uses the old ones.
    pub(super) async fn store_waiting(&self, entry: &Path) -> Outcome {
        if !entry.exists() {
            return Outcome::Skipped("another run has taken care of its new tokens".into());
        }
        let entries = vec![entry.to_owned()];
        let Ok(mut settled) = settle(
            &self.parts.recovery,
            &*self.parts.store,
            &self.parts.store_id,
            self.parts.clock.now(),
            entries,
        )
        .await
        else {
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
                Outcome::Skipped("somebody else refreshed it meanwhile".into())
            }
            Some((_, Ok(Some((_, Recovered::Pending | Recovered::Orphaned)) | None))) => {
                waits(entry, Retry::Never)
            }
            Some((_, Err(_))) | None => waits(entry, Retry::Soon),
        }
    }

    /// Tries once more to store all tokens that wait, and have for less than `within`. Whether some
    /// still do.
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

    /// None when the store cannot be written.
    async fn try_to_write(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        tokens: &TokenSet,
        kept: &mut Kept,
    ) -> Option<Outcome> {
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
                    let tokens = self.revoke(ready, server, tokens).await;
                    return Some(Outcome::Skipped(
                        format!("it was deleted meanwhile; {tokens}").into(),
                    ));
                }
                Ok(Written::Changed) => match present(&*self.parts.store, stored).await {
                    // By an attempt of ours of which nobody heard.
                    Ok(Some(now)) if now.value == *new => {
                        kept.is_unconfirmed = kept.entry.is_ok();
                        return Some(Outcome::Refreshed);
                    }
                    // Somebody touched the record but not its tokens: theirs are the ones just used
                    // up.
                    Ok(Some(now)) if holds(&now.value, &ready.refresh_token) => {
                        new = renewed(&now.value)?;
                        expected = now;
                    }
                    // Tokens of the very same session: revoking ours would end theirs.
                    Ok(Some(now)) if Traces::are_of_one_login(&now.value, &stored.value) => {
                        return Some(Outcome::Skipped(
                            "somebody else refreshed it meanwhile".into(),
                        ));
                    }
                    Ok(_) => {
                        let tokens = self.revoke(ready, server, tokens).await;
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
                // Neither the store nor the disk: there is nothing better to do than to go on
                // trying both.
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
        // The app may have written the record anew in another format.
        let format = Session::read(value).map_or(ready.format, |session| session.format);
        format.renew(value, &renewal).ok()
    }

    /// Keeps new tokens on disk before anything else is done with them.
    pub(in crate::maintenance) fn keep_tokens(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        tokens: &TokenSet,
    ) -> Result<PathBuf, Failure> {
        let new = self
            .renewed(&stored.value, ready, tokens)
            .ok_or_else(|| failed("its record cannot be read"))?;
        self.parts.recovery.keep(&self.parts.store_id, &stored.key, &stored.value, &new)
    }

    /// Keeps the tokens on disk, unless they are there.
    fn keep(&self, stored: &Stored, new: &[u8], kept: &mut Kept) {
        if kept.entry.is_err() {
            kept.entry =
                self.parts.recovery.keep(&self.parts.store_id, &stored.key, &stored.value, new);
        }
    }
}

/// What there is to say of tokens that only the recovery directory has.
fn waits(entry: &Path, retry: Retry) -> Outcome {
    let why = format!(
        "refreshed, but the store could not be written; its tokens wait in {}",
        entry.display()
    );
    Outcome::Unknown(why, retry)
}

fn holds(value: &[u8], refresh_token: &str) -> bool {
    Traces::refresh_token(value).is_some_and(|token| *token == refresh_token)
}
