//! Tests with a pooler in front of PostgreSQL: all commands work through it, in each of its modes,
//! with fewer connections than concurrent sessions.

use std::thread;
use std::time::{Duration, Instant};

use testbed::pooler::{PoolMode, Pooler};

use crate::postgres::{Beside, KINDS, Kind, NAME, hash31};
use crate::sandbox::Output;

/// Longer than any of these runs, and shorter than the timeout for a connection.
const LONG: Duration = Duration::from_secs(15);

fn kind(layout: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.layout == layout).unwrap()
}

fn did(letter: char) -> String {
    format!("did:plc:{}", letter.to_string().repeat(24))
}

/// Returns an app with users behind a pooler with two connections, prepared by `init --sql`.
fn behind(mode: PoolMode, kind: &Kind, dids: &[String]) -> (Beside, Pooler) {
    let mut beside = Beside::new();
    beside.server.sql(kind.tables);
    for did in dids {
        beside.put(kind, did);
    }
    let pooler = Pooler::before(&beside.server, mode, 2);
    beside.app.sandbox.set("OAUTHCTL_STORE", format!("{}?connection_limit=2", pooler.url()));
    let sql = beside.run("init --sql");
    assert_eq!(sql.code, 0, "{sql}");
    beside.server.psql("postgres", "app", &sql.stdout);
    (beside, pooler)
}

/// Runs a command, which must not wait for a connection that is never available.
fn run(beside: &Beside, command: &str) -> Output {
    let begun = Instant::now();
    let output = beside.app.sessions(command);
    assert!(begun.elapsed() < LONG, "{command} took {:?}: {output}", begun.elapsed());
    output
}

fn works_through_a_pooler(mode: PoolMode, kind: &Kind, lock: &str) {
    let dids: Vec<_> = ('a'..='l').map(did).collect();
    let (beside, pooler) = behind(mode, kind, &dids);
    let listed = run(&beside, "list");
    assert_eq!(listed.stdout.matches("did:plc:").count(), dids.len(), "{listed}");
    // Locks are visible on both paths.
    let name = format!("{NAME}{}", dids[0]);
    let lock = lock.replace("$name", &name).replace("HASH31", &hash31(&name));
    let sql = format!("BEGIN; {lock}; SELECT pg_sleep(5); COMMIT");
    thread::scope(|scope| {
        let holder = scope.spawn(|| beside.server.sql(&sql));
        thread::sleep(Duration::from_millis(500));
        let busy = run(&beside, "refresh --all --limit 1 --lock-timeout 0s --format jsonl");
        assert!(busy.stdout.contains("another process holds its lock"), "{busy}");
        holder.join().unwrap();
    });
    // Refused sessions cause no write, and their locks are released.
    for ended in &dids[1..5] {
        beside.app.net.end_sessions_of(ended);
    }
    let refreshed = run(&beside, "refresh --all --concurrency 8 --format json");
    let counted: serde_json::Value = serde_json::from_str(&refreshed.stdout).unwrap();
    assert_eq!(counted["counts"]["refreshed"], 8, "{refreshed}\n{}", pooler.log());
    let alive =
        dids.iter().filter(|did| beside.app.net.is_alive_with(&beside.value(kind, did))).count();
    assert_eq!(alive, 8, "{refreshed}");
    let notes = beside.server.psql("postgres", "app", "SELECT count(*) > 0 FROM oauthctl.note");
    assert_eq!(notes, "t");
    let pruned = run(&beside, "prune --format json");
    assert_eq!(pruned.code, 0, "{pruned}");
    let revoked = run(&beside, &format!("revoke {} --yes", dids[6]));
    assert_eq!(revoked.code, 0, "{revoked}");
    let left = run(&beside, "list").stdout.matches("did:plc:").count();
    assert_eq!(left, 7, "{pruned}\n{revoked}");
    let locks = beside.server.admin("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
    assert_eq!(locks, "0");
}

#[test]
fn a_pooler_in_transaction_mode_is_worked_through() {
    let kind = kind("sill");
    works_through_a_pooler(PoolMode::Transaction, kind, kind.lock);
}

#[test]
fn a_pooler_in_session_mode_is_worked_through() {
    let kind = kind("onrepeat");
    works_through_a_pooler(PoolMode::Session, kind, kind.lock);
}
