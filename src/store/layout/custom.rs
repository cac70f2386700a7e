//! Layouts that the operator describes under `[layouts.NAME]` in oauthctl.toml.

use std::collections::BTreeMap;

use super::{KeyRule, Layout, LockRule, Place, Table};
use crate::error::{Failure, usage};
use crate::session::Age;
use crate::store::pattern::{KeyPattern, Subject};

/// How long a lock lasts where the description does not say it.
const USUAL_LOCK_TTL: Age = Age::from_secs(30);

/// What may be said of a layout.
pub const MEMBERS: [&str; 19] = [
    "session_key",
    "session_ttl",
    "state_key",
    "state_ttl",
    "lock_key",
    "lock_ttl",
    "envelope",
    "stamped",
    "session_table",
    "session_key_column",
    "session_value_column",
    "session_updated_column",
    "state_table",
    "state_key_column",
    "state_value_column",
    "state_updated_column",
    "kind_column",
    "session_kind",
    "state_kind",
];

/// A description: the members that are there.
struct Description<'d>(&'d BTreeMap<String, String>);

impl Description<'_> {
    fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member).map(String::as_str)
    }

    fn required(&self, member: &str) -> Result<&str, Failure> {
        self.text(member).ok_or_else(|| {
            usage(format!("{member} is missing")).hint(
                "a layout of Redis has session_key and state_key; one of SQLite has session_table and state_table",
            )
        })
    }

    fn age(&self, member: &str) -> Result<Option<Age>, Failure> {
        self.text(member).map(|text| text.parse().map_err(|e: Failure| e.at(member))).transpose()
    }

    fn flag(&self, member: &str) -> Result<bool, Failure> {
        match self.text(member) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(usage(format!("{member} must be true or false"))),
        }
    }

    fn pattern(&self, member: &str, usual: Option<&str>, subject: Subject) -> Result<KeyPattern, Failure> {
        let text = match (self.text(member), usual) {
            (Some(text), _) => text,
            (None, Some(usual)) => usual,
            (None, None) => self.required(member)?,
        };
        let pattern: KeyPattern = text.parse().map_err(|e: Failure| e.at(member))?;
        if pattern.subject() == subject {
            return Ok(pattern);
        }
        Err(usage(format!("{member} must contain {}", subject.placeholder())).hint("see `man oauthctl`, layouts"))
    }

    fn keys(&self) -> Result<Place, Failure> {
        let rule = |kind: &str, subject| -> Result<_, Failure> {
            let pattern = self.pattern(&format!("{kind}_key"), None, subject)?;
            Ok(KeyRule { pattern, ttl: self.age(&format!("{kind}_ttl"))? })
        };
        Ok(Place::Keys { sessions: rule("session", Subject::Did)?, states: rule("state", Subject::State)? })
    }

    fn tables(&self) -> Result<Place, Failure> {
        let table = |kind: &str, usual: &str, subject| -> Result<_, Failure> {
            let column = |member: &str| self.text(&format!("{kind}_{member}_column")).map(str::to_owned);
            let only = match self.text("kind_column") {
                None => None,
                Some(column) => Some((column.to_owned(), self.required(&format!("{kind}_kind"))?.to_owned())),
            };
            Ok(Table {
                name: self.required(&format!("{kind}_table"))?.to_owned(),
                key: column("key").unwrap_or_else(|| "key".to_owned()),
                pattern: self.pattern(&format!("{kind}_key"), Some(usual), subject)?,
                value: column("value").unwrap_or_else(|| "value".to_owned()),
                only,
                updated: column("updated"),
            })
        };
        let sessions = table("session", "{did}", Subject::Did)?;
        Ok(Place::Tables { sessions, states: table("state", "{state}", Subject::State)? })
    }
}

impl Layout {
    /// Reads a description. Members are known ones ([`MEMBERS`]).
    pub fn described(name: &str, members: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let description = Description(members);
        let is_sql = description.text("session_table").is_some() || description.text("state_table").is_some();
        let read = || -> Result<Self, Failure> {
            let lock = match description.text("lock_key") {
                None => None,
                Some(_) => Some(LockRule {
                    pattern: description.pattern("lock_key", None, Subject::Name)?,
                    ttl: description.age("lock_ttl")?.unwrap_or(USUAL_LOCK_TTL),
                }),
            };
            let layout = Self {
                name: name.to_owned(),
                place: if is_sql { description.tables()? } else { description.keys()? },
                lock,
                envelope: description.flag("envelope")?,
                stamped: description.flag("stamped")?,
            };
            if is_sql && (layout.envelope || layout.stamped || layout.lock.is_some()) {
                return Err(usage("envelope, stamped and lock_key are for layouts of Redis"));
            }
            Ok(layout)
        };
        read().map_err(|e| e.at(format!("layouts.{name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(members: &[(&str, &str)]) -> Result<Layout, String> {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Layout::described("mine", &members).map_err(|e| e.to_string())
    }

    #[test]
    fn a_layout_of_redis_is_described_by_its_keys() {
        let layout = described(&[
            ("session_key", "myapp:{did}:{sid}"),
            ("session_ttl", "179d"),
            ("state_key", "myapp:state:{state}"),
            ("lock_key", "lock:{name}"),
            ("envelope", "true"),
        ])
        .unwrap();
        let Place::Keys { sessions, states } = &layout.place else { panic!("{layout:?}") };
        assert!(sessions.pattern.has_many() && sessions.ttl == Some(Age::from_secs(179 * 86_400)));
        assert!(states.ttl.is_none() && layout.envelope && !layout.stamped);
        assert_eq!(layout.lock.unwrap().ttl, USUAL_LOCK_TTL);
    }

    #[test]
    fn a_layout_of_tables_needs_only_their_names() {
        let layout = described(&[("session_table", "s"), ("state_table", "t"), ("state_value_column", "v")]).unwrap();
        let Place::Tables { sessions, states } = &layout.place else { panic!("{layout:?}") };
        assert_eq!((sessions.key.as_str(), sessions.value.as_str(), states.value.as_str()), ("key", "value", "v"));
    }

    #[test]
    fn descriptions_that_say_too_little_or_the_wrong_thing_are_refused() {
        for (members, why) in [
            (&[][..], "layouts.mine: session_key is missing"),
            (&[("session_key", "a:{did}")], "layouts.mine: state_key is missing"),
            (&[("session_key", "a:{state}")], "layouts.mine: session_key must contain {did}"),
            (&[("session_table", "s")], "layouts.mine: state_table is missing"),
            (
                &[("session_key", "a:{did}"), ("state_key", "b:{state}"), ("stamped", "yes")],
                "layouts.mine: stamped must be true or false",
            ),
        ] {
            assert_eq!(described(members).unwrap_err(), why);
        }
    }
}
