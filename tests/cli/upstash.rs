//! App whose Redis is reached over Upstash's REST interface, configured only by the app's own
//! variables: no store, no layout and no keys in settings.

use testbed::upstash::Front;

use crate::app::days_ago;
use crate::npmx::{Npmx, key};
use crate::samples::ALICE;

const TOKEN: &str = "the-token";

/// Returns the app in production, with sessions and a pending login, and the service in front of
/// its Redis.
fn deployed() -> (Npmx, Front) {
    let mut npmx = Npmx::with_users(3);
    let alice =
        npmx.app.net.login(testbed::LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    npmx.store(&alice);
    let login = npmx.app.net.pending_state(testbed::LoginOptions::default()).to_string();
    npmx.redis.ask(&["SET", "atproto:oauth:state:begun", &login, "EX", "1000"]);
    let front = Front::start(npmx.redis.port(), TOKEN).unwrap();
    let key = npmx.app.net.signing_key().unwrap().to_string();
    let sandbox = &mut npmx.app.sandbox;
    sandbox.set("UPSTASH_KV_REST_API_URL", front.url()).set("UPSTASH_KV_REST_API_TOKEN", TOKEN);
    sandbox.set("NUXT_OAUTH_JWK_ONE", key).unset("APP_KEY").unset("OAUTHCTL_STORE");
    // The test network is on loopback, which no variable of an app states.
    let (client_id, plc) = (npmx.app.net.client_id(), npmx.app.net.plc_url());
    npmx.app.sandbox.file(
        "oauthctl.toml",
        format!(
            "[client]\nclient_id = \"{client_id}\"\n[network]\nplc_directory = \"{plc}\"\nallow_http = true\n\
             allow_private_hosts = true\n"
        ),
    );
    (npmx, front)
}

#[test]
fn every_command_runs_with_the_app_s_variables_alone() {
    let (npmx, front) = deployed();
    for command in [
        "sessions list",
        "sessions show did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "sessions stats",
        "states list",
        "states purge --dry-run",
        "states purge",
        "keys list",
        "jwks",
        "doctor --offline",
        "sessions refresh --dry-run",
        "sessions refresh",
        "sessions refresh --all",
        "sessions upgrade --skip-published-check --dry-run",
        "sessions upgrade --skip-published-check",
        "sessions prune --dry-run",
        "sessions prune --malformed",
        "sessions recover",
        "sessions export -o moved.jsonl",
        "sessions import moved.jsonl --dry-run",
        "sessions revoke did:plc:ewvi7nxzyoun6zhxrhs64oiz --dry-run",
        "sessions revoke did:plc:ewvi7nxzyoun6zhxrhs64oiz --yes",
        "sessions list",
    ] {
        let before = front.requests();
        let output = npmx.app.sandbox.run(command.split(' '));
        assert_eq!(output.code, 0, "{command}: {output}");
        // Only a configured store is evidence of records that depend on a key.
        let reads_the_store = command != "keys list";
        assert_eq!(front.requests() > before, reads_the_store, "{command}: {output}");
    }
    npmx.assert_nobody_lost("each command once");
    assert_eq!(npmx.record(ALICE), None, "{} is revoked", key(ALICE));
}

#[test]
fn the_layout_is_told_from_a_single_kind_of_record() {
    let (npmx, front) = deployed();
    npmx.redis.ask(&["DEL", "atproto:oauth:state:begun"]);
    let listed = npmx.app.sandbox.run(["sessions", "list"]);
    assert!(listed.code == 0 && listed.stderr.contains("4 sessions in"), "{listed}");
    npmx.redis.ask(&["FLUSHALL"]);
    let login = npmx.app.net.pending_state(testbed::LoginOptions::default()).to_string();
    npmx.redis.ask(&["SET", "atproto:oauth:state:begun", &login, "EX", "1000"]);
    let listed = npmx.app.sandbox.run(["states", "list"]);
    assert!(listed.code == 0 && listed.stderr.contains("1 pending login in"), "{listed}");
    npmx.redis.ask(&["FLUSHALL"]);
    let refusal = npmx.app.sandbox.refusal(["sessions", "list"]);
    assert!(
        refusal.code == 2 && refusal.stderr.contains("no records that show its layout"),
        "{refusal}"
    );
    assert!(front.requests() > 0);
}
