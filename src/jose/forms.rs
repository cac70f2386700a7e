//! The forms in which apps keep client keys: read from text, written back as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::ClientKey;
use super::client_key::NOT_A_KEY;
use crate::error::{Failure, failed, usage};

/// Multicodec prefix of a P-256 private key (`p256-priv`, 0x1306, as a varint).
const P256_PRIVATE_MULTICODEC: [u8; 2] = [0x86, 0x26];

/// One way of writing private keys down.
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
    /// A multibase `p256-priv` key (base58btc). Has no kid.
    Multibase,
}

/// What a source held.
#[derive(Debug)]
pub struct ParsedKeys {
    /// The form it was written in, to write it back in the same.
    pub form: KeyForm,
    /// The keys, in order.
    pub keys: Vec<ClientKey>,
    /// The JWKS object without its keys: what else stands in it. Empty for other forms.
    pub around: Map<String, Value>,
}

impl ParsedKeys {
    fn new(form: KeyForm, keys: Vec<ClientKey>) -> Self {
        Self { form, keys, around: Map::new() }
    }
}

impl KeyForm {
    /// Whether the form has room for several keys.
    pub fn holds_many(self) -> bool {
        matches!(self, Self::Array | Self::Jwks)
    }

    /// Whether the form has room for a kid.
    pub fn has_kid(self) -> bool {
        matches!(self, Self::Jwk | Self::Array | Self::Jwks)
    }

    /// What the form is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jwk => "JWK",
            Self::Array => "JSON array of JWKs",
            Self::Jwks => "JWKS",
            Self::Pem => "PEM",
            Self::PemBase64 => "base64 of a PEM",
            Self::Multibase => "multibase key",
        }
    }

    /// Writes keys in this form. One line, but for PEM. Fails when the form holds one key and there are several.
    pub fn encode(self, keys: &[ClientKey]) -> Result<Zeroizing<String>, Failure> {
        self.encode_within(&Map::new(), keys)
    }

    /// The same, a JWKS within what else stood beside its keys.
    pub fn encode_within(self, around: &Map<String, Value>, keys: &[ClientKey]) -> Result<Zeroizing<String>, Failure> {
        let one = || match keys {
            [key] => Ok(key),
            _ => Err(usage(format!("a {} holds one key, and there are {}", self.name(), keys.len()))
                .hint("use the encoding jwks for several keys")),
        };
        // By reference: a copy of the members would outlive its use.
        let array = || keys.iter().map(ClientKey::expose_jwk).collect::<Vec<_>>();
        Ok(Zeroizing::new(match self {
            Self::Jwk => json(one()?.expose_jwk()),
            Self::Array => json(&array()),
            Self::Jwks => json(&Set { around, keys: array() }),
            Self::Pem => pem(one()?)?.to_string(),
            Self::PemBase64 => BASE64.encode(pem(one()?)?.as_bytes()),
            Self::Multibase => {
                let mut bytes = Zeroizing::new(P256_PRIVATE_MULTICODEC.to_vec());
                bytes.extend_from_slice(&Zeroizing::new(one()?.expose_secret().to_bytes()));
                format!("z{}", bs58::encode(&*bytes).into_string())
            }
        }))
    }
}

/// A JWKS (RFC 7517 section 5): the keys, in the place where they stood among what else there is.
struct Set<'k> {
    around: &'k Map<String, Value>,
    keys: Vec<&'k Map<String, Value>>,
}

impl Serialize for Set<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut set = serializer.serialize_map(None)?;
        for (name, value) in self.around {
            if name == "keys" { set.serialize_entry(name, &self.keys)? } else { set.serialize_entry(name, value)? }
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
    key.expose_secret().to_pkcs8_pem(LineEnding::LF).map_err(|e| failed("cannot write the key as PEM").because(e))
}

/// Reads private keys in any form; the form is told from the text itself.
pub fn parse_keys(text: &str) -> Result<ParsedKeys, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(usage("is empty").hint("`oauthctl gen-jwk` prints a key to put there"));
    }
    if text.starts_with('{') || text.starts_with('[') {
        return from_json(text);
    }
    if text.starts_with("-----BEGIN") {
        return Ok(ParsedKeys::new(KeyForm::Pem, vec![from_pem(text)?]));
    }
    if let Some(encoded) = text.strip_prefix('z')
        && let Ok(bytes) = bs58::decode(encoded).into_vec()
    {
        return Ok(ParsedKeys::new(KeyForm::Multibase, vec![from_multicodec(&Zeroizing::new(bytes))?]));
    }
    if let Some(pem) = from_base64(text) {
        return Ok(ParsedKeys::new(KeyForm::PemBase64, vec![from_pem(&pem)?]));
    }
    Err(usage("is no private key in any known form")
        .hint("known are a JWK, a JSON array of JWKs, a JWKS, a PKCS#8 PEM, base64 of one, and a multibase P-256 key"))
}

fn from_json(text: &str) -> Result<ParsedKeys, Failure> {
    let json: Value = serde_json::from_str(text).map_err(|e| {
        // The parser's own message names a position and a kind of token, never the text itself.
        usage("is not JSON").because(e).hint("check that the quotes of the shell or dotenv file left the JSON whole")
    })?;
    match json {
        Value::Object(mut object) => match object.get_mut("keys").map(Value::take) {
            Some(Value::Array(keys)) => Ok(ParsedKeys { form: KeyForm::Jwks, keys: from_array(keys)?, around: object }),
            Some(_) => Err(usage("`keys` must be an array of JWKs").hint(r#"a JWKS looks like {"keys":[{…}]}"#)),
            None => Ok(ParsedKeys::new(KeyForm::Jwk, vec![ClientKey::from_members(object)?])),
        },
        Value::Array(keys) => Ok(ParsedKeys::new(KeyForm::Array, from_array(keys)?)),
        _ => unreachable!("the text begins with a brace or a bracket"),
    }
}

fn from_array(keys: Vec<Value>) -> Result<Vec<ClientKey>, Failure> {
    keys.into_iter()
        .enumerate()
        .map(|(index, key)| match key {
            Value::Object(members) => {
                let place = place_of(index, &members);
                ClientKey::from_members(members).map_err(|e| e.at(place))
            }
            _ => Err(usage("is not a JWK").at(format_args!("key {}", index + 1)).hint("a JWK is a JSON object")),
        })
        .collect()
}

fn place_of(index: usize, members: &Map<String, Value>) -> String {
    match members.get("kid") {
        Some(Value::String(kid)) => format!("key {} (kid {kid:?})", index + 1),
        _ => format!("key {}", index + 1),
    }
}

fn from_pem(text: &str) -> Result<ClientKey, Failure> {
    // A dotenv value on one line often spells the line breaks out.
    let text = Zeroizing::new(text.replace("\\n", "\n"));
    if text.contains("PUBLIC KEY") {
        return Err(usage("this PEM is a public key, and a private one is needed")
            .hint("name the source of the private key; the public half follows from it"));
    }
    if text.contains("BEGIN EC PRIVATE KEY") {
        return Err(usage("this PEM is SEC1 (`BEGIN EC PRIVATE KEY`), which the client library does not read")
            .hint("`openssl pkcs8 -topk8 -nocrypt -in FILE` turns it into PKCS#8"));
    }
    p256::SecretKey::from_pkcs8_pem(&text).map(ClientKey::from_secret).map_err(|e| {
        usage("is not a PKCS#8 PEM of a P-256 private key")
            .because(e)
            .hint("an encrypted key or one on another curve cannot be used; `oauthctl gen-jwk` makes a new one")
    })
}

fn from_base64(text: &str) -> Option<Zeroizing<String>> {
    let compact: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    let bytes = BASE64.decode(compact.as_bytes()).ok()?;
    let text = String::from_utf8(bytes).map(Zeroizing::new).ok()?;
    text.starts_with("-----BEGIN").then_some(text)
}

fn from_multicodec(bytes: &[u8]) -> Result<ClientKey, Failure> {
    let Some(scalar) = bytes.strip_prefix(&P256_PRIVATE_MULTICODEC) else {
        return Err(usage("this multibase key is not a P-256 private key").hint("those begin with z42"));
    };
    if scalar.len() != 32 {
        return Err(
            usage(format!("this multibase key has {} bytes where a P-256 key has 32", scalar.len())).hint(NOT_A_KEY)
        );
    }
    p256::SecretKey::from_slice(scalar).map(ClientKey::from_secret).map_err(|_| {
        usage("this multibase key is not a P-256 private key: it is zero or beyond the group order").hint(NOT_A_KEY)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ClientKey {
        let mut key = ClientKey::from_secret(p256::SecretKey::from_slice(&[7; 32]).unwrap());
        key.set_kid("a".parse().unwrap());
        key
    }

    #[test]
    fn every_form_reads_back_what_it_wrote() {
        for form in [KeyForm::Jwk, KeyForm::Array, KeyForm::Jwks, KeyForm::Pem, KeyForm::PemBase64, KeyForm::Multibase]
        {
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

    #[test]
    fn a_pem_with_spelled_out_line_breaks_is_read() {
        let text = KeyForm::Pem.encode(&[key()]).unwrap().replace('\n', "\\n");
        assert_eq!(parse_keys(&text).unwrap().keys[0].thumbprint(), key().thumbprint());
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        for (text, part) in [
            ("", "is empty"),
            ("hello", "no private key in any known form"),
            ("{\"kty\":", "is not JSON"),
            ("{}", "no `kty`"),
            ("[1]", "key 1: is not a JWK"),
            ("{\"keys\":{}}", "must be an array"),
            (r#"{"kty":"RSA"}"#, "unsupported key type \"RSA\""),
            (r#"{"kty":"EC","crv":"P-384"}"#, "unsupported curve \"P-384\""),
            (r#"{"kty":"EC","crv":"P-256","x":"","y":""}"#, "public key"),
            (r#"{"kty":"EC","crv":"P-256","x":"A*A","y":"","d":""}"#, "`x` is not base64url"),
            (r#"{"kty":"EC","crv":"P-256","x":"AAAA=","y":"","d":""}"#, "`x` is padded"),
            (r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"","d":""}"#, "`x` has 3 bytes"),
            ("-----BEGIN PUBLIC KEY-----", "public key"),
            ("-----BEGIN EC PRIVATE KEY-----", "SEC1"),
            ("z42abc", "multibase"),
        ] {
            let message = parse_keys(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
