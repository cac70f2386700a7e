//! Recognises private keys in text, in all forms known from practice, and describes anything else.

use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, PrivateKeyInfoRef};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::ClientKey;
use super::client_key::NOT_A_KEY;
use super::forms::{KeyForm, P256_PRIVATE_MULTICODEC, ParsedKeys};
use crate::error::{Failure, usage};
use crate::{input, pem};

/// Known forms. The hint does not suggest a new key, because sessions are bound to the unreadable
/// one.
const FORMS: &str = "known forms: JWK, JSON array of JWKs, JWKS, PKCS#8 PEM, base64 of one of these, multibase P-256 key; copy the complete key from the place where the app reads it";

/// First byte of PKCS#8 and related DER structures.
const DER_SEQUENCE: u8 = 0x30;
/// Bytes of a raw private key.
const BARE_KEY: usize = 32;

/// Error for text that is not a private key of an OAuth client.
pub struct NotAKey {
    /// Description of the fault.
    pub failure: Failure,
    /// True for a key of another type or purpose, with which no atproto client library signs.
    pub is_foreign: bool,
}

impl From<Failure> for NotAKey {
    fn from(failure: Failure) -> Self {
        Self { failure, is_foreign: false }
    }
}

impl NotAKey {
    fn foreign(failure: Failure) -> Self {
        Self { failure, is_foreign: true }
    }

    fn at(self, place: String) -> Self {
        Self { failure: self.failure.at(place), ..self }
    }
}

/// Reads private keys in any form. The form is detected from the text.
pub fn parse_keys(text: &str) -> Result<ParsedKeys, Failure> {
    read_keys(text).map_err(|rejected| rejected.failure)
}

/// Reads private keys like [`parse_keys`]. The error tells a damaged key from a foreign one.
pub fn read_keys(text: &str) -> Result<ParsedKeys, NotAKey> {
    let text = input::trimmed(text);
    if text.is_empty() {
        return Err(usage("is empty")
            .hint("put the app's key there; `oauthctl gen-jwk` creates a first key")
            .into());
    }
    if let Some(read) = from_text(text) {
        return read;
    }
    if let Some(encoded) = text.strip_prefix('z')
        && let Ok(bytes) = bs58::decode(encoded).into_vec()
    {
        return Ok(ParsedKeys::new(
            KeyForm::Multibase,
            vec![from_multicodec(&Zeroizing::new(bytes))?],
        ));
    }
    if let Some(failure) = input::leftover(text) {
        return Err(failure.into());
    }
    let hex = text.strip_prefix("0x").unwrap_or(text);
    if hex.len() == 2 * BARE_KEY && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(NotAKey::foreign(bare("in hex")));
    }
    // Base64 that was wrapped and joined again may still have `\n` at its end.
    let compact: Zeroizing<String> =
        Zeroizing::new(text.replace("\\n", "").chars().filter(|c| !c.is_whitespace()).collect());
    match pem::base64_bytes(&compact) {
        Some(bytes) => from_bytes(&bytes),
        None => Err(usage("is not a private key in a known form").hint(FORMS).into()),
    }
}

fn bare(how: &str) -> Failure {
    usage(format!("is {BARE_KEY} bytes {how}, and no client library of atproto reads a key so"))
        .hint(FORMS)
}

/// Reads JSON or PEM.
fn from_text(text: &str) -> Option<Result<ParsedKeys, NotAKey>> {
    if text.starts_with(['{', '[']) {
        return Some(from_json(text));
    }
    pem::is_pem(text).then(|| Ok(ParsedKeys::new(KeyForm::Pem, vec![from_pem(text)?])))
}

/// Reads decoded base64.
fn from_bytes(bytes: &[u8]) -> Result<ParsedKeys, NotAKey> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(read) = from_text(input::trimmed(text))
    {
        let mut read = read?;
        read.form = read.form.in_base64().unwrap_or(read.form);
        return Ok(read);
    }
    match bytes {
        [DER_SEQUENCE, ..] => Ok(ParsedKeys::new(KeyForm::DerBase64, vec![from_der(bytes)?])),
        _ if bytes.len() == BARE_KEY => Err(NotAKey::foreign(bare("in base64"))),
        _ => Err(usage("is not a private key in a known form").hint(FORMS).into()),
    }
}

fn from_json(text: &str) -> Result<ParsedKeys, NotAKey> {
    let json: Value = serde_json::from_str(text).map_err(|e| {
        // The parser's message states a position and a token type, and never quotes the text.
        let broken =
            || usage("is not JSON").because(e).hint("check the quotes in the shell or dotenv file");
        input::leftover(text).unwrap_or_else(broken)
    })?;
    match json {
        Value::Object(mut object) => match object.get_mut("keys").map(Value::take) {
            Some(Value::Array(keys)) => {
                Ok(ParsedKeys { form: KeyForm::Jwks, keys: from_array(keys)?, around: object })
            }
            Some(_) => Err(usage("`keys` must be an array of JWKs")
                .hint(r#"a JWKS looks like {"keys":[{…}]}"#)
                .into()),
            None => Ok(ParsedKeys::new(KeyForm::Jwk, vec![from_members(object)?])),
        },
        Value::Array(keys) => Ok(ParsedKeys::new(KeyForm::Array, from_array(keys)?)),
        _ => unreachable!("the text begins with a brace or a bracket"),
    }
}

fn from_array(keys: Vec<Value>) -> Result<Vec<ClientKey>, NotAKey> {
    keys.into_iter()
        .enumerate()
        .map(|(index, key)| match key {
            Value::Object(members) => {
                let place = place_of(index, &members);
                from_members(members).map_err(|e| e.at(place))
            }
            _ => Err(usage("is not a JWK")
                .at(format_args!("key {}", index + 1))
                .hint("a JWK is a JSON object")
                .into()),
        })
        .collect()
}

fn from_members(members: Map<String, Value>) -> Result<ClientKey, NotAKey> {
    let differs = |name: &str, ours: &str| {
        members.get(name).and_then(Value::as_str).is_some_and(|value| value != ours)
    };
    let is_foreign = differs("kty", "EC") || differs("crv", "P-256");
    ClientKey::from_members(members).map_err(|failure| NotAKey { failure, is_foreign })
}

fn place_of(index: usize, members: &Map<String, Value>) -> String {
    match members.get("kid") {
        Some(Value::String(kid)) => format!("key {} (kid {kid:?})", index + 1),
        _ => format!("key {}", index + 1),
    }
}

/// Returns the only private key among the PEM blocks. Public keys and certificates are ignored.
fn from_pem(text: &str) -> Result<ClientKey, NotAKey> {
    let blocks = pem::blocks(text);
    let private: Vec<_> = blocks.iter().filter(|block| block.label == "PRIVATE KEY").collect();
    match private[..] {
        [] => Err(other_pem(&blocks)),
        [block] if block.is_cut => Err(usage("this PEM is cut short: it has no END line")
            .hint("copy all of it; in a dotenv file, put a value of several lines in double quotes")
            .into()),
        [block] => match block.decode() {
            Some(der) => from_der(&der),
            None => {
                Err(usage("this PEM is damaged: it does not contain base64").hint(NOT_A_KEY).into())
            }
        },
        _ => Err(usage(format!("contains {} private keys", private.len()))
            .hint("put each in its own source, in the order in which the app loads them")
            .into()),
    }
}

/// Describes a PEM without a PKCS#8 key.
fn other_pem(blocks: &[pem::Block]) -> NotAKey {
    let is_there = |label: &str| blocks.iter().any(|block| block.label == label);
    if blocks.iter().any(pem::Block::is_encrypted) {
        return usage("this PEM is encrypted")
            .hint("`openssl pkey -in FILE` asks for its password and prints the key")
            .into();
    }
    if is_there("EC PRIVATE KEY") {
        return sec1("this PEM is SEC1 (`BEGIN EC PRIVATE KEY`)").into();
    }
    let others = [
        ("RSA PRIVATE KEY", "an RSA key"),
        ("DSA PRIVATE KEY", "a DSA key"),
        ("OPENSSH PRIVATE KEY", "an OpenSSH key"),
        ("PGP PRIVATE KEY BLOCK", "a PGP key"),
    ];
    if let Some((_, what)) = others.iter().find(|(label, _)| is_there(label)) {
        return NotAKey::foreign(other_type(what));
    }
    if blocks.iter().any(|block| block.label.ends_with("PUBLIC KEY")) {
        return usage("this PEM is a public key, but a private key is needed")
            .hint(WHERE_PRIVATE)
            .into();
    }
    if is_there("CERTIFICATE") {
        return usage("this PEM is a certificate, but a private key is needed")
            .hint("use the source of the private key")
            .into();
    }
    let label = blocks.first().and_then(pem::Block::shown_label).unwrap_or("something unknown");
    usage(format!("this PEM contains {label}, not a private key")).hint(FORMS).into()
}

const WHERE_PRIVATE: &str = "use the source of the private key; it includes the public key";

fn sec1(what: &str) -> Failure {
    usage(format!("{what}, which the client library does not read"))
        .hint("`openssl pkcs8 -topk8 -nocrypt -in FILE` turns it into PKCS#8")
}

fn other_type(what: &str) -> Failure {
    usage(format!("is {what}, but a client key is an EC key on P-256"))
        .hint("use the source of the key with which the app signs its token requests")
}

fn from_der(der: &[u8]) -> Result<ClientKey, NotAKey> {
    let error = match p256::SecretKey::from_pkcs8_der(der) {
        Ok(secret) => return Ok(ClientKey::from_secret(secret)),
        Err(error) => error,
    };
    if let Ok(info) = PrivateKeyInfoRef::try_from(der) {
        let parameters = info.algorithm.parameters_oid().map(|oid| oid.to_string());
        let curve = parameters.as_deref().unwrap_or_default();
        if let Some(what) = type_of(&info.algorithm.oid.to_string(), curve) {
            return Err(NotAKey::foreign(other_type(&what)));
        }
    }
    if p256::PublicKey::from_public_key_der(der).is_ok() {
        return Err(usage("is a public key, but a private key is needed")
            .hint(WHERE_PRIVATE)
            .into());
    }
    if p256::SecretKey::from_sec1_der(der).is_ok() {
        return Err(sec1("is SEC1").into());
    }
    Err(usage("is not PKCS#8 of a P-256 private key").because(error).hint(NOT_A_KEY).into())
}

/// Returns the name of a key type from its OIDs (RFC 5480, RFC 8410), `None` for P-256.
fn type_of(algorithm: &str, curve: &str) -> Option<String> {
    Some(match (algorithm, curve) {
        ("1.2.840.10045.2.1", "1.2.840.10045.3.1.7") => return None,
        ("1.2.840.10045.2.1", "1.3.132.0.34") => "an EC key on P-384".to_owned(),
        ("1.2.840.10045.2.1", "1.3.132.0.35") => "an EC key on P-521".to_owned(),
        ("1.2.840.10045.2.1", "1.3.132.0.10") => "an EC key on secp256k1".to_owned(),
        ("1.2.840.10045.2.1", _) => "an EC key on another curve".to_owned(),
        ("1.2.840.113549.1.1.1", _) => "an RSA key".to_owned(),
        ("1.3.101.112", _) => "an Ed25519 key".to_owned(),
        (algorithm, _) => format!("a key of another type (OID {algorithm})"),
    })
}

fn from_multicodec(bytes: &[u8]) -> Result<ClientKey, NotAKey> {
    let Some(scalar) = bytes.strip_prefix(&P256_PRIVATE_MULTICODEC) else {
        let failure =
            usage("this multibase key is not a P-256 private key").hint("those begin with z42");
        return Err(NotAKey { failure, is_foreign: bytes.len() > BARE_KEY });
    };
    if scalar.len() != BARE_KEY {
        let found = scalar.len();
        return Err(usage(format!(
            "this multibase key has {found} bytes where a P-256 key has {BARE_KEY}"
        ))
        .hint(NOT_A_KEY)
        .into());
    }
    p256::SecretKey::from_slice(scalar).map(ClientKey::from_secret).map_err(|_| {
        usage("this multibase key is not a P-256 private key: it is zero or beyond the group order")
            .hint(NOT_A_KEY)
            .into()
    })
}

#[cfg(test)]
mod tests;
