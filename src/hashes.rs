//! Set of hashes in sorted runs. Avoids the memory peak of a growing hash table, which holds two of
//! itself meanwhile.

/// Few enough that an empty set is small, many enough that inserting into one stays cheap at ten
/// million hashes.
const RUNS: u64 = 4096;

/// Hashes of keys or of tokens.
pub struct Hashes<H>(Vec<Vec<H>>);

impl<H: Copy + Ord> Hashes<H> {
    /// Returns an empty set.
    pub fn new() -> Self {
        Self((0..RUNS).map(|_| Vec::new()).collect())
    }

    /// Inserts a hash, whose low bits choose the run. Returns false when it was there already.
    pub fn insert(&mut self, hash: H, low: u64) -> bool {
        let run = &mut self.0[usize::try_from(low % RUNS).unwrap_or(0)];
        let Err(at) = run.binary_search(&hash) else { return false };
        if run.len() == run.capacity() {
            // By a quarter: doubling leaves a third of the memory unused.
            run.reserve_exact(8.max(run.len() / 4));
        }
        run.insert(at, hash);
        true
    }
}
