//! Scopes: what is misspelt is named with what was probably meant, and sessions without a scope are
//! found.

use serde_json::json;

use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, object, session};
use crate::sandbox::Sandbox;

fn metadata(scope: &str) -> [&str; 8] {
    let uri = "https://app.example.com";
    ["metadata", "--public", "--client-uri", uri, "--redirect-uri", "/cb", "--scope", scope]
}

#[test]
fn a_misspelt_scope_is_named_before_it_is_published() {
    for (scope, says) in [
        ("transition:genric", "write transition:generic"),
        ("repo:app.example.*", "a wildcard stands for all of them or for none"),
        ("rpc:*?aud=*", "must not allow every method at every service"),
        ("transition:generic,transition:email", "write \"transition:generic transition:email\""),
        ("identity:handel", "write handle"),
    ] {
        let output = Sandbox::new().run(metadata(&format!("atproto {scope}")));
        assert_eq!(output.code, 0, "{output}");
        assert!(
            output.stderr.starts_with("warning: scope: ") && output.stderr.contains(says),
            "{scope}: {output}"
        );
    }
    for scope in
        ["repo:app.bsky.feed.post", "blob:image/*", "account:email", "include:com.example.auth"]
    {
        let output = Sandbox::new().run(metadata(&format!("atproto {scope}")));
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    }
}

#[test]
fn a_misspelt_scope_is_named_in_a_document_and_in_the_settings() {
    let mut sandbox = Sandbox::new();
    let document = sandbox.run(metadata("atproto transition:genric")).stdout;
    sandbox.stdin(document);
    let output = sandbox.run(["metadata", "--check", "-", "--format", "jsonl"]);
    assert_eq!(output.code, 0, "{output}");
    let finding = object(&output.stdout);
    assert_eq!(
        (&finding["code"], &finding["member"]),
        (&json!("metadata.scope_syntax"), &json!("scope"))
    );
    AppDatabase::create(&sandbox.path("app.db")).close();
    sandbox.file("oauthctl.toml", "[client]\nscope = \"atproto transition:genric\"\n");
    let output = sandbox.run(["doctor", "--offline", "--format", "csv"]);
    assert!(output.stdout.contains("settings,warning,settings.scope,client.scope"), "{output}");
}

/// The accounts that lack a scope, and what is said about others.
fn lacking(sandbox: &Sandbox, scope: &str) -> (Vec<String>, String) {
    let list = ["sessions", "list", "--columns", "did", "--no-header", "--missing-scope", scope];
    let output = sandbox.run(list);
    assert_eq!(output.code, 0, "{output}");
    (output.stdout.lines().map(str::to_owned).collect(), output.stderr)
}

fn granted(scopes: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for (did, scope) in scopes {
        let mut record = session(did, "3h");
        record["tokenSet"]["scope"] = json!(scope);
        database.session(&record);
    }
    sandbox
}

#[test]
fn wider_scopes_give_what_narrower_ones_ask_for() {
    let sandbox = granted(&[
        ("did:web:all", "atproto repo:*"),
        ("did:web:create", "atproto repo:app.example.x?action=create"),
        ("did:web:generic", "atproto transition:generic"),
        ("did:web:one", "atproto repo:app.example.x"),
    ]);
    for (scope, expected) in [
        ("repo:app.example.x", &["did:web:create"][..]),
        ("repo:app.example.x?action=create", &[]),
        ("repo:app.example.y", &["did:web:create", "did:web:one"]),
        ("rpc:app.example.get?aud=*", &["did:web:all", "did:web:create", "did:web:one"]),
        ("transition:generic", &["did:web:all", "did:web:create", "did:web:one"]),
    ] {
        assert_eq!(lacking(&sandbox, scope).0, expected, "{scope}");
    }
    let with = ["sessions", "list", "--scope", "repo:app.example.y", "--format", "csv"];
    assert_eq!(sandbox.run(with).stdout.lines().count(), 3);
}

#[test]
fn sessions_with_a_permission_set_are_left_out_and_counted() {
    let sandbox = granted(&[
        ("did:web:none", "atproto"),
        ("did:web:other", "atproto include:com.other.set"),
        ("did:web:set", "atproto include:app.example.set"),
    ]);
    let (accounts, said) = lacking(&sandbox, "repo:app.example.x");
    assert_eq!(accounts, ["did:web:none", "did:web:other"]);
    assert!(said.contains("1 session not selected: a permission set"), "{said}");
    let (accounts, said) = lacking(&sandbox, "include:app.example.set");
    assert_eq!(accounts, ["did:web:none", "did:web:other"]);
    assert!(!said.contains("permission set"), "{said}");
}

#[test]
fn a_misspelt_scope_selects_nothing() {
    let output = granted(&[]).refusal(["sessions", "list", "--missing-scope", "transition:genric"]);
    assert_eq!(
        output.stderr,
        "error: --missing-scope: \"transition:genric\" must be a scope that the AT Protocol knows\n\
         hint: write transition:generic\n"
    );
}

#[test]
fn sessions_without_a_scope_are_listed_and_counted() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let mut bob = session(BOB, "3h");
    bob["tokenSet"]["scope"] = json!("atproto transition:generic transition:email");
    let mut silent = session("did:web:silent", "3h");
    silent["tokenSet"].as_object_mut().unwrap().remove("scope");
    database.session(&session(ALICE, "3h")).session(&bob).session(&silent);
    let listed = |scope: &str| {
        let output =
            sandbox.run(["sessions", "list", "--missing-scope", scope, "--format", "csv", "-q"]);
        let lines = output.stdout.lines().skip(1).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    let [alice] = listed("transition:email").try_into().unwrap();
    assert!(alice.contains(ALICE), "{alice}");
    assert_eq!(listed("atproto"), [] as [&str; 0]);
    sandbox.file("oauthctl.toml", "[client]\nscope = \"atproto transition:email\"\n");
    let counts = object(&sandbox.run(["sessions", "stats", "--format", "json", "-q"]).stdout);
    assert_eq!(counts["missing_scope"], json!({"atproto": 0, "transition:email": 1}));
    let shown = sandbox.run(["sessions", "stats"]).stdout;
    assert!(shown.contains("missing scope\n  transition:email  1"), "{shown}");
}
