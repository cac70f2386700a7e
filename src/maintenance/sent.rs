//! Journal of refresh tokens that runs have sent without learning the result.
//!
//! A run that is killed, or never gets an answer, may leave a record whose token the server has
//! already replaced. From the journal, the next run knows that oauthctl itself has used that token,
//! and not someone with a newer copy of the store.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing::debug;

use crate::secret::Secret;

/// Extension of journal files.
const EXTENSION: &str = "sent";

/// Journal of this run, and those left by earlier runs, in the recovery directory. Contains
/// fingerprints only. Not synced, because it must survive the process, but not a power failure.
pub struct SentTokens {
    directory: PathBuf,
    own: Mutex<Own>,
}

/// Journal of this run.
#[derive(Default)]
struct Own {
    /// Created when the first token is sent.
    file: Option<(PathBuf, File)>,
    unsettled: HashSet<String>,
}

impl SentTokens {
    /// Creates an empty journal in this directory, which need not exist before a token is sent.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, own: Mutex::default() }
    }

    /// Records that the token is about to be sent. A failure to write does not prevent sending; the
    /// next run is then merely more careful.
    pub(super) fn sending(&self, refresh_token: &Secret<'_>) {
        let token = refresh_token.fingerprint();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = own.append(&self.directory, '+', &token) {
            debug!("cannot record that a token is sent: {error}");
        }
        own.unsettled.insert(token);
    }

    /// Records that the result is known, and new tokens are in the store or in a recovery entry.
    pub(super) fn settled(&self, refresh_token: &Secret<'_>) {
        let token = refresh_token.fingerprint();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.unsettled.remove(&token)
            && let Err(error) = own.append(&self.directory, '-', &token)
        {
            debug!("cannot record the result of a refresh: {error}");
        }
    }

    /// Checks whether another run has sent this token without learning the result.
    pub(super) fn was_cut_off(&self, refresh_token: &Secret<'_>) -> bool {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let own_path = own.file.as_ref().map(|(path, _)| path.clone());
        drop(own);
        let token = refresh_token.fingerprint();
        let Ok(listing) = fs::read_dir(&self.directory) else { return false };
        let mut paths = listing.flatten().map(|entry| entry.path());
        paths.any(|path| {
            is_journal(&path)
                && Some(&path) != own_path.as_ref()
                && fs::read_to_string(&path).is_ok_and(|text| is_unsettled(&text, &token))
        })
    }
}

impl Own {
    fn append(&mut self, directory: &Path, sign: char, token: &str) -> io::Result<()> {
        let (_, file) = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(directory)?),
        };
        file.write_all(format!("{sign}{token}\n").as_bytes())
    }
}

impl Drop for SentTokens {
    /// Removes the journal of a run that knows the results of all tokens.
    fn drop(&mut self) {
        let own = self.own.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let (Some((path, _)), true) = (&own.file, own.unsettled.is_empty()) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Checks whether the file is a journal, by its name.
pub(super) fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

fn create(directory: &Path) -> io::Result<(PathBuf, File)> {
    let named = tempfile::Builder::new().suffix(&format!(".{EXTENSION}")).tempfile_in(directory)?;
    let (file, path) = named.keep().map_err(|failed| failed.error)?;
    Ok((path, file))
}

fn is_unsettled(journal: &str, token: &str) -> bool {
    let last = journal.lines().rfind(|line| line.get(1..) == Some(token));
    last.is_some_and(|line| line.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journals(directory: &Path) -> usize {
        fs::read_dir(directory)
            .unwrap()
            .filter(|entry| is_journal(&entry.as_ref().unwrap().path()))
            .count()
    }

    #[test]
    fn a_run_that_ends_leaves_what_it_never_learnt() {
        let directory = tempfile::tempdir().unwrap();
        let new = || SentTokens::new(directory.path().to_owned());
        let ends_well = new();
        ends_well.sending(&"a".into());
        ends_well.settled(&"a".into());
        drop(ends_well);
        assert_eq!(journals(directory.path()), 0);

        let (asks, later) = (new(), new());
        asks.sending(&"answered".into());
        asks.sending(&"lost".into());
        asks.settled(&"answered".into());
        // A run ignores its own journal.
        assert!(!asks.was_cut_off(&"lost".into()));
        drop(asks);
        assert_eq!(journals(directory.path()), 1);
        assert!(later.was_cut_off(&"lost".into()));
        assert!(!later.was_cut_off(&"answered".into()));
        assert!(!later.was_cut_off(&"never sent".into()));
    }

    #[test]
    fn a_run_that_is_killed_leaves_what_was_under_way() {
        let directory = tempfile::tempdir().unwrap();
        let killed = SentTokens::new(directory.path().to_owned());
        killed.sending(&"a".into());
        std::mem::forget(killed);
        let next = SentTokens::new(directory.path().to_owned());
        next.sending(&"a".into());
        assert!(next.was_cut_off(&"a".into()));
        next.settled(&"a".into());
        drop(next);
        assert_eq!(journals(directory.path()), 1);
    }

    #[test]
    fn no_directory_is_made_for_looking() {
        let directory = tempfile::tempdir().unwrap();
        let absent = directory.path().join("absent");
        let journal = SentTokens::new(absent.clone());
        assert!(!journal.was_cut_off(&"a".into()));
        drop(journal);
        assert!(!absent.exists());
    }
}
