//! Secrets that are texts: tokens, private members of keys, passwords.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroize as _;

use crate::hashes::fingerprint;

/// Text that must not be shown. [`Secret::expose_secret`] is the only way to it, so that a search
/// for this name finds every use. Wiped on drop, unless it is borrowed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<'a>(Cow<'a, str>);

impl<'a> Secret<'a> {
    /// Wraps a text without copying it.
    pub const fn new(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Returns the text, to send it, to store it or to compare it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Returns a fingerprint of the text, which may be stored.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.0.as_bytes())
    }

    /// Returns a secret of its own, which outlives what this one borrows from.
    pub fn to_owned(&self) -> Secret<'static> {
        Secret(Cow::Owned(self.0.clone().into_owned()))
    }
}

impl<'a, T: Into<Cow<'a, str>>> From<T> for Secret<'a> {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}
