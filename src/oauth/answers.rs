//! Meanings of the error responses of token endpoints, as a table of the servers' own words.
//!
//! RFC 6749 section 5.2 leaves the description to the server, and some servers put words in place
//! of the code. Words are compared in lower case, and the first matching row applies. A response
//! that matches no row is unknown; with the code `invalid_grant` it counts as the end of the
//! session.

use super::error_response::{ErrorCode, ErrorResponse};

/// Cause of an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The session had already ended: revoked, or unknown to the server.
    Ended,
    /// The session or its refresh token had expired.
    Expired,
    /// The session had ended, its token was already used, or the client is not the session's. The
    /// words do not tell which.
    EndedOrConfiguration,
    /// The refresh token was already used.
    Replayed,
    /// The proof was not made with the session's DPoP key.
    DpopKey,
    /// The client is not the one that the session was issued to: different `client_id`, client key,
    /// authentication method or grant types.
    OtherClient,
    /// Client authentication failed, because of the assertion or the client's documents.
    ClientAuthentication,
    /// The server could not fetch the client's documents.
    ClientDocuments,
    /// Fault of the request itself.
    Request,
    /// The words match no row.
    Unknown,
}

/// State of a session after an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Unchanged.
    Kept,
    /// Ended, by this request or earlier.
    Gone,
}

/// Effect of a client assertion on a session that started when the client was public. Derived from
/// the server's answer to a token that was never issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrading {
    /// The session continues with the assertion.
    Accepted,
    /// The assertion is refused, and the session continues unchanged.
    Kept,
    /// The session ends.
    Destroys,
    /// The client was refused before the token was checked. Holds the server's words.
    Refused(String),
    /// The server's words match no row.
    Unknown(String),
    /// The server did not answer.
    NoAnswer,
}

/// Reference server, `@atproto/oauth-provider` 0.22.9.
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
/// Plausible wording of no particular server.
const PATTERN: &str = "pattern";

/// Servers that have one error message for a used refresh token and another for an unknown one.
/// Other servers call both unknown, so that their [`Cause::Ended`] does not prove an end.
const DISTINGUISH_USED_TOKENS: [&str; 2] = [REFERENCE, RSKY];

/// Known error response to a refresh.
struct KnownAnswer {
    /// Status code. `None` matches any.
    status: Option<u16>,
    code: ErrorCode,
    /// Part of the description, or of `error` if that is not a known code. Lower case.
    words: &'static str,
    cause: Cause,
    fate: Fate,
    /// Servers that answer so.
    source: &'static [&'static str],
}

const fn row(
    status: u16,
    code: ErrorCode,
    words: &'static str,
    (cause, fate): (Cause, Fate),
    source: &'static [&'static str],
) -> KnownAnswer {
    KnownAnswer { status: Some(status), code, words, cause, fate, source }
}

/// Returns a row for a code that needs neither status nor words.
const fn code(
    code: ErrorCode,
    (cause, fate): (Cause, Fate),
    source: &'static [&'static str],
) -> KnownAnswer {
    KnownAnswer { status: None, code, words: "", cause, fate, source }
}

#[rustfmt::skip]
static ROWS: &[KnownAnswer] = {
    use Cause::{
        ClientAuthentication, ClientDocuments, DpopKey, Ended, EndedOrConfiguration, Expired, OtherClient, Replayed, Request,
    };
    use ErrorCode::{
        InvalidClient, InvalidClientMetadata, InvalidDpopProof, InvalidGrant, InvalidRequest, Other, UnauthorizedClient,
        XrpcInvalidRequest,
    };
    use Fate::{Gone, Kept};
    &[
        // Refused before the token is checked.
        row(400, InvalidGrant, "jti reused", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "grant type is not allowed for this client", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "is not supported by the server", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "client credentials missing", (Request, Kept), &[REFERENCE]),
        row(400, InvalidGrant, "invalid request payload", (Request, Kept), &[REFERENCE]),
        // The token does not have the server's format.
        row(400, InvalidGrant, "string must contain", (Request, Kept), &[REFERENCE]),
        // If the words allow two meanings, the worse one applies: the reference server compares
        // client and key before it reports an expired session.
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
        // Proofs.
        row(401, InvalidDpopProof, "key binding mismatch", (DpopKey, Kept), &[TRANQUIL]),
        row(400, InvalidDpopProof, "dpop key mismatch", (DpopKey, Kept), &[CIRRUS]),
        // XRPC errors.
        row(400, XrpcInvalidRequest, "invalid refresh token", (EndedOrConfiguration, Kept), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "expired", (Expired, Gone), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "client_id mismatch", (OtherClient, Kept), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "dpop key mismatch", (DpopKey, Kept), &[PEGASUS]),
        row(400, XrpcInvalidRequest, "dpop error", (Request, Kept), &[PEGASUS]),
        // Description in place of a code.
        row(400, Other, "\"client_id\" mismatch", (EndedOrConfiguration, Kept), &[COCOON]),
        row(400, Other, "session expired", (Expired, Gone), &[COCOON]),
        row(400, Other, "refresh token expired", (Expired, Gone), &[COCOON]),
        row(400, Other, "dpop proof does not match", (DpopKey, Kept), &[COCOON]),
        row(400, Other, "failed to get client", (ClientDocuments, Kept), &[COCOON]),
        row(400, Other, "authentication method mismatch", (ClientAuthentication, Kept), &[COCOON]),
        row(400, Other, "grant type is not supported by the client", (ClientAuthentication, Kept), &[COCOON]),
        row(400, Other, "in client jwks", (ClientAuthentication, Kept), &[COCOON]),
        row(400, Other, "client_assertion", (ClientAuthentication, Kept), &[COCOON]),
        // Clients.
        row(401, InvalidClient, "failed to fetch", (ClientDocuments, Kept), &[RSKY]),
        row(400, InvalidClient, "unknown client:", (ClientDocuments, Kept), &[CIRRUS]),
        code(InvalidClient, (ClientAuthentication, Kept), &[REFERENCE, RSKY, CIRRUS]),
        code(InvalidClientMetadata, (ClientAuthentication, Kept), &[REFERENCE]),
        code(UnauthorizedClient, (ClientAuthentication, Kept), &[PATTERN]),
        row(400, InvalidRequest, "assertion", (ClientAuthentication, Kept), &[REFERENCE, CIRRUS]),
    ]
};

/// Responses to a refresh token that was never issued, and the server's treatment of a public
/// session refreshed with an assertion. Compared exactly: two servers differ only in the case of
/// one letter.
const UPGRADES: &[(ErrorCode, &str, Upgrading, &[&str])] = &[
    (
        ErrorCode::InvalidGrant,
        "Invalid refresh token",
        Upgrading::Accepted,
        &[REFERENCE, TRANQUIL, CIRRUS],
    ),
    // Later: "client authentication does not match the initial request".
    (ErrorCode::InvalidGrant, "invalid refresh token", Upgrading::Destroys, &[RSKY]),
    // Later: "client authentication method mismatch".
    (ErrorCode::Other, "\"client_id\" mismatch", Upgrading::Kept, &[COCOON]),
    // Does not authenticate clients.
    (ErrorCode::XrpcInvalidRequest, "invalid refresh token", Upgrading::Accepted, &[PEGASUS]),
];

impl KnownAnswer {
    fn fits(&self, status: u16, code: ErrorCode, words: &str) -> bool {
        self.status.is_none_or(|expected| expected == status)
            && self.code == code
            && words.contains(self.words)
    }
}

impl ErrorResponse {
    /// Returns the cause, and the state of the session afterwards.
    pub fn meaning(&self) -> (Cause, Fate) {
        let unknown = if self.status == 400 && self.code() == ErrorCode::InvalidGrant {
            Fate::Gone
        } else {
            Fate::Kept
        };
        self.row().map_or((Cause::Unknown, unknown), |row| (row.cause, row.fate))
    }

    fn row(&self) -> Option<&'static KnownAnswer> {
        let (code, words) = (self.code(), self.words().to_ascii_lowercase());
        ROWS.iter().find(|row| row.fits(self.status, code, &words))
    }

    /// Checks whether the response proves that the session has ended, for any token of the session.
    /// An unknown token is proof only at [`DISTINGUISH_USED_TOKENS`]. These send a nonce with every
    /// answer; other servers with the same words send none.
    pub fn proves_end(&self) -> bool {
        let distinguishes = |source: &&str| DISTINGUISH_USED_TOKENS.contains(source);
        self.row().is_some_and(|row| match row.cause {
            Cause::Ended => self.gave_nonce && row.source.iter().any(distinguishes),
            _ => row.fate == Fate::Gone && row.source != [PATTERN],
        })
    }

    /// Checks whether the response proves that the session has ended, if the token was the newest
    /// of the session: the error concerns neither the proof nor the client.
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

    /// Returns the server's treatment of public sessions refreshed with an assertion. `self` must
    /// be its answer to an authenticated client with a token that was never issued.
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

    /// Checks whether the server authenticates clients. `self` must be its answer to a request
    /// without assertion and with a token that was never issued. `None` if the words do not tell.
    pub fn asks_for_assertion(&self) -> Option<bool> {
        match self.meaning().0 {
            Cause::ClientAuthentication => Some(true),
            Cause::Ended | Cause::Expired | Cause::EndedOrConfiguration => Some(false),
            _ => None,
        }
    }

    /// Returns the description, or `error` if that is not a known code.
    fn words(&self) -> &str {
        match self.code() {
            ErrorCode::Other => self.error.as_deref().unwrap_or_default(),
            _ => self.description.as_deref().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests;
