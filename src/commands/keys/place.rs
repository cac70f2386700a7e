//! Changed keys put back where they came from: files in place, variables as assignments for whoever keeps them.

use std::path::Path;

use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::{Failure, failed};
use crate::files::{self, DirectoryLock, Existing, PRIVATE};
use crate::keyring::KeySource;

/// Keeps other oauthctl processes from changing the same files until the end of this one.
pub(super) fn lock_files(context: &Context) -> Result<Vec<DirectoryLock>, Failure> {
    let sources = context.settings()?.key_sources()?.unwrap_or_default();
    let mut directories: Vec<_> = sources
        .iter()
        .filter_map(|source| match source {
            KeySource::File { path, .. } => Some(files::directory_of(path).to_owned()),
            _ => None,
        })
        .collect();
    // In one order everywhere, so that two processes cannot wait for each other.
    directories.sort();
    directories.dedup();
    directories.iter().map(|directory| DirectoryLock::on(directory)).collect()
}

/// Puts the new text of a source in its place. `output` is a file for what would otherwise be printed.
pub(super) fn put_back(context: &Context, source: &KeySource, text: &str, output: Option<&Path>) -> anyhow::Result<()> {
    match source {
        KeySource::File { path, .. } => Ok(files::rewrite_file(path, line(text).as_bytes())?),
        KeySource::Variable(name) => print_assignment(context, name, text, output),
        KeySource::Stdin => Ok(context.ui.result(line(text).as_bytes())?),
    }
}

/// The new assignment on stdout, or in the file asked for: it holds private keys.
pub(super) fn print_assignment(
    context: &Context,
    name: &str,
    value: &str,
    output: Option<&Path>,
) -> anyhow::Result<()> {
    if value.contains('\'') {
        return Err(failed("a kid contains a single quote, which no dotenv file can hold").into());
    }
    let line = Zeroizing::new(format!("{name}='{value}'\n"));
    match output.filter(|path| *path != Path::new("-")) {
        Some(path) => Ok(files::write_file(path, line.as_bytes(), PRIVATE, Existing::Keep)?),
        None => Ok(context.ui.result(line.as_bytes())?),
    }
}

/// The text with a line end.
pub(super) fn line(text: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{text}\n"))
}
