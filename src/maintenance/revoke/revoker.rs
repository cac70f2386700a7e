//! Revoker of one run, with the state shared by its sessions.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock};

use crate::maintenance::assess::Assessor;
use crate::maintenance::refresh::{Outcome, Refresher};
use crate::maintenance::runner::Retry;
use crate::store::{RecordKey, Stored};
use crate::text::named;

/// Result for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The server refuses its token, and its record was removed.
    Confirmed,
    /// Probably revoked, but without proof. The record is kept.
    Unconfirmed(String, Retry),
    /// Revocation failed. The record is kept.
    Failed(String),
    /// Not proved, but its record was removed on request. The session may still be alive.
    Forgotten(String),
    /// The record was removed before it was processed, or changed after the proof.
    Skipped(String),
}

named! {
    /// Kinds of [`Revoked`].
    pub enum RevokeResult {
        Confirmed = "confirmed",
        Unconfirmed = "unconfirmed",
        Failed = "failed",
        Forgotten = "forgotten",
        Skipped = "skipped",
    }
}

/// Predicate for a session that has changed since it was selected: true if it is still selected.
pub type StillMeant = Box<dyn Fn(&Stored) -> bool + Send + Sync>;

/// Ends sessions.
pub struct Revoker {
    /// Client of the servers.
    pub refresher: Refresher,
    /// Applied to a session whose user returned after it was selected.
    pub still_meant: StillMeant,
    /// Calculates the expiry of tokens that cannot be revoked.
    pub assessor: Assessor,
    /// True to end only sessions of inactive users.
    pub(super) for_absent_users: bool,
    /// Reason for which no further session is ended: the store is behind the servers.
    pub(super) store_is_behind: OnceLock<String>,
    /// Fingerprints of records of ended sessions that could not be removed so far.
    pub(super) ended: Mutex<HashSet<String>>,
    /// Fingerprints of refresh tokens stored by this run, by record key.
    pub(super) renewed: Mutex<HashMap<RecordKey, String>>,
}

impl Revoker {
    /// Creates the revoker of a run.
    pub fn new(refresher: Refresher, still_meant: StillMeant, assessor: Assessor) -> Self {
        Self {
            refresher,
            still_meant,
            assessor,
            for_absent_users: false,
            store_is_behind: OnceLock::new(),
            ended: Mutex::default(),
            renewed: Mutex::default(),
        }
    }

    /// Creates a revoker for sessions of inactive users that have not changed since they were
    /// selected. A refresh token used by someone else shows that the user is active and that the
    /// store is behind, like a copy or a backup. Then no further session is ended.
    pub fn for_absent_users(refresher: Refresher, assessor: Assessor) -> Self {
        Self { for_absent_users: true, ..Self::new(refresher, Box::new(|_| false), assessor) }
    }
}

impl Revoked {
    /// Returns the kind of the result, and the reason, if there is one.
    pub fn kind_and_reason(&self) -> (RevokeResult, Option<&str>) {
        match self {
            Self::Confirmed => (RevokeResult::Confirmed, None),
            Self::Unconfirmed(why, _) => (RevokeResult::Unconfirmed, Some(why)),
            Self::Failed(why) => (RevokeResult::Failed, Some(why)),
            Self::Forgotten(why) => (RevokeResult::Forgotten, Some(why)),
            Self::Skipped(why) => (RevokeResult::Skipped, Some(why)),
        }
    }
}

pub(super) fn unable(outcome: Outcome) -> Revoked {
    match outcome {
        Outcome::Unknown(why, retry) => Revoked::Unconfirmed(why, retry),
        Outcome::Blocked(why) | Outcome::Gone(why) => Revoked::Failed(why),
        Outcome::Skipped(why) => Revoked::Skipped(why.into_owned()),
        Outcome::Refreshed => Revoked::Failed("unexpectedly refreshed".to_owned()),
    }
}
