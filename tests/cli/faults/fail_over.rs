//! Failover of a Redis master during a bulk refresh, or right after it, without losing a session. A
//! demoted master accepts writes for about ten seconds, which the new master never gets.

use std::process::Child;
use std::thread;
use std::time::Duration;

use testbed::redis::{Connection, Sentinels};

use super::servers::{on_a_cluster, place, record, watched_by};
use super::{ending, is_full, say};
use crate::app::App;
use crate::npmx::key;
use crate::sandbox::Output;

/// Ways of a failover.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Ordered by the sentinels.
    Planned,
    /// The master executes nothing for this time, and then all waiting commands.
    Pause(Duration),
    /// The master's process is stopped for this time.
    Freeze(Duration),
    /// Sentinels and replica cannot reach the master, but connected clients can.
    Isolation,
}

/// Returns the number of sessions, and the number refreshed before the failover.
fn sizes() -> (usize, u64) {
    if is_full() { (150, 50) } else { (40, 12) }
}

/// Returns the number of rounds.
fn rounds() -> usize {
    if is_full() { 10 } else { 1 }
}

fn begin(app: &App) -> Child {
    let pace = if is_full() { "--rate 60" } else { "--rate 25" };
    app.begin(&format!("refresh --all --retry-for 30s --lock-timeout 30s {pace}"))
}

fn strike(sentinels: &Sentinels, way: Way) -> Option<Connection> {
    let master = &sentinels.servers[0];
    match way {
        Way::Planned => sentinels.fail_over(),
        Way::Pause(time) => {
            master.ask(&["CLIENT", "PAUSE", &time.as_millis().to_string(), "ALL"]);
        }
        Way::Freeze(time) => {
            master.freeze(true);
            thread::sleep(time);
            master.freeze(false);
        }
        Way::Isolation => return Some(sentinels.isolate_master()),
    }
    None
}

/// Asserts that the current master has all sessions, at once or after a recovery announced by the
/// run.
#[track_caller]
fn assert_nobody_lost(app: &App, output: &Output, lost: impl Fn() -> usize) -> usize {
    assert!(!output.stderr.contains("panicked"), "{output}");
    let waiting = app.recovery_entries().len();
    if waiting > 0 || output.code != 0 {
        assert_eq!(output.code, 3, "{waiting} wait: {output}");
        let recovered = app.sessions("recover");
        assert_eq!(recovered.code, 0, "{output}\n{recovered}");
    }
    assert_eq!(app.recovery_entries().len(), 0, "{output}");
    assert_eq!(lost(), 0, "{output}");
    waiting
}

fn fail_over(way: Way) -> usize {
    fail_over_after(way, sizes().1)
}

fn fail_over_after(way: Way, before: u64) -> usize {
    let (count, _) = sizes();
    let sentinels = Sentinels::start();
    let (app, dids) = watched_by(&sentinels, count);
    let child = begin(&app);
    app.wait_for_exchanges(before);
    let inside = strike(&sentinels, way);
    let (output, _) = ending(&app.sandbox, child);
    sentinels.wait_for_fail_over();
    if let Some(mut inside) = inside {
        inside.ask(&["CONFIG", "SET", "maxclients", "10000"]).unwrap();
    }
    sentinels.wait_for_demotion();
    let lost = || app.lost_among(&dids, |did| record(&sentinels.servers[1..], did)).len();
    assert_nobody_lost(&app, &output, lost)
}

/// Returns the length of a pause. A short one may end before the sentinels agree.
fn pause_of(way: Way) -> usize {
    let (count, before) = sizes();
    let sentinels = Sentinels::start();
    let (app, dids) = watched_by(&sentinels, count);
    let child = begin(&app);
    app.wait_for_exchanges(before);
    strike(&sentinels, way);
    let (output, _) = ending(&app.sandbox, child);
    let master = sentinels.settled_master();
    let lost =
        || app.lost_among(&dids, |did| record(&sentinels.servers[master..=master], did)).len();
    assert_nobody_lost(&app, &output, lost)
}

#[track_caller]
fn fails_over_without_loss(what: &str, mut one: impl FnMut() -> usize) {
    for round in 1..=rounds() {
        let waited = one();
        super::tell(&format!("{what}, round {round}: nobody lost, {waited} waited for a recovery"));
    }
}

#[test]
fn a_planned_fail_over_costs_nobody_a_session() {
    fails_over_without_loss("planned fail-over", || fail_over(Way::Planned));
}

#[test]
fn a_master_that_pauses_and_is_replaced_costs_nobody_a_session() {
    if !is_full() {
        return say("skipped: a master that pauses (OAUTHCTL_FAULTS=full)");
    }
    for seconds in [3, 5, 8] {
        let time = Duration::from_secs(seconds);
        fails_over_without_loss(&format!("pause of {seconds} s"), || pause_of(Way::Pause(time)));
        fails_over_without_loss(&format!("stop of {seconds} s"), || pause_of(Way::Freeze(time)));
    }
}

#[test]
fn a_master_that_was_cut_off_costs_nobody_a_session() {
    if !is_full() {
        return say("skipped: a master that was cut off (OAUTHCTL_FAULTS=full)");
    }
    fails_over_without_loss("isolated master", || fail_over(Way::Isolation));
}

/// Before, at and after the last write. No later write could show the failover.
#[test]
fn a_fail_over_after_the_last_write_costs_nobody_a_session() {
    let (count, _) = sizes();
    let mut left = 0..4;
    fails_over_without_loss("fail-over around the last write", || {
        let to_come = left.next().unwrap_or_else(|| {
            left = 1..4;
            0
        });
        fail_over_after(Way::Planned, u64::try_from(count).unwrap() - to_come)
    });
}

fn on_cluster(what: &str, strike: impl Fn(&testbed::redis::Cluster, &[String])) {
    fails_over_without_loss(what, || {
        let (count, before) = sizes();
        let (app, cluster, dids) = on_a_cluster(true, count);
        let child = begin(&app);
        app.wait_for_exchanges(before);
        strike(&cluster, &dids);
        let (output, _) = ending(&app.sandbox, child);
        let lost = || {
            // Replicas answer with a redirection, which is not a record.
            app.lost_among(&dids, |did| record(&cluster.nodes, did)).len()
        };
        assert_nobody_lost(&app, &output, lost)
    });
}

#[test]
fn a_fail_over_in_a_cluster_costs_nobody_a_session() {
    on_cluster("CLUSTER FAILOVER", |cluster, _| {
        for replica in 3..6 {
            cluster.fail_over(replica, &[]);
        }
    });
    if is_full() {
        on_cluster("CLUSTER FAILOVER TAKEOVER", |cluster, _| cluster.fail_over(4, &["TAKEOVER"]));
    }
}

#[test]
fn slots_that_move_cost_nobody_a_session() {
    on_cluster("resharding", |cluster, dids| {
        cluster.be_patient(Duration::from_secs(30));
        let mut moved = Vec::new();
        for key in dids.iter().map(|did| key(did)) {
            let from = place(cluster, &key);
            let slot = cluster.nodes[0].ask(&["CLUSTER", "KEYSLOT", &key]);
            // To one node only: if two nodes exchange slots quickly, each may believe that the
            // other has a slot, and none serves it.
            if from != 0 && !moved.contains(&slot) {
                cluster.move_slot(&key, from, 0);
                moved.push(slot);
            }
        }
    });
}
