//! Verifies that written data survives a failover. The current primary is looked up and connected
//! to again, because a replaced primary may not notice and continues to answer.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::PostgresStore;
use super::error::PostgresError;
use super::server::Server;
use super::standbys::{self, Head};
use crate::store::Store;
use crate::store::checkpoint::{Checkpoint, Durability, majority};

/// Current primary of a database.
pub(super) struct PostgresCheckpoint {
    /// Store over this server.
    store: PostgresStore,
    /// Connections of the run.
    original: Arc<Server>,
    head: Head,
}

impl PostgresCheckpoint {
    /// Looks up the primary and connects. `None` if the database has no failover.
    pub(super) async fn reach(store: &PostgresStore) -> Result<Option<Self>, PostgresError> {
        if !store.standbys.may_take_over(&store.server).await {
            return Ok(None);
        }
        let (server, head) = store.server.in_charge().await?;
        store.standbys.meet(&head);
        let original = Arc::clone(&store.server);
        Ok(Some(Self { store: store.by(&Arc::new(server)), original, head }))
    }

    /// Returns the reason for which written data may be lost, if any.
    async fn objection(&self) -> Result<Option<Durability>, PostgresError> {
        let unsettled = |why: &str| Ok(Some(Durability::Unsettled(why.to_owned())));
        let mut lagging = None;
        let most = self.store.standbys.most();
        if most > 0 {
            let progress = standbys::progress(&self.store.server, most).await?;
            let picture = format!("{:?} {}", self.head, progress.attached);
            if progress.attached < most && !self.store.watch.is_calm(picture, Instant::now()) {
                return unsettled("a standby has gone, and may be about to take over");
            }
            // If this role may not know, the server's claim to be the primary has to suffice.
            if let Some(reached) = progress.reached.filter(|reached| *reached < majority(most)) {
                lagging = Some(format!("{reached} of {most} standbys have it"));
            }
        }
        // Checks that no other server has taken over in the meantime.
        let (_, now) = self.original.in_charge().await?;
        if !now.has_history_of(&self.head) {
            return unsettled("another server has taken over");
        }
        Ok(lagging.map(Durability::Lagging))
    }
}

#[async_trait]
impl Checkpoint for PostgresCheckpoint {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn durability(&self) -> Durability {
        Durability::of(self.objection().await)
    }
}
