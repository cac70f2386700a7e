//! Faults on request.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use serde_json::json;
use testbed::{Endpoint, Fault, Injection, LoginOptions, Network, Reply};

use crate::client::{Client, get, renewed};

fn start() -> (Network, Client) {
    let net = Network::start_blocking().unwrap();
    let client = Client::of(&net);
    (net, client)
}

/// Applies a fault to the next refresh of this record only, and not to requests for a nonce.
fn next(net: &Network, record: &serde_json::Value, fault: Fault) {
    let token = record["tokenSet"]["refresh_token"].as_str().unwrap();
    net.inject(Injection::new(Endpoint::Token, fault).only(token).times(1));
}

#[test]
fn before_and_after_the_exchange() {
    let (net, client) = start();
    let record = net.login(LoginOptions::default());
    next(&net, &record, Fault::too_many("7"));
    let answer = client.refresh(&record);
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    next(&net, &record, Fault::Close);
    assert!(client.try_refresh(&record).is_err());
    assert!(net.is_alive_with(&record));
    next(&net, &record, Fault::CloseAfter);
    assert!(client.try_refresh(&record).is_err());
    assert!(!net.is_alive_with(&record));
    assert_eq!(net.session_of(&record).unwrap().generation, 1);
    let lost = net.requests_to(Endpoint::Token).pop().unwrap();
    assert!(!lost.answered && lost.status == 200);
    assert_eq!(lost.user_agent.as_deref(), Some("testbed-client"));
    assert_eq!(lost.kid.as_deref(), Some("testbed-1"));

    let record = net.login(LoginOptions::default());
    next(&net, &record, Fault::Afterwards(Reply::html(502)));
    assert_eq!(client.refresh(&record).status, 502);
    assert!(!net.is_alive_with(&record));
    let record = net.login(LoginOptions::default());
    next(&net, &record, Fault::Destroy(Reply::html(500)));
    assert_eq!(client.refresh(&record).status, 500);
    assert!(!net.session_of(&record).unwrap().alive);
}

#[test]
fn answers_that_are_not_right() {
    let (net, client) = start();
    let mut record = net.login(LoginOptions::default());
    let mut refresh = |fault| {
        next(&net, &record, fault);
        let answer = client.refresh(&record);
        let token = net.session_of(&record).unwrap().refresh_token;
        record["tokenSet"]["refresh_token"] = json!(token);
        answer
    };
    let answer = refresh(Fault::Set("sub", json!("did:plc:eve")));
    assert_eq!(answer.json()["sub"], "did:plc:eve");
    let answer = refresh(Fault::Remove("expires_in"));
    assert!(answer.json().get("expires_in").is_none());
    let answer = refresh(Fault::Body("{\"access".to_owned()));
    assert_eq!((answer.status, answer.text.as_str()), (200, "{\"access"));
    let answer = refresh(Fault::HugeBody(100_000));
    assert!(answer.text.len() > 100_000);
    let answer = refresh(Fault::Header("dpop-nonce", "x".repeat(9000)));
    assert_eq!(answer.header("dpop-nonce").unwrap().len(), 9000);
    let answer = refresh(Fault::Drip(Duration::from_micros(10)));
    assert!(answer.text.contains("access_token"));
}

#[test]
fn delays_overlap_and_tokens_can_stay() {
    let (net, client) = start();
    net.configure(|policy| policy.rotate_refresh_tokens = false);
    let records = net.login_many(4, &LoginOptions::default());
    for record in &records {
        next(&net, record, Fault::DelayBefore(Duration::from_millis(400)));
    }
    let threads: Vec<_> = records
        .iter()
        .cloned()
        .map(|record| {
            let client = client.clone();
            thread::spawn(move || client.refresh(&record))
        })
        .collect();
    for thread in threads {
        let body = thread.join().unwrap().json();
        assert!(body["access_token"].is_string() && body.get("refresh_token").is_none());
    }
    let counters = net.counters();
    assert!(counters.token_peak >= 2 && counters.token_peaks[&0] == counters.token_peak);
    assert!(counters.pds_connections >= 8);
    assert!(records.iter().all(|record| net.is_alive_with(record)));
}

#[test]
fn the_kth_request_of_one_did() {
    let (net, _) = start();
    let did = testbed::did();
    net.set_pds_of(&did, 0);
    let fault = Injection::new(Endpoint::Plc, Fault::status(503));
    net.inject(fault.only(&did).skip(1).times(1));
    let url = format!("{}/{did}", net.plc_url());
    let statuses: Vec<_> = (0..3).map(|_| get(&url).status).collect();
    assert_eq!(statuses, [200, 503, 200]);
}

#[test]
fn the_app_refreshes_behind_everybodys_back() {
    let (net, client) = start();
    let record = net.login(LoginOptions::default());
    let new = net.refresh_as_app(&record).unwrap();
    assert!(net.is_alive_with(&new));
    assert!(net.refresh_as_app(&record).is_none());
    let new = renewed(&new, &client.refresh(&new));
    assert!(net.is_alive_with(&new));
}

#[test]
fn silence_and_noise_without_end() {
    let (net, client) = start();
    let record = net.login(LoginOptions::default());
    next(&net, &record, Fault::HangAfter);
    let hanging = {
        let (client, record) = (client.clone(), record.clone());
        thread::spawn(move || client.try_refresh(&record))
    };
    while net.session_of(&record).unwrap().generation == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(50));
    assert!(!hanging.is_finished());

    net.fault_once(Endpoint::ServerMetadata, Fault::EndlessBody);
    let host = net.pds_url().replace("http://localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(host).unwrap();
    let path = "/.well-known/oauth-authorization-server";
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut endless = stream.take(2_000_000);
    let read = io::copy(&mut endless, &mut io::sink()).unwrap();
    assert_eq!(read, 2_000_000);
}

#[tokio::test]
async fn the_network_runs_on_its_tests_runtime_too() {
    let net = Network::start().await.unwrap();
    let url = format!("{}/oauth/jwks", net.pds_url());
    let answer = tokio::task::spawn_blocking(move || get(&url)).await;
    assert_eq!(answer.unwrap().status, 200);
}

#[test]
fn many_logins_are_cheap() {
    let (net, _) = start();
    let records = net.login_many(2000, &LoginOptions::default());
    assert_eq!(net.alive(), 2000);
    assert!(net.is_alive_with(&records[1999]));
}
