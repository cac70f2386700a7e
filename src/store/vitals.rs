//! Facts about a store that decide whether it keeps its records, as stated by the store.

use std::collections::HashMap;
use std::time::Duration;

/// Facts about a store.
#[derive(Clone, Debug, PartialEq)]
pub enum Vitals {
    /// A Redis server.
    Redis(RedisVitals),
    /// An SQLite file.
    Sqlite(SqliteVitals),
    /// A PostgreSQL server.
    Postgres(PostgresVitals),
}

/// Facts about a Redis server. `None` for those that it does not state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisVitals {
    /// `maxmemory_policy`
    pub eviction_policy: Option<String>,
    /// `maxmemory`, in bytes; 0 for no limit.
    pub max_memory: Option<u64>,
    /// `used_memory`, in bytes.
    pub used_memory: Option<u64>,
    /// `evicted_keys`: since the server was started.
    pub evicted: Option<u64>,
    /// `aof_enabled`
    pub has_log: Option<bool>,
    /// True if `save` configures snapshots.
    pub has_snapshots: Option<bool>,
    /// True if the last snapshot or write to the log has failed.
    pub cannot_save: bool,
    /// `role` is that of a replica.
    pub is_replica: bool,
    /// Seconds by which the slowest replica is behind; none without replicas.
    pub replica_lag: Option<u64>,
    /// A replica is not connected as it should be.
    pub has_broken_replica: bool,
}

/// Facts about an SQLite file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqliteVitals {
    /// Path of the file.
    pub file: String,
    /// `PRAGMA journal_mode`
    pub journal_mode: String,
    /// Bytes of the file.
    pub size: u64,
    /// Free bytes on its file system, if known.
    pub free: Option<u64>,
    /// Every user of the machine can read it.
    pub is_open_to_all: bool,
}

/// Facts about a PostgreSQL server and the connection to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresVitals {
    /// The server is a standby.
    pub is_standby: bool,
    /// Transactions are read-only by default.
    pub is_read_only: bool,
    /// `statement_timeout`, if set.
    pub statement_timeout: Option<Duration>,
    /// Policies decide which rows of the sessions' table are seen.
    pub has_row_policies: bool,
    /// True for an encrypted connection, if the server tells.
    pub is_encrypted: Option<bool>,
    /// The server's certificate is verified.
    pub is_verified: bool,
    /// The server is reached over a network.
    pub is_remote: bool,
}

impl RedisVitals {
    /// Reads the answer to `INFO`. `save` is the setting of that name, if it is readable.
    pub fn read(info: &str, save: Option<&str>) -> Self {
        let lines = info.lines().filter_map(|line| line.trim().split_once(':'));
        let members: HashMap<_, _> = lines.collect();
        let text = |name: &str| members.get(name).copied();
        let number = |name: &str| text(name)?.parse().ok();
        let failed = |name: &str| text(name).is_some_and(|status| status != "ok");
        let replicas: Vec<_> = (0..64).map_while(|n| text(&format!("slave{n}"))).collect();
        let part = |replica: &str, name: &str| {
            let mut parts = replica.split(',').filter_map(|part| part.split_once('='));
            parts.find_map(|(known, value)| (known == name).then(|| value.to_owned()))
        };
        Self {
            eviction_policy: text("maxmemory_policy").map(str::to_owned),
            max_memory: number("maxmemory"),
            used_memory: number("used_memory"),
            evicted: number("evicted_keys"),
            has_log: text("aof_enabled").map(|enabled| enabled == "1"),
            has_snapshots: save.map(|save| !save.trim().is_empty()),
            cannot_save: failed("rdb_last_bgsave_status") || failed("aof_last_write_status"),
            is_replica: text("role") == Some("slave"),
            replica_lag: replicas
                .iter()
                .filter_map(|replica| part(replica, "lag")?.parse().ok())
                .max(),
            has_broken_replica: replicas
                .iter()
                .any(|replica| part(replica, "state").is_some_and(|state| state != "online")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_info_answer_is_read() {
        let info = "# Memory\r\nused_memory:1000\r\nmaxmemory:2000\r\nmaxmemory_policy:allkeys-lru\r\n\
                    # Stats\r\nevicted_keys:3\r\n# Persistence\r\naof_enabled:0\r\nrdb_last_bgsave_status:err\r\n\
                    # Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
                    slave0:ip=10.0.0.1,port=6379,state=online,offset=1,lag=1\r\n\
                    slave1:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=40\r\n";
        let vitals = RedisVitals::read(info, Some(""));
        let expected = RedisVitals {
            eviction_policy: Some("allkeys-lru".to_owned()),
            max_memory: Some(2000),
            used_memory: Some(1000),
            evicted: Some(3),
            has_log: Some(false),
            has_snapshots: Some(false),
            cannot_save: true,
            is_replica: false,
            replica_lag: Some(40),
            has_broken_replica: true,
        };
        assert_eq!(vitals, expected);
        assert_eq!(RedisVitals::read("", None), RedisVitals::default());
    }
}
