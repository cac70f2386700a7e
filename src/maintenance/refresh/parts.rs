//! Settings and collaborators of a refresher.

use std::sync::Arc;
use std::time::Duration;

use crate::jose::{KeySet, Kid};
use crate::maintenance::assess::Assessor;
use crate::maintenance::recovery::Recovery;
use crate::oauth::{Clock, Network};
use crate::store::{Store, StoreId};

/// Which client key speaks for the sessions.
#[derive(Clone, Debug)]
pub enum Binding {
    /// The one that each record names.
    Recorded,
    /// This one, to which sessions of the formerly public client are bound from now on. Others are
    /// left alone.
    Upgrade(Kid),
    /// The one that each record names; for sessions of the formerly public client this one. A
    /// server that knows the client as a confidential one wants an assertion for those, too.
    RecordedOr(Kid),
}

/// Settings and collaborators of a refresher.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub store_id: StoreId,
    pub network: Arc<Network>,
    pub keys: KeySet,
    pub binding: Binding,
    pub client_id: String,
    pub recovery: Recovery,
    pub lock_timeout: Duration,
    pub clock: Clock,
    pub assessor: Assessor,
    /// Tries what has cost a session before: the operator has named whose session it may cost this
    /// time.
    pub insists: bool,
}
