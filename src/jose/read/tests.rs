//! Tests of key parsing: all forms, and input that is not a key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

fn key() -> ClientKey {
    ClientKey::from_secret(p256::SecretKey::from_slice(&[7; 32]).unwrap())
}

fn written(form: KeyForm) -> String {
    form.encode(&[key()]).unwrap().to_string()
}

#[track_caller]
fn assert_reads(text: &str, form: KeyForm) {
    let parsed = parse_keys(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!((parsed.keys.len(), parsed.form), (1, form), "{text}");
    assert_eq!(parsed.keys[0].thumbprint(), key().thumbprint(), "{text}");
}

#[test]
fn a_pem_is_read_whatever_became_of_its_line_breaks() {
    let pem = written(KeyForm::Pem);
    for between in [" ", "\\n", "\\\\n", "\\r\\n", "\r\n", "", "\n\n", "\n    ", "\\\n"] {
        assert_reads(&pem.replace('\n', between), KeyForm::Pem);
    }
    assert_reads(&format!("\u{feff}{pem}"), KeyForm::Pem);
}

#[test]
fn a_private_key_is_found_among_other_blocks() {
    let pem = written(KeyForm::Pem);
    let public = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for text in [
        format!("{public}{pem}"),
        format!("{pem}{certificate}"),
        format!("Bag Attributes\n  x: y\n{pem}"),
    ] {
        assert_reads(&text, KeyForm::Pem);
    }
    let two = parse_keys(&format!("{pem}{pem}")).unwrap_err().to_string();
    assert!(two.contains("contains 2 private keys"), "{two}");
}

#[test]
fn base64_is_read_in_either_alphabet_whatever_it_holds() {
    for (form, expected) in [
        (KeyForm::Pem, KeyForm::PemBase64),
        (KeyForm::Jwk, KeyForm::JwkBase64),
        (KeyForm::Array, KeyForm::ArrayBase64),
        (KeyForm::Jwks, KeyForm::JwksBase64),
    ] {
        let text = written(form);
        assert_reads(&STANDARD.encode(&text), expected);
        assert_reads(&URL_SAFE_NO_PAD.encode(format!("\u{feff}{text}\n")), expected);
    }
    let der = written(KeyForm::DerBase64);
    assert_reads(&der, KeyForm::DerBase64);
    assert_reads(&der.replace('+', "-").replace('/', "_").replace('=', ""), KeyForm::DerBase64);
    let (begin, end) = der.split_at(64);
    for between in ["\n", "\r\n", "\\n", " "] {
        assert_reads(&format!("{begin}{between}{end}{between}"), KeyForm::DerBase64);
    }
}

#[test]
fn what_is_no_key_is_refused_by_name() {
    let jwk = written(KeyForm::Jwk);
    let cut = &written(KeyForm::Pem)[..60];
    for (text, part) in [
        ("", "is empty"),
        ("hello", "not a private key in a known form"),
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
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "encrypted"),
        ("-----BEGIN CERTIFICATE-----", "certificate"),
        ("-----BEGIN PRIVATE KEY-----", "cut short"),
        (cut, "cut short"),
        ("z42abc", "multibase"),
        (&format!("'{jwk}'"), "single quotes"),
        (&jwk.replace('"', "\\\""), "escaped quotes"),
    ] {
        let rejected = read_keys(text).unwrap_err();
        let message = rejected.failure.to_string();
        assert!(message.contains(part), "{text}: {message}");
        assert_eq!(rejected.is_foreign, message.contains("unsupported"), "{text}");
    }
}

#[test]
fn keys_for_something_else_are_told_from_damaged_ones() {
    for text in [
        &"0f".repeat(32),
        &format!("0x{}", "AB".repeat(32)),
        &STANDARD.encode([9; 32]),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
        r#"{"kty":"OKP","crv":"Ed25519","x":"AQAB","d":"AQAB"}"#,
    ] {
        assert!(read_keys(text).unwrap_err().is_foreign, "{text}");
    }
}
