//! Writes keys back to their source: files in place, variables as printed assignments.

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::commands::output::{assignment, for_client, tidy};
use crate::context::Context;
use crate::error::Failure;
use crate::files::{self, DirectoryLock, Existing, PRIVATE};
use crate::jose::{ClientKey, KeyForm, Kid};
use crate::keyring::{KeySource, LoadedSource, refuse_table};

/// Destination of private keys.
pub(super) enum KeyDestination {
    /// Existing file. Its owner, mode and links are kept.
    Rewritten(PathBuf),
    /// New private file. It must not exist.
    New(PathBuf),
    Stdout,
}

impl KeyDestination {
    /// Returns the file that is written.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Rewritten(path) | Self::New(path) => Some(path),
            Self::Stdout => None,
        }
    }

    /// Writes the text atomically.
    pub(super) fn write(&self, context: &Context, text: &str) -> anyhow::Result<()> {
        match self {
            Self::Rewritten(path) => {
                if let Ok(real) = fs::canonicalize(path) {
                    tidy(context, files::directory_of(&real));
                }
                files::rewrite_file(path, text.as_bytes())?;
            }
            Self::New(path) => {
                tidy(context, files::directory_of(path));
                files::write_file(path, text.as_bytes(), PRIVATE, Existing::KeepAlways)?;
                context.ui.note(format!("wrote {}{}", path.display(), for_client(context)));
            }
            Self::Stdout => context.ui.result(text)?,
        }
        Ok(())
    }
}

/// Keeps other oauthctl processes from changing the same files until this one ends.
pub(super) fn lock_files(context: &Context) -> Result<Vec<DirectoryLock>, Failure> {
    let sources = context.settings()?.key_sources()?.unwrap_or_default();
    let mut directories: Vec<_> = sources
        .iter()
        .filter_map(|source| match source {
            // The directory of the link's target. A missing file is reported when it is read.
            KeySource::File { path, .. } => {
                Some(files::directory_of(&fs::canonicalize(path).ok()?).to_owned())
            }
            _ => None,
        })
        .collect();
    // In a fixed order, so that two processes cannot deadlock.
    directories.sort();
    directories.dedup();
    directories.iter().map(|directory| DirectoryLock::on(directory)).collect()
}

/// Reads the sources again after a long operation. Standard input can be read only once.
pub(super) fn read_again(
    context: &Context,
    sources: Vec<LoadedSource>,
) -> Result<Vec<LoadedSource>, Failure> {
    let again = |loaded: LoadedSource| match loaded.source {
        KeySource::Stdin => Ok(loaded),
        source => context.load_key_source(source),
    };
    sources.into_iter().map(again).collect()
}

/// Writes the new text of a source, or prints it for the operator.
pub(super) fn put_back(context: &Context, source: &KeySource, text: &str) -> anyhow::Result<()> {
    match source {
        KeySource::File { path, .. } => {
            KeyDestination::Rewritten(path.clone()).write(context, &line(text))
        }
        KeySource::Variable { name, .. } => {
            let assignment = Zeroizing::new(assignment(name, text)?);
            KeyDestination::Stdout.write(context, &line(&assignment))
        }
        KeySource::Stdin => KeyDestination::Stdout.write(context, &line(text)),
        KeySource::Table { .. } => Err(refuse_table(source).into()),
    }
}

/// Keeps a key removed from a file in a private file next to it. A key from a variable or a pipe is
/// still at its origin.
pub(super) fn retired_beside(
    source: &KeySource,
    kid: &Kid,
    key: &[ClientKey],
) -> Result<Option<PathBuf>, Failure> {
    let KeySource::File { path, .. } = source else { return Ok(None) };
    let path = if path.is_symlink() {
        &fs::canonicalize(path).unwrap_or_else(|_| path.clone())
    } else {
        path
    };
    let text = line(&KeyForm::Jwk.encode(key)?);
    files::write_beside(path, &format!("retired-{kid}"), Some("json"), text.as_bytes()).map(Some)
}

/// Adds a line end.
pub(super) fn line(text: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{text}\n"))
}
