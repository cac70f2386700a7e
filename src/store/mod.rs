//! Store interface, with its guarantees, and opening a store by its address.

mod checkpoint;
mod codec;
mod id;
mod key_table;
mod layout;
mod lock;
mod postgres;
mod presence;
#[cfg(test)]
mod properties;
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

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use zeroize::{Zeroize as _, Zeroizing};

pub use checkpoint::{Checkpoint, Durability};
pub use id::StoreId;
pub use key_table::keys_in_table;
pub use layout::{CUSTOM_MEMBERS, Layout, LayoutChoice, NoRecord, Records};
pub use lock::{EndlessLock, Lock};
pub use presence::has_records;
pub use scan::Scan;
pub use unreadable::Unreadable;
pub use url::StoreUrl;
pub use vitals::{PostgresVitals, RedisVitals, SqliteVitals, Vitals};

use crate::error::{Failure, usage};
use crate::proxy::ProxySettings;
use crate::secret::Secret;
use crate::session::{Did, LastRefreshed, Observed, Session, is_nobodys};
use crate::tls::Trust;

/// Kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Session of a user.
    Session,
    /// Pending login.
    State,
}

/// Key of a record, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(Vec<u8>);

/// Value of a record. Contains tokens and private keys, and is wiped on drop.
#[derive(Clone, Default)]
pub struct RecordValue(Vec<u8>);

impl Drop for RecordValue {
    fn drop(&mut self) {
        // As a slice: zeroize wipes a `Vec` byte by byte, which takes a twentieth of a listing's
        // time.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}

/// Record as read from the store.
#[derive(Clone)]
pub struct Stored {
    /// Key.
    pub key: RecordKey,
    /// Value without the layout's envelope. May be anything, not only a value written by an app.
    pub value: RecordValue,
    /// Stored value, if it differs.
    pub raw: Option<RecordValue>,
    /// Evidence of the record's age.
    pub observed: Observed,
    /// Remaining lifetime, if the store knows it and was asked for it.
    pub ttl: Option<Duration>,
    /// Reason for an empty `value`, if the store itself can tell that it is not a record.
    pub unreadable: Option<Unreadable>,
}

impl Stored {
    /// Creates a record with these properties alone.
    pub fn new(key: RecordKey, value: RecordValue) -> Self {
        Self { key, value, raw: None, observed: Observed::default(), ttl: None, unreadable: None }
    }

    /// Returns the stored value, with which a conditional write compares.
    fn version(&self) -> &RecordValue {
        self.raw.as_ref().unwrap_or(&self.value)
    }
}

/// Data to read in a scan. The less, the faster.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// True to read values.
    pub values: bool,
    /// True to read remaining lifetimes.
    pub ttls: bool,
}

/// Result of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The new value is stored.
    Done,
    /// The new value is stored, but may be lost in a failover. A [`Store::checkpoint`] tells.
    Unconfirmed,
    /// The record has changed in the meantime. Nothing was written.
    Changed,
    /// The record no longer exists. Nothing was written.
    Gone,
}

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

    /// Returns the same store under each other layout of which it has sessions.
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

impl From<Vec<u8>> for RecordValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for RecordValue {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for RecordValue {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for RecordValue {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl fmt::Debug for RecordValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordValue({} bytes)", self.len())
    }
}

impl RecordKey {
    /// Creates a key from its text.
    pub fn from_text(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// Checks whether the key is valid UTF-8.
    fn is_text(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }

    /// Returns the key's text, with invalid bytes replaced.
    pub fn text(&self) -> Cow<'_, str> {
        // Nearly all keys are UTF-8, which this detects several times as fast as the replacement.
        std::str::from_utf8(&self.0)
            .map_or_else(|_| String::from_utf8_lossy(&self.0), Cow::Borrowed)
    }
}

impl Stored {
    /// Checks whether the record provably belongs to no one.
    pub fn is_nobodys(&self) -> bool {
        self.unreadable.is_none() && is_nobodys(&self.value)
    }
}

impl fmt::Debug for Stored {
    /// Omits the value, which contains tokens and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("key", &self.key.text())
            .field("bytes", &self.value.len())
            .finish_non_exhaustive()
    }
}

/// Parameters for opening a store, apart from its address.
#[derive(Default)]
pub struct Access {
    /// Certificates of a private authority in PEM, trusted in addition to the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificates in PEM from the environment, trusted in addition.
    pub system_pem: Vec<u8>,
    /// The proxy that stores over https are reached by.
    pub proxy: ProxySettings,
    /// Client certificate with its private key in PEM.
    pub client_pem: Option<Zeroizing<Vec<u8>>>,
    /// Token of a store with a REST interface.
    pub token: Option<Secret<'static>>,
    /// Name of the token in messages.
    pub token_name: Option<String>,
    /// State directory of oauthctl, for the notes of stores that have no place for them.
    pub state: Option<PathBuf>,
    /// Location of the app's locks, if not in the store.
    pub locks: Option<Locks>,
}

/// Locks of an app, apart from its sessions.
pub enum Locks {
    /// The app has no locks.
    None,
    /// Store of the locks, with the parameters for opening it.
    Store(StoreUrl, Box<Access>),
}

impl Access {
    /// Returns the trusted certificates and the client certificate.
    pub fn trust(&self) -> Trust<'_> {
        let client = self.client_pem.as_deref().map(Vec::as_slice);
        Trust { named: self.ca_pem.as_deref(), system: &self.system_pem, client }
    }
}

/// Streams all records of the store at this address: everything at the locations of the layouts,
/// and values elsewhere that look like records of a client library.
pub async fn census(
    url: &StoreUrl,
    access: &Access,
    layouts: Vec<Arc<Layout>>,
) -> Result<Scan, Failure> {
    match url {
        StoreUrl::Sqlite(path) => sqlite::census(path, layouts),
        StoreUrl::Redis(address) => redis::census(address, access, layouts).await,
        StoreUrl::Rest(address) => redis::census_rest(address, access, layouts).await,
        StoreUrl::Postgres(address) => postgres::census(address, access, layouts).await,
    }
}

/// Returns the addresses of non-empty other databases of the same server, if it reports them.
pub async fn other_databases(url: &StoreUrl, access: &Access) -> Vec<StoreUrl> {
    match url {
        StoreUrl::Redis(address) => {
            redis::other_databases(address, access).await.into_iter().map(StoreUrl::Redis).collect()
        }
        StoreUrl::Sqlite(_) | StoreUrl::Rest(_) | StoreUrl::Postgres(_) => Vec::new(),
    }
}

/// Opens the store at this address with this layout. Fails if it has records of several layouts and
/// none was named.
pub async fn open(
    url: &StoreUrl,
    access: &Access,
    layout: &LayoutChoice,
) -> Result<Box<dyn Store>, Failure> {
    let mut stores = open_all(url, access, layout).await?;
    match stores.pop() {
        Some(store) if stores.is_empty() => Ok(store),
        last => {
            let names: Vec<_> =
                stores.iter().chain(&last).map(|store| store.layout().name.as_str()).collect();
            let options: Vec<_> = names.iter().map(|name| format!("--layout {name}")).collect();
            let problem = format!("the store has records of several layouts: {}", names.join(", "));
            Err(usage(problem).at(url).hint(format!("choose one: {}", options.join(" or "))))
        }
    }
}

/// Opens the store at this address, once per layout of which it has records, or with the named one.
pub async fn open_all(
    url: &StoreUrl,
    access: &Access,
    layout: &LayoutChoice,
) -> Result<Vec<Box<dyn Store>>, Failure> {
    fn boxed(stores: Vec<impl Store + 'static>) -> Vec<Box<dyn Store>> {
        stores.into_iter().map(|store| Box::new(store) as Box<dyn Store>).collect()
    }
    Ok(match url {
        StoreUrl::Sqlite(path) => boxed(sqlite::SqliteStore::open(path, access, layout)?),
        StoreUrl::Redis(address) => boxed(redis::RedisStore::open(address, access, layout).await?),
        StoreUrl::Rest(address) => {
            boxed(redis::RedisStore::open_rest(address, access, layout).await?)
        }
        StoreUrl::Postgres(address) => {
            boxed(postgres::PostgresStore::open(address, access, layout).await?)
        }
    })
}
