//! Files with private keys: a key is never replaced, and no copy is left behind.

use std::fs::{self, File};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::samples::{KEY1, KEY2, jwk_with, object};
use crate::sandbox::Sandbox;

const ADD: [&str; 5] = ["gen-jwk", "--env", "APP_KEY", "-o", ".env"];

#[test]
fn a_variable_is_added_to_a_new_file_of_the_owner_s() {
    let sandbox = Sandbox::new();
    let output = sandbox.sh("umask 000; exec oauthctl gen-jwk --env APP_KEY -o .env");
    insta::assert_snapshot!(output, @r"
    exit 0
    -- stderr --
    added APP_KEY to .env
    ");
    assert_eq!(format!("{:o}", sandbox.mode(".env")), "600");
    let key = sandbox.sh(". ./.env && printf %s \"$APP_KEY\"").stdout;
    assert!(object(&key).contains_key("d"));
}

#[test]
fn a_variable_is_added_below_what_is_there() {
    for (before, between) in
        [("OTHER=1\n", ""), ("OTHER=1", "\n"), ("A='x\ny'\nAPP_KEY=", "\n"), ("", "")]
    {
        let sandbox = Sandbox::new();
        sandbox.file(".env", before);
        assert_eq!(sandbox.run(ADD).code, 0, "{before:?}");
        let after = sandbox.read(".env");
        let start = format!("{before}{between}APP_KEY='{{\"kty\"");
        assert!(after.starts_with(&start) && after.ends_with("}'\n"), "{after}");
        assert_eq!(sandbox.files(), [".env"]);
    }
}

#[test]
fn a_file_keeps_its_mode_and_its_link_when_a_variable_is_added() {
    let sandbox = Sandbox::new();
    sandbox.file("shared/env", "OTHER=1");
    sandbox.sh("chmod 640 shared/env; ln -s shared/env .env");
    insta::assert_snapshot!(sandbox.run(ADD), @r"
    exit 0
    -- stderr --
    added APP_KEY to .env
    warning: .env can be read by other users; `chmod 600 .env`
    ");
    assert!(sandbox.path(".env").is_symlink() && sandbox.mode("shared/env") == 0o640);
    assert!(sandbox.read("shared/env").starts_with("OTHER=1\nAPP_KEY='"));
}

#[test]
fn a_variable_that_is_set_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.file(".env", format!("APP_KEY='{KEY1}'\nOTHER=1"));
    insta::assert_snapshot!(sandbox.refusal(ADD), @r"
    exit 2
    -- stderr --
    error: APP_KEY is set in .env (kid key1)
    hint: `oauthctl keys rotate` adds a key and keeps it
    ");
    insta::assert_snapshot!(sandbox.refusal([&ADD[..], &["--force"]].concat()), @r"
    exit 2
    -- stderr --
    error: --force would replace .env, but --env adds a line to it
    hint: remove --force
    ");
    sandbox.file(".env", format!("APP_KEY='[{KEY1},{KEY2}]'"));
    let refusal = sandbox.refusal(ADD);
    assert!(refusal.stderr.contains("is set in .env (kid key1, key2)"), "{refusal}");
    sandbox.file(".env", "APP_KEY=changeme");
    insta::assert_snapshot!(sandbox.refusal(ADD), @r"
    exit 2
    -- stderr --
    error: APP_KEY is set in .env but is not a key
    hint: choose another name, or remove the line first
    ");
}

#[test]
fn a_line_that_would_not_be_read_is_not_added() {
    let sandbox = Sandbox::new();
    // In this grammar, the next line is the value.
    sandbox.file(".env", "OTHER:\n");
    insta::assert_snapshot!(sandbox.refusal(ADD), @r"
    exit 2
    -- stderr --
    error: .env: cannot add a line, because the last line is incomplete
    hint: complete that line, then try again
    ");
    fs::remove_file(sandbox.path(".env")).unwrap();
    fs::create_dir(sandbox.path(".env")).unwrap();
    let refusal = sandbox.refusal(ADD);
    assert!(
        refusal.stderr.contains(".env: is not a file to which a line can be added"),
        "{refusal}"
    );
}

#[test]
fn lines_that_are_added_at_once_are_all_there() {
    let sandbox = Sandbox::new();
    let names: Vec<_> = (0..8).map(|n| format!("KEY_{n}")).collect();
    let children: Vec<_> =
        names.iter().map(|name| sandbox.start(["gen-jwk", "--env", name, "-o", ".env"])).collect();
    assert!(children.into_iter().all(|child| sandbox.output_of(child).code == 0));
    let text = sandbox.read(".env");
    assert!(names.iter().all(|name| text.contains(&format!("{name}='{{"))), "{text}");
    assert_eq!((text.lines().count(), sandbox.files()), (8, vec![".env".to_owned()]));
}

#[test]
fn a_key_that_is_replaced_stays_beside_the_new_one() {
    let cases = [
        ("key.json", KEY1.to_owned(), "key.replaced-key1.json"),
        ("keys", format!("{{\"keys\":[{KEY2}]}}"), "keys.replaced-key2"),
        (".env", format!("A=1\nKEY='{KEY1}'\n"), ".env.replaced-key1"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\ndamaged".to_owned(), "key.replaced-key.pem"),
        ("key.json", jwk_with(KEY1, &json!({"kid": "a/b c"})), "key.replaced-a_b_c.json"),
        ("set.json", format!("{{\"keys\":[{KEY1},{{\"kty\":\"RSA\"}}]}}"), "set.replaced-key.json"),
    ];
    for (name, text, copy) in cases {
        let sandbox = Sandbox::new();
        sandbox.file(name, &text);
        for _ in 0..2 {
            assert_eq!(sandbox.refusal(["gen-jwk", "-o", name]).code, 2, "{name}");
            let output = sandbox.run(["gen-jwk", "-o", name, "--force"]);
            assert_eq!(output.code, 0, "{output}");
        }
        assert_eq!(sandbox.read(copy), text);
        assert_eq!(
            (sandbox.mode(copy), sandbox.files().len()),
            (0o600, 3),
            "{:?}",
            sandbox.files()
        );
    }
}

#[test]
fn two_keys_of_one_name_are_both_kept() {
    let sandbox = Sandbox::new();
    for key in [KEY1, KEY2] {
        sandbox.file("key.json", jwk_with(key, &json!({"kid": "same"})));
        assert_eq!(sandbox.run(["gen-jwk", "-o", "key.json", "--force"]).code, 0);
    }
    for (name, key) in [("key.replaced-same.json", KEY1), ("key.replaced-same-2.json", KEY2)] {
        assert_eq!(sandbox.read(name), jwk_with(key, &json!({"kid": "same"})));
    }
}

#[test]
fn no_document_takes_the_place_of_a_key() {
    let mut sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("[{KEY1}]"));
    crate::keys::store(&sandbox);
    sandbox.set("PRIVATE_KEY", KEY2).set("OAUTHCTL_STORE", "sqlite:app.db");
    let metadata = "metadata --client-uri https://app.example.com --redirect-uri /cb";
    for command in [
        "jwks -o keys.json --force",
        &format!("{metadata} -o keys.json --force"),
        "sessions export -o keys.json --force",
    ] {
        let before = sandbox.read("keys.json");
        let output = sandbox.run(command.split(' '));
        assert_eq!(output.code, 2, "{command}: {output}");
        assert!(
            output
                .stderr
                .contains("error: keys.json: the file contains a private key that would be lost"),
            "{output}"
        );
        assert_eq!(sandbox.read("keys.json"), before);
    }
    sandbox.run(["states", "purge", "--metrics-file", "keys.json"]);
    assert_eq!(sandbox.read("keys.json"), format!("[{KEY1}]"));
}

/// File left behind by a killed run.
const LEFT: &str = ".oauthctl-a1B2c3.tmp";

#[test]
fn what_a_killed_run_has_left_goes_with_the_next_that_writes() {
    for command in [
        "gen-jwk -o new.json",
        "gen-jwk --env A -o .env",
        "jwks --keys keys.json -o jwks.json",
        "keys rotate --keys keys.json",
        "keys rotate --keys key.json -o next.json",
        "init --yes --client-uri https://app.example.com --keys keys.json",
    ] {
        let sandbox = Sandbox::new();
        sandbox.file("keys.json", format!("[{KEY1}]"));
        sandbox.file("key.json", KEY1);
        sandbox.file(LEFT, KEY2);
        sandbox.file(".tmpa1B2c3", "another program's");
        // A file being written has this kind of name, too, and is locked.
        let writing = File::open(sandbox.file(".oauthctl-zzzzzz.tmp", KEY2)).unwrap();
        writing.lock().unwrap();
        let output = sandbox.run(command.split(' '));
        assert_eq!(output.code, 0, "{output}");
        assert!(
            output.stderr.contains(&format!("removed ./{LEFT}"))
                || output.stderr.contains(&format!("{LEFT}, a leftover"))
        );
        let files = sandbox.files();
        let is_there = |name: &str| files.iter().any(|file| file == name);
        assert!(
            !is_there(LEFT) && is_there(".oauthctl-zzzzzz.tmp") && is_there(".tmpa1B2c3"),
            "{command}: {files:?}"
        );
    }
}

#[test]
fn a_dry_run_leaves_what_is_left_behind() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("[{KEY1}]"));
    sandbox.file(LEFT, KEY2);
    let before = sandbox.everything();
    assert_eq!(sandbox.run(["keys", "rotate", "--keys", "keys.json", "--dry-run"]).code, 0);
    assert_eq!(sandbox.everything(), before);
}

#[test]
fn killed_at_any_moment_nothing_stays_for_long() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.json", format!("[{KEY1}]"));
    for n in 0..24 {
        let mut child = sandbox.start(["keys", "rotate", "--keys", "keys.json", "--stage"]);
        thread::sleep(Duration::from_micros(n * 500));
        child.kill().unwrap();
        child.wait().unwrap();
        let keys = sandbox.run(["keys", "list", "--keys", "keys.json"]);
        assert!(keys.code == 0 && keys.stdout.contains("key1"), "{keys}");
    }
    assert_eq!(sandbox.run(["keys", "rotate", "--keys", "keys.json", "--stage"]).code, 0);
    assert_eq!(sandbox.files(), ["keys.json"]);
}

#[test]
fn doctor_finds_what_is_left_behind() {
    let sandbox = Sandbox::new();
    sandbox.file("secrets/keys.json", format!("[{KEY1}]"));
    sandbox.file(format!("secrets/{LEFT}"), KEY2);
    // As left behind by versions up to 0.1. The other is not a key and may belong to any program.
    sandbox.file("secrets/.tmpa1B2c3", KEY2);
    sandbox.file("secrets/.tmpd4E5f6", "x");
    sandbox.file(
        "oauthctl.toml",
        "keys = ['secrets/keys.json']\n[client]\nclient_uri = 'https://app.example.com'\n",
    );
    let output = sandbox.run(["doctor", "--offline", "--format", "jsonl"]);
    for (name, found) in [(LEFT, true), (".tmpa1B2c3", true), (".tmpd4E5f6", false)] {
        let what = format!("secrets/{name} is a leftover of a killed run");
        assert_eq!(output.stdout.contains(&what), found, "{name}: {output}");
    }
}
