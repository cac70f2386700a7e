//! Client authentication at the token endpoint.

/// Client authentication. `K` is the client key, or its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod<K> {
    /// Public client.
    None,
    /// Confidential client (RFC 7523).
    PrivateKeyJwt(K),
}

impl<K> AuthMethod<K> {
    /// Returns the method's name in client metadata (RFC 7591 section 2).
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }

    /// Returns the client key.
    pub fn into_key(self) -> Option<K> {
        match self {
            Self::None => None,
            Self::PrivateKeyJwt(key) => Some(key),
        }
    }
}
