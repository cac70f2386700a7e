//! Tests of the proxy, in front of a PDS.

use std::time::{Duration, Instant};

use testbed::{LoginOptions, Mishap, Network, Proxy, Spot, Way};

use crate::client::{Client, renewed, send};

#[test]
fn carries_delays_cuts_and_refuses() {
    let net = Network::start_blocking().unwrap();
    let proxy = Proxy::before(&net.pds_url()).unwrap();
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
    let refused = send("GET", &url, &[], "").unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    proxy.refuse(false);
    renewed(&record, &client.refresh(&record));
    assert!(proxy.traffic().down > 0 && proxy.traffic().connections > 5);
}

#[test]
fn lets_something_happen_to_one_message() {
    let net = Network::start_blocking().unwrap();
    let proxy = Proxy::before(&net.pds_url()).unwrap();
    let url = format!("{}/oauth/jwks", proxy.url());
    assert_eq!(send("GET", &url, &[], "").unwrap().status, 200);
    assert_eq!(proxy.messages(), [1, 1]);
    for (way, halfway, mishap, arrives) in [
        (Way::Up, false, Mishap::Cut, false),
        (Way::Up, true, Mishap::HalfClose, false),
        (Way::Down, false, Mishap::HalfClose, false),
        (Way::Down, true, Mishap::Cut, false),
        (Way::Down, false, Mishap::Garble, false),
        (Way::Down, true, Mishap::Delay(Duration::from_millis(20)), true),
    ] {
        proxy.plan(Spot { way, message: 1, halfway }, mishap);
        assert_eq!(
            send("GET", &url, &[], "").unwrap().status,
            200,
            "{way:?} {mishap:?}: not the first"
        );
        assert_eq!((proxy.spoilt(), proxy.struck()), (None, false));
        let second = send("GET", &url, &[], "").is_ok_and(|answer| answer.status == 200);
        assert_eq!(
            (second, proxy.spoilt().is_some()),
            (arrives, way == Way::Down && !arrives),
            "{way:?} {mishap:?}"
        );
        assert!(proxy.struck(), "{way:?} {mishap:?}");
        assert_eq!(
            send("GET", &url, &[], "").unwrap().status,
            200,
            "{way:?} {mishap:?}: not the third"
        );
    }
    proxy.plan(Spot { way: Way::Up, message: 0, halfway: false }, Mishap::Death);
    assert!(send("GET", &url, &[], "").is_err() && send("GET", &url, &[], "").is_err());
}
