//! Verifies that written data survives a failover. The current masters are looked up and connected
//! to again, because a replaced master does not notice for a while and continues to answer.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::Value;

use super::RedisStore;
use super::client::command::{Command, Survey};
use super::client::error::ClientError;
use super::client::replicas::{Head, head, wait};
use crate::store::Store;
use crate::store::checkpoint::{Checkpoint, Durability, majority};

const CHECK_LIFETIME: Duration = Duration::from_mins(1);

/// Timeout for the replicas to have all data.
const PATIENCE: Duration = Duration::from_millis(500);

/// Current masters of a Redis.
pub(super) struct RedisCheckpoint {
    /// Store over new connections to these servers.
    store: RedisStore,
    /// Store over the connections of the run.
    original: RedisStore,
    survey: Survey,
    /// Replication state of each server, in the order of `survey.keys`.
    heads: Vec<Head>,
}

impl RedisCheckpoint {
    /// Looks up the masters and connects. `None` if the Redis has no failover.
    pub(super) async fn reach(store: &RedisStore) -> Result<Option<Self>, ClientError> {
        if !store.replicas.may_take_over(&*store.server) {
            return Ok(None);
        }
        let Some(survey) = store.server.survey().await? else { return Ok(None) };
        let heads = heads(&survey).await?;
        for (key, head) in survey.keys.iter().zip(&heads) {
            store.replicas.meet(&survey.server.home(key), head);
        }
        let by_survey = store.by(&survey.server);
        Ok(Some(Self { store: by_survey, original: store.by(&store.server), survey, heads }))
    }

    /// Returns the reason for which written data may be lost, if any.
    async fn objection(&self) -> Result<Option<Durability>, ClientError> {
        let unsettled = |why: &str| Ok(Some(Durability::Unsettled(why.to_owned())));
        if let Some(doubt) = &self.survey.doubt {
            return unsettled(doubt);
        }
        let mut lagging = None;
        for (key, head) in self.survey.keys.iter().zip(&self.heads) {
            let most = self.store.replicas.most(&self.survey.server.home(key));
            let Some(attached) = head.attached.filter(|_| most > 0) else { continue };
            let reached = self.reached(key, most).await?;
            if attached < most && !self.survey.is_complete && !self.is_calm() {
                return unsettled("a replica is missing and may be about to take over");
            }
            // If the server does not report its replicas, its claim to be the master has to
            // suffice.
            if let Some(reached) = reached.filter(|reached| *reached < majority(most)) {
                lagging = Some(format!("{reached} of {most} replicas have it"));
            }
        }
        // Checks that no other server has taken over in the meantime.
        let Some(now) = self.original.server.survey().await? else {
            return unsettled("the servers do not answer");
        };
        if now.identity != self.survey.identity || !same_histories(&heads(&now).await?, &self.heads)
        {
            return unsettled("another server has taken over");
        }
        match now.doubt {
            Some(doubt) => unsettled(&doubt),
            None => Ok(lagging.map(Durability::Lagging)),
        }
    }

    /// Returns the number of replicas that have all earlier writes, `None` if the server does not
    /// report it.
    async fn reached(&self, key: &[u8], most: usize) -> Result<Option<usize>, ClientError> {
        let set = Command::new("SET", key)
            .arg("1")
            .arg("PX")
            .arg(super::write::milliseconds(CHECK_LIFETIME));
        let commands = [set, wait(most, PATIENCE).beside(key)];
        let answers = self.survey.server.wire().run(&commands).await?;
        match &answers[..] {
            [Value::ServerError(error), _] => Err(ClientError::refused(error)),
            [_, Value::Int(reached)] => Ok(Some(usize::try_from(*reached).unwrap_or(0))),
            _ => Ok(None),
        }
    }

    /// Checks whether the servers have not changed for long enough.
    fn is_calm(&self) -> bool {
        let attached: Vec<_> = self.heads.iter().map(|head| head.attached).collect();
        let picture = format!("{} {attached:?}", self.survey.identity);
        self.store.watch.is_calm(picture, Instant::now())
    }
}

#[async_trait]
impl Checkpoint for RedisCheckpoint {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn durability(&self) -> Durability {
        Durability::of(self.objection().await)
    }
}

/// Asks each server for its replication state.
async fn heads(survey: &Survey) -> Result<Vec<Head>, ClientError> {
    let heads = survey.keys.iter().map(|key| head(&*survey.server, key));
    futures_util::future::join_all(heads).await.into_iter().collect()
}

fn same_histories(some: &[Head], others: &[Head]) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|(one, other)| one.history == other.history)
}
