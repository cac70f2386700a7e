//! Plan of `init`: shown first, then written, then explained.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use super::draft::{Draft, document_of};
use super::first_key::{FirstKey, is_ignored};
use super::write::FileChange;
use crate::files::PUBLIC;
use crate::jose::KeySet;
use crate::settings::FILE_NAME;
use crate::ui::{Ui, sanitised};

/// Changes and their description.
pub struct InitPlan {
    draft: Draft,
    settings_path: PathBuf,
    changes: Vec<FileChange>,
    preview: String,
    key_file: Option<PathBuf>,
}

impl InitPlan {
    /// Creates an empty plan.
    pub fn new(draft: Draft, settings_path: PathBuf) -> Self {
        let preview = "\nThis will be written:\n".to_owned();
        Self { draft, settings_path, changes: Vec::new(), preview, key_file: None }
    }

    /// Returns the changes, in order.
    pub fn changes(&self) -> &[FileChange] {
        &self.changes
    }

    /// Returns the description of the changes, without the private key.
    pub fn preview(&self) -> &str {
        &self.preview
    }

    /// Adds a first key.
    pub fn add_key(&mut self, first: FirstKey) {
        let _ = writeln!(self.preview, "\n{}", first.preview());
        self.key_file = Some(first.path);
        self.changes.push(first.change);
    }

    /// Adds the documents. A public client has only one.
    pub fn add_documents(&mut self, ui: &Ui, keys: Option<&KeySet>) {
        let metadata = document_of(&self.draft);
        self.add_document(ui, &self.draft.metadata_file.clone(), &metadata);
        if let (Some(path), Some(keys)) = (self.draft.jwks_file.clone(), keys) {
            self.add_document(ui, &path, &keys.public().to_json());
        }
    }

    fn add_document(&mut self, ui: &Ui, path: &Path, document: &Value) {
        if fs::symlink_metadata(path).is_ok() {
            let _ =
                writeln!(self.preview, "\n{}  already exists and is not changed", path.display());
            return;
        }
        self.show(path, &ui.json_for_people(document));
        let content = String::from_utf8(ui.json_document(document, true)).unwrap_or_default();
        self.changes.push(FileChange::Create {
            path: path.to_owned(),
            content: content.into(),
            mode: PUBLIC,
        });
    }

    /// Adds the settings. They come last, so that everything they refer to exists when they do.
    pub fn add_settings(&mut self, text: String) {
        let path = self.settings_path.clone();
        self.show(&path, &text);
        self.changes.push(FileChange::Create { path, content: Zeroizing::new(text), mode: PUBLIC });
    }

    fn show(&mut self, path: &Path, text: &str) {
        let _ = writeln!(self.preview, "\n{}", path.display());
        for line in text.lines() {
            let _ = writeln!(self.preview, "{}", format!("    {}", sanitised(line)).trim_end());
        }
    }

    /// Prints what was written, what to publish, and three commands to try next.
    pub fn say_what_is_next(&self, ui: &Ui) {
        for change in &self.changes {
            ui.note(format!("wrote {}", change.path().display()));
        }
        if let Some(key) = &self.key_file {
            if !is_ignored(key) {
                ui.note(format!("{} contains a private key: add it to .gitignore", key.display()));
            }
            if fs::metadata(key).is_ok_and(|metadata| metadata.mode() & 0o044 != 0) {
                ui.warn(format!("{0} can be read by other users; `chmod 600 {0}`", key.display()));
            }
        }
        let draft = &self.draft;
        ui.note("");
        ui.note(format!(
            "Let the app serve {} at {}",
            draft.metadata_file.display(),
            draft.client_id
        ));
        if let (Some(file), Some(uri)) = (&draft.jwks_file, &draft.jwks_uri) {
            ui.note(format!("and {} at {uri}", file.display()));
        }
        let is_found = self.settings_path == Path::new(FILE_NAME);
        let config = if is_found {
            String::new()
        } else {
            format!(" --config {}", self.settings_path.display())
        };
        ui.note("");
        ui.note("Next:");
        ui.note(format!(
            "  oauthctl {}{config}",
            if draft.keys.is_empty() { "metadata" } else { "keys list" }
        ));
        match &draft.store {
            Some(_) => ui.note(format!("  oauthctl sessions list{config}")),
            None => {
                ui.note(format!("  oauthctl metadata --check {}", draft.metadata_file.display()));
            }
        }
        ui.note(format!("  oauthctl doctor{config}  # once both are served"));
    }
}
