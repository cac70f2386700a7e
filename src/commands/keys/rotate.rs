//! `oauthctl keys rotate`: a new key, published before it signs, the old ones kept for the sessions bound to them.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::place::{line, lock_files, print_assignment, put_back};
use super::promote::{self, Published, SERVER_CACHE};
use crate::completion::Knows;
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::files::{self, Existing, PRIVATE};
use crate::jose::{ClientKey, Kid};
use crate::keyring::{self, KeySource, LoadedSource, variable_name};
use crate::session::Age;

/// Add a new signing key; the old ones stay for the sessions bound to them
#[derive(clap::Args)]
#[command(after_help = "\
The new key goes in front with `nbf` (not before) ahead: one deployment publishes it, and the
running app signs with it from that moment on. For client libraries that ignore `nbf`, --stage puts
it behind the active key, where it is only published; --promote moves it to the front later.

Examples:
  oauthctl keys rotate --keys keys.json
  oauthctl keys rotate --keys env:PRIVATE_KEYS --activate-in 2h
  oauthctl keys rotate --keys keys.json --stage
  oauthctl keys rotate --keys keys.json --promote KID")]
pub struct Args {
    /// When the new key begins to sign
    #[arg(long, value_name = "AGE", default_value = "24h", conflicts_with_all = ["stage"])]
    activate_in: Age,
    /// Put the new key behind the active one, published but not signing
    #[arg(long)]
    stage: bool,
    /// Let a staged key sign, once the published key set has held it for 10 minutes
    #[arg(long, value_name = "KID", allow_hyphen_values = true, add = Knows::Kids,
        conflicts_with_all = ["stage", "activate_in", "kid", "new_env", "output"])]
    promote: Option<Kid>,
    /// With --promote: wait until servers know the key
    #[arg(long, requires = "promote", conflicts_with = "force")]
    wait: bool,
    /// With --promote: do not look at what is published
    #[arg(long, requires = "promote")]
    force: bool,
    /// Name of the new key [default: its thumbprint]
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<Kid>,
    /// Variable for the new key, where the old one has a variable to itself
    #[arg(long, value_name = "NAME")]
    new_env: Option<String>,
    /// Where the new key goes, where the old one has a file to itself; for variables, a file for the new assignment
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Where a changed set goes. What a source holds alone stays alone: an app that reads one JWK cannot read an array.
enum Change {
    /// The source held several keys, and holds one more.
    Grown { source: KeySource, text: Zeroizing<String> },
    /// The new key has a place of its own beside the source.
    Beside { source: KeySource, text: Zeroizing<String>, place: NewPlace },
}

enum NewPlace {
    Variable(String),
    File(PathBuf),
    Stdout,
}

/// Plans the rotation, applies it, says what to deploy.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if let Some(kid) = &args.promote {
        let published = match args {
            Args { force: true, .. } => Published::Unchecked,
            Args { wait: true, .. } => Published::Awaited,
            _ => Published::Required,
        };
        return promote::run(context, kid, published, args.dry_run);
    }
    let _locks = lock_files(context)?;
    let sources = context.required_key_sources()?;
    let now = context.now();
    let active_kid = check_rotatable(&sources, now)?;
    let key = new_key(context, args)?;
    let kid = key.kid().expect("a new key has a kid").clone();
    let change = plan(context, args, sources, key, &active_kid)?;
    let name = if args.dry_run {
        context.ui.note("dry run: nothing is written, and the key is not made");
        "KID"
    } else {
        apply(context, args, &change)?;
        kid.as_str()
    };
    explain(context, args, &change, name, &active_kid, now);
    Ok(Exit::Done)
}

/// The set must be sound, sign now, and have no rotation under way.
fn check_rotatable(sources: &[LoadedSource], now: Timestamp) -> Result<Kid, Failure> {
    let set = keyring::key_set(sources)?;
    if let Some(pending) = set.iter().find(|key| key.not_before().is_some_and(|nbf| nbf > now)) {
        let (kid, nbf) = (pending.kid().map(Kid::as_str).unwrap_or_default(), pending.not_before().unwrap_or(now));
        return Err(usage(format!("a rotation is under way: key {kid} begins to sign at {nbf}"))
            .hint(format!("wait until then, or take it back with `oauthctl keys retire {kid}`")));
    }
    let active = set.active(now).and_then(ClientKey::kid).cloned();
    active.ok_or_else(|| usage("there is no signing key to rotate").hint("`oauthctl gen-jwk` makes a first one"))
}

fn new_key(context: &Context, args: &Args) -> Result<ClientKey, Failure> {
    let mut key = ClientKey::generate(&mut context.rng());
    let kid = match &args.kid {
        Some(kid) => kid.clone(),
        None => key.thumbprint().parse()?,
    };
    key.set_kid(kid);
    key.declare_purpose();
    key.set_created(context.now());
    if !args.stage {
        let at = context
            .now()
            .checked_add(args.activate_in.duration())
            .map_err(|_| usage("--activate-in lies beyond the end of time"))?;
        key.set_not_before(at);
    }
    Ok(key)
}

/// Finds the place of the new key: in front of everything, or right behind the active key.
fn plan(
    context: &Context,
    args: &Args,
    mut sources: Vec<LoadedSource>,
    key: ClientKey,
    active_kid: &Kid,
) -> Result<Change, Failure> {
    let is_active = |key: &ClientKey| key.kid() == Some(active_kid);
    let (index, position) = if args.stage {
        sources
            .iter()
            .enumerate()
            .find_map(|(index, source)| Some((index, source.keys.iter().position(is_active)? + 1)))
            .expect("the active key comes from one of the sources")
    } else {
        (0, 0)
    };
    let kid = key.kid().cloned();
    let taken = |name: &str| sources.iter().any(|s| matches!(&s.source, KeySource::Variable(n) if n == name));
    let change = if sources[index].form.holds_many() {
        let source = &mut sources[index];
        source.keys.insert(position, key);
        Change::Grown { source: source.source.clone(), text: source.form.encode(&source.keys)? }
    } else {
        let source = sources[index].source.clone();
        let place = match (&source, &args.output) {
            (KeySource::File { .. }, Some(path)) => NewPlace::File(path.clone()),
            (KeySource::File { path, .. }, None) => NewPlace::File(sibling(path, kid.as_ref())),
            (KeySource::Variable(name), _) => NewPlace::Variable(match &args.new_env {
                Some(name) => name.clone(),
                None => next_variable(name, |n| taken(n) || context.environment().is_set(n)),
            }),
            (KeySource::Stdin, _) => NewPlace::Stdout,
        };
        let text = sources[index].form.encode(std::slice::from_ref(&key))?;
        sources[index].keys.insert(position.min(1), key);
        Change::Beside { source, text, place }
    };
    // The set as it will be must be one that the next command accepts.
    keyring::key_set(&sources)?;
    if let Change::Beside { place: NewPlace::Variable(name), .. } = &change
        && !variable_name(name)
    {
        return Err(usage(format!("--new-env {name}: not a name that shells take")).hint("use letters, digits and _"));
    }
    Ok(change)
}

/// `keys/client.json` → `keys/client.AbCdEfGh.json`
fn sibling(path: &Path, kid: Option<&Kid>) -> PathBuf {
    let short: String =
        kid.map(Kid::as_str).unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem}.{short}{extension}"))
}

/// The name that the convention continues with: `…_ONE` → `…_TWO`, `…_1` → `…_2`, else `…_2`.
fn next_variable(name: &str, taken: impl Fn(&str) -> bool) -> String {
    const WORDS: [&str; 9] = ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"];
    let (stem, last) = name.rsplit_once('_').unwrap_or((name, ""));
    if let Some(at) = WORDS.iter().position(|word| *word == last)
        && let Some(free) = WORDS[at + 1..].iter().map(|word| format!("{stem}_{word}")).find(|n| !taken(n))
    {
        return free;
    }
    let (stem, first) = match last.parse::<u32>() {
        Ok(number) => (stem, number + 1),
        Err(_) => (name, 2),
    };
    (first..).map(|n| format!("{stem}_{n}")).find(|n| !taken(n)).expect("numbers do not run out")
}

fn apply(context: &Context, args: &Args, change: &Change) -> anyhow::Result<()> {
    let output = args.output.as_deref();
    match change {
        Change::Grown { source, text } => put_back(context, source, text, output),
        Change::Beside { text, place, .. } => match place {
            NewPlace::File(path) => Ok(files::write_file(path, line(text).as_bytes(), PRIVATE, Existing::Keep)?),
            NewPlace::Variable(name) => print_assignment(context, name, text, output),
            NewPlace::Stdout => Ok(context.ui.result(line(text).as_bytes())?),
        },
    }
}

/// What to deploy, and when what happens.
fn explain(context: &Context, args: &Args, change: &Change, kid: &str, active: &Kid, now: Timestamp) {
    let ui = &context.ui;
    let order = if args.stage { "behind" } else { "in front of" };
    ui.note(format!("new key {kid}, {order} {active}"));
    match change {
        Change::Grown { source: KeySource::File { named, .. }, .. } => {
            ui.note(format!("1. deploy {named} to every instance of the app, and publish `oauthctl jwks` anew"));
        }
        Change::Grown { source, .. } => {
            ui.note(format!(
                "1. put the new value in {source} on every instance of the app, and publish `oauthctl jwks` anew"
            ));
        }
        Change::Beside { source, place, .. } => {
            let new = match place {
                NewPlace::Variable(name) => format!("env:{name}"),
                NewPlace::File(path) => path.display().to_string(),
                NewPlace::Stdout => "the key printed".to_owned(),
            };
            let pair = if args.stage { format!("{source}, then {new}") } else { format!("{new}, then {source}") };
            ui.note(format!(
                "1. let the app load both, in this order: {pair}; deploy, and publish `oauthctl jwks` anew"
            ));
            ui.note(format!("   name both to oauthctl, in the same order: {}", keys_setting(args.stage, source, &new)));
        }
    }
    if args.stage {
        ui.note(format!(
            "2. at least {SERVER_CACHE} later: `oauthctl keys rotate --promote {kid}` makes it the one that signs"
        ));
    } else {
        let at = now.checked_add(args.activate_in.duration()).unwrap_or(now);
        ui.note(format!(
            "2. before {at:.0} every instance must have the key; from then on new sessions are bound to it"
        ));
        ui.note("3. rolling back past that moment loses the sessions begun since: the app deletes a session whose key it lacks");
        if args.activate_in < SERVER_CACHE {
            ui.warn(format!(
                "servers keep a published key set for up to {SERVER_CACHE}: those that fetched it just now refuse the new key for as long"
            ));
        }
    }
    ui.note(format!("when nothing depends on {active} any more: `oauthctl keys retire {active}`"));
}

fn keys_setting(stage: bool, old: &KeySource, new: &str) -> String {
    let old = old.to_string();
    if stage { format!("keys = [{old:?}, {new:?}]") } else { format!("keys = [{new:?}, {old:?}]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_variable_continues_the_convention_of_the_first() {
        let none = |_: &str| false;
        assert_eq!(next_variable("NUXT_OAUTH_JWK_ONE", none), "NUXT_OAUTH_JWK_TWO");
        assert_eq!(next_variable("PRIVATE_KEY_1", none), "PRIVATE_KEY_2");
        assert_eq!(next_variable("PRIVATE_KEY", none), "PRIVATE_KEY_2");
        assert_eq!(next_variable("JWK_1", |n| n == "JWK_2"), "JWK_3");
        assert_eq!(next_variable("A_ONE", |n| n == "A_TWO"), "A_THREE");
    }
}
