//! Client of all kinds of Redis: single server, sentinels, cluster and REST interface. Independent
//! of sessions.

mod address;
pub mod cli;
mod cluster;
pub mod command;
mod connection;
mod dial;
pub mod error;
mod identity;
pub mod limit;
pub mod replicas;
pub mod rest;
pub mod retry;
mod sentinel;
mod slots;

use std::sync::Arc;

pub use address::RedisAddress;
#[cfg(test)]
pub use error::NEEDED;
pub use rest::RestAddress;

use crate::error::Failure;
use crate::store::Access;
use crate::tls;
use address::Location;
use cluster::Cluster;
use command::{Command, Server};
use connection::{Single, Topology};
use dial::Dialer;
use sentinel::Sentinels;

/// Returns a client for this address. It connects on first use.
pub fn connect(address: &RedisAddress, access: &Access) -> Result<Arc<dyn Server>, Failure> {
    let tls = if address.tls { Some(Arc::new(tls::client_config(&access.trust())?)) } else { None };
    let (has_ca, has_certificate) = (access.ca_pem.is_some(), access.client_pem.is_some());
    let dialer = Dialer {
        has_ca,
        has_certificate,
        tls,
        login: address.login.clone(),
        database: address.database,
    };
    let topology = match &address.place {
        Location::Server(endpoint) => Topology::Fixed(endpoint.clone()),
        Location::Sentinel { sentinels, master, login } => {
            let dialer = Dialer {
                has_ca,
                has_certificate,
                tls: dialer.tls.clone(),
                login: login.clone(),
                database: 0,
            };
            Topology::Asked(Arc::new(Sentinels::new(dialer, sentinels.clone(), master.clone())))
        }
        Location::Cluster(seeds) => return Ok(Arc::new(Cluster::new(&Arc::new(dialer), seeds))),
    };
    Ok(Arc::new(Single::new(&Arc::new(dialer), &topology)))
}

/// Checks address, credentials and network before anything is retried.
pub async fn check_reachable(server: &dyn Server, place: &str) -> Result<(), Failure> {
    match command::run_one(server.wire(), Command::keyless("PING")).await {
        Err(error) if !error.is_about_writing() => Err(error.explain(&place)),
        _ => Ok(()),
    }
}
