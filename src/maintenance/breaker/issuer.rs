//! Circuit breaker per issuer and client key. The first session of a group runs alone; its failure
//! stops the group. A server that begins to fail is paused, and then gets one session at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tracing::debug;

use super::state::{Admission, Conclusion, Objection, State};
use crate::session::Issuer;

/// Sessions with the same server, client and client key, which succeed or fail together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    pub issuer: Issuer<'static>,
    pub kid: Option<String>,
}

/// Circuit breakers of one run, by group.
#[derive(Default)]
pub struct IssuerBreakers(Mutex<HashMap<Group, Arc<Member>>>);

#[derive(Default)]
struct Member {
    canary: Arc<AsyncMutex<()>>,
    state: Mutex<State>,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "{} with key {kid}", self.issuer),
            None => self.issuer.fmt(f),
        }
    }
}

/// Permit to refresh one session.
pub struct Permit {
    group: Group,
    member: Arc<Member>,
    /// Held by the first session of an unproven group, while the others wait.
    canary: Option<OwnedMutexGuard<()>>,
}

impl IssuerBreakers {
    /// Waits until the session may be refreshed, or is known not to.
    pub async fn permit(&self, group: &Group) -> Result<Permit, Objection> {
        let member = self.member(group);
        let mut admission = member.admission();
        let mut canary = None;
        if matches!(admission, Admission::Unproven) {
            canary = Some(Arc::clone(&member.canary).lock_owned().await);
            admission = member.admission();
        }
        match admission {
            Admission::Objection(objection) => {
                debug!("not exchanged: {group} {objection}");
                return Err(objection);
            }
            Admission::Proven => canary = None,
            Admission::Unproven => debug!("goes first: {group}"),
        }
        Ok(Permit { group: group.clone(), member, canary })
    }

    /// Checks whether the server has accepted any session of the group in this run.
    pub fn has_worked(&self, group: &Group) -> bool {
        self.member(group).state().has_worked
    }

    fn member(&self, group: &Group) -> Arc<Member> {
        let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(groups.entry(group.clone()).or_default())
    }
}

impl Member {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admission(&self) -> Admission {
        self.state().admission(Instant::now())
    }
}

impl Permit {
    /// Checks whether this is the first session of an unproven group.
    pub fn is_canary(&self) -> bool {
        self.canary.is_some()
    }

    /// Returns the reason for which the session may no longer be refreshed, if any.
    pub fn objection(&self) -> Option<Objection> {
        match self.member.admission() {
            Admission::Objection(objection) => Some(objection),
            Admission::Proven | Admission::Unproven => None,
        }
    }

    /// Checks whether the server has accepted any session of the group in this run.
    pub fn has_worked(&self) -> bool {
        self.member.state().has_worked
    }

    /// Records the conclusion and admits waiting sessions.
    pub fn settle(self, conclusion: Conclusion) {
        if conclusion != Conclusion::Nothing {
            debug!("learnt of {}: {conclusion}", self.group);
        }
        self.member.state().learn(conclusion, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        Group { issuer: "https://as.example".into(), kid: Some("k".into()) }
    }

    async fn leave(canaries: &IssuerBreakers) -> Permit {
        canaries.permit(&group()).await.ok().expect("nothing is known against the group")
    }

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_is_stopped_with_it() {
        let canaries = Arc::new(IssuerBreakers::default());
        let first = leave(&canaries).await;
        assert!(first.is_canary());
        let second = tokio::spawn({
            let canaries = Arc::clone(&canaries);
            async move { canaries.permit(&group()).await.err() }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.settle(Conclusion::Refused("no".to_owned()));
        assert!(
            matches!(second.await.unwrap(), Some(Objection::Stopped(why)) if why.contains("was refused (no)"))
        );
    }

    #[tokio::test]
    async fn a_success_lets_all_others_go_at_once() {
        let canaries = IssuerBreakers::default();
        leave(&canaries).await.settle(Conclusion::Works);
        let (one, two) = (leave(&canaries).await, leave(&canaries).await);
        assert!(!one.is_canary() && !two.is_canary());
        one.settle(Conclusion::Misconfigured("wrong key".to_owned()));
        assert!(matches!(two.objection(), Some(Objection::Stopped(_))));
    }

    #[tokio::test]
    async fn an_exchange_that_teaches_nothing_leaves_the_turn_to_the_next() {
        let canaries = IssuerBreakers::default();
        drop(leave(&canaries).await);
        leave(&canaries).await.settle(Conclusion::Nothing);
        assert!(leave(&canaries).await.is_canary());
    }
}
