//! A cluster: every key has a slot, every slot a master, and slots move.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;
use redis::Value;

use super::address::Endpoint;
use super::dial::Dialer;
use super::link::{Link, Whereabouts};
use super::trouble::{Trouble, text};
use super::wire::{Command, Limits, Server, Shard, Wire, run_one};

const SLOTS: u16 = 16384;

/// A command is sent on so many times while the cluster is being rearranged.
const REDIRECTIONS: usize = 5;

/// The masters as we know them.
pub(super) struct Cluster {
    dialer: Arc<Dialer>,
    seeds: Vec<Endpoint>,
    /// For single keys and values, and for scans.
    links: [Mutex<HashMap<Endpoint, Arc<Link>>>; 2],
    map: Mutex<Known>,
}

/// The last map, and whether it still holds: one that does not still names servers that know the next one.
#[derive(Default)]
struct Known {
    map: Option<Arc<SlotMap>>,
    is_stale: bool,
}

/// Which master has which slots.
struct SlotMap {
    /// By the last slot of the range.
    ranges: BTreeMap<u16, Range>,
}

struct Range {
    first: u16,
    master: Endpoint,
    id: String,
}

/// What a server says of a key that it does not have.
enum Redirection {
    /// It is there from now on.
    Moved,
    /// It may already be there.
    Ask(Endpoint),
}

impl Cluster {
    pub(super) fn new(dialer: &Arc<Dialer>, seeds: &[Endpoint]) -> Self {
        Self { dialer: Arc::clone(dialer), seeds: seeds.to_vec(), links: Default::default(), map: Mutex::default() }
    }

    fn link(&self, purpose: usize, endpoint: &Endpoint) -> Arc<Link> {
        let mut links = self.links[purpose].lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Link::new(Arc::clone(&self.dialer), Whereabouts::Fixed(endpoint.clone())));
        Arc::clone(links.entry(endpoint.clone()).or_insert_with(make))
    }

    fn main_link(&self, endpoint: &Endpoint) -> Arc<Link> {
        self.link(0, endpoint)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn distrust_map(&self) {
        self.known().is_stale = true;
    }

    /// Asks for the map: the masters known so far, then the servers of the address.
    async fn load_map(&self) -> Result<Arc<SlotMap>, Trouble> {
        let mut endpoints = self.seeds.clone();
        if let Some(map) = self.known().map.clone() {
            endpoints.splice(0..0, map.ranges.values().map(|range| range.master.clone()));
        }
        let mut asked = HashSet::new();
        let mut last = Trouble::unreached("no server is named");
        for endpoint in endpoints {
            if !asked.insert(endpoint.clone()) {
                continue;
            }
            match run_one(&*self.main_link(&endpoint), Command::keyless("CLUSTER").arg("SLOTS")).await {
                Ok(answer) => match SlotMap::read(&answer, &endpoint) {
                    Ok(map) => {
                        let map = Arc::new(map);
                        *self.known() = Known { map: Some(Arc::clone(&map)), is_stale: false };
                        return Ok(map);
                    }
                    Err(trouble) => last = trouble,
                },
                Err(trouble) if trouble.to_string().contains("cluster support disabled") => {
                    return Err(trouble.hint("this is no cluster: name it redis:// instead of redis+cluster://"));
                }
                Err(trouble) => last = trouble,
            }
        }
        Err(last)
    }

    async fn map(&self) -> Result<Arc<SlotMap>, Trouble> {
        let known = {
            let known = self.known();
            known.map.clone().filter(|_| !known.is_stale)
        };
        match known {
            Some(map) => Ok(map),
            None => self.load_map().await,
        }
    }

    /// Runs those of the commands that are still open, each where its key is said to be.
    async fn run_open(
        &self,
        commands: &[Command],
        answers: &mut [Option<Value>],
        asked: &mut HashMap<usize, Endpoint>,
    ) -> Result<(), Trouble> {
        let map = self.map().await.map_err(Trouble::before_sending)?;
        let mut groups: BTreeMap<Endpoint, Vec<usize>> = BTreeMap::new();
        let (mut singles, open) = (Vec::new(), (0..commands.len()).filter(|at| answers[*at].is_none()));
        for at in open.collect::<Vec<_>>() {
            match asked.remove(&at) {
                Some(endpoint) => singles.push((at, endpoint)),
                None => groups.entry(map.master(commands[at].key())?.clone()).or_default().push(at),
            }
        }
        let groups = groups.into_iter().map(|(endpoint, places)| async move {
            let some: Vec<_> = places.iter().map(|at| commands[*at].clone()).collect();
            let answers = self.main_link(&endpoint).run(&some).await;
            (places, answers)
        });
        let singles = singles.into_iter().map(|(at, endpoint)| async move {
            let both = [Command::keyless("ASKING"), commands[at].clone()];
            let answers = self.main_link(&endpoint).run(&both).await;
            (vec![at], answers.map(|mut answers| answers.split_off(1)))
        });
        let (groups, singles) = futures_util::future::join(join_all(groups), join_all(singles)).await;
        let (mut failure, mut was_run) = (None, false);
        for (places, some) in groups.into_iter().chain(singles) {
            match some {
                Ok(some) => {
                    was_run = true;
                    for (at, answer) in places.into_iter().zip(some) {
                        answers[at] = Some(answer);
                    }
                }
                Err(trouble) => failure = Some(trouble),
            }
        }
        match failure {
            None => Ok(()),
            Some(trouble) => {
                // Another master may have the slots by now.
                self.distrust_map();
                Err(if was_run { trouble.after_sending() } else { trouble })
            }
        }
    }
}

#[async_trait]
impl Wire for Cluster {
    async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, Trouble> {
        let mut answers = vec![None; commands.len()];
        let mut asked = HashMap::new();
        for _ in 0..REDIRECTIONS {
            self.run_open(commands, &mut answers, &mut asked).await?;
            for at in 0..answers.len() {
                // Answered where the command is not that it was to follow.
                let left_by = (0..at).find(|led| answers[*led].is_none() && commands[at].follows(&commands[*led]));
                match (answers[at].as_ref().and_then(redirection), left_by) {
                    (Some(Redirection::Moved), _) => self.distrust_map(),
                    (Some(Redirection::Ask(endpoint)), _) => {
                        asked.insert(at, endpoint);
                    }
                    (None, Some(led)) => asked.extend(asked.get(&led).cloned().map(|endpoint| (at, endpoint))),
                    (None, None) => continue,
                }
                answers[at] = None;
            }
            if answers.iter().all(Option::is_some) {
                return Ok(answers.into_iter().flatten().collect());
            }
        }
        let refused = Trouble::refusal("TRYAGAIN", "the cluster keeps moving the keys");
        // Some were run.
        Err(if answers.iter().any(Option::is_some) { refused.after_sending() } else { refused })
    }
}

#[async_trait]
impl Server for Cluster {
    async fn shards(&self) -> Result<Vec<Shard>, Trouble> {
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
            return Err(Trouble::refusal("CLUSTERDOWN", &format!("nobody serves slot {next}")));
        }
        let mut shards = Vec::new();
        for ((id, master), slots) in slots {
            let scan = self.link(1, master);
            let nodes = run_one(&*scan, Command::keyless("CLUSTER").arg("NODES")).await?;
            if moves_slots(&text(&nodes).ok_or_else(Trouble::nonsense)?) {
                return Err(Trouble::refusal("", &format!("{master} is moving slots to or from another server"))
                    .hint("a scan now might miss what is on its way: run this again when the cluster is rearranged"));
            }
            let limits = Limits { mget: !self.has_slots(), ..Limits::SERVER };
            shards.push(Shard { id: format!("{id} {slots:?}"), scan, read: self.main_link(master), limits });
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
}

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS`; a server that does not say where it is, is where it was asked.
    fn read(answer: &Value, asked: &Endpoint) -> Result<Self, Trouble> {
        let Value::Array(parts) = answer else { return Err(Trouble::nonsense()) };
        let ranges = parts.iter().map(|part| {
            let Value::Array(range) = part else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &range[..] else { return None };
            let [host, Value::Int(port), id, ..] = &master[..] else { return None };
            let host = match (text(host).filter(|host| !host.is_empty()), asked) {
                (Some(host), _) => host,
                (None, Endpoint::Tcp(host, _)) => host.clone(),
                (None, Endpoint::Socket(_)) => return None,
            };
            let master = Endpoint::Tcp(host, u16::try_from(*port).ok()?);
            let range = Range { first: u16::try_from(*first).ok()?, master, id: text(id)? };
            Some((u16::try_from(*last).ok()?, range))
        });
        let ranges: Option<BTreeMap<_, _>> = ranges.collect();
        ranges.map(|ranges| Self { ranges }).ok_or_else(Trouble::nonsense)
    }

    fn range(&self, key: &[u8]) -> Result<&Range, Trouble> {
        let slot = slot(key);
        let range = self.ranges.range(slot..).next().filter(|(_, range)| range.first <= slot);
        let range = range.ok_or_else(|| Trouble::refusal("CLUSTERDOWN", &format!("nobody serves slot {slot}")));
        range.map(|(_, range)| range)
    }

    fn master(&self, key: &[u8]) -> Result<&Endpoint, Trouble> {
        self.range(key).map(|range| &range.master)
    }
}

/// The slot of a key: of what is in its first braces, where there is something.
fn slot(key: &[u8]) -> u16 {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')? + 1;
        let length = key[open..].iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &key[open..open + length])
    };
    crc16::State::<crc16::XMODEM>::calculate(tag().unwrap_or(key)) % SLOTS
}

fn redirection(answer: &Value) -> Option<Redirection> {
    let Value::ServerError(error) = answer else { return None };
    match error.code() {
        "MOVED" => Some(Redirection::Moved),
        "ASK" => {
            let (host, port) = error.details()?.split(' ').nth(1)?.rsplit_once(':')?;
            Some(Redirection::Ask(Endpoint::Tcp(host.to_owned(), port.parse().ok()?)))
        }
        _ => None,
    }
}

/// Whether a server's own line in `CLUSTER NODES` shows slots on their way: `[93-<-id]`, `[93->-id]`.
fn moves_slots(nodes: &str) -> bool {
    let own = nodes.lines().find(|line| line.split(' ').nth(2).is_some_and(|flags| flags.contains("myself")));
    own.is_some_and(|line| line.contains("-<-") || line.contains("->-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(slot(b"foo{}{bar}"), crc16::State::<crc16::XMODEM>::calculate(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
    }

    #[test]
    fn slots_on_their_way_are_seen() {
        let line = "id 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-5460";
        assert!(!moves_slots(line));
        assert!(moves_slots(&format!("{line} [93->-other]")) && moves_slots(&format!("x y slave\n{line} [9-<-other]")));
    }
}

#[cfg(test)]
mod properties {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Any answer, not deep.
    fn answer() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<i64>().prop_map(Value::Int),
            "[a-z0-9.]{0,8}".prop_map(|text| Value::BulkString(text.into_bytes())),
        ];
        leaf.prop_recursive(3, 16, 5, |inner| vec(inner, 0..5).prop_map(Value::Array))
    }

    /// A range of slots as `CLUSTER SLOTS` describes it.
    fn range(first: u16, last: u16, port: u16) -> Value {
        let text = |text: String| Value::BulkString(text.into_bytes());
        let master = vec![text(format!("h{port}")), Value::Int(port.into()), text(format!("id{port}"))];
        Value::Array(vec![Value::Int(first.into()), Value::Int(last.into()), Value::Array(master)])
    }

    proptest! {
        #[test]
        fn every_slot_is_where_the_map_says(cuts in proptest::collection::btree_set(1..SLOTS, 0..6), key in vec(any::<u8>(), 0..24)) {
            let starts: Vec<_> = std::iter::once(0).chain(cuts).collect();
            let ends = starts[1..].iter().map(|next| next - 1).chain([SLOTS - 1]);
            let ranges = (1..).zip(&starts).zip(ends).map(|((port, first), last)| range(*first, last, port));
            let map = SlotMap::read(&Value::Array(ranges.collect()), &Endpoint::Tcp("asked".to_owned(), 1)).unwrap();
            let number = starts.partition_point(|first| *first <= slot(&key));
            let port = u16::try_from(number).unwrap();
            prop_assert_eq!(map.master(&key).unwrap(), &Endpoint::Tcp(format!("h{port}"), port));
        }

        #[test]
        fn an_answer_that_is_no_map_is_refused_or_names_masters(answer in answer(), ranges in vec((any::<u16>(), any::<u16>()), 0..3), key in vec(any::<u8>(), 0..8)) {
            let asked = Endpoint::Tcp("asked".to_owned(), 1);
            let mixed = ranges.iter().map(|(first, last)| range(*first, *last, 7)).chain([answer.clone()]).collect();
            for answer in [answer, Value::Array(mixed)] {
                if let Ok(map) = SlotMap::read(&answer, &asked) && let Ok(Endpoint::Tcp(host, _)) = map.master(&key) {
                    prop_assert!(map.ranges.values().any(|range| matches!(&range.master, Endpoint::Tcp(known, _) if known == host)));
                }
            }
        }

        #[test]
        fn a_redirection_leads_where_it_says(slot in 0..SLOTS, host in "[a-z]{1,8}|[0-9a-f:]{2,12}", port: u16, text in crate::arbitrary::text()) {
            for (line, leads) in [(format!("-ASK {slot} {host}:{port}"), true), (format!("-ASK {text}"), false), (format!("-{text}"), false)] {
                let line = line.replace(['\r', '\n'], " ") + "\r\n";
                let Ok(answer) = redis::parse_redis_value(line.as_bytes()) else { continue };
                match redirection(&answer) {
                    Some(Redirection::Ask(endpoint)) if leads => prop_assert_eq!(endpoint, Endpoint::Tcp(host.clone(), port)),
                    _ => prop_assert!(!leads),
                }
            }
        }
    }
}
