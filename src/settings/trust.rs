//! Authorities that the environment adds to the trusted ones: `SSL_CERT_FILE` and `SSL_CERT_DIR`.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::Settings;
use crate::environment::Environment;
use crate::input;

/// More than the largest bundle of public authorities has.
const MAX_BUNDLE: u64 = 16 << 20;
/// A directory of certificates has a few hundred.
const MOST_FILES: usize = 2000;

/// The authorities that were found, and what is wrong with other places.
#[derive(Default)]
pub struct SystemRoots {
    /// Certificates in PEM.
    pub pem: Vec<u8>,
    /// Places that are not trusted, and why.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Returns the authorities that the environment adds; read when first asked for.
    pub fn system_roots(&self) -> &SystemRoots {
        self.system_roots.get_or_init(|| read(self.environment()))
    }
}

fn read(environment: &Environment) -> SystemRoots {
    let mut found = SystemRoots::default();
    if let Some(path) = environment.text("SSL_CERT_FILE") {
        found.add("SSL_CERT_FILE", Path::new(path));
    }
    for path in environment.text("SSL_CERT_DIR").into_iter().flat_map(|paths| paths.split(':')) {
        let path = Path::new(path);
        if found.is_doubtful("SSL_CERT_DIR", path) {
            continue;
        }
        let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> =
            entries.filter(|path| path.is_file()).take(MOST_FILES).collect();
        files.sort();
        for file in &files {
            found.add("SSL_CERT_DIR", file);
        }
    }
    found
}

impl SystemRoots {
    fn add(&mut self, variable: &str, path: &Path) {
        if self.is_doubtful(variable, path) {
            return;
        }
        match input::read(path, MAX_BUNDLE) {
            Ok(text) => {
                debug!("certificates of {} are trusted, too ({variable})", path.display());
                self.pem.extend_from_slice(text.as_bytes());
                self.pem.push(b'\n');
            }
            Err(_) if variable == "SSL_CERT_DIR" => {}
            Err(unread) => {
                let failure =
                    unread.into_failure(|e| crate::error::usage("cannot be read").because(e));
                self.warnings
                    .push(format!("{variable}: {} {failure}; it is ignored", path.display()));
            }
        }
    }

    /// Checks whether others than root and this user may write the file or directory, or what is in
    /// its place tomorrow.
    fn is_doubtful(&mut self, variable: &str, path: &Path) -> bool {
        let own = rustix::process::geteuid().as_raw();
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let places = [Some(real.as_path()), real.parent()];
        let is_open = places
            .into_iter()
            .flatten()
            .filter_map(|place| fs::metadata(place).ok())
            .any(|metadata| {
                // In a directory with the sticky bit nobody replaces the files of others.
                let is_sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
                (metadata.mode() & 0o022 != 0 && !is_sticky) || ![0, own].contains(&metadata.uid())
            });
        if is_open {
            let path = path.display();
            self.warnings.push(format!(
                "{variable}: others may write {path}; it is ignored, and its authorities are not trusted"
            ));
        }
        is_open
    }
}
