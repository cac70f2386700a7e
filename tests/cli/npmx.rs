//! App like npmx: sessions in Redis with the app's own lock, with a proxy in between.

use std::collections::BTreeSet;

use serde_json::Value;
use testbed::redis::{Answer, Redis};
use testbed::{Library, LoginOptions, Proxy};

use crate::app::{App, days_ago, did_of};

/// App, its Redis, and the connection.
pub(crate) struct Npmx {
    pub(crate) app: App,
    pub(crate) redis: Redis,
    pub(crate) proxy: Proxy,
    /// Client library of the app, which determines the keys, too.
    pub(crate) library: Library,
    pub(crate) dids: Vec<String>,
}

/// Returns the lock key of an account with the Node client.
pub(crate) fn lock(did: &str) -> String {
    format!("oauth:lock:@atproto-oauth-client-{did}")
}

/// Returns the record key of an account with the Node client.
pub(crate) fn key(did: &str) -> String {
    format!("atproto:oauth:sessions:{did}")
}

impl Npmx {
    /// Returns an app with this number of users, last active two days ago.
    pub(crate) fn with_users(users: usize) -> Self {
        let mut npmx = Self::new();
        npmx.log_in(users);
        npmx
    }

    /// Adds this number of users, last active two days ago, too.
    pub(crate) fn log_in(&mut self, users: usize) {
        let options = LoginOptions { library: self.library, ..days_ago(2) };
        for record in self.app.net.login_many(users, &options) {
            self.store(&record);
            self.dids.push(did_of(&record).to_owned());
        }
    }

    /// Returns an app without users.
    pub(crate) fn new() -> Self {
        let mut app = App::new();
        let redis = Redis::start();
        let proxy = Proxy::before(&redis.url()).unwrap();
        app.sandbox.set("OAUTHCTL_STORE", format!("redis://{}/0", proxy.address()));
        Self { app, redis, proxy, library: Library::Node, dids: Vec::new() }
    }

    /// Returns the record key of an account.
    pub(crate) fn key(&self, did: &str) -> String {
        match self.library {
            Library::Node => key(did),
            Library::Atcute => format!("atproto:oauth:sessions:v2:{did}"),
        }
    }

    /// Returns the lock key of an account.
    fn lock(&self, did: &str) -> String {
        match self.library {
            Library::Node => lock(did),
            Library::Atcute => format!("oauth:lock:oauth-session-{did}"),
        }
    }

    /// Stores a session as the app does.
    pub(crate) fn store(&self, record: &Value) {
        self.redis.ask(&["SET", &self.key(did_of(record)), &record.to_string(), "EX", "15000000"]);
    }

    /// Returns the stored record of one account.
    pub(crate) fn record(&self, did: &str) -> Option<Value> {
        let Answer::Bulk(Some(text)) = self.redis.ask(&["GET", &self.key(did)]) else {
            return None;
        };
        serde_json::from_slice(&text).ok()
    }

    /// Deletes the locks that were not released, as if they had expired.
    pub(crate) fn release_locks(&self) {
        for did in &self.dids {
            self.redis.ask(&["DEL", &self.lock(did)]);
        }
    }

    /// Returns accounts with whose record the app cannot continue.
    pub(crate) fn lost(&self) -> BTreeSet<String> {
        self.app.lost_among(&self.dids, |did| self.record(did))
    }

    #[track_caller]
    pub(crate) fn assert_nobody_lost(&self, context: impl std::fmt::Display) {
        let lost = self.lost();
        assert!(lost.is_empty(), "{lost:?}: {context}");
    }
}
