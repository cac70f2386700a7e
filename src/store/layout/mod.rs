//! How apps lay their stores out. A new layout is one row in a table.

mod custom;
pub mod key;
mod record;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::Kind;
use crate::error::{Failure, usage};
use crate::session::{Age, Did, FORMATS, Format};

/// Where an app keeps its records, how long they live, and how it locks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What `--layout` calls it.
    pub name: String,
    /// Formats that records may have, in the order in which they are tried.
    pub formats: &'static [&'static dyn Format],
    /// Where the records are.
    pub place: Place,
    /// Many apps have it, and the times to live are only those of most.
    pub is_generic: bool,
}

/// Where records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Under keys of Redis.
    Keys(Arc<RedisKeys>),
    /// In tables of an SQL database.
    Tables(Arc<SqlTables>),
}

/// Records under keys of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisKeys {
    /// The sessions.
    pub sessions: KeyRule,
    /// The pending states.
    pub states: KeyRule,
    /// The app's own lock.
    pub lock: AppLock,
    /// The value is wrapped as `{value, ttl, cachedAt}`.
    pub envelope: bool,
    /// The app keeps `lastUpdatedAt` (epoch milliseconds) in the record.
    pub stamped: bool,
}

/// Records in tables of an SQL database. The apps that have these have no lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlTables {
    /// The sessions.
    pub sessions: Table,
    /// The pending states.
    pub states: Table,
}

/// Keys of Redis, and how long they live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRule {
    /// What they look like.
    pub pattern: KeyPattern,
    /// The time to live with which the app writes them.
    pub ttl: Option<Age>,
}

/// A table of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub name: String,
    /// The column of the key.
    pub key: String,
    /// What a key looks like.
    pub pattern: KeyPattern,
    /// The column of the record.
    pub value: String,
    /// A column that must have this text, where one table holds both kinds of record.
    pub only: Option<(String, String)>,
    /// A column with the time of the last write.
    pub updated: Option<String>,
}

/// Lock of the app on an account's sessions, as its layout describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppLock {
    /// The app takes this lock.
    Rule(LockRule),
    /// The app has no lock.
    None,
    /// The layout does not say whether the app has a lock.
    Unsaid,
}

/// How an app locks one account's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRule {
    /// The lock's key, with `{name}` for the name that client libraries pass.
    pub pattern: KeyPattern,
    /// How long a lock lasts that nobody releases.
    pub ttl: Age,
}

/// Which layout to use.
#[derive(Clone, Debug)]
pub enum LayoutChoice {
    /// Whichever of these the store's own contents show.
    Auto(Vec<Arc<Layout>>),
    /// The first of these. The store may have records of the others, too.
    Named(Arc<Layout>, Vec<Arc<Layout>>),
}

pub use custom::MEMBERS as CUSTOM_MEMBERS;
pub use key::KeyPattern;
pub use record::NoRecord;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A row for Redis: name, session key and TTL, state key and TTL, lock key and TTL (seconds; 0 is none).
type RedisRow = (&'static str, (&'static str, i64), (&'static str, i64), Option<(&'static str, i64)>);

/// The one that is no single app's.
const GENERIC: &str = "oauth";

/// The apps' own layouts in Redis, for records of the Node client.
const REDIS: &[RedisRow] = &[
    (
        "npmx",
        ("atproto:oauth:sessions:{did}", 179 * DAY),
        ("atproto:oauth:state:{state}", 30 * MINUTE),
        Some(("oauth:lock:{name}", 30)),
    ),
    // One session a browser: the first draft of npmx.
    (
        "npmx-browser",
        ("atproto:oauth:sessions:{did}:{sid}", 179 * DAY),
        ("atproto:oauth:state:{state}:{sid}", 30 * MINUTE),
        Some(("oauth:lock:{name}", 30)),
    ),
    (GENERIC, ("oauth:session:{did}", 0), ("oauth:state:{state}", HOUR), Some(("oauth:lock:{name}", 30))),
    ("atproto", ("atproto:session:{did}", 0), ("atproto:state:{state}", 0), None),
    ("auth-camel", ("authSession:{did}", 0), ("authState:{state}", 0), Some(("sessionLock:{name}", 10))),
    ("sequoia", ("oauth_session:{did}", 14 * DAY), ("oauth_state:{state}", 600), None),
    ("hypercerts", ("session:{did}", DAY), ("oauth-state:{state}", 600), None),
    ("openmeet", ("bluesky:session:{did}", 0), ("auth:bluesky:state:{state}", 600), Some(("bluesky:lock:{name}", 45))),
    (
        "barazo",
        ("barazo:oauth:session:{did}", 7 * DAY),
        ("barazo:oauth:state:{state}", 300),
        Some(("barazo:oauth:lock:{name}", 10)),
    ),
    ("authproto", ("authproto:session:{did}", 0), ("authproto:state:{state}", 0), None),
];

/// A row for SQLite: name, and for sessions and states the table, its key, its value, the column and text that tell the
/// two apart, the time column ("" is none).
type SqlRow = (&'static str, SqlTable, SqlTable);
type SqlTable = (&'static str, &'static str, &'static str, Option<(&'static str, &'static str)>, &'static str);

/// The apps' own layouts in SQLite, for records of the Node client.
const SQL: &[SqlRow] = &[
    ("statusphere", ("auth_session", "key", "value", None, ""), ("auth_state", "key", "value", None, "")),
    ("statusphere-legacy", ("auth_session", "key", "session", None, ""), ("auth_state", "key", "state", None, "")),
    (
        "sveltekit-template",
        ("keyValueStore", "key", "value", Some(("storeName", "sessions")), "createdAt"),
        ("keyValueStore", "key", "value", Some(("storeName", "states")), "createdAt"),
    ),
    (
        "adonis",
        ("oauth_sessions", "sub", "value", None, "updated_at"),
        ("oauth_states", "key", "value", None, "updated_at"),
    ),
];

/// Every built-in layout; those of Redis first.
static BUILT_IN: LazyLock<Vec<Arc<Layout>>> = LazyLock::new(|| {
    let plain = REDIS.iter().map(|row| redis_layout(row, false));
    let stamped = REDIS.iter().filter(|(name, ..)| *name == GENERIC).map(|row| redis_layout(row, true));
    plain.chain(stamped).chain(SQL.iter().map(sql_layout)).map(Arc::new).collect()
});

fn pattern(template: &str) -> KeyPattern {
    template.parse().expect("the templates of the table are well-formed")
}

fn redis_layout((name, sessions, states, lock): &RedisRow, stamped: bool) -> Layout {
    let rule = |(template, ttl): &(&str, i64)| KeyRule {
        pattern: pattern(template),
        ttl: (*ttl > 0).then(|| Age::from_secs(*ttl)),
    };
    let keys = RedisKeys {
        sessions: rule(sessions),
        states: rule(states),
        lock: lock.map_or(AppLock::None, |(template, ttl)| {
            AppLock::Rule(LockRule { pattern: pattern(template), ttl: Age::from_secs(ttl) })
        }),
        envelope: false,
        stamped,
    };
    Layout {
        name: if stamped { format!("{name}-stamped") } else { (*name).to_owned() },
        formats: FORMATS,
        place: Place::Keys(Arc::new(keys)),
        is_generic: *name == GENERIC,
    }
}

fn sql_layout((name, sessions, states): &SqlRow) -> Layout {
    let table = |(table, key, value, only, updated): &SqlTable, template: &str| Table {
        name: (*table).to_owned(),
        key: (*key).to_owned(),
        pattern: pattern(template),
        value: (*value).to_owned(),
        only: only.map(|(column, text)| (column.to_owned(), text.to_owned())),
        updated: (!updated.is_empty()).then(|| (*updated).to_owned()),
    };
    let tables = SqlTables { sessions: table(sessions, "{did}"), states: table(states, "{state}") };
    Layout { name: (*name).to_owned(), formats: FORMATS, place: Place::Tables(Arc::new(tables)), is_generic: false }
}

impl AppLock {
    /// Returns the lock, where the app has one.
    pub fn rule(&self) -> Option<&LockRule> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::None | Self::Unsaid => None,
        }
    }
}

/// Lock that apps have whose session keys end like this template, behind the same prefix; none where no such app is known.
pub fn usual_lock(session_key: &str) -> Option<String> {
    let locks = REDIS.iter().filter_map(|(_, (template, _), _, lock)| {
        let prefix = session_key.strip_suffix(template)?;
        Some((template.len(), format!("{prefix}{}", lock.as_ref()?.0)))
    });
    locks.max().map(|(_, lock)| lock)
}

impl RedisKeys {
    /// Where records of this kind are.
    pub fn of(&self, kind: Kind) -> &KeyRule {
        match kind {
            Kind::Session => &self.sessions,
            Kind::State => &self.states,
        }
    }
}

impl SqlTables {
    /// Where records of this kind are.
    pub fn of(&self, kind: Kind) -> &Table {
        match kind {
            Kind::Session => &self.sessions,
            Kind::State => &self.states,
        }
    }
}

impl Layout {
    /// Every built-in layout.
    pub fn built_in() -> &'static [Arc<Self>] {
        &BUILT_IN
    }

    /// How long the app lets a session live after each write.
    pub fn session_ttl(&self) -> Option<Age> {
        match &self.place {
            Place::Keys(keys) => keys.sessions.ttl,
            Place::Tables(_) => None,
        }
    }

    /// What the keys of sessions look like.
    pub fn session_pattern(&self) -> &KeyPattern {
        self.pattern(Kind::Session)
    }

    /// What the keys of records of this kind look like.
    pub fn pattern(&self, kind: Kind) -> &KeyPattern {
        match &self.place {
            Place::Keys(keys) => &keys.of(kind).pattern,
            Place::Tables(tables) => &tables.of(kind).pattern,
        }
    }

    /// Whether both have their sessions in one place: the same keys, or the same rows.
    pub fn shares_sessions_with(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            (Place::Keys(one), Place::Keys(other)) => one.sessions.pattern == other.sessions.pattern,
            (Place::Tables(one), Place::Tables(other)) => {
                let (one, other) = (&one.sessions, &other.sessions);
                one.name == other.name && one.value == other.value && one.only == other.only
            }
            _ => false,
        }
    }

    /// Returns the name that the app's client library passes to the lock on an account's sessions.
    pub fn lock_name(&self, did: &Did) -> String {
        format!("{}{did}", self.formats[0].lock_prefix())
    }

    /// Whether the app has a lock of its own, so that it and we keep out of each other's way.
    pub fn has_lock(&self) -> bool {
        matches!(&self.place, Place::Keys(keys) if keys.lock.rule().is_some())
    }

    /// Refuses an exchange in a layout that does not say whether the app has a lock: two who refresh one session at once
    /// destroy it.
    pub fn check_lock_is_said(&self) -> Result<(), Failure> {
        let Place::Keys(keys) = &self.place else { return Ok(()) };
        if keys.lock != AppLock::Unsaid {
            return Ok(());
        }
        let usual = usual_lock(&keys.sessions.pattern.to_string());
        let lock = usual.unwrap_or_else(|| "PREFIX:lock:{name}".to_owned());
        let problem = format!("layout {} does not say whether the app has a lock on its sessions", self.name);
        Err(usage(problem).hint(format!(
            "look into the app's source for its lock (requestLock), and add to oauthctl.toml one of these lines:\n\
             [layouts.{name}]\nlock_key = \"{lock}\"\nlock_key = \"none\" # the app has no lock",
            name = self.name,
        )))
    }
}

impl LayoutChoice {
    /// Every layout: those of the settings, each a name and its members, and those built in.
    pub fn all(described: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Vec<Arc<Layout>>, Failure> {
        let described = described.iter().map(|(name, members)| Layout::described(name, members).map(Arc::new));
        let described = described.collect::<Result<Vec<_>, _>>()?;
        // The operator's own come first and replace built-in ones of their name.
        let built_in = Layout::built_in().iter().filter(|layout| described.iter().all(|own| own.name != layout.name));
        Ok(described.iter().chain(built_in).cloned().collect())
    }

    /// Reads the name of a layout, or `auto`. `described` are the layouts of the settings.
    pub fn parse(text: &str, described: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Self, Failure> {
        let all = Self::all(described)?;
        if text == "auto" {
            return Ok(Self::Auto(all));
        }
        let known: Vec<_> = all.iter().map(|layout| layout.name.as_str()).collect();
        let named = all.iter().find(|layout| layout.name == text).cloned();
        named.map(|named| Self::Named(named, all.clone())).ok_or_else(|| {
            let hint = crate::error::suggestion(text, &known);
            usage(format!("no layout is called {text:?}"))
                .hint(hint.unwrap_or_else(|| format!("layouts: auto, {}", known.join(", "))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_end_like_known_ones_have_their_lock() {
        for (template, lock) in [
            ("myapp:oauth:session:{did}", Some("myapp:oauth:lock:{name}")),
            ("oauth:session:{did}", Some("oauth:lock:{name}")),
            ("my:barazo:oauth:session:{did}", Some("my:barazo:oauth:lock:{name}")),
            ("v2:atproto:oauth:sessions:{did}:{sid}", Some("v2:oauth:lock:{name}")),
            ("myapp:authSession:{did}", Some("myapp:sessionLock:{name}")),
            ("myapp:atproto:session:{did}", None),
            ("myapp:session:{did}", None),
            ("vault:{did}", None),
        ] {
            assert_eq!(usual_lock(template).as_deref(), lock, "{template}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_a_layout_of_its_own() {
        let names: std::collections::HashSet<_> = Layout::built_in().iter().map(|layout| &layout.name).collect();
        assert_eq!(names.len(), REDIS.len() + 1 + SQL.len());
    }
}
