//! Reads the working directory, so that conclusions can be drawn without it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::found::{ENV_FILES, Surroundings};
use crate::environment::Environment;
use crate::error::{Failure, usage};
use crate::json::text;
use crate::settings::{app, dotenv};

/// Directories whose files apps serve as they are.
pub const SERVED: [&str; 2] = ["public", "static"];
/// What apps call their client metadata document.
const DOCUMENTS: [&str; 2] = ["oauth-client-metadata.json", "client-metadata.json"];

/// What there is in the working directory. Nothing is changed.
pub fn around(exported: &Environment) -> Result<Surroundings, Failure> {
    let served = SERVED.into_iter().find(|name| Path::new(name).is_dir());
    let mut files = Vec::new();
    for name in ENV_FILES {
        match fs::read_to_string(name) {
            Ok(text) => files.push((name.to_owned(), dotenv::parse(&text))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => {
                let hint = "check that this user may read it, and that it is text";
                return Err(usage("cannot read the app's variables").at(name).because(e).hint(hint));
            }
        }
    }
    Ok(Surroundings {
        exported: exported.clone(),
        files,
        has_database: Path::new(app::DATABASE).is_file(),
        is_nuxt: ["nuxt.config.ts", "nuxt.config.js", "nuxt.config.mjs"].iter().any(|name| Path::new(name).exists()),
        served,
        name: package_name().or_else(directory_name),
        document: document(served),
    })
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn package_name() -> Option<String> {
    text(&json(Path::new("package.json"))?, "name").filter(|name| !name.is_empty()).map(str::to_owned)
}

fn directory_name() -> Option<String> {
    let directory = std::env::current_dir().ok()?;
    Some(directory.file_name()?.to_str()?.to_owned())
}

fn document(served: Option<&str>) -> Option<(std::path::PathBuf, Value)> {
    let places = served.into_iter().chain([""]);
    let paths = places.flat_map(|place| DOCUMENTS.map(|name| Path::new(place).join(name)));
    paths.into_iter().find_map(|path| json(&path).filter(|found| text(found, "client_id").is_some()).map(|d| (path, d)))
}
