//! Property tests: no check panics on any input.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::{bool, option};
use serde_json::{Map, Value, json};

use super::metadata::Configured;
use super::sessions::Tally;
use super::{Finding, LocalKeys, clock, jwks, keys, metadata, server, sessions, settings};
use crate::arbitrary::{Damage, damage, json, text};
use crate::environment::Environment;
use crate::jose::{ClientKey, KeyForm, KeySet};
use crate::keyring::{self, KeySource};
use crate::oauth::{Published, Served};
use crate::session::ClientId;
use crate::settings::{Overrides, Settings, SettingsFile};
use crate::store::{Kind, Layout, RecordKey, Stored};

/// Members that any check reads, of client metadata, key sets, keys, server metadata and records.
const MEMBERS: [&str; 28] = [
    "keys",
    "kid",
    "kty",
    "crv",
    "x",
    "y",
    "d",
    "alg",
    "use",
    "key_ops",
    "revoked",
    "exp",
    "client_id",
    "jwks",
    "jwks_uri",
    "redirect_uris",
    "scope",
    "token_endpoint_auth_method",
    "grant_types",
    "issuer",
    "revocation_endpoint",
    "grant_types_supported",
    "scopes_supported",
    "tokenSet",
    "dpopJwk",
    "dpopKey",
    "authMethod",
    "iss",
];

/// Published key that is also available locally.
static KEY: LazyLock<ClientKey> = LazyLock::new(|| {
    let mut key = ClientKey::from_secret(p256::SecretKey::from_slice(&[7; 32]).unwrap());
    key.set_kid("key1".parse().unwrap());
    key
});

/// Returns documents of any shape, many of them with members that checks read.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        json(),
        select(vec![json!("key1"), json!("https://a.example"), json!("private_key_jwt")])
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let members = vec((select(MEMBERS.to_vec()), inner.clone()), 0..6);
        let object = members.prop_map(|members| {
            Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<Map<_, _>>(),
            )
        });
        prop_oneof![2 => object, 1 => vec(inner, 0..3).prop_map(Value::from)]
    })
}

/// Returns a valid document with small damage, or any other.
fn near(right: Value) -> impl Strategy<Value = Value> {
    let damaged = damage(4)
        .prop_map(move |damage: Damage| serde_json::from_str(&damage.to(&right.to_string())).ok());
    prop_oneof![document(), damaged.prop_map(Option::unwrap_or_default)]
}

fn public_set() -> Value {
    KeySet::new(vec![KEY.clone()]).unwrap().public().to_json()
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-377_705_023_201..=253_402_207_200_i64)
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// Returns an answer with this document.
fn answer(document: impl Strategy<Value = Value>) -> impl Strategy<Value = Published> {
    let served = (
        timestamp(),
        option::of(timestamp()),
        option::of(any::<u64>()),
        option::of(any::<u64>()),
        option::of(text()),
    );
    let served = served.prop_map(|(received, sent, age, max_age, location)| {
        let [age, max_age] = [age, max_age].map(|seconds| seconds.map(Duration::from_secs));
        Served { location, received, sent, age, max_age, ..Served::default() }
    });
    let status = prop_oneof![4 => Just(200), 1 => any::<u16>()];
    (option::weighted(0.9, document), served, status, text(), option::of(text())).prop_map(
        |(json, served, status, url, content_type)| Published {
            url,
            status,
            content_type,
            served,
            took: Duration::ZERO,
            has_mark: false,
            page: None,
            json,
        },
    )
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn local_keys() -> impl Strategy<Value = u8> {
    0..3_u8
}

fn keys_of(which: u8) -> LocalKeys {
    match which {
        0 => LocalKeys::Unknown,
        1 => LocalKeys::None,
        _ => LocalKeys::Set(KeySet::new(vec![KEY.clone()]).unwrap()),
    }
}

fn configured(confidential: Option<bool>) -> Configured {
    let text = "[client]\nclient_uri = 'https://a.example'\nscope = 'atproto'\nredirect_uris = ['/cb']\n\
                jwks_uri = '/jwks.json'\ngrant_types = ['refresh_token']\nclient_name = 'A'\napplication_type = 'web'\n";
    let file = SettingsFile::parse(Path::new("oauthctl.toml"), text).unwrap();
    let settings = Settings::new(Some(file), Environment::default(), Overrides::default()).unwrap();
    Configured::new(&settings, &"https://a.example/client-metadata.json".into(), confidential)
        .unwrap()
}

/// Asserts that each problem and warning has a consequence and a fix.
fn assert_complete(findings: &[Finding]) -> Result<(), TestCaseError> {
    for finding in findings {
        prop_assert!(
            finding.severity == super::Severity::Ok
                || (finding.why.is_some() && finding.fix.is_some())
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_key_set_is_looked_at(answer in answer(near(public_set())), which in local_keys()) {
        let (findings, _) = jwks::check(&Ok(answer.clone()), &keys_of(which), NOW);
        assert_complete(&findings)?;
        assert_complete(&jwks::check_inline(&answer.json.unwrap_or_default(), &keys_of(which), NOW))?;
    }

    #[test]
    fn any_client_metadata_is_looked_at(answer in answer(document()), confidential in option::of(bool::ANY)) {
        assert_complete(&metadata::check(&Ok(answer), &configured(confidential)).0)?;
    }

    #[test]
    fn any_server_metadata_is_looked_at(
        issuer in text(), answer in answer(document()), confidential in option::of(bool::ANY), scope in option::of(text()),
    ) {
        assert_complete(&server::check(&issuer.into(), &Ok(answer), confidential, scope.as_deref()))?;
    }

    #[test]
    fn any_clock_is_compared(answers in vec(answer(document()), 0..4)) {
        assert_complete(clock::check(&answers).as_slice())?;
    }

    #[test]
    fn any_records_and_published_keys_are_compared(
        records in vec((prop_oneof![document().prop_map(|value| value.to_string()), text()], text(), bool::ANY), 0..4),
        published in option::of(near(public_set())), which in local_keys(), now in timestamp(), client_id in option::of(text()),
    ) {
        let mut tally = Tally::new(client_id.as_deref().map(ClientId::from).as_ref());
        for (value, key, is_session) in records {
            let (key, value) = (RecordKey::from_text(&key), value.into_bytes().into());
            let stored = Stored::new(key, value);
            tally.add(if is_session { Kind::Session } else { Kind::State }, &Layout::built_in()[0], &stored);
        }
        assert_complete(&sessions::check(&tally, &keys_of(which), published.as_ref(), now))?;
    }

    #[test]
    fn any_key_sources_are_looked_at(sources in vec((0..6_usize, damage(2), bool::ANY), 0..3), now in timestamp()) {
        let forms = [KeyForm::Jwk, KeyForm::Array, KeyForm::Jwks, KeyForm::Pem, KeyForm::PemBase64, KeyForm::Multibase];
        let load = |(form, damage, is_whole): (usize, Damage, bool)| {
            let whole = forms[form].encode(std::slice::from_ref(&*KEY)).unwrap();
            let text = if is_whole { whole.to_string() } else { damage.to(&whole) };
            let variables = HashMap::from([("KEY".into(), text.replace('\0', "").into())]);
            keyring::load(KeySource::Variable { name: "KEY".to_owned(), kid: None }, &Environment::new(variables))
        };
        assert_complete(&keys::check(Some(sources.into_iter().map(load).collect()), now).0)?;
    }

    #[test]
    fn any_settings_are_looked_at(damage in damage(3)) {
        let whole = "keys = 'a.json'\nenv_file = 'b'\n[client]\nscope = 'atproto'\n[store]\nurl = 'redis://:secret@h'\n\
                     [refresh]\nkeep_alive = '1d'\nconcurrency = 3\n[network]\nallow_http = true\n[profiles.p.store]\nurl = 'x'\n";
        if let Ok(file) = SettingsFile::parse(Path::new("oauthctl.toml"), &damage.to(whole))
            && let Ok(read) = Settings::new(Some(file), Environment::default(), Overrides::default())
        {
            assert_complete(&settings::check(&read))?;
        }
    }
}
