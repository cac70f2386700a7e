//! Collects the inputs of the checks. Missing ones become findings, and the examination continues.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Args;
use super::login::Client;
use crate::checks::keeping::TimesToLive;
use crate::checks::metadata::Configured;
use crate::checks::sessions::Tally;
use crate::checks::{
    Finding, LocalKeys, Severity, Topic, clock, jwks, keeping, keys, metadata, owners, recovery,
    sessions, store,
};
use crate::commands::empty_store::EmptyStore;
use crate::commands::wait::{Look, wait};
use crate::context::Context;
use crate::files::directory_of;
use crate::json::{member, text};
use crate::keyring::KeySource;
use crate::maintenance::{LockTimes, Recovery, Waiting, find_copies, written_format};
use crate::oauth::{LookupError, Network, Published};
use crate::session::{Age, Atcute, ClientId, Format, Issuer};
use crate::settings::Settings;
use crate::store::{Kind, Store, Want};
use serde_json::Value;

/// Examination of a deployment.
pub(super) struct Examination<'c> {
    pub(super) context: &'c Context,
    pub(super) findings: Vec<Finding>,
    /// All answers of servers, for their time.
    answers: Vec<Published>,
}

/// Published documents of the client.
struct Documents {
    /// Expected contents.
    configured: Configured,
    /// Client metadata, if it could be read.
    metadata: Option<Value>,
    /// Key set, if it could be read.
    jwks: Option<Value>,
}

/// Data of an open store.
struct Records {
    /// TTL of a session.
    ttl: Option<Age>,
    /// Contents, if all of it could be read.
    tally: Option<Tally>,
    /// Authorization servers, those with most sessions first.
    issuers: Vec<Issuer<'static>>,
    /// True if the app uses the library atcute, at least in a new version.
    are_of_atcute: bool,
}

/// Returns all findings, in the order of the checks. Fails only if no check is possible.
pub(super) fn everything(context: &Context, args: &Args) -> anyhow::Result<Vec<Finding>> {
    let mut examination = Examination { context, findings: Vec::new(), answers: Vec::new() };
    match context.settings() {
        Ok(settings) => examination.deployment(settings, args)?,
        Err(e) => {
            let why = "without settings, oauthctl does not know the keys, store and client";
            examination.findings.push(Finding::failed(Topic::Settings, e, why));
        }
    }
    examination.recovery();
    Ok(examination.findings)
}

/// Waits until the published documents have no problem, at most for `limit`. The examination
/// reports remaining problems.
pub(super) fn wait_for_documents(context: &Context, limit: Age) -> anyhow::Result<()> {
    let Ok(settings) = context.settings() else { return Ok(()) };
    let limit = Duration::try_from(limit.duration()).unwrap_or_default();
    wait(context, Some(limit), "nothing was examined", || {
        let mut examination = Examination { context, findings: Vec::new(), answers: Vec::new() };
        let (client_id, keys) = (examination.client_id(), examination.keys());
        // Waiting does not change the settings.
        examination.findings.clear();
        if let Ok(network) = context.network() {
            examination.documents(network, settings, client_id.as_ref(), &keys)?;
        }
        let problems = examination.findings.into_iter();
        let mut problems = problems.filter(|finding| finding.severity == Severity::Problem);
        Ok(problems.next().map_or(Look::Ready, |problem| Look::NotYet {
            why: format!("waiting: {}", problem.what),
            at: None,
        }))
    })?;
    Ok(())
}

impl Examination<'_> {
    fn deployment(&mut self, settings: &Settings, args: &Args) -> anyhow::Result<()> {
        self.findings.extend(crate::checks::settings::check(settings));
        let client_id = self.client_id();
        let keys = self.keys();
        match settings.auth_method() {
            Ok(method) => self
                .findings
                .extend(method.and_then(|method| keys::check_auth_method(method, &keys))),
            Err(e) => {
                self.findings.push(Finding::failed(
                    Topic::Settings,
                    e,
                    "it determines which documents are published",
                ));
            }
        }
        self.findings.extend(keys::check_left_behind(&Self::key_directories(settings)));
        let records = self.store(client_id.as_ref())?;
        if records.as_ref().is_some_and(|records| records.are_of_atcute) {
            self.findings.extend(keys::check_atcute(&keys));
        }
        let published = match self.network(args) {
            None => None,
            Some(network) => {
                let published = self.documents(&network, settings, client_id.as_ref(), &keys)?;
                if let (Some(published), Some(client_id), false) =
                    (&published, &client_id, args.login.is_empty())
                {
                    let client = Client {
                        id: client_id,
                        configured: &published.configured,
                        keys: &keys,
                        metadata: published.metadata.as_ref(),
                        jwks: published.jwks.as_ref(),
                    };
                    let issuers = records.as_ref().map(|records| &*records.issuers);
                    self.logins(
                        &network,
                        settings,
                        &args.login,
                        issuers.unwrap_or_default(),
                        &client,
                    )?;
                }
                self.findings.extend(clock::check(&self.answers));
                published.and_then(|published| published.jwks)
            }
        };
        if let (Some(records), Ok(refresh)) = (&records, settings.refresh()) {
            let confidential = keys.is_confidential().unwrap_or(true);
            self.findings.push(store::check_ttl(records.ttl, confidential, &refresh));
        }
        if let Some(tally) = records.and_then(|records| records.tally) {
            self.findings.extend(sessions::check(
                &tally,
                &keys,
                published.as_ref(),
                self.context.now(),
            ));
        }
        Ok(())
    }

    fn client_id(&mut self) -> Option<ClientId<'static>> {
        let why = "the published documents cannot be checked, and sessions cannot be refreshed";
        let found = self.context.client_id();
        found.map_err(|e| self.findings.push(Finding::failed(Topic::Settings, e, why))).ok()
    }

    fn keys(&mut self) -> LocalKeys {
        match self.context.try_key_sources() {
            Ok(sources) => {
                let (findings, keys) = keys::check(sources, self.context.now());
                self.findings.extend(findings);
                keys
            }
            Err(e) => {
                self.findings.push(keys::unreadable(e));
                LocalKeys::Unknown
            }
        }
    }

    /// Returns the directories from which keys are read or to which they may have been written,
    /// each once.
    fn key_directories(settings: &Settings) -> BTreeSet<PathBuf> {
        let sources = settings.key_sources().ok().flatten().into_iter().flatten();
        let files = sources.filter_map(|source| match source {
            KeySource::File { path, .. } => Some(path),
            _ => None,
        });
        let files = files.chain(settings.env_files()).chain(settings.path().map(Path::to_owned));
        let directories =
            files.map(|file| directory_of(&file).to_owned()).chain([PathBuf::from(".")]);
        let mut known = BTreeMap::new();
        for directory in directories {
            if let Ok(real) = directory.canonicalize() {
                known.entry(real).or_insert(directory);
            }
        }
        known.into_values().collect()
    }

    fn store(&mut self, client_id: Option<&ClientId<'_>>) -> anyhow::Result<Option<Records>> {
        let opened =
            self.context.store_address().and_then(|place| Ok((place, self.context.open_stores()?)));
        let ((address, origin), stores) = match opened {
            Ok(opened) => opened,
            Err(e) => {
                self.findings.push(store::unreachable(e));
                return Ok(None);
            }
        };
        let stamp = self.context.now().to_string();
        let runtime = self.context.runtime()?;
        self.findings.extend(store::check_layouts(&stores));
        self.findings.extend(store::check_certificate(address.is_unverified()));
        let Some(first) = stores.first() else { return Ok(None) };
        let database = address.file();
        // Notes on a database are in a file of their own, which a check must not create.
        let stamp = Some(stamp.as_bytes()).filter(|_| database.is_none_or(owners::has_own_file));
        self.findings.extend(runtime.block_on(store::check(&**first, &address, &origin, stamp)));
        if let Some(times) = runtime.block_on(LockTimes::noted(&**first)) {
            let [write, held] = [times.write_ms, times.held_ms].map(Duration::from_millis);
            self.findings.extend(store::check_lock_times(first.layout(), write, held));
        }
        self.findings.extend(database.and_then(owners::check_database));
        match runtime.block_on(first.vitals()) {
            Ok(vitals) => {
                let has_ttl = first.layout().session_ttl().is_some();
                self.findings.extend(keeping::check(&vitals, has_ttl));
            }
            Err(e) => self.findings.push(keeping::unknown(&e)),
        }
        let tally = match self.tally(&stores, client_id) {
            Ok((tally, times)) => {
                self.findings.extend(times.check(first.layout().session_ttl()));
                Some(tally)
            }
            Err(e) => {
                self.findings.push(store::unreadable(e));
                None
            }
        };
        if tally.as_ref().is_some_and(|tally| !tally.has_sessions()) {
            let layouts: Vec<_> = stores.iter().map(|store| store.layout().name.as_str()).collect();
            let empty = EmptyStore::examine(self.context, &layouts)?;
            self.findings.extend(store::check_empty(empty.problem(), empty.others()));
        }
        let mut are_of_atcute = false;
        for store in &stores {
            let format = runtime.block_on(written_format(&**store)).ok().flatten();
            are_of_atcute |= format.is_some_and(|format| format == (&Atcute as &dyn Format));
        }
        let issuers = tally.as_ref().map(Tally::issuers).unwrap_or_default();
        Ok(Some(Records { ttl: first.layout().session_ttl(), tally, issuers, are_of_atcute }))
    }

    fn tally(
        &self,
        stores: &[Box<dyn Store>],
        client_id: Option<&ClientId<'_>>,
    ) -> anyhow::Result<(Tally, TimesToLive)> {
        let progress = self.context.ui.progress("records read");
        let (mut tally, mut times) = (Tally::new(client_id), TimesToLive::default());
        self.context.runtime()?.block_on(async {
            for store in stores {
                tally.add_copies(&find_copies(&**store).await?);
                for kind in [Kind::Session, Kind::State] {
                    let ttls = kind == Kind::Session && store.layout().session_ttl().is_some();
                    let mut scan = store.scan(kind, Want { values: true, ttls });
                    while let Some(records) = scan.next().await? {
                        for record in &records {
                            tally.add(kind, store.layout(), record);
                            if ttls && store.layout().has_keys() {
                                times.add(record.ttl);
                            }
                        }
                        progress.advance(records.len());
                    }
                }
            }
            Ok((tally, times))
        })
    }

    /// Returns the network client, unless the check is offline. Settings that prevent it have been
    /// reported already.
    fn network(&self, args: &Args) -> Option<Arc<Network>> {
        if args.offline { None } else { self.context.network().ok().cloned() }
    }

    /// Checks the client metadata and the key set. Returns them with their expected contents,
    /// `None` if those are unknown.
    fn documents(
        &mut self,
        network: &Network,
        settings: &Settings,
        client_id: Option<&ClientId<'_>>,
        keys: &LocalKeys,
    ) -> anyhow::Result<Option<Documents>> {
        let Some(client_id) = client_id else { return Ok(None) };
        let configured = match Configured::new(settings, client_id, keys.is_confidential()) {
            Ok(configured) => configured,
            Err(e) => {
                let why = "the published documents cannot be compared with it";
                self.findings.push(Finding::failed(Topic::Settings, e, why));
                return Ok(None);
            }
        };
        if configured.is_loopback() {
            return Ok(Some(Documents { configured, metadata: None, jwks: None }));
        }
        let answer = self.look(network, client_id.as_str())?;
        let (findings, document) = metadata::check(&answer, &configured);
        self.findings.extend(findings);
        let metadata = document.cloned();
        if let Some(jwks) =
            document.map(|document| member(document, "jwks")).filter(|jwks| jwks.is_object())
        {
            self.findings.extend(jwks::check_inline(jwks, keys, self.context.now()));
            let jwks = Some(jwks.clone());
            return Ok(Some(Documents { configured, metadata, jwks }));
        }
        // If the document cannot be read, the settings may still name the location of the keys.
        let uri =
            document.map_or_else(|| configured.jwks_uri(), |document| text(document, "jwks_uri"));
        let Some(uri) = uri else {
            return Ok(Some(Documents { configured, metadata, jwks: None }));
        };
        let answer = self.look(network, uri)?;
        let (findings, jwks) = jwks::check(&answer, keys, self.context.now());
        self.findings.extend(findings);
        let jwks = jwks.cloned();
        Ok(Some(Documents { configured, metadata, jwks }))
    }

    pub(super) fn look(
        &mut self,
        network: &Network,
        url: &str,
    ) -> anyhow::Result<Result<Published, LookupError>> {
        let answer = self.context.runtime()?.block_on(network.look(url));
        self.answers.extend(answer.iter().cloned());
        Ok(answer)
    }

    fn recovery(&mut self) {
        let id = self.context.store_id().ok();
        let directory = self.context.recovery_directory();
        self.findings.extend(directory.as_deref().ok().and_then(owners::check_recovery));
        match directory.and_then(|directory| Recovery::new(directory).waiting(id.as_ref())) {
            Ok(Waiting { here, elsewhere, unreadable }) => {
                self.findings.extend(recovery::check(here, elsewhere, unreadable));
            }
            Err(e) => self.findings.push(recovery::unreadable(e)),
        }
    }
}
