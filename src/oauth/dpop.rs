//! Proofs of possession (RFC 9449): the JWT sent with each request, and the servers' nonces.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use serde::Serialize;
use url::Url;

use crate::jose::{DpopKey, PublicEcJwk};

/// Maximum length of a nonce. Longer ones are ignored, because they would inflate each request.
const MAX_NONCE_BYTES: usize = 1024;

/// Newest nonce by origin. `None` for an origin that has answered a proof without a nonce.
#[derive(Default)]
pub(super) struct Nonces(Mutex<HashMap<String, Option<String>>>);

/// Parameters of a proof that depend on earlier answers of the server.
#[derive(Clone, Debug, Default)]
pub struct ProofParameters {
    /// Nonce to sign.
    pub(super) nonce: Option<String>,
    /// Server time minus local time, as learnt from a refused proof. Zero otherwise.
    pub(super) clock_offset: SignedDuration,
    /// True if the server has refused a proof of this request as invalid. The request is repeated
    /// once for that reason.
    pub(super) refused_before: bool,
}

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

/// Returns a proof for a POST request (RFC 9449 section 4.2). `iat` in seconds.
pub(super) fn proof(key: &DpopKey, url: &Url, nonce: Option<&str>, jti: &str, iat: i64) -> String {
    let header = Header { alg: key.alg().name(), typ: "dpop+jwt", jwk: key.public() };
    let mut target = url.clone();
    target.set_query(None);
    target.set_fragment(None);
    key.sign(&header, &Claims { jti, htm: "POST", htu: target.as_str(), iat, nonce })
}

impl Nonces {
    /// Returns the newest nonce of a URL's origin.
    pub(super) fn get(&self, url: &Url) -> Option<String> {
        self.all().get(&origin(url)).cloned().flatten()
    }

    /// Checks whether the URL's origin has answered a proof, with or without a nonce.
    pub(super) fn has_answered(&self, url: &Url) -> bool {
        self.all().contains_key(&origin(url))
    }

    /// Stores the nonce of an answer. An answer without a usable nonce keeps the stored one.
    pub(super) fn keep(&self, url: &Url, nonce: Option<&str>) {
        let nonce = nonce.filter(|nonce| is_nonce(nonce));
        let mut all = self.all();
        let newest = all.entry(origin(url)).or_default();
        if let Some(nonce) = nonce {
            *newest = Some(nonce.to_owned());
        }
    }

    /// Forgets the nonce of the URL's origin.
    pub(super) fn forget(&self, url: &Url) {
        self.all().remove(&origin(url));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Checks the syntax of a nonce: printable ASCII without space, quote and backslash (RFC 9449
/// section 8.1).
pub(super) fn is_nonce(text: &str) -> bool {
    (1..=MAX_NONCE_BYTES).contains(&text.len())
        && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
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
        assert_eq!(
            jws.header,
            json!({"alg": "ES256K", "typ": "dpop+jwt", "jwk": keys::public(&jwk)})
        );
        let claims = json!({"jti": "j", "htm": "POST", "htu": "https://as.example/token", "iat": 7, "nonce": "n"});
        assert_eq!(jws.claims, claims);
        jws.verify(&keys::public(&jwk)).unwrap();
        let jws = keys::Jws::decode(&proof(&key, &url, None, "j", 7)).unwrap();
        assert!(jws.claims.get("nonce").is_none());
    }

    #[test]
    fn nonces_belong_to_their_origin() {
        let nonces = Nonces::default();
        let [a, b, other] =
            ["https://a.example/token", "https://a.example/revoke", "https://a.example:444/token"]
                .map(|url| url.parse().unwrap());
        nonces.keep(&a, Some("1"));
        nonces.keep(&b, Some("2"));
        assert_eq!((nonces.get(&a).as_deref(), nonces.get(&other)), (Some("2"), None));
    }

    #[test]
    fn what_is_no_nonce_is_not_kept() {
        let nonces = Nonces::default();
        let url = "https://a.example/".parse().unwrap();
        let long = "x".repeat(MAX_NONCE_BYTES + 1);
        for bad in [
            Some(""),
            Some("a b"),
            Some("a\"b"),
            Some("a\\b"),
            Some("a\r\nx: y"),
            Some("ä"),
            Some(&*long),
            None,
        ] {
            nonces.keep(&url, bad);
            assert_eq!(nonces.get(&url), None, "{bad:?}");
        }
        assert!(nonces.has_answered(&url));
        nonces.keep(&url, Some("n"));
        nonces.keep(&url, None);
        assert_eq!(nonces.get(&url).as_deref(), Some("n"));
        nonces.forget(&url);
        assert!(!nonces.has_answered(&url));
    }
}
