//! Errors about keys: one line with the name of the source and a hint, and no change.

use serde_json::json;

use crate::database::AppDatabase;
use crate::samples::{ALICE, KEY1, KEY2, jwk_with, object, session};
use crate::sandbox::{Output, Sandbox};

/// Returns the error about a key source with this text, which must be the same in all commands.
fn refusal_of(text: impl AsRef<[u8]>) -> Output {
    let sandbox = Sandbox::new();
    sandbox.file("key.json", text);
    let converting = sandbox.refusal(["gen-jwk", "--from", "key.json", "-o", "out.json"]);
    assert_eq!(sandbox.refusal(["jwks", "--keys", "key.json", "-o", "out.json"]), converting);
    AppDatabase::create(&sandbox.path("app.db"))
        .session(&session(ALICE, "3h"))
        .execute("PRAGMA wal_checkpoint");
    assert_eq!(sandbox.run(["sessions", "list", "--keys", "key.json"]), converting);
    converting
}

/// Returns the error about a text to be published.
fn refusal_of_set(text: &str) -> Output {
    let sandbox = Sandbox::new();
    sandbox.file("key.json", text);
    sandbox.refusal(["jwks", "--keys", "key.json"])
}

#[test]
fn a_key_file_that_cannot_be_read() {
    let sandbox = Sandbox::new();
    sandbox.file("private.json", KEY1);
    sandbox.sh("ln -s loop.json loop.json; chmod 755 . ..");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "missing.json"]), @r"
    exit 2
    -- stderr --
    error: missing.json: cannot read the key file
    caused by: No such file or directory (os error 2)
    hint: check that it is $SANDBOX/app/missing.json, and that this user can read it
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "loop.json"]), @r"
    exit 2
    -- stderr --
    error: loop.json: cannot read the key file
    caused by: Too many levels of symbolic links (os error 40)
    hint: check that it is $SANDBOX/app/loop.json, and that this user can read it
    ");
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "."]), @r"
    exit 2
    -- stderr --
    error: .: is a directory, not a key file
    hint: use the key file in it
    ");
    sandbox.sh("chmod 000 private.json");
    insta::assert_snapshot!(sandbox.refusal_for_an_ordinary_user(["jwks", "--keys", "private.json"]), @r"
    exit 2
    -- stderr --
    error: private.json: cannot read the key file
    caused by: Permission denied (os error 13)
    hint: check that it is $SANDBOX/app/private.json, and that this user can read it
    ");
}

#[test]
fn a_key_file_that_is_not_text() {
    insta::assert_snapshot!(refusal_of(b"\x30\x81\x87\x02\x01\x00"), @r"
    exit 2
    -- stderr --
    error: key.json: is DER, but must be text
    hint: `openssl pkey -inform DER -in FILE` prints it as PEM
    ");
    insta::assert_snapshot!(refusal_of(format!("\u{feff}{KEY1}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()), @r"
    exit 2
    -- stderr --
    error: key.json: is UTF-16 text instead of UTF-8
    hint: save it as UTF-8: `iconv -f UTF-16 -t UTF-8 FILE > NEW`
    ");
}

#[test]
fn a_variable_that_is_not_text() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut sandbox = Sandbox::new();
    sandbox.set("KEY", std::ffi::OsString::from_vec(vec![b'{', 0xff, b'}']));
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "env:KEY"]), @r"
    exit 2
    -- stderr --
    error: env:KEY: the variable is not UTF-8 text
    hint: keys and addresses must be text; export it again
    ");
    sandbox.set("KEY", KEY1);
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "env:NO-NAME"]), @r#"
    exit 2
    -- stderr --
    error: env:NO-NAME: "NO-NAME" is not a valid variable name
    hint: use letters, digits and _
    "#);
}

#[test]
fn a_file_too_large_to_be_a_key() {
    insta::assert_snapshot!(refusal_of(" ".repeat(2 << 20)), @r"
    exit 2
    -- stderr --
    error: key.json: is larger than 1 MiB and not a key file
    hint: use the key file
    ");
}

#[test]
fn text_that_is_no_key() {
    insta::assert_snapshot!(refusal_of("hello"), @r"
    exit 2
    -- stderr --
    error: key.json: is not a private key in a known form
    hint: known forms: JWK, JSON array of JWKs, JWKS, PKCS#8 PEM, base64 of one of these, multibase P-256 key; copy the complete key from the place where the app reads it
    ");
    insta::assert_snapshot!(refusal_of(&KEY1[..KEY1.len() / 2]), @r"
    exit 2
    -- stderr --
    error: key.json: is not JSON
    caused by: EOF while parsing a string at line 1 column 111
    hint: check the quotes in the shell or dotenv file
    ");
    insta::assert_snapshot!(refusal_of(KEY1.replace('"', "")), @r"
    exit 2
    -- stderr --
    error: key.json: is not JSON
    caused by: key must be a string at line 1 column 2
    hint: check the quotes in the shell or dotenv file
    ");
}

#[test]
fn json_that_is_no_jwk() {
    insta::assert_snapshot!(refusal_of("{}"), @r#"
    exit 2
    -- stderr --
    error: key.json: not a JWK: it has no `kty`
    hint: a JWK starts with {"kty":"EC","crv":"P-256",…}; use a source that contains one
    "#);
    insta::assert_snapshot!(refusal_of("[1]"), @r"
    exit 2
    -- stderr --
    error: key.json: key 1: is not a JWK
    hint: a JWK is a JSON object
    ");
    insta::assert_snapshot!(refusal_of(r#"{"keys":{}}"#), @r#"
    exit 2
    -- stderr --
    error: key.json: `keys` must be an array of JWKs
    hint: a JWKS looks like {"keys":[{…}]}
    "#);
    insta::assert_snapshot!(refusal_of("[".repeat(100_000)), @r"
    exit 2
    -- stderr --
    error: key.json: is not JSON
    caused by: recursion limit exceeded at line 1 column 128
    hint: check the quotes in the shell or dotenv file
    ");
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"kid": 1}))), @r#"
    exit 2
    -- stderr --
    error: key.json: `kid` must be a string
    hint: write it in quotes: "kid":"1700000000000"
    "#);
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"x": 1}))), @r"
    exit 2
    -- stderr --
    error: key.json: `x` must be a string
    hint: the JWK is damaged; copy all of it
    ");
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"y": null}))), @r"
    exit 2
    -- stderr --
    error: key.json: `y` is missing
    hint: the JWK is damaged; copy all of it
    ");
}

#[test]
fn the_bare_number_of_a_key_is_not_repeated() {
    let sandbox = Sandbox::new();
    for d in [
        "_hhnG7qLVZmwYf3DxgXfHc1w8Kf5oBz0mXq2nVtYrUs",
        "-hhnG7qLVZmwYf3DxgXfHc1w8Kf5oBz0mXq2nVtYrUs",
        "AhhnG7qLVZmwYf3DxgXfHc1w8Kf5oBz0mXq2nVtYrUs",
    ] {
        for source in [d.to_owned(), format!("env:{d}"), format!("file:{d}")] {
            let separate = sandbox.run(["jwks", "--keys", &source]);
            let joined = sandbox.refusal(["jwks", &format!("--keys={source}")]);
            assert!(joined.stderr.contains("not the key itself"), "{joined}");
            for output in [separate, joined] {
                assert!(output.code == 2 && !output.stderr.contains(&d[1..13]), "{output}");
            }
        }
    }
    // Other names of this length are names.
    let named = sandbox.refusal(["jwks", "--keys", "the_file_with_the_oauth_keys_of_our_web_app"]);
    assert!(named.stderr.contains("cannot read the key file"), "{named}");
}

#[test]
fn a_key_given_in_place_of_its_source_is_not_echoed() {
    let sandbox = Sandbox::new();
    let refusal = sandbox.refusal(["jwks", "--keys", KEY1]);
    assert!(!refusal.to_string().contains("870MB6"));
    insta::assert_snapshot!(refusal, @r"
    exit 2
    -- stderr --
    error: a key source is a place where a key is stored, not the key itself
    hint: put the key in a file or a variable, and use --keys FILE or --keys env:NAME
    ");
}

#[test]
fn a_public_key_where_a_private_one_is_needed() {
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"d": null, "key_ops": null, "use": "sig"}))), @r"
    exit 2
    -- stderr --
    error: key.json: this is a public key (it has no `d`), but a private key is needed
    hint: use the source of the private key; it includes the public key
    ");
    insta::assert_snapshot!(refusal_of(format!("[{KEY1},{}]", jwk_with(KEY2, &json!({"d": null})))), @r#"
    exit 2
    -- stderr --
    error: key.json: key 2 (kid "key2"): this is a public key (it has no `d`), but a private key is needed
    hint: use the source of the private key; it includes the public key
    "#);
    insta::assert_snapshot!(refusal_of("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"), @r"
    exit 2
    -- stderr --
    error: key.json: this PEM is a public key, but a private key is needed
    hint: use the source of the private key; it includes the public key
    ");
}

#[test]
fn halves_of_two_keys() {
    let d = &object(KEY2)["d"];
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({ "d": d }))), @r"
    exit 2
    -- stderr --
    error: key.json: `d` does not belong to `x` and `y`: they are parts of two keys
    hint: copy the complete JWK from one place
    ");
}

#[test]
fn a_scalar_that_is_none() {
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"d": "A".repeat(43)}))), @r"
    exit 2
    -- stderr --
    error: key.json: `d` is not a P-256 private key: it is zero or beyond the group order
    hint: copy the complete key from its origin again
    ");
}

#[test]
fn short_or_padded_base64url() {
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"d": "870MB6gfuTJ4HtUnUvYMyA"}))), @r"
    exit 2
    -- stderr --
    error: key.json: `d` has 16 bytes where a P-256 key has 32
    hint: the value was cut, or lost its leading zeros; copy the key from its origin again
    ");
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4="}))), @r"
    exit 2
    -- stderr --
    error: key.json: `x` is padded: base64url in a JWK has no `=`
    hint: remove the `=`
    ");
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IF+M"}))), @r"
    exit 2
    -- stderr --
    error: key.json: `y` is not base64url
    hint: base64url has `-` and `_` where base64 has `+` and `/`
    ");
}

#[test]
fn two_keys_with_one_kid() {
    let mut sandbox = Sandbox::new();
    sandbox.set("KEYS", format!("[{KEY1},{}]", jwk_with(KEY2, &json!({"kid": "key1"}))));
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "env:KEYS"]), @r"
    exit 2
    -- stderr --
    error: env:KEYS: two keys have the kid key1; servers reject such a set
    hint: remove one of them; never rename a key that sessions are bound to
    ");
    // Also if they come from two sources.
    sandbox.set("ONE", KEY1);
    insta::assert_snapshot!(sandbox.refusal(["jwks", "--keys", "env:ONE", "--keys", "env:ONE"]), @r"
    exit 2
    -- stderr --
    error: env:ONE, env:ONE: two keys have the kid key1; servers reject such a set
    hint: remove one of them; never rename a key that sessions are bound to
    ");
}

#[test]
fn a_key_without_a_kid() {
    insta::assert_snapshot!(refusal_of_set(&jwk_with(KEY1, &json!({"kid": null}))), @r#"
    exit 2
    -- stderr --
    error: key.json: key 1 has no kid, so the app cannot publish it
    hint: name the kid that the app uses for it in oauthctl.toml: keys = [{ source = "SOURCE", kid = "KID" }], or with --keys SOURCE#kid=KID
    "#);
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"kid": ""}))), @r"
    exit 2
    -- stderr --
    error: key.json: a kid must not be empty
    hint: remove it to use the thumbprint as kid
    ");
}

#[test]
fn a_key_on_another_curve_or_of_another_kind() {
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"crv": "secp256k1"}))), @r#"
    exit 2
    -- stderr --
    error: key.json: unsupported curve "secp256k1": a client key is an EC key on P-256
    hint: atproto servers require ES256; use the source of the key with which the app signs its token requests
    "#);
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"crv": "P-384"}))), @r#"
    exit 2
    -- stderr --
    error: key.json: unsupported curve "P-384": a client key is an EC key on P-256
    hint: atproto servers require ES256; use the source of the key with which the app signs its token requests
    "#);
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"crv": null}))), @r"
    exit 2
    -- stderr --
    error: key.json: unsupported curve none: a client key is an EC key on P-256
    hint: atproto servers require ES256; use the source of the key with which the app signs its token requests
    ");
    insta::assert_snapshot!(refusal_of(r#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}"#), @r#"
    exit 2
    -- stderr --
    error: key.json: unsupported key type "RSA": a client key is an EC key on P-256
    hint: atproto servers require ES256; use the source of the key with which the app signs its token requests
    "#);
    insta::assert_snapshot!(refusal_of(r#"{"kty":"OKP","crv":"Ed25519","x":"AQAB","d":"AQAB"}"#), @r#"
    exit 2
    -- stderr --
    error: key.json: unsupported key type "OKP": a client key is an EC key on P-256
    hint: atproto servers require ES256; use the source of the key with which the app signs its token requests
    "#);
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"alg": "ES384"}))), @r#"
    exit 2
    -- stderr --
    error: key.json: `alg` is "ES384", but a P-256 key signs ES256
    hint: set alg to ES256
    "#);
    insta::assert_snapshot!(refusal_of(jwk_with(KEY1, &json!({"key_ops": ["verify"]}))), @r#"
    exit 2
    -- stderr --
    error: key.json: `key_ops` does not let this key sign
    hint: set key_ops to ["sign"]
    "#);
    insta::assert_snapshot!(refusal_of("z3u2UCeJ4VzURwdp6jSPRKmAVTgfZ5XWJ6YGzXg8w3bA8yfd"), @r"
    exit 2
    -- stderr --
    error: key.json: this multibase key is not a P-256 private key
    hint: those begin with z42
    ");
}

#[test]
fn a_key_that_the_app_cannot_sign_with_and_how_to_mend_it() {
    let mut sandbox = Sandbox::new();
    for (member, value) in [("use", json!("sig")), ("key_ops", json!(["sign"]))] {
        sandbox.set("KEY", jwk_with(KEY2, &json!({ member: value })));
        let refusal = sandbox.refusal(["jwks", "--keys", "env:KEY"]);
        insta::allow_duplicates! { insta::assert_snapshot!(refusal, @r"
        exit 2
        -- stderr --
        error: env:KEY: key key2 has `use` or `key_ops` without `alg`: the app cannot sign with it
        hint: `oauthctl gen-jwk --from SOURCE` prints the same key with `alg`, under the same kid
        ") };
        let mended = sandbox.result(["gen-jwk", "--from", "env:KEY"]);
        sandbox.set("KEY", mended.trim_end());
        assert!(sandbox.result(["jwks", "--keys", "env:KEY"]).contains("key2"));
    }
}

#[test]
fn a_pem_of_another_kind() {
    let sandbox = Sandbox::new();
    sandbox.sh("umask 077
        openssl ecparam -name prime256v1 -genkey -noout -out sec1.pem
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem
        openssl pkcs8 -topk8 -in sec1.pem -passout pass:x -out encrypted.pem");
    let from = |name| sandbox.refusal(["gen-jwk", "--from", name, "--kid", "k"]);
    insta::assert_snapshot!(from("sec1.pem"), @r"
    exit 2
    -- stderr --
    error: sec1.pem: this PEM is SEC1 (`BEGIN EC PRIVATE KEY`), which the client library does not read
    hint: `openssl pkcs8 -topk8 -nocrypt -in FILE` turns it into PKCS#8
    ");
    insta::assert_snapshot!(from("p384.pem"), @r"
    exit 2
    -- stderr --
    error: p384.pem: is an EC key on P-384, but a client key is an EC key on P-256
    hint: use the source of the key with which the app signs its token requests
    ");
    insta::assert_snapshot!(from("encrypted.pem"), @r"
    exit 2
    -- stderr --
    error: encrypted.pem: this PEM is encrypted
    hint: `openssl pkey -in FILE` asks for its password and prints the key
    ");
}
