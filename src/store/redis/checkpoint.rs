//! Makes sure that what was written outlives a fail-over. Whoever is in charge is asked for anew
//! and connected to anew: a master that has been replaced does not know it for a while, and goes on
//! answering.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::Value;

use super::RedisStore;
use super::client::command::{Command, Survey};
use super::client::error::Trouble;
use super::client::replicas::{Head, head, wait};
use crate::store::Store;
use crate::store::checkpoint::{Checkpoint, Durability, majority};

const CHECK_LIFETIME: Duration = Duration::from_mins(1);

/// How long replicas may take to have everything.
const PATIENCE: Duration = Duration::from_millis(500);

/// The servers in charge of a Redis at one moment.
pub(super) struct RedisCheckpoint {
    /// The store by way of these servers.
    store: RedisStore,
    /// The store by way of the connections that the run uses.
    original: RedisStore,
    survey: Survey,
    /// What each server says of itself, in the order of `survey.keys`.
    heads: Vec<Head>,
}

impl RedisCheckpoint {
    /// Asks and connects; none where no server takes over from another.
    pub(super) async fn reach(store: &RedisStore) -> Result<Option<Self>, Trouble> {
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

    /// Why what was written may be lost, if it may.
    async fn objection(&self) -> Result<Option<Durability>, Trouble> {
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
                return unsettled("a replica has gone, and may be about to take over");
            }
            // Where the server does not say, its word that it is the master has to do.
            if let Some(reached) = reached.filter(|reached| *reached < majority(most)) {
                lagging = Some(format!("{reached} of {most} replicas have it"));
            }
        }
        // Nobody has taken over meanwhile.
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

    /// How many replicas have everything that was written before; none when the server does not
    /// say.
    async fn reached(&self, key: &[u8], most: usize) -> Result<Option<usize>, Trouble> {
        let set = Command::new("SET", key)
            .arg("1")
            .arg("PX")
            .arg(super::write::milliseconds(CHECK_LIFETIME));
        let commands = [set, wait(most, PATIENCE).beside(key)];
        let answers = self.survey.server.wire().run(&commands).await?;
        match &answers[..] {
            [Value::ServerError(error), _] => Err(Trouble::refused(error)),
            [_, Value::Int(reached)] => Ok(Some(usize::try_from(*reached).unwrap_or(0))),
            _ => Ok(None),
        }
    }

    /// Checks whether the servers have looked like this for long enough.
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
        match self.objection().await {
            Ok(None) => Durability::Durable,
            Ok(Some(objection)) => objection,
            Err(trouble) => Durability::Unsettled(trouble.to_string()),
        }
    }
}

/// What each of the servers says of itself.
async fn heads(survey: &Survey) -> Result<Vec<Head>, Trouble> {
    let heads = survey.keys.iter().map(|key| head(&*survey.server, key));
    futures_util::future::join_all(heads).await.into_iter().collect()
}

fn same_histories(some: &[Head], others: &[Head]) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|(one, other)| one.history == other.history)
}
