//! Common filters of all session commands.

use serde_json::{Value, json};

use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, object, session};
use crate::sandbox::{Output, Sandbox};

/// Returns an app with sessions that each differ in one property from an ordinary one, refreshed
/// three hours ago.
fn app() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let with = |name: &str, refreshed: &str, change: &dyn Fn(&mut Value)| {
        let mut record = session(&format!("did:web:{name}"), refreshed);
        change(&mut record);
        database.session(&record);
    };
    with("ordinary", "3h", &|_| ());
    with("fresh", "10m", &|_| ());
    with("two-days", "2d", &|_| ());
    with("month", "30d", &|_| ());
    with("bsky", "3h", &|s| s["tokenSet"]["iss"] = json!("https://bsky.social"));
    with("other-key", "3h", &|s| s["authMethod"]["kid"] = json!("-key2"));
    with("public", "3h", &|s| s["authMethod"] = json!({"method": "none"}));
    with("chat", "3h", &|s| s["tokenSet"]["scope"] = json!("atproto transition:chat.bsky"));
    with("dead", "3h", &|s| drop(s["tokenSet"].as_object_mut().unwrap().remove("refresh_token")));
    with("ageless", "3h", &|s| {
        s["tokenSet"]["access_token"] = json!("opaque");
        drop(s["tokenSet"].as_object_mut().unwrap().remove("expires_at"));
    });
    database.record("did:web:malformed", r#"{"tokenSet":{}}"#);
    database.close();
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    sandbox
}

fn list(sandbox: &Sandbox, options: &[&str]) -> Output {
    sandbox.run([&["sessions", "list", "--format", "jsonl", "-q"], options].concat())
}

/// Returns the names of the selected sessions.
fn selected(sandbox: &Sandbox, options: &[&str]) -> Vec<String> {
    let output = list(sandbox, options);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    let name =
        |line| object(line)["key"].as_str().unwrap().strip_prefix("did:web:").unwrap().to_owned();
    output.stdout.lines().map(name).collect()
}

/// Asserts that no session is selected, with a warning.
#[track_caller]
fn assert_none(sandbox: &Sandbox, options: &[&str], warning: &str) {
    let output = list(sandbox, options);
    let expected = (0, "", format!("warning: {warning}\n"));
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.clone()),
        expected,
        "{options:?}"
    );
}

const ALL: [&str; 11] = [
    "ageless",
    "bsky",
    "chat",
    "dead",
    "fresh",
    "malformed",
    "month",
    "ordinary",
    "other-key",
    "public",
    "two-days",
];

/// Returns all names but these.
fn but(names: &[&'static str]) -> Vec<&'static str> {
    ALL.into_iter().filter(|name| !names.contains(name)).collect()
}

#[test]
fn without_a_filter_all_are_meant() {
    assert_eq!(selected(&app(), &[]), ALL);
}

#[test]
fn accounts_are_named_by_did() {
    let sandbox = app();
    assert_eq!(selected(&sandbox, &["did:web:fresh"]), ["fresh"]);
    assert_eq!(
        selected(&sandbox, &["did:web:public", "did:web:fresh", "did:web:fresh"]),
        ["fresh", "public"]
    );
    // A value that is not the account's is not a session of it, at least in a list.
    let output = list(&sandbox, &["did:web:nobody", "did:web:fresh", "did:web:no-one"]);
    assert_eq!((output.code, output.stdout.lines().count()), (0, 1), "{output}");
    let warnings =
        "warning: did:web:no-one has no session\nwarning: did:web:nobody has no session\n";
    assert_eq!(output.stderr, warnings);
    // A record that does not belong to its account can be found by its key.
    assert_eq!(selected(&sandbox, &["did:web:malformed"]), ["malformed"]);
}

#[test]
fn one_record_is_named_by_its_key() {
    let sandbox = app();
    assert_eq!(
        selected(&sandbox, &["--key", "did:web:fresh", "--key", "did:web:malformed"]),
        ["fresh", "malformed"]
    );
    assert_eq!(selected(&sandbox, &["did:web:fresh", "--key", "did:web:fresh"]), ["fresh"]);
    assert_none(&sandbox, &["--key", "did:web:nobody"], "no session has the key did:web:nobody");
}

#[test]
fn the_authorization_server_may_be_asked_for() {
    let sandbox = app();
    assert_eq!(selected(&sandbox, &["--issuer", "https://bsky.social"]), ["bsky"]);
    assert_eq!(
        selected(&sandbox, &["--issuer", "https://auth.example.com"]),
        but(&["bsky", "malformed"])
    );
    assert_none(&sandbox, &["--issuer", "https://bsky"], "no session has the issuer https://bsky");
}

#[test]
fn the_client_key_may_be_asked_for() {
    let sandbox = app();
    assert_eq!(selected(&sandbox, &["--kid", "-key2"]), ["other-key"]);
    assert_eq!(selected(&sandbox, &["--kid", "key1"]), but(&["malformed", "other-key", "public"]));
}

#[test]
fn the_client_s_authentication_may_be_asked_for() {
    let sandbox = app();
    assert_eq!(selected(&sandbox, &["--auth", "none"]), ["public"]);
    assert_eq!(selected(&sandbox, &["--auth", "private_key_jwt"]), but(&["malformed", "public"]));
    assert_eq!(list(&sandbox, &["--auth", "basic"]).code, 2);
}

#[test]
fn statuses_may_be_listed_or_repeated() {
    let sandbox = app();
    for (status, names) in [
        ("fresh", &["fresh"][..]),
        ("idle", &["ageless", "bsky", "chat", "ordinary"]),
        ("due", &["month", "two-days"]),
        ("suspect", &[]),
        ("blocked", &["other-key", "public"]),
        ("dead", &["dead"]),
        ("malformed", &["malformed"]),
        ("foreign", &[]),
    ] {
        assert_eq!(selected(&sandbox, &["--status", status]), names, "{status}");
    }
    assert_eq!(selected(&sandbox, &["--status", "fresh,dead"]), ["dead", "fresh"]);
    assert_eq!(
        selected(&sandbox, &["--status", "fresh", "--status", "dead,malformed"]),
        ["dead", "fresh", "malformed"]
    );
    assert_eq!(list(&sandbox, &["--status", "stale"]).code, 2);
}

#[test]
fn age_selects_only_what_is_known_to_be_older() {
    let sandbox = app();
    assert_eq!(selected(&sandbox, &["--not-refreshed-for", "1d"]), ["month", "two-days"]);
    assert_eq!(selected(&sandbox, &["--not-refreshed-for", "30d"]), [""; 0]);
    assert_eq!(selected(&sandbox, &["--not-refreshed-for", "29d23h"]), ["month"]);
    // Sessions of unknown age and unreadable ones are never selected, even if any age suffices.
    assert_eq!(selected(&sandbox, &["--not-refreshed-for", "0s"]), but(&["ageless", "malformed"]));
}

#[test]
fn a_scope_is_a_whole_word() {
    let sandbox = app();
    assert_eq!(selected(&sandbox, &["--scope", "transition:chat.bsky"]), ["chat"]);
    assert_eq!(selected(&sandbox, &["--scope", "transition:generic"]), but(&["chat", "malformed"]));
    assert_none(&sandbox, &["--scope", "transition"], "no session has the scope transition");
}

#[test]
fn a_limit_counts_what_is_selected() {
    let sandbox = app();
    assert_eq!(selected(&sandbox, &["--limit", "2"]), ["ageless", "bsky"]);
    assert_eq!(selected(&sandbox, &["--status", "due", "--limit", "1"]), ["month"]);
    assert_eq!(selected(&sandbox, &["--limit", "0"]), [""; 0]);
    assert_eq!(selected(&sandbox, &["--limit", "1000000"]), ALL);
    assert_eq!(list(&sandbox, &["--limit", "-1"]).code, 2);
}

#[test]
fn of_several_filters_all_must_hold() {
    let sandbox = app();
    let both = [
        "--auth",
        "private_key_jwt",
        "--kid",
        "-key2",
        "--status",
        "blocked",
        "--scope",
        "atproto",
    ];
    assert_eq!(selected(&sandbox, &both), ["other-key"]);
    assert_eq!(
        selected(&sandbox, &[&both[..], &["--issuer", "https://bsky.social"]].concat()),
        [""; 0]
    );
    assert_eq!(selected(&sandbox, &["did:web:fresh", "--status", "due"]), [""; 0]);
}

#[test]
fn the_count_is_of_what_was_selected() {
    let sandbox = app();
    let output = sandbox.run(["sessions", "list", "--format", "csv", "--status", "due"]);
    assert_eq!(output.stderr, "2 of 11 sessions in sqlite:app.db (layout statusphere)\n");
}

#[test]
fn a_count_never_passes_a_part_for_the_whole() {
    let sandbox = app();
    for (options, count) in [
        (&[] as &[&str], "11 sessions"),
        (&["--limit", "3"], "the first 3 sessions"),
        (&["--status", "idle", "--limit", "2"], "the first 2 sessions"),
        (&["--limit", "12"], "11 sessions"),
        (&["--inactive", "10d"], "1 of 11 sessions"),
        (&["did:web:fresh"], "1 selected session"),
        (&["did:web:fresh", "did:web:dead", "--status", "dead"], "1 selected session"),
    ] {
        for command in ["list", "stats"] {
            let output = sandbox.run([&["sessions", command], options].concat());
            let told = format!("{count} in sqlite:app.db (layout statusphere)\n");
            assert!(output.stderr.ends_with(&told), "{command} {options:?}: {output}");
        }
    }
}

#[test]
fn a_time_column_counts_as_evidence_of_age() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::with(&sandbox.path("app.db"), crate::database::ADONIS);
    let (old, newer) = (session(ALICE, "10d"), session(BOB, "10d"));
    database.execute(&format!(
        "INSERT INTO oauth_sessions VALUES ('{ALICE}', '{old}', '2026-11-01 00:00:00'), ('{BOB}', '{newer}', '2026-11-22 12:00:00')"
    ));
    insta::assert_snapshot!(sandbox.run(["sessions", "list", "-q"]).stdout, @r"
    DID                               STATUS  REFRESHED  KID   ISSUER            REASON
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  due     10d ago    key1  auth.example.com
    did:plc:z72i7hdynmk6r22z27h6tvur  due     24h ago    key1  auth.example.com
    ");
    let old = list(&sandbox, &["--not-refreshed-for", "5d"]);
    assert_eq!((old.stdout.lines().count(), object(&old.stdout)["did"].as_str()), (1, Some(ALICE)));
    let newer = object(&list(&sandbox, &[BOB]).stdout);
    assert_eq!(newer["last_refreshed_by"], "column");
}

#[test]
fn an_issuer_is_known_by_what_tables_show_of_it() {
    let sandbox = app();
    for text in
        ["https://bsky.social", "bsky.social", "https://bsky.social/", "HTTPS://BSKY.SOCIAL:443"]
    {
        assert_eq!(selected(&sandbox, &["--issuer", text]), ["bsky"], "{text}");
    }
    let nearest = "no session has the issuer http://bsky.social; did you mean https://bsky.social?";
    assert_none(&sandbox, &["--issuer", "http://bsky.social"], nearest);
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--issuer", "https://"]), @r#"
    exit 2
    -- stderr --
    error: --issuer: "https://" is not the URL of a server
    hint: write https://auth.example.com
    "#);
}
