//! Where sessions live: the promises every store keeps, and how a store is opened.

mod checkpoint;
mod codec;
mod id;
mod layout;
mod lock;
mod postgres;
#[cfg(test)]
mod properties;
mod redis;
mod retry;
mod scan;
mod settle;
mod sql;
mod sqlite;
mod unreadable;
mod url;

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
pub use layout::{CUSTOM_MEMBERS, Layout, LayoutChoice, NoRecord, Records};
pub use lock::{EndlessLock, Lock};
pub use scan::Scan;
pub use unreadable::Unreadable;
pub use url::StoreUrl;

use crate::error::{Failure, usage};
use crate::session::{Did, LastRefreshed, Observed, Session, is_nobodys};
use crate::tls::Trust;

/// Which of the two kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A user's session.
    Session,
    /// A login that was begun.
    State,
}

/// A record's key in the store, as the store spells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(Vec<u8>);

/// A record's value. It holds tokens and private keys, and is wiped when it is no longer needed.
#[derive(Clone, Default)]
pub struct RecordValue(Vec<u8>);

impl Drop for RecordValue {
    fn drop(&mut self) {
        // As slices: of a `Vec`, zeroize wipes one byte after the other, which takes a twentieth of
        // a listing's time.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}

/// A record as it was found.
#[derive(Clone)]
pub struct Stored {
    /// Its key.
    pub key: RecordKey,
    /// Its value, whatever it is: nothing says that an app wrote it. Without its envelope, where
    /// the layout has one.
    pub value: RecordValue,
    /// The value as it stands in the store, where that differs.
    pub raw: Option<RecordValue>,
    /// What the store knows of its age.
    pub observed: Observed,
    /// How long it will live, where the store knows and was asked.
    pub ttl: Option<Duration>,
    /// Reason why `value` is empty, when the store itself can tell that it is no record.
    pub unreadable: Option<Unreadable>,
}

impl Stored {
    /// Returns a record of which nothing else is known.
    pub fn new(key: RecordKey, value: RecordValue) -> Self {
        Self { key, value, raw: None, observed: Observed::default(), ttl: None, unreadable: None }
    }

    /// Returns the value as it stands in the store: what a write compares.
    fn version(&self) -> &RecordValue {
        self.raw.as_ref().unwrap_or(&self.value)
    }
}

/// What a scan should bring along; everything left out makes it faster.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// The values.
    pub values: bool,
    /// The remaining times to live.
    pub ttls: bool,
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The new value stands.
    Done,
    /// The new value stands, on a server that others may take over from without it: a
    /// [`Store::checkpoint`] tells.
    Unconfirmed,
    /// Somebody else changed the record; nothing was written.
    Changed,
    /// The record is gone; nothing was written.
    Gone,
}

/// A store of sessions and pending states.
///
/// Every method promises: it creates nothing it is not asked to create (no file, table or key), it
/// does nothing that blocks the store for other clients, an error names the store, and a lost
/// connection is tried again only where doing the same thing twice is harmless.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the layout in use.
    fn layout(&self) -> &Layout;

    /// Refuses to write as a user whose files would keep the app out of its own store.
    fn check_user(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Checks whether several records of this layout may be of one account, or hold one session.
    fn may_have_copies(&self) -> bool {
        self.layout().session_pattern().has_many()
    }

    /// Refuses an exchange where it is not known how the app locks its sessions: two who refresh
    /// one session at once destroy it.
    fn check_lock(&self) -> Result<(), Failure> {
        self.layout().check_lock_is_said()
    }

    /// Statements by which an administrator prepares the store for oauthctl; none where nothing is
    /// to be prepared.
    fn preparation(&self) -> Option<String> {
        None
    }

    /// The same store under each other layout of which it has sessions.
    async fn others(&self) -> Vec<Arc<dyn Store>> {
        Vec::new()
    }

    /// Sessions of the account under other layouts, where their keys follow from the account. Each
    /// with its layout's name.
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

    /// Streams every record of a kind: each that exists during the whole scan exactly once, in no
    /// order. The scan ends with an error rather than early.
    fn scan(&self, kind: Kind, want: Want) -> Scan;

    /// Returns the record under this key as it is now, with its time to live.
    async fn get(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Option<Stored>>;

    /// Every record under this key. Several only in tables whose keys are not unique.
    async fn records(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Vec<Stored>> {
        Ok(self.get(kind, key).await?.into_iter().collect())
    }

    /// Every session of an account, with its time to live.
    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>>;

    /// Puts `new` in the place of a session that is still as it was read, in one step. The only
    /// write that can be `Unconfirmed`. The time to live becomes the layout's own, or stays
    /// what it is where the layout has none; a time column becomes the current time. Never
    /// creates a record, and never changes more than one.
    async fn replace(&self, read: &Stored, new: &[u8]) -> anyhow::Result<Written>;

    /// Returns the servers in charge at this moment, for making sure that what was written
    /// `Unconfirmed` outlives a fail-over. None where no server takes over from another, so that
    /// nothing ever is.
    async fn checkpoint(&self) -> anyhow::Result<Option<Box<dyn Checkpoint>>> {
        Ok(None)
    }

    /// Counts what happens when another server takes over: lost connections, writes that too few
    /// replicas have. Where it has grown, it is time for a [`Self::checkpoint`].
    fn disturbances(&self) -> u64 {
        0
    }

    /// Makes sure that a [`Self::replace`] now would not be refused: that this user may do all that
    /// it takes, and that the store takes writes. Changes nothing, and costs about as much as a
    /// replacement. Of a cluster one server answers for all. An error says what is in the way.
    async fn check_writable(&self) -> anyhow::Result<()>;

    /// Writes a record that does not exist, with this time to live; false, and nothing written,
    /// when it exists.
    async fn create(
        &self,
        kind: Kind,
        key: &RecordKey,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> anyhow::Result<bool>;

    /// Deletes those of the records that are still as they were when they were listed, each in one
    /// step. One answer a record, in order: `Done` when it was deleted. A pending state is
    /// written once and never changed, so for states the key alone says that it is the same,
    /// and the values need not have been read.
    async fn remove(&self, kind: Kind, records: &[Stored]) -> anyhow::Result<Vec<Written>>;

    /// Takes the lock on an account's sessions, of the name that their client library passes to it:
    /// the app's own where the layout has one. None when somebody else kept it for longer than
    /// `patience`; an [`EndlessLock`] where nobody will ever give it back.
    async fn lock(&self, name: &str, patience: Duration) -> anyhow::Result<Option<Lock>>;

    /// Returns the store's own time; none where it has none, or does not tell.
    async fn time(&self) -> Option<Timestamp> {
        None
    }

    /// oauthctl's own notes of these names, in order. Notes live beside the app's records, never
    /// among them.
    async fn notes(&self, names: &[String]) -> anyhow::Result<Vec<Option<Vec<u8>>>>;

    /// Writes notes that are forgotten after `lifetime`. The last writer wins.
    async fn write_notes(
        &self,
        notes: &[(String, Vec<u8>)],
        lifetime: Duration,
    ) -> anyhow::Result<()>;

    /// Removes notes, where they exist.
    async fn remove_notes(&self, names: &[String]) -> anyhow::Result<()>;
}

/// An account that nobody has (RFC 6761 section 6.4), for trying what must not touch anybody's
/// session.
pub const NOBODY: &str = "did:web:nobody.oauthctl.invalid";

/// Longer values are not read: no record of an OAuth client is a hundredth of this.
const MAX_VALUE: u64 = 1 << 20;

/// When a new record was last written by whoever wrote it first: a session that comes from
/// elsewhere must not look as if it had been refreshed just now.
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
    /// Returns a key from its text.
    pub fn from_text(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// Checks whether its text says all of it.
    fn is_text(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }

    /// Returns the key's text; bytes that are none are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        // Almost all are text, which this sees several times as fast as what replaces the rest.
        std::str::from_utf8(&self.0)
            .map_or_else(|_| String::from_utf8_lossy(&self.0), Cow::Borrowed)
    }
}

impl Stored {
    /// Returns whether the record provably belongs to nobody.
    pub fn is_nobodys(&self) -> bool {
        self.unreadable.is_none() && is_nobodys(&self.value)
    }
}

impl fmt::Debug for Stored {
    /// A value holds tokens and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("key", &self.key.text())
            .field("bytes", &self.value.len())
            .finish_non_exhaustive()
    }
}

/// What opening a store takes beside its address.
#[derive(Default)]
pub struct Access {
    /// A private authority's certificates in PEM, to be trusted beside the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificates that the environment adds to the trusted ones, in PEM.
    pub system_pem: Vec<u8>,
    /// The variable of a proxy, which stores are not reached by.
    pub unused_proxy: Option<&'static str>,
    /// A certificate and its private key in PEM, by which the server knows the client.
    pub client_pem: Option<Zeroizing<Vec<u8>>>,
    /// The token of a store that is reached over REST.
    pub token: Option<Zeroizing<String>>,
    /// How the token is called where it is named.
    pub token_name: Option<String>,
    /// oauthctl's own directory, for the notes of stores that have no place for them.
    pub state: Option<PathBuf>,
    /// Where the app keeps its locks, where that is not the store.
    pub locks: Option<Locks>,
}

/// Place of locks of an app that keeps its sessions elsewhere.
pub enum Locks {
    /// The app has no locks after all.
    None,
    /// This store, with what opening it takes.
    Store(StoreUrl, Box<Access>),
}

impl Access {
    /// What is trusted, and who we are.
    pub fn trust(&self) -> Trust<'_> {
        let client = self.client_pem.as_deref().map(Vec::as_slice);
        Trust { named: self.ca_pem.as_deref(), system: &self.system_pem, client }
    }
}

/// Streams every record of the store at this address: what stands where one of the layouts has its
/// records, and what looks like a record of a client library anywhere else.
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

/// Addresses of the other databases of the same server that have keys; none where there are none to
/// tell of.
pub async fn other_databases(url: &StoreUrl, access: &Access) -> Vec<StoreUrl> {
    match url {
        StoreUrl::Redis(address) => {
            redis::other_databases(address, access).await.into_iter().map(StoreUrl::Redis).collect()
        }
        StoreUrl::Sqlite(_) | StoreUrl::Rest(_) | StoreUrl::Postgres(_) => Vec::new(),
    }
}

/// Opens the store at this address under this layout. A store with records of several layouts has
/// to be told which.
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
            Err(usage(problem)
                .at(url)
                .hint(format!("say which one is meant: {}", options.join(" or "))))
        }
    }
}

/// Opens the store at this address under each layout of which it has records, or under the one that
/// is named.
pub async fn open_all(
    url: &StoreUrl,
    access: &Access,
    layout: &LayoutChoice,
) -> Result<Vec<Box<dyn Store>>, Failure> {
    fn boxed(stores: Vec<impl Store + 'static>) -> Vec<Box<dyn Store>> {
        stores.into_iter().map(|store| Box::new(store) as Box<dyn Store>).collect()
    }
    Ok(match url {
        StoreUrl::Sqlite(path) => boxed(sqlite::SqliteStore::open(path, layout)?),
        StoreUrl::Redis(address) => boxed(redis::RedisStore::open(address, access, layout).await?),
        StoreUrl::Rest(address) => {
            boxed(redis::RedisStore::open_rest(address, access, layout).await?)
        }
        StoreUrl::Postgres(address) => {
            boxed(postgres::PostgresStore::open(address, access, layout).await?)
        }
    })
}
