//! Fault harness: breaks everything that can break, at each place of each conversation. An oracle then
//! compares the network's state of each session with the store and the recovery directory. The result
//! is the number of *sessions lost*, and it must be 0.
//!
//! Unavoidable losses are counted separately: sessions whose refresh was in progress at a kill -9, and
//! those for which the answer with the new tokens never arrived.
//!
//! A normal run takes a sample. `tests/run --faults`, which is `OAUTHCTL_FAULTS=full cargo test --test
//! cli faults`, runs all cases and prints statistics; `OAUTHCTL_FAULTS_SEED` selects other random
//! moments.

mod boundaries;
mod disk;
mod fail_over;
mod hostile;
mod kills;
mod oracle;
mod rows;
mod servers;
mod store;
mod world;

use std::fmt;
use std::io::Write as _;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{Output, Sandbox};

/// Time limit of a run with any fault.
const LONGEST: Duration = Duration::from_secs(150);

/// Checks whether all cases run.
#[expect(
    clippy::disallowed_methods,
    reason = "how thorough to be is asked of whoever runs the tests"
)]
fn is_full() -> bool {
    std::env::var_os("OAUTHCTL_FAULTS").is_some_and(|text| text == "full")
}

/// Returns the seed of the random numbers.
#[expect(clippy::disallowed_methods, reason = "as above")]
fn seed() -> u64 {
    let given = std::env::var("OAUTHCTL_FAULTS_SEED").ok();
    given.map_or(20_261_123, |text| text.parse().expect("OAUTHCTL_FAULTS_SEED is a number"))
}

/// Pseudo random numbers, the same for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % end
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}

/// Results of many runs.
#[derive(Debug, Default)]
struct Figures {
    runs: u64,
    second_tries: u64,
    struck: u64,
    kills: u64,
    sessions: u64,
    recovered: u64,
    ended: u64,
    unanswered: u64,
    in_flight: u64,
    lost: u64,
    slowest: Duration,
}

impl Figures {
    /// Prints a summary in full mode.
    fn print(&self, what: &str) {
        tell(&format!("{what}: {self}"));
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.second_tries += other.second_tries;
        self.struck += other.struck;
        self.kills += other.kills;
        self.sessions += other.sessions;
        self.recovered += other.recovered;
        self.ended += other.ended;
        self.unanswered += other.unanswered;
        self.in_flight += other.in_flight;
        self.lost += other.lost;
        self.slowest = self.slowest.max(other.slowest);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs, {} of them second tries, {} mishaps that happened, {} kills, {} sessions: {} recovered, {} ended on purpose, {} whose answer never arrived, {} in \
             flight at a kill, {} lost; the slowest run took {:.1} s (seed {})",
            self.runs,
            self.second_tries,
            self.struck,
            self.kills,
            self.sessions,
            self.recovered,
            self.ended,
            self.unanswered,
            self.in_flight,
            self.lost,
            self.slowest.as_secs_f64(),
            seed()
        )
    }
}

/// Prints a message in full mode.
fn tell(what: &str) {
    if is_full() {
        say(what);
    }
}

/// Prints a message past the test harness, which captures the output of tests.
fn say(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// Waits for the end of a run. Returns its output and duration.
fn ending(sandbox: &Sandbox, mut child: Child) -> (Output, Duration) {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > LONGEST {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("it never ends:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        thread::sleep(Duration::from_millis(5));
    }
    (sandbox.output_of(child), begun.elapsed())
}
