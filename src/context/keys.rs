//! Key sources of the app.

use super::Context;
use crate::error::{Failure, usage};
use crate::jose::KeySet;
use crate::keyring::{self, KeySource, LoadedSource};
use crate::settings::{app, nearby};

impl Context {
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
        Ok(Some(sources.into_iter().map(|source| self.read_key_source(source)).collect()))
    }

    /// Reads one key source without a word about it.
    pub fn read_key_source(&self, source: KeySource) -> Result<LoadedSource, Failure> {
        let KeySource::Table { name } = &source else {
            return keyring::load(source, self.environment());
        };
        let text = self.keys_in_store(name).map_err(|e| e.at(&source))?;
        keyring::of_table(source, &text)
    }

    /// Reads one key source.
    pub fn load_key_source(&self, source: KeySource) -> Result<LoadedSource, Failure> {
        if let KeySource::Variable { name, .. } = &source
            && !self.environment.exists(name)
        {
            // The settings may name further dotenv files.
            self.settings()?;
        }
        let loaded = self.read_key_source(source)?;
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
            "no key source is configured, and none of the {families} known variables is set"
        );
        Err(usage(looked).hint(format!(
            "{near}use --keys env:NAME or --keys FILE, or set `keys` in oauthctl.toml; `oauthctl gen-jwk` creates a first key",
        )))
    }

    /// Returns the start of a hint about unused keys nearby, for a missing key source.
    pub fn keys_nearby(&self) -> Result<String, Failure> {
        Ok(nearby::keys(self.environment(), &self.settings()?.found_keys()))
    }
}
