//! Sessions in a PostgreSQL database, accessed in short transactions next to the running app.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};

use super::checkpoint::{Checkpoint, Watch};
use super::layout::{Layout, LayoutChoice, LockRule};
use super::lock::Lock;
use super::redis::LocksElsewhere;
use super::scan::Scan;
use super::sql::shape;
use super::sqlite::Sidecar;
use super::{
    Access, Kind, NOBODY, PostgresVitals, RecordKey, Store, Stored, Vitals, Want, Written,
    written_at,
};
use crate::error::{Failure, usage};
use crate::session::Did;

mod address;
mod census;
mod checkpoint;
mod connect;
mod detect;
mod error;
mod lock;
mod notes;
mod read;
mod relation;
mod server;
mod standbys;
mod tls;
mod write;

pub use address::PostgresAddress;
pub(super) use census::{census, has_records};
use checkpoint::PostgresCheckpoint;
use detect::Tables;
use error::PostgresError;
use lock::{Transaction, Transactions};
use notes::Notes;
use read::View;
pub(super) use read::keys;
use relation::Rows;
use server::Server;
use standbys::Standbys;
use write::Updated;

/// PostgreSQL database of an app.
pub(super) struct PostgresStore {
    server: Arc<Server>,
    layout: Arc<Layout>,
    sessions: Arc<Rows>,
    /// `None` if the app keeps them in its memory.
    logins: Option<Arc<Rows>>,
    transactions: Transactions,
    standbys: Arc<Standbys>,
    watch: Arc<Watch>,
    keeps: Keeps,
    /// Location of the app's locks, if not in the database.
    locks: Option<LocksElsewhere>,
    /// Other layouts with sessions.
    others: Vec<Arc<dyn Store>>,
}

/// Location of oauthctl's notes.
#[derive(Clone)]
enum Keeps {
    Schema(Arc<Notes>),
    /// File in the state directory.
    File(Sidecar),
    Nowhere,
}

impl PostgresStore {
    /// Opens the database once per layout. Creates nothing.
    pub(super) async fn open(
        address: &PostgresAddress,
        access: &Access,
        choice: &LayoutChoice,
    ) -> Result<Vec<Self>, Failure> {
        let server = Arc::new(Server::new(address, access)?);
        let explain = |error| server.explain(error);
        // Checks address, credentials and network before anything is retried.
        server.query_once("SELECT 1", &[]).await.map_err(explain)?;
        let tables = Tables::read(&server, address).await.map_err(explain)?;
        let (layouts, others) = shape::choose(&tables.shapes, choice).map_err(|e| e.at(address))?;
        let keeps = if Notes::are_there(&server).await.map_err(explain)? {
            Keeps::Schema(Arc::default())
        } else {
            let file = access
                .state
                .as_ref()
                .map(|state| Sidecar::of(state, &super::StoreUrl::Postgres(address.clone())));
            file.map_or(Keeps::Nowhere, Keeps::File)
        };
        let mut opened = Vec::new();
        for fitting in layouts.iter().chain(&others) {
            let layout = detect::with_app(&server, &tables, &fitting.layout).await?;
            let lifetime = |kind| layout.records(kind).ttl.map(|ttl| ttl.duration().as_secs());
            let rows = |kind| {
                let table = layout.records(kind).table();
                table
                    .map(|table| tables.rows(table, lifetime(kind)).map_err(|e| e.at(address)))
                    .transpose()
            };
            let Some(sessions) = rows(Kind::Session)? else { continue };
            opened.push(Self {
                server: Arc::clone(&server),
                sessions,
                logins: rows(Kind::State)?,
                locks: LocksElsewhere::of(&layout, access)?,
                layout,
                transactions: Transactions::default(),
                standbys: Arc::default(),
                watch: Arc::default(),
                keeps: keeps.clone(),
                others: Vec::new(),
            });
        }
        let mut others = opened.split_off(layouts.len());
        for kind in [Kind::Session, Kind::State] {
            // Of several layouts, those in use by the app.
            if opened.len() > 1 {
                let in_use = in_use(&opened, kind).await.map_err(explain)?;
                if in_use.contains(&true) {
                    let mut in_use = in_use.into_iter();
                    opened.retain(|_| in_use.next().unwrap_or(false));
                    break;
                }
            }
        }
        let mut has_sessions = in_use(&others, Kind::Session).await.map_err(explain)?.into_iter();
        others.retain(|_| has_sessions.next().unwrap_or(false));
        for store in &opened {
            store.check_readable().await?;
            store.check_bound(address)?;
        }
        let beside: Vec<Arc<dyn Store>> =
            others.into_iter().map(|other| Arc::new(other) as _).collect();
        let copies: Vec<_> = opened.iter().map(Self::alone).collect();
        for (n, store) in opened.iter_mut().enumerate() {
            let rest = copies.iter().enumerate().filter(|(other, _)| *other != n);
            store.others = rest
                .map(|(_, other)| Arc::new(other.alone()) as _)
                .chain(beside.iter().cloned())
                .collect();
        }
        Ok(opened)
    }

    /// Returns the same store over another server, without locks.
    fn by(&self, server: &Arc<Server>) -> Self {
        Self { server: Arc::clone(server), transactions: Transactions::default(), ..self.alone() }
    }

    fn alone(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
            layout: Arc::clone(&self.layout),
            sessions: Arc::clone(&self.sessions),
            logins: self.logins.clone(),
            transactions: self.transactions.clone(),
            standbys: Arc::clone(&self.standbys),
            watch: Arc::clone(&self.watch),
            keeps: self.keeps.clone(),
            locks: self.locks.clone(),
            others: Vec::new(),
        }
    }

    fn rows(&self, kind: Kind) -> Option<&Arc<Rows>> {
        match kind {
            Kind::Session => Some(&self.sessions),
            Kind::State => self.logins.as_ref(),
        }
    }

    fn view(&self, kind: Kind, want: Want) -> View {
        View { want, lifetime: self.layout.records(kind).ttl, now: now() }
    }

    fn explain(&self, error: PostgresError) -> anyhow::Error {
        self.server.explain(error).into()
    }

    /// Refuses a table that the role may not read, or whose rows are hidden from it: an empty
    /// result would not mean that there are no sessions.
    async fn check_readable(&self) -> Result<(), Failure> {
        let found = self
            .server
            .query(&self.sessions.has_any(), &[])
            .await
            .map_err(|e| self.server.explain(e))?;
        if found.is_empty() { self.sessions.check_visible() } else { Ok(()) }
    }

    /// Refuses a layout whose keys have an unknown prefix.
    fn check_bound(&self, address: &PostgresAddress) -> Result<(), Failure> {
        if !self.layout.session_pattern().prefix().contains(super::layout::CLIENT_ID) {
            return Ok(());
        }
        Err(usage(format!(
            "keys of layout {} start with the app's client_id, but none is configured",
            self.layout.name
        ))
        .at(address)
        .hint("set `client_id` (the URL of the client metadata document) under [client] in oauthctl.toml"))
    }

    /// Selects rows on the connection with the account's lock, else on any.
    async fn select(
        &self,
        kind: Kind,
        sql: fn(&Rows) -> String,
        text: &str,
    ) -> Result<Vec<Stored>, PostgresError> {
        let Some(rows) = self.rows(kind) else { return Ok(Vec::new()) };
        let (sql, view) = (sql(rows), self.view(kind, Want { values: true, ttls: true }));
        let parameter: [(&(dyn ToSql + Sync), Type); 1] = [(&text, Type::TEXT)];
        let mut found = None;
        if let Some(slot) = self.held(kind, text) {
            let mut transaction = slot.lock().await;
            if let Transaction::Open(client) = &*transaction {
                if let Ok(rows) = server::query(client, &sql, &parameter).await {
                    found = Some(rows);
                } else {
                    *transaction = Transaction::Lost;
                    self.server.count_loss();
                }
            }
        }
        let found = match found {
            Some(found) => found,
            None => self.server.query(&sql, &parameter).await?,
        };
        found.iter().map(|row| read::stored(rows, row, view)).collect()
    }

    /// Returns the transaction that holds the lock on the account of a session.
    fn held(&self, kind: Kind, key: &str) -> Option<lock::Slot> {
        let (account, _) =
            self.layout.session_pattern().parse_key(key).filter(|_| kind == Kind::Session)?;
        self.transactions.of(account)
    }

    /// Replaces a record in the transaction that holds its lock. `None` if the transaction is lost
    /// before the outcome is certain.
    async fn replace_locked(
        &self,
        read: &Stored,
        new: &[u8],
    ) -> Result<Option<Written>, PostgresError> {
        let Some(slot) = self.held(Kind::Session, &read.key.text()) else { return Ok(None) };
        let mut transaction = slot.lock().await;
        let Transaction::Open(client) = &*transaction else { return Ok(None) };
        match write::update(client, &self.sessions, read, new).await {
            // The lock is kept, and the caller reads again.
            Ok(Updated::None(why)) => Ok(Some(why)),
            Ok(Updated::One) => {
                let Transaction::Open(client) =
                    std::mem::replace(&mut *transaction, Transaction::Committed)
                else {
                    return Ok(None);
                };
                if write::commit(&self.server, client).await.is_ok() {
                    return Ok(Some(Written::Done));
                }
                *transaction = Transaction::Lost;
                write::settle_commit(&self.server, &self.sessions, read, new).await
            }
            Err(error) => {
                // The transaction has ended. The write uses another connection, and compares as
                // usual.
                *transaction = Transaction::Lost;
                self.server.count_loss();
                if error.is_final() { Err(error) } else { Ok(None) }
            }
        }
    }
}

/// Returns for each store whether it has rows of this kind.
async fn in_use(stores: &[PostgresStore], kind: Kind) -> Result<Vec<bool>, PostgresError> {
    let mut in_use = Vec::new();
    for store in stores {
        in_use.push(match store.rows(kind) {
            Some(rows) => !store.server.query(&rows.has_any(), &[]).await?.is_empty(),
            None => false,
        });
    }
    Ok(in_use)
}

#[async_trait]
impl Store for PostgresStore {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn may_have_copies(&self) -> bool {
        self.layout.session_pattern().has_many() || !self.sessions.has_unique_keys
    }

    async fn others(&self) -> Vec<Arc<dyn Store>> {
        self.others.clone()
    }

    fn check_lock(&self) -> Result<(), Failure> {
        if matches!(self.layout.lock, LockRule::Lease { .. }) {
            return Err(usage(format!(
                "the lock of layout {} is supported in SQLite only",
                self.layout.name
            ))
            .hint("define the layout under [layouts.NAME] in oauthctl.toml, with the app's lock"));
        }
        LocksElsewhere::check(self.locks.as_ref(), &self.layout)?;
        self.layout.check_lock_is_said()
    }

    fn check_notes(&self) -> Result<(), Failure> {
        if matches!(self.keeps, Keeps::Schema(_)) {
            return Ok(());
        }
        Err(usage(
            "notes about the sessions are kept on this host alone, and other hosts may have refreshed some",
        )
        .hint("let an administrator of the database run what `oauthctl init --sql` prints: it has a place for them"))
    }

    fn objection_to_growth(&self, stored: &Stored) -> Option<String> {
        self.sessions.objection_to_growth(stored)
    }

    fn preparation(&self) -> Option<String> {
        let role = self.server.role().unwrap_or("ROLE");
        Some(format!(
            "{}{}{}",
            notes::schema(role),
            self.sessions.grants(Kind::Session, role),
            self.logins.as_ref().map(|rows| rows.grants(Kind::State, role)).unwrap_or_default()
        ))
    }

    fn scan(&self, kind: Kind, want: Want) -> Scan {
        let (sender, scan) = Scan::channel();
        let rows = self.rows(kind).cloned();
        read::spawn(Arc::clone(&self.server), rows, self.view(kind, want), sender);
        scan
    }

    async fn get(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Option<Stored>> {
        Ok(self.records(kind, key).await?.into_iter().next())
    }

    async fn records(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Vec<Stored>> {
        self.select(kind, Rows::select_key, &key.text()).await.map_err(|e| self.explain(e))
    }

    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>> {
        let pattern = self.layout.session_pattern();
        // Keys with several sessions are searched by text, then checked with the template.
        let found = if pattern.has_many() {
            self.select(Kind::Session, Rows::select_with, did.as_str()).await
        } else {
            self.select(Kind::Session, Rows::select_key, &pattern.key(did.as_str(), None)).await
        };
        let of_account = |record: &Stored| {
            pattern
                .parse_key(&record.key.text())
                .is_some_and(|(subject, _)| subject == did.as_str())
        };
        Ok(found.map_err(|e| self.explain(e))?.into_iter().filter(of_account).collect())
    }

    async fn replace(&self, read: &Stored, new: &[u8]) -> anyhow::Result<Written> {
        let locked = self.replace_locked(read, new).await.map_err(|e| self.explain(e))?;
        let written = match locked {
            Some(written) => written,
            None => write::replace(&self.server, &self.sessions, read, new)
                .await
                .map_err(|e| self.explain(e))?,
        };
        if written == Written::Done && self.standbys.may_take_over(&self.server).await {
            return Ok(Written::Unconfirmed);
        }
        Ok(written)
    }

    async fn checkpoint(&self) -> anyhow::Result<Option<Box<dyn Checkpoint>>> {
        let checkpoint = PostgresCheckpoint::reach(self).await.map_err(|e| self.explain(e))?;
        Ok(checkpoint.map(|checkpoint| Box::new(checkpoint) as _))
    }

    fn disturbances(&self) -> u64 {
        self.server.losses()
    }

    async fn check_writable(&self) -> anyhow::Result<()> {
        let key = RecordKey::from_text(&self.layout.session_pattern().key(NOBODY, Some("0")));
        let nobody = Stored::new(key, b"{}".to_vec().into());
        write::dry_run(&self.server, &self.sessions, &nobody).await.map_err(|e| self.explain(e))?;
        // A standby lost before the first write still has to be known.
        let _ = self.standbys.ask(&self.server).await;
        Ok(())
    }

    async fn create(
        &self,
        kind: Kind,
        key: &RecordKey,
        value: &[u8],
        _: Option<Duration>,
    ) -> anyhow::Result<bool> {
        let Some(rows) = self.rows(kind) else {
            return Err(usage("the app keeps pending logins in its memory").into());
        };
        let key = key.text();
        let (subject, _) = self.layout.pattern(kind).parse_key(&key).unwrap_or((&key, None));
        let at = written_at(kind, value, now()).as_duration().as_secs_f64();
        write::create(&self.server, rows, (&key, subject), value, at)
            .await
            .map_err(|e| self.explain(e))
    }

    async fn remove(&self, kind: Kind, records: &[Stored]) -> anyhow::Result<Vec<Written>> {
        let Some(rows) = self.rows(kind) else { return Ok(vec![Written::Gone; records.len()]) };
        write::remove(&self.server, rows, kind, records).await.map_err(|e| self.explain(e))
    }

    async fn lock(&self, name: &str, patience: Duration) -> anyhow::Result<Option<Lock>> {
        let rule = &self.layout.lock;
        if matches!(rule, LockRule::Key { .. }) {
            match &self.locks {
                Some(LocksElsewhere::Redis(locks)) => {
                    return locks.lock(rule, name.to_owned(), patience).await;
                }
                Some(LocksElsewhere::Nowhere) => {}
                None => self.check_lock()?,
            }
        }
        if matches!(rule, LockRule::Lease { .. }) {
            self.check_lock()?;
        }
        let taken = self.transactions.lock(&self.server, rule, name, patience).await;
        taken.map_err(|e| self.explain(e))
    }

    async fn time(&self) -> Option<Timestamp> {
        let sql = "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::int8";
        let rows = self.server.query(sql, &[]).await.ok()?;
        Timestamp::from_millisecond(rows.first()?.try_get(0).ok()?).ok()
    }

    async fn vitals(&self) -> anyhow::Result<Vitals> {
        let found = self.server.vitals().await.map_err(|e| self.explain(e))?;
        let has_row_policies = self.sessions.relation.has_policies;
        Ok(Vitals::Postgres(PostgresVitals { has_row_policies, ..found }))
    }

    async fn notes(&self, names: &[String]) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
        match &self.keeps {
            Keeps::Schema(notes) => {
                notes.read(&self.server, names).await.map_err(|e| self.explain(e))
            }
            Keeps::File(file) => file.notes(names).await,
            Keeps::Nowhere => Ok(vec![None; names.len()]),
        }
    }

    async fn write_notes(
        &self,
        notes: &[(String, Vec<u8>)],
        lifetime: Duration,
    ) -> anyhow::Result<()> {
        match &self.keeps {
            Keeps::Schema(kept) => {
                kept.write(&self.server, notes, lifetime).await.map_err(|e| self.explain(e))
            }
            Keeps::File(file) => file.write_notes(notes, lifetime).await,
            Keeps::Nowhere => Ok(()),
        }
    }

    async fn remove_notes(&self, names: &[String]) -> anyhow::Result<()> {
        match &self.keeps {
            Keeps::Schema(notes) => {
                notes.remove(&self.server, names).await.map_err(|e| self.explain(e))
            }
            Keeps::File(file) => file.remove_notes(names).await,
            Keeps::Nowhere => Ok(()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the rows' times are real times")]
fn now() -> Timestamp {
    Timestamp::now()
}
