//! Redis Cluster: each key has a slot, each slot a master, and slots can move.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use redis::Value;
use tokio::time::timeout;

use super::address::Endpoint;
use super::command::CHECK_KEY;
use super::command::{BatchLimits, Command, Server, Shard, Survey, Wire, run_one};
use super::connection::{Link, Topology};
use super::dial::Dialer;
use super::error::{ClientError, text};
use super::slots::{Consensus, SLOTS, SlotMap, View};

/// Maximum number of redirections of a command while the cluster is resharded.
const REDIRECTIONS: usize = 5;

/// Timeout for a node's view of the cluster.
const VIEW_TIMEOUT: Duration = Duration::from_secs(3);

/// Client of a cluster.
pub struct Cluster {
    dialer: Arc<Dialer>,
    seeds: Vec<Endpoint>,
    /// Connections for commands on single keys, for pages of scans, and for their values. A scan
    /// that waits for its consumer may hold a connection's lock, which must not block other
    /// commands.
    links: [Mutex<HashMap<Endpoint, Arc<Link>>>; 3],
    map: Mutex<CachedMap>,
    /// Number of times the slot map was wrong or a master did not answer.
    distrusts: AtomicU64,
}

/// Latest slot map, and whether it is valid. An outdated one still names servers that know the next
/// one.
#[derive(Default)]
struct CachedMap {
    map: Option<Arc<SlotMap>>,
    is_stale: bool,
}

/// Other target for a command, and whether only for this attempt.
#[derive(Clone)]
struct Detour {
    endpoint: Endpoint,
    is_asking: bool,
}

/// Redirection by a server for a key that it does not have.
enum Redirection {
    /// Permanent. `None` if the server does not name the target.
    Moved(Option<Endpoint>),
    /// Possibly moved already.
    Ask(Endpoint),
}

impl Cluster {
    pub fn new(dialer: &Arc<Dialer>, seeds: &[Endpoint]) -> Self {
        Self {
            dialer: Arc::clone(dialer),
            seeds: seeds.to_vec(),
            links: Default::default(),
            map: Mutex::default(),
            distrusts: AtomicU64::default(),
        }
    }

    fn link(&self, purpose: usize, endpoint: &Endpoint) -> Arc<Link> {
        let mut links = self.links[purpose].lock().unwrap_or_else(PoisonError::into_inner);
        let make =
            || Arc::new(Link::new(Arc::clone(&self.dialer), Topology::Fixed(endpoint.clone())));
        Arc::clone(links.entry(endpoint.clone()).or_insert_with(make))
    }

    fn main_link(&self, endpoint: &Endpoint) -> Arc<Link> {
        self.link(0, endpoint)
    }

    fn known(&self) -> MutexGuard<'_, CachedMap> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn distrust_map(&self) {
        self.known().is_stale = true;
        self.distrusts.fetch_add(1, Ordering::SeqCst);
    }

    /// Asks one node for its view of the cluster.
    async fn view(&self, endpoint: &Endpoint) -> Result<View, ClientError> {
        let link = self.main_link(endpoint);
        let questions = ["SLOTS", "NODES"].map(|what| Command::keyless("CLUSTER").arg(what));
        let answers = timeout(VIEW_TIMEOUT, link.run(&questions)).await;
        let answers = answers.unwrap_or_else(|_| {
            Err(ClientError::unreached(format!("{endpoint}: no answer in time")))
        })?;
        let [slots, nodes] = &answers[..] else { return Err(ClientError::unexpected_reply()) };
        View::read(slots, nodes, endpoint)
    }

    /// Asks all known nodes, and all masters that these name.
    async fn views(&self, mut endpoints: Vec<Endpoint>) -> Result<(Vec<View>, bool), ClientError> {
        let (mut asked, mut views, mut last) = (HashSet::new(), Vec::new(), None);
        loop {
            endpoints.retain(|endpoint| asked.insert(endpoint.clone()));
            if endpoints.is_empty() {
                break;
            }
            let answers = join_all(endpoints.iter().map(|endpoint| self.view(endpoint))).await;
            endpoints.clear();
            for answer in answers {
                match answer {
                    Ok(view) => {
                        endpoints
                            .extend(view.map.ranges.values().map(|range| range.master.clone()));
                        views.push(view);
                    }
                    Err(error) => last = Some(error),
                }
            }
        }
        match (views.is_empty(), last) {
            (true, last) => {
                Err(last.unwrap_or_else(|| ClientError::unreached("the address has no server")))
            }
            (false, last) => Ok((views, last.is_none())),
        }
    }

    /// Loads the slot map from the masters known so far, then from the servers of the address.
    async fn load_map(&self) -> Result<Arc<SlotMap>, ClientError> {
        let mut endpoints = self.seeds.clone();
        if let Some(map) = self.known().map.clone() {
            endpoints.splice(0..0, map.ranges.values().map(|range| range.master.clone()));
        }
        let mut asked = HashSet::new();
        let mut last = ClientError::unreached("the address has no server");
        for endpoint in endpoints {
            if !asked.insert(endpoint.clone()) {
                continue;
            }
            match run_one(&*self.main_link(&endpoint), Command::keyless("CLUSTER").arg("SLOTS"))
                .await
            {
                Ok(answer) => match SlotMap::read(&answer, &endpoint) {
                    Ok(map) => {
                        let map = Arc::new(map);
                        *self.known() = CachedMap { map: Some(Arc::clone(&map)), is_stale: false };
                        return Ok(map);
                    }
                    Err(error) => last = error,
                },
                Err(error) if error.to_string().contains("cluster support disabled") => {
                    return Err(error
                        .hint("this is not a cluster: use redis:// instead of redis+cluster://"));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn map(&self) -> Result<Arc<SlotMap>, ClientError> {
        let known = {
            let known = self.known();
            known.map.clone().filter(|_| !known.is_stale)
        };
        match known {
            Some(map) => Ok(map),
            None => self.load_map().await,
        }
    }

    /// Runs the commands without an answer, each at the master of its key.
    async fn run_open(
        &self,
        commands: &[Command],
        answers: &mut [Option<Value>],
        detours: &mut HashMap<usize, Detour>,
    ) -> Result<(), ClientError> {
        let map = self.map().await.map_err(ClientError::before_sending)?;
        let mut groups: BTreeMap<Endpoint, Vec<usize>> = BTreeMap::new();
        let (mut singles, open) =
            (Vec::new(), (0..commands.len()).filter(|at| answers[*at].is_none()));
        for at in open.collect::<Vec<_>>() {
            match detours.remove(&at) {
                Some(detour) => singles.push((at, detour)),
                None => groups.entry(map.master(commands[at].key())?.clone()).or_default().push(at),
            }
        }
        let groups = groups.into_iter().map(|(endpoint, places)| async move {
            let some: Vec<_> = places.iter().map(|at| commands[*at].clone()).collect();
            let answers = self.main_link(&endpoint).run(&some).await;
            (places, answers)
        });
        let singles = singles.into_iter().map(|(at, Detour { endpoint, is_asking })| async move {
            let link = self.main_link(&endpoint);
            if !is_asking {
                return (vec![at], link.run(&[commands[at].clone()]).await);
            }
            let both = [Command::keyless("ASKING"), commands[at].clone()];
            let answers = link.run(&both).await;
            (vec![at], answers.map(|mut answers| answers.split_off(1)))
        });
        let (groups, singles) =
            futures_util::future::join(join_all(groups), join_all(singles)).await;
        let (mut failure, mut was_run) = (None, false);
        for (places, some) in groups.into_iter().chain(singles) {
            match some {
                Ok(some) => {
                    was_run = true;
                    for (at, answer) in places.into_iter().zip(some) {
                        answers[at] = Some(answer);
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            None => Ok(()),
            Some(error) => {
                // Another master may have the slots now.
                self.distrust_map();
                Err(if was_run { error.after_sending() } else { error })
            }
        }
    }
}

#[async_trait]
impl Wire for Cluster {
    async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, ClientError> {
        let mut answers = vec![None; commands.len()];
        let mut detours = HashMap::new();
        for _ in 0..REDIRECTIONS {
            self.run_open(commands, &mut answers, &mut detours).await?;
            for at in 0..answers.len() {
                // Treated as redirected if the command was not executed next to the one it must
                // follow.
                let left_by = (0..at)
                    .find(|led| answers[*led].is_none() && commands[at].follows(&commands[*led]));
                match (answers[at].as_ref().and_then(redirection), left_by) {
                    (Some(Redirection::Moved(endpoint)), _) => {
                        self.distrust_map();
                        // The next map may come from a node that does not know of the move yet.
                        detours.extend(
                            endpoint.map(|endpoint| (at, Detour { endpoint, is_asking: false })),
                        );
                    }
                    (Some(Redirection::Ask(endpoint)), _) => {
                        detours.insert(at, Detour { endpoint, is_asking: true });
                    }
                    (None, Some(led)) => {
                        detours.extend(detours.get(&led).cloned().map(|detour| (at, detour)));
                    }
                    (None, None) => continue,
                }
                answers[at] = None;
            }
            if answers.iter().all(Option::is_some) {
                return Ok(answers.into_iter().flatten().collect());
            }
        }
        let refused = ClientError::refusal("TRYAGAIN", "the cluster keeps moving the keys");
        // Some were executed.
        Err(if answers.iter().any(Option::is_some) { refused.after_sending() } else { refused })
    }
}

#[async_trait]
impl Server for Cluster {
    async fn shards(&self) -> Result<Vec<Shard>, ClientError> {
        let map = self.load_map().await?;
        let mut slots: BTreeMap<(&str, &Endpoint), Vec<(u16, u16)>> = BTreeMap::new();
        let mut next = 0;
        for (last, range) in &map.ranges {
            if range.first != next {
                break;
            }
            next = last + 1;
            slots.entry((&range.id, &range.master)).or_default().push((range.first, *last));
        }
        if next != SLOTS {
            return Err(ClientError::refusal(
                "CLUSTERDOWN",
                &format!("no node serves slot {next}"),
            ));
        }
        let mut shards = Vec::new();
        for ((id, master), slots) in slots {
            let scan = self.link(1, master);
            let nodes = run_one(&*scan, Command::keyless("CLUSTER").arg("NODES")).await?;
            if moves_slots(&text(&nodes).ok_or_else(ClientError::unexpected_reply)?) {
                return Err(ClientError::refusal(
                    "",
                    &format!("{master} is moving slots to or from another server"),
                )
                .hint(
                    "a scan now might miss moving keys: run this again when the cluster is stable",
                ));
            }
            let limits = BatchLimits { mget: !self.has_slots(), ..BatchLimits::SERVER };
            shards.push(Shard {
                id: format!("{id} {slots:?}"),
                scan,
                read: self.link(2, master),
                limits,
            });
        }
        Ok(shards)
    }

    fn fails_over(&self) -> bool {
        true
    }

    fn has_slots(&self) -> bool {
        true
    }

    fn home(&self, key: &[u8]) -> String {
        let map = self.known().map.clone();
        map.and_then(|map| map.range(key).map(|range| range.id.clone()).ok()).unwrap_or_default()
    }

    fn wire(&self) -> &dyn Wire {
        self
    }

    fn disturbances(&self) -> u64 {
        self.distrusts.load(Ordering::SeqCst)
    }

    async fn survey(&self) -> Result<Option<Survey>, ClientError> {
        let mut endpoints = self.seeds.clone();
        let known = self.known().map.clone();
        endpoints.extend(
            known.iter().flat_map(|map| map.ranges.values()).map(|range| range.master.clone()),
        );
        let server = Self::new(&self.dialer, &self.seeds);
        let (views, is_complete) = server.views(endpoints).await?;
        let Consensus { map, doubt } = Consensus::of(&views);
        let keys = map.ids().into_iter().filter_map(|id| key_at(&map, id)).collect();
        let masters: Vec<_> = map.ids().into_iter().collect();
        let identity = masters.join(" ");
        let map = Arc::new(map);
        for cluster in [self, &server] {
            *cluster.known() = CachedMap { map: Some(Arc::clone(&map)), is_stale: false };
        }
        Ok(Some(Survey { server: Arc::new(server), identity, doubt, is_complete, keys }))
    }
}

/// Returns a key of oauthctl's own that belongs to this master.
fn key_at(map: &SlotMap, id: &str) -> Option<Vec<u8>> {
    let mut keys = (0..=u32::from(SLOTS) * 16).map(|n| format!("{CHECK_KEY}:{n}").into_bytes());
    keys.find(|key| map.range(key).is_ok_and(|range| range.id == id))
}

fn redirection(answer: &Value) -> Option<Redirection> {
    let Value::ServerError(error) = answer else { return None };
    let endpoint = || {
        let (host, port) = error.details()?.split(' ').nth(1)?.rsplit_once(':')?;
        Some(Endpoint::Tcp(host.to_owned(), port.parse().ok()?))
    };
    match error.code() {
        // A server that does not know its own address omits it.
        "MOVED" => Some(Redirection::Moved(
            endpoint()
                .filter(|endpoint| !matches!(endpoint, Endpoint::Tcp(host, _) if host.is_empty())),
        )),
        "ASK" => endpoint().map(Redirection::Ask),
        _ => None,
    }
}

/// Checks whether the server's own line in `CLUSTER NODES` shows migrating slots: `[93-<-id]`,
/// `[93->-id]`.
fn moves_slots(nodes: &str) -> bool {
    let own = nodes
        .lines()
        .find(|line| line.split(' ').nth(2).is_some_and(|flags| flags.contains("myself")));
    own.is_some_and(|line| line.contains("-<-") || line.contains("->-"))
}

#[cfg(test)]
mod tests;
