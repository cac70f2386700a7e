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
