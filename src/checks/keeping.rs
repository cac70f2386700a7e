//! Checks that the store keeps its records: memory, disk, replicas, privileges and times to live.

use std::time::Duration;

use super::{Finding, Topic};
use crate::session::Age;
use crate::store::{PostgresVitals, RedisVitals, SqliteVitals, Vitals};
use crate::text::counted;

const TOPIC: Topic = Topic::Store;
const MIB: u64 = 1 << 20;
/// Share of used memory that causes a warning, in percent.
const FULL: u64 = 90;
/// Free disk space below which there is a warning.
const LITTLE: u64 = 100 * MIB;
/// Free disk space that one run may use up.
const TOO_LITTLE: u64 = 10 * MIB;
/// Replicas that are further behind lose sessions when they take over, in seconds.
const LAG: u64 = 10;
/// Limit for statements that a busy server may exceed.
const SHORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Evaluates the facts about a store. `has_ttl`: its sessions have a time to live.
pub fn check(vitals: &Vitals, has_ttl: bool) -> Vec<Finding> {
    match vitals {
        Vitals::Redis(vitals) => redis(vitals, has_ttl),
        Vitals::Sqlite(vitals) => sqlite(vitals),
        Vitals::Postgres(vitals) => postgres(vitals),
    }
}

/// Reports a store that provides no facts about itself.
pub fn unknown(error: &anyhow::Error) -> Finding {
    let what = format!("the store does not report its memory and replicas: {error}");
    let why = "it is unknown whether the store keeps sessions";
    let fix = "check at its provider that eviction is off and persistence is on";
    Finding::warning(TOPIC, what, why, fix).named("untold")
}

fn redis(vitals: &RedisVitals, has_ttl: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let logged_out = "each removed session logs out a user, and nothing is logged";
    let no_eviction = "set maxmemory-policy noeviction, or use a separate server for sessions";
    let policy = vitals.eviction_policy.as_deref().unwrap_or("noeviction");
    let evicts = policy.starts_with("allkeys") || policy.starts_with("volatile") && has_ttl;
    let limit = vitals.max_memory.filter(|limit| *limit > 0);
    if let (true, Some(limit)) = (evicts, limit) {
        let what = format!(
            "Redis removes sessions when it uses {} of memory (maxmemory-policy {policy})",
            size(limit)
        );
        findings.push(
            Finding::problem(TOPIC, what, logged_out, no_eviction)
                .named("eviction")
                .about("maxmemory-policy"),
        );
    }
    if let Some(evicted) = vitals.evicted.filter(|evicted| *evicted > 0) {
        let what = format!("Redis has evicted {} since its start", counted(evicted, "key"));
        findings.push(
            Finding::problem(TOPIC, what, logged_out, no_eviction)
                .named("evicted")
                .about("maxmemory-policy"),
        );
    }
    if let (Some(limit), Some(used)) = (limit, vitals.used_memory)
        && used.saturating_mul(100) >= limit.saturating_mul(FULL)
    {
        let what = format!("Redis uses {} of {}", size(used), size(limit));
        let why = if evicts {
            logged_out
        } else {
            "a full Redis refuses writes: logins fail, and new tokens cannot be stored"
        };
        let fix = "raise maxmemory, or remove records that are not needed";
        findings.push(Finding::warning(TOPIC, what, why, fix).named("headroom").about("maxmemory"));
    }
    if vitals.cannot_save {
        let what = "Redis could not write its last snapshot or log";
        let why = "it may refuse writes, and a restart loses its data";
        let fix = "check its log: the disk may be full, or the directory not writable";
        findings.push(Finding::problem(TOPIC, what, why, fix).named("cannot_save"));
    } else if vitals.has_log == Some(false) && vitals.has_snapshots == Some(false) {
        let what = "Redis writes neither snapshots nor an append-only file";
        let why = "a restart logs every user out";
        let fix = "set appendonly yes";
        findings.push(
            Finding::warning(TOPIC, what, why, fix).named("no_persistence").about("appendonly"),
        );
    }
    if vitals.is_replica {
        let what = "the address is that of a replica";
        let why = "writes there are refused, or lost at the next synchronisation";
        findings.push(
            Finding::problem(TOPIC, what, why, "name the primary, or the sentinels")
                .named("replica"),
        );
    }
    if vitals.has_broken_replica {
        let what = "a replica of Redis is not synchronised";
        let why = "if it takes over, sessions are missing";
        let fix = "check its log; `INFO replication` on the primary shows its state";
        findings.push(Finding::warning(TOPIC, what, why, fix).named("replica_broken"));
    } else if let Some(lag) = vitals.replica_lag.filter(|lag| *lag > LAG) {
        let what = format!("a replica of Redis is {lag} s behind");
        let why = "if it takes over, tokens refreshed since then are lost, and their users are logged out";
        let fix = "check its load and its network connection";
        findings.push(Finding::warning(TOPIC, what, why, fix).named("replica_lag"));
    }
    findings
}

fn sqlite(vitals: &SqliteVitals) -> Vec<Finding> {
    let mut findings = Vec::new();
    let SqliteVitals { file, journal_mode, size: length, free, is_open_to_all } = vitals;
    match journal_mode.as_str() {
        "wal" => {}
        "off" | "memory" => findings.push(
            Finding::problem(
                TOPIC,
                format!("{file} has journal mode {journal_mode}"),
                "a crash in the middle of a write damages the database",
                "`PRAGMA journal_mode=WAL` once, in the sqlite3 shell",
            )
            .named("journal_mode")
            .about("journal_mode"),
        ),
        _ => findings.push(
            Finding::warning(
                TOPIC,
                format!("{file} has journal mode {journal_mode}"),
                "the app and oauthctl block each other: a write excludes all reads",
                "`PRAGMA journal_mode=WAL` once, in the sqlite3 shell",
            )
            .named("journal_mode")
            .about("journal_mode"),
        ),
    }
    if let Some(free) = free.filter(|free| *free < LITTLE.max(length / 10)) {
        let what = format!("{} are free on the disk of {file}", size(free));
        let why = "a full disk refuses writes: logins fail, and new tokens cannot be stored";
        let make = if free < TOO_LITTLE { Finding::problem } else { Finding::warning };
        findings.push(make(TOPIC, what, why, "free disk space").named("free_space"));
    }
    if *is_open_to_all {
        let what = format!("{file} can be read by every user of this machine, and holds tokens");
        let why = "each of them can take over every session in it";
        let fix =
            format!("`chmod 600 '{file}'` and the files next to it; the app's user must own them");
        findings.push(Finding::warning(TOPIC, what, why, fix).named("open_to_all"));
    }
    findings
}

fn postgres(vitals: &PostgresVitals) -> Vec<Finding> {
    let mut findings = Vec::new();
    if vitals.is_standby {
        let what = "the address is that of a PostgreSQL standby";
        let why = "a standby cannot be written to, so that sessions cannot be refreshed";
        let fix = "name the primary, or all servers with target_session_attrs=read-write";
        findings.push(Finding::problem(TOPIC, what, why, fix).named("standby"));
    } else if vitals.is_read_only {
        let what = "transactions of this role are read-only (default_transaction_read_only)";
        let why = "without writes, sessions cannot be refreshed";
        let fix = "`ALTER ROLE … SET default_transaction_read_only = off`, or name another role";
        findings.push(
            Finding::problem(TOPIC, what, why, fix)
                .named("read_only")
                .about("default_transaction_read_only"),
        );
    }
    if vitals.has_row_policies {
        let what = "row-level security limits the sessions that this role can see";
        let why = "the others are neither counted nor refreshed, and end";
        let fix = "use the app's role, or grant BYPASSRLS to oauthctl's role";
        findings.push(Finding::warning(TOPIC, what, why, fix).named("row_security"));
    }
    if let Some(timeout) = vitals.statement_timeout.filter(|timeout| *timeout < SHORT_TIMEOUT) {
        let what = format!(
            "statements are cancelled after {} ms (statement_timeout)",
            timeout.as_millis()
        );
        let why = "new tokens that cannot be stored in time are kept in the recovery directory";
        let fix = "`ALTER ROLE … SET statement_timeout = '10s'` for oauthctl's role";
        findings.push(
            Finding::warning(TOPIC, what, why, fix)
                .named("statement_timeout")
                .about("statement_timeout"),
        );
    }
    let why = "an attacker on the network path can read every token";
    match (vitals.is_remote, vitals.is_encrypted) {
        (true, Some(false)) => findings.push(
            Finding::warning(
                TOPIC,
                "the connection to PostgreSQL is not encrypted",
                why,
                "add sslmode=verify-full",
            )
            .named("not_encrypted")
            .about("sslmode"),
        ),
        (true, _) if !vitals.is_verified => findings.push(
            Finding::warning(
                TOPIC,
                "the certificate of PostgreSQL is not verified",
                why,
                "add sslmode=verify-full, and sslrootcert if its authority is private",
            )
            .named("not_verified")
            .about("sslmode"),
        ),
        _ => {}
    }
    findings
}

/// Times to live of sessions as they are in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimesToLive {
    /// Sessions that the store removes by itself.
    limited: u64,
    /// Sessions without a TTL.
    endless: u64,
    /// Longest remaining TTL.
    longest: Option<Duration>,
}

impl TimesToLive {
    /// Adds the remaining TTL of a session.
    pub fn add(&mut self, ttl: Option<Duration>) {
        match ttl {
            Some(ttl) => {
                self.limited += 1;
                self.longest = self.longest.max(Some(ttl));
            }
            None => self.endless += 1,
        }
    }

    /// Compares the TTLs with that of the layout.
    pub fn check(&self, layout: Option<Age>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (Some(layout), true) = (layout, self.limited + self.endless > 0) else {
            return findings;
        };
        if self.endless > 0 {
            let what = format!("{} without a time to live", counted(self.endless, "session"));
            let why = "the app sets one for each session; without it, ended sessions remain";
            let fix = "`oauthctl sessions prune` removes those that have ended; a restore without TTLs leaves such records";
            findings.push(Finding::warning(TOPIC, what, why, fix).named("no_ttl"));
        }
        let longest =
            self.longest.and_then(|ttl| i64::try_from(ttl.as_secs()).ok()).map(Age::from_secs);
        // A tenth is tolerated.
        if let Some(longest) = longest
            .filter(|longest| longest.duration().as_secs() > layout.duration().as_secs() / 10 * 11)
        {
            let what = format!(
                "sessions have up to {longest} left, but the TTL of the layout is {layout}"
            );
            let why = "the time of the last refresh is calculated from it, and is wrong";
            let fix = "define a layout whose `session_ttl` is the TTL that the app sets";
            findings.push(
                Finding::warning(TOPIC, what, why, fix).named("longer_ttl").about("session_ttl"),
            );
        }
        findings
    }
}

/// Formats a number of bytes.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, name)| {
            let tenths = bytes.saturating_mul(10) / unit;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn a_redis_is_judged_by_what_it_says() {
        let right = RedisVitals {
            eviction_policy: Some("noeviction".to_owned()),
            max_memory: Some(100 * MIB),
            used_memory: Some(10 * MIB),
            evicted: Some(0),
            has_log: Some(true),
            has_snapshots: Some(false),
            ..RedisVitals::default()
        };
        let policy = |name: &str| Some(name.to_owned());
        for (vitals, has_ttl, expected) in [
            (right.clone(), true, vec![]),
            (RedisVitals::default(), true, vec![]),
            (
                RedisVitals { eviction_policy: policy("allkeys-lru"), ..right.clone() },
                false,
                vec!["store.eviction"],
            ),
            (
                RedisVitals { eviction_policy: policy("volatile-ttl"), ..right.clone() },
                true,
                vec!["store.eviction"],
            ),
            (
                RedisVitals { eviction_policy: policy("volatile-ttl"), ..right.clone() },
                false,
                vec![],
            ),
            (
                RedisVitals {
                    eviction_policy: policy("allkeys-lru"),
                    max_memory: Some(0),
                    ..right.clone()
                },
                true,
                vec![],
            ),
            (RedisVitals { evicted: Some(2), ..right.clone() }, true, vec!["store.evicted"]),
            (
                RedisVitals { used_memory: Some(95 * MIB), ..right.clone() },
                true,
                vec!["store.headroom"],
            ),
            (RedisVitals { cannot_save: true, ..right.clone() }, true, vec!["store.cannot_save"]),
            (
                RedisVitals { has_log: Some(false), ..right.clone() },
                true,
                vec!["store.no_persistence"],
            ),
            (RedisVitals { is_replica: true, ..right.clone() }, true, vec!["store.replica"]),
            (
                RedisVitals { replica_lag: Some(60), ..right.clone() },
                true,
                vec!["store.replica_lag"],
            ),
            (RedisVitals { has_broken_replica: true, ..right }, true, vec!["store.replica_broken"]),
        ] {
            assert_eq!(codes(&redis(&vitals, has_ttl)), expected, "{vitals:?}");
        }
    }

    #[test]
    fn an_sqlite_file_is_judged_by_journal_space_and_rights() {
        let right = SqliteVitals {
            journal_mode: "wal".to_owned(),
            size: MIB,
            free: Some(1 << 30),
            ..SqliteVitals::default()
        };
        let mode = |mode: &str| mode.to_owned();
        for (vitals, expected) in [
            (right.clone(), vec![]),
            (SqliteVitals { free: None, ..right.clone() }, vec![]),
            (
                SqliteVitals { journal_mode: mode("delete"), ..right.clone() },
                vec!["store.journal_mode"],
            ),
            (
                SqliteVitals { journal_mode: mode("off"), ..right.clone() },
                vec!["store.journal_mode"],
            ),
            (SqliteVitals { free: Some(MIB), ..right.clone() }, vec!["store.free_space"]),
            (SqliteVitals { is_open_to_all: true, ..right }, vec!["store.open_to_all"]),
        ] {
            assert_eq!(codes(&sqlite(&vitals)), expected, "{vitals:?}");
        }
    }

    #[test]
    fn a_postgres_is_judged_by_server_role_and_connection() {
        let right = PostgresVitals {
            is_encrypted: Some(true),
            is_verified: true,
            is_remote: true,
            ..PostgresVitals::default()
        };
        for (vitals, expected) in [
            (right.clone(), vec![]),
            (PostgresVitals { is_remote: false, is_verified: false, ..right.clone() }, vec![]),
            (PostgresVitals { is_standby: true, ..right.clone() }, vec!["store.standby"]),
            (PostgresVitals { is_read_only: true, ..right.clone() }, vec!["store.read_only"]),
            (
                PostgresVitals { has_row_policies: true, ..right.clone() },
                vec!["store.row_security"],
            ),
            (
                PostgresVitals {
                    statement_timeout: Some(Duration::from_millis(500)),
                    ..right.clone()
                },
                vec!["store.statement_timeout"],
            ),
            (
                PostgresVitals { is_encrypted: Some(false), ..right.clone() },
                vec!["store.not_encrypted"],
            ),
            (PostgresVitals { is_verified: false, ..right }, vec!["store.not_verified"]),
        ] {
            assert_eq!(codes(&postgres(&vitals)), expected, "{vitals:?}");
        }
    }

    #[test]
    fn times_to_live_are_compared_with_the_layout() {
        const DAY: i64 = 86_400;
        let days = |days: u64| Some(Duration::from_secs(days * 86_400));
        let mut times = TimesToLive::default();
        times.add(days(170));
        assert_eq!(codes(&times.check(Some(Age::from_secs(179 * DAY)))), [] as [&str; 0]);
        assert_eq!(codes(&times.check(Some(Age::from_secs(14 * DAY)))), ["store.longer_ttl"]);
        times.add(None);
        assert_eq!(codes(&times.check(Some(Age::from_secs(179 * DAY)))), ["store.no_ttl"]);
        assert_eq!(codes(&times.check(None)), [] as [&str; 0]);
    }
}
