//! Refresher of one run, with the state shared by its sessions.

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
use crate::session::Issuer;
use crate::store::RecordKey;

/// Refreshes sessions. Keeps the state of servers, keys and the store in this run.
pub struct Refresher {
    pub(super) parts: Parts,
    pub(super) issuers: IssuerBreakers,
    pub(super) store_breaker: StoreBreaker,
    /// Keys that have worked in this run and are not noted yet, by issuer and kid.
    pub(super) worked_keys: Mutex<HashMap<(Issuer<'static>, Kid), WorkedKey>>,
    /// Names of notes that are common to all sessions and were written in this run.
    pub(super) noted: Mutex<HashSet<String>>,
    /// New tokens of this run that the store has not accepted yet, by record key.
    waiting: Mutex<HashMap<RecordKey, Waiting>>,
    /// Ambiguous refusals of this run (ended session or wrong configuration), until a session of
    /// the group has worked. At most as many as stop a group.
    undecided: Mutex<HashMap<RecordKey, ErrorResponse>>,
    pub(super) unconfirmed: Arc<Unconfirmed>,
    /// Groups for which an earlier run has found the store behind.
    pub(super) behind: KnownBehind,
    pub(super) longest: Longest,
}

/// Key that has worked in this run and has no note.
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

    /// Returns the stored new tokens that may still be lost in a failover.
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

    /// Refuses work while the store fails, because new tokens could not be stored.
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
