//! `oauthctl sessions stats`: numbers of sessions by various properties.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::inactive::InactiveArgs;
use super::layouts::Layouts;
use super::select::SelectArgs;
use super::view::role;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::Assessor;
use crate::session::{Age, Issuer, Status, Summary};
use crate::text::Named as _;
use crate::ui::Format;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Upper bounds of the age classes, with their names.
const AGES: [(Age, &str); 6] = [
    (Age::from_secs(HOUR), "up to 1h"),
    (Age::from_secs(DAY), "up to 1d"),
    (Age::from_secs(7 * DAY), "up to 7d"),
    (Age::from_secs(14 * DAY), "up to 14d"),
    (Age::from_secs(30 * DAY), "up to 30d"),
    (Age::from_secs(91 * DAY), "up to 91d"),
];
const OLDER: &str = "older";
const UNKNOWN: &str = "unknown";
/// Key of a public client.
const NONE: &str = "none";

/// Times within which sessions end without a refresh, with their names.
const ENDS: [(Age, &str); 4] = [
    (Age::from_secs(DAY), "today"),
    (Age::from_secs(7 * DAY), "within 7d"),
    (Age::from_secs(30 * DAY), "within 30d"),
    (Age::from_secs(90 * DAY), "within 90d"),
];
const OVER: &str = "over";
const LATER: &str = "later";
const MISSING_SCOPE: &str = "missing_scope";

/// Maximum number of rows of a group on the terminal. Others are added up.
const SHOWN: usize = 12;

/// Count sessions by status, issuer, client key, authentication and age
#[derive(clap::Args)]
#[command(after_help = "\
`end` counts when sessions end without a refresh: those of public clients 14 days after their login
at the latest. `missing scope` counts sessions without a scope of the settings.

Examples:
  oauthctl sessions stats
  oauthctl sessions stats --status due,suspect --format json | jq .by_issuer")]
pub struct Args {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    inactive: InactiveArgs,
}

/// Counts per value of each aspect. Those of one aspect add up to the total, but for the missing
/// scopes.
#[derive(Default)]
struct Stats {
    total: u64,
    statuses: HashMap<Status, u64>,
    issuers: HashMap<String, u64>,
    kids: HashMap<String, u64>,
    auth_methods: HashMap<String, u64>,
    dpop_algs: HashMap<String, u64>,
    layouts: HashMap<String, u64>,
    ages: HashMap<&'static str, u64>,
    ends: HashMap<&'static str, u64>,
    /// The same by issuer and by client key.
    ends_by: [HashMap<String, HashMap<&'static str, u64>>; 2],
    /// The scopes that the settings name, and how many sessions lack each.
    missing_scopes: Vec<(String, u64)>,
}

impl Stats {
    fn add(&mut self, session: &Summary<'_>, assessor: &Assessor) {
        self.total += 1;
        count(&mut self.layouts, session.layout.as_deref().unwrap_or(UNKNOWN));
        *self.statuses.entry(session.status).or_default() += 1;
        count(&mut self.issuers, session.issuer.as_ref().map_or(UNKNOWN, Issuer::as_str));
        count(&mut self.dpop_algs, session.dpop_alg.unwrap_or(UNKNOWN));
        count(&mut self.auth_methods, session.auth_method.unwrap_or(UNKNOWN));
        let without_kid = if session.status.is_unreadable() { UNKNOWN } else { NONE };
        count(&mut self.kids, session.kid.as_deref().unwrap_or(without_kid));
        let age = session.last_refreshed_at.map(|at| assessor.age(at));
        let class = age.map_or(UNKNOWN, |age| {
            AGES.iter().find(|(bound, _)| age <= *bound).map_or(OLDER, |(_, name)| name)
        });
        *self.ages.entry(class).or_default() += 1;
        self.add_end(session, assessor, without_kid);
        for (scope, lacking) in &mut self.missing_scopes {
            *lacking += u64::from(session.has_scope(scope) == Some(false));
        }
    }

    fn add_end(&mut self, session: &Summary<'_>, assessor: &Assessor, without_kid: &str) {
        let now = assessor.now();
        let class = session.ends_at.map_or(UNKNOWN, |at| {
            let left = at.duration_since(now);
            match ENDS.iter().find(|(bound, _)| left <= bound.duration()) {
                _ if left.is_negative() => OVER,
                Some((_, name)) => name,
                None => LATER,
            }
        });
        *self.ends.entry(class).or_default() += 1;
        let [by_issuer, by_kid] = &mut self.ends_by;
        *counts_of(by_issuer, session.issuer.as_ref().map_or(UNKNOWN, Issuer::as_str))
            .entry(class)
            .or_default() += 1;
        *counts_of(by_kid, session.kid.as_deref().unwrap_or(without_kid))
            .entry(class)
            .or_default() += 1;
    }

    /// Returns the counts of every aspect, with its name; within each, in the order in which they
    /// are shown.
    fn groups(&self) -> [(&'static str, Vec<(String, u64)>); 11] {
        let statuses =
            Status::ALL.iter().map(|status| (status.name().to_owned(), self.of_status(*status)));
        let classes = AGES.iter().map(|(_, name)| *name).chain([OLDER, UNKNOWN]);
        let ages = classes.map(|name| (name.to_owned(), self.ages.get(name).copied().unwrap_or(0)));
        let ends = ENDS.iter().map(|(_, name)| *name);
        let ends = [OVER].into_iter().chain(ends).chain([LATER, UNKNOWN]);
        let ends = ends.map(|name| (name.to_owned(), self.ends.get(name).copied().unwrap_or(0)));
        let [by_issuer, by_kid] = self.ends_by.each_ref().map(|by| {
            let classes = by.iter().flat_map(|(name, classes)| {
                classes.iter().map(move |(class, n)| (format!("{name} {class}"), *n))
            });
            sorted(classes.collect())
        });
        [
            ("status", statuses.collect()),
            ("last_refreshed", ages.collect()),
            ("issuer", most_first(&self.issuers)),
            ("kid", most_first(&self.kids)),
            ("auth_method", most_first(&self.auth_methods)),
            ("dpop_alg", most_first(&self.dpop_algs)),
            ("layout", most_first(&self.layouts)),
            ("end", ends.collect()),
            ("end_by_issuer", by_issuer),
            ("end_by_kid", by_kid),
            (MISSING_SCOPE, self.missing_scopes.clone()),
        ]
    }

    fn of_status(&self, status: Status) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }
}

/// Counts a value.
fn count(counts: &mut HashMap<String, u64>, name: &str) {
    *counts_of(counts, name) += 1;
}

/// Returns the counts under a name. Copies the name only the first time.
fn counts_of<'c, C: Default>(counts: &'c mut HashMap<String, C>, name: &str) -> &'c mut C {
    if !counts.contains_key(name) {
        counts.insert(name.to_owned(), C::default());
    }
    counts.get_mut(name).expect("it was inserted")
}

fn most_first(counts: &HashMap<String, u64>) -> Vec<(String, u64)> {
    sorted(counts.iter().map(|(name, n)| (name.clone(), *n)).collect())
}

/// Sorts counts, the greatest first.
fn sorted(mut counts: Vec<(String, u64)>) -> Vec<(String, u64)> {
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// Selects, counts and prints.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let layouts = Layouts::open(context, &args.select, &args.inactive)?;
    let scope = context.settings()?.client_text("scope")?.unwrap_or_default();
    let missing_scopes = scope.split_whitespace().map(|scope| (scope.to_owned(), 0)).collect();
    let mut stats = Stats { missing_scopes, ..Stats::default() };
    let count = layouts.for_each(|summary, assessor| {
        stats.add(summary, assessor);
        Ok(())
    })?;
    match context.ui.format {
        Format::Table => show(context, &stats)?,
        Format::Json | Format::Jsonl => context.ui.document(&document(&stats))?,
        Format::Csv => show_csv(context, &stats)?,
    }
    layouts.finish(count)
}

/// Counts as a document: of each value of each aspect.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    total: u64,
    #[serde(flatten)]
    #[schemars(with = "Aspects")]
    aspects: Map<String, Value>,
}

/// Members of a [`Document`].
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Aspects {
    by_status: BTreeMap<String, u64>,
    by_last_refreshed: BTreeMap<String, u64>,
    by_issuer: BTreeMap<String, u64>,
    by_kid: BTreeMap<String, u64>,
    by_auth_method: BTreeMap<String, u64>,
    by_dpop_alg: BTreeMap<String, u64>,
    by_layout: BTreeMap<String, u64>,
    by_end: BTreeMap<String, u64>,
    by_end_by_issuer: BTreeMap<String, u64>,
    by_end_by_kid: BTreeMap<String, u64>,
    missing_scope: BTreeMap<String, u64>,
}

fn document(stats: &Stats) -> Document {
    let mut aspects = Map::new();
    for (aspect, counts) in stats.groups() {
        let name = |name: String| {
            // What is ours is an identifier; an issuer or a kid is as it is.
            if matches!(aspect, "last_refreshed" | "end") { name.replace(' ', "_") } else { name }
        };
        let counts: Map<String, Value> =
            counts.into_iter().map(|(value, n)| (name(value), json!(n))).collect();
        // The counts of one `by_` add up to the total.
        let aspect = match aspect {
            MISSING_SCOPE => aspect.to_owned(),
            _ => format!("by_{aspect}"),
        };
        aspects.insert(aspect, Value::Object(counts));
    }
    Document { total: stats.total, aspects }
}

fn show(context: &Context, stats: &Stats) -> std::io::Result<()> {
    for (aspect, mut counts) in stats.groups() {
        let is_worth_a_line = |name: &str| {
            !aspect.starts_with("end_by")
                || ![LATER, UNKNOWN].iter().any(|class| name.ends_with(&format!(" {class}")))
        };
        counts.retain(|(name, n)| *n > 0 && is_worth_a_line(name));
        let is_plain = match aspect {
            "layout" => counts.len() == 1,
            // The two that occur.
            "dpop_alg" => !counts.iter().any(|(name, _)| name == "ES256"),
            "end" => counts.iter().all(|(name, _)| name == UNKNOWN),
            "end_by_issuer" => stats.issuers.len() < 2,
            "end_by_kid" => stats.kids.len() < 2,
            _ => false,
        };
        if counts.is_empty() || is_plain {
            continue;
        }
        let rest: u64 = counts.iter().skip(SHOWN).map(|(_, n)| n).sum();
        if rest > 0 {
            let others = counts.len() - SHOWN;
            counts.truncate(SHOWN);
            counts.push((format!("{others} others"), rest));
        }
        let rows: Vec<_> = counts
            .iter()
            .map(|(name, n)| {
                (
                    name.as_str(),
                    *n,
                    Status::named(name).filter(|_| aspect == "status").and_then(role),
                )
            })
            .collect();
        context.ui.bars(&aspect.replace('_', " "), &rows, stats.total)?;
    }
    Ok(())
}

fn show_csv(context: &Context, stats: &Stats) -> anyhow::Result<()> {
    let mut listing = context.ui.listing::<CountRow>();
    for (aspect, counts) in stats.groups() {
        for (value, sessions) in counts {
            listing.push(&CountRow { aspect, value, sessions })?;
        }
    }
    listing.finish()
}

#[derive(Serialize)]
struct CountRow {
    aspect: &'static str,
    value: String,
    sessions: u64,
}

impl crate::ui::Row for CountRow {
    const FIELDS: &'static [&'static str] = &["aspect", "value", "sessions"];
    const TITLES: &'static [&'static str] = Self::FIELDS;

    fn cells(&self) -> Vec<(String, Option<crate::ui::Role>)> {
        vec![
            (self.aspect.to_owned(), None),
            (self.value.clone(), None),
            (self.sessions.to_string(), None),
        ]
    }
}
