//! Values that a store cannot return.

/// Reason for which a store returns a record without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Longer than any record of an OAuth client.
    TooLarge,
    /// The value has this Redis type (the answer to `TYPE`), or a module's type (empty).
    WrongType(&'static str),
    /// Without the envelope of the layout.
    NoEnvelope,
    /// The key cannot be sent to the store.
    KeyNotSendable,
}

impl Unreadable {
    /// Describes the reason.
    pub fn description(self) -> &'static str {
        match self {
            Self::TooLarge => "the value is larger than 1 MiB",
            Self::WrongType("list") => "the value is a Redis list, not a string",
            Self::WrongType("hash") => "the value is a Redis hash, not a string",
            Self::WrongType("set") => "the value is a Redis set, not a string",
            Self::WrongType("zset") => "the value is a Redis sorted set, not a string",
            Self::WrongType("stream") => "the value is a Redis stream, not a string",
            Self::WrongType(_) => "the value is of a Redis type of its own, not a string",
            Self::NoEnvelope => "the value is not wrapped as {value, ttl, cachedAt}",
            Self::KeyNotSendable => "the key is not text, which cannot be sent over REST",
        }
    }
}
