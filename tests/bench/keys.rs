//! Generation of a key: whole processes, from start to end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure;

/// Script with which apps generate a key.
const NODE_SCRIPT: &str = r"
import { JoseKey } from '@atproto/oauth-client-node'
const key = await JoseKey.generate(['ES256'], Date.now().toString())
console.log(JSON.stringify(key.privateJwk))
";

/// Number of rounds in which the programs alternate, so that a busy moment of the machine affects
/// them all.
const ROUNDS: usize = 10;

pub fn report() {
    println!("\n== keys: one new ES256 key");
    let dir = tempfile::tempdir().expect("a directory can be made");
    let here = dir.path();
    let oauthctl = env!("CARGO_BIN_EXE_oauthctl");
    let mut programs = vec![
        ("true: any process at all", 10, command("true", &[], here)),
        ("oauthctl --version", 10, command(oauthctl, &["--version"], here)),
        ("oauthctl gen-jwk", 10, command(oauthctl, &["gen-jwk"], here)),
    ];
    if measure::succeeds("openssl", &["version"], here) {
        let arguments = ["ecparam", "-genkey", "-name", "prime256v1", "-noout"];
        programs.push(("openssl ecparam -genkey", 10, command("openssl", &arguments, here)));
    }
    std::fs::write(here.join("key.mjs"), NODE_SCRIPT).expect("a file can be written");
    let install =
        ["install", "--no-audit", "--no-fund", "--silent", "@atproto/oauth-client-node@0.3"];
    if measure::succeeds("npm", &install, here) {
        programs.push(("node, with the client library", 1, command("node", &["key.mjs"], here)));
    } else {
        println!("node: the client library cannot be installed here, no comparison");
    }
    let mut times = vec![Vec::new(); programs.len()];
    for _ in 0..ROUNDS {
        for ((_, repeat, program), times) in programs.iter_mut().zip(&mut times) {
            times.extend((0..*repeat).map(|_| time(program)));
        }
    }
    let medians: Vec<_> = times.into_iter().map(median).collect();
    for ((name, ..), median) in programs.iter().zip(&medians) {
        println!("{name:40} {:8.2} ms  {:6.2} × gen-jwk", median * 1e3, median / medians[2]);
    }
}

fn command(program: &str, arguments: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn time(command: &mut Command) -> Duration {
    let begun = Instant::now();
    assert!(command.status().expect("it can be started").success(), "{command:?} failed");
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
