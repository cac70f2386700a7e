//! Records as stores read and write them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use zeroize::Zeroize as _;

use super::Unreadable;
use crate::session::{Observed, is_nobodys};

/// Kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Session of a user.
    Session,
    /// Pending login.
    State,
}

/// Key of a record, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(pub(super) Vec<u8>);

/// Value of a record. Contains tokens and private keys, and is wiped on drop.
#[derive(Clone, Default)]
pub struct RecordValue(pub(super) Vec<u8>);

impl Drop for RecordValue {
    fn drop(&mut self) {
        // As a slice: zeroize wipes a `Vec` byte by byte, which takes a twentieth of a listing's
        // time.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}

/// Record as read from the store.
#[derive(Clone)]
pub struct Stored {
    /// Key.
    pub key: RecordKey,
    /// Value without the layout's envelope. May be anything, not only a value written by an app.
    pub value: RecordValue,
    /// Stored value, if it differs.
    pub raw: Option<RecordValue>,
    /// Evidence of the record's age.
    pub observed: Observed,
    /// Remaining lifetime, if the store knows it and was asked for it.
    pub ttl: Option<Duration>,
    /// Reason for an empty `value`, if the store itself can tell that it is not a record.
    pub unreadable: Option<Unreadable>,
}

impl Stored {
    /// Creates a record with these properties alone.
    pub fn new(key: RecordKey, value: RecordValue) -> Self {
        Self { key, value, raw: None, observed: Observed::default(), ttl: None, unreadable: None }
    }

    /// Returns the stored value, with which a conditional write compares.
    pub(super) fn version(&self) -> &RecordValue {
        self.raw.as_ref().unwrap_or(&self.value)
    }

    /// Checks whether the record provably belongs to no one.
    pub fn is_nobodys(&self) -> bool {
        self.unreadable.is_none() && is_nobodys(&self.value)
    }
}

/// Data to read in a scan. The less, the faster.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// True to read values.
    pub values: bool,
    /// True to read remaining lifetimes.
    pub ttls: bool,
}

/// Result of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The new value is stored.
    Done,
    /// The new value is stored, but may be lost in a failover. A [`super::Store::checkpoint`] tells.
    Unconfirmed,
    /// The record has changed in the meantime. Nothing was written.
    Changed,
    /// The record no longer exists. Nothing was written.
    Gone,
}

impl From<Vec<u8>> for RecordValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for RecordValue {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for RecordValue {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for RecordValue {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl fmt::Debug for RecordValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordValue({} bytes)", self.len())
    }
}

impl RecordKey {
    /// Creates a key from its text.
    pub fn from_text(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// Checks whether the key is valid UTF-8.
    pub(super) fn is_text(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }

    /// Returns the key's text, with invalid bytes replaced.
    pub fn text(&self) -> Cow<'_, str> {
        // Nearly all keys are UTF-8, which this detects several times as fast as the replacement.
        std::str::from_utf8(&self.0)
            .map_or_else(|_| String::from_utf8_lossy(&self.0), Cow::Borrowed)
    }
}

impl fmt::Debug for Stored {
    /// Omits the value, which contains tokens and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("key", &self.key.text())
            .field("bytes", &self.value.len())
            .finish_non_exhaustive()
    }
}
