//! Settings of `[store]` and `[layouts]`.

use std::collections::BTreeMap;

use toml::Value;
use zeroize::Zeroizing;

use super::app::StoreVariable;
use super::stores::FoundStores;
use super::{Settings, Sourced, lookup};
use crate::error::{Failure, usage};

impl Settings {
    /// Returns the configured store with its origin. Fails if `--profile` and a variable name
    /// different stores.
    pub fn store_url(&self) -> Result<Option<Sourced>, Failure> {
        const VARIABLE: &str = "OAUTHCTL_STORE";
        let of_profile = || lookup(self.profile_table()?, "store", "url")?.as_str();
        if self.overrides.store.is_none()
            && let Some(profile) = &self.overrides.profile
            && let Some(text) = self.environment.text(VARIABLE)
            && of_profile().is_some_and(|other| other != text)
        {
            return Err(usage(format!("--profile {profile} and {VARIABLE} name different stores"))
                .hint(format!("unset {VARIABLE}, or choose one with --store")));
        }
        self.layered("--store", self.overrides.store.as_deref(), "OAUTHCTL_STORE", "store", "url")
    }

    /// Returns the stores in the app's variables.
    pub fn found_stores(&self) -> Result<FoundStores, Failure> {
        FoundStores::read(|name| self.environment.lossy(name))
    }

    /// Returns the address of the Redis in the app's variables that may contain the locks of an app
    /// with an SQL store: that of `REDIS_URL`, else the only one.
    pub fn found_locks(&self) -> Option<String> {
        let mut found = self.found_stores().ok()?.stores;
        found.retain(|store| matches!(store.kind, StoreVariable::Redis | StoreVariable::Rest(_)));
        let is_clear =
            found.len() == 1 || found.first().is_some_and(|store| store.name == "REDIS_URL");
        found.into_iter().next().filter(|_| is_clear).map(|store| store.address)
    }

    /// Checks whether an option or a variable names the store. The store settings of the file
    /// (layout, token) then do not apply.
    pub(super) fn store_is_named_elsewhere(&self) -> bool {
        self.overrides.store.is_some() || self.environment.text("OAUTHCTL_STORE").is_some()
    }

    /// Returns the configured layout.
    pub fn layout(&self) -> Result<Option<Sourced>, Failure> {
        self.layered(
            "--layout",
            self.overrides.layout.as_deref(),
            "OAUTHCTL_LAYOUT",
            "store",
            "layout",
        )
    }

    /// Returns the token of a store with a REST interface: the one that the file gives for an
    /// address accepted by `is_it`. It is never sent to another address.
    pub fn store_token(
        &self,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(file) = self.file.as_ref().filter(|_| !self.store_is_named_elsewhere()) else {
            return Ok(None);
        };
        let tables = [self.profile_table(), Some(file.table())];
        for (n, table) in tables.iter().enumerate() {
            let Some(token) = table.and_then(|table| lookup(table, "store", "token")) else {
                continue;
            };
            // A profile inherits the address unless it overrides it.
            let mut addresses =
                tables[n..].iter().flatten().filter_map(|table| lookup(table, "store", "url"));
            let address = addresses.next().map(|value| self.one_value(value, file, "store.url"));
            if address.is_some_and(|address| address.is_ok_and(|address| is_it(&address))) {
                return self.one_value(token, file, "store.token").map(Some);
            }
        }
        Ok(None)
    }

    /// Returns the Redis with the locks of an app that keeps its sessions in tables, or `none`.
    pub fn lock_url(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(file) = self.file.as_ref().filter(|_| !self.store_is_named_elsewhere()) else {
            return Ok(None);
        };
        let tables = [self.profile_table(), Some(file.table())];
        let value =
            tables.into_iter().flatten().find_map(|table| lookup(table, "store", "lock_url"));
        value.map(|value| self.one_value(value, file, "store.lock_url")).transpose()
    }

    /// Returns the layouts described in the file: their members as text, by name.
    pub fn layouts(&self) -> Result<BTreeMap<String, BTreeMap<String, String>>, Failure> {
        let Some(file) = &self.file else { return Ok(BTreeMap::new()) };
        let Some(layouts) = file.table().get("layouts").and_then(Value::as_table) else {
            return Ok(BTreeMap::new());
        };
        let member = |layout: &str, (name, value): (&String, &Value)| {
            let place = format!("layouts.{layout}.{name}");
            let text = self.one_value(value, file, &place)?;
            Ok((name.clone(), text.to_string()))
        };
        let layout = |(name, value): (&String, &Value)| {
            let members = value.as_table().into_iter().flatten();
            Ok((
                name.clone(),
                members.map(|one| member(name, one)).collect::<Result<_, Failure>>()?,
            ))
        };
        layouts.iter().map(layout).collect()
    }
}
