//! Fingerprints of secrets.

use sha2::{Digest as _, Sha256};

/// Returns the first 128 bits of the SHA-256 in hex, which identify a secret or a record without
/// disclosing it.
pub fn fingerprint(secret: &[u8]) -> String {
    let digest = Sha256::digest(secret);
    format!("{:032x}", u128::from_be_bytes(*digest.first_chunk().expect("SHA-256 has 32 bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_beginning_of_the_hash_of_fips_180() {
        assert_eq!(fingerprint(b"abc"), "ba7816bf8f01cfea414140de5dae2223");
        // Leading zeros are kept.
        assert_eq!(fingerprint(b"886"), "000f21ac06aceb9cdd0575e82d0d85fc");
    }
}
