//! What the token and revocation endpoints can answer, and what each answer means for the session.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::answers::ErrorResponse;
use super::dpop::{ProofParameters, is_nonce};
use super::http::{Answer, HttpError};
use crate::session::Renewal;

/// Longer access tokens are not believed.
const MAX_ACCESS_TOKEN: usize = 16 * 1024;
/// Longer refresh tokens are not believed.
const MAX_REFRESH_TOKEN: usize = 4 * 1024;
/// Of texts that servers send, so much is shown.
const MAX_TEXT: usize = 200;

/// So many bytes of a token are worth hiding; fewer may stand in any text by chance.
const PIECE: usize = 12;

/// Words of so many bytes are tokens; thumbprints are shorter.
const TOKEN: usize = 60;

/// An answer, and what is needed to judge it.
pub(super) struct Answered {
    /// The answer.
    pub(super) answer: Answer,
    /// The parameters of the request's proof.
    pub(super) proof: ProofParameters,
    /// The secrets in the request.
    pub(super) sent: Vec<Zeroizing<String>>,
}

/// How a refresh ended. Exactly one request was sent, unless it says *not sent*.
#[derive(Debug)]
pub enum Exchange {
    /// New tokens; the old ones are worthless.
    Refreshed(TokenSet),
    /// Success, but not with tokens that may be stored: of another account or another type. The old
    /// refresh token is used up. What came should be revoked.
    Unacceptable {
        /// What is wrong with it.
        why: &'static str,
        /// The tokens, where there are any.
        tokens: Option<Box<TokenSet>>,
    },
    /// Nothing happened; the server wants another proof, with its newest nonce. Worth one more try
    /// at once, with these parameters.
    UseNonce(ProofParameters),
    /// Refused: [`ErrorResponse::meaning`] says why, and what has become of the session.
    Refused(ErrorResponse),
    /// No answer of the token endpoint itself, or a server in trouble: 429, 5xx, a proxy's page.
    /// After a 5xx the state of the session is unknown.
    TryLater {
        /// The status code.
        status: u16,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request never left. The session lives.
    NotSent(HttpError),
    /// The request was or may have been sent, and the answer is lost or cannot be read. Whether the
    /// tokens have been rotated is unknown.
    AnswerLost(HttpError),
}

/// How a revocation request ended. No outcome proves that the session has ended.
#[derive(Debug)]
pub enum Revocation {
    /// 200, which servers answer to nearly everything.
    Accepted,
    /// The server has no revocation endpoint. Nothing was sent.
    Unsupported,
    /// Nothing happened; the server wants another proof, with these parameters.
    UseNonce(ProofParameters),
    /// The request was refused.
    Refused(ErrorResponse),
    /// 429, 5xx, a proxy's page.
    TryLater {
        /// The status code.
        status: u16,
    },
    /// The request never left.
    NotSent(HttpError),
    /// The request was or may have been sent, and the answer is lost.
    AnswerLost(HttpError),
}

/// Tokens as the server issued them.
pub struct TokenSet {
    /// Good for requests to the PDS, with proofs by the session's DPoP key.
    pub access_token: Zeroizing<String>,
    /// Good for one refresh. None where the server keeps the one that was sent.
    pub refresh_token: Option<Zeroizing<String>>,
    /// Scopes granted, where the server says so.
    pub scope: Option<String>,
    /// Life of the access token, where the server says so.
    pub expires_in: Option<Duration>,
    /// Life of the refresh token, where the server says so. No RFC has a member for it; these two
    /// are in use.
    pub refresh_expires_in: Option<Duration>,
    /// The account.
    pub sub: String,
}

impl TokenSet {
    /// Returns what the session's record keeps of tokens that came at this time for this PDS. `kid`
    /// is the client key to which they are newly bound.
    pub fn renewal<'a>(
        &'a self,
        pds: Option<&'a str>,
        kid: Option<&'a str>,
        now: Timestamp,
    ) -> Renewal<'a> {
        Renewal {
            access_token: &self.access_token,
            refresh_token: self.refresh_token.as_ref().map(|token| token.as_str()),
            scope: self.scope.as_deref(),
            expires_at: self.expires_in.map(|life| now.saturating_add(life).unwrap_or(now)),
            pds,
            kid,
        }
    }
}

impl Exchange {
    /// Judges an answer of the token endpoint to a refresh of this account's session.
    pub(super) fn of(answer: Answered, url: &url::Url, sub: &str) -> Self {
        match read(answer, url) {
            Read::Success(body) => accept(body, sub),
            Read::UseNonce(parameters) => Self::UseNonce(parameters),
            Read::Refused(refusal) => Self::Refused(refusal),
            Read::TryLater { status, retry_after } => Self::TryLater { status, retry_after },
            Read::Lost(error) => Self::AnswerLost(error),
        }
    }

    /// Judges a failure to get an answer.
    pub(super) fn of_failure(error: HttpError) -> Self {
        if error.may_have_arrived() { Self::AnswerLost(error) } else { Self::NotSent(error) }
    }
}

impl Revocation {
    /// Judges an answer of the revocation endpoint.
    pub(super) fn of(answer: Answered, url: &url::Url) -> Self {
        // RFC 7009 section 2.2: the status says it all, the body says nothing.
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

    /// Judges a failure to get an answer.
    pub(super) fn of_failure(error: HttpError) -> Self {
        if error.may_have_arrived() { Self::AnswerLost(error) } else { Self::NotSent(error) }
    }
}

/// An answer, told apart by what any OAuth endpoint can mean by it.
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
    /// The words of an XRPC error.
    message: Option<Value>,
}

impl ErrorBody {
    fn description(&self) -> Option<&str> {
        [&self.error_description, &self.message]
            .into_iter()
            .find_map(|member| member.as_ref()?.as_str())
    }
}

/// Tells apart what an endpoint can mean by its answer.
pub(super) fn read(answered: Answered, url: &url::Url) -> Read {
    let Answered { answer, proof, sent } = answered;
    let later = Read::TryLater { status: answer.status, retry_after: answer.retry_after };
    match answer.status {
        // Whatever stands in it: the server is in trouble.
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
        return Read::Lost(HttpError::unreadable(url, "has a status that means nothing here"));
    }
    // A page of something that stands in front of the server.
    if !is_json && status >= 400 {
        return later;
    }
    let gave_nonce = nonce.is_some();
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) if body.error == "use_dpop_nonce" && nonce.is_some() => {
            Read::UseNonce(ProofParameters { nonce, ..proof })
        }
        // A nonce that the server does not know any more, since it was restarted, or a clock that
        // differs from ours.
        Ok(body) if body.error == "invalid_dpop_proof" && !proof.refused_before => {
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

/// Judges tokens.
fn accept(mut body: Map<String, Value>, sub: &str) -> Exchange {
    let mut text = |name: &str| match body.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let token = |text: Option<String>, max: usize| {
        text.map(Zeroizing::new).filter(|text| {
            (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        })
    };
    let (access_token, refresh_token) = (text("access_token"), text("refresh_token"));
    let had_refresh_token = refresh_token.is_some();
    let refresh_token = token(refresh_token, MAX_REFRESH_TOKEN);
    let Some(access_token) = token(access_token, MAX_ACCESS_TOKEN) else {
        return Exchange::Unacceptable { why: "no usable access token in it", tokens: None };
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
        "its tokens are not bound to the session's key"
    } else if lost_refresh_token {
        "no usable refresh token in it"
    } else {
        return Exchange::Refreshed(tokens);
    };
    Exchange::Unacceptable { why, tokens: Some(Box::new(tokens)) }
}

/// Returns a number of seconds from now on, however it is written; what is none is as good as not
/// said.
fn seconds(value: &Value) -> Option<Duration> {
    /// So that adding it to a time cannot overflow.
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

/// One line, of a length that can be read, without what was sent: a server may repeat that. Nor
/// does it show what is as long as a token: that may have been sent earlier.
fn fit_to_show(text: &str, sent: &[Zeroizing<String>]) -> String {
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

/// Returns the text without any part that is as long as a secret's [`PIECE`] and the same.
fn without(text: &str, secrets: &[Zeroizing<String>]) -> String {
    let is_echo = |piece: &[u8]| {
        secrets.iter().any(|secret| secret.as_bytes().windows(PIECE).any(|part| part == piece))
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

    fn judged(status: u16, content_type: &str, body: &str) -> Exchange {
        let answer = Answer {
            status,
            content_type: Some(content_type.to_owned()),
            dpop_nonce: Some("n".to_owned()),
            retry_after: None,
            served: crate::oauth::http::Served::default(),
            body: Ok(body.as_bytes().to_vec()),
        };
        let sent = vec![Zeroizing::new("ref-0123456789abcdef".to_owned())];
        let answered = Answered { answer, proof: ProofParameters::default(), sent };
        Exchange::of(answered, &"https://as.example/token".parse().unwrap(), "did:plc:a")
    }

    fn granted(change: impl FnOnce(&mut Value)) -> Exchange {
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
            // Of an earlier request.
            (&format!("is ref-{} good?", "9".repeat(64)), "is … good?"),
            (
                &format!("no key {} here", "k".repeat(43)),
                &format!("no key {} here", "k".repeat(43)),
            ),
        ] {
            let body = json!({"error": "invalid_request", "error_description": said}).to_string();
            let Exchange::Refused(refusal) = judged(400, "application/json", &body) else {
                panic!()
            };
            assert_eq!(refusal.description.as_deref(), Some(shown));
        }
    }

    #[test]
    fn tokens_of_the_right_account_are_accepted() {
        let Exchange::Refreshed(tokens) = granted(|body| body["token_type"] = json!("dpop")) else {
            panic!()
        };
        assert_eq!(tokens.expires_in, Some(Duration::from_hours(1)));
        let kept = tokens.renewal(None, None, "2026-11-23T09:00:00Z".parse().unwrap());
        assert_eq!((kept.access_token, kept.refresh_token), ("a", Some("r")));
        assert_eq!(kept.expires_at.unwrap().to_string(), "2026-11-23T10:00:00Z");
    }

    #[test]
    fn what_a_server_may_leave_out_is_not_missed() {
        for name in ["refresh_token", "expires_in", "scope"] {
            let exchange = granted(|body| body[name] = Value::Null);
            assert!(matches!(exchange, Exchange::Refreshed(_)), "{name}: {exchange:?}");
        }
        for expires_in in [json!(-1), json!("soon"), json!(1e300), json!([]), json!(null)] {
            let Exchange::Refreshed(tokens) = granted(|body| body["expires_in"] = expires_in)
            else {
                panic!()
            };
            assert_eq!(tokens.expires_in, None);
        }
    }

    #[test]
    fn tokens_of_another_account_or_type_are_handed_over_for_revocation_only() {
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
                matches!(exchange, Exchange::Unacceptable { tokens: Some(_), .. }),
                "{name} {value}: {exchange:?}"
            );
        }
        for value in [json!(null), json!(""), json!(7), json!("x".repeat(20_000)), json!("a b")] {
            let exchange = granted(|body| body["access_token"] = value);
            assert!(
                matches!(exchange, Exchange::Unacceptable { tokens: None, .. }),
                "{exchange:?}"
            );
        }
    }

    #[test]
    fn a_success_that_cannot_be_read_is_a_lost_answer() {
        let deep = "[".repeat(100_000);
        for body in ["", "{\"access", "[]", "null", "<html>", &deep] {
            let exchange = judged(200, "application/json", body);
            assert!(matches!(exchange, Exchange::AnswerLost(_)), "{exchange:?}");
        }
        assert!(matches!(judged(204, "", ""), Exchange::AnswerLost(_)));
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
            assert!(matches!(error(400, code, ""), Exchange::Refused(_)), "{code}");
        }
        assert!(matches!(error(401, "use_dpop_nonce", ""), Exchange::UseNonce(_)));
        assert!(matches!(error(500, "invalid_grant", ""), Exchange::TryLater { status: 500, .. }));
        assert!(matches!(error(429, "invalid_grant", ""), Exchange::TryLater { status: 429, .. }));
        assert!(matches!(
            judged(400, "text/html", "<html>"),
            Exchange::TryLater { status: 400, .. }
        ));
        assert!(matches!(
            judged(403, "text/html", "<html>"),
            Exchange::TryLater { status: 403, .. }
        ));
        let grant = r#"{"error":"invalid_grant"}"#;
        assert!(matches!(judged(400, "text/plain", grant), Exchange::TryLater { status: 400, .. }));
        assert!(matches!(judged(302, "text/plain", ""), Exchange::Refused(_)));
        assert!(matches!(judged(400, "application/json", "{}"), Exchange::Refused(_)));
    }

    #[test]
    fn an_xrpc_error_has_its_words_in_its_message() {
        let body =
            json!({"error": "InvalidRequest", "message": "invalid refresh token"}).to_string();
        let Exchange::Refused(refusal) = judged(400, "application/json", &body) else { panic!() };
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
        let Exchange::Refused(refusal) = judged(400, "application/json", &body.to_string()) else {
            panic!()
        };
        assert_eq!(refusal.to_string(), format!("e[31m: {}", "x ".repeat(100)));
    }
}
