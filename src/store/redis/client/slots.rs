//! Slot maps of a cluster, as seen by one node and by all nodes together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use redis::Value;

use super::address::Endpoint;
use super::error::{ClientError, text};

pub const SLOTS: u16 = 16384;

/// Masters by slot.
pub struct SlotMap {
    /// Ranges by their last slot.
    pub ranges: BTreeMap<u16, Range>,
}

#[derive(Clone)]
pub struct Range {
    pub first: u16,
    pub master: Endpoint,
    pub id: String,
}

/// View of the cluster by one node.
pub struct View {
    /// ID of the node.
    id: String,
    pub map: SlotMap,
    /// Configuration epochs by node.
    epochs: HashMap<String, u64>,
    /// Nodes that it regards as failed or possibly failed.
    failed: HashSet<String>,
}

/// Combined view of all nodes.
pub struct Consensus {
    pub map: SlotMap,
    /// Reason for which other masters may take over in a moment.
    pub doubt: Option<String>,
}

impl SlotMap {
    /// Parses the answer to `CLUSTER SLOTS`. A server without an address is the one that was asked.
    pub fn read(answer: &Value, asked: &Endpoint) -> Result<Self, ClientError> {
        let Value::Array(parts) = answer else { return Err(ClientError::unexpected_reply()) };
        let ranges = parts.iter().map(|part| {
            let Value::Array(range) = part else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &range[..] else {
                return None;
            };
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
        ranges.map(|ranges| Self { ranges }).ok_or_else(ClientError::unexpected_reply)
    }

    pub fn range(&self, key: &[u8]) -> Result<&Range, ClientError> {
        let slot = slot(key);
        let range = self.ranges.range(slot..).next().filter(|(_, range)| range.first <= slot);
        let range = range.ok_or_else(|| {
            ClientError::refusal("CLUSTERDOWN", &format!("no node serves slot {slot}"))
        });
        range.map(|(_, range)| range)
    }

    pub fn master(&self, key: &[u8]) -> Result<&Endpoint, ClientError> {
        self.range(key).map(|range| &range.master)
    }
}

/// Returns the slot of a key: the hash of the part in its first braces, unless that is empty.
pub fn slot(key: &[u8]) -> u16 {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')? + 1;
        let length = key[open..].iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &key[open..open + length])
    };
    crc16::State::<crc16::XMODEM>::calculate(tag().unwrap_or(key)) % SLOTS
}

impl View {
    /// Parses the answers of one node to `CLUSTER SLOTS` and `CLUSTER NODES`.
    pub fn read(slots: &Value, nodes: &Value, asked: &Endpoint) -> Result<Self, ClientError> {
        let mut view = Self {
            id: String::new(),
            map: SlotMap::read(slots, asked)?,
            epochs: HashMap::new(),
            failed: HashSet::new(),
        };
        for line in text(nodes).ok_or_else(ClientError::unexpected_reply)?.lines() {
            let [id, _, flags, _, _, _, epoch, ..] = line.split(' ').collect::<Vec<_>>()[..] else {
                continue;
            };
            let has = |flag: &str| flags.split(',').any(|one| one == flag);
            if has("myself") {
                id.clone_into(&mut view.id);
            }
            if has("fail") || has("fail?") {
                view.failed.insert(id.to_owned());
            }
            view.epochs.insert(id.to_owned(), epoch.parse().unwrap_or(0));
        }
        Ok(view)
    }

    fn epoch(&self, id: &str) -> u64 {
        self.epochs.get(id).copied().unwrap_or(0)
    }

    fn masters(&self) -> BTreeSet<&str> {
        self.map.ids()
    }
}

impl Consensus {
    /// Combines the views: each slot belongs to the named master with the highest epoch.
    pub fn of(views: &[View]) -> Self {
        let mut owners: Vec<Option<(u64, &Range)>> = vec![None; SLOTS.into()];
        for view in views {
            for (last, range) in &view.map.ranges {
                let epoch = view.epoch(&range.id);
                for owner in owners.iter_mut().take(usize::from(*last) + 1).skip(range.first.into())
                {
                    if owner.is_none_or(|(known, _)| known < epoch) {
                        *owner = Some((epoch, range));
                    }
                }
            }
        }
        let mut ranges: BTreeMap<u16, Range> = BTreeMap::new();
        let mut unserved = None;
        for (slot, owner) in (0..SLOTS).zip(owners) {
            let Some((_, owner)) = owner else {
                unserved = Some(slot);
                continue;
            };
            let first = match ranges.last_entry() {
                Some(range) if range.get().id == owner.id && range.key() + 1 == slot => {
                    range.remove().first
                }
                _ => slot,
            };
            ranges.insert(slot, Range { first, ..owner.clone() });
        }
        let map = SlotMap { ranges };
        let doubt = match unserved {
            Some(slot) => Some(format!("no node serves slot {slot}")),
            None => doubt(&map, views),
        };
        Self { map, doubt }
    }
}

/// Returns the reason for which other masters may take over in a moment.
fn doubt(map: &SlotMap, views: &[View]) -> Option<String> {
    let masters = map.ids();
    if views.iter().any(|view| masters.iter().any(|id| view.failed.contains(*id))) {
        return Some("some nodes do not reach a master".to_owned());
    }
    let agreeing = views
        .iter()
        .filter(|view| masters.contains(view.id.as_str()) && view.masters() == masters)
        .count();
    let few = agreeing * 2 <= masters.len();
    few.then(|| format!("only {agreeing} of {} masters name the same masters", masters.len()))
}

impl SlotMap {
    /// Returns the ids of the masters.
    pub fn ids(&self) -> BTreeSet<&str> {
        self.ranges.values().map(|range| range.id.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(
            slot(b"foo{}{bar}"),
            crc16::State::<crc16::XMODEM>::calculate(b"foo{}{bar}") % SLOTS
        );
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
    }

    /// Returns the view of a node. Masters are given as ID, epoch, and first and last slot.
    fn view(id: &str, masters: &[(&str, u64, u16, u16)], failed: &[&str]) -> View {
        let range = |id: &str, first| Range {
            first,
            master: Endpoint::Tcp(id.to_owned(), 1),
            id: id.to_owned(),
        };
        let ranges =
            masters.iter().map(|(id, _, first, last)| (*last, range(id, *first))).collect();
        View {
            id: id.to_owned(),
            map: SlotMap { ranges },
            epochs: masters.iter().map(|(id, epoch, ..)| ((*id).to_owned(), *epoch)).collect(),
            failed: failed.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    const HALF: u16 = SLOTS / 2;

    #[test]
    fn a_slot_has_the_master_of_the_highest_epoch() {
        let before = [("a", 1, 0, HALF - 1), ("b", 2, HALF, SLOTS - 1)];
        let after = [("c", 3, 0, HALF - 1), ("b", 2, HALF, SLOTS - 1)];
        let agreed = Consensus::of(&[
            view("a", &before, &[]),
            view("c", &after, &[]),
            view("b", &after, &[]),
        ]);
        assert_eq!((agreed.map.ids(), agreed.doubt), (["b", "c"].into(), None));
        assert_eq!(agreed.map.ranges.len(), 2);
        // The others do not know of it yet.
        let agreed = Consensus::of(&[
            view("a", &before, &[]),
            view("b", &before, &[]),
            view("c", &after, &[]),
        ]);
        assert_eq!(agreed.map.ids(), ["b", "c"].into());
        assert!(agreed.doubt.is_some());
    }

    #[test]
    fn a_master_that_is_missed_or_a_slot_without_one_is_a_doubt() {
        let masters = [("a", 1, 0, HALF - 1), ("b", 2, HALF, SLOTS - 1)];
        let doubt = |failed: &[&str]| {
            Consensus::of(&[view("a", &masters, failed), view("b", &masters, &[])]).doubt
        };
        assert_eq!(doubt(&["long gone"]), None);
        assert!(doubt(&["b"]).is_some());
        let half = Consensus::of(&[view("a", &masters[..1], &[])]);
        assert!(half.doubt.is_some_and(|why| why.contains("no node serves slot")));
    }
}

#[cfg(test)]
mod properties {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Returns any answer of limited depth.
    fn answer() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<i64>().prop_map(Value::Int),
            "[a-z0-9.]{0,8}".prop_map(|text| Value::BulkString(text.into_bytes())),
        ];
        leaf.prop_recursive(3, 16, 5, |inner| vec(inner, 0..5).prop_map(Value::Array))
    }

    /// Returns a range of slots as `CLUSTER SLOTS` describes it.
    fn range(first: u16, last: u16, port: u16) -> Value {
        let text = |text: String| Value::BulkString(text.into_bytes());
        let master =
            vec![text(format!("h{port}")), Value::Int(port.into()), text(format!("id{port}"))];
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
    }
}
