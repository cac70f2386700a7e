//! State of the network, behind one lock that is never held across an await.

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

/// State shared by all servers and handles.
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

/// State of the network.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) policy: Policy,
    pub(crate) servers: Vec<Server>,
    pub(crate) sessions: Sessions,
    pub(crate) directory: Directory,
    pub(crate) documents: Documents,
    pub(crate) clients: ClientCache,
    /// Identifiers of client assertions and DPoP proofs, each valid once.
    pub(crate) used_jtis: HashSet<String>,
    pub(crate) faults: Injections,
    pub(crate) record: Record,
    /// DPoP keys shared by logins, where creating new ones would take too long.
    pub(crate) key_pool: HashMap<(&'static str, usize), Value>,
}

impl State {
    /// Counts a request to a PDS, if there is a limit.
    pub(crate) fn count_request(&mut self, pds: usize) -> Option<Used> {
        let (limit, window) = self.policy.rate_limit?;
        Some(self.servers[pds].window.count(limit, window))
    }
}

/// PDS with its own authorization server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Issuer: scheme, host, port.
    pub(crate) url: String,
    pub(crate) nonces: Nonces,
    /// Server software it imitates.
    pub(crate) dialect: Dialect,
    /// Key that signs access tokens.
    pub(crate) secret: [u8; 32],
    /// Members merged into the documents. Null removes one.
    pub(crate) metadata_patch: Map<String, Value>,
    pub(crate) resource_patch: Map<String, Value>,
    pub(crate) window: Window,
}

/// Usage of a server's rate limit.
#[derive(Debug, Default)]
pub(crate) struct Window {
    began: Option<Instant>,
    requests: u64,
}

/// Rate limit of a server after a request.
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

/// Use of DPoP nonces by the servers (RFC 9449 section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoncePolicy {
    /// Sends one with each answer, and requires one in each proof: the reference server.
    Always,
    /// Sends a new one with each answer, valid for one request.
    SingleUse,
    /// Sends one with `use_dpop_nonce` only, and requires one in each proof.
    OnDemand,
    /// Sends one with each answer, and does not require any. An unknown one makes the proof
    /// invalid.
    Optional,
    /// Sends none.
    Never,
}

/// Behaviour of the servers, where real ones differ.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Policy {
    /// Lifetime of an access token.
    pub access_lifetime: Duration,
    /// Lifetimes of public clients' sessions: from the login, and from the last refresh.
    pub public_lifetime: (Duration, Duration),
    /// Lifetimes of confidential clients' sessions: from the login, and from the last refresh.
    pub confidential_lifetime: (Duration, Duration),
    /// True for JWTs as access tokens, false for opaque ones.
    pub readable_access_tokens: bool,
    /// True if a refresh returns a new refresh token, false if the old one stays valid and is not
    /// returned.
    pub rotate_refresh_tokens: bool,
    /// True if a revocation endpoint exists and is announced.
    pub revocation: bool,
    /// Time for which servers cache the client's documents, none by default. Reference server: 600
    /// s.
    pub document_cache: Option<Duration>,
    /// True if the servers can fetch the client's documents. They do so internally: faults on the
    /// app's endpoints affect other readers only.
    pub documents_reachable: bool,
    /// Rate limit of each PDS: requests per window, announced in `RateLimit` fields.
    pub rate_limit: Option<(u64, Duration)>,
    /// Nonce policy.
    pub nonces: NoncePolicy,
    /// Number of answers after which an authorization server changes its nonce.
    pub nonce_every: Option<u64>,
    /// Number of earlier nonces that are still accepted.
    pub old_nonces: usize,
    /// Time between looking a refresh token up and rotating it. A second request for the same token
    /// in that time is answered with a 500.
    pub exchange_time: Duration,
    /// True to check proofs and assertions by the network's clock instead of the machine's, to
    /// simulate a wrong clock.
    pub proofs_follow_clock: bool,
    /// Maximum number of seconds by which a proof's `iat` may be in the future. Reference server:
    /// three minutes; others: five seconds.
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
    /// Returns the lifetimes from the login and from the last refresh in milliseconds.
    pub(crate) fn lifetimes(&self, confidential: bool) -> (i64, i64) {
        let (session, refresh) =
            if confidential { self.confidential_lifetime } else { self.public_lifetime };
        (millis(session), millis(refresh))
    }
}
