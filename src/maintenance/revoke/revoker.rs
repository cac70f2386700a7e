//! Revoker of one run, with what the run has learnt so far.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock};

use crate::maintenance::assess::Assessor;
use crate::maintenance::refresh::{Outcome, Refresher};
use crate::maintenance::runner::Retry;
use crate::store::{RecordKey, Stored};
use crate::text::named;

/// How one session's turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The server refuses its token now, and its record is gone.
    Confirmed,
    /// Revoked as far as one can tell, but without proof. The record is kept.
    Unconfirmed(String, Retry),
    /// It could not be revoked. The record is kept.
    Failed(String),
    /// Not proved, and its record removed all the same because that was asked for: the session may
    /// live on.
    Forgotten(String),
    /// Its record went before its turn came, or was changed after the proof.
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

/// Whether a session that has changed since it was selected is meant still.
pub type StillMeant = Box<dyn Fn(&Stored) -> bool + Send + Sync>;

/// Ends sessions.
pub struct Revoker {
    /// What every conversation about a session needs.
    pub refresher: Refresher,
    /// Asked of a session whose user came back after it was selected.
    pub still_meant: StillMeant,
    /// Tells when tokens die that cannot be revoked.
    pub assessor: Assessor,
    /// Ends only sessions of users who are away.
    pub(super) for_absent_users: bool,
    /// Reason for which no further session is ended: the store is behind what the servers know.
    pub(super) store_is_behind: OnceLock<String>,
    /// Records of sessions that have ended and whose removal has failed so far, by fingerprint.
    pub(super) ended: Mutex<HashSet<String>>,
    /// Fingerprints of refresh tokens that this run has stored, by their record's key.
    pub(super) renewed: Mutex<HashMap<RecordKey, String>>,
}

impl Revoker {
    /// Nothing is done yet.
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

    /// Ends only sessions of users who are away, where nothing has changed since they were
    /// selected. A refresh token that somebody else has used shows that the user is not away
    /// and that the store is behind, as a copy or a backup is: then no further session is
    /// ended.
    pub fn for_absent_users(refresher: Refresher, assessor: Assessor) -> Self {
        Self { for_absent_users: true, ..Self::new(refresher, Box::new(|_| false), assessor) }
    }
}

impl Revoked {
    /// Returns the kind of the outcome, and the reason, where there is one.
    pub fn told(&self) -> (RevokeResult, Option<&str>) {
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
