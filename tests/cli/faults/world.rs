//! An app with proxies on every way its operator's commands go, and the commands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Credentials, LoginOptions, METADATA_PATH, Proxy};

use super::oracle::{Fate, Oracle};
use crate::app::{days_ago, hours_ago, wait_until};
use crate::npmx::{Npmx, key};
use crate::support::AppDatabase;

/// A way that can be disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// To Redis.
    Store,
    /// To the authorization server.
    Server,
    /// To the directory of identities.
    Directory,
    /// To what the app publishes.
    Documents,
}

impl Channel {
    pub(super) const ALL: [Self; 4] = [Self::Store, Self::Server, Self::Directory, Self::Documents];
}

/// A command that changes sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Refresh,
    Revoke,
    Upgrade,
    Prune,
    Import,
}

impl Job {
    pub(super) const ALL: [Self; 5] = [Self::Refresh, Self::Revoke, Self::Upgrade, Self::Prune, Self::Import];

    /// How it is asked for: in bulk.
    pub(super) fn arguments(self) -> String {
        let (command, paced) = match self {
            Self::Refresh => ("refresh --all", true),
            Self::Revoke => ("revoke --all --yes", true),
            Self::Upgrade => ("upgrade", true),
            Self::Prune => ("prune", true),
            Self::Import => ("import --replace export.jsonl", false),
        };
        let pace = if paced { " --lock-timeout 1s --retry-for 2s" } else { "" };
        format!("{command}{pace} --format json")
    }

    /// The same with one session after the other, so that conversations are the same each time.
    pub(super) fn in_order(self) -> String {
        let order = if self == Self::Import { "" } else { " --concurrency 1" };
        self.arguments() + order
    }

    /// How it ends when nothing happens. Of what is imported, one is older than what is there.
    pub(super) fn code(self) -> i32 {
        if self == Self::Import { 3 } else { 0 }
    }

    /// The member of its report that counts what was done at a server and stored.
    fn counted(self) -> Option<&'static str> {
        match self {
            Self::Refresh | Self::Upgrade => Some("refreshed"),
            Self::Revoke => Some("confirmed"),
            Self::Prune => Some("alive"),
            Self::Import => None,
        }
    }
}

/// The app, its users, and what is to become of them.
pub(super) struct World {
    pub(super) npmx: Npmx,
    /// Sessions are in SQLite instead of Redis.
    on_disk: bool,
    server: Proxy,
    directory: Proxy,
    documents: Proxy,
    /// Whose sessions are to end.
    pub(super) to_end: BTreeSet<String>,
    /// What is to be imported.
    exported: Vec<Value>,
}

fn did_of(record: &Value) -> &str {
    record["tokenSet"]["sub"].as_str().unwrap()
}

fn before(url: &str) -> Proxy {
    let port = url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    Proxy::start(([127, 0, 0, 1], port).into()).unwrap()
}

impl World {
    /// With sessions in Redis.
    pub(super) fn new() -> Self {
        let npmx = Npmx::new();
        let net = &npmx.app.net;
        let (server, directory, documents) = (before(&net.pds_url()), before(&net.plc_url()), before(&net.app_url()));
        net.set_pds_url(0, &server.url());
        net.set_client_id(&format!("{}{METADATA_PATH}", documents.url()));
        // So that a session which looks as if it had ended can live all the same.
        let long = Duration::from_hours(400 * 24);
        net.configure(|policy| policy.confidential_lifetime = (long, long));
        npmx.app.configure("min_interval = \"0s\"");
        let text = npmx.app.sandbox.read("oauthctl.toml").replace(&net.plc_url(), &directory.url());
        npmx.app.sandbox.file("oauthctl.toml", text);
        let (to_end, exported) = (BTreeSet::new(), Vec::new());
        Self { npmx, on_disk: false, server, directory, documents, to_end, exported }
    }

    /// With sessions in SQLite.
    pub(super) fn on_disk() -> Self {
        let mut world = Self { on_disk: true, ..Self::new() };
        world.npmx.app.sandbox.unset("OAUTHCTL_STORE");
        world
    }

    pub(super) fn proxy(&self, channel: Channel) -> &Proxy {
        match channel {
            Channel::Store => &self.npmx.proxy,
            Channel::Server => &self.server,
            Channel::Directory => &self.directory,
            Channel::Documents => &self.documents,
        }
    }

    /// Everything works again, and no connection is left of before.
    pub(super) fn heal(&self) {
        for channel in Channel::ALL {
            let proxy = self.proxy(channel);
            proxy.kill_all();
            wait_until(|| proxy.traffic().open == 0);
            proxy.heal();
            wait_until(|| TcpStream::connect(proxy.address()).is_ok());
        }
        self.npmx.release_locks();
        let sidecar = self.npmx.app.sandbox.path("app.db.oauthctl");
        if sidecar.exists() {
            AppDatabase::open(&sidecar).execute("CREATE TABLE IF NOT EXISTS lock (name); DELETE FROM lock");
        }
    }

    /// Logs users in and stores their sessions.
    fn log_in(&mut self, count: usize, options: &LoginOptions) -> Vec<Value> {
        let records = self.npmx.app.net.login_many(count, options);
        self.npmx.app.database.execute("BEGIN");
        for record in &records {
            self.store(record);
        }
        self.npmx.app.database.execute("COMMIT");
        self.npmx.dids.extend(records.iter().map(|record| did_of(record).to_owned()));
        records
    }

    fn store(&self, record: &Value) {
        if self.on_disk {
            self.npmx.app.database.session(record);
        } else {
            self.npmx.store(record);
        }
    }

    /// The stored record of one account.
    pub(super) fn record(&self, did: &str) -> Option<Value> {
        if self.on_disk { self.npmx.app.record(did) } else { self.npmx.record(did) }
    }

    /// The app forgets a session.
    pub(super) fn forget(&self, did: &str) {
        self.npmx.redis.ask(&["DEL", &key(did)]);
        self.npmx.app.database.execute(&format!("DELETE FROM auth_session WHERE key = '{did}'"));
    }

    /// So many new users for this job, at least; those before are forgotten.
    pub(super) fn prepare(&mut self, job: Job, count: usize) {
        self.heal();
        self.npmx.app.database.execute("DELETE FROM auth_session");
        for command in ["FLUSHALL", "SCRIPT FLUSH"] {
            let parts: Vec<_> = command.split(' ').collect();
            self.npmx.redis.ask(&parts);
        }
        // A login that was begun, by which the store is known for the app's even without sessions.
        let begun = self.npmx.app.net.pending_state(LoginOptions::default()).to_string();
        self.npmx.redis.ask(&["SET", "atproto:oauth:state:begun", &begun]);
        for path in self.npmx.app.recovery_entries() {
            fs::remove_file(path).unwrap();
        }
        self.npmx.dids.clear();
        self.npmx.app.net.clear_log();
        self.to_end.clear();
        self.exported.clear();
        match job {
            Job::Refresh => drop(self.log_in(count, &days_ago(2))),
            Job::Revoke => {
                self.log_in(count, &days_ago(2));
                self.to_end = self.npmx.dids.iter().cloned().collect();
            }
            Job::Upgrade => {
                let created_ago = Duration::from_hours(5 * 24);
                let credentials = Some(Credentials::Public);
                self.log_in(count, &LoginOptions { credentials, created_ago, ..days_ago(2) });
            }
            Job::Prune => {
                self.log_in(1, &hours_ago(30));
                self.log_in(count, &days_ago(100));
                // Every other has ended, and nobody knows yet.
                for ended in self.npmx.dids.iter().skip(1).step_by(2) {
                    self.npmx.app.net.end_sessions_of(ended);
                    self.to_end.insert(ended.clone());
                }
            }
            Job::Import => self.prepare_import(count),
        }
    }

    /// Some that are not there, one that is there and older, one that is there and newer.
    fn prepare_import(&mut self, count: usize) {
        let absent = self.log_in(count, &days_ago(2));
        for record in &absent {
            self.forget(did_of(record));
        }
        let [stale, ahead] = [(); 2].map(|()| self.log_in(1, &days_ago(2)).remove(0));
        let [renewed, stored] = [&stale, &ahead].map(|record| self.npmx.app.net.refresh_as_app(record).unwrap());
        self.store(&stored);
        self.exported = [vec![renewed, ahead], absent].concat();
        let line = |record: &Value| {
            let (did, key) = (did_of(record), key(did_of(record)));
            json!({"did": did, "key": key, "sid": null, "ttl": 10_000_000, "last_refreshed_at": null, "record": record})
        };
        let text: String = self.exported.iter().map(|record| format!("{}\n", line(record))).collect();
        self.npmx.app.sandbox.file("export.jsonl", text);
    }

    /// What has become of everybody.
    pub(super) fn fates(&self, killed: bool) -> BTreeMap<String, Fate> {
        let (net, dids) = (&self.npmx.app.net, &self.npmx.dids);
        let stored = dids.iter().filter_map(|did| Some((did.clone(), self.record(did)?))).collect();
        let waiting = [self.npmx.app.waiting_records(), self.exported.clone()].concat();
        let spoilt = Channel::ALL.iter().filter_map(|channel| self.proxy(*channel).spoilt()).collect();
        let oracle = Oracle { net, dids, stored, waiting, to_end: &self.to_end, spoilt, killed };
        oracle.fates().into_iter().map(|(did, fate)| (did.to_owned(), fate)).collect()
    }

    /// Of how many more sessions a run says that it has done its work than it has.
    pub(super) fn overstated(&self, job: Job, report: &str) -> u64 {
        let Some(member) = job.counted() else { return 0 };
        let Ok(report) = serde_json::from_str::<Value>(report) else { return 0 };
        let sessions = self.npmx.app.net.sessions();
        let is_done = |did: &&String| {
            let record = self.record(did);
            match job {
                Job::Revoke => record.is_none() && sessions.iter().all(|one| one.did != **did || !one.alive),
                Job::Prune => record.is_some_and(|record| self.npmx.app.net.is_alive_with(&record)),
                _ => {
                    let renewed = sessions.iter().any(|one| one.did == **did && one.generation > 0);
                    renewed && record.is_some_and(|record| self.npmx.app.net.is_alive_with(&record))
                }
            }
        };
        let done = self.npmx.dids.iter().filter(is_done).count() as u64;
        report[member].as_u64().unwrap_or_default().saturating_sub(done)
    }
}
