//! Opening of databases, and messages about their errors.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Failure, failed, usage};

/// Time to wait while the app writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Location of a database.
#[derive(Clone)]
pub(super) struct Database {
    /// Path as given.
    named: PathBuf,
    /// Canonical path, so that the locks are independent of the path by which a database is opened.
    pub(super) file: PathBuf,
}

/// Purpose of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenMode {
    Read,
    Write,
}

impl Database {
    /// Resolves the path.
    pub(super) fn find(path: &Path) -> Result<Self, Failure> {
        let file = match path.canonicalize() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(usage("the database does not exist")
                    .at(path.display())
                    .hint("check the path; oauthctl never creates a database"));
            }
            found => found
                .map_err(|e| failed("cannot find the database").at(path.display()).because(e))?,
        };
        if file.is_dir() {
            return Err(usage("is a directory, not a database")
                .at(path.display())
                .hint("use the database file in it, like sqlite:DIRECTORY/app.db"));
        }
        Ok(Self { named: path.to_owned(), file })
    }

    /// Opens the file without creating it, for writing even if only to read: the last reader of a
    /// WAL database removes its auxiliary files only with write access.
    pub(super) fn connect(&self, access: OpenMode) -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.file, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "query_only", access == OpenMode::Read)?;
            Ok(connection)
        };
        open().map_err(|e| self.explain(e))
    }

    pub(super) fn explain(&self, error: rusqlite::Error) -> Failure {
        let place = self.named.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                failed("the database is locked by another process")
                    .at(place)
                    .because(error)
                    .hint("try again after the app or its migration has finished writing")
            }
            Some(ErrorCode::NotADatabase) => {
                usage("is not an SQLite database").at(place).because(error).hint("check --store")
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => failed(
                "cannot open the database",
            )
            .at(place)
            .because(error)
            .hint("run oauthctl as the user of the app; SQLite must be able to write to the directory of the database"),
            Some(ErrorCode::DatabaseCorrupt) => failed("the database is damaged").at(place).because(error).hint(
                "`PRAGMA integrity_check` in the sqlite3 shell shows the damage; its `.recover` saves readable data",
            ),
            None if matches!(error, rusqlite::Error::StatementChangedRows(_)) => {
                failed("several rows contain the same record; nothing was written").at(place)
            }
            Some(ErrorCode::ConstraintViolation) => failed("the app's table rejects the record")
                .at(place)
                .because(error)
                .hint("a column unknown to oauthctl needs a value; only the app can write such records"),
            _ => failed("cannot use the database").at(place).because(error),
        }
    }
}
