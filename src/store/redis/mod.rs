//! Sessions in all kinds of Redis: single server, sentinels, cluster and REST interface.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use jiff::Timestamp;
use redis::Value;
use tokio::sync::OnceCell;

use super::checkpoint::Watch;
use super::layout::{Layout, LayoutChoice};
use super::lock::Lock;
use super::scan::Scan;
use super::{
    Access, Checkpoint, Kind, NOBODY, RecordKey, RedisVitals, Store, Stored, Unreadable, Vitals,
    Want, Written, written_at,
};
use crate::error::{Failure, usage};
use crate::session::Did;

mod census;
mod checkpoint;
mod client;
mod detect;
pub(super) mod lock;
mod notes;
mod records;
mod scan;
mod shape;
mod write;

pub(super) use census::{census, census_rest, has_records, has_records_rest, other_databases};
#[cfg(test)]
pub(super) use client::NEEDED;
pub use client::{RedisAddress, RestAddress};

use checkpoint::RedisCheckpoint;
use client::cli::Cli;
use client::command::{Command, Server, run_one};
use client::error::{self, ClientError};
use client::replicas::Replicas;
use client::rest::Rest;
use client::{check_reachable, connect, retry};
use detect::DetectedLayouts;
pub(super) use lock::LocksElsewhere;
use lock::RedisLocks;
use records::Ttl;
use scan::Search;

/// Redis with an app's records.
pub(super) struct RedisStore {
    server: Arc<dyn Server>,
    layout: Arc<Layout>,
    /// Layouts that the store may have in addition to the configured one.
    known: Vec<Arc<Layout>>,
    beside: OnceCell<Beside>,
    replicas: Arc<Replicas>,
    /// Time since which the servers have not changed.
    watch: Arc<Watch>,
    /// Address for display.
    place: Arc<str>,
    /// Command line for the operator.
    cli: Cli,
}

/// Other layouts of the store, apart from the configured one.
#[derive(Default)]
struct Beside {
    /// Other layouts with sessions.
    others: Vec<Arc<dyn Store>>,
    /// Other layouts that may have a session of an account, under a key that follows from the
    /// account.
    elsewhere: Vec<Arc<Layout>>,
}

impl RedisStore {
    /// Connects, and opens each layout of the store.
    pub(super) async fn open(
        address: &RedisAddress,
        access: &Access,
        choice: &LayoutChoice,
    ) -> Result<Vec<Self>, Failure> {
        let server = connect(address, access)?;
        Self::all(server, address.to_string(), Cli::of(address), choice).await
    }

    /// Opens the layouts of a store over REST.
    pub(super) async fn open_rest(
        address: &RestAddress,
        access: &Access,
        choice: &LayoutChoice,
    ) -> Result<Vec<Self>, Failure> {
        let server = Arc::new(Rest::new(address, access)?);
        Self::all(server, address.to_string(), Cli::of_rest(address), choice).await
    }

    async fn all(
        server: Arc<dyn Server>,
        place: String,
        cli: Cli,
        choice: &LayoutChoice,
    ) -> Result<Vec<Self>, Failure> {
        check_reachable(&*server, &place).await?;
        let place: Arc<str> = place.into();
        let bare = |layout: &Arc<Layout>| {
            check_keys(layout).map_err(|e| e.at(&place))?;
            let (server, layout, place) =
                (Arc::clone(&server), Arc::clone(layout), Arc::clone(&place));
            let (known, beside, cli) = (Vec::new(), OnceCell::new(), cli.clone());
            let (replicas, watch) = (Arc::default(), Arc::default());
            Ok(Self { server, layout, known, beside, replicas, watch, place, cli })
        };
        match choice {
            LayoutChoice::Named(layout, all) => {
                Ok(vec![Self { known: all.clone(), ..bare(layout)? }])
            }
            LayoutChoice::Auto(all) => {
                let found = detect::layouts(&*server, all).await.map_err(|e| e.explain(&place))?;
                let found = found.map_err(|e| e.at(&place))?;
                let stores = found.layouts.iter().map(bare).collect::<Result<Vec<_>, Failure>>()?;
                let with_beside = |store: Self| {
                    let beside = OnceCell::new_with(Some(store.beside_of(&found)));
                    Self { beside, ..store }
                };
                Ok(stores.into_iter().map(with_beside).collect())
            }
        }
    }

    /// Returns the other layouts of the store, which are detected on first use.
    async fn beside(&self) -> &Beside {
        let find = async || {
            self.beside_of(&detect::beside(&*self.server, &self.layout, &self.known).await)
        };
        self.beside.get_or_init(find).await
    }

    fn beside_of(&self, found: &DetectedLayouts) -> Beside {
        let open = |layout: &Arc<Layout>| {
            let (replicas, watch) = (Arc::default(), Arc::default());
            Arc::new(Self { layout: Arc::clone(layout), replicas, watch, ..self.by(&self.server) })
                as Arc<dyn Store>
        };
        let others =
            found.layouts.iter().filter(|other| other.name != self.layout.name).map(open).collect();
        let is_another = |other: &&Arc<Layout>| {
            other.has_keys()
                && !other.session_pattern().has_many()
                && !other.shares_sessions_with(&self.layout)
        };
        Beside { others, elsewhere: found.possible.iter().filter(is_another).cloned().collect() }
    }

    /// Returns the same store over other connections.
    fn by(&self, server: &Arc<dyn Server>) -> Self {
        Self {
            server: Arc::clone(server),
            layout: Arc::clone(&self.layout),
            known: Vec::new(),
            // Verifying a record does not involve other layouts.
            beside: OnceCell::new_with(Some(Beside::default())),
            replicas: Arc::clone(&self.replicas),
            watch: Arc::clone(&self.watch),
            place: Arc::clone(&self.place),
            cli: self.cli.clone(),
        }
    }

    fn failure(&self, error: ClientError) -> anyhow::Error {
        error.explain(&self.place).into()
    }

    fn search(&self, kind: Kind, want: Want, subject: Option<&str>) -> Search {
        let glob = self.layout.pattern(kind).glob(subject);
        Search { layout: Arc::clone(&self.layout), kind, want, glob }
    }

    fn start(&self, search: Search) -> Scan {
        scan::start(Arc::clone(&self.server), Arc::clone(&self.place), search)
    }

    async fn read(&self, kind: Kind, key: &RecordKey) -> Result<Option<Stored>, ClientError> {
        let commands = [Command::new("GET", &key.0), Command::new("PTTL", &key.0)];
        let answers = match retry::read(self.server.wire(), &commands).await {
            Err(trouble) if trouble.kind == error::ErrorKind::TooLarge => {
                return Ok(Some(records::unreadable(key.clone(), Unreadable::TooLarge, None)));
            }
            answers => answers?,
        };
        let Ok([value, ttl]) = <[Value; 2]>::try_from(answers) else {
            return Err(ClientError::unexpected_reply());
        };
        let ttl = Ttl::read(&ttl).ok_or_else(|| scan::refusal(&ttl))?;
        match value {
            Value::Nil => Ok(None),
            Value::BulkString(value) => Ok(self.layout.stored(kind, key.clone(), value, Some(ttl))),
            Value::ServerError(error) if error.code() == "WRONGTYPE" => {
                let found =
                    scan::of_wrong_type(self.server.wire(), vec![(key.clone(), Some(ttl))]).await?;
                Ok(found.into_iter().next())
            }
            other => Err(scan::refusal(&other)),
        }
    }

    async fn try_remove(
        &self,
        kind: Kind,
        records: &[Stored],
    ) -> Result<Vec<Written>, ClientError> {
        if records.iter().any(is_out_of_reach) {
            let within: Vec<_> =
                records.iter().filter(|record| !is_out_of_reach(record)).cloned().collect();
            let mut answers = Box::pin(self.try_remove(kind, &within)).await?.into_iter();
            let answer = |record| {
                if is_out_of_reach(record) { Some(Written::Changed) } else { answers.next() }
            };
            return Ok(records.iter().filter_map(answer).collect());
        }
        if kind == Kind::State {
            return write::unlink(&*self.server, records).await;
        }
        write::remove(&*self.server, records).await
    }
}

#[async_trait]
impl Store for RedisStore {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    async fn others(&self) -> Vec<Arc<dyn Store>> {
        self.beside().await.others.clone()
    }

    async fn elsewhere(&self, did: &Did) -> anyhow::Result<Vec<(String, Stored)>> {
        let layouts = &self.beside().await.elsewhere;
        if layouts.is_empty() {
            return Ok(Vec::new());
        }
        let key = |layout: &Arc<Layout>| {
            RecordKey::from_text(&layout.session_pattern().key(did.as_str(), None))
        };
        let keys: Vec<_> = layouts.iter().map(key).collect();
        let commands: Vec<_> = keys.iter().map(|key| Command::new("GET", &key.0)).collect();
        let answers =
            retry::read(self.server.wire(), &commands).await.map_err(|e| self.failure(e))?;
        let mut found = Vec::new();
        for ((layout, key), answer) in layouts.iter().zip(keys).zip(answers) {
            // Values that are not text or cannot be read are not sessions of the app.
            let Value::BulkString(value) = answer else { continue };
            let stored = layout.stored(Kind::Session, key, value, None);
            found.extend(stored.map(|stored| (layout.name.clone(), stored)));
        }
        Ok(found)
    }

    fn scan(&self, kind: Kind, want: Want) -> Scan {
        self.start(self.search(kind, want, None))
    }

    async fn get(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Option<Stored>> {
        self.read(kind, key).await.map_err(|e| self.failure(e))
    }

    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>> {
        let pattern = self.layout.session_pattern();
        if !pattern.has_many() {
            let key = RecordKey::from_text(&pattern.key(did.as_str(), None));
            return Ok(self.get(Kind::Session, &key).await?.into_iter().collect());
        }
        let mut scan = self.start(self.search(
            Kind::Session,
            Want { values: true, ttls: true },
            Some(did.as_str()),
        ));
        let mut found = Vec::new();
        while let Some(records) = scan.next().await? {
            let of_account = |record: &Stored| {
                pattern
                    .parse_key(&record.key.text())
                    .is_some_and(|(subject, _)| subject == did.as_str())
            };
            found.extend(records.into_iter().filter(of_account));
        }
        Ok(found)
    }

    async fn replace(&self, read: &Stored, new: &[u8]) -> anyhow::Result<Written> {
        let ttl = self.layout.session_ttl().and_then(|ttl| Duration::try_from(ttl.duration()).ok());
        let new = self.layout.codec.encode(new, Some(read.version()), ttl, now());
        let written = write::replace(&*self.server, &self.replicas, read, &new, ttl).await;
        written.map_err(|e| self.failure(e))
    }

    async fn checkpoint(&self) -> anyhow::Result<Option<Box<dyn Checkpoint>>> {
        let checkpoint = RedisCheckpoint::reach(self).await.map_err(|e| self.failure(e))?;
        Ok(checkpoint.map(|checkpoint| Box::new(checkpoint) as _))
    }

    fn disturbances(&self) -> u64 {
        self.server.disturbances() + self.replicas.shortfalls()
    }

    async fn check_writable(&self) -> anyhow::Result<()> {
        let key = self.layout.session_pattern().key(NOBODY, Some("nobody"));
        write::check(&*self.server, key.as_bytes()).await.map_err(|e| self.failure(e))?;
        // A replica lost before the first write still has to be known.
        self.replicas.ask(&*self.server, key.as_bytes()).await;
        Ok(())
    }

    async fn create(
        &self,
        kind: Kind,
        key: &RecordKey,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> anyhow::Result<bool> {
        let now = now();
        let at = written_at(kind, value, now);
        // The lifetime of the record starts at the time in the envelope.
        let age = Duration::try_from(now.duration_since(at)).unwrap_or_default();
        let whole = ttl.map(|ttl| ttl + age);
        let value = self.layout.codec.encode(value, None, whole, at);
        write::create(&*self.server, &key.0, &value, ttl).await.map_err(|e| self.failure(e))
    }

    async fn remove(&self, kind: Kind, records: &[Stored]) -> anyhow::Result<Vec<Written>> {
        self.try_remove(kind, records).await.map_err(|e| self.failure(e))
    }

    async fn lock(&self, name: &str, patience: Duration) -> anyhow::Result<Option<Lock>> {
        let (server, place, cli) =
            (Arc::clone(&self.server), Arc::clone(&self.place), self.cli.clone());
        RedisLocks { server, place, cli }.lock(&self.layout.lock, name.to_owned(), patience).await
    }

    async fn time(&self) -> Option<Timestamp> {
        let answer = run_one(self.server.wire(), Command::keyless("TIME")).await.ok()?;
        let Value::Array(parts) = answer else { return None };
        let Value::BulkString(seconds) = parts.first()? else { return None };
        Timestamp::from_second(str::from_utf8(seconds).ok()?.parse().ok()?).ok()
    }

    async fn vitals(&self) -> anyhow::Result<Vitals> {
        let info = run_one(self.server.wire(), Command::keyless("INFO")).await;
        let info = info.map_err(|e| self.failure(e))?;
        // Many servers do not let their users see it.
        let save = Command::keyless("CONFIG").arg("GET").arg("save");
        let save = run_one(self.server.wire(), save).await.ok();
        let save = save.as_ref().and_then(|answer| match answer {
            Value::Array(parts) => text(parts.get(1)?),
            Value::Map(pairs) => text(&pairs.first()?.1),
            _ => None,
        });
        Ok(Vitals::Redis(RedisVitals::read(text(&info).unwrap_or_default(), save)))
    }

    async fn notes(&self, names: &[String]) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
        notes::read(&*self.server, names).await.map_err(|e| self.failure(e))
    }

    async fn write_notes(
        &self,
        notes: &[(String, Vec<u8>)],
        lifetime: Duration,
    ) -> anyhow::Result<()> {
        notes::write(&*self.server, notes, lifetime).await.map_err(|e| self.failure(e))
    }

    async fn remove_notes(&self, names: &[String]) -> anyhow::Result<()> {
        notes::remove(&*self.server, names).await.map_err(|e| self.failure(e))
    }
}

/// Returns the text of an answer.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}

/// Refuses a layout that is not for Redis.
fn check_keys(layout: &Layout) -> Result<(), Failure> {
    if layout.has_keys() {
        return Ok(());
    }
    Err(usage(format!("layout {} is for SQL databases, but this is a Redis", layout.name))
        .hint("choose a Redis layout with --layout, or the database with --store sqlite:PATH"))
}

/// Checks whether the record cannot be addressed on this server.
fn is_out_of_reach(record: &Stored) -> bool {
    record.unreadable == Some(Unreadable::KeyNotSendable)
}

/// Returns the machine's time for records, as apps write it.
#[expect(
    clippy::disallowed_methods,
    reason = "what other programs compare with their clock is real time"
)]
fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or_default()
}
