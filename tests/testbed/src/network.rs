//! Handle of the network for tests: addresses, switches, and the truth about sessions.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::{runtime::Runtime, task::AbortHandle};

use crate::{
    clock::Millis,
    directory::{Identity, did_document},
    documents::{JWKS_PATH, METADATA_PATH},
    faults::{Fault, Injection},
    http::Reply,
    issuer::{Dialect, nonce::Nonces},
    keys,
    log::{Counters, Endpoint, Logged},
    random,
    server::{Site, listen},
    sessions::{SessionState, access_id},
    state::{Policy, Server, Shared, Window},
};

/// Running network. Clones are handles to the same one, which stops when the last of them is
/// dropped.
///
/// All methods are synchronous and may be called from any thread, with or without an async runtime.
#[derive(Debug, Clone)]
pub struct Network {
    pub(crate) shared: Arc<Shared>,
    running: Arc<Running>,
}

/// Running servers.
#[derive(Debug)]
struct Running {
    listeners: Mutex<Vec<AbortHandle>>,
    plc: u16,
    web: u16,
    app: u16,
    runtime: Option<Runtime>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let listeners = self.listeners.get_mut().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners {
            listener.abort();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starting.
impl Network {
    /// Starts a network on the current runtime: one PDS, a directory, and an app that publishes a
    /// confidential client with one key.
    pub async fn start() -> io::Result<Self> {
        // Async only to prevent calls without a runtime.
        std::future::ready(()).await;
        Self::on(tokio::runtime::Handle::current(), None)
    }

    /// Starts a network with its own threads, for tests that are not async.
    pub fn start_blocking() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("testbed")
            .enable_all()
            .build()?;
        Self::on(runtime.handle().clone(), Some(runtime))
    }

    fn on(handle: tokio::runtime::Handle, runtime: Option<Runtime>) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(handle));
        let (plc, plc_task) = listen(&shared, Site::Plc)?;
        let (web, web_task) = listen(&shared, Site::Web)?;
        let (app, app_task) = listen(&shared, Site::App)?;
        let network = Self {
            shared,
            running: Arc::new(Running {
                listeners: Mutex::new(vec![plc_task, web_task, app_task]),
                plc,
                web,
                app,
                runtime,
            }),
        };
        network.add_pds()?;
        let origin = network.app_url();
        let client_id = format!("{origin}{METADATA_PATH}");
        network.shared.lock().documents.origin = origin;
        network.publish_confidential(&[keys::client_key("testbed-1")]);
        network.set_client_id(&client_id);
        Ok(network)
    }

    /// Returns another handle to the same network.
    #[must_use]
    pub fn handle(&self) -> Self {
        self.clone()
    }

    /// Starts another PDS with its own issuer, and returns its number.
    pub fn add_pds(&self) -> io::Result<usize> {
        let number = {
            let mut state = self.shared.lock();
            state.servers.push(Server {
                url: String::new(),
                nonces: Nonces::default(),
                dialect: Dialect::default(),
                secret: random::bytes(),
                metadata_patch: Map::new(),
                resource_patch: Map::new(),
                window: Window::default(),
            });
            state.servers.len() - 1
        };
        let (port, task) = listen(&self.shared, Site::Pds(number))?;
        self.shared.lock().servers[number].url = format!("http://localhost:{port}");
        self.running.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Ok(number)
    }
}

/// Addresses.
impl Network {
    /// Returns the URL and issuer of the first PDS, `http://localhost:PORT`.
    pub fn pds_url(&self) -> String {
        self.pds_url_of(0)
    }

    /// Returns the URL and issuer of a PDS.
    pub fn pds_url_of(&self, pds: usize) -> String {
        self.shared.lock().servers[pds].url.clone()
    }

    /// Sets the URL of a PDS to that of a proxy in front of it. Later logins use it.
    pub fn set_pds_url(&self, pds: usize, url: &str) {
        url.clone_into(&mut self.shared.lock().servers[pds].url);
    }

    /// Returns the URL of the PLC directory.
    pub fn plc_url(&self) -> String {
        format!("http://localhost:{}", self.running.plc)
    }

    /// Returns the URL of did:web documents, handle files and DNS over HTTPS (`/dns-query`).
    pub fn web_url(&self) -> String {
        format!("http://localhost:{}", self.running.web)
    }

    /// Returns the did:web whose document [`Self::web_url`] serves, once it has one.
    pub fn web_did(&self) -> String {
        format!("did:web:localhost%3A{}", self.running.web)
    }

    /// Returns the app's origin.
    pub fn app_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.running.app)
    }

    /// Returns the app's client ID: the URL of its metadata document, unless set otherwise.
    pub fn client_id(&self) -> String {
        self.shared.lock().documents.client_id.clone()
    }
}

/// The app's documents.
impl Network {
    /// Sets another client ID, such as an https one, and republishes the documents. The
    /// authorization servers find the documents of that origin on the app's real one.
    pub fn set_client_id(&self, client_id: &str) {
        let documents = &mut self.shared.lock().documents;
        client_id.clone_into(&mut documents.client_id);
        let private_keys = documents.private_keys.clone();
        if private_keys.is_empty() {
            documents.publish_public();
        } else {
            documents.publish_confidential(&private_keys);
        }
    }

    /// Returns the private key that signs for new sessions: the first one published. `None` for a
    /// public client.
    pub fn signing_key(&self) -> Option<Value> {
        self.shared.lock().documents.private_keys.first().cloned()
    }

    /// Publishes a confidential client with the public halves of these keys.
    pub fn publish_confidential(&self, private_keys: &[Value]) {
        self.shared.lock().documents.publish_confidential(private_keys);
    }

    /// Publishes a public client.
    pub fn publish_public(&self) {
        self.shared.lock().documents.publish_public();
    }

    /// Publishes this as the client metadata document.
    pub fn publish_metadata(&self, metadata: &Value) {
        self.publish(METADATA_PATH, Reply::json(200, metadata));
    }

    /// Publishes this as the key set.
    pub fn publish_jwks(&self, jwks: &Value) {
        self.publish(JWKS_PATH, Reply::json(200, jwks));
    }

    /// Publishes an answer on the app's origin: another status, type, redirect or path.
    pub fn publish(&self, path: &str, reply: Reply) {
        self.shared.lock().documents.files.insert(path.to_owned(), reply);
    }

    /// Returns the client metadata document as published.
    pub fn metadata(&self) -> Value {
        let state = self.shared.lock();
        let reply = state.documents.files.get(METADATA_PATH);
        reply.and_then(|reply| serde_json::from_str(&reply.body).ok()).unwrap_or_default()
    }
}

/// Identities.
impl Network {
    /// Moves an account to another PDS of this network in its DID document.
    pub fn set_pds_of(&self, did: &str, pds: usize) {
        self.set_identity(did, Identity::Account { server: pds });
    }

    /// Sets the PDS in a DID's document.
    pub fn set_did_endpoint(&self, did: &str, url: &str) {
        let handle = self.shared.lock().directory.handle(did);
        self.set_did_document(did, did_document(did, &handle, url));
    }

    /// Removes the PDS from a DID's document.
    pub fn remove_did_endpoint(&self, did: &str) {
        let handle = self.shared.lock().directory.handle(did);
        let mut document = did_document(did, &handle, "");
        document["service"] = json!([]);
        self.set_did_document(did, document);
    }

    /// Publishes a document for a DID of either method.
    pub fn set_did_document(&self, did: &str, document: Value) {
        self.set_identity(did, Identity::Document(document));
    }

    /// Makes the directory answer with this status for a DID: 404, 500, 410 for a tombstone.
    pub fn set_did_status(&self, did: &str, status: u16) {
        self.set_identity(did, Identity::Status(status));
    }

    /// Makes a handle resolve to a DID, which claims the first one set. The default handle of a
    /// user is `{last part of the DID}.test`.
    pub fn set_handle(&self, handle: &str, did: &str) {
        let handles = &mut self.shared.lock().directory.handles;
        handles.retain(|(known, _)| known != handle);
        handles.push((handle.to_owned(), did.to_owned()));
    }

    fn set_identity(&self, did: &str, identity: Identity) {
        let identities = &mut self.shared.lock().directory.identities;
        identities.insert(did.to_owned(), identity);
    }
}

/// Behaviour.
impl Network {
    /// Changes the behaviour of the servers.
    pub fn configure(&self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.shared.lock().policy);
    }

    /// Makes a PDS imitate this server software.
    pub fn set_dialect(&self, pds: usize, dialect: Dialect) {
        self.shared.lock().servers[pds].dialect = dialect;
    }

    /// Replaces members of a server's metadata. Null removes one.
    pub fn patch_server_metadata(&self, pds: usize, patch: Value) {
        if let Value::Object(patch) = patch {
            self.shared.lock().servers[pds].metadata_patch = patch;
        }
    }

    /// Replaces members of a PDS's resource metadata. Null removes one.
    pub fn patch_resource_metadata(&self, pds: usize, patch: Value) {
        if let Value::Object(patch) = patch {
            self.shared.lock().servers[pds].resource_patch = patch;
        }
    }

    /// Counts a request of the app to a PDS for the rate limit, since the app has oauthctl's
    /// address. Returns whether it was answered.
    pub fn request_as_app(&self, pds: usize) -> bool {
        self.shared.lock().count_request(pds).is_none_or(|used| !used.is_exceeded)
    }

    /// Invalidates all earlier nonces.
    pub fn rotate_nonces(&self) {
        for server in &mut self.shared.lock().servers {
            server.nonces.rotate();
        }
    }

    /// Clears the servers' caches of client documents, like a restart.
    pub fn forget_documents(&self) {
        self.shared.lock().clients.clear();
    }

    /// Applies a fault to all requests to an endpoint.
    pub fn fault(&self, endpoint: Endpoint, fault: Fault) {
        self.inject(Injection::new(endpoint, fault));
    }

    /// Applies a fault to the next request to an endpoint.
    pub fn fault_once(&self, endpoint: Endpoint, fault: Fault) {
        self.inject(Injection::new(endpoint, fault).times(1));
    }

    /// Applies a fault as described by the injection.
    pub fn inject(&self, injection: Injection) {
        self.shared.lock().faults.add(injection);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Advances the servers' time. Proofs are still checked by the machine's clock, with which
    /// clients create them.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Stops the network's clock. From now on only [`Self::advance`] moves it.
    pub fn stop_clock(&self) {
        self.shared.clock.stop();
    }

    /// Sets the difference between the network's clock and the machine's, in milliseconds.
    pub fn set_clock_offset(&self, offset: Millis) {
        self.shared.clock.set_offset(offset);
    }

    /// Returns the network's time.
    pub fn now(&self) -> Millis {
        self.shared.clock.now()
    }
}

/// The truth about sessions.
impl Network {
    /// Returns the newest session of a DID.
    pub fn session_state(&self, did: &str) -> Option<SessionState> {
        self.sessions_of(did).pop()
    }

    /// Returns the truth about all sessions, in the order of their logins.
    pub fn sessions(&self) -> Vec<SessionState> {
        let state = self.shared.lock();
        state.sessions.iter().map(Into::into).collect()
    }

    /// Returns all sessions of a DID, oldest first.
    pub fn sessions_of(&self, did: &str) -> Vec<SessionState> {
        let state = self.shared.lock();
        let ids = state.sessions.of_did(did);
        ids.map(|id| (&state.sessions[id]).into()).collect()
    }

    /// Returns the session of a current or former token.
    pub fn session_by_token(&self, token: &str) -> Option<SessionState> {
        let state = self.shared.lock();
        let id = state.sessions.by_any_token(token)?;
        Some((&state.sessions[id]).into())
    }

    /// Returns the session of a stored record, with current or former tokens.
    pub fn session_of(&self, record: &Value) -> Option<SessionState> {
        self.session_by_token(record["tokenSet"]["refresh_token"].as_str()?)
    }

    /// Checks whether a client with this record can continue: its session is alive, its refresh
    /// token is the current one, and its DPoP key, kid and issuer are the session's.
    pub fn is_alive_with(&self, record: &Value) -> bool {
        let tokens = &record["tokenSet"];
        let dpop_key = record.get("dpopKey").unwrap_or(&record["dpopJwk"]);
        self.session_of(record).is_some_and(|session| {
            session.alive
                && tokens["refresh_token"] == session.refresh_token.as_str()
                && tokens["iss"] == self.pds_url_of(session.pds).as_str()
                && keys::thumbprint(dpop_key) == session.dpop_thumbprint
                && record["authMethod"]["kid"].as_str() == session.kid.as_deref()
        })
    }

    /// Checks whether the record's access token is the session's newest, which alone is valid.
    pub fn has_current_access(&self, record: &Value) -> bool {
        let Some(token) = record["tokenSet"]["access_token"].as_str() else { return false };
        let Some(session) = self.session_of(record) else { return false };
        let state = self.shared.lock();
        state.sessions.by_current_access(session.pds, &access_id(token)).is_some_and(|id| {
            // Two sessions of one account must not be confused.
            state.sessions[id].refresh_token == session.refresh_token
        })
    }

    /// Returns the number of living sessions.
    pub fn alive(&self) -> usize {
        let state = self.shared.lock();
        let living = state.sessions.iter().filter(|one| one.ended.is_none());
        living.count()
    }

    /// Ends all sessions of a DID, like its user on another device.
    pub fn end_sessions_of(&self, did: &str) {
        let mut state = self.shared.lock();
        let ids: Vec<_> = state.sessions.of_did(did).collect();
        for id in ids {
            state.sessions.end(id, "signed out");
        }
    }
}

/// Requests.
impl Network {
    /// Returns all requests so far, in the order of their answers.
    pub fn requests(&self) -> Vec<Logged> {
        self.shared.lock().record.log.clone()
    }

    /// Returns the requests to one endpoint.
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<Logged> {
        let mut requests = self.requests();
        requests.retain(|request| request.endpoint == endpoint);
        requests
    }

    /// Returns sums over all requests.
    pub fn counters(&self) -> Counters {
        self.shared.lock().record.counters.clone()
    }

    /// Clears log and counters.
    pub fn clear_log(&self) {
        self.shared.lock().record.clear();
    }

    /// Switches the log off or on, for very many requests. Counters are not affected.
    pub fn set_logging(&self, on: bool) {
        self.shared.lock().record.quiet = !on;
    }
}
