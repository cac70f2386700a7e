//! Reads the working directory.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::found::AppEnvironment;
use crate::environment::Environment;
use crate::error::{Failure, usage};
use crate::input::{self, Unread};
use crate::json::text;
use crate::settings::app::ENV_FILES;
use crate::settings::{MAX_ENV_FILE, app, dotenv};
use crate::ui::Ui;

/// Directories of files that apps serve unchanged.
pub const SERVED: [&str; 2] = ["public", "static"];
/// Usual names of a client metadata document.
const DOCUMENTS: [&str; 2] = ["oauth-client-metadata.json", "client-metadata.json"];

/// Returns the data found in the working directory. Changes nothing.
pub fn detect(exported: &Environment, ui: &Ui) -> Result<AppEnvironment, Failure> {
    let warn = |warning: Option<String>| warning.iter().for_each(|warning| ui.warn(warning));
    let served = SERVED.into_iter().find(|name| Path::new(name).is_dir());
    let (mut files, mut unread_lines) = (Vec::new(), Vec::new());
    for name in ENV_FILES {
        match input::read(Path::new(name), MAX_ENV_FILE) {
            Ok(text) => {
                let read = dotenv::read(&text);
                warn(dotenv::warning(name, &read.unread));
                let word = |line: usize| {
                    let line = input::trimmed(text.lines().nth(line - 1).unwrap_or_default());
                    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
                    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                        .next()
                        .unwrap_or_default()
                        .to_owned()
                };
                unread_lines
                    .extend(read.unread.iter().map(|line| (name.to_owned(), *line, word(*line))));
                files.push((name.to_owned(), read.variables));
            }
            Err(Unread::Refused(e)) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(unread) => {
                let hint = "check that it is a text file and that this user can read it";
                let refused = |e| usage("cannot read the app's variables").because(e).hint(hint);
                return Err(unread.into_failure(refused).at(name));
            }
        }
    }
    Ok(AppEnvironment {
        exported: exported.clone(),
        files,
        unread_lines,
        has_database: Path::new(app::DATABASE).is_file(),
        is_nuxt: ["nuxt.config.ts", "nuxt.config.js", "nuxt.config.mjs"]
            .iter()
            .any(|name| Path::new(name).exists()),
        served,
        name: package_name().or_else(directory_name),
        document: document(served),
    })
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(input::without_mark(&fs::read(path).ok()?)).ok()
}

fn package_name() -> Option<String> {
    text(&json(Path::new("package.json"))?, "name")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

fn directory_name() -> Option<String> {
    let directory = std::env::current_dir().ok()?;
    Some(directory.file_name()?.to_str()?.to_owned())
}

fn document(served: Option<&str>) -> Option<(std::path::PathBuf, Value)> {
    let places = served.into_iter().chain([""]);
    let paths = places.flat_map(|place| DOCUMENTS.map(|name| Path::new(place).join(name)));
    paths.into_iter().find_map(|path| {
        json(&path).filter(|found| text(found, "client_id").is_some()).map(|d| (path, d))
    })
}
