//! Failures of a Redis while tokens are being stored: pause, restart, demotion and loss.

use std::process::Child;
use std::thread;

use testbed::redis::Redis;
use testbed::{Endpoint, Fault, Gate, Injection};

use super::{ending, is_full, say};
use crate::app::{App, wait_until};
use crate::npmx::Npmx;
use crate::sandbox::Output;

/// Refreshes all sessions, and returns when the first tokens are rotated and not yet stored. The
/// gate releases the server's answer.
pub(super) fn caught_in_the_act(app: &App) -> (Child, Gate) {
    let answers = Gate::closed();
    app.net.inject(
        Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1).times(1),
    );
    let child = app.begin("refresh --all");
    app.wait_for_exchange();
    (child, answers)
}

/// Asserts that all sessions continue, at once or after a recovery.
#[track_caller]
fn assert_recovered(npmx: &Npmx, output: &Output) {
    npmx.release_locks();
    let recovered = npmx.app.sessions("recover");
    assert_eq!(recovered.code, 0, "{output}\n{recovered}");
    assert!(npmx.app.recovery_entries().is_empty());
    npmx.assert_nobody_lost(output);
    let output = npmx.app.sessions("refresh --all");
    assert_eq!(output.code, 0, "{output}");
    npmx.assert_nobody_lost(output);
}

#[test]
fn a_pause_is_waited_for_with_the_tokens_on_the_disk() {
    let pause = |mode| {
        let npmx = Npmx::with_users(3);
        let (child, answers) = caught_in_the_act(&npmx.app);
        npmx.redis.ask(&["CLIENT", "PAUSE", "3500", mode]);
        answers.open();
        wait_until(|| !npmx.app.recovery_entries().is_empty());
        let (output, _) = ending(&npmx.app.sandbox, child);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "refreshed 3 sessions\n"),
            "{mode}: {output}"
        );
        assert!(npmx.app.recovery_entries().is_empty(), "{mode}");
        npmx.assert_nobody_lost(output);
    };
    thread::scope(|scope| {
        for mode in ["ALL", "WRITE"] {
            scope.spawn(move || pause(mode));
        }
    });
}

#[test]
fn a_pause_that_lasts_leaves_the_tokens_on_the_disk() {
    if !is_full() {
        // Takes a minute and a half.
        return say("skipped: a pause that lasts (OAUTHCTL_FAULTS=full)");
    }
    let npmx = Npmx::with_users(3);
    let (child, answers) = caught_in_the_act(&npmx.app);
    npmx.redis.ask(&["CLIENT", "PAUSE", "90000", "ALL"]);
    answers.open();
    let (output, _) = ending(&npmx.app.sandbox, child);
    assert_eq!((output.code, npmx.app.recovery_entries().len()), (1, 1), "{output}");
    assert!(output.stdout.contains("its new tokens are in"), "{output}");
    // No command is executed during the pause, including this one.
    npmx.redis.ask(&["PING"]);
    assert_recovered(&npmx, &output);
}

#[test]
fn a_restart_is_waited_for() {
    let mut npmx = Npmx::with_users(0);
    npmx.app.sandbox.unset("OAUTHCTL_STORE");
    npmx.redis = Redis::start_with(&["--appendonly", "yes"]);
    npmx.app.sandbox.set("OAUTHCTL_STORE", npmx.redis.url());
    npmx.log_in(3);
    let (child, answers) = caught_in_the_act(&npmx.app);
    npmx.redis.kill();
    answers.open();
    npmx.redis.restart();
    let (output, _) = ending(&npmx.app.sandbox, child);
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 3 sessions\n"), "{output}");
    assert_recovered(&npmx, &output);
}

#[test]
fn a_server_that_refuses_to_write_has_the_tokens_wait() {
    let readonly = ["REPLICAOF", "127.0.0.1", "1"];
    let too_few_replicas = ["CONFIG", "SET", "min-replicas-to-write", "1"];
    for (refuse, consent) in [
        (&readonly[..], &["REPLICAOF", "NO", "ONE"][..]),
        (&too_few_replicas, &["CONFIG", "SET", "min-replicas-to-write", "0"]),
    ] {
        let npmx = Npmx::with_users(3);
        let (child, answers) = caught_in_the_act(&npmx.app);
        npmx.redis.ask(refuse);
        answers.open();
        let (output, _) = ending(&npmx.app.sandbox, child);
        assert_eq!(
            (output.code, npmx.app.recovery_entries().len()),
            (1, 1),
            "{refuse:?}: {output}"
        );
        npmx.redis.ask(consent);
        assert_recovered(&npmx, &output);
    }
}

#[test]
fn a_lost_store_does_not_time_out_once_per_session() {
    let npmx = Npmx::with_users(60);
    // It fails while no tokens are at risk, during the look-up of the next four.
    let looked_up = Gate::closed();
    npmx.app.net.inject(Injection::new(Endpoint::Plc, Fault::HoldAfter(looked_up.clone())).skip(8));
    let child = npmx.app.begin("refresh --all --format jsonl --per-issuer 4");
    npmx.app.wait_for_exchanges(8);
    wait_until(|| npmx.app.net.counters().of(Endpoint::Plc) == 12);
    npmx.proxy.refuse(true);
    npmx.proxy.kill_all();
    looked_up.open();
    let (output, _) = ending(&npmx.app.sandbox, child);
    let waited =
        output.stdout.lines().filter(|line| line.contains("\"cannot take the lock")).count();
    // Three failures open the breaker. Until the third, others may start.
    assert!(output.code == 3 && (3..=6).contains(&waited), "{waited} waited: {output}");
    assert!(output.stdout.contains("not attempted, because the store fails"), "{output}");
    npmx.app.net.clear_faults();
    npmx.proxy.heal();
    assert_recovered(&npmx, &output);
}
