//! Tests of Redis failures: nothing is lost, duplicated or guessed.

use std::time::Duration;

use testbed::redis::{Answer, Cluster, Redis, Sentinels};
use testbed::{Proxy, did};

use super::{open, plain};
use crate::store::{
    Kind, LayoutChoice, RecordKey, Store, StoreUrl, Stored, Unreadable, Want, Written,
};

const VALUES: Want = Want { values: true, ttls: false };

/// Number of records large enough for a failure during a scan.
const MANY: usize = 30_000;

fn proxied(redis: &Redis) -> (Proxy, String) {
    let proxy = Proxy::start(([127, 0, 0, 1], redis.port()).into()).unwrap();
    let url = format!("redis://{}", proxy.address());
    (proxy, url)
}

/// Fills a server with sessions. Uses several commands, because a server that is busy for long
/// counts as dead.
fn fill(redis: &Redis, count: usize) {
    let script = "for n = ARGV[1] + 1, ARGV[1] + ARGV[2] do
        redis.call('SET', 'atproto:oauth:sessions:did:plc:' .. n, ('x'):rep(300)) end";
    let step = 1000;
    for done in (0..count).step_by(step) {
        let filled = redis.ask(&["EVAL", script, "0", &done.to_string(), &step.to_string()]);
        assert_eq!(filled, Answer::Bulk(None));
    }
}

async fn refused(url: &str) -> String {
    let url = StoreUrl::parse(url, std::path::Path::new("")).unwrap();
    let layout = LayoutChoice::parse("npmx", &std::collections::BTreeMap::new()).unwrap();
    let error = crate::store::open(&url, &plain(), &layout).await.err().expect("it must not open");
    told(&error.into())
}

/// Returns the error with its hint on one line.
fn told(error: &anyhow::Error) -> String {
    let mut told = Vec::new();
    crate::ui::report(error, crate::ui::Palette::Plain, None, &mut told);
    String::from_utf8(told).unwrap().replace('\n', " | ")
}

async fn count(store: &dyn Store) -> anyhow::Result<usize> {
    let mut scan = store.scan(Kind::Session, VALUES);
    let mut count = 0;
    while let Some(records) = scan.next().await? {
        count += records.len();
    }
    Ok(count)
}

/// Scans to the end with a failure after some batches. Counts the records, and checks that each
/// occurs once.
async fn scanned(store: &dyn Store, want: Want, mut after: impl FnMut(usize)) -> usize {
    let mut scan = store.scan(Kind::Session, want);
    let (mut keys, mut batches) = (std::collections::HashSet::new(), 0);
    while let Some(records) = scan.next().await.unwrap() {
        assert!(records.into_iter().all(|record| keys.insert(record.key)), "a record came twice");
        batches += 1;
        after(batches);
    }
    keys.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_looked_up() {
    let redis = Redis::start();
    let (proxy, url) = proxied(&redis);
    let store = open(&url, &plain(), "npmx").await;
    let key = RecordKey::from_text(&format!("atproto:oauth:sessions:{}", did()));
    assert!(store.create(Kind::Session, &key, b"one", None).await.unwrap());

    // The command arrives, its answer is lost, and the connection is down for a while.
    let lose = || {
        proxy.cut_after_down(Some(0));
        async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            proxy.heal();
        }
    };
    let read = Stored::new(key.clone(), b"one".to_vec().into());
    let (written, ()) = tokio::join!(store.replace(&read, b"two"), lose());
    assert_eq!(written.unwrap(), Written::Done);
    assert_eq!(redis.ask(&["GET", &key.text()]), Answer::Bulk(Some(b"two".to_vec())));

    proxy.kill_all();
    let other = RecordKey::from_text(&format!("atproto:oauth:sessions:{}", did()));
    let (created, ()) = tokio::join!(store.create(Kind::Session, &other, b"new", None), lose());
    assert!(created.unwrap());

    proxy.kill_all();
    let listed = store.get(Kind::Session, &key).await.unwrap().unwrap();
    proxy.kill_all();
    let listed = [listed];
    let (removed, ()) = tokio::join!(store.remove(Kind::Session, &listed), lose());
    assert_eq!(removed.unwrap(), [Written::Done]);
    assert_eq!(redis.ask(&["EXISTS", &key.text()]), Answer::Number(0));

    proxy.kill_all();
    let name = store.layout().lock_name(&did().parse().unwrap());
    let (held, ()) = tokio::join!(store.lock(&name, Duration::from_secs(5)), lose());
    assert!(held.unwrap().expect("it is ours").release().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_with_a_lost_connection_returns_each_record_once() {
    let redis = Redis::start();
    fill(&redis, MANY);
    let (proxy, url) = proxied(&redis);
    let store = open(&url, &plain(), "npmx").await;
    let count = scanned(&*store, VALUES, |batches| {
        if batches == 10 || batches == 30 {
            proxy.kill_all();
        }
    });
    assert_eq!(count.await, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_over_during_a_scan_loses_and_doubles_nothing() {
    let mut sentinels = Sentinels::start();
    fill(&sentinels.servers[0], MANY);
    sentinels.wait_for_replica();
    let store = open(&sentinels.url(), &plain(), "npmx").await;
    let count = scanned(&*store, VALUES, |batches| {
        if batches == 1 {
            sentinels.kill_master();
            // The scan pauses until it is read. This test is not about the time that sentinels
            // take.
            sentinels.wait_for_fail_over();
        }
    });
    assert_eq!(count.await, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_replicas_take_over_is_scanned_whole() {
    let mut cluster = Cluster::start(true);
    let url = cluster.url();
    let store = open(&url, &plain(), "npmx").await;
    for n in 0..3000 {
        let key = RecordKey::from_text(&format!("atproto:oauth:sessions:did:plc:{n}"));
        assert!(store.create(Kind::Session, &key, b"x", None).await.unwrap());
    }
    cluster.wait_for_replicas();
    let mut scan = store.scan(Kind::Session, VALUES);
    let first = scan.next().await.unwrap().unwrap().len();
    cluster.nodes[0].kill();
    let mut all = first;
    while let Some(records) = scan.next().await.unwrap() {
        all += records.len();
    }
    assert_eq!(all, 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_lost_a_part_is_never_counted() {
    let mut cluster = Cluster::start(false);
    let store = open(&cluster.url(), &plain(), "npmx").await;
    let key = RecordKey::from_text("atproto:oauth:sessions:did:plc:1");
    assert!(store.create(Kind::Session, &key, b"x", None).await.unwrap());
    cluster.nodes[2].kill();
    let error = count(&*store).await.unwrap_err();
    assert!(told(&error).starts_with(&format!("error: {}: ", cluster.url())), "{}", told(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_record_is_listed_as_such() {
    let redis = Redis::start();
    let key = |name: &str| format!("atproto:oauth:sessions:did:web:{name}");
    redis.ask(&["RPUSH", &key("list"), "1"]);
    redis.ask(&["HSET", &key("hash"), "a", "1"]);
    redis.ask(&["SET", &key("escape"), "\u{1b}[31m"]);
    redis.ask(&[b"SET".as_slice(), key("binary").as_bytes(), b"\xff\x00"]);
    redis.ask(&[b"SET".as_slice(), key("huge").as_bytes(), &vec![b'x'; 3 << 20]]);
    let store = open(&redis.url(), &plain(), "npmx").await;
    let mut scan = store.scan(Kind::Session, VALUES);
    let mut found = Vec::new();
    while let Some(records) = scan.next().await.unwrap() {
        found.extend(records);
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let seen: Vec<_> = found.iter().map(|record| (&*record.value, record.unreadable)).collect();
    assert_eq!(
        seen,
        [
            (b"\xff\x00".as_slice(), None),
            (b"\x1b[31m", None),
            (b"", Some(Unreadable::WrongType("hash"))),
            (b"", Some(Unreadable::TooLarge)),
            (b"", Some(Unreadable::WrongType("list"))),
        ]
    );
    for record in &found {
        let again = store.get(Kind::Session, &record.key).await.unwrap().unwrap();
        assert_eq!((&*again.value, again.unreadable), (&*record.value, record.unreadable));
        if record.unreadable.is_some() {
            assert_ne!(store.replace(record, b"x").await.unwrap(), Written::Done);
        }
    }
    assert_eq!(store.remove(Kind::Session, &found).await.unwrap(), [Written::Done; 5]);
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_got_wrong_is_said() {
    let guarded = Redis::start_with(&["--requirepass", "right"]);
    let at = |login: &str, scheme: &str| format!("{scheme}://{login}127.0.0.1:{}", guarded.port());
    for (url, said) in [
        (at("", "redis"), "NOAUTH"),
        (at(":wrong-secret@", "redis"), "WRONGPASS"),
        (at(":right@", "redis") + "/99", "DB index is out of range"),
        (at(":right@", "redis+cluster"), "this is not a cluster"),
        (at("", "redis+sentinel") + "/mymaster", "NOAUTH"),
        (format!("redis://127.0.0.1:{}", testbed::redis::free_port()), "nothing listens there"),
        ("redis://host.invalid".to_owned(), "cannot resolve the name"),
        ("unix:///nowhere/redis.sock".to_owned(), "the socket does not exist"),
    ] {
        let told = refused(&url).await;
        assert!(told.contains(said) && told.contains("hint: "), "{url}: {told}");
        assert!(!told.contains("secret"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_write_permission_is_reported_in_advance() {
    let user = |name: &str, not: &str| {
        ["--user", name, "on", ">pass", "~*", "+@all", not].map(str::to_owned)
    };
    let users = [
        user("scripts", "-evalsha"),
        user("writes", "-set"),
        user("times", "-pttl"),
        user("none", "+set"),
    ]
    .concat();
    let redis = Redis::start_with(&users.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, may) in [("scripts", false), ("writes", false), ("times", false), ("none", true)] {
        let store =
            open(&format!("redis://{name}:pass@127.0.0.1:{}", redis.port()), &plain(), "npmx")
                .await;
        match store.check_writable().await {
            Ok(()) => assert!(may, "{name}"),
            Err(error) => {
                assert!(
                    !may && told(&error).contains("hint: this user lacks rights"),
                    "{name}: {}",
                    told(&error)
                );
            }
        }
    }
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_write_says_why() {
    let master = Redis::start();
    let replica = Redis::start_with(&["--replicaof", &format!("127.0.0.1 {}", master.port())]);
    let full = Redis::start_with(&["--maxmemory", "1"]);
    for (redis, said) in [(&replica, "read-only replica"), (&full, "maxmemory")] {
        let store = open(&redis.url(), &plain(), "npmx").await;
        let key = RecordKey::from_text("atproto:oauth:sessions:did:plc:1");
        for refused in [
            store.create(Kind::Session, &key, b"x", None).await.map(drop),
            store.check_writable().await,
        ] {
            let told = told(&refused.unwrap_err());
            assert!(told.contains(said), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_named_by_one_server_outlives_it() {
    let mut cluster = Cluster::start(true);
    let seed = format!("redis+cluster://127.0.0.1:{}/", cluster.nodes[0].port());
    let store = open(&seed, &plain(), "npmx").await;
    let keys: Vec<_> = (0..30)
        .map(|n| RecordKey::from_text(&format!("atproto:oauth:sessions:did:plc:{n}")))
        .collect();
    for key in &keys {
        assert!(store.create(Kind::Session, key, b"old", None).await.unwrap());
    }
    cluster.wait_for_replicas();
    cluster.nodes[0].kill();
    for key in &keys {
        let written =
            store.replace(&Stored::new(key.clone(), b"old".to_vec().into()), b"new").await.unwrap();
        assert!(matches!(written, Written::Done | Written::Unconfirmed), "{written:?}");
        assert_eq!(store.get(Kind::Session, key).await.unwrap().unwrap().value, b"new");
    }
    let lock = store
        .lock(&store.layout().lock_name(&did().parse().unwrap()), Duration::from_secs(5))
        .await
        .unwrap();
    assert!(lock.expect("nobody holds it").release().await.unwrap());
    store.check_writable().await.unwrap();
}

/// Returns the number of requests for a page of keys at a server.
fn pages(redis: &Redis) -> u64 {
    let Answer::Bulk(Some(info)) = redis.ask(&["INFO", "commandstats"]) else {
        panic!("it has figures")
    };
    let info = String::from_utf8(info).unwrap();
    let calls = info.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls=")).unwrap();
    calls.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_resumes_after_repeated_connection_losses() {
    let redis = Redis::start();
    fill(&redis, MANY);
    let (proxy, url) = proxied(&redis);
    let store = open(&url, &plain(), "npmx").await;
    let keys = Want { values: false, ttls: false };
    assert_eq!(scanned(&*store, keys, |_| ()).await, MANY);
    let undisturbed = pages(&redis);
    let count = scanned(&*store, keys, |batches| {
        if batches % 8 == 0 {
            proxy.kill_all();
        }
    });
    assert_eq!(count.await, MANY);
    // Each page once, and again after a lost connection, but not all from the start.
    let (asked, enough) = (pages(&redis) - undisturbed, 2 * undisturbed);
    assert!(asked <= enough, "{asked} pages, {enough} are enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_begins_anew_with_a_server_that_was_restarted() {
    let mut redis = Redis::start();
    fill(&redis, MANY);
    redis.ask(&["SAVE"]);
    let store = open(&redis.url(), &plain(), "npmx").await;
    let count = scanned(&*store, VALUES, |batches| {
        if batches == 1 {
            redis.kill();
            redis.restart();
        }
    });
    assert_eq!(count.await, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_server_that_lags_behind_is_told_what_was_seen() {
    let redis = Redis::start();
    let front = testbed::upstash::Front::start(redis.port(), "the-token").unwrap();
    let access =
        crate::store::Access { token: Some("the-token".to_owned().into()), ..Default::default() };
    let store = open(&front.url(), &access, "npmx").await;
    for _ in 0..3 {
        let answered = front.requests();
        assert_eq!(
            store.get(Kind::Session, &RecordKey::from_text("none")).await.unwrap().map(|_| ()),
            None
        );
        assert_eq!(front.last_seen(), (answered > 0).then_some(answered));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_rest_cannot_carry_is_set_aside() {
    let redis = Redis::start();
    redis.ask(&[b"SET".as_slice(), b"atproto:oauth:sessions:did:web:\xff", b"x"]);
    redis.ask(&["SET", "atproto:oauth:sessions:did:plc:1", "y"]);
    let front = testbed::upstash::Front::start(redis.port(), "the-token").unwrap();
    let access =
        crate::store::Access { token: Some("the-token".to_owned().into()), ..Default::default() };
    let store = open(&front.url(), &access, "npmx").await;
    let mut scan = store.scan(Kind::Session, Want { values: true, ttls: true });
    let mut found = Vec::new();
    while let Some(records) = scan.next().await.unwrap() {
        found.extend(records);
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let seen: Vec<_> =
        found.iter().map(|record| (&*record.value, record.unreadable.is_some())).collect();
    assert_eq!(seen, [(b"y".as_slice(), false), (b"", true)]);
    assert_eq!(
        store.remove(Kind::Session, &found).await.unwrap(),
        [Written::Done, Written::Changed]
    );
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(1));
}
