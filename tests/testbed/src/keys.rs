//! Keys and compact JWS: all signatures of the network, and utilities for tests that act as a
//! client.
//!
//! Written from scratch on the curve crates, so that it shares no code with the tested program.

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use k256::ecdsa as k;
use p256::ecdsa::{
    self as p,
    signature::{Signer as _, Verifier as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::random;

/// Signature algorithms used in atproto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alg {
    /// P-256: client keys, and DPoP if the server does not offer ES256K.
    Es256,
    /// secp256k1, preferred by the app's library for DPoP.
    #[default]
    Es256k,
}

impl Alg {
    /// Returns the name in a JOSE header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es256k => "ES256K",
        }
    }
}

/// Returns a fresh private JWK with exactly the members `kty`, `crv`, `x`, `y`, `d`.
pub fn generate(alg: Alg) -> Value {
    loop {
        let secret = random::bytes::<32>();
        if let Ok(jwk) = from_secret(alg, &secret) {
            return jwk;
        }
    }
}

/// Returns a fresh private ES256 JWK for a client, in the form of the upstream script: `kty`,
/// `kid`, `crv`, `x`, `y`, `d`.
pub fn client_key(kid: &str) -> Value {
    let mut jwk = json!({"kty": "EC", "kid": kid});
    for (name, value) in generate(Alg::Es256).as_object().into_iter().flatten() {
        jwk[name] = value.clone();
    }
    jwk
}

fn from_secret(alg: Alg, secret: &[u8]) -> Result<Value> {
    let (curve, point) = match alg {
        Alg::Es256 => (
            "P-256",
            p::SigningKey::from_slice(secret)?
                .verifying_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
        ),
        Alg::Es256k => (
            "secp256k1",
            k::SigningKey::from_slice(secret)?
                .verifying_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
        ),
    };
    Ok(json!({
        "kty": "EC",
        "crv": curve,
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
        "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        "d": URL_SAFE_NO_PAD.encode(secret),
    }))
}

/// Returns the JWK without its private members.
pub fn public(jwk: &Value) -> Value {
    let mut out = jwk.clone();
    if let Some(members) = out.as_object_mut() {
        members.retain(|name, _| name != "d" && name != "key_ops" && name != "use");
    }
    out
}

/// Returns the RFC 7638 thumbprint of an EC key.
pub fn thumbprint(jwk: &Value) -> String {
    let member = |name| jwk[name].as_str().unwrap_or_default();
    let canonical = format!(
        r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
        member("crv"),
        member("x"),
        member("y")
    );
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

/// Returns the base64url SHA-256 of a text: an `ath` claim, a PKCE challenge.
pub fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Returns the algorithm of a JWK, by its curve.
pub fn alg_of(jwk: &Value) -> Result<Alg> {
    match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
        (Some("EC"), Some("P-256")) => Ok(Alg::Es256),
        (Some("EC"), Some("secp256k1")) => Ok(Alg::Es256k),
        (kty, curve) => bail!("unsupported key: {kty:?} {curve:?}"),
    }
}

/// Signs `claims` with a private JWK. Returns a compact JWS, with `alg` added to the header.
pub fn sign(mut header: Value, claims: &Value, jwk: &Value) -> Result<String> {
    let alg = alg_of(jwk)?;
    let mut full = json!({"alg": alg.name()});
    for (name, value) in header.as_object_mut().into_iter().flatten() {
        full[name] = value.take();
    }
    let input = signing_input(&full, claims);
    let secret = URL_SAFE_NO_PAD.decode(jwk["d"].as_str().context("no private key")?)?;
    let signature = match alg {
        Alg::Es256 => {
            let signature: p::Signature =
                p::SigningKey::from_slice(&secret)?.sign(input.as_bytes());
            signature.to_bytes().to_vec()
        }
        Alg::Es256k => {
            let signature: k::Signature =
                k::SigningKey::from_slice(&secret)?.sign(input.as_bytes());
            signature.to_bytes().to_vec()
        }
    };
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Signs with HS256 like the reference server its access tokens. Returns a compact JWS.
pub(crate) fn sign_hs256(mut header: Value, claims: &Value, secret: &[u8; 32]) -> String {
    header["alg"] = json!("HS256");
    let input = signing_input(&header, claims);
    let mac = URL_SAFE_NO_PAD.encode(hmac_sha256(secret, input.as_bytes()));
    format!("{input}.{mac}")
}

/// Returns the claims of a token signed by [`sign_hs256`].
pub(crate) fn verify_hs256(token: &str, secret: &[u8; 32]) -> Result<Value> {
    let (input, mac) = token.rsplit_once('.').context("not a JWT")?;
    let expected = URL_SAFE_NO_PAD.encode(hmac_sha256(secret, input.as_bytes()));
    ensure!(mac == expected, "signature verification failed");
    Ok(Jws::decode(token)?.claims)
}

fn hmac_sha256(secret: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (slot, key) in block.iter_mut().zip(secret) {
            *slot ^= key;
        }
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn signing_input(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

/// Decoded compact JWS, not yet verified.
#[derive(Debug, Clone)]
pub struct Jws {
    /// Protected header.
    pub header: Value,
    /// Payload.
    pub claims: Value,
    input: String,
    signature: Vec<u8>,
}

impl Jws {
    /// Decodes a token without verifying it.
    pub fn decode(token: &str) -> Result<Self> {
        let (input, signature) = token.rsplit_once('.').context("Invalid Compact JWS")?;
        let (header, claims) = input.split_once('.').context("Invalid Compact JWS")?;
        let json = |part: &str| -> Result<Value> {
            Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
        };
        Ok(Self {
            header: json(header).context("JWS Protected Header is invalid")?,
            claims: json(claims).context("JWT Claims Set must be a JSON object")?,
            input: input.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature)?,
        })
    }

    /// Verifies the signature with `jwk`, under the algorithm in the header.
    pub fn verify(&self, jwk: &Value) -> Result<()> {
        let alg = alg_of(jwk)?;
        ensure!(self.header["alg"] == alg.name(), "\"alg\" does not fit");
        let mut point = vec![4];
        for name in ["x", "y"] {
            let coordinate = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default())?;
            point.extend(coordinate);
        }
        let message = self.input.as_bytes();
        let verified = match alg {
            Alg::Es256 => p::VerifyingKey::from_sec1_bytes(&point)?
                .verify(message, &p::Signature::from_slice(&self.signature)?),
            // The reference server accepts high-S signatures, which the crate refuses.
            Alg::Es256k => k::VerifyingKey::from_sec1_bytes(&point)?
                .verify(message, &k::Signature::from_slice(&self.signature)?.normalize_s()),
        };
        verified.ok().context("signature verification failed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_verifies_with_both_curves() {
        for alg in [Alg::Es256, Alg::Es256k] {
            let (key, other) = (generate(alg), generate(alg));
            let token = sign(json!({"typ": "x"}), &json!({"a": 1}), &key).unwrap();
            let jws = Jws::decode(&token).unwrap();
            assert_eq!(jws.header, json!({"alg": alg.name(), "typ": "x"}));
            jws.verify(&public(&key)).unwrap();
            assert!(jws.verify(&public(&other)).is_err());
        }
    }

    #[test]
    fn hmac_is_rfc_4231s() {
        // HMAC with a zero-padded key: RFC 4231 test case 1's key, padded to the 32 bytes used
        // here.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let mac = hmac_sha256(&key, b"Hi There");
        assert_eq!(mac[..4], [0xb0, 0x34, 0x4c, 0x61]);
    }

    #[test]
    fn client_keys_look_like_the_upstream_scripts() {
        let key = client_key("1795420766438");
        let names: Vec<_> = key.as_object().unwrap().keys().collect();
        assert_eq!(names, ["kty", "kid", "crv", "x", "y", "d"]);
        assert_eq!(thumbprint(&key).len(), 43);
    }
}
