//! `oauthctl metadata` prints a document that servers accept, or explains why they would not.
//! `--check` does so for any document.

use serde_json::{Value, json};

use crate::samples::{KEY1, object};
use crate::sandbox::Sandbox;

const SITE: [&str; 5] =
    ["metadata", "--client-uri", "https://app.example.com", "--redirect-uri", "/api/auth/atproto"];

/// Returns the usual arguments with additional ones.
fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SITE.as_slice(), more].concat()
}

/// Writes a document with one member changed.
fn changed(sandbox: &Sandbox, member: &str, value: Value) {
    let mut document = object(&sandbox.result(with(&["--public"])));
    document.insert(member.to_owned(), value);
    sandbox.file("document.json", Value::Object(document).to_string());
}

#[test]
fn a_client_uri_and_a_path_are_enough() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    insta::assert_snapshot!(sandbox.run(with(&["--keys", "env:KEY"])), @r#"
    exit 0
    -- stdout --
    {"client_id":"https://app.example.com/oauth-client-metadata.json","client_uri":"https://app.example.com","redirect_uris":["https://app.example.com/api/auth/atproto"],"scope":"atproto","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"web","dpop_bound_access_tokens":true,"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"ES256","jwks_uri":"https://app.example.com/.well-known/jwks.json"}
    "#);
}

#[test]
fn what_it_prints_passes_its_own_check() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    for arguments in [
        with(&["--keys", "env:KEY"]),
        with(&["--keys", "env:KEY", "--jwks", "inline"]),
        with(&["--keys", "env:KEY", "--public"]),
        vec!["metadata", "--loopback", "--redirect-uri", "/api/auth/atproto"],
    ] {
        let document = sandbox.result(arguments);
        sandbox.stdin(document);
        insta::allow_duplicates! { insta::assert_snapshot!(sandbox.run(["metadata", "--check", "-"]), @r"
        exit 0
        -- stderr --
        standard input: valid
        ") };
    }
}

#[test]
fn the_settings_file_says_it_all_and_options_have_the_last_word() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    sandbox.file(
        "oauthctl.toml",
        r#"
        keys = ["env:KEY"]
        [client]
        client_uri = "https://app.example.com"
        client_name = "Example"
        logo_uri = "https://app.example.com/logo.png"
        tos_uri = "https://app.example.com/terms"
        policy_uri = "https://app.example.com/privacy"
        contacts = ["admin@example.com"]
        redirect_uris = ["https://app.example.com/api/auth/atproto"]
        scope = "atproto transition:generic"
        jwks_uri = "https://app.example.com/jwks.json"
        "#,
    );
    let document = object(&sandbox.result(["metadata"]));
    for (member, value) in [
        ("client_name", json!("Example")),
        ("logo_uri", json!("https://app.example.com/logo.png")),
        ("tos_uri", json!("https://app.example.com/terms")),
        ("policy_uri", json!("https://app.example.com/privacy")),
        ("contacts", json!(["admin@example.com"])),
        ("scope", json!("atproto transition:generic")),
        ("jwks_uri", json!("https://app.example.com/jwks.json")),
    ] {
        assert_eq!(document[member], value);
    }
    let document =
        object(&sandbox.result(["metadata", "--client-name", "Other", "--scope", "atproto"]));
    assert_eq!(
        (&document["client_name"], &document["scope"]),
        (&json!("Other"), &json!("atproto"))
    );
    let document = object(&sandbox.result(["metadata", "--jwks", "inline"]));
    assert!(document.contains_key("jwks") && !document.contains_key("jwks_uri"));
    let document = object(&sandbox.result(["metadata", "--public"]));
    assert_eq!(document["token_endpoint_auth_method"], "none");
    assert!(!document.contains_key("jwks_uri"));
}

#[test]
fn keys_in_the_document_are_public() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    let document = sandbox.result(with(&["--keys", "env:KEY", "--jwks", "inline"]));
    let document = object(&document);
    assert_eq!(document["jwks"]["keys"][0]["kid"], "key1");
    assert!(document["jwks"]["keys"][0].get("d").is_none());
}

#[test]
fn a_client_without_keys_is_public_and_is_told_so() {
    insta::assert_snapshot!(Sandbox::new().run(SITE), @r#"
    exit 0
    -- stdout --
    {"client_id":"https://app.example.com/oauth-client-metadata.json","client_uri":"https://app.example.com","redirect_uris":["https://app.example.com/api/auth/atproto"],"scope":"atproto","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"web","dpop_bound_access_tokens":true,"token_endpoint_auth_method":"none"}
    -- stderr --
    warning: no key source is configured, so this is a public client, whose sessions end after two weeks; use --keys for one
    "#);
}

#[test]
fn confidential_clients_are_never_published_as_public() {
    let mut sandbox = Sandbox::new();
    sandbox.set("EMPTY", "").set("NO_KEYS", "[]").set("NO_JWKS", r#"{"keys":[]}"#);
    for source in ["env:UNSET", "env:EMPTY", "env:NO_KEYS", "env:NO_JWKS", "missing.json"] {
        assert_eq!(sandbox.refusal(with(&["--keys", source])).code, 2, "{source}");
        assert_eq!(sandbox.run(with(&["--keys", source, "--public"])).code, 0, "{source}");
    }
    insta::assert_snapshot!(sandbox.refusal(with(&["--keys", "env:NO_KEYS"])), @r"
    exit 2
    -- stderr --
    error: the key source contains no key, but a confidential client needs one
    hint: `oauthctl gen-jwk` creates one; --public describes a client without keys
    ");
    for wish in [["--jwks", "inline"], ["--jwks", "uri"], ["--jwks-uri", "/jwks.json"]] {
        insta::allow_duplicates! { insta::assert_snapshot!(sandbox.refusal(with(&wish)), @r"
        exit 2
        -- stderr --
        error: no key source is configured, so there are no keys to publish
        hint: use --keys env:NAME or --keys FILE; --public describes a client without keys
        ") };
    }
}

#[test]
fn a_development_client_carries_everything_in_its_client_id() {
    let sandbox = Sandbox::new();
    let arguments = [
        "metadata",
        "--loopback",
        "--redirect-uri",
        "/cb",
        "--scope",
        "atproto transition:generic",
    ];
    insta::assert_snapshot!(sandbox.run(arguments), @r#"
    exit 0
    -- stdout --
    {"client_id":"http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fcb&scope=atproto+transition%3Ageneric","redirect_uris":["http://127.0.0.1:3000/cb"],"scope":"atproto transition:generic","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"native","dpop_bound_access_tokens":true,"token_endpoint_auth_method":"none"}
    "#);
    sandbox.file(
        "oauthctl.toml",
        "[client]\nclient_uri = 'https://app.example.com'\nredirect_uris = ['https://app.example.com/api/auth']",
    );
    let document = object(&sandbox.result(["metadata", "--loopback=5173"]));
    assert_eq!(document["redirect_uris"], json!(["http://127.0.0.1:5173/api/auth"]));
}

#[test]
fn a_document_that_servers_refuse_is_not_printed() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.refusal(["metadata"]), @r"
    exit 2
    -- stderr --
    error: --client-uri is required (the app's home page, e.g. https://app.example.com)
    hint: use --client-uri, or set `client_uri` under [client] in oauthctl.toml
    ");
    insta::assert_snapshot!(sandbox.refusal(["metadata", "--client-uri", "https://app.example.com"]), @r"
    exit 2
    -- stderr --
    error: redirect_uris: must name at least one URL
    hint: add the URL of the app's callback, with an option (see --help) or in oauthctl.toml under [client]
    ");
    insta::assert_snapshot!(sandbox.refusal(with(&["--redirect-uri", "http://app.example.com", "--scope", "email"])), @r"
    exit 2
    -- stderr --
    error: the document would violate 2 rules
    caused by: redirect_uris[1]: must be https; write https
    caused by: scope: must contain atproto; add atproto to it
    hint: fix them with an option (see --help) or in oauthctl.toml under [client]
    ");
    insta::assert_snapshot!(sandbox.refusal(["metadata", "--client-uri", "http://localhost:3000"]), @r"
    exit 2
    -- stderr --
    error: client_uri: must be https
    hint: for an app on this machine: `oauthctl metadata --loopback=3000`
    ");
}

#[test]
fn an_app_on_this_machine_is_told_what_to_type_and_that_works() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "oauthctl.toml",
        "[client]\nclient_id = 'http://127.0.0.1:5173/oauth-client-metadata.json'\nredirect_uris = ['/callback']\n\
         [profiles.production.client]\nclient_id = 'https://app.example.com/oauth-client-metadata.json'\n",
    );
    let output = sandbox.refusal(["metadata"]);
    let hint = output.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
    let commands: Vec<_> = hint.split('`').skip(1).step_by(2).collect();
    assert_eq!(
        commands,
        ["oauthctl metadata --loopback=5173", "oauthctl --profile production metadata"],
        "{output}"
    );
    for command in commands {
        assert_eq!(sandbox.sh(command).code, 0, "{command}");
    }
}

#[test]
fn a_port_is_warned_of() {
    let arguments = [
        "metadata",
        "--public",
        "--client-uri",
        "https://app.example.com:8443",
        "--redirect-uri",
        "/x",
        "-o",
        "x",
    ];
    insta::assert_snapshot!(Sandbox::new().run(arguments), @r"
    exit 0
    -- stderr --
    warning: client_id: has a port, which servers accept only in development; serve the document on port 443
    wrote x for https://app.example.com:8443/oauth-client-metadata.json
    ");
}

#[test]
fn a_file_is_for_everyone_and_is_not_overwritten_by_accident() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(with(&["--public", "-o", "c.json"])).code, 0);
    assert_eq!(sandbox.read("c.json"), sandbox.result(with(&["--public"])));
    assert_eq!(sandbox.mode("c.json"), 0o644);
    assert_eq!(sandbox.refusal(with(&["--public", "-o", "c.json"])).code, 2);
    assert_eq!(sandbox.run(with(&["--public", "-o", "c.json", "--force"])).code, 0);
}

#[test]
fn it_is_indented_for_a_person_at_a_terminal() {
    let shown = Sandbox::new().on_a_terminal(with(&["--public"]));
    assert!(
        shown.starts_with(
            "{\n  \"client_id\": \"https://app.example.com/oauth-client-metadata.json\",\n"
        ),
        "{shown}"
    );
}

#[test]
fn a_check_lists_everything_that_is_wrong() {
    let mut sandbox = Sandbox::new();
    sandbox.stdin(r#"{"client_id":"https://app.example.com:8443/c.json","redirect_uris":["http://localhost/x"]}"#);
    insta::assert_snapshot!(sandbox.run(["metadata", "--check", "-", "--format", "csv"]), @r#"
    exit 1
    -- stdout --
    topic,severity,code,member,server,what,why,fix
    metadata,problem,metadata.redirect_uris,redirect_uris[0],,"redirect_uris[0]: must not use the name localhost (RFC 8252, 8.3)",authorization servers reject such a client,"write https and a public host, or 127.0.0.1 for a native or development client (`oauthctl metadata` prints a valid document)"
    metadata,problem,metadata.scope,scope,,scope: must be set and contain atproto,authorization servers reject such a client,"write ""scope"":""atproto"" (`oauthctl metadata` prints a valid document)"
    metadata,problem,metadata.dpop_bound_access_tokens,dpop_bound_access_tokens,,dpop_bound_access_tokens: must be true,authorization servers reject such a client,write true (`oauthctl metadata` prints a valid document)
    metadata,problem,metadata.token_endpoint_auth_method,token_endpoint_auth_method,,token_endpoint_auth_method: must be set: its default client_secret_basic is not allowed in atproto,authorization servers reject such a client,"write ""private_key_jwt"" with a key set, or ""none"" (`oauthctl metadata` prints a valid document)"
    metadata,warning,metadata.client_id,client_id,,"client_id: has a port, which servers accept only in development",some servers may interpret it differently,serve the document on port 443 (`oauthctl metadata` prints a valid document)
    metadata,warning,metadata.grant_types,grant_types,,"grant_types: lacks refresh_token, so each session ends when its first access token expires",some servers may interpret it differently,"write [""authorization_code"",""refresh_token""] (`oauthctl metadata` prints a valid document)"
    metadata,warning,metadata.response_types,response_types,,"response_types: is missing, but required by the atproto profile",some servers may interpret it differently,"write [""code""] (`oauthctl metadata` prints a valid document)"
    -- stderr --
    standard input: 4 problems, 3 warnings
    "#);
}

#[test]
fn a_check_answers_in_every_format() {
    let sandbox = Sandbox::new();
    changed(&sandbox, "scope", json!("transition:email"));
    let row = r#"{"topic":"metadata","severity":"problem","code":"metadata.scope","member":"scope","server":null,"what":"scope: must contain atproto","why":"authorization servers reject such a client","fix":"add atproto to it (`oauthctl metadata` prints a valid document)"}"#;
    let fields = "topic,severity,code,member,server,what,why,fix\n";
    for (format, result) in [
        ("table", "problem  metadata: scope: must contain atproto\n".to_owned()),
        ("json", format!("[\n{row}\n]")),
        ("jsonl", row.to_owned()),
        (
            "csv",
            format!("{fields}metadata,problem,metadata.scope,scope,,scope: must contain atproto,"),
        ),
    ] {
        let output = sandbox.run(["metadata", "--check", "document.json", "--format", format]);
        assert!(output.stdout.trim_start().starts_with(&result), "{output}");
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (1, "document.json: 1 problem\n"),
            "{format}"
        );
    }
    changed(&sandbox, "subject_type", json!("public"));
    for (format, result) in [("table", ""), ("json", "[]\n"), ("jsonl", ""), ("csv", fields)] {
        let output = sandbox.run(["metadata", "--check", "document.json", "--format", format]);
        assert_eq!(output.stdout, result, "{format}");
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (0, "document.json: valid\n"),
            "{format}"
        );
    }
}

#[test]
fn a_document_is_checked_where_it_is_published() {
    let net = testbed::Network::start_blocking().unwrap();
    let sandbox = Sandbox::new();
    let url = net.client_id();
    let network = "[network]\nallow_http = true\nallow_private_hosts = true\n";
    sandbox.file("oauthctl.toml", network);
    let check = |url: &str| sandbox.run(["metadata", "--check", url, "--format", "csv"]);
    let output = check(&url);
    assert_eq!((output.code, &*output.stderr), (0, &*format!("{url}: valid\n")), "{output}");
    let settings = format!("{network}[client]\nclient_id = \"https://other.example.com/c.json\"\n");
    sandbox.file("oauthctl.toml", settings);
    let output = check(&url);
    assert!(output.stdout.contains("metadata,warning,metadata.differs,client_id"), "{output}");
    sandbox.file("oauthctl.toml", network);
    net.publish(testbed::METADATA_PATH, testbed::Reply::redirect("https://www.example.com/"));
    let output = check(&url);
    assert!(output.code == 1 && output.stdout.contains("metadata.redirect"), "{output}");
    // The egress policy holds here, too.
    sandbox.file("oauthctl.toml", "");
    let output = check(&url);
    assert!(output.code == 1 && output.stdout.contains("metadata.unreachable"), "{output}");
    assert!(output.stdout.contains("is not https"), "{output}");
}

#[test]
fn a_document_must_say_where_it_is_published() {
    let sandbox = Sandbox::new();
    changed(&sandbox, "subject_type", json!("public"));
    let check = |url| sandbox.run(["metadata", "--check", "document.json", "--client-id", url]);
    assert_eq!(check("https://app.example.com/oauth-client-metadata.json").code, 0);
    let output = check("https://www.example.com/oauth-client-metadata.json");
    assert!(
        output.code == 1 && output.stdout.contains("must be exactly the URL of the document"),
        "{output}"
    );
}

#[test]
fn a_check_of_what_is_no_document_at_all_is_refused() {
    let mut sandbox = Sandbox::new();
    sandbox.stdin("<!doctype html>");
    insta::assert_snapshot!(sandbox.refusal(["metadata", "--check", "-"]), @r"
    exit 2
    -- stderr --
    error: standard input: is not JSON
    caused by: expected value at line 1 column 1
    hint: servers answer with an HTML page if the path is wrong
    ");
    insta::assert_snapshot!(sandbox.refusal(["metadata", "--check", "missing.json"]), @r"
    exit 2
    -- stderr --
    error: missing.json: cannot read the document
    caused by: No such file or directory (os error 2)
    hint: check the path
    ");
}

#[test]
fn what_stands_in_a_document_cannot_act_on_the_terminal() {
    let sandbox = Sandbox::new();
    changed(&sandbox, "scope", json!("atproto \u{1b}[31mx \u{1b}[31mx"));
    for format in ["table", "json", "jsonl", "csv"] {
        let output = sandbox.run(["metadata", "--check", "document.json", "--format", format]);
        assert!(!output.to_string().contains('\u{1b}'), "{output}");
    }
}
