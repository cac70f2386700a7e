//! Identifiers of the two sides of a session: authorization server and client. Both are URLs that
//! are compared as texts, character by character.

use std::borrow::{Borrow, Cow};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines a type of identifiers, so that one kind is never taken for another.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name<'a>(Cow<'a, str>);

        impl $name<'_> {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns an identifier that outlives what this one borrows from.
            pub fn to_owned(&self) -> $name<'static> {
                $name(Cow::Owned(self.0.clone().into_owned()))
            }
        }

        impl<'a, T: Into<Cow<'a, str>>> From<T> for $name<'a> {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name<'_> {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// Issuer identifier of an authorization server (RFC 8414 section 2).
    Issuer
}

impl Issuer<'_> {
    /// Returns the spelling in tables and messages, without `https://`.
    pub fn brief(&self) -> &str {
        self.0.strip_prefix("https://").unwrap_or(&self.0)
    }
}

identifier! {
    /// `client_id`: URL of the client's metadata document (atproto OAuth profile).
    ClientId
}
