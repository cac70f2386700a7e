//! App with users: a fake network, a database and oauthctl. Determines which sessions were lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::{Endpoint, Fault, Gate, Injection, Logged, LoginOptions, Network};

use crate::database::AppDatabase;
use crate::samples::ALICE;
use crate::sandbox::{Output, Sandbox, interrupt};

/// Maximum time that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// App with its users and its operator.
pub(crate) struct App {
    pub(crate) net: Network,
    pub(crate) sandbox: Sandbox,
    pub(crate) database: AppDatabase,
}

impl App {
    /// Returns a confidential client without users.
    pub(crate) fn new() -> Self {
        let net = Network::start_blocking().unwrap();
        let mut sandbox = Sandbox::new();
        // Servers check proofs by their own clocks.
        sandbox.unset("OAUTHCTL_TEST_NOW");
        sandbox.set("APP_KEY", net.signing_key().unwrap().to_string());
        let database = AppDatabase::create(&sandbox.path("app.db"));
        let app = Self { net, sandbox, database };
        app.configure("");
        app
    }

    /// Returns an app with this number of users, last active two days ago.
    pub(crate) fn with_users(count: usize) -> Self {
        let app = Self::new();
        app.log_in(count, &days_ago(2));
        app
    }

    /// Returns an app with one user, Alice, last active two days ago.
    pub(crate) fn with_alice() -> Self {
        let app = Self::new();
        app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
        app
    }

    /// Writes oauthctl.toml, with these settings of `[refresh]`.
    pub(crate) fn configure(&self, refresh: &str) {
        self.configure_client(&self.net.client_id(), refresh);
    }

    /// Writes oauthctl.toml for another `client_id`.
    pub(crate) fn configure_client(&self, client_id: &str, refresh: &str) {
        let plc = self.net.plc_url();
        self.sandbox.file(
            "oauthctl.toml",
            format!(
                "keys = [\"env:APP_KEY\"]\n[client]\nclient_id = \"{client_id}\"\n[store]\nurl = \"sqlite:app.db\"\n\
                 [network]\nplc_directory = \"{plc}\"\nallow_http = true\nallow_private_hosts = true\n\
                 [refresh]\n{refresh}\n"
            ),
        );
    }

    /// Adds the network's resolver to oauthctl.toml.
    pub(crate) fn resolve_names(&self) {
        let toml = self.sandbox.read("oauthctl.toml");
        let resolver = format!("[network]\ndoh_resolver = \"{}/dns-query\"", self.net.web_url());
        self.sandbox.file("oauthctl.toml", toml.replace("[network]", &resolver));
    }

    /// Configures these client keys.
    pub(crate) fn set_keys(&mut self, keys: &[&Value]) {
        let keys: Vec<_> = keys.iter().copied().cloned().collect();
        self.sandbox.set("APP_KEY", Value::Array(keys).to_string());
    }

    /// Logs users in and stores their sessions.
    pub(crate) fn log_in(&self, count: usize, options: &LoginOptions) -> Vec<Value> {
        let records: Vec<_> = (0..count).map(|_| self.net.login(options.clone())).collect();
        self.database.execute("BEGIN");
        for record in &records {
            self.database.session(record);
        }
        self.database.execute("COMMIT");
        records
    }

    /// Runs `oauthctl sessions …` to its end, without retries unless given.
    pub(crate) fn sessions(&self, arguments: &str) -> Output {
        self.sandbox.run(self.arguments(arguments))
    }

    /// Starts `oauthctl sessions …`.
    pub(crate) fn begin(&self, arguments: &str) -> Child {
        self.sandbox.start(self.arguments(arguments))
    }

    #[expect(clippy::unused_self, reason = "an app's command")]
    fn arguments(&self, arguments: &str) -> Vec<String> {
        let mut all = vec!["sessions".to_owned()];
        all.extend(arguments.split_whitespace().map(str::to_owned));
        let paced = ["refresh", "revoke", "upgrade", "prune"]
            .iter()
            .any(|verb| arguments.starts_with(verb));
        if paced && !arguments.contains("--retry-for") {
            all.push("--retry-for=0s".to_owned());
        }
        all
    }

    /// Returns all stored records by their key.
    pub(crate) fn records(&self) -> BTreeMap<String, Value> {
        let rows = self.database.rows("SELECT key, value FROM auth_session");
        let record = |row: &String| {
            let (key, value) = row.split_once('|').unwrap();
            // Text that is not JSON is kept as it is.
            (key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)))
        };
        rows.iter().map(record).collect()
    }

    /// Returns the keys of all records, readable or not.
    pub(crate) fn records_left(&self) -> Vec<String> {
        self.database.rows("SELECT key FROM auth_session ORDER BY key")
    }

    /// Returns the record of one account.
    pub(crate) fn record(&self, did: &str) -> Option<Value> {
        self.records().remove(did)
    }

    /// Returns the directory for tokens that could not be stored.
    pub(crate) fn recovery_directory(&self) -> PathBuf {
        self.sandbox.path("../home/.local/state/oauthctl/recovery")
    }

    /// Returns the files in it.
    pub(crate) fn recovery_entries(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.recovery_directory()) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        // A process killed during a write leaves an unnamed entry.
        let mut paths: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
        paths.sort();
        paths
    }

    /// Returns the records in them.
    pub(crate) fn waiting_records(&self) -> Vec<Value> {
        let record = |path: &PathBuf| {
            let entry: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            serde_json::from_str(entry["record"].as_str().unwrap()).unwrap()
        };
        self.recovery_entries().iter().map(record).collect()
    }

    /// Returns accounts that must log in again: those without a living session, and those whose
    /// living session cannot be continued with the store or the recovery directory.
    pub(crate) fn lost(&self) -> BTreeSet<String> {
        let (records, entries) = (self.records(), self.waiting_records());
        let dids: Vec<_> = self.net.sessions().into_iter().map(|session| session.did).collect();
        let mut lost = self.lost_among(&dids, |did| records.get(did).cloned());
        lost.retain(|did| {
            !entries.iter().any(|record| did_of(record) == did && self.net.is_alive_with(record))
        });
        lost
    }

    /// Returns those of these accounts with whose record, as returned by `stored`, the app cannot
    /// continue.
    pub(crate) fn lost_among(
        &self,
        dids: &[String],
        mut stored: impl FnMut(&str) -> Option<Value>,
    ) -> BTreeSet<String> {
        let is_lost =
            |did: &&String| !stored(did).is_some_and(|record| self.net.is_alive_with(&record));
        dids.iter().filter(is_lost).cloned().collect()
    }

    /// Asserts that no user must log in again.
    #[track_caller]
    pub(crate) fn assert_nobody_lost(&self, context: impl std::fmt::Display) {
        let ended: Vec<_> =
            self.net.sessions().into_iter().filter_map(|session| session.ended).collect();
        assert_eq!(self.lost(), BTreeSet::new(), "{context}\n{ended:?}");
    }

    /// Returns the token requests with the refresh token of a session.
    pub(crate) fn exchanges(&self) -> Vec<Logged> {
        let mut requests = self.net.requests_to(Endpoint::Token);
        requests.retain(|request| request.did.is_some());
        requests
    }

    /// Counts the sessions by their number of refreshes.
    pub(crate) fn generations(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        for session in self.net.sessions() {
            *counts.entry(session.generation).or_default() += 1;
        }
        counts
    }

    /// Waits until the server has refreshed a session, answered or not.
    pub(crate) fn wait_for_exchange(&self) {
        wait_until(|| self.net.sessions().iter().any(|session| session.generation > 0));
    }

    /// Waits until this number of sessions have been refreshed.
    pub(crate) fn wait_for_exchanges(&self, count: u64) {
        wait_until(|| self.net.counters().exchanged >= count);
    }

    /// Sends a signal to a refresh in mid-run: the server has answered this number of token
    /// requests, and answers others only when the run has said that it stops.
    pub(crate) fn interrupted_refresh(&self, answered: u64, signal: &str) -> Output {
        let answers = Gate::closed();
        let hold = Fault::HoldAfter(answers.clone());
        self.net.inject(Injection::new(Endpoint::Token, hold).skip(answered));
        let mut child = self.begin("refresh --all");
        wait_until(|| answers.is_holding());
        interrupt(&child, signal);
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let mut text = String::new();
        while !text.contains("stopping, ") && stderr.read_line(&mut text).unwrap() > 0 {}
        answers.open();
        stderr.read_to_string(&mut text).unwrap();
        Output { stderr: text, ..self.sandbox.output_of(child) }
    }
}

/// Returns the account of a stored record.
pub(crate) fn did_of(record: &Value) -> &str {
    record["tokenSet"]["sub"].as_str().expect("a record names its account")
}

/// Returns an account named after its expected result.
pub(crate) fn to_be(result: &str) -> String {
    format!("did:plc:{result:a<24}")
}

/// Waits for a condition.
#[track_caller]
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "this never happens");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns a login of long ago, last refreshed this many days ago.
pub(crate) fn days_ago(days: u64) -> LoginOptions {
    hours_ago(days * 24)
}

/// Returns a login of long ago, last refreshed this many hours ago.
pub(crate) fn hours_ago(hours: u64) -> LoginOptions {
    LoginOptions {
        created_ago: Duration::from_hours(200 * 24),
        refreshed_ago: Some(Duration::from_hours(hours)),
        dpop_pool: Some(16),
        ..LoginOptions::default()
    }
}
