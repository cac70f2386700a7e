//! Interprets answers of authorization servers to pushed login requests (RFC 9126): what the
//! operator can change.

use super::{Finding, Topic};
use crate::oauth::{ErrorCode, ErrorResponse, Pushed, brief};
use crate::session::{ClientId, Issuer};

const TOPIC: Topic = Topic::Login;
const WHY: &str = "users with an account there cannot log in";
/// End of the hint for changes of a published document.
const THEN_WAIT: &str =
    "servers keep a document for 10 minutes, some for an hour, and this one now has today's";

/// Test login.
#[derive(Clone, Copy)]
pub struct TestLogin<'a> {
    /// Authorization server.
    pub issuer: &'a Issuer<'a>,
    /// `client_id` of the app.
    pub client_id: &'a ClientId<'a>,
    /// Redirect URI of the request.
    pub redirect_uri: &'a str,
    /// Scope of the request.
    pub scope: &'a str,
    /// Kid of the signing key, `None` for a public client.
    pub kid: Option<&'a str>,
}

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

/// Parts of refusals in lower case, and what they mean: those of the reference server
/// (`@atproto/oauth-provider` 0.22.9) and of rsky-oauth 1.1.0. The first that fits holds.
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
const MEMBERS: [&str; 14] = [
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

    fn name(self) -> &'static str {
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

/// Returns the finding about a refused login, `None` for an accepted one.
pub fn check(attempt: TestLogin<'_>, pushed: &Pushed) -> Option<Finding> {
    let issuer = attempt.issuer;
    let of_server = |name: &str, what: String, fix: &str| {
        Some(Finding::problem(TOPIC, what, WHY, fix).named(name).said_by(issuer))
    };
    let ask = "ask the operator of the server; the app cannot fix it";
    match pushed {
        Pushed::Accepted => None,
        Pushed::Refused(refusal) => Some(refused(attempt, refusal)),
        Pushed::Unsupported => of_server(
            "no_endpoint",
            format!("{issuer} has no pushed_authorization_request_endpoint to send a login to"),
            ask,
        ),
        Pushed::Unfit(unfit) => of_server("dpop", unfit.to_string(), ask),
        Pushed::UseNonce(_) => {
            of_server("dpop", format!("{issuer} wants a new DPoP nonce over and over"), ask)
        }
        Pushed::TryLater { status: 429 } => Some(
            Finding::warning(
                TOPIC,
                format!("{issuer} answers 429 (too many requests) and has not checked the login"),
                "whether users can log in there is not known; the app may meet the same answer",
                "try again later; a smaller `per_issuer_rate` under [refresh] leaves more to the app",
            )
            .named("rate_limited")
            .said_by(issuer),
        ),
        Pushed::TryLater { status } => of_server(
            "server_error",
            format!("{issuer} answers a login with status {status}"),
            "try again later; if this persists, ask the operator of the server",
        ),
        Pushed::NoAnswer(error) => of_server(
            "no_answer",
            format!("{issuer} gives no answer to a login: {error}"),
            "try again; if it stays so, check the way there from this machine",
        ),
    }
}

fn refused(attempt: TestLogin<'_>, refusal: &ErrorResponse) -> Finding {
    let cause = Cause::of(refusal);
    let TestLogin { issuer, client_id, redirect_uri, .. } = attempt;
    let client_id = brief(client_id.as_str());
    let words = refusal.description.as_deref().or(refusal.error.as_deref()).unwrap_or_default();
    let kid = attempt.kid.unwrap_or("(none)");
    let named = MEMBERS.into_iter().find(|member| words.contains(member));
    let publish_metadata = "publish what `oauthctl metadata` prints";
    let publish_jwks = "publish what `oauthctl jwks` prints";
    let (member, about, fix) = match cause {
        MetadataUnreadable => (
            None,
            format!("it cannot read {client_id}"),
            "serve it with status 200 as application/json to everybody, without a redirect".to_owned(),
        ),
        JwksUnreadable => (
            Some("jwks_uri"),
            "it cannot read the key set".to_owned(),
            format!("let `jwks_uri` lead to the key set; {publish_jwks} there"),
        ),
        Metadata => (
            named.or(Some("client_id")),
            format!("it does not take {client_id}"),
            match named {
                Some(member) => format!("correct `{member}` there; {publish_metadata}"),
                None => publish_metadata.to_owned(),
            },
        ),
        RedirectUri => (
            Some("redirect_uris"),
            format!("the redirect URI {redirect_uri}"),
            format!("list exactly this address in `redirect_uris` of {client_id}, or correct it in the app; \
                     {publish_metadata}"),
        ),
        Scope => (
            Some("scope"),
            match refused_scope(words, attempt.scope) {
                Some(scope) => format!("the scope {scope}"),
                None => "the scope".to_owned(),
            },
            format!("add it to `scope` of {client_id}, or let the app not ask for it; {publish_metadata}"),
        ),
        UnknownKey => (
            Some("jwks"),
            format!("it finds no usable key {kid} in the published set"),
            format!("{publish_jwks}: with this kid, as a public key"),
        ),
        DuplicateKid => (
            Some("kid"),
            format!("several published keys are called {kid}"),
            format!("{publish_jwks}: every key has a kid of its own"),
        ),
        OtherKey => (
            Some("jwks"),
            format!("key {kid} is published with other key material"),
            format!("find out which of the two keys the app uses; {publish_jwks}"),
        ),
        NoKid => (Some("kid"), "the key has no kid".to_owned(), "give the key the kid under which it is published".to_owned()),
        Clock => (
            None,
            "its time and that of this machine differ".to_owned(),
            "synchronise the clock here and on the app's hosts (NTP: `timedatectl` shows its state)".to_owned(),
        ),
        AuthMethod => (
            Some("token_endpoint_auth_method"),
            "it expects another client authentication".to_owned(),
            format!("name the app's keys (`keys` in oauthctl.toml); for a public client {publish_metadata}"),
        ),
        Audience => (
            None,
            "it identifies itself as by another name than its metadata".to_owned(),
            "ask the operator of the server; the app cannot fix it".to_owned(),
        ),
        Dpop => (
            None,
            "the DPoP proof".to_owned(),
            "check the clock of this machine; otherwise ask the operator of the server".to_owned(),
        ),
        Refused => (
            named,
            "for a reason of its own".to_owned(),
            "go by the server's words; `oauthctl doctor` without other problems means that the app's documents are right"
                .to_owned(),
        ),
    };
    let key = attempt.kid.map(|kid| format!(" (key {kid})")).unwrap_or_default();
    let what = format!("{issuer} refuses a login{key}: {about}. It says: {refusal}");
    let fix = if matches!(cause, Clock | Audience | Dpop | Refused) {
        fix
    } else {
        format!("{fix}; {THEN_WAIT}")
    };
    let finding = Finding::problem(TOPIC, what, WHY, fix).named(cause.name()).said_by(issuer);
    match member {
        Some(member) => finding.about(member),
        None => finding,
    }
}

/// Returns the scope named in an error description, among those requested.
fn refused_scope<'a>(words: &str, asked: &'a str) -> Option<&'a str> {
    asked.split(' ').find(|scope| words.contains(&format!("\"{scope}\"")))
}

/// Returns the finding about accepted logins.
pub fn accepted(issuer: &Issuer<'_>, redirect_uris: u64, kids: &[&str]) -> Finding {
    let uris = crate::text::counted(redirect_uris, "redirect URI");
    let keys = if kids.is_empty() {
        "as a public client".to_owned()
    } else {
        format!("signed by {}", kids.join(", "))
    };
    let what = format!("{issuer} takes logins to {uris}, {keys}");
    Finding::ok(TOPIC, what).named("accepted").said_by(issuer)
}

/// Returns the finding about an obstacle to any test login.
pub fn not_tried(name: &str, what: impl Into<String>, fix: &str) -> Finding {
    let why = "whether users can log in has not been tried";
    Finding::warning(TOPIC, what, why, fix).named(name)
}

/// Returns the finding about a server that cannot be found.
pub fn no_server(error: impl Into<anyhow::Error>) -> Finding {
    Finding::failed(TOPIC, error, WHY).named("no_server")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(error: &str, description: &str) -> ErrorResponse {
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

    #[test]
    fn a_refusal_names_the_member_that_is_to_be_changed() {
        let attempt = TestLogin {
            issuer: &"https://as.example".into(),
            client_id: &"https://app.example.com/c.json".into(),
            redirect_uri: "https://app.example.com/callback",
            scope: "atproto transition:generic",
            kid: Some("k1"),
        };
        for (error, description, code, member) in [
            (
                "invalid_client_metadata",
                "Missing token_endpoint_auth_signing_alg client metadata",
                "login.metadata",
                "token_endpoint_auth_signing_alg",
            ),
            (
                "invalid_scope",
                "Scope \"transition:generic\" is not declared in the client metadata",
                "login.scope",
                "scope",
            ),
            (
                "invalid_request",
                "Invalid redirect_uri https://app.example.com/callback",
                "login.redirect_uri",
                "redirect_uris",
            ),
        ] {
            let finding = refused(attempt, &refusal(error, description));
            assert_eq!((&*finding.code, finding.member.as_deref()), (code, Some(member)));
            assert_eq!(finding.server.as_deref(), Some("https://as.example"));
        }
    }
}
