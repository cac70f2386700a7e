//! Sessions in an SQLite database, accessed in short transactions next to the running app.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use rusqlite::{Connection, Transaction};
use tracing::trace;

use super::layout::{Layout, LayoutChoice, LockRule};
use super::lock::Lock;
use super::redis::LocksElsewhere;
use super::scan::Scan;
use super::sql::shape::{self, Fitting};
use super::{Kind, RecordKey, SqliteVitals, Store, Stored, Vitals, Want, Written};
use crate::error::{Failure, usage};
use crate::owner;
use crate::session::Did;

mod census;
mod connect;
mod detect;
mod lease;
mod lock;
mod notes;
mod read;
mod sidecar;
mod write;
mod writer;

pub(super) use census::{census, has_records};
use connect::{Database, OpenMode};
use read::KeyIs;
pub(super) use read::keys;
pub(super) use sidecar::Sidecar;
use writer::Writer;

/// SQLite database of an app.
pub(super) struct SqliteStore {
    database: Database,
    sidecar: Sidecar,
    /// Layout and its tables.
    of: Fitting,
    /// True if keys are unique.
    has_unique_keys: bool,
    /// Other layouts with sessions.
    others: Vec<Arc<dyn Store>>,
    writer: Writer,
    /// Location of the app's locks, if not in the database.
    locks: Option<LocksElsewhere>,
}

impl SqliteStore {
    /// Opens the database once per layout. Creates nothing.
    pub(super) fn open(
        path: &Path,
        access: &super::Access,
        choice: &LayoutChoice,
    ) -> Result<Vec<Self>, Failure> {
        let database = Database::find(path)?;
        let connection = database.connect(OpenMode::Read)?;
        let explain = |e| database.explain(e);
        let shapes = detect::tables(&connection).map_err(explain)?;
        let choose = |choice: &LayoutChoice| {
            shape::choose(&shapes, choice).map_err(|e| e.at(path.display()))
        };
        // Apps on SQLite seldom have locks of other stores: a layout with such a lock is one where no
        // other fits, or where it is named.
        let mut usual = choice.clone();
        let (LayoutChoice::Auto(all) | LayoutChoice::Named(_, all)) = &mut usual;
        all.retain(|layout| !matches!(layout.lock, LockRule::Key { .. } | LockRule::Advisory(_)));
        let (mut layouts, mut others) =
            choose(&usual).or_else(|failure| choose(choice).map_err(|_| failure))?;
        for kind in [Kind::Session, Kind::State] {
            // Of several layouts, those in use by the app.
            let in_use = detect::in_use(&connection, kind, &layouts).map_err(explain)?;
            if layouts.len() > 1 && !in_use.is_empty() {
                layouts = in_use;
                break;
            }
        }
        others = detect::in_use(&connection, Kind::Session, &others).map_err(explain)?;
        let sidecar = Sidecar::beside(&database.file);
        let open = |of: &Fitting, others| {
            let has_unique_keys =
                detect::has_unique_keys(&connection, of.sessions()).map_err(explain)?;
            let (database, sidecar, of) = (database.clone(), sidecar.clone(), of.clone());
            let (writer, locks) =
                (Writer::of(database.clone()), LocksElsewhere::of(&of.layout, access)?);
            Ok(Self { database, sidecar, of, has_unique_keys, others, writer, locks })
        };
        let open_beside = |of: &Fitting| {
            let rest =
                layouts.iter().filter(|other| other.layout.name != of.layout.name).chain(&others);
            let others = rest.map(|other| Ok(Arc::new(open(other, Vec::new())?) as Arc<dyn Store>));
            open(of, others.collect::<Result<_, Failure>>()?)
        };
        layouts.iter().map(open_beside).collect()
    }

    /// Runs reads on a blocking thread.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let database = self.database.clone();
        let done = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let connection = database.connect(OpenMode::Read)?;
            let done = work(&connection).map_err(|e| database.explain(e));
            trace!("store: read, {} ms", begun.elapsed().as_millis());
            done
        });
        Ok(done.await??)
    }

    /// Runs writes in one transaction.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.check_user()?;
        self.writer.write(work).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn layout(&self) -> &Layout {
        &self.of.layout
    }

    fn check_user(&self) -> Result<(), Failure> {
        owner::check_user(&self.database.file)
    }

    fn check_lock(&self) -> Result<(), Failure> {
        let layout = &self.of.layout;
        LocksElsewhere::check(self.locks.as_ref(), layout)?;
        if matches!(layout.lock, LockRule::Advisory(_)) {
            return Err(usage(format!(
                "the lock of layout {} is one of PostgreSQL, and this is an SQLite database",
                layout.name
            ))
            .hint(
                "define the layout under [layouts.NAME] in oauthctl.toml, with the app's lock here",
            ));
        }
        layout.check_lock_is_said()
    }

    fn may_have_copies(&self) -> bool {
        self.of.layout.session_pattern().has_many() || !self.has_unique_keys
    }

    async fn others(&self) -> Vec<Arc<dyn Store>> {
        self.others.clone()
    }

    fn scan(&self, kind: Kind, _: Want) -> Scan {
        let (sender, scan) = Scan::channel();
        let (database, table) = (self.database.clone(), self.of.table(kind).cloned());
        tokio::task::spawn_blocking(move || {
            let outcome = table.map_or(Ok(()), |table| read::all(&database, &table, &sender));
            sender.blocking_end(outcome.map_err(Into::into));
        });
        scan
    }

    async fn get(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Option<Stored>> {
        Ok(self.records(kind, key).await?.into_iter().next())
    }

    async fn records(&self, kind: Kind, key: &RecordKey) -> anyhow::Result<Vec<Stored>> {
        let Some(table) = self.of.table(kind).cloned() else { return Ok(Vec::new()) };
        let key = key.text().into_owned();
        self.read(move |connection| read::where_key(connection, &table, KeyIs::Text, &key)).await
    }

    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>> {
        let table = Arc::clone(self.of.sessions());
        // Keys with several sessions or with a prefix are searched by text, then checked with the
        // template.
        let (key_is, text) = if table.pattern.has_many() {
            (KeyIs::With, did.to_string())
        } else {
            (KeyIs::Text, table.pattern.key(did.as_str(), None))
        };
        let found =
            self.read(move |connection| read::where_key(connection, &table, key_is, &text)).await?;
        let pattern = self.of.layout.session_pattern();
        let of_account = |record: &Stored| {
            pattern
                .parse_key(&record.key.text())
                .is_some_and(|(subject, _)| subject == did.as_str())
        };
        Ok(found.into_iter().filter(of_account).collect())
    }

    async fn replace(&self, read: &Stored, new: &[u8]) -> anyhow::Result<Written> {
        let table = Arc::clone(self.of.sessions());
        let (read, new) = (read.clone(), write::text(new)?);
        self.write(move |transaction| table.replace(transaction, &read, &new)).await
    }

    async fn check_writable(&self) -> anyhow::Result<()> {
        self.check_user()?;
        let dry_run = |transaction: Transaction<'_>| {
            // SQLite detects missing write permission only when a page is about to change.
            let version: i64 =
                transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            transaction.pragma_update(None, "user_version", version ^ 1)?;
            transaction.rollback()
        };
        self.writer.in_turn(dry_run).await
    }

    async fn create(
        &self,
        kind: Kind,
        key: &RecordKey,
        value: &[u8],
        _: Option<Duration>,
    ) -> anyhow::Result<bool> {
        let table =
            self.of.table(kind).cloned().context("the app keeps such records in its memory")?;
        let (key, value) = (key.text().into_owned(), write::text(value)?);
        self.write(move |transaction| table.create(transaction, kind, &key, &value)).await
    }

    async fn remove(&self, kind: Kind, records: &[Stored]) -> anyhow::Result<Vec<Written>> {
        let table =
            self.of.table(kind).cloned().context("the app keeps such records in its memory")?;
        let records = records.to_vec();
        self.write(move |transaction| {
            records.iter().map(|record| table.remove(transaction, record)).collect()
        })
        .await
    }

    async fn lock(&self, name: &str, patience: Duration) -> anyhow::Result<Option<Lock>> {
        self.check_user()?;
        match (&self.of.layout.lock, &self.locks) {
            (LockRule::Lease { table, ttl }, _) => {
                lease::take(&self.writer, (table, *ttl), name, patience).await
            }
            (rule @ LockRule::Key { .. }, Some(LocksElsewhere::Redis(locks))) => {
                locks.lock(rule, name.to_owned(), patience).await
            }
            _ => self.sidecar.lock(name.to_owned(), patience).await,
        }
    }

    async fn vitals(&self) -> anyhow::Result<Vitals> {
        let journal_mode = self
            .read(|connection| {
                connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))
            })
            .await?;
        let file = &self.database.file;
        let metadata = std::fs::metadata(file).ok();
        Ok(Vitals::Sqlite(SqliteVitals {
            file: file.display().to_string(),
            journal_mode,
            size: metadata.as_ref().map_or(0, std::fs::Metadata::len),
            free: free_beside(file),
            is_open_to_all: is_open_to_all(file),
        }))
    }

    async fn notes(&self, names: &[String]) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
        self.sidecar.notes(names).await
    }

    async fn write_notes(
        &self,
        notes: &[(String, Vec<u8>)],
        lifetime: Duration,
    ) -> anyhow::Result<()> {
        self.check_user()?;
        self.sidecar.write_notes(notes, lifetime).await
    }

    async fn remove_notes(&self, names: &[String]) -> anyhow::Result<()> {
        self.sidecar.remove_notes(names).await
    }
}

/// Returns the bytes that a user may still write to the file's file system.
fn free_beside(file: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(file).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// Checks whether every user can read the file: it says so, and so do all directories on the way to it.
fn is_open_to_all(file: &Path) -> bool {
    let allows = |path: &Path, bit: u32| {
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & bit != 0)
    };
    allows(file, 0o004) && file.ancestors().skip(1).all(|directory| allows(directory, 0o001))
}
