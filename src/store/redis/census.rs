//! Reads all records of a Redis under any key, because the client keys in use do not depend on the
//! configured layout.

use std::sync::{Arc, LazyLock};

use super::records::OWN_PREFIX;
use super::scan::{self, Search};
use super::{Access, RedisAddress, Rest, RestAddress, Server, check_reachable, connect, detect};
use crate::error::Failure;
use crate::session::KeyDependence;
use crate::store::layout::{self, Layout};
use crate::store::scan::{Scan, ScanSender};
use crate::store::{Kind, Stored, Want};

/// Pseudo layout that matches all keys as pending logins.
static EVERY_KEY: LazyLock<Arc<Layout>> = LazyLock::new(|| {
    let (sessions, logins) =
        (layout::keys("oauthctl:no-session:{did}", 0), layout::keys("{state}", 0));
    Arc::new(Layout { sessions, logins, ..layout::bare() })
});

/// Words in keys of sessions and logins. Under such keys, encrypted values count as records, too.
const WORDS: [&str; 2] = ["sess", "auth"];

/// Streams the values under the keys of all layouts, and values under other keys that look like
/// records.
pub(in crate::store) async fn census(
    address: &RedisAddress,
    access: &Access,
    layouts: Vec<Arc<Layout>>,
) -> Result<Scan, Failure> {
    start(connect(address, access)?, address.to_string(), layouts).await
}

/// Streams the same as [`census`], over REST.
pub(in crate::store) async fn census_rest(
    address: &RestAddress,
    access: &Access,
    layouts: Vec<Arc<Layout>>,
) -> Result<Scan, Failure> {
    start(Arc::new(Rest::new(address, access)?), address.to_string(), layouts).await
}

/// Checks whether keys show a record of a layout, or of a client library under keys that are like many
/// others.
pub(in crate::store) async fn has_records(
    address: &RedisAddress,
    access: &Access,
    layouts: &[Arc<Layout>],
) -> Result<bool, Failure> {
    any(&*connect(address, access)?, &address.to_string(), layouts).await
}

/// The same over REST.
pub(in crate::store) async fn has_records_rest(
    address: &RestAddress,
    access: &Access,
    layouts: &[Arc<Layout>],
) -> Result<bool, Failure> {
    any(&Rest::new(address, access)?, &address.to_string(), layouts).await
}

async fn any(server: &dyn Server, place: &str, layouts: &[Arc<Layout>]) -> Result<bool, Failure> {
    check_reachable(server, place).await?;
    detect::has_records(server, layouts).await.map_err(|e| e.explain(&place))
}

/// Returns the addresses of non-empty other databases of the server, or none if it does not report
/// them.
pub(in crate::store) async fn other_databases(
    address: &RedisAddress,
    access: &Access,
) -> Vec<RedisAddress> {
    let Ok(server) = connect(address, access) else { return Vec::new() };
    let numbers = detect::databases(&*server).await.into_iter().map(|(number, _)| number);
    let others = numbers.filter(|number| *number != address.database);
    others.map(|database| RedisAddress { database, ..address.clone() }).collect()
}

async fn start(
    server: Arc<dyn Server>,
    place: String,
    layouts: Vec<Arc<Layout>>,
) -> Result<Scan, Failure> {
    check_reachable(&*server, &place).await?;
    let want = Want { values: true, ttls: false };
    let search =
        Search { layout: Arc::clone(&EVERY_KEY), kind: Kind::State, want, glob: "*".to_owned() };
    let mut all = scan::start(server, place.into(), search);
    let (sender, records) = Scan::channel();
    tokio::spawn(async move {
        let outcome = keep_records(&mut all, &layouts, &sender).await;
        sender.end(outcome).await;
    });
    Ok(records)
}

async fn keep_records(
    all: &mut Scan,
    layouts: &[Arc<Layout>],
    sender: &ScanSender,
) -> anyhow::Result<()> {
    while let Some(mut found) = all.next().await? {
        found.retain(|stored| may_be_record(stored, layouts));
        if !found.is_empty() && sender.send(found).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn may_be_record(stored: &Stored, layouts: &[Arc<Layout>]) -> bool {
    let key = stored.key.text();
    let is_lock = |layout: &Arc<Layout>| layout.lock.is_key(&key);
    if key.starts_with(OWN_PREFIX) || layouts.iter().any(is_lock) {
        return false;
    }
    let is_of = |layout: &Arc<Layout>| {
        let kinds = [Kind::Session, Kind::State];
        layout.has_keys()
            && kinds.iter().any(|kind| layout.pattern(*kind).parse_key(&key).is_some())
    };
    layouts.iter().any(is_of)
        || KeyDependence::of(&stored.value) != KeyDependence::None
        || is_sealed(stored)
}

/// Checks whether the record may be an encrypted session or login, judging by its key. JSON that is
/// not a record is another cache of the account.
fn is_sealed(stored: &Stored) -> bool {
    let key = stored.key.text().to_ascii_lowercase();
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(&stored.value).is_ok();
    key.contains("did:")
        && WORDS.iter().any(|word| key.contains(word))
        && !stored.value.is_empty()
        && !is_json()
}
