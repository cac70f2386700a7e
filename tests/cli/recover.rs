//! Tokens that cannot be stored are kept in the recovery directory until they can.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use testbed::{Endpoint, Fault, Gate, Injection, LoginOptions};

use crate::app::{App, days_ago, wait_until};
use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, counts, object};

/// Makes all writes of sessions fail like a full disk, while reads succeed.
const BREAK: &str = "CREATE TRIGGER broken BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END";
const MEND: &str = "DROP TRIGGER broken";

/// Returns an app whose two sessions were refreshed while the store was read-only.
fn with_entries() -> App {
    let app = App::new();
    for did in [ALICE, BOB] {
        app.log_in(1, &LoginOptions { did: Some(did.to_owned()), ..days_ago(2) });
    }
    app.database.execute(BREAK);
    // Two runs, because the first failure stops a run.
    let children = [ALICE, BOB].map(|did| app.begin(&format!("refresh {did}")));
    for child in children {
        let output = app.sandbox.output_of(child);
        assert_eq!(output.code, 1, "{output}");
        assert!(
            output.stdout.contains("refreshed, but the store could not be written"),
            "{output}"
        );
    }
    app.assert_nobody_lost("");
    app
}

#[test]
fn unstored_tokens_are_kept_privately() {
    let app = with_entries();
    let entries = app.recovery_entries();
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        assert_eq!(fs::metadata(entry).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(
            fs::metadata(entry.parent().unwrap()).unwrap().permissions().mode() & 0o7777,
            0o700
        );
    }
}

#[test]
fn the_next_run_stores_it_first() {
    let app = with_entries();
    app.database.execute(MEND);
    app.configure("min_interval = \"0s\"");
    let output = app.sessions("refresh");
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(output.stderr.matches("that an earlier run could not store").count(), 2, "{output}");
    assert!(app.recovery_entries().is_empty());
    assert_eq!(app.generations(), [(1, 2)].into());
    app.assert_nobody_lost(output);
}

#[test]
fn a_session_whose_newer_tokens_wait_is_never_exchanged() {
    let app = with_entries();
    let sent = app.exchanges().len();
    app.configure("min_interval = \"0s\"");
    let output = app.sessions("refresh --all");
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stdout.contains("newer tokens are in the recovery directory"), "{output}");
    assert_eq!(app.exchanges().len(), sent);
    let output = app.sessions("revoke --all --yes");
    assert_eq!((output.code, app.exchanges().len()), (1, sent), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn recovering_is_a_command_of_its_own() {
    let app = with_entries();
    let output = app.sessions("recover");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (3, "stored 0 sessions, 2 still waiting\n"),
        "{output}"
    );
    app.assert_nobody_lost(output);
    app.database.execute(MEND);
    let output = app.sessions("recover --format json");
    let report =
        json!({"applied": 2, "superseded": 0, "orphaned": 0, "pending": 0, "elsewhere": 0});
    assert_eq!((output.code, Value::Object(counts(&output.stdout))), (0, report), "{output}");
    app.assert_nobody_lost(&output);
    let output = app.sessions("recover");
    assert_eq!((output.code, output.stdout.as_str()), (0, "stored 0 sessions\n"), "{output}");
}

#[test]
fn entries_of_another_store_with_the_same_name_are_kept() {
    let app = with_entries();
    let elsewhere = app.sandbox.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    AppDatabase::create(&elsewhere.join("app.db")).close();
    let output = app.sandbox.sh("cd elsewhere && oauthctl sessions recover --store sqlite:app.db");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "stored 0 sessions, 2 of another store\n"),
        "{output}"
    );
    assert_eq!(app.recovery_entries().len(), 2);
    // The same store under another address.
    app.database.execute(MEND);
    let output =
        app.sandbox.sh("cd elsewhere && ln -s ../app.db link.db && oauthctl sessions recover --store sqlite:link.db");
    assert_eq!((output.code, output.stdout.as_str()), (0, "stored 2 sessions\n"), "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn doctor_and_recover_agree_on_what_waits_here() {
    let app = with_entries();
    let doctor = |options: &str| {
        let output = app
            .sandbox
            .run(format!("doctor --offline --format json {options}").trim_end().split(' '));
        let findings: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
        let found = findings.iter().find(|finding| finding["topic"] == "recovery").unwrap();
        found["what"].as_str().unwrap().to_owned()
    };
    let recover = |options: &str| {
        counts(&app.sessions(&format!("recover -n --format json {options}")).stdout)
    };
    fs::hard_link(app.sandbox.path("app.db"), app.sandbox.path("unknown.db")).unwrap();
    std::os::unix::fs::symlink("app.db", app.sandbox.path("link.db")).unwrap();
    let absolute = app.sandbox.path("app.db").display().to_string();
    for name in [
        "",
        "--store sqlite:app.db",
        "--store sqlite:link.db",
        &format!("--store sqlite:{absolute}"),
    ] {
        let name = name.trim_end();
        assert_eq!(doctor(name), "the tokens of 2 sessions are waiting to be stored", "{name}");
        assert_eq!(recover(name)["waiting"], 2, "{name}");
    }
    let other = "--store sqlite:unknown.db";
    assert_eq!(doctor(other), "the tokens of 2 sessions in another store are waiting to be stored");
    assert_eq!((&recover(other)["waiting"], &recover(other)["elsewhere"]), (&0.into(), &2.into()));
}

#[test]
fn entries_of_0_1_0_are_found_in_their_store() {
    let app = App::new();
    // As 0.1.0 named stores: with user and encryption, hosts as given.
    for (n, store) in
        ["rediss://default@127.0.0.1:1/0", "redis://localhost:1/0", "redis://localhost:1/1"]
            .iter()
            .enumerate()
    {
        let entry = json!({"store": store, "key": "did:plc:a", "supersedes": "00", "record": "{}"});
        app.sandbox.file(app.recovery_directory().join(format!("{n}.json")), entry.to_string());
    }
    let output = app.sessions("recover -n --store redis://u:p@localhost:1");
    assert_eq!(output.stdout, "would try to store 2 sessions, 1 of another store\n", "{output}");
}

#[test]
fn entries_never_restore_deleted_or_replace_new_sessions() {
    let app = with_entries();
    app.database.execute(MEND);
    app.database.execute(&format!("DELETE FROM auth_session WHERE key = '{BOB}'"));
    let login =
        app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..LoginOptions::default() });
    let output = app.sessions("recover");
    let told = "stored 0 sessions, 1 no longer needed, 1 whose record is gone\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, told), "{output}");
    assert_eq!(app.record(ALICE).as_ref(), login.first());
    assert_eq!(app.record(BOB), None);
    assert_eq!(app.recovery_entries().len(), 1);
}

/// Makes a file appear older.
#[expect(clippy::disallowed_methods, reason = "files are dated by the clock of the machine")]
fn make_older(path: &Path, by: Duration) {
    fs::File::options()
        .append(true)
        .open(path)
        .unwrap()
        .set_modified(SystemTime::now() - by)
        .unwrap();
}

#[test]
fn records_restored_from_a_snapshot_get_their_newer_tokens() {
    let app = with_entries();
    app.database.execute(MEND);
    let snapshot = app.record(BOB).unwrap();
    app.database.execute("DELETE FROM auth_session");
    app.configure("min_interval = \"0s\"");
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, app.recovery_entries().len()), (0, 2), "{output}");
    app.database.session(&snapshot);
    let output = app.sessions("refresh --all");
    assert!(app.net.is_alive_with(&app.record(BOB).unwrap()), "{output}");
    // An entry without its record is removed after a week.
    let entry = app.recovery_entries().remove(0);
    make_older(&entry, Duration::from_hours(8 * 24));
    let output = app.sessions("recover");
    assert_eq!((output.code, app.recovery_entries().len()), (0, 0), "{output}");
}

#[test]
fn a_store_is_known_by_its_records_and_not_by_its_address() {
    let app = with_entries();
    let sent = app.exchanges().len();
    for path in app.recovery_entries() {
        let mut entry = object(&fs::read_to_string(&path).unwrap());
        entry["store"] = json!("redis://somewhere/0");
        fs::write(&path, Value::from(entry).to_string()).unwrap();
    }
    // The address differs, but the tokens are used up nevertheless.
    app.configure("min_interval = \"0s\"");
    let output = app.sessions("refresh --all");
    assert_eq!((output.code, app.exchanges().len()), (1, sent), "{output}");
    app.database.execute(MEND);
    let output = app.sessions("recover");
    assert_eq!((output.code, output.stdout.as_str()), (0, "stored 2 sessions\n"), "{output}");
    app.assert_nobody_lost(&output);
    // The store with that address may have copies of these records, and needs the entries, too.
    assert_eq!(app.recovery_entries().len(), 2);
    let output = app.sessions("refresh --all");
    assert_eq!(output.code, 0, "{output}");
    app.assert_nobody_lost(output);
}

#[test]
fn what_a_killed_run_has_left_behind_is_removed() {
    let app = App::with_users(1);
    let directory = app.sandbox.path("../home/.local/state/oauthctl/recovery");
    fs::create_dir_all(&directory).unwrap();
    let (old, young) = (directory.join(".tmpOld"), directory.join(".tmpYoung"));
    for path in [&old, &young] {
        fs::write(path, "half a rec").unwrap();
    }
    make_older(&old, Duration::from_hours(2));
    assert_eq!(app.sessions("refresh --all").code, 0);
    assert_eq!((old.exists(), young.exists()), (false, true));
}

#[test]
fn an_entry_is_stored_if_only_other_members_were_changed() {
    let app = with_entries();
    app.database.execute(MEND);
    let mut touched = app.record(ALICE).unwrap();
    touched["note"] = json!("of the app");
    app.database.session(&touched);
    let output = app.sessions("recover");
    assert_eq!((output.code, output.stdout.as_str()), (0, "stored 2 sessions\n"), "{output}");
    assert_eq!(app.record(ALICE).unwrap()["note"], "of the app");
    app.assert_nobody_lost(output);
}

#[test]
fn a_run_whose_store_fails_stops_exchanging() {
    let app = App::with_users(60);
    app.database.execute(BREAK);
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 1 && output.stdout.contains("not attempted, because the store fails"),
        "{output}"
    );
    let kept = app.recovery_entries().len();
    assert!((1..=4).contains(&kept), "{kept}");
    app.assert_nobody_lost(&output);
    app.database.execute(MEND);
    let output = app.sessions("refresh --all");
    assert!(
        output.code == 0 && output.stdout.starts_with(&format!("refreshed {} sessions", 60 - kept)),
        "{output}"
    );
    assert_eq!(app.generations(), [(1, 60)].into());
    app.assert_nobody_lost(output);
}

#[test]
fn a_store_that_is_busy_for_a_moment_is_waited_for() {
    let app = App::with_users(8);
    let answers = Gate::closed();
    app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let child = app.begin("refresh --all");
    app.wait_for_exchange();
    app.database.execute("BEGIN IMMEDIATE");
    answers.open();
    // The tokens are safe in any case, and the entry is removed when it is obsolete.
    wait_until(|| !app.recovery_entries().is_empty());
    app.assert_nobody_lost("");
    app.database.execute("COMMIT");
    let output = app.sandbox.output_of(child);
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 8 sessions\n"), "{output}");
    assert!(app.recovery_entries().is_empty());
    app.assert_nobody_lost(output);
}

#[test]
fn a_recovering_store_gets_waiting_tokens_in_the_same_run() {
    let app = App::with_users(4);
    app.database.execute(BREAK);
    let mut child =
        app.begin("refresh --all --format jsonl --concurrency 1 --per-issuer 1 --retry-for 60s");
    let mut results = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // Others are not attempted once the first one's tokens are in the recovery directory.
    assert!(results.next().unwrap().contains("not attempted, because the store fails"));
    assert_eq!(app.recovery_entries().len(), 1);
    app.database.execute(MEND);
    let results: Vec<_> = results.collect();
    assert_eq!(
        results.iter().filter(|result| result.contains(r#""result":"refreshed""#)).count(),
        1,
        "{results:?}"
    );
    let output = app.sandbox.output_of(child);
    assert_eq!((output.code, app.recovery_entries().len()), (3, 0), "{output}");
    assert_eq!(app.generations(), [(0, 3), (1, 1)].into());
    app.assert_nobody_lost(output);
}

#[test]
fn a_store_that_disappears_while_the_server_works_loses_nothing() {
    let app = App::new();
    let record =
        app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) }).remove(0);
    let answers = Gate::closed();
    app.net.inject(Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1));
    let child = app.begin("refresh --all");
    app.wait_for_exchange();
    // Only the tables: a deleted file stays usable for processes that have it open.
    app.database.execute("ALTER TABLE auth_session RENAME TO gone");
    answers.open();
    let output = app.sandbox.output_of(child);
    assert_eq!(output.code, 1, "{output}");
    app.database.execute("ALTER TABLE gone RENAME TO auth_session");
    assert_eq!(app.record(ALICE), Some(record));
    assert_eq!(app.recovery_entries().len(), 1);
    assert_eq!(app.sessions("recover").stdout, "stored 1 session\n");
    app.assert_nobody_lost(output);
}

#[test]
fn a_store_that_cannot_be_reached_costs_nothing() {
    let app = App::with_users(2);
    fs::rename(app.sandbox.path("app.db"), app.sandbox.path("moved.db")).unwrap();
    let output = app.sessions("refresh --all");
    assert!(output.code == 2 && output.stderr.contains("the database does not exist"), "{output}");
    assert_eq!(app.net.counters().requests, [].into());
}

#[test]
fn without_a_recovery_directory_nothing_is_refreshed() {
    let mut app = App::with_users(2);
    // A place where not even root can create a directory.
    app.sandbox.set("XDG_STATE_HOME", "/proc");
    for command in ["refresh --all", "upgrade --unpublished", "revoke --all --yes"] {
        let output = app.sessions(command);
        assert!(
            output.code == 1 && output.stderr.contains("cannot write to the recovery directory"),
            "{output}"
        );
        assert!(output.stderr.contains("hint: "), "{output}");
    }
    assert_eq!(app.net.counters().of(Endpoint::Token), 0);
}

#[test]
fn an_entry_that_somebody_broke_is_named_and_left() {
    let app = with_entries();
    app.database.execute(MEND);
    let broken = app.recovery_entries().remove(0);
    fs::write(&broken, "{").unwrap();
    let output = app.sessions("recover --format json");
    assert_eq!(output.code, 3, "{output}");
    assert_eq!(
        (&counts(&output.stdout)["applied"], &counts(&output.stdout)["pending"]),
        (&json!(1), &json!(1))
    );
    assert!(output.stderr.contains("is not a recovery entry"), "{output}");
    assert!(broken.exists());
}

#[test]
fn a_dry_run_says_what_waits_and_leaves_it() {
    let app = with_entries();
    app.database.execute(MEND);
    let before = app.records();
    let output = app.sessions("recover --dry-run");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "would try to store 2 sessions\n"),
        "{output}"
    );
    AppDatabase::create(&app.sandbox.path("other.db")).close();
    let output = app.sessions("recover -n --format json --store sqlite:other.db");
    let expected = json!({"waiting": 0, "elsewhere": 2, "unreadable": 0});
    assert_eq!(Value::Object(counts(&output.stdout)), expected, "{output}");
    assert_eq!((app.recovery_entries().len(), app.records()), (2, before));
}
