//! A hermetic place to run oauthctl in: an empty directory, an empty environment, a clock that stands still.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::{Span, SpanRelativeTo, Timestamp};
use rexpect::session::PtySession;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::app::did_of;

/// The time in every sandbox.
pub(crate) const NOW: &str = "2026-11-23T12:00:00Z";

/// The P-256 key of RFC 7517 appendix A.2 under the kid `key1`, in the form the app signs with.
pub(crate) const KEY1: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"key1","alg":"ES256","key_ops":["sign"]}"#;
/// The P-256 key of RFC 7515 appendix A.3 under the kid `key2`, bare.
pub(crate) const KEY2: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","kid":"key2"}"#;

/// An ordinary user's account.
pub(crate) const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
/// Another.
pub(crate) const BOB: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";

/// The program.
pub(crate) const OAUTHCTL: &str = env!("CARGO_BIN_EXE_oauthctl");
const ANYONE: u32 = 65534;

/// An empty working directory with an environment of its own.
pub(crate) struct Sandbox {
    root: TempDir,
    variables: BTreeMap<OsString, OsString>,
    stdin: Vec<u8>,
}

/// How a run ended. As text it is everything there is to see of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = TempDir::with_prefix("oauthctl-test-").unwrap();
        for directory in ["app", "bin", "home"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        std::os::unix::fs::symlink(OAUTHCTL, root.path().join("bin/oauthctl")).unwrap();
        let mut sandbox = Self { root, variables: BTreeMap::new(), stdin: Vec::new() };
        let home = sandbox.root.path().join("home");
        for (name, below) in
            [("HOME", ""), ("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".local/state"), ("TMPDIR", "")]
        {
            sandbox.set(name, home.join(below));
        }
        let mut path = sandbox.root.path().join("bin").into_os_string();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        sandbox.set("PATH", path);
        sandbox.set("OAUTHCTL_TEST_NOW", NOW);
        sandbox
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Takes a variable away.
    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// What the next runs read from standard input.
    pub(crate) fn stdin(&mut self, text: impl Into<Vec<u8>>) -> &mut Self {
        self.stdin = text.into();
        self
    }

    /// A path in the working directory.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join("app").join(name)
    }

    /// Writes a file that only its owner may read, as a key file should be.
    pub(crate) fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The permission bits of a file.
    pub(crate) fn mode(&self, name: impl AsRef<Path>) -> u32 {
        fs::metadata(self.path(name)).unwrap().mode() & 0o7777
    }

    /// Every file in the sandbox with its mode and content: what a run that changes nothing leaves as it was.
    ///
    /// Not for a database that this process holds locked: reading the file releases the lock (POSIX).
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let content = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                found.insert(path.clone(), (metadata.mode(), content));
                if metadata.is_dir() {
                    walk(&path, found);
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(self.root.path(), &mut found);
        found
    }

    /// The names of the files in the working directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs oauthctl.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let mut command = self.command(OAUTHCTL);
        command.args(arguments);
        self.finish(command)
    }

    /// Runs oauthctl where it must succeed and say nothing but its result.
    pub(crate) fn result<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let output = self.run(arguments);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
        output.stdout
    }

    /// Runs oauthctl where it must fail and change nothing: no result, one line that says what is wrong, then hints.
    pub(crate) fn refusal<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let before = self.everything();
        let output = self.run(arguments);
        assert_is_refusal(&output);
        assert_eq!(before, self.everything(), "something was changed:\n{output}");
        output
    }

    /// Runs oauthctl as a user who is not root, so that permissions count.
    pub(crate) fn refusal_for_an_ordinary_user<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        let command = self.command_of_an_ordinary_user(arguments);
        let before = self.everything();
        let output = self.finish(command);
        assert_is_refusal(&output);
        assert_eq!(before, self.everything(), "something was changed:\n{output}");
        output
    }

    /// Runs oauthctl as such a user where it need not fail.
    pub(crate) fn run_by_an_ordinary_user<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.finish(self.command_of_an_ordinary_user(arguments))
    }

    fn command_of_an_ordinary_user<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            let mut command = self.command(OAUTHCTL);
            command.args(arguments);
            return command;
        }
        // The build directory may be out of that user's reach.
        let binary = self.root.path().join("oauthctl");
        if !binary.exists() {
            fs::hard_link(OAUTHCTL, &binary).or_else(|_| fs::copy(OAUTHCTL, &binary).map(drop)).unwrap();
        }
        fs::set_permissions(self.root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = self.command("setpriv");
        command.args([&format!("--reuid={ANYONE}"), &format!("--regid={ANYONE}"), "--clear-groups"]);
        command.arg(&binary).args(arguments);
        command
    }

    /// Runs a shell script that finds oauthctl on its PATH.
    pub(crate) fn sh(&self, script: &str) -> Output {
        let mut command = self.command("bash");
        command.args(["-c", script]);
        self.finish(command)
    }

    /// Starts oauthctl, its output in pipes that nobody reads yet.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        let mut command = self.command(OAUTHCTL);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs oauthctl on a terminal that a person sits at.
    pub(crate) fn terminal<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> PtySession {
        let mut command = self.command(OAUTHCTL);
        command.args(arguments);
        rexpect::session::spawn_command(command, Some(10_000)).unwrap()
    }

    /// What was printed by a program that was started, once it has ended.
    pub(crate) fn output_of(&self, child: Child) -> Output {
        let output = self.output(child.wait_with_output().unwrap());
        assert_no_token(&output.to_string());
        output
    }

    /// Runs oauthctl on a terminal, and returns what the terminal shows.
    pub(crate) fn on_a_terminal<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let mut session = self.terminal(arguments);
        let text = session.exp_eof().unwrap().replace("\r\n", "\n");
        assert_no_token(&text);
        text
    }

    /// Prepares a program to run in the sandbox.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(self.path(""));
        command
    }

    fn finish(&self, mut command: Command) -> Output {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whoever does not read its input closes it early.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        let output = self.output(child.wait_with_output().unwrap());
        assert_no_token(&output.stderr);
        // An export is asked for the tokens themselves.
        let is_export = command.get_args().any(|argument| argument.to_string_lossy().contains("export"));
        if !is_export {
            assert_no_token(&output.stdout);
        }
        output
    }

    fn output(&self, output: std::process::Output) -> Output {
        let text = |bytes| {
            let text = String::from_utf8(bytes).expect("output is text");
            text.replace(self.root.path().to_str().unwrap(), "$SANDBOX")
        };
        Output {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code().expect("oauthctl was ended by a signal"),
        }
    }
}

/// No run of any test shows a refresh token as the test network gives them.
#[track_caller]
fn assert_no_token(text: &str) {
    let is_token = |part: &str| part.len() >= 64 && part.bytes().take(64).all(|byte| byte.is_ascii_hexdigit());
    assert!(!text.split("ref-").skip(1).any(is_token), "a refresh token is shown:\n{text}");
}

/// Sends a signal to a process that has begun to listen for it.
pub(crate) fn interrupt(child: &Child, signal: &str) {
    let number = match signal {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        _ => 15,
    };
    let listens = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a process has signals");
        u64::from_str_radix(caught.trim(), 16).unwrap() >> (number - 1) & 1 == 1
    };
    for _ in 0..10_000 {
        if listens() {
            let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
            assert!(sent.success(), "the process has ended already");
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the process does not listen for SIG{signal}");
}

/// What every refusal has in common.
#[track_caller]
pub(crate) fn assert_is_refusal(output: &Output) {
    assert!(output.code == 1 || output.code == 2, "{output}");
    assert_eq!(output.stdout, "", "a refusal has no result");
    let mut lines = output.stderr.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("error: ")), "{output}");
    assert!(lines.clone().all(|line| line.starts_with("caused by: ") || line.starts_with("hint: ")), "{output}");
    assert!(lines.any(|line| line.starts_with("hint: ")), "no hint:\n{output}");
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n-- {name} --\n{}", text.strip_suffix('\n').unwrap_or(text))?;
            }
        }
        Ok(())
    }
}

/// So long before [`NOW`].
pub(crate) fn ago(age: &str) -> Timestamp {
    let now: Timestamp = NOW.parse().unwrap();
    let span: Span = age.parse().unwrap();
    now - span.to_duration(SpanRelativeTo::days_are_24_hours()).unwrap()
}

/// A session as the app's client library stores it, refreshed this long ago.
pub(crate) fn session(did: &str, refreshed: &str) -> Value {
    let refreshed = ago(refreshed);
    let expires = refreshed + Span::new().hours(1);
    let claims = json!({"sub": did, "iat": refreshed.as_second(), "exp": expires.as_second()});
    let access_token = format!("eyJ0eXAiOiJhdCtqd3QifQ.{}.c2ln", BASE64URL.encode(claims.to_string()));
    json!({
        "authMethod": {"method": "private_key_jwt", "kid": "key1"},
        "tokenSet": {
            "aud": "https://pds.example.com/",
            "sub": did,
            "iss": "https://auth.example.com",
            "scope": "atproto transition:generic",
            "refresh_token": "ref-0123456789abcdef",
            "access_token": access_token,
            "token_type": "DPoP",
            "expires_at": format!("{expires:.3}"),
        },
        "dpopJwk": {"kty": "EC", "crv": "secp256k1", "x": "dpop-x", "y": "dpop-y", "d": "dpop-private"},
    })
}

/// The tables of the layout `statusphere`, and one of the app's own.
pub(crate) const STATUSPHERE: &str = "
    CREATE TABLE auth_session (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE auth_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE status (uri TEXT PRIMARY KEY, status TEXT NOT NULL);";
/// The tables of the layout `statusphere-legacy`.
pub(crate) const LEGACY: &str = "
    CREATE TABLE auth_session (key varchar PRIMARY KEY, session varchar NOT NULL);
    CREATE TABLE auth_state (key varchar PRIMARY KEY, state varchar NOT NULL);";
/// The table of the layout `sveltekit-template`.
pub(crate) const SVELTEKIT: &str = "
    CREATE TABLE keyValueStore (
        key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, storeName TEXT NOT NULL, createdAt INTEGER NOT NULL);";
/// The tables of the layout `adonis`.
pub(crate) const ADONIS: &str = "
    CREATE TABLE oauth_sessions (sub varchar(255) PRIMARY KEY NOT NULL, value text NOT NULL, updated_at datetime);
    CREATE TABLE oauth_states (key varchar(255) PRIMARY KEY NOT NULL, value text NOT NULL, updated_at datetime);";

/// A login that was begun, as the app's client library stores it.
pub(crate) fn state(kid: &str) -> Value {
    json!({
        "iss": "https://auth.example.com",
        "authMethod": {"method": "private_key_jwt", "kid": kid},
        "verifier": "verifier-0123456789",
        "dpopJwk": {"kty": "EC", "crv": "secp256k1", "x": "dpop-x", "y": "dpop-y", "d": "dpop-private"},
    })
}

/// A database as a running app has it: in WAL mode, open.
pub(crate) struct AppDatabase(Connection);

impl AppDatabase {
    /// Creates a database of the statusphere layout.
    pub(crate) fn create(path: &Path) -> Self {
        Self::with(path, STATUSPHERE)
    }

    /// Creates a database with these tables.
    pub(crate) fn with(path: &Path, tables: &str) -> Self {
        let database = Self::open(path);
        database.0.pragma_update(None, "journal_mode", "wal").unwrap();
        database.execute(tables);
        database
    }

    /// Opens one that is there.
    pub(crate) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        // No test cuts the power.
        connection.pragma_update(None, "synchronous", "off").unwrap();
        Self(connection)
    }

    /// Stores a session under the DID it is of.
    pub(crate) fn session(&self, session: &Value) -> &Self {
        self.record(did_of(session), &session.to_string())
    }

    /// Stores so many sessions like this one, each of an account of its own.
    pub(crate) fn sessions_like(&self, session: &Value, count: u32) -> &Self {
        let sub = did_of(session);
        self.execute(&format!(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count})
             INSERT INTO auth_session
             SELECT printf('did:plc:%024d', n), replace('{session}', '{sub}', printf('did:plc:%024d', n)) FROM number"
        ))
    }

    /// Stores any text in the table of sessions.
    pub(crate) fn record(&self, key: &str, value: &str) -> &Self {
        self.0.execute("INSERT OR REPLACE INTO auth_session VALUES (?1, ?2)", [key, value]).unwrap();
        self
    }

    /// Stores a login that was begun.
    pub(crate) fn state(&self, key: &str, state: &Value) -> &Self {
        self.0.execute("INSERT INTO auth_state VALUES (?1, ?2)", [key, &state.to_string()]).unwrap();
        self
    }

    /// Runs SQL as the app would.
    pub(crate) fn execute(&self, sql: &str) -> &Self {
        self.0.execute_batch(sql).unwrap();
        self
    }

    /// Every row that a query finds, its columns with bars between them.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.0.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |value: ValueRef<'_>| match value {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Real(n) => n.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        };
        let row = |row: &rusqlite::Row<'_>| {
            let cells: Vec<_> = (0..columns).map(|n| text(row.get_ref(n).unwrap())).collect();
            Ok(cells.join("|"))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    /// Stops the app.
    pub(crate) fn close(self) {
        self.0.close().unwrap();
    }
}

/// The members of a JSON object, which must be all there is in the text.
pub(crate) fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A JWK with some members changed; null removes one.
pub(crate) fn jwk_with(jwk: &str, changes: &Value) -> String {
    let mut members = object(jwk);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    Value::Object(members).to_string()
}
