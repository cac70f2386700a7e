//! Random strings for tokens, nonces and identifiers.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Returns `N` random bytes.
#[allow(clippy::disallowed_methods, reason = "the test network has no Context")]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    getrandom::fill(&mut out).expect("the system's random source");
    out
}

/// Returns `N` random bytes in hexadecimal.
pub(crate) fn hex<const N: usize>() -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes::<N>()
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

/// Returns `N` random bytes in unpadded base64url.
pub(crate) fn base64url<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<N>())
}

/// Returns a fresh `did:plc:` with 24 base32 characters.
pub fn did() -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let tail: String =
        bytes::<24>().iter().map(|byte| char::from(DIGITS[usize::from(byte & 31)])).collect();
    format!("did:plc:{tail}")
}
