//! Verifies that written data survives a failover, in stores with servers that take over from one
//! another.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::Store;

/// Servers currently in charge of a store, looked up and connected to again.
#[async_trait]
pub trait Checkpoint: Send + Sync {
    /// Returns the store over these servers.
    fn store(&self) -> &dyn Store;

    /// Reports whether everything that [`Self::store`] has returned or accepted so far survives a
    /// failover.
    async fn durability(&self) -> Durability;
}

/// Durability of written data in a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The same servers are in charge as at the time of the read, and a majority of their replicas
    /// has the data.
    Durable,
    /// The same servers are in charge, but too few replicas have the data. Holds the reason.
    Lagging(String),
    /// The servers in charge may change. Holds the reason.
    Unsettled(String),
}

impl Durability {
    /// Interprets the result of a check: the objection, if any, or the failure to check.
    pub fn of<E: Display>(objection: Result<Option<Self>, E>) -> Self {
        match objection {
            Ok(objection) => objection.unwrap_or(Self::Durable),
            Err(error) => Self::Unsettled(error.to_string()),
        }
    }

    /// Returns whether the servers in charge may change.
    pub fn is_unsettled(&self) -> bool {
        matches!(self, Self::Unsettled(_))
    }
}

/// Returns the size of a majority of the replicas.
pub fn majority(replicas: usize) -> usize {
    if replicas == 0 { 0 } else { replicas / 2 + 1 }
}

/// Observation period after a change of replicas, if no server reports failovers: the loss of a
/// replica may be the start of one. Sentinels know of a failover within 2 s, and a replaced master
/// is demoted after 8 s.
const CALM: Duration = Duration::from_secs(12);

/// Last seen state of the servers, and the time since which it has not changed.
#[derive(Default)]
pub struct Watch(Mutex<Option<(String, Instant)>>);

impl Watch {
    /// Checks whether the state has not changed for long enough.
    pub fn is_calm(&self, picture: String, now: Instant) -> bool {
        self.unchanged_for(picture, now) >= CALM
    }

    /// Returns how long the state has not changed.
    fn unchanged_for(&self, picture: String, now: Instant) -> Duration {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, since)) if *known == picture => now.duration_since(*since),
            _ => {
                *last = Some((picture, now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calm_begins_anew_with_every_change() {
        let (watch, now) = (Watch::default(), Instant::now());
        assert_eq!(watch.unchanged_for("a".to_owned(), now), Duration::ZERO);
        assert_eq!(watch.unchanged_for("a".to_owned(), now + CALM), CALM);
        assert_eq!(watch.unchanged_for("b".to_owned(), now + CALM), Duration::ZERO);
        assert_eq!(watch.unchanged_for("a".to_owned(), now + CALM), Duration::ZERO);
    }

    #[test]
    fn a_majority_is_more_than_half() {
        assert_eq!([0, 1, 2, 3, 4, 5].map(majority), [0, 1, 2, 2, 3, 3]);
    }
}
