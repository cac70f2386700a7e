//! Answers of the token and revocation endpoints, and their meaning for the session.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::dpop::{ProofParameters, is_nonce};
use super::error_response::{ErrorCode, ErrorResponse};
use super::http::{Answer, HttpError};
use crate::secret::Secret;
use crate::session::Renewal;

/// Maximum length of an access token.
const MAX_ACCESS_TOKEN: usize = 16 * 1024;
/// Maximum length of a refresh token.
const MAX_REFRESH_TOKEN: usize = 4 * 1024;
/// Maximum length of foreign text in messages.
const MAX_TEXT: usize = 200;

/// Minimum length of a token fragment that is removed from messages. Shorter ones may occur by
/// chance.
const PIECE: usize = 12;

/// Minimum length of a word that is treated as a token. Thumbprints are shorter.
const TOKEN: usize = 60;

/// Answer with the data needed to evaluate it.
pub(super) struct Answered {
    /// Answer.
    pub(super) answer: Answer,
    /// Parameters of the request's proof.
    pub(super) proof: ProofParameters,
    /// Secrets in the request.
    pub(super) sent: Vec<Secret<'static>>,
}

/// Result of a refresh. Exactly one request was sent, except for `NotSent`.
#[derive(Debug)]
pub enum RefreshResponse {
    /// New tokens. The old ones are invalid.
    Refreshed(TokenSet),
    /// Success with tokens that must not be stored: wrong account or type. The old refresh token is
    /// used up. The new tokens should be revoked.
    Unacceptable {
        /// Fault of the tokens.
        why: &'static str,
        /// Tokens, if the answer has any.
        tokens: Option<Box<TokenSet>>,
    },
    /// Not processed: the server requires a proof with a new nonce. To be repeated at once with
    /// these parameters.
    UseNonce(ProofParameters),
    /// Error response. [`ErrorResponse::meaning`] returns the cause and the state of the session.
    Refused(ErrorResponse),
    /// Not an answer of the token endpoint itself, or server trouble: 429, 5xx, a proxy's page.
    /// After a 5xx the state of the session is unknown.
    TryLater {
        /// Status code.
        status: u16,
        /// Time for which the server asks for no further requests.
        retry_after: Option<Duration>,
    },
    /// The request was not sent. The session is unchanged.
    NotSent(HttpError),
    /// The request was or may have been sent, and the answer is lost or unreadable. The tokens may
    /// have been rotated.
    AnswerLost(HttpError),
}

/// Result of a revocation request. None of them proves that the session has ended.
#[derive(Debug)]
pub enum Revocation {
    /// Status 200, which servers send in nearly all cases.
    Accepted,
    /// The server has no revocation endpoint. Nothing was sent.
    Unsupported,
    /// Not processed: the server requires a proof with these parameters.
    UseNonce(ProofParameters),
    /// The request was refused.
    Refused(ErrorResponse),
    /// 429, 5xx, a proxy's page.
    TryLater {
        /// Status code.
        status: u16,
    },
    /// The request was not sent.
    NotSent(HttpError),
    /// The request was or may have been sent, and the answer is lost.
    AnswerLost(HttpError),
}

/// Tokens from the server's answer.
pub struct TokenSet {
    /// Access token, for requests to the PDS with proofs by the session's DPoP key.
    pub access_token: Secret<'static>,
    /// Refresh token, for a single refresh. `None` if the server keeps the previous one.
    pub refresh_token: Option<Secret<'static>>,
    /// Granted scopes, if the server states them.
    pub scope: Option<String>,
    /// Lifetime of the access token, if the server states it.
    pub expires_in: Option<Duration>,
    /// Lifetime of the refresh token, if the server states it. No RFC defines a member for it; two
    /// are in use.
    pub refresh_expires_in: Option<Duration>,
    /// Account.
    pub sub: String,
}

impl TokenSet {
    /// Returns the changes to the session's record. `now` is the time of the answer, `pds` the PDS
    /// resolved for the refresh, `kid` the client key to which the tokens are newly bound.
    pub fn renewal<'a>(
        &'a self,
        pds: Option<&'a str>,
        kid: Option<&'a str>,
        now: Timestamp,
    ) -> Renewal<'a> {
        Renewal {
            access_token: &self.access_token,
            refresh_token: self.refresh_token.as_ref(),
            scope: self.scope.as_deref(),
            expires_at: self.expires_in.map(|life| now.saturating_add(life).unwrap_or(now)),
            pds,
            kid,
        }
    }
}

impl RefreshResponse {
    /// Evaluates the token endpoint's answer to a refresh of this account's session.
    pub(super) fn of(answer: Answered, url: &url::Url, sub: &str) -> Self {
        match read(answer, url) {
            Read::Success(body) => accept(body, sub),
            Read::UseNonce(parameters) => Self::UseNonce(parameters),
            Read::Refused(refusal) => Self::Refused(refusal),
            Read::TryLater { status, retry_after } => Self::TryLater { status, retry_after },
            Read::Lost(error) => Self::AnswerLost(error),
        }
    }

    /// Converts a failed request.
    pub(super) fn of_failure(error: HttpError) -> Self {
        if error.may_have_arrived() { Self::AnswerLost(error) } else { Self::NotSent(error) }
    }
}

impl Revocation {
    /// Evaluates an answer of the revocation endpoint.
    pub(super) fn of(answer: Answered, url: &url::Url) -> Self {
        // Only the status counts, the body is ignored (RFC 7009 section 2.2).
        if answer.answer.status == 200 {
            return Self::Accepted;
        }
        match read(answer, url) {
            Read::Success(_) => Self::Accepted,
            Read::UseNonce(parameters) => Self::UseNonce(parameters),
            Read::Refused(refusal) => Self::Refused(refusal),
            Read::TryLater { status, .. } => Self::TryLater { status },
            Read::Lost(error) => Self::AnswerLost(error),
        }
    }

    /// Converts a failed request.
    pub(super) fn of_failure(error: HttpError) -> Self {
        if error.may_have_arrived() { Self::AnswerLost(error) } else { Self::NotSent(error) }
    }
}

/// Answer of an OAuth endpoint, classified independently of the endpoint.
pub(super) enum Read {
    Success(Map<String, Value>),
    UseNonce(ProofParameters),
    Refused(ErrorResponse),
    TryLater { status: u16, retry_after: Option<Duration> },
    Lost(HttpError),
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    error_description: Option<Value>,
    /// Message of an XRPC error.
    message: Option<Value>,
}

impl ErrorBody {
    fn code(&self) -> ErrorCode {
        ErrorCode::of(&self.error)
    }

    fn description(&self) -> Option<&str> {
        [&self.error_description, &self.message]
            .into_iter()
            .find_map(|member| member.as_ref()?.as_str())
    }
}

/// Classifies an answer independently of the endpoint.
pub(super) fn read(answered: Answered, url: &url::Url) -> Read {
    let Answered { answer, proof, sent } = answered;
    let later = Read::TryLater { status: answer.status, retry_after: answer.retry_after };
    match answer.status {
        // Server trouble, with any body.
        408 | 425 | 429 | 500.. => return later,
        _ => {}
    }
    let (status, is_json) = (answer.status, answer.is_json());
    let nonce = answer.dpop_nonce.filter(|nonce| is_nonce(nonce));
    let served = answer.served;
    let body = match answer.body {
        Ok(body) => body,
        Err(error) => return Read::Lost(error),
    };
    if status == 200 {
        return match serde_json::from_slice(&body) {
            Ok(body) => Read::Success(body),
            Err(_) => Read::Lost(HttpError::unreadable(url, "is not a JSON object")),
        };
    }
    if (200..300).contains(&status) {
        return Read::Lost(HttpError::unreadable(url, "has an unexpected status"));
    }
    // Page of a proxy or load balancer.
    if !is_json && status >= 400 {
        return later;
    }
    let gave_nonce = nonce.is_some();
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) if body.code() == ErrorCode::UseDpopNonce && nonce.is_some() => {
            Read::UseNonce(ProofParameters { nonce, ..proof })
        }
        // The nonce is outdated because the server was restarted, or the clocks differ.
        Ok(body) if body.code() == ErrorCode::InvalidDpopProof && !proof.refused_before => {
            Read::UseNonce(ProofParameters {
                nonce: nonce.filter(|new| proof.nonce.as_ref() != Some(new)),
                clock_offset: served
                    .sent
                    .map(|sent| sent.duration_since(served.received))
                    .unwrap_or_default(),
                refused_before: true,
            })
        }
        Ok(body) => Read::Refused(ErrorResponse {
            status,
            error: Some(fit_to_show(&body.error, &sent)),
            description: body.description().map(|text| fit_to_show(text, &sent)),
            gave_nonce,
        }),
        Err(_) => {
            Read::Refused(ErrorResponse { status, error: None, description: None, gave_nonce })
        }
    }
}

/// Validates tokens.
fn accept(mut body: Map<String, Value>, sub: &str) -> RefreshResponse {
    let mut text = |name: &str| match body.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let token = |text: Option<String>, max: usize| {
        text.map(Secret::from).filter(|token| {
            let text = token.expose_secret();
            (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        })
    };
    let (access_token, refresh_token) = (text("access_token"), text("refresh_token"));
    let had_refresh_token = refresh_token.is_some();
    let refresh_token = token(refresh_token, MAX_REFRESH_TOKEN);
    let Some(access_token) = token(access_token, MAX_ACCESS_TOKEN) else {
        return RefreshResponse::Unacceptable {
            why: "contains no usable access token",
            tokens: None,
        };
    };
    let lost_refresh_token = had_refresh_token && refresh_token.is_none();
    let (token_type, scope, found) = (text("token_type"), text("scope"), text("sub"));
    let tokens = TokenSet {
        access_token,
        refresh_token,
        scope,
        expires_in: body.get("expires_in").and_then(seconds),
        refresh_expires_in: ["refresh_token_expires_in", "refresh_expires_in"]
            .into_iter()
            .find_map(|name| body.get(name).and_then(seconds)),
        sub: found.unwrap_or_default(),
    };
    let why = if tokens.sub != sub {
        "it is for another account"
    } else if !token_type.is_some_and(|kind| kind.eq_ignore_ascii_case("DPoP")) {
        "its tokens are not bound to the DPoP key of the session"
    } else if lost_refresh_token {
        "contains no usable refresh token"
    } else {
        return RefreshResponse::Refreshed(tokens);
    };
    RefreshResponse::Unacceptable { why, tokens: Some(Box::new(tokens)) }
}

/// Reads a number of seconds as a number or string. Anything else counts as absent.
fn seconds(value: &Value) -> Option<Duration> {
    /// Limit that keeps additions to a time from overflowing.
    const MAX: f64 = 10.0 * 365.0 * 86_400.0;
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    (0.0..=MAX).contains(&seconds).then(|| Duration::from_secs_f64(seconds.trunc()))
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("sub", &self.sub)
            .field("scope", &self.scope)
            .field("expires_in", &self.expires_in)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .finish_non_exhaustive()
    }
}

/// Reduces foreign text to one line of limited length. Removes secrets of the request, which a
/// server may repeat, and words as long as tokens, which may be from earlier requests.
fn fit_to_show(text: &str, sent: &[Secret<'_>]) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    let is_word =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '=');
    let mut shown = String::new();
    let mut rest = &*without(&line, sent);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (part, others) = rest.split_at(end);
        shown.push_str(if is_word(first) && end >= TOKEN { "…" } else { part });
        rest = others;
    }
    shown.chars().take(MAX_TEXT).collect()
}

/// Returns the text without parts of at least [`PIECE`] bytes that occur in a secret.
fn without(text: &str, secrets: &[Secret<'_>]) -> String {
    let is_echo = |piece: &[u8]| {
        secrets.iter().any(|secret| {
            secret.expose_secret().as_bytes().windows(PIECE).any(|part| part == piece)
        })
    };
    let mut echoed = vec![false; text.len()];
    for (at, piece) in text.as_bytes().windows(PIECE).enumerate() {
        if is_echo(piece) {
            echoed[at..at + PIECE].fill(true);
        }
    }
    let mut shown = String::new();
    for (at, c) in text.char_indices() {
        if !echoed[at] {
            shown.push(c);
        } else if at == 0 || !echoed[at - 1] {
            shown.push('…');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(status: u16, content_type: &str, body: &str) -> RefreshResponse {
        let answer = Answer {
            status,
            content_type: Some(content_type.to_owned()),
            dpop_nonce: Some("n".to_owned()),
            retry_after: None,
            served: crate::oauth::http::Served::default(),
            body: Ok(body.as_bytes().to_vec()),
        };
        let sent = vec![Secret::from("ref-0123456789abcdef")];
        let answered = Answered { answer, proof: ProofParameters::default(), sent };
        RefreshResponse::of(answered, &"https://as.example/token".parse().unwrap(), "did:plc:a")
    }

    fn granted(change: impl FnOnce(&mut Value)) -> RefreshResponse {
        let mut body = json!({"access_token": "a", "refresh_token": "r", "token_type": "DPoP", "expires_in": 3600,
            "scope": "atproto", "sub": "did:plc:a"});
        change(&mut body);
        judged(200, "application/json", &body.to_string())
    }

    #[test]
    fn what_a_server_repeats_of_a_token_is_not_shown() {
        for (said, shown) in [
            ("no such token: ref-0123456789abcdef", "no such token: …"),
            ("ref-01234567 or 456789abcdef?", "… or …?"),
            ("ref-0123456 is too short to tell", "ref-0123456 is too short to tell"),
            // Token of an earlier request.
            (&format!("is ref-{} good?", "9".repeat(64)), "is … good?"),
            (
                &format!("no key {} here", "k".repeat(43)),
                &format!("no key {} here", "k".repeat(43)),
            ),
        ] {
            let body = json!({"error": "invalid_request", "error_description": said}).to_string();
            let RefreshResponse::Refused(refusal) = judged(400, "application/json", &body) else {
                panic!()
            };
            assert_eq!(refusal.description.as_deref(), Some(shown));
        }
    }

    #[test]
    fn tokens_of_the_right_account_are_accepted() {
        let RefreshResponse::Refreshed(tokens) = granted(|body| body["token_type"] = json!("dpop"))
        else {
            panic!()
        };
        assert_eq!(tokens.expires_in, Some(Duration::from_hours(1)));
        let kept = tokens.renewal(None, None, "2026-11-23T09:00:00Z".parse().unwrap());
        assert_eq!((kept.access_token, kept.refresh_token), (&"a".into(), Some(&"r".into())));
        assert_eq!(kept.expires_at.unwrap().to_string(), "2026-11-23T10:00:00Z");
    }

    #[test]
    fn what_a_server_may_leave_out_is_not_missed() {
        for name in ["refresh_token", "expires_in", "scope"] {
            let exchange = granted(|body| body[name] = Value::Null);
            assert!(matches!(exchange, RefreshResponse::Refreshed(_)), "{name}: {exchange:?}");
        }
        for expires_in in [json!(-1), json!("soon"), json!(1e300), json!([]), json!(null)] {
            let RefreshResponse::Refreshed(tokens) =
                granted(|body| body["expires_in"] = expires_in)
            else {
                panic!()
            };
            assert_eq!(tokens.expires_in, None);
        }
    }

    #[test]
    fn tokens_of_other_accounts_or_types_are_only_revoked() {
        for (name, value) in [
            ("sub", json!("did:plc:b")),
            ("sub", json!(null)),
            ("token_type", json!("Bearer")),
            ("token_type", json!(null)),
            ("refresh_token", json!("x".repeat(5000))),
            ("refresh_token", json!("a\nb")),
        ] {
            let exchange = granted(|body| body[name] = value.clone());
            assert!(
                matches!(exchange, RefreshResponse::Unacceptable { tokens: Some(_), .. }),
                "{name} {value}: {exchange:?}"
            );
        }
        for value in [json!(null), json!(""), json!(7), json!("x".repeat(20_000)), json!("a b")] {
            let exchange = granted(|body| body["access_token"] = value);
            assert!(
                matches!(exchange, RefreshResponse::Unacceptable { tokens: None, .. }),
                "{exchange:?}"
            );
        }
    }

    #[test]
    fn a_success_that_cannot_be_read_is_a_lost_answer() {
        let deep = "[".repeat(100_000);
        for body in ["", "{\"access", "[]", "null", "<html>", &deep] {
            let exchange = judged(200, "application/json", body);
            assert!(matches!(exchange, RefreshResponse::AnswerLost(_)), "{exchange:?}");
        }
        assert!(matches!(judged(204, "", ""), RefreshResponse::AnswerLost(_)));
    }

    #[test]
    fn refusals_are_told_apart_by_what_they_cost() {
        let error = |status, error: &str, description: &str| {
            judged(
                status,
                "application/json",
                &json!({"error": error, "error_description": description}).to_string(),
            )
        };
        for code in ["invalid_grant", "invalid_client", "access_denied"] {
            assert!(matches!(error(400, code, ""), RefreshResponse::Refused(_)), "{code}");
        }
        assert!(matches!(error(401, "use_dpop_nonce", ""), RefreshResponse::UseNonce(_)));
        assert!(matches!(
            error(500, "invalid_grant", ""),
            RefreshResponse::TryLater { status: 500, .. }
        ));
        assert!(matches!(
            error(429, "invalid_grant", ""),
            RefreshResponse::TryLater { status: 429, .. }
        ));
        assert!(matches!(
            judged(400, "text/html", "<html>"),
            RefreshResponse::TryLater { status: 400, .. }
        ));
        assert!(matches!(
            judged(403, "text/html", "<html>"),
            RefreshResponse::TryLater { status: 403, .. }
        ));
        let grant = r#"{"error":"invalid_grant"}"#;
        assert!(matches!(
            judged(400, "text/plain", grant),
            RefreshResponse::TryLater { status: 400, .. }
        ));
        assert!(matches!(judged(302, "text/plain", ""), RefreshResponse::Refused(_)));
        assert!(matches!(judged(400, "application/json", "{}"), RefreshResponse::Refused(_)));
    }

    #[test]
    fn an_xrpc_error_has_its_words_in_its_message() {
        let body =
            json!({"error": "InvalidRequest", "message": "invalid refresh token"}).to_string();
        let RefreshResponse::Refused(refusal) = judged(400, "application/json", &body) else {
            panic!()
        };
        assert_eq!(refusal.to_string(), "InvalidRequest: invalid refresh token");
    }

    #[test]
    fn nothing_shows_a_token() {
        let exchange = granted(|body| {
            body["access_token"] = json!("SECRET-1");
            body["refresh_token"] = json!("SECRET-2");
        });
        assert!(!format!("{exchange:?}").contains("SECRET"));
    }

    #[test]
    fn a_server_s_words_are_one_short_line() {
        let body = json!({"error": "e\u{1b}[31m", "error_description": "x \n".repeat(500)});
        let RefreshResponse::Refused(refusal) = judged(400, "application/json", &body.to_string())
        else {
            panic!()
        };
        assert_eq!(refusal.to_string(), format!("e[31m: {}", "x ".repeat(100)));
    }
}
