//! Stores shared with an app: how they are found, how their layout is detected, and errors when
//! they refuse.

use testbed::redis::{Answer, Certificates, Redis, free_port};
use testbed::upstash::Front;

use crate::app::wait_until;
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, object, session, state};
use crate::sandbox::{Output, Sandbox};

const NPMX: &str = "atproto:oauth:sessions:";

/// Returns a Redis with one session as npmx stores it.
fn npmx() -> Redis {
    let redis = Redis::start();
    put(&redis, &format!("{NPMX}{ALICE}"), &session(ALICE, "3h").to_string());
    redis
}

fn put(redis: &Redis, key: &str, value: &str) {
    assert_eq!(redis.ask(&["SET", key, value]), Answer::Status("OK".to_owned()));
}

/// Returns the output without the port, which differs from run to run.
fn without_port(output: Output, port: u16) -> Output {
    let replace = |text: String| text.replace(&format!(":{port}"), ":PORT");
    Output { stdout: replace(output.stdout), stderr: replace(output.stderr), code: output.code }
}

/// Returns the error of `oauthctl sessions list` about a Redis, without its password.
fn refusal_at(url: &str, port: u16, settings: &str) -> Output {
    let sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", settings);
    let refusal = sandbox.refusal(["sessions", "list", "--layout", "npmx", "--store", url]);
    assert!(!refusal.stderr.contains("hunter2"), "{refusal}");
    without_port(refusal, port)
}

#[test]
fn the_redis_of_the_app_is_found_without_an_option() {
    let redis = npmx();
    let mut sandbox = Sandbox::new();
    // Takes precedence over the database in the directory, as in the app.
    AppDatabase::create(&sandbox.path("app.db")).close();
    sandbox.set("REDIS_URL", redis.url());
    insta::assert_snapshot!(without_port(sandbox.run(["sessions", "list"]), redis.port()), @"
    exit 0
    -- stdout --
    DID                               STATUS  REFRESHED  KID   ISSUER            REASON
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  idle    3h ago     key1  auth.example.com
    -- stderr --
    1 session in redis://127.0.0.1:PORT/0 (layout npmx)
    ");
}

#[test]
fn the_upstash_of_the_app_is_found_by_each_of_its_variables() {
    let redis = npmx();
    let front = Front::start(redis.port(), "the-token").unwrap();
    for (url, token) in [
        ("UPSTASH_KV_REST_API_URL", "UPSTASH_KV_REST_API_TOKEN"),
        ("KV_REST_API_URL", "KV_REST_API_TOKEN"),
        ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.set(url, front.url()).set(token, "the-token");
        let listed = sandbox.run(["sessions", "list", "--format", "jsonl"]);
        assert_eq!(
            (listed.code, &object(&listed.stdout)["did"]),
            (0, &ALICE.into()),
            "{url}: {listed}"
        );
        assert_eq!(listed.stderr, format!("1 session in {} (layout npmx)\n", front.url()));
        let refusal = sandbox.set(token, "another").refusal(["sessions", "list"]);
        assert!(
            refusal.code == 2 && refusal.stderr.contains("hint: check the token"),
            "{url}: {refusal}"
        );
    }
}

#[test]
fn an_upstash_named_in_the_settings_has_its_token_there() {
    let redis = npmx();
    let front = Front::start(redis.port(), "the-token").unwrap();
    let mut sandbox = Sandbox::new();
    let settings = |token: &str| format!("[store]\nurl = '{}'\n{token}", front.url());
    sandbox.file("oauthctl.toml", settings("token = 'env:MY_TOKEN'\n"));
    let refusal = sandbox.refusal(["sessions", "list"]);
    assert!(refusal.code == 2 && refusal.stderr.contains("store.token: env:MY_TOKEN"), "{refusal}");
    sandbox.set("MY_TOKEN", "the-token");
    assert_eq!(
        sandbox.run(["sessions", "list", "--format", "jsonl", "-q"]).stdout.lines().count(),
        1
    );
    // The app's token for another address is not sent.
    sandbox.file("oauthctl.toml", settings(""));
    sandbox.set("KV_REST_API_URL", "https://app.example.com").set("KV_REST_API_TOKEN", "the-token");
    let before = front.requests();
    let refusal = sandbox.refusal(["sessions", "list"]);
    assert!(
        refusal.code == 2 && refusal.stderr.contains("no token is configured for it"),
        "{refusal}"
    );
    assert_eq!(front.requests(), before);
}

#[test]
fn of_two_layouts_in_one_store_none_is_guessed() {
    let redis = npmx();
    put(&redis, &format!("oauth:session:{BOB}"), &session(BOB, "3h").to_string());
    put(&redis, "oauth:state:0b5c", &state("key1").to_string());
    let sandbox = Sandbox::new();
    let run = |command: &str, options: &[&str]| {
        let output =
            sandbox.run([&["sessions", command, "--store", &redis.url()], options].concat());
        without_port(output, redis.port())
    };
    insta::assert_snapshot!(run("prune", &[]), @"
    exit 2
    -- stderr --
    error: redis://127.0.0.1:PORT/0: the store has records of several layouts: npmx, oauth
    hint: choose one: --layout npmx or --layout oauth
    ");
    let list = |options: &[&str]| run("list", options);
    for (layout, did) in [("npmx", ALICE), ("oauth", BOB)] {
        let listed = list(&["--layout", layout, "--format", "jsonl"]);
        assert_eq!(object(&listed.stdout)["did"], did);
        assert!(listed.stderr.ends_with(&format!("(layout {layout})\n")), "{listed}");
    }
}

#[test]
fn unknown_contents_are_shown_without_secrets() {
    let redis = Redis::start();
    put(&redis, &format!("vault:{ALICE}"), &session(ALICE, "3h").to_string());
    put(&redis, "cache:\u{1b}[2J:x", "hunter2");
    let refusal = Sandbox::new().run(["sessions", "list", "--store", &redis.url()]);
    insta::assert_snapshot!(without_port(refusal, redis.port()), @r#"
    exit 2
    -- stderr --
    error: redis://127.0.0.1:PORT/0: no known layout matches the store; it contains cache:*:x (1 key, string, not JSON); vault:{did} (1 key, string, a session of the Node client)
    hint: choose the layout with --layout, or define it in oauthctl.toml (lock_key is "none" if the app has no lock):
      [layouts.mine]
      session_key = "vault:{did}"
      state_key = "PREFIX:{state}"
      lock_key = "PREFIX:{name}"
    "#);
}

#[test]
fn an_empty_store_shows_no_layout() {
    let redis = Redis::start();
    let sandbox = Sandbox::new();
    let empty = sandbox.refusal(["sessions", "list", "--store", &redis.url()]);
    insta::assert_snapshot!(without_port(empty, redis.port()), @"
    exit 2
    -- stderr --
    error: redis://127.0.0.1:PORT/0: the store contains no records that show its layout
    hint: choose the layout with --layout, or check that this is the app's store
    ");
    let named = sandbox.run([
        "sessions",
        "list",
        "--store",
        &redis.url(),
        "--layout",
        "npmx",
        "--format",
        "json",
    ]);
    assert_eq!((named.code, named.stdout.as_str()), (0, "[]\n"), "{named}");
    // The app's sessions are in another database of the same server.
    put(&redis, &format!("{NPMX}{ALICE}"), &session(ALICE, "3h").to_string());
    let other = sandbox.refusal(["sessions", "list", "--store", &format!("{}/3", redis.url())]);
    assert!(other.code == 2 && other.stderr.contains("db0: 1 key"), "{other}");
}

#[test]
fn a_login_that_the_server_refuses() {
    let guarded = Redis::start_with(&["--requirepass", "hunter2-right"]);
    let at = |login: &str| {
        refusal_at(&format!("redis://{login}127.0.0.1:{}", guarded.port()), guarded.port(), "")
    };
    insta::assert_snapshot!(at(""), @"
    exit 2
    -- stderr --
    error: redis://127.0.0.1:PORT/0: the store refused
    caused by: NOAUTH Authentication required.
    hint: the server requires a password: redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST
    ");
    insta::assert_snapshot!(at(":hunter2-wrong@"), @"
    exit 2
    -- stderr --
    error: redis://127.0.0.1:PORT/0: the store refused
    caused by: WRONGPASS invalid username-password pair or user is disabled.
    hint: check the user and the password in the address
    ");
    // A password for a server that has none.
    let open = Redis::start();
    let refusal =
        refusal_at(&format!("redis://:hunter2@127.0.0.1:{}", open.port()), open.port(), "");
    assert!(
        refusal.code == 2 && refusal.stderr.contains("hint: check the user and the password"),
        "{refusal}"
    );
}

#[test]
fn encryption_where_the_server_has_none_and_the_other_way_round() {
    let certificates = Certificates::new();
    let redis = Redis::start_tls(&certificates, &[]);
    let (plain, tls) = (redis.port(), redis.tls_port());
    let no_tls = refusal_at(&format!("rediss://127.0.0.1:{plain}"), plain, "");
    assert!(
        no_tls.code == 1 && no_tls.stderr.contains("hint: does the server support TLS?"),
        "{no_tls}"
    );
    let wants_tls = refusal_at(&format!("redis://127.0.0.1:{tls}"), tls, "");
    assert!(wants_tls.stderr.contains("if it expects TLS, use rediss://"), "{wants_tls}");
    let untrusted = refusal_at(&format!("rediss://localhost:{tls}"), tls, "");
    assert!(untrusted.code == 1 && untrusted.stderr.contains("set `ca_file`"), "{untrusted}");
    let sandbox = Sandbox::new();
    sandbox.file("private-ca.pem", &certificates.ca);
    sandbox.file("oauthctl.toml", "[network]\nca_file = 'private-ca.pem'\n");
    let url = format!("rediss://localhost:{tls}");
    let trusted = sandbox
        .run(["sessions", "list", "--layout", "npmx", "--format", "json", "-q", "--store", &url]);
    assert_eq!((trusted.code, trusted.stdout.as_str()), (0, "[]\n"), "{trusted}");
}

#[test]
fn a_database_that_the_server_does_not_have() {
    let redis = npmx();
    insta::assert_snapshot!(refusal_at(&format!("{}/99", redis.url()), redis.port(), ""), @"
    exit 2
    -- stderr --
    error: redis://127.0.0.1:PORT/99: the store refused
    caused by: ERR DB index is out of range
    hint: the server has no database with this number
    ");
}

#[test]
fn a_server_that_is_not_there() {
    let port = free_port();
    insta::assert_snapshot!(refusal_at(&format!("redis://127.0.0.1:{port}"), port, ""), @"
    exit 1
    -- stderr --
    error: redis://127.0.0.1:PORT/0: cannot connect to the store
    caused by: 127.0.0.1:PORT: Connection refused (os error 111)
    hint: nothing listens there: check host and port, and that the server runs
    ");
}

/// Redis with two old states and a session, an export with a second one, and the errors of commands
/// that write.
struct Unwritable {
    redis: Redis,
    sandbox: Sandbox,
}

impl Unwritable {
    fn new(options: &[&str]) -> Self {
        let redis = Redis::start_with(options);
        put(&redis, &format!("{NPMX}{ALICE}"), &session(ALICE, "3h").to_string());
        // The app's TTL is half an hour.
        for key in ["one", "two"] {
            let key = format!("atproto:oauth:state:{key}");
            redis.ask(&["SET", &key, &state("key1").to_string(), "EX", "1000"]);
        }
        let sandbox = Sandbox::new();
        let database = AppDatabase::create(&sandbox.path("app.db"));
        database.session(&session(BOB, "3h"));
        database.close();
        sandbox.sh("oauthctl sessions export -o export.jsonl");
        sandbox
            .file("oauthctl.toml", format!("[store]\nurl = '{}'\nlayout = 'npmx'\n", redis.url()));
        Self { redis, sandbox }
    }

    /// Returns all keys with their values, which must not change.
    fn everything(&self) -> Vec<(Answer, Answer)> {
        let Answer::List(mut keys) = self.redis.ask(&["KEYS", "*"]) else {
            panic!("keys are a list")
        };
        keys.sort_by_key(|key| format!("{key:?}"));
        let value = |key: Answer| {
            let Answer::Bulk(Some(name)) = &key else { panic!("a key is a string") };
            let value = self.redis.ask(&[b"GET".as_slice(), name]);
            (key, value)
        };
        keys.into_iter().map(value).collect()
    }

    /// Asserts the errors of commands that write, which change nothing. Reading must be possible.
    fn refusals(&self, commands: &[&[&str]], code: i32, said: &str) {
        let before = self.everything();
        let listed = self.sandbox.run(["sessions", "list", "--format", "jsonl", "-q"]);
        assert_eq!((listed.code, listed.stdout.lines().count()), (0, 1), "{listed}");
        for command in commands {
            let refusal = self.sandbox.refusal(*command);
            assert_eq!(refusal.code, code, "{refusal}");
            assert!(refusal.stderr.contains(said), "{refusal}");
        }
        assert_eq!(self.everything(), before);
    }
}

const PURGE: &[&str] = &["states", "purge", "--older-than", "1m"];
const IMPORT: &[&str] = &["sessions", "import", "--source-app-stopped", "export.jsonl"];

#[test]
fn a_replica_only_reads() {
    let replica = Unwritable::new(&[]);
    // Its master is unreachable, and it serves its data.
    replica.redis.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    replica.refusals(&[PURGE, IMPORT], 2, "hint: this is a read-only replica: use the primary");
}

#[test]
fn a_server_that_is_full_says_so() {
    let full = Unwritable::new(&["--maxmemory-policy", "noeviction"]);
    full.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    full.refusals(&[IMPORT], 1, "hint: the server has reached its maxmemory");
}

#[test]
fn a_server_that_cannot_save_says_so() {
    // A directory where not even root can create a file.
    let unsaved = Unwritable::new(&["--dir", "/proc"]);
    unsaved.redis.ask(&["CONFIG", "SET", "save", "3600 1"]);
    unsaved.redis.ask(&["BGSAVE"]);
    wait_until(|| {
        let Answer::Bulk(Some(info)) = unsaved.redis.ask(&["INFO", "persistence"]) else {
            panic!("it has figures")
        };
        String::from_utf8_lossy(&info).contains("rdb_last_bgsave_status:err")
    });
    unsaved.refusals(&[PURGE, IMPORT], 1, "hint: the server cannot save to its disk");
}

#[test]
fn a_server_that_is_still_loading_is_not_counted() {
    let saved = tempfile::tempdir().unwrap();
    let place = ["--dir", saved.path().to_str().unwrap()];
    let before = Redis::start_with(&place);
    for n in 0..60 {
        let did = format!("did:plc:{n:024}");
        put(&before, &format!("{NPMX}{did}"), &session(&did, "3h").to_string());
    }
    before.ask(&["SAVE"]);
    drop(before);
    // One second per key, while it answers.
    let slow = ["--key-load-delay", "1000000", "--loading-process-events-interval-bytes", "1024"];
    let redis = Redis::start_with(&[place, [slow[0], slow[1]], [slow[2], slow[3]]].concat());
    insta::assert_snapshot!(refusal_at(&redis.url(), redis.port(), ""), @"
    exit 1
    -- stderr --
    error: redis://127.0.0.1:PORT/0: the store refused
    caused by: LOADING Redis is loading the dataset in memory
    hint: the server is still loading its data: try again in a moment
    ");
    redis.ask(&["CONFIG", "SET", "key-load-delay", "0"]);
    wait_until(|| redis.ask(&["DBSIZE"]) == Answer::Number(60));
    let listed =
        Sandbox::new().run(["sessions", "list", "--store", &redis.url(), "--format", "csv"]);
    assert!(listed.code == 0 && listed.stderr.starts_with("60 sessions in "), "{listed}");
}

#[test]
fn read_only_databases_are_detected_before_any_write() {
    // A file of another user, and a directory in which no journal can be created.
    for (file, directory) in [("644", "777"), ("666", "755")] {
        let sandbox = Sandbox::new();
        let database = AppDatabase::create(&sandbox.path("app.db"));
        database.session(&session(ALICE, "3h")).rows("PRAGMA journal_mode = delete");
        database.close();
        sandbox.sh(&format!("chmod 755 ..; chmod {file} app.db; chmod {directory} ."));
        let listed = sandbox.run_by_an_ordinary_user(["sessions", "list", "--format", "csv"]);
        assert_eq!((listed.code, listed.stdout.lines().count()), (0, 2), "{listed}");
        let before = sandbox.files();
        let output = sandbox.run_by_an_ordinary_user(["doctor", "--format", "jsonl"]);
        let finding =
            output.stdout.lines().find(|line| line.contains("would cost the user the session"));
        assert!(
            finding.is_some_and(|finding| finding.contains("app.db: cannot open the database")),
            "{output}"
        );
        assert_eq!(sandbox.files(), before);
    }
}

#[test]
fn who_may_only_read_can_list_although_the_notes_are_another_s() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database
        .session(&session(ALICE, "3h"))
        .state("begun", &state("key1"))
        .rows("PRAGMA journal_mode = delete");
    database.close();
    assert_eq!(
        sandbox.result(["states", "purge"]),
        "removed 0 pending logins; 1 kept until their age is known\n"
    );
    sandbox.sh("chmod 755 . ..; chmod 644 app.db app.db.oauthctl");
    let listed = sandbox.run_by_an_ordinary_user(["sessions", "list", "--format", "csv"]);
    assert_eq!((listed.code, listed.stdout.lines().count()), (0, 2), "{listed}");
}
