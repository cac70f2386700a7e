//! Which sessions a command is about: the arguments that all session commands share, and reading what they select.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use url::Url;

use super::account::Account;
use crate::args::Knows;
use crate::context::Context;
use crate::error::{Failure, usage};
use crate::interrupt::Interrupt;
use crate::jose::Kid;
use crate::maintenance::{Judge, find_copies, find_copies_of};
use crate::maintenance::{Named, Seen};
use crate::session::{Age, Filter, Note, Status, Summary};
use crate::store::{Kind, RecordKey, Scan, Store, Stored, Want};
use crate::ui::Progress;

/// Accounts and filters.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Accounts, by DID or handle, all of whose sessions are meant
    #[arg(value_name = "ACCOUNT", add = Knows::Accounts)]
    accounts: Vec<Account>,
    /// The session under this key of the store (repeatable)
    #[arg(long = "key", value_name = "KEY")]
    records: Vec<String>,
    /// Sessions with this authorization server
    #[arg(long, value_name = "URL", value_parser = issuer)]
    issuer: Option<String>,
    /// Sessions bound to this client key, given whole or by six or more of its first characters
    #[arg(long, value_name = "KID", allow_hyphen_values = true, add = Knows::Kids)]
    kid: Option<String>,
    /// Sessions with this client authentication
    #[arg(long, value_name = "METHOD", value_parser = ["none", "private_key_jwt"])]
    auth: Option<String>,
    /// Sessions in this status (repeatable)
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status_parser())]
    status: Vec<Status>,
    /// Sessions last refreshed longer ago than this
    #[arg(long, value_name = "AGE")]
    not_refreshed_for: Option<Age>,
    /// Sessions that were granted this scope
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// At most so many sessions; those with which nothing is done do not count
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// The whole kid, where `--kid` is the beginning of one.
    #[arg(skip)]
    whole_kid: RefCell<Option<String>>,
    /// One of several layouts is read: what is named may be in another one.
    #[arg(skip)]
    one_of_several: Cell<bool>,
    /// Sessions that were selected in the layouts before this one.
    #[arg(skip)]
    taken: Cell<u64>,
    /// What was read so far.
    #[arg(skip)]
    seen: Rc<RefCell<Seen>>,
}

/// An issuer as records name it (RFC 8414 section 2), from what tables show and people paste: `auth.example.com` is
/// enough, and a slash at the end is none of its name.
fn issuer(text: &str) -> Result<String, Failure> {
    let refuse = || usage(format!("{text:?} is not the address of a server")).hint("write https://auth.example.com");
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&whole).map_err(|_| refuse())?;
    if !url.has_host() {
        return Err(refuse());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn status_parser() -> impl clap::builder::TypedValueParser<Value = Status> {
    PossibleValuesParser::new(Status::ALL.map(Status::name))
        .map(|name| Status::named(&name).expect("only names of statuses are possible values"))
}

/// Whether a command has something to do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// Nothing to do, and nothing to say.
    No,
    /// There is something to say of it, and nothing to do: it does not use up the limit, or sessions that nobody can help
    /// would keep the others from their turn, run after run.
    ToTell,
    /// There is something to do.
    ToDo,
}

impl Meant {
    /// Something to do, or nothing at all.
    pub fn to_do_if(is_meant: bool) -> Self {
        if is_meant { Self::ToDo } else { Self::No }
    }
}

/// A session, and what oauthctl noted of it.
pub type Noted = (Stored, Option<Note>);

/// For how long a store is believed to hold no notes of ours. To ask for every batch would make a listing wait for the
/// network at every step.
const NO_NOTES_STANDS: Duration = Duration::from_secs(1);

/// Batches whose notes are asked for at the same time.
const NOTED_AHEAD: usize = 4;

/// Selected sessions arriving in batches.
pub struct Selection<'a> {
    source: BoxStream<'a, anyhow::Result<Vec<Noted>>>,
    filter: Filter,
    left: u64,
    store: &'a dyn Store,
    judge: &'a Judge,
    interrupt: Interrupt,
    progress: Progress,
    seen: Rc<RefCell<Seen>>,
    /// All that there was to read has been read.
    is_complete: bool,
}

enum Source {
    All(Scan),
    Named(Option<Vec<Stored>>),
}

impl SelectArgs {
    /// Every session bound to this client key.
    pub fn bound_to(kid: &Kid) -> Self {
        Self { kid: Some(kid.as_str().to_owned()), ..Self::default() }
    }

    /// Whether nothing at all is said about which sessions are meant.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.records.is_empty()
            && self.issuer.is_none()
            && self.kid.is_none()
            && self.auth.is_none()
            && self.status.is_empty()
            && self.not_refreshed_for.is_none()
            && self.scope.is_none()
    }

    /// Whether sessions are named one by one.
    pub fn names_sessions(&self) -> bool {
        !self.accounts.is_empty() || !self.records.is_empty()
    }

    /// Whether sessions are chosen by their status.
    pub fn names_statuses(&self) -> bool {
        !self.status.is_empty()
    }

    /// The conditions that a session must meet.
    pub fn filter(&self) -> Filter {
        Filter {
            issuer: self.issuer.clone(),
            kid: self.whole_kid.borrow().clone().or_else(|| self.kid.clone()),
            auth_method: self.auth.clone(),
            statuses: self.status.clone(),
            not_refreshed_for: self.not_refreshed_for,
            scope: self.scope.clone(),
        }
    }

    /// Takes in which key is meant.
    pub fn set_kid(&self, kid: String) {
        self.whole_kid.replace(Some(kid));
    }

    /// What was read so far.
    pub fn seen(&self) -> &RefCell<Seen> {
        &self.seen
    }

    /// Begins to read what is selected.
    pub async fn begin<'a>(
        &self,
        context: &Context,
        store: &'a dyn Store,
        judge: &'a Judge,
    ) -> anyhow::Result<Selection<'a>> {
        let interrupt = context.interrupt();
        let source = interrupt.or(self.source(context, store, judge)).await.unwrap_or(Ok(Source::Named(None)))?;
        Ok(Selection {
            source: source.noted(store),
            filter: self.filter(),
            left: self.limit.unwrap_or(u64::MAX).saturating_sub(self.taken.get()),
            store,
            judge,
            interrupt,
            progress: context.ui.progress("sessions read"),
            seen: Rc::clone(&self.seen),
            is_complete: false,
        })
    }

    /// Prepares to read this layout, which may be one of several.
    pub fn in_one_of(&self, layouts: usize, taken: u64) {
        self.one_of_several.set(layouts > 1);
        self.taken.set(taken);
    }

    /// Reads the store and hands over every selected session, until all were seen or a signal came.
    pub async fn for_each(
        &self,
        context: &Context,
        store: &dyn Store,
        judge: &Judge,
        mut consume: impl FnMut(&Stored, &Summary<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut selection = self.begin(context, store, judge).await?;
        while let Some(records) = selection.next_read().await? {
            for (stored, note) in &records {
                let summary = selection.judged(stored, note.as_ref()).await?;
                self.seen.borrow_mut().see(&summary);
                if selection.takes(&summary) {
                    consume(stored, &summary)?;
                }
            }
        }
        Ok(())
    }

    /// The named sessions if any are named, else all of the store.
    async fn source(&self, context: &Context, store: &dyn Store, judge: &Judge) -> anyhow::Result<Source> {
        if self.accounts.is_empty() && self.records.is_empty() {
            if !judge.knows_copies() {
                judge.learn(find_copies(store).await?);
            }
            return Ok(Source::All(store.scan(Kind::Session, Want { values: true, ttls: true })));
        }
        let mut named = Vec::new();
        let mut dids = HashSet::new();
        for account in &self.accounts {
            let did = account.did(context).await?;
            if !dids.insert(did.clone()) {
                continue;
            }
            let sessions = store.sessions_of(&did).await?;
            self.seen.borrow_mut().name(Named::Account(did.as_str().to_owned()), !sessions.is_empty());
            named.extend(sessions);
        }
        for key in &self.records {
            let key = RecordKey::from_text(key);
            let mut records = store.records(Kind::Session, &key).await?;
            if self.one_of_several.get() {
                records.retain(|_| store.layout().session_pattern().parse_key(&key.text()).is_some());
            }
            self.seen.borrow_mut().name(Named::Record(key.text().into_owned()), !records.is_empty());
            // An account and one of its keys may both be named.
            if !named.iter().any(|record: &Stored| record.key == key) {
                named.extend(records);
            }
        }
        named.sort_by(|a, b| a.key.cmp(&b.key));
        if !judge.knows_copies() {
            judge.learn(find_copies_of(store, &named).await?);
        }
        Ok(Source::Named(Some(named)))
    }
}

impl Source {
    async fn next(&mut self) -> anyhow::Result<Option<Vec<Stored>>> {
        match self {
            Self::All(scan) => scan.next().await,
            Self::Named(records) => Ok(records.take()),
        }
    }

    /// The sessions with their notes.
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
                    since.lock().is_ok_and(|since| since.is_some_and(|since| since.elapsed() < NO_NOTES_STANDS))
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
        batches.map_ok(noted).try_buffered(NOTED_AHEAD).boxed()
    }
}

impl Selection<'_> {
    /// The next selected sessions that the command has something to do with, or to say of; none when all were seen, the
    /// limit is reached or a signal came.
    pub async fn next_meant(
        &mut self,
        is_meant: impl FnMut(&Stored, &Summary<'_>, Option<&Note>) -> anyhow::Result<Meant>,
    ) -> anyhow::Result<Option<Vec<Noted>>> {
        self.next_seen(|_, _, _| {}, is_meant).await
    }

    /// The same. All that is read is shown to `see`, selected or not.
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
                self.seen.borrow_mut().see(&summary);
                see(&stored, &summary, note.as_ref());
                if self.left > 0 && self.filter.matches(&summary, self.judge.now()) {
                    is_meant(&stored, &summary, note.as_ref())?
                } else {
                    Meant::No
                }
            };
            self.left -= u64::from(is_meant == Meant::ToDo);
            if is_meant != Meant::No {
                meant.push((stored, note));
            }
        }
        Ok(Some(meant))
    }

    /// Returns whether all that there was to read has been read.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Judges a session, once it is known whether its client key is the one that has worked before.
    async fn judged<'s>(&self, stored: &'s Stored, note: Option<&Note>) -> anyhow::Result<Summary<'s>> {
        let summary = self.judge.summary(stored, note);
        let is_outdated = self.judge.learn_key(self.store, &summary).await?;
        Ok(if is_outdated { self.judge.summary(stored, note) } else { summary })
    }

    /// The next sessions read, selected or not.
    async fn next_read(&mut self) -> anyhow::Result<Option<Vec<Noted>>> {
        self.seen.borrow_mut().is_cut |= self.left == 0;
        if self.left == 0 || self.interrupt.is_set() {
            return Ok(None);
        }
        // A store that has nothing to say must not keep a signal from being heeded.
        let read = self.interrupt.or(self.source.try_next()).await;
        let Some(records) = read.transpose()?.flatten() else {
            self.is_complete = !self.interrupt.is_set();
            return Ok(None);
        };
        self.progress.advance(records.len());
        self.seen.borrow_mut().read += records.len() as u64;
        Ok(Some(records))
    }

    /// Whether the session is selected; counts against the limit.
    fn takes(&mut self, summary: &Summary<'_>) -> bool {
        self.filter.matches(summary, self.judge.now()) && take_one(&mut self.left)
    }
}

/// Puts oauthctl's own notes beside the sessions.
pub async fn noted(store: &dyn Store, sessions: Vec<Stored>) -> anyhow::Result<Vec<Noted>> {
    if any_noted(store).await? { with_notes(store, sessions).await } else { Ok(without_notes(sessions)) }
}

/// Whether oauthctl has ever written a note into this store.
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
