//! Listing of a whole Redis, compared with the server's own limit and with the usual loop in Node.

use std::time::Duration;

use testbed::Proxy;
use testbed::redis::Redis;

use crate::bare;
use crate::measure::{self, Run, Server, best, oauthctl, oauthctl_lines, run};
use crate::seed;

/// Half of a round trip through the delaying proxy.
const HALF_WAY: Duration = Duration::from_millis(5);

/// Loop of a Node app that reads its sessions.
const NODE_LOOP: &str = r"
import { createClient } from 'redis'
const client = await createClient({ url: process.argv[2] }).connect()
let sessions = 0, expired = 0
const kids = new Map()
for await (const keys of client.scanIterator({ MATCH: 'atproto:oauth:sessions:*', COUNT: 1000 })) {
  if (keys.length === 0) continue
  for (const value of await client.mGet(keys)) {
    if (value === null) continue
    const { tokenSet, authMethod } = JSON.parse(value)
    sessions += 1
    if (Date.parse(tokenSet.expires_at) < Date.now()) expired += 1
    kids.set(authMethod.kid, (kids.get(authMethod.kid) ?? 0) + 1)
  }
}
console.log(JSON.stringify({ sessions, expired, kids: Object.fromEntries(kids) }))
client.destroy()
";

pub fn report(count: usize, runs: usize) {
    let redis = Redis::start();
    seed::sessions(&redis, count);
    let server = Server(&redis);
    // The output must be complete before its time matters.
    for format in ["jsonl", "csv"] {
        let titles = usize::from(format == "csv");
        oauthctl_lines(&redis.url(), &["sessions", "list", "--format", format], count + titles);
    }
    oauthctl_lines(&redis.url(), &["sessions", "export", "-o", "-"], count);
    let list = best(runs, || {
        server.watched(|| oauthctl(&redis.url(), &["sessions", "list", "--format", "jsonl"]))
    });
    measure::line("sessions list --format jsonl", count, &list.run);
    let share = |part: Duration| 100.0 * part.as_secs_f64() / list.run.wall.as_secs_f64();
    println!(
        "    the server was busy {:.0} % of the time, {:.0} % with the commands themselves",
        share(list.whole),
        share(list.commands)
    );
    let bare = best(runs, || server.watched(|| bare::scan(redis.port())));
    measure::line("the same commands, answers unread", count, &bare.run);
    println!(
        "    oauthctl lists at {:.0} % of the speed at which the server can deliver",
        100.0 * bare.run.wall.as_secs_f64() / list.run.wall.as_secs_f64()
    );
    for command in [
        &["sessions", "list", "--format", "csv"][..],
        &["sessions", "stats", "--format", "json"],
        &["sessions", "export", "-o", "-"],
        &["sessions", "prune", "--offline", "--dry-run", "--format", "json"],
    ] {
        measure::line(&command.join(" "), count, &best(runs, || oauthctl(&redis.url(), command)));
    }
    through_a_delay(&redis, count, runs, &list.run);
    beside_node(&redis, count, runs, &list.run);
}

fn through_a_delay(redis: &Redis, count: usize, runs: usize, direct: &Run) {
    let proxy =
        Proxy::start(([127, 0, 0, 1], redis.port()).into()).expect("a proxy can be started");
    let url = format!("redis://{}", proxy.address());
    let list = || oauthctl(&url, &["sessions", "list", "--format", "jsonl"]);
    let near = best(runs, list);
    measure::line("list, through a proxy", count, &near);
    proxy.set_delay(HALF_WAY, HALF_WAY);
    let far = best(runs, list);
    measure::line("list, through a round trip of 10 ms", count, &far);
    let lost = |than: &Run| 100.0 * (1.0 - than.wall.as_secs_f64() / far.wall.as_secs_f64());
    println!(
        "    loses {:.0} % against the proxy without delay, {:.0} % against none",
        lost(&near),
        lost(direct)
    );
}

fn beside_node(redis: &Redis, count: usize, runs: usize, ours: &Run) {
    let dir = tempfile::tempdir().expect("a directory can be made");
    std::fs::write(dir.path().join("loop.mjs"), NODE_LOOP).expect("a file can be written");
    let install = ["install", "--no-audit", "--no-fund", "--silent", "redis@5"];
    if !measure::succeeds("npm", &install, dir.path()) {
        println!("node-redis: cannot be installed here, no comparison");
        return;
    }
    let node = best(runs, || run("node", &["loop.mjs", &redis.url()], dir.path()));
    measure::line("node-redis: scanIterator, mGet, JSON.parse", count, &node);
    println!(
        "    oauthctl is {:.1} times as fast",
        node.wall.as_secs_f64() / ours.wall.as_secs_f64()
    );
}
