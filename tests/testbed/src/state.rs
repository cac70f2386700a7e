//! Everything the network knows, behind one lock that is never held across an await.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Map, Value};

use crate::{
    clock::{Clock, millis},
    directory::Directory,
    documents::Documents,
    faults::Injections,
    issuer::{Dialect, client::ClientCache, nonce::Nonces},
    log::Record,
    sessions::Sessions,
};

/// What all servers and all handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) clock: Clock,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(runtime: tokio::runtime::Handle) -> Self {
        Self { runtime, clock: Clock::default(), state: Mutex::default() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network's memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) policy: Policy,
    pub(crate) servers: Vec<Server>,
    pub(crate) sessions: Sessions,
    pub(crate) directory: Directory,
    pub(crate) documents: Documents,
    pub(crate) clients: ClientCache,
    /// Identifiers of client assertions and DPoP proofs: each is good for one use.
    pub(crate) used_jtis: HashSet<String>,
    pub(crate) faults: Injections,
    pub(crate) record: Record,
    /// DPoP keys that logins share, where fresh ones would take too long.
    pub(crate) key_pool: HashMap<(&'static str, usize), Value>,
}

impl State {
    /// Counts a request to a PDS, where there is a limit.
    pub(crate) fn count_request(&mut self, pds: usize) -> Option<Used> {
        let (limit, window) = self.policy.rate_limit?;
        Some(self.servers[pds].window.count(limit, window))
    }
}

/// One PDS, which is its own authorization server.
#[derive(Debug)]
pub(crate) struct Server {
    /// The issuer: scheme, host, port.
    pub(crate) url: String,
    pub(crate) nonces: Nonces,
    /// Whose answers it gives.
    pub(crate) dialect: Dialect,
    /// Signs access tokens.
    pub(crate) secret: [u8; 32],
    /// Members merged into the documents; null removes.
    pub(crate) metadata_patch: Map<String, Value>,
    pub(crate) resource_patch: Map<String, Value>,
    pub(crate) window: Window,
}

/// What is used up of a server's rate limit.
#[derive(Debug, Default)]
pub(crate) struct Window {
    began: Option<Instant>,
    requests: u64,
}

/// A server's rate limit after one more request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) limit: u64,
    pub(crate) is_exceeded: bool,
    pub(crate) remaining: u64,
    /// Seconds until the next window, rounded up.
    pub(crate) reset: u64,
}

impl Window {
    /// Counts a request.
    pub(crate) fn count(&mut self, limit: u64, window: Duration) -> Used {
        let began = *self.began.get_or_insert_with(Instant::now);
        if began.elapsed() >= window {
            *self = Self { began: Some(Instant::now()), requests: 0 };
        }
        self.requests += 1;
        let left =
            window.saturating_sub(self.began.map_or(Duration::ZERO, |began| began.elapsed()));
        Used {
            limit,
            is_exceeded: self.requests > limit,
            remaining: limit.saturating_sub(self.requests),
            reset: left.as_secs() + u64::from(left.subsec_nanos() > 0),
        }
    }
}

/// How the servers use DPoP nonces (RFC 9449 section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoncePolicy {
    /// Every answer has one, every proof needs one: the reference server.
    Always,
    /// Every answer has a new one, which is good for one request.
    SingleUse,
    /// Only `use_dpop_nonce` has one, every proof needs one.
    OnDemand,
    /// Every answer has one, a proof may do without; an unknown one makes the proof invalid.
    Optional,
    /// No answer has one.
    Never,
}

/// How the servers behave where real ones differ.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Policy {
    /// Life of an access token.
    pub access_lifetime: Duration,
    /// Public clients: from login to the end, and from one refresh to the next.
    pub public_lifetime: (Duration, Duration),
    /// Confidential clients: from login to the end, and from one refresh to the next.
    pub confidential_lifetime: (Duration, Duration),
    /// Access tokens are JWTs; otherwise opaque.
    pub readable_access_tokens: bool,
    /// A refresh answers with a new refresh token; otherwise the old one stays and the answer has
    /// none.
    pub rotate_refresh_tokens: bool,
    /// The metadata names a revocation endpoint, and it exists.
    pub revocation: bool,
    /// How long the servers keep the client's documents; the reference server: 600 s. None by
    /// default.
    pub document_cache: Option<Duration>,
    /// The servers can fetch the client's documents. They do so behind the scenes: faults on the
    /// app's endpoints are for other readers.
    pub documents_reachable: bool,
    /// Each PDS answers so many requests in such a window, says so in `RateLimit` fields, and
    /// refuses the others.
    pub rate_limit: Option<(u64, Duration)>,
    /// What nonces the authorization servers give and want.
    pub nonces: NoncePolicy,
    /// A new nonce after so many answers of an authorization server.
    pub nonce_every: Option<u64>,
    /// How many earlier nonces are still accepted.
    pub old_nonces: usize,
    /// What the server takes between looking a refresh token up and rotating it. A second request
    /// for the same token in that time is answered with a 500.
    pub exchange_time: Duration,
    /// Proofs and assertions are judged by the network's clock instead of the machine's: clocks
    /// that disagree.
    pub proofs_follow_clock: bool,
    /// Seconds by which a proof's `iat` may lie ahead. The reference server: three minutes;
    /// others: five seconds.
    pub max_proof_lead: i64,
}

impl Default for Policy {
    fn default() -> Self {
        let days = |days: f64| Duration::from_secs_f64(days * 86_400.0);
        Self {
            access_lifetime: Duration::from_hours(1),
            public_lifetime: (days(14.0), days(14.0)),
            confidential_lifetime: (days(730.5), days(91.3125)),
            readable_access_tokens: true,
            rotate_refresh_tokens: true,
            revocation: true,
            document_cache: None,
            documents_reachable: true,
            rate_limit: None,
            nonces: NoncePolicy::Always,
            nonce_every: None,
            old_nonces: 1,
            exchange_time: Duration::ZERO,
            proofs_follow_clock: false,
            max_proof_lead: 180,
        }
    }
}

impl Policy {
    /// Milliseconds from login to the end, and from one refresh to the next.
    pub(crate) fn lifetimes(&self, confidential: bool) -> (i64, i64) {
        let (session, refresh) =
            if confidential { self.confidential_lifetime } else { self.public_lifetime };
        (millis(session), millis(refresh))
    }
}
