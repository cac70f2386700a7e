//! Compact JWS (RFC 7515 section 7.1) with the two algorithms used in the AT Protocol.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::signature::Signer as _;
use serde::Serialize;

/// Signature algorithm (RFC 7518 section 3.4, RFC 8812 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on secp256k1 with SHA-256, which clients prefer for DPoP.
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

    /// Returns the curve's name in a JWK.
    pub(super) fn curve(self) -> &'static str {
        match self {
            Self::Es256 => "P-256",
            Self::Es256k => "secp256k1",
        }
    }
}

/// Private signing key. Signatures are deterministic (RFC 6979), so signing needs no randomness.
/// The key is wiped on drop and has no `Debug` output.
#[derive(Clone)]
pub(super) enum Signer {
    /// ES256
    P256(p256::ecdsa::SigningKey),
    /// ES256K
    K256(k256::ecdsa::SigningKey),
}

impl Signer {
    pub(super) fn alg(&self) -> Alg {
        match self {
            Self::P256(_) => Alg::Es256,
            Self::K256(_) => Alg::Es256k,
        }
    }

    /// Signs. Returns `r` and `s`, 32 bytes each (RFC 7518 section 3.4).
    fn sign(&self, input: &[u8]) -> [u8; 64] {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(input);
                signature.to_bytes().into()
            }
            Self::K256(key) => {
                let signature: k256::ecdsa::Signature = key.sign(input);
                signature.to_bytes().into()
            }
        }
    }

    /// Signs header and claims. The header must state the key's own algorithm.
    pub(super) fn compact(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        let mut text = encode(header);
        text.push('.');
        text.push_str(&encode(claims));
        let signature = self.sign(text.as_bytes());
        text.push('.');
        BASE64URL.encode_string(signature, &mut text);
        text
    }
}

fn encode(part: &impl Serialize) -> String {
    BASE64URL.encode(serde_json::to_vec(part).expect("headers and claims have only string keys"))
}
