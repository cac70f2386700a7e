//! How fast a whole Redis is listed: beside what the server itself can deliver, and beside the usual loop in Node.
//!
//!     cargo bench --bench redis                 200,000 sessions; a minute or two
//!     cargo bench --bench redis -- 1000000      more of them
//!     cargo bench --bench redis -- 200000 5     so many runs of each
//!
//! Starts a Redis of its own, fills it, and ends it. Needs redis-server and redis-cli; Node and npm for the comparison.

mod measure;
mod seed;

use std::path::Path;
use std::time::Duration;

use measure::{Run, Server, best, oauthctl, run};
use testbed::Proxy;
use testbed::redis::Redis;

/// Half of a round trip through the delaying proxy.
const HALF_WAY: Duration = Duration::from_millis(5);

/// What an app in Node does to see its sessions.
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

fn main() {
    // `cargo bench` adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let (count, runs) = (arguments.next().unwrap_or(200_000), arguments.next().unwrap_or(3));
    let redis = Redis::start();
    seed::sessions(&redis, count);
    println!("{count} sessions in {}, best of {runs} runs each", redis.url());

    let server = Server(&redis);
    let list = best(runs, || server.watched(|| oauthctl(&redis.url(), &["sessions", "list", "--format", "jsonl"])));
    report("sessions list --format jsonl", count, &list.run);
    println!(
        "    the server worked for {:.0} ms on its commands, {:.0} ms in all: {:.0} % and {:.0} % of the time",
        list.commands.as_secs_f64() * 1e3,
        list.whole.as_secs_f64() * 1e3,
        100.0 * list.commands.as_secs_f64() / list.run.wall.as_secs_f64(),
        100.0 * list.whole.as_secs_f64() / list.run.wall.as_secs_f64(),
    );
    for command in [&["sessions", "list", "--format", "csv"][..], &["sessions", "stats", "--format", "json"]] {
        report(&command.join(" "), count, &best(runs, || oauthctl(&redis.url(), command)));
    }
    through_a_delay(&redis, count, runs, &list.run);
    beside_node(&redis, count, runs, &list.run);
    purging(&redis, count, runs);
}

fn report(what: &str, count: usize, run: &Run) {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let rate = count as f64 / run.wall.as_secs_f64();
    println!("{what:40} {:7.0} ms  {rate:9.0} a second  {:5.1} MB", run.wall.as_secs_f64() * 1e3, run.peak_bytes / 1e6);
}

fn through_a_delay(redis: &Redis, count: usize, runs: usize, direct: &Run) {
    let proxy = Proxy::start(([127, 0, 0, 1], redis.port()).into()).expect("a proxy can be started");
    let url = format!("redis://{}", proxy.address());
    let list = || oauthctl(&url, &["sessions", "list", "--format", "jsonl"]);
    let near = best(runs, list);
    report("… through a proxy", count, &near);
    proxy.set_delay(HALF_WAY, HALF_WAY);
    let far = best(runs, list);
    report("… through a round trip of 10 ms", count, &far);
    let lost = |than: &Run| 100.0 * (1.0 - than.wall.as_secs_f64() / far.wall.as_secs_f64());
    println!("    loses {:.0} % against the proxy without delay, {:.0} % against none", lost(&near), lost(direct));
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
    report("node-redis: scanIterator, mGet, JSON.parse", count, &node);
    println!("    oauthctl is {:.1} times as fast", node.wall.as_secs_f64() / ours.wall.as_secs_f64());
}

fn purging(redis: &Redis, count: usize, runs: usize) {
    let purge = ["states", "purge", "--older-than", "10m", "--layout", "npmx"];
    let ours = best(runs, || {
        seed::stale_states(redis, count);
        oauthctl(&redis.url(), &purge)
    });
    report("states purge", count, &ours);
    let script = format!(
        "redis-cli -p {0} --scan --pattern 'atproto:oauth:state:*' | xargs -L 1000 redis-cli -p {0} unlink",
        redis.port()
    );
    let cli = best(runs, || {
        seed::stale_states(redis, count);
        run("sh", &["-c", &script], Path::new("."))
    });
    report("redis-cli --scan | xargs unlink", count, &cli);
    println!("    oauthctl takes {:.2} times as long", ours.wall.as_secs_f64() / cli.wall.as_secs_f64());
}
