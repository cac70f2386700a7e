//! Access to settings, keys, time, randomness and the terminal. The only reader of the environment,
//! the clock and the random number generator. Everything below takes values.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::{Rng as _, UnwrapErr};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tracing::debug;
use zeroize::Zeroizing;

use crate::args::GlobalArgs;
use crate::environment::Environment;
use crate::error::{Failure, failed, usage};
use crate::interrupt::Interrupt;
use crate::jose::KeySet;
use crate::keyring::{self, KeySource, LoadedSource};
use crate::oauth::client_metadata::Site;
use crate::oauth::{Clock, Network, Random};
use crate::session::{Atcute, Format};
use crate::settings::app::StoreVariable;
use crate::settings::{
    self, FoundFile, Origin, Overrides, Settings, SettingsFile, Sourced, app, nearby,
};
use crate::store::{self, Access, Layout, LayoutChoice, Locks, Scan, Store, StoreId, StoreUrl};
use crate::ui::Ui;

/// Context of a command.
pub struct Context {
    /// Terminal.
    pub ui: Ui,
    yes: bool,
    /// True to print results only, for requests of a shell.
    is_silent: bool,
    overrides: Overrides,
    environment: Environment,
    settings: OnceCell<Settings>,
    runtime: OnceCell<Runtime>,
    interrupt: OnceCell<Interrupt>,
    network: OnceCell<Arc<Network>>,
    /// True once a warning about files with secrets that others can read was printed.
    warned: Cell<bool>,
    /// True once a warning about untrusted authorities of the environment was printed.
    warned_of_roots: Cell<bool>,
}

impl Context {
    /// Creates the context from the environment. Reads no file, since most commands need only some
    /// of them.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn new(global: GlobalArgs) -> Self {
        let variables: HashMap<OsString, OsString> = std::env::vars_os().collect();
        let environment = Environment::new(variables);
        let no_color = environment.is_set("NO_COLOR") || environment.text("TERM") == Some("dumb");
        let ui = Ui::new(global.format, global.color, no_color, global.quiet, global.verbose);
        let overrides = Overrides {
            config: global.config,
            profile: global.profile,
            store: global.store,
            layout: global.layout,
            keys: global.keys,
        };
        Self {
            is_silent: global.silent,
            ..Self::of(ui, global.yes, overrides, environment, OnceCell::new())
        }
    }

    /// Creates a context in which everything but the settings is read on first use.
    fn of(
        ui: Ui,
        yes: bool,
        overrides: Overrides,
        environment: Environment,
        settings: OnceCell<Settings>,
    ) -> Self {
        Self {
            ui,
            yes,
            is_silent: false,
            overrides,
            environment,
            settings,
            runtime: OnceCell::new(),
            interrupt: OnceCell::new(),
            network: OnceCell::new(),
            warned: Cell::default(),
            warned_of_roots: Cell::default(),
        }
    }

    /// Asks before an irreversible action. Without a terminal, `--yes` is required.
    pub fn confirm(&self, question: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        // Makes Ctrl-C an ordinary answer, which leaves the terminal in order.
        let _ = self.interrupt();
        if self.ui.ask(question)? {
            return Ok(());
        }
        Err(usage("not confirmed; nothing was done").into())
    }

    /// Checks whether `--yes` was given.
    pub fn is_confirmed(&self) -> bool {
        self.yes
    }

    /// Returns the context with other settings, to test a settings file before it is written.
    pub fn under(&self, file: SettingsFile) -> Result<Self, Failure> {
        let settings = Settings::new(Some(file), self.environment.clone(), Overrides::default())?;
        Ok(Self::of(
            self.ui.clone(),
            self.yes,
            Overrides::default(),
            self.environment.clone(),
            settings.into(),
        ))
    }

    /// Returns the context for each part of the settings file: its top level, then each profile.
    /// Options of the command line and corresponding variables do not apply there.
    pub fn parts(&self) -> Result<Vec<Self>, Failure> {
        const VARIABLES: [&str; 4] =
            ["OAUTHCTL_PROFILE", "OAUTHCTL_STORE", "OAUTHCTL_LAYOUT", "OAUTHCTL_KEYS"];
        let settings = self.settings()?;
        let Some(file) = settings.file() else { return Ok(Vec::new()) };
        let profiles = settings.profiles().into_iter().map(|name| Some(name.to_owned()));
        let part = |profile| {
            let overrides = Overrides { profile, ..Overrides::default() };
            let environment = self.environment.clone().without(&VARIABLES);
            let settings =
                Settings::new(Some(file.clone()), environment.clone(), overrides.clone())?;
            Ok(Self::of(self.ui.clone(), self.yes, overrides, environment, settings.into()))
        };
        std::iter::once(None).chain(profiles).map(part).collect()
    }

    /// Returns the settings options of the command line.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// Returns the selected profile, even if it does not exist.
    pub fn profile(&self) -> Option<&str> {
        self.overrides.profile.as_deref().or_else(|| self.environment.text("OAUTHCTL_PROFILE"))
    }

    /// Checks whether prompts are possible and not disabled.
    pub fn is_interactive(&self) -> bool {
        !self.yes && self.ui.can_ask()
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Returns the clock.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn clock(&self) -> Clock {
        // Debug builds take the time from the environment, so that tests can span days.
        if cfg!(debug_assertions)
            && let Some(now) = self.environment.text("OAUTHCTL_TEST_NOW")
        {
            let now = now.parse().unwrap_or_else(|_| panic!("OAUTHCTL_TEST_NOW is no time: {now}"));
            return Clock::new(move || now);
        }
        Clock::new(Timestamp::now)
    }

    /// Returns the operating system's random number generator.
    pub fn rng(&self) -> UnwrapErr<SysRng> {
        UnwrapErr(SysRng)
    }

    /// Returns the variables of the process and, after the settings were read, those of the
    /// configured dotenv files.
    pub fn environment(&self) -> &Environment {
        self.settings.get().map_or(&self.environment, Settings::environment)
    }

    /// Returns the settings, read on first use.
    pub fn settings(&self) -> Result<&Settings, Failure> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let file = if let Some(path) = self.config_path()? {
            debug!("settings of {}", path.display());
            Some(SettingsFile::read(&path)?)
        } else {
            debug!("no settings file");
            None
        };
        let settings = Settings::new(file, self.environment.clone(), self.overrides.clone())?;
        if !self.is_silent {
            settings.warnings().iter().for_each(|warning| self.ui.warn(warning));
        }
        Ok(self.settings.get_or_init(|| settings))
    }

    /// Returns the settings file: the one given, else the one in the working directory or above,
    /// else the one in the XDG configuration directory. One found above the working directory is
    /// reported on stderr, since its use may be unexpected.
    fn config_path(&self) -> Result<Option<PathBuf>, Failure> {
        use etcetera::BaseStrategy as _;
        let named = self.overrides.config.clone();
        if let Some(path) =
            named.or_else(|| self.environment.text("OAUTHCTL_CONFIG").map(PathBuf::from))
        {
            return Ok(Some(path));
        }
        let base = etcetera::base_strategy::Xdg::new().ok();
        if let Ok(directory) = std::env::current_dir() {
            let home = base.as_ref().map(etcetera::BaseStrategy::home_dir);
            match settings::find(&directory, home, rustix::process::geteuid().as_raw())? {
                Some(FoundFile::Here(path)) => return Ok(Some(path)),
                Some(FoundFile::Above(path)) => {
                    if !self.is_silent {
                        self.ui.say(format!("settings of {}", path.display()));
                    }
                    return Ok(Some(path));
                }
                None => {}
            }
        }
        let path = base.map(|base| base.config_dir().join("oauthctl").join(settings::FILE_NAME));
        // A directory or a dangling link must cause an error, and not be ignored.
        Ok(path.filter(|path| path.symlink_metadata().is_ok()))
    }

    /// Reads the configured key sources, in order. `None` if there are none.
    pub fn load_key_sources(&self) -> Result<Option<Vec<LoadedSource>>, Failure> {
        let Some(sources) = self.settings()?.key_sources()? else { return Ok(None) };
        self.warn_of_exposed_files()?;
        sources
            .into_iter()
            .map(|source| self.load_key_source(source))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Reads the configured key sources, each with its own result. `None` if there are none.
    pub fn try_key_sources(&self) -> Result<Option<Vec<Result<LoadedSource, Failure>>>, Failure> {
        let Some(sources) = self.settings()?.key_sources()? else { return Ok(None) };
        Ok(Some(
            sources.into_iter().map(|source| keyring::load(source, self.environment())).collect(),
        ))
    }

    /// Reads one key source.
    pub fn load_key_source(&self, source: KeySource) -> Result<LoadedSource, Failure> {
        if let KeySource::Variable { name, .. } = &source
            && !self.environment.exists(name)
        {
            // The settings may name further dotenv files.
            self.settings()?;
        }
        let loaded = keyring::load(source, self.environment())?;
        if let Some(warning) = loaded.warning() {
            self.ui.warn(warning);
        }
        Ok(loaded)
    }

    /// Returns the key set, if one is configured.
    pub fn key_set(&self) -> Result<Option<KeySet>, Failure> {
        self.load_key_sources()?.as_deref().map(keyring::key_set).transpose()
    }

    /// Returns the key sources of a command that requires keys.
    pub fn required_key_sources(&self) -> Result<Vec<LoadedSource>, Failure> {
        if let Some(sources) = self.load_key_sources()? {
            return Ok(sources);
        }
        let near = self.keys_nearby()?;
        let families = app::KEY_FAMILIES.len();
        let looked = format!(
            "no key source is configured, and of the {families} variables of apps none is set"
        );
        Err(usage(looked).hint(format!(
            "{near}name one with --keys env:NAME or --keys FILE, or in oauthctl.toml as `keys`; an app that has no key yet \
             gets one from `oauthctl gen-jwk`",
        )))
    }

    /// Returns the start of a hint about unused keys nearby, for a missing key source.
    pub fn keys_nearby(&self) -> Result<String, Failure> {
        Ok(nearby::keys(self.environment(), &self.settings()?.found_keys()))
    }

    /// Returns the address of the store, and its origin: configured or detected.
    pub fn store_address(&self) -> Result<(StoreUrl, Origin), Failure> {
        let settings = self.settings()?;
        let Sourced { text, origin } = match settings.store_url()? {
            Some(named) => named,
            None => self.found_store()?,
        };
        let url = StoreUrl::parse(&text, settings.base_of(&origin)).map_err(|e| match &origin {
            Origin::Flag(name) | Origin::Variable(name) => e.at(name),
            Origin::File => e.at("store.url"),
            Origin::Found(name) => e.at(name),
        })?;
        let url = url.filled(|name| self.environment().text(name).map(str::to_owned))?;
        for name in url.passed_over() {
            debug!("parameter {name} of the store's address changes nothing here");
        }
        Ok((url, origin))
    }

    /// Returns the identity of the store.
    pub fn store_id(&self) -> Result<StoreId, Failure> {
        Ok(self.store_address()?.0.id())
    }

    /// Returns the store that the app itself would use.
    fn found_store(&self) -> Result<Sourced, Failure> {
        for (variable, kind) in app::STORE_VARIABLES {
            let Some(text) = self.environment().text(variable) else { continue };
            let text = match kind {
                StoreVariable::Database => app::database_address(text),
                StoreVariable::Redis | StoreVariable::Rest(_) => text.to_owned(),
            };
            return Ok(Sourced { text, origin: Origin::Found(variable.to_owned()) });
        }
        if Path::new(app::DATABASE).exists() {
            let text = format!("sqlite:{}", app::DATABASE);
            return Ok(Sourced { text, origin: Origin::Found(app::DATABASE.to_owned()) });
        }
        let near = nearby::stores(self.environment());
        let names = app::STORE_VARIABLES.map(|(name, _)| name).join(", ");
        Err(usage(format!(
            "no store is configured: none of {names} is set, and there is no {} here",
            app::DATABASE
        ))
        .hint(format!(
            "{near}name it with --store redis://HOST or --store sqlite:PATH, or in oauthctl.toml as `url` under [store]",
        )))
    }

    /// Returns the parameters for opening the store.
    fn store_access(&self, url: &StoreUrl) -> Result<Access, Failure> {
        let settings = self.settings()?;
        let base = settings.base_of(&Origin::File);
        let is_it = |text: &str| StoreUrl::parse(text, base).is_ok_and(|named| named == *url);
        let token = match settings.store_token(is_it)? {
            Some(token) => Some(token),
            None => self.rest_token(url).map(|token| Zeroizing::new(token.to_owned())),
        };
        let names = app::STORE_VARIABLES.iter().filter_map(|(address, kind)| match kind {
            StoreVariable::Rest(token) => {
                self.environment().text(address).filter(|text| is_it(text)).map(|_| *token)
            }
            _ => None,
        });
        Ok(Access {
            ca_pem: settings.ca_pem()?,
            system_pem: if url.is_encrypted() { self.system_pem()? } else { Vec::new() },
            unused_proxy: settings.unused_proxy(),
            client_pem: settings.client_pem()?,
            token,
            token_name: names.into_iter().next().map(str::to_owned),
            state: self.state_directory().ok(),
            locks: if matches!(url, StoreUrl::Postgres(_)) { self.locks()? } else { None },
        })
    }

    /// Returns the certificates of the environment. Warns once about untrusted ones.
    fn system_pem(&self) -> Result<Vec<u8>, Failure> {
        let roots = self.settings()?.system_roots();
        if !self.is_silent && !self.warned_of_roots.replace(true) {
            roots.warnings.iter().for_each(|warning| self.ui.warn(warning));
        }
        Ok(roots.pem.clone())
    }

    /// Returns the Redis with the locks of an app that keeps its sessions in tables.
    fn locks(&self) -> Result<Option<Locks>, Failure> {
        let settings = self.settings()?;
        let found =
            || self.environment().text("REDIS_URL").map(|text| Zeroizing::new(text.to_owned()));
        let Some(text) = settings.lock_url()?.or_else(found) else { return Ok(None) };
        if text.as_str() == "none" {
            return Ok(Some(Locks::None));
        }
        let url = StoreUrl::parse(&text, settings.base_of(&Origin::File))
            .map_err(|e| e.at("store.lock_url"))?;
        let system_pem = if url.is_encrypted() { self.system_pem()? } else { Vec::new() };
        let (ca_pem, client_pem) = (settings.ca_pem()?, settings.client_pem()?);
        let access = Access { ca_pem, system_pem, client_pem, ..Access::default() };
        Ok(Some(Locks::Store(url, Box::new(access))))
    }

    /// Returns the app's own token for this address. It is never sent to another address.
    fn rest_token(&self, url: &StoreUrl) -> Option<&str> {
        app::STORE_VARIABLES.iter().find_map(|(address, kind)| {
            let StoreVariable::Rest(token) = kind else { return None };
            let is_another =
                |text: &str| StoreUrl::parse(text, Path::new("")).ok().as_ref() != Some(url);
            if self.environment().text(address).is_some_and(is_another) {
                None
            } else {
                self.environment().text(token)
            }
        })
    }

    /// Warns once about files with secrets that others can read.
    fn warn_of_exposed_files(&self) -> Result<(), Failure> {
        if !self.warned.replace(true) {
            for path in self.settings()?.exposed_files() {
                let path = path.display();
                self.ui.warn(format!(
                    "{path} holds secrets and can be read by other users; `chmod 600` it"
                ));
            }
        }
        Ok(())
    }

    /// Returns the store with the parameters for opening it.
    fn store_to_open(&self) -> Result<(StoreUrl, Access, LayoutChoice), Failure> {
        let (url, origin) = self.store_address()?;
        debug!("store {url}, from {origin}");
        let access = self.store_access(&url)?;
        Ok((url, access, self.layout_choice()?))
    }

    /// Opens the store, configured or detected.
    pub fn open_store(&self) -> Result<Box<dyn Store>, Failure> {
        self.warn_of_exposed_files()?;
        let (url, access, layout) = self.store_to_open()?;
        let store = self.runtime()?.block_on(store::open(&url, &access, &layout))?;
        debug!("layout {}", store.layout().name);
        Ok(store)
    }

    /// Opens the store for changes.
    pub fn open_store_to_change(&self) -> Result<Box<dyn Store>, Failure> {
        let store = self.open_store()?;
        store.check_user()?;
        Ok(store)
    }

    /// Opens the store for reading, once per layout of which it has records.
    pub fn open_stores(&self) -> Result<Vec<Box<dyn Store>>, Failure> {
        self.warn_of_exposed_files()?;
        let (url, access, layout) = self.store_to_open()?;
        let stores = self.runtime()?.block_on(store::open_all(&url, &access, &layout))?;
        for store in &stores {
            debug!("layout {}", store.layout().name);
        }
        Ok(stores)
    }

    /// Opens the store within a time limit.
    pub fn open_store_within(&self, limit: Duration) -> Result<Box<dyn Store>, Failure> {
        let (url, access, layout) = self.store_to_open()?;
        let open = async { tokio::time::timeout(limit, store::open(&url, &access, &layout)).await };
        self.runtime()?
            .block_on(open)
            .unwrap_or_else(|_| Err(failed("the store takes too long to answer")))
    }

    /// Checks whether there is a store, configured or used by the app.
    pub fn has_store(&self) -> bool {
        let is_unnamed =
            self.settings().and_then(Settings::store_url).is_ok_and(|named| named.is_none());
        !is_unnamed || self.found_store().is_ok()
    }

    /// Starts reading all records of the store in any layout. Also returns the address of the store
    /// and its origin.
    pub async fn begin_census(&self) -> Result<(StoreUrl, Origin, Scan), Failure> {
        let (url, origin) = self.store_address()?;
        let (access, layouts) = self.store_to_search(&url)?;
        let scan = store::census(&url, &access, layouts).await?;
        Ok((url, origin, scan))
    }

    /// Returns the parameters for reading all records of the store: those for opening it, and all
    /// layouts.
    pub fn store_to_search(&self, url: &StoreUrl) -> Result<(Access, Vec<Arc<Layout>>), Failure> {
        Ok((self.store_access(url)?, LayoutChoice::all(&self.settings()?.layouts()?)?))
    }

    /// Opens the store if it is configured. A detected one is no evidence of records that depend on
    /// a key.
    pub fn open_named_store(&self) -> Result<Option<Box<dyn Store>>, Failure> {
        if self.settings()?.store_url()?.is_none() {
            return Ok(None);
        }
        self.open_store().map(Some)
    }

    /// Checks whether the configured layout is one of an app that uses atcute.
    pub fn is_for_atcute(&self) -> bool {
        let choice = self.layout_choice();
        matches!(choice, Ok(LayoutChoice::Named(layout, _)) if layout.format == (&Atcute as &dyn Format))
    }

    fn layout_choice(&self) -> Result<LayoutChoice, Failure> {
        let settings = self.settings()?;
        let named = settings.layout()?;
        let name = named.as_ref().map_or("auto", |named| named.text.as_str());
        Ok(LayoutChoice::parse(name, &settings.layouts()?)?
            .for_client(self.client_id().ok().as_deref()))
    }

    /// Returns the directory for tokens that could not be stored.
    pub fn recovery_directory(&self) -> Result<PathBuf, Failure> {
        Ok(self.state_directory()?.join("recovery"))
    }

    /// Returns the directory for data that outlives a run and belongs to no store.
    pub fn state_directory(&self) -> Result<PathBuf, Failure> {
        use etcetera::BaseStrategy as _;
        let base = etcetera::base_strategy::Xdg::new().ok();
        let state = base.and_then(|base| base.state_dir());
        state.map(|state| state.join("oauthctl")).ok_or_else(|| {
            usage("there is no home directory to keep state in").hint("set HOME or XDG_STATE_HOME")
        })
    }

    /// Returns the app's `client_id`, used in token requests.
    pub fn client_id(&self) -> Result<String, Failure> {
        let settings = self.settings()?;
        if let Some(id) = settings.client_text("client_id")? {
            return Ok(id);
        }
        match settings.client_text("client_uri")? {
            Some(uri) => Ok(Site::parse(&uri).map_err(|e| e.at("client.client_uri"))?.client_id()),
            None => Err(usage(
                "no client_id is configured, and servers take tokens only from the client they were issued to",
            )
            .hint("set `client_id` (the URL of the client metadata document) under [client] in oauthctl.toml")),
        }
    }

    /// Returns the signal handler, installed on first use.
    pub fn interrupt(&self) -> Interrupt {
        let listen = || self.runtime().map(Interrupt::listen).unwrap_or_default();
        self.interrupt.get_or_init(listen).clone()
    }

    /// Returns the network client, created on first use. Nothing is sent by that.
    pub fn network(&self) -> Result<&Arc<Network>, Failure> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        self.system_pem()?;
        let settings = self.settings()?.network()?;
        if let Some(name) = settings.proxy.unused {
            debug!("{name} is set and not used; proxy = \"env:{name}\" under [network] uses it");
        }
        let random = Random::new(|| {
            let mut bytes = [0; 16];
            UnwrapErr(SysRng).fill_bytes(&mut bytes);
            bytes
        });
        let network = Network::new(settings, self.clock(), random).map_err(|e| {
            usage("cannot set the network up").because(e).hint("check [network] in oauthctl.toml")
        })?;
        Ok(self.network.get_or_init(|| Arc::new(network)))
    }

    /// Returns the async runtime, started on first use.
    ///
    /// It has one thread, which talks to servers while the main thread decodes and prints; more
    /// threads would mostly wake each other. It continues if the output is not read, on which
    /// sessions in progress depend.
    pub fn runtime(&self) -> Result<&Runtime, Failure> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|e| failed("cannot start the threads for I/O").because(e))?;
        Ok(self.runtime.get_or_init(|| runtime))
    }
}
