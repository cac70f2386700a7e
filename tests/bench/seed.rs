//! Records in the form of apps: structure and lengths of real ones, with random letters as tokens.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testbed::postgres::Postgres;
use testbed::redis::Redis;

const DAY: u64 = 86_400;
/// TTLs of the app's sessions and states.
const SESSION_TTL: u64 = 179 * DAY;
const STATE_TTL: u64 = 1800;

/// Pseudo random numbers (xorshift64*), the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    fn letters(&mut self, count: usize, alphabet: &[u8]) -> String {
        let letter = |_| {
            char::from(alphabet[usize::try_from(self.below(alphabet.len() as u64)).unwrap_or(0)])
        };
        (0..count).map(letter).collect()
    }

    fn text(&mut self, count: usize) -> String {
        self.letters(count, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    }

    fn key(&mut self) -> String {
        let (x, y, d) = (self.text(43), self.text(43), self.text(43));
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}","key_ops":["sign"]}}"#)
    }
}

#[expect(clippy::disallowed_methods, reason = "the records are as old as they would be today")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs()
}

/// Adds sessions of many servers and three client keys, refreshed some days ago, most of them
/// recently.
pub fn sessions(redis: &Redis, count: usize) {
    let key = |(did, ttl, value)| (format!("atproto:oauth:sessions:{did}"), ttl, value);
    load(redis, all(count).map(key));
}

/// The same in a table, in a column of this type.
pub fn session_rows(server: &Postgres, column: &str, count: usize) {
    rows(server, column, all(count).map(|(did, _, value)| (did, value)));
}

/// Accounts, each with the seconds that its session has left, and the record.
fn all(count: usize) -> impl Iterator<Item = (String, u64, String)> {
    let mut random = Random(7);
    let now = now();
    (0..count).map(move |_| {
        let did = format!("did:plc:{}", random.letters(24, b"abcdefghijklmnopqrstuvwxyz234567"));
        let host = match random.below(1000) {
            n if n < 800 => "https://bsky.social".to_owned(),
            n => format!("https://pds{n}.example"),
        };
        // The minimum of two favours small values.
        let age = random.below(100 * DAY).min(random.below(100 * DAY));
        let expires = testbed::iso8601(i64::try_from((now - age + 3600) * 1000).unwrap_or(0));
        let kid = random.below(3);
        let value = format!(
            r#"{{"dpopJwk":{},"authMethod":{{"method":"private_key_jwt","kid":"kid-{kid}"}},"tokenSet":{{"iss":"{host}","sub":"{did}","aud":"{host}","scope":"atproto repo:app.bsky.feed.like repo:dev.npmx.profile","refresh_token":"ref-{}","access_token":"{}.{}.{}","token_type":"DPoP","expires_at":"{expires}"}}}}"#,
            random.key(), random.text(43), random.text(120), random.text(900), random.text(86),
        );
        (did, SESSION_TTL - age, value)
    })
}

/// Rows for one copy into a table.
const COPY: usize = 20_000;

/// Account and record of a session that a network knows of.
pub fn row(record: &Value) -> (String, String) {
    let did = record["tokenSet"]["sub"].as_str().expect("a record has an account").to_owned();
    (did, record.to_string())
}

/// Makes the tables of statusphere with records in a column of this type.
pub fn rows(server: &Postgres, column: &str, rows: impl Iterator<Item = (String, String)>) {
    server.sql(&format!(
        "CREATE TABLE auth_session (key varchar PRIMARY KEY, session {column} NOT NULL);
         CREATE TABLE auth_state (key varchar PRIMARY KEY, state {column} NOT NULL)"
    ));
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let mut sql = "COPY auth_session FROM stdin;\n".to_owned();
        for (did, record) in rows.by_ref().take(COPY) {
            sql.extend([&did, "\t", &record, "\n"]);
        }
        server.sql(&(sql + "\\.\n"));
    }
    server.sql("VACUUM ANALYZE auth_session");
}

/// Adds abandoned states, written 29 minutes ago.
pub fn stale_states(redis: &Redis, count: usize) {
    let mut random = Random(11);
    load(redis, (0..count).map(|_| {
        let value = format!(
            r#"{{"iss":"https://bsky.social","dpopJwk":{},"authMethod":{{"method":"private_key_jwt","kid":"kid-1"}},"verifier":"{}"}}"#,
            random.key(), random.text(43)
        );
        (format!("atproto:oauth:state:{}", random.text(22)), STATE_TTL - 29 * 60, value)
    }));
}

/// Adds sessions that a network knows.
pub fn records(redis: &Redis, records: impl Iterator<Item = Value>) {
    load(
        redis,
        records.map(|record| {
            let did = record["tokenSet"]["sub"].as_str().expect("a record has an account");
            (format!("atproto:oauth:sessions:{did}"), SESSION_TTL - 2 * DAY, record.to_string())
        }),
    );
}

/// Writes records in the way that is fastest for a server.
fn load(redis: &Redis, records: impl Iterator<Item = (String, u64, String)>) {
    let port = redis.port().to_string();
    let mut command = Command::new("redis-cli");
    let spawned =
        command.args(["-p", &port, "--pipe"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = spawned.expect("redis-cli is installed, with redis-server or as redis-tools");
    let mut pipe = std::io::BufWriter::with_capacity(
        1 << 20,
        child.stdin.take().expect("its input is a pipe"),
    );
    for (key, ttl, value) in records {
        let ttl = ttl.to_string();
        write!(
            pipe,
            "*4\r\n$5\r\nSETEX\r\n${}\r\n{key}\r\n${}\r\n{ttl}\r\n${}\r\n{value}\r\n",
            key.len(),
            ttl.len(),
            value.len()
        )
        .expect("redis-cli reads");
    }
    drop(pipe);
    assert!(child.wait().expect("it can be waited for").success(), "redis-cli --pipe failed");
}
