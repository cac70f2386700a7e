//! Property tests of records, DIDs, durations and notes.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::format::RECORD;
use super::*;
use crate::arbitrary::{damage, json as any_json, text, unknown_members};
use crate::hashes::fingerprint;
use crate::secret::Secret;

const DID: &str = "did:(plc:[a-z2-7]{24}|web:[a-z]{1,8}[.][a-z]{2,4})";

/// Returns a time within the range of all types involved.
fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

/// Returns the members of a token set, and whether it has everything that a session requires.
fn token_set() -> impl Strategy<Value = Map<String, Value>> {
    let texts =
        (DID, text(), option::of(text()), option::of(text()), option::of("[!-~]{1,40}"), text());
    (texts, option::of(time()), unknown_members()).prop_map(|(texts, expires, others)| {
        let (sub, iss, aud, scope, refresh_token, access_token) = texts;
        let mut set = others;
        set.insert("sub".to_owned(), sub.into());
        set.insert("iss".to_owned(), iss.into());
        set.insert("access_token".to_owned(), access_token.into());
        let optional = [("aud", aud), ("scope", scope), ("refresh_token", refresh_token)];
        set.extend(
            optional.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))),
        );
        set.extend(expires.map(|at| ("expires_at".to_owned(), format!("{at:.3}").into())));
        set
    })
}

/// Returns a session as some version of the Node client may have written it.
fn record() -> impl Strategy<Value = Map<String, Value>> {
    let method = prop_oneof![
        Just(json!({"method": "none"})),
        text().prop_map(|kid| json!({"method": "private_key_jwt", "kid": kid})),
    ];
    let jwk = (select(vec!["P-256", "secp256k1", "P-384"]), text(), unknown_members()).prop_map(
        |(crv, d, others)| {
            let mut jwk = others;
            jwk.extend(
                [("kty", "EC"), ("crv", crv), ("d", &d)]
                    .map(|(name, text)| (name.to_owned(), text.into())),
            );
            Value::Object(jwk)
        },
    );
    let known = (token_set(), method, jwk).prop_map(|(set, method, jwk)| {
        vec![("tokenSet", Value::Object(set)), ("authMethod", method), ("dpopJwk", jwk)]
    });
    (known, unknown_members()).prop_flat_map(|(known, others)| {
        let known = known.into_iter().map(|(name, value)| (name.to_owned(), value));
        Just(known.chain(others).collect::<Vec<_>>()).prop_shuffle().prop_map(Map::from_iter)
    })
}

fn text_at<'v>(record: &'v Map<String, Value>, object: &str, name: &str) -> Option<&'v str> {
    record.get(object)?.get(name)?.as_str()
}

/// Asserts that the session read from a record matches its members.
fn assert_agrees(session: &Session<'_>, record: &Map<String, Value>) -> Result<(), TestCaseError> {
    let set = |name| text_at(record, "tokenSet", name);
    prop_assert_eq!(Some(session.did.as_ref()), set("sub"));
    prop_assert_eq!(Some(session.issuer.as_str()), set("iss"));
    prop_assert_eq!(session.pds.as_deref(), set("aud"));
    prop_assert_eq!(session.scope.as_deref(), set("scope"));
    prop_assert_eq!(
        session.refresh_token.as_ref().map(Secret::expose_secret),
        set("refresh_token")
    );
    prop_assert_eq!(session.expires_at, set("expires_at").and_then(|text| text.parse().ok()));
    prop_assert_eq!(
        session.client_auth.as_ref().map(AuthMethod::name),
        text_at(record, "authMethod", "method")
    );
    let kid = session.client_auth.clone().and_then(AuthMethod::into_key);
    prop_assert_eq!(kid.as_deref(), text_at(record, "authMethod", "kid").filter(|_| kid.is_some()));
    Ok(())
}

fn names(members: &Map<String, Value>) -> Vec<&String> {
    members.keys().collect()
}

proptest! {
    #[test]
    fn a_session_is_read_however_it_is_spelt(record in record(), pretty: bool) {
        let bytes = if pretty { serde_json::to_vec_pretty(&record) } else { serde_json::to_vec(&record) }.unwrap();
        let session = Session::read(&bytes).unwrap();
        assert_agrees(&session, &record)?;
        prop_assert_eq!(session.dpop.alg, match text_at(&record, "dpopJwk", "crv") {
            Some("P-256") => Some("ES256"),
            Some("secp256k1") => Some("ES256K"),
            _ => None,
        });
        let adopted = session.format.adopt(&bytes, &bytes).unwrap();
        if pretty {
            prop_assert_eq!(serde_json::from_slice::<Map<String, Value>>(&adopted).unwrap(), record);
        } else {
            prop_assert_eq!(&*adopted, &bytes);
        }
    }

    #[test]
    fn the_readers_of_a_record_agree_about_what_is_wrong_with_it(
        (record, member) in (record(), select(vec![
            "tokenSet", "authMethod", "dpopJwk", "tokenSet/sub", "tokenSet/iss", "tokenSet/refresh_token",
            "tokenSet/access_token", "tokenSet/expires_at", "authMethod/method", "authMethod/kid", "dpopJwk/d", "dpopJwk/crv",
        ])), value in option::of(any_json()),
    ) {
        let mut record = record;
        let (object, name) = member.split_once('/').unwrap_or(("", member));
        let target = if object.is_empty() { Some(&mut record) } else { record[object].as_object_mut() };
        let target = target.unwrap();
        match value {
            Some(value) => drop(target.insert(name.to_owned(), value)),
            None => drop(target.shift_remove(name)),
        }
        let bytes = serde_json::to_vec(&record).unwrap();
        if let Ok(session) = Session::read(&bytes) {
            assert_agrees(&session, &record)?;
            let adopted = session.format.adopt(&bytes, &bytes).unwrap();
            prop_assert_eq!(&*adopted, &bytes);
        }
    }

    #[test]
    fn a_damaged_record_is_read_by_both_readers_alike_or_not_at_all(record in record(), damage in damage(4)) {
        let bytes = damage.to(&serde_json::to_string(&record).unwrap()).into_bytes();
        if let Ok(session) = Session::read(&bytes) {
            // Exception: numbers out of range, which one reader skips and the other refuses.
            let Ok(record) = serde_json::from_slice::<Map<String, Value>>(&bytes) else {
                return Ok(());
            };
            assert_agrees(&session, &record)?;
            let token = Traces::refresh_token(&bytes);
            prop_assert_eq!(token, session.refresh_token);
        }
        let _ = PendingLogin::read(&bytes);
    }

    #[test]
    fn renewing_a_record_changes_its_tokens_and_nothing_else(
        (record, new, audience) in (
            record(),
            ("[!-~]{1,40}", option::of("[!-~]{1,40}"), option::of(text()), option::of(time())),
            option::of(text()),
        ),
    ) {
        let (access_token, refresh_token, scope, expires_at) = new;
        let new_token = refresh_token.clone().map(Secret::from);
        let renewal = Renewal {
            access_token: &access_token.as_str().into(), refresh_token: new_token.as_ref(), scope: scope.as_deref(), expires_at,
            pds: audience.as_deref(), kid: None,
        };
        let bytes = serde_json::to_vec(&record).unwrap();
        let renewed = Node.renew(&bytes, &renewal).unwrap();
        let after: Map<String, Value> = serde_json::from_slice(&renewed).unwrap();
        prop_assert_eq!(names(&after), names(&record));
        for (name, value) in &record {
            prop_assert!(name == "tokenSet" || after[name] == *value);
        }
        let changed = BTreeSet::from(["access_token", "refresh_token", "token_type", "scope", "expires_at", "aud"]);
        let (old, new) = (record["tokenSet"].as_object().unwrap(), after["tokenSet"].as_object().unwrap());
        let others = |set: &Map<String, Value>| {
            let others = set.iter().filter(|(name, _)| !changed.contains(name.as_str()));
            others.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(others(old), others(new));
        prop_assert_eq!(new["access_token"].as_str(), Some(access_token.as_str()));
        for (name, given) in [("refresh_token", refresh_token), ("scope", scope), ("aud", audience)] {
            let expected = given.map(Value::from).or_else(|| old.get(name).cloned());
            prop_assert_eq!(new.get(name), expected.as_ref());
        }
        prop_assert_eq!(Session::read(&renewed).unwrap().expires_at, expires_at);
        // A copy of the record becomes equal to it by taking over its tokens.
        prop_assert_eq!(Node.adopt(&bytes, &renewed).unwrap(), renewed);
    }

    #[test]
    fn only_the_access_token_determines_its_claims(
        record in record(), iat in any::<i64>(), client_id in text(), others in unknown_members(), damage in option::of(damage(2)),
    ) {
        let mut claims = others;
        claims.insert("iat".to_owned(), iat.into());
        claims.insert("client_id".to_owned(), client_id.clone().into());
        // Begins like a JSON Web Token.
        claims.shift_insert(0, "cnf".to_owned(), json!({"jkt": client_id}));
        let token = format!("h.{}.s", BASE64URL.encode(serde_json::to_vec(&claims).unwrap()));
        let mut record = record;
        let shown = damage.as_ref().map_or_else(|| token.clone(), |damage| damage.to(&token));
        record["tokenSet"]["access_token"] = shown.into();
        let bytes = serde_json::to_vec(&record).unwrap();
        let session = Session::read(&bytes).unwrap();
        let found = (session.access_token.issued_at(), session.access_token.client_id().map(ClientId::as_str), session.access_token.jkt());
        if damage.is_none() {
            let client_id = Some(client_id.as_str());
            prop_assert_eq!(found, (Timestamp::from_second(iat).ok(), client_id, client_id));
        }
    }

    #[test]
    fn a_damaged_state_is_no_state_or_has_an_issuer(others in unknown_members(), iss in text(), damage in damage(3)) {
        let mut state = others;
        state.extend([("iss", &iss), ("verifier", &iss)].map(|(name, text)| (name.to_owned(), text.clone().into())));
        let written = serde_json::to_string(&state).unwrap();
        let login = PendingLogin::read(written.as_bytes()).unwrap();
        prop_assert_eq!(login.issuer.as_str(), iss.as_str());
        let damaged = damage.to(&written);
        if let Ok(found) = PendingLogin::read(damaged.as_bytes())
            && let Ok(value) = serde_json::from_str::<Value>(&damaged)
        {
            prop_assert_eq!(value["iss"].as_str(), Some(found.issuer.as_str()));
        }
    }

    #[test]
    fn an_age_that_is_shown_reads_back_as_what_is_shown(seconds in prop_oneof![0_i64..600_000, 0_i64..600_000_000_000]) {
        let age = Age::from_secs(seconds);
        let shown = age.to_string();
        let read: Age = shown.parse().unwrap();
        prop_assert_eq!(&read.to_string(), &shown);
        // Two units are shown, and the remainder is less than the smaller one.
        let left_out = (age.duration() - read.duration()).as_secs();
        let smaller = match seconds { 0..3600 => 1, 3600..86_400 => 60, _ => 3600 };
        prop_assert!((0..smaller).contains(&left_out), "{} {}", shown, left_out);
    }

    #[test]
    fn an_age_is_the_sum_of_its_parts(w in 0_i64..1000, d in 0_i64..10_000, h in 0_i64..10_000, m in 0_i64..10_000, s in 0_i64..10_000, space: bool) {
        let parts = [(w, "w"), (d, "d"), (h, "h"), (m, "m"), (s, "s")].map(|(n, unit)| format!("{n}{unit}"));
        let read: Age = parts.join(if space { " " } else { "" }).parse().unwrap();
        prop_assert_eq!(read.duration().as_secs(), (((w * 7 + d) * 24 + h) * 60 + m) * 60 + s);
    }

    #[test]
    fn what_is_no_age_is_refused_and_what_is_one_is_not_negative(
        text in prop_oneof![text(), "-?P?([0-9]{1,20}[.]?[0-9]? ?(y|mo|w|d|h|m|s|ms|ns|T|H)[, ]?){0,3}( ago)?"],
    ) {
        if let Ok(age) = text.parse::<Age>() {
            prop_assert!(!age.duration().is_negative());
            prop_assert_eq!(age.duration().subsec_nanos(), 0);
            let _ = age.to_string();
        }
    }

    #[test]
    fn dids_of_the_grammar_are_dids_and_others_are_not(
        did in "did:[a-z]{1,8}:[a-zA-Z0-9._:%-]{0,20}[a-zA-Z0-9._-]", bad in "[^a-zA-Z0-9._:%-]", at in 0_usize..40,
    ) {
        prop_assert_eq!(did.parse::<Did>().unwrap().to_string(), did.clone());
        let mut broken = did.clone();
        broken.insert_str(at % (did.len() + 1), &bad);
        prop_assert!(!Did::is_valid(&broken));
        let ended = format!("{did}:");
        prop_assert!(!Did::is_valid(&did.to_ascii_uppercase()) && !Did::is_valid(&ended));
    }

    #[test]
    fn a_damaged_did_is_still_one_by_the_grammar_or_refused(did in DID, damage in damage(3)) {
        let text = damage.to(&did);
        if let Ok(did) = text.parse::<Did>() {
            let parts: Vec<_> = text.splitn(3, ':').collect();
            prop_assert!(parts[0] == "did" && !parts[1].is_empty() && !parts[2].is_empty());
            prop_assert!(text.is_ascii() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "/#?@".contains(c)));
            prop_assert_eq!(did.as_str(), text.as_str());
        }
    }

    #[test]
    fn a_note_survives_whatever_stands_in_it(
        numbers in any::<[i64; 4]>(), blind in prop_oneof![8 => vec(any::<i64>(), 0..4), 1 => vec(any::<i64>(), 55..66)],
        small: bool, wrote in time(), now in time(), token in "[!#-\\[\\]-~]{1,8}",
    ) {
        let [fresh_for, first_week, wrote_at, active_at] = numbers;
        let (near, far) = (wrote.as_second(), [first_week, wrote_at, active_at]);
        let [first_week, wrote_at, active_at] = if small { [near / 604_800 - 3, near, near] } else { far };
        let note = json!({
            "wrote": fingerprint(token.as_bytes()), "wrote_at": wrote_at, "active_at": active_at,
            "fresh_for": fresh_for, "first_week": first_week, "blind": blind,
        });
        let Some(note) = Note::parse(note.to_string().as_bytes()) else { return Ok(()) };
        prop_assert_eq!(Note::parse(&note.to_bytes()), Some(note.clone()));
        let record = RECORD.replace("ref-1", &token);
        let inputs = StatusInputs { keys: KnownKeys::Unknown, policy: Policy::default(), client_id: None, now };
        let session = Session::read(record.as_bytes()).unwrap();
        let summary = Summary::of("key".into(), session, Observed::default(), None, &inputs);
        let summary = Summary { last_refreshed_at: Some(wrote), ..summary };
        for period in [0, 86_400, i64::MAX] {
            let _ = Note::presence(Some(&note), &summary, Age::from_secs(period), now);
        }
        let (token, new) = (Secret::from(token), Secret::new("new"));
        let later = note.refreshed(&token, Some(wrote), &new, SignedDuration::from_secs(fresh_for), now);
        prop_assert_eq!(later.wrote_at(&new), Timestamp::from_second(now.as_second()).ok().map(|_| now));
        prop_assert!(!later.says_refused(None, &token));
        prop_assert!(later.to_bytes().len() < 4096);
        prop_assert!(later.refused(&"c".into(), &token).says_refused(Some(&"c".into()), &token));
    }

    #[test]
    fn what_is_no_note_is_none(value in any_json()) {
        let bytes = value.to_string().into_bytes();
        if let Some(note) = Note::parse(&bytes) {
            prop_assert_eq!(Note::parse(&note.to_bytes()), Some(note));
        }
    }

    #[test]
    fn an_exported_line_is_read_back_byte_for_byte(
        record in record(), key in text(), sid in option::of(text()), ttl in option::of(any::<u64>()), at in option::of(time()),
    ) {
        let text = serde_json::to_string(&record).unwrap();
        let raw = RawValue::from_string(text.clone()).unwrap();
        let did = text_at(&record, "tokenSet", "sub").unwrap();
        let sid = sid.map(Into::into);
        let line = Transfer { did: did.into(), key: key.as_str().into(), sid, ttl, last_refreshed_at: at, record: &raw };
        let written = serde_json::to_string(&line).unwrap();
        let read: Transfer<'_> = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(read.record.get(), text.as_str());
        prop_assert_eq!((&read.did, &read.key, &read.sid), (&line.did, &line.key, &line.sid));
        prop_assert_eq!((read.ttl, read.last_refreshed_at), (line.ttl, line.last_refreshed_at));
    }

}

/// Tests that are not about parsing. The long property run skips them.
mod slow {
    use super::*;

    proptest! {
        #[test]
        fn of_two_records_one_at_most_is_newer(records in [record(), record()]) {
            let bytes = records.map(|record| serde_json::to_vec(&record).unwrap());
            let [one, other] = [&bytes[0], &bytes[1]].map(|bytes| Session::read(bytes).unwrap());
            prop_assert!(!(is_provably_newer(&one, &other) && is_provably_newer(&other, &one)));
            prop_assert!(!is_provably_newer(&one, &one));
        }

        #[test]
        fn evidence_never_comes_from_the_future_and_the_newest_counts(
            record in record(), now in time(), ttl_age in option::of(any::<i64>()), column in option::of(time()),
        ) {
            let bytes = serde_json::to_vec(&record).unwrap();
            let session = Session::read(&bytes).unwrap();
            let observed = Observed { ttl_age: ttl_age.map(SignedDuration::from_secs), column };
            match LastRefreshed::of(&session, None, observed, now) {
                Some(last) => prop_assert!(last.at <= now && column.is_none_or(|at| at > now || at <= last.at)),
                None => prop_assert!(column.is_none_or(|at| at > now)),
            }
        }
    }
}
