//! The proxy, in front of a PDS.

use std::time::{Duration, Instant};

use testbed::{LoginOptions, Network, Proxy};

use crate::client::{Client, renewed, send};

#[test]
fn carries_delays_cuts_and_refuses() {
    let net = Network::start_blocking().unwrap();
    let upstream = net.pds_url().replace("http://localhost", "127.0.0.1");
    let proxy = Proxy::start(upstream.parse().unwrap()).unwrap();
    net.set_pds_url(0, &proxy.url());
    let client = Client::of(&net);
    let record = net.login(LoginOptions::default());
    let record = renewed(&record, &client.refresh(&record));

    proxy.set_delay(Duration::from_millis(60), Duration::from_millis(60));
    let url = format!("{}/oauth/jwks", proxy.url());
    let before = Instant::now();
    assert_eq!(send("GET", &url, &[], "").unwrap().status, 200);
    assert!(before.elapsed() >= Duration::from_millis(120));
    proxy.heal();

    proxy.cut_after_down(Some(0));
    assert!(send("GET", &url, &[], "").is_err());
    proxy.heal();
    proxy.garble_down(true);
    assert!(send("GET", &url, &[], "").is_err());
    proxy.heal();
    proxy.half_close_after_down(Some(10));
    assert!(send("GET", &url, &[], "").is_err());
    proxy.heal();

    proxy.refuse(true);
    std::thread::sleep(Duration::from_millis(100));
    let refused = send("GET", &url, &[], "").unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    proxy.refuse(false);
    std::thread::sleep(Duration::from_millis(100));
    renewed(&record, &client.refresh(&record));
    assert!(proxy.traffic().down > 0 && proxy.traffic().connections > 5);
}
