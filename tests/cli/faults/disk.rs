//! Full and read-only disks under key files, recovery entries and SQLite. A file size limit
//! simulates a full disk: writes beyond it fail half-way, also for root.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Child, Command, Stdio};

use super::{ending, is_full, say};
use crate::app::{App, days_ago, wait_until};
use crate::npmx::Npmx;
use crate::samples::ALICE;
use crate::sandbox::{Output, Sandbox};
use testbed::{Endpoint, Fault, Gate, Injection, LoginOptions};

/// Runs oauthctl with a file size limit in bytes. The corresponding signal is ignored, as a full
/// disk sends none, unless `obey` is set.
fn limited(sandbox: &Sandbox, bytes: u64, arguments: &str) -> Output {
    sandbox.sh(&format!("trap '' XFSZ; exec prlimit --fsize={bytes} oauthctl {arguments}"))
}

/// Iterates over sizes from 0 to `most`.
fn sizes(most: u64, step: u64) -> impl Iterator<Item = u64> {
    let step = if is_full() { step } else { step * 8 };
    (0..=most).step_by(usize::try_from(step).unwrap())
}

#[test]
fn a_key_file_is_written_whole_or_not_at_all() {
    let mut codes = BTreeSet::new();
    for bytes in sizes(400, 4) {
        let sandbox = Sandbox::new();
        let output = limited(&sandbox, bytes, "gen-jwk -o key.json");
        codes.insert(output.code);
        if output.code == 0 {
            let key: serde_json::Value = serde_json::from_str(&sandbox.read("key.json")).unwrap();
            assert!(key["d"].is_string(), "{bytes}");
        } else {
            assert!(output.code == 1 && output.stderr.contains("hint: "), "{bytes}: {output}");
            assert_eq!(sandbox.files(), Vec::<String>::new(), "{bytes}: {output}");
        }
    }
    assert_eq!(codes, [0, 1].into());
}

#[test]
fn a_rotation_leaves_the_old_keys_or_has_the_new_ones() {
    let mut codes = BTreeSet::new();
    for bytes in sizes(1200, 8) {
        let sandbox = Sandbox::new();
        assert_eq!(sandbox.run(["gen-jwk", "-o", "keys.json"]).code, 0);
        let before = sandbox.read("keys.json");
        let output =
            limited(&sandbox, bytes, "keys rotate --keys keys.json --yes --store sqlite:none.db");
        codes.insert(output.code);
        if output.code != 0 {
            assert_eq!(
                (sandbox.read("keys.json"), sandbox.files()),
                (before, vec!["keys.json".to_owned()]),
                "{output}"
            );
        }
    }
    assert_eq!(codes, [0, 1].into());
}

#[test]
fn an_sqlite_that_cannot_grow_costs_nothing_at_any_size() {
    // The app's log is already long, so that oauthctl's own files reach the limit first.
    let (mut waiting, mut refreshed) = (0, 0);
    for bytes in sizes(512 << 10, 8 << 10) {
        let app = App::with_users(3);
        app.database
            .execute("PRAGMA wal_autocheckpoint = 0; CREATE TABLE log (x); INSERT INTO log VALUES (zeroblob(300000))");
        let output =
            limited(&app.sandbox, bytes, "sessions refresh --all --retry-for 0s --concurrency 4");
        assert!(
            [0, 1, 3].contains(&output.code) && !output.stderr.contains("panicked"),
            "{bytes}: {output}"
        );
        app.assert_nobody_lost(format!("{bytes}: {output}"));
        waiting += app.recovery_entries().len();
        refreshed += usize::from(output.code == 0);
        app.configure("min_interval = \"0s\"");
        let output = app.sessions("refresh --all --retry-for 40s --lock-timeout 40s");
        assert_eq!(output.code, 0, "{bytes}: {output}");
        assert!(app.recovery_entries().is_empty(), "{bytes}: {output}");
        app.assert_nobody_lost(format!("{bytes}: {output}"));
    }
    assert!(waiting > 0 && refreshed > 0, "{waiting} waited, {refreshed} runs went well");
}

#[test]
fn nothing_is_sent_if_recovery_entries_cannot_be_written() {
    for bytes in sizes(80 << 10, 1 << 10) {
        let npmx = Npmx::with_users(2);
        let output = limited(
            &npmx.app.sandbox,
            bytes,
            "sessions refresh --all --retry-for 0s --concurrency 4",
        );
        if bytes < 4 * (16 << 10) {
            assert!(
                output.code == 1
                    && output.stderr.contains("cannot write to the recovery directory"),
                "{output}"
            );
            assert!(
                output.stderr.contains("hint: ") && npmx.app.exchanges().is_empty(),
                "{bytes}: {output}"
            );
        } else {
            assert_eq!(output.code, 0, "{bytes}: {output}");
        }
        npmx.assert_nobody_lost(output);
    }
}

#[test]
fn a_limit_that_is_enforced_by_a_signal_is_an_error_like_others() {
    let app = App::with_users(3);
    app.database
        .execute("PRAGMA wal_autocheckpoint = 0; CREATE TABLE log (x); INSERT INTO log VALUES (zeroblob(300000))");
    let output =
        app.sandbox.sh("exec prlimit --fsize=200000 oauthctl sessions refresh --all --retry-for 0s --concurrency 4");
    assert!(output.code == 1 && output.stdout.contains("its new tokens are in"), "{output}");
    app.assert_nobody_lost(output);
}

/// Starts a script in its own mount namespace. Prints a note and returns `None` if that is not
/// permitted.
fn begin_with_mounts(sandbox: &Sandbox, script: &str) -> Option<Child> {
    // Requires root, or a kernel with user namespaces.
    let ways = [&["--mount"][..], &["--user", "--map-root-user", "--mount"]];
    let works = |way: &&&[&str]| {
        let tried = Command::new("unshare")
            .args(**way)
            .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
            .output();
        tried.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(works) else {
        say("skipped: file systems that are full or take no writes (nothing can be mounted here)");
        return None;
    };
    let mut command = sandbox.command("unshare");
    command.args(*way).args(["bash", "-c", script]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command.spawn().unwrap())
}

#[test]
fn a_disk_that_fills_up_in_mid_run_loses_nothing() {
    const BREAK: &str =
        "CREATE TRIGGER broken BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'no'); END";
    let app = App::with_users(12);
    app.database.execute(BREAK);
    let answers = Gate::closed();
    app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let script = "
        mkdir -p ~/.local/state/oauthctl/recovery
        mount -t tmpfs -o size=600k tmpfs ~/.local/state/oauthctl/recovery || exit 99
        oauthctl sessions refresh --all --retry-for 0s --concurrency 4 &
        until [ -e exchanged ]; do sleep 0.02; done
        dd if=/dev/zero of=$HOME/.local/state/oauthctl/recovery/fill bs=4k 2>/dev/null
        touch full
        wait $!
        echo exit $?
        mkdir ~/kept && cp -p ~/.local/state/oauthctl/recovery/*.json ~/kept";
    let Some(child) = begin_with_mounts(&app.sandbox, script) else { return };
    app.wait_for_exchange();
    app.sandbox.file("exchanged", "");
    wait_until(|| app.sandbox.path("full").exists());
    answers.open();
    let (output, _) = ending(&app.sandbox, child);
    assert_eq!(output.code, 0, "{output}");
    assert!(output.stdout.ends_with("exit 1\n"), "{output}");
    // Contents of the file system, which is gone.
    let _ = fs::remove_dir(app.recovery_directory());
    fs::rename(app.sandbox.path("../home/kept"), app.recovery_directory()).unwrap();
    assert!(!app.recovery_entries().is_empty());
    app.assert_nobody_lost(&output);
    app.database.execute("DROP TRIGGER broken");
    assert_eq!(app.sessions("refresh --all").code, 0);
    app.assert_nobody_lost(output);
}

#[test]
fn a_file_system_that_takes_no_writes_costs_nothing() {
    let app = App::with_users(3);
    let key = app.net.signing_key().unwrap().to_string();
    app.sandbox.file("keys.json", &key);
    app.database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    let script = "
        mkdir ro state && mount -t tmpfs tmpfs ro && cp app.db keys.json ro/ && mkdir ro/state
        mount -o remount,ro ro || exit 99
        try() { \"$@\"; echo \"exit $?\"; }
        try oauthctl gen-jwk -o ro/key.json
        try oauthctl keys rotate --yes --keys ro/keys.json --store sqlite:app.db
        try oauthctl sessions refresh --all --store sqlite:ro/app.db
        try oauthctl sessions revoke --all --yes --store sqlite:ro/app.db
        XDG_STATE_HOME=$PWD/ro/state try oauthctl sessions refresh --all
        cmp keys.json ro/keys.json && ls ro";
    let Some(child) = begin_with_mounts(&app.sandbox, script) else { return };
    let (output, _) = ending(&app.sandbox, child);
    assert_eq!(output.stdout.matches("exit 1\n").count(), 5, "{output}");
    assert!(output.code == 0 && output.stdout.ends_with("app.db\nkeys.json\nstate\n"), "{output}");
    assert!(output.stderr.contains("cannot write to the recovery directory"), "{output}");
    assert_eq!(output.stderr.matches("hint: ").count(), 5, "{output}");
    assert!(app.exchanges().is_empty(), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn a_database_that_may_not_be_written_costs_nothing() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return say(
            "skipped: a database that may not be written (only root can become somebody else)",
        );
    }
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    // A user who can read the app's directory and has a private recovery directory.
    let script = "chmod 755 .. ../home; chmod 644 *; mkdir -p ../home/.local/state; chown -R 65534 ../home/.local
        exec setpriv --reuid=65534 --regid=65534 --clear-groups oauthctl sessions refresh --all --retry-for 0s";
    let _ = fs::set_permissions(app.sandbox.path(".."), fs::Permissions::from_mode(0o755));
    let output = app.sandbox.sh(script);
    assert!(output.code == 1, "{output}");
    assert!(app.exchanges().is_empty(), "{output}");
    app.assert_nobody_lost(output);
}
