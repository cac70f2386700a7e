//! `oauthctl keys rotate`: adds a new key, published before it signs. Old keys are kept for the
//! sessions bound to them.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

use super::new_place::{KeyPlace, next_variable, sibling};
use super::place::{KeyDestination, line, lock_files};
use super::promote::{self, Publication};
use crate::args::Completer;
use crate::commands::output::assignment;
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::jose::{ClientKey, Kid};
use crate::keyring::{self, KeySource, LoadedSource};
use crate::session::Age;
use crate::ui::Format;

/// Add a new signing key, and keep the old ones for their sessions
#[derive(clap::Args)]
#[command(after_help = "\
The new key becomes the first one, with a start time (`nbf`) in the future: one deployment publishes
it, and the running app signs with it from that time. For client libraries that ignore `nbf`,
--stage puts it behind the active key, so it is only published; --promote moves it to the front
later.

Examples:
  oauthctl keys rotate --keys keys.json
  oauthctl keys rotate --keys env:PRIVATE_KEYS --activate-in 2h
  oauthctl keys rotate --keys keys.json --stage
  oauthctl keys rotate --keys keys.json --promote KID")]
pub struct Args {
    /// Time until the new key starts to sign
    #[arg(long, value_name = "AGE", default_value = "24h", conflicts_with_all = ["stage"])]
    activate_in: Age,
    /// Put the new key behind the active one: published, but not signing
    #[arg(long)]
    stage: bool,
    /// Move a staged key to the front, if it has been published for 10 minutes
    #[arg(long, value_name = "KID", allow_hyphen_values = true, add = Completer::Kids,
        conflicts_with_all = ["stage", "activate_in", "kid", "new_env", "output"])]
    promote: Option<Kid>,
    /// With --promote: wait until servers know the key
    #[arg(long, requires = "promote", conflicts_with = "unpublished")]
    wait: bool,
    /// With --promote: do not check the published key set
    #[arg(long, alias = "force", requires = "promote")]
    unpublished: bool,
    /// Key ID of the new key [default: its thumbprint]
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<Kid>,
    /// Variable for the new key, if each key has its own variable
    #[arg(long, value_name = "NAME")]
    new_env: Option<String>,
    /// File for the new key, if each key has its own file; for variables, a file for the new
    /// assignment
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Show what would be done, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Change made by a rotation, and the deployment that follows.
struct RotationChange {
    /// Text to write, with its line end.
    text: Zeroizing<String>,
    target: KeyDestination,
    deploy: Deploy,
}

/// Deployment. A source with a single key stays so, because an app that reads one JWK cannot read
/// an array.
enum Deploy {
    /// The source had several keys, and gets another. Holds the instructions.
    Grown(String),
    /// The new key has a place of its own. Holds all places, in the order in which the app must
    /// load them.
    Beside(Vec<KeyPlace>),
}

/// Result of a rotation, for programs.
#[derive(Serialize, JsonSchema)]
pub(super) struct Receipt<'r> {
    dry_run: bool,
    /// The new key; none in a dry run, unless its kid was given.
    kid: Option<&'r str>,
    /// Key that signs until then.
    active_kid: &'r str,
    /// Moment from which the new key signs; none where it is staged.
    active_from: Option<String>,
    /// File that the new key is in; none where it was printed.
    file: Option<String>,
    /// Printed text: the new value of the source, or of a source of its own.
    value: Option<&'r str>,
    /// Sources in the order in which the app must load them; empty where they are the same as before.
    load_order: Vec<&'r str>,
}

/// Plans the rotation, applies it, and prints what to deploy.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if let Some(kid) = &args.promote {
        let published = match args {
            Args { unpublished: true, .. } => Publication::Unchecked,
            Args { wait: true, .. } => Publication::Awaited,
            _ => Publication::Required,
        };
        return promote::run(context, kid, published, args.dry_run);
    }
    let server_cache = promote::server_cache(context)?;
    let _locks = lock_files(context)?;
    let sources = context.required_key_sources()?;
    let now = context.now();
    let active_kid = check_rotatable(&sources, now)?;
    let key = new_key(context, args)?;
    let kid = key.kid().expect("a new key has a kid").clone();
    // A dry run generates no key, so its thumbprint is unknown.
    let name = if args.dry_run && args.kid.is_none() { "KID" } else { kid.as_str() };
    let change = plan(context, args, sources, key, name, &active_kid)?;
    if args.dry_run {
        context.ui.note("dry run: nothing is written, and no key is created");
    } else {
        let is_printed = matches!(change.target, KeyDestination::Stdout);
        if !is_printed || context.ui.format == Format::Table {
            change.target.write(context, &change.text)?;
        }
    }
    let is_told = !args.dry_run && matches!(change.target, KeyDestination::Stdout);
    let active_from = now.checked_add(args.activate_in.duration()).ok().filter(|_| !args.stage);
    context.ui.receipt(&Receipt {
        dry_run: args.dry_run,
        kid: Some(name).filter(|_| !args.dry_run || args.kid.is_some()),
        active_kid: active_kid.as_str(),
        active_from: active_from.map(|at| format!("{at:.0}")),
        file: change.target.file().map(|path| path.display().to_string()),
        value: is_told.then(|| change.text.trim_end()),
        load_order: match &change.deploy {
            Deploy::Grown(_) => Vec::new(),
            Deploy::Beside(places) => places.iter().map(|place| &*place.shown).collect(),
        },
    })?;
    explain(context, args, &change.deploy, name, &active_kid, server_cache);
    Ok(Exit::Done)
}

/// Checks that the set is valid, can sign now, and has no rotation in progress. Returns the active
/// kid.
fn check_rotatable(sources: &[LoadedSource], now: Timestamp) -> Result<Kid, Failure> {
    let set = keyring::key_set(sources)?;
    if let Some(pending) = set.iter().find(|key| key.not_before().is_some_and(|nbf| nbf > now)) {
        let (kid, nbf) = (
            pending.kid().map(Kid::as_str).unwrap_or_default(),
            pending.not_before().unwrap_or(now),
        );
        return Err(usage(format!("a rotation is in progress: key {kid} starts to sign at {nbf}"))
            .hint(format!("wait until then, or undo it with `oauthctl keys retire {kid}`")));
    }
    let active = set.active(now).and_then(ClientKey::kid).cloned();
    active.ok_or_else(|| {
        usage("no signing key to rotate").hint("`oauthctl gen-jwk` creates a first one")
    })
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
            .map_err(|_| usage("--activate-in is too long"))?;
        key.set_not_before(at);
    }
    Ok(key)
}

/// Determines the place of the new key: first, or right after the active key.
fn plan(
    context: &Context,
    args: &Args,
    mut sources: Vec<LoadedSource>,
    key: ClientKey,
    name: &str,
    active_kid: &Kid,
) -> Result<RotationChange, Failure> {
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
    let change = if sources[index].form.holds_many() {
        if let Some(name) = &args.new_env {
            return Err(usage(format!(
                "{} contains several keys, and the new one is added to it",
                sources[index].source
            ))
            .hint(format!(
                "remove --new-env {name}: it is for keys with a variable of their own"
            )));
        }
        sources[index].keys.insert(position, key);
        grown(args, &sources[index])?
    } else {
        let change = beside(context, args, &sources, index, &key, name)?;
        sources[index].keys.insert(position, key);
        change
    };
    // The future set must be acceptable to the next command.
    keyring::key_set(&sources)?;
    Ok(change)
}

/// Encodes a source that contains the new key.
fn grown(args: &Args, grown: &LoadedSource) -> Result<RotationChange, Failure> {
    let text = grown.encode()?;
    let printed = args
        .output_file()
        .map_or_else(|| "the printed set".to_owned(), |path| path.display().to_string());
    let (text, target, deploy) = match &grown.source {
        KeySource::File { path, named, .. } if args.output.is_none() => (
            line(&text),
            KeyDestination::Rewritten(path.clone()),
            format!("deploy {named} to every instance of the app"),
        ),
        KeySource::File { named, .. } => (
            line(&text),
            args.new_target(),
            format!("deploy {printed} instead of {named} to every instance of the app"),
        ),
        KeySource::Variable { name, .. } => (
            line(&Zeroizing::new(assignment(name, &text)?)),
            args.new_target(),
            format!("set env:{name} to its new value on every instance of the app"),
        ),
        KeySource::Table { .. } => return Err(keyring::refuse_table(&grown.source)),
        KeySource::Stdin => (
            line(&text),
            args.new_target(),
            format!("deploy {printed} to every instance of the app"),
        ),
    };
    Ok(RotationChange { text, target, deploy: Deploy::Grown(deploy) })
}

/// Determines a place for the new key next to the source at `index`, which can hold one key only.
fn beside(
    context: &Context,
    args: &Args,
    sources: &[LoadedSource],
    index: usize,
    key: &ClientKey,
    kid: &str,
) -> Result<RotationChange, Failure> {
    let (source, form) = (&sources[index].source, sources[index].form);
    let mut text = form.encode(std::slice::from_ref(key))?;
    let (target, new) = match source {
        KeySource::Variable { name, .. } => {
            let name = new_variable(context, args, sources, name)?;
            text = Zeroizing::new(assignment(&name, &text)?);
            (args.new_target(), KeyPlace::of_new(format!("env:{name}"), form, kid))
        }
        _ if args.new_env.is_some() => {
            return Err(usage(format!("{source} is not a variable"))
                .hint("remove --new-env; use --output for the file of the new key"));
        }
        KeySource::File { path, named, .. } if args.output.is_none() => {
            let named = Path::new(named.strip_prefix("file:").unwrap_or(named));
            (
                KeyDestination::New(sibling(path, kid)),
                KeyPlace::of_new(sibling(named, kid).display().to_string(), form, kid),
            )
        }
        _ => match args.output_file() {
            Some(path) => {
                (args.new_target(), KeyPlace::of_new(path.display().to_string(), form, kid))
            }
            None => (
                KeyDestination::Stdout,
                KeyPlace { shown: "the new key".to_owned(), setting: None },
            ),
        },
    };
    text.push('\n');
    let mut places: Vec<_> = sources.iter().map(|source| KeyPlace::of(&source.source)).collect();
    places.insert(if args.stage { index + 1 } else { index }, new);
    Ok(RotationChange { text, target, deploy: Deploy::Beside(places) })
}

impl Args {
    /// Returns the output file, unless it is stdout.
    fn output_file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    fn new_target(&self) -> KeyDestination {
        self.output_file()
            .map_or(KeyDestination::Stdout, |path| KeyDestination::New(path.to_owned()))
    }
}

/// Returns the requested variable, or the next one by the convention of the first.
fn new_variable(
    context: &Context,
    args: &Args,
    sources: &[LoadedSource],
    first: &str,
) -> Result<String, Failure> {
    let is_source = |name: &str| {
        sources
            .iter()
            .any(|s| matches!(&s.source, KeySource::Variable { name: n, .. } if n == name))
    };
    let taken = |name: &str| is_source(name) || context.environment().is_set(name);
    match &args.new_env {
        Some(name) if taken(name) => {
            Err(usage(format!("{name} already has a value, which the new key would replace"))
                .hint("choose another name for the new key's variable"))
        }
        Some(name) => Ok(name.clone()),
        None => Ok(next_variable(first, taken)),
    }
}

/// Prints what to deploy, and the further course of the rotation.
fn explain(
    context: &Context,
    args: &Args,
    deploy: &Deploy,
    kid: &str,
    active: &Kid,
    server_cache: Age,
) {
    let (ui, now) = (&context.ui, context.now());
    let order = if args.stage { "behind" } else { "in front of" };
    ui.note(format!("new key {kid}, {order} {active}"));
    match deploy {
        Deploy::Grown(what) => {
            ui.note(format!("1. {what}, and publish the output of `oauthctl jwks`"));
        }
        Deploy::Beside(places) => {
            let shown =
                places.iter().map(|place| place.shown.as_str()).collect::<Vec<_>>().join(", then ");
            ui.note(format!("1. configure the app to load, in this order: {shown}; deploy, and publish the output of `oauthctl jwks`"));
            let settings: Option<Vec<_>> =
                places.iter().map(|place| place.setting.as_deref()).collect();
            if let Some(settings) = settings {
                ui.note(format!(
                    "   set the same order in oauthctl.toml: keys = [{}]",
                    settings.join(", ")
                ));
            }
        }
    }
    if args.stage {
        ui.note(format!(
            "2. at least {server_cache} later: `oauthctl keys rotate --promote {kid}` makes it the signing key"
        ));
    } else {
        let at = now.checked_add(args.activate_in.duration()).unwrap_or(now);
        ui.note(format!(
            "2. until {at:.0}, deploy the key to every instance; new sessions are then bound to it"
        ));
        ui.note(
            "3. do not roll back after that time: the app deletes sessions whose key is missing",
        );
        if args.activate_in < server_cache {
            ui.warn(format!(
                "servers cache a key set for up to {server_cache}, and reject the new key until then"
            ));
        }
    }
    ui.note(format!("when nothing depends on {active} any more: `oauthctl keys retire {active}`"));
}
