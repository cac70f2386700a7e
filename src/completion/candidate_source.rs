//! Candidates for dynamic completion, from the settings, keys and store that the options on the
//! line select.

use std::collections::BTreeSet;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;

use super::words::Words;
use crate::args::{Completer, GlobalArgs};
use crate::context::Context;
use crate::keyring::{self, KeySource};
use crate::session::Did;
use crate::settings::Settings;
use crate::store::{Kind, Layout, Want};

/// Maximum number of candidates.
const MANY: usize = 50;
/// Time limit for opening the store, and again for reading it.
const STORE_PATIENCE: Duration = Duration::from_millis(100);

/// Options on the line that select settings and store.
#[derive(Clone)]
pub(super) struct CandidateSource {
    before: Vec<String>,
}

impl CandidateSource {
    /// Reads the command line.
    pub(super) fn of(before: &[String]) -> Self {
        Self { before: before.to_vec() }
    }

    /// Returns the candidates for an argument, none after an error.
    pub(super) fn candidates(&self, what: Completer, current: &str) -> Vec<CompletionCandidate> {
        let context = self.context();
        let known = match what {
            Completer::Kids => kids(&context),
            Completer::Profiles => profiles(&context),
            Completer::Layouts => Some(layouts(&context)),
            Completer::Accounts => accounts(&context, current),
        };
        let fits = |(value, _): &(String, String)| value.starts_with(current) && is_harmless(value);
        let candidate = |(value, help): (String, String)| {
            CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.into()))
        };
        known.unwrap_or_default().into_iter().filter(fits).take(MANY).map(candidate).collect()
    }

    fn context(&self) -> Context {
        let last = |option: &str| {
            Words::values(&self.before, option).last().map(|value| (*value).to_owned())
        };
        Context::new(GlobalArgs {
            config: last("--config").map(Into::into),
            profile: last("--profile"),
            store: last("--store"),
            layout: last("--layout"),
            keys: Words::values(&self.before, "--keys").into_iter().map(str::to_owned).collect(),
            quiet: true,
            silent: true,
            ..GlobalArgs::default()
        })
    }
}

/// Checks whether a value needs no quotes on a command line: inserted by a shell, it must not be
/// executable.
fn is_harmless(value: &str) -> bool {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '%' | '-' | '@' | '+' | '/')
    };
    !value.is_empty() && value.chars().all(is_plain)
}

type NamesWithHelp = Option<Vec<(String, String)>>;

fn kids(context: &Context) -> NamesWithHelp {
    let sources = context.settings().ok()?.key_sources().ok()??;
    // Standard input belongs to the shell.
    let sources = sources
        .into_iter()
        .filter(|source| !matches!(source, KeySource::Table { .. } | KeySource::Stdin));
    let loaded: Vec<_> =
        sources.filter_map(|source| keyring::load(source, context.environment()).ok()).collect();
    let keys = keyring::key_set(&loaded).ok()?;
    let now = context.now();
    let known = |key| {
        Some((
            crate::jose::ClientKey::kid(key)?.as_str().to_owned(),
            keys.state(key, None, now).name().to_owned(),
        ))
    };
    Some(keys.iter().filter_map(known).collect())
}

fn profiles(context: &Context) -> NamesWithHelp {
    let profiles = context.settings().ok()?.profiles();
    Some(profiles.into_iter().map(|name| (name.to_owned(), String::new())).collect())
}

fn layouts(context: &Context) -> Vec<(String, String)> {
    let described = context.settings().and_then(Settings::layouts).unwrap_or_default();
    let own = described.into_keys().map(|name| (name, "from the settings".to_owned()));
    let built_in = Layout::built_in().iter().map(|layout| (layout.name.clone(), String::new()));
    [("auto".to_owned(), "whichever fits".to_owned())]
        .into_iter()
        .chain(own)
        .chain(built_in)
        .collect()
}

fn accounts(context: &Context, current: &str) -> NamesWithHelp {
    let store = context.open_store_within(STORE_PATIENCE).ok()?;
    let pattern = store.layout().session_pattern();
    let mut dids = BTreeSet::new();
    let read = async {
        let mut scan = store.scan(Kind::Session, Want { values: false, ttls: false });
        while dids.len() < MANY
            && let Ok(Some(records)) = scan.next().await
        {
            for record in &records {
                let key = record.key.text();
                let did = pattern.parse_key(&key).and_then(|(did, _)| did.parse::<Did>().ok());
                dids.extend(did.map(|did| did.to_string()).filter(|did| did.starts_with(current)));
            }
        }
    };
    // An incomplete list is better than none.
    let _ = context
        .runtime()
        .ok()?
        .block_on(async { tokio::time::timeout(STORE_PATIENCE, read).await });
    Some(dids.into_iter().map(|did| (did, String::new())).collect())
}
