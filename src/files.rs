//! Atomic file writes: a private temporary file next to the target, synced, then renamed.
//!
//! The temporary file has a name of oauthctl's own and is locked during the write. An unlocked one
//! was left behind by a killed process, and may contain private keys or tokens.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::{Failure, failed, usage};

/// Mode of a file with secrets.
pub const PRIVATE: u32 = 0o600;
/// Mode of a public file.
pub const PUBLIC: u32 = 0o644;

/// Prefix and suffix of temporary files, around a random part.
const UNFINISHED: (&str, &str) = (".oauthctl-", ".tmp");
/// Prefix of temporary files until version 0.1.
const UNFINISHED_EARLIER: &str = ".tmp";
/// Length of the random part.
const RANDOM_CHARACTERS: usize = 6;

/// Maximum length of a tag in a file name, since names are limited to 255 bytes.
const LONGEST_TAG: usize = 48;

/// Handling of an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Fails and suggests --force.
    Keep,
    /// Fails.
    KeepAlways,
    /// Replaces the file.
    Replace,
}

/// File being written. It is invisible under its name before [`NewFile::keep`], and leaves nothing
/// if dropped before.
pub struct NewFile {
    path: PathBuf,
    existing: Existing,
    file: NamedTempFile,
}

impl NewFile {
    /// Creates the temporary file with mode 0600, independent of the umask.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, Failure> {
        if existing != Existing::Replace && fs::symlink_metadata(path).is_ok() {
            return Err(exists(path, existing));
        }
        // The library's error would name the temporary file.
        let make = || -> io::Result<NamedTempFile> {
            let mut naming = tempfile::Builder::new();
            naming.prefix(UNFINISHED.0).suffix(UNFINISHED.1).rand_bytes(RANDOM_CHARACTERS);
            loop {
                let file = naming.tempfile_in(directory_of(path))?;
                file.as_file().set_permissions(fs::Permissions::from_mode(PRIVATE))?;
                // Some file systems have no locks. Leftovers are not removed there, either.
                let _ = file.as_file().lock();
                // Before it was locked, it could be removed as a leftover.
                if file.as_file().metadata()?.nlink() > 0 {
                    return Ok(file);
                }
            }
        };
        let file = make().map_err(|e| cannot_write(path, io::Error::from(e.kind())))?;
        Ok(Self { path: path.to_owned(), existing, file })
    }

    /// Renames the file to its final name.
    pub fn keep(self) -> Result<(), Failure> {
        let path = self.path.clone();
        self.file.as_file().sync_all().map_err(|e| cannot_write(&path, e))?;
        self.name()?;
        // Makes the name survive a power failure. Not supported by some file systems, without harm.
        let _ = File::open(directory_of(&path)).and_then(|d| d.sync_all());
        Ok(())
    }

    fn name(self) -> Result<(), Failure> {
        let path = &self.path;
        let kept = match self.existing {
            Existing::Keep | Existing::KeepAlways => self.file.persist_noclobber(path),
            Existing::Replace => self.file.persist(path),
        };
        kept.map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => exists(path, self.existing),
            _ => cannot_write(path, e.error),
        })?;
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

/// Fails if the file exists, with a hint to --force.
pub fn check_absent(path: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(path).is_ok() { Err(exists(path, Existing::Keep)) } else { Ok(()) }
}

/// Writes a private file that need not survive a power failure, and replaces an existing one.
pub fn write_unsynced(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = NewFile::create(path, Existing::Replace)?;
    file.write_all(bytes).map_err(|e| cannot_write(path, e))?;
    file.name()
}

/// Writes a file with this mode.
pub fn write_file(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), Failure> {
    let mut file = NewFile::create(path, existing)?;
    let written = file.write_all(bytes);
    let written = written
        .and_then(|()| file.file.as_file().set_permissions(fs::Permissions::from_mode(mode)));
    written.map_err(|e| cannot_write(path, e))?;
    file.keep()
}

/// Returns temporary files left behind by killed processes.
pub fn left_behind(directory: &Path) -> Vec<PathBuf> {
    unfinished(directory, |name| name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1))
}

/// Returns leftovers of versions up to 0.1, whose names are common to other programs.
pub fn perhaps_left_behind(directory: &Path) -> Vec<PathBuf> {
    let length = UNFINISHED_EARLIER.len() + RANDOM_CHARACTERS;
    unfinished(directory, |name| name.len() == length && name.starts_with(UNFINISHED_EARLIER))
}

/// Returns unlocked files with such a name, including those that cannot be opened.
fn unfinished(directory: &Path, has_name: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let named = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(&has_name))
        .map(|entry| entry.path());
    let mut found: Vec<_> = named
        .filter(|path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()))
        .filter(|path| {
            !File::open(path)
                .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
        })
        .collect();
    found.sort();
    found
}

/// Removes temporary files left behind by killed processes, each under its own lock, so that files
/// being written are spared. Returns the removed files.
pub fn remove_left_behind(directory: &Path) -> Vec<PathBuf> {
    let remove = |path: &PathBuf| {
        let removed = File::open(path).and_then(|file| {
            file.try_lock().map_err(io::Error::from)?;
            fs::remove_file(path)
        });
        removed.is_ok()
    };
    left_behind(directory).into_iter().filter(remove).collect()
}

/// Appends a line to a file, which is created with mode 0600 if missing. Returns the earlier
/// contents. `check` gets the text before and after.
pub fn append_line(
    path: &Path,
    line: &str,
    check: impl FnOnce(&str, &str) -> Result<(), Failure>,
) -> Result<Option<Zeroizing<String>>, Failure> {
    let directory = directory_of(path);
    let directory =
        fs::canonicalize(path).map_or(directory.to_owned(), |real| directory_of(&real).to_owned());
    let _lock = if directory.exists() { Some(DirectoryLock::on(&directory)?) } else { None };
    let before = match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            None
        }
        Ok(metadata) if metadata.is_file() => Some(fs::read_to_string(path).map(Zeroizing::new)),
        Ok(_) => {
            return Err(usage("is not a file to which a line can be added")
                .at(path.display())
                .hint("name a file"));
        }
        Err(e) => Some(Err(e)),
    };
    let before = before.transpose().map_err(|e| {
        let hint = "check that it is a text file and that this user can read it";
        usage("cannot read the file").at(path.display()).because(e).hint(hint)
    })?;
    let mut after = Zeroizing::new(before.as_deref().cloned().unwrap_or_default());
    if !after.is_empty() && !after.ends_with('\n') {
        after.push('\n');
    }
    after.push_str(line);
    after.push('\n');
    check(before.as_ref().map_or("", |before| before.as_str()), &after)?;
    match &before {
        Some(_) => rewrite_file(path, after.as_bytes())?,
        None => write_file(path, after.as_bytes(), PRIVATE, Existing::KeepAlways)?,
    }
    Ok(before)
}

/// Writes a private file next to another: `keys.json` → `keys.TAG.json`. Never overwrites a file.
/// An existing file with the same contents is reused.
pub fn write_beside(
    path: &Path,
    tag: &str,
    extension: Option<&str>,
    bytes: &[u8],
) -> Result<PathBuf, Failure> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let own = path.extension().map(|own| own.to_string_lossy().into_owned());
    let extension =
        extension.map(str::to_owned).or(own).map_or_else(String::new, |own| format!(".{own}"));
    let tag: String = tag
        .chars()
        .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let tag: String = tag.chars().take(LONGEST_TAG).collect();
    let mut number = 1_u32;
    loop {
        let distinct = if number == 1 { String::new() } else { format!("-{number}") };
        let beside = path.with_file_name(format!("{stem}.{tag}{distinct}{extension}"));
        if fs::read(&beside).map(Zeroizing::new).is_ok_and(|there| *there == bytes) {
            return Ok(beside);
        }
        if fs::symlink_metadata(&beside).is_err() {
            return write_file(&beside, bytes, PRIVATE, Existing::KeepAlways).map(|()| beside);
        }
        number += 1;
    }
}

/// Checks whether users other than its owner can read the file.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o044 != 0)
}

/// Replaces the contents of an existing file. Keeps owner and mode, so that the app can still read
/// it.
pub fn rewrite_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // Resolves links, so that a link is not replaced by a file.
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
        return failure.hint(format!("create the directory {} first", directory.display()));
    }
    failure
        .because(error)
        .hint(format!("check that this user can create files in {}", directory.display()))
}

/// Returns the directory of the file.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Lock that keeps other oauthctl processes from changing files in the directory until dropped. The
/// directory itself is locked, so nothing is left behind.
pub struct DirectoryLock(
    #[expect(dead_code, reason = "held for its lock, which ends with it")] File,
);

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
                .hint("check that this user can read the directory")
        })
    }
}
