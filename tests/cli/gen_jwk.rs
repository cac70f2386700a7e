//! `oauthctl gen-jwk` generates a key for the app, and converts existing ones.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::samples::{KEY1, KEY2, jwk_with, object};
use crate::sandbox::{NOW, Sandbox};

/// Computes an RFC 7638 thumbprint independently of the program.
fn thumbprint(jwk: &str) -> String {
    let jwk = object(jwk);
    BASE64URL.encode(Sha256::digest(format!(
        r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#,
        jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
    )))
}

/// Returns the coordinates and the scalar.
fn material(jwk: &str) -> [serde_json::Value; 3] {
    let jwk = object(jwk);
    ["x", "y", "d"].map(|name| jwk[name].clone())
}

#[test]
fn one_line_of_json_is_all_it_prints() {
    let output = Sandbox::new().run(["gen-jwk"]);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(output.stdout.matches('\n').count(), 1);
    assert!(output.stdout.ends_with("}\n"));
    let jwk = object(&output.stdout);
    let names: Vec<_> = jwk.keys().map(String::as_str).collect();
    assert_eq!(names, ["kty", "crv", "x", "y", "d", "kid", "alg", "key_ops", "iat"]);
    assert_eq!(
        (&jwk["kty"], &jwk["crv"], &jwk["alg"]),
        (&json!("EC"), &json!("P-256"), &json!("ES256"))
    );
    assert_eq!(jwk["key_ops"], json!(["sign"]));
    assert_eq!(jwk["iat"], json!(NOW.parse::<jiff::Timestamp>().unwrap().as_second()));
    for name in ["x", "y", "d"] {
        assert_eq!(BASE64URL.decode(jwk[name].as_str().unwrap()).unwrap().len(), 32, "{name}");
    }
}

#[test]
fn no_two_keys_are_the_same() {
    let sandbox = Sandbox::new();
    let [first, second] = [0, 1].map(|_| material(&sandbox.result(["gen-jwk"])));
    assert!(first.iter().zip(&second).all(|(a, b)| a != b));
}

#[test]
fn the_kid_is_the_thumbprint_of_the_key() {
    let sandbox = Sandbox::new();
    for arguments in [&["gen-jwk"] as &[_], &["gen-jwk", "--kid", "thumbprint"]] {
        let jwk = sandbox.result(arguments);
        assert_eq!(object(&jwk)["kid"], thumbprint(&jwk));
    }
}

#[test]
fn the_kid_can_be_the_time_in_milliseconds() {
    let jwk = Sandbox::new().result(["gen-jwk", "--kid", "timestamp"]);
    assert_eq!(
        object(&jwk)["kid"],
        NOW.parse::<jiff::Timestamp>().unwrap().as_millisecond().to_string()
    );
}

#[test]
fn the_kid_can_be_any_text() {
    let sandbox = Sandbox::new();
    for kid in ["key1", "2026-11 \"prod\" ✓"] {
        assert_eq!(object(&sandbox.result(["gen-jwk", "--kid", kid]))["kid"], kid);
    }
}

#[test]
fn a_file_is_for_its_owner_only_whatever_the_umask() {
    let sandbox = Sandbox::new();
    for umask in ["000", "022", "077", "777"] {
        let name = format!("{umask}.json");
        let output = sandbox.sh(&format!("umask {umask}; exec oauthctl gen-jwk -o {name}"));
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output}");
        assert_eq!(format!("{:o}", sandbox.mode(&name)), "600", "umask {umask}");
        let text = sandbox.read(&name);
        assert!(object(&text).contains_key("d") && text.ends_with("}\n"));
    }
    assert_eq!(sandbox.files(), ["000.json", "022.json", "077.json", "777.json"]);
}

#[test]
fn an_existing_file_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.file("key.json", KEY1);
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "-o", "key.json"]), @r"
    exit 2
    -- stderr --
    error: key.json: the file exists and contains a private key
    hint: choose another name; `oauthctl keys rotate` adds a key and keeps it
    ");
    std::os::unix::fs::symlink("elsewhere.json", sandbox.path("link.json")).unwrap();
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "-o", "link.json"]), @r"
    exit 2
    -- stderr --
    error: link.json: the file exists
    hint: choose another name, or --force to replace it
    ");
}

#[test]
fn an_existing_file_is_replaced_with_force_and_becomes_private() {
    let sandbox = Sandbox::new();
    sandbox.file("key.json", KEY1);
    sandbox.sh("chmod 644 key.json");
    insta::assert_snapshot!(sandbox.run(["gen-jwk", "--kid", "new", "-o", "key.json", "--force"]), @r"
    exit 0
    -- stderr --
    kept the old key.json as key.replaced-key1.json
    wrote key.json
    ");
    assert_eq!(object(&sandbox.read("key.json"))["kid"], "new");
    assert_eq!((sandbox.mode("key.json"), sandbox.mode("key.replaced-key1.json")), (0o600, 0o600));
    assert_eq!(sandbox.read("key.replaced-key1.json"), KEY1);
    assert_eq!(sandbox.files(), ["key.json", "key.replaced-key1.json"]);
}

#[test]
fn a_dash_is_stdout() {
    let sandbox = Sandbox::new();
    assert!(object(&sandbox.result(["gen-jwk", "-o", "-"])).contains_key("d"));
    assert_eq!(sandbox.files(), [""; 0]);
}

#[test]
fn on_a_terminal_it_says_that_the_key_is_private() {
    let screen = Sandbox::new().on_a_terminal(["gen-jwk"]);
    let (jwk, note) = screen.split_once('\n').unwrap();
    assert!(object(jwk).contains_key("d"));
    insta::assert_snapshot!(note, @"This is a private key: anybody who has it can act as your app. Keep it out of version control.");
    assert_eq!(Sandbox::new().on_a_terminal(["gen-jwk", "-q"]).lines().count(), 1);
}

#[test]
fn every_encoding_comes_back_unchanged() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    for (encoding, kid) in [
        ("jwk", None),
        ("jwks", None),
        ("pem", Some("key1")),
        ("pem-base64", Some("key1")),
        ("multibase", Some("key1")),
    ] {
        let encoded = sandbox.result(["gen-jwk", "--from", "env:KEY", "--encoding", encoding]);
        sandbox.stdin(encoded.as_bytes());
        let mut back = vec!["gen-jwk", "--from", "-"];
        if let Some(kid) = kid {
            back.extend(["--kid", kid]);
        }
        let jwk = sandbox.result(&back);
        assert_eq!(object(&jwk), object(KEY1), "{encoding}");
        back.extend(["--encoding", encoding]);
        assert_eq!(sandbox.result(&back), encoded, "{encoding}");
    }
}

#[test]
fn the_encodings_look_as_apps_expect_them() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    let encoded =
        |encoding| sandbox.result(["gen-jwk", "--from", "env:KEY", "--encoding", encoding]);
    insta::assert_snapshot!(encoded("jwk"), @r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"key1","alg":"ES256","key_ops":["sign"]}"#);
    insta::assert_snapshot!(encoded("jwks"), @r#"{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"key1","alg":"ES256","key_ops":["sign"]}]}"#);
    insta::assert_snapshot!(encoded("pem"), @r"
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg870MB6gfuTJ4HtUn
    UvYMyJpr5eUZNP4Bk43bVdj3eAGhRANCAAQwoEJM0hwpRIOKLXXJKzfnbqINnwCJ
    OjtO7oo8Cq/sPuBLZekkVtmIi1Kzeb371R7oae8fD8ZbZllpW2zOCBcj
    -----END PRIVATE KEY-----
    ");
    insta::assert_snapshot!(encoded("multibase"), @"z42tzHmLK7hrVkFNhcpceBEAjjyPrLHSUh8buNKwwo2ZW7Vi");
    assert_eq!(BASE64.decode(encoded("pem-base64").trim_end()).unwrap(), encoded("pem").as_bytes());
}

#[test]
fn keys_are_exchanged_with_openssl_in_both_directions() {
    let sandbox = Sandbox::new();
    let output = sandbox.sh("set -e
        oauthctl gen-jwk --encoding pem -o ours.pem -q
        openssl pkey -in ours.pem -noout -check
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out theirs.pem 2>/dev/null
        chmod 600 theirs.pem
        oauthctl gen-jwk --from theirs.pem --kid k --encoding pem -o back.pem -q
        cmp theirs.pem back.pem");
    assert_eq!(output.code, 0, "{output}");
}

#[test]
fn an_env_line_is_read_by_a_shell_and_by_a_dotenv_file() {
    let sandbox = Sandbox::new();
    sandbox.file("key.json", KEY1);
    for (encoding, kid) in
        [("jwk", ""), ("jwks", ""), ("pem-base64", "--kid key1"), ("multibase", "--kid key1")]
    {
        let line = sandbox.result([
            "gen-jwk",
            "--from",
            "key.json",
            "--env",
            "APP_KEY",
            "--encoding",
            encoding,
        ]);
        sandbox.file(".env", format!("# the app's own\nOTHER=1\n{line}"));
        // Dotenv parsers take text between single quotes literally.
        let value =
            line.strip_prefix("APP_KEY='").and_then(|rest| rest.strip_suffix("'\n")).unwrap();
        assert!(!value.contains(['\'', '\n']));
        assert_eq!(sandbox.sh(". ./.env && printf %s \"$APP_KEY\"").stdout, value, "{encoding}");
        let read =
            sandbox.sh(&format!("set -a; . ./.env; oauthctl gen-jwk --from env:APP_KEY {kid}"));
        assert_eq!(object(&read.stdout), object(KEY1), "{encoding}");
    }
}

#[test]
fn an_env_line_never_needs_escapes() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "--env", "2KEY"]), @r#"
    exit 2
    -- stderr --
    error: "2KEY" is not a valid variable name
    hint: use letters, digits and _
    "#);
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "--env", "KEY", "--encoding", "pem"]), @r"
    exit 2
    -- stderr --
    error: a PEM does not fit on one line
    hint: use --encoding pem-base64
    ");
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "--env", "KEY", "--kid", "it's"]), @r"
    exit 2
    -- stderr --
    error: the kid contains a single quote, which a dotenv file cannot contain
    hint: choose another kid
    ");
}

#[test]
fn all_known_forms_are_converted_from_all_sources() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    let [pem, base64, multibase] = ["pem", "pem-base64", "multibase"]
        .map(|encoding| sandbox.result(["gen-jwk", "--from", "env:KEY", "--encoding", encoding]));
    for (form, text) in [
        ("jwk", KEY1.to_owned()),
        ("jwk over several lines", KEY1.replace(',', ",\n  ")),
        ("array", format!("[{KEY1}]")),
        ("jwks", format!(r#"{{"keys":[{KEY1}]}}"#)),
        ("pem", pem.clone()),
        ("pem on one line", pem.trim_end().replace('\n', "\\n")),
        ("base64 of a pem", base64),
        ("multibase", multibase),
    ] {
        sandbox.set("ANY_FORM", &text).stdin(text.as_bytes()).file("any-form", &text);
        let has_kid = text.contains("kid");
        for source in ["env:ANY_FORM", "-", "any-form", "file:any-form"] {
            let mut arguments = vec!["gen-jwk", "--from", source];
            if !has_kid {
                arguments.extend(["--kid", "key1"]);
            }
            assert_eq!(object(&sandbox.result(arguments)), object(KEY1), "{form} from {source}");
        }
    }
}

#[test]
fn converted_keys_keep_their_kid_and_unknown_members() {
    let mut sandbox = Sandbox::new();
    sandbox
        .set("KEY", jwk_with(KEY2, &json!({"use": "sig", "x-note": "from the vault", "iat": 1})));
    insta::assert_snapshot!(sandbox.run(["gen-jwk", "--from", "env:KEY"]), @r#"
    exit 0
    -- stdout --
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","kid":"key2","x-note":"from the vault","iat":1,"alg":"ES256","key_ops":["sign"]}
    "#);
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "--from", "env:KEY", "--kid", "renamed"]), @r"
    exit 2
    -- stderr --
    error: env:KEY: contains no key with the kid renamed
    hint: a key keeps its kid, because sessions are bound to it. Remove --kid, or use an existing kid
    ");
}

#[test]
fn a_key_without_a_kid_needs_one() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    for encoding in ["pem", "pem-base64", "multibase"] {
        let encoded = sandbox.result(["gen-jwk", "--from", "env:KEY", "--encoding", encoding]);
        sandbox.set("NAMELESS", encoded.trim_end());
        let refusal = sandbox.refusal(["gen-jwk", "--from", "env:NAMELESS"]);
        insta::allow_duplicates! { insta::assert_snapshot!(refusal, @r"
        exit 2
        -- stderr --
        error: env:NAMELESS: the key has no kid, but sessions are bound to the kid that the app uses for it
        hint: set it with --kid NAME; you find the name in the app's code or in its published JWKS
        ") };
        // Conversions between forms without a kid need none.
        assert_eq!(
            sandbox.result(["gen-jwk", "--from", "env:NAMELESS", "--encoding", encoding]),
            encoded
        );
        // The thumbprint can be requested by name.
        let named = sandbox.result(["gen-jwk", "--from", "env:NAMELESS", "--kid", "thumbprint"]);
        assert_eq!(object(&named)["kid"], thumbprint(KEY1));
    }
}

#[test]
fn one_of_several_keys_is_chosen_by_its_kid() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEYS", format!("[{KEY1},{KEY2}]"));
    assert_eq!(
        material(&sandbox.result(["gen-jwk", "--from", "env:KEYS", "--kid", "key2"])),
        material(KEY2)
    );
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "--from", "env:KEYS"]), @r"
    exit 2
    -- stderr --
    error: env:KEYS: holds 2 keys
    hint: choose one with --kid, or use --encoding jwks
    ");
    let all = object(&sandbox.result(["gen-jwk", "--from", "env:KEYS", "--encoding", "jwks"]));
    assert_eq!([&all["keys"][0]["kid"], &all["keys"][1]["kid"]], ["key1", "key2"]);
}
