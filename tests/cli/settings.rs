//! Settings from flags, the environment, a profile, oauthctl.toml and defaults, in this order.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use crate::database::AppDatabase;
use crate::samples::{KEY1, jwk_with, object, session};
use crate::sandbox::{Output, Sandbox};

/// Returns a sandbox with databases and keys that identify the layer they were read from.
fn layers() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["flag", "variable", "profile", "file"] {
        database(&sandbox, name, name);
        sandbox.file(format!("{name}.json"), jwk_with(KEY1, &json!({ "kid": name })));
    }
    database(&sandbox, "app", "default");
    sandbox
}

fn database(sandbox: &Sandbox, file: &str, says: &str) {
    let path = sandbox.path(format!("{file}.db"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let database = AppDatabase::create(&path);
    database.session(&session(&format!("did:web:{says}"), "3h"));
    database.close();
}

/// Returns the database that was read.
fn store(sandbox: &Sandbox, options: &[&str]) -> String {
    let output = sandbox.run([&["sessions", "list", "--format", "jsonl", "-q"], options].concat());
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    object(&output.stdout)["key"].as_str().unwrap().strip_prefix("did:web:").unwrap().to_owned()
}

/// Returns the key that was read.
fn key(sandbox: &Sandbox, options: &[&str]) -> String {
    let document = sandbox.result([&["jwks", "--offline"], options].concat());
    object(&document)["keys"][0]["kid"].as_str().unwrap().to_owned()
}

#[test]
fn each_layer_gives_way_to_the_one_above_it() {
    let mut sandbox = layers();
    sandbox.set("PRIVATE_KEY", jwk_with(KEY1, &json!({"kid": "default"})));
    assert_eq!([store(&sandbox, &[]), key(&sandbox, &[])], ["default"; 2]);

    sandbox.file(
        "oauthctl.toml",
        r#"
        keys = "file.json"
        [store]
        url = "sqlite:file.db"
        [profiles.preview]
        keys = ["profile.json"]
        [profiles.preview.store]
        url = "sqlite:profile.db"
        "#,
    );
    assert_eq!([store(&sandbox, &[]), key(&sandbox, &[])], ["file"; 2]);

    let profile = ["--profile", "preview"];
    assert_eq!([store(&sandbox, &profile), key(&sandbox, &profile)], ["profile"; 2]);
    sandbox.set("OAUTHCTL_PROFILE", "preview");
    assert_eq!([store(&sandbox, &[]), key(&sandbox, &[])], ["profile"; 2]);

    sandbox.set("OAUTHCTL_STORE", "sqlite:variable.db").set("OAUTHCTL_KEYS", "variable.json");
    assert_eq!([store(&sandbox, &[]), key(&sandbox, &[])], ["variable"; 2]);

    let flags =
        (store(&sandbox, &["--store", "sqlite:flag.db"]), key(&sandbox, &["--keys", "flag.json"]));
    assert_eq!(flags, ("flag".to_owned(), "flag".to_owned()));
}

#[test]
fn a_profile_overrides_only_what_it_names() {
    let sandbox = layers();
    sandbox.file(
        "oauthctl.toml",
        "keys = 'file.json'\n[profiles.preview.store]\nurl = 'sqlite:profile.db'\n",
    );
    assert_eq!(store(&sandbox, &["--profile", "preview"]), "profile");
    assert_eq!(key(&sandbox, &["--profile", "preview"]), "file");
}

#[test]
fn the_file_is_given_or_here_or_in_the_config_directory() {
    let mut sandbox = layers();
    let path = |name: &str| format!("[store]\nurl = 'sqlite:{}'\n", sandbox.path(name).display());
    let (everywhere, here, named) = (path("file.db"), path("profile.db"), path("flag.db"));
    sandbox.file("../home/.config/oauthctl/oauthctl.toml", everywhere);
    assert_eq!(store(&sandbox, &[]), "file");
    sandbox.file("oauthctl.toml", here);
    assert_eq!(store(&sandbox, &[]), "profile");
    sandbox.file("named.toml", named);
    assert_eq!(store(&sandbox, &["--config", "named.toml"]), "flag");
    sandbox.set("OAUTHCTL_CONFIG", "named.toml");
    assert_eq!(store(&sandbox, &[]), "flag");
}

#[test]
fn paths_in_the_file_are_relative_to_it() {
    let sandbox = layers();
    database(&sandbox, "config/below", "below");
    sandbox.file("config/below.json", jwk_with(KEY1, &json!({"kid": "below"})));
    sandbox.file("config/url.txt", "sqlite:below.db\n");
    sandbox.file("config/oauthctl.toml", "keys = ['below.json']\n[store]\nurl = 'file:url.txt'\n");
    let config = ["--config", "config/oauthctl.toml"];
    assert_eq!([store(&sandbox, &config), key(&sandbox, &config)], ["below"; 2]);
    assert_eq!(store(&sandbox, &[&config[..], &["--store", "sqlite:flag.db"]].concat()), "flag");
}

#[test]
fn a_value_may_name_where_it_really_is() {
    let mut sandbox = layers();
    sandbox.set("APP_DATABASE", "sqlite:variable.db").file("url", "sqlite:profile.db\n");
    sandbox.file("oauthctl.toml", "[store]\nurl = 'env:APP_DATABASE'\nlayout = 'env:APP_LAYOUT'\n");
    sandbox.set("APP_LAYOUT", "statusphere");
    assert_eq!(store(&sandbox, &[]), "variable");
    sandbox.file("oauthctl.toml", "[store]\nurl = 'file:url'\n");
    assert_eq!(store(&sandbox, &[]), "profile");
    assert_eq!(store(&sandbox, &["--store", "env:APP_DATABASE"]), "variable");
}

#[test]
fn dangling_references_fail_only_where_they_are_needed() {
    let mut sandbox = layers();
    sandbox.set("EMPTY", "").file("empty", "\n");
    for (url, name) in [
        ("env:UNSET", "env"),
        ("env:EMPTY", "empty variable"),
        ("file:missing", "file"),
        ("file:empty", "empty file"),
    ] {
        sandbox.file("oauthctl.toml", format!("keys = 'file.json'\n[store]\nurl = '{url}'\n"));
        let refusal = sandbox.refusal(["sessions", "list"]);
        assert_eq!(refusal.code, 2, "{name}");
        assert!(refusal.stderr.contains("store.url") && refusal.stderr.contains(url), "{refusal}");
        assert_eq!(key(&sandbox, &[]), "file", "{name}");
    }
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--store", "env:UNSET"]), @r"
    exit 2
    -- stderr --
    error: --store: env:UNSET: the variable is not set
    hint: export UNSET, or name another source
    ");
}

/// Returns the error about a settings file.
fn refusal_of(file: &str) -> Output {
    let sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", file);
    sandbox.refusal(["jwks"])
}

#[test]
fn an_unknown_setting_is_an_error_with_a_suggestion() {
    insta::assert_snapshot!(refusal_of("key = 'a'"), @r"
    exit 2
    -- stderr --
    error: oauthctl.toml: unknown setting key
    hint: did you mean keys?
    ");
    insta::assert_snapshot!(refusal_of("[store]\nulr = 'sqlite:app.db'"), @r"
    exit 2
    -- stderr --
    error: oauthctl.toml: unknown setting store.ulr
    hint: did you mean url?
    ");
    insta::assert_snapshot!(refusal_of("[clinet]\nclient_id = ''"), @r"
    exit 2
    -- stderr --
    error: oauthctl.toml: unknown setting clinet
    hint: did you mean client?
    ");
    insta::assert_snapshot!(refusal_of("[profiles.preview.stroe]\nurl = ''"), @r"
    exit 2
    -- stderr --
    error: oauthctl.toml: unknown setting profiles.preview.stroe
    hint: did you mean store?
    ");
    insta::assert_snapshot!(refusal_of("[store]\nxyzzy = 1"), @r"
    exit 2
    -- stderr --
    error: oauthctl.toml: unknown setting store.xyzzy
    hint: settings there: url, token, layout, lock_url, cert_file, key_file
    ");
}

#[test]
fn invalid_settings_files_are_refused_without_being_quoted() {
    let broken = refusal_of("[store]\nurl = 'rediss://default:hunter2@host'\nlayout = = 1");
    assert!(!broken.stderr.contains("hunter2"));
    insta::assert_snapshot!(broken, @r#"
    exit 2
    -- stderr --
    error: oauthctl.toml: invalid TOML in line 3: extra `=`, expected nothing
    hint: strings need quotes: name = "value"
    "#);
    insta::assert_snapshot!(refusal_of("store = 'sqlite:app.db'"), @r"
    exit 2
    -- stderr --
    error: oauthctl.toml: store must be a section
    hint: compare it with the settings in the README
    ");
    insta::assert_snapshot!(refusal_of("keys = 1"), @r#"
    exit 2
    -- stderr --
    error: oauthctl.toml: keys must be a string in quotes, { source = "…", kid = "…" }, or an array of these
    hint: compare it with the settings in the README
    "#);
}

#[test]
fn a_settings_file_that_was_named_must_be_there() {
    insta::assert_snapshot!(Sandbox::new().refusal(["jwks", "--config", "missing.toml"]), @r"
    exit 2
    -- stderr --
    error: missing.toml: cannot read the settings file
    caused by: No such file or directory (os error 2)
    hint: check --config and OAUTHCTL_CONFIG, and that this user can read the file
    ");
}

#[test]
fn a_profile_that_does_not_exist_is_refused() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--profile", "preview"]), @r#"
    exit 2
    -- stderr --
    error: no profile "preview", because there is no oauthctl.toml
    hint: profiles are sections [profiles.NAME] of oauthctl.toml
    "#);
    sandbox.file("oauthctl.toml", "[profiles.preview]\n[profiles.production]\n");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--profile", "preveiw"]), @r#"
    exit 2
    -- stderr --
    error: oauthctl.toml: no profile "preveiw"
    hint: did you mean preview?
    "#);
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--profile", "x"]), @r#"
    exit 2
    -- stderr --
    error: oauthctl.toml: no profile "x"
    hint: profiles there: preview, production
    "#);
}

#[test]
fn an_unknown_layout_is_refused_with_a_suggestion() {
    insta::assert_snapshot!(layers().refusal(["sessions", "list", "--layout", "statusfear"]), @r#"
    exit 2
    -- stderr --
    error: unknown layout "statusfear"
    hint: did you mean statusphere?
    "#);
}

#[test]
fn a_profile_that_a_variable_contradicts_is_refused() {
    let mut sandbox = layers();
    sandbox.file(
        "oauthctl.toml",
        "[profiles.preview.store]\nurl = 'sqlite:profile.db'\n[profiles.bare]\n",
    );
    sandbox.set("OAUTHCTL_STORE", "sqlite:variable.db");
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--profile", "preview"]), @"
    exit 2
    -- stderr --
    error: --profile preview and OAUTHCTL_STORE name different stores
    hint: unset OAUTHCTL_STORE, or choose one with --store
    ");
    assert_eq!(store(&sandbox, &["--profile", "preview", "--store", "sqlite:flag.db"]), "flag");
    assert_eq!(store(&sandbox, &["--profile", "bare"]), "variable");
    sandbox.set("OAUTHCTL_STORE", "sqlite:profile.db");
    assert_eq!(store(&sandbox, &["--profile", "preview"]), "profile");
}

#[test]
fn a_token_is_sent_only_to_the_store_that_it_stands_beside() {
    let sandbox = layers();
    let settings = |token: &str, profile: &str| {
        format!(
            "[store]\nurl = 'https://127.0.0.1:1'\n{token}\n[profiles.preview.store]\n{profile}\n"
        )
    };
    // Nothing listens on these addresses. The test checks whether a connection is attempted.
    let is_sent = |file: String, options: &[&str]| {
        sandbox.file("oauthctl.toml", file);
        let refusal = sandbox.refusal([&["sessions", "list"], options].concat());
        assert_eq!(
            refusal.code == 2,
            refusal.stderr.contains("no token is configured for it"),
            "{refusal}"
        );
        refusal.code == 1
    };
    let token = "token = 'the-token'";
    assert!(is_sent(settings(token, ""), &[]));
    // An option that names a store replaces all store settings.
    assert!(!is_sent(settings(token, ""), &["--store", "https://127.0.0.1:1"]));
    assert!(!is_sent(settings(token, ""), &["--store", "https://127.0.0.1:2"]));
    let preview = ["--profile", "preview"];
    assert!(!is_sent(settings(token, "url = 'https://127.0.0.1:2'"), &preview));
    assert!(is_sent(settings("", &format!("url = 'https://127.0.0.1:2'\n{token}")), &preview));
    assert!(is_sent(settings("", token), &preview));
    assert!(!is_sent(settings("", token), &[]));
}

#[test]
fn an_option_that_names_a_store_names_a_whole_store() {
    let mut sandbox = layers();
    let layouts = "[layouts.own]\nsession_key = 'a:{did}'\nstate_key = 'b:{state}'\n";
    let profile = "[profiles.preview.store]\nlayout = 'npmx'\n";
    let settings =
        format!("[store]\nurl = 'redis://127.0.0.1:1'\nlayout = 'npmx'\n{profile}{layouts}");
    sandbox.file("oauthctl.toml", settings);
    // The layout in the file belongs to its own store, a Redis.
    assert_eq!(store(&sandbox, &["--store", "sqlite:flag.db"]), "flag");
    assert_eq!(store(&sandbox, &["--store", "sqlite:flag.db", "--profile", "preview"]), "flag");
    sandbox.set("OAUTHCTL_STORE", "sqlite:variable.db");
    assert_eq!(store(&sandbox, &[]), "variable");
    assert_eq!(store(&sandbox, &["--profile", "preview"]), "variable");
    // Layouts named together with the store apply.
    for named in [&["--layout", "own"][..], &["--layout", "own", "--store", "sqlite:flag.db"]] {
        let refusal = sandbox.refusal([&["sessions", "list"], named].concat());
        assert!(refusal.stderr.contains("layout own is for Redis"), "{refusal}");
    }
    sandbox.set("OAUTHCTL_LAYOUT", "npmx");
    assert!(sandbox.refusal(["sessions", "list"]).stderr.contains("layout npmx is for Redis"));
}

#[test]
fn a_wrong_type_is_an_error_in_every_command() {
    let sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", "[profiles.other.refresh]\nconcurrency = [1]\n");
    for command in
        ["jwks", "metadata", "sessions list", "states purge", "keys list", "sessions recover -n"]
    {
        let refusal = sandbox.refusal(command.split(' '));
        let said = "error: oauthctl.toml: profiles.other.refresh.concurrency must be a whole number above 0\n";
        assert!(refusal.code == 2 && refusal.stderr.starts_with(said), "{command}: {refusal}");
    }
}

/// Runs oauthctl in a subdirectory of the sandbox.
fn below(sandbox: &Sandbox, directory: &str, arguments: &str) -> Output {
    fs::create_dir_all(sandbox.path(directory)).unwrap();
    fs::set_permissions(sandbox.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.sh(&format!("cd {directory} && oauthctl {arguments}"))
}

#[test]
fn settings_are_found_above_the_working_directory_and_named() {
    let sandbox = layers();
    let id = "https://app.example.com/oauth-client-metadata.json";
    sandbox.file(
        "oauthctl.toml",
        format!(
            "keys = 'file.json'\n[client]\nclient_id = '{id}'\n[store]\nurl = 'sqlite:file.db'\n"
        ),
    );
    let output = below(&sandbox, "src/deep", "sessions list --format jsonl --quiet");
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (0, "settings of $SANDBOX/app/oauthctl.toml\n"),
        "{output}"
    );
    assert_eq!(object(&output.stdout)["key"], "did:web:file");
    let output = below(&sandbox, "src/deep", "jwks -o jwks.json --offline");
    let expected = format!("settings of $SANDBOX/app/oauthctl.toml\nwrote jwks.json for {id}\n");
    assert_eq!((output.code, output.stderr), (0, expected));
    for (command, file) in [
        ("gen-jwk -o key.json", "wrote key.json"),
        ("gen-jwk --env APP_KEY -o .env", "added APP_KEY to .env"),
        ("sessions export -o out.jsonl", "wrote out.jsonl"),
    ] {
        let output = below(&sandbox, "src/deep", command);
        assert!(output.stderr.contains(&format!("{file} for {id}")), "{command}: {output}");
    }
    // Completion must not print messages into the line being edited.
    let output = below(&sandbox, "src/deep", "__complete 2>&1 >/dev/null || true");
    assert!(!output.stdout.contains("settings of"), "{output}");
    // The search ends at the top of an app, and at a nearer file.
    sandbox.file("src/package.json", "{}");
    assert_eq!(below(&sandbox, "src/deep", "sessions list").code, 2);
    sandbox.file("src/deep/oauthctl.toml", "[store]\nurl = 'sqlite:../../flag.db'\n");
    let output = below(&sandbox, "src/deep", "sessions list --format jsonl --quiet");
    assert_eq!(
        (object(&output.stdout)["key"].as_str(), output.stderr.as_str()),
        (Some("did:web:flag"), "")
    );
}

#[test]
fn settings_above_that_others_may_write_are_refused() {
    let sandbox = layers();
    let file = sandbox.file("oauthctl.toml", "[store]\nurl = 'sqlite:file.db'\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let output = below(&sandbox, "src", "sessions list");
    let said = "error: $SANDBOX/app/oauthctl.toml: was found above the working directory, but users other than its owner (uid ";
    assert!(output.code == 2 && output.stderr.starts_with(said), "{output}");
    assert!(output.stderr.contains("hint: `chmod go-w $SANDBOX/app/oauthctl.toml`; "), "{output}");
    // In the working directory, the file is the user's own choice.
    assert_eq!(store(&sandbox, &[]), "file");
}

#[test]
fn a_directory_or_dangling_link_as_settings_is_reported() {
    let sandbox = layers();
    fs::create_dir(sandbox.path("oauthctl.toml")).unwrap();
    for output in [sandbox.refusal(["jwks"]), below(&sandbox, "src", "jwks")] {
        assert_eq!(output.code, 2, "{output}");
        assert!(
            output.stderr.contains("oauthctl.toml: is a directory, not a settings file"),
            "{output}"
        );
    }
    fs::remove_dir(sandbox.path("oauthctl.toml")).unwrap();
    symlink("moved/oauthctl.toml", sandbox.path("oauthctl.toml")).unwrap();
    for output in [sandbox.refusal(["jwks"]), below(&sandbox, "src", "jwks")] {
        assert_eq!(output.code, 2, "{output}");
        assert!(output.stderr.contains("oauthctl.toml: is a link to a missing file"), "{output}");
    }
    fs::remove_file(sandbox.path("oauthctl.toml")).unwrap();
    fs::create_dir_all(sandbox.path("../home/.config/oauthctl/oauthctl.toml")).unwrap();
    assert_eq!(sandbox.refusal(["jwks"]).code, 2);
}
