//! Error responses of OAuth endpoints (RFC 6749 section 5.2) and of XRPC.

use std::fmt;

/// Error response (RFC 6749 section 5.2), safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// Status code.
    pub status: u16,
    /// Member `error`.
    pub error: Option<String>,
    /// Member `error_description`, else `message` (XRPC).
    pub description: Option<String>,
    /// True if the answer carried a DPoP nonce.
    pub gave_nonce: bool,
}

/// Value of the member `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// RFC 6749 section 5.2
    InvalidRequest,
    /// RFC 6749 section 5.2
    InvalidClient,
    /// RFC 6749 section 5.2
    InvalidGrant,
    /// RFC 6749 section 5.2
    UnauthorizedClient,
    /// RFC 6749 section 5.2
    InvalidScope,
    /// RFC 7591 section 3.2.2
    InvalidRedirectUri,
    /// RFC 7591 section 3.2.2
    InvalidClientMetadata,
    /// RFC 9449 section 5
    InvalidDpopProof,
    /// RFC 9449 section 8
    UseDpopNonce,
    /// `InvalidRequest` of XRPC
    XrpcInvalidRequest,
    /// Any other text, or none. May be a description in place of a code.
    Other,
}

impl ErrorCode {
    /// Reads the member.
    pub fn of(error: &str) -> Self {
        match error {
            "invalid_request" => Self::InvalidRequest,
            "invalid_client" => Self::InvalidClient,
            "invalid_grant" => Self::InvalidGrant,
            "unauthorized_client" => Self::UnauthorizedClient,
            "invalid_scope" => Self::InvalidScope,
            "invalid_redirect_uri" => Self::InvalidRedirectUri,
            "invalid_client_metadata" => Self::InvalidClientMetadata,
            "invalid_dpop_proof" => Self::InvalidDpopProof,
            "use_dpop_nonce" => Self::UseDpopNonce,
            "InvalidRequest" => Self::XrpcInvalidRequest,
            _ => Self::Other,
        }
    }
}

impl ErrorResponse {
    /// Returns the code, [`ErrorCode::Other`] without one.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::of(self.error.as_deref().unwrap_or_default())
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, &self.description) {
            (Some(error), Some(description)) => write!(f, "{error}: {description}"),
            (Some(error), None) => f.write_str(error),
            (None, _) => write!(f, "status {}", self.status),
        }
    }
}
