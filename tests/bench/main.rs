//! Benchmarks of the commands that process many sessions, and of the start of the program, with
//! comparisons.
//!
//! ```text
//! cargo bench --bench scale                            all, at 10,000 and 100,000 sessions; minutes
//! cargo bench --bench scale -- list purge 1000000      this number of sessions, these parts only
//! cargo bench --bench scale -- list 200000 runs=5      best of this number of runs
//! cargo bench --bench scale -- allocations 20000       allocations per session
//! cargo bench --bench scale -- postgres 200000         beside psql and Redis; a minute
//! ```
//!
//! Starts its own servers, fills them, and stops them. Needs redis-server and redis-cli; PostgreSQL
//! for its part; openssl, and Node with npm, for comparisons; cc for the counting allocator.

use std::process::ExitCode;

mod allocations;
mod bare;
mod keys;
mod list;
mod measure;
mod postgres;
mod purge;
mod refresh;
mod seed;

/// Default numbers of sessions.
const COUNTS: [usize; 2] = [10_000, 100_000];

/// Benchmarks. Their arguments are the numbers of sessions and runs.
const PARTS: [(&str, fn(usize, usize)); 5] = [
    ("list", list::report),
    ("purge", purge::report),
    ("refresh", refresh::report),
    ("postgres", postgres::report),
    ("allocations", allocations::report),
];

fn main() -> ExitCode {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<_> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let mut counts: Vec<usize> =
        arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let is_known = |argument: &str| {
        let is_part = argument == "keys" || PARTS.iter().any(|(part, _)| argument == *part);
        let number = argument.strip_prefix("runs=").unwrap_or(argument);
        is_part || number.parse::<usize>().is_ok()
    };
    if let Some(unknown) = arguments.iter().find(|argument| !is_known(argument)) {
        let parts: Vec<_> = PARTS.iter().map(|(part, _)| *part).collect();
        eprintln!("there is no part {unknown}; there are keys, {}", parts.join(", "));
        return ExitCode::from(2);
    }
    if counts.is_empty() {
        counts.extend(COUNTS);
    }
    let runs = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("runs=")?.parse().ok())
        .unwrap_or(3);
    let named = |part: &str| arguments.iter().any(|argument| argument == part);
    let all = !named("keys") && !PARTS.iter().any(|(part, _)| named(part));
    println!("{}; the best of {runs} runs each", measure::machine());
    if all || named("keys") {
        keys::report();
    }
    for count in counts {
        for (part, report) in PARTS {
            if all || named(part) {
                println!("\n== {part}: {count} sessions");
                report(count, runs);
            }
        }
    }
    ExitCode::SUCCESS
}
