//! Ctrl-C and SIGTERM: the first lets what was begun come to its end, the second quits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Exit;

/// What a process is sent that writes beyond the largest size it may give to a file, on all systems we know.
const SIGXFSZ: i32 = 25;

/// How soon a signal is noticed by who waits for one.
const POLL: Duration = Duration::from_millis(50);

/// Whether the user, or the system, wants us to stop.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// Listens from now on.
    pub fn listen(runtime: &Runtime) -> Self {
        let interrupt = Self::default();
        // Registered here and not in the task, so that no signal comes too early to be seen.
        let _guard = runtime.enter();
        for (kind, exit) in [(SignalKind::interrupt(), Exit::Interrupted), (SignalKind::terminate(), Exit::Terminated)]
        {
            // Without a handler the signal ends the process at once, which is the default anyway.
            let Ok(mut signals) = signal(kind) else { continue };
            let seen = Arc::clone(&interrupt.0);
            runtime.spawn(async move {
                while signals.recv().await.is_some() {
                    if seen.swap(exit.code(), Ordering::SeqCst) != 0 {
                        quit(exit);
                    }
                }
            });
        }
        // Caught and not looked at, so that it does not end us with tokens in our hands: the write fails like others.
        let _ = signal(SignalKind::from_raw(SIGXFSZ));
        interrupt
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.exit().is_some()
    }

    /// Waits for a signal.
    pub async fn raised(&self) {
        while !self.is_set() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// How to exit after draining, when a signal came.
    pub fn exit(&self) -> Option<Exit> {
        [Exit::Interrupted, Exit::Terminated].into_iter().find(|exit| exit.code() == self.0.load(Ordering::SeqCst))
    }
}

#[expect(clippy::disallowed_methods, reason = "a second signal means: now, whatever is still being drained")]
fn quit(exit: Exit) -> ! {
    std::process::exit(exit.code().into())
}
