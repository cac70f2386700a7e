//! Set of hashes in sorted runs. Avoids the memory peak of a growing hash table.

/// Number of runs: small enough for a small empty set, and large enough for cheap insertions at ten
/// million hashes.
const RUNS: u64 = 4096;

/// Hashes of keys or of tokens.
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
