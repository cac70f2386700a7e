//! Allocations per session: those of a run minus those of a run without sessions.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testbed::redis::Redis;

use crate::seed;

/// Commands that read a whole store.
const COMMANDS: [&str; 4] = [
    "sessions list --format jsonl",
    "sessions stats --format json",
    "sessions export -o -",
    "sessions prune --offline --dry-run --format json",
];

/// Compiled counting allocator.
struct Counter {
    directory: TempDir,
    library: PathBuf,
}

impl Counter {
    /// Compiles the allocator. `None` without a C compiler, or without glibc.
    fn compile() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let library = directory.path().join("allocations.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/allocations.c");
        let mut compiler = Command::new("cc");
        let compiled =
            compiler.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source).status();
        compiled.is_ok_and(|status| status.success()).then_some(Self { directory, library })
    }

    /// Counts the allocations of one run of oauthctl.
    fn count(&self, store: &str, arguments: &str) -> f64 {
        let told = self.directory.path().join("count");
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
        command.args(arguments.split(' ')).args(["--store", store, "--layout", "npmx", "--quiet"]);
        command.env("LD_PRELOAD", &self.library).env("ALLOCATIONS", &told).stdout(Stdio::null());
        let status =
            command.current_dir(self.directory.path()).status().expect("it can be started");
        assert!(status.success(), "{arguments} failed");
        let count = std::fs::read_to_string(&told).expect("the allocator tells the count");
        count.trim().parse().expect("it is a number")
    }
}

pub fn report(count: usize, _runs: usize) {
    let Some(counter) = Counter::compile() else {
        println!("needs cc and the GNU C library: not counted");
        return;
    };
    let (empty, redis) = (Redis::start(), Redis::start());
    seed::sessions(&redis, count);
    for command in COMMANDS {
        let taken = counter.count(&redis.url(), command) - counter.count(&empty.url(), command);
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let each = taken / count as f64;
        println!("{command:50} {each:8.2} allocations a session");
    }
}
