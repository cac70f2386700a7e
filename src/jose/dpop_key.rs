//! DPoP key of a session (RFC 9449): a private JWK on either curve, as the app's client stored it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::rand_core::CryptoRng;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::jws::{Alg, Signer};

/// Bytes of a coordinate or scalar on both curves.
const FIELD_BYTES: usize = 32;

/// Characters of a SHA-256 digest in base64url without padding.
const THUMBPRINT_LENGTH: usize = 43;

/// DPoP key of a session. The server ends the session on a proof by any other key, so the private
/// part must match the public part exactly.
#[derive(Clone)]
pub struct DpopKey {
    signer: Signer,
    public: PublicEcJwk,
}

/// Public half for a proof's header: only the members that RFC 7638 section 3.2 requires, in its
/// order. Its JSON is therefore also the input of the thumbprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicEcJwk {
    crv: &'static str,
    kty: &'static str,
    x: String,
    y: String,
}

impl DpopKey {
    /// Generates an ES256 key, since all servers support that algorithm.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let key = p256::ecdsa::SigningKey::generate_from_rng(rng);
        let point = key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(FIELD_BYTES);
        let [x, y] = [x, y].map(|coordinate| BASE64URL.encode(coordinate));
        let alg = Alg::Es256;
        Self {
            signer: Signer::P256(key),
            public: PublicEcJwk { crv: alg.curve(), kty: "EC", x, y },
        }
    }

    /// Reads `kty`, `crv`, `x`, `y` and `d` of a private JWK. The error describes the fault in a
    /// few words without quoting the key.
    pub fn from_parts([kty, crv, x, y, d]: [Option<&str>; 5]) -> Result<Self, &'static str> {
        let alg = match (kty, crv) {
            (Some("EC"), Some("P-256")) => Alg::Es256,
            (Some("EC"), Some("secp256k1")) => Alg::Es256k,
            _ => return Err("the DPoP key is neither ES256 nor ES256K"),
        };
        let secret = field(d)?;
        let (x, y) = (field(x)?, field(y)?);
        let (signer, point) = match alg {
            Alg::Es256 => {
                let key = p256::ecdsa::SigningKey::from_slice(secret.as_slice())
                    .map_err(|_| NOT_A_SCALAR)?;
                let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
                (Signer::P256(key), point)
            }
            Alg::Es256k => {
                let key = k256::ecdsa::SigningKey::from_slice(secret.as_slice())
                    .map_err(|_| NOT_A_SCALAR)?;
                let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
                (Signer::K256(key), point)
            }
        };
        if point[1..=FIELD_BYTES] != *x || point[FIELD_BYTES + 1..] != *y {
            return Err("the private part of its DPoP key does not belong to the public part");
        }
        let [x, y] = [x, y].map(|coordinate| BASE64URL.encode(*coordinate));
        Ok(Self { signer, public: PublicEcJwk { crv: alg.curve(), kty: "EC", x, y } })
    }

    /// Reads a private JWK. Other members (`alg`, `kid`, …) are tolerated.
    #[cfg(test)]
    pub fn from_members(
        members: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, &'static str> {
        Self::from_parts(["kty", "crv", "x", "y", "d"].map(|name| members.get(name)?.as_str()))
    }

    /// Returns the signature algorithm of the key.
    pub fn alg(&self) -> Alg {
        self.signer.alg()
    }

    /// Returns the public half.
    pub fn public(&self) -> &PublicEcJwk {
        &self.public
    }

    /// Returns the SHA-256 JWK thumbprint (RFC 7638 section 3), base64url.
    pub fn thumbprint(&self) -> String {
        let canonical = serde_json::to_vec(&self.public).expect("a struct of strings");
        BASE64URL.encode(Sha256::digest(canonical))
    }

    /// Signs a compact JWS. The header must state the key's own algorithm.
    pub fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        self.signer.compact(header, claims)
    }
}

/// Compares a SHA-256 JWK thumbprint (RFC 7638 section 3) with that of a public EC key. The
/// coordinates are not decoded or validated.
pub fn is_ec_thumbprint(thumbprint: &str, curve: &str, x: &str, y: &str) -> bool {
    let parts: [&[u8]; 7] = [
        b"{\"crv\":\"",
        curve.as_bytes(),
        b"\",\"kty\":\"EC\",\"x\":\"",
        x.as_bytes(),
        b"\",\"y\":\"",
        y.as_bytes(),
        b"\"}",
    ];
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let mut text = [0; THUMBPRINT_LENGTH];
    BASE64URL
        .encode_slice(digest.finalize(), &mut text)
        .is_ok_and(|_| thumbprint.as_bytes() == text)
}

const NOT_A_SCALAR: &str = "its DPoP key is zero or beyond the group order";

/// Reads 32 bytes in unpadded base64url (RFC 7518 section 6.2).
fn field(text: Option<&str>) -> Result<Zeroizing<[u8; FIELD_BYTES]>, &'static str> {
    let text = text.ok_or("its DPoP key is incomplete")?;
    let bytes =
        Zeroizing::new(BASE64URL.decode(text).map_err(|_| "its DPoP key is not base64url")?);
    bytes
        .as_slice()
        .try_into()
        .map(Zeroizing::new)
        .map_err(|_| "its DPoP key does not have 32 bytes to each part")
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey").field("thumbprint", &self.thumbprint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};
    use testbed::keys;

    use super::*;

    fn members(jwk: &Value) -> &Map<String, Value> {
        jwk.as_object().unwrap()
    }

    #[test]
    fn both_algorithms_sign_what_others_verify() {
        for (theirs, ours) in [(keys::Alg::Es256, Alg::Es256), (keys::Alg::Es256k, Alg::Es256k)] {
            let jwk = keys::generate(theirs);
            let key = DpopKey::from_members(members(&jwk)).unwrap();
            assert_eq!(key.alg(), ours);
            assert_eq!(key.thumbprint(), keys::thumbprint(&jwk));
            let [curve, x, y] = ["crv", "x", "y"].map(|name| jwk[name].as_str().unwrap());
            assert!(is_ec_thumbprint(&key.thumbprint(), curve, x, y));
            assert!(!is_ec_thumbprint(&key.thumbprint(), curve, y, x));
            assert_eq!(json!(key.public()), keys::public(&jwk));
            let token = key.sign(&json!({"alg": ours.name()}), &json!({"a": 1}));
            keys::Jws::decode(&token).unwrap().verify(&keys::public(&jwk)).unwrap();
        }
    }

    #[test]
    fn a_new_key_signs_what_its_public_half_verifies() {
        let key = DpopKey::generate(&mut getrandom::rand_core::UnwrapErr(getrandom::SysRng));
        let token = key.sign(&json!({"alg": "ES256"}), &json!({"a": 1}));
        keys::Jws::decode(&token).unwrap().verify(&json!(key.public())).unwrap();
    }

    #[test]
    fn members_that_are_not_the_key_are_tolerated() {
        let mut jwk = keys::generate(keys::Alg::Es256k);
        for (name, value) in
            [("alg", json!("ES256K")), ("kid", json!("k")), ("key_ops", json!(["sign"]))]
        {
            jwk[name] = value;
        }
        let key = DpopKey::from_members(members(&jwk)).unwrap();
        let public = json!(key.public());
        let names: Vec<_> = members(&public).keys().collect();
        assert_eq!(names, ["crv", "kty", "x", "y"]);
    }

    #[test]
    fn a_key_that_is_not_whole_is_refused() {
        let good = keys::generate(keys::Alg::Es256k);
        let other = keys::generate(keys::Alg::Es256k);
        let zero = json!("A".repeat(43));
        for (name, value, part) in [
            ("kty", json!("RSA"), "neither ES256 nor ES256K"),
            ("crv", json!("P-384"), "neither ES256 nor ES256K"),
            ("crv", json!("P-256"), "does not belong"),
            ("d", json!(null), "incomplete"),
            ("d", json!("AAAA"), "32 bytes"),
            ("d", zero, "zero"),
            ("d", other["d"].clone(), "does not belong"),
            ("y", other["y"].clone(), "does not belong"),
            ("x", json!("A*"), "base64url"),
            ("x", json!(format!("{}=", good["x"].as_str().unwrap())), "base64url"),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value.clone();
            let error = DpopKey::from_members(members(&jwk)).unwrap_err();
            assert!(error.contains(part), "{name} {value}: {error}");
        }
    }

    #[test]
    fn debug_shows_no_key_material() {
        let jwk = keys::generate(keys::Alg::Es256);
        let shown = format!("{:?}", DpopKey::from_members(members(&jwk)).unwrap());
        assert!(
            !shown.contains(jwk["d"].as_str().unwrap())
                && !shown.contains(jwk["x"].as_str().unwrap()),
            "{shown}"
        );
    }
}
