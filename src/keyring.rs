//! Key sources: where private keys are kept, read in every form in the wild, and written back atomically (0600, under a
//! lock) in the form they had.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::{Failure, failed, usage};
use crate::jose::{ClientKey, KeyForm, KeySet, parse_keys};
use crate::settings::Environment;

/// Larger than any key set, small enough to read by mistake.
const MAX_SOURCE_BYTES: u64 = 1 << 20;

/// Where keys are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file: the path as it was written, and where it is.
    File {
        /// As the user wrote it.
        named: String,
        /// Relative paths of a settings file resolved.
        path: PathBuf,
    },
    /// An environment variable.
    Variable(String),
    /// Standard input.
    Stdin,
}

/// A source and the keys it held.
#[derive(Debug)]
pub struct LoadedSource {
    /// Where they came from.
    pub source: KeySource,
    /// How they were written there.
    pub form: KeyForm,
    /// The keys, in order.
    pub keys: Vec<ClientKey>,
    readable_by_others: bool,
}

impl KeySource {
    /// Reads `PATH`, `file:PATH`, `env:NAME` or `-`. Relative paths are relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Failure> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if let Some(name) = text.strip_prefix("env:") {
            return match variable_name(name) {
                true => Ok(Self::Variable(name.to_owned())),
                false => {
                    Err(usage(format!("{name:?} is no name for a variable")).at(text).hint("use letters, digits and _"))
                }
            };
        }
        if text.is_empty() {
            return Err(usage("a key source must not be empty").hint("a source is a path, file:PATH, env:NAME or -"));
        }
        if text.starts_with(['{', '[']) || text.starts_with("-----BEGIN") {
            // Not echoed: it is a private key, and it is in the shell's history already.
            return Err(usage("a key source is a place, not the key itself")
                .hint("put the key in a file or a variable, and name that: --keys FILE or --keys env:NAME"));
        }
        let path = base.join(text.strip_prefix("file:").unwrap_or(text));
        Ok(Self::File { named: text.to_owned(), path })
    }
}

/// Whether a shell and a dotenv file take this as the name of a variable.
pub fn variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { named, .. } => f.write_str(named),
            Self::Variable(name) => write!(f, "env:{name}"),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

impl LoadedSource {
    /// Something about the source that its owner should mend.
    pub fn warning(&self) -> Option<String> {
        self.readable_by_others.then(|| format!("{} can be read by other users; `chmod 600` it", self.source))
    }
}

/// Reads a source: keys that are well-formed, not yet checked as a set.
pub fn load(source: KeySource, environment: &Environment) -> Result<LoadedSource, Failure> {
    let (text, readable_by_others) = match &source {
        KeySource::File { path, .. } => read_file(path).map_err(|e| e.at(&source))?,
        KeySource::Variable(name) => (Zeroizing::new(environment.required(name)?.to_owned()), false),
        KeySource::Stdin => (read_text(io::stdin().lock()).map_err(|e| e.at(&source))?, false),
    };
    let parsed = parse_keys(&text).map_err(|e| e.at(&source))?;
    Ok(LoadedSource { source, form: parsed.form, keys: parsed.keys, readable_by_others })
}

/// Joins the sources' keys, in order, into a checked set.
pub fn key_set(sources: &[LoadedSource]) -> Result<KeySet, Failure> {
    let place = sources.iter().map(|s| s.source.to_string()).collect::<Vec<_>>().join(", ");
    KeySet::new(sources.iter().flat_map(|s| s.keys.iter().cloned()).collect()).map_err(|e| e.at(place))
}

fn read_file(path: &Path) -> Result<(Zeroizing<String>, bool), Failure> {
    let file = File::open(path).map_err(|e| {
        usage("cannot read the key file").because(e).hint("check the path, and that this user may read the file")
    })?;
    let metadata = file.metadata().map_err(|e| usage("cannot read the key file").because(e))?;
    if metadata.is_dir() {
        return Err(usage("is a directory, not a key file").hint("name the file in it that holds the key"));
    }
    Ok((read_text(file)?, metadata.is_file() && metadata.mode() & 0o044 != 0))
}

fn read_text(input: impl io::Read) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    input
        .take(MAX_SOURCE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| usage("cannot read the key file").because(e))?;
    if bytes.len() as u64 > MAX_SOURCE_BYTES {
        return Err(usage("is larger than 1 MiB, which no key file is").hint("name the file that holds the key"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(usage("is not UTF-8 text").hint("a DER file can be turned into PEM with openssl")),
    }
}

/// What to do when the file to write exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Fail and leave it.
    Keep,
    /// Put the new file in its place.
    Replace,
}

/// Puts new contents into an existing file, whole or not at all. Its owner and mode stay: the app must be able to read it
/// afterwards, too.
pub fn rewrite_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // Through a link to the file itself, so that the link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let metadata = fs::metadata(path).map_err(|e| failed("cannot read the file").at(path.display()).because(e))?;
    write_sibling(path, bytes, Existing::Replace, |file| {
        file.set_permissions(fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
        std::os::unix::fs::fchown(file, Some(metadata.uid()), Some(metadata.gid()))
    })
}

/// Writes a file of this mode whole or not at all.
pub fn write_file(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), Failure> {
    let place = path.display();
    if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
        return Err(usage("the file exists").at(place).hint("choose another name, or --force to replace it"));
    }
    write_sibling(path, bytes, existing, |file| file.set_permissions(fs::Permissions::from_mode(mode)))
}

/// A sibling file, synced, then moved into place.
fn write_sibling(
    path: &Path,
    bytes: &[u8],
    existing: Existing,
    prepare: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), Failure> {
    let directory = directory_of(path);
    let write = || -> io::Result<()> {
        // Created 0600 whatever the umask.
        // The error would name this sibling, which nobody asked for.
        let mut file = NamedTempFile::new_in(directory).map_err(|e| io::Error::from(e.kind()))?;
        file.write_all(bytes)?;
        prepare(file.as_file())?;
        file.as_file().sync_all()?;
        match existing {
            Existing::Keep => file.persist_noclobber(path)?,
            Existing::Replace => file.persist(path)?,
        };
        // So that the name survives a power cut, too. Some file systems cannot, and nothing is lost then.
        let _ = File::open(directory).and_then(|d| d.sync_all());
        Ok(())
    };
    write().map_err(|e| {
        failed("cannot write the file")
            .at(path.display())
            .because(e)
            .hint(format!("check that this user may create files in {}", directory.display()))
    })
}

/// The directory that holds the file.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Keeps a second oauthctl from changing key files in the same directory until dropped. The directory itself carries
/// the lock, so nothing is left behind.
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
            usage("cannot lock the directory of the key file").at(directory.display()).because(e).hint("check --keys")
        })
    }
}
