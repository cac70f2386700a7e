//! Conformance tests that each format must pass, with the sample records that it provides.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::*;
use crate::session::AuthMethod;

static ACCESS_TOKEN: Secret<'static> = Secret::new("new-access");
static REFRESH_TOKEN: Secret<'static> = Secret::new("new-refresh");

static RENEWAL: Renewal<'static> = Renewal {
    access_token: &ACCESS_TOKEN,
    refresh_token: Some(&REFRESH_TOKEN),
    scope: Some("atproto"),
    expires_at: None,
    pds: Some("https://new.example/"),
    kid: Some("new-key"),
};

fn object(record: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(record).unwrap()
}

fn names(members: &Map<String, Value>) -> Vec<&String> {
    members.keys().collect()
}

#[test]
fn names_and_locks_of_formats_differ() {
    let names: BTreeSet<_> = FORMATS.iter().map(|format| format.name()).collect();
    let locks: BTreeSet<_> = FORMATS.iter().map(|format| format.lock_prefix()).collect();
    assert_eq!((names.len(), locks.len()), (FORMATS.len(), FORMATS.len()));
}

#[test]
fn a_record_is_read_by_its_own_format_only() {
    for format in FORMATS {
        let [session, login] = format.samples();
        for other in FORMATS {
            assert_eq!(other.session(session.as_bytes()).is_ok(), other == format, "{other:?}");
            assert_eq!(other.login(login.as_bytes()).is_ok(), other == format, "{other:?}");
        }
        assert!(
            format.session(login.as_bytes()).is_err() && format.login(session.as_bytes()).is_err(),
            "{format:?}"
        );
        assert_eq!(Recognised::of(session.as_bytes()), Recognised::Session(*format));
        assert_eq!(Recognised::of(login.as_bytes()), Recognised::Login(*format));
    }
}

#[test]
fn a_damaged_record_is_claimed_and_kept() {
    for format in FORMATS {
        let whole = object(format.samples()[0].as_bytes());
        for name in whole.keys() {
            let mut damaged = whole.clone();
            damaged.insert(name.clone(), json!({"x": "secret"}));
            let damaged = serde_json::to_vec(&damaged).unwrap();
            // Some libraries tolerate damage that others do not.
            let is_tolerated = format.session(&damaged).is_ok();
            let kind = if is_tolerated {
                Recognised::Session(*format)
            } else {
                Recognised::Damaged(*format)
            };
            assert_eq!(Recognised::of(&damaged), kind, "{name}");
            assert!(!is_nobodys(&damaged), "{name}");
        }
    }
}

/// Returns a record without its secrets.
pub(super) fn bare(json: &Value) -> Value {
    match json {
        Value::Object(members) => {
            let secrets = ["refresh_token", "d", "dpop_privatekey_multibase"];
            let kept = members.iter().filter(|(name, _)| !secrets.contains(&name.as_str()));
            kept.map(|(name, value)| (name.clone(), bare(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn a_session_without_its_secrets_is_nobodys() {
    for format in FORMATS {
        let sample: Value = serde_json::from_str(format.samples()[0]).unwrap();
        let bare = bare(&sample).to_string();
        assert!(is_nobodys(bare.as_bytes()), "PUBLIC_MEMBERS lacks a name of {format:?}: {bare}");
    }
}

#[test]
fn a_token_set_alone_is_claimed_by_a_format_that_has_one() {
    for format in FORMATS {
        let names = format.part_names();
        let of = |members: &[&str]| {
            let record: Map<_, _> =
                members.iter().map(|name| ((*name).to_owned(), json!({"x": "secret"}))).collect();
            Recognised::of(&serde_json::to_vec(&record).unwrap())
        };
        // Of formats that share a name, the DPoP key decides.
        assert_eq!(of(&[names.token_set, names.dpop_key]), Recognised::Damaged(*format));
        let Recognised::Damaged(claimant) = of(&[names.token_set]) else {
            panic!("{format:?} does not claim its token set")
        };
        assert_eq!(claimant.part_names().token_set, names.token_set);
    }
}

#[test]
fn half_a_record_is_none() {
    for format in FORMATS {
        for sample in format.samples() {
            for end in 0..sample.len() {
                let half = &sample.as_bytes()[..end];
                assert!(
                    format.session(half).is_err()
                        && format.login(half).is_err()
                        && format.traces(half).is_none()
                );
                assert!(format.renew(half, &RENEWAL).is_err() && format.dpop_key(half).is_err());
            }
        }
    }
}

#[test]
fn a_renewed_record_has_the_new_tokens_and_keeps_the_rest() {
    for format in FORMATS {
        let mut record = object(format.samples()[0].as_bytes());
        record.insert("later".to_owned(), json!({"b": [1.50, null], "a": "é\\"}));
        let bytes = serde_json::to_vec(&record).unwrap();
        let before = format.session(&bytes).unwrap();
        for expires_at in [None, Some("2026-12-01T10:00:00.250Z".parse::<Timestamp>().unwrap())] {
            let renewed = format.renew(&bytes, &Renewal { expires_at, ..RENEWAL }).unwrap();
            let after = format.session(&renewed).unwrap();
            assert_eq!(after.refresh_token.as_ref(), RENEWAL.refresh_token);
            assert_eq!(
                (after.scope.as_deref(), after.pds.as_deref()),
                (RENEWAL.scope, RENEWAL.pds)
            );
            // Some formats store whole seconds.
            let seconds = |at: Option<Timestamp>| at.map(Timestamp::as_second);
            assert_eq!(
                (seconds(after.expires_at), after.has_unreadable_expiry),
                (seconds(expires_at), false)
            );
            assert_eq!(after.client_auth, Some(AuthMethod::PrivateKeyJwt("new-key".into())));
            assert_eq!((&after.did, &after.issuer), (&before.did, &before.issuer));
            assert_eq!(after.dpop.public, before.dpop.public);
            let renewed_members = object(&renewed);
            assert_eq!(names(&renewed_members), names(&record));
            assert_eq!(renewed_members["later"], record["later"]);
            // A copy of the record becomes equal to it by taking over its tokens.
            assert_eq!(format.adopt(&bytes, &renewed).unwrap(), renewed);
        }
        let kept = Renewal { refresh_token: None, scope: None, pds: None, kid: None, ..RENEWAL };
        let kept = format.renew(&bytes, &kept).unwrap();
        let after = format.session(&kept).unwrap();
        assert_eq!(after.refresh_token, before.refresh_token);
        assert_eq!(
            (&after.scope, &after.pds, &after.client_auth),
            (&before.scope, &before.pds, &before.client_auth)
        );
    }
}

#[test]
fn what_a_refresh_does_not_change_is_kept_byte_for_byte() {
    let unknown = r#""later": {"b":[1.50, 123456789012345678901234567890],  "a":"\u00e9\/"}"#;
    for format in FORMATS {
        let record = format.samples()[0].replacen('{', &format!("{{{unknown},"), 1);
        let record = record.replacen(r#""sub""#, r#""more":1.50,"sub""#, 1);
        let renewed = format.renew(record.as_bytes(), &RENEWAL).unwrap();
        let renewed = std::str::from_utf8(&renewed).unwrap();
        let inner = r#""more":1.50,"sub""#;
        assert!(renewed.contains(&unknown.replacen(' ', "", 1)), "{renewed}");
        assert_eq!(renewed.contains(inner), record.contains(inner), "{renewed}");
    }
}

#[test]
fn a_session_survives_the_way_through_every_other_format() {
    for from in FORMATS {
        let record = from.samples()[0].as_bytes();
        let session = from.session(record).unwrap();
        let key = from.private_jwk(record).unwrap();
        for to in FORMATS {
            let Ok(written) = to.write(&session, &key) else {
                assert_ne!(session.dpop.alg, Some("ES256"), "{from:?} {to:?}");
                continue;
            };
            let after = to.session(&written).unwrap();
            assert!(after.is_of_same_refresh(&session), "{from:?} {to:?}");
            assert_eq!(
                (&after.did, &after.issuer, &after.pds),
                (&session.did, &session.issuer, &session.pds)
            );
            assert_eq!((&after.scope, &after.client_auth), (&session.scope, &session.client_auth));
            assert_eq!(after.access_token.as_secret(), session.access_token.as_secret());
            assert!(Traces::are_of_one_login(record, &written));
        }
    }
}

#[test]
fn tokens_and_login_are_known_of_a_damaged_record_too() {
    for format in FORMATS {
        let sample = format.samples()[0].as_bytes();
        let session = format.session(sample).unwrap();
        let token = session.refresh_token.as_ref().unwrap();
        let traces = |record: &[u8]| format.traces(record).unwrap();
        assert_eq!(traces(sample).refresh_token.as_ref(), Some(token));
        for name in object(sample).keys() {
            let mut damaged = object(sample);
            damaged.shift_remove(name);
            let damaged = serde_json::to_vec(&damaged).unwrap();
            let (has_token, has_key) =
                (traces(&damaged).refresh_token.is_some(), traces(&damaged).dpop_public.is_some());
            assert!(has_token || has_key, "{name}");
            assert_eq!(Traces::are_of_one_login(&damaged, sample), has_key, "{name}");
        }
    }
}
