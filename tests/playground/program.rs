//! The program shown, built from this source so that it is current.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::World;

/// Variables that would affect the playground from outside.
const FOREIGN: [&str; 5] =
    ["OAUTHCTL_CONFIG", "OAUTHCTL_PROFILE", "OAUTHCTL_STORE", "OAUTHCTL_LAYOUT", "OAUTHCTL_KEYS"];

/// Path of oauthctl.
pub(crate) struct Program(PathBuf);

impl Program {
    /// Returns the program named by `OAUTHCTL_BIN`, else the one that cargo builds.
    #[expect(clippy::disallowed_methods, reason = "the playground has no Context")]
    pub(crate) fn build() -> io::Result<Self> {
        if let Some(named) = std::env::var_os("OAUTHCTL_BIN") {
            return Ok(Self(named.into()));
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // Variables set by `cargo run` would make some build scripts run again.
        let said = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            })
        });
        for name in said {
            command.env_remove(name);
        }
        let output = command
            // Builds the example, too, or its dependencies would be compiled again with other
            // features.
            .args(["build", "--bin", "oauthctl", "--example", "playground", "--manifest-path"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .args(["--message-format", "json-render-diagnostics"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let built = messages
            .filter(|message| message["target"]["name"] == "oauthctl")
            .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
        match built {
            Some(path) if output.status.success() => Ok(Self(path)),
            _ => Err(io::Error::other("cargo could not build oauthctl")),
        }
    }

    /// Returns its directory, for a PATH.
    pub(crate) fn directory(&self) -> PathBuf {
        self.0.parent().unwrap_or(Path::new("")).to_owned()
    }

    /// Returns a command line that a shell runs in the app's directory, with oauthctl on the PATH.
    #[expect(clippy::disallowed_methods, reason = "the playground has no Context")]
    pub(crate) fn command(&self, line: &str, world: &World) -> Command {
        let mut path = self.directory().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let home = world.home();
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(world.directory())
            .stdin(Stdio::null())
            .env("PATH", path);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("XDG_CONFIG_HOME", home.join(".config"));
        command.env("HOME", home);
        command
    }
}
