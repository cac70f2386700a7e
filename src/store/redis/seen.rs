//! Which keys a scan has seen: 16 bytes a key.

use std::hash::{BuildHasher as _, RandomState};

use crate::store::RecordKey;

/// Few enough that an empty set is small, many enough that inserting into one stays cheap at ten million keys.
const SHELVES: usize = 4096;

/// A set of 128-bit hashes on sorted shelves: a hash table would grow by doubling, and hold two of itself meanwhile.
pub(super) struct Seen {
    hashers: [RandomState; 2],
    shelves: Vec<Vec<u128>>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { hashers: [RandomState::new(), RandomState::new()], shelves: vec![Vec::new(); SHELVES] }
    }

    fn place(&self, key: &RecordKey) -> (u128, usize) {
        let [high, low] = [&self.hashers[0], &self.hashers[1]].map(|hasher| hasher.hash_one(&key.0));
        let hash = (u128::from(high) << 64) | u128::from(low);
        (hash, usize::try_from(low % SHELVES as u64).unwrap_or(0))
    }

    /// Notes the key; false when it was there already.
    pub(super) fn insert(&mut self, key: &RecordKey) -> bool {
        let (hash, at) = self.place(key);
        let shelf = &mut self.shelves[at];
        let Err(at) = shelf.binary_search(&hash) else { return false };
        if shelf.len() == shelf.capacity() {
            // By a quarter: doubling leaves a third of the memory unused.
            shelf.reserve_exact(8.max(shelf.len() / 4));
        }
        shelf.insert(at, hash);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once() {
        let mut seen = Seen::new();
        for n in 0..20_000 {
            let key = RecordKey::from_text(&format!("key:{n}"));
            assert!(seen.insert(&key), "{n}");
        }
        assert!((0..20_000).all(|n| !seen.insert(&RecordKey::from_text(&format!("key:{n}")))));
    }
}
