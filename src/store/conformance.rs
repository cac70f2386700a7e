//! Conformance tests that each [`Store`](super::Store) must pass against a real server.

mod apps;
mod broken;
mod forms;
mod postgres;
mod promises;
mod tables;

use testbed::redis::{Certificates, Cluster, Redis, Sentinels};
use testbed::upstash::Front;

use super::{Access, LayoutChoice, Store, StoreUrl};
use apps::{App, ClusterApp, RedisApp, SqliteApp};

/// Opens a store as a command would.
async fn open(url: &str, access: &Access, layout: &str) -> Box<dyn Store> {
    let url = StoreUrl::parse(url, std::path::Path::new("")).unwrap();
    let layout = LayoutChoice::parse(layout, &std::collections::BTreeMap::new()).unwrap();
    super::open(&url, access, &layout)
        .await
        .unwrap_or_else(|e| panic!("{e:?}: {:?}", std::error::Error::source(&e)))
}

async fn passes(url: &str, access: &Access, layout: &str, app: &dyn App) {
    let stores = [open(url, access, layout).await, open(url, access, layout).await];
    promises::all(&*stores[0], &*stores[1], app).await;
}

fn plain() -> Access {
    Access::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_its_promises() {
    let app = SqliteApp::new();
    passes(&app.url(), &plain(), "statusphere", &app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_its_promises() {
    let redis = Redis::start();
    passes(&redis.url(), &plain(), "npmx", &RedisApp(&redis)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_without_lifetimes_or_a_lock_keeps_its_promises() {
    let redis = Redis::start();
    passes(&format!("{}/0", redis.url()), &plain(), "atproto", &RedisApp(&redis)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_over_a_socket_keeps_its_promises() {
    let redis = Redis::start();
    let url = format!("unix://{}", redis.socket().display());
    passes(&url, &plain(), "npmx", &RedisApp(&redis)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_with_tls_and_a_user_of_its_own_keeps_its_promises() {
    let certificates = Certificates::new();
    // The permissions in the hint for NOPERM must suffice.
    let needed = super::redis::NEEDED
        .split_once("; SELECT")
        .expect("what is needed in some cases comes last")
        .0;
    let commands = needed.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
    let commands = commands.filter(|word| word.chars().all(|c| c.is_ascii_uppercase()));
    let user = ["--user", "operator", "on", ">p@ss:word", "~atproto:*", "~oauth:*", "~oauthctl:*"]
        .map(str::to_owned);
    let user: Vec<_> =
        user.into_iter().chain(commands.map(|name| format!("+{}", name.to_lowercase()))).collect();
    let redis =
        Redis::start_tls(&certificates, &user.iter().map(String::as_str).collect::<Vec<_>>());
    let url = format!("rediss://operator:p%40ss%3Aword@localhost:{}", redis.tls_port());
    let access = Access { ca_pem: Some(certificates.ca.clone().into_bytes()), ..Access::default() };
    passes(&url, &access, "npmx", &RedisApp(&redis)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_behind_sentinels_conforms_through_a_failover() {
    let mut sentinels = Sentinels::start();
    let store = open(&sentinels.url(), &plain(), "npmx").await;
    let other = open(&sentinels.url(), &plain(), "npmx").await;
    promises::all(&*store, &*other, &RedisApp(&sentinels.servers[0])).await;
    // The same connections, but another master.
    sentinels.servers[0].ask(&["FLUSHALL"]);
    sentinels.wait_for_replica();
    sentinels.kill_master();
    sentinels.wait_for_fail_over();
    promises::all(&*store, &*other, &RedisApp(&sentinels.servers[1])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_its_promises() {
    let cluster = Cluster::start(false);
    passes(&cluster.url(), &plain(), "npmx", &ClusterApp(&cluster)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_over_rest_keeps_its_promises() {
    let redis = Redis::start();
    let front = Front::start(redis.port(), "the-token").unwrap();
    let access = Access { token: Some("the-token".to_owned().into()), ..Default::default() };
    passes(&front.url(), &access, "npmx", &RedisApp(&redis)).await;
    assert!(front.requests() > 0);
}
