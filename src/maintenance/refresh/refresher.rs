//! Refresher of one run, with what the run has learnt so far.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::outcome::Outcome;
use super::parts::Parts;
use super::unconfirmed::Unconfirmed;
use crate::jose::{DpopKey, Kid};
use crate::maintenance::behind::KnownBehind;
use crate::maintenance::breaker::{IssuerBreakers, StoreBreaker};
use crate::maintenance::lock_times::Longest;
use crate::maintenance::runner::Retry;
use crate::oauth::{AuthorizationServer, ErrorResponse};
use crate::store::RecordKey;

/// Refreshes sessions, and keeps what the run has learnt of servers, keys and the store.
pub struct Refresher {
    pub(super) parts: Parts,
    pub(super) issuers: IssuerBreakers,
    pub(super) store_breaker: StoreBreaker,
    /// Keys that have worked in this run and are not noted yet, by issuer and kid.
    pub(super) worked_keys: Mutex<HashMap<(String, Kid), WorkedKey>>,
    /// Names of the notes that are the same for all sessions and were written in this run.
    pub(super) noted: Mutex<HashSet<String>>,
    /// Exchanges of this run whose tokens the store has not taken yet, by the keys of their
    /// records.
    waiting: Mutex<HashMap<RecordKey, Waiting>>,
    /// Refusals of this run that say either that the session has ended or that the configuration
    /// is wrong, until one session of the group has worked. At most as many as stop a group.
    undecided: Mutex<HashMap<RecordKey, ErrorResponse>>,
    pub(super) unconfirmed: Arc<Unconfirmed>,
    /// Groups of which an earlier run has found the store behind.
    pub(super) behind: KnownBehind,
    pub(super) longest: Longest,
}

/// Key that has worked in this run, and that nothing is noted of.
pub(super) struct WorkedKey {
    pub(super) server: Arc<AuthorizationServer>,
    /// DPoP key of one of the sessions.
    pub(super) dpop_key: DpopKey,
    pub(super) note: (String, Vec<u8>),
}

/// New tokens that only the recovery directory has.
#[derive(Clone)]
pub(super) struct Waiting {
    /// Their recovery entry.
    pub(super) entry: PathBuf,
    pub(super) since: Instant,
}

impl Refresher {
    /// Creates the refresher of a run.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            issuers: IssuerBreakers::default(),
            store_breaker: StoreBreaker::default(),
            worked_keys: Mutex::default(),
            noted: Mutex::default(),
            waiting: Mutex::default(),
            undecided: Mutex::default(),
            unconfirmed: Arc::default(),
            behind: KnownBehind::default(),
            longest: Longest::default(),
        }
    }

    /// Returns the new tokens that the store has, and that a fail-over may still undo.
    pub fn unconfirmed(&self) -> Arc<Unconfirmed> {
        Arc::clone(&self.unconfirmed)
    }

    pub(in crate::maintenance) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(in crate::maintenance) fn store_breaker(&self) -> &StoreBreaker {
        &self.store_breaker
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, HashMap<RecordKey, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn undecided(&self) -> MutexGuard<'_, HashMap<RecordKey, ErrorResponse>> {
        self.undecided.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a store that fails is spared, and what could not be stored in it, too.
    pub(in crate::maintenance) fn check_store(&self) -> Result<(), Outcome> {
        match self.store_breaker.objection() {
            Some(why) => Err(Outcome::Unknown(why, Retry::Never)),
            None => Ok(()),
        }
    }

    pub(super) fn store_trouble(&self, what: &str, error: &anyhow::Error) -> Outcome {
        self.store_breaker.trouble(format_args!("{what}: {error:#}"));
        Outcome::Unknown(format!("{what}: {error:#}"), Retry::Soon)
    }
}
