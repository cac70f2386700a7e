//! Every session refreshed at an authorization server that enforces what real ones do. It takes a good part of the machine
//! itself, so the rate is a lower bound; what counts is that memory does not grow, and the processor time for each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use testbed::redis::Redis;
use testbed::{LoginOptions, Network};

use crate::measure::{self, best, run};
use crate::seed;

/// A hundred sessions: what a run costs that has hardly begun.
const FEW: usize = 100;

pub fn report(count: usize, runs: usize) {
    let small = refresh(FEW, runs);
    let large = refresh(count, 1);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let each =
        (large.processor.as_secs_f64() - small.processor.as_secs_f64()) / (count.saturating_sub(FEW).max(1)) as f64;
    println!(
        "    {:.2} ms of processor time each; {:.1} times the memory that {FEW} sessions take",
        each * 1e3,
        large.peak_bytes / small.peak_bytes
    );
}

fn refresh(count: usize, runs: usize) -> measure::Run {
    let net = Network::start_blocking().expect("loopback has free ports");
    net.set_logging(false);
    let redis = Redis::start();
    let two_days_ago = LoginOptions {
        created_ago: Duration::from_hours(200 * 24),
        refreshed_ago: Some(Duration::from_hours(48)),
        ..LoginOptions::default()
    };
    seed::records(&redis, (0..count).map(|_| net.login(LoginOptions { dpop_pool: Some(64), ..two_days_ago.clone() })));
    let dir = tempfile::tempdir().expect("a directory can be made");
    let settings = format!(
        "keys = [\"file:key.json\"]\n[client]\nclient_id = \"{}\"\n[store]\nurl = \"{}\"\n[network]\nplc_directory = \"{}\"\n\
         allow_http = true\nallow_private_hosts = true\n[refresh]\nmin_interval = \"0s\"\nper_issuer = 16\n",
        net.client_id(),
        redis.url(),
        net.plc_url()
    );
    let key = net.signing_key().expect("the app signs").to_string();
    for (name, text) in [("oauthctl.toml", settings), ("key.json", key)] {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    let command = ["sessions", "refresh", "--all", "--quiet"];
    let run = best(runs, || run(env!("CARGO_BIN_EXE_oauthctl"), &command, dir.path()));
    measure::line("sessions refresh --all", count, &run);
    assert_eq!(net.alive(), count, "every session lives");
    run
}
