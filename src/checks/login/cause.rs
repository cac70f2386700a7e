//! Causes of refused logins, recognised by the servers' words.

use crate::oauth::{ErrorCode, ErrorResponse};

/// Reason for which a server refuses a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server cannot fetch or read the client metadata.
    MetadataUnreadable,
    /// The server cannot fetch or read the key set.
    JwksUnreadable,
    /// A member of the client metadata breaks a rule.
    Metadata,
    /// The redirect URI does not belong to the client.
    RedirectUri,
    /// A scope is not allowed for the client, or unknown to the server.
    Scope,
    /// The server finds no matching published key.
    UnknownKey,
    /// Several published keys match.
    DuplicateKid,
    /// The signature was made with another key than the published one.
    OtherKey,
    /// The assertion names no key.
    NoKid,
    /// The times of the assertion are not accepted.
    Clock,
    /// The server expects another client authentication.
    AuthMethod,
    /// The assertion is for another server.
    Audience,
    /// The DPoP proof is not accepted.
    Dpop,
    /// Unknown wording.
    Refused,
}

use Cause::{
    Audience, AuthMethod, Clock, Dpop, DuplicateKid, JwksUnreadable, Metadata, MetadataUnreadable,
    NoKid, OtherKey, RedirectUri, Refused, Scope, UnknownKey,
};

/// Parts of error descriptions in lower case, with their causes: of the reference server
/// (`@atproto/oauth-provider` 0.22.9) and of rsky-oauth 1.1.0. The first match applies.
const WORDS: [(&str, Cause); 35] = [
    ("unable to obtain jwks", JwksUnreadable),
    ("jwks fetch failed", JwksUnreadable),
    ("no jwks", JwksUnreadable),
    ("invalid jwks", JwksUnreadable),
    ("no applicable key", UnknownKey),
    ("no key found", UnknownKey),
    ("multiple matching keys", DuplicateKid),
    ("signature", OtherKey),
    ("timestamp", Clock),
    ("assertion expired", Clock),
    ("\"aud\"", Audience),
    ("audience", Audience),
    ("\"kid\"", NoKid),
    ("kid required", NoKid),
    ("required a \"client_assertion\"", AuthMethod),
    ("client_assertion is required", AuthMethod),
    ("client assertion not expected", AuthMethod),
    ("\"client_assertion\" failed", OtherKey),
    ("invalid client assertion", OtherKey),
    ("validation of \"", Metadata),
    ("unable to obtain client metadata", MetadataUnreadable),
    ("failed to fetch", MetadataUnreadable),
    ("failed to get client", MetadataUnreadable),
    ("fetch failed", MetadataUnreadable),
    ("not declared in the client metadata", Scope),
    ("not registered in the client metadata", Scope),
    ("redirect_uri", RedirectUri),
    ("redirect uri", RedirectUri),
    ("\"atproto\" scope", Metadata),
    ("scope", Scope),
    ("dpop_bound_access_tokens", Metadata),
    ("dpop", Dpop),
    ("client_id does not match", Metadata),
    ("mutually exclusive", Metadata),
    ("client metadata", Metadata),
];

/// Members of the client metadata named by servers, longer names first.
pub(super) const MEMBERS: [&str; 14] = [
    "tls_client_certificate_bound_access_tokens",
    "token_endpoint_auth_signing_alg",
    "token_endpoint_auth_method",
    "dpop_bound_access_tokens",
    "application_type",
    "response_types",
    "redirect_uris",
    "redirect_uri",
    "grant_types",
    "client_uri",
    "client_id",
    "jwks_uri",
    "jwks",
    "scope",
];

impl Cause {
    /// Classifies an error response.
    pub fn of(refusal: &ErrorResponse) -> Self {
        let [error, description] = [&refusal.error, &refusal.description]
            .map(|text| text.as_deref().unwrap_or_default().to_ascii_lowercase());
        let code = refusal.code();
        match code {
            ErrorCode::InvalidRedirectUri => return RedirectUri,
            ErrorCode::InvalidScope => return Scope,
            ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce => return Dpop,
            _ => {}
        }
        let words = format!("{error} {description}");
        let found = WORDS.iter().find(|(part, _)| words.contains(part)).map(|(_, cause)| *cause);
        let names_member = MEMBERS.iter().any(|member| words.contains(member));
        let of_document = code == ErrorCode::InvalidClientMetadata
            || code == ErrorCode::InvalidClient && names_member;
        found.unwrap_or(if of_document { Metadata } else { Refused })
    }

    /// Checks whether another redirect URI may be accepted.
    pub fn is_of_redirect_uri(self) -> bool {
        self == RedirectUri
    }

    /// Checks whether another key may be accepted.
    pub fn is_of_key(self) -> bool {
        matches!(self, UnknownKey | DuplicateKid | OtherKey | NoKid)
    }

    /// Returns the name in codes of findings.
    pub(super) fn name(self) -> &'static str {
        match self {
            MetadataUnreadable => "metadata_unreadable",
            JwksUnreadable => "jwks_unreadable",
            Metadata => "metadata",
            RedirectUri => "redirect_uri",
            Scope => "scope",
            UnknownKey => "unknown_key",
            DuplicateKid => "duplicate_kid",
            OtherKey => "other_key",
            NoKid => "no_kid",
            Clock => "clock",
            AuthMethod => "auth_method",
            Audience => "audience",
            Dpop => "dpop",
            Refused => "refused",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::checks::login) fn refusal(error: &str, description: &str) -> ErrorResponse {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ErrorResponse {
            status: 400,
            error: text(error),
            description: text(description),
            gave_nonce: true,
        }
    }

    #[test]
    fn refusals_are_classified_by_the_servers_words() {
        let failed = "Validation of \"client_assertion\" failed: ";
        for (error, description, cause) in [
            (
                "invalid_client_metadata",
                "Unable to obtain client metadata for \"x\"",
                MetadataUnreadable,
            ),
            (
                "invalid_client_metadata",
                "Unable to obtain jwks from \"y\" for \"x\"",
                JwksUnreadable,
            ),
            ("invalid_client_metadata", "jwks_uri and jwks are mutually exclusive", Metadata),
            ("invalid_client_metadata", "Missing \"atproto\" scope", Metadata),
            ("invalid_client_metadata", "\"dpop_bound_access_tokens\" must be true", Metadata),
            (
                "invalid_client_metadata",
                "Unable to obtain client metadata for \"x\": Validation of \"jwks_uri\" failed with error: …",
                Metadata,
            ),
            (
                "invalid_redirect_uri",
                "Loopback redirect URIs are only allowed for native apps",
                RedirectUri,
            ),
            ("invalid_request", "Invalid redirect_uri https://a.example/", RedirectUri),
            ("invalid_scope", "Scope \"x\" is not declared in the client metadata", Scope),
            ("invalid_scope", "scope \"x\" is not registered in the client metadata", Scope),
            (
                "invalid_client",
                &format!("{failed}no applicable key found in the JSON Web Key Set"),
                UnknownKey,
            ),
            ("invalid_client", "no key found for kid \"k\"", UnknownKey),
            (
                "invalid_client",
                &format!("{failed}multiple matching keys found in the JSON Web Key Set"),
                DuplicateKid,
            ),
            ("invalid_client", &format!("{failed}signature verification failed"), OtherKey),
            (
                "invalid_client",
                &format!("{failed}\"iat\" claim timestamp check failed (too far in the past)"),
                Clock,
            ),
            ("invalid_client", "\"kid\" required in client_assertion", NoKid),
            ("invalid_client", &format!("{failed}unexpected \"aud\" claim value"), Audience),
            (
                "invalid_request",
                "client authentication method \"private_key_jwt\" required a \"client_assertion\"",
                AuthMethod,
            ),
            ("invalid_client", "missing token_endpoint_auth_signing_alg", Metadata),
            ("invalid_client", "invalid JWKS document: missing field `y`", JwksUnreadable),
            ("invalid_dpop_proof", "DPoP \"htu\" mismatch", Dpop),
            ("access_denied", "not today", Refused),
            ("", "", Refused),
        ] {
            assert_eq!(Cause::of(&refusal(error, description)), cause, "{error}: {description}");
        }
    }
}
