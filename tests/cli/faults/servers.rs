//! Failures of stores with several servers: a master replaced by sentinels, and nodes of a cluster.
//! A command continues with the others or fails; it never reports a part as the whole.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use testbed::redis::{Answer, Cluster, Connection, Redis, Sentinels};
use testbed::{Endpoint, Fault, Gate, Injection, Proxy};

use super::store::caught_in_the_act;
use super::{ending, is_full, say};
use crate::app::{App, days_ago, did_of, wait_until};
use crate::npmx::key;
use crate::samples::object;
use crate::sandbox::Output;

/// More sessions than a pipe holds lines.
const MANY: usize = 4000;

/// Sends a command to a server that may be down.
fn asked(server: &Redis, command: &[&str]) -> Option<Answer> {
    Connection::open(server.port()).and_then(|mut connection| connection.ask(command)).ok()
}

/// Returns the record of an account from any server.
pub(super) fn record(servers: &[Redis], did: &str) -> Option<Value> {
    servers.iter().find_map(|server| match asked(server, &["GET", &key(did)])? {
        Answer::Bulk(Some(text)) => serde_json::from_slice(&text).ok(),
        _ => None,
    })
}

/// Logs users in, and stores their sessions with `store`.
fn log_in(app: &App, users: usize, mut store: impl FnMut(&str, &str)) -> Vec<String> {
    let records = app.net.login_many(users, &days_ago(2));
    for record in &records {
        store(&key(did_of(record)), &record.to_string());
    }
    records.iter().map(|record| did_of(record).to_owned()).collect()
}

fn set(connection: &mut Connection, key: &str, text: &str) {
    let stored = connection.ask(&["SET", key, text, "EX", "15000000"]).unwrap();
    assert_eq!(stored, Answer::Status("OK".to_owned()));
}

/// Returns an app whose Redis has sentinels, with a proxy between master and replica.
fn behind_sentinels(users: usize) -> (App, Sentinels, Proxy, Vec<String>) {
    let (sentinels, between) = Sentinels::start_with_proxy();
    let (app, dids) = watched_by(&sentinels, users);
    (app, sentinels, between, dids)
}

/// Returns an app whose Redis has these sentinels.
pub(super) fn watched_by(sentinels: &Sentinels, users: usize) -> (App, Vec<String>) {
    let mut app = App::new();
    app.sandbox.set("OAUTHCTL_STORE", sentinels.url());
    let mut master = Connection::open(sentinels.servers[0].port()).unwrap();
    let dids = log_in(&app, users, |key, text| set(&mut master, key, text));
    sentinels.wait_for_replica();
    (app, dids)
}

/// Returns an app whose Redis is a cluster.
pub(super) fn on_a_cluster(with_replicas: bool, users: usize) -> (App, Cluster, Vec<String>) {
    let (mut app, cluster) = (App::new(), Cluster::start(with_replicas));
    app.sandbox.set("OAUTHCTL_STORE", cluster.url());
    let mut masters: Vec<_> =
        cluster.nodes[..3].iter().map(|node| Connection::open(node.port()).unwrap()).collect();
    let dids = log_in(&app, users, |key, text| set(&mut masters[place(&cluster, key)], key, text));
    if with_replicas {
        cluster.wait_for_replicas();
    }
    (app, cluster, dids)
}

/// Returns the number of the master that initially has the key.
pub(super) fn place(cluster: &Cluster, key: &str) -> usize {
    let Answer::Number(slot) = cluster.nodes[0].ask(&["CLUSTER", "KEYSLOT", key]) else {
        panic!("a key has a slot")
    };
    [5460, 10_922, 16_383].iter().position(|last| slot <= *last).unwrap()
}

/// Starts a listing, and returns after its first line. The output is not read further, so most
/// sessions have not been read.
fn begun_to_list(app: &App) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = app.begin("list --format jsonl");
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with('{'), "{line}");
    (child, stdout)
}

/// Asserts that each session was listed once, or that an error reports the missing ones.
#[track_caller]
fn assert_whole_or_refused(
    app: &App,
    listing: (Child, BufReader<std::process::ChildStdout>),
) -> i32 {
    let (child, mut stdout) = listing;
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    let (output, _) = ending(&app.sandbox, child);
    let shown: Vec<_> = text.lines().map(|line| object(line)["did"].clone()).collect();
    let different: BTreeSet<_> = shown.iter().map(Value::to_string).collect();
    assert_eq!(shown.len(), different.len(), "one is shown twice: {output}");
    if output.code == 0 {
        // The first line was read before.
        assert_eq!(shown.len() + 1, MANY, "{output}");
        assert!(output.stderr.starts_with("4,000 sessions in "), "{output}");
    } else {
        assert_refused(&output);
    }
    output.code
}

#[track_caller]
fn assert_refused(output: &Output) {
    assert!(output.code == 1 && output.stderr.contains("error: "), "{output}");
    assert!(!output.stderr.contains(" sessions in "), "a part is counted as the whole: {output}");
}

/// Starts a count, and returns when the first sessions are being read.
fn begun_to_count(app: &App, servers: &[Redis]) -> Child {
    let has_begun = |server: &Redis| {
        let Some(Answer::Bulk(Some(text))) = asked(server, &["INFO", "commandstats"]) else {
            return false;
        };
        String::from_utf8_lossy(&text).contains("cmdstat_scan:")
    };
    for server in servers {
        asked(server, &["CONFIG", "RESETSTAT"]);
    }
    let child = app.begin("stats --format json");
    wait_until(|| servers.iter().any(has_begun));
    child
}

/// Asserts that all sessions were counted, or that no count was printed.
#[track_caller]
fn assert_counted_or_refused(app: &App, child: Child) {
    let (output, _) = ending(&app.sandbox, child);
    if output.code == 0 {
        assert_eq!(object(&output.stdout)["total"], MANY, "{output}");
    } else {
        assert_refused(&output);
        assert_eq!(output.stdout, "", "{output}");
    }
}

#[test]
fn a_failover_during_a_scan_never_hides_records() {
    let (app, mut sentinels, _between, _) = behind_sentinels(MANY);
    let (listing, counting) = (begun_to_list(&app), begun_to_count(&app, &sentinels.servers));
    sentinels.kill_master();
    assert_whole_or_refused(&app, listing);
    assert_counted_or_refused(&app, counting);
    sentinels.wait_for_fail_over();
    assert_eq!(assert_whole_or_refused(&app, begun_to_list(&app)), 0, "by then everything works");
    if is_full() {
        // The new master fails, too, without a successor.
        let counting = begun_to_count(&app, &sentinels.servers[1..]);
        sentinels.servers[1].kill();
        assert_counted_or_refused(&app, counting);
    }
}

#[test]
fn a_node_lost_during_a_scan_never_hides_records() {
    let (app, mut cluster, _) = on_a_cluster(false, MANY);
    assert_eq!(assert_whole_or_refused(&app, begun_to_list(&app)), 0);
    let (listing, counting) = (begun_to_list(&app), begun_to_count(&app, &cluster.nodes));
    cluster.nodes[2].kill();
    assert_whole_or_refused(&app, listing);
    assert_counted_or_refused(&app, counting);
    // Nor later.
    for command in
        ["list --format jsonl", "stats --format json", "refresh --all", "export -o export.jsonl"]
    {
        let output = app.sessions(command);
        assert_refused(&output);
    }
    assert!(!app.sandbox.path("export.jsonl").exists(), "half an export");
}

#[test]
fn a_node_replaced_during_a_scan_never_hides_records() {
    if !is_full() {
        return say(
            "skipped: a node whose replica takes over in the middle of a scan (OAUTHCTL_FAULTS=full)",
        );
    }
    let (app, mut cluster, _) = on_a_cluster(true, MANY);
    let (listing, counting) = (begun_to_list(&app), begun_to_count(&app, &cluster.nodes));
    cluster.nodes[2].kill();
    assert_whole_or_refused(&app, listing);
    assert_counted_or_refused(&app, counting);
    wait_until(|| asked(&cluster.nodes[5], &["ROLE"]).is_some_and(|role| is_master(&role)));
    assert_eq!(assert_whole_or_refused(&app, begun_to_list(&app)), 0, "by then everything works");
}

fn is_master(role: &Answer) -> bool {
    matches!(role, Answer::List(parts) if parts[0] == Answer::Bulk(Some(b"master".to_vec())))
}

#[test]
fn a_node_lost_during_a_refresh_costs_no_session() {
    let (app, mut cluster, dids) = on_a_cluster(true, 12);
    let answers = Gate::closed();
    app.net.inject(
        Injection::new(Endpoint::Token, Fault::HoldAfter(answers.clone())).skip(1).times(1),
    );
    let child = app.begin("refresh --all --format jsonl");
    app.wait_for_exchange();
    let exchanged = app.net.sessions().into_iter().find(|one| one.generation > 0).unwrap();
    let node = place(&cluster, &key(&exchanged.did));
    cluster.nodes[node].kill();
    answers.open();
    let (output, _) = ending(&app.sandbox, child);
    assert!([0, 1, 3].contains(&output.code) && !output.stderr.contains("panicked"), "{output}");
    wait_until(|| asked(&cluster.nodes[node + 3], &["ROLE"]).is_some_and(|role| is_master(&role)));
    let recovered = app.sessions("recover");
    assert_eq!(recovered.code, 0, "{output}\n{recovered}");
    let lost = || app.lost_among(&dids, |did| record(&cluster.nodes, did));
    assert_eq!(lost(), BTreeSet::new(), "{output}\n{recovered}");
    let output = app.sessions("refresh --all --lock-timeout 40s --retry-for 40s");
    assert_eq!(output.code, 0, "{output}");
    assert_eq!((lost(), app.generations()), (BTreeSet::new(), [(1, 12)].into()), "{output}");
}

#[test]
fn a_fail_over_while_the_server_works_is_waited_for() {
    let (app, mut sentinels, _between, dids) = behind_sentinels(3);
    let (child, answers) = caught_in_the_act(&app);
    sentinels.kill_master();
    answers.open();
    let (output, _) = ending(&app.sandbox, child);
    sentinels.wait_for_fail_over();
    let recovered = app.sessions("recover");
    assert_eq!(recovered.code, 0, "{output}\n{recovered}");
    let lost = || app.lost_among(&dids, |did| record(&sentinels.servers, did));
    assert_eq!(lost(), BTreeSet::new(), "{output}\n{recovered}");
    let output = app.sessions("refresh --all --lock-timeout 40s");
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(lost(), BTreeSet::new(), "{output}");
}

#[test]
fn a_fail_over_to_a_replica_that_lags_behind_loses_nothing() {
    let (app, mut sentinels, between, dids) = behind_sentinels(3);
    // From now on, writes do not reach the replica.
    between.set_delay(Duration::ZERO, Duration::from_hours(1));
    let output = app.sessions("refresh --all");
    // Sentinels may bypass the proxy before the run gives up.
    assert_eq!(
        (output.code, app.recovery_entries().len()),
        if output.code == 0 { (0, 0) } else { (3, 3) },
        "{output}"
    );
    sentinels.kill_master();
    sentinels.wait_for_fail_over();
    let recovered = app.sessions("recover");
    assert_eq!(recovered.code, 0, "{recovered}");
    assert!(app.recovery_entries().is_empty(), "{recovered}");
    let lost = app.lost_among(&dids, |did| record(&sentinels.servers, did));
    assert_eq!(lost, BTreeSet::new(), "{output}\n{recovered}");
}
