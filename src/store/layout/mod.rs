//! Storage layouts of apps. A new layout is one row in `built_in.rs`.

mod built_in;
mod custom;
pub mod key;
mod lock_rule;
mod record;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::Kind;
use super::codec::Codec;
use crate::error::{Failure, usage};
use crate::session::{Age, ClientId, Did, FORMATS, Format};

pub(super) use built_in::{bare, keys};
pub use custom::MEMBERS as CUSTOM_MEMBERS;
pub use key::{APP, CLIENT_ID, KeyPattern};
pub use lock_rule::{AdvisoryKey, LockRule, usual_lock};
pub use record::NoRecord;
pub use table::Table;

/// Location, lifetime and locks of an app's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name for `--layout`.
    pub name: String,
    /// Record format that the app writes. Records of other formats are read, too.
    pub format: &'static dyn Format,
    /// True if the format does not depend on existing records.
    pub has_one_format: bool,
    /// Sessions.
    pub sessions: Records,
    /// Pending logins.
    pub logins: Records,
    /// Encoding of both.
    pub codec: Codec,
    /// Lock of the app.
    pub lock: LockRule,
    /// Time for which the app waits for a lock held by someone else, before it continues without or
    /// fails.
    pub app_waits: Option<Duration>,
    /// True if the layout is common to many apps, which may use other TTLs.
    pub is_generic: bool,
}

/// Records of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Location.
    pub location: Location,
    /// TTL set by the app.
    pub ttl: Option<Age>,
}

/// Location of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Redis keys.
    Keys(KeyPattern),
    /// Rows of an SQL database.
    Rows(Arc<Table>),
    /// Memory of the app, which cannot be read. Holds the template of their names.
    Memory(KeyPattern),
}

/// Choice of the layout.
#[derive(Clone, Debug)]
pub enum LayoutChoice {
    /// Detects those of these layouts that the store's records show.
    Auto(Vec<Arc<Layout>>),
    /// Uses the first layout. The store may have records of the others, too.
    Named(Arc<Layout>, Vec<Arc<Layout>>),
}

/// Built-in layouts, those of Redis first.
static BUILT_IN: LazyLock<Vec<Arc<Layout>>> = LazyLock::new(|| {
    [built_in::redis(), built_in::sql(), built_in::postgres()]
        .into_iter()
        .flatten()
        .map(Arc::new)
        .collect()
});

impl Records {
    /// Returns the template of their keys.
    pub fn pattern(&self) -> &KeyPattern {
        match &self.location {
            Location::Keys(pattern) | Location::Memory(pattern) => pattern,
            Location::Rows(table) => &table.pattern,
        }
    }

    /// Returns their table, if they are rows.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.location {
            Location::Keys(_) | Location::Memory(_) => None,
            Location::Rows(table) => Some(table),
        }
    }
}

impl Layout {
    /// Returns the layout with a value in place of a placeholder of its keys and constants.
    pub fn with(&self, placeholder: &str, value: &str) -> Self {
        let records = |records: &Records| {
            let location = match &records.location {
                Location::Keys(pattern) => Location::Keys(pattern.with(placeholder, value)),
                Location::Rows(table) => Location::Rows(Arc::new(table.with(placeholder, value))),
                Location::Memory(pattern) => Location::Memory(pattern.with(placeholder, value)),
            };
            Records { location, ttl: records.ttl }
        };
        Self { sessions: records(&self.sessions), logins: records(&self.logins), ..self.clone() }
    }

    /// Returns the built-in layouts.
    pub fn built_in() -> &'static [Arc<Self>] {
        &BUILT_IN
    }

    /// Returns the layout for an app that writes its records in this format.
    fn in_format(&self, format: &'static dyn Format) -> Self {
        let name = format!("{}/{}", self.name, format.name());
        Self { name, format, has_one_format: true, ..self.clone() }
    }

    /// Returns the records of this kind.
    pub fn records(&self, kind: Kind) -> &Records {
        match kind {
            Kind::Session => &self.sessions,
            Kind::State => &self.logins,
        }
    }

    fn for_client(self: &Arc<Self>, client_id: &ClientId<'_>) -> Arc<Self> {
        if self.session_pattern().prefix().contains(CLIENT_ID) {
            Arc::new(self.with(CLIENT_ID, client_id.as_str()))
        } else {
            Arc::clone(self)
        }
    }

    /// Checks whether the records are Redis keys. Otherwise they are in tables of an SQL database.
    pub fn has_keys(&self) -> bool {
        matches!(self.sessions.location, Location::Keys(_))
    }

    /// Returns the TTL of a session after each write by the app.
    pub fn session_ttl(&self) -> Option<Age> {
        self.sessions.ttl
    }

    /// Returns the key template of sessions.
    pub fn session_pattern(&self) -> &KeyPattern {
        self.sessions.pattern()
    }

    /// Returns the key template of records of this kind.
    pub fn pattern(&self, kind: Kind) -> &KeyPattern {
        self.records(kind).pattern()
    }

    /// Checks whether both layouts have their sessions in the same keys or rows.
    pub fn shares_sessions_with(&self, other: &Self) -> bool {
        match (&self.sessions.location, &other.sessions.location) {
            (Location::Keys(one), Location::Keys(other)) => one == other,
            (Location::Rows(one), Location::Rows(other)) => one.has_rows_of(other),
            _ => false,
        }
    }

    /// Returns the name that the app's client library passes to its lock on an account's sessions.
    pub fn lock_name(&self, did: &Did) -> String {
        self.format.lock_name(did)
    }

    /// Checks whether the app has a lock, which excludes oauthctl and the app from each other.
    pub fn has_lock(&self) -> bool {
        matches!(self.lock, LockRule::Key { .. } | LockRule::Lease { .. } | LockRule::Advisory(_))
    }

    /// Checks whether the app fails if its lock is held by someone else for longer than it waits.
    /// Other apps continue without the lock.
    pub fn app_fails_without_lock(&self) -> bool {
        matches!(self.lock, LockRule::Lease { .. })
    }

    /// Refuses a refresh in a layout that does not say whether the app has a lock. Two concurrent
    /// refreshes end a session.
    pub fn check_lock_is_said(&self) -> Result<(), Failure> {
        if self.lock != LockRule::Unsaid {
            return Ok(());
        }
        let usual = usual_lock(&self.session_pattern().to_string());
        let lock = usual.unwrap_or_else(|| "PREFIX:lock:{name}".to_owned());
        let problem =
            format!("layout {} does not define whether the app locks its sessions", self.name);
        Err(usage(problem).hint(format!(
            "find the lock in the app's source (requestLock), and add one of these lines to oauthctl.toml:\n\
             [layouts.{name}]\nlock_key = \"{lock}\"\nlock_key = \"none\" # the app has no lock",
            name = self.name,
        )))
    }
}

impl LayoutChoice {
    /// Returns the layout for an app with this `client_id`.
    pub fn for_client(self, client_id: Option<&ClientId<'_>>) -> Self {
        let Some(client_id) = client_id else { return self };
        let all = |layouts: Vec<Arc<Layout>>| {
            layouts.iter().map(|layout| layout.for_client(client_id)).collect()
        };
        match self {
            Self::Auto(layouts) => Self::Auto(all(layouts)),
            Self::Named(layout, layouts) => Self::Named(layout.for_client(client_id), all(layouts)),
        }
    }

    /// Returns all layouts: those of the settings, given by name and members, and the built-in
    /// ones.
    pub fn all(
        described: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Result<Vec<Arc<Layout>>, Failure> {
        let described =
            described.iter().map(|(name, members)| Layout::described(name, members).map(Arc::new));
        let described = described.collect::<Result<Vec<_>, _>>()?;
        // The operator's layouts take precedence and replace built-in ones of the same name.
        let built_in = Layout::built_in()
            .iter()
            .filter(|layout| described.iter().all(|own| own.name != layout.name));
        Ok(described.iter().chain(built_in).cloned().collect())
    }

    /// Parses the name of a layout, with or without a format as in `NAME/atcute`, or `auto`.
    /// `described` has the layouts of the settings.
    pub fn parse(
        text: &str,
        described: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Result<Self, Failure> {
        let all = Self::all(described)?;
        if text == "auto" {
            return Ok(Self::Auto(all));
        }
        let known: Vec<_> = all.iter().map(|layout| layout.name.as_str()).collect();
        let (name, format) = text.split_once('/').unzip();
        let format = format.map(format_named).transpose()?;
        let name = name.unwrap_or(text);
        let named = all.iter().find(|layout| layout.name == name).map(|layout| match format {
            Some(format) if !layout.has_one_format => Arc::new(layout.in_format(format)),
            _ => Arc::clone(layout),
        });
        if let (Some(layout), Some(format)) = (&named, format)
            && layout.format != format
        {
            let problem = format!("layout {name} contains records of {}", layout.format.library());
            return Err(usage(problem).hint(format!("use --layout {name}")));
        }
        named.map(|named| Self::Named(named, all.clone())).ok_or_else(|| {
            let hint = crate::error::suggestion(name, &known);
            usage(format!("unknown layout {text:?}")).hint(
                hint.unwrap_or_else(|| {
                    format!("layouts: auto, {}; or NAME/FORMAT", known.join(", "))
                }),
            )
        })
    }
}

/// Returns the record format of this name.
fn format_named(name: &str) -> Result<&'static dyn Format, Failure> {
    FORMATS.iter().find(|format| format.name() == name).copied().ok_or_else(|| {
        let known: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
        usage(format!("unknown record format {name:?}"))
            .hint(format!("formats: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_layout_has_a_name_of_its_own() {
        let names: HashSet<_> = Layout::built_in().iter().map(|layout| &layout.name).collect();
        assert_eq!(names.len(), Layout::built_in().len());
    }

    #[test]
    fn both_kinds_of_records_are_in_stores_of_one_kind() {
        for layout in Layout::built_in() {
            let is_in_memory = matches!(layout.logins.location, Location::Memory(_));
            let are_alike = layout.sessions.table().is_some() == layout.logins.table().is_some();
            assert!(is_in_memory || are_alike, "{}", layout.name);
        }
    }
}
