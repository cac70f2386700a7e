//! How apps lay their stores out. A new layout is one row in `built_in.rs`.

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
use crate::session::{Age, Did, FORMATS, Format};

pub(super) use built_in::{bare, keys};
pub use custom::MEMBERS as CUSTOM_MEMBERS;
pub use key::{APP, CLIENT_ID, KeyPattern};
pub use lock_rule::{AdvisoryKey, LockRule, usual_lock};
pub use record::NoRecord;
pub use table::Table;

/// Where an app keeps its records, how long they live, and how it locks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name for `--layout`.
    pub name: String,
    /// Format in which the app writes its records. Those of other formats are read, too.
    pub format: &'static dyn Format,
    /// The format does not depend on the records that are there.
    pub has_one_format: bool,
    /// The sessions.
    pub sessions: Records,
    /// The pending logins.
    pub logins: Records,
    /// What is wrapped around both.
    pub codec: Codec,
    /// The app's own lock.
    pub lock: LockRule,
    /// How long the app waits for a lock that somebody else holds, before it goes on without or
    /// fails.
    pub app_waits: Option<Duration>,
    /// Many apps have it, and the times to live are only those of most.
    pub is_generic: bool,
}

/// Records of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Where they are.
    pub location: Location,
    /// The time to live with which the app writes them.
    pub ttl: Option<Age>,
}

/// Place of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Under keys of Redis.
    Keys(KeyPattern),
    /// In rows of an SQL database.
    Rows(Arc<Table>),
    /// In the app's memory, out of reach. The pattern is that of their names.
    Memory(KeyPattern),
}

/// Which layout to use.
#[derive(Clone, Debug)]
pub enum LayoutChoice {
    /// Whichever of these the store's own contents show.
    Auto(Vec<Arc<Layout>>),
    /// The first of these. The store may have records of the others, too.
    Named(Arc<Layout>, Vec<Arc<Layout>>),
}

/// Every built-in layout; those of Redis first.
static BUILT_IN: LazyLock<Vec<Arc<Layout>>> = LazyLock::new(|| {
    [built_in::redis(), built_in::sql(), built_in::postgres()]
        .into_iter()
        .flatten()
        .map(Arc::new)
        .collect()
});

impl Records {
    /// Returns the pattern of their keys.
    pub fn pattern(&self) -> &KeyPattern {
        match &self.location {
            Location::Keys(pattern) | Location::Memory(pattern) => pattern,
            Location::Rows(table) => &table.pattern,
        }
    }

    /// Returns their table, where they are rows.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.location {
            Location::Keys(_) | Location::Memory(_) => None,
            Location::Rows(table) => Some(table),
        }
    }
}

impl Layout {
    /// The same layout with a value in the place of a placeholder of its keys and constants.
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

    /// Every built-in layout.
    pub fn built_in() -> &'static [Arc<Self>] {
        &BUILT_IN
    }

    /// Returns the same layout for an app that writes its records in this format.
    fn in_format(&self, format: &'static dyn Format) -> Self {
        let name = format!("{}/{}", self.name, format.name());
        Self { name, format, has_one_format: true, ..self.clone() }
    }

    /// Returns where records of this kind are.
    pub fn records(&self, kind: Kind) -> &Records {
        match kind {
            Kind::Session => &self.sessions,
            Kind::State => &self.logins,
        }
    }

    fn for_client(self: &Arc<Self>, client_id: &str) -> Arc<Self> {
        if self.session_pattern().prefix().contains(CLIENT_ID) {
            Arc::new(self.with(CLIENT_ID, client_id))
        } else {
            Arc::clone(self)
        }
    }

    /// Checks whether the records are under keys of Redis; else they are in tables of an SQL
    /// database.
    pub fn has_keys(&self) -> bool {
        matches!(self.sessions.location, Location::Keys(_))
    }

    /// How long the app lets a session live after each write.
    pub fn session_ttl(&self) -> Option<Age> {
        self.sessions.ttl
    }

    /// What the keys of sessions look like.
    pub fn session_pattern(&self) -> &KeyPattern {
        self.sessions.pattern()
    }

    /// What the keys of records of this kind look like.
    pub fn pattern(&self, kind: Kind) -> &KeyPattern {
        self.records(kind).pattern()
    }

    /// Checks whether both have their sessions in one place: the same keys, or the same rows.
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

    /// Checks whether the app has a lock of its own, so that it and we keep out of each other's
    /// way.
    pub fn has_lock(&self) -> bool {
        matches!(self.lock, LockRule::Key { .. } | LockRule::Lease { .. } | LockRule::Advisory(_))
    }

    /// Checks whether the app fails while somebody else holds its lock for longer than it waits.
    /// Other apps go on without.
    pub fn app_fails_without_lock(&self) -> bool {
        matches!(self.lock, LockRule::Lease { .. })
    }

    /// Refuses an exchange in a layout that does not say whether the app has a lock: two who
    /// refresh one session at once destroy it.
    pub fn check_lock_is_said(&self) -> Result<(), Failure> {
        if self.lock != LockRule::Unsaid {
            return Ok(());
        }
        let usual = usual_lock(&self.session_pattern().to_string());
        let lock = usual.unwrap_or_else(|| "PREFIX:lock:{name}".to_owned());
        let problem =
            format!("layout {} does not say whether the app has a lock on its sessions", self.name);
        Err(usage(problem).hint(format!(
            "look into the app's source for its lock (requestLock), and add to oauthctl.toml one of these lines:\n\
             [layouts.{name}]\nlock_key = \"{lock}\"\nlock_key = \"none\" # the app has no lock",
            name = self.name,
        )))
    }
}

impl LayoutChoice {
    /// The same for an app with this `client_id`.
    pub fn for_client(self, client_id: Option<&str>) -> Self {
        let Some(client_id) = client_id else { return self };
        let all = |layouts: Vec<Arc<Layout>>| {
            layouts.iter().map(|layout| layout.for_client(client_id)).collect()
        };
        match self {
            Self::Auto(layouts) => Self::Auto(all(layouts)),
            Self::Named(layout, layouts) => Self::Named(layout.for_client(client_id), all(layouts)),
        }
    }

    /// Every layout: those of the settings, each a name and its members, and those built in.
    pub fn all(
        described: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Result<Vec<Arc<Layout>>, Failure> {
        let described =
            described.iter().map(|(name, members)| Layout::described(name, members).map(Arc::new));
        let described = described.collect::<Result<Vec<_>, _>>()?;
        // The operator's own come first and replace built-in ones of their name.
        let built_in = Layout::built_in()
            .iter()
            .filter(|layout| described.iter().all(|own| own.name != layout.name));
        Ok(described.iter().chain(built_in).cloned().collect())
    }

    /// Reads the name of a layout, with or without a format as in `NAME/atcute`, or `auto`.
    /// `described` are the layouts of the settings.
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
            let problem = format!("layout {name} has records of {}", layout.format.library());
            return Err(usage(problem).hint(format!("write --layout {name}")));
        }
        named.map(|named| Self::Named(named, all.clone())).ok_or_else(|| {
            let hint = crate::error::suggestion(name, &known);
            usage(format!("no layout is called {text:?}")).hint(
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
        usage(format!("no record format is called {name:?}"))
            .hint(format!("formats: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::{env, fs};

    use super::*;

    /// Returns the table of layouts in README.md.
    fn documented() -> String {
        let records = |records: &Records| match &records.location {
            Location::Keys(pattern) => pattern.to_string(),
            Location::Rows(table) => table.name.clone(),
            Location::Memory(_) => "in memory".to_owned(),
        };
        let row = |layout: &Arc<Layout>| {
            let store = if layout.has_keys() { "Redis" } else { "SQL" };
            let [sessions, logins] = [records(&layout.sessions), records(&layout.logins)];
            let (name, format) = (&layout.name, layout.format.name());
            format!("| `{name}` | {store} `{sessions}` | `{logins}` | {format} |\n")
        };
        let rows: String = Layout::built_in().iter().map(row).collect();
        format!("| layout | sessions | pending logins | format |\n|---|---|---|---|\n{rows}")
    }

    #[expect(clippy::disallowed_methods, reason = "`tests/run --update` says so in no other way")]
    #[test]
    fn the_layouts_in_readme_are_those_of_the_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = fs::read_to_string(path).unwrap();
        let (start, end) = ("<!-- layouts -->\n", "<!-- end of layouts -->\n");
        let (before, rest) = readme.split_once(start).unwrap();
        let (_, after) = rest.split_once(end).unwrap();
        let fresh = format!("{before}{start}{}{end}{after}", documented());
        if env::var_os("OAUTHCTL_UPDATE_README").is_some() {
            fs::write(path, &fresh).unwrap();
        }
        assert!(
            fs::read_to_string(path).unwrap() == fresh,
            "run `tests/run --update` and commit the result"
        );
    }

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
