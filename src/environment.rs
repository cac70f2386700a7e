//! Environment variables, read once and passed on. Nothing else reads them from the system.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::{Failure, usage};
use crate::input;

/// Environment variables.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<OsString, OsString>,
    /// Dotenv files that do not exist.
    missing_files: Vec<PathBuf>,
}

impl Environment {
    /// Wraps the variables.
    pub fn new(variables: HashMap<OsString, OsString>) -> Self {
        Self { variables, missing_files: Vec::new() }
    }

    /// Adds the variables of a dotenv file. Exported variables take precedence even if they are
    /// empty, as in apps' loaders.
    pub fn add(&mut self, variables: Vec<(String, String)>) {
        // Of two lines for one variable the later counts.
        let variables: HashMap<_, _> = variables.into_iter().collect();
        for (name, value) in variables {
            self.variables.entry(name.into()).or_insert_with(|| value.into());
        }
    }

    /// Returns the environment without these variables.
    pub fn without(mut self, names: &[&str]) -> Self {
        self.variables.retain(|name, _| names.iter().all(|other| name != other));
        self
    }

    /// Records a missing dotenv file, reported only if one of its variables is required.
    pub fn note_missing_file(&mut self, file: PathBuf) {
        self.missing_files.push(file);
    }

    /// Checks whether the variable exists, even if it is empty.
    pub fn exists(&self, name: &str) -> bool {
        self.variables.contains_key(name.as_ref() as &std::ffi::OsStr)
    }

    /// Checks whether the variable exists and is not empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.variables.get(name.as_ref() as &std::ffi::OsStr).is_some_and(|value| !value.is_empty())
    }

    /// Returns the variable's text, trimmed, if it is set, not empty and UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.variables.get(name.as_ref() as &std::ffi::OsStr)?.to_str()?;
        Some(input::trimmed(text)).filter(|text| !text.is_empty())
    }

    /// Returns the variable unchanged, with invalid UTF-8 replaced. May be empty.
    pub fn lossy(&self, name: &str) -> Option<Cow<'_, str>> {
        self.variables.get(name.as_ref() as &std::ffi::OsStr).map(|value| value.to_string_lossy())
    }

    /// Returns the names of the non-empty variables, in order.
    pub fn names(&self) -> Vec<&str> {
        let filled = self.variables.iter().filter(|(_, value)| !value.is_empty());
        let mut names: Vec<_> = filled.filter_map(|(name, _)| name.to_str()).collect();
        names.sort_unstable();
        names
    }

    /// Returns the text of a variable to which the settings refer.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        let place = format!("env:{name}");
        if name.is_empty() {
            return Err(usage("does not name a variable").at(place).hint("write env:NAME"));
        }
        match self.variables.get(name.as_ref() as &std::ffi::OsStr) {
            None => {
                let absent = self
                    .missing_files
                    .iter()
                    .map(|file| format!("; there is no {}", file.display()));
                let hint =
                    format!("export {name}, or name another source") + &absent.collect::<String>();
                Err(usage("the variable is not set").at(place).hint(hint))
            }
            Some(value) => match value.to_str() {
                None => Err(usage("the variable is not UTF-8 text")
                    .at(place)
                    .hint("keys and addresses must be text; export it again")),
                Some(text) if input::trimmed(text).is_empty() => {
                    Err(usage("the variable is empty")
                        .at(place)
                        .hint(format!("give {name} a value, or name another source")))
                }
                Some(text) => Ok(input::trimmed(text)),
            },
        }
    }
}
