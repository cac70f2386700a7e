//! Conformance tests, one function each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::apps::App;
use crate::session::Did;
use crate::store::{Durability, Kind, RecordKey, Store, Stored, Want, Written};

const ALL: Want = Want { values: true, ttls: true };

/// Number of records sufficient for several pages and requests in all stores.
const MANY: usize = 1700;

fn did(n: usize) -> Did {
    format!("did:plc:{n:024}").parse().unwrap()
}

fn session_key(store: &dyn Store, n: usize) -> RecordKey {
    RecordKey::from_text(&store.layout().session_pattern().key(did(n).as_str(), None))
}

/// Returns the key of a pending login, in stores with keys and in those with tables.
fn state_key(store: &dyn Store, n: usize) -> RecordKey {
    let pattern = store.layout().pattern(Kind::State);
    RecordKey::from_text(&pattern.key(&format!("state{n}"), None))
}

/// Returns a value. Stores may reformat it, so values are compared as JSON.
fn session(n: usize) -> Json {
    json!({"session": n, "refresh_token": format!("token-{n}")})
}

fn state(n: usize) -> Json {
    json!({"state": n})
}

fn bytes(value: &Json) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn read(record: &Stored) -> Json {
    serde_json::from_slice(&record.value).unwrap()
}

/// Runs all tests. `other` is another connection to the same store.
pub(super) async fn all(store: &dyn Store, other: &dyn Store, app: &dyn App) {
    looking_creates_nothing(store, app).await;
    a_scan_brings_every_record_once(store, app).await;
    single_records_are_found(store, app).await;
    a_replacement_stands_only_in_the_place_of_what_was_read(store, app).await;
    whether_writing_is_possible_is_found_out_without_writing(store, app).await;
    a_record_is_created_once(store, app).await;
    only_what_did_not_change_is_removed(store, app).await;
    states_are_removed_by_their_keys(store, app).await;
    a_lock_is_held_by_one(store, other).await;
    notes_are_kept_apart_and_forgotten(store, other).await;
}

async fn scanned(store: &dyn Store, kind: Kind, want: Want) -> BTreeMap<RecordKey, Stored> {
    let mut found = BTreeMap::new();
    let mut scan = store.scan(kind, want);
    while let Some(records) = scan.next().await.unwrap() {
        for record in records {
            let before = found.insert(record.key.clone(), record);
            assert!(before.is_none(), "{before:?} came twice");
        }
    }
    found
}

async fn looking_creates_nothing(store: &dyn Store, app: &dyn App) {
    let before = app.size();
    assert!(scanned(store, Kind::Session, ALL).await.is_empty());
    assert!(scanned(store, Kind::State, ALL).await.is_empty());
    assert!(store.get(Kind::Session, &session_key(store, 1)).await.unwrap().is_none());
    assert!(store.sessions_of(&did(1)).await.unwrap().is_empty());
    assert_eq!(store.notes(&["a".to_owned()]).await.unwrap(), [None]);
    assert_eq!(app.size(), before);
}

async fn a_scan_brings_every_record_once(store: &dyn Store, app: &dyn App) {
    for n in 0..MANY {
        app.put(Kind::Session, &session_key(store, n).text(), &session(n));
    }
    for n in 0..3 {
        app.put(Kind::State, &state_key(store, n).text(), &state(n));
    }
    for want in [ALL, Want { values: true, ttls: false }, Want { values: false, ttls: true }] {
        let found = scanned(store, Kind::Session, want).await;
        let keys: BTreeSet<_> = (0..MANY).map(|n| session_key(store, n)).collect();
        assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), keys);
        for n in [0, 1, MANY - 1].into_iter().filter(|_| want.values) {
            let record = &found[&session_key(store, n)];
            assert_eq!(read(record), session(n));
            assert_eq!((record.ttl, record.unreadable), (None, None));
        }
        assert_eq!(scanned(store, Kind::State, want).await.len(), 3);
    }
}

async fn single_records_are_found(store: &dyn Store, app: &dyn App) {
    let key = session_key(store, 1);
    let record = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!((&record.key, read(&record)), (&key, session(1)));
    let login = store.get(Kind::State, &state_key(store, 2)).await.unwrap().unwrap();
    assert_eq!(read(&login), state(2));
    let of_account = store.sessions_of(&did(1)).await.unwrap();
    assert_eq!(of_account.len(), 1);
    assert_eq!(read(&of_account[0]), session(1));
    app.put(Kind::Session, &key.text(), &json!("changed"));
    assert_eq!(read(&store.get(Kind::Session, &key).await.unwrap().unwrap()), json!("changed"));
}

async fn a_replacement_stands_only_in_the_place_of_what_was_read(store: &dyn Store, app: &dyn App) {
    let key = session_key(store, 2);
    let found = store.get(Kind::Session, &key).await.unwrap().unwrap();
    let [new, newer] = [session(20_000), session(30_000)];
    let written = store.replace(&found, &bytes(&new)).await.unwrap();
    assert_eq!(
        written == Written::Unconfirmed,
        is_confirmed_later(store, &key, &new).await,
        "{written:?}"
    );
    assert_eq!(app.value(Kind::Session, &key.text()), Some(new.clone()));
    if let Some(ttl) = store.layout().session_ttl() {
        let (left, whole) =
            (app.ttl(&key.text()).unwrap(), Duration::try_from(ttl.duration()).unwrap());
        assert!(left <= whole && left + Duration::from_mins(1) > whole, "{left:?} of {whole:?}");
    } else {
        assert_eq!(app.ttl(&key.text()), None);
    }
    assert_eq!(store.replace(&found, &bytes(&newer)).await.unwrap(), Written::Changed);
    assert_eq!(app.value(Kind::Session, &key.text()), Some(new));
    let absent = session_key(store, MANY + 1);
    let read = Stored { key: absent.clone(), ..found };
    assert_eq!(store.replace(&read, &bytes(&newer)).await.unwrap(), Written::Gone);
    assert_eq!(app.value(Kind::Session, &absent.text()), None);
}

/// Checks whether another server may take over. If so, the current servers and their replicas must
/// have the record.
async fn is_confirmed_later(store: &dyn Store, key: &RecordKey, value: &Json) -> bool {
    let Some(checkpoint) = store.checkpoint().await.unwrap() else { return false };
    let record = checkpoint.store().get(Kind::Session, key).await.unwrap().unwrap();
    assert_eq!(read(&record), *value);
    assert_eq!(checkpoint.durability().await, Durability::Durable);
    true
}

async fn whether_writing_is_possible_is_found_out_without_writing(
    store: &dyn Store,
    app: &dyn App,
) {
    let seen = || (app.size(), app.value(Kind::Session, &session_key(store, 1).text()));
    let before = seen();
    store.check_writable().await.unwrap();
    assert_eq!(seen(), before);
}

async fn a_record_is_created_once(store: &dyn Store, app: &dyn App) {
    let key = session_key(store, MANY + 2);
    let ttl = Duration::from_secs(1000);
    assert!(store.create(Kind::Session, &key, &bytes(&session(1)), Some(ttl)).await.unwrap());
    assert!(!store.create(Kind::Session, &key, &bytes(&session(2)), Some(ttl)).await.unwrap());
    assert_eq!(app.value(Kind::Session, &key.text()), Some(session(1)));
    if app.can().lifetimes {
        let left = app.ttl(&key.text()).unwrap();
        assert!(left <= ttl && left > Duration::from_mins(15), "{left:?}");
        let record = store.get(Kind::Session, &key).await.unwrap().unwrap();
        assert!(record.ttl.is_some());
        assert_eq!(record.observed.ttl_age.is_some(), store.layout().session_ttl().is_some());
    }
    let login = state_key(store, 9);
    assert!(store.create(Kind::State, &login, &bytes(&state(9)), None).await.unwrap());
    assert_eq!(app.ttl(&login.text()), None);
}

async fn only_what_did_not_change_is_removed(store: &dyn Store, app: &dyn App) {
    let listed = scanned(store, Kind::Session, ALL).await;
    let take = |n: usize| listed[&session_key(store, n)].clone();
    let mut records: Vec<_> = (10..900).map(take).collect();
    app.put(Kind::Session, &session_key(store, 11).text(), &json!("changed"));
    let first = store.remove(Kind::Session, &records[..1]).await.unwrap();
    assert_eq!(first, [Written::Done]);
    let outcomes = store.remove(Kind::Session, &records).await.unwrap();
    assert_eq!(outcomes.len(), records.len());
    assert_eq!(&outcomes[..3], [Written::Gone, Written::Changed, Written::Done]);
    assert!(outcomes[2..].iter().all(|outcome| *outcome == Written::Done));
    assert_eq!(app.value(Kind::Session, &session_key(store, 11).text()), Some(json!("changed")));
    assert_eq!(app.value(Kind::Session, &session_key(store, 12).text()), None);
    assert_eq!(app.value(Kind::Session, &session_key(store, 900).text()), Some(session(900)));
    records.clear();
    assert!(store.remove(Kind::Session, &records).await.unwrap().is_empty());
}

async fn states_are_removed_by_their_keys(store: &dyn Store, app: &dyn App) {
    let listed: Vec<_> = scanned(store, Kind::State, Want { values: false, ttls: false })
        .await
        .into_values()
        .collect();
    assert_eq!(listed.len(), 4);
    assert_eq!(store.remove(Kind::State, &listed).await.unwrap(), [Written::Done; 4]);
    assert_eq!(store.remove(Kind::State, &listed).await.unwrap(), [Written::Gone; 4]);
    assert_eq!(app.value(Kind::State, &state_key(store, 1).text()), None);
}

async fn a_lock_is_held_by_one(store: &dyn Store, other: &dyn Store) {
    let (long, short) = (Duration::from_secs(10), Duration::from_millis(150));
    let held = store
        .lock(&store.layout().lock_name(&did(1)), short)
        .await
        .unwrap()
        .expect("nobody holds it");
    assert!(
        held.remaining() > Duration::from_secs(5) && held.remaining() <= Duration::from_mins(1)
    );
    let begun = Instant::now();
    assert!(other.lock(&other.layout().lock_name(&did(1)), short).await.unwrap().is_none());
    assert!(begun.elapsed() >= short && begun.elapsed() < Duration::from_secs(5));
    let unrelated = other
        .lock(&other.layout().lock_name(&did(2)), short)
        .await
        .unwrap()
        .expect("another account's lock is free");
    assert!(unrelated.release().await.unwrap());
    // A waiting client gets the lock after its release.
    let name = store.layout().lock_name(&did(1));
    let (waited, released) = tokio::join!(other.lock(&name, long), async {
        tokio::time::sleep(short).await;
        held.release().await
    });
    assert!(released.unwrap());
    // A lock dropped by a panic is released, too.
    drop(waited.unwrap().expect("it was given back"));
    let again = store
        .lock(&store.layout().lock_name(&did(1)), long)
        .await
        .unwrap()
        .expect("it was given back by the drop");
    assert!(again.release().await.unwrap());
}

async fn notes_are_kept_apart_and_forgotten(store: &dyn Store, other: &dyn Store) {
    let before = scanned(store, Kind::Session, Want { values: false, ttls: false }).await.len();
    let name = |n: usize| format!("note-{n}");
    let notes: Vec<_> =
        (0..600).map(|n| (name(n), format!("{{\"n\":{n}}}").into_bytes())).collect();
    store.write_notes(&notes, Duration::from_secs(1000)).await.unwrap();
    store
        .write_notes(&[("short".to_owned(), b"x".to_vec())], Duration::from_millis(80))
        .await
        .unwrap();
    let names: Vec<_> = [name(599), "none".to_owned(), name(0)].into();
    let read = other.notes(&names).await.unwrap();
    assert_eq!(read, [Some(notes[599].1.clone()), None, Some(notes[0].1.clone())]);
    store.write_notes(&[(name(0), b"newer".to_vec())], Duration::from_secs(1000)).await.unwrap();
    assert_eq!(other.notes(&[name(0)]).await.unwrap(), [Some(b"newer".to_vec())]);
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert_eq!(other.notes(&["short".to_owned()]).await.unwrap(), [None]);
    let names: Vec<_> =
        (0..600).map(name).chain(["none".to_owned()]).filter(|name| name != "note-7").collect();
    store.remove_notes(&names).await.unwrap();
    assert_eq!(
        other.notes(&[name(0), name(7), name(599)]).await.unwrap(),
        [None, Some(notes[7].1.clone()), None]
    );
    assert_eq!(
        scanned(store, Kind::Session, Want { values: false, ttls: false }).await.len(),
        before
    );
}
