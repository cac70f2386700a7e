//! Property tests of key parsing and key sets.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::*;
use crate::arbitrary::{damage, json as any_json, message_of, shows, unknown_members};

type Members = Map<String, Value>;

/// Client keys, some with leading zero bytes. Generated once, because that takes longer than the
/// tests.
static CLIENT_KEYS: LazyLock<Vec<ClientKey>> = LazyLock::new(|| {
    let key = |n: u16| {
        let mut secret = [0; 32];
        secret[30..].copy_from_slice(&n.to_be_bytes());
        ClientKey::from_secret(p256::SecretKey::from_slice(&secret).unwrap())
    };
    let begins_with_zero = |key: &ClientKey| {
        ["x", "y"]
            .iter()
            .any(|name| key.expose_jwk()[*name].as_str().is_some_and(|text| text.starts_with("AA")))
    };
    let odd = (100..900).map(key).filter(begins_with_zero).take(4);
    let even = (1..=20)
        .map(|n: u8| ClientKey::from_secret(p256::SecretKey::from_slice(&[n * 11; 32]).unwrap()));
    even.chain((1..=2).map(key)).chain(odd).collect()
});

static DPOP_KEYS: LazyLock<Vec<Members>> = LazyLock::new(|| {
    use testbed::keys::{Alg, generate};
    let all =
        [Alg::Es256, Alg::Es256k].into_iter().flat_map(|alg| (0..12).map(move |_| generate(alg)));
    all.map(|jwk| jwk.as_object().unwrap().clone()).collect()
});

/// Sets of one to three keys in each form that can hold several, with their keys.
static SETS: LazyLock<Vec<(String, Vec<ClientKey>)>> = LazyLock::new(|| {
    let named = |(number, key): (usize, &ClientKey)| {
        let mut key = key.clone();
        key.set_kid(format!("key-{number}").parse().unwrap());
        key
    };
    let keys: Vec<_> = CLIENT_KEYS.iter().enumerate().map(named).collect();
    let sets = (1..=3).flat_map(|size| keys.chunks_exact(size).take(6));
    sets.flat_map(|keys| {
        [KeyForm::Array, KeyForm::Jwks]
            .map(|form| (form.encode(keys).unwrap().to_string(), keys.to_vec()))
    })
    .collect()
});

fn client_key() -> impl Strategy<Value = ClientKey> {
    any::<Index>().prop_map(|index| index.get(&CLIENT_KEYS).clone())
}

fn text_of<'m>(members: &'m Members, name: &str) -> &'m str {
    members[name].as_str().unwrap()
}

/// Adds other members, in any order.
fn shuffled(members: Members) -> impl Strategy<Value = Members> {
    unknown_members()
        .prop_flat_map(move |others| {
            let all: Vec<_> = members.clone().into_iter().chain(others).collect();
            Just(all).prop_shuffle()
        })
        .prop_map(|all| all.into_iter().collect())
}

fn named() -> impl Strategy<Value = ClientKey> {
    (client_key(), "[a-zA-Z0-9_-]{1,12}").prop_map(|(mut key, kid)| {
        key.set_kid(kid.parse().unwrap());
        key
    })
}

/// Changes one part of a key: takes that of another key, or changes one bit or one character.
fn tampered(members: &Members, other: &Members, part: &str, how: u8, at: Index) -> Members {
    let mut tampered = members.clone();
    let text = text_of(members, part);
    let new = match how % 3 {
        0 => text_of(other, part).to_owned(),
        1 => {
            let mut bytes = BASE64URL.decode(text).unwrap();
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            BASE64URL.encode(bytes)
        }
        _ => {
            let at = at.index(text.len());
            let c = if &text[at..=at] == "A" { "B" } else { "A" };
            format!("{}{c}{}", &text[..at], &text[at + 1..])
        }
    };
    tampered.insert(part.to_owned(), new.into());
    tampered
}

proptest! {
    #[test]
    fn a_jwk_keeps_its_members_and_its_thumbprint_in_any_order(
        (key, members) in named().prop_flat_map(|key| {
            let members = key.expose_jwk().clone();
            (Just(key), shuffled(members))
        }),
    ) {
        let written = serde_json::to_string(&members).unwrap();
        let parsed = parse_keys(&written).unwrap();
        let [read] = &parsed.keys[..] else { panic!("one key was written") };
        prop_assert_eq!(read.thumbprint(), key.thumbprint());
        prop_assert_eq!(read.kid(), key.kid());
        prop_assert_eq!(&**parsed.form.encode(&parsed.keys).unwrap(), written.as_str());
    }

    #[test]
    fn a_client_key_whose_parts_do_not_belong_together_is_refused(
        (keys, part, how, at) in (any::<[Index; 2]>(), select(vec!["x", "y", "d"]), any::<u8>(), any::<Index>()),
    ) {
        let [key, other] = keys.map(|index| index.get(&CLIENT_KEYS).expose_jwk());
        let tampered = tampered(key, other, part, how, at);
        prop_assert_eq!(ClientKey::from_members(tampered.clone()).is_ok(), tampered == *key);
    }

    #[test]
    fn damaged_material_is_whole_or_refused_and_never_repeated(
        key in named(),
        form in select(vec![
            KeyForm::Jwk, KeyForm::Array, KeyForm::Jwks, KeyForm::Pem, KeyForm::PemBase64, KeyForm::DerBase64,
            KeyForm::JwkBase64, KeyForm::Multibase,
        ]),
        damage in damage(3),
    ) {
        let written = form.encode(std::slice::from_ref(&key)).unwrap();
        match parse_keys(&damage.to(&written)) {
            Ok(read) => for key in read.keys {
                prop_assert!(ClientKey::from_members(key.expose_jwk().clone()).is_ok());
            },
            Err(failure) => {
                let message = message_of(&failure);
                prop_assert!(!shows(&message, text_of(key.expose_jwk(), "d")), "{}", message);
                // The first and last bytes are the same for every key.
                let own = match form {
                    KeyForm::Multibase => &written[8..],
                    KeyForm::Pem | KeyForm::PemBase64 | KeyForm::DerBase64 | KeyForm::JwkBase64 => {
                        &written[40..written.len() - 40]
                    }
                    _ => text_of(key.expose_jwk(), "d"),
                };
                prop_assert!(!shows(&message, own), "{}", message);
            }
        }
    }

    #[test]
    fn keys_are_read_with_text_around_and_damaged_lines(
        key in named(),
        form in select(vec![
            KeyForm::Jwk, KeyForm::Pem, KeyForm::PemBase64, KeyForm::DerBase64, KeyForm::JwkBase64, KeyForm::ArrayBase64,
            KeyForm::JwksBase64, KeyForm::Multibase,
        ]),
        line_end in select(vec!["\n", "\r\n", " ", "", "\\n", "\\\\n", "\n\n", "\n\t "]),
        around in ["[\u{feff} \r\n\t]{0,3}", "[\u{feff} \r\n\t]{0,3}"],
        url_safe in any::<bool>(),
    ) {
        let mut written = form.encode(std::slice::from_ref(&key)).unwrap().replace('\n', line_end);
        if url_safe && matches!(form, KeyForm::PemBase64 | KeyForm::DerBase64 | KeyForm::JwkBase64) {
            written = written.replace('+', "-").replace('/', "_").replace('=', "");
        }
        let read = parse_keys(&format!("{}{written}{}", around[0], around[1])).unwrap();
        prop_assert_eq!((read.form, read.keys.len()), (form, 1));
        prop_assert_eq!(read.keys[0].thumbprint(), key.thumbprint());
        prop_assert_eq!(read.keys[0].kid(), key.kid().filter(|_| form.has_kid()));
    }

    #[test]
    fn any_text_is_keys_or_refused(
        text in prop_oneof![
            crate::arbitrary::text(),
            "[\\[{\"'zA-Za-z0-9+/=_\\\\ \n-]{0,60}",
            "(-----BEGIN [A-Z ]{0,20}-----)?[A-Za-z0-9+/=\\\\n \n]{0,60}(-----END [A-Z ]{0,12}-----)?",
        ],
    ) {
        if let Err(rejected) = read_keys(&text) {
            prop_assert!(rejected.failure.advice().is_some());
        }
    }

    #[test]
    fn dpop_keys_ignore_member_order_and_show_the_public_half(
        (jwk, members) in any::<Index>().prop_flat_map(|index| {
            let jwk = index.get(&DPOP_KEYS).clone();
            (Just(jwk.clone()), shuffled(jwk))
        }),
    ) {
        let key = DpopKey::from_members(&members).unwrap();
        let public = json!(key.public());
        prop_assert_eq!(&public, &testbed::keys::public(&Value::Object(jwk.clone())));
        prop_assert_eq!(key.thumbprint(), testbed::keys::thumbprint(&Value::Object(jwk.clone())));
        let shown = format!("{public} {key:?}");
        prop_assert!(!shows(&shown, text_of(&jwk, "d")));
    }

    #[test]
    fn a_dpop_key_whose_parts_do_not_belong_together_is_refused(
        (keys, part, how, at) in (any::<[Index; 2]>(), select(vec!["x", "y", "d"]), any::<u8>(), any::<Index>()),
    ) {
        let [key, other] = keys.map(|index| index.get(&DPOP_KEYS));
        let tampered = tampered(key, other, part, how, at);
        prop_assert_eq!(DpopKey::from_members(&tampered).is_ok(), tampered == *key);
    }

    #[test]
    fn a_damaged_set_yields_keys_that_were_in_it_or_none(which in any::<Index>(), damage in damage(4)) {
        let (written, keys) = which.get(&SETS);
        let text = damage.to(written);
        match parse_keys(&text) {
            // A damaged key must be refused, and a key that is accepted must be in the input.
            Ok(read) => {
                prop_assert!(read.keys.len() <= keys.len());
                for key in &read.keys {
                    prop_assert!(keys.iter().any(|there| there.thumbprint() == key.thumbprint()));
                }
            }
            Err(failure) => {
                let message = message_of(&failure);
                for key in keys {
                    prop_assert!(!shows(&message, text_of(key.expose_jwk(), "d")), "{}", message);
                }
            }
        }
    }

    #[test]
    fn a_kid_is_any_text_that_can_be_shown(text in crate::arbitrary::text()) {
        let kid = text.parse::<Kid>();
        prop_assert_eq!(kid.is_ok(), !text.is_empty() && !text.chars().any(char::is_control));
        if let Ok(kid) = kid {
            prop_assert_eq!(kid.as_str(), text.as_str());
            prop_assert_eq!(serde_json::from_value::<Kid>(json!(kid)).unwrap(), kid);
        }
    }
}

/// Tests that read several keys per case, or are not about parsing. The long property run skips them.
mod slow {
    use super::*;

    proptest! {
        #[test]
        fn a_public_set_has_no_private_member_and_no_unknown_one(
            keys in vec(named().prop_flat_map(|key| shuffled(key.expose_jwk().clone())), 1..3),
        ) {
            let keys: Vec<_> = keys.into_iter().map(|members| ClientKey::from_members(members).unwrap()).collect();
            let document = PublicJwks::of(&keys).to_json();
            let text = document.to_string();
            for (key, public) in keys.iter().zip(document["keys"].as_array().unwrap()) {
                let names: Vec<_> = public.as_object().unwrap().keys().map(String::as_str).collect();
                prop_assert_eq!(names, ["kty", "crv", "x", "y", "kid", "alg", "use"]);
                prop_assert!(["x", "y", "kid"].iter().all(|name| public[*name] == key.expose_jwk()[*name]));
                prop_assert!(!shows(&text, text_of(key.expose_jwk(), "d")));
                let debug = format!("{key:?} {keys:?}");
                prop_assert!(!shows(&debug, text_of(key.expose_jwk(), "d")));
            }
        }

        #[test]
        fn every_form_reads_back_what_it_wrote(
            (keys, form) in (vec(named(), 1..3), select(vec![
                KeyForm::Jwk, KeyForm::Array, KeyForm::Jwks, KeyForm::Pem, KeyForm::PemBase64, KeyForm::Multibase,
            ])),
        ) {
            let keys = if form.holds_many() { &keys[..] } else { &keys[..1] };
            let written = form.encode(keys).unwrap();
            let read = parse_keys(&written).unwrap();
            prop_assert_eq!(read.form, form);
            prop_assert_eq!(read.keys.len(), keys.len());
            for (read, key) in read.keys.iter().zip(keys) {
                prop_assert_eq!(read.thumbprint(), key.thumbprint());
                prop_assert_eq!(read.kid(), key.kid().filter(|_| form.has_kid()));
            }
            prop_assert_eq!(&form.encode(&read.keys).unwrap(), &written);
        }

        #[test]
        fn the_first_key_that_may_sign_is_active_and_no_other(
            (keys, now) in (vec((client_key(), any::<[Option<u16>; 3]>(), any::<bool>()), 0..4), any::<u16>()),
        ) {
            let at = |second: u16| Timestamp::from_second(second.into()).unwrap();
            let dressed = keys.iter().enumerate().map(|(number, (key, [iat, nbf, exp], revoked))| {
                let mut members = key.expose_jwk().clone();
                members.insert("kid".to_owned(), number.to_string().into());
                for (name, time) in [("iat", iat), ("nbf", nbf), ("exp", exp)] {
                    members.extend(time.map(|time| (name.to_owned(), time.into())));
                }
                members.insert("revoked".to_owned(), (*revoked).into());
                ClientKey::from_members(members).unwrap()
            });
            let set = KeySet::new(dressed.collect()).unwrap();
            let may_sign = |(_, [_, nbf, exp], revoked): &(ClientKey, [Option<u16>; 3], bool)| {
                nbf.is_none_or(|nbf| nbf <= now) && exp.is_none_or(|exp| exp > now) && !revoked
            };
            let first = keys.iter().position(may_sign);
            let active: Vec<_> = set.iter().filter(|key| set.state(key, Some(0), at(now)) == KeyState::Active).collect();
            let names: Vec<_> = active.iter().map(|key| key.kid().unwrap().as_str().parse::<usize>().unwrap()).collect();
            prop_assert_eq!(names, Vec::from_iter(first));
            // A key with bound records must never be called unused.
            for key in set.iter() {
                prop_assert_ne!(set.state(key, Some(1), at(now)), KeyState::Unused);
                prop_assert_ne!(set.state(key, None, at(now)), KeyState::Unused);
            }
        }

        #[test]
        fn a_set_with_one_name_twice_is_refused(keys in vec(named(), 1..3), at in any::<Index>()) {
            let mut keys = keys;
            keys.push(at.get(&keys).clone());
            prop_assert!(KeySet::new(keys).is_err());
        }

        #[test]
        fn what_a_client_key_says_of_itself_wrongly_is_refused_or_kept(
            key in client_key(), name in select(vec!["kty", "crv", "x", "y", "d", "kid", "alg", "use", "key_ops"]), value in any_json(),
        ) {
            let mut members = key.expose_jwk().clone();
            members.insert(name.to_owned(), value);
            match ClientKey::from_members(members.clone()) {
                Ok(read) => prop_assert_eq!(read.expose_jwk(), &members),
                Err(failure) => prop_assert!(!shows(&message_of(&failure), text_of(key.expose_jwk(), "d"))),
            }
        }
    }
}
