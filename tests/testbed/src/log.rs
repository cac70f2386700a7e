//! What was asked of the network: a log of requests, and counters that survive with the log
//! switched off.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    clock::{Millis, real_now},
    http::Request,
    keys::Jws,
    server::Site,
    state::State,
};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `/.well-known/oauth-protected-resource` of a PDS.
    ResourceMetadata,
    /// `/.well-known/oauth-authorization-server`.
    ServerMetadata,
    /// `POST /oauth/par`.
    Par,
    /// `POST /oauth/token`.
    Token,
    /// `POST /oauth/revoke`.
    Revoke,
    /// `com.atproto.server.getSession`.
    GetSession,
    /// `com.atproto.identity.resolveHandle` of a PDS.
    ResolveHandle,
    /// A DID document of the PLC directory.
    Plc,
    /// `/.well-known/did.json`.
    DidWeb,
    /// `/.well-known/atproto-did`.
    HandleFile,
    /// DNS over HTTPS.
    Dns,
    /// The client metadata document, or another document of the app.
    AppDocument,
    /// The app's key set.
    AppJwks,
    /// Anything else.
    Other,
}

impl Endpoint {
    pub(crate) fn of(request: &Request) -> Self {
        match (request.site, request.path.as_str()) {
            (Site::Pds(_), "/.well-known/oauth-protected-resource") => Self::ResourceMetadata,
            (Site::Pds(_), "/.well-known/oauth-authorization-server") => Self::ServerMetadata,
            (Site::Pds(_), "/oauth/par") => Self::Par,
            (Site::Pds(_), "/oauth/token") => Self::Token,
            (Site::Pds(_), "/oauth/revoke") => Self::Revoke,
            (Site::Pds(_), "/xrpc/com.atproto.server.getSession") => Self::GetSession,
            (Site::Pds(_), "/xrpc/com.atproto.identity.resolveHandle") => Self::ResolveHandle,
            (Site::Plc, _) => Self::Plc,
            (Site::Web, "/.well-known/did.json") => Self::DidWeb,
            (Site::Web, "/.well-known/atproto-did") => Self::HandleFile,
            (Site::Web, "/dns-query") => Self::Dns,
            (Site::App, "/.well-known/jwks.json") => Self::AppJwks,
            (Site::App, _) => Self::AppDocument,
            _ => Self::Other,
        }
    }
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Logged {
    /// What it was for.
    pub endpoint: Endpoint,
    /// The method.
    pub method: String,
    /// The path, percent-decoded.
    pub path: String,
    /// The PDS it was sent to, if it was one.
    pub pds: Option<usize>,
    /// The DID it concerns: of the session that the token belongs to, or in the path.
    pub did: Option<String>,
    /// `client_id` of a token or revocation request.
    pub client_id: Option<String>,
    /// `kid` of the client assertion.
    pub kid: Option<String>,
    /// The token that was sent for refresh or revocation.
    pub token: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// When it came, in the machine's time.
    pub at: Millis,
    /// How long it took until the answer was ready.
    pub took: Duration,
    /// The status of the answer.
    pub status: u16,
    /// The OAuth error code of the answer.
    pub error: Option<String>,
    /// False if a fault kept the answer from being sent.
    pub answered: bool,
}

impl Logged {
    pub(crate) fn of(state: &State, endpoint: Endpoint, request: &Request) -> Self {
        let token = request.field("refresh_token").or(request.field("token"));
        let session = token.and_then(|token| state.sessions.by_any_token(token));
        let did = session
            .map(|id| state.sessions[id].did.clone())
            .or_else(|| (endpoint == Endpoint::Plc).then(|| request.path[1..].to_owned()));
        let kid = request
            .field("client_assertion")
            .and_then(|assertion| Jws::decode(assertion).ok())
            .and_then(|jws| jws.header["kid"].as_str().map(str::to_owned));
        Self {
            endpoint,
            method: request.method.clone(),
            path: request.path.clone(),
            pds: match request.site {
                Site::Pds(pds) => Some(pds),
                _ => None,
            },
            did,
            client_id: request.field("client_id").map(str::to_owned),
            kid,
            token: token.map(str::to_owned),
            user_agent: request.header("user-agent").map(str::to_owned),
            at: real_now(),
            took: Duration::ZERO,
            status: 0,
            error: None,
            answered: true,
        }
    }

    /// Checks whether the request has to do with this DID, token, client id, kid, path or host.
    pub(crate) fn concerns(&self, subject: &str, request: &Request) -> bool {
        let known = [&self.did, &self.token, &self.client_id, &self.kid];
        known.iter().any(|text| text.as_deref() == Some(subject))
            || self.path == subject
            || request.header("host") == Some(subject)
            || request.query.values().any(|value| value == subject)
    }
}

/// Sums over all requests.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Requests per endpoint.
    pub requests: BTreeMap<Endpoint, u64>,
    /// Refreshes that were answered with 200, whether or not the answer arrived.
    pub exchanged: u64,
    /// Refused token requests, per OAuth error code (or status, where there is none).
    pub refused: BTreeMap<String, u64>,
    /// Sessions that a revocation request ended.
    pub revoked: u64,
    /// The most requests that were at the token endpoint at once.
    pub token_peak: usize,
    /// The same for each PDS.
    pub token_peaks: BTreeMap<usize, usize>,
    /// TCP connections that PDSes accepted.
    pub pds_connections: u64,
    /// The longest time that a token request took.
    pub slowest_token: Duration,
    /// Every `User-Agent` seen.
    pub user_agents: BTreeSet<String>,
}

impl Counters {
    /// Requests to one endpoint.
    pub fn of(&self, endpoint: Endpoint) -> u64 {
        self.requests.get(&endpoint).copied().unwrap_or_default()
    }
}

/// Log and counters.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) log: Vec<Logged>,
    pub(crate) counters: Counters,
    pub(crate) quiet: bool,
    at_token: BTreeMap<usize, usize>,
}

impl Record {
    pub(crate) fn begin(&mut self, endpoint: Endpoint, site: Site) {
        *self.counters.requests.entry(endpoint).or_default() += 1;
        if let (Endpoint::Token, Site::Pds(pds)) = (endpoint, site) {
            let here = self.at_token.entry(pds).or_default();
            *here += 1;
            let peak = self.counters.token_peaks.entry(pds).or_default();
            *peak = (*peak).max(*here);
            let all = self.at_token.values().sum();
            self.counters.token_peak = self.counters.token_peak.max(all);
        }
    }

    pub(crate) fn end(&mut self, entry: Logged) {
        if entry.endpoint == Endpoint::Token {
            if let Some(here) = entry.pds.and_then(|pds| self.at_token.get_mut(&pds)) {
                *here -= 1;
            }
            self.counters.slowest_token = self.counters.slowest_token.max(entry.took);
            if entry.status == 200 {
                self.counters.exchanged += 1;
            } else {
                let code = entry.error.clone().unwrap_or(entry.status.to_string());
                *self.counters.refused.entry(code).or_default() += 1;
            }
        }
        if let Some(agent) = &entry.user_agent
            && !self.counters.user_agents.contains(agent)
        {
            self.counters.user_agents.insert(agent.clone());
        }
        if !self.quiet {
            self.log.push(entry);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.log.clear();
        self.counters = Counters::default();
    }
}
