//! Files written whole or not at all: a sibling that only we can read, synced, then moved into place.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Failure, failed, usage};

/// Mode of a file that holds a secret.
pub const PRIVATE: u32 = 0o600;
/// Mode of a file that anyone may read.
pub const PUBLIC: u32 = 0o644;

/// What to do when the file to write exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Fail and leave it, unless --force says otherwise.
    Keep,
    /// Fail and leave it.
    KeepAlways,
    /// Put the new file in its place.
    Replace,
}

/// A file being written. Nobody sees it under its name before [`NewFile::keep`]; dropped without, it leaves nothing.
pub struct NewFile {
    path: PathBuf,
    existing: Existing,
    file: NamedTempFile,
}

impl NewFile {
    /// Begins a file, 0600 whatever the umask.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, Failure> {
        if existing != Existing::Replace && fs::symlink_metadata(path).is_ok() {
            return Err(exists(path, existing));
        }
        // The error would name the sibling, which nobody asked for.
        let make = || -> io::Result<NamedTempFile> {
            let file = NamedTempFile::new_in(directory_of(path))?;
            file.as_file().set_permissions(fs::Permissions::from_mode(PRIVATE))?;
            Ok(file)
        };
        let file = make().map_err(|e| cannot_write(path, io::Error::from(e.kind())))?;
        Ok(Self { path: path.to_owned(), existing, file })
    }

    /// Gives the file its name.
    pub fn keep(self) -> Result<(), Failure> {
        let path = &self.path;
        self.file.as_file().sync_all().map_err(|e| cannot_write(path, e))?;
        let kept = match self.existing {
            Existing::Keep | Existing::KeepAlways => self.file.persist_noclobber(path),
            Existing::Replace => self.file.persist(path),
        };
        kept.map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => exists(path, self.existing),
            _ => cannot_write(path, e.error),
        })?;
        // So that the name survives a power cut, too. Some file systems cannot, and nothing is lost then.
        let _ = File::open(directory_of(path)).and_then(|d| d.sync_all());
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file of this mode.
pub fn write_file(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), Failure> {
    let mut file = NewFile::create(path, existing)?;
    let written = file.write_all(bytes);
    let written = written.and_then(|()| file.file.as_file().set_permissions(fs::Permissions::from_mode(mode)));
    written.map_err(|e| cannot_write(path, e))?;
    file.keep()
}

/// Whether users other than its owner can read the file.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o044 != 0)
}

/// Puts new contents into an existing file. Its owner and mode stay: the app must be able to read it afterwards, too.
pub fn rewrite_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // Through a link to the file itself, so that the link stays one.
    let path = &fs::canonicalize(path).map_err(|e| cannot_write(path, e))?;
    let mut file = NewFile::create(path, Existing::Replace)?;
    let mut prepare = || -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        file.write_all(bytes)?;
        let handle = file.file.as_file();
        std::os::unix::fs::fchown(handle, Some(metadata.uid()), Some(metadata.gid()))?;
        handle.set_permissions(fs::Permissions::from_mode(metadata.mode() & 0o7777))
    };
    prepare().map_err(|e| cannot_write(path, e))?;
    file.keep()
}

fn exists(path: &Path, existing: Existing) -> Failure {
    if path.is_dir() {
        return usage("is a directory").at(path.display()).hint("name a file in it");
    }
    let hint = match existing {
        Existing::KeepAlways => "choose another name",
        _ => "choose another name, or --force to replace it",
    };
    usage("the file exists").at(path.display()).hint(hint)
}

fn cannot_write(path: &Path, error: io::Error) -> Failure {
    let directory = directory_of(path);
    let failure = failed("cannot write the file").at(path.display());
    if error.kind() == io::ErrorKind::NotFound && !directory.exists() {
        return failure.hint(format!("make the directory {} first: it does not exist", directory.display()));
    }
    failure.because(error).hint(format!("check that this user may create files in {}", directory.display()))
}

/// The directory that holds the file.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Keeps a second oauthctl from changing files in the same directory until dropped. The directory itself carries the
/// lock, so nothing is left behind.
pub struct DirectoryLock(#[expect(dead_code, reason = "held for its lock, which ends with it")] File);

impl DirectoryLock {
    /// Waits for the lock.
    pub fn on(directory: &Path) -> Result<Self, Failure> {
        let lock = || -> io::Result<File> {
            let handle = File::open(directory)?;
            handle.lock()?;
            Ok(handle)
        };
        lock().map(Self).map_err(|e| {
            usage("cannot lock the directory")
                .at(directory.display())
                .because(e)
                .hint("check that this user may read the directory")
        })
    }
}
