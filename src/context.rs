//! Access to settings, keys, time, randomness and the terminal. The only reader of the environment,
//! the clock and the random number generator. Everything below takes values.

mod keys;
mod store;

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use getrandom::SysRng;
use getrandom::rand_core::{Rng as _, UnwrapErr};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tracing::debug;

use crate::args::GlobalArgs;
use crate::environment::Environment;
use crate::error::{Failure, failed, usage};
use crate::interrupt::Interrupt;
use crate::oauth::client_metadata::Site;
use crate::oauth::{Clock, Network, Random};
use crate::session::ClientId;
use crate::settings::{self, FoundFile, Overrides, Settings, SettingsFile, Sourced};
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
    /// The store that was found among the app's variables.
    found_store: OnceCell<Sourced>,
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
            found_store: OnceCell::new(),
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
            let now =
                now.parse().unwrap_or_else(|_| panic!("OAUTHCTL_TEST_NOW is not a time: {now}"));
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

    /// Returns the certificates of the environment. Warns once about untrusted ones.
    fn system_pem(&self) -> Result<Vec<u8>, Failure> {
        let roots = self.settings()?.system_roots();
        if !self.is_silent && !self.warned_of_roots.replace(true) {
            roots.warnings.iter().for_each(|warning| self.ui.warn(warning));
        }
        Ok(roots.pem.clone())
    }

    /// Warns once about files with secrets that others can read.
    fn warn_of_exposed_files(&self) -> Result<(), Failure> {
        if !self.warned.replace(true) {
            for path in self.settings()?.exposed_files() {
                let path = path.display();
                self.ui.warn(format!(
                    "{path} contains secrets and can be read by other users; `chmod 600` it"
                ));
            }
        }
        Ok(())
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
            usage("no home directory for state files").hint("set HOME or XDG_STATE_HOME")
        })
    }

    /// Returns the app's `client_id`, used in token requests.
    pub fn client_id(&self) -> Result<ClientId<'static>, Failure> {
        let settings = self.settings()?;
        if let Some(id) = settings.client_text("client_id")? {
            return Ok(id.into());
        }
        match settings.client_text("client_uri")? {
            Some(uri) => Ok(Site::parse(&uri).map_err(|e| e.at("client.client_uri"))?.client_id().into()),
            None => Err(usage(
                "no client_id is configured, and servers accept tokens only from the client that they were issued to",
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
            debug!(
                "{name} is set but not used; to use it, set proxy = \"env:{name}\" under [network]"
            );
        }
        let random = Random::new(|| {
            let mut bytes = [0; 16];
            UnwrapErr(SysRng).fill_bytes(&mut bytes);
            bytes
        });
        let network = Network::new(settings, self.clock(), random).map_err(|e| {
            usage("cannot set up the network").because(e).hint("check [network] in oauthctl.toml")
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
