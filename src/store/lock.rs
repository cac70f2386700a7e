//! A lock that is held, and given back on every path.

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tracing::debug;

/// Tells that somebody else kept a lock for too long.
pub(super) fn tell_busy(name: &str) {
    debug!("lock {name}: somebody else holds it");
}

/// Error of [`Store::lock`](super::Store::lock): the lock is held and has no time to live, so that
/// it never ends by itself. A process that crashed between taking it and giving it a time to live
/// has left it, or an app that forgot to.
#[derive(Debug)]
pub struct EndlessLock {
    /// Where it is.
    pub(super) key: String,
    /// The command that removes it.
    pub(super) remedy: String,
}

impl fmt::Display for EndlessLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, remedy } = self;
        write!(
            f,
            "its lock {key} is held and has no time to live: a process that crashed has left it; make sure that no app \
             holds it, then remove it: {remedy}"
        )
    }
}

impl std::error::Error for EndlessLock {}

/// How a store gives a lock back: in one step, and only if it is still ours.
#[async_trait]
pub(super) trait Release: Send + Sync {
    /// Checks whether the lock was still ours.
    async fn release(self: Box<Self>) -> anyhow::Result<bool>;
}

/// The lock on an account's sessions. Dropped without [`Lock::release`] (a panic, a cancelled task)
/// it is given back in the background; a process that dies leaves it to its time to live.
pub struct Lock {
    release: Option<Box<dyn Release>>,
    /// What client libraries call it.
    name: String,
    taken: Instant,
    ttl: Duration,
}

impl Lock {
    pub(super) fn new(
        release: Box<dyn Release>,
        name: String,
        taken: Instant,
        ttl: Duration,
    ) -> Self {
        debug!("lock {name}: taken after {} ms", taken.elapsed().as_millis());
        Self { release: Some(release), name, taken, ttl }
    }

    /// How much longer nobody else can take the lock.
    pub fn remaining(&self) -> Duration {
        self.ttl.saturating_sub(self.taken.elapsed())
    }

    /// How long the lock has been held.
    pub fn held(&self) -> Duration {
        self.taken.elapsed()
    }

    /// Keeps everybody else out for as long as the lock lives, whatever becomes of us.
    pub fn leave(mut self) {
        debug!("lock {}: left to its time to live", self.name);
        self.release = None;
    }

    /// Gives the lock back. False when it had run out and was no longer ours.
    pub async fn release(mut self) -> anyhow::Result<bool> {
        match self.release.take() {
            Some(release) => {
                let was_ours = release.release().await;
                let how =
                    if matches!(was_ours, Ok(true)) { "given back" } else { "no longer ours" };
                debug!("lock {}: {how}, {} ms", self.name, self.taken.elapsed().as_millis());
                was_ours
            }
            None => Ok(false),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = self.release.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { release.release().await });
        }
    }
}
