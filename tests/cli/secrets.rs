//! No secret leaks in unexpected places: runs all commands and many failures with `-vv`, and
//! searches for fragments of tokens, keys and passwords in their output, in the files they leave,
//! and in the list of processes.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};
use testbed::redis::{Answer, Redis};
use testbed::upstash::Front;
use testbed::{Credentials, Endpoint, Fault, Gate, Injection, LoginOptions, Reply, keys};

use crate::app::{App, days_ago, did_of, wait_until};
use crate::npmx;
use crate::sandbox::{Output, Sandbox};

/// Length of a fragment that discloses a secret, in bytes.
const PIECE: usize = 12;

const PASSWORD: &str = "pA55wordMarkedSoThatItIsSeen";
const REST_TOKEN: &str = "AXupstashTokenMarkedSoThatItIsSeen0123456789";

/// All fragments of all secrets.
#[derive(Default)]
struct Secrets(HashSet<Vec<u8>>);

impl Secrets {
    fn add(&mut self, secret: impl AsRef<[u8]>) {
        self.0.extend(secret.as_ref().windows(PIECE).map(<[u8]>::to_vec));
    }

    /// Adds the private part of a JWK, in all encodings.
    fn add_key(&mut self, jwk: &Value) {
        let text = jwk["d"].as_str().unwrap();
        let bytes = BASE64URL.decode(text).unwrap();
        self.add(text);
        self.add(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        self.add(BASE64.encode(&bytes));
        self.add(bytes);
    }

    /// Adds the private keys in a key, an array of keys or a key set.
    fn add_keys(&mut self, json: &Value) {
        let keys = json
            .as_array()
            .or_else(|| json["keys"].as_array())
            .map_or(std::slice::from_ref(json), Vec::as_slice);
        keys.iter().filter(|key| key["d"].is_string()).for_each(|key| self.add_key(key));
    }

    fn add_record(&mut self, record: &Value) {
        for name in ["refresh_token", "access_token"] {
            self.add(record["tokenSet"][name].as_str().unwrap());
        }
        self.add_key(&record["dpopJwk"]);
    }

    #[track_caller]
    fn assert_not_in(&self, place: &str, bytes: &[u8]) {
        if let Some(at) = bytes.windows(PIECE).position(|piece| self.0.contains(piece)) {
            panic!("{place} shows a secret at {at}:\n{}", String::from_utf8_lossy(bytes));
        }
    }

    /// Asserts that the output contains no secret, or for a secret result only that stderr contains
    /// none.
    #[track_caller]
    fn assert_kept(&self, what: &str, output: &Output, result_is_secret: bool) {
        self.assert_not_in(&format!("{what} (stderr)"), output.stderr.as_bytes());
        if !result_is_secret {
            self.assert_not_in(&format!("{what} (stdout)"), output.stdout.as_bytes());
        }
    }

    /// Asserts that files in the sandbox contain no secrets, except for those meant for them.
    #[track_caller]
    fn assert_files(&self, sandbox: &Sandbox, meant: &[&str]) {
        for (path, (_, content)) in sandbox.everything() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !meant.iter().any(|meant| name.starts_with(meant)) {
                self.assert_not_in(&path.display().to_string(), &content);
            }
        }
    }
}

/// App whose secrets are all known.
struct Marked {
    app: App,
    secrets: Secrets,
    dids: Vec<String>,
}

fn marked(users: usize) -> Marked {
    let app = App::new();
    let mut secrets = Secrets::default();
    secrets.add(PASSWORD);
    secrets.add(REST_TOKEN);
    secrets.add_key(&app.net.signing_key().unwrap());
    let records = app.log_in(users, &days_ago(2));
    for record in &records {
        secrets.add_record(record);
    }
    let dids = records.iter().map(|record| did_of(record).to_owned()).collect();
    Marked { app, secrets, dids }
}

/// Checks whether a command is requested to print secrets.
fn asks_for_secrets(command: &str) -> bool {
    let output =
        command.split(" -o ").nth(1).map(|rest| rest.split(' ').next().unwrap_or_default());
    output == Some("-") || output.is_none() && command.starts_with("gen-jwk")
}

impl Marked {
    /// Runs a command with all steps logged. Its result may be secret only if that was requested.
    #[track_caller]
    fn run(&mut self, command: &str) -> Output {
        // The request of a shell comes first.
        let told = ["-vv"].into_iter().filter(|_| !command.starts_with("__complete"));
        let output = self.app.sandbox.run(told.chain(command.split_whitespace()));
        // Tokens and keys created meanwhile are secret, too.
        for value in self.app.database.rows("SELECT value FROM auth_session") {
            if let Ok(record) = serde_json::from_str(&value) {
                self.secrets.add_record(&record);
            }
        }
        let files = self.app.sandbox.files().into_iter();
        let files =
            files.filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "json"));
        let made = files.filter_map(|name| serde_json::from_str(&self.app.sandbox.read(name)).ok());
        made.chain(serde_json::from_str(&output.stdout))
            .for_each(|json| self.secrets.add_keys(&json));
        self.secrets.assert_kept(command, &output, asks_for_secrets(command));
        output
    }

    /// Returns a refresh token as it is now.
    fn refresh_token(&self) -> String {
        let record = self.app.records().into_values().next().unwrap();
        record["tokenSet"]["refresh_token"].as_str().unwrap().to_owned()
    }

    fn first(&self) -> &str {
        &self.dids[0]
    }
}

#[test]
fn no_command_shows_a_secret() {
    let mut marked = marked(4);
    for options in [
        LoginOptions { credentials: Some(Credentials::Public), ..days_ago(2) },
        LoginOptions { dpop_pool: None, ..days_ago(400) },
    ] {
        for record in marked.app.log_in(1, &options) {
            marked.secrets.add_record(&record);
        }
    }
    let state = marked.app.net.pending_state(LoginOptions::default());
    marked.secrets.add(state["verifier"].as_str().unwrap());
    marked.secrets.add_key(&state["dpopJwk"]);
    marked.app.database.state("0fK2mVtQmYbL", &state);
    marked.app.database.record(
        "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
        &format!("{{\"tokenSet\":{{\"sub\":1,{PASSWORD}"),
    );
    let key = marked.app.net.signing_key().unwrap().to_string();
    marked.app.sandbox.file("key.json", &key);
    marked.app.sandbox.file("keys.json", format!("[{key}]"));
    // A document that contains the private key by mistake.
    let document = json!({"client_id": "https://app.example.com/c.json", "jwks": {"keys": [marked.app.net.signing_key()]}});
    marked.app.sandbox.file("metadata.json", document.to_string());
    let first = marked.first().to_owned();
    for command in [
        "doctor",
        "doctor --format json",
        "jwks",
        "metadata --client-id https://app.example.com/c.json --jwks inline --redirect-uri https://app.example.com/cb",
        "keys list",
        "keys list --format json",
        "keys rotate --keys keys.json --stage --kid next",
        "keys retire next --keys keys.json --ignore-malformed -n",
        "keys rotate --keys keys.json --promote next --unpublished",
        "keys rotate --keys keys.json --stage --kid third -o keys-new.json",
        "keys retire third --keys keys-new.json --ignore-malformed",
        "sessions list",
        "sessions list --format json",
        "sessions list --format csv",
        "sessions stats",
        "sessions stats --format json",
        "states list --format jsonl",
        "states purge",
        "sessions refresh --all --retry-for 0s --format jsonl",
        "sessions refresh --all --retry-for 0s",
        "sessions upgrade --retry-for 0s",
        "sessions recover",
        "sessions export -o export.jsonl",
        "sessions export -o -",
        "sessions import --source-app-stopped export.jsonl",
        "sessions prune --malformed",
        "gen-jwk --from key.json --encoding pem -o key.pem",
        "gen-jwk --from key.pem --encoding multibase",
        "gen-jwk --from key.json --encoding pem-base64 -o key.b64",
        "gen-jwk",
        "gen-jwk --encoding jwks -o made.json",
        "sessions refresh --all --retry-for 0s --metrics-file refresh.prom",
        "sessions prune --inactive 2d --retry-for 0s -n",
        "sessions prune --inactive 2d --retry-for 0s",
        "metadata --check metadata.json",
        "__complete bash sessions show did:",
        "__complete bash keys retire --keys keys.json ",
        "init --yes --client-uri https://app.example.com --config set-up.toml --keys client-key.json --offline",
        "completions bash",
        "man",
    ] {
        let output = marked.run(command);
        assert!(output.code == 0 || output.code == 1 || output.code == 3, "{command}: {output}");
    }
    assert!(marked.app.sandbox.path("client-key.json").exists(), "init has made a key");
    for command in ["show FIRST", "show FIRST --format json", "revoke FIRST --yes --retry-for 0s"] {
        marked.run(&format!("sessions {}", command.replace("FIRST", &first)));
    }
    // Places meant for secrets: the app's own store and requested output. Notes and locks are not.
    marked.secrets.assert_files(
        &marked.app.sandbox,
        &[
            "key.",
            "keys.json",
            "keys-new.json",
            "keys-new.retired-third.json",
            "metadata.json",
            "made.json",
            "client-key.json",
            "export.jsonl",
            "app.db",
        ],
    );
    let sidecar = fs::read(marked.app.sandbox.path("app.db.oauthctl")).unwrap();
    marked.secrets.assert_not_in("the sidecar", &sidecar);
}

#[test]
fn no_failure_of_a_server_shows_a_secret() {
    let mut marked = marked(1);
    marked.app.configure("min_interval = \"0s\"");
    let sent = marked.refresh_token();
    for fault in [
        Fault::Instead(Reply::error(400, "invalid_request", &format!("what is {sent}?"))),
        Fault::Instead(Reply::error(400, &sent, "no")),
        Fault::Instead(Reply::error(401, "invalid_client", &sent)),
        Fault::Instead(Reply::json(400, &json!({"error": {"token": sent}}))),
        Fault::Instead(Reply::new(200, "application/json", format!("\"{sent}"))),
        Fault::Instead(Reply::new(403, "text/html", &*sent)),
        Fault::Instead(Reply::error(500, "server_error", &sent)),
        Fault::redirect(&format!("http://127.0.0.1:1/{sent}")),
        Fault::Header("dpop-nonce", sent.clone()),
        Fault::Close,
    ] {
        marked.app.net.inject(Injection::new(Endpoint::Token, fault).skip(1).times(1));
        let output = marked.run("sessions refresh --all --retry-for 0s");
        assert!(output.stderr.contains("/oauth/token: "), "{output}");
        marked.app.net.clear_faults();
    }
    for fault in [
        Fault::Instead(Reply::error(400, "invalid_request", &marked.refresh_token())),
        Fault::status(500),
    ] {
        marked.app.net.inject(Injection::new(Endpoint::Revoke, fault).times(1));
        marked.run("sessions revoke --all --yes --retry-for 0s");
        marked.app.net.clear_faults();
    }
    // A private key published by mistake is not exposed further.
    let key = marked.app.net.signing_key().unwrap();
    marked.app.net.publish_jwks(&json!({ "keys": [key] }));
    marked.run("doctor");
    marked.run("keys rotate --promote testbed-1 -n");
    marked.secrets.assert_files(&marked.app.sandbox, &["app.db"]);
}

#[test]
fn tokens_that_wait_to_be_stored_are_in_private_files_only() {
    let mut marked = marked(1);
    marked.app.database.execute(
        "CREATE TRIGGER broken BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END",
    );
    let output = marked.run("sessions refresh --all --retry-for 0s");
    assert!(output.stdout.contains("its new tokens are in"), "{output}");
    let entry = marked.app.recovery_entries().pop().unwrap();
    assert_eq!(fs::metadata(&entry).unwrap().permissions().mode() & 0o7777, 0o600);
    let kept: Value = serde_json::from_slice(&fs::read(&entry).unwrap()).unwrap();
    marked.secrets.add_record(&serde_json::from_str(kept["record"].as_str().unwrap()).unwrap());
    marked.run("doctor");
    marked.run("sessions refresh --all --retry-for 0s");
    marked.run("sessions recover");
    // Damaged keys are not quoted.
    for damage in
        [kept["record"].clone(), json!({"store": 1, "key": kept["record"]}), json!({"key": "x"})]
    {
        fs::write(&entry, damage.to_string()).unwrap();
        marked.run("sessions recover");
        marked.run("doctor");
    }
    marked.secrets.assert_files(
        &marked.app.sandbox,
        &["app.db", entry.file_name().unwrap().to_str().unwrap()],
    );
}

/// Starts a Redis with a password. It echoes unknown commands.
fn redis(marked: &Marked, options: &[&str]) -> Redis {
    let redis = Redis::start_with(options);
    for (did, record) in marked.app.records() {
        redis.ask(&["SET", &npmx::key(&did), &record.to_string(), "EX", "15000000"]);
    }
    redis.ask(&["CONFIG", "SET", "requirepass", PASSWORD]);
    redis
}

#[test]
fn no_failure_of_a_store_shows_a_secret() {
    let mut marked = marked(1);
    let redis =
        redis(&marked, &["--rename-command", "EVAL", "", "--rename-command", "EVALSHA", ""]);
    let port = redis.port();
    let store = |marked: &mut Marked, url: &str| {
        marked.app.sandbox.set("OAUTHCTL_STORE", url);
    };
    store(&mut marked, &format!("redis://:{PASSWORD}@127.0.0.1:{port}"));
    assert_eq!(marked.run("sessions list").code, 0);
    let output = marked.run("sessions refresh --all --retry-for 0s");
    assert!(
        output.stderr.contains("unknown command") && marked.app.exchanges().is_empty(),
        "{output}"
    );
    // A script that would store tokens is refused with its own arguments.
    let (did, record) = marked.app.records().pop_first().unwrap();
    let newer = marked.app.net.refresh_as_app(&record).unwrap();
    marked.secrets.add_record(&newer);
    let line = json!({"did": did, "key": npmx::key(&did), "sid": null, "ttl": null, "last_refreshed_at": null, "record": newer});
    marked.app.sandbox.file("newer.jsonl", line.to_string());
    let output = marked.run("sessions import --source-app-stopped --replace newer.jsonl");
    assert!(output.stderr.contains("unknown command"), "{output}");
    marked.run("sessions prune");
    marked.run("doctor");
    for url in [
        format!("redis://:{PASSWORD}{PASSWORD}@127.0.0.1:{port}"),
        format!("redis://{PASSWORD}@127.0.0.1:{port}"),
        format!("rediss://:{PASSWORD}@127.0.0.1:{port}"),
        format!("redis+cluster://:{PASSWORD}@127.0.0.1:{port}"),
        format!("redis+sentinel://:{PASSWORD}@127.0.0.1:{port}/main"),
        format!("redis://:{PASSWORD}@127.0.0.1:1"),
        format!("redis://:{PASSWORD}@nobody.invalid"),
        format!("redis//:{PASSWORD}@127.0.0.1"),
        format!("redis:/:{PASSWORD}@127.0.0.1"),
        format!("redis://:{PASSWORD}/{PASSWORD}@127.0.0.1"),
        format!("redis://127.0.0.1/{PASSWORD}"),
        format!("redis://127.0.0.1:{PASSWORD}"),
        format!("redis://127.0.0.1?{PASSWORD}"),
        format!("redis://127.0.0.1?password={PASSWORD}"),
        format!("postgres://app:{PASSWORD}@db/app"),
        format!("{PASSWORD}://x"),
        format!("app:{PASSWORD}@127.0.0.1"),
        format!("https://default:{PASSWORD}@x.upstash.io"),
        format!("https://x.upstash.io/?_token={PASSWORD}"),
        PASSWORD.to_owned(),
    ] {
        store(&mut marked, &url);
        let output = marked.run("sessions list");
        assert_ne!(output.code, 0, "{url}: {output}");
        marked.run("doctor --offline");
    }
    let front = Front::start(port, REST_TOKEN).unwrap();
    store(&mut marked, &front.url());
    for token in [REST_TOKEN.to_owned(), format!("{REST_TOKEN}x"), String::new()] {
        marked.app.sandbox.set("KV_REST_API_TOKEN", token);
        marked.run("sessions list");
        marked.run("doctor --offline");
    }
    marked.secrets.assert_files(&marked.app.sandbox, &["app.db", "newer.jsonl"]);
}

#[test]
fn neither_lock_nor_list_of_processes_gives_a_secret_away() {
    let mut marked = marked(1);
    let redis = redis(&marked, &[]);
    let password = marked
        .app
        .sandbox
        .file("redis-url", format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port()));
    marked.app.sandbox.set("OAUTHCTL_STORE", format!("file:{}", password.display()));
    let answers = Gate::closed();
    marked
        .app
        .net
        .inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let child = marked.app.begin("refresh --all -vv");
    marked.app.wait_for_exchange();
    let lock = npmx::lock(marked.first());
    let mut asked = testbed::redis::Connection::open(redis.port()).unwrap();
    asked.ask(&["AUTH", PASSWORD]).unwrap();
    let Answer::Bulk(Some(owner)) = asked.ask(&["GET", &lock]).unwrap() else {
        panic!("the lock is not held")
    };
    marked.secrets.add(owner);
    // The list of processes shows only what the operator has typed, because oauthctl starts no
    // others.
    assert_eq!(children_of(child.id()), Vec::<String>::new());
    answers.open();
    let output = marked.app.sandbox.output_of(child);
    assert_eq!(output.code, 0, "{output}");
    let Answer::Bulk(Some(renewed)) = asked.ask(&["GET", &npmx::key(marked.first())]).unwrap()
    else {
        panic!("the session is gone")
    };
    marked.secrets.add_record(&serde_json::from_slice(&renewed).unwrap());
    marked.secrets.assert_kept("refresh", &output, false);
    marked.secrets.assert_files(&marked.app.sandbox, &["redis-url", "app.db"]);
    wait_until(|| asked.ask(&["EXISTS", &lock]).unwrap() == Answer::Number(0));
}

/// Returns the command lines of this process's children.
fn children_of(process: u32) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        // Other processes come and go meanwhile.
        let Ok(status) = fs::read_to_string(path.join("status")) else { continue };
        if status.lines().any(|line| line == format!("PPid:\t{process}")) {
            found.push(fs::read_to_string(path.join("cmdline")).unwrap_or_default());
        }
    }
    found
}

/// Returns a key in all forms, complete and damaged.
fn damaged_keys(marked: &mut Marked) -> Vec<String> {
    let key = keys::client_key("k1");
    marked.secrets.add_key(&key);
    let text = key.to_string();
    marked.app.sandbox.file("good.json", &text);
    let mut forms = vec![text.clone(), format!("[{text}]"), format!("{{\"keys\":[{text}]}}")];
    for encoding in ["pem", "pem-base64", "multibase"] {
        forms.push(marked.app.sandbox.result([
            "gen-jwk",
            "--from",
            "good.json",
            "--encoding",
            encoding,
        ]));
    }
    for form in &forms[3..] {
        // The common part of all keys is not secret.
        marked.secrets.add(&form.as_bytes()[40..]);
    }
    let halves = forms.iter().map(|form| form[..form.len() * 2 / 3].to_owned()).collect::<Vec<_>>();
    let d = key["d"].as_str().unwrap();
    let mut bad = forms.clone();
    bad.extend(halves);
    bad.extend([
        text.replace("\"y\"", "\"z\""),
        text.replace("\"EC\"", &format!("\"{d}\"")),
        text.replace("\"P-256\"", &format!("\"{d}\"")),
        text.replace("\"EC\"", &format!("{{\"d\":\"{d}\"}}")),
        text.replace(d, &format!("{d}=")),
        text.replace(d, &format!("{d}{d}")),
        text.replace("\"ES256\"", "\"RS256\""),
        text.replace('"', "'"),
        format!("export KEY={text}"),
        d.to_owned(),
    ]);
    bad
}

#[test]
fn no_wrong_input_is_repeated() {
    let mut marked = marked(1);
    for (index, bad) in damaged_keys(&mut marked).into_iter().enumerate() {
        marked.app.sandbox.file("bad.key", &bad);
        marked.app.sandbox.set("BAD_KEY", &bad);
        for command in
            ["jwks --keys bad.key", "jwks --keys env:BAD_KEY", "doctor --offline --keys bad.key"]
        {
            marked.run(command);
        }
        // Letters alone may be a file name, and Base64 begins with them, too.
        let may_be_name = bad.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if index < 6 || !may_be_name && !bad.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            // The key in place of its source.
            marked.app.sandbox.set("OAUTHCTL_KEYS", &bad);
            assert_ne!(marked.run("jwks").code, 0);
            marked.app.sandbox.unset("OAUTHCTL_KEYS");
        }
    }
    let record = marked.app.records().into_values().next().unwrap();
    let token = marked.refresh_token();
    for line in [
        record.to_string(),
        format!("\"{token}\""),
        json!({"did": marked.first(), "key": {"token": token}, "record": record}).to_string(),
        json!({"did": marked.first(), "key": marked.first(), "ttl": token, "record": record})
            .to_string(),
        json!({"did": token, "key": "k", "record": record}).to_string().replace('}', ""),
    ] {
        marked.app.sandbox.file("import.jsonl", line);
        marked.run("sessions import --source-app-stopped import.jsonl");
    }
    for settings in [
        format!("[store]\nurl = redis://:{PASSWORD}@h"),
        format!("[store]\nurl = \"redis://:{PASSWORD}@h\"\nurl = \"redis://:{PASSWORD}@h\""),
        format!("[store]\nurl = \"redis://:{PASSWORD}@127.0.0.1:1\"\nlayout = 1"),
        format!("[store]\ntoken = \"{REST_TOKEN}"),
        format!("[store]\ntoken = [\"{REST_TOKEN}\"]\nurl = \"https://127.0.0.1:1\""),
        format!("keys = [\"env:{REST_TOKEN}-\"]"),
        format!("[network]\nplc_directory = \"https://me:{PASSWORD}@127.0.0.1:1\""),
        format!("[network]\nplc_directory = \"{PASSWORD}\""),
        format!("[refresh]\nconcurrency = \"{PASSWORD}\""),
    ] {
        marked.app.sandbox.file("oauthctl.toml", &settings);
        for command in ["sessions list", "jwks", "doctor", "sessions refresh --all"] {
            marked.run(command);
        }
    }
}

#[test]
fn files_with_secrets_that_others_can_read_are_warned_of() {
    let app = App::new();
    let open = |name: &str, text: &str| {
        let path = app.sandbox.file(name, text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    };
    open("url", "sqlite:app.db");
    open("env", "OTHER=1");
    let settings = app.sandbox.read("oauthctl.toml");
    let referring = settings
        .replace("sqlite:app.db", "file:url")
        .replace("keys = ", "env_file = \"env\"\nkeys = ");
    app.sandbox.file("oauthctl.toml", referring);
    let warned = |output: &Output, name: &str| {
        let line = format!(
            "warning: {name} contains secrets and can be read by other users; `chmod 600` it\n"
        );
        assert_eq!(output.stderr.matches(&line).count(), 1, "{name}: {output}");
    };
    let output = app.sessions("refresh --all");
    assert_eq!(output.code, 0, "{output}");
    warned(&output, "url");
    warned(&output, "env");
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert!(
        doctor.stdout.contains("url contains the app's secrets and can be read by other users"),
        "{doctor}"
    );
    open(
        "oauthctl.toml",
        &settings.replace("[network]", "token = \"in-the-file-itself\"\n[network]"),
    );
    warned(&app.sessions("list"), "oauthctl.toml");
    // A file with references only contains no secrets.
    open("oauthctl.toml", &settings);
    assert!(!app.sessions("list").stderr.contains("warning"));
}

#[test]
fn what_holds_secrets_is_private_whatever_the_umask() {
    for umask in ["000", "777"] {
        let app = App::with_users(2);
        app.sandbox.file("in.json", app.net.signing_key().unwrap().to_string());
        // Tokens that cannot be stored. In one run only the first session is refreshed.
        app.database.execute(
            "CREATE TRIGGER broken BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END",
        );
        let output = app.sandbox.sh(&format!(
            "mkdir set-up; umask {umask}
             oauthctl sessions refresh --all --retry-for 0s
             set -e
             oauthctl gen-jwk --from in.json -o made.json
             oauthctl sessions export -o export.jsonl || test $? = 3
             oauthctl keys rotate --keys in.json --stage -o rotated.json
             cd set-up && oauthctl init --yes --client-uri https://app.example.com"
        ));
        assert_eq!(output.code, 0, "{output}");
        for name in
            ["made.json", "export.jsonl", "rotated.json", "in.json", "set-up/client-key.json"]
        {
            assert_eq!(app.sandbox.mode(name), 0o600, "{umask}: {name}");
        }
        let entry = app.recovery_entries().pop().expect("tokens wait");
        assert_eq!(app.sandbox.mode(&entry), 0o600, "{umask}");
        assert_eq!(app.sandbox.mode(entry.parent().unwrap()) & 0o077, 0, "{umask}");
    }
}
