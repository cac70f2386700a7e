//! Values that say where they really are: `env:NAME`, `file:PATH`.

use std::path::Path;

use toml::Value;
use zeroize::Zeroizing;

use super::schema::wrong_type;
use super::{Settings, SettingsFile};
use crate::error::{Failure, usage};

/// Whether the text says where the value is, rather than being it.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

/// The texts of a value that is one, or an array of them.
pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

impl Settings {
    /// The text of one value, its reference followed.
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

    /// Fetches what `env:NAME` or `file:PATH` refers to; any other text stands for itself.
    pub(super) fn follow(&self, text: &str, base: &Path, name: &str) -> Result<Zeroizing<String>, Failure> {
        let found = if let Some(variable) = text.strip_prefix("env:") {
            self.environment().required(variable).map(|text| Zeroizing::new(text.trim().to_owned()))
        } else if let Some(path) = text.strip_prefix("file:") {
            read_reference(&base.join(path))
        } else {
            Ok(Zeroizing::new(text.to_owned()))
        };
        found.map_err(|e| e.at(name))
    }
}

fn read_reference(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let place = format!("file:{}", path.display());
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| {
        usage("cannot read the file").at(&place).because(e).hint("check the path, and that this user may read it")
    })?;
    if text.trim().is_empty() {
        return Err(usage("the file is empty").at(place).hint("put the value in it, or name another source"));
    }
    Ok(Zeroizing::new(text.trim().to_owned()))
}
