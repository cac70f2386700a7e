//! `oauthctl sessions prune --inactive` signs out inactive users, and distinguishes them from
//! active ones despite keep-alive.

use std::collections::BTreeSet;
use std::time::Duration;

use testbed::redis::Redis;
use testbed::{Endpoint, Fault, LoginOptions, Reply, iso8601};

use crate::app::{App, days_ago, to_be};
use crate::samples::{ALICE, BOB, counts, object};
use crate::sandbox::Output;

const HOUR: Duration = Duration::from_hours(1);

/// App in a network whose clock the test controls.
struct Simulation {
    app: App,
    hours: u64,
}

impl Simulation {
    fn new(refresh: &str) -> Self {
        let app = App::new();
        app.configure(refresh);
        app.net.stop_clock();
        app.net.configure(|policy| policy.proofs_follow_clock = true);
        Self { app, hours: 0 }
    }

    /// Logs a user in now.
    fn log_in(&self, did: &str) {
        self.app.log_in(1, &LoginOptions { did: Some(did.to_owned()), ..LoginOptions::default() });
    }

    fn pass(&mut self, time: Duration) {
        self.app.net.advance(time);
        self.hours += time.as_secs() / 3600;
    }

    /// Simulates activity of a user: the app renews the token only if it is stale.
    fn visit(&self, did: &str) {
        let record = self.app.record(did).unwrap();
        let expires = record["tokenSet"]["expires_at"].as_str().unwrap();
        if expires <= iso8601(self.app.net.now()).as_str() {
            self.app.database.session(
                &self.app.net.refresh_as_app(&record).expect("the app has the newest tokens"),
            );
        }
    }

    /// Runs `oauthctl sessions …` at the network's time.
    fn run(&mut self, arguments: &str) -> Output {
        self.app.sandbox.set("OAUTHCTL_TEST_NOW", iso8601(self.app.net.now()));
        self.app.sessions(arguments)
    }
}

#[test]
fn daily_keep_alive_signs_out_exactly_the_inactive_users() {
    // Users with the days of their activity.
    let users: [(&str, fn(u64) -> bool); 8] = [
        ("daily", |_| true),
        ("weekends", |day| day % 7 >= 5),
        ("monthly", |day| day == 12),
        ("returned", |day| day == 25),
        ("recent", |day| day < 12),
        ("gone", |_| false),
        ("left", |day| day < 8),
        ("triedit", |day| day == 1),
    ];
    let away: BTreeSet<_> = ["gone", "left", "triedit"].map(to_be).into();
    let mut world = Simulation::new("");
    for (name, _) in users {
        world.log_in(&to_be(name));
    }
    for day in 0..40 {
        world.pass(12 * HOUR);
        for (name, comes) in users {
            if comes(day) {
                world.visit(&to_be(name));
            }
        }
        world.pass(12 * HOUR);
        let output = world.run("refresh");
        assert_eq!(output.code, 0, "day {day}: {output}");
    }
    let before = world.app.records();
    let planned = world.run("prune --inactive 30d --dry-run --format jsonl");
    let planned: BTreeSet<_> = planned
        .stdout
        .lines()
        .map(|line| object(line)["did"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(planned, away);
    // `list` shows the same.
    let listed = world.run("list --inactive 30d --format jsonl -q");
    let listed: BTreeSet<_> = listed
        .stdout
        .lines()
        .map(|line| object(line)["did"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed, away);
    assert_eq!(object(&world.run("stats --inactive 30d --format json").stdout)["total"], 3);
    assert_eq!(world.app.records(), before);
    let output = world.run("prune --inactive 30d");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "removed 3 of 8 sessions (3 signed out); signed out: inactive for 30 days\n"),
        "{output}"
    );
    for session in world.app.net.sessions() {
        let record = world.app.record(&session.did);
        if away.contains(&session.did) {
            assert_eq!(
                (session.ended.as_deref(), record),
                (Some("revoked"), None),
                "{}",
                session.did
            );
        } else {
            assert!(
                world.app.net.is_alive_with(&record.unwrap()),
                "{}: {:?}",
                session.did,
                session.ended
            );
        }
    }
    let output = world.run("prune --inactive 30d");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "removed 0 of 5 sessions; signed out: inactive for 30 days\n"),
        "{output}"
    );
}

#[test]
fn hourly_keep_alive_signs_out_no_unobservable_user() {
    let mut world = Simulation::new("min_interval = \"0s\"");
    for name in ["away", "daily"] {
        world.log_in(&to_be(name));
    }
    for hour in 0..3 * 24 {
        world.pass(HOUR);
        let output = world.run("refresh --all");
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "refreshed 2 sessions\n"),
            "hour {hour}: {output}"
        );
        if hour % 24 == 12 {
            world.visit(&to_be("daily"));
        }
    }
    let output = world.run("prune --inactive 2d");
    let summary =
        "removed 0 of 2 sessions; 2 kept: user activity unknown; signed out: inactive for 2 days\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, summary), "{output}");
    let output = world.run("prune --inactive 2d --dry-run --format json");
    assert_eq!(counts(&output.stdout)["unobservable"], 2, "{output}");
    let output = world.run("list --inactive 2d --format jsonl");
    assert!(
        output.stderr.starts_with("2 left out: user activity unknown\n0 of 2 sessions"),
        "{output}"
    );
    world.app.assert_nobody_lost(output);
}

#[test]
fn an_old_token_of_the_app_shows_an_inactive_user() {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(31) });
    app.log_in(1, &LoginOptions { did: Some(BOB.to_owned()), ..days_ago(29) });
    let output = app.sessions("prune --inactive 30d");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "removed 1 of 2 sessions (1 signed out); signed out: inactive for 30 days\n"),
        "{output}"
    );
    assert_eq!(app.records_left(), [BOB]);
    assert_eq!(app.net.counters().revoked, 1, "by revocation, not by the proof");
    assert!(app.net.is_alive_with(&app.record(BOB).unwrap()));
}

#[test]
fn without_proof_nobody_counts_as_signed_out() {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(31) });
    app.net.fault(Endpoint::Revoke, Fault::Instead(Reply::json(200, &serde_json::json!({}))));
    let output = app.sessions("prune --inactive 30d");
    insta::assert_snapshot!(output, @r"
    exit 1
    -- stdout --
    DID                               RESULT     REASON
    did:plc:ewvi7nxzyoun6zhxrhs64oiz  unsettled  the server keeps the session alive
    removed 0 of 1 session; 1 kept: no clear answer; signed out: inactive for 30 days
    ");
    app.assert_nobody_lost(output);
}

#[test]
fn a_threshold_that_few_can_mean_is_refused_or_confirmed() {
    let app = App::new();
    app.log_in(1, &LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    for age in ["0s", "30m", "59m"] {
        let output = app.sandbox.refusal(["sessions", "prune", "--yes", "--inactive", age]);
        assert!(output.code == 2 && output.stderr.contains("is less than an hour"), "{output}");
    }
    let output = app.sandbox.refusal(["sessions", "prune", "--inactive", "23h"]);
    assert!(output.code == 2 && output.stderr.contains("use --yes"), "{output}");
    assert_eq!(app.records_left(), [ALICE]);
    let output = app.sessions("prune --inactive 23h --yes");
    let summary = "removed 1 of 1 session (1 signed out); signed out: inactive for 23 hours\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, summary), "{output}");
}

#[test]
fn more_than_max_removed_are_left_alone_and_the_dead_still_go() {
    let app = App::new();
    app.log_in(3, &days_ago(40));
    let mut dead = app.net.login(LoginOptions { did: Some(BOB.to_owned()), ..days_ago(2) });
    dead["tokenSet"].as_object_mut().unwrap().shift_remove("refresh_token");
    app.database.session(&dead);
    let output = app.sessions("prune --inactive 30d --max-removed 2");
    insta::assert_snapshot!(output, @r"
    exit 3
    -- stdout --
    removed 1 of 4 sessions (1 dead); signed out: inactive for 30 days
    -- stderr --
    warning: 3 of 4 sessions would be signed out or removed as malformed, which is more than 2, so none is; use --max-removed 3 to allow it
    ");
    assert_eq!((app.records_left().len(), app.net.counters().revoked), (3, 0));
    app.configure("[prune]\nmax_removed = 1");
    let output = app.sessions("prune --inactive 30d --dry-run");
    assert!(output.code == 3 && output.stderr.contains("more than 1, so none is"), "{output}");
    let output = app.sessions("prune --inactive 30d --max-removed 3");
    assert!(
        output.code == 0 && output.stdout.starts_with("removed 3 of 3 sessions (3 signed out)"),
        "{output}"
    );
}

#[test]
fn a_store_that_is_behind_signs_out_nobody_after_the_first() {
    let mut world = Simulation::new("");
    let users = ["one", "two", "three", "four"].map(to_be);
    for did in &users {
        world.log_in(did);
    }
    for _ in 0..40 {
        world.pass(24 * HOUR);
        assert_eq!(world.run("refresh").code, 0);
    }
    // The app continues with another store, of which this is a copy.
    let elsewhere: Vec<_> = users
        .iter()
        .map(|did| {
            world
                .app
                .net
                .refresh_as_app(&world.app.record(did).unwrap())
                .expect("the newest tokens")
        })
        .collect();
    let before = world.app.records();
    let output = world.run("prune --inactive 30d");
    assert_eq!(output.code, 1, "{output}");
    assert!(output.stdout.contains("is this store a copy or a restored backup?"), "{output}");
    assert_eq!(output.stdout.matches("not attempted").count(), users.len() - 1, "{output}");
    assert_eq!(world.app.records(), before);
    let alive = elsewhere.iter().filter(|record| world.app.net.is_alive_with(record)).count();
    assert_eq!(alive, users.len() - 1, "{output}");
}

#[test]
fn a_clock_that_servers_contradict_signs_out_nobody() {
    let mut world = Simulation::new("");
    world.log_in(ALICE);
    world.pass(24 * HOUR);
    let days = i64::try_from((40 * 24 * HOUR).as_millis()).unwrap();
    world.app.sandbox.set("OAUTHCTL_TEST_NOW", iso8601(world.app.net.now() + days));
    let output = world.app.sessions("prune --inactive 30d");
    assert!(output.code == 1 && output.stdout.contains("is 40d ahead of that of http"), "{output}");
    assert_eq!(
        (world.app.records_left(), world.app.net.counters().revoked),
        (vec![ALICE.to_owned()], 0)
    );
    world.app.assert_nobody_lost(output);
}

#[test]
fn a_clock_that_the_store_contradicts_signs_out_nobody() {
    let redis = Redis::start();
    let mut app = App::new();
    let record = app.net.login(LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(1) });
    redis.ask(&["SET", &format!("atproto:oauth:sessions:{ALICE}"), &record.to_string()]);
    // The store's clock advances meanwhile.
    let ahead = i64::try_from((40 * 24 * HOUR + HOUR / 2).as_millis()).unwrap();
    app.sandbox.set("OAUTHCTL_TEST_NOW", iso8601(app.net.now() + ahead));
    for more in ["", " --dry-run"] {
        let output = app.sessions(&format!("prune --inactive 30d --store {}{more}", redis.url()));
        assert!(
            output.code == 2
                && output.stderr.contains("which determines ages, is 40d")
                && output.stderr.contains("that of the store"),
            "{output}"
        );
    }
    assert_eq!(app.net.counters().of(Endpoint::Token), 0);
}

#[test]
fn a_refresh_by_a_clock_that_is_behind_makes_nobody_absent() {
    let mut world = Simulation::new("");
    world.log_in(ALICE);
    world.pass(24 * HOUR);
    let days = i64::try_from((40 * 24 * HOUR).as_millis()).unwrap();
    world.app.sandbox.set("OAUTHCTL_TEST_NOW", iso8601(world.app.net.now() - days));
    let output = world.app.sessions(&format!("refresh {ALICE}"));
    assert_eq!(output.code, 0, "{output}");
    world.pass(24 * HOUR);
    let output = world.run("prune --inactive 30d");
    assert_eq!((output.code, world.app.net.counters().revoked), (0, 0), "{output}");
    world.app.assert_nobody_lost(output);
}
