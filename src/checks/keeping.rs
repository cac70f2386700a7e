//! Checks that the store keeps its records: memory, disk, replicas, privileges and times to live.

use std::time::Duration;

use super::{Finding, Topic};
use crate::session::Age;
use crate::store::{PostgresVitals, RedisVitals, SqliteVitals, Vitals};
use crate::text::counted;

const TOPIC: Topic = Topic::Store;
const MIB: u64 = 1 << 20;
/// Share of the memory from which on there is little left, in percent.
const FULL: u64 = 90;
/// Free space on disk that is little.
const LITTLE: u64 = 100 * MIB;
/// Free space on disk that one run may use up.
const TOO_LITTLE: u64 = 10 * MIB;
/// Replicas that are further behind lose sessions when they take over, in seconds.
const LAG: u64 = 10;
/// Statements of oauthctl take less, unless the server is busy.
const SHORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Judges the facts about a store. `has_ttl`: its sessions have a time to live.
pub fn check(vitals: &Vitals, has_ttl: bool) -> Vec<Finding> {
    match vitals {
        Vitals::Redis(vitals) => redis(vitals, has_ttl),
        Vitals::Sqlite(vitals) => sqlite(vitals),
        Vitals::Postgres(vitals) => postgres(vitals),
    }
}

/// Reports a store that states nothing about itself.
pub fn unknown(error: &anyhow::Error) -> Finding {
    let what = format!("the store tells nothing of its memory and its replicas: {error}");
    let why = "whether it keeps the sessions is not known";
    let fix = "look at it where it is administered: eviction off, persistence on";
    Finding::warning(TOPIC, what, why, fix).named("untold")
}

fn redis(vitals: &RedisVitals, has_ttl: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let logged_out =
        "users whose session is gone are logged out, one by one, without a trace in any log";
    let no_eviction = "set maxmemory-policy noeviction, or give sessions a server of their own";
    let policy = vitals.eviction_policy.as_deref().unwrap_or("noeviction");
    let evicts = policy.starts_with("allkeys") || policy.starts_with("volatile") && has_ttl;
    let limit = vitals.max_memory.filter(|limit| *limit > 0);
    if let (true, Some(limit)) = (evicts, limit) {
        let what = format!(
            "Redis throws sessions away when its {} are full (maxmemory-policy {policy})",
            size(limit)
        );
        findings.push(
            Finding::problem(TOPIC, what, logged_out, no_eviction)
                .named("eviction")
                .about("maxmemory-policy"),
        );
    }
    if let Some(evicted) = vitals.evicted.filter(|evicted| *evicted > 0) {
        let what =
            format!("Redis has thrown away {} since it was started", counted(evicted, "key"));
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
            "a full Redis takes no writes: no login, and a refresh is lost"
        };
        let fix = "raise maxmemory, or remove what is not needed";
        findings.push(Finding::warning(TOPIC, what, why, fix).named("headroom").about("maxmemory"));
    }
    if vitals.cannot_save {
        let what = "Redis could not write its last snapshot or log";
        let why = "it may refuse every write, and what it holds is lost with a restart";
        let fix = "look into its log: disk full, or a directory that it may not write to";
        findings.push(Finding::problem(TOPIC, what, why, fix).named("cannot_save"));
    } else if vitals.has_log == Some(false) && vitals.has_snapshots == Some(false) {
        let what = "Redis keeps everything in memory only";
        let why = "a restart logs every user out";
        let fix = "set appendonly yes";
        findings.push(
            Finding::warning(TOPIC, what, why, fix).named("no_persistence").about("appendonly"),
        );
    }
    if vitals.is_replica {
        let what = "the address leads to a replica";
        let why = "what is written there is refused, or lost at the next synchronisation";
        findings.push(
            Finding::problem(TOPIC, what, why, "name the primary, or the sentinels")
                .named("replica"),
        );
    }
    if vitals.has_broken_replica {
        let what = "a replica of Redis is not synchronised";
        let why = "if it takes over, sessions are missing";
        let fix = "look into its log; `INFO replication` on the primary shows its state";
        findings.push(Finding::warning(TOPIC, what, why, fix).named("replica_broken"));
    } else if let Some(lag) = vitals.replica_lag.filter(|lag| *lag > LAG) {
        let what = format!("a replica of Redis is {lag} s behind");
        let why = "if it takes over, tokens that were renewed since are lost, and those users are logged out";
        let fix = "look into its load and the line to it";
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
                "app and oauthctl keep each other waiting: who writes shuts out who reads",
                "`PRAGMA journal_mode=WAL` once, in the sqlite3 shell",
            )
            .named("journal_mode")
            .about("journal_mode"),
        ),
    }
    if let Some(free) = free.filter(|free| *free < LITTLE.max(length / 10)) {
        let what = format!("{} are free where {file} is", size(free));
        let why = "a full disk takes no writes: no login, and a refresh is lost";
        let make = if free < TOO_LITTLE { Finding::problem } else { Finding::warning };
        findings.push(make(TOPIC, what, why, "make room there").named("free_space"));
    }
    if *is_open_to_all {
        let what = format!("{file} can be read by every user of this machine, and holds tokens");
        let why = "whoever reads it can take over every session in it";
        let fix = format!(
            "`chmod 600 '{file}'`, and of the files beside it; owned by the user the app runs as"
        );
        findings.push(Finding::warning(TOPIC, what, why, fix).named("open_to_all"));
    }
    findings
}

fn postgres(vitals: &PostgresVitals) -> Vec<Finding> {
    let mut findings = Vec::new();
    if vitals.is_standby {
        let what = "the address leads to a standby of PostgreSQL";
        let why = "nothing can be written there: no session can be refreshed";
        let fix = "name the primary, or all servers with target_session_attrs=read-write";
        findings.push(Finding::problem(TOPIC, what, why, fix).named("standby"));
    } else if vitals.is_read_only {
        let what = "transactions of this role are read-only (default_transaction_read_only)";
        let why = "nothing can be written: no session can be refreshed";
        let fix = "`ALTER ROLE … SET default_transaction_read_only = off`, or name another role";
        findings.push(
            Finding::problem(TOPIC, what, why, fix)
                .named("read_only")
                .about("default_transaction_read_only"),
        );
    }
    if vitals.has_row_policies {
        let what = "row-level security decides which sessions this role sees";
        let why = "sessions that it does not see are neither counted nor refreshed, and end";
        let fix = "name the role of the app, or grant BYPASSRLS to oauthctl's";
        findings.push(Finding::warning(TOPIC, what, why, fix).named("row_security"));
    }
    if let Some(timeout) = vitals.statement_timeout.filter(|timeout| *timeout < SHORT_TIMEOUT) {
        let what = format!("statements may take {} ms (statement_timeout)", timeout.as_millis());
        let why = "a new token that is not stored in time has to wait in the recovery directory";
        let fix = "`ALTER ROLE … SET statement_timeout = '10s'` for oauthctl's role";
        findings.push(
            Finding::warning(TOPIC, what, why, fix)
                .named("statement_timeout")
                .about("statement_timeout"),
        );
    }
    let why = "whoever is on the line can read every token";
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
                "add sslmode=verify-full, and sslrootcert where a private authority has signed it",
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
    /// Sessions that it does not.
    endless: u64,
    /// The longest time that one has left.
    longest: Option<Duration>,
}

impl TimesToLive {
    /// Takes in the time that a session has left.
    pub fn add(&mut self, ttl: Option<Duration>) {
        match ttl {
            Some(ttl) => {
                self.limited += 1;
                self.longest = self.longest.max(Some(ttl));
            }
            None => self.endless += 1,
        }
    }

    /// Compares the times with what the layout gives a session.
    pub fn check(&self, layout: Option<Age>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (Some(layout), true) = (layout, self.limited + self.endless > 0) else {
            return findings;
        };
        if self.endless > 0 {
            let what = format!("{} without a time to live", counted(self.endless, "session"));
            let why = "the app gives each one its time; without it they stay after they have ended";
            let fix = "`oauthctl sessions prune` removes those that have ended; a restore without TTLs leaves such records";
            findings.push(Finding::warning(TOPIC, what, why, fix).named("no_ttl"));
        }
        let longest =
            self.longest.and_then(|ttl| i64::try_from(ttl.as_secs()).ok()).map(Age::from_secs);
        // Somebody was here within the last tenth of the time, or nobody was.
        if let Some(longest) = longest
            .filter(|longest| longest.duration().as_secs() > layout.duration().as_secs() / 10 * 11)
        {
            let what =
                format!("sessions have up to {longest} left, and the layout gives them {layout}");
            let why = "how long ago they were refreshed is concluded from that, and is wrong";
            let fix = "name the time that the app sets: `session_ttl` of a layout of your own";
            findings.push(
                Finding::warning(TOPIC, what, why, fix).named("longer_ttl").about("session_ttl"),
            );
        }
        findings
    }
}

/// Writes bytes at a glance.
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
