//! A network to play with: prints its addresses, the app's key and some sessions as JSON, and runs
//! until its standard input ends.
//!
//!     cargo run -p testbed --example serve -- 20 https://app.example.com/oauth-client-metadata.json
//!
//! The first argument is the number of sessions, the second a client id.

use std::io;

use serde_json::json;
use testbed::{LoginOptions, Network};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|count| count.parse().ok());
    let net = Network::start_blocking()?;
    if let Some(client_id) = arguments.next() {
        net.set_client_id(&client_id);
    }
    let sessions: Vec<_> =
        (0..count.unwrap_or(3)).map(|_| net.login(LoginOptions::default())).collect();
    let description = json!({
        "pds": net.pds_url(),
        "plc": net.plc_url(),
        "web": net.web_url(),
        "app": net.app_url(),
        "client_id": net.client_id(),
        "metadata": net.metadata(),
        "signing_key": net.signing_key(),
        "sessions": sessions,
    });
    println!("{description}");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    for request in net.requests() {
        eprintln!(
            "{} {} {} {}",
            request.status,
            request.method,
            request.path,
            request.error.unwrap_or_default()
        );
    }
    Ok(())
}
