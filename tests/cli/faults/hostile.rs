//! Malicious servers: any answer leads to an accurate error, in bounded time and memory, and does
//! no harm to sessions.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use testbed::{Credentials, Endpoint, Fault, LoginOptions, Reply};

use super::{LONGEST, is_full};
use crate::app::{App, days_ago};
use crate::samples::ALICE;
use crate::sandbox::Output;

/// Memory limit of a run in kilobytes. A debug build alone needs half of it.
const MOST_MEMORY: u64 = 120_000;

/// Size of a document that no one reads completely.
const HUGE: usize = 64 << 20;

const COMMANDS: [&str; 3] =
    ["sessions refresh --all", "sessions upgrade --unpublished", "sessions revoke --all --yes"];

/// Returns an app with two sessions for each command.
fn app() -> App {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    let (credentials, created_ago) = (Some(Credentials::Public), Duration::from_hours(5 * 24));
    app.log_in(1, &LoginOptions { credentials, created_ago, ..days_ago(2) });
    app
}

/// Runs a command to its end, and returns its memory usage, too.
fn measured(app: &App, arguments: &str) -> (Output, u64) {
    fn peak(child: &Child) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        // A child that is just being started still has the name and the memory of this process.
        let status = status.strip_prefix("Name:\toauthctl\n")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
    let paced = COMMANDS.iter().any(|command| arguments.starts_with(command))
        || arguments == "sessions upgrade";
    let pace = if paced && !arguments.contains("--retry-for") { " --retry-for 0s" } else { "" };
    let whole = format!("{arguments}{pace}");
    let (mut child, begun, mut most) =
        (app.sandbox.start(whole.split_whitespace()), Instant::now(), 0);
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < LONGEST, "{arguments}: it never ends");
        most = most.max(peak(&child).unwrap_or_default());
        thread::sleep(Duration::from_millis(5));
    }
    (app.sandbox.output_of(child), most)
}

/// Runs a command, which must fail because of a server's answer without doing harm.
#[track_caller]
fn assert_harmless(app: &App, arguments: &str, context: &str) -> Output {
    let before = app.records();
    let (output, memory) = measured(app, arguments);
    assert_eq!(output.code, 1, "{context}: {output}");
    assert!(
        !output.to_string().contains('\u{1b}') && !output.stderr.contains("panicked"),
        "{context}: {output}"
    );
    assert!(memory < MOST_MEMORY, "{context}: {memory} kB");
    assert_eq!(app.records(), before, "{context}: {output}");
    assert!(app.lost().is_empty(), "{context}: {output}");
    output
}

fn deep() -> String {
    format!("{{\"issuer\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000))
}

#[test]
fn endless_or_deep_documents_are_refused_before_sending() {
    let app = app();
    for endpoint in [Endpoint::Plc, Endpoint::ResourceMetadata, Endpoint::ServerMetadata] {
        for fault in nonsense() {
            app.net.fault(endpoint, fault.clone());
            for command in COMMANDS {
                // Signing out does not require the location of the account.
                if command.starts_with("sessions revoke") && endpoint != Endpoint::ServerMetadata {
                    continue;
                }
                assert_harmless(&app, command, &format!("{endpoint:?} {fault:?} {command}"));
            }
            app.net.clear_faults();
        }
    }
    assert_eq!(app.net.counters().of(Endpoint::Token), 0);
}

#[test]
fn endless_or_deep_token_answers_cost_nothing() {
    let app = app();
    for status in [200, 400, 500] {
        let endless = Reply::json(status, &json!({"error": "invalid_grant"})).endless();
        for reply in [endless, Reply::new(status, "application/json", deep())] {
            for endpoint in [Endpoint::Token, Endpoint::Revoke] {
                app.net.fault(endpoint, Fault::Instead(reply.clone()));
            }
            for command in COMMANDS {
                assert_harmless(&app, command, &format!("{status} {command}"));
            }
            app.net.clear_faults();
        }
    }
}

#[test]
fn redirects_are_not_followed_wherever_they_lead() {
    for status in [301, 302, 307, 308] {
        for endpoint in
            [Endpoint::Plc, Endpoint::ResourceMetadata, Endpoint::ServerMetadata, Endpoint::Token]
        {
            let app = app();
            let elsewhere = format!("{}/.well-known/did.json", app.net.web_url());
            let reply = Reply::new(status, "text/plain", "").header("location", &elsewhere);
            app.net.fault(endpoint, Fault::Instead(reply));
            let output =
                assert_harmless(&app, "sessions refresh --all", &format!("{status} {endpoint:?}"));
            assert!(
                output.stdout.contains("redirect") || output.stdout.contains(&status.to_string()),
                "{output}"
            );
            assert_eq!(app.net.counters().of(Endpoint::DidWeb), 0, "{status} {endpoint:?}");
        }
    }
}

#[test]
fn a_name_that_means_this_machine_is_not_spoken_to() {
    // A malicious name server could resolve a name to 127.0.0.1, like `localhost`.
    let app = app();
    let text = app
        .sandbox
        .read("oauthctl.toml")
        .replace("allow_private_hosts = true", "allow_private_hosts = false");
    app.sandbox.file("oauthctl.toml", text);
    for command in COMMANDS {
        let output = assert_harmless(&app, command, command);
        assert!(output.stdout.contains("private"), "{output}");
    }
    assert_eq!(app.net.counters().requests, [].into());
}

#[test]
fn who_claims_to_be_somebody_else_gets_no_token() {
    let cases = [
        (true, json!({"issuer": "https://evil.example"}), "belongs to another server"),
        (true, json!({"protected_resources": ["https://evil.example"]}), "as one of its servers"),
        (
            true,
            json!({"token_endpoint": "ftp://evil.example/"}),
            "to which tokens must not be sent",
        ),
        (false, json!({"resource": "https://evil.example"}), "belongs to another server"),
        (
            false,
            json!({"authorization_servers": ["https://evil.example"]}),
            "the issuer has changed",
        ),
    ];
    for (of_server, patch, part) in cases {
        let app = app();
        if of_server {
            app.net.patch_server_metadata(0, patch.clone());
        } else {
            app.net.patch_resource_metadata(0, patch.clone());
        }
        for command in &COMMANDS[..2] {
            let output = assert_harmless(&app, command, &patch.to_string());
            assert!(output.stdout.contains(part), "{patch}: {output}");
        }
        assert_eq!(app.net.counters().of(Endpoint::Token), 0, "{patch}");
    }
}

#[test]
fn tokens_of_another_account_or_another_kind_are_never_stored() {
    for fault in
        [Fault::Set("sub", json!("did:plc:mallory")), Fault::Set("token_type", json!("Bearer"))]
    {
        for command in COMMANDS {
            let app = app();
            app.net.fault(Endpoint::Token, fault.clone());
            app.net.fault(Endpoint::Revoke, Fault::Instead(Reply::json(200, &json!({}))));
            let before = app.records();
            let (output, _) = measured(&app, command);
            assert_ne!(output.code, 0, "{fault:?} {command}: {output}");
            assert_eq!(app.records(), before, "{fault:?} {command}: {output}");
            assert!(app.recovery_entries().is_empty(), "{fault:?} {command}: {output}");
        }
    }
}

#[test]
fn server_texts_are_shown_without_control_characters() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\u{9b}31m";
    for (status, error) in [(400, "invalid_client"), (400, evil), (401, "invalid_dpop_proof")] {
        let app = app();
        for endpoint in [Endpoint::Token, Endpoint::Revoke] {
            app.net.fault(endpoint, Fault::Instead(Reply::error(status, error, evil)));
        }
        for command in COMMANDS {
            let output = assert_harmless(&app, command, error);
            assert!(
                !output.to_string().contains(|c: char| c.is_control() && c != '\n'),
                "{output:?}"
            );
        }
    }
}

#[test]
fn absurd_nonces_and_waits_change_nothing() {
    let app = app();
    for nonce in ["x".repeat(5000), "a b".to_owned(), "\"\\".to_owned()] {
        app.net.fault(Endpoint::Token, Fault::Header("dpop-nonce", nonce.clone()));
        app.net.fault(Endpoint::Revoke, Fault::Header("dpop-nonce", nonce.clone()));
        for command in COMMANDS {
            assert_harmless(&app, command, &format!("nonce {nonce:.10}"));
        }
        app.net.clear_faults();
    }
    for wait in ["86400", "99999999999999999999", "-1", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        app.net.fault(Endpoint::Token, Fault::too_many(wait));
        assert_harmless(&app, "sessions refresh --all --retry-for 1s", wait);
        app.net.clear_faults();
    }
}

/// Returns faults without a usable answer, or without an end.
fn nonsense() -> [Fault; 4] {
    [Fault::EndlessBody, Fault::HugeBody(HUGE), Fault::Body(deep()), Fault::Body("\0".repeat(99))]
}

#[test]
fn documents_of_the_app_without_an_end_or_a_bottom_are_refused() {
    let app = app();
    let key = app.net.signing_key().unwrap();
    app.sandbox.file("keys.json", json!([testbed::keys::client_key("first"), key]).to_string());
    let before = app.sandbox.read("keys.json");
    for endpoint in [Endpoint::AppDocument, Endpoint::AppJwks] {
        for fault in nonsense() {
            app.net.fault(endpoint, fault.clone());
            for command in [
                "sessions upgrade",
                "doctor",
                "keys rotate --promote testbed-1 --keys keys.json --yes",
            ] {
                // A key is searched in the key set only, which cannot be found without the
                // document.
                if command.starts_with("keys") && endpoint == Endpoint::AppDocument {
                    continue;
                }
                assert_harmless(&app, command, &format!("{endpoint:?} {fault:?} {command}"));
            }
            app.net.clear_faults();
        }
    }
    assert_eq!(
        (app.sandbox.read("keys.json"), app.net.counters().of(Endpoint::Token)),
        (before, 0)
    );
}

#[test]
fn handles_are_resolved_by_the_configured_resolver_only() {
    let app = app();
    app.resolve_names();
    app.net.set_handle("alice.test", ALICE);
    let show = "sessions show alice.test --format json";
    let (output, _) = measured(&app, show);
    assert!(output.code == 0 && output.stdout.contains(ALICE), "{output}");
    assert!(app.net.counters().of(Endpoint::Dns) > 0, "somebody else was asked");
    let answers = |text: &str| {
        Fault::Body(json!({"Status": 0, "Answer": [{"type": 16, "data": text}]}).to_string())
    };
    for fault in nonsense().into_iter().chain([
        answers("did=did:plc:mallory\r\nx-evil: 1"),
        answers("\"did=\u{1b}[2Jdid:plc:z72i7hdynmk6r22z27h6tvur\""),
        answers("did=../../oauth/token"),
        Fault::redirect("http://127.0.0.1:1/"),
    ]) {
        app.net.fault(Endpoint::Dns, fault.clone());
        app.net.fault(Endpoint::HandleFile, fault.clone());
        assert_harmless(&app, show, &format!("{fault:?}"));
        app.net.clear_faults();
    }
    // An account whose document does not claim the handle does not own it.
    app.net.set_handle("mallory.test", ALICE);
    assert_harmless(&app, "sessions show mallory.test", "a handle that its account does not claim");
}

#[test]
fn what_is_stored_puts_no_line_into_a_request() {
    let line = "\r\nx-evil: 1\r\n\r\nGET /evil HTTP/1.1\r\n";
    for path in ["/tokenSet/iss", "/tokenSet/refresh_token", "/tokenSet/sub", "/authMethod/kid"] {
        let app = app();
        let mut record = app.record(ALICE).unwrap();
        let place = record.pointer_mut(path).unwrap();
        *place = json!(format!("{}{line}", place.as_str().unwrap()));
        app.database.execute("DELETE FROM auth_session").session(&record);
        let before = app.records();
        for command in ["sessions refresh --all", "sessions revoke --all --yes"] {
            let (output, _) = measured(&app, command);
            let context = format!("{path} {command}: {output:?}");
            assert!(
                !output.to_string().contains(|c: char| c.is_control() && c != '\n'),
                "{context}"
            );
            assert!(!output.stderr.contains("panicked"), "{context}");
            // A token that the server has not issued looks like one that has ended. Anything else
            // is kept.
            assert!(path.ends_with("refresh_token") || app.records() == before, "{context}");
        }
        let requests = app.net.requests();
        assert!(
            requests
                .iter()
                .all(|one| !one.path.contains("evil") && one.endpoint != Endpoint::Other),
            "{requests:?}"
        );
        assert_eq!(app.net.alive(), 2, "{path}");
    }
}

/// Server that sends these bytes to each client, then repeats others. With a pause and nothing to
/// repeat, it keeps the connection open.
struct Raw {
    begin: &'static str,
    again: &'static str,
    pause: Duration,
}

impl Raw {
    /// Starts the server, which runs until the end of the test. Returns its URL.
    fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                // Until the client closes the connection.
                let _ = self.answer(&stream);
            }
        });
        url
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut request = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if request.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap_or_default();
            }
        }
        // Unread input would reset the connection before the answer is read.
        request.read_exact(&mut vec![0; length])?;
        stream.write_all(self.begin.as_bytes())?;
        while !self.again.is_empty() {
            stream.write_all(self.again.as_bytes())?;
            thread::sleep(self.pause);
        }
        if !self.pause.is_zero() {
            thread::sleep(LONGEST);
        }
        Ok(())
    }
}

/// Returns answers that are not HTTP, by name.
fn raw_answers() -> Vec<(&'static str, Raw)> {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let fast = |begin, again| Raw { begin, again, pause: Duration::ZERO };
    let slow = |begin, again| Raw { begin, again, pause: Duration::from_millis(100) };
    vec![
        ("headers without end", fast(OK, "x-more: and more and more and more and more\r\n")),
        (
            "a header without end",
            fast("HTTP/1.1 200 OK\r\nx: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ),
        ("provisional answers without end", fast("", "HTTP/1.1 100 Continue\r\n\r\n")),
        ("tiny chunks without end", fast(CHUNKED, "1\r\n \r\n")),
        (
            "a chunk's extension without end",
            fast("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "aaaaaaaaaaaaaaaa"),
        ),
        ("a slow header", slow("HTTP/1.1 200 OK\r\nx: ", "a")),
        (
            "a slow body",
            slow(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n",
                " ",
            ),
        ),
        (
            "a body that never comes",
            slow(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
                "",
            ),
        ),
        (
            "two lengths",
            fast("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 9\r\n\r\n{}", ""),
        ),
        (
            "a folded header",
            fast("HTTP/1.1 200 OK\r\ndpop-nonce: a\r\n b: c\r\ncontent-length: 2\r\n\r\n{}", ""),
        ),
        ("a status that is none", fast("HTTP/1.1 99999 Yes\r\n\r\n", "")),
        ("another protocol", fast("SSH-2.0-OpenSSH_9.9\r\n", "")),
        ("nothing", fast("", "")),
    ]
}

/// Tries each of the answers on a new app, where `put` installs it.
fn with_each_raw_answer(put: impl Fn(&App, &str) + Sync, try_it: impl Fn(&App, &str) + Sync) {
    let (put, try_it) = (&put, &try_it);
    thread::scope(|scope| {
        // Cases that only wait run in full mode.
        for (name, raw) in
            raw_answers().into_iter().filter(|(_, raw)| is_full() || raw.pause.is_zero())
        {
            scope.spawn(move || {
                let app = app();
                put(&app, &raw.start());
                try_it(&app, name);
            });
        }
    });
}

#[test]
fn what_is_not_even_http_ends_soon_and_takes_no_room() {
    let put = |app: &App, url: &str| {
        app.records().keys().for_each(|did| app.net.set_did_endpoint(did, url));
    };
    with_each_raw_answer(put, |app, name| {
        let output = assert_harmless(app, "sessions refresh --all", name);
        assert!(output.stdout.contains("unknown"), "{name}: {output}");
        assert_eq!(app.net.counters().of(Endpoint::Token), 0, "{name}");
    });
}

#[test]
fn a_token_endpoint_that_does_not_even_speak_http_costs_nothing() {
    let put = |app: &App, url: &str| {
        let (token, revoke) = (format!("{url}/oauth/token"), format!("{url}/oauth/revoke"));
        app.net.patch_server_metadata(
            0,
            json!({"token_endpoint": token, "revocation_endpoint": revoke}),
        );
    };
    with_each_raw_answer(put, |app, name| {
        // Each waits for its timeouts.
        for command in &COMMANDS[..if is_full() { COMMANDS.len() } else { 1 }] {
            let output = assert_harmless(app, command, &format!("{name} {command}"));
            let expected = if command.contains("revoke") { "unconfirmed" } else { "unknown" };
            assert!(output.stdout.contains(expected), "{name} {command}: {output}");
        }
    });
}
