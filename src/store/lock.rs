//! Lock on an account, released on all paths.

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tracing::debug;

/// Logs that someone else held a lock for too long.
pub(super) fn tell_busy(name: &str) {
    debug!("lock {name}: held by another process");
}

/// Error of [`Store::lock`](super::Store::lock): the lock is held and has no TTL, so it never
/// expires. Left behind by a process that crashed before setting a TTL, or by an app that sets
/// none.
#[derive(Debug)]
pub struct EndlessLock {
    /// Key of the lock.
    pub(super) key: String,
    /// Command that removes the lock.
    pub(super) remedy: String,
}

impl fmt::Display for EndlessLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, remedy } = self;
        write!(
            f,
            "its lock {key} has no TTL, so a crashed process may have left it; make sure that no app holds it, then remove it: {remedy}"
        )
    }
}

impl std::error::Error for EndlessLock {}

/// Release of a lock by its store: atomic, and only if the lock is still held by this run.
#[async_trait]
pub(super) trait Release: Send + Sync {
    /// Releases the lock. Returns false if it had expired.
    async fn release(self: Box<Self>) -> anyhow::Result<bool>;
}

/// Lock on an account's sessions. If dropped without [`Lock::release`] (a panic, a cancelled task),
/// it is released in the background. If the process dies, it expires with its TTL.
pub struct Lock {
    release: Option<Box<dyn Release>>,
    /// Name passed by client libraries.
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

    /// Returns the time for which no one else can acquire the lock.
    pub fn remaining(&self) -> Duration {
        self.ttl.saturating_sub(self.taken.elapsed())
    }

    /// Returns the time for which the lock has been held.
    pub fn held(&self) -> Duration {
        self.taken.elapsed()
    }

    /// Keeps the lock until its TTL expires (no release on drop).
    pub fn abandon_until_ttl(mut self) {
        debug!("lock {}: left to its time to live", self.name);
        self.release = None;
    }

    /// Releases the lock. Returns false if it had expired.
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
