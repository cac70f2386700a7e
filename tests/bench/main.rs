//! How fast it is, and beside what: the commands that have to do with many sessions, and the start
//! of the program.
//!
//!     cargo bench --bench scale                            everything, at 10,000 and 100,000
//! sessions; some minutes     cargo bench --bench scale -- list purge 1000000      so many
//! sessions, and only these parts     cargo bench --bench scale -- list 200000 runs=5      the best
//! of so many runs of each     cargo bench --bench scale -- allocations 20000       what each
//! session takes from the allocator
//!
//! Starts servers of its own, fills them, and ends them. Needs redis-server and redis-cli; openssl,
//! and Node with npm, for comparisons; cc for the counting allocator.

use std::process::ExitCode;

mod allocations;
mod bare;
mod keys;
mod list;
mod measure;
mod purge;
mod refresh;
mod seed;

/// Sessions, when no number is given.
const COUNTS: [usize; 2] = [10_000, 100_000];

/// What there is to measure; the numbers are of sessions and of runs.
const PARTS: [(&str, fn(usize, usize)); 4] = [
    ("list", list::report),
    ("purge", purge::report),
    ("refresh", refresh::report),
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
