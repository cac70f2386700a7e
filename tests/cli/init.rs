//! `oauthctl init`: answers from options, from the app's own files, and from a user at a terminal.

use rexpect::session::PtySession;
use serde_json::Value;

use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, KEY2, object, session, state};
use crate::sandbox::{Output, Sandbox};

const SITE: [&str; 4] = ["init", "--yes", "--client-uri", "https://app.example.com"];

/// Returns a directory with an app's database, in which oauthctl was never used.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    database.session(&public(ALICE));
    database.close();
    sandbox
}

/// Returns a session without a client key.
fn public(did: &str) -> Value {
    let mut session = session(did, "3h");
    session["authMethod"] = serde_json::json!({"method": "none"});
    session
}

fn init(sandbox: &Sandbox, options: &[&str]) -> Output {
    let output = sandbox.run([&SITE, options].concat());
    assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output}");
    output
}

fn document(sandbox: &Sandbox, file: &str) -> Value {
    Value::Object(object(&sandbox.read(file)))
}

/// Returns the commands after `Next:`.
fn next_commands(output: &str) -> Vec<String> {
    let (_, next) =
        output.split_once("Next:\n").unwrap_or_else(|| panic!("no next commands: {output}"));
    next.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Asserts that the commands work in a directory after `init` without options.
fn assert_works(sandbox: &Sandbox, metadata_file: &str, jwks_file: &str) {
    assert_eq!(sandbox.result(["metadata"]), sandbox.read(metadata_file));
    assert_eq!(sandbox.result(["jwks"]), sandbox.read(jwks_file));
    let check = sandbox.run(["metadata", "--check", metadata_file]);
    assert_eq!((check.code, check.stdout.as_str()), (0, ""), "{check}");
    assert!(sandbox.run(["keys", "list"]).stdout.contains("active"));
    let list = sandbox.run(["sessions", "list"]);
    assert_eq!(list.code, 0, "{list}");
}

#[test]
fn a_directory_with_a_database_is_set_up_without_a_question() {
    let sandbox = app();
    let output = init(&sandbox, &[]);
    let files =
        ["app.db", "client-key.json", "jwks.json", "oauth-client-metadata.json", "oauthctl.toml"]
            .map(str::to_owned);
    assert_eq!(sandbox.files(), files);
    assert_eq!(sandbox.mode("client-key.json"), 0o600);
    assert_works(&sandbox, "oauth-client-metadata.json", "jwks.json");
    insta::assert_snapshot!(sandbox.read("oauthctl.toml"), @r#"
    # Settings of oauthctl. Use "env:NAME" or "file:PATH" for secrets.
    keys = ["client-key.json"]

    [client]
    client_id = "https://app.example.com/oauth-client-metadata.json"
    client_uri = "https://app.example.com"
    client_name = "app"
    redirect_uris = ["https://app.example.com/oauth/callback"]
    scope = "atproto"
    auth_method = "private_key_jwt"
    jwks_uri = "https://app.example.com/.well-known/jwks.json"

    [store]
    url = "sqlite:app.db"
    layout = "statusphere"
    "#);
    assert!(
        output.stderr.contains("client-key.json contains a private key: add it to .gitignore"),
        "{output}"
    );
}

#[test]
fn what_it_says_comes_next_can_be_typed() {
    let sandbox = app();
    let commands = next_commands(&init(&sandbox, &[]).stderr);
    assert_eq!(commands.len(), 3);
    for command in &commands {
        // Nothing is published yet.
        let output = sandbox.sh(&command.replace("doctor", "doctor --offline"));
        assert_eq!(output.code, 0, "{command}: {output}");
        let is_warned_of = output.stdout.contains("1 session started when the client was public");
        assert_eq!(is_warned_of, command.contains("doctor"), "{command}: {output}");
    }
    assert_eq!(commands[1], "oauthctl sessions list");
}

#[test]
fn documents_go_where_the_app_serves_them() {
    let sandbox = app();
    sandbox.file("public/favicon.ico", "");
    sandbox.file("package.json", r#"{"name":"statusphere"}"#);
    sandbox.file(".gitignore", "node_modules\n*-key.json\n");
    let output = init(&sandbox, &["--metadata-file", "public/oauth/client.json"]);
    assert_works(&sandbox, "public/oauth/client.json", "public/.well-known/jwks.json");
    let metadata = document(&sandbox, "public/oauth/client.json");
    assert_eq!(metadata["client_id"], "https://app.example.com/oauth/client.json");
    assert_eq!(metadata["jwks_uri"], "https://app.example.com/.well-known/jwks.json");
    assert_eq!(metadata["client_name"], "statusphere");
    assert!(!output.stderr.contains(".gitignore"), "{output}");
}

#[test]
fn every_answer_can_be_an_option() {
    let sandbox = app();
    let options = [
        ["--client-id", "https://app.example.com/c.json"],
        ["--client-name", "An \"app\""],
        ["--redirect-uri", "/a"],
        ["--redirect-uri", "https://app.example.com/b"],
        ["--scope", "atproto"],
        ["--store", "sqlite:app.db"],
        ["--layout", "statusphere"],
        ["--keys", "keys/first.json"],
        ["--metadata-file", "out/c.json"],
        ["--jwks-file", "out/k.json"],
    ];
    init(&sandbox, options.as_flattened());
    assert_works(&sandbox, "out/c.json", "out/k.json");
    let metadata = document(&sandbox, "out/c.json");
    assert_eq!(metadata["client_id"], "https://app.example.com/c.json");
    assert_eq!(metadata["client_name"], "An \"app\"");
    assert_eq!(metadata["scope"], "atproto");
    let redirect_uris = ["https://app.example.com/a", "https://app.example.com/b"];
    assert_eq!(metadata["redirect_uris"], serde_json::json!(redirect_uris));
}

#[test]
fn an_app_s_own_variables_are_found_and_no_secret_is_copied() {
    let sandbox = app();
    let env = format!(
        "PUBLIC_URL=http://localhost:3000\nSITE_URL=https://found.example.com/\nNUXT_OAUTH_JWK_ONE='{KEY1}'\n\
         DATABASE_PATH=\"app.db\"\n"
    );
    sandbox.file(".env", env);
    sandbox.file("nuxt.config.ts", "");
    let output = sandbox.run(["init", "--yes"]);
    assert_eq!(output.code, 0, "{output}");
    let settings = sandbox.read("oauthctl.toml");
    assert!(
        settings.contains("env_file = [\".env\"]\nkeys = [\"env:NUXT_OAUTH_JWK_ONE\"]\n"),
        "{settings}"
    );
    assert!(settings.contains("client_uri = \"https://found.example.com\""), "{settings}");
    assert!(settings.contains("https://found.example.com/api/auth/atproto"), "{settings}");
    assert!(!settings.contains("870MB6") && !output.stderr.contains("870MB6"));
    assert_works(&sandbox, "oauth-client-metadata.json", "jwks.json");
    assert_eq!(document(&sandbox, "jwks.json")["keys"][0]["kid"], "key1");
    assert!(!sandbox.files().contains(&"client-key.json".to_owned()));
}

#[test]
fn a_redis_is_named_by_its_variable() {
    let server = testbed::redis::Redis::start();
    let mut sandbox = Sandbox::new();
    sandbox.file(".env.production", format!("REDIS_URL={}", server.url()));
    let output = init(&sandbox, &[]);
    let settings = sandbox.read("oauthctl.toml");
    assert!(settings.contains("env_file = [\".env.production\"]"), "{settings}");
    assert!(settings.contains("url = \"env:REDIS_URL\""), "{settings}");
    assert!(output.stderr.contains("its layout is not known yet"), "{output}");
    // In a deployment the variables are exported, and there is no such file.
    std::fs::remove_file(sandbox.path(".env.production")).unwrap();
    let missing = sandbox.refusal(["sessions", "list"]);
    assert!(missing.stderr.contains("env:REDIS_URL: the variable is not set"), "{missing}");
    sandbox.set("REDIS_URL", server.url());
    assert_eq!(sandbox.run(["states", "list", "--layout", "npmx"]).code, 0);
}

#[test]
fn a_first_key_can_go_into_the_file_of_variables() {
    let sandbox = app();
    sandbox.file(".env", "A=1\nPRIVATE_KEY=");
    let output = init(&sandbox, &["--keys", "env:PRIVATE_KEY"]);
    let env = sandbox.read(".env");
    assert!(env.starts_with("A=1\nPRIVATE_KEY=\nPRIVATE_KEY='{\"kty\":\"EC\""), "{env}");
    assert!(!output.stderr.contains("\"d\""), "{output}");
    assert_works(&sandbox, "oauth-client-metadata.json", "jwks.json");
}

#[test]
fn a_file_of_variables_that_it_creates_is_the_owner_s_alone() {
    let sandbox = app();
    init(&sandbox, &["--keys", "env:OAUTH_JWK_ONE"]);
    assert_eq!(sandbox.mode(".env"), 0o600);
    assert_works(&sandbox, "oauth-client-metadata.json", "jwks.json");
}

#[test]
fn a_public_client_has_neither_key_nor_key_set() {
    let sandbox = app();
    init(&sandbox, &["--public"]);
    assert_eq!(sandbox.files(), ["app.db", "oauth-client-metadata.json", "oauthctl.toml"]);
    assert_eq!(
        document(&sandbox, "oauth-client-metadata.json")["token_endpoint_auth_method"],
        "none"
    );
    assert_eq!(
        sandbox.result(["metadata", "--public"]),
        sandbox.read("oauth-client-metadata.json")
    );
}

#[test]
fn settings_elsewhere_name_the_app_s_files_whole() {
    let sandbox = app();
    sandbox.file("etc/x", "");
    let output = init(&sandbox, &["--config", "etc/oauthctl.toml"]);
    for command in next_commands(&output.stderr) {
        let output = sandbox.sh(&command.replace("doctor", "doctor --offline"));
        assert_eq!(output.code, 0, "{command}: {output}");
        let is_warned_of = output.stdout.contains("1 session started when the client was public");
        assert_eq!(is_warned_of, command.contains("doctor"), "{command}: {output}");
    }
    assert_eq!(sandbox.run(["sessions", "list", "--config", "etc/oauthctl.toml"]).code, 0);
}

#[test]
fn a_document_that_is_there_answers_and_stays() {
    let sandbox = app();
    let known = r#"{"client_id":"https://old.example.com/c.json","client_uri":"https://old.example.com","redirect_uris":["https://old.example.com/cb"],"scope":"atproto"}"#;
    sandbox.file("public/client-metadata.json", known);
    let output = sandbox.run(["init", "--yes"]);
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(sandbox.read("public/client-metadata.json"), known);
    assert!(
        output.stderr.contains("public/client-metadata.json  already exists and is not changed"),
        "{output}"
    );
    let printed = object(&sandbox.result(["metadata"]));
    assert_eq!(printed["client_id"], "https://old.example.com/c.json");
    assert_eq!(printed["redirect_uris"], serde_json::json!(["https://old.example.com/cb"]));
}

#[test]
fn what_it_would_write_is_shown_and_with_dry_run_not_written() {
    let sandbox = app();
    let before = sandbox.everything();
    let output = init(&sandbox, &["--dry-run"]);
    assert_eq!(before, sandbox.everything());
    for part in [
        "client-key.json  (a new private key",
        "    [client]\n",
        "    \"dpop_bound_access_tokens\": true",
    ] {
        assert!(output.stderr.contains(part), "{output}");
    }
    assert!(!output.stderr.contains("\"d\":"), "{output}");
}

#[test]
fn it_refuses_what_it_cannot_do_well() {
    let sandbox = app();
    let says = |arguments: &[&str], part: &str| {
        let before = sandbox.everything();
        let output = sandbox.run(arguments);
        assert!(output.code == 2 && output.stderr.contains(part), "{part}: {output}");
        assert!(output.stderr.contains("\nhint: "), "{output}");
        assert_eq!(before, sandbox.everything(), "{part}");
    };
    says(&["init"], "error: cannot ask questions without a terminal\nhint: --yes uses");
    says(
        &["init", "--yes"],
        "error: --client-uri is required (the app's home page, e.g. https://app.example.com)\nhint: use --client-uri",
    );
    says(
        &["init", "--yes", "--client-uri", "app.example.com"],
        "--client-uri: \"app.example.com\" is not the URL",
    );
    says(&["init", "--yes", "--client-uri", "http://app.example.com"], "--client-uri: client_");
    says(
        &[&SITE[..], &["--redirect-uri", "http://x.example.com/cb"]].concat(),
        "--redirect-uri: redirect_uris[0]",
    );
    says(&[&SITE[..], &["--scope", "transition:generic"]].concat(), "--scope: scope: must");
    says(&[&SITE[..], &["--layout", "npmxx"]].concat(), "--layout: unknown layout");
    says(
        &[&SITE[..], &["--store", "redis://:secret@h"]].concat(),
        "--store: this address contains a password",
    );
    says(
        &[&SITE[..], &["--store", "env:NOWHERE"]].concat(),
        "NOWHERE is not exported, and not in an .env file",
    );
    says(
        &[&SITE[..], &["--keys", "a.json", "--keys", "b.json"]].concat(),
        "a.json: does not exist",
    );
    says(&[&SITE[..], &["--keys", "-"]].concat(), "--keys: standard input cannot");
    says(&[&SITE[..], &["--metadata-file", "."]].concat(), "--metadata-file: is a directory");
    says(
        &[&SITE[..], &["--profile", "preview"]].concat(),
        "init writes only the part of the settings",
    );
    sandbox.file(".env", "NUXT_OAUTH_JWK_ONE={\"kty\":\"EC\"");
    says(&SITE, "NUXT_OAUTH_JWK_ONE: is not JSON");
}

#[test]
fn a_key_that_sessions_are_bound_to_must_be_there() {
    let sandbox = app();
    let database = AppDatabase::open(&sandbox.path("app.db"));
    database.session(&session(BOB, "3h")).state("pending", &state("key2"));
    database.close();
    for options in [&[] as &[&str], &["--dry-run"], &["--public"], &["--layout", "statusphere"]] {
        let before = sandbox.everything();
        let output = sandbox.run([&SITE, options].concat());
        assert_eq!((output.code, sandbox.everything()), (2, before), "{output}");
        assert!(
            output.stderr.ends_with(
                "error: sqlite:app.db has 1 session bound to key key1, 1 pending login bound to key key2, but no key source contains the key\nhint: add the source of key key1 with --keys: without it those users are logged out\n"
            ),
            "{output}"
        );
    }
    sandbox.file("old.json", format!("[{KEY1},{KEY2}]"));
    init(&sandbox, &["--keys", "old.json"]);
    assert_eq!(sandbox.result(["jwks"]), sandbox.read("jwks.json"));
}

#[test]
fn offline_it_does_not_look_into_the_store() {
    let sandbox = app();
    AppDatabase::open(&sandbox.path("app.db")).session(&session(BOB, "3h"));
    let output = init(&sandbox, &["--offline"]);
    assert!(
        !output.stderr.contains("layout") && !sandbox.read("oauthctl.toml").contains("layout"),
        "{output}"
    );
}

#[test]
fn settings_that_are_there_are_never_replaced() {
    let sandbox = app();
    sandbox.file("oauthctl.toml", "# mine\n");
    let output = sandbox.refusal(SITE);
    assert!(output.stderr.starts_with(
        "error: oauthctl.toml: already exists, and init never overwrites files\nhint: "
    ));
    assert_eq!(output.code, 2);
}

#[test]
fn a_failure_half_way_takes_back_what_was_written() {
    let sandbox = app();
    sandbox.file(".env", "A=1");
    sandbox.file("not-a-directory", "");
    // The key and the metadata document are written before this path fails.
    let files = ["--metadata-file", "new/place/c.json", "--jwks-file", "not-a-directory/k.json"];
    let before = sandbox.everything();
    for keys in ["env:PRIVATE_KEY", "new/client-key.json"] {
        let output = sandbox.run([&SITE[..], &files, &["--keys", keys]].concat());
        assert_eq!(output.code, 1, "{output}");
        assert!(
            output.stderr.contains("error: not-a-directory/k.json: cannot write the file"),
            "{output}"
        );
        assert_eq!(before, sandbox.everything(), "{keys}");
    }
}

/// `oauthctl init` on a terminal, in this directory.
struct Dialogue(PtySession);

impl Dialogue {
    fn begin(sandbox: &Sandbox) -> Self {
        Self(sandbox.terminal(["init"]))
    }

    /// Waits for the question and answers it. An empty answer is Enter alone.
    fn answer(&mut self, question: &str, answer: &str) {
        self.0.exp_string(question).unwrap_or_else(|e| panic!("{question}: {e}"));
        // The prompt ends with a colon, after the default.
        self.0.exp_string(": ").unwrap();
        self.0.send_line(answer).unwrap();
    }

    /// Presses a key.
    fn key(&mut self, key: &str) {
        self.0.send(key).unwrap();
        self.0.flush().unwrap();
    }
}

#[test]
fn a_person_is_asked_shown_and_asked_once_more() {
    let sandbox = app();
    sandbox.file("public/x", "");
    let mut dialogue = Dialogue::begin(&sandbox);
    // After an invalid answer, the reason is printed and the question is repeated.
    dialogue.answer("Home page of the app", "http://app.example.com");
    dialogue.0.exp_string("must be https").unwrap();
    dialogue.answer("Home page of the app", "https://app.example.com");
    dialogue.answer("Name of the app, as users see it [app]", "Statusphere");
    dialogue.answer("Callback path or URL", "http://elsewhere.example.com/cb");
    dialogue.0.exp_string("redirect_uris[0]").unwrap();
    dialogue.answer("Callback path or URL", "/cb");
    dialogue.answer(
        "OAuth scope (for read and write access: atproto transition:generic) [atproto]",
        "",
    );
    dialogue.0.exp_string("found the app's store: app.db").unwrap();
    dialogue.answer("Session store", "redis://:secret@cache.example.com");
    dialogue.0.exp_string("this address contains a password").unwrap();
    dialogue.answer("Session store", "");
    dialogue.answer("Place for the new private key", "");
    dialogue
        .answer("File for the client metadata document [public/oauth-client-metadata.json]", "");
    dialogue.answer("File for the public keys [public/.well-known/jwks.json]", "");
    dialogue.0.exp_string("has the layout statusphere").unwrap();
    dialogue.0.exp_string("This will be written:").unwrap();
    dialogue.0.exp_string("Write this?").unwrap();
    assert_eq!(sandbox.files(), ["app.db", "public"], "nothing is written before it is confirmed");
    dialogue.key("y\n");
    dialogue.0.exp_string("Next:").unwrap();
    dialogue.0.exp_eof().unwrap();
    assert_works(&sandbox, "public/oauth-client-metadata.json", "public/.well-known/jwks.json");
    assert_eq!(
        document(&sandbox, "public/oauth-client-metadata.json")["client_name"],
        "Statusphere"
    );
}

#[test]
fn a_person_is_asked_for_a_layout_that_the_store_does_not_tell() {
    let sandbox = Sandbox::new();
    sandbox.file(".env", "REDIS_URL=redis://127.0.0.1:1\nSITE_URL=https://app.example.com");
    let mut dialogue = Dialogue::begin(&sandbox);
    for question in [
        "Home page",
        "Name of the app",
        "Callback path or URL",
        "OAuth scope",
        "Session store",
        "Place for the new",
        "File for the cl",
        "File for the public",
    ] {
        dialogue.answer(question, "");
    }
    dialogue.0.exp_string("cannot connect").unwrap();
    dialogue.answer("Layout of the store", "npmxx");
    dialogue.0.exp_string("did you mean npmx").unwrap();
    dialogue.answer("Layout of the store", "npmx");
    dialogue.0.exp_string("Write this?").unwrap();
    dialogue.key("y\n");
    dialogue.0.exp_eof().unwrap();
    assert!(
        sandbox.read("oauthctl.toml").ends_with("url = \"env:REDIS_URL\"\nlayout = \"npmx\"\n")
    );
}

#[test]
fn ctrl_c_at_any_question_leaves_nothing_behind() {
    for question in ["Home page", "Session store", "Write this?"] {
        let sandbox = app();
        sandbox.file(".env", "SITE_URL=https://app.example.com");
        let before = sandbox.everything();
        let mut dialogue = Dialogue::begin(&sandbox);
        for asked in [
            "Home page",
            "Name of the app",
            "Callback path or URL",
            "OAuth scope",
            "Session store",
            "private key",
            "File for the c",
            "File for the p",
        ] {
            if asked == question {
                break;
            }
            dialogue.answer(asked, "");
        }
        dialogue.0.exp_string(question).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        dialogue.0.send_control('c').unwrap();
        let rest = dialogue.0.exp_eof().unwrap();
        assert!(rest.contains("interrupted; nothing was done"), "{question}: {rest}");
        let status = dialogue.0.process().wait().unwrap();
        assert_eq!(
            format!("{status:?}").split(", ").last(),
            Some("130)"),
            "{question}: {status:?}"
        );
        assert_eq!(before, sandbox.everything(), "{question}");
    }
}

#[test]
fn no_is_an_answer_too() {
    let sandbox = app();
    sandbox.file(".env", "SITE_URL=https://app.example.com");
    let before = sandbox.everything();
    let mut dialogue = Dialogue::begin(&sandbox);
    for asked in [
        "Home page",
        "Name of the app",
        "Callback path or URL",
        "OAuth scope",
        "Session store",
        "private key",
        "File for the c",
        "File for the p",
    ] {
        dialogue.answer(asked, "");
    }
    dialogue.0.exp_string("Write this?").unwrap();
    dialogue.key("n\n");
    assert!(dialogue.0.exp_eof().unwrap().contains("not confirmed; nothing was done"));
    assert_eq!(before, sandbox.everything());
}

#[test]
fn sessions_that_are_all_of_another_client_are_warned_of() {
    let sandbox = app();
    let mut theirs = session(ALICE, "3h");
    theirs["tokenSet"]["access_token"] =
        crate::publish::token_of("https://other.example.com/c.json").into();
    AppDatabase::open(&sandbox.path("app.db")).session(&theirs);
    let output = init(&sandbox, &[]);
    for part in [
        "warning: 1 session of sqlite:app.db is bound to key key1, which no key source has",
        "warning: all sessions of sqlite:app.db were issued to a client other than this one",
    ] {
        assert!(output.stderr.contains(part), "{output}");
    }
}

#[test]
fn a_published_set_that_lacks_the_first_key_is_warned_of() {
    let sandbox = app();
    sandbox.file("key1.json", KEY1);
    std::fs::create_dir_all(sandbox.path("public/.well-known")).unwrap();
    assert_eq!(
        sandbox.run(["jwks", "--keys", "key1.json", "-o", "public/.well-known/jwks.json"]).code,
        0
    );
    let output = init(&sandbox, &[]);
    for part in [" does not contain key ", " contains key key1, but no key source does"] {
        assert!(
            output.stderr.contains(&format!("warning: public/.well-known/jwks.json{part}")),
            "{output}"
        );
    }
}
