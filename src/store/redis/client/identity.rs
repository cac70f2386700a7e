//! Canonical addresses, which identify a database.

use std::collections::BTreeSet;

use super::address::{Endpoint, Location, Login, REDIS_PORT, RedisAddress};
use crate::store::url::{canonical, canonical_host};

impl RedisAddress {
    /// Returns the address of database 0 of a host.
    pub(in crate::store) fn of_host(host: &str) -> Self {
        let place = Location::Server(Endpoint::Tcp(host.to_owned(), REDIS_PORT));
        Self { place, tls: false, login: Login::default(), database: 0 }
    }

    /// Returns the canonical address of the database: without user, secrets and encryption, hosts
    /// in a fixed order and spelling.
    pub(in crate::store) fn simplest(&self) -> Self {
        let all = |hosts: &[Endpoint]| {
            let hosts: BTreeSet<_> = hosts.iter().map(Endpoint::simplest).collect();
            hosts.into_iter().collect()
        };
        let place = match &self.place {
            Location::Server(host) => Location::Server(host.simplest()),
            Location::Sentinel { sentinels, master, .. } => Location::Sentinel {
                sentinels: all(sentinels),
                master: master.clone(),
                login: Login::default(),
            },
            Location::Cluster(hosts) => Location::Cluster(all(hosts)),
        };
        Self { place, tls: false, login: Login::default(), database: self.database }
    }
}

impl Endpoint {
    fn simplest(&self) -> Self {
        match self {
            Self::Tcp(host, port) => Self::Tcp(canonical_host(host), *port),
            Self::Socket(path) => Self::Socket(canonical(path)),
        }
    }
}
