//! Selected sessions, read in batches together with oauthctl's notes.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{self, BoxStream, Stream};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::assess::Assessor;
use super::copies::{find_copies, find_copies_of};
use super::seen::{Named, Seen};
use crate::interrupt::Interrupt;
use crate::session::{Did, Filter, Note, Summary};
use crate::store::{Kind, RecordKey, Scan, Store, Stored, Want};

/// Relevance of a session to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// Neither work nor a report.
    No,
    /// Report only. Not counted against `--limit`, so that broken sessions cannot starve the rest.
    Report,
    /// Work.
    Work,
}

impl Meant {
    /// Returns [`Self::Work`] or [`Self::No`].
    pub fn work_if(is_meant: bool) -> Self {
        if is_meant { Self::Work } else { Self::No }
    }
}

/// Session with oauthctl's note.
pub type Noted = (Stored, Option<Note>);

/// Time for which a store is assumed to have no notes. A query for each batch would slow down a
/// listing over a network.
const NO_NOTES_STANDS: Duration = Duration::from_secs(1);

/// Number of batches whose notes are requested concurrently.
const NOTED_AHEAD: usize = 4;

/// Stream of selected sessions in batches.
pub struct Selection<'a> {
    source: BoxStream<'a, anyhow::Result<Vec<Noted>>>,
    filter: Filter,
    left: u64,
    store: &'a dyn Store,
    assessor: &'a Assessor,
    interrupt: Interrupt,
    progress: Box<dyn Fn(usize) + 'a>,
    seen: Rc<RefCell<Seen>>,
    /// True if the whole store is read, and not only named records.
    is_whole: bool,
}

/// Names of sessions. Empty to select from the whole store.
#[derive(Default)]
pub struct Names {
    pub accounts: Vec<Did>,
    pub keys: Vec<RecordKey>,
    /// True if only one of several layouts is read, so that names may occur in another.
    pub one_of_several: bool,
}

/// Records to read: the whole store, or named ones. `None` if a signal arrived before they were
/// found.
pub enum Source {
    All(Scan),
    Named(Option<Vec<Stored>>),
}

impl Source {
    /// Finds the named sessions if there are names, else starts to read the whole store.
    pub async fn open(
        store: &dyn Store,
        assessor: &Assessor,
        names: &Names,
        seen: &RefCell<Seen>,
    ) -> anyhow::Result<Self> {
        if names.accounts.is_empty() && names.keys.is_empty() {
            if !assessor.knows_copies() {
                assessor.learn(find_copies(store).await?);
            }
            return Ok(Self::All(store.scan(Kind::Session, Want { values: true, ttls: true })));
        }
        let mut named = Vec::new();
        let mut dids = HashSet::new();
        for did in names.accounts.iter().filter(|did| dids.insert(did.as_str())) {
            let sessions = store.sessions_of(did).await?;
            seen.borrow_mut().name(Named::Account(did.as_str().to_owned()), !sessions.is_empty());
            named.extend(sessions);
        }
        for key in &names.keys {
            let mut records = store.records(Kind::Session, key).await?;
            if names.one_of_several {
                records
                    .retain(|_| store.layout().session_pattern().parse_key(&key.text()).is_some());
            }
            seen.borrow_mut().name(Named::Record(key.text().into_owned()), !records.is_empty());
            // An account and one of its keys may both be named.
            if !named.iter().any(|record: &Stored| record.key == *key) {
                named.extend(records);
            }
        }
        named.sort_by(|a, b| a.key.cmp(&b.key));
        if !assessor.knows_copies() {
            assessor.learn(find_copies_of(store, &named).await?);
        }
        Ok(Self::Named(Some(named)))
    }

    async fn next(&mut self) -> anyhow::Result<Option<Vec<Stored>>> {
        match self {
            Self::All(scan) => scan.next().await,
            Self::Named(records) => Ok(records.take()),
        }
    }

    /// Returns the sessions with their notes.
    fn noted(self, store: &dyn Store) -> BoxStream<'_, anyhow::Result<Vec<Noted>>> {
        let batches = stream::try_unfold(self, async |mut source| {
            let records = source.next().await?;
            anyhow::Ok(records.map(|records| (records, source)))
        });
        let nothing_noted = Arc::new(Mutex::new(None));
        let noted = move |records| {
            let nothing_noted = Arc::clone(&nothing_noted);
            async move {
                let recently = |since: &Mutex<Option<Instant>>| {
                    since.lock().is_ok_and(|since| {
                        since.is_some_and(|since| since.elapsed() < NO_NOTES_STANDS)
                    })
                };
                if recently(&nothing_noted) {
                    return Ok(without_notes(records));
                }
                let asked = Instant::now();
                if any_noted(store).await? {
                    return with_notes(store, records).await;
                }
                if let Ok(mut since) = nothing_noted.lock() {
                    *since = Some(asked);
                }
                Ok(without_notes(records))
            }
        };
        in_steps(batches, noted).boxed()
    }
}

impl<'a> Selection<'a> {
    /// Creates a selection by filter, limited in the number of sessions with work.
    pub fn new(
        source: Source,
        (store, assessor): (&'a dyn Store, &'a Assessor),
        filter: Filter,
        limit: u64,
        interrupt: Interrupt,
        progress: Box<dyn Fn(usize) + 'a>,
        seen: Rc<RefCell<Seen>>,
    ) -> Self {
        let is_whole = matches!(source, Source::All(_));
        Self {
            source: source.noted(store),
            filter,
            left: limit,
            store,
            assessor,
            interrupt,
            progress,
            seen,
            is_whole,
        }
    }

    /// Reads everything, and passes each selected session to `consume`, until the end or a signal.
    pub async fn for_each(
        mut self,
        mut consume: impl FnMut(&Stored, &Summary<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        while let Some(records) = self.next_read().await? {
            for (stored, note) in &records {
                let summary = self.judged(stored, note.as_ref()).await?;
                self.see(&summary);
                if self.takes(&summary) {
                    consume(stored, &summary)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the next selected sessions that require work or a report, `None` at the end, the
    /// limit or a signal.
    pub async fn next_meant(
        &mut self,
        is_meant: impl FnMut(&Stored, &Summary<'_>, Option<&Note>) -> anyhow::Result<Meant>,
    ) -> anyhow::Result<Option<Vec<Noted>>> {
        self.next_seen(|_, _, _| {}, is_meant).await
    }

    /// Like [`Self::next_meant`], and passes all sessions to `see`, selected or not.
    pub async fn next_seen(
        &mut self,
        mut see: impl FnMut(&Stored, &Summary<'_>, Option<&Note>),
        mut is_meant: impl FnMut(&Stored, &Summary<'_>, Option<&Note>) -> anyhow::Result<Meant>,
    ) -> anyhow::Result<Option<Vec<Noted>>> {
        let Some(records) = self.next_read().await? else { return Ok(None) };
        let mut meant = Vec::with_capacity(records.len());
        for (stored, note) in records {
            let is_meant = {
                let summary = self.judged(&stored, note.as_ref()).await?;
                self.see(&summary);
                see(&stored, &summary, note.as_ref());
                if self.left > 0 && self.filter.matches(&summary, self.assessor.now()) {
                    is_meant(&stored, &summary, note.as_ref())?
                } else {
                    Meant::No
                }
            };
            self.left -= u64::from(is_meant == Meant::Work);
            if is_meant != Meant::No {
                meant.push((stored, note));
            }
        }
        Ok(Some(meant))
    }

    /// Determines the status of a session, after comparing its client key with the one that has
    /// worked before.
    async fn judged<'s>(
        &self,
        stored: &'s Stored,
        note: Option<&Note>,
    ) -> anyhow::Result<Summary<'s>> {
        let summary = self.assessor.summary(stored, note);
        let is_outdated = self.assessor.learn_key(self.store, &summary).await?;
        Ok(if is_outdated { self.assessor.summary(stored, note) } else { summary })
    }

    /// Returns the next sessions, selected or not.
    async fn next_read(&mut self) -> anyhow::Result<Option<Vec<Noted>>> {
        self.seen.borrow_mut().is_cut |= self.left == 0;
        if self.left == 0 || self.interrupt.is_set() {
            return Ok(None);
        }
        // Signals must be handled even if the store does not answer.
        let read = self.interrupt.or(self.source.try_next()).await;
        if read.is_none() {
            // Requests that nobody polls any more.
            self.source = stream::empty().boxed();
        }
        let Some(records) = read.transpose()?.flatten() else {
            self.seen.borrow_mut().records.are_all = self.is_whole && !self.interrupt.is_set();
            return Ok(None);
        };
        (self.progress)(records.len());
        self.seen.borrow_mut().records.read += records.len() as u64;
        Ok(Some(records))
    }

    /// Takes note of a session, selected or not.
    fn see(&self, summary: &Summary<'_>) {
        let depends = self.filter.depends_on_a_set(summary, self.assessor.now());
        let mut seen = self.seen.borrow_mut();
        seen.see(summary);
        seen.depending_on_sets += u64::from(depends);
    }

    /// Checks whether the session is selected, and counts it against the limit.
    fn takes(&mut self, summary: &Summary<'_>) -> bool {
        self.filter.matches(summary, self.assessor.now()) && take_one(&mut self.left)
    }
}

/// Maps batches by futures, [`NOTED_AHEAD`] at once. Those that have begun end before the stream
/// returns the first result. Sessions are refreshed meanwhile, and a future that is next in line for
/// a connection but is not polled keeps them waiting for ever.
fn in_steps<T, U, F: Future<Output = anyhow::Result<U>>>(
    batches: impl Stream<Item = anyhow::Result<T>>,
    map: impl Fn(T) -> F,
) -> impl Stream<Item = anyhow::Result<U>> {
    let all = move |ready: Vec<anyhow::Result<T>>| {
        join_all(ready.into_iter().map(|batch| {
            let mapped = batch.map(&map);
            async { mapped?.await }
        }))
    };
    batches.ready_chunks(NOTED_AHEAD).then(all).flat_map(stream::iter)
}

/// Adds oauthctl's notes to the sessions.
pub async fn noted(store: &dyn Store, sessions: Vec<Stored>) -> anyhow::Result<Vec<Noted>> {
    if any_noted(store).await? {
        with_notes(store, sessions).await
    } else {
        Ok(without_notes(sessions))
    }
}

/// Checks whether oauthctl has ever written a note into this store.
async fn any_noted(store: &dyn Store) -> anyhow::Result<bool> {
    Ok(store.notes(&[Note::MARKER.to_owned()]).await?.pop().flatten().is_some())
}

async fn with_notes(store: &dyn Store, sessions: Vec<Stored>) -> anyhow::Result<Vec<Noted>> {
    let names: Vec<_> = sessions.iter().map(|stored| Note::name(&stored.key.text())).collect();
    let notes = store.notes(&names).await?;
    let notes = notes.into_iter().map(|note| note.and_then(|note| Note::parse(&note)));
    Ok(sessions.into_iter().zip(notes).collect())
}

fn without_notes(sessions: Vec<Stored>) -> Vec<Noted> {
    sessions.into_iter().map(|stored| (stored, None)).collect()
}

fn take_one(left: &mut u64) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}

/// Sorts healthy sessions first. If a wrong configuration costs a session, it should be a living
/// one, because an ended session would be mistaken for a sign of it.
pub fn healthiest_first(assessor: &Assessor, sessions: &mut [Noted]) {
    sessions.sort_by_cached_key(|(stored, note)| {
        Reverse(assessor.summary(stored, note.as_ref()).last_refreshed_at)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_request_waits_for_a_stream_that_is_not_polled() {
        let connection = &tokio::sync::Mutex::new(());
        let batches = stream::iter((0..10).map(anyhow::Ok))
            .chain(stream::iter([Err(anyhow::anyhow!("lost"))]));
        let mut noted = Box::pin(in_steps(batches, async |n| {
            let _connected = connection.lock().await;
            tokio::task::yield_now().await;
            Ok(n)
        }));
        for n in 0..10 {
            assert_eq!(noted.next().await.unwrap().unwrap(), n);
            assert!(connection.try_lock().is_ok(), "{n}");
        }
        assert_eq!(noted.next().await.unwrap().unwrap_err().to_string(), "lost");
        assert!(noted.next().await.is_none());
    }
}
