//! The store of a command: the one that is named, or found among the app's variables.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future;
use tokio::runtime::Builder;
use tracing::debug;
use zeroize::Zeroizing;

use super::Context;
use crate::error::{Failure, failed, usage};
use crate::session::{Atcute, Format};
use crate::settings::app::StoreVariable;
use crate::settings::stores::{FoundStore, FoundStores};
use crate::settings::{Origin, Sourced, app, nearby};
use crate::store::{self, Access, Layout, LayoutChoice, Locks, Scan, Store, StoreId, StoreUrl};

/// Time that a store may take to show whether it has records, where the app's variables name several.
const LOOKED_INTO: Duration = Duration::from_secs(2);

impl Context {
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
        let url = self.filled(url)?;
        for name in url.passed_over() {
            debug!("parameter {name} of the store's address has no effect");
        }
        Ok((url, origin))
    }

    /// Returns the identity of the store.
    pub fn store_id(&self) -> Result<StoreId, Failure> {
        Ok(self.store_address()?.0.id())
    }

    /// Returns the store of the app: of several in its variables, the one with records, else the
    /// first.
    fn found_store(&self) -> Result<Sourced, Failure> {
        if let Some(found) = self.found_store.get() {
            return Ok(found.clone());
        }
        let found = self.settings()?.found_stores()?;
        let chosen = match &found.stores[..] {
            [] if Path::new(app::DATABASE).exists() => {
                let text = format!("sqlite:{}", app::DATABASE);
                Sourced { text, origin: Origin::Found(app::DATABASE.to_owned()) }
            }
            [] => return Err(self.no_store(&found)),
            [one] => one.sourced(),
            several => self.store_with_records(several)?.sourced(),
        };
        if !self.is_silent {
            found.ignored().iter().for_each(|line| self.ui.note(line));
        }
        Ok(self.found_store.get_or_init(|| chosen).clone())
    }

    fn no_store(&self, found: &FoundStores) -> Failure {
        let ignored: String = found.ignored().iter().map(|line| format!("{line}; ")).collect();
        let near = nearby::stores(self.environment());
        let names = app::STORE_VARIABLES.map(|(name, _)| name).join(", ");
        usage(format!(
            "no store is configured: none of {names} names a store, and {} does not exist here",
            app::DATABASE
        ))
        .hint(format!(
            "{ignored}{near}name it with --store redis://HOST, --store postgres://HOST/DATABASE or --store sqlite:PATH, \
             or in oauthctl.toml as `url` under [store]",
        ))
    }

    /// Returns the only store with records. Fails if a store cannot be read or several have records.
    fn store_with_records<'f>(&self, found: &'f [FoundStore]) -> Result<&'f FoundStore, Failure> {
        let options: Vec<_> =
            found.iter().map(|store| format!("--store {}", store.reference())).collect();
        let which = format!("name the one with the sessions: {}", options.join(" or "));
        if self.is_silent {
            return Err(usage("several variables name stores").hint(which));
        }
        let layouts = LayoutChoice::all(&self.settings()?.layouts()?)?;
        let open = |store: &FoundStore| {
            let url = self.filled(StoreUrl::parse(&store.address, Path::new(""))?)?;
            Ok((self.store_access(&url)?, url))
        };
        let stores = found
            .iter()
            .map(|store| open(store).map_err(|e: Failure| e.at(store.name)))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut with_records, mut unread) = (Vec::new(), None);
        for ((answer, store), (_, url)) in
            look_into(&stores, &layouts)?.into_iter().zip(found).zip(&stores)
        {
            match answer {
                Ok(true) => with_records.push((store, url)),
                Ok(false) => debug!("{} ({url}) has no sessions", store.name),
                Err(e) => {
                    let hint = e.advice().map_or(String::new(), |advice| format!("{advice}; or "));
                    unread.get_or_insert(e.at(store.name).hint(format!("{hint}{which}")));
                }
            }
        }
        match (unread, &with_records[..]) {
            (Some(failure), _) => Err(failure),
            (None, []) => Ok(&found[0]),
            (None, [(one, _)]) => Ok(one),
            (None, several) => {
                let places: Vec<_> =
                    several.iter().map(|(store, url)| format!("{} ({url})", store.name)).collect();
                let problem =
                    format!("several of the app's stores have sessions: {}", places.join(", "));
                Err(usage(problem).hint(which))
            }
        }
    }

    /// Returns the address with missing parts taken from libpq's variables.
    fn filled(&self, url: StoreUrl) -> Result<StoreUrl, Failure> {
        url.filled(|name| self.environment().text(name).map(str::to_owned))
    }

    /// Returns what any store requires in addition to its address.
    fn access(&self, url: &StoreUrl) -> Result<Access, Failure> {
        let settings = self.settings()?;
        Ok(Access {
            ca_pem: settings.ca_pem()?,
            system_pem: if url.is_encrypted() { self.system_pem()? } else { Vec::new() },
            proxy: settings.proxy()?,
            client_pem: settings.client_pem()?,
            token: self.rest_token(url).map(|token| token.to_owned().into()),
            ..Access::default()
        })
    }

    /// Returns what the store of the sessions requires in addition to its address.
    fn store_access(&self, url: &StoreUrl) -> Result<Access, Failure> {
        let settings = self.settings()?;
        let access = self.access(url)?;
        let base = settings.base_of(&Origin::File);
        let is_it = |text: &str| StoreUrl::parse(text, base).is_ok_and(|named| named == *url);
        let named = settings.store_token(is_it)?.map(|token| token.as_str().to_owned().into());
        let names = app::STORE_VARIABLES.iter().filter_map(|(address, kind)| match kind {
            StoreVariable::Rest(token) => {
                self.environment().text(address).filter(|text| is_it(text)).map(|_| *token)
            }
            _ => None,
        });
        Ok(Access {
            token: named.or(access.token),
            token_name: names.into_iter().next().map(str::to_owned),
            state: self.state_directory().ok(),
            locks: match url {
                StoreUrl::Postgres(_) | StoreUrl::Sqlite(_) => self.locks()?,
                StoreUrl::Redis(_) | StoreUrl::Rest(_) => None,
            },
            ..access
        })
    }

    /// Returns the Redis with the locks of an app that keeps its sessions in tables: the configured
    /// one, else the only one in the app's variables.
    fn locks(&self) -> Result<Option<Locks>, Failure> {
        let settings = self.settings()?;
        let text = match settings.lock_url()? {
            Some(named) => named,
            None => match settings.found_locks() {
                Some(found) => Zeroizing::new(found),
                None => return Ok(None),
            },
        };
        if text.as_str() == "none" {
            return Ok(Some(Locks::None));
        }
        let url = StoreUrl::parse(&text, settings.base_of(&Origin::File))
            .map_err(|e| e.at("store.lock_url"))?;
        let access = self.access(&url)?;
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

    /// Opens the store to end or replace sessions in it. One that only a name has led to under which
    /// programs keep databases of all kinds has to be named.
    pub fn open_store_to_end(&self) -> Result<Box<dyn Store>, Failure> {
        if let (url, Origin::Found(name)) = self.store_address()?
            && app::is_general(&name)
        {
            let reference = url.file().map_or(format!("env:{name}"), |_| url.to_string());
            return Err(usage(format!(
                "only {name} names a store, and programs keep databases of all kinds under that name"
            ))
            .hint(format!(
                "where it is the one with the sessions, say so: add --store {reference}, or to oauthctl.toml these lines:\n\
                 [store]\nurl = \"{reference}\""
            )));
        }
        self.open_store_to_change()
    }

    /// Opens the store for reading, once per layout with records.
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
            .unwrap_or_else(|_| Err(failed("the store did not answer in time")))
    }

    /// Checks whether there is a store to look into: one that is named, or one that the app would use.
    /// Opens none.
    pub fn has_store(&self) -> bool {
        let Ok(settings) = self.settings() else { return true };
        let is_unnamed = settings.store_url().is_ok_and(|named| named.is_none());
        let is_found = || settings.found_stores().map_or(true, |found| !found.stores.is_empty());
        !is_unnamed || is_found() || Path::new(app::DATABASE).exists()
    }

    /// Starts reading all records of the store in any layout. Also returns the address of the store
    /// and its origin.
    pub async fn begin_census(&self) -> Result<(StoreUrl, Origin, Scan), Failure> {
        let (url, origin) = self.store_address()?;
        let (access, layouts) = self.store_to_search(&url)?;
        let scan = store::census(&url, &access, layouts).await?;
        Ok((url, origin, scan))
    }

    /// Returns what reading every record of the store takes: what opening it takes, and every layout there
    /// is.
    pub fn store_to_search(&self, url: &StoreUrl) -> Result<(Access, Vec<Arc<Layout>>), Failure> {
        Ok((self.store_access(url)?, LayoutChoice::all(&self.settings()?.layouts()?)?))
    }

    /// Reads the keys in a table of the store, as an array of JWKs.
    pub(super) fn keys_in_store(&self, table: &str) -> Result<Zeroizing<String>, Failure> {
        let (url, _) = self.store_address()?;
        let access = self.store_access(&url)?;
        on_own_thread(|| store::keys_in_table(&url, &access, table))?
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
            .for_client(self.client_id().ok().as_ref()))
    }
}

/// Returns for each store whether it has records.
fn look_into(
    stores: &[(Access, StoreUrl)],
    layouts: &[Arc<Layout>],
) -> Result<Vec<Result<bool, Failure>>, Failure> {
    let look = async |(access, url): &(Access, StoreUrl)| {
        tokio::time::timeout(LOOKED_INTO, store::has_records(url, access, layouts))
            .await
            .unwrap_or_else(|_| {
                let limit = LOOKED_INTO.as_secs();
                Err(failed(format!(
                    "did not report within {limit} seconds whether it has sessions"
                ))
                .at(url))
            })
    };
    on_own_thread(|| future::join_all(stores.iter().map(look)))
}

/// Waits on a new thread, because the current one may already be waiting for a future.
fn on_own_thread<F: Future<Output: Send>>(
    begin: impl FnOnce() -> F + Send,
) -> Result<F::Output, Failure> {
    let wait = || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| failed("cannot start the threads for I/O").because(e))?;
        let answer = runtime.block_on(begin());
        // What still waits for a locked database waits alone.
        runtime.shutdown_background();
        Ok(answer)
    };
    thread::scope(|scope| scope.spawn(wait).join())
        .unwrap_or_else(|_| Err(failed("looking into the store has failed")))
}
