//! Output of documents to a file or stdout, and as assignments of variables.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::{Failure, usage};
use crate::files::{self, Existing, directory_of};
use crate::jose::{ClientKey, Kid};
use crate::json;
use crate::keyring::{KeysInFile, keys_of, variable_name};
use crate::settings::dotenv;

/// `-o FILE`, shared by the commands that print a key or a document.
#[derive(Args)]
pub struct OutputArgs {
    /// Write to this file instead of stdout; `-` is stdout
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

impl OutputArgs {
    /// Returns the output file, unless it is stdout.
    pub fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    /// Checks whether an existing file is to be replaced.
    pub fn replaces(&self) -> bool {
        self.force
    }

    /// Fails if the document cannot be written to the file, because the file exists and is not to
    /// be replaced, or contains a private key.
    pub fn check_document(&self) -> Result<(), Failure> {
        match self.file() {
            Some(path) if self.force => refuse_private_keys(path),
            Some(path) => files::check_absent(path),
            None => Ok(()),
        }
    }

    /// Writes a document, with its final line end, to the file (atomically) or to stdout.
    pub fn write_document(&self, context: &Context, text: &[u8]) -> anyhow::Result<()> {
        self.check_document()?;
        let document = serde_json::from_slice::<Value>(text).unwrap_or_default();
        self.write(context, text, files::PUBLIC, json::text(&document, "client_id"))
    }

    /// Writes a private key to the file or to stdout. If the file is replaced, keys in it are kept
    /// in a file next to it.
    pub fn write_key(&self, context: &Context, text: &[u8]) -> anyhow::Result<()> {
        if let Some(path) = self.file() {
            let found = KeysInFile::find(path);
            if found.is_some && !self.force {
                return Err(usage("the file exists and contains a private key")
                    .at(path.display())
                    .hint("choose another name; `oauthctl keys rotate` adds a key and keeps it")
                    .into());
            }
            // The target of a link is not replaced with the link.
            if found.is_some && !path.is_symlink() {
                let read =
                    |e| crate::error::failed("cannot read the file").at(path.display()).because(e);
                let before = std::fs::read(path).map(Zeroizing::new).map_err(read)?;
                let tag = format!("replaced-{}", found.kid.as_ref().map_or("key", Kid::as_str));
                let copy = files::write_beside(path, &tag, None, &before)?;
                context.ui.note(format!("kept the old {} as {}", path.display(), copy.display()));
            }
        }
        self.write(context, text, files::PRIVATE, None)
    }

    fn write(
        &self,
        context: &Context,
        text: &[u8],
        mode: u32,
        client_id: Option<&str>,
    ) -> anyhow::Result<()> {
        match self.file() {
            Some(path) => {
                let existing = if self.force { Existing::Replace } else { Existing::Keep };
                tidy(context, directory_of(path));
                files::write_file(path, text, mode, existing)?;
                let client =
                    client_id.map_or_else(|| for_client(context), |id| format!(" for {id}"));
                context.ui.note(format!("wrote {}{client}", path.display()));
            }
            None => context.ui.result(text)?,
        }
        Ok(())
    }
}

/// Returns the end of a message about a written file: the client, if known. The settings may be in
/// another directory.
pub fn for_client(context: &Context) -> String {
    context.client_id().map(|id| format!(" for {id}")).unwrap_or_default()
}

/// Removes files left behind by killed runs in an output directory.
pub fn tidy(context: &Context, directory: &Path) {
    for path in files::remove_left_behind(directory) {
        context.ui.note(format!("removed {}, a leftover of a killed run", path.display()));
    }
}

/// Fails if a document would replace a private key.
pub fn refuse_private_keys(path: &Path) -> Result<(), Failure> {
    if !KeysInFile::find(path).is_some {
        return Ok(());
    }
    Err(usage("the file contains a private key that would be lost")
        .at(path.display())
        .hint("choose another name"))
}

/// Formats `NAME='…'`. Single quotes preserve all other characters in shells and dotenv files.
pub fn assignment(name: &str, value: &str) -> Result<String, Failure> {
    if !variable_name(name) {
        return Err(usage(format!("{name:?} is not a valid variable name"))
            .hint("use letters, digits and _"));
    }
    if value.contains('\'') {
        return Err(usage("the kid contains a single quote, which a dotenv file cannot contain")
            .hint("choose another kid"));
    }
    if value.contains('\n') {
        return Err(usage("a PEM does not fit on one line").hint("use --encoding pem-base64"));
    }
    Ok(format!("{name}='{value}'"))
}

/// Adds a variable with a key to a dotenv file, which is created if missing. An existing variable
/// is never changed. Returns the earlier text of the file.
pub fn add_variable(
    path: &Path,
    name: &str,
    value: &str,
) -> Result<Option<Zeroizing<String>>, Failure> {
    let line = Zeroizing::new(assignment(name, value)?);
    files::append_line(path, &line, |before, after| {
        let mut expected = dotenv::parse(before);
        let current =
            expected.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if let Some(current) = current.filter(|value| !value.trim().is_empty()) {
            return Err(is_set(path, name, current));
        }
        expected.push((name.to_owned(), value.to_owned()));
        if dotenv::parse(after) != expected {
            return Err(usage("cannot add a line, because the last line is incomplete")
                .at(path.display())
                .hint("complete that line, then try again"));
        }
        Ok(())
    })
}

fn is_set(path: &Path, name: &str, value: &str) -> Failure {
    let keys = keys_of(value);
    if keys.is_empty() {
        return usage(format!("{name} is set in {} but is not a key", path.display()))
            .hint("choose another name, or remove the line first");
    }
    let kids: Vec<_> = keys.iter().filter_map(ClientKey::kid).map(Kid::as_str).collect();
    let which = match kids.as_slice() {
        [] => "a key without a kid".to_owned(),
        kids => format!("kid {}", kids.join(", ")),
    };
    usage(format!("{name} is set in {} ({which})", path.display()))
        .hint("`oauthctl keys rotate` adds a key and keeps it")
}
