//! Decentralised identifiers (DIDs) of the AT Protocol.

use std::fmt;
use std::str::FromStr;

use crate::error::{Failure, usage};

/// Maximum length (AT Protocol DID syntax).
const MAX_BYTES: usize = 2048;

/// Account of a session: `did:plc:…` or `did:web:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did(Box<str>);

impl Did {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks whether the text is a valid DID.
    pub fn is_valid(text: &str) -> bool {
        let Some((method, id)) = text.strip_prefix("did:").and_then(|rest| rest.split_once(':'))
        else {
            return false;
        };
        text.len() <= MAX_BYTES
            && !method.is_empty()
            && method.bytes().all(|b| b.is_ascii_lowercase())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:%-".contains(&b))
            && id.bytes().last().is_some_and(|b| b != b':' && b != b'%')
    }
}

impl FromStr for Did {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if Self::is_valid(text) {
            return Ok(Self(text.into()));
        }
        Err(usage(format!("{text:?} is not a DID"))
            .hint("a DID looks like did:plc:abcdefghijklmnopqrstuvwx or did:web:example.com"))
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_of_the_at_protocol_decides() {
        for good in [
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "did:web:example.com",
            "did:web:localhost%3A3000",
            "did:web:a:b",
        ] {
            assert!(Did::is_valid(good), "{good}");
        }
        for bad in [
            "",
            "did:",
            "did:plc",
            "did:plc:",
            "DID:plc:a",
            "did:PLC:a",
            "did:plc:a:",
            "did:plc:a%",
            "did:plc:a b",
        ] {
            assert!(!Did::is_valid(bad), "{bad}");
        }
    }
}
