//! First key of an app without keys: generated, and put where the app will load it.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::found::AppEnvironment;
use super::write::FileChange;
use crate::commands::gen_jwk;
use crate::context::Context;
use crate::error::{Failure, usage};
use crate::files::PRIVATE;
use crate::jose::{ClientKey, KeyForm, KeySet};
use crate::keyring::KeySource;

/// Key to be generated, with its destination.
pub struct FirstKey {
    key: ClientKey,
    /// Change that puts it there.
    pub change: FileChange,
    /// File that will contain it.
    pub path: PathBuf,
}

impl FirstKey {
    /// Generates a key if its configured place is empty.
    pub fn wanted(
        context: &Context,
        app: &AppEnvironment,
        sources: &[String],
    ) -> Result<Option<Self>, Failure> {
        let mut missing = Vec::new();
        for text in sources {
            let source = KeySource::parse(text, Path::new(""))?;
            let is_missing = match &source {
                KeySource::File { path, .. } => !path.exists(),
                KeySource::Variable { name, .. } => {
                    app.variable(name).is_none_or(|sighting| sighting.value.trim().is_empty())
                }
                KeySource::Table { .. } | KeySource::Stdin => false,
            };
            if is_missing {
                missing.push(source);
            }
        }
        let source = match (missing.as_slice(), sources.len()) {
            ([], _) => return Ok(None),
            ([source], 1) => source,
            ([source, ..], _) => {
                return Err(usage(
                    "does not exist, and init creates a key only if there is a single source",
                )
                .at(source)
                .hint("use existing sources only; `oauthctl keys rotate` adds keys later"));
            }
        };
        let key = gen_jwk::generate(context, None)?;
        // By convention, an app takes one JWK from a variable, while a file can hold keys of later
        // rotations.
        let form =
            if matches!(source, KeySource::Variable { .. }) { KeyForm::Jwk } else { KeyForm::Jwks };
        let text = form.encode(std::slice::from_ref(&key))?;
        Ok(Some(match source {
            KeySource::Variable { name, .. } => {
                let sighting = app.variable(name);
                if sighting.as_ref().is_some_and(|sighting| sighting.file.is_none()) {
                    return Err(usage("is exported but empty, so a line in .env would be ignored")
                        .at(source)
                        .hint(format!(
                            "unset {name}, or export a key: `oauthctl gen-jwk` prints one"
                        )));
                }
                let path =
                    PathBuf::from(sighting.and_then(|sighting| sighting.file).unwrap_or(".env"));
                let change =
                    FileChange::AddVariable { path: path.clone(), name: name.clone(), value: text };
                Self { key, change, path }
            }
            KeySource::File { path, .. } => {
                let text = Zeroizing::new(format!("{}\n", *text));
                Self {
                    key,
                    change: FileChange::Create { path: path.clone(), content: text, mode: PRIVATE },
                    path: path.clone(),
                }
            }
            KeySource::Table { .. } | KeySource::Stdin => {
                unreachable!("only a file and a variable are made")
            }
        }))
    }

    /// Returns the dotenv file that will contain it, if any.
    pub fn env_file(&self) -> Option<&str> {
        match &self.change {
            FileChange::AddVariable { path, .. } => path.to_str(),
            FileChange::Create { .. } => None,
        }
    }

    /// Returns a key set with this key.
    pub fn set(&self) -> Result<KeySet, Failure> {
        KeySet::new(vec![self.key.clone()])
    }

    /// Describes the change, without the key.
    pub fn preview(&self) -> String {
        match &self.change {
            FileChange::AddVariable { path, name, .. } => {
                format!("{}  (one more line: {name}='…', a new private key)", path.display())
            }
            FileChange::Create { path, .. } => {
                format!("{}  (a new private key; only you can read the file)", path.display())
            }
        }
    }
}

/// Checks whether a .gitignore in this directory matches the file.
pub fn is_ignored(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let ignored = std::fs::read_to_string(".gitignore").unwrap_or_default();
    ignored.lines().map(|line| line.trim().trim_start_matches('/')).any(|pattern| {
        match pattern.split_once('*') {
            Some((start, end)) => {
                !pattern.starts_with('#') && name.starts_with(start) && name.ends_with(end)
            }
            None => Path::new(pattern) == path || pattern == name,
        }
    })
}
