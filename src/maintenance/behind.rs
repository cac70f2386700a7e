//! Notes about stores that are behind their server.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::breaker::Group;
use crate::session::{LastRefreshed, Session};
use crate::store::Stored;

/// Note that a record of a group was older than the server's state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Behind {
    /// Start of the last run that found this, in whole seconds.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub(super) at: Timestamp,
    /// Number of runs that found this.
    pub(super) times: u32,
    /// True if that run had refreshed other sessions of the group before.
    #[serde(default)]
    pub(super) had_worked: bool,
}

/// Notes by group, as far as they were read in this run.
#[derive(Default)]
pub struct KnownBehind {
    groups: Mutex<HashMap<Group, Option<Behind>>>,
    /// Groups in which the app has written a record since.
    moved: Mutex<HashSet<Group>>,
}

impl KnownBehind {
    pub(super) fn groups(&self) -> MutexGuard<'_, HashMap<Group, Option<Behind>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn moved(&self) -> MutexGuard<'_, HashSet<Group>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Behind {
    /// Checks whether a single lost write explains it.
    pub(super) fn is_isolated(self) -> bool {
        self.times <= 1 && self.had_worked
    }

    /// Checks whether the record was written after that run began.
    pub(super) fn is_before(self, stored: &Stored, now: Timestamp) -> bool {
        let session = Session::read(&stored.value).ok();
        let written =
            session.and_then(|session| LastRefreshed::of(&session, None, stored.observed, now));
        written.is_some_and(|written| written.at >= self.at)
    }
}
