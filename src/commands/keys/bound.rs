//! What depends on a key: the sessions and pending states bound to it.

use crate::context::Context;
use crate::session::{BoundRecords, NodeSession, NodeState};
use crate::store::{Kind, Store, Want};

/// How many records each key carries.
#[derive(Default)]
pub struct Bound {
    /// Those that could be read.
    pub records: BoundRecords,
    /// Records that could not be read: nobody knows which key they are bound to.
    pub unreadable: u64,
}

impl Bound {
    /// Reads the whole store. A signal ends that.
    pub fn count(context: &Context, store: &dyn Store) -> anyhow::Result<Self> {
        let interrupt = context.interrupt();
        let count = context.runtime()?.block_on(interrupt.or(Self::read(store)));
        count.unwrap_or_else(|| Err(interrupt.failure("the keys are as they were").into()))
    }

    async fn read(store: &dyn Store) -> anyhow::Result<Self> {
        let mut bound = Self::default();
        for kind in [Kind::Session, Kind::State] {
            let mut scan = store.scan(kind, Want { values: true, ttls: false });
            while let Some(records) = scan.next().await? {
                for record in &records {
                    bound.add(kind, &record.value);
                }
            }
        }
        Ok(bound)
    }

    fn add(&mut self, kind: Kind, value: &[u8]) {
        let auth_method = match kind {
            Kind::Session => NodeSession::parse(value).ok().map(|session| session.auth_method),
            Kind::State => NodeState::parse(value).ok().and_then(|state| state.auth_method),
        };
        let Some(auth_method) = auth_method else { return self.unreadable += 1 };
        let Some(count) = self.records.of(auth_method) else { return };
        match kind {
            Kind::Session => count.sessions += 1,
            Kind::State => count.states += 1,
        }
    }
}
