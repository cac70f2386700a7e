//! Errors about arguments and their targets: one line with a hint, and no change.

use crate::sandbox::Sandbox;

#[test]
fn an_argument_that_cannot_be_meant() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "alice"]), @r#"
    exit 2
    -- stderr --
    error: "alice" is neither a DID nor a handle
    hint: write did:plc:abcdefghijklmnopqrstuvwx, did:web:example.com or alice.example.com
    "#);
    insta::assert_snapshot!(sandbox.refusal(["sessions", "list", "--not-refreshed-for", "1mo"]), @r#"
    exit 2
    -- stderr --
    error: --not-refreshed-for: "1mo" uses months or years, whose length varies
    hint: write a duration like 30m, 12h, 14d or 2w
    "#);
    insta::assert_snapshot!(sandbox.refusal(["states", "purge", "--older-than=-30m"]), @r#"
    exit 2
    -- stderr --
    error: --older-than: "-30m" is negative
    hint: write a duration like 30m, 12h, 14d or 2w
    "#);
    insta::assert_snapshot!(sandbox.refusal(["keys", "rotate", "--activate-in", "soon"]), @r#"
    exit 2
    -- stderr --
    error: --activate-in: "soon" is not a duration
    hint: write a duration like 30m, 12h, 14d or 2w
    "#);
}

#[test]
fn a_directory_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir closed; cd closed; printf x > key.json; chmod 755 .. ../.. .");
    insta::assert_snapshot!(sandbox.refusal_for_an_ordinary_user(["gen-jwk", "-o", "closed/new.json"]), @r"
    exit 1
    -- stderr --
    error: closed/new.json: cannot write the file
    caused by: permission denied
    hint: check that this user can create files in closed
    ");
    insta::assert_snapshot!(sandbox.refusal_for_an_ordinary_user(["gen-jwk", "-o", "closed/key.json", "--force"]), @r"
    exit 1
    -- stderr --
    error: closed/key.json: cannot write the file
    caused by: permission denied
    hint: check that this user can create files in closed
    ");
    insta::assert_snapshot!(sandbox.refusal(["gen-jwk", "-o", "missing/new.json"]), @r"
    exit 1
    -- stderr --
    error: missing/new.json: cannot write the file
    hint: create the directory missing first
    ");
    insta::assert_snapshot!(sandbox.refusal(["man", "--output-dir", "missing"]), @r"
    exit 1
    -- stderr --
    error: missing: is not a directory
    hint: create it first
    ");
}
