//! Locks and notes of oauthctl for an SQLite store, in a separate database file next to the app's,
//! whose schema is never changed. Created on first use, never by reads.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use sha2::{Digest as _, Sha256};
use tracing::trace;

use crate::owner::is_for_another_user;
use crate::store::StoreUrl;

/// Interval between checks of a held lock.
pub(super) const LOCK_POLL: Duration = Duration::from_millis(50);

/// Time to wait while another process writes. Longer than for the app's database, because only
/// oauthctl uses the file, and delays are due to a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Characters with a special meaning in a URI.
const URI_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    -- What a power cut takes back is a lock or a note, and both are made again; what is left is sound.
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS lock (name TEXT PRIMARY KEY, owner INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value BLOB NOT NULL, until_ms INTEGER NOT NULL) STRICT;
";

pub(super) type Pool = Arc<Mutex<Vec<Connection>>>;

/// `<database>.oauthctl`
#[derive(Clone)]
pub(in crate::store) struct Sidecar {
    pub(super) path: PathBuf,
    /// Idle connections. Closing the last one would flush everything to disk.
    idle: Pool,
    /// Idle read-only connections. They do not create tables.
    pub(super) readers: Pool,
    /// True once expired notes were removed in this run, which requires reading all notes.
    pub(super) swept: Arc<AtomicBool>,
}

impl Sidecar {
    /// Returns the sidecar of this database.
    pub(super) fn beside(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push(".oauthctl");
        Self {
            path: path.into(),
            idle: Pool::default(),
            readers: Pool::default(),
            swept: Arc::default(),
        }
    }

    /// Returns a file in oauthctl's state directory, for a store that has no place for notes.
    pub(in crate::store) fn of(state: &Path, url: &StoreUrl) -> Self {
        let digest = Sha256::digest(url.id().to_string());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self::beside(&state.join("notes").join(name))
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        if let Some(directory) = self.path.parent() {
            // A failure shows when the file is opened.
            let _ = fs::create_dir_all(directory);
        }
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(PATIENCE)?;
        // While another process creates the same file, SQLite fails at once instead of waiting.
        let begun = Instant::now();
        loop {
            match connection.execute_batch(SCHEMA) {
                Err(e)
                    if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && begun.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(LOCK_POLL);
                }
                done => break done.map(|()| connection),
            }
        }
    }

    /// Opens the existing file to read. It may belong to another user.
    pub(super) fn open_to_read(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let open = |how: &str| {
            let path = percent_encode(self.path.as_os_str().as_bytes(), URI_PATH);
            let connection = Connection::open_with_flags(format!("file:{path}{how}"), flags)?;
            connection.busy_timeout(PATIENCE)?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        // Nothing is created next to files of another user.
        if is_for_another_user(&self.path) && !self.has_journal() {
            return open("?immutable=1");
        }
        match open("") {
            // A user who cannot create files next to it cannot use the journal. Without a journal,
            // there is nothing to miss.
            Err(rusqlite::Error::SqliteFailure(e, _))
                if matches!(e.code, ErrorCode::ReadOnly | ErrorCode::CannotOpen)
                    && !self.has_journal() =>
            {
                open("?immutable=1")
            }
            opened => opened,
        }
    }

    fn has_journal(&self) -> bool {
        let mut path = self.path.as_os_str().to_owned();
        path.push("-wal");
        Path::new(&path).exists()
    }

    pub(super) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.with_one_of(Arc::clone(&self.idle), Self::open, work).await
    }

    pub(super) async fn with_one_of<T: Send + 'static>(
        &self,
        pool: Pool,
        open: fn(&Self) -> rusqlite::Result<Connection>,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let sidecar = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let idle = || pool.lock().unwrap_or_else(PoisonError::into_inner);
            let found = idle().pop();
            let mut connection = found.map_or_else(|| open(&sidecar), Ok)?;
            let done = work(&mut connection)?;
            trace!("sidecar: {} ms", begun.elapsed().as_millis());
            idle().push(connection);
            Ok::<_, rusqlite::Error>(done)
        });
        done.await?.with_context(|| format!("cannot use {}", self.path.display()))
    }
}

/// Locks of several processes on one machine are timed by the machine's clock, as Redis times its
/// keys by its own.
#[expect(
    clippy::disallowed_methods,
    reason = "a lock's end is real time, even with the fixed time of a test"
)]
pub(super) fn epoch_millis() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis)
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
