//! Property tests of token endpoint answers, published documents and addresses.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::client_metadata::{
    Authentication, ClientMetadata, PublishedKeys, Severity, check, check_jwks,
};
use super::dpop::ProofParameters;
use super::http::{Answer, Served};
use super::outcome::Answered;
use super::*;
use crate::address::is_public;
use crate::arbitrary::{damage, json as any_json, shows, text, unknown_members};
use crate::secret::Secret;

const SUB: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const SENT: &str = "ref-0f3c5a7e9b1d2468ace013579bdf";

/// Error code of an answer and nothing more.
#[derive(serde::Deserialize)]
struct Said {
    error: String,
}

fn judged(status: u16, is_json: bool, body: Vec<u8>) -> RefreshResponse {
    let answer = Answer {
        status,
        content_type: is_json.then(|| "application/json".to_owned()),
        dpop_nonce: None,
        retry_after: None,
        served: Served::default(),
        body: Ok(body),
    };
    let answered =
        Answered { answer, proof: ProofParameters::default(), sent: vec![Secret::from(SENT)] };
    RefreshResponse::of(answered, &"https://as.example/token".parse().unwrap(), SUB)
}

/// Returns a member with its correct value in most cases.
fn mostly(right: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![4 => Just(Value::from(right)), 1 => any_json()]
}

fn token() -> impl Strategy<Value = Value> {
    prop_oneof![4 => "[!-~]{1,40}".prop_map(Value::from), 1 => any_json()]
}

/// Returns a document like those of `oauthctl metadata`.
fn metadata() -> impl Strategy<Value = Value> {
    (any::<bool>(), "[a-z]{1,8}", option::of("[a-zA-Z ]{1,12}")).prop_map(
        |(confidential, host, name)| {
            let at = |path: &str| format!("https://{host}.example.com{path}");
            let document = ClientMetadata {
                client_id: at("/oauth-client-metadata.json"),
                about: name.map(|name| ("client_name", Value::from(name))).into_iter().collect(),
                redirect_uris: vec![at("/callback")],
                scope: "atproto transition:generic".to_owned(),
                grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
                application_type: "web".to_owned(),
                authentication: if confidential {
                    Authentication::Confidential(PublishedKeys::At(at("/.well-known/jwks.json")))
                } else {
                    Authentication::Public
                },
            };
            document.to_document()
        },
    )
}

fn has_problem(document: &Value) -> bool {
    check(document, None).iter().any(|finding| finding.severity == Severity::Problem)
}

proptest! {
    #[test]
    fn tokens_are_kept_only_when_they_are_the_session_s_own(
        others in unknown_members(), tokens in [token(), token()], kind in mostly("DPoP"), sub in mostly(SUB),
        expires_in in any_json(), status in select(vec![200_u16, 200, 200, 201, 204, 302, 400, 401, 429, 500]),
    ) {
        let mut body = Value::Object(others);
        let [access_token, refresh_token] = tokens;
        body["access_token"] = access_token.clone();
        body["refresh_token"] = refresh_token.clone();
        (body["token_type"], body["sub"], body["expires_in"]) = (kind.clone(), sub.clone(), expires_in);
        let usable = |token: &Value| token.as_str().is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()));
        let fits = sub == SUB && kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("DPoP")) && usable(&access_token)
            && (usable(&refresh_token) || !refresh_token.is_string());
        match judged(status, true, body.to_string().into_bytes()) {
            RefreshResponse::Refreshed(found) => {
                prop_assert!(fits && status == 200);
                prop_assert_eq!(Some(found.access_token.expose_secret()), access_token.as_str());
                prop_assert_eq!(found.refresh_token.as_ref().map(Secret::expose_secret), refresh_token.as_str());
                let debug = format!("{found:?}");
                prop_assert!(access_token.as_str().is_some_and(|token| token.len() < 12 || !shows(&debug, token)));
                let kept = found.renewal(None, None, jiff::Timestamp::MAX);
                prop_assert!(kept.expires_at.is_none_or(|at| at <= jiff::Timestamp::MAX));
            }
            _ => prop_assert!(!(fits && status == 200)),
        }
    }

    #[test]
    fn what_was_sent_is_never_shown_again(
        parts in ([text(), text()], [0_usize..SENT.len(), 0_usize..SENT.len()]), error in mostly("invalid_grant"), status in 300_u16..500,
    ) {
        let ([before, after], [one, other]) = parts;
        let piece = &SENT[one.min(other)..one.max(other)];
        let said = format!("{before}{piece}{after}{SENT}{before}");
        let body = json!({"error": error, "error_description": said}).to_string();
        let exchange = judged(status, true, body.into_bytes());
        let refusal = match &exchange {
            RefreshResponse::Refused(refusal) => refusal.to_string(),
            _ => String::new(),
        };
        let shown = format!("{exchange:?} {refusal}");
        prop_assert!(!shows(&shown, SENT), "{}", shown);
        prop_assert!(!refusal.contains(char::is_control));
    }

    #[test]
    fn a_session_is_gone_only_by_the_words_that_say_so(status in 200_u16..600, is_json: bool, body in any_json(), damage in damage(3)) {
        let plain = json!({"error": "invalid_grant", "error_description": body}).to_string();
        for body in [body.to_string(), damage.to(&plain)] {
            if let RefreshResponse::Refused(refusal) = judged(status, is_json, body.clone().into_bytes())
                && refusal.meaning().1 == Fate::Gone
                && refusal.error.as_deref().is_some_and(|error| error.starts_with("invalid_grant"))
            {
                prop_assert_eq!((status, refusal.error.as_deref()), (400, Some("invalid_grant")));
                // Reads only this member: others may contain numbers out of range.
                let Said { error } = serde_json::from_str(&body).unwrap();
                prop_assert_eq!(error.replace(char::is_control, ""), "invalid_grant");
            }
        }
    }

    #[test]
    fn a_wrapped_address_is_as_public_as_what_it_wraps(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let nat64 = format!("64:ff9b::{:x}:{:x}", bits >> 16, bits & 0xffff).parse::<IpAddr>().unwrap();
        prop_assert_eq!(is_public(v4.to_ipv6_mapped().into()), is_public(v4.into()));
        prop_assert_eq!(is_public(nat64), is_public(v4.into()));
        prop_assert!(!is_public(v4.into()) || !(v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_multicast()));
    }

    #[test]
    fn own_documents_are_valid_until_a_member_is_damaged(document in metadata(), member in any::<prop::sample::Index>()) {
        prop_assert!(!has_problem(&document));
        let required = ["client_id", "redirect_uris", "scope", "grant_types", "response_types", "dpop_bound_access_tokens"];
        let name = member.get(&required[..]);
        for spoilt in [json!(7), Value::Null, json!({})] {
            let mut document = document.clone();
            document[*name] = spoilt;
            prop_assert!(has_problem(&document), "{}", name);
        }
    }

    #[test]
    fn any_document_is_judged(document in metadata(), name in text(), value in any_json(), damage in damage(4)) {
        let mut changed = document.clone();
        let known = document.as_object().unwrap().keys().nth(name.len() % 8).cloned().unwrap_or(name);
        changed[known] = value;
        for document in [changed, serde_json::from_str(&damage.to(&document.to_string())).unwrap_or_default()] {
            for finding in check(&document, Some("https://app.example.com/c.json")) {
                prop_assert!(!finding.member.is_empty());
            }
        }
    }

    #[test]
    fn a_private_key_among_published_ones_is_found(
        others in unknown_members(), name in select(vec!["d", "p", "q", "dp", "dq", "qi", "oth", "k"]), value in any_json(),
    ) {
        let mut key = others;
        key.extend([("kty", "EC"), ("crv", "P-256"), ("x", "x"), ("y", "y"), ("kid", "k")].map(|(n, v)| (n.to_owned(), v.into())));
        let is_problem = |key: &Map<String, Value>| {
            check_jwks(&json!({ "keys": [key] })).iter().any(|finding| finding.severity == Severity::Problem)
        };
        prop_assert!(!is_problem(&key));
        key.insert(name.to_owned(), value);
        prop_assert!(is_problem(&key));
    }

    #[test]
    fn no_server_can_ask_for_more_than_a_year(value in prop_oneof![text(), "[0-9]{1,24}", "[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT"]) {
        let wait = http::retry_after(&value, jiff::Timestamp::UNIX_EPOCH);
        prop_assert!(wait.is_none_or(|wait| wait <= Duration::from_hours(366 * 24)));
        if let Ok(seconds) = value.trim().parse::<u64>() {
            prop_assert_eq!(wait, Some(Duration::from_secs(seconds.min(366 * 86_400))));
        }
    }
}
