//! Names on the command line that do not exist: an error for commands that change something, a
//! warning for others.

use serde_json::json;

use crate::app::{App, days_ago, did_of};
use crate::database::AppDatabase;
use crate::keys::array_of;
use crate::samples::{ALICE, BOB, KEY1, KEY2, jwk_with, session};
use crate::sandbox::Sandbox;

/// Alice's account with two letters swapped.
const ALICF: &str = "did:plc:ewvi7nxzyoun6zhxrhs64ozi";
/// Kid made by the upstream generator.
const OLD_KID: &str = "1795420766438";

/// Returns an app with the sessions of Alice and Bob.
fn app() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let mut bob = session(BOB, "2d");
    bob["authMethod"]["kid"] = json!(OLD_KID);
    database.session(&session(ALICE, "2d")).session(&bob);
    database.close();
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    sandbox
        .file("oauthctl.toml", "[client]\nclient_id = \"https://app.example.com/client.json\"\n");
    sandbox
}

/// Commands that change sessions, as dry runs.
const ACTING: [&[&str]; 4] = [
    &["sessions", "refresh", "--dry-run"],
    &["sessions", "revoke", "--dry-run"],
    &["sessions", "prune", "--dry-run", "--offline"],
    &["sessions", "revoke", "--yes"],
];

#[test]
fn nothing_is_done_where_nothing_has_the_name() {
    let sandbox = app();
    for (name, message, hint) in [
        (&[ALICF] as &[&str], format!("{ALICF} has no session"), format!("did you mean {ALICE}?")),
        (
            &["--key", ALICF],
            format!("no session has the key {ALICF}"),
            format!("did you mean {ALICE}?"),
        ),
        (
            &["--kid", "key2"],
            "no session is bound to key key2, which is also not in the key set".to_owned(),
            "did you mean key1?".to_owned(),
        ),
        (
            &["--kid", "nope"],
            "no session is bound to key nope, which is also not in the key set".to_owned(),
            "`oauthctl sessions stats` shows the servers and keys that sessions have".to_owned(),
        ),
        (
            &["--issuer", "https://auth.example.con"],
            "no session has the issuer https://auth.example.con".to_owned(),
            "did you mean https://auth.example.com?".to_owned(),
        ),
        (
            &["--scope", "transition:generik"],
            "no session has the scope transition:generik".to_owned(),
            "did you mean transition:generic?".to_owned(),
        ),
    ] {
        for command in ACTING {
            let refusal = sandbox.refusal([command, name].concat());
            assert_eq!(
                (refusal.code, refusal.stderr),
                (1, format!("error: {message}\nhint: {hint}\n")),
                "{command:?}"
            );
        }
    }
}

#[test]
fn looking_at_what_is_not_there_is_warned_of() {
    let sandbox = app();
    for (name, warning) in [
        (&[ALICF] as &[&str], format!("{ALICF} has no session; did you mean {ALICE}?")),
        (&["--kid", "nope"], "no session is bound to key nope, which is also not in the key set".to_owned()),
        (
            &["--issuer", "auth.example.org"],
            "no session has the issuer https://auth.example.org; did you mean https://auth.example.com?".to_owned(),
        ),
    ] {
        for command in [
            &["sessions", "list", "-q"] as &[&str],
            &["sessions", "stats", "-q"],
            &["sessions", "export", "-q", "-o", "-"],
        ] {
            let output = sandbox.run([command, name].concat());
            assert_eq!((output.code, output.stderr), (0, format!("warning: {warning}\n")), "{command:?}");
        }
    }
    // The limit may have kept others from being read.
    assert_eq!(
        sandbox.run(["sessions", "list", "-q", "--issuer", "nope.example", "--limit", "0"]).stderr,
        ""
    );
}

#[test]
fn what_is_there_is_no_error_whatever_comes_of_it() {
    let sandbox = app();
    for name in [
        &["--kid", "key1", "--status", "dead"] as &[&str],
        &["--issuer", "auth.example.com", "--status", "fresh"],
        &[ALICE, "--status", "dead"],
        &["--kid", "key1", "--scope", "atproto", "--auth", "none"],
    ] {
        let output = sandbox.run([&["sessions", "revoke", "--yes"], name].concat());
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "0 sessions: 0 confirmed\n"),
            "{name:?}: {output}"
        );
    }
    // A key without bound records exists, too.
    sandbox.file("keys.json", format!("[{KEY1},{KEY2}]"));
    let output =
        sandbox.run(["sessions", "revoke", "--yes", "--keys", "keys.json", "--kid", "key2"]);
    assert_eq!((output.code, output.stdout.as_str()), (0, "0 sessions: 0 confirmed\n"), "{output}");
}

#[test]
fn others_that_are_there_are_seen_to_and_the_exit_is_3() {
    let app = App::with_users(0);
    let record = app.log_in(1, &days_ago(2)).remove(0);
    let (there, gone) = (did_of(&record), "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
    let warning = format!("warning: {gone} has no session\n");
    for (command, summary) in [
        ("refresh --dry-run", "would refresh 1 session\n"),
        ("refresh", "refreshed 1 session\n"),
        ("revoke --dry-run", "would revoke 1 session\n"),
        ("revoke --yes", "1 session: 1 confirmed\n"),
    ] {
        let output = app.sessions(&format!("{command} {gone} {there}"));
        assert!(output.code == 3 && output.stdout.ends_with(summary), "{command}: {output}");
        assert_eq!(output.stderr, warning, "{command}");
    }
    assert!(app.records().is_empty());
}

#[test]
fn an_account_that_is_shown_is_there_or_named_nearly() {
    let refusal = app().refusal(["sessions", "show", ALICF]);
    let expected =
        format!("error: {ALICF} has no session in sqlite:app.db\nhint: did you mean {ALICE}?\n");
    assert_eq!((refusal.code, refusal.stderr), (1, expected));
}

#[test]
fn a_did_plc_has_24_letters_of_its_alphabet() {
    let sandbox = app();
    for (did, problem) in [
        ("did:plc:ewvi7nxzyoun6zhxrhs64oi", "it has 23 characters after did:plc:, not 24"),
        ("did:plc:ewvi7nxzyoun6zhxrhs64oizz", "it has 25 characters after did:plc:, not 24"),
        ("did:plc:ewvi7nxzyoun6zhxrhs64oi1", "'1' is not an allowed character (a to z, 2 to 7)"),
        ("did:plc:EWVI7nxzyoun6zhxrhs64oiz", "'E' is not an allowed character (a to z, 2 to 7)"),
        ("did:plc:", "it has 0 characters after did:plc:, not 24"),
    ] {
        for command in ["list", "show", "refresh", "revoke", "prune"] {
            let refusal = sandbox.refusal(["sessions", command, did]);
            assert!(refusal.code == 2 && refusal.stderr.contains(problem), "{command}: {refusal}");
        }
    }
}

#[test]
fn a_kid_is_known_by_six_letters_that_no_other_has() {
    let sandbox = app();
    let listed = |kid: &str| sandbox.run(["sessions", "list", "--format", "jsonl", "--kid", kid]);
    let output = listed("179542");
    assert!(
        output.code == 0 && output.stdout.contains(BOB) && !output.stdout.contains(ALICE),
        "{output}"
    );
    assert!(
        output.stderr.starts_with("179542 is the beginning of kid 1795420766438\n"),
        "{output}"
    );
    assert!(listed("17954").stderr.contains("no session is bound to key 17954, "));
    sandbox.file("keys.json", format!("[{KEY1},{}]", jwk_with(KEY2, &json!({"kid": "1795429"}))));
    let ambiguous = sandbox.refusal(["sessions", "list", "--keys", "keys.json", "--kid", "179542"]);
    let expected =
        "error: 179542 is the beginning of several kids\nhint: name one: 1795420766438, 1795429\n";
    assert_eq!((ambiguous.code, ambiguous.stderr.as_str()), (2, expected));
    // A DID must be complete.
    assert_eq!(sandbox.refusal(["sessions", "show", &ALICE[..20]]).code, 2);
}

#[test]
fn a_prefix_of_a_kid_ends_nothing_without_a_yes() {
    let sandbox = app();
    let keys = format!(
        "[{},{}]",
        jwk_with(KEY1, &json!({"kid": "signing"})),
        jwk_with(KEY2, &json!({"kid": "retired-key"}))
    );
    sandbox.file("keys.json", keys);
    let with = |arguments: &[&'static str]| {
        [arguments, &["--keys", "keys.json", "--store", "sqlite:app.db"]].concat()
    };
    for arguments in [
        with(&["keys", "retire", "retired-"]),
        with(&["sessions", "prune", "--offline", "--kid", "179542"]),
        with(&["jwks", "--drop-key", "179542"]),
        with(&["sessions", "revoke", "--kid", "179542"]),
    ] {
        let refusal = sandbox.refusal(&arguments);
        assert!(
            refusal.code == 2 && refusal.stderr.contains("without a terminal"),
            "{arguments:?}: {refusal}"
        );
    }
    let output =
        sandbox.run(with(&["jwks", "-q", "--yes", "--drop-key", "179542", "--drop-key", "key1"]));
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    let output = sandbox.run(with(&["keys", "retire", "retired-", "--yes"]));
    assert!(
        output.code == 0 && output.stderr.contains("removed key retired-key from keys.json"),
        "{output}"
    );
    let refusal = sandbox.refusal(with(&["keys", "retire", "signinq"]));
    assert_eq!(refusal.stderr, "error: no key signinq\nhint: did you mean signing?\n");
}

#[test]
fn a_key_is_promoted_by_a_prefix_of_its_kid() {
    let sandbox = array_of(&[KEY1, &jwk_with(KEY2, &json!({"kid": "staged-key"}))]);
    let output = sandbox.run([
        "keys",
        "rotate",
        "--promote",
        "staged",
        "--unpublished",
        "--keys",
        "keys.json",
    ]);
    assert!(output.code == 0 && output.stderr.contains("staged-key is in front"), "{output}");
}
