//! `doctor`: no problem in a correct deployment, and the actual fault first in a broken one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;
use serde_json::{Value, json};
use testbed::redis::{self, Redis};
use testbed::{Endpoint, Fault, JWKS_PATH, LoginOptions, METADATA_PATH, Reply, keys};

use crate::database::AppDatabase;
use crate::deployment::{Deployment, now};
use crate::sandbox::Sandbox;

fn npmx_key(session: &Value) -> String {
    format!("atproto:oauth:sessions:{}", session["tokenSet"]["sub"].as_str().unwrap())
}

#[test]
fn a_right_deployment_has_no_problem() {
    let right = Deployment::new();
    let (output, findings) = right.run(&["--login", &right.net.pds_url()]);
    assert_eq!(output.code, 0, "{output}");
    let topics: Vec<_> =
        findings.iter().filter(|f| f["severity"] == "ok").map(|f| f["topic"].clone()).collect();
    for topic in
        ["settings", "keys", "store", "clock", "jwks", "login", "sessions", "recovery", "server"]
    {
        assert!(topics.contains(&json!(topic)), "{topic}\n{output}");
    }
    assert!(findings.iter().all(|f| f["severity"] != "problem"), "{output}");
}

#[test]
fn nothing_of_the_app_is_changed() {
    let right = Deployment::new();
    let rows = || right.database.rows("SELECT * FROM auth_session");
    let before = rows();
    assert_eq!(right.run(&[]).0.code, 0);
    assert_eq!(rows(), before);
    let documents = [Endpoint::AppDocument, Endpoint::AppJwks];
    assert!(right.net.requests().iter().all(|request| documents.contains(&request.endpoint)));
}

#[test]
fn offline_only_the_store_is_asked() {
    let right = Deployment::new();
    let (output, findings) = right.run(&["--offline"]);
    assert_eq!(output.code, 0, "{output}");
    assert!(right.net.requests().is_empty());
    assert!(findings.iter().any(|finding| finding["topic"] == "sessions"), "{output}");
}

#[test]
fn people_read_the_worst_first_with_its_reason_and_its_remedy() {
    let broken = Deployment::new();
    broken.net.publish_jwks(&json!({"keys": []}));
    let output = broken.sandbox.run(["doctor"]);
    assert_eq!(output.code, 1, "{output}");
    let mut lines = output.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("problem  jwks: jwks.keys: must contain at least one key"),
        "{output}"
    );
    assert!(
        lines.next().is_some_and(|line| line.starts_with("         why: servers cannot verify")),
        "{output}"
    );
    assert!(lines.next().is_some_and(|line| line.starts_with("         fix: ")), "{output}");
    assert!(output.stderr.starts_with("3 problems, "), "{output}");
}

#[test]
fn settings_that_cannot_be_read_are_a_finding_and_not_the_end() {
    let broken = Deployment::new();
    broken.configure("[store]", "[stoer]");
    assert_eq!(broken.first_problem(), "settings: oauthctl.toml: unknown setting stoer");
    assert!(broken.run(&[]).1.iter().any(|finding| finding["topic"] == "recovery"));
}

#[test]
fn a_world_readable_settings_file_with_a_secret_is_reported() {
    let broken = Deployment::new();
    broken.store_at("redis://:hunter2@127.0.0.1:1");
    let path = broken.sandbox.path("oauthctl.toml");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let expected =
        "settings: oauthctl.toml contains a secret and can be read by other users: store.url";
    assert_eq!(broken.first_problem(), expected);
    assert!(!broken.sandbox.run(["doctor"]).stdout.contains("hunter2"));
}

#[test]
fn a_key_file_that_everybody_can_read_is_named() {
    let broken = Deployment::new();
    fs::set_permissions(broken.sandbox.path("keys.json"), fs::Permissions::from_mode(0o644))
        .unwrap();
    assert_eq!(broken.first_problem(), "keys: keys.json can be read by every user of this machine");
}

#[test]
fn a_key_variable_that_is_empty_is_named() {
    let mut broken = Deployment::new();
    broken.configure("\"keys.json\"", "\"env:OAUTH_JWK_ONE\"");
    broken.sandbox.set("OAUTH_JWK_ONE", "");
    assert_eq!(broken.first_problem(), "keys: env:OAUTH_JWK_ONE: the variable is empty");
}

#[test]
fn a_kid_that_is_the_thumbprint_of_another_key_is_named() {
    let broken = Deployment::new();
    let kid = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";
    let key = keys::client_key(kid);
    broken.sandbox.file("keys.json", key.to_string());
    broken.net.publish_confidential(&[key]);
    broken.database.execute("DELETE FROM auth_session");
    assert_eq!(
        broken.first_problem(),
        format!("keys: the kid {kid} looks like a thumbprint but does not match its key")
    );
}

#[test]
fn a_private_key_in_the_published_set_is_named() {
    let broken = Deployment::new();
    broken.net.publish_jwks(&json!({"keys": [broken.net.signing_key().unwrap()]}));
    assert_eq!(broken.first_problem(), "keys: the private part of key testbed-1 is published");
    let secret = broken.net.signing_key().unwrap()["d"].as_str().unwrap().to_owned();
    assert!(!broken.sandbox.run(["doctor"]).stdout.contains(&secret));
}

#[test]
fn a_store_that_cannot_be_reached_is_named() {
    let broken = Deployment::new();
    let address = format!("redis://127.0.0.1:{}", redis::free_port());
    broken.store_at(&address);
    let said = broken.first_problem();
    assert!(
        said.starts_with(&format!("store: {address}"))
            && said.contains("cannot connect to the store"),
        "{said}"
    );
}

#[test]
fn the_wrong_database_is_named() {
    let broken = Deployment::new();
    AppDatabase::with(&broken.sandbox.path("other.db"), "CREATE TABLE post (uri TEXT);").close();
    broken.store_at("sqlite:other.db");
    let said = broken.first_problem();
    assert!(
        said.starts_with("store: ") && said.contains("no known layout matches this database"),
        "{said}"
    );
}

#[test]
fn a_redis_that_only_reads_is_named() {
    let (broken, server, session) = in_redis();
    server.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    let said = broken.first_problem();
    assert!(said.starts_with("store: ") && said.contains("READONLY"), "{said}");
    assert_eq!(server.ask(&["EXISTS", &npmx_key(&session)]), redis::Answer::Number(1));
}

/// Returns the deployment with its sessions in Redis, with the layout npmx.
fn in_redis() -> (Deployment, Redis, Value) {
    let deployment = Deployment::new();
    let server = Redis::start();
    let session = deployment.net.login(LoginOptions::default());
    server.ask(&["SET", &npmx_key(&session), &session.to_string(), "EX", "15465600"]);
    deployment.store_at(&server.url());
    (deployment, server, session)
}

#[test]
fn a_redis_is_left_as_it_was_but_for_a_note_that_goes_by_itself() {
    let (right, server, session) = in_redis();
    assert_eq!(right.warnings(), ["Redis writes neither snapshots nor an append-only file"]);
    assert_eq!(
        server.ask(&["GET", &npmx_key(&session)]),
        redis::Answer::Bulk(Some(session.to_string().into_bytes()))
    );
    assert_eq!(server.ask(&["DBSIZE"]), redis::Answer::Number(2));
    assert_ne!(server.ask(&["TTL", "oauthctl:note:doctor"]), redis::Answer::Number(-1));
}

#[test]
fn sessions_that_vanish_before_their_tokens_expire_are_named() {
    let (broken, _server, _) = in_redis();
    let settings = fs::read_to_string(broken.sandbox.path("oauthctl.toml")).unwrap();
    for (ttl, expected) in [("12h", true), ("14d", false)] {
        let layout = "session_key = \"atproto:oauth:sessions:{did}\"\nstate_key = \"atproto:oauth:state:{state}\"\n\
                      lock_key = \"oauth:lock:{name}\"";
        let settings = format!(
            "{settings}layout = \"own\"\n[layouts.own]\n{layout}\nsession_ttl = \"{ttl}\"\n"
        );
        broken.sandbox.file("oauthctl.toml", settings);
        let said = if expected {
            broken.first_problem()
        } else {
            let warnings = broken.warnings();
            let vanish = warnings.iter().find(|what| what.starts_with("sessions have a TTL"));
            format!("store: {}", vanish.unwrap_or_else(|| panic!("{warnings:?}")))
        };
        assert!(
            said.starts_with(&format!("store: sessions have a TTL of {ttl} after a refresh, ")),
            "{said}"
        );
    }
}

#[test]
fn a_clock_that_is_five_minutes_off_is_named() {
    let mut broken = Deployment::new();
    for (minutes, how) in [(-5, "behind"), (5, "ahead of")] {
        let wrong = now() + SignedDuration::from_mins(minutes);
        broken.sandbox.set("OAUTHCTL_TEST_NOW", wrong.to_string());
        let said = broken.first_problem();
        assert!(
            said.starts_with("clock: this machine's clock is ") && said.contains(how),
            "{said}"
        );
    }
}

#[test]
fn metadata_behind_a_redirect_is_named() {
    let broken = Deployment::new();
    broken.net.publish(METADATA_PATH, Reply::redirect("https://www.example.com/metadata.json"));
    let id = broken.net.client_id();
    let expected = format!(
        "metadata: {id} redirects to https://www.example.com/metadata.json, but servers do not follow redirects"
    );
    assert_eq!(broken.first_problem(), expected);
}

#[test]
fn metadata_that_is_served_as_text_is_named() {
    let broken = Deployment::new();
    broken.net.publish(
        METADATA_PATH,
        Reply::new(200, "text/html; charset=utf-8", broken.net.metadata().to_string()),
    );
    let id = broken.net.client_id();
    let expected = format!("metadata: {id} is served as text/html instead of application/json");
    assert_eq!(broken.first_problem(), expected);
}

#[test]
fn metadata_that_is_a_page_is_named() {
    let broken = Deployment::new();
    broken.net.publish(METADATA_PATH, Reply::html(200));
    assert!(
        broken.first_problem().contains("is served as text/html"),
        "{}",
        broken.first_problem()
    );
    broken.net.publish(METADATA_PATH, Reply::html(502));
    assert!(broken.first_problem().ends_with("answers with status 502 instead of 200"));
}

#[test]
fn metadata_of_another_client_is_named() {
    let broken = Deployment::new();
    broken
        .metadata_with("client_id", json!("https://other.example.com/oauth-client-metadata.json"));
    assert_eq!(
        broken.first_problem(),
        "metadata: client_id: must be exactly the URL of the document"
    );
}

#[test]
fn a_public_document_of_an_app_with_keys_is_named() {
    let broken = Deployment::new();
    broken.net.publish_public();
    assert_eq!(
        broken.first_problem(),
        "metadata: the published document describes a public client, but keys are configured"
    );
}

#[test]
fn a_confidential_document_of_an_app_without_keys_is_named() {
    let broken = Deployment::new();
    broken.configure("keys = [\"keys.json\"]\n", "");
    let expected = "metadata: the published document describes a confidential client, but no key source is configured";
    assert_eq!(broken.first_problem(), expected);
}

#[test]
fn a_jwks_uri_that_leads_nowhere_is_named() {
    let broken = Deployment::new();
    let uri = format!("{}/jwks.json", broken.net.app_url());
    broken.metadata_with("jwks_uri", json!(uri));
    assert_eq!(
        broken.first_problem(),
        format!("jwks: {uri} answers with status 404 instead of 200")
    );
    broken.configure("scope =", "jwks_uri = \"/.well-known/jwks.json\"\nscope =");
    let said = broken.first_problem();
    assert!(said.starts_with(&format!("metadata: jwks_uri: published \"{uri}\", ")), "{said}");
}

#[test]
fn a_callback_and_a_scope_that_are_not_published_are_named() {
    let broken = Deployment::new();
    broken.metadata_with("redirect_uris", json!([format!("{}/callback", broken.net.app_url())]));
    let expected = format!(
        "metadata: redirect_uris: \"{}/api/auth/atproto\" is configured but not published",
        broken.net.app_url()
    );
    assert_eq!(broken.first_problem(), expected);
    let broken = Deployment::new();
    broken.metadata_with("scope", json!("atproto"));
    let expected = "metadata: scope: \"transition:generic\" is configured but not published";
    assert_eq!(broken.first_problem(), expected);
}

#[test]
fn a_name_that_is_out_of_date_is_only_a_warning() {
    let right = Deployment::new();
    right.metadata_with("client_name", json!("Old name"));
    assert_eq!(right.warnings(), ["client_name: published \"Old name\", configured \"Testbed\""]);
}

#[test]
fn a_key_that_is_not_published_is_named() {
    let broken = Deployment::new();
    broken.net.publish_jwks(&json!({"keys": [keys::public(&keys::client_key("other"))]}));
    assert_eq!(broken.first_problem(), "jwks: key testbed-1 is not published");
}

#[test]
fn another_key_under_the_same_kid_is_named() {
    let broken = Deployment::new();
    broken.net.publish_jwks(&json!({"keys": [keys::public(&keys::client_key("testbed-1"))]}));
    assert_eq!(
        broken.first_problem(),
        "jwks: another key than the configured one is published as testbed-1"
    );
}

#[test]
fn foreign_keys_and_cached_sets_are_warnings() {
    let right = Deployment::new();
    let set = json!({"keys": [right.public_key(), keys::public(&keys::client_key("other"))]});
    let reply = Reply::json(200, &set)
        .header("cache-control", "public, max-age=86400")
        .header("age", "7200");
    right.net.publish(JWKS_PATH, reply);
    // A cache with an age of two hours received it two hours ago.
    let sent = now() - SignedDuration::from_hours(2);
    let sent =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&sent).unwrap();
    right.net.fault(Endpoint::AppJwks, Fault::Header("date", sent));
    let expected = [
        "key other is published but not configured",
        "the set came from a cache and is 2h old",
        "caches may keep the set for 1d",
    ];
    assert_eq!(right.warnings(), expected);
}

#[test]
fn sessions_bound_to_a_key_that_is_gone_are_named() {
    let broken = Deployment::new();
    let gone = testbed::Credentials::Key(keys::client_key("gone"));
    let session =
        broken.net.login(LoginOptions { credentials: Some(gone), ..LoginOptions::default() });
    broken.database.session(&session);
    assert_eq!(
        broken.first_problem(),
        "sessions: 1 session bound to key gone, which is not configured"
    );
}

#[test]
fn sessions_of_another_client_are_named() {
    let broken = Deployment::new();
    let client_id = Some("https://old.example.com/oauth-client-metadata.json".to_owned());
    broken
        .database
        .session(&broken.net.login(LoginOptions { client_id, ..LoginOptions::default() }));
    let expected = "sessions: the tokens of 1 session were issued to another client_id: \
                    https://old.example.com/oauth-client-metadata.json, not ";
    assert!(broken.first_problem().starts_with(expected), "{}", broken.first_problem());
}

#[test]
fn sessions_of_the_formerly_public_client_are_a_warning() {
    let right = Deployment::new();
    let credentials = Some(testbed::Credentials::Public);
    right
        .database
        .session(&right.net.login(LoginOptions { credentials, ..LoginOptions::default() }));
    assert_eq!(right.warnings(), ["1 session started when the client was public"]);
}

#[test]
fn tokens_that_wait_to_be_stored_are_named() {
    let broken = Deployment::new();
    let address =
        format!("sqlite:{}", fs::canonicalize(broken.sandbox.path("app.db")).unwrap().display());
    let entry = json!({"store": address, "key": "did:plc:a", "supersedes": "00", "record": "{}"});
    let directory = "../home/.local/state/oauthctl/recovery";
    broken.sandbox.file(format!("{directory}/a.json"), entry.to_string());
    assert_eq!(
        broken.first_problem(),
        "recovery: the tokens of 1 session are waiting to be stored"
    );
    broken.sandbox.file(format!("{directory}/a.json"), "{");
    assert_eq!(broken.first_problem(), "recovery: 1 file of tokens could not be read");
}

#[test]
fn a_server_that_lacks_what_the_app_needs_is_named() {
    let broken = Deployment::new();
    let patch =
        json!({"token_endpoint_auth_methods_supported": ["none"], "revocation_endpoint": null});
    broken.net.patch_server_metadata(0, patch);
    let pds = broken.net.pds_url();
    let said = broken.first_problem_with(&["--login", &pds]);
    assert_eq!(
        said,
        format!(
            "server: {pds} does not support confidential clients: no private_key_jwt in \
             token_endpoint_auth_methods_supported"
        )
    );
}

#[test]
fn an_app_without_settings_is_told_what_is_missing() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(["doctor", "--offline", "--format", "json"]);
    let findings: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    let problems = findings.iter().filter(|finding| finding["severity"] == "problem");
    let topics: Vec<_> = problems.map(|finding| finding["topic"].as_str().unwrap()).collect();
    assert_eq!((output.code, topics), (1, vec!["settings", "store"]), "{output}");
}

#[test]
fn a_key_set_of_any_shape_is_a_finding_and_not_the_end() {
    let broken = Deployment::new();
    let nested = json!({"keys": {"keys": [{"kid": []}]}});
    for jwks in
        [json!([]), json!([[]]), json!(1), json!("keys"), json!(null), json!({"keys": 1}), nested]
    {
        broken.net.publish_jwks(&jwks);
        assert!(
            broken.first_problem().starts_with("jwks: jwks"),
            "{jwks}: {}",
            broken.first_problem()
        );
        assert!(broken.run(&[]).1.iter().any(|finding| finding["topic"] == "recovery"), "{jwks}");
    }
}

#[test]
fn client_metadata_of_any_shape_is_a_finding_and_not_the_end() {
    let broken = Deployment::new();
    for metadata in [
        json!([]),
        json!(1),
        json!("client_id"),
        json!(null),
        json!({"jwks": []}),
        json!({"scope": {}}),
    ] {
        broken.net.publish_metadata(&metadata);
        assert!(
            broken.first_problem().starts_with("metadata: "),
            "{metadata}: {}",
            broken.first_problem()
        );
        assert!(
            broken.run(&[]).1.iter().any(|finding| finding["topic"] == "recovery"),
            "{metadata}"
        );
    }
}
