//! Fake network for the tests of this module.

use jiff::Timestamp;
use serde_json::Value;
use testbed::Network as Testbed;
use url::Url;

use super::{Clock, Network, NetworkSettings, Random, RateSettings};
use crate::session::Did;

/// Returns the machine's clock, by which the fake servers check proofs.
#[expect(clippy::disallowed_methods, reason = "tests have no Context")]
pub(super) fn clock() -> Clock {
    Clock::new(Timestamp::now)
}

#[expect(clippy::disallowed_methods, reason = "tests have no Context")]
pub(super) fn random() -> Random {
    Random::new(|| {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).unwrap();
        bytes
    })
}

/// Returns the default settings.
pub(super) fn strict() -> NetworkSettings {
    NetworkSettings {
        plc_directory: "https://plc.directory".parse().unwrap(),
        doh_resolver: "https://dns.example/dns-query".parse().unwrap(),
        allow_http: false,
        allow_private_hosts: false,
        ca_pem: None,
        system_pem: Vec::new(),
        proxy: crate::proxy::ProxySettings::default(),
        rates: RateSettings::default(),
    }
}

/// Returns the settings of a developer with a network on the same machine.
pub(super) fn development(bed: &Testbed) -> NetworkSettings {
    let url = |text: String| text.parse::<Url>().unwrap();
    NetworkSettings {
        plc_directory: url(bed.plc_url()),
        doh_resolver: url(format!("{}/dns-query", bed.web_url())),
        allow_http: true,
        allow_private_hosts: true,
        ca_pem: None,
        system_pem: Vec::new(),
        proxy: crate::proxy::ProxySettings::default(),
        rates: RateSettings::default(),
    }
}

pub(super) fn network(bed: &Testbed) -> Network {
    Network::new(development(bed), clock(), random()).unwrap()
}

/// Returns the account of a record.
pub(super) fn did_of(record: &Value) -> Did {
    record["tokenSet"]["sub"].as_str().unwrap().parse().unwrap()
}
