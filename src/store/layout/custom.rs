//! Layouts described by the operator under `[layouts.NAME]` in oauthctl.toml.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::key::{KeyPattern, Subject};
use super::{AdvisoryKey, Codec, Layout, Location, LockRule, Records, Table, format_named};
use crate::error::{Failure, usage};
use crate::session::{Age, FORMATS, Format};

/// Default TTL of a lock.
const USUAL_LOCK_TTL: Age = Age::from_secs(30);

/// Value of `lock_key` for an app without a lock.
const NO_LOCK: &str = "none";

/// Members of layouts of both kinds.
const OF_BOTH: [&str; 8] = [
    "session_key",
    "state_key",
    "format",
    "session_ttl",
    "state_ttl",
    "lock_key",
    "lock_ttl",
    "app_waits",
];
/// Members of layouts of Redis keys only.
const OF_KEYS: [&str; 2] = ["envelope", "stamped"];
/// Members that make a layout one of SQL tables.
const TABLES: [&str; 2] = ["session_table", "state_table"];
/// Members of layouts of SQL tables only.
const OF_TABLES: [&str; 14] = [
    "schema",
    "lock_advisory",
    "session_did_column",
    "session_expires_column",
    "state_expires_column",
    "session_key_column",
    "session_value_column",
    "session_updated_column",
    "state_key_column",
    "state_value_column",
    "state_updated_column",
    "kind_column",
    "session_kind",
    "state_kind",
];

/// All members of a layout.
pub const MEMBERS: [&str; 26] = {
    let parts: [&[&str]; 4] = [&OF_BOTH, &OF_KEYS, &TABLES, &OF_TABLES];
    let (mut members, mut count, mut part) = ([""; 26], 0, 0);
    while part < parts.len() {
        let mut at = 0;
        while at < parts[part].len() {
            members[count] = parts[part][at];
            count += 1;
            at += 1;
        }
        part += 1;
    }
    assert!(count == members.len());
    members
};

/// Members of a description.
struct Description<'d>(&'d BTreeMap<String, String>);

impl Description<'_> {
    fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member).map(String::as_str)
    }

    fn required(&self, member: &str) -> Result<&str, Failure> {
        self.text(member).ok_or_else(|| {
            usage(format!("{member} is missing")).hint(
                "a Redis layout has session_key and state_key, an SQL layout session_table and state_table",
            )
        })
    }

    fn age(&self, member: &str) -> Result<Option<Age>, Failure> {
        let Some(text) = self.text(member) else { return Ok(None) };
        let age: Age = text.parse().map_err(|e: Failure| e.at(member))?;
        if age.duration().is_zero() {
            return Err(usage(format!("{member} must be longer than zero"))
                .hint(format!("remove {member} if the app sets no TTL")));
        }
        Ok(Some(age))
    }

    /// Refuses members that would otherwise be ignored. They are meant for `what`.
    fn refuse(&self, members: &[&str], what: &str) -> Result<(), Failure> {
        match members.iter().find(|member| self.text(member).is_some()) {
            None => Ok(()),
            Some(member) => {
                Err(usage(format!("{member} is for {what}")).hint(format!("remove {member}")))
            }
        }
    }

    fn flag(&self, member: &str) -> Result<bool, Failure> {
        match self.text(member) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(usage(format!("{member} must be true or false"))
                .hint(format!("write {member} = true"))),
        }
    }

    fn pattern(
        &self,
        member: &str,
        usual: Option<&str>,
        subject: Subject,
    ) -> Result<KeyPattern, Failure> {
        let text = match (self.text(member), usual) {
            (Some(text), _) => text,
            (None, Some(usual)) => usual,
            (None, None) => self.required(member)?,
        };
        let pattern: KeyPattern = text.parse().map_err(|e: Failure| e.at(member))?;
        if pattern.subject() == subject {
            return Ok(pattern);
        }
        Err(usage(format!("{member} must contain {}", subject.placeholder()))
            .hint("see `man oauthctl`, layouts"))
    }

    fn keys(&self, name: String) -> Result<Layout, Failure> {
        self.refuse(&OF_TABLES, "layouts of SQL tables")?;
        let records = |kind: &str, subject| -> Result<_, Failure> {
            let pattern = self.pattern(&format!("{kind}_key"), None, subject)?;
            Ok(Records {
                location: Location::Keys(pattern),
                ttl: self.age(&format!("{kind}_ttl"))?,
            })
        };
        let lock = self.lock()?;
        Ok(Layout {
            name,
            sessions: records("session", Subject::Did)?,
            logins: records("state", Subject::State)?,
            app_waits: self.app_waits(&lock)?,
            lock,
            codec: self.codec()?,
            format: self.format()?,
            has_one_format: self.text("format").is_some(),
            is_generic: false,
        })
    }

    fn format(&self) -> Result<&'static dyn Format, Failure> {
        self.text("format")
            .map_or(Ok(FORMATS[0]), |name| format_named(name).map_err(|e| e.at("format")))
    }

    fn codec(&self) -> Result<Codec, Failure> {
        Ok(match (self.flag("envelope")?, self.flag("stamped")?) {
            (true, is_stamped) => Codec::Envelope { is_stamped },
            (false, true) => Codec::Stamped,
            (false, false) => Codec::Plain,
        })
    }

    fn lock(&self) -> Result<LockRule, Failure> {
        let no_lock = match self.text("lock_key") {
            None => Some(LockRule::Unsaid),
            Some(NO_LOCK) => Some(LockRule::None),
            Some(_) => None,
        };
        if let Some(no_lock) = no_lock {
            self.refuse(&["lock_ttl"], "layouts with a lock_key")?;
            return Ok(no_lock);
        }
        let pattern = self.pattern("lock_key", None, Subject::Name)?;
        if pattern.has_many() {
            return Err(usage("lock_key must not contain {sid}")
                .hint("the lock covers all sessions of an account"));
        }
        Ok(LockRule::Key { pattern, ttl: self.age("lock_ttl")?.unwrap_or(USUAL_LOCK_TTL) })
    }

    /// Reads the time for which the app waits for its lock.
    fn app_waits(&self, lock: &LockRule) -> Result<Option<Duration>, Failure> {
        const MEMBER: &str = "app_waits";
        let Some(text) = self.text(MEMBER) else { return Ok(None) };
        if matches!(lock, LockRule::None | LockRule::Unsaid) {
            self.refuse(&[MEMBER], "layouts with a lock")?;
        }
        let time: Option<SignedDuration> = text.parse().ok();
        let time = time.and_then(|time| Duration::try_from(time).ok());
        time.filter(|time| !time.is_zero()).map(Some).ok_or_else(|| {
            usage(format!("{text:?} is not a duration"))
                .hint("write a duration like 100ms or 3s")
                .at(MEMBER)
        })
    }

    /// Returns the table name with its schema, if that is given.
    fn table_name(&self, member: &str) -> Result<String, Failure> {
        let name = self.required(member)?;
        Ok(self.text("schema").map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}")))
    }

    /// Returns the lock of an app with tables: an advisory lock, one in a separate Redis, or none.
    fn lock_of_tables(&self) -> Result<LockRule, Failure> {
        let Some(name) = self.text("lock_advisory") else {
            return Ok(match self.lock()? {
                LockRule::Unsaid => LockRule::None,
                lock => lock,
            });
        };
        self.refuse(&["lock_key", "lock_ttl"], "layouts without lock_advisory")?;
        let known = AdvisoryKey::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, key)| LockRule::Advisory(*key)).ok_or_else(|| {
            let names = AdvisoryKey::NAMES.map(|(name, _)| name).join(", ");
            usage(format!("lock_advisory {name:?} is unknown"))
                .hint(format!("it is one of {names}"))
        })
    }

    fn tables(&self, name: String) -> Result<Layout, Failure> {
        self.refuse(&OF_KEYS, "layouts of Redis keys")?;
        if self.text("kind_column").is_none() {
            self.refuse(&["session_kind", "state_kind"], "layouts with a kind_column")?;
        }
        let table = |kind: &str, usual: &str, subject| -> Result<_, Failure> {
            let column =
                |member: &str| self.text(&format!("{kind}_{member}_column")).map(str::to_owned);
            let only = match self.text("kind_column") {
                None => None,
                Some(column) => {
                    Some((column.to_owned(), self.required(&format!("{kind}_kind"))?.to_owned()))
                }
            };
            Ok(Table {
                name: self.table_name(&format!("{kind}_table"))?,
                key: column("key").unwrap_or_else(|| "key".to_owned()),
                pattern: self.pattern(&format!("{kind}_key"), Some(usual), subject)?,
                value: column("value").unwrap_or_else(|| "value".to_owned()),
                only,
                created: None,
                updated: column("updated"),
                expires: column("expires"),
                did: column("did").filter(|_| subject == Subject::Did),
            })
        };
        let (sessions, states) =
            (table("session", "{did}", Subject::Did)?, table("state", "{state}", Subject::State)?);
        // Names are case-insensitive in SQLite.
        if sessions.name.eq_ignore_ascii_case(&states.name) && sessions.only == states.only {
            return Err(usage("sessions and pending logins would be the same rows")
                .hint("if one table has both, set kind_column, session_kind and state_kind"));
        }
        let records = |kind: &str, table: Table| -> Result<_, Failure> {
            let ttl = self.age(&format!("{kind}_ttl"))?;
            if ttl.is_some() != table.expires.is_some() {
                return Err(usage(format!("{kind}_ttl and {kind}_expires_column go together"))
                    .hint("a TTL in a table needs a column with the expiry of a record"));
            }
            Ok(Records { location: Location::Rows(Arc::new(table)), ttl })
        };
        let (sessions, logins) = (records("session", sessions)?, records("state", states)?);
        let (codec, lock) = (Codec::Plain, self.lock_of_tables()?);
        let (format, has_one_format) = (self.format()?, self.text("format").is_some());
        Ok(Layout {
            name,
            format,
            has_one_format,
            sessions,
            logins,
            codec,
            app_waits: self.app_waits(&lock)?,
            lock,
            is_generic: false,
        })
    }
}

impl Layout {
    /// Reads a description. Its members must be among [`MEMBERS`].
    pub fn described(name: &str, members: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let description = Description(members);
        let is_sql = TABLES.iter().any(|member| description.text(member).is_some());
        let read = || -> Result<Self, Failure> {
            if name == "auto" {
                return Err(usage("auto is not a valid layout name")
                    .hint("it stands for automatic detection"));
            }
            if is_sql {
                description.tables(name.to_owned())
            } else {
                description.keys(name.to_owned())
            }
        };
        read().map_err(|e| e.at(format!("layouts.{name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(members: &[(&str, &str)]) -> Result<Layout, String> {
        let members =
            members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
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
        assert!(
            layout.session_pattern().has_many()
                && layout.session_ttl() == Some(Age::from_secs(179 * 86_400))
        );
        assert_eq!(
            (layout.logins.ttl, layout.codec),
            (None, Codec::Envelope { is_stamped: false })
        );
        assert!(matches!(layout.lock, LockRule::Key { ttl: USUAL_LOCK_TTL, .. }), "{layout:?}");
    }

    #[test]
    fn a_layout_says_that_there_is_no_lock_or_does_not_say() {
        let keys = [("session_key", "a:oauth:session:{did}"), ("state_key", "b:{state}")];
        let silent = described(&keys).unwrap().check_lock_is_said().unwrap_err();
        assert!(
            silent.advice().unwrap().contains("\nlock_key = \"a:oauth:lock:{name}\"\n"),
            "{silent}"
        );
        for lock in ["none", "l:{name}"] {
            let layout = described(&[keys[0], keys[1], ("lock_key", lock)]).unwrap();
            assert!(layout.check_lock_is_said().is_ok());
            assert_eq!(layout.has_lock(), lock != "none");
        }
        let contradiction =
            described(&[keys[0], keys[1], ("lock_key", "none"), ("lock_ttl", "9s")]);
        assert_eq!(
            contradiction.unwrap_err(),
            "layouts.mine: lock_ttl is for layouts with a lock_key"
        );
    }

    #[test]
    fn a_layout_says_how_long_the_app_waits_for_its_lock() {
        let keys = [("session_key", "a:{did}"), ("state_key", "b:{state}")];
        let tables = [("session_table", "s"), ("state_table", "t")];
        let locks = [("lock_key", "l:{name}"), ("lock_advisory", "hashtext")];
        for (records, lock) in [(keys, locks[0]), (tables, locks[0]), (tables, locks[1])] {
            let waits = |time| {
                let layout = described(&[records[0], records[1], lock, ("app_waits", time)])?;
                Ok::<_, String>(layout.app_waits.unwrap())
            };
            assert_eq!(waits("250ms"), Ok(Duration::from_millis(250)));
            assert_eq!(waits("3s"), Ok(Duration::from_secs(3)));
            for time in ["0s", "-1s", "soon", "100"] {
                let why = waits(time).unwrap_err();
                let expected = format!("{time:?} is not a duration");
                assert_eq!(why, format!("layouts.mine: app_waits: {expected}"));
            }
        }
        for no_lock in [("lock_key", "none"), ("format", "node")] {
            let why = described(&[keys[0], keys[1], no_lock, ("app_waits", "3s")]).unwrap_err();
            assert_eq!(why, "layouts.mine: app_waits is for layouts with a lock");
        }
    }

    #[test]
    fn a_layout_of_tables_needs_only_their_names() {
        let layout =
            described(&[("session_table", "s"), ("state_table", "t"), ("state_value_column", "v")])
                .unwrap();
        let [Some(sessions), Some(states)] = [&layout.sessions, &layout.logins].map(Records::table)
        else {
            panic!()
        };
        assert_eq!(
            (sessions.key.as_str(), sessions.value.as_str(), states.value.as_str()),
            ("key", "value", "v")
        );
    }

    #[test]
    fn incomplete_or_wrong_descriptions_are_refused() {
        for (members, why) in [
            (&[][..], "layouts.mine: session_key is missing"),
            (&[("session_key", "a:{did}")], "layouts.mine: state_key is missing"),
            (&[("session_key", "a:{state}")], "layouts.mine: session_key must contain {did}"),
            (&[("session_table", "s")], "layouts.mine: state_table is missing"),
            (
                &[("session_table", "t"), ("state_table", "T")],
                "layouts.mine: sessions and pending logins would be the same rows",
            ),
            (
                &[
                    ("session_table", "t"),
                    ("state_table", "t"),
                    ("kind_column", "k"),
                    ("session_kind", "x"),
                    ("state_kind", "x"),
                ],
                "layouts.mine: sessions and pending logins would be the same rows",
            ),
            (
                &[("session_key", "a:{did}"), ("state_key", "b:{state}"), ("session_ttl", "0s")],
                "layouts.mine: session_ttl must be longer than zero",
            ),
            (
                &[("session_key", "a:{did}"), ("state_key", "b:{state}"), ("stamped", "yes")],
                "layouts.mine: stamped must be true or false",
            ),
        ] {
            assert_eq!(described(members).unwrap_err(), why);
        }
    }
}
