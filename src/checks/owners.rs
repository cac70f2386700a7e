//! Checks the owners of oauthctl's files, which may be wrong after a run as root.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, Topic};
use crate::owner::{current_user, name_of, owner_of};

/// Compares the owner of the files next to a database with that of the database.
pub fn check_database(database: &Path) -> Option<Finding> {
    let database = database.canonicalize().ok()?;
    let owner = owner_of(&database)?;
    let beside = ["-wal", "-shm", ".oauthctl", ".oauthctl-wal", ".oauthctl-shm"]
        .map(|end| beside(&database, end));
    let why = "refreshes fail if oauthctl cannot write its locks and notes, or the app its records";
    check(&beside, owner, why, Topic::Store)
}

/// Compares the owner of the recovery directory and its entries with the current user.
pub fn check_recovery(directory: &Path) -> Option<Finding> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let paths: Vec<_> = [directory.to_owned()].into_iter().chain(entries).collect();
    let why = "tokens that cannot be stored are lost, and existing entries cannot be read";
    check(&paths, current_user()?, why, Topic::Recovery)
}

/// Checks whether oauthctl's file with locks and notes for this database exists.
pub fn has_own_file(database: &Path) -> bool {
    database.canonicalize().is_ok_and(|database| beside(&database, ".oauthctl").exists())
}

fn beside(database: &Path, end: &str) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(end);
    path.into()
}

fn check(paths: &[PathBuf], owner: u32, why: &str, topic: Topic) -> Option<Finding> {
    let others = paths
        .iter()
        .filter_map(|path| Some((path, owner_of(path)?)))
        .filter(|(_, found)| *found != owner);
    let others: Vec<_> = others.collect();
    let (first, found) = others.first()?;
    let what =
        format!("{} belongs to {}, not to {}", first.display(), name_of(*found), name_of(owner));
    let paths: Vec<_> = others.iter().map(|(path, _)| format!("'{}'", path.display())).collect();
    Some(Finding::problem(topic, what, why, format!("`sudo chown {owner} {}`", paths.join(" "))))
}
