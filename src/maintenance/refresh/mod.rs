//! One session exchanged: its refresh token for new tokens, stored before anybody else can use the old ones.
//!
//! The order is the product's promise (see the README, "How a session is refreshed"): everything that can be checked
//! without risk comes before the lock; under the lock there is one reading, one request and one conditional write.

mod history;
mod outcome;
mod unconfirmed;
mod write_back;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::outcome::{BUSY_PAUSE, kept_back, no_tokens, refused};
use super::assess::{Judge, NEWER_TOKENS_WAIT};
use super::behind::KnownBehind;
use super::breaker::Health;
use super::breaker::{Canaries, Group, Leave, Objection, Verdict};
use super::copies::objection;
use super::known_keys::WorkedKey;
use super::present::present;
use super::recovery::Recovery;
use crate::jose::{ClientKey, DpopKey, KeySet, Kid};
use crate::oauth::{
    Auth, AuthorizationServer, Cause, Clock, Credentials, Exchange, MAX_NONCE_RETRIES, Network, Refresh, Refusal,
    Revocation, Revoke, TokenSet,
};
use crate::session::{AuthMethod, Did, Format, Malformed, NO_CLIENT_AUTH, NO_REFRESH_TOKEN, Note, Status};
use crate::store::{EndlessLock, Lock, RecordKey, Store, StoreId, Stored};

pub(super) use history::NOTE_LIFETIME;
pub use outcome::Outcome;
pub(super) use outcome::{NONCES, Retry, chain, look_up_failed};
pub use unconfirmed::{Left, Unconfirmed};

/// Of a lock's time to live, so much is left for writing the new tokens back.
const WRITE_RESERVE: Duration = Duration::from_secs(4);
/// No exchange is given longer than this, however long the lock lives.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(20);
/// An exchange that has less time than this is not begun.
const SHORTEST_EXCHANGE: Duration = Duration::from_millis(500);

/// Which client key speaks for the sessions.
#[derive(Clone, Debug)]
pub enum Binding {
    /// The one that each record names.
    Recorded,
    /// This one, to which sessions of the formerly public client are bound from now on. Others are left alone.
    Upgrade(Kid),
    /// The one that each record names; for sessions of the formerly public client this one. A server that knows the client
    /// as a confidential one wants an assertion for those, too.
    RecordedOr(Kid),
}

/// What every exchange of a run needs.
pub struct Exchanger {
    /// Where the sessions are.
    pub store: Arc<dyn Store>,
    /// The store's address, without secrets.
    pub store_id: StoreId,
    /// The servers.
    pub network: Arc<Network>,
    /// The app's keys.
    pub keys: KeySet,
    /// Which of them speaks.
    pub binding: Binding,
    /// The app's `client_id`.
    pub client_id: String,
    /// Where tokens go that cannot be stored.
    pub recovery: Recovery,
    /// How long to wait for the lock on a session.
    pub lock_timeout: Duration,
    /// The time.
    pub clock: Clock,
    /// Groups of sessions that stand or fall together.
    pub canaries: Canaries,
    /// Tells what can be known of a session without asking its server.
    pub judge: Judge,
    /// Keys that have worked in this run and are not noted yet, by issuer and kid.
    pub worked_keys: Mutex<HashMap<(String, Kid), WorkedKey>>,
    /// The names of the notes that are the same for all sessions and were written in this run.
    pub noted: Mutex<HashSet<String>>,
    /// Whether the store is worth asking.
    pub health: Health,
    /// This run's exchanges whose tokens the store has not taken yet, by their sessions' keys.
    pub waiting: Mutex<HashMap<RecordKey, Waiting>>,
    /// Refusals of this run that say either that the session has ended or that the configuration is wrong, until one session
    /// of the group has worked. At most as many as stop a group.
    pub undecided: Mutex<HashMap<RecordKey, Refusal>>,
    /// New tokens that the store has, and that a fail-over may still undo.
    pub unconfirmed: Arc<Unconfirmed>,
    /// Groups of which an earlier run has found the store behind.
    pub behind: KnownBehind,
    /// Whether to try what has cost a session before: the operator has named whose session it may cost this time.
    pub insists: bool,
}

/// New tokens that only the recovery directory has.
#[derive(Clone)]
pub struct Waiting {
    /// Their recovery entry.
    pub(super) entry: PathBuf,
    /// Since when they wait.
    pub(super) since: Instant,
}

/// A session that passed every check that needs no network.
pub(super) struct Ready<'k> {
    /// Format of the record.
    pub(super) format: &'static dyn Format,
    pub did: Did,
    pub issuer: String,
    /// URL of the PDS as client libraries store it, once it was resolved.
    pub(super) audience: Option<String>,
    pub refresh_token: zeroize::Zeroizing<String>,
    pub dpop_key: DpopKey,
    pub client_key: Option<&'k ClientKey>,
    /// Whether the record does not name this key yet.
    pub(super) is_new_to_key: bool,
    /// Where newer tokens of it would wait.
    entry: PathBuf,
}

/// Whether other records of the account are looked at before a token is sent.
#[derive(Clone, Copy)]
pub(super) enum CopyCheck {
    Before,
    /// Somebody has decided about them.
    Done,
}

/// What came of a request for new tokens.
pub(super) struct Asked {
    pub answer: Exchange,
    /// The request was made twice: the answer to the first was lost.
    pub answer_was_lost: bool,
}

impl Exchanger {
    /// Exchanges one session, as it was when it was selected.
    pub async fn exchange(&self, stored: &Stored) -> Outcome {
        let (Ok(outcome) | Err(outcome)) = self.try_exchange(stored).await;
        outcome
    }

    async fn try_exchange(&self, stored: &Stored) -> Result<Outcome, Outcome> {
        let waiting = self.waiting().get(&stored.key).cloned();
        if let Some(waiting) = waiting {
            return Ok(self.store_waiting(&waiting.entry).await);
        }
        self.check_store()?;
        let mut ready = self.check_locally(stored).await?;
        let group = ready.group();
        let (server, pds) = self.network.server_for(&ready.did, &ready.issuer).await.map_err(|e| look_up_failed(&e))?;
        ready.audience = Some(format!("{pds}/"));
        if let Some(refusal) = self.undecided(stored) {
            return Ok(self.decide(stored, &ready, &server, &refusal, self.canaries.has_worked(&group)).await);
        }
        let leave = self.canaries.permit(&group).await.map_err(kept_back)?;
        self.check_store()?;
        self.check_not_behind(stored, &ready).await?;
        let mut precedent = None;
        if leave.is_canary() {
            precedent = self.precedent(&ready).await?;
            if let Some(why) = precedent.as_ref().filter(|_| !self.insists) {
                let why =
                    format!("{why} (as an earlier run has found; it is tried all the same where you name the session)");
                leave.settle(Verdict::Misconfigured(why.clone()));
                return Err(kept_back(Objection::Stopped(why.into())));
            }
        }
        if let Err(error) = server.prepare(&self.client_id, &ready.dpop_key).await {
            let wait = error.is_transient().then(|| error.retry_after().unwrap_or(BUSY_PAUSE));
            let outcome = look_up_failed(&error);
            if let (Outcome::Unknown(why, _), Some(wait)) = (&outcome, wait) {
                leave.settle(Verdict::Busy(why.clone(), wait));
            }
            return Err(outcome);
        }
        let lock = match self.store.lock(&ready.did, self.lock_timeout).await {
            Ok(Some(lock)) => lock,
            Ok(None) => return Err(Outcome::Skipped("somebody else holds the lock on it".into())),
            // No fault of the store: others can be refreshed.
            Err(error) if error.is::<EndlessLock>() => return Err(Outcome::Unknown(error.to_string(), Retry::Never)),
            Err(error) => return Err(self.store_trouble("cannot take the lock", &error)),
        };
        self.health.works();
        let ((outcome, verdict, tokens), earlier) = match leave.objection() {
            Some(objection) => ((kept_back(objection), Verdict::Nothing, None), Note::default()),
            // Both read once the lock is ours, in one go.
            None => {
                tokio::join!(self.exchange_locked(stored, &ready, &server, &lock, &leave), self.earlier_note(stored))
            }
        };
        if self.health.fails() {
            self.give_back(lock, stored).await;
            leave.settle(verdict);
            return Ok(outcome);
        }
        // Whoever takes the lock next finds the note.
        let noted = self.note(stored, &ready, &server, (&outcome, tokens.as_deref()), earlier);
        tokio::join!(noted, self.give_back(lock, stored));
        // Before the others go, so that no other process need find it out once more.
        match &verdict {
            Verdict::Misconfigured(why) => self.set_precedent(&ready, why).await,
            Verdict::Behind(_) => self.set_behind(&ready).await,
            Verdict::Works if precedent.is_some() => self.lift_precedent(&ready).await,
            _ => {}
        }
        leave.settle(verdict);
        Ok(outcome)
    }

    /// Gives the lock back: but not while the new tokens are nowhere but on the disk, for whoever took the lock then would
    /// send the used-up one. One that ran out is no longer ours to give back.
    pub(super) async fn give_back(&self, lock: Lock, stored: &Stored) {
        if self.waiting().contains_key(&stored.key) {
            lock.leave();
        } else if self.health.fails() {
            // In the background: a store that is gone would have us wait.
            drop(lock);
        } else if let Err(error) = lock.release().await {
            self.health.trouble(format_args!("{error:#}"));
        }
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, HashMap<RecordKey, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that can be known to be wrong without asking anybody. A request with the wrong key, the wrong DPoP
    /// key or under the wrong `client_id` would destroy the session.
    pub(super) async fn check_locally(&self, stored: &Stored) -> Result<Ready<'_>, Outcome> {
        let ready = self.check_record(stored).await?;
        if let Err(outcome) = check_recovery(&ready.entry) {
            // Where the store has the new ones, too, they only wait to be confirmed.
            self.check_unchanged(stored).await?;
            return Err(outcome);
        }
        Ok(ready)
    }

    /// The same but for tokens that wait in the recovery directory: whoever has the lock may have put them there for a
    /// moment.
    pub(super) async fn check_record(&self, stored: &Stored) -> Result<Ready<'_>, Outcome> {
        let blocked = |why: &str| Outcome::Blocked(why.to_owned());
        let summary = self.judge.summary_of_record(stored, None);
        if summary.status.is_unreadable() || summary.status == Status::Blocked && !summary.needs_upgrade {
            return Err(blocked(summary.reason.as_deref().unwrap_or_default()));
        }
        let session = self.store.layout().session(stored).map_err(|why| blocked(why.description()))?;
        let did: Did = session.did.parse().map_err(|_| blocked("its account is not a DID"))?;
        let refresh_token = session.refresh_token.as_deref().ok_or_else(|| blocked(NO_REFRESH_TOKEN))?;
        let refresh_token = zeroize::Zeroizing::new(refresh_token.to_owned());
        let dpop_key = session.format.dpop_key(&stored.value).map_err(|Malformed(why)| blocked(why))?;
        let client_auth = session.client_auth.as_ref().ok_or_else(|| blocked(NO_CLIENT_AUTH))?;
        let client_key = match (client_auth, &self.binding) {
            (AuthMethod::None, Binding::Recorded) if summary.needs_upgrade => {
                return Err(blocked(summary.reason.as_deref().unwrap_or_default()));
            }
            (AuthMethod::None, Binding::Recorded) => None,
            (AuthMethod::None, Binding::Upgrade(kid) | Binding::RecordedOr(kid)) => Some(self.key(kid.as_str())?),
            (AuthMethod::PrivateKeyJwt(_), Binding::Upgrade(_)) => {
                return Err(Outcome::Skipped("it is bound to a client key already".into()));
            }
            (AuthMethod::PrivateKeyJwt(kid), Binding::Recorded | Binding::RecordedOr(_)) => Some(self.key(kid)?),
        };
        let is_new_to_key = client_key.is_some() && session.is_public();
        if let Some(key) = client_key {
            self.check_known_key(&session.issuer, key).await?;
        }
        let entry = self.recovery.entry_of(stored, Some(&refresh_token));
        let issuer = session.issuer.clone().into_owned();
        Ok(Ready {
            format: session.format,
            did,
            issuer,
            audience: None,
            refresh_token,
            dpop_key,
            client_key,
            is_new_to_key,
            entry,
        })
    }

    fn key(&self, kid: &str) -> Result<&ClientKey, Outcome> {
        let key = kid.parse().ok().and_then(|kid| self.keys.get(&kid));
        key.ok_or_else(|| Outcome::Blocked(format!("its client key {kid} is not in the key set")))
    }

    /// Under the lock: re-read, one request, write back.
    async fn exchange_locked(
        &self,
        stored: &Stored,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        lock: &Lock,
        leave: &Leave,
    ) -> (Outcome, Verdict, Option<Box<TokenSet>>) {
        let Asked { answer, answer_was_lost } = match self.ask(stored, ready, server, lock, CopyCheck::Before).await {
            Ok(asked) => asked,
            Err(outcome) => return (outcome, Verdict::Nothing, None),
        };
        match answer {
            Exchange::Refreshed(tokens) => {
                let outcome = self.write_back(stored, ready, server, &tokens, None).await;
                (outcome, Verdict::Works, Some(Box::new(tokens)))
            }
            Exchange::Unacceptable { why, tokens } => {
                if let Some(tokens) = tokens {
                    self.revoke(ready, server, &tokens).await;
                }
                let why = format!("the server's answer cannot be used: {why}");
                (Outcome::Unknown(why.clone(), Retry::Never), Verdict::OutOfStep(why), None)
            }
            Exchange::Refused(refusal) => {
                let (outcome, verdict) = refused(ready, &refusal, answer_was_lost, leave.has_worked());
                if matches!((&outcome, refusal.meaning().0), (Outcome::Unknown(..), Cause::EndedOrConfiguration)) {
                    self.set_undecided(stored, refusal);
                }
                (outcome, verdict, None)
            }
            answer => {
                let (outcome, verdict) = no_tokens(answer);
                (outcome, verdict, None)
            }
        }
    }

    /// Asks for new tokens, while the record is still the one that was checked and the lock lives long enough to write
    /// them. A request that the server says it did not consider (nonce) is made again; one whose answer was lost is made
    /// once more, since if the server had made new tokens, they are lost already.
    pub(super) async fn ask(
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
            let within = match checked.and_then(|()| time_for_request(lock).ok_or_else(too_little_time)) {
                Ok(within) => within,
                Err(outcome) => {
                    return match lost {
                        // The request was made, whatever keeps us from making it once more.
                        Some(error) if matches!(outcome, Outcome::Unknown(..)) => {
                            Ok(Asked { answer: Exchange::AnswerLost(error), answer_was_lost: false })
                        }
                        _ => Err(outcome),
                    };
                }
            };
            let refresh = Refresh { signed, sub: ready.did.as_str(), refresh_token: &ready.refresh_token, within };
            match server.refresh(refresh).await {
                Exchange::UseNonce(next) if repeated < MAX_NONCE_RETRIES => {
                    repeated += 1;
                    parameters = Some(next);
                }
                Exchange::AnswerLost(error) if lost.is_none() => lost = Some(error),
                answer => return Ok(Asked { answer, answer_was_lost: lost.is_some() }),
            }
        }
    }

    /// No other record may hold the session, or the token of a copy would be sent twice.
    async fn check_copies(&self, stored: &Stored, did: &Did) -> Result<(), Outcome> {
        match objection(&*self.store, stored, did).await {
            Ok(None) => Ok(()),
            Ok(Some((_, why))) => Err(Outcome::Blocked(why)),
            Err(error) => Err(self.store_trouble("cannot read the account's other sessions", &error)),
        }
    }

    /// The record must still be the one that was checked, and nothing must have happened that makes sending its token
    /// unwise.
    async fn check_again(&self, stored: &Stored, entry: &Path) -> Result<(), Outcome> {
        self.check_unchanged(stored).await?;
        // Whoever held the lock before us may have exchanged the token and failed to store what came.
        check_recovery(entry)?;
        self.check_store()
    }

    /// The record in the store must still be this one.
    async fn check_unchanged(&self, stored: &Stored) -> Result<(), Outcome> {
        match present(&*self.store, stored).await {
            Ok(Some(present)) if present.value == stored.value => Ok(()),
            Ok(Some(_)) => Err(Outcome::Skipped("somebody else changed it meanwhile".into())),
            Ok(None) => Err(Outcome::Skipped("it was deleted meanwhile".into())),
            Err(error) => Err(self.store_trouble("cannot read it again", &error)),
        }
    }

    /// A store that fails is spared, and what could not be stored in it, too.
    pub(super) fn check_store(&self) -> Result<(), Outcome> {
        match self.health.objection() {
            Some(why) => Err(Outcome::Unknown(why, Retry::Never)),
            None => Ok(()),
        }
    }

    pub(super) fn store_trouble(&self, what: &str, error: &anyhow::Error) -> Outcome {
        self.health.trouble(format_args!("{what}: {error:#}"));
        Outcome::Unknown(format!("{what}: {error:#}"), Retry::Soon)
    }

    /// Ends tokens that nobody will use. Says what came of it: where it fails, the tokens expire unused.
    pub(super) async fn revoke(
        &self,
        ready: &Ready<'_>,
        server: &AuthorizationServer,
        tokens: &TokenSet,
    ) -> &'static str {
        let token = tokens.refresh_token.as_ref().unwrap_or(&tokens.access_token);
        let credentials = self.credentials(ready);
        let revoke = Revoke { credentials, dpop_key: &ready.dpop_key, token, within: LONGEST_EXCHANGE };
        match server.revoke(revoke).await {
            Revocation::Accepted => "its new tokens were revoked",
            _ => "its new tokens could not be revoked, and expire unused",
        }
    }

    pub(super) fn credentials<'c>(&'c self, ready: &'c Ready<'_>) -> Credentials<'c> {
        let auth = ready.client_key.map_or(Auth::None, Auth::PrivateKeyJwt);
        Credentials { client_id: &self.client_id, auth }
    }
}

impl Ready<'_> {
    /// The sessions with which this one stands or falls.
    pub(super) fn group(&self) -> Group {
        let kid = self.client_key.and_then(|key| key.kid()).map(|kid| kid.as_str().to_owned());
        Group { issuer: self.issuer.clone(), kid }
    }

    /// The server's refusal of the client, with the server and the client key.
    pub(super) fn client_refused(&self, refusal: &Refusal) -> String {
        let issuer = &self.issuer;
        match self.client_key.and_then(|key| key.kid()) {
            Some(kid) => format!("{issuer} does not accept the client with key {kid}: {refusal}"),
            None => format!("{issuer} does not accept the client as a public one: {refusal}"),
        }
    }
}

fn check_recovery(entry: &Path) -> Result<(), Outcome> {
    if entry.exists() {
        return Err(Outcome::Blocked(NEWER_TOKENS_WAIT.to_owned()));
    }
    Ok(())
}

/// How long a request may take under this lock, so that what it brings can still be written. None when that is too
/// little to begin with.
pub(super) fn time_for_request(lock: &Lock) -> Option<Duration> {
    let within = lock.remaining().saturating_sub(WRITE_RESERVE).min(LONGEST_EXCHANGE);
    (within >= SHORTEST_EXCHANGE).then_some(within)
}

/// The lock on the session has nearly run out.
pub(super) fn too_little_time() -> Outcome {
    Outcome::Unknown("there was too little time left under its lock".to_owned(), Retry::Soon)
}
