//! Evidence that a store without sessions is not the one that the app uses: it had sessions before,
//! or there are sessions nearby.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use tokio::time::timeout;

use super::last_count;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::jose::ClientKey;
use crate::session::{ClientId, KeyDependence};
use crate::store::{self, Access, Layout, StoreUrl};
use crate::ui::counted;

/// Total time limit of the search for sessions nearby.
const LOOKED_FOR: Duration = Duration::from_secs(2);

/// Evidence against a store without sessions.
pub struct EmptyStore {
    /// Number of sessions when it was last read.
    expected: u64,
    /// Sessions in other layouts of the store, and in other databases of its server.
    neighbours: Vec<Neighbour>,
}

/// Sessions in another place.
struct Neighbour {
    /// Description of the place: `redis://HOST/1 (layout npmx)`.
    place: String,
    /// Number of the client's own sessions.
    own: u64,
    others: u64,
    /// True if all of it could be read in time.
    is_complete: bool,
}

/// Criteria of the client's own sessions.
struct Client {
    client_id: Option<ClientId<'static>>,
    kids: HashSet<String>,
}

impl Client {
    fn new(context: &Context) -> Self {
        let keys = context.key_set().ok().flatten().unwrap_or_default();
        let kids =
            keys.iter().filter_map(ClientKey::kid).map(|kid| kid.as_str().to_owned()).collect();
        Self { client_id: context.client_id().ok(), kids }
    }

    /// Checks whether a session is this client's. A kid is only a name, so the client named by the
    /// tokens takes precedence.
    fn owns(&self, kid: Option<&str>, client_id: Option<&ClientId<'_>>) -> bool {
        match (client_id, &self.client_id) {
            (Some(named), Some(own)) => named == own,
            _ => kid.is_some_and(|kid| self.kids.contains(kid)),
        }
    }
}

impl EmptyStore {
    /// Searches for evidence after no session was found under these layouts, or under any if none
    /// are given. Reads for two seconds at most, and skips unreadable records.
    pub fn examine(context: &Context, layouts: &[&str]) -> Result<Self, Failure> {
        let expected = match layouts {
            [] => last_count::expected(context, None),
            layouts => {
                layouts.iter().map(|layout| last_count::expected(context, Some(layout))).sum()
            }
        };
        let (url, _) = context.store_address()?;
        let (access, layouts) = context.store_to_search(&url)?;
        let client = Client::new(context);
        let neighbours = RefCell::new(Vec::new());
        let search = async {
            let here = look(&url, true, &access, &layouts, &client, &neighbours);
            let elsewhere = async {
                let others = store::other_databases(&url, &access).await;
                future::join_all(
                    others
                        .iter()
                        .map(|url| look(url, false, &access, &layouts, &client, &neighbours)),
                )
                .await
            };
            future::join(here, elsewhere).await
        };
        // An incomplete result counts, too.
        let _ = context
            .runtime()?
            .block_on(context.interrupt().or(async { timeout(LOOKED_FOR, search).await }));
        Ok(Self { expected, neighbours: neighbours.into_inner() })
    }

    /// Returns the reason for which the store is probably the wrong one, if any.
    pub fn problem(&self) -> Option<String> {
        let expected = (self.expected > 0).then(|| {
            format!(
                "the store contains no sessions, but had {} when it was last read",
                self.expected
            )
        });
        let own = self.neighbours.iter().filter(|place| place.own > 0);
        let own: Vec<_> =
            own.map(|place| format!("{} has {}", place.place, place.count(place.own))).collect();
        let own = (!own.is_empty()).then(|| format!("{} of this client", own.join(", ")));
        match (expected, own) {
            (None, None) => None,
            (Some(expected), None) => Some(expected),
            (Some(expected), Some(own)) => Some(format!("{expected}; {own}")),
            (None, Some(own)) => Some(format!("the store contains no sessions, but {own}")),
        }
    }

    /// Names places with sessions of other clients only, if any.
    pub fn others(&self) -> Option<String> {
        let others = self.neighbours.iter().filter(|place| place.own == 0 && place.others > 0);
        let others: Vec<_> = others
            .map(|place| format!("{} has {}", place.place, place.count(place.others)))
            .collect();
        (!others.is_empty()).then(|| format!("{} of other clients", others.join(", ")))
    }

    /// Prints the warning, and returns the exit status of a run that has found no session.
    pub fn tell(&self, context: &Context, exit: Exit) -> Exit {
        if let Some(others) = self.others() {
            context.ui.note(others);
        }
        let Some(problem) = self.problem() else { return exit };
        context.ui.warn(format!("{problem}: check --store and --layout"));
        if exit == Exit::Done { Exit::Partial } else { exit }
    }
}

impl Neighbour {
    fn new(url: &StoreUrl, is_at_hand: bool, layout: Option<&str>) -> Self {
        let place = match layout {
            Some(layout) => format!("{url} (layout {layout})"),
            None if is_at_hand => format!("{url} (another layout)"),
            None => url.to_string(),
        };
        Self { place, own: 0, others: 0, is_complete: false }
    }

    fn count(&self, sessions: u64) -> String {
        let sessions = counted(sessions, "session");
        if self.is_complete { sessions } else { format!("at least {sessions}") }
    }
}

/// Counts the sessions of a database by layout, as far as time permits.
async fn look(
    url: &StoreUrl,
    is_at_hand: bool,
    access: &Access,
    layouts: &[Arc<Layout>],
    client: &Client,
    found: &RefCell<Vec<Neighbour>>,
) {
    let Ok(mut scan) = store::census(url, access, layouts.to_vec()).await else { return };
    let mut places: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    while let Ok(records) = scan.next().await {
        let Some(records) = records else {
            for at in places.values() {
                found.borrow_mut()[*at].is_complete = true;
            }
            return;
        };
        for record in &records {
            let KeyDependence::Session { kid, client_id, .. } = KeyDependence::of(&record.value)
            else {
                continue;
            };
            let layout = layout_of(&record.key.text(), layouts);
            let mut found = found.borrow_mut();
            let at = *places.entry(layout).or_insert_with(|| {
                found.push(Neighbour::new(url, is_at_hand, layout));
                found.len() - 1
            });
            let place = &mut found[at];
            *if client.owns(kid.as_deref(), client_id.as_ref()) {
                &mut place.own
            } else {
                &mut place.others
            } += 1;
        }
    }
}

/// Returns the layout of a session in Redis, by its key. Keys in SQLite are the accounts alone.
fn layout_of<'l>(key: &str, layouts: &'l [Arc<Layout>]) -> Option<&'l str> {
    let has_key = |layout: &&Arc<Layout>| {
        layout.has_keys() && layout.session_pattern().parse_key(key).is_some()
    };
    layouts.iter().find(has_key).map(|layout| layout.name.as_str())
}
