//! Formats in which apps keep client keys, and their encoders. `read.rs` has the parsers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::ClientKey;
use crate::error::{Failure, failed, usage};

/// Multicodec prefix of a P-256 private key (`p256-priv`, 0x1306, as a varint).
pub(super) const P256_PRIVATE_MULTICODEC: [u8; 2] = [0x86, 0x26];

/// Text format of private keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// A JWK object.
    Jwk,
    /// A JSON array of JWKs.
    Array,
    /// `{"keys":[…]}` (RFC 7517 section 5).
    Jwks,
    /// PKCS#8 in PEM (RFC 5958, RFC 7468). Has no kid.
    Pem,
    /// Base64 of a PEM, for environment variables. Has no kid.
    PemBase64,
    /// Base64 of the DER in a PKCS#8 PEM, without the PEM header and footer. Has no kid.
    DerBase64,
    /// Base64 of a JWK.
    JwkBase64,
    /// Base64 of a JSON array of JWKs.
    ArrayBase64,
    /// Base64 of a JWKS.
    JwksBase64,
    /// A multibase `p256-priv` key (base58btc). Has no kid.
    Multibase,
}

/// Keys read from a source.
#[derive(Debug)]
pub struct ParsedKeys {
    /// Form in which they were written, so that they can be written back in the same form.
    pub form: KeyForm,
    /// Keys, in order.
    pub keys: Vec<ClientKey>,
    /// Other members of the JWKS object. Empty for other forms.
    pub around: Map<String, Value>,
}

impl ParsedKeys {
    pub(super) fn new(form: KeyForm, keys: Vec<ClientKey>) -> Self {
        Self { form, keys, around: Map::new() }
    }
}

impl KeyForm {
    /// Checks whether the form can hold several keys.
    pub fn holds_many(self) -> bool {
        matches!(self.within(), Self::Array | Self::Jwks)
    }

    /// Checks whether the form can hold a kid.
    pub fn has_kid(self) -> bool {
        matches!(self.within(), Self::Jwk | Self::Array | Self::Jwks)
    }

    /// Returns the form inside the base64, or the form itself if it is not base64 of text.
    fn within(self) -> Self {
        match self {
            Self::PemBase64 => Self::Pem,
            Self::JwkBase64 => Self::Jwk,
            Self::ArrayBase64 => Self::Array,
            Self::JwksBase64 => Self::Jwks,
            other => other,
        }
    }

    /// Returns the form that is the base64 of this one, if there is one.
    pub(super) fn in_base64(self) -> Option<Self> {
        [Self::PemBase64, Self::JwkBase64, Self::ArrayBase64, Self::JwksBase64]
            .into_iter()
            .find(|form| form.within() == self)
    }

    /// Returns the name used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jwk => "JWK",
            Self::Array => "JSON array of JWKs",
            Self::Jwks => "JWKS",
            Self::Pem => "PEM",
            Self::PemBase64 => "base64 of a PEM",
            Self::DerBase64 => "base64 of PKCS#8",
            Self::JwkBase64 => "base64 of a JWK",
            Self::ArrayBase64 => "base64 of a JSON array of JWKs",
            Self::JwksBase64 => "base64 of a JWKS",
            Self::Multibase => "multibase key",
        }
    }

    /// Encodes keys in this form, on one line except for PEM. Fails if the form holds one key and
    /// there are several.
    pub fn encode(self, keys: &[ClientKey]) -> Result<Zeroizing<String>, Failure> {
        self.encode_within(&Map::new(), keys)
    }

    /// Encodes keys like [`KeyForm::encode`], and adds the other members of a JWKS object.
    pub fn encode_within(
        self,
        around: &Map<String, Value>,
        keys: &[ClientKey],
    ) -> Result<Zeroizing<String>, Failure> {
        let one = || match keys {
            [key] => Ok(key),
            _ => Err(usage(format!(
                "a {} contains one key, but there are {}",
                self.name(),
                keys.len()
            ))
            .hint("use the encoding jwks for several keys")),
        };
        // By reference, so that no copy of the secret members is left in memory.
        let array = || keys.iter().map(ClientKey::expose_jwk).collect::<Vec<_>>();
        Ok(Zeroizing::new(match self {
            Self::Jwk => json(one()?.expose_jwk()),
            Self::Array => json(&array()),
            Self::Jwks => json(&Set { around, keys: array() }),
            Self::Pem => pem(one()?)?.to_string(),
            Self::DerBase64 => {
                let der = one()?.expose_secret().to_pkcs8_der();
                BASE64.encode(
                    der.map_err(|e| failed("cannot write the key as PKCS#8").because(e))?
                        .as_bytes(),
                )
            }
            Self::PemBase64 | Self::JwkBase64 | Self::ArrayBase64 | Self::JwksBase64 => {
                BASE64.encode(self.within().encode_within(around, keys)?.as_bytes())
            }
            Self::Multibase => {
                let mut bytes = Zeroizing::new(P256_PRIVATE_MULTICODEC.to_vec());
                bytes.extend_from_slice(&Zeroizing::new(one()?.expose_secret().to_bytes()));
                format!("z{}", bs58::encode(&*bytes).into_string())
            }
        }))
    }
}

/// JWKS (RFC 7517 section 5). The keys keep their position among the other members.
struct Set<'k> {
    around: &'k Map<String, Value>,
    keys: Vec<&'k Map<String, Value>>,
}

impl Serialize for Set<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut set = serializer.serialize_map(None)?;
        for (name, value) in self.around {
            if name == "keys" {
                set.serialize_entry(name, &self.keys)?;
            } else {
                set.serialize_entry(name, value)?;
            }
        }
        if !self.around.contains_key("keys") {
            set.serialize_entry("keys", &self.keys)?;
        }
        set.end()
    }
}

fn json(keys: &impl Serialize) -> String {
    serde_json::to_string(keys).expect("keys have only names as members")
}

fn pem(key: &ClientKey) -> Result<Zeroizing<String>, Failure> {
    key.expose_secret()
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|e| failed("cannot write the key as PEM").because(e))
}

#[cfg(test)]
mod tests {
    use super::super::parse_keys;
    use super::*;

    const ALL: [KeyForm; 10] = [
        KeyForm::Jwk,
        KeyForm::Array,
        KeyForm::Jwks,
        KeyForm::Pem,
        KeyForm::PemBase64,
        KeyForm::DerBase64,
        KeyForm::JwkBase64,
        KeyForm::ArrayBase64,
        KeyForm::JwksBase64,
        KeyForm::Multibase,
    ];

    fn key() -> ClientKey {
        let mut key = ClientKey::from_secret(p256::SecretKey::from_slice(&[7; 32]).unwrap());
        key.set_kid("a".parse().unwrap());
        key
    }

    #[test]
    fn every_form_reads_back_what_it_wrote() {
        for form in ALL {
            let text = form.encode(&[key()]).unwrap();
            let parsed = parse_keys(&text).unwrap();
            assert_eq!(parsed.form, form);
            assert_eq!(parsed.keys[0].thumbprint(), key().thumbprint(), "{form:?}");
            assert_eq!(parsed.keys[0].kid().is_some(), form.has_kid(), "{form:?}");
        }
    }

    #[test]
    fn what_stands_beside_the_keys_of_a_set_stays_where_it_is() {
        let keys = KeyForm::Jwk.encode(&[key()]).unwrap();
        let text = format!(r#"{{"a":1,"keys":[{}],"b":{{"c":null}}}}"#, *keys);
        let parsed = parse_keys(&text).unwrap();
        assert_eq!(*parsed.form.encode_within(&parsed.around, &parsed.keys).unwrap(), text);
    }
}
