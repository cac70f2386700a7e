//! Lock on an account's sessions, compatible with the app's: `SET NX` with a TTL and an owner,
//! released only by that owner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::Value;

use super::client::cli::Cli;
use super::client::command::{Command, Server};
use super::client::connect;
use super::client::error::ClientError;
use super::client::rest::Rest;
use super::client::retry::{self, Backoff};
use super::records::OWN_PREFIX;
use super::write::{self, milliseconds};
use crate::error::{Failure, usage};
use crate::session::Age;
use crate::store::layout::{Layout, LockRule};
use crate::store::lock::{self, EndlessLock, Lock, Release};
use crate::store::{Access, Locks, StoreUrl};

/// TTL of oauthctl's own lock, for layouts without one.
const OWN_TTL: Age = Age::from_secs(30);

/// First pause between attempts. An app holds its lock for one request.
const SHORTEST_WAIT: Duration = Duration::from_millis(25);
const LONGEST_WAIT: Duration = Duration::from_millis(400);

/// `PTTL` of a key without a TTL.
const FOREVER: i64 = -1;

/// Redis with locks.
pub(in crate::store) struct RedisLocks {
    pub(super) server: Arc<dyn Server>,
    /// Address for display.
    pub(super) place: Arc<str>,
    pub(super) cli: Cli,
}

impl RedisLocks {
    /// Creates a client for this address. It connects with the first lock.
    pub(in crate::store) fn connect(url: &StoreUrl, access: &Access) -> Result<Self, Failure> {
        let (server, cli): (Arc<dyn Server>, _) = match url {
            StoreUrl::Redis(address) => (connect(address, access)?, Cli::of(address)),
            StoreUrl::Rest(address) => {
                (Arc::new(Rest::new(address, access)?), Cli::of_rest(address))
            }
            StoreUrl::Sqlite(_) | StoreUrl::Postgres(_) => {
                return Err(usage("is not the address of a Redis")
                    .at("store.lock_url")
                    .hint(ASKED));
            }
        };
        Ok(Self { server, place: url.to_string().into(), cli })
    }

    /// Acquires the lock, waiting for up to `patience`. `None` if it was held by someone else for
    /// longer.
    pub(in crate::store) async fn lock(
        &self,
        rule: &LockRule,
        name: String,
        patience: Duration,
    ) -> anyhow::Result<Option<Lock>> {
        match take(&self.server, rule, name, patience)
            .await
            .map_err(|error| error.explain(&self.place))?
        {
            LockAttempt::Taken(lock) => Ok(Some(lock)),
            LockAttempt::Busy => Ok(None),
            LockAttempt::Endless(key) => {
                let remedy = self.cli.del(&key);
                Err(EndlessLock { key, remedy }.into())
            }
        }
    }
}

/// Location of the app's locks outside of a database with its sessions.
#[derive(Clone)]
pub(in crate::store) enum LocksElsewhere {
    /// The app has no locks.
    Nowhere,
    Redis(Arc<RedisLocks>),
}

impl LocksElsewhere {
    /// Returns the configured location; `None` if there is none, or the locks are in the database.
    pub(in crate::store) fn of(layout: &Layout, access: &Access) -> Result<Option<Self>, Failure> {
        Ok(match &access.locks {
            Some(_) if !matches!(layout.lock, LockRule::Key { .. }) => None,
            Some(Locks::Store(url, access)) => {
                Some(Self::Redis(Arc::new(RedisLocks::connect(url, access)?)))
            }
            Some(Locks::None) => Some(Self::Nowhere),
            None => None,
        })
    }

    /// Refuses a refresh in a layout whose locks are in a Redis that is not configured.
    pub(in crate::store) fn check(found: Option<&Self>, layout: &Layout) -> Result<(), Failure> {
        if found.is_none() && matches!(layout.lock, LockRule::Key { .. }) {
            return Err(usage(format!(
                "the app of layout {} keeps its locks in Redis",
                layout.name
            ))
            .hint(ASKED));
        }
        Ok(())
    }
}

/// Hint if the app's Redis with locks is not known.
const ASKED: &str = "set lock_url under [store] in oauthctl.toml to the app's Redis, or to \"none\" if it has no locks";

/// Result of an attempt to acquire a lock.
enum LockAttempt {
    Taken(Lock),
    /// Held by someone else.
    Busy,
    /// Held under this key without a TTL.
    Endless(String),
}

/// Acquires the lock, waiting for up to `patience`.
async fn take(
    server: &Arc<dyn Server>,
    rule: &LockRule,
    name: String,
    patience: Duration,
) -> Result<LockAttempt, ClientError> {
    let (key, ttl) = match rule {
        LockRule::Key { pattern, ttl } => (pattern.key(&name, None), *ttl),
        LockRule::None | LockRule::Unsaid | LockRule::Lease { .. } | LockRule::Advisory(_) => {
            (format!("{OWN_PREFIX}lock:{name}"), OWN_TTL)
        }
    };
    let ttl = Duration::try_from(ttl.duration()).unwrap_or_default();
    let owner = owner();
    let command =
        Command::new("SET", key.as_bytes()).arg(&owner).arg("NX").arg("PX").arg(milliseconds(ttl));
    let begun = Instant::now();
    let mut wait = SHORTEST_WAIT;
    loop {
        // Measured from before the request, so that the local expiry is not later than the
        // server's.
        let taken = Instant::now();
        if write::set_new(&**server, key.as_bytes(), owner.as_bytes(), &command).await? {
            let held = Held { server: Arc::clone(server), key, owner };
            return Ok(LockAttempt::Taken(Lock::new(Box::new(held), name, taken, ttl)));
        }
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            lock::tell_busy(&name);
            let left = retry::read(server.wire(), &[Command::new("PTTL", key.as_bytes())]).await?;
            return Ok(if left == [Value::Int(FOREVER)] {
                LockAttempt::Endless(key)
            } else {
                LockAttempt::Busy
            });
        }
        tokio::time::sleep(jittered(wait, &owner).min(left)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Lock held in Redis.
struct Held {
    server: Arc<dyn Server>,
    key: String,
    owner: String,
}

#[async_trait]
impl Release for Held {
    async fn release(self: Box<Self>) -> anyhow::Result<bool> {
        let make = |whole| write::call(&write::REMOVE, whole, self.key.as_bytes()).arg(&self.owner);
        let mut backoff = Backoff::new();
        loop {
            // Idempotent, because the owner is compared. After a lost answer it is unknown whether
            // the lock was ours.
            match write::run_scripts(self.server.wire(), &[&make]).await {
                Ok(answers) => return Ok(answers == [Value::Int(2)]),
                Err(error) => backoff.after(error).await?,
            }
        }
    }
}

/// Returns a unique name for the holder: a random UUID, like those of the apps.
#[expect(
    clippy::disallowed_methods,
    reason = "two holders must differ, even with the fixed randomness of a test"
)]
fn owner() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let n = u128::from_be_bytes(bytes);
    let word = |shift: u32| n >> shift & 0xffff;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        n >> 96,
        word(80),
        word(64),
        word(48),
        n & 0xffff_ffff_ffff
    )
}

/// Returns a duration between half of the wait and the whole, different for each holder and wait.
fn jittered(wait: Duration, owner: &str) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let share = u32::try_from(RandomState::new().hash_one(owner) % 512).unwrap_or(0);
    wait * (512 + share) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_random_uuids() {
        let (one, other) = (owner(), owner());
        assert_ne!(one, other);
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'4'));
    }
}
