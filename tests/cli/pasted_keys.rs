//! Keys as operators paste them: all forms that apps accept are read, and other text stops `init`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::samples::{KEY1, KEY2, jwk_with, object};
use crate::sandbox::{Output, Sandbox};

const INIT: [&str; 5] = ["init", "--yes", "--client-uri", "https://app.example.com", "--offline"];

/// Returns the PKCS#8 PEM of the first key.
fn pem() -> String {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", KEY1);
    sandbox.result(["gen-jwk", "--from", "env:KEY", "--encoding", "pem"])
}

/// Returns the published kids of a source.
#[track_caller]
fn kids(sandbox: &Sandbox, source: &str) -> Vec<String> {
    let set = object(&sandbox.result(["jwks", "--keys", source]));
    let keys = set["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn init(sandbox: &Sandbox, options: &[&str]) -> Output {
    sandbox.run([&INIT, options].concat())
}

#[test]
fn a_pem_is_read_whatever_became_of_its_lines() {
    let mut sandbox = Sandbox::new();
    let (pem, d) = (pem(), object(KEY1)["d"].clone());
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for text in [
        pem.replace('\n', " "),
        pem.replace('\n', "\\n"),
        pem.replace('\n', "\\\\n"),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', ""),
        pem.replace('\n', "\n\n    "),
        format!("\u{feff}{pem}"),
        format!("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n{pem}"),
        body.clone(),
        body.replace('+', "-").replace('/', "_").replace('=', ""),
        STANDARD.encode(&pem),
        URL_SAFE_NO_PAD.encode(&pem),
        STANDARD.encode(KEY1),
        URL_SAFE_NO_PAD.encode(format!("[{KEY1}]")),
        format!("\u{feff}{KEY1}\r\n"),
    ] {
        sandbox.set("KEY", &text);
        sandbox.file("key", &text);
        for source in ["env:KEY", "key"] {
            let read = sandbox.run(["gen-jwk", "--from", source, "--kid", "key1"]);
            assert_eq!(read.code, 0, "{text}: {read}");
            assert_eq!(object(&read.stdout)["d"], d, "{text}");
        }
    }
}

#[test]
fn what_a_hint_says_of_a_key_in_another_form_leads_to_the_key() {
    let sandbox = Sandbox::new();
    sandbox.file("key.pem", pem());
    sandbox.sh("umask 077
        openssl ec -in key.pem -out sec1.pem
        openssl pkey -in key.pem -outform DER -out key.der
        openssl pkcs8 -topk8 -in key.pem -passout pass:x -out encrypted.pem
        iconv -f UTF-8 -t UTF-16 key.pem > utf16.pem");
    for (file, hint, followed) in [
        (
            "sec1.pem",
            "`openssl pkcs8 -topk8 -nocrypt -in FILE`",
            "openssl pkcs8 -topk8 -nocrypt -in sec1.pem",
        ),
        ("key.der", "`openssl pkey -inform DER -in FILE`", "openssl pkey -inform DER -in key.der"),
        (
            "encrypted.pem",
            "`openssl pkey -in FILE`",
            "openssl pkey -in encrypted.pem -passin pass:x",
        ),
        (
            "utf16.pem",
            "`iconv -f UTF-16 -t UTF-8 FILE > NEW`",
            "iconv -f UTF-16 -t UTF-8 utf16.pem",
        ),
    ] {
        let refusal = sandbox.refusal(["gen-jwk", "--from", file, "--kid", "key1"]);
        assert!(refusal.stderr.contains(hint), "{file}: {refusal}");
        let output = sandbox.sh(&format!(
            "umask 077; {followed} > new.pem && oauthctl gen-jwk --from new.pem --kid key1"
        ));
        assert_eq!(
            (output.code, &object(&output.stdout)["d"]),
            (0, &object(KEY1)["d"]),
            "{file}: {output}"
        );
    }
}

#[test]
fn a_purpose_that_prevents_signing_is_named_by_its_member() {
    let mut sandbox = Sandbox::new();
    for (members, hint, mended) in [
        (
            json!({"use": "enc", "alg": "ES256", "key_ops": null}),
            "remove `use`",
            json!({"use": null}),
        ),
        (
            json!({"key_ops": ["verify"], "alg": "ES256"}),
            "set key_ops to [\"sign\"]",
            json!({"key_ops": ["sign"]}),
        ),
    ] {
        let wrong = jwk_with(KEY1, &members);
        let refusal = sandbox.set("KEY", &wrong).refusal(["jwks", "--keys", "env:KEY"]);
        assert!(refusal.stderr.contains(hint), "{refusal}");
        sandbox.set("KEY", jwk_with(&wrong, &mended));
        assert_eq!(kids(&sandbox, "env:KEY"), ["key1"]);
    }
}

#[test]
fn a_key_without_a_kid_is_named_beside_its_source() {
    let mut sandbox = Sandbox::new();
    sandbox.set("APP_PEM", pem());
    let refusal = sandbox.refusal(["jwks", "--keys", "env:APP_PEM"]);
    assert!(
        refusal.stderr.contains("keys = [{ source = \"SOURCE\", kid = \"KID\" }]"),
        "{refusal}"
    );
    sandbox.file("oauthctl.toml", "keys = [{ source = \"env:APP_PEM\", kid = \"main-key\" }]\n");
    let set = object(&sandbox.result(["jwks"]));
    assert_eq!(set["keys"][0]["kid"], "main-key");
    // A key keeps its kid.
    sandbox.set("APP_PEM", KEY1);
    let refusal = sandbox.refusal(["jwks"]);
    assert!(
        refusal.stderr.contains("has the kid key1, and is named main-key beside its source"),
        "{refusal}"
    );
}

#[test]
fn a_kid_stands_behind_a_source_on_the_command_line() {
    let mut sandbox = Sandbox::new();
    sandbox.set("APP_PEM", pem());
    sandbox.file("key.pem", pem());
    for source in ["env:APP_PEM#kid=main key", "key.pem#kid=main key", "file:key.pem#kid= main key"]
    {
        assert_eq!(kids(&sandbox, source), ["main key"], "{source}");
    }
    sandbox.set("OAUTHCTL_KEYS", "env:APP_PEM#kid=a,env:KEY1");
    let set = object(&sandbox.set("KEY1", KEY1).result(["jwks"]));
    assert_eq!([&set["keys"][0]["kid"], &set["keys"][1]["kid"]], ["a", "key1"]);
    sandbox.unset("OAUTHCTL_KEYS");
    // As a setting, too, and as init writes it.
    sandbox.file("oauthctl.toml", "keys = \"env:APP_PEM#kid=main-key\"\n");
    assert_eq!(object(&sandbox.result(["jwks"]))["keys"][0]["kid"], "main-key");
    for (source, part) in [
        ("env:KEY1#kid=other", "has the kid key1, and is named other beside its source"),
        ("-#kid=x", "standard input takes no kid"),
        ("env:APP_PEM#kid=", "env:APP_PEM#kid="),
        ("#kid=x", "a key source must not be empty"),
    ] {
        let refusal = sandbox.refusal(["jwks", &format!("--keys={source}")]);
        assert!(refusal.code == 2 && refusal.stderr.contains(part), "{source}: {refusal}");
    }
}

#[test]
fn an_app_may_keep_the_kid_in_a_variable_of_its_own() {
    for (key, kid) in [
        ("CLIENT_SECRET_KEY", "CLIENT_SECRET_KEY_ID"),
        ("BSKY_OAUTH_PRIVATE_KEY_PEM", "BSKY_OAUTH_KID"),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.set(key, pem()).set(kid, "1");
        assert_eq!(object(&sandbox.result(["jwks"]))["keys"][0]["kid"], "1", "{key}");
        assert_eq!(kids(&sandbox, &format!("env:{key}")), ["1"]);
    }
}

#[test]
fn rotating_a_key_without_a_kid_says_how_to_name_the_new_one() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLIENT_SECRET_KEY", pem().replace('\n', " ")).set("CLIENT_SECRET_KEY_ID", "1");
    sandbox.file("oauthctl.toml", "[client]\nclient_id = \"https://app.example.com/c.json\"\n");
    let output = sandbox.run(["keys", "rotate", "--kid", "next", "-o", "next.pem"]);
    assert!(output.code != 0 || output.stderr.contains("kid = \"next\""), "{output}");
}

#[test]
fn every_family_of_variables_is_known_at_run_time() {
    for names in [
        &["OAUTH_JWK"][..],
        &["ATPROTO_JWK_PRIVATE"],
        &["PRIVATE_KEY_JWK"],
        &["JOSE_PRIVATE_KEY_1"],
        &["PRIVATE_KEY_1", "PRIVATE_KEY_2"],
        &["JWK_1", "JWK_2"],
        &["NUXT_OAUTH_JWK_ONE", "NUXT_OAUTH_JWK_TWO"],
    ] {
        let mut sandbox = Sandbox::new();
        for (name, key) in names.iter().zip([KEY1, KEY2]) {
            sandbox.set(name, key);
        }
        let set = object(&sandbox.result(["jwks"]));
        assert_eq!(set["keys"].as_array().unwrap().len(), names.len(), "{names:?}");
    }
    // A missing key is reported, but not a place for a future one.
    let mut sandbox = Sandbox::new();
    sandbox.set("PRIVATE_KEY_1", "").set("PRIVATE_KEY_2", KEY2);
    assert!(sandbox.refusal(["jwks"]).stderr.contains("env:PRIVATE_KEY_1: the variable is empty"));
    sandbox.set("PRIVATE_KEY_1", KEY1).set("PRIVATE_KEY_2", "").set("PRIVATE_KEY_3", KEY2);
    assert_eq!(object(&sandbox.result(["jwks"]))["keys"].as_array().unwrap().len(), 2);
    let mut sandbox = Sandbox::new();
    sandbox.file("keys/app.json", KEY1);
    sandbox.set("OAUTH_PRIVATE_KEY_PATH", "keys/app.json");
    assert!(sandbox.result(["jwks"]).contains("key1"));
}

#[test]
fn a_key_of_another_type_is_passed_over() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PRIVATE_KEY", "0f".repeat(32)).set("OAUTH_JWK", KEY1);
    assert!(sandbox.result(["jwks"]).contains("key1"));
    sandbox.unset("OAUTH_JWK");
    let refusal = sandbox.refusal(["keys", "list"]);
    assert!(refusal.stderr.contains("hint: PRIVATE_KEY is 32 bytes in hex"), "{refusal}");
}

#[test]
fn a_public_client_may_give_the_name_of_a_key_to_something_else() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLIENT_SECRET_KEY", "not a key at all");
    assert!(
        sandbox.refusal(["jwks"]).stderr.contains("env:CLIENT_SECRET_KEY: is not a private key")
    );
    sandbox.file("oauthctl.toml", "[client]\nauth_method = \"none\"\n");
    assert_eq!(sandbox.result(["jwks"]), "{\"keys\":[]}\n");
}

#[test]
fn what_stands_near_is_named_where_no_key_is_found() {
    let mut sandbox = Sandbox::new();
    sandbox.file(".env", format!("OAUTH_JWK='{KEY1}'\n"));
    let refusal = sandbox.refusal(["keys", "list"]);
    assert!(
        refusal.stderr.contains("hint: OAUTH_JWK is in .env here: write env_file = \".env\""),
        "{refusal}"
    );
    sandbox.file("oauthctl.toml", "env_file = \".env\"\n");
    assert!(sandbox.result(["jwks"]).contains("key1"));
    std::fs::remove_file(sandbox.path(".env")).unwrap();
    std::fs::remove_file(sandbox.path("oauthctl.toml")).unwrap();
    sandbox.set("MY_OAUTH_JWK", KEY1);
    let refusal = sandbox.refusal(["keys", "list"]);
    assert!(refusal.stderr.contains("MY_OAUTH_JWK (--keys env:MY_OAUTH_JWK)"), "{refusal}");
    assert_eq!(kids(&sandbox, "env:MY_OAUTH_JWK"), ["key1"]);
}

#[test]
fn init_makes_no_key_beside_one_that_cannot_be_read() {
    let jwk = jwk_with(KEY1, &json!({}));
    for (line, part) in [
        (format!("NUXT_OAUTH_JWK_ONE=\"'{jwk}'\""), "single quotes"),
        (format!("PRIVATE_KEY_JWK={}", jwk.replace('"', "\\\"")), "escaped quotes"),
        (
            format!("PRIVATE_KEY=\"{}\"", pem().replace("\\n", "").split('\n').next().unwrap()),
            "cut short",
        ),
        ("OAUTH_JWK=changeme".to_owned(), "is not a private key"),
        (format!("OAUTH_JWK={}", &jwk[..80]), "is not JSON"),
        (format!("NUXT_OAUTH_JWK_ONE {jwk}"), "is not an assignment"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.file(".env", format!("A=1\n{line}\n"));
        let before = sandbox.everything();
        let output = init(&sandbox, &[]);
        assert_eq!(output.code, 2, "{line}: {output}");
        assert!(
            output.stderr.contains(part) && output.stderr.contains("--new-key"),
            "{line}: {output}"
        );
        assert_eq!(before, sandbox.everything(), "{line}");
        let output = init(&sandbox, &["--new-key"]);
        assert!(
            output.code == 0 && sandbox.files().contains(&"client-key.json".to_owned()),
            "{line}: {output}"
        );
    }
}

#[test]
fn init_takes_the_app_s_key_in_every_form() {
    let (pem, jwk) = (pem(), KEY1);
    for text in [
        format!("NUXT_OAUTH_JWK_ONE='{jwk}'"),
        format!("\u{feff}NUXT_OAUTH_JWK_ONE='{jwk}'"),
        format!("NUXT_OAUTH_JWK_ONE: '{jwk}'"),
        format!("export NUXT_OAUTH_JWK_ONE={jwk}"),
        format!("NUXT_OAUTH_JWK_ONE={}", STANDARD.encode(jwk)),
        format!("CLIENT_SECRET_KEY=\"{}\"\nCLIENT_SECRET_KEY_ID=key1", pem.replace('\n', "\\n")),
        format!("CLIENT_SECRET_KEY='{pem}'\nCLIENT_SECRET_KEY_ID=key1"),
        format!("BLUESKY_KEY_1={}\nBLUESKY_KEY_1_KID=key1", STANDARD.encode(&pem)),
    ] {
        let sandbox = Sandbox::new();
        sandbox.file(".env", &text);
        let output = init(&sandbox, &[]);
        assert_eq!(output.code, 0, "{text}: {output}");
        assert!(output.stderr.contains("found the app's client key"), "{text}: {output}");
        assert!(!sandbox.files().contains(&"client-key.json".to_owned()), "{text}");
        assert!(sandbox.result(["jwks"]).contains("\"key1\""), "{text}");
    }
}

#[test]
fn init_passes_over_a_key_for_something_else() {
    let sandbox = Sandbox::new();
    sandbox.file(".env", format!("PRIVATE_KEY={}\n", "0f".repeat(32)));
    let output = init(&sandbox, &[]);
    assert!(
        output.code == 0 && output.stderr.contains("ignored PRIVATE_KEY: it is 32 bytes in hex"),
        "{output}"
    );
}

#[test]
fn a_line_that_is_no_assignment_is_warned_of_by_its_number() {
    let sandbox = Sandbox::new();
    sandbox.file(".env", format!("# one\nOAUTH_JWK='{KEY1}'\nsecret nonsense\n"));
    sandbox.file("oauthctl.toml", "env_file = \".env\"\n");
    let output = sandbox.run(["jwks"]);
    assert_eq!(output.code, 0, "{output}");
    assert!(
        output.stderr.contains("line 3 is ignored: it is neither a comment nor an assignment"),
        "{output}"
    );
    assert!(!output.stderr.contains("nonsense"), "{output}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_document() {
    let mut sandbox = Sandbox::new();
    let options = [
        "metadata",
        "--public",
        "--client-uri",
        "https://app.example.com",
        "--redirect-uri",
        "/cb",
    ];
    let document = sandbox.result(options);
    sandbox.file("c.json", format!("\u{feff}{document}"));
    assert_eq!(sandbox.run(["metadata", "--check", "c.json"]).code, 0);
    sandbox.file("url", "\u{feff}sqlite:app.db\r\n");
    sandbox.set("KEY", format!("\u{feff}{KEY1}"));
    crate::database::AppDatabase::create(&sandbox.path("app.db")).close();
    assert_eq!(
        sandbox.run(["sessions", "list", "--store", "file:url", "--keys", "env:KEY"]).code,
        0
    );
}

#[test]
fn printing_an_empty_set_names_keys_nearby() {
    let sandbox = Sandbox::new();
    sandbox.file(".env", format!("PRIVATE_KEY_JWK='{KEY1}'\n"));
    for command in [
        &["jwks"][..],
        &["metadata", "--client-uri", "https://app.example.com", "--redirect-uri", "/cb"],
    ] {
        let output = sandbox.run(command);
        assert!(output.stderr.contains("PRIVATE_KEY_JWK is in .env here"), "{output}");
    }
}

#[test]
fn utf_16_is_named() {
    let utf16: Vec<u8> =
        format!("\u{feff}OAUTH_JWK='{KEY1}'\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let sandbox = Sandbox::new();
    sandbox.file(".env", &utf16);
    let output = init(&sandbox, &[]);
    assert!(output.code == 2 && output.stderr.contains("error: .env: is UTF-16 text"), "{output}");
    sandbox.file("oauthctl.toml", utf16);
    let refusal = sandbox.refusal(["jwks"]);
    assert!(refusal.stderr.contains("error: oauthctl.toml: is UTF-16 text"), "{refusal}");
    sandbox.file("oauthctl.toml", "\u{feff}[client]\nauth_method = \"none\"\n");
    assert_eq!(sandbox.run(["jwks"]).code, 0);
}
