//! A wrong configuration must cost at most one session, never all: of sessions that stand or fall together one goes
//! first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Sessions that stand or fall together: the same server, the same client, the same client key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub issuer: String,
    pub kid: Option<String>,
}

#[derive(Clone, Debug, Default)]
enum Standing {
    /// Nothing is known: one at a time.
    #[default]
    Unproven,
    /// One exchange has succeeded.
    Proven,
    /// The first exchange was refused in a way that a wrong configuration would be.
    Stopped(Arc<str>),
}

/// The groups of one run.
#[derive(Default)]
pub struct Canaries(Mutex<HashMap<Group, Arc<Turn<Standing>>>>);

/// The right to exchange one session.
pub(super) enum Permit {
    /// The group is known to work.
    Proven,
    /// This exchange decides for its group; the others wait until the permit is dropped.
    Canary(OwnedTurn),
    /// The group was stopped, and why.
    Stopped(Arc<str>),
}

pub(super) struct OwnedTurn(OwnedMutexGuard<Standing>);

impl Canaries {
    /// Waits until the session may be exchanged, or until it is known that it may not.
    pub(super) async fn permit(&self, group: &Group) -> Permit {
        let turn = {
            let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(groups.entry(group.clone()).or_default())
        };
        let standing = turn.lock_owned().await;
        match &*standing {
            Standing::Unproven => Permit::Canary(OwnedTurn(standing)),
            Standing::Proven => Permit::Proven,
            Standing::Stopped(why) => Permit::Stopped(Arc::clone(why)),
        }
    }
}

impl Permit {
    /// The exchange succeeded: the configuration is right.
    pub(super) fn succeeded(self) {
        if let Self::Canary(mut turn) = self {
            *turn.0 = Standing::Proven;
        }
    }

    /// The exchange was refused: stops the group, if this was its first.
    pub(super) fn refused(self, why: &str) {
        if let Self::Canary(mut turn) = self {
            *turn.0 = Standing::Stopped(why.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        Group { issuer: "https://as.example".into(), kid: Some("k".into()) }
    }

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_is_stopped_with_it() {
        let canaries = Arc::new(Canaries::default());
        let first = canaries.permit(&group()).await;
        let second = tokio::spawn({
            let canaries = Arc::clone(&canaries);
            async move { canaries.permit(&group()).await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.refused("no");
        assert!(matches!(second.await.unwrap(), Permit::Stopped(why) if &*why == "no"));
    }

    #[tokio::test]
    async fn a_success_lets_all_others_go_at_once() {
        let canaries = Canaries::default();
        canaries.permit(&group()).await.succeeded();
        let (one, two) = (canaries.permit(&group()).await, canaries.permit(&group()).await);
        assert!(matches!((one, two), (Permit::Proven, Permit::Proven)));
    }

    #[tokio::test]
    async fn an_exchange_without_an_answer_leaves_the_turn_to_the_next() {
        let canaries = Canaries::default();
        drop(canaries.permit(&group()).await);
        assert!(matches!(canaries.permit(&group()).await, Permit::Canary(_)));
    }
}
