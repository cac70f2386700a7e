//! Making sure that what was written outlives a fail-over, in stores whose servers take over from
//! one another.

use async_trait::async_trait;

use super::Store;

/// The servers in charge of a store at one moment, asked for and connected to anew.
#[async_trait]
pub trait Checkpoint: Send + Sync {
    /// Returns the store by way of these servers.
    fn store(&self) -> &dyn Store;

    /// Tells whether everything that [`Self::store`] has shown or taken so far outlives a
    /// fail-over.
    async fn durability(&self) -> Durability;
}

/// Whether what was written outlives a fail-over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does: the same servers are in charge as when it was read, and a majority of their
    /// replicas has it.
    Durable,
    /// The same servers are in charge, but too few replicas have it: why.
    Lagging(String),
    /// It is not settled which servers are in charge: why.
    Unsettled(String),
}
