//! Runs an operation on many sessions: with limits on concurrency, per server and per second, and
//! with retries of unknown outcomes.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;

use super::under_way::UnderWay;
use crate::session::{Issuer, Session};
use crate::store::Stored;

/// Number of waiting sessions per session in progress, so that one busy server does not keep the
/// others idle.
const WAITING: usize = 8;
/// First pause before a retry. Doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Poll interval for a stop during a wait.
const STOP_POLL: Duration = Duration::from_millis(100);

/// Limits of a run.
#[derive(Clone, Debug)]
pub struct RunLimits {
    /// Maximum number of sessions in parallel.
    pub concurrency: usize,
    /// Maximum number of sessions in parallel per server.
    pub per_issuer: usize,
    /// Exceptions for single servers.
    pub issuers: HashMap<Issuer<'static>, usize>,
    /// Maximum number of sessions begun per second.
    pub rate: Option<f64>,
    /// Time for retries of unknown outcomes.
    pub retry_for: Duration,
}

/// Result for one session.
#[derive(Debug)]
pub struct Event<O> {
    /// Session as it was when selected.
    pub session: Stored,
    /// Outcome.
    pub outcome: O,
}

/// Retry of an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// In this run.
    Soon,
    /// In this run, after the time requested by the server.
    After(Duration),
    /// Not in this run.
    Never,
}

/// Callback before each new session that stops the run by returning true.
pub type Stop = Box<dyn Fn() -> bool + Send + Sync>;

/// Next step of a run.
pub enum Step<O> {
    /// Session to work on.
    Work(Stored),
    /// Session whose outcome is known without work.
    Done(Event<O>),
}

/// Operation on a session.
pub trait Work: Send + Sync + 'static {
    /// Result of the operation.
    type Outcome: Send + 'static;

    /// Performs the operation.
    fn run(&self, session: &Stored) -> impl Future<Output = Self::Outcome> + Send;

    /// Decides about a retry.
    fn retry(outcome: &Self::Outcome) -> Retry;

    /// Returns the outcome of a panic.
    fn crashed() -> Self::Outcome;

    /// Completes work left by sessions that began to leave it less than `within` ago. Returns
    /// whether some is still left.
    fn wind_up(&self, within: Duration) -> impl Future<Output = bool> + Send;

    /// Confirms at the end of a run that written data is durable.
    fn confirm(&self) -> impl Future<Output = ()> + Send;
}

tokio::task_local! {
    /// Key of the session that a task works on.
    static SESSION: Arc<str>;
}

/// Returns the key of the session that is being worked on here.
pub fn current_session() -> Option<Arc<str>> {
    SESSION.try_get().ok()
}

/// Runs an operation on sessions as they arrive.
pub struct Runner<W: Work> {
    shared: Arc<Shared<W>>,
    under_way: JoinSet<Option<Event<W::Outcome>>>,
    /// Session of each running task, to be reported if the task panics.
    sessions: HashMap<task::Id, Stored>,
}

/// Result of a task.
type Joined<W> = Result<(task::Id, Option<Event<<W as Work>::Outcome>>), JoinError>;

/// State shared by running tasks.
struct Shared<W> {
    work: W,
    stop: Stop,
    /// True if the source failed, or the sink did.
    ended: AtomicBool,
    limits: RunLimits,
    at_once: Semaphore,
    servers: Mutex<HashMap<Issuer<'static>, Arc<ServerWork>>>,
    next_start: Mutex<Instant>,
    under_way: Arc<UnderWay>,
}

/// Work at one authorization server.
struct ServerWork {
    issuer: Issuer<'static>,
    /// Admits one session until the canary has completed, then up to the concurrency limit.
    gate: Arc<Semaphore>,
    /// Concurrency limit.
    at_once: usize,
    is_open: AtomicBool,
    /// Start of consecutive failures. Limits the total time of retries at a server that is down,
    /// for all of its sessions together.
    failing_since: Mutex<Option<Instant>>,
}

impl<W: Work> Runner<W> {
    /// Creates an idle runner.
    pub fn new(work: W, limits: RunLimits, stop: Stop) -> Self {
        let shared = Shared {
            work,
            stop,
            ended: AtomicBool::default(),
            at_once: Semaphore::new(limits.concurrency),
            limits,
            servers: Mutex::default(),
            next_start: Mutex::new(Instant::now()),
            under_way: Arc::default(),
        };
        Self { shared: Arc::new(shared), under_way: JoinSet::new(), sessions: HashMap::new() }
    }

    /// Returns what is under way, for those who watch.
    pub fn under_way(&self) -> Arc<UnderWay> {
        Arc::clone(&self.shared.under_way)
    }

    /// Processes sessions from `source`, and passes the outcomes to `emit`. When the source ends or
    /// fails, or `emit` fails, no new session is begun. Sessions in progress are completed, because
    /// dropping a refresh half-way would lose the session.
    pub async fn run(
        mut self,
        mut source: impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<W::Outcome>>>>,
        emit: impl AsyncFnMut(&W, Event<W::Outcome>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut sink = EventSink { emit, failure: None };
        let outcome = self.feed(&mut source, &mut sink).await;
        if outcome.is_err() {
            self.shared.ended.store(true, Ordering::SeqCst);
        }
        while let Some(event) = self.next().await {
            sink.emit(&self.shared, event).await;
        }
        let mut pause = FIRST_PAUSE;
        while self.shared.work.wind_up(self.shared.limits.retry_for).await
            && self.shared.pause(pause).await
        {
            pause *= 2;
        }
        self.shared.work.confirm().await;
        sink.failure.map_or(outcome, Err)
    }

    async fn feed(
        &mut self,
        source: &mut impl AsyncFnMut() -> anyhow::Result<Option<Vec<Step<W::Outcome>>>>,
        sink: &mut EventSink<impl AsyncFnMut(&W, Event<W::Outcome>) -> anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        while let Some(steps) = source().await? {
            for step in steps {
                if self.shared.is_over() {
                    return Ok(());
                }
                let ended = match step {
                    Step::Work(session) => self.add(session).await,
                    Step::Done(event) => Some(event),
                };
                if let Some(event) = ended {
                    sink.emit(&self.shared, event).await;
                }
            }
            while let Some(joined) = self.under_way.try_join_next_with_id() {
                if let Some(event) = self.ended(joined) {
                    sink.emit(&self.shared, event).await;
                }
            }
        }
        Ok(())
    }

    /// Starts a session. If the limit is reached, waits for another to end, and returns its
    /// outcome.
    async fn add(&mut self, session: Stored) -> Option<Event<W::Outcome>> {
        let full = self.under_way.len() >= self.shared.limits.concurrency * WAITING;
        let ended = if full { self.next().await } else { None };
        let (shared, copy) = (Arc::clone(&self.shared), session.clone());
        let server = shared.server(&session);
        // Sessions queue in the order of their arrival, independent of the scheduling of their
        // tasks.
        let mut turn = Box::pin(Arc::clone(&server.gate).acquire_owned());
        let has_turn = poll_fn(|context| Poll::Ready(turn.as_mut().poll(context))).await;
        let task = self.under_way.spawn(async move {
            let turn = match has_turn {
                Poll::Ready(turn) => turn,
                Poll::Pending => turn.await,
            };
            shared.run(session, &server, turn.ok()).await
        });
        self.sessions.insert(task.id(), copy);
        ended
    }

    /// Waits for a running session to end, `None` if there is none.
    async fn next(&mut self) -> Option<Event<W::Outcome>> {
        loop {
            let joined = self.under_way.join_next_with_id().await?;
            let event = self.ended(joined);
            if event.is_some() {
                return event;
            }
        }
    }

    /// Handles the end of a task. A panic must not affect other sessions.
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

/// Sends outcomes to the sink. Drops them after the sink's first error.
struct EventSink<T> {
    emit: T,
    failure: Option<anyhow::Error>,
}

impl<T> EventSink<T> {
    async fn emit<W: Work>(&mut self, shared: &Shared<W>, event: Event<W::Outcome>)
    where
        T: AsyncFnMut(&W, Event<W::Outcome>) -> anyhow::Result<()>,
    {
        if self.failure.is_none()
            && let Err(error) = (self.emit)(&shared.work, event).await
        {
            shared.ended.store(true, Ordering::SeqCst);
            self.failure = Some(error);
        }
    }
}

impl<W: Work> Shared<W> {
    /// Checks whether no new session may be begun.
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst) || (self.stop)()
    }

    /// Processes a session. `None` if the run was stopped before.
    async fn run(
        &self,
        session: Stored,
        server: &ServerWork,
        mut turn: Option<OwnedSemaphorePermit>,
    ) -> Option<Event<W::Outcome>> {
        let mut pause = FIRST_PAUSE;
        loop {
            let outcome = {
                // Always in this order: first the permit of the server, then that of the run.
                let _turn = match turn.take() {
                    Some(turn) => Some(turn),
                    None => Arc::clone(&server.gate).acquire_owned().await.ok(),
                };
                let _at_once = self.at_once.acquire().await;
                self.wait_for_rate().await;
                if self.is_over() {
                    return None;
                }
                let _opening = Opening { server, permits: server.at_once.saturating_sub(1) };
                let _under_way = self.under_way.work(&server.issuer);
                SESSION.scope(session.key.text().into(), self.work.run(&session)).await
            };
            let wait = match W::retry(&outcome) {
                Retry::Soon => pause,
                Retry::After(wait) => pause.max(wait),
                Retry::Never => {
                    server.works();
                    return Some(Event { session, outcome });
                }
            };
            let _waits = self.under_way.wait(&server.issuer);
            if server.failing_for() + wait > self.limits.retry_for || !self.pause(wait).await {
                return Some(Event { session, outcome });
            }
            pause *= 2;
        }
    }

    /// Waits. Returns false if the run was stopped meanwhile.
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

    fn server(&self, session: &Stored) -> Arc<ServerWork> {
        let issuer =
            Session::read(&session.value).map(|read| read.issuer.to_owned()).unwrap_or_default();
        let at_once = self.limits.issuers.get(&issuer).copied().unwrap_or(self.limits.per_issuer);
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(issuer.clone()).or_insert_with(|| {
            Arc::new(ServerWork {
                issuer,
                gate: Arc::new(Semaphore::new(1)),
                at_once,
                is_open: AtomicBool::default(),
                failing_since: Mutex::default(),
            })
        }))
    }

    /// Waits for the rate limit, or for a stop.
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

impl ServerWork {
    fn works(&self) {
        *self.failing_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns the time since the first consecutive failure, which is recorded if needed.
    fn failing_for(&self) -> Duration {
        let mut since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now).elapsed()
    }
}

/// Raises the limit of a server after its first session, on any path.
struct Opening<'i> {
    server: &'i ServerWork,
    permits: usize,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if !self.server.is_open.swap(true, Ordering::SeqCst) {
            self.server.gate.add_permits(self.permits);
        }
    }
}
