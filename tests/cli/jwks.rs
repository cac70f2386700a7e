//! `oauthctl jwks` prints the public document, without any private member.

use serde_json::json;

use crate::samples::{KEY1, KEY2, jwk_with, object};
use crate::sandbox::Sandbox;

/// Private scalars of the test keys.
const SECRETS: [&str; 2] =
    ["870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE", "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"];

#[test]
fn public_keys_come_on_one_line_in_their_order() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEYS", format!("[{KEY1},{KEY2}]"));
    insta::assert_snapshot!(sandbox.run(["jwks", "--keys", "env:KEYS"]), @r#"
    exit 0
    -- stdout --
    {"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"key1","alg":"ES256","use":"sig"},{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"key2","alg":"ES256","use":"sig"}]}
    "#);
}

#[test]
fn no_form_of_key_lets_a_private_member_out() {
    let mut sandbox = Sandbox::new();
    let talkative = json!({"use": "sig", "ext": true, "iat": 1, "nbf": 2, "exp": 4_000_000_000_u32, "x5c": [], "dp": "p", "k": "k"});
    for (form, text) in [
        ("bare", KEY2.to_owned()),
        ("for signing", KEY1.to_owned()),
        ("with members of all kinds", jwk_with(KEY1, &talkative)),
        ("array", format!("[{KEY1},{KEY2}]")),
        ("jwks", format!(r#"{{"keys":[{KEY1},{KEY2}]}}"#)),
    ] {
        sandbox.set("KEYS", &text).file("keys.json", &text);
        sandbox.stdin(text);
        for source in ["env:KEYS", "keys.json", "-"] {
            let document = sandbox.result(["jwks", "--keys", source]);
            assert!(SECRETS.iter().all(|secret| !document.contains(secret)), "{form}: {document}");
            let document = object(&document);
            assert_eq!(document.keys().collect::<Vec<_>>(), ["keys"], "{form}");
            for key in document["keys"].as_array().unwrap() {
                let mut members: Vec<_> =
                    key.as_object().unwrap().keys().map(String::as_str).collect();
                members.sort_unstable();
                assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"], "{form}");
            }
        }
    }
}

#[test]
fn a_form_without_a_kid_is_not_published() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    for encoding in ["pem", "pem-base64", "multibase"] {
        let encoded = sandbox.result(["gen-jwk", "--from", "env:KEY", "--encoding", encoding]);
        sandbox.set("NAMELESS", encoded.trim_end());
        let refusal = sandbox.refusal(["jwks", "--keys", "env:NAMELESS"]);
        insta::allow_duplicates! { insta::assert_snapshot!(refusal, @r#"
        exit 2
        -- stderr --
        error: env:NAMELESS: key 1 has no kid, so the app cannot publish it
        hint: name the kid that the app uses for it in oauthctl.toml: keys = [{ source = "SOURCE", kid = "KID" }], or with --keys SOURCE#kid=KID
        "#) };
    }
}

#[test]
fn several_sources_make_one_set_in_the_order_they_are_named() {
    let mut sandbox = Sandbox::new();
    sandbox.set("OLD", KEY1).file("new.json", KEY2);
    let kids = |document: &str| {
        let keys = object(document)["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        kids(&sandbox.result(["jwks", "--keys", "new.json", "--keys", "env:OLD"])),
        ["key2", "key1"]
    );
    sandbox.set("OAUTHCTL_KEYS", "env:OLD,file:new.json");
    assert_eq!(kids(&sandbox.result(["jwks"])), ["key1", "key2"]);
}

#[test]
fn it_is_indented_for_a_person_at_a_terminal() {
    let mut sandbox = Sandbox::new();
    sandbox.set("OAUTH_JWK_ONE", KEY1);
    insta::assert_snapshot!(sandbox.on_a_terminal(["jwks"]), @r#"
    {
      "keys": [
        {
          "kty": "EC",
          "crv": "P-256",
          "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
          "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
          "kid": "key1",
          "alg": "ES256",
          "use": "sig"
        }
      ]
    }
    "#);
}

#[test]
fn a_file_is_for_everyone_and_holds_the_same_line() {
    let mut sandbox = Sandbox::new();
    sandbox.set("OAUTH_JWK_ONE", KEY1);
    insta::assert_snapshot!(sandbox.run(["jwks", "-o", "jwks.json"]), @r"
    exit 0
    -- stderr --
    wrote jwks.json
    ");
    assert_eq!(sandbox.read("jwks.json"), sandbox.result(["jwks"]));
    assert_eq!(sandbox.mode("jwks.json"), 0o644);
    insta::assert_snapshot!(sandbox.refusal(["jwks", "-o", "jwks.json"]), @r"
    exit 2
    -- stderr --
    error: jwks.json: the file exists
    hint: choose another name, or --force to replace it
    ");
    assert_eq!(sandbox.run(["jwks", "-o", "jwks.json", "--force"]).code, 0);
}

#[test]
fn no_keys_and_no_settings_print_an_empty_set_with_a_warning() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(["jwks"]), @r#"
    exit 0
    -- stdout --
    {"keys":[]}
    -- stderr --
    warning: no key source is configured, so the set is empty; use --keys for one
    "#);
    sandbox.file("oauthctl.toml", "[client]\nauth_method = 'none'\n");
    assert_eq!(sandbox.result(["jwks"]), "{\"keys\":[]}\n");
    sandbox.file("oauthctl.toml", "[client]\nauth_method = 'private_key_jwt'\n");
    insta::assert_snapshot!(sandbox.refusal(["jwks"]), @r#"
    exit 2
    -- stderr --
    error: no key source is configured, but only public clients have an empty key set
    hint: use --keys, or set `keys` in oauthctl.toml; for a public client, set auth_method = "none" under [client]
    "#);
}

#[test]
fn a_source_without_a_key_is_an_error() {
    let mut sandbox = Sandbox::new();
    for empty in ["[]", r#"{"keys":[]}"#] {
        sandbox.set("PRIVATE_KEYS", empty);
        for arguments in [
            &["jwks"] as &[_],
            &["jwks", "--keys", "env:PRIVATE_KEYS"],
            &["jwks", "-o", "jwks.json"],
        ] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(sandbox.refusal(arguments), @r#"
                exit 2
                -- stderr --
                error: the key source contains no key, but a confidential client needs one
                hint: `oauthctl gen-jwk` creates one; for a public client, set auth_method = "none" under [client]
                "#);
            }
        }
    }
}

#[test]
fn a_source_that_was_named_and_holds_nothing_is_an_error() {
    let mut sandbox = Sandbox::new();
    sandbox.set("EMPTY", "").set("BLANK", " \n").set("NOT_UTF8", std::ffi::OsString::from("é"));
    sandbox.file("empty.json", "");
    sandbox.file("blank.json", " \n");
    std::fs::create_dir(sandbox.path("directory")).unwrap();
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "env:UNSET"]), @r"
    exit 2
    -- stderr --
    error: env:UNSET: the variable is not set
    hint: export UNSET, or name another source
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "env:EMPTY"]), @r"
    exit 2
    -- stderr --
    error: env:EMPTY: the variable is empty
    hint: give EMPTY a value, or name another source
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "env:BLANK"]), @r"
    exit 2
    -- stderr --
    error: env:BLANK: the variable is empty
    hint: give BLANK a value, or name another source
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "missing.json"]), @r"
    exit 2
    -- stderr --
    error: missing.json: cannot read the key file
    caused by: No such file or directory (os error 2)
    hint: check that it is $SANDBOX/app/missing.json, and that this user can read it
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "empty.json"]), @r"
    exit 2
    -- stderr --
    error: empty.json: is empty
    hint: put the app's key there; `oauthctl gen-jwk` creates a first key
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "blank.json"]), @r"
    exit 2
    -- stderr --
    error: blank.json: is empty
    hint: put the app's key there; `oauthctl gen-jwk` creates a first key
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "directory"]), @r"
    exit 2
    -- stderr --
    error: directory: is a directory, not a key file
    hint: use the key file in it
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "-"]), @r"
    exit 2
    -- stderr --
    error: standard input: is empty
    hint: put the app's key there; `oauthctl gen-jwk` creates a first key
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", ""]), @r"
    exit 2
    -- stderr --
    error: a key source must not be empty
    hint: a source is a path, file:PATH, env:NAME, store:TABLE or -
    ");
}

#[test]
fn one_bad_source_beside_a_good_one_spoils_the_set() {
    let mut sandbox = Sandbox::new();
    sandbox.set("GOOD", KEY1);
    assert_eq!(sandbox.refusal(["jwks", "--keys", "env:GOOD", "--keys", "env:UNSET"]).code, 2);
}

#[test]
fn an_empty_app_variable_does_not_publish_an_empty_set() {
    let mut sandbox = Sandbox::new();
    sandbox.set("NUXT_OAUTH_JWK_ONE", "");
    insta::assert_snapshot!(sandbox.refusal(["jwks"]), @r"
    exit 2
    -- stderr --
    error: env:NUXT_OAUTH_JWK_ONE: the variable is empty
    hint: give NUXT_OAUTH_JWK_ONE a value, or name another source
    ");
}

#[test]
fn the_app_s_own_variables_are_found_in_a_fixed_order() {
    let mut sandbox = Sandbox::new();
    for (name, kid) in [
        ("PRIVATE_KEY", "4"),
        ("PRIVATE_KEYS", "3"),
        ("OAUTH_JWK_ONE", "2"),
        ("NUXT_OAUTH_JWK_ONE", "1"),
    ] {
        sandbox.set(name, jwk_with(KEY1, &json!({ "kid": kid })));
        assert_eq!(object(&sandbox.result(["jwks"]))["keys"][0]["kid"], kid);
    }
}

#[test]
fn a_key_file_that_others_can_read_is_warned_of() {
    let sandbox = Sandbox::new();
    sandbox.file("key.json", KEY1);
    sandbox.sh("chmod 644 key.json");
    insta::assert_snapshot!(sandbox.run(["jwks", "--keys", "key.json"]), @r#"
    exit 0
    -- stdout --
    {"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"key1","alg":"ES256","use":"sig"}]}
    -- stderr --
    warning: key.json can be read by other users; `chmod 600` it
    "#);
}

#[test]
fn a_set_is_checked_in_a_file_and_where_it_is_published() {
    let net = testbed::Network::start_blocking().unwrap();
    let mut sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", "[network]\nallow_http = true\nallow_private_hosts = true\n");
    let url = format!("{}{}", net.app_url(), testbed::JWKS_PATH);
    let output = sandbox.run(["jwks", "--check", &url]);
    assert_eq!((output.code, &*output.stderr), (0, &*format!("{url}: valid\n")), "{output}");
    net.publish_jwks(&serde_json::json!({"keys": [net.signing_key().unwrap()]}));
    for at in [&*url, "-", "set.json"] {
        let set = serde_json::json!({"keys": [net.signing_key().unwrap()]}).to_string();
        sandbox.file("set.json", &set);
        sandbox.stdin(set);
        let output = sandbox.run(["jwks", "--check", at, "--format", "csv"]);
        assert!(
            output.code == 1 && output.stdout.contains("keys,problem,keys.published,d"),
            "{output}"
        );
        assert!(
            !output.to_string().contains(net.signing_key().unwrap()["d"].as_str().unwrap()),
            "{at}"
        );
    }
    sandbox.stdin("[]");
    let output = sandbox.run(["jwks", "--check", "-"]);
    assert!(output.stdout.starts_with("problem  jwks: jwks: must be an object"), "{output}");
}
