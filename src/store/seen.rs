//! Set of the keys seen by a scan, at 16 bytes per key.

use std::hash::{BuildHasher as _, RandomState};

use crate::hashes::Hashes;
use crate::store::RecordKey;

/// Set of keys by their 128-bit hashes.
pub struct Seen {
    hashers: [RandomState; 2],
    hashes: Hashes<u128>,
}

impl Seen {
    /// Returns an empty set.
    pub fn new() -> Self {
        Self { hashers: [RandomState::new(), RandomState::new()], hashes: Hashes::new() }
    }

    /// Adds the key. Returns false if it was already there.
    pub fn insert(&mut self, key: &RecordKey) -> bool {
        let [high, low] =
            [&self.hashers[0], &self.hashers[1]].map(|hasher| hasher.hash_one(&key.0));
        self.hashes.insert((u128::from(high) << 64) | u128::from(low), low)
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
