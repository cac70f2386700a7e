//! Key ID (RFC 7517 section 4.5).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Failure, usage};

/// Key ID: any text without control characters. An authorization server binds a session to the kid
/// of the client key, so a kid never changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Kid(String);

impl Kid {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the kid as epoch milliseconds, the convention of the upstream generator script.
    pub fn as_epoch_millis(&self) -> Option<i64> {
        (self.0.len() == 13 && self.0.bytes().all(|b| b.is_ascii_digit()))
            .then(|| self.0.parse().ok())
            .flatten()
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Kid {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(
                usage("a kid must not be empty").hint("remove it to use the thumbprint as kid")
            );
        }
        if text.chars().any(char::is_control) {
            return Err(usage(format!("kid {text:?} contains control characters"))
                .hint("use letters, digits, - and _"));
        }
        Ok(Self(text))
    }
}

impl std::str::FromStr for Kid {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        text.to_owned().try_into()
    }
}
