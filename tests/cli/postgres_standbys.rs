//! A standby takes over from PostgreSQL, or the server restarts, during a refresh or right after
//! it, without losing a session.

use std::process::Child;
use std::thread;
use std::time::Duration;

use testbed::postgres::{PASSWORD, Postgres, ROLE};

use crate::postgres::{Beside, KINDS, Kind};
use crate::sandbox::Output;

/// Layout without a lock, in which only the table matters.
const KIND: &Kind = &KINDS[0];

fn dids() -> Vec<String> {
    ('a'..='x').map(|letter| format!("did:plc:{}", letter.to_string().repeat(24))).collect()
}

/// Returns an app with users on this server.
fn with_users(server: Postgres) -> Beside {
    let beside = Beside::on(server);
    beside.server.sql(KIND.tables);
    for did in dids() {
        beside.put(KIND, &did);
    }
    beside
}

/// Returns an app with a standby, and an address that names both servers.
fn with_standby() -> (Beside, Postgres) {
    let mut beside = with_users(Postgres::start());
    let standby = beside.server.standby();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", beside.server.port(), standby.port());
    beside.app.sandbox.set("OAUTHCTL_STORE", format!("postgres://{ROLE}:{PASSWORD}@{hosts}/app"));
    (beside, standby)
}

fn begin(beside: &Beside) -> Child {
    beside.app.begin("refresh --all --retry-for 30s --lock-timeout 30s --rate 20")
}

/// Asserts that all sessions are alive on this server, at once or after the recovery that the run
/// has requested.
#[track_caller]
fn assert_nobody_lost(beside: &Beside, server: &Postgres, output: &Output) {
    if output.code != 0 || !beside.app.recovery_entries().is_empty() {
        assert_eq!(output.code, 3, "{output}");
        let recovered = beside.app.sessions("recover");
        assert_eq!(recovered.code, 0, "{output}\n{recovered}");
    }
    assert!(beside.app.recovery_entries().is_empty(), "{output}");
    let lost: Vec<_> = dids()
        .into_iter()
        .filter(|did| {
            let value = server.sql(&KIND.select.replace("$did", did));
            !beside.app.net.is_alive_with(&serde_json::from_str(&value).unwrap())
        })
        .collect();
    assert_eq!(lost, Vec::<String>::new(), "{output}");
    assert_eq!(beside.app.exchanges().len(), dids().len(), "{output}");
}

#[test]
fn a_promotion_in_mid_run_costs_nobody_a_session() {
    let (mut beside, standby) = with_standby();
    // The standby receives nothing of the run's writes.
    beside.server.hold_back();
    let child = begin(&beside);
    beside.app.wait_for_exchanges(10);
    beside.server.kill();
    standby.promote();
    let output = beside.app.sandbox.output_of(child);
    assert_nobody_lost(&beside, &standby, &output);
}

#[test]
fn a_promotion_after_the_last_write_costs_nobody_a_session() {
    let (mut beside, standby) = with_standby();
    beside.server.admin(&format!("GRANT pg_read_all_stats TO {ROLE}"));
    thread::sleep(Duration::from_millis(500));
    beside.server.hold_back();
    let child = begin(&beside);
    // All is written, and the run waits for the standby.
    beside.app.wait_for_exchanges(dids().len() as u64);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(beside.app.recovery_entries().len(), dids().len());
    beside.server.kill();
    standby.promote();
    let output = beside.app.sandbox.output_of(child);
    assert_nobody_lost(&beside, &standby, &output);
}

#[test]
fn what_a_standby_lacks_is_kept_and_named() {
    let (mut beside, standby) = with_standby();
    beside.server.admin(&format!("GRANT pg_read_all_stats TO {ROLE}"));
    thread::sleep(Duration::from_millis(500));
    beside.server.hold_back();
    let output = beside.app.sessions("refresh --all");
    assert_eq!(output.code, 3, "{output}");
    assert!(output.stderr.contains("0 of 1 standbys have it"), "{output}");
    assert_eq!(beside.app.recovery_entries().len(), dids().len());
    beside.server.kill();
    standby.promote();
    assert_nobody_lost(&beside, &standby, &output);
}

#[test]
fn with_standbys_that_follow_a_refresh_ends_as_without() {
    let (mut beside, standby) = with_standby();
    beside.app.configure("min_interval = \"0s\"");
    for right in ["", "GRANT pg_read_all_stats TO app"] {
        if !right.is_empty() {
            beside.server.admin(right);
        }
        let output = beside.app.sessions("refresh --all");
        assert_eq!(output.code, 0, "{output}");
        assert!(beside.app.recovery_entries().is_empty(), "{output}");
    }
    // The same with an address of a single server.
    let url = beside.server.url();
    beside.app.sandbox.set("OAUTHCTL_STORE", url);
    assert_eq!(beside.app.sessions("refresh --all").code, 0);
    drop(standby);
}

#[test]
fn a_standby_alone_is_listed_and_not_refreshed() {
    let (mut beside, standby) = with_standby();
    beside.app.sandbox.set("OAUTHCTL_STORE", standby.url());
    let listed = beside.app.sessions("list");
    assert_eq!(listed.stdout.matches("did:plc:").count(), dids().len(), "{listed}");
    let refused = beside.app.sessions("refresh --all");
    assert_eq!((refused.code, refused.stderr.matches("error:").count()), (1, 1), "{refused}");
    assert!(refused.stderr.contains("use the primary server"), "{refused}");
    assert_eq!(beside.app.exchanges().len(), 0);
}

#[test]
fn a_server_that_crashes_in_mid_run_costs_nobody_a_session() {
    // Writes that are not made durable explicitly stay in memory for as long as possible.
    let settings = ["synchronous_commit=off", "wal_writer_delay=10s", "bgwriter_delay=10s"];
    let mut beside = with_users(Postgres::start_with(&settings));
    let child = begin(&beside);
    beside.app.wait_for_exchanges(10);
    beside.server.kill();
    beside.server.restart();
    let output = beside.app.sandbox.output_of(child);
    assert_nobody_lost(&beside, &beside.server, &output);
}
