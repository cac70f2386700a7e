//! Certificates of the environment: `SSL_CERT_FILE` and `SSL_CERT_DIR`.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::Settings;
use crate::environment::Environment;
use crate::input;

/// Maximum size of a bundle, above that of public authorities.
const MAX_BUNDLE: u64 = 16 << 20;
/// Maximum number of files in a directory. Usual ones have a few hundred.
const MOST_FILES: usize = 2000;

/// Certificates found, and warnings about other files.
#[derive(Default)]
pub struct SystemRoots {
    /// Certificates in PEM.
    pub pem: Vec<u8>,
    /// Files that are not trusted, with the reasons.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Returns the certificates of the environment, read on first use.
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
                debug!("also trusting certificates of {} ({variable})", path.display());
                self.pem.extend_from_slice(text.as_bytes());
                self.pem.push(b'\n');
            }
            Err(_) if variable == "SSL_CERT_DIR" => {}
            Err(unread) => {
                let failure =
                    unread.into_failure(|e| crate::error::usage("cannot be read").because(e));
                self.warnings.push(format!("{variable}: {} {failure}; ignored", path.display()));
            }
        }
    }

    /// Checks whether users other than root and this one may write or replace the file or
    /// directory.
    fn is_doubtful(&mut self, variable: &str, path: &Path) -> bool {
        let own = rustix::process::geteuid().as_raw();
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let places = [Some(real.as_path()), real.parent()];
        let is_open = places
            .into_iter()
            .flatten()
            .filter_map(|place| fs::metadata(place).ok())
            .any(|metadata| {
                // In a directory with the sticky bit, users cannot replace each other's files.
                let is_sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
                (metadata.mode() & 0o022 != 0 && !is_sticky) || ![0, own].contains(&metadata.uid())
            });
        if is_open {
            let path = path.display();
            self.warnings
                .push(format!("{variable}: ignored, because other users can write {path}"));
        }
        is_open
    }
}
