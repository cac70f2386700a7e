//! Tests of envelopes, and of the detection of layouts.

use std::collections::BTreeMap;

use testbed::redis::{Answer, Redis};

use super::apps::{App as _, SqliteApp};
use super::plain;
use crate::error::Failure;
use crate::store::{Kind, LayoutChoice, RecordKey, Store, StoreUrl, Written};

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// Session of the Node client.
const RECORD: &str = r#"{"authMethod":{"method":"none"},"tokenSet":{"iss":"https://as.example","aud":"https://pds.example",
    "sub":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","access_token":"a","refresh_token":"r","token_type":"DPoP"},
    "dpopJwk":{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"d"}}"#;

const STATE: &str = r#"{"iss":"https://as.example","verifier":"v","dpopJwk":{}}"#;

/// Returns an operator's own layout: `own:{did}` with these members.
fn own(members: &[(&str, &str)]) -> BTreeMap<String, BTreeMap<String, String>> {
    let usual = [("session_key", "own:{did}"), ("state_key", "own-state:{state}")];
    let members =
        usual.iter().chain(members).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    BTreeMap::from([("own".to_owned(), members.collect())])
}

async fn opened(
    redis: &Redis,
    layout: &str,
    own: &BTreeMap<String, BTreeMap<String, String>>,
) -> Result<Box<dyn Store>, Failure> {
    let url = StoreUrl::parse(&redis.url(), std::path::Path::new("")).unwrap();
    crate::store::open(&url, &plain(), &LayoutChoice::parse(layout, own)?).await
}

fn value(redis: &Redis, key: &str) -> serde_json::Value {
    let Answer::Bulk(Some(value)) = redis.ask(&["GET", key]) else { panic!("{key} is there") };
    serde_json::from_slice(&value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_in_an_envelope_is_taken_out_and_put_back() {
    let redis = Redis::start();
    let store = opened(&redis, "own", &own(&[("envelope", "true")])).await.unwrap();
    let key = RecordKey::from_text(&format!("own:{DID}"));
    redis.ask(&[
        "SET",
        &key.text(),
        r#"{"value":{"b":1,"a":2},"ttl":9,"cachedAt":1795420766438,"by":"app"}"#,
    ]);
    let record = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!(record.value, br#"{"b":1,"a":2}"#);
    assert_eq!(record.observed.column.unwrap().as_millisecond(), 1_795_420_766_438);
    assert_eq!(store.replace(&record, br#"{"c":3}"#).await.unwrap(), Written::Done);
    assert_eq!(store.replace(&record, br#"{"c":4}"#).await.unwrap(), Written::Changed);
    let now = value(&redis, &key.text());
    assert_eq!(
        (&now["value"]["c"], &now["ttl"], &now["by"]),
        (&3.into(), &9.into(), &"app".into())
    );
    assert_ne!(now["cachedAt"], 1_795_420_766_438_u64);
    let record = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!(store.remove(Kind::Session, &[record]).await.unwrap(), [Written::Done]);
    assert!(store.create(Kind::Session, &key, br#"{"d":4}"#, None).await.unwrap());
    assert_eq!(value(&redis, &key.text())["value"]["d"], 4);
    redis.ask(&["SET", &key.text(), "bare"]);
    let unwrapped = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert!(unwrapped.unreadable.is_some() && unwrapped.value.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_is_renewed_with_the_record() {
    let redis = Redis::start();
    let store = opened(&redis, "oauth-stamped", &BTreeMap::new()).await.unwrap();
    let key = RecordKey::from_text(&format!("oauth:session:{DID}"));
    redis.ask(&["SET", &key.text(), r#"{"a":1,"lastUpdatedAt":1000}"#]);
    let record = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!(record.observed.column.unwrap().as_millisecond(), 1000);
    let new = br#"{"a":2,"lastUpdatedAt":1000}"#;
    assert_eq!(store.replace(&record, new).await.unwrap(), Written::Done);
    let now = value(&redis, &key.text());
    assert_eq!(now["a"], 2);
    assert!(now["lastUpdatedAt"].as_i64().unwrap() > 1_700_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_is_told_from_its_records() {
    let stamped =
        RECORD.replace(r#"{"authMethod""#, r#"{"lastUpdatedAt":1795420766438,"authMethod""#);
    let wrapped = format!(r#"{{"value":{RECORD},"cachedAt":1}}"#);
    let by_browser = format!("oauth:session:{DID}:b0a1");
    let indigo = (by_browser.as_str(), r#"{"dpop_privatekey_multibase":"z"}"#);
    let key = |prefix: &str| format!("{prefix}{DID}");
    let none = BTreeMap::new();
    for (records, own, found) in [
        (vec![(key("atproto:oauth:sessions:"), RECORD)], &none, Ok("npmx")),
        (vec![(key("atproto:oauth:sessions:") + ":x1", RECORD)], &none, Ok("npmx-browser")),
        (
            vec![(key("oauth:session:"), RECORD), ("oauth:state:x".to_owned(), STATE)],
            &none,
            Ok("oauth"),
        ),
        (vec![(key("oauth:session:"), stamped.as_str())], &none, Ok("oauth-stamped")),
        (
            vec![(key("oauth:session:"), RECORD), (indigo.0.to_owned(), indigo.1)],
            &none,
            Ok("oauth"),
        ),
        (vec![(indigo.0.to_owned(), indigo.1)], &none, Err("the Go library indigo")),
        (vec![("authState:abc".to_owned(), STATE)], &none, Ok("auth-camel")),
        (
            vec![("cache:1".to_owned(), "{}")],
            &none,
            Err("cache:* (1 key, string, JSON of unknown shape)"),
        ),
        (
            vec![(key("oauth:session:"), RECORD), (key("session:"), RECORD)],
            &none,
            Err("records of several layouts: oauth, hypercerts"),
        ),
        (vec![(key("own:"), wrapped.as_str())], &own(&[("envelope", "true")]), Ok("own")),
        (vec![(key("own:"), wrapped.as_str())], &own(&[]), Err("a record in an envelope")),
        (vec![], &none, Err("no records that show its layout")),
    ] {
        let redis = Redis::start();
        for (key, value) in &records {
            redis.ask(&["SET", key, value]);
        }
        match (opened(&redis, "auto", own).await, found) {
            (Ok(store), Ok(name)) => assert_eq!(store.layout().name, name, "{records:?}"),
            (Err(error), Err(said)) => assert!(error.to_string().contains(said), "{error}"),
            (Ok(store), Err(_)) => panic!("{records:?} passed for {}", store.layout().name),
            (Err(error), Ok(name)) => panic!("{records:?} are {name}, and not: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_beside_a_full_one_is_noticed() {
    let redis = Redis::start_with(&[]);
    let mut connection = testbed::redis::Connection::open(redis.port()).unwrap();
    connection.ask(&["SELECT", "3"]).unwrap();
    connection.ask(&["SET", "a", "b"]).unwrap();
    let error = opened(&redis, "auto", &BTreeMap::new()).await.err().unwrap();
    let mut told = Vec::new();
    crate::ui::report(&error.into(), crate::ui::Palette::Plain, None, &mut told);
    assert!(String::from_utf8(told).unwrap().contains("db3: 1 key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_keeps_the_ttl_if_the_layout_has_none() {
    let redis = Redis::start();
    let store = opened(&redis, "atproto", &BTreeMap::new()).await.unwrap();
    let key = RecordKey::from_text(&format!("atproto:session:{DID}"));
    redis.ask(&["SET", &key.text(), "old", "EX", "1000"]);
    let read = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!(store.replace(&read, b"new").await.unwrap(), Written::Done);
    let Answer::Number(left) = redis.ask(&["TTL", &key.text()]) else {
        panic!("a number is answered")
    };
    assert!((900..=1000).contains(&left), "{left}");
    redis.ask(&["PERSIST", &key.text()]);
    let read = store.get(Kind::Session, &key).await.unwrap().unwrap();
    assert_eq!(store.replace(&read, b"newer").await.unwrap(), Written::Done);
    assert_eq!(redis.ask(&["TTL", &key.text()]), Answer::Number(-1));
    assert_eq!(redis.ask(&["GET", &key.text()]), Answer::Bulk(Some(b"newer".to_vec())));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_of_an_account_is_found_and_no_other_account_s() {
    let did = DID.parse().unwrap();
    let longer = format!("{DID}x");
    let ids = [
        format!("{DID}/a"),
        format!("{DID}/b"),
        format!("{longer}/a"),
        format!("{DID}/"),
        format!("x{DID}/a"),
    ];
    let found = async |store: Box<dyn Store>| {
        let mut keys: Vec<_> =
            store.sessions_of(&did).await.unwrap().into_iter().map(|found| found.key).collect();
        keys.sort();
        keys.iter().map(|key| key.text().into_owned()).collect::<Vec<_>>()
    };
    let redis = Redis::start();
    for id in &ids {
        redis.ask(&["SET", &format!("own:{id}"), "x"]);
    }
    let keys =
        found(opened(&redis, "own", &own(&[("session_key", "own:{did}/{sid}")])).await.unwrap())
            .await;
    assert_eq!(keys, [format!("own:{DID}/a"), format!("own:{DID}/b")]);

    let app = SqliteApp::new();
    for id in &ids {
        app.put(Kind::Session, id, &"x".into());
    }
    let members = [
        ("session_table", "auth_session"),
        ("state_table", "auth_state"),
        ("session_key", "{did}/{sid}"),
    ];
    let members = members.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let layout =
        LayoutChoice::parse("own", &BTreeMap::from([("own".to_owned(), members.into())])).unwrap();
    let url = StoreUrl::parse(&app.url(), std::path::Path::new("")).unwrap();
    let keys = found(crate::store::open(&url, &plain(), &layout).await.unwrap()).await;
    assert_eq!(keys, [format!("{DID}/a"), format!("{DID}/b")]);
}
