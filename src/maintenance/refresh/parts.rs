//! Settings and collaborators of a refresher.

use std::sync::Arc;
use std::time::Duration;

use crate::jose::{KeySet, Kid};
use crate::maintenance::assess::Assessor;
use crate::maintenance::recovery::Recovery;
use crate::maintenance::settle::Settler;
use crate::oauth::{Clock, Network};
use crate::session::ClientId;
use crate::store::{Store, StoreId};

/// Client key used for the sessions.
#[derive(Clone, Debug)]
pub enum Binding {
    /// Key named in each record.
    Recorded,
    /// This key, to which sessions of the formerly public client are bound from now on. Others are
    /// skipped.
    Upgrade(Kid),
    /// Key named in each record, or this key for sessions of the formerly public client. A server
    /// that knows the client as confidential requires an assertion for those, too.
    RecordedOr(Kid),
}

/// Settings and collaborators of a refresher.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub store_id: StoreId,
    pub network: Arc<Network>,
    pub keys: KeySet,
    pub binding: Binding,
    pub client_id: ClientId<'static>,
    pub recovery: Recovery,
    pub lock_timeout: Duration,
    pub clock: Clock,
    pub assessor: Assessor,
    /// True to retry a configuration that has ended a session before: the operator has named the
    /// session at risk.
    pub insists: bool,
}

impl Parts {
    /// Returns what applies recovery entries to the store.
    pub(super) fn settler(&self) -> Settler<'_> {
        Settler {
            recovery: &self.recovery,
            store: &*self.store,
            store_id: &self.store_id,
            now: self.clock.now(),
        }
    }
}
