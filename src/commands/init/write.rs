//! Transactional file creation with rollback.

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::commands::output::add_variable;
use crate::error::{Failure, failed};
use crate::files::{self, Existing, directory_of};
use crate::interrupt::Interrupt;

/// A change to the working directory.
pub enum FileChange {
    /// New file.
    Create { path: PathBuf, content: Zeroizing<String>, mode: u32 },
    /// Variable appended to a dotenv file, which may exist.
    AddVariable { path: PathBuf, name: String, value: Zeroizing<String> },
}

impl FileChange {
    /// Returns the file that is created or changed.
    pub fn path(&self) -> &Path {
        match self {
            Self::Create { path, .. } | Self::AddVariable { path, .. } => path,
        }
    }
}

/// Changes made so far. Undone on drop unless all are complete.
#[derive(Default)]
struct Done {
    created: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    before: Vec<(PathBuf, Zeroizing<String>)>,
}

/// Makes all changes. If one fails or a signal arrives, all are undone.
pub fn apply(changes: &[FileChange], interrupt: &Interrupt) -> Result<(), Failure> {
    let mut done = Done::default();
    for change in changes {
        if interrupt.is_set() {
            return Err(interrupt.failure("nothing was written"));
        }
        done.make(change)?;
    }
    done.commit();
    Ok(())
}

impl Done {
    fn make(&mut self, change: &FileChange) -> Result<(), Failure> {
        match change {
            FileChange::Create { path, content, mode } => {
                self.create_directories(directory_of(path))?;
                files::write_file(path, content.as_bytes(), *mode, Existing::Keep)?;
                self.created.push(path.clone());
            }
            FileChange::AddVariable { path, name, value } => match add_variable(path, name, value)?
            {
                Some(before) => self.before.push((path.clone(), before)),
                None => self.created.push(path.clone()),
            },
        }
        Ok(())
    }

    fn create_directories(&mut self, directory: &Path) -> Result<(), Failure> {
        let missing: Vec<_> = directory
            .ancestors()
            .take_while(|d| !d.as_os_str().is_empty() && fs::symlink_metadata(d).is_err())
            .map(Path::to_owned)
            .collect();
        for directory in missing.into_iter().rev() {
            fs::create_dir(&directory).map_err(|e| {
                let hint = "check the path, and that this user may create directories there";
                failed("cannot create the directory").at(directory.display()).because(e).hint(hint)
            })?;
            self.directories.push(directory);
        }
        Ok(())
    }

    fn commit(mut self) {
        self.created.clear();
        self.directories.clear();
        self.before.clear();
    }
}

impl Drop for Done {
    /// Ignores failures to undo, because the failure that caused it is the one to report.
    fn drop(&mut self) {
        for path in &self.created {
            let _ = fs::remove_file(path);
        }
        for directory in self.directories.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
        for (path, before) in &self.before {
            let _ = files::rewrite_file(path, before.as_bytes());
        }
    }
}
