//! Meanings of the refusals that token endpoints give, as a table of the servers' own words.
//!
//! RFC 6749 section 5.2 leaves the description to the server, and some servers put their words
//! where the code belongs. Words are compared in lower case, and the first row that fits holds.
//! What fits no row is unknown, and costs a session where the code is `invalid_grant`.

use std::fmt;

/// A refusal (RFC 6749 section 5.2), made fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The status code.
    pub status: u16,
    /// The member `error`.
    pub error: Option<String>,
    /// The member `error_description`; where there is none, `message` (XRPC).
    pub description: Option<String>,
    /// True if the answer carried a DPoP nonce.
    pub gave_nonce: bool,
}

/// The member `error` of a refusal.
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
    /// RFC 7591 section 3.2.2
    InvalidClientMetadata,
    /// RFC 9449 section 5
    InvalidDpopProof,
    /// RFC 9449 section 8
    UseDpopNonce,
    /// `InvalidRequest` of XRPC
    XrpcInvalidRequest,
    /// Any other text, or none. It may be the server's words rather than a code.
    Other,
}

/// The cause of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The session had ended before: it was revoked, or the server does not know it.
    Ended,
    /// The session, or its refresh token, had outlived its time.
    Expired,
    /// Either the session had ended or its token was used before, or the client is not the
    /// session's: the words are the same.
    EndedOrConfiguration,
    /// The refresh token was used before.
    Replayed,
    /// The proof is not by the session's DPoP key.
    DpopKey,
    /// The client is not the one that the session was issued to: `client_id`, client key,
    /// authentication method, grant types.
    OtherClient,
    /// The client was not authenticated: its assertion, or what its documents say.
    ClientAuthentication,
    /// The server could not fetch the client's documents.
    ClientDocuments,
    /// The request itself.
    Request,
    /// The words are in no row.
    Unknown,
}

/// The state of a session after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// As before.
    Kept,
    /// Ended by this refusal, or before it.
    Gone,
}

/// The effect of a client assertion on a session that began while its client was public, as far as
/// a server's refusal of a token that never was tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrading {
    /// The session goes on with the assertion.
    Accepted,
    /// The assertion is refused, and the session goes on as it was.
    Kept,
    /// The session ends.
    Destroys,
    /// The client was refused, before any token was looked at: in which words.
    Refused(String),
    /// The server's words are in no row.
    Unknown(String),
    /// There was no answer.
    NoAnswer,
}

/// The reference server, `@atproto/oauth-provider` 0.22.9.
const REFERENCE: &str = "reference";
/// rsky-oauth 1.1.0, `src/provider.rs` and `src/client.rs`.
const RSKY: &str = "rsky";
/// tranquil-pds 0.6.5.
const TRANQUIL: &str = "tranquil";
/// cocoon 0.10.
const COCOON: &str = "cocoon";
/// pegasus, commit 7c18e8ed.
const PEGASUS: &str = "pegasus";
/// cirrus, commit 0aec6316.
const CIRRUS: &str = "cirrus";
/// No server in particular: words that suggest themselves.
const PATTERN: &str = "pattern";

/// One way to refuse a refresh.
struct Row {
    /// The status; none where any will do.
    status: Option<u16>,
    code: ErrorCode,
    /// A part of the description, or of `error` where that is no code. Lower case.
    words: &'static str,
    cause: Cause,
    fate: Fate,
    /// The servers that say so.
    source: &'static [&'static str],
}

const fn row(
    status: u16,
    code: ErrorCode,
    words: &'static str,
    (cause, fate): (Cause, Fate),
    source: &'static [&'static str],
) -> Row {
    Row { status: Some(status), code, words, cause, fate, source }
}

/// Returns a code that says it all, whatever the status and the words.
const fn code(
    code: ErrorCode,
    (cause, fate): (Cause, Fate),
    source: &'static [&'static str],
) -> Row {
    Row { status: None, code, words: "", cause, fate, source }
}

#[rustfmt::skip]
static ROWS: &[Row] = {
    use Cause::{
        ClientAuthentication, ClientDocuments, DpopKey, Ended, EndedOrConfiguration, Expired, OtherClient, Replayed, Request,
    };
    use ErrorCode::{
        InvalidClient, InvalidClientMetadata, InvalidDpopProof, InvalidGrant, InvalidRequest, Other, UnauthorizedClient,
        XrpcInvalidRequest,
    };
    use Fate::{Gone, Kept};
    &[
        // Refused before the token was looked at.
        row(400, InvalidGrant, "jti reused", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "grant type is not allowed for this client", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "is not supported by the server", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "client credentials missing", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "invalid request payload", (Request, Kept), &[REFERENCE]),
        // The token has not the form of one.
        row(400, InvalidGrant, "string must contain", (Request, Kept), &[REFERENCE]),
        // Where words leave a choice, the graver holds: the reference server compares clients and keys before it says that a
        // session has expired.
        row(400, InvalidGrant, "client_id mismatch", (OtherClient, Kept), &[CIRRUS]),
        row(400, InvalidGrant, "to this client", (OtherClient, Gone), &[REFERENCE]),
        row(400, InvalidGrant, "another client", (OtherClient, Gone), &[RSKY]),
        row(400, InvalidGrant, "different key", (OtherClient, Gone), &[REFERENCE]),
        row(400, InvalidGrant, "authentication method mismatch", (OtherClient, Gone), &[REFERENCE]),
        row(400, InvalidGrant, "does not match the initial request", (OtherClient, Gone), &[RSKY]),
        row(400, InvalidGrant, "does not declare the refresh_token grant", (OtherClient, Gone), &[RSKY]),
        row(400, InvalidGrant, "different client", (OtherClient, Gone), &[PATTERN]),
        row(400, InvalidGrant, "client_id", (OtherClient, Gone), &[PATTERN]),
        row(400, InvalidGrant, "replay", (Replayed, Gone), &[REFERENCE, RSKY]),
        row(400, InvalidGrant, "reuse", (Replayed, Gone), &[TRANQUIL]),
        row(400, InvalidGrant, "already used", (Replayed, Gone), &[PATTERN]),
        row(400, InvalidGrant, "already rotated", (Replayed, Gone), &[PATTERN]),
        row(400, InvalidGrant, "dpop", (DpopKey, Gone), &[REFERENCE, RSKY]),
        row(400, InvalidGrant, "invalid refresh token", (Ended, Gone), &[REFERENCE, RSKY, TRANQUIL, CIRRUS]),
        row(400, InvalidGrant, "expired", (Expired, Gone), &[REFERENCE, RSKY, TRANQUIL]),
        // The proof.
        row(401, InvalidDpopProof, "key binding mismatch", (DpopKey, Kept), &[TRANQUIL]),
        row(400, InvalidDpopProof, "dpop key mismatch", (DpopKey, Kept), &[CIRRUS]),
        // XRPC errors.
        row(400, XrpcInvalidRequest, "invalid refresh token", (EndedOrConfiguration, Kept), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "expired", (Expired, Gone), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "client_id mismatch", (OtherClient, Kept), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "dpop key mismatch", (DpopKey, Kept), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "dpop error", (Request, Kept), &[PEGASUS]),
        // Words in place of a code.
        row(400, Other, "\"client_id\" mismatch", (EndedOrConfiguration, Kept), &[COCOON]),
        row(400, Other, "session expired", (Expired, Gone), &[COCOON]),
        row(400, Other, "refresh token expired", (Expired, Gone), &[COCOON]),
        row(400, Other, "dpop proof does not match", (DpopKey, Kept), &[COCOON]),
        row(400, Other, "failed to get client", (ClientDocuments, Kept), &[COCOON]),
        row(400, Other, "authentication method mismatch", (ClientAuthentication, Kept), &[COCOON]),
        row(400, Other, "grant type is not supported by the client", (ClientAuthentication, Kept), &[COCOON]),
        row(400, Other, "in client jwks", (ClientAuthentication, Kept), &[COCOON]),
        row(400, Other, "client_assertion", (ClientAuthentication, Kept), &[COCOON]),
        // The client.
        row(401, InvalidClient, "failed to fetch", (ClientDocuments, Kept), &[RSKY]),
        row(400, InvalidClient, "unknown client:", (ClientDocuments, Kept), &[CIRRUS]),
        code(InvalidClient, (ClientAuthentication, Kept), &[REFERENCE, RSKY, CIRRUS]),
        code(InvalidClientMetadata, (ClientAuthentication, Kept), &[REFERENCE]),
        code(UnauthorizedClient, (ClientAuthentication, Kept), &[PATTERN]),
        row(400, InvalidRequest, "assertion", (ClientAuthentication, Kept), &[REFERENCE, CIRRUS]),
    ]
};

/// Words in which servers refuse a refresh token that never was, and their way with a public
/// session that is asked for with an assertion. Exactly these words: the case of a letter tells two
/// servers apart.
const UPGRADES: &[(ErrorCode, &str, Upgrading, &[&str])] = &[
    (
        ErrorCode::InvalidGrant,
        "Invalid refresh token",
        Upgrading::Accepted,
        &[REFERENCE, TRANQUIL, CIRRUS],
    ),
    // "client authentication does not match the initial request"
    (ErrorCode::InvalidGrant, "invalid refresh token", Upgrading::Destroys, &[RSKY]),
    // "client authentication method mismatch"
    (ErrorCode::Other, "\"client_id\" mismatch", Upgrading::Kept, &[COCOON]),
    // Authenticates no client.
    (ErrorCode::XrpcInvalidRequest, "invalid refresh token", Upgrading::Accepted, &[PEGASUS]),
];

impl ErrorCode {
    fn of(error: &str) -> Self {
        match error {
            "invalid_request" => Self::InvalidRequest,
            "invalid_client" => Self::InvalidClient,
            "invalid_grant" => Self::InvalidGrant,
            "unauthorized_client" => Self::UnauthorizedClient,
            "invalid_client_metadata" => Self::InvalidClientMetadata,
            "invalid_dpop_proof" => Self::InvalidDpopProof,
            "use_dpop_nonce" => Self::UseDpopNonce,
            "InvalidRequest" => Self::XrpcInvalidRequest,
            _ => Self::Other,
        }
    }
}

impl Row {
    fn fits(&self, status: u16, code: ErrorCode, words: &str) -> bool {
        self.status.is_none_or(|expected| expected == status)
            && self.code == code
            && words.contains(self.words)
    }
}

impl ErrorResponse {
    /// Returns the cause of it, and the state of the session after it.
    pub fn meaning(&self) -> (Cause, Fate) {
        let unknown = if self.status == 400 && self.code() == ErrorCode::InvalidGrant {
            Fate::Gone
        } else {
            Fate::Kept
        };
        self.row().map_or((Cause::Unknown, unknown), |row| (row.cause, row.fate))
    }

    fn row(&self) -> Option<&'static Row> {
        let (code, words) = (self.code(), self.words().to_ascii_lowercase());
        ROWS.iter().find(|row| row.fits(self.status, code, &words))
    }

    /// Checks whether it proves that the session has ended, though nothing is known of the token
    /// that was sent: by the words of a server that tells a used token from one that it does not
    /// know. Such servers give a nonce with every answer; others, which say the same of a used one,
    /// do not.
    pub fn proves_end(&self) -> bool {
        let tells_apart = |source: &&str| [REFERENCE, RSKY].contains(source);
        self.row().is_some_and(|row| match row.cause {
            Cause::Ended => self.gave_nonce && row.source.iter().any(tells_apart),
            _ => row.fate == Fate::Gone && row.source != [PATTERN],
        })
    }

    /// Checks whether it proves that the session has ended, where the token was the session's
    /// newest: a refusal that is neither about the proof nor about the client.
    pub fn refuses_newest_token(&self) -> bool {
        let (cause, _) = self.meaning();
        let is_about_token = match cause {
            Cause::Ended | Cause::Expired | Cause::EndedOrConfiguration | Cause::Replayed => true,
            Cause::Unknown => {
                !matches!(self.code(), ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce)
            }
            Cause::DpopKey
            | Cause::OtherClient
            | Cause::ClientAuthentication
            | Cause::ClientDocuments
            | Cause::Request => false,
        };
        is_about_token && (400..500).contains(&self.status) && self.error.is_some()
    }

    /// Returns the server's way with public sessions that are asked for with an assertion, where
    /// this is its answer to an authenticated client that sent a token that never was.
    pub fn upgrading(&self) -> Upgrading {
        let (code, words) = (self.code(), self.words());
        let known =
            UPGRADES.iter().find(|row| self.status == 400 && row.0 == code && row.1 == words);
        match (known, self.meaning().0) {
            (Some(row), _) => row.2.clone(),
            (None, Cause::ClientAuthentication | Cause::ClientDocuments) => {
                Upgrading::Refused(self.to_string())
            }
            (None, _) => Upgrading::Unknown(self.to_string()),
        }
    }

    /// Checks whether the server authenticates clients, where this is its answer to a client
    /// without an assertion that sent a token that never was. None where the words do not tell.
    pub fn asks_for_assertion(&self) -> Option<bool> {
        match self.meaning().0 {
            Cause::ClientAuthentication => Some(true),
            Cause::Ended | Cause::Expired | Cause::EndedOrConfiguration => Some(false),
            _ => None,
        }
    }

    fn code(&self) -> ErrorCode {
        ErrorCode::of(self.error.as_deref().unwrap_or_default())
    }

    /// Returns the description; `error` where that is no code.
    fn words(&self) -> &str {
        match self.code() {
            ErrorCode::Other => self.error.as_deref().unwrap_or_default(),
            _ => self.description.as_deref().unwrap_or_default(),
        }
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

#[cfg(test)]
mod tests;
