//! The app's own signing key: one ES256 private JWK, and its public half.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use jose_jwk::jose_jwa::{Algorithm, Signing};
use jose_jwk::{Class, Ec, EcCurves, Jwk, JwkSet, Key, Operations, Parameters};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::rand_core::CryptoRng;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::Kid;
use super::jws::Signer;
use crate::error::{Failure, usage};

/// Hint for material that is not a key.
pub(super) const NOT_A_KEY: &str = "copy the complete key from its origin again";
const CUT_SHORT: &str = "the JWK is damaged; copy all of it";

/// Length of the longest name of a key type or curve (RFC 7518 section 7).
const LONGEST_NAME: usize = 16;

/// Bytes of a P-256 coordinate or scalar.
const FIELD_BYTES: usize = 32;

/// ES256 private key of a confidential client (RFC 7523; atproto OAuth profile: `private_key_jwt`).
///
/// Keeps the members it was read with, so that members unknown to oauthctl survive a rotation.
pub struct ClientKey {
    kid: Option<Kid>,
    members: Map<String, Value>,
    secret: p256::SecretKey,
    /// Created on first use, because a signer computes its public key.
    signer: OnceLock<Signer>,
}

/// Public keys only (RFC 7517 section 5). Cannot hold a private member: it is built from the public
/// point.
pub struct PublicJwks(JwkSet);

impl ClientKey {
    /// Generates a key without a kid. Its thumbprint does not begin with `-`: as a kid, it would
    /// look like an option on the command line.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        loop {
            let key = Self::from_secret(p256::SecretKey::generate_from_rng(rng));
            if !key.thumbprint().starts_with('-') {
                return key;
            }
        }
    }

    /// Wraps key material from a format other than JWK (PEM, multibase).
    pub fn from_secret(secret: p256::SecretKey) -> Self {
        let (x, y) = public_point(&secret);
        let Value::Object(members) = json!({
            "kty": "EC",
            "crv": "P-256",
            "x": BASE64URL.encode(x),
            "y": BASE64URL.encode(y),
            "d": *Zeroizing::new(BASE64URL.encode(Zeroizing::new(secret.to_bytes()))),
        }) else {
            unreachable!("json! of an object literal is an object")
        };
        Self { kid: None, members, secret, signer: OnceLock::new() }
    }

    /// Reads a private JWK and checks that its public and private parts match.
    pub fn from_members(mut members: Map<String, Value>) -> Result<Self, Failure> {
        match Self::check_members(&members) {
            Ok((secret, kid)) => Ok(Self { kid, members, secret, signer: OnceLock::new() }),
            Err(failure) => {
                wipe(&mut members);
                Err(failure)
            }
        }
    }

    fn check_members(
        members: &Map<String, Value>,
    ) -> Result<(p256::SecretKey, Option<Kid>), Failure> {
        check_curve(members)?;
        if !members.contains_key("d") {
            return Err(usage("this is a public key (it has no `d`), but a private key is needed")
                .hint("use the source of the private key; it includes the public key"));
        }
        let [x, y, d] = ["x", "y", "d"].map(|name| coordinate(members, name));
        let (x, y, d) = (x?, y?, d?);
        let secret = p256::SecretKey::from_slice(d.as_slice()).map_err(|_| {
            usage("`d` is not a P-256 private key: it is zero or beyond the group order")
                .hint(NOT_A_KEY)
        })?;
        if public_point(&secret) != (*x, *y) {
            return Err(usage("`d` does not belong to `x` and `y`: they are parts of two keys")
                .hint("copy the complete JWK from one place"));
        }
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.parse()?),
            Some(_) => {
                return Err(usage("`kid` must be a string")
                    .hint(r#"write it in quotes: "kid":"1700000000000""#));
            }
        };
        check_parameters(members)?;
        Ok((secret, kid))
    }

    /// Returns the kid, if the key has one.
    pub fn kid(&self) -> Option<&Kid> {
        self.kid.as_ref()
    }

    /// Sets the kid of a key that has none.
    pub fn set_kid(&mut self, kid: Kid) {
        self.members.insert("kid".to_owned(), Value::String(kid.as_str().to_owned()));
        self.kid = Some(kid);
    }

    /// Sets `alg` and `key_ops` as client libraries expect them. Removes `use`, because they warn
    /// about it on a private key.
    pub fn declare_purpose(&mut self) {
        self.members.shift_remove("use");
        self.members.insert("alg".to_owned(), json!("ES256"));
        self.members.insert("key_ops".to_owned(), json!(["sign"]));
    }

    /// Sets the creation time (`iat`, seconds).
    pub fn set_created(&mut self, at: Timestamp) {
        self.members.insert("iat".to_owned(), json!(at.as_second()));
    }

    /// Sets the time before which client libraries do not sign with the key (`nbf`, seconds).
    pub fn set_not_before(&mut self, at: Timestamp) {
        self.members.insert("nbf".to_owned(), json!(at.as_second()));
    }

    /// Returns the SHA-256 JWK thumbprint (RFC 7638 section 3), base64url.
    pub fn thumbprint(&self) -> String {
        let [x, y] = ["x", "y"]
            .map(|name| self.members.get(name).and_then(Value::as_str).unwrap_or_default());
        // The required members of an EC key, in lexicographic order, without whitespace.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        BASE64URL.encode(Sha256::digest(canonical))
    }

    /// Checks whether the key has `alg`, without which atcute 2 does not sign with it.
    pub fn has_alg(&self) -> bool {
        self.members.contains_key("alg")
    }

    /// Checks whether client libraries can sign with the key. They do not if it has `use` or
    /// `key_ops` without `alg`.
    pub fn signs_for_clients(&self) -> bool {
        self.members.contains_key("alg")
            || !(self.members.contains_key("use") || self.members.contains_key("key_ops"))
    }

    /// Returns the creation time: `iat`, else a kid of epoch milliseconds.
    pub fn created(&self) -> Option<Timestamp> {
        self.seconds("iat")
            .or_else(|| Timestamp::from_millisecond(self.kid.as_ref()?.as_epoch_millis()?).ok())
    }

    /// Returns the time from which client libraries sign with the key (`nbf`).
    pub fn not_before(&self) -> Option<Timestamp> {
        self.seconds("nbf")
    }

    /// Checks whether client libraries refuse to sign with the key permanently: its `exp` has
    /// passed, or it is `revoked`.
    pub fn is_disabled(&self, now: Timestamp) -> bool {
        self.seconds("exp").is_some_and(|exp| exp <= now)
            || self
                .members
                .get("revoked")
                .is_some_and(|revoked| *revoked != Value::Bool(false) && !revoked.is_null())
    }

    fn seconds(&self, member: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.members.get(member)?.as_i64()?).ok()
    }

    /// Checks whether this published JWK is the public half of this key, under any kid.
    pub fn has_public_half(&self, published: &Value) -> bool {
        ["x", "y"].iter().all(|member| published.get(member) == self.expose_jwk().get(*member))
    }

    /// Returns the private JWK as it was read or built, including `d`.
    pub fn expose_jwk(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Returns the private key.
    pub fn expose_secret(&self) -> &p256::SecretKey {
        &self.secret
    }

    /// Signs a compact JWS with ES256. The header must state ES256 and the key's kid.
    pub fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        self.signer.get_or_init(|| Signer::P256(self.secret.clone().into())).compact(header, claims)
    }

    fn public_jwk(&self) -> Jwk {
        let (x, y) = public_point(&self.secret);
        Jwk {
            key: Key::Ec(Ec {
                crv: EcCurves::P256,
                x: x.to_vec().into(),
                y: y.to_vec().into(),
                d: None,
            }),
            prm: Parameters {
                alg: Some(Algorithm::Signing(Signing::Es256)),
                kid: self.kid.as_ref().map(|kid| kid.as_str().to_owned()),
                cls: Some(Class::Signing),
                ..Parameters::default()
            },
        }
    }
}

impl PublicJwks {
    /// Builds the set of the public halves, in the order given.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a ClientKey>) -> Self {
        Self(JwkSet { keys: keys.into_iter().map(ClientKey::public_jwk).collect() })
    }

    /// Returns the document to publish.
    pub fn to_json(&self) -> Value {
        json!({ "keys": self.0.keys.iter().map(published).collect::<Vec<_>>() })
    }
}

/// Returns the public members in conventional order, and no others.
fn published(jwk: &Jwk) -> Map<String, Value> {
    let json = serde_json::to_value(jwk).expect("a JWK has only string keys");
    let member = |name: &str| Some((name.to_owned(), json.get(name)?.clone()));
    ["kty", "crv", "x", "y", "kid", "alg", "use"].into_iter().filter_map(member).collect()
}

fn check_curve(members: &Map<String, Value>) -> Result<(), Failure> {
    match members.get("kty") {
        None => Err(usage("not a JWK: it has no `kty`").hint(
            r#"a JWK starts with {"kty":"EC","crv":"P-256",…}; use a source that contains one"#,
        )),
        Some(kty) if kty == "EC" => match members.get("crv") {
            Some(crv) if crv == "P-256" => Ok(()),
            crv => Err(unsupported("curve", crv)),
        },
        kty => Err(unsupported("key type", kty)),
    }
}

fn unsupported(what: &str, found: Option<&Value>) -> Failure {
    let found = match found {
        None => "none".to_owned(),
        Some(Value::String(name)) if name.len() <= LONGEST_NAME => format!("{name:?}"),
        // Not quoted: the value of another member may have ended up here.
        Some(_) => "of no known name".to_owned(),
    };
    usage(format!("unsupported {what} {found}: a client key is an EC key on P-256"))
        .hint("atproto servers require ES256; use the source of the key with which the app signs its token requests")
}

/// Reads a 32-byte member in unpadded base64url, as RFC 7518 section 6.2 requires. A shorter one
/// has lost leading zeros.
fn coordinate(
    members: &Map<String, Value>,
    name: &str,
) -> Result<Zeroizing<[u8; FIELD_BYTES]>, Failure> {
    let text = match members.get(name) {
        Some(Value::String(text)) => text,
        Some(_) => return Err(usage(format!("`{name}` must be a string")).hint(CUT_SHORT)),
        None => return Err(usage(format!("`{name}` is missing")).hint(CUT_SHORT)),
    };
    if text.contains('=') {
        return Err(usage(format!("`{name}` is padded: base64url in a JWK has no `=`"))
            .hint("remove the `=`"));
    }
    let bytes = Zeroizing::new(BASE64URL.decode(text).map_err(|_| {
        usage(format!("`{name}` is not base64url"))
            .hint("base64url has `-` and `_` where base64 has `+` and `/`")
    })?);
    let found = bytes.len();
    <[u8; FIELD_BYTES]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| {
        usage(format!("`{name}` has {found} bytes where a P-256 key has {FIELD_BYTES}")).hint(
            "the value was cut, or lost its leading zeros; copy the key from its origin again",
        )
    })
}

/// Checks that `alg`, `use` and `key_ops`, if present, allow ES256 signatures.
fn check_parameters(members: &Map<String, Value>) -> Result<(), Failure> {
    let stated: Map<String, Value> = ["alg", "use", "key_ops"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), members.get(*name)?.clone())))
        .collect();
    let parameters: Parameters = serde_json::from_value(Value::Object(stated)).map_err(|e| {
        usage("`alg`, `use` or `key_ops` is not what RFC 7517 allows")
            .because(e)
            .hint(r#"remove `use`; a signing key has "alg":"ES256" and "key_ops":["sign"]"#)
    })?;
    if let (Some(alg), Some(stated)) = (parameters.alg, members.get("alg"))
        && alg != Algorithm::Signing(Signing::Es256)
    {
        return Err(usage(format!("`alg` is {stated}, but a P-256 key signs ES256"))
            .hint("set alg to ES256"));
    }
    if parameters.cls.is_some_and(|class| class != Class::Signing) {
        return Err(usage("`use` does not let this key sign").hint("remove `use` from the JWK"));
    }
    if parameters.ops.is_some_and(|ops| !ops.contains(&Operations::Sign)) {
        return Err(
            usage("`key_ops` does not let this key sign").hint(r#"set key_ops to ["sign"]"#)
        );
    }
    Ok(())
}

fn public_point(secret: &p256::SecretKey) -> ([u8; FIELD_BYTES], [u8; FIELD_BYTES]) {
    // Plain multiplication: building the lookup table would take longer than this one operation.
    let point = (p256::ProjectivePoint::GENERATOR * *secret.to_nonzero_scalar())
        .to_affine()
        .to_sec1_point(false);
    let [x, y] = [point.x(), point.y()].map(|c| c.map(|c| (*c).into()).unwrap_or_default());
    (x, y)
}

fn wipe(members: &mut Map<String, Value>) {
    if let Some(Value::String(d)) = members.get_mut("d") {
        d.zeroize();
    }
}

impl Drop for ClientKey {
    fn drop(&mut self) {
        wipe(&mut self.members);
    }
}

impl Clone for ClientKey {
    fn clone(&self) -> Self {
        Self {
            kid: self.kid.clone(),
            members: self.members.clone(),
            secret: self.secret.clone(),
            signer: self.signer.clone(),
        }
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use p256::elliptic_curve::rand_core::{TryCryptoRng, TryRng};

    use super::*;

    fn members(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    /// P-256 key of RFC 7517 appendix A.2, with a thumbprint that other implementations confirm.
    const RFC7517_A2: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let key = ClientKey::from_members(members(RFC7517_A2)).unwrap();
        assert_eq!(key.thumbprint(), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
    }

    #[test]
    fn the_public_half_has_no_private_member() {
        let mut key = ClientKey::from_members(members(RFC7517_A2)).unwrap();
        key.set_kid("a".parse().unwrap());
        let published = PublicJwks::of([&key]).to_json();
        let names: Vec<_> =
            published["keys"][0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["kty", "crv", "x", "y", "kid", "alg", "use"]);
    }

    #[test]
    fn others_verify_what_the_key_signs() {
        let jwk = testbed::keys::client_key("a");
        let key = ClientKey::from_members(jwk.as_object().unwrap().clone()).unwrap();
        let token = key.sign(&json!({"alg": "ES256"}), &json!({"a": 1}));
        testbed::keys::Jws::decode(&token).unwrap().verify(&testbed::keys::public(&jwk)).unwrap();
    }

    #[test]
    fn debug_shows_no_key_material() {
        let key = ClientKey::from_members(members(RFC7517_A2)).unwrap();
        assert_eq!(format!("{key:?}"), "ClientKey { kid: None, .. }");
    }

    #[test]
    fn a_key_that_client_libraries_cannot_sign_with_is_recognised() {
        for (extra, signs) in [("alg", true), ("use", false), ("key_ops", false)] {
            let mut m = members(RFC7517_A2);
            let value = match extra {
                "alg" => json!("ES256"),
                "use" => json!("sig"),
                _ => json!(["sign"]),
            };
            m.insert(extra.to_owned(), value);
            assert_eq!(ClientKey::from_members(m).unwrap().signs_for_clients(), signs, "{extra}");
        }
    }

    #[test]
    fn halves_of_two_keys_are_refused() {
        let mut m = members(RFC7517_A2);
        m.insert("x".to_owned(), m["y"].clone());
        let message = ClientKey::from_members(m).unwrap_err().to_string();
        assert!(message.contains("does not belong"), "{message}");
    }

    /// Random number generator that yields the private keys 1, 2, 3, …
    struct Counter(u8);

    impl TryRng for Counter {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("a key is made of bytes")
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("a key is made of bytes")
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            self.0 += 1;
            bytes.fill(self.0);
            Ok(())
        }
    }

    impl TryCryptoRng for Counter {}

    #[test]
    fn no_new_key_is_named_like_an_option() {
        let thumbprint = |n: u8| {
            ClientKey::from_secret(p256::SecretKey::from_slice(&[n; 32]).unwrap()).thumbprint()
        };
        let unlucky =
            (1..=u8::MAX - 2).find(|n| thumbprint(*n).starts_with('-')).expect("one in 64 is");
        let mut rng = Counter(unlucky - 1);
        let key = ClientKey::generate(&mut rng);
        assert!(!key.thumbprint().starts_with('-'));
        assert!(rng.0 > unlucky, "the unlucky one was skipped");
    }
}
