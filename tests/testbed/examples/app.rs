//! An app for the tests of the real client libraries: prints its network, its key, a Redis behind
//! Upstash's REST interface and three sessions with P-256 keys, as JSON. It runs until its standard
//! input ends.

use std::io;

use serde_json::json;
use testbed::keys::Alg;
use testbed::redis::Redis;
use testbed::upstash::Front;
use testbed::{Library, LoginOptions, Network};

const TOKEN: &str = "the-token";

fn main() -> io::Result<()> {
    let net = Network::start_blocking()?;
    let redis = Redis::start();
    let front = Front::start(redis.port(), TOKEN)?;
    let login = |library| {
        net.login(LoginOptions { library, dpop_alg: Alg::Es256, ..LoginOptions::default() })
    };
    let description = json!({
        "plc": net.plc_url(),
        "client_id": net.client_id(),
        "signing_key": net.signing_key(),
        "store": front.url(),
        "token": TOKEN,
        "node": [login(Library::Node), login(Library::Node)],
        "atcute": login(Library::Atcute),
    });
    println!("{description}");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
