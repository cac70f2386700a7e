//! Values under an app's keys in Redis that are not sessions: listed, harmless, and never changed.

use serde_json::Value;
use testbed::redis::{Answer, Redis};

use crate::samples::{ALICE, object, session};
use crate::sandbox::{Output, Sandbox};

/// Text that would control a terminal.
const EVIL: &str = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}31m\r\u{202e}\u{0}\u{7f}";

fn key(name: &str) -> String {
    format!("atproto:oauth:sessions:{name}")
}

/// Returns a store with values that no app would write, and one session.
fn odd() -> Redis {
    let redis = Redis::start();
    let web = |name: &str| key(&format!("did:web:{name}"));
    let set = |key: String, value: &[u8]| {
        let answer = redis.ask(&[b"SET".as_slice(), key.as_bytes(), value]);
        assert_eq!(answer, Answer::Status("OK".to_owned()));
    };
    set(key(ALICE), session(ALICE, "3h").to_string().as_bytes());
    set(web("binary"), b"\xff\x00\xfe\x1b[2J");
    set(web("empty"), b"");
    set(web("escape"), EVIL.as_bytes());
    set(web("huge"), &vec![b'{'; 64 << 20]);
    let mut member = session("did:web:member", "3h");
    member["authMethod"]["method"] = EVIL.into();
    set(web("member"), member.to_string().as_bytes());
    set(web("not-json"), b"not JSON at all");
    set(web(EVIL), b"{}");
    set(key("did:web:\n\"quoted\",comma"), b"{}");
    redis.ask(&["HSET", &web("hash"), "field", "value"]);
    redis.ask(&["RPUSH", &web("list"), "value"]);
    redis.ask(&["SADD", &web("set"), "value"]);
    redis.ask(&["ZADD", &web("zset"), "1", "value"]);
    redis.ask(&["XADD", &web("stream"), "*", "field", "value"]);
    redis
}

/// Runs a command on the store, which must not change.
fn run(redis: &Redis, arguments: &[&str]) -> Output {
    let url = redis.url();
    let output = Sandbox::new().run([arguments, &["--store", &url, "--layout", "npmx"]].concat());
    let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(
        !output.stdout.contains(acts) && !output.stderr.contains(acts),
        "{arguments:?}: {output:?}"
    );
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(14), "{output}");
    output
}

#[test]
fn it_is_listed_with_the_reason_in_every_format() {
    let redis = odd();
    let list = |format: &str| {
        let output = run(&redis, &["sessions", "list", "--format", format]);
        assert!(
            output.code == 0 && output.stderr.starts_with("14 sessions in "),
            "{format}: {output}"
        );
        output.stdout
    };
    let rows: Vec<Value> = serde_json::from_str(&list("json")).unwrap();
    let mut found: Vec<_> =
        rows.iter().map(|row| [&row["key"], &row["status"], &row["reason"]]).collect();
    found.sort_by_key(|[key, ..]| key.to_string());
    let found: Vec<_> = found
        .iter()
        .map(|columns| columns.map(|text| text.as_str().unwrap_or("-")).join("|"))
        .collect();
    let foreign = |name: &str, why: &str| format!("{}|foreign|{why}", key(name));
    let mut expected = vec![
        format!("{}|idle|-", key(ALICE)),
        foreign("did:web:binary", "not JSON, perhaps encrypted"),
        format!("{}|malformed|empty", key("did:web:empty")),
        foreign("did:web:escape", "not JSON, perhaps encrypted"),
        foreign("did:web:hash", "the value is a Redis hash, not a string"),
        foreign("did:web:huge", "the value is larger than 1 MiB"),
        foreign("did:web:list", "the value is a Redis list, not a string"),
        foreign("did:web:member", "unknown method of client authentication"),
        foreign("did:web:not-json", "not JSON, perhaps encrypted"),
        foreign("did:web:set", "the value is a Redis set, not a string"),
        foreign("did:web:stream", "the value is a Redis stream, not a string"),
        foreign("did:web:zset", "the value is a Redis sorted set, not a string"),
        foreign("did:web:\n\"quoted\",comma", "the key contains no account"),
        foreign(&format!("did:web:{EVIL}"), "the key contains no account"),
    ];
    expected.sort_by_key(|line| Value::from(line.split('|').next().unwrap()).to_string());
    assert_eq!(found, expected);

    assert_eq!(list("table").lines().count(), 1 + 14);
    for line in list("jsonl").lines() {
        object(line);
    }
    assert_eq!(
        list("csv").lines().count(),
        1 + 14,
        "a line break in a key is no line break in the list"
    );
}

#[test]
fn it_is_shown_and_kept_by_whatever_looks_after_sessions() {
    let redis = odd();
    for (name, reason) in [
        ("did:web:huge", "the value is larger than 1 MiB"),
        ("did:web:list", "the value is a Redis list, not a string"),
        ("did:web:escape", "not JSON, perhaps encrypted"),
    ] {
        let shown = run(&redis, &["sessions", "show", name]).stdout;
        assert!(shown.contains("foreign") && shown.contains(reason), "{shown}");
    }
    let stats = run(&redis, &["sessions", "stats", "--format", "json"]);
    assert!(stats.code == 0 && stats.stdout.contains("\"malformed\":1,\"foreign\":12"), "{stats}");
    let exported = run(&redis, &["sessions", "export", "-o", "-"]);
    assert_eq!((exported.code, exported.stdout.lines().count()), (3, 1), "{exported}");
    let pruned = run(&redis, &["sessions", "prune", "--offline"]);
    assert!(pruned.code == 0 && pruned.stdout.starts_with("removed 0 of 14 sessions"), "{pruned}");
}

#[test]
fn only_what_is_empty_is_pruned_and_only_when_told() {
    let redis = odd();
    let url = redis.url();
    let prune =
        ["sessions", "prune", "--offline", "--malformed", "--store", &url, "--layout", "npmx"];
    let output = Sandbox::new().run(prune);
    let summary = "removed 1 of 14 sessions (1 malformed); 12 kept: foreign\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, summary), "{output}");
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(13));
    assert_eq!(redis.ask(&["EXISTS", &key("did:web:empty")]), Answer::Number(0));
    // If most values are unreadable, the layout is probably wrong.
    for n in 0..15 {
        redis.ask(&["SET", &key(&format!("did:web:user{n}")), "{\"tokenSet\":{}}"]);
    }
    insta::assert_snapshot!(Sandbox::new().run(prune).to_string().replace(&url, "URL"), @r"
    exit 2
    -- stderr --
    error: more than half of all records are malformed (15 of 28); nothing was removed
    hint: check --layout, and `envelope` if it is your own layout; --key removes single records
    ");
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(28));
}

#[test]
fn records_of_another_layout_or_library_are_never_pruned() {
    let redis = Redis::start();
    let put = |name: &str, value: &str| drop(redis.ask(&["SET", &key(name), value]));
    for n in 0..6 {
        let did = format!("did:web:user{n}");
        put(&did, &session(&did, "3h").to_string());
    }
    let living = session(ALICE, "3h").to_string();
    let foreign = [
        ("alice@example.com", living.as_str()),
        ("did:web:elsewhere", &living),
        (
            "did:web:indigo",
            r#"{"account_did":"did:web:indigo","dpop_privatekey_multibase":"z42t"}"#,
        ),
        ("did:web:jacquard", r#"{"dpop_data":{"dpop_key":{"d":"d"}}}"#),
        ("did:web:atcute", r#"{"dpopKey":{},"tokenSet":{"refresh_token":"r"}}"#),
        ("did:web:wrapped", &format!(r#"{{"value":{living},"ttl":9,"cachedAt":1}}"#)),
    ];
    for (name, value) in foreign {
        put(name, value);
    }
    put("did:web:bare", r#"{"tokenSet":{"sub":"did:web:bare"}}"#);
    let url = redis.url();
    let mut prune =
        vec!["sessions", "prune", "--offline", "--malformed", "--store", &url, "--layout", "npmx"];
    let alice = key("alice@example.com");
    let output = Sandbox::new().run([&prune[..], &["--key", &alice]].concat());
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (3, "removed 0 of 1 session; 1 kept: foreign\n"),
        "{output}"
    );
    prune.push("-n");
    let output = Sandbox::new().run(&prune);
    assert!(
        output.stdout.contains("would remove 1 of 12 sessions (1 malformed); 5 kept: foreign"),
        "{output}"
    );
    prune.pop();
    let output = Sandbox::new().run(&prune);
    assert!(
        output.stdout.starts_with("removed 1 of 12 sessions (1 malformed); 5 kept: foreign"),
        "{output}"
    );
    for (name, value) in foreign {
        assert_eq!(
            redis.ask(&["GET", &key(name)]),
            Answer::Bulk(Some(value.as_bytes().to_vec())),
            "{name}"
        );
    }
    assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(12));
}
