//! Small OAuth client over plain sockets, which can make any mistake on request.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use testbed::{Network, keys};

/// Answer from the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Summarises the answer: `200`, or `400 invalid_grant: Refresh token replayed`.
    pub(crate) fn summary(&self) -> String {
        let body = self.json();
        match body["error"].as_str() {
            Some(error) => {
                format!(
                    "{} {error}: {}",
                    self.status,
                    body["error_description"].as_str().unwrap_or_default()
                )
            }
            None => self.status.to_string(),
        }
    }
}

/// Sends one request on a separate connection.
pub(crate) fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    let rest = url.strip_prefix("http://").expect("an http URL");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1"))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    let own_host = headers.iter().any(|(name, _)| *name == "host");
    if !own_host {
        request.extend(["host: ", host, "\r\n"]);
    }
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let _ = stream.shutdown(Shutdown::Both);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, text) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        head: head.to_owned(),
        text: text.to_owned(),
    })
}

pub(crate) fn get(url: &str) -> Answer {
    send("GET", url, &[], "").unwrap()
}

/// Parts of a request, each of which can be wrong.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) issuer: String,
    pub(crate) id: String,
    /// Key that signs assertions, `None` for a public client.
    pub(crate) key: Option<Value>,
    pub(crate) kid: Option<String>,
    pub(crate) aud: Option<String>,
    pub(crate) jti: Option<String>,
    pub(crate) age: i64,
    pub(crate) dpop_key: Option<Value>,
    pub(crate) no_dpop: bool,
    pub(crate) no_nonce: bool,
}

impl Client {
    /// Returns a client without mistakes.
    pub(crate) fn of(net: &Network) -> Self {
        Self {
            issuer: net.pds_url(),
            id: net.client_id(),
            key: net.signing_key(),
            kid: None,
            aud: None,
            jti: None,
            age: 0,
            dpop_key: None,
            no_dpop: false,
            no_nonce: false,
        }
    }

    pub(crate) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut client = self.clone();
        change(&mut client);
        client
    }

    pub(crate) fn refresh(&self, record: &Value) -> Answer {
        self.try_refresh(record).unwrap()
    }

    pub(crate) fn try_refresh(&self, record: &Value) -> io::Result<Answer> {
        let token = record["tokenSet"]["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        self.post("/oauth/token", &form, record)
    }

    pub(crate) fn revoke(&self, record: &Value, token: &str) -> Answer {
        self.post("/oauth/revoke", &format!("token={token}"), record).unwrap()
    }

    /// Starts a login.
    pub(crate) fn push(&self, redirect: &str) -> Answer {
        let record = json!({"dpopJwk": keys::generate(testbed::Alg::Es256)});
        let form = format!(
            "response_type=code&redirect_uri={redirect}&scope=atproto&code_challenge=x&code_challenge_method=S256"
        );
        self.post("/oauth/par", &form, &record).unwrap()
    }

    /// Sends a request to the resource server, like the app.
    pub(crate) fn get_session(&self, record: &Value) -> Answer {
        let url = format!("{}/xrpc/com.atproto.server.getSession", self.issuer);
        let token = record["tokenSet"]["access_token"].as_str().unwrap();
        let nonce = self.nonce();
        let proof = self.proof(record, "GET", &url, Some(&nonce), Some(token));
        let authorization = format!("DPoP {token}");
        let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
        send("GET", &url, &headers, "").unwrap()
    }

    fn post(&self, path: &str, form: &str, record: &Value) -> io::Result<Answer> {
        let url = format!("{}{path}", self.issuer);
        let mut body = format!("{form}&client_id={}", self.id);
        if let Some(key) = &self.key {
            body += "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            body += "&client_assertion=";
            body += &self.assertion(key);
        }
        let nonce = (!self.no_nonce).then(|| self.nonce());
        let proof = self.proof(record, "POST", &url, nonce.as_deref(), None);
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("user-agent", "testbed-client"),
        ];
        if !self.no_dpop {
            headers.push(("dpop", &proof));
        }
        send("POST", &url, &headers, &body)
    }

    fn assertion(&self, key: &Value) -> String {
        let now = real_seconds() - self.age;
        let kid = self.kid.as_deref().or(key["kid"].as_str());
        let claims = json!({
            "iss": self.id,
            "sub": self.id,
            "aud": self.aud.as_ref().unwrap_or(&self.issuer),
            "jti": self.jti.clone().unwrap_or_else(testbed::did),
            "iat": now,
            "exp": now + 60,
        });
        keys::sign(json!({"kid": kid}), &claims, key).unwrap()
    }

    fn proof(
        &self,
        record: &Value,
        method: &str,
        url: &str,
        nonce: Option<&str>,
        access_token: Option<&str>,
    ) -> String {
        let key = self.dpop_key.as_ref().unwrap_or(&record["dpopJwk"]);
        let mut claims = json!({
            "jti": testbed::did(),
            "htm": method,
            "htu": url,
            "iat": real_seconds(),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(token) = access_token {
            claims["ath"] = json!(keys::sha256(token));
        }
        let header = json!({"typ": "dpop+jwt", "jwk": keys::public(key)});
        keys::sign(header, &claims, key).unwrap()
    }

    /// Returns a current nonce, from the answer to a request that cannot succeed.
    fn nonce(&self) -> String {
        let url = format!("{}/oauth/token", self.issuer);
        let answer = send("POST", &url, &[], "").unwrap();
        answer.header("dpop-nonce").unwrap().to_owned()
    }
}

/// Returns the machine's time.
#[allow(clippy::disallowed_methods, reason = "the test network has no Context")]
fn real_seconds() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_secs()).unwrap()
}

/// Returns the record after a successful refresh.
pub(crate) fn renewed(record: &Value, answer: &Answer) -> Value {
    assert_eq!(answer.summary(), "200");
    let mut record = record.clone();
    for name in ["access_token", "refresh_token"] {
        record["tokenSet"][name] = answer.json()[name].clone();
    }
    record
}
