//! Number of sessions of each store when it was last read completely. A store that has become empty
//! may be the wrong one.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::context::Context;
use crate::error::{Failure, failed};
use crate::files::{self, DirectoryLock, Existing, PUBLIC};
use crate::owner::is_for_another_user;
use crate::session::{Age, ClientId};
use crate::store::{Layout, StoreId};

/// Time for which runs warn of a store that has become empty. Afterwards, it counts as
/// intentionally empty.
const WARNED_FOR: Age = Age::from_secs(7 * 86_400);

/// Count of a store, with one layout and for one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LastCount {
    store: StoreId,
    layout: String,
    client_id: Option<ClientId<'static>>,
    sessions: u64,
    /// Time of the first run that found none of these sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    empty_since: Option<Timestamp>,
}

impl LastCount {
    /// Returns the expected number of sessions.
    fn expected(&self, now: Timestamp) -> u64 {
        let is_accepted = |since: Timestamp| now.duration_since(since) >= WARNED_FOR.duration();
        if self.empty_since.is_some_and(is_accepted) { 0 } else { self.sessions }
    }

    /// Records the numbers of sessions found and removed by a run.
    fn found(&mut self, sessions: u64, removed: u64, now: Timestamp) {
        if sessions == 0 && self.expected(now) > 0 {
            self.empty_since.get_or_insert(now);
        } else {
            (self.sessions, self.empty_since) = (sessions.saturating_sub(removed), None);
        }
    }
}

/// Returns the number of sessions when the store was last read with this layout, or with any layout
/// for `None`.
pub fn expected(context: &Context, layout: Option<&str>) -> u64 {
    let (Ok(path), Ok(store)) = (path(context), context.store_id()) else { return 0 };
    let (client_id, now) = (context.client_id().ok(), context.now());
    let counts = load(&path)
        .into_iter()
        .filter(|count| count.store == store && count.client_id == client_id);
    counts
        .filter(|count| layout.is_none_or(|layout| count.layout == layout))
        .map(|count| count.expected(now))
        .sum()
}

/// Records the number of sessions that a run has found in the whole store, minus those removed.
pub fn found(context: &Context, layout: &Layout, sessions: u64, removed: u64) {
    change(context, layout, |count| count.found(sessions, removed, context.now()));
}

/// Adds sessions created by a run.
pub fn added(context: &Context, layout: &Layout, sessions: u64) {
    change(context, layout, |count| {
        (count.sessions, count.empty_since) = (count.sessions + sessions, None);
    });
}

/// Subtracts sessions removed by a run.
pub fn removed(context: &Context, layout: &Layout, sessions: u64) {
    change(context, layout, |count| count.sessions = count.sessions.saturating_sub(sessions));
}

/// Changes a count. Failures are ignored.
fn change(context: &Context, layout: &Layout, change: impl FnOnce(&mut LastCount)) {
    if let Err(error) = try_change(context, layout, change) {
        debug!("cannot record the number of sessions: {error}");
    }
}

fn try_change(
    context: &Context,
    layout: &Layout,
    change: impl FnOnce(&mut LastCount),
) -> Result<(), Failure> {
    let (path, store, client_id) = (path(context)?, context.store_id()?, context.client_id().ok());
    let directory = files::directory_of(&path);
    // Files created by root in another user's home would lock that user out.
    if directory.ancestors().find(|ancestor| ancestor.exists()).is_some_and(is_for_another_user) {
        return Ok(());
    }
    let _lock = if directory.exists() { Some(DirectoryLock::on(directory)?) } else { None };
    let mut counts = load(&path);
    let new =
        LastCount { store, layout: layout.name.clone(), client_id, sessions: 0, empty_since: None };
    let is_it = |count: &LastCount| {
        (&count.store, &count.layout, &count.client_id) == (&new.store, &new.layout, &new.client_id)
    };
    let known = counts.iter().position(is_it);
    let before = known.map_or_else(|| new.clone(), |at| counts.swap_remove(at));
    let mut after = before.clone();
    change(&mut after);
    if after == before {
        return Ok(());
    }
    counts.push(after);
    fs::create_dir_all(directory).map_err(|e| {
        failed("cannot make the state directory").at(directory.display()).because(e)
    })?;
    let text = serde_json::to_vec(&counts).map_err(|e| failed("counts are not JSON").because(e))?;
    files::write_file(&path, &text, PUBLIC, Existing::Replace)
}

fn path(context: &Context) -> Result<PathBuf, Failure> {
    Ok(context.state_directory()?.join("counts.json"))
}

/// Reads all counts. An unreadable file counts as empty.
fn load(path: &Path) -> Vec<LastCount> {
    fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(sessions: u64) -> LastCount {
        let (store, layout) = (StoreId::from("redis://h".to_owned()), "npmx".to_owned());
        LastCount { store, layout, client_id: None, sessions, empty_since: None }
    }

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    #[test]
    fn an_empty_store_is_expected_to_have_sessions_for_seven_days() {
        let mut count = count(5);
        for today in [10, 11, 16] {
            count.found(0, 0, day(today));
            assert_eq!(
                (count.sessions, count.empty_since, count.expected(day(today))),
                (5, Some(day(10)), 5)
            );
        }
        assert_eq!(count.expected(day(17)), 0);
        count.found(0, 0, day(17));
        assert_eq!((count.sessions, count.empty_since), (0, None));
    }

    #[test]
    fn what_runs_remove_is_not_expected() {
        let mut count = count(0);
        count.found(5, 2, day(1));
        assert_eq!(count.expected(day(1)), 3);
        count.found(3, 3, day(2));
        count.found(0, 0, day(3));
        assert_eq!((count.expected(day(3)), count.empty_since), (0, None));
    }
}
