//! Store interface, with its guarantees.

mod checkpoint;
mod codec;
mod id;
mod key_table;
mod layout;
mod lock;
mod open;
mod postgres;
mod presence;
#[cfg(test)]
mod properties;
mod record;
mod redis;
mod retry;
mod scan;
mod seen;
mod settle;
mod sql;
mod sqlite;
mod unreadable;
mod url;
mod vitals;

#[cfg(test)]
mod conformance;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

pub use checkpoint::{Checkpoint, Durability};
pub use id::StoreId;
pub use key_table::keys_in_table;
pub use layout::{CUSTOM_MEMBERS, Layout, LayoutChoice, NoRecord, Records};
pub use lock::{EndlessLock, Lock};
pub use open::{Access, Locks, census, open, open_all, other_databases};
pub use presence::has_records;
pub use record::{Kind, RecordKey, RecordValue, Stored, Want, Written};
pub use scan::Scan;
pub use unreadable::Unreadable;
pub use url::StoreUrl;
pub use vitals::{PostgresVitals, RedisVitals, SqliteVitals, Vitals};

use crate::error::Failure;
use crate::session::{Did, LastRefreshed, Observed, Session};

/// Store of sessions and pending logins.
///
/// All methods guarantee: no file, table or key is created except as requested; other clients are
/// never blocked; errors name the store; and after a lost connection only idempotent operations are
/// repeated.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the layout in use.
    fn layout(&self) -> &Layout;

    /// Refuses to write as a user whose files would lock the app out of its own store.
    fn check_user(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Checks whether several records of this layout may belong to one account or contain one
    /// session.
    fn may_have_copies(&self) -> bool {
        self.layout().session_pattern().has_many()
    }

    /// Refuses a refresh if the app's lock is unknown. Two concurrent refreshes end a session.
    fn check_lock(&self) -> Result<(), Failure> {
        self.layout().check_lock_is_said()
    }

    /// Refuses what depends on notes that every host sees, where they are kept on this one alone.
    fn check_notes(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Returns why a newer value of this record might not fit in its place; none where it fits.
    fn objection_to_growth(&self, _: &Stored) -> Option<String> {
        None
    }

    /// Returns statements with which an administrator prepares the store for oauthctl, if any are
    /// needed.
    fn preparation(&self) -> Option<String> {
        None
    }

    /// Returns the same store under each other layout in which it has sessions.
    async fn others(&self) -> Vec<Arc<dyn Store>> {
        Vec::new()
    }

    /// Returns the account's sessions under other layouts whose keys follow from the account, with
    /// the names of the layouts.
    async fn elsewhere(&self, did: &Did) -> anyhow::Result<Vec<(String, Stored)>> {
        let mut found = Vec::new();
        let others = self.others().await;
        for other in others.iter().filter(|other| !other.layout().session_pattern().has_many()) {
            let sessions = other.sessions_of(did).await?;
            found
                .extend(sessions.into_iter().map(|session| (other.layout().name.clone(), session)));
        }
        Ok(found)
    }

    /// Streams all records of a kind, unordered. Each record that exists during the whole scan
    /// occurs exactly once. An incomplete scan ends with an error.
    fn scan(&self, kind: Kind, want: Want) -> Scan;

    /// Returns the current record under this key, with its remaining lifetime.
    async fn get(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Option<Stored>>;

    /// Returns all records under this key. Only tables without unique keys can have several.
    async fn records(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Vec<Stored>> {
        Ok(self.get(kind, key).await?.into_iter().collect())
    }

    /// Returns all sessions of an account, with their remaining lifetimes.
    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>>;

    /// Replaces a session if it is unchanged since it was read, atomically. The only write that can
    /// be `Unconfirmed`. Sets the layout's TTL, or keeps the current one if the layout has none,
    /// and sets a time column to the current time. Never creates a record, and never changes more
    /// than one.
    async fn replace(&self, read: &Stored, new: &[u8]) -> anyhow::Result<Written>;

    /// Looks up the servers currently in charge, to verify that an `Unconfirmed` write survives a
    /// failover. `None` without failover, where no write is `Unconfirmed`.
    async fn checkpoint(&self) -> anyhow::Result<Option<Box<dyn Checkpoint>>> {
        Ok(None)
    }

    /// Returns a counter of signs of a failover: lost connections, and writes that reached too few
    /// replicas. If it has grown, a [`Self::checkpoint`] is needed.
    fn disturbances(&self) -> u64 {
        0
    }

    /// Checks that a [`Self::replace`] would be permitted: the user has all permissions, and the
    /// store accepts writes. Changes nothing, and costs about as much as a replacement. In a
    /// cluster, one server answers for all. Errors describe the obstacle.
    async fn check_writable(&self) -> anyhow::Result<()>;

    /// Creates a record with this TTL. Returns false if it exists, and changes nothing.
    async fn create(
        &self,
        kind: Kind,
        key: &RecordKey,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> anyhow::Result<bool>;

    /// Deletes those records that are unchanged since they were listed, each atomically. Returns
    /// one result per record, in order: `Done` if deleted. Pending logins never change, so they are
    /// identified by their key alone, and their values need not have been read.
    async fn remove(&self, kind: Kind, records: &[Stored]) -> anyhow::Result<Vec<Written>>;

    /// Acquires the lock on an account's sessions, under the name passed by the client library: the
    /// app's own lock if the layout has one. `None` if someone else held it for longer than
    /// `patience`, and an [`EndlessLock`] error if it never expires.
    async fn lock(&self, name: &str, patience: Duration) -> anyhow::Result<Option<Lock>>;

    /// Returns the store's current time, `None` if it has none or does not report it.
    async fn time(&self) -> Option<Timestamp> {
        None
    }

    /// Returns facts that decide whether it keeps its records. Changes nothing.
    async fn vitals(&self) -> anyhow::Result<Vitals>;

    /// Returns the notes of oauthctl with these names, in order. Notes are stored separately from
    /// the app's records.
    async fn notes(&self, names: &[String]) -> anyhow::Result<Vec<Option<Vec<u8>>>>;

    /// Writes notes that expire after `lifetime`. The last writer wins.
    async fn write_notes(
        &self,
        notes: &[(String, Vec<u8>)],
        lifetime: Duration,
    ) -> anyhow::Result<()>;

    /// Removes notes, if they exist.
    async fn remove_notes(&self, names: &[String]) -> anyhow::Result<()>;
}

/// Account that cannot exist (RFC 6761 section 6.4), for tests that must not affect real sessions.
pub const NOBODY: &str = "did:web:nobody.oauthctl.invalid";

/// Maximum size of a value. Records of OAuth clients are at most a hundredth of this.
const MAX_VALUE: u64 = 1 << 20;

/// Value for the time column of a new record: the last refresh of an imported session, not the
/// import time.
fn written_at(kind: Kind, value: &[u8], now: Timestamp) -> Timestamp {
    if kind == Kind::State {
        return now;
    }
    let session = Session::read(value).ok();
    let last =
        session.and_then(|session| LastRefreshed::of(&session, None, Observed::default(), now));
    last.map_or(now, |last| last.at)
}
