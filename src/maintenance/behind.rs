//! Notes on stores that are behind their server.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::breaker::Group;
use crate::session::{LastRefreshed, Session};
use crate::store::Stored;

/// Note that a record of a group was older than what its server knows.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Behind {
    /// Beginning of the run that found that last, in whole seconds.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub(super) at: Timestamp,
    /// In how many runs that was found.
    pub(super) times: u32,
    /// True if others of the group had been refreshed by that run before.
    #[serde(default)]
    pub(super) had_worked: bool,
}

/// What is noted of each group, as far as it was read in this run.
#[derive(Default)]
pub struct KnownBehind {
    groups: Mutex<HashMap<Group, Option<Behind>>>,
    /// Groups of which the app has written a record since.
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
    /// Checks whether one lost write explains it.
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
