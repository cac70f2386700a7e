//! Store of the app, detected or given, in `init`.

use std::path::Path;

use super::answers::{Interview, Question};
use super::draft::DraftStore;
use super::found::AppStore;
use crate::error::{Failure, usage};
use crate::settings::app::StoreVariable;
use crate::settings::stores::FoundStore;
use crate::settings::{FILE_NAME, Origin, SettingsFile};
use crate::store::StoreUrl;

impl Interview<'_> {
    /// Asks for the store. Also returns the variables that the settings refer to for it and for its
    /// locks.
    pub fn store(&self, offline: bool) -> Result<(Option<DraftStore>, Vec<&'static str>), Failure> {
        let said =
            self.context.overrides().store.clone().or_else(|| self.variable("OAUTHCTL_STORE"));
        let (found, variables) =
            if said.is_some() { (None, Vec::new()) } else { self.app_store(offline)? };
        let question = Question {
            text: "Session store (sqlite:PATH, redis://HOST, postgres://HOST/DATABASE, env:NAME, or none)",
            flag: "--store",
            given: said.as_deref(),
            offered: Some(
                found.as_ref().map_or_else(|| "none".to_owned(), |store| store.url.clone()),
            ),
            optional: false,
        };
        let url = self.answer(question, |text| self.check_store(text))?;
        if url == "none" {
            return Ok((None, variables));
        }
        let token = found.filter(|found| found.url == url).and_then(|found| found.token);
        Ok((Some(DraftStore { url, token }), variables))
    }

    /// The store that the app uses, and the variables that name its stores. Of several the one with
    /// the sessions, for which they are opened.
    fn app_store(&self, offline: bool) -> Result<(Option<AppStore>, Vec<&'static str>), Failure> {
        let found = self.app.stores()?;
        found.ignored().iter().for_each(|line| self.context.ui.note(line));
        let token = |store: &FoundStore| match store.kind {
            StoreVariable::Rest(token) => Some(token),
            _ => None,
        };
        let variables: Vec<_> = found
            .stores
            .iter()
            .flat_map(|store| [Some(store.name), token(store)])
            .flatten()
            .collect();
        let chosen = match &found.stores[..] {
            [] => self.app.usual_database(),
            [one] => Some(one.into()),
            several if offline => {
                let names: Vec<_> = several.iter().map(|store| store.name).collect();
                self.context.ui.note(format!(
                    "{} name stores: every command looks for the one with the sessions; --store env:NAME names it",
                    names.join(", ")
                ));
                None
            }
            several => {
                let files = self.app.files_of(variables.iter().copied());
                let files = toml::Value::from(
                    files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>(),
                );
                let text = format!("env_file = {files}\n");
                let settings = SettingsFile::parse(Path::new(FILE_NAME), &text)?;
                let (_, origin) = self.context.under(settings)?.store_address()?;
                several
                    .iter()
                    .find(|store| origin == Origin::Found(store.name.to_owned()))
                    .map(AppStore::from)
            }
        };
        if let Some(store) = &chosen {
            self.context.ui.note(format!("found the app's store: {}", store.by));
        }
        Ok((chosen, variables))
    }

    fn check_store(&self, text: &str) -> Result<(), Failure> {
        if text == "none" {
            return Ok(());
        }
        if let Some(name) = text.strip_prefix("env:") {
            let found = self.app.variable(name).filter(|sighting| !sighting.value.is_empty());
            let missing = || usage(format!("{name} is not exported, and not in an .env file here"));
            let value = found.ok_or_else(|| missing().hint("use a variable that is set"))?.value;
            return StoreUrl::parse(&value, Path::new("")).map(drop).map_err(|e| e.at(name));
        }
        if text.starts_with("file:") {
            return Ok(());
        }
        let authority = text
            .split_once("//")
            .map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        if authority.contains('@') {
            return Err(usage(
                "this address contains a password, which does not belong in the settings",
            )
            .hint("put the address in a variable, and use env:NAME"));
        }
        StoreUrl::parse(text, Path::new("")).map(drop)
    }
}
