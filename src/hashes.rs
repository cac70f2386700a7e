//! Hashes: fingerprints of secrets, and sets of hashes.

use sha2::{Digest as _, Sha256};

/// Number of runs: small enough for a small empty set, and large enough for cheap insertions at ten
/// million hashes.
const RUNS: u64 = 4096;

/// Set of hashes of keys or tokens, in sorted runs. Avoids the memory peak of a growing hash table.
pub struct Hashes<H>(Vec<Vec<H>>);

impl<H: Copy + Ord> Hashes<H> {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self((0..RUNS).map(|_| Vec::new()).collect())
    }

    /// Inserts a hash, whose low bits choose the run. Returns false if it was already there.
    pub fn insert(&mut self, hash: H, low: u64) -> bool {
        let run = &mut self.0[usize::try_from(low % RUNS).unwrap_or(0)];
        let Err(at) = run.binary_search(&hash) else { return false };
        if run.len() == run.capacity() {
            // By a quarter, because doubling would leave a third of the memory unused.
            run.reserve_exact(8.max(run.len() / 4));
        }
        run.insert(at, hash);
        true
    }
}

/// Returns the first 128 bits of the SHA-256 in hex, which identify a secret or a record without
/// disclosing it.
pub fn fingerprint(secret: &[u8]) -> String {
    let digest = Sha256::digest(secret);
    format!("{:032x}", u128::from_be_bytes(*digest.first_chunk().expect("SHA-256 has 32 bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_beginning_of_the_hash_of_fips_180() {
        assert_eq!(fingerprint(b"abc"), "ba7816bf8f01cfea414140de5dae2223");
        // Leading zeros are kept.
        assert_eq!(fingerprint(b"886"), "000f21ac06aceb9cdd0575e82d0d85fc");
    }
}
