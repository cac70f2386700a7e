//! The same work on many sessions: so many at once, so many a server, so many a second; tried again
//! while nobody knows.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;

use crate::session::Session;
use crate::store::Stored;

/// Sessions that wait for their turn, for each that is being worked on: enough that one busy server
/// does not keep the others idle.
const WAITING: usize = 8;
/// The first pause before a session is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How soon a stop is noticed while waiting.
const STOP_POLL: Duration = Duration::from_millis(100);

/// How hard a run may push.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sessions worked on at the same time.
    pub concurrency: usize,
    /// Of these, with one server.
    pub per_issuer: usize,
    /// The same for single servers.
    pub issuers: HashMap<String, usize>,
    /// Begun in a second.
    pub rate: Option<f64>,
    /// How long to try again what ended in *unknown*.
    pub retry_for: Duration,
}

/// What became of one session.
#[derive(Debug)]
pub struct Event<O> {
    /// The session as it was selected.
    pub session: Stored,
    /// How it ended.
    pub outcome: O,
}

/// Whether to try again what nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// In this run.
    Soon,
    /// In this run, when the server wants to be asked again.
    After(Duration),
    /// Not in this run.
    Never,
}

/// Asked before anything is begun: whether to begin nothing any more.
pub type Stop = Box<dyn Fn() -> bool + Send + Sync>;

/// What comes next.
pub enum Step<O> {
    /// A session to work on.
    Work(Stored),
    /// One about which all is known without work.
    Settled(Event<O>),
}

/// What is done with each session.
pub trait Work: Send + Sync + 'static {
    /// How it ends.
    type Outcome: Send + 'static;

    /// Does it.
    fn run(&self, session: &Stored) -> impl Future<Output = Self::Outcome> + Send;

    /// Checks whether to do it again.
    fn retry(outcome: &Self::Outcome) -> Retry;

    /// How it ended if it panicked.
    fn crashed() -> Self::Outcome;

    /// Does what sessions have left to do, where they began to less than `within` ago. Whether
    /// something is still left.
    fn wind_up(&self, within: Duration) -> impl Future<Output = bool> + Send;

    /// Makes sure, in the end, that what was written lasts.
    fn confirm(&self) -> impl Future<Output = ()> + Send;
}

/// Works on sessions as they come.
pub struct Runner<W: Work> {
    shared: Arc<Shared<W>>,
    under_way: JoinSet<Option<Event<W::Outcome>>>,
    /// The session of each task under way, to name it should the task panic.
    sessions: HashMap<task::Id, Stored>,
}

/// How a task ended.
type Joined<W> = Result<(task::Id, Option<Event<<W as Work>::Outcome>>), JoinError>;

/// What the sessions under way share.
struct Shared<W> {
    work: W,
    stop: Stop,
    /// The source failed, or nobody listens any more.
    ended: AtomicBool,
    limits: Limits,
    at_once: Semaphore,
    per_issuer: Mutex<HashMap<String, Arc<Issuer>>>,
    next_start: Mutex<Instant>,
}

/// A server.
struct Issuer {
    /// Lets one through until its turn has ended, so that the first, which decides about the
    /// others, is the one that came first; then as many as are allowed.
    gate: Arc<Semaphore>,
    /// So many.
    at_once: usize,
    is_open: AtomicBool,
    /// Since when nothing has come of what was tried there. A server that is down is tried again
    /// for so long in all, not for each of its sessions.
    failing_since: Mutex<Option<Instant>>,
}

impl<W: Work> Runner<W> {
    /// Nothing is under way yet.
    pub fn new(work: W, limits: Limits, stop: Stop) -> Self {
        let shared = Shared {
            work,
            stop,
            ended: AtomicBool::default(),
            at_once: Semaphore::new(limits.concurrency),
            limits,
            per_issuer: Mutex::default(),
            next_start: Mutex::new(Instant::now()),
        };
        Self { shared: Arc::new(shared), under_way: JoinSet::new(), sessions: HashMap::new() }
    }

    /// Takes sessions on as `source` brings them, and hands over what became of each. When the
    /// source ends or fails, or `tell` does, nothing new is begun; what was begun comes to its
    /// end all the same, since dropping an exchange half-way would lose a session.
    pub async fn run(
        mut self,
        mut source: impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<W::Outcome>>>>,
        tell: impl AsyncFnMut(&W, Event<W::Outcome>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut teller = Teller { tell, failure: None };
        let outcome = self.feed(&mut source, &mut teller).await;
        if outcome.is_err() {
            self.shared.ended.store(true, Ordering::SeqCst);
        }
        while let Some(event) = self.next().await {
            teller.tell(&self.shared, event).await;
        }
        let mut pause = FIRST_PAUSE;
        while self.shared.work.wind_up(self.shared.limits.retry_for).await
            && self.shared.pause(pause).await
        {
            pause *= 2;
        }
        self.shared.work.confirm().await;
        teller.failure.map_or(outcome, Err)
    }

    async fn feed(
        &mut self,
        source: &mut impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<W::Outcome>>>>,
        teller: &mut Teller<impl AsyncFnMut(&W, Event<W::Outcome>) -> anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        while let Some(steps) = source().await? {
            for step in steps {
                if self.shared.is_over() {
                    return Ok(());
                }
                let ended = match step {
                    Step::Work(session) => self.add(session).await,
                    Step::Settled(event) => Some(event),
                };
                if let Some(event) = ended {
                    teller.tell(&self.shared, event).await;
                }
            }
            while let Some(joined) = self.under_way.try_join_next_with_id() {
                if let Some(event) = self.ended(joined) {
                    teller.tell(&self.shared, event).await;
                }
            }
        }
        Ok(())
    }

    /// Takes a session on. Where many are under way already, waits for one to end, and returns what
    /// became of it.
    async fn add(&mut self, session: Stored) -> Option<Event<W::Outcome>> {
        let full = self.under_way.len() >= self.shared.limits.concurrency * WAITING;
        let ended = if full { self.next().await } else { None };
        let (shared, copy) = (Arc::clone(&self.shared), session.clone());
        let issuer = shared.issuer(&session);
        // Sessions queue up in the order in which they came, whenever their tasks get to run.
        let mut turn = Box::pin(Arc::clone(&issuer.gate).acquire_owned());
        let has_turn = poll_fn(|context| Poll::Ready(turn.as_mut().poll(context))).await;
        let task = self.under_way.spawn(async move {
            let turn = match has_turn {
                Poll::Ready(turn) => turn,
                Poll::Pending => turn.await,
            };
            shared.run(session, &issuer, turn.ok()).await
        });
        self.sessions.insert(task.id(), copy);
        ended
    }

    /// Waits for a session under way to end; none when nothing is under way.
    async fn next(&mut self) -> Option<Event<W::Outcome>> {
        loop {
            let joined = self.under_way.join_next_with_id().await?;
            let event = self.ended(joined);
            if event.is_some() {
                return event;
            }
        }
    }

    /// One that panicked must not take the others with it.
    fn ended(&mut self, joined: Joined<W>) -> Option<Event<W::Outcome>> {
        match joined {
            Ok((id, event)) => {
                self.sessions.remove(&id);
                event
            }
            Err(error) => {
                let session =
                    self.sessions.remove(&error.id()).expect("every task was noted when it began");
                Some(Event { session, outcome: W::crashed() })
            }
        }
    }
}

/// Hands over what became of sessions, until nobody listens any more.
struct Teller<T> {
    tell: T,
    failure: Option<anyhow::Error>,
}

impl<T> Teller<T> {
    async fn tell<W: Work>(&mut self, shared: &Shared<W>, event: Event<W::Outcome>)
    where
        T: AsyncFnMut(&W, Event<W::Outcome>) -> anyhow::Result<()>,
    {
        if self.failure.is_none()
            && let Err(error) = (self.tell)(&shared.work, event).await
        {
            shared.ended.store(true, Ordering::SeqCst);
            self.failure = Some(error);
        }
    }
}

impl<W: Work> Shared<W> {
    /// Checks whether nothing new is to be begun.
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst) || (self.stop)()
    }

    /// None when there was a stop before anything was begun.
    async fn run(
        &self,
        session: Stored,
        issuer: &Issuer,
        mut turn: Option<OwnedSemaphorePermit>,
    ) -> Option<Event<W::Outcome>> {
        let mut pause = FIRST_PAUSE;
        loop {
            let outcome = {
                // In this order everywhere: first the narrow gate, then the wide one.
                let _turn = match turn.take() {
                    Some(turn) => Some(turn),
                    None => Arc::clone(&issuer.gate).acquire_owned().await.ok(),
                };
                let _at_once = self.at_once.acquire().await;
                self.wait_for_rate().await;
                if self.is_over() {
                    return None;
                }
                let _opening = Opening { issuer, permits: issuer.at_once.saturating_sub(1) };
                self.work.run(&session).await
            };
            let wait = match W::retry(&outcome) {
                Retry::Soon => pause,
                Retry::After(wait) => pause.max(wait),
                Retry::Never => {
                    issuer.works();
                    return Some(Event { session, outcome });
                }
            };
            if issuer.failing_for() + wait > self.limits.retry_for || !self.pause(wait).await {
                return Some(Event { session, outcome });
            }
            pause *= 2;
        }
    }

    /// Waits; false when there was a stop meanwhile.
    async fn pause(&self, wait: Duration) -> bool {
        let end = Instant::now() + wait;
        while !self.is_over() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            tokio::time::sleep(left.min(STOP_POLL)).await;
        }
        false
    }

    fn issuer(&self, session: &Stored) -> Arc<Issuer> {
        let name = Session::read(&session.value).map(|s| s.issuer.into_owned()).unwrap_or_default();
        let at_once = self.limits.issuers.get(&name).copied().unwrap_or(self.limits.per_issuer);
        let mut issuers = self.per_issuer.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(issuers.entry(name).or_insert_with(|| {
            Arc::new(Issuer {
                gate: Arc::new(Semaphore::new(1)),
                at_once,
                is_open: AtomicBool::default(),
                failing_since: Mutex::default(),
            })
        }))
    }

    /// Waits until the next may begin, or nothing may any more.
    async fn wait_for_rate(&self) {
        let Some(rate) = self.limits.rate.filter(|_| !self.is_over()) else { return };
        let start = {
            let mut next = self.next_start.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*next).max(Instant::now());
            *next = start + Duration::from_secs_f64(rate.recip());
            start
        };
        self.pause(start.saturating_duration_since(Instant::now())).await;
    }
}

impl Issuer {
    fn works(&self) {
        *self.failing_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How long it has been failing, from now on if it has not.
    fn failing_for(&self) -> Duration {
        let mut since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now).elapsed()
    }
}

/// Opens the gate for the others when the first is done, however that ends.
struct Opening<'i> {
    issuer: &'i Issuer,
    permits: usize,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if !self.issuer.is_open.swap(true, Ordering::SeqCst) {
            self.issuer.gate.add_permits(self.permits);
        }
    }
}
