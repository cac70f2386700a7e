//! A whole PostgreSQL listed, beside psql, which copies the same columns in one run; and what a
//! refresh costs, beside one in Redis.

use testbed::postgres::{Postgres, program};
use testbed::redis::Redis;

use crate::measure::{self, Timed as _, best, oauthctl, oauthctl_lines, run};
use crate::refresh::{Server, processor_each};
use crate::seed;

/// More than so many are refreshed by the other part.
const REFRESHED: usize = 5000;

pub fn report(count: usize, runs: usize) {
    for column in ["text", "jsonb"] {
        listed(column, count, runs);
    }
    let servers: [fn() -> Server; 3] = [
        || Server::Redis(Redis::start()),
        || Server::Prepared(Postgres::start()),
        || Server::Postgres(Postgres::start()),
    ];
    let [redis, schema, file] =
        servers.map(|server| processor_each(server, count.min(REFRESHED), runs));
    println!(
        "    a refresh takes {:.2} times the processor time of one in Redis, {:.2} times with notes in a file",
        schema / redis,
        file / redis
    );
}

fn listed(column: &str, count: usize, runs: usize) {
    let server = Postgres::start_with(&["shared_buffers=256MB"]);
    seed::session_rows(&server, column, count);
    oauthctl_lines(&server.url(), &["sessions", "list", "--format", "jsonl"], count);
    let (psql, url) = (program("psql").display().to_string(), server.url());
    let copy = ["-qX", &url, "-c", "\\copy (SELECT key, session FROM auth_session) TO STDOUT"];
    // In turns, so that a busy moment of the machine is nobody's disadvantage.
    let turns = (0..runs.max(1)).map(|_| {
        let bare = run(&psql, &copy, &std::env::temp_dir());
        (bare, oauthctl(&server.url(), &["sessions", "list", "--format", "jsonl"]))
    });
    let (bare, list): (Vec<_>, Vec<_>) = turns.collect();
    let [bare, list] = [bare, list].map(|runs| {
        let mut runs = runs.into_iter();
        best(runs.len(), || runs.next().expect("there are as many"))
    });
    measure::line(&format!("psql \\copy, {column}"), count, &bare);
    measure::line(&format!("sessions list --format jsonl, {column}"), count, &list);
    println!(
        "    {:.2} times as long, {:.2} times the processor time",
        list.wall().as_secs_f64() / bare.wall().as_secs_f64(),
        list.processor.as_secs_f64() / bare.processor.as_secs_f64()
    );
}
