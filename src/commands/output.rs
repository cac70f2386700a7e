//! Where a document goes: a file, or stdout; and how it is written for a variable.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::context::Context;
use crate::error::{Failure, usage};
use crate::files::{self, Existing};
use crate::keyring::variable_name;

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
    /// The file asked for, if it is not stdout.
    pub fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    /// Writes the text (which ends its last line itself) to the file, whole or not at all, or to stdout.
    pub fn write(&self, context: &Context, text: &[u8], mode: u32) -> anyhow::Result<()> {
        match self.file() {
            Some(path) => {
                let existing = if self.force { Existing::Replace } else { Existing::Keep };
                files::write_file(path, text, mode, existing)?;
                context.ui.note(format!("wrote {}", path.display()));
            }
            None => context.ui.result(text)?,
        }
        Ok(())
    }
}

/// `NAME='…'`: single quotes keep every other character as it is, in shells and in dotenv files alike.
pub fn assignment(name: &str, value: &str) -> Result<String, Failure> {
    if !variable_name(name) {
        return Err(usage(format!("{name:?} is no name for a variable")).hint("use letters, digits and _"));
    }
    if value.contains('\'') {
        return Err(usage("the kid contains a single quote, which no dotenv file can hold").hint("choose another kid"));
    }
    if value.contains('\n') {
        return Err(usage("a PEM does not fit on one line").hint("use --encoding pem-base64"));
    }
    Ok(format!("{name}='{value}'"))
}
