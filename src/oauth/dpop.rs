//! Proof of possession (RFC 9449): the JWT that goes with every request, and the nonces that servers hand out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use url::Url;

use crate::jose::{DpopKey, PublicEcJwk};

/// Longer nonces are ignored: they would only come back as a larger request.
const MAX_NONCE_BYTES: usize = 1024;

/// The newest nonce of each origin.
#[derive(Default)]
pub(super) struct Nonces(Mutex<HashMap<String, String>>);

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    jwk: &'a PublicEcJwk,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

/// A proof for one POST request (RFC 9449 section 4.2). `iat` in seconds.
pub(super) fn proof(key: &DpopKey, url: &Url, nonce: Option<&str>, jti: &str, iat: i64) -> String {
    let header = Header { alg: key.alg().name(), typ: "dpop+jwt", jwk: key.public() };
    let mut target = url.clone();
    target.set_query(None);
    target.set_fragment(None);
    key.sign(&header, &Claims { jti, htm: "POST", htu: target.as_str(), iat, nonce })
}

impl Nonces {
    /// The newest nonce of a URL's origin.
    pub(super) fn get(&self, url: &Url) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&url.origin().ascii_serialization()).cloned()
    }

    /// Keeps the nonce of an answer. False if there is none that can be used.
    pub(super) fn keep(&self, url: &Url, nonce: Option<&str>) -> bool {
        let Some(nonce) = nonce.filter(|nonce| is_nonce(nonce)) else { return false };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(url.origin().ascii_serialization(), nonce.to_owned());
        true
    }
}

/// RFC 9449 section 8.1: printable ASCII without space, quote and backslash.
fn is_nonce(text: &str) -> bool {
    (1..=MAX_NONCE_BYTES).contains(&text.len()) && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use testbed::keys;

    use super::*;

    #[test]
    fn a_proof_says_what_rfc_9449_wants_and_no_more() {
        let jwk = keys::generate(keys::Alg::Es256k);
        let key = DpopKey::from_members(jwk.as_object().unwrap()).unwrap();
        let url = "https://as.example/token?x=1#y".parse().unwrap();
        let jws = keys::Jws::decode(&proof(&key, &url, Some("n"), "j", 7)).unwrap();
        assert_eq!(jws.header, json!({"alg": "ES256K", "typ": "dpop+jwt", "jwk": keys::public(&jwk)}));
        let claims = json!({"jti": "j", "htm": "POST", "htu": "https://as.example/token", "iat": 7, "nonce": "n"});
        assert_eq!(jws.claims, claims);
        jws.verify(&keys::public(&jwk)).unwrap();
        let jws = keys::Jws::decode(&proof(&key, &url, None, "j", 7)).unwrap();
        assert!(jws.claims.get("nonce").is_none());
    }

    #[test]
    fn nonces_belong_to_their_origin() {
        let nonces = Nonces::default();
        let [a, b, other] = ["https://a.example/token", "https://a.example/revoke", "https://a.example:444/token"]
            .map(|url| url.parse().unwrap());
        assert!(nonces.keep(&a, Some("1")) && nonces.keep(&b, Some("2")));
        assert_eq!((nonces.get(&a).as_deref(), nonces.get(&other)), (Some("2"), None));
    }

    #[test]
    fn what_is_no_nonce_is_not_kept() {
        let nonces = Nonces::default();
        let url = "https://a.example/".parse().unwrap();
        let long = "x".repeat(MAX_NONCE_BYTES + 1);
        for bad in [Some(""), Some("a b"), Some("a\"b"), Some("a\\b"), Some("a\r\nx: y"), Some("ä"), Some(&*long), None]
        {
            assert!(!nonces.keep(&url, bad), "{bad:?}");
        }
    }
}
