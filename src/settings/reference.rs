//! References to values: `env:NAME`, `file:PATH`.

use std::path::Path;

use toml::Value;
use zeroize::Zeroizing;

use super::schema::wrong_type;
use super::{Settings, SettingsFile};
use crate::error::{Failure, usage};
use crate::input;
use crate::jose::Kid;
use crate::keyring::KeySource;

/// Maximum size of a referenced file.
const MAX_REFERENCE: u64 = 1 << 20;

/// Checks whether the text is a reference.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

/// Returns the texts of a value that is a text or an array of texts.
pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the key sources of `keys`: texts, or tables with a kid for a key that has none itself.
pub(super) fn named_sources(value: &Value, base: &Path) -> Result<Vec<KeySource>, Failure> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let source = |item: &Value| match item {
        Value::Table(table) => {
            let text = |name| table.get(name).and_then(Value::as_str);
            let source = KeySource::parse(text("source").unwrap_or_default(), base)?;
            let kid = text("kid")
                .map(|kid| kid.trim().parse::<Kid>().map_err(|e| e.at("keys")))
                .transpose()?;
            Ok(source.with_kid(kid))
        }
        item => KeySource::parse(item.as_str().unwrap_or_default(), base),
    };
    items.iter().map(source).collect()
}

impl Settings {
    /// Returns the text of one value, with its reference resolved.
    pub(super) fn one_value(
        &self,
        value: &Value,
        file: &SettingsFile,
        name: &str,
    ) -> Result<Zeroizing<String>, Failure> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => value.to_string(),
            _ => return Err(wrong_type(name, "one value")),
        };
        self.follow(&text, file.directory(), name)
    }

    /// Resolves `env:NAME` or `file:PATH`. Any other text is returned unchanged.
    pub(super) fn follow(
        &self,
        text: &str,
        base: &Path,
        name: &str,
    ) -> Result<Zeroizing<String>, Failure> {
        let found = if let Some(variable) = text.strip_prefix("env:") {
            self.environment()
                .required(variable)
                .map(|text| Zeroizing::new(text.to_owned()))
                .and_then(whole)
        } else if let Some(path) = text.strip_prefix("file:") {
            read_reference(&base.join(path), path)
                .and_then(|text| whole(text).map_err(|e| e.at(format!("file:{path}"))))
        } else {
            Ok(Zeroizing::new(text.to_owned()))
        };
        found.map_err(|e| e.at(name))
    }
}

/// Fails on quotes or escapes left in the value by a loader.
fn whole(text: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    input::leftover(&text).map_or(Ok(text), Err)
}

/// Reads a file that consists of one value. `named` is the path as given.
fn read_reference(path: &Path, named: &str) -> Result<Zeroizing<String>, Failure> {
    /// First bytes of SQLite databases.
    const SQLITE: &[u8] = b"SQLite format 3\0";
    let place = format!("file:{}", path.display());
    let refused = |e: std::io::Error| {
        let failure = usage("cannot read the file").at(&place);
        if e.kind() == std::io::ErrorKind::NotFound && is_database_name(path) {
            return failure.because(e).hint(format!(
                "file: names a file that contains the value; for a database write sqlite:{named}"
            ));
        }
        failure.because(e).hint("check the path, and that this user can read it")
    };
    let bytes = std::fs::File::open(path).map_err(refused)?;
    let bytes = input::read_bytes(bytes, MAX_REFERENCE).map_err(|unread| match unread {
        input::Unread::Unusable(_) if is_database_name(path) => is_a_database(&place, named),
        unread => unread.into_failure(refused),
    })?;
    if bytes.starts_with(SQLITE) || (bytes.is_empty() && is_database_name(path)) {
        return Err(is_a_database(&place, named));
    }
    let text = input::trimmed(input::decode(&bytes).map_err(|e| e.at(&place))?);
    if text.is_empty() {
        return Err(usage("the file is empty")
            .at(place)
            .hint("put the value in it, or name another source"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn is_a_database(place: &str, named: &str) -> Failure {
    usage("is a database; file: names a file that contains the value")
        .at(place)
        .hint(format!("write sqlite:{named}"))
}

/// Checks whether this is a usual name of a database.
fn is_database_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("db" | "sqlite" | "sqlite3"))
}
