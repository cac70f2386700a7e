//! Interprets answers of authorization servers to pushed login requests (RFC 9126): what the
//! operator can change.

mod cause;

use super::{Finding, Topic};
use crate::oauth::{ErrorResponse, Pushed, brief};
use crate::session::{ClientId, Issuer};

pub use cause::Cause;

use Cause::{
    Audience, AuthMethod, Clock, Dpop, DuplicateKid, JwksUnreadable, Metadata, MetadataUnreadable,
    NoKid, OtherKey, RedirectUri, Refused, Scope, UnknownKey,
};
use cause::MEMBERS;

const TOPIC: Topic = Topic::Login;
const WHY: &str = "users with an account there cannot log in";
/// End of the hint for changes of a published document.
const THEN_WAIT: &str = "servers cache documents for 10 minutes, some for an hour, and this one has just cached the current ones";

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
            format!("{issuer} has no pushed_authorization_request_endpoint"),
            ask,
        ),
        Pushed::Unfit(unfit) => of_server("dpop", unfit.to_string(), ask),
        Pushed::UseNonce(_) => {
            of_server("dpop", format!("{issuer} repeatedly asks for a new DPoP nonce"), ask)
        }
        Pushed::TryLater { status: 429 } => Some(
            Finding::warning(
                TOPIC,
                format!("{issuer} answers 429 (too many requests) and has not checked the login"),
                "it is unknown whether users can log in there; the app may get the same answer",
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
            format!("{issuer} does not answer a login request: {error}"),
            "try again; if this persists, check the network connection to the server",
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
            format!("set `jwks_uri` to the URL of the key set; {publish_jwks} there"),
        ),
        Metadata => (
            named.or(Some("client_id")),
            format!("it does not accept {client_id}"),
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
            format!("add it to `scope` of {client_id}, or remove it from the app's requests; {publish_metadata}"),
        ),
        UnknownKey => (
            Some("jwks"),
            format!("it finds no usable key {kid} in the published set"),
            format!("{publish_jwks}, with the public key under this kid"),
        ),
        DuplicateKid => (
            Some("kid"),
            format!("several published keys have the kid {kid}"),
            format!("{publish_jwks}; each key needs its own kid"),
        ),
        OtherKey => (
            Some("jwks"),
            format!("key {kid} is published with other key material"),
            format!("find out which of the two keys the app uses; {publish_jwks}"),
        ),
        NoKid => (Some("kid"), "the key has no kid".to_owned(), "give the key the kid under which it is published".to_owned()),
        Clock => (
            None,
            "its clock and that of this machine differ".to_owned(),
            "synchronise the clock here and on the app's hosts (NTP: `timedatectl` shows its state)".to_owned(),
        ),
        AuthMethod => (
            Some("token_endpoint_auth_method"),
            "it expects another client authentication".to_owned(),
            format!("name the app's keys (`keys` in oauthctl.toml); for a public client {publish_metadata}"),
        ),
        Audience => (
            None,
            "it expects another name than that in its metadata".to_owned(),
            "ask the operator of the server; the app cannot fix it".to_owned(),
        ),
        Dpop => (
            None,
            "the DPoP proof".to_owned(),
            "check the clock of this machine; otherwise ask the operator of the server".to_owned(),
        ),
        Refused => (
            named,
            "oauthctl does not know this reason".to_owned(),
            "see the message of the server; if `oauthctl doctor` reports no other problem, the app's documents are right"
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
    let what = format!("{issuer} accepts logins to {uris}, {keys}");
    Finding::ok(TOPIC, what).named("accepted").said_by(issuer)
}

/// Returns the finding about an obstacle to any test login.
pub fn not_tried(name: &str, what: impl Into<String>, fix: &str) -> Finding {
    let why = "it was not tested whether users can log in";
    Finding::warning(TOPIC, what, why, fix).named(name)
}

/// Returns the finding about a server that cannot be found.
pub fn no_server(error: impl Into<anyhow::Error>) -> Finding {
    Finding::failed(TOPIC, error, WHY).named("no_server")
}

#[cfg(test)]
mod tests {
    use super::cause::tests::refusal;
    use super::*;

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
