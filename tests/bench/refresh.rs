//! Refresh of all sessions at an authorization server with the checks of real ones. The server uses
//! a good part of the machine, so the rate is a lower bound. Relevant are constant memory and the
//! processor time per session.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use testbed::postgres::Postgres;
use testbed::redis::Redis;
use testbed::{LoginOptions, Network};

use crate::measure::{self, Run, best, run};
use crate::seed;

/// Number of sessions of a minimal run.
const FEW: usize = 100;
/// Maximum number of sessions refreshed with the app's own client, which takes milliseconds per
/// session.
const OF_CLIENT: usize = 2000;
/// Number of concurrent refreshes.
const AT_ONCE: usize = 16;

/// Loop of a Node app that renews its sessions, by restoring each with the client library that it
/// logs in with.
const NODE_LOOP: &str = r"
import fs from 'node:fs'
import { randomUUID } from 'node:crypto'
import { JoseKey, Keyset, NodeOAuthClient } from '@atproto/oauth-client-node'
import { createClient } from 'redis'
const { redis: url, plc, pds, metadata, key, atOnce } = JSON.parse(fs.readFileSync('client.json', 'utf8'))
const redis = await createClient({ url }).connect()
const PREFIX = 'atproto:oauth:sessions:'
const sessions = {
  get: async (did) => JSON.parse(await redis.get(PREFIX + did)) ?? undefined,
  set: async (did, value) => void (await redis.set(PREFIX + did, JSON.stringify(value), { EX: 179 * 86400 })),
  del: async (did) => void (await redis.del(PREFIX + did)),
}
const none = async () => undefined
const requestLock = async (name, work) => {
  const [lock, owner] = [`oauth:lock:${name}`, randomUUID()]
  await redis.set(lock, owner, { EX: 30, NX: true })
  try {
    return await work()
  } finally {
    if ((await redis.get(lock)) === owner) await redis.del(lock)
  }
}
const client = new NodeOAuthClient({
  clientMetadata: metadata,
  keyset: new Keyset([await JoseKey.fromImportable(JSON.stringify(key))]),
  sessionStore: sessions,
  stateStore: { get: none, set: none, del: none },
  requestLock,
  handleResolver: pds,
  plcDirectoryUrl: plc,
  allowHttp: true,
})
const dids = []
for await (const keys of redis.scanIterator({ MATCH: `${PREFIX}*`, COUNT: 1000 })) {
  dids.push(...keys.map((key) => key.slice(PREFIX.length)))
}
const work = async () => {
  for (let did = dids.pop(); did; did = dids.pop()) await client.restore(did, true)
}
await Promise.all(Array.from({ length: atOnce }, work))
redis.destroy()
";

/// Server with the sessions of an app.
pub enum Server {
    Redis(Redis),
    /// Without a schema for oauthctl's notes, which are kept in the state directory.
    Postgres(Postgres),
    /// With that schema.
    Prepared(Postgres),
}

impl Server {
    fn url(&self) -> String {
        match self {
            Self::Redis(server) => server.url(),
            Self::Postgres(server) | Self::Prepared(server) => server.url(),
        }
    }
}

/// App with sessions last refreshed two days ago.
struct App {
    net: Network,
    server: Server,
    dir: TempDir,
    count: usize,
}

pub fn report(count: usize, runs: usize) {
    processor_each(|| Server::Redis(Redis::start()), count, runs);
    beside_the_client(count.min(OF_CLIENT), runs);
}

/// Refreshes so many sessions on such a server, and returns the milliseconds of processor time that
/// each has taken.
pub fn processor_each(server: fn() -> Server, count: usize, runs: usize) -> f64 {
    let small = App::new(server(), FEW).refresh(runs);
    let large = App::new(server(), count).refresh(1);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let each = (large.processor.as_secs_f64() - small.processor.as_secs_f64()) * 1e3
        / (count.saturating_sub(FEW).max(1)) as f64;
    println!(
        "    {each:.2} ms of processor time each; {:.1} times the memory that {FEW} sessions take",
        large.peak_bytes / small.peak_bytes
    );
    each
}

impl App {
    fn new(server: Server, count: usize) -> Self {
        let net = Network::start_blocking().expect("loopback has free ports");
        net.set_logging(false);
        // The client library accepts no other for a confidential client.
        net.set_client_id(&format!("https://app.example.com{}", testbed::METADATA_PATH));
        let two_days_ago = LoginOptions {
            created_ago: Duration::from_hours(200 * 24),
            refreshed_ago: Some(Duration::from_hours(48)),
            dpop_pool: Some(64),
            ..LoginOptions::default()
        };
        let records = (0..count).map(|_| net.login(two_days_ago.clone()));
        match &server {
            Server::Redis(redis) => seed::records(redis, records),
            Server::Postgres(postgres) | Server::Prepared(postgres) => {
                seed::rows(postgres, "text", records.map(|record| seed::row(&record)));
            }
        }
        let dir = tempfile::tempdir().expect("a directory can be made");
        let settings = format!(
            "keys = [\"file:key.json\"]\n[client]\nclient_id = \"{}\"\n[store]\nurl = \"{}\"\n[network]\n\
             plc_directory = \"{}\"\nallow_http = true\nallow_private_hosts = true\n\
             [refresh]\nmin_interval = \"0s\"\nconcurrency = {AT_ONCE}\nper_issuer = {AT_ONCE}\n",
            net.client_id(),
            server.url(),
            net.plc_url()
        );
        let app = Self { net, server, dir, count };
        app.write("oauthctl.toml", &settings);
        app.write("key.json", &app.key().to_string());
        if let Server::Prepared(postgres) = &app.server {
            let mut init = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
            let sql = init.args(["init", "--sql"]).current_dir(app.dir.path()).output();
            let sql = sql.expect("it can be started").stdout;
            postgres.psql("postgres", "app", &String::from_utf8_lossy(&sql));
        }
        app
    }

    fn key(&self) -> serde_json::Value {
        self.net.signing_key().expect("the app signs")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }

    /// Returns the best of several runs, each of which must refresh all sessions.
    fn watched(&self, what: &str, runs: usize, one: impl Fn(&Path) -> Run) -> Run {
        let run = best(runs, || {
            let before = self.net.counters().exchanged;
            let run = one(self.dir.path());
            assert_eq!(
                self.net.counters().exchanged - before,
                self.count as u64,
                "every session is refreshed"
            );
            assert_eq!(self.net.alive(), self.count, "every session lives");
            run
        });
        measure::line(what, self.count, &run);
        run
    }

    fn refresh(&self, runs: usize) -> Run {
        let command = ["sessions", "refresh", "--all", "--quiet"];
        self.watched("sessions refresh --all", runs, |dir| {
            run(env!("CARGO_BIN_EXE_oauthctl"), &command, dir)
        })
    }
}

/// Refreshes the same sessions with the app's library, with the same concurrency.
fn beside_the_client(count: usize, runs: usize) {
    let app = App::new(Server::Redis(Redis::start()), count);
    let package = json!({
        "type": "module",
        "dependencies": {"@atproto/oauth-client-node": "0.5.3", "redis": "5"},
        // The client's dependency requires a newer Node than may be installed.
        "overrides": {"undici_v8": "npm:undici@^7.0.0"},
    });
    app.write("package.json", &package.to_string());
    let install = ["install", "--no-audit", "--no-fund", "--silent"];
    if !measure::succeeds("npm", &install, app.dir.path()) {
        println!("@atproto/oauth-client-node: cannot be installed here, no comparison");
        return;
    }
    let client = json!({
        "redis": app.server.url(),
        "plc": app.net.plc_url(),
        "pds": app.net.pds_url(),
        "metadata": app.net.metadata(),
        "key": app.key(),
        "atOnce": AT_ONCE,
    });
    app.write("client.json", &client.to_string());
    app.write("loop.mjs", NODE_LOOP);
    let ours = app.refresh(runs);
    let theirs = app.watched("@atproto/oauth-client-node: restore(did, true)", runs, |dir| {
        run("node", &["loop.mjs"], dir)
    });
    let ratio = |of: fn(&Run) -> Duration| of(&theirs).as_secs_f64() / of(&ours).as_secs_f64();
    println!(
        "    the client takes {:.1} times as long and {:.1} times the processor time, beside the same servers",
        ratio(|run| run.wall),
        ratio(|run| run.processor)
    );
}
