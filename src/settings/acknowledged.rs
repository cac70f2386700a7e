//! `[refresh] acknowledged`: causes of blocked sessions that the operator knows.

use std::fmt;

use jiff::civil::Date;
use toml::Value;

use super::{Settings, wrong_type};
use crate::error::{Failure, usage};

/// Cause that is acknowledged, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub what: Cause,
    pub since: Date,
}

/// Cause of blocked sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Client key that is not in the key set.
    Kid(String),
    /// Session of this record.
    Record(String),
}

impl Cause {
    fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty())?;
        match kind {
            "kid" => Some(Self::Kid(name.to_owned())),
            "key" => Some(Self::Record(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kid(kid) => write!(f, "kid:{kid}"),
            Self::Record(key) => write!(f, "key:{key}"),
        }
    }
}

/// Reads the setting.
pub(super) fn parse(value: &Value, name: &str) -> Result<Vec<Acknowledged>, Failure> {
    let items = value.as_array().ok_or_else(|| wrong_type(name, EXPECTED))?;
    items.iter().map(|item| one(item, name)).collect()
}

/// Type of the setting.
pub(super) const EXPECTED: &str = "an array of { what = \"kid:KID\", since = 2026-11-30 }";

fn one(item: &Value, name: &str) -> Result<Acknowledged, Failure> {
    if let Some(text) = item.as_str() {
        return Err(usage(format!("{name}: {text:?} has no date")).hint(format!(
            "write {{ what = {text:?}, since = 2026-11-30 }}; it holds for 90 days"
        )));
    }
    let table = item.as_table().filter(|table| table.len() == 2);
    let member = |name: &str| table.and_then(|table| table.get(name));
    let (Some(what), Some(since)) = (member("what").and_then(Value::as_str), member("since"))
    else {
        return Err(wrong_type(name, EXPECTED));
    };
    let what = Cause::parse(what).ok_or_else(|| {
        usage(format!("{name}: {what:?} is neither a kid nor a key"))
            .hint("write kid:KID for a client key, key:KEY for a record of the store")
    })?;
    let day = match since {
        Value::String(text) => text.clone(),
        Value::Datetime(at) => at.to_string(),
        _ => return Err(wrong_type(name, EXPECTED)),
    };
    let since = day.parse().map_err(|_| {
        usage(format!("{name}: {day:?} is not a date")).hint("write since = 2026-11-30")
    })?;
    Ok(Acknowledged { what, since })
}

impl Settings {
    /// Returns the causes that `[refresh] acknowledged` names.
    pub fn acknowledged(&self) -> Result<Vec<Acknowledged>, Failure> {
        match self.in_file("refresh", "acknowledged") {
            None => Ok(Vec::new()),
            Some((value, _)) => parse(value, "refresh.acknowledged"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;
    use super::*;

    #[test]
    fn causes_are_acknowledged_with_a_date() {
        let settings = settings_of(
            "[refresh]\nacknowledged = [{ what = 'kid:k:1', since = 2026-11-30 }, \
             { what = 'key:a', since = '2026-11-29' }]",
        );
        let since = |day: &str| day.parse().unwrap();
        assert_eq!(
            settings.acknowledged().unwrap(),
            [
                Acknowledged { what: Cause::Kid("k:1".to_owned()), since: since("2026-11-30") },
                Acknowledged { what: Cause::Record("a".to_owned()), since: since("2026-11-29") },
            ]
        );
        assert!(settings_of("").acknowledged().unwrap().is_empty());
    }
}
