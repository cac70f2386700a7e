//! App with proxies in front of all servers of its operator's commands, and the commands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::postgres::{PASSWORD, ROLE};
use testbed::redis::Answer;
use testbed::upstash::Front;
use testbed::{
    Credentials, Endpoint, Fault, Gate, Injection, Library, LoginOptions, METADATA_PATH, Proxy,
    SessionState,
};

use super::ending;
use super::oracle::{Fate, Kill, Oracle};
use super::rows::Rows;
use crate::app::{days_ago, did_of, hours_ago, wait_until};
use crate::database::AppDatabase;
use crate::npmx::Npmx;

/// Connection with a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// Store, except SQLite.
    Store,
    /// Authorization server.
    Server,
    /// Directory of identities.
    Directory,
    /// Documents of the app.
    Documents,
}

impl Channel {
    pub(super) const ALL: [Self; 4] = [Self::Store, Self::Server, Self::Directory, Self::Documents];
}

/// Store of the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Redis.
    Redis,
    /// Redis over its REST interface.
    Rest,
    /// Redis with records of the library atcute.
    Atcute,
    /// PostgreSQL.
    Rows,
    /// SQLite.
    Disk,
}

impl Place {
    pub(super) const ALL: [Self; 5] =
        [Self::Redis, Self::Rest, Self::Atcute, Self::Rows, Self::Disk];

    /// Returns the connections whose use is specific to this store.
    pub(super) fn channels(self) -> &'static [Channel] {
        match self {
            Self::Redis => &Channel::ALL,
            Self::Rest => &[Channel::Store],
            Self::Atcute | Self::Rows => &[Channel::Store, Channel::Server],
            Self::Disk => &[Channel::Server, Channel::Directory, Channel::Documents],
        }
    }
}

/// Command that may change sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Refresh,
    Revoke,
    Upgrade,
    Prune,
    Import,
    Recover,
    Retire,
    Purge,
    Export,
}

impl Job {
    pub(super) const ALL: [Self; 9] = [
        Self::Refresh,
        Self::Revoke,
        Self::Upgrade,
        Self::Prune,
        Self::Import,
        Self::Recover,
        Self::Retire,
        Self::Purge,
        Self::Export,
    ];

    /// Returns its arguments for bulk use.
    pub(super) fn arguments(self) -> String {
        let (command, paced) = match self {
            Self::Refresh => ("sessions refresh --all", true),
            Self::Revoke => ("sessions revoke --all --yes", true),
            Self::Upgrade => ("sessions upgrade", true),
            Self::Prune => ("sessions prune", true),
            Self::Import => ("sessions import --source-app-stopped --replace export.jsonl", false),
            Self::Recover => ("sessions recover", false),
            Self::Retire => {
                ("keys retire testbed-1 --revoke-sessions --yes --keys keys.json", true)
            }
            Self::Purge => ("states purge --older-than 10m", false),
            Self::Export => return "sessions export -o exported.jsonl --force".to_owned(),
        };
        let pace = if paced { " --lock-timeout 1s --retry-for 2s" } else { "" };
        format!("{command}{pace} --format json")
    }

    /// Returns its arguments for processing one session after the other, so that conversations are
    /// reproducible.
    pub(super) fn in_order(self) -> String {
        let order = match self {
            Self::Import | Self::Recover | Self::Purge | Self::Export => "",
            _ => " --concurrency 1",
        };
        self.arguments() + order
    }

    /// Returns its exit code without faults. One of the imported sessions is older than the
    /// existing one.
    pub(super) fn code(self) -> i32 {
        if self == Self::Import { 3 } else { 0 }
    }

    /// Returns the members of its report that count changes, none if there are no counts.
    fn counted(self) -> &'static [&'static str] {
        match self {
            Self::Refresh => &["refreshed"],
            Self::Upgrade => &["upgraded"],
            Self::Revoke | Self::Retire => &["confirmed"],
            Self::Prune => &["alive", "ended"],
            Self::Import => &["created", "replaced"],
            Self::Recover => &["applied"],
            Self::Purge => &["by_ttl", "by_column"],
            Self::Export => &[],
        }
    }
}

/// App with users and their expected fates.
pub(super) struct World {
    pub(super) npmx: Npmx,
    place: Place,
    /// REST interface, if it is used.
    _front: Option<Front>,
    /// PostgreSQL, if it is used.
    rows: Option<Rows>,
    server: Proxy,
    directory: Proxy,
    documents: Proxy,
    /// Job for which the sessions were prepared.
    job: Job,
    /// Accounts whose sessions are to end.
    pub(super) to_end: BTreeSet<String>,
    /// Export to be imported.
    exported: Vec<Value>,
    /// Accounts whose tokens are in the recovery directory from the start.
    set_aside: Vec<String>,
    /// Records as stored, with their TTL in seconds.
    stored: BTreeMap<String, (Value, i64)>,
}

/// Token of the REST interface.
const REST_TOKEN: &str = "the-token";
/// Abandoned login, twenty minutes old by its TTL.
const OLD_STATES: [&str; 2] = ["atproto:oauth:state:old-1", "atproto:oauth:state:old-2"];
/// Recent login, by which the layout is detected even without sessions.
const YOUNG_STATE: &str = "atproto:oauth:state:begun";
/// TTLs in seconds: of the export, and of the layout.
const EXPORTED: i64 = 10_000_000;
const LAYOUT: i64 = 179 * 86_400;

impl World {
    pub(super) fn new(place: Place) -> Self {
        let mut npmx = Npmx::new();
        let net = &npmx.app.net;
        let before = |url: &str| Proxy::before(url).unwrap();
        let (server, directory, documents) =
            (before(&net.pds_url()), before(&net.plc_url()), before(&net.app_url()));
        net.set_pds_url(0, &server.url());
        // Another key follows the active one, so that this can be retired.
        let (key, next) = (net.signing_key().unwrap(), testbed::keys::client_key("next"));
        net.publish_confidential(&[key, next]);
        net.set_client_id(&format!("{}{METADATA_PATH}", documents.url()));
        // A session can be alive although it appears to have ended.
        let long = Duration::from_hours(400 * 24);
        net.configure(|policy| policy.confidential_lifetime = (long, long));
        npmx.app.configure("min_interval = \"0s\"");
        let text = npmx.app.sandbox.read("oauthctl.toml").replace(&net.plc_url(), &directory.url());
        npmx.app.sandbox.file("oauthctl.toml", text);
        let (mut front, mut rows) = (None, None);
        match place {
            Place::Redis => {}
            Place::Atcute => npmx.library = Library::Atcute,
            Place::Disk => drop(npmx.app.sandbox.unset("OAUTHCTL_STORE")),
            Place::Rows => {
                let database = Rows::start();
                let address = ([127, 0, 0, 1], database.server.port()).into();
                npmx.proxy = Proxy::start(address).unwrap();
                let port = npmx.proxy.address().port();
                let url = format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{port}/app");
                npmx.app.sandbox.set("OAUTHCTL_STORE", url);
                database.prepare(&npmx.app.sandbox);
                rows = Some(database);
            }
            Place::Rest => {
                let rest = Front::start(npmx.redis.port(), REST_TOKEN).unwrap();
                npmx.proxy = before(&rest.url());
                let url = format!("http://{}", npmx.proxy.address());
                npmx.app.sandbox.set("OAUTHCTL_STORE", &url).set("KV_REST_API_URL", &url);
                npmx.app.sandbox.set("KV_REST_API_TOKEN", REST_TOKEN);
                front = Some(rest);
            }
        }
        let (to_end, exported, set_aside) = (BTreeSet::new(), Vec::new(), Vec::new());
        let job = Job::Refresh;
        let stored = BTreeMap::new();
        Self {
            npmx,
            place,
            _front: front,
            rows,
            server,
            directory,
            documents,
            job,
            to_end,
            exported,
            set_aside,
            stored,
        }
    }

    fn on_disk(&self) -> bool {
        self.place == Place::Disk
    }

    /// Whether sessions are Redis keys with a time to live.
    fn has_keys(&self) -> bool {
        !matches!(self.place, Place::Disk | Place::Rows)
    }

    /// Starts a command.
    pub(super) fn begin(&self, arguments: &str) -> Child {
        self.npmx.app.sandbox.start(arguments.split_whitespace())
    }

    pub(super) fn proxy(&self, channel: Channel) -> &Proxy {
        match channel {
            Channel::Store => &self.npmx.proxy,
            Channel::Server => &self.server,
            Channel::Directory => &self.directory,
            Channel::Documents => &self.documents,
        }
    }

    /// Repairs everything and closes old connections.
    pub(super) fn heal(&self) {
        for channel in Channel::ALL {
            let proxy = self.proxy(channel);
            proxy.kill_all();
            wait_until(|| proxy.traffic().open == 0);
            proxy.heal();
        }
        self.npmx.release_locks();
        if let Some(rows) = &self.rows {
            rows.end_others();
        }
        let sidecar = self.npmx.app.sandbox.path("app.db.oauthctl");
        if sidecar.exists() {
            AppDatabase::open(&sidecar)
                .execute("CREATE TABLE IF NOT EXISTS lock (name); DELETE FROM lock");
        }
    }

    /// Logs users in and stores their sessions.
    fn log_in(&mut self, count: usize, options: &LoginOptions) -> Vec<Value> {
        let options = LoginOptions { library: self.npmx.library, ..options.clone() };
        let records = self.npmx.app.net.login_many(count, &options);
        self.npmx.app.database.execute("BEGIN");
        for record in &records {
            self.store(record, options.refreshed_ago.unwrap_or_default());
        }
        self.npmx.app.database.execute("COMMIT");
        self.npmx.dids.extend(records.iter().map(|record| did_of(record).to_owned()));
        records
    }

    /// Stores a session as the app would have done this long ago.
    fn store(&mut self, record: &Value, ago: Duration) {
        let left = LAYOUT - i64::try_from(ago.as_secs()).unwrap();
        self.stored.insert(did_of(record).to_owned(), (record.clone(), left));
        if let Some(rows) = &self.rows {
            rows.store(record, ago);
        } else if self.on_disk() {
            self.npmx.app.database.session(record);
        } else {
            let (key, record) = (self.npmx.key(did_of(record)), record.to_string());
            self.npmx.redis.ask(&["SET", &key, &record, "EX", &left.to_string()]);
        }
    }

    /// Returns the stored record of one account.
    pub(super) fn record(&self, did: &str) -> Option<Value> {
        match &self.rows {
            Some(rows) => rows.record(did),
            None if self.on_disk() => self.npmx.app.record(did),
            None => self.npmx.record(did),
        }
    }

    /// Deletes a session from the store.
    pub(super) fn forget(&mut self, did: &str) {
        self.stored.remove(did);
        if let Some(rows) = &self.rows {
            rows.forget(did);
        }
        self.npmx.redis.ask(&["DEL", &self.npmx.key(did)]);
        self.npmx.app.database.execute(&format!("DELETE FROM auth_session WHERE key = '{did}'"));
    }

    /// Adds at least this many users for this job. Earlier ones are deleted.
    pub(super) fn prepare(&mut self, job: Job, count: usize) {
        self.job = job;
        self.heal();
        self.npmx.app.database.execute("DELETE FROM auth_session; DELETE FROM auth_state");
        for command in ["FLUSHALL", "SCRIPT FLUSH"] {
            let parts: Vec<_> = command.split(' ').collect();
            self.npmx.redis.ask(&parts);
        }
        if let Some(rows) = &self.rows {
            rows.clear();
        }
        self.set_state(YOUNG_STATE, 1800);
        let _ = fs::remove_dir_all(self.npmx.app.recovery_directory());
        let _ = fs::remove_file(self.npmx.app.sandbox.path("exported.jsonl"));
        self.npmx.dids.clear();
        self.to_end.clear();
        self.exported.clear();
        self.set_aside.clear();
        self.stored.clear();
        match job {
            Job::Refresh | Job::Export => drop(self.log_in(count, &days_ago(2))),
            Job::Revoke | Job::Retire => {
                self.log_in(count, &days_ago(2));
                self.to_end = self.npmx.dids.iter().cloned().collect();
                self.write_keys();
            }
            Job::Upgrade => {
                let created_ago = Duration::from_hours(5 * 24);
                let credentials = Some(Credentials::Public);
                self.log_in(count, &LoginOptions { credentials, created_ago, ..days_ago(2) });
            }
            Job::Prune => {
                self.log_in(1, &hours_ago(30));
                self.log_in(count, &days_ago(100));
                // Every other session has ended, unknown to the app.
                for ended in self.npmx.dids.iter().skip(1).step_by(2) {
                    self.npmx.app.net.end_sessions_of(ended);
                    self.to_end.insert(ended.clone());
                }
            }
            Job::Import => self.prepare_import(count),
            Job::Recover => self.prepare_recovery(),
            Job::Purge => {
                self.log_in(count, &days_ago(2));
                for key in OLD_STATES {
                    self.set_state(key, 600);
                }
            }
        }
        self.npmx.app.net.clear_log();
    }

    /// Writes the keys, one of which is to be retired. An earlier run may have done so.
    pub(super) fn write_keys(&self) {
        let net = &self.npmx.app.net;
        let keys = json!([testbed::keys::client_key("next"), net.signing_key()]);
        self.npmx.app.sandbox.file("keys.json", keys.to_string());
    }

    /// Adds a pending login that expires after this many seconds.
    fn set_state(&self, key: &str, time_to_live: u32) {
        let mut state = self
            .npmx
            .app
            .net
            .pending_state(LoginOptions { library: self.npmx.library, ..LoginOptions::default() });
        // No key is kept because of it.
        state["authMethod"]["kid"] = json!("next");
        if let Some(rows) = &self.rows {
            rows.set_state(key, &state, Duration::from_secs(u64::from(1800 - time_to_live)));
        } else if self.on_disk() {
            self.npmx.app.database.state(key, &state);
        } else {
            self.npmx.redis.ask(&["SET", key, &state.to_string(), "EX", &time_to_live.to_string()]);
        }
    }

    fn has_state(&self, key: &str) -> bool {
        if let Some(rows) = &self.rows {
            rows.has_state(key)
        } else if self.on_disk() {
            !self
                .npmx
                .app
                .database
                .rows(&format!("SELECT key FROM auth_state WHERE key = '{key}'"))
                .is_empty()
        } else {
            self.npmx.redis.ask(&["EXISTS", key]) == Answer::Number(1)
        }
    }

    /// Prepares an export with some new sessions, one older and one newer than the existing one.
    fn prepare_import(&mut self, count: usize) {
        let absent = self.log_in(count, &days_ago(2));
        for record in &absent {
            self.forget(did_of(record));
        }
        let [stale, ahead] = [(); 2].map(|()| self.log_in(1, &days_ago(2)).remove(0));
        let [renewed, stored] =
            [&stale, &ahead].map(|record| self.npmx.app.net.refresh_as_app(record).unwrap());
        self.store(&stored, Duration::ZERO);
        self.exported = [vec![renewed, ahead], absent].concat();
        let line = |record: &Value| {
            let did = did_of(record);
            let key = if self.has_keys() { self.npmx.key(did) } else { did.to_owned() };
            json!({"did": did, "key": key, "sid": null, "ttl": EXPORTED, "last_refreshed_at": null, "record": record})
        };
        let text: String =
            self.exported.iter().map(|record| format!("{}\n", line(record))).collect();
        self.npmx.app.sandbox.file("export.jsonl", text);
    }

    /// Prepares one stored session, and two whose tokens are in the recovery directory because the
    /// store was read-only when they were refreshed.
    fn prepare_recovery(&mut self) {
        self.log_in(3, &days_ago(2));
        let (child, answers) = self.caught_in_the_act("sessions refresh --all --retry-for 0s", 2);
        self.set_writable(false);
        answers.iter().for_each(Gate::open);
        let (output, _) = ending(&self.npmx.app.sandbox, child);
        self.set_writable(true);
        self.npmx.app.net.clear_faults();
        let waiting = self.npmx.app.waiting_records();
        self.set_aside = waiting.iter().map(|record| did_of(record).to_owned()).collect();
        assert_eq!(self.set_aside.len(), 2, "{output}");
        self.heal();
    }

    /// Starts a command, and returns when `others` sessions were refreshed after the first, which
    /// tests the configuration. The gates release their answers.
    pub(super) fn caught_in_the_act(&self, arguments: &str, others: usize) -> (Child, Vec<Gate>) {
        let net = &self.npmx.app.net;
        net.clear_log();
        let gates: BTreeMap<_, _> =
            self.npmx.dids.iter().map(|did| (did, Gate::closed())).collect();
        for (did, gate) in &gates {
            net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(gate.clone())).only(did));
        }
        let child = self.begin(arguments);
        let exchanged = || {
            gates.keys().filter(|did| net.session_state(did).is_some_and(|one| one.generation > 0))
        };
        wait_until(|| exchanged().count() == 1);
        gates[*exchanged().next().unwrap()].open();
        wait_until(|| exchanged().count() == 1 + others && net.counters().exchanged == 1);
        (child, gates.into_values().collect())
    }

    fn set_writable(&self, on: bool) {
        if let Some(rows) = &self.rows {
            rows.set_writable(on);
        } else if self.on_disk() {
            let broken = "CREATE TRIGGER broken BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'no'); END";
            self.npmx.app.database.execute(if on { "DROP TRIGGER broken" } else { broken });
        } else {
            self.npmx.redis.ask(&[
                "CONFIG",
                "SET",
                "min-replicas-to-write",
                if on { "0" } else { "1" },
            ]);
        }
    }

    /// Returns the fate of each session.
    pub(super) fn fates(&self, killed: Option<Kill>) -> BTreeMap<String, Fate> {
        let (net, dids) = (&self.npmx.app.net, &self.npmx.dids);
        let stored = dids.iter().filter_map(|did| Some((did.clone(), self.record(did)?))).collect();
        let waiting = [self.npmx.app.waiting_records(), self.exported.clone()].concat();
        let spoilt =
            Channel::ALL.iter().filter_map(|channel| self.proxy(*channel).spoilt()).collect();
        let time_to_live = Box::new(|session: &SessionState| self.time_to_live(session));
        let oracle = Oracle {
            net,
            dids,
            stored,
            waiting,
            to_end: &self.to_end,
            spoilt,
            killed,
            time_to_live,
        };
        oracle.fates().into_iter().map(|(did, fate)| (did.to_owned(), fate)).collect()
    }

    /// Returns the actual and the expected TTL of a session's record in milliseconds: unchanged if
    /// untouched, that of the export if imported, that of the layout with new tokens.
    fn time_to_live(&self, session: &SessionState) -> Option<(i64, i64)> {
        if !self.has_keys() {
            return None;
        }
        let Answer::Number(is) = self.npmx.redis.ask(&["PTTL", &self.npmx.key(&session.did)])
        else {
            return Some((-1, 0));
        };
        let ought = match self.stored.get(&session.did) {
            Some((before, left)) if self.record(&session.did).as_ref() == Some(before) => *left,
            // The age of imported sessions is unknown, so the layout's TTL is the longer one.
            _ => LAYOUT,
        };
        Some((is, ought * 1000))
    }

    /// Returns the number of sessions or logins that were changed as intended.
    fn done(&self) -> u64 {
        let (net, dids) = (&self.npmx.app.net, &self.npmx.dids);
        let sessions = net.sessions();
        let is_kept =
            |did: &String| self.record(did).is_some_and(|record| net.is_alive_with(&record));
        let is_renewed = |did: &String| {
            let renewed = sessions.iter().any(|one| one.did == *did && one.generation > 0);
            renewed && is_kept(did)
        };
        let has_ended = |did: &String| {
            let alive = sessions.iter().any(|one| one.did == *did && one.alive);
            !alive && self.record(did).is_none()
        };
        let count = |is_done: &dyn Fn(&String) -> bool| {
            dids.iter().filter(|did| is_done(did)).count() as u64
        };
        match self.job {
            Job::Refresh | Job::Upgrade => count(&is_renewed),
            Job::Revoke | Job::Retire => count(&has_ended),
            // The first is not asked about. It only tests the configuration.
            Job::Prune => count(&|did| did != &dids[0] && (is_renewed(did) || has_ended(did))),
            Job::Import => {
                let is_in = |record: &&Value| self.record(did_of(record)).as_ref() == Some(record);
                self.exported.iter().filter(is_in).count() as u64
            }
            Job::Recover => self.set_aside.iter().filter(|did| is_kept(did)).count() as u64,
            Job::Purge => OLD_STATES.iter().filter(|key| !self.has_state(key)).count() as u64,
            Job::Export => 0,
        }
    }

    /// Returns the reported and the actual number of changes. The former is `None` without a
    /// report.
    pub(super) fn counts(&self, report: &str) -> Result<(Option<u64>, u64), String> {
        let done = self.done();
        if self.job.counted().is_empty() || report.is_empty() {
            return Ok((None, done));
        }
        let report: Value =
            serde_json::from_str(report).map_err(|e| format!("its report is no JSON: {e}"))?;
        let said = self.job.counted().iter().map(|member| report["counts"][member].as_u64());
        let said = said.sum::<Option<u64>>().ok_or("its report lacks a count")?;
        Ok((Some(said), done))
    }

    /// Returns a violated condition after a run with this exit code and any fault.
    pub(super) fn harm(&self, code: i32) -> Option<&'static str> {
        if !self.has_state(YOUNG_STATE) {
            return Some("a login that had just begun is gone");
        }
        if self.job != Job::Export {
            return None;
        }
        let exported = fs::read_to_string(self.npmx.app.sandbox.path("exported.jsonl"));
        let Ok(text) = exported else { return (code == 0).then_some("nothing was exported") };
        let of = |line: &str| {
            serde_json::from_str::<Value>(line).ok().map(|line| line["record"].clone())
        };
        let whole = text
            .lines()
            .filter(|line| of(line).is_some_and(|record| self.npmx.app.net.is_alive_with(&record)));
        (whole.count() != self.npmx.dids.len())
            .then_some("half an export stands where a whole one should")
    }
}
