//! Request rates: oauthctl shares its address with the app, whose users must not be affected by a
//! run.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testbed::{Endpoint, Fault, Injection};

use crate::app::{App, wait_until};
use crate::sandbox::interrupt;

/// Returns the number of requests of oauthctl that were refused as too many.
fn too_many(app: &App) -> usize {
    app.net.requests().iter().filter(|request| request.status == 429).count()
}

#[test]
fn a_paced_run_and_the_app_share_a_server_s_limit() {
    let app = App::with_users(50);
    app.net.configure(|policy| policy.rate_limit = Some((60, Duration::from_secs(3))));
    let (is_over, refused, made) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let answered = app.net.request_as_app(0);
                refused.fetch_add(u64::from(!answered), Ordering::Relaxed);
                made.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(125));
            }
        });
        let output = app.sessions("refresh --all --per-issuer-rate 8");
        is_over.store(true, Ordering::Relaxed);
        output
    });
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 50 sessions\n"), "{output}");
    assert!(made.into_inner() > 30);
    assert_eq!((too_many(&app), refused.into_inner()), (0, 0));
    app.assert_nobody_lost(output);
}

#[test]
fn a_server_s_own_limit_is_kept_without_a_rate() {
    let app = App::with_users(150);
    app.net.configure(|policy| policy.rate_limit = Some((100, Duration::from_secs(2))));
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 150 sessions\n"), "{output}");
    assert_eq!(too_many(&app), 0);
    app.assert_nobody_lost(output);
}

#[test]
fn too_many_requests_end_all_requests_to_that_server() {
    for (wait, part) in [("7200", "429"), ("Tue, 01 Jan 2097 00:00:00 GMT", "429")] {
        let app = App::with_users(30);
        app.net.inject(Injection::new(Endpoint::Token, Fault::too_many(wait)).skip(5).times(1));
        let output = app.sessions("refresh --all --retry-for 2s --per-issuer 1");
        assert!(output.code == 3 && output.stdout.contains(part), "{output}");
        assert_eq!(app.net.requests_to(Endpoint::Token).len(), 6, "{output}");
        app.assert_nobody_lost(output);
    }
}

#[test]
fn a_directory_that_is_down_is_not_asked_for_every_session() {
    for fault in [Fault::status(503), Fault::Close] {
        let app = App::with_users(400);
        app.net.fault(Endpoint::Plc, fault.clone());
        let begun = Instant::now();
        let output = app.sessions("refresh --all --retry-for 1s");
        assert!(output.code == 1 && output.stdout.contains("400 unknown"), "{output}");
        assert!(
            app.net.requests_to(Endpoint::Plc).len() < 40,
            "{}",
            app.net.requests_to(Endpoint::Plc).len()
        );
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let longest = output.stdout.lines().map(str::len).max().unwrap();
        assert!(longest < 230, "{longest}: {output}");
        app.assert_nobody_lost("");
        // It is asked again after the pause.
        app.net.clear_faults();
        assert_eq!(app.sessions("refresh --all").code, 0);
    }
}

#[test]
fn one_account_that_the_directory_cannot_serve_stops_nobody() {
    let app = App::with_users(40);
    let dids: Vec<_> = app.records().into_keys().collect();
    for did in dids.iter().step_by(10) {
        app.net.set_did_status(did, 500);
    }
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 3 && output.stdout.ends_with("refreshed 36 sessions, 4 unknown\n"),
        "{output}"
    );
}

#[test]
fn a_run_that_takes_long_says_so_beforehand() {
    let app = App::with_users(60);
    let output = app.sessions("refresh --all --dry-run --per-issuer-rate 0.5");
    let expected = "60 sessions at 0.5 requests per second and server: this takes about 2m (--per-issuer-rate)";
    assert!(output.code == 0 && output.stderr.contains(expected), "{output}");
    app.configure("per_issuer_rate = 0.25");
    let output = app.sessions("refresh --all --dry-run");
    assert!(output.stderr.contains("this takes about 4m"), "{output}");
    for arguments in ["--per-issuer-rate 0", "--per-issuer-rate 20"] {
        let output = app.sessions(&format!("refresh --all --dry-run {arguments}"));
        assert!(!output.stderr.contains("takes"), "{output}");
    }
}

#[test]
fn an_issuer_may_have_a_rate_and_a_limit_of_its_own() {
    let app = App::with_users(9);
    let issuer = app.net.pds_url();
    app.configure(&format!("[issuers.\"{issuer}\"]\nper_issuer_rate = 4\nper_issuer = 1"));
    let begun = Instant::now();
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 9 sessions\n"), "{output}");
    // Nine requests, and three to find and prepare the server. Four may be sent at once.
    assert!(begun.elapsed() >= Duration::from_millis(1900), "{:?}", begun.elapsed());
    assert_eq!(app.net.counters().token_peak, 1);
}

#[test]
fn a_signal_ends_the_waiting_for_a_turn() {
    let app = App::with_users(30);
    let run = app.begin("refresh --all --per-issuer-rate 0.01");
    wait_until(|| !app.net.requests().is_empty());
    let begun = Instant::now();
    interrupt(&run, "TERM");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{output:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    app.assert_nobody_lost("");
}

#[test]
fn a_rate_that_cannot_be_meant_is_refused() {
    let app = App::new();
    for rate in ["-1", "fast", "NaN", "1e9"] {
        let output = app.sessions(&format!("refresh --all --per-issuer-rate={rate}"));
        assert_eq!(output.code, 2, "{rate}: {output}");
    }
    app.configure("per_issuer_rate = \"fast\"");
    let output = app.sessions("refresh --all");
    let expected =
        "refresh.per_issuer_rate must be a number of requests per second, or 0 for no limit";
    assert!(output.code == 2 && output.stderr.contains(expected), "{output}");
}
