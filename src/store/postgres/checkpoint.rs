//! Makes sure that what was written outlives a fail-over. The server in charge is looked for and
//! connected to anew: a primary that another has replaced may not know it, and goes on answering.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::PostgresStore;
use super::error::Trouble;
use super::server::Server;
use super::standbys::{self, Head};
use crate::store::Store;
use crate::store::checkpoint::{Checkpoint, Durability, majority};

/// The server in charge of a database at one moment.
pub(super) struct PostgresCheckpoint {
    /// The store by way of this server.
    store: PostgresStore,
    /// The connections that the run uses.
    original: Arc<Server>,
    head: Head,
}

impl PostgresCheckpoint {
    /// Looks for the server and connects to it; none where no server takes over from another.
    pub(super) async fn reach(store: &PostgresStore) -> Result<Option<Self>, Trouble> {
        if !store.standbys.may_take_over(&store.server).await {
            return Ok(None);
        }
        let (server, head) = store.server.in_charge().await?;
        store.standbys.meet(&head);
        let original = Arc::clone(&store.server);
        Ok(Some(Self { store: store.by(&Arc::new(server)), original, head }))
    }

    /// Returns the reason why what was written may be lost, if there is one.
    async fn objection(&self) -> Result<Option<Durability>, Trouble> {
        let unsettled = |why: &str| Ok(Some(Durability::Unsettled(why.to_owned())));
        let mut lagging = None;
        let most = self.store.standbys.most();
        if most > 0 {
            let progress = standbys::progress(&self.store.server, most).await?;
            let picture = format!("{:?} {}", self.head, progress.attached);
            if progress.attached < most && !self.store.watch.is_calm(picture, Instant::now()) {
                return unsettled("a standby has gone, and may be about to take over");
            }
            // Where this role may not know, the server's word that it is in charge has to do.
            if let Some(reached) = progress.reached.filter(|reached| *reached < majority(most)) {
                lagging = Some(format!("{reached} of {most} standbys have it"));
            }
        }
        // Nobody has taken over meanwhile.
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
        match self.objection().await {
            Ok(None) => Durability::Durable,
            Ok(Some(objection)) => objection,
            Err(trouble) => Durability::Unsettled(trouble.to_string()),
        }
    }
}
