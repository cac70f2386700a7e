//! Tour of the playground without a terminal.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::sandbox::OAUTHCTL;

#[test]
fn the_tour_shows_every_job_and_leaves_nothing_behind() {
    let playground = Path::new(OAUTHCTL).with_file_name("examples").join("playground");
    assert!(
        playground.exists(),
        "cargo test builds the example; so does `cargo build --example playground`"
    );
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(playground);
    command
        .arg("--once")
        .env("OAUTHCTL_BIN", OAUTHCTL)
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{complaints}");
    for line in [
        "$ oauthctl gen-jwk",
        "$ oauthctl jwks",
        "$ oauthctl --profile production metadata",
        "  foreign  1    4.0%",
        "upgraded 4 sessions",
        "refreshed 5 sessions, 1 gone, 1 blocked",
        "removed 3 of 24 sessions (2 dead, 1 ended)",
        "removed 3 pending logins (3 by first-seen time); 2 kept until their age is known",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}\n{complaints}");
    }
    assert!(!complaints.contains("error"), "{complaints}");
    let left: Vec<_> = temporary.path().read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
