//! Ctrl-C, SIGTERM and what else ends a process: the first lets what was begun come to its end, the
//! second quits.

use std::fs::File;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Exit, Failure, interrupted};

/// What a process is sent that writes beyond the largest size it may give to a file, on all systems
/// we know.
const SIGXFSZ: i32 = 25;

/// How soon a signal is noticed by who waits for one.
const POLL: Duration = Duration::from_millis(50);

/// What comes sooner after the first signal is the same wish: a terminal signals every process that
/// it has, and a wrapper among them passes its signal on.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Whether the user, or the system, wants us to stop.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Seen>);

/// What came so far.
#[derive(Default)]
struct Seen {
    /// How to exit; 0 when nothing came.
    exit: AtomicU8,
    /// When the first came.
    since: OnceLock<Instant>,
}

impl Interrupt {
    /// Listens from now on.
    pub fn listen(runtime: &Runtime) -> Self {
        let interrupt = Self::default();
        // Registered here and not in the task, so that no signal comes too early to be seen.
        let _guard = runtime.enter();
        for exit in Exit::OF_SIGNALS {
            let kind = kind_of(exit);
            // Whoever says `nohup` does not want us to stop when the terminal goes.
            if kind == SignalKind::hangup() && is_ignored(kind) {
                continue;
            }
            // Without a handler the signal ends the process at once, which is the default anyway.
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
        // Caught and not looked at, so that it does not end us with tokens in our hands: the write
        // fails like others.
        let _ = signal(SignalKind::from_raw(SIGXFSZ));
        interrupt
    }

    /// Checks whether a signal came.
    pub fn is_set(&self) -> bool {
        self.exit().is_some()
    }

    /// Waits for a signal.
    pub async fn raised(&self) {
        while !self.is_set() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// What comes of waiting for something that a signal may cut short; none when one came first.
    pub async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.raised() => None,
            outcome = future => Some(outcome),
        }
    }

    /// What a count of what was read is followed by.
    pub fn so_far(&self) -> &'static str {
        if self.is_set() { " so far (interrupted)" } else { "" }
    }

    /// What the summary of a run ends with.
    pub fn before_the_end(&self) -> &'static str {
        if self.is_set() { "; interrupted before the end" } else { "" }
    }

    /// Returns a failure for what a signal has kept from being done; `so` is what that means for
    /// the user.
    pub fn failure(&self, so: &str) -> Failure {
        interrupted(self.exit().unwrap_or(Exit::Interrupted), so)
    }

    /// How to exit after draining, when a signal came.
    pub fn exit(&self) -> Option<Exit> {
        let code = self.0.exit.load(Ordering::SeqCst);
        Exit::OF_SIGNALS.into_iter().find(|exit| exit.code() == code)
    }
}

impl Seen {
    /// Takes a signal in; whether it says: at once.
    fn add(&self, exit: Exit) -> bool {
        let first = *self.since.get_or_init(Instant::now);
        if first.elapsed() < SAME_WISH {
            // The first has said how to exit.
            let _ = self.exit.compare_exchange(0, exit.code(), Ordering::SeqCst, Ordering::SeqCst);
            return false;
        }
        true
    }
}

/// Returns the signal after which a process exits so: a shell's status for it is 128 and its
/// number.
fn kind_of(exit: Exit) -> SignalKind {
    SignalKind::from_raw(i32::from(exit.code()) - 128)
}

/// Checks whether we were started with this signal ignored. Only Linux says so; elsewhere a signal
/// is always heeded.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

#[expect(
    clippy::disallowed_methods,
    reason = "a second signal means: now, whatever is still being drained"
)]
fn quit(exit: Exit) -> ! {
    // Exiting flushes stdout, and that would wait for whoever reads it.
    if let Ok(null) = File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
    std::process::exit(exit.code().into())
}
