//! Signals that end a process: the first lets work in progress complete, the second exits at once.

use std::fs::File;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Exit, Failure, interrupted};

/// Number of SIGXFSZ on all supported systems. Sent for writes beyond the file size limit.
const SIGXFSZ: i32 = 25;

/// Interval at which a waiting task checks for signals.
const POLL: Duration = Duration::from_millis(50);

/// Signals within this interval count once: terminal and wrapper may both deliver the same Ctrl-C.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Request to stop by the user or the system. Clones share it.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Seen>);

/// Signals received so far.
#[derive(Default)]
struct Seen {
    /// Exit status, 0 before the first signal.
    exit: AtomicU8,
    /// Time of the first signal.
    since: OnceLock<Instant>,
}

impl Interrupt {
    /// Installs the signal handlers.
    pub fn listen(runtime: &Runtime) -> Self {
        let interrupt = Self::default();
        // Registered here and not in the task, so that an early signal is not missed.
        let _guard = runtime.enter();
        for exit in Exit::OF_SIGNALS {
            let kind = kind_of(exit);
            // `nohup` asks to continue after the terminal has closed.
            if kind == SignalKind::hangup() && is_ignored(kind) {
                continue;
            }
            // Without a handler, the signal ends the process, which is the default.
            let Ok(mut signals) = signal(kind) else { continue };
            let seen = Arc::clone(&interrupt.0);
            runtime.spawn(async move {
                while signals.recv().await.is_some() {
                    if seen.add(exit) {
                        quit(exit);
                    }
                }
            });
        }
        // Ignored, so that the process is not killed while it holds new tokens: the write fails
        // with an ordinary error.
        let _ = signal(SignalKind::from_raw(SIGXFSZ));
        interrupt
    }

    /// Checks whether a signal was received.
    pub fn is_set(&self) -> bool {
        self.exit().is_some()
    }

    /// Waits for a signal.
    pub async fn raised(&self) {
        while !self.is_set() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits for a future, or for a signal. Returns `None` after a signal.
    pub async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.raised() => None,
            outcome = future => Some(outcome),
        }
    }

    /// Returns the suffix for counts of an interrupted run.
    pub fn so_far(&self) -> &'static str {
        if self.is_set() { " so far (interrupted)" } else { "" }
    }

    /// Returns the end of the summary of an interrupted run.
    pub fn before_the_end(&self) -> &'static str {
        if self.is_set() { "; interrupted before the end" } else { "" }
    }

    /// Returns the failure of interrupted work. `so` is the consequence for the user.
    pub fn failure(&self, so: &str) -> Failure {
        interrupted(self.exit().unwrap_or(Exit::Interrupted), so)
    }

    /// Returns the exit status after a signal.
    pub fn exit(&self) -> Option<Exit> {
        let code = self.0.exit.load(Ordering::SeqCst);
        Exit::OF_SIGNALS.into_iter().find(|exit| exit.code() == code)
    }
}

impl Seen {
    /// Records a signal. Returns true if it demands an immediate exit.
    fn add(&self, exit: Exit) -> bool {
        let first = *self.since.get_or_init(Instant::now);
        if first.elapsed() < SAME_WISH {
            // The first signal determines the exit status.
            let _ = self.exit.compare_exchange(0, exit.code(), Ordering::SeqCst, Ordering::SeqCst);
            return false;
        }
        true
    }
}

/// Returns the signal of an exit status, which is 128 plus its number.
fn kind_of(exit: Exit) -> SignalKind {
    SignalKind::from_raw(i32::from(exit.code()) - 128)
}

/// Checks whether this signal was ignored when the process started. Known only on Linux; elsewhere
/// all signals are handled.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

#[expect(clippy::disallowed_methods, reason = "a second signal ends the program immediately")]
fn quit(exit: Exit) -> ! {
    // Flushing stdout at exit would wait for its reader.
    if let Ok(null) = File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
    std::process::exit(exit.code().into())
}
