//! `oauthctl init`: creates the first oauthctl.toml, the first key and both documents, from what is
//! known of the app.

mod answers;
mod draft;
mod first_key;
mod found;
mod look;
mod plan;
mod store;
mod write;

use self::answers::Interview;
use self::draft::Draft;
use self::first_key::FirstKey;
use self::plan::InitPlan;
use self::write::FileChange;
use crate::commands::census;
use crate::commands::output::tidy;
use crate::commands::publish::{self, STORE_PATIENCE};
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::files::directory_of;
use crate::jose::KeySet;
use crate::maintenance::Census;
use crate::settings::{FILE_NAME, SettingsFile, app};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

/// Set up oauthctl for an app: settings, first key and documents to publish
///
/// First looks at exported variables, .env files, app.db and an existing client metadata document in
/// the working directory. Then asks for the rest, shows the files that it will write, and writes them
/// after confirmation. Never overwrites a file. With --yes it does not ask: options override what was
/// found, which overrides defaults.
#[derive(clap::Args)]
#[command(after_help = "\
--keys is the source of the key. If it does not exist, init creates it: a file with mode 0600, or
for env:NAME a line in the .env file.

Examples:
  oauthctl init                                      asks questions
  oauthctl init --yes --client-uri https://app.example.com
  oauthctl init --yes --client-uri https://app.example.com --redirect-uri /api/auth/atproto \\
      --keys env:NUXT_OAUTH_JWK_ONE --store env:REDIS_URL --layout npmx
  oauthctl init --dry-run --yes --client-uri https://app.example.com")]
pub struct Args {
    /// Home page of the app
    #[arg(long, value_name = "URL")]
    client_uri: Option<String>,
    /// URL of the client metadata document [default: the URL at which the app serves it]
    #[arg(long, value_name = "URL")]
    client_id: Option<String>,
    /// Name of the app, as users see it [default: from package.json, or the directory's]
    #[arg(long, value_name = "NAME")]
    client_name: Option<String>,
    /// Callback of the app: a URL, or a path below the client URI (repeatable)
    #[arg(long, value_name = "URL|PATH")]
    redirect_uri: Vec<String>,
    /// OAuth scope that the app may request [default: atproto, which identifies users]
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// Set up a public client, which has no key
    #[arg(long, conflicts_with_all = ["jwks_file", "keys"])]
    public: bool,
    /// Create a new key even if a variable for the app's key has an unreadable value
    #[arg(long, conflicts_with = "public")]
    new_key: bool,
    /// File for the client metadata document [default: public/oauth-client-metadata.json, if the
    /// directory public/ exists]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    metadata_file: Option<PathBuf>,
    /// File for the public keys [default: public/.well-known/jwks.json, if the directory public/
    /// exists]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    jwks_file: Option<PathBuf>,
    /// Show the files that would be written, but do not write them
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Print SQL to prepare a PostgreSQL database: a schema for notes, and the rights of the role
    /// in its address
    #[arg(long)]
    sql: bool,
    /// Do not read the store to find its layout and the keys that sessions need
    #[arg(long)]
    offline: bool,
}

/// Collects, asks, shows the plan, asks for confirmation, and writes.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if args.sql {
        return print_sql(context);
    }
    let settings_path = settings_path(context)?;
    let asks = !context.is_confirmed();
    if asks && !context.ui.can_ask() {
        let hint = "--yes uses detected values and defaults; use options for the other answers (see --help)";
        return Err(usage("cannot ask questions without a terminal").hint(hint).into());
    }
    // From here on Ctrl-C is handled: nothing is written, or all is undone.
    let interrupt = context.interrupt();
    let app = look::detect(context.environment(), &context.ui)?;
    let interview = Interview { context, asks, app: &app };
    let plan = plan(&interview, interview.draft(args)?, settings_path, args.offline)?;
    for line in plan.preview().lines() {
        context.ui.note(line);
    }
    let receipt = Receipt {
        dry_run: args.dry_run,
        changes: plan.changes().iter().map(ChangeReceipt::of).collect(),
    };
    if args.dry_run {
        context.ui.note("nothing was written (dry run)");
        context.ui.receipt(&receipt)?;
        return Ok(Exit::Done);
    }
    context.confirm("Write this?")?;
    for change in plan.changes() {
        tidy(context, directory_of(change.path()));
    }
    write::apply(plan.changes(), &interrupt)?;
    plan.say_what_is_next(&context.ui);
    context.ui.receipt(&receipt)?;
    Ok(Exit::Done)
}

/// Written files, for programs.
#[derive(Serialize, JsonSchema)]
pub(super) struct Receipt {
    dry_run: bool,
    changes: Vec<ChangeReceipt>,
}

/// Written file.
#[derive(Serialize, JsonSchema)]
struct ChangeReceipt {
    file: String,
    /// Variable that was added to the file; none where the file is new.
    variable: Option<String>,
}

impl ChangeReceipt {
    fn of(change: &FileChange) -> Self {
        let variable = match change {
            FileChange::Create { .. } => None,
            FileChange::AddVariable { name, .. } => Some(name.clone()),
        };
        Self { file: change.path().display().to_string(), variable }
    }
}

/// Prints the statements that an administrator of the store runs once.
fn print_sql(context: &Context) -> anyhow::Result<Exit> {
    let store = context.open_store()?;
    let Some(sql) = store.preparation() else {
        let (url, _) = context.store_address()?;
        return Err(usage("needs no preparation")
            .at(url)
            .hint("--sql is for stores in PostgreSQL")
            .into());
    };
    context.ui.result(sql)?;
    Ok(Exit::Done)
}

/// Tests the settings before they are written, by the result that the other commands will see.
fn plan(
    interview: &Interview,
    mut draft: Draft,
    settings_path: PathBuf,
    offline: bool,
) -> Result<InitPlan, Failure> {
    let context = interview.context;
    let first_key = FirstKey::wanted(context, interview.app, &draft.keys)?;
    let kids: Vec<_> = draft.variables().flat_map(app::kid_variables).collect();
    let mut env_files =
        interview.app.files_of(draft.variables().chain(kids.iter().map(String::as_str)));
    if let Some(file) =
        first_key.as_ref().and_then(FirstKey::env_file).filter(|file| !env_files.contains(file))
    {
        env_files.push(file);
    }
    let here = if directory_of(&settings_path) == Path::new(".") {
        None
    } else {
        Some(
            std::env::current_dir()
                .map_err(|e| usage("the working directory is gone").because(e))?,
        )
    };
    let rehearse = |draft: &Draft| -> Result<(String, Context), Failure> {
        let text = draft.settings(&env_files, here.as_deref());
        let rehearsal = context.under(SettingsFile::parse(&settings_path, &text)?)?;
        Ok((text, rehearsal))
    };
    let (_, rehearsal) = rehearse(&draft)?;
    let census = look_into_store(&rehearsal, interview, &mut draft, offline)?;
    let (text, rehearsal) = rehearse(&draft)?;
    let keys = match &first_key {
        Some(first) => Some(first.set()?),
        None => rehearsal.key_set()?,
    };
    let no_keys = KeySet::default();
    let set = keys.as_ref().unwrap_or(&no_keys);
    if let Some(census) = &census {
        if let Some(missing) = publish::missing(census, set, |_| false, "") {
            return Err(missing);
        }
        if let Some(doubt) = census.doubt_about_others(set) {
            context.ui.warn(doubt);
        }
        if census.is_of_others() {
            confirm_client(context, census)?;
        }
    }
    if let (Some(file), Some(keys)) = (&draft.jwks_file, &keys) {
        publish::compare_with_published(&context.ui, file, keys);
    }
    let mut plan = InitPlan::new(draft, settings_path);
    if let Some(first) = first_key {
        plan.add_key(first);
    }
    plan.add_documents(&context.ui, keys.as_ref());
    plan.add_settings(text);
    Ok(plan)
}

/// Asks whether the client is the right one, if all sessions of the store belong to another.
fn confirm_client(context: &Context, census: &Census) -> Result<(), Failure> {
    let what =
        format!("all sessions of {} were issued to a client other than this one", census.store());
    if !context.is_interactive() {
        context.ui.warn(format!("{what}: check --client-id"));
        return Ok(());
    }
    context.ui.warn(what);
    if context.ui.ask("Is this client correct?")? {
        return Ok(());
    }
    Err(usage("not confirmed; nothing was written")
        .hint("use --client-id with the client of those sessions"))
}

/// Returns the path for the settings.
fn settings_path(context: &Context) -> Result<PathBuf, Failure> {
    if context.overrides().profile.is_some() || context.environment().is_set("OAUTHCTL_PROFILE") {
        return Err(usage("init writes only the part of the settings that all profiles share")
            .hint(
                "remove --profile (OAUTHCTL_PROFILE), and add a section [profiles.NAME] afterwards",
            ));
    }
    let named = context.overrides().config.clone();
    let named = named.or_else(|| context.environment().text("OAUTHCTL_CONFIG").map(PathBuf::from));
    let path = named.unwrap_or_else(|| PathBuf::from(FILE_NAME));
    if std::fs::symlink_metadata(&path).is_ok() {
        return Err(usage("already exists, and init never overwrites files").at(path.display()).hint(
            "edit it (`oauthctl metadata` and `oauthctl jwks` print the documents), or use another one with --config",
        ));
    }
    Ok(path)
}

/// Counts the records in the store and detects its layout, or asks for the layout if that fails.
fn look_into_store(
    rehearsal: &Context,
    interview: &Interview,
    draft: &mut Draft,
    offline: bool,
) -> Result<Option<Census>, Failure> {
    if draft.store.is_none() {
        return Ok(None);
    }
    let ui = &interview.context.ui;
    let (url, _) = rehearsal.store_address()?;
    let census = if offline { None } else { Some(census::take_within(rehearsal, STORE_PATIENCE)) };
    let opened = match &census {
        None => Err(None),
        Some(Err(e)) => Err(Some(format!("{e:#}"))),
        Some(Ok(_)) => rehearsal.open_store_within(STORE_PATIENCE).map_err(|e| Some(e.to_string())),
    };
    match opened {
        Ok(store) => {
            let layout = &store.layout().name;
            ui.note(format!("{url} has the layout {layout}"));
            draft.layout = Some(layout.clone());
        }
        Err(why) => {
            if let Some(why) = why {
                ui.warn(format!("{why}; its layout is not known yet"));
            }
            if interview.asks && draft.layout.is_none() {
                draft.layout = Some(interview.layout()?);
            }
        }
    }
    draft.layout = draft.layout.take().filter(|layout| layout != "auto");
    Ok(census.and_then(Result::ok))
}
