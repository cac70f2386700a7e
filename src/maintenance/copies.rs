//! Finds duplicate records of one session: in a whole store, for some accounts, and under the lock
//! on an account.

use std::collections::HashSet;
use std::iter;

use crate::session::{Comparison, Copies, Did, LayoutTraits, Relation, Repeats, Session};
use crate::store::{Kind, Layout, Store, Stored, Want};

/// Reads a whole store, unless its layout excludes duplicates, and again if something occurs twice.
/// Memory: 16 bytes per record, and more only for records that have something in common.
pub async fn find_copies(store: &dyn Store) -> anyhow::Result<Copies> {
    let others = store.others().await;
    if others.is_empty() && !store.may_have_copies() {
        return Ok(Copies::default());
    }
    let stores: Vec<_> = iter::once(store).chain(others.iter().map(|other| &**other)).collect();
    let layouts: Vec<_> = stores.iter().map(|store| traits(store.layout())).collect();
    let mut repeats = Repeats::new(&layouts);
    for store in &stores {
        for_each(*store, |_, session| repeats.add(session)).await?;
    }
    let mut comparison = Comparison::new(layouts);
    if !repeats.is_empty() {
        for (n, store) in stores.iter().enumerate() {
            let add = |stored: &Stored, session: &Session<'_>| {
                if repeats.has(session) {
                    comparison.add(n, &stored.key.text(), &stored.value, &session.did);
                }
            };
            for_each(*store, add).await?;
        }
    }
    Ok(comparison.copies())
}

/// Reads the other records of these sessions' accounts.
pub async fn find_copies_of(store: &dyn Store, sessions: &[Stored]) -> anyhow::Result<Copies> {
    let others = store.others().await;
    let layouts =
        iter::once(store.layout()).chain(others.iter().map(|other| other.layout())).map(traits);
    let mut comparison = Comparison::new(layouts.collect());
    let mut seen = HashSet::new();
    for session in sessions {
        let key = session.key.text();
        let account = store
            .layout()
            .session_pattern()
            .parse_key(&key)
            .and_then(|(did, _)| did.parse::<Did>().ok());
        let Some(did) = account else { continue };
        if !store.may_have_copies() {
            comparison.add(0, &key, &session.value, did.as_str());
        }
        if !seen.insert(did.clone()) {
            continue;
        }
        if store.may_have_copies() {
            for stored in store.sessions_of(&did).await? {
                comparison.add(0, &stored.key.text(), &stored.value, did.as_str());
            }
        }
        for (n, other) in others
            .iter()
            .enumerate()
            .filter(|(_, other)| other.layout().session_pattern().has_many())
        {
            for stored in other.sessions_of(&did).await? {
                comparison.add(n + 1, &stored.key.text(), &stored.value, did.as_str());
            }
        }
        add_elsewhere(&mut comparison, store, &did).await?;
    }
    Ok(comparison.copies())
}

/// Reads the account's other sessions again, if their keys follow from the account. Returns the
/// relation that keeps this session from being refreshed, if any.
pub(super) async fn objection(
    store: &dyn Store,
    session: &Stored,
    did: &Did,
) -> anyhow::Result<Option<(Relation, String)>> {
    let mut comparison = Comparison::new(vec![traits(store.layout())]);
    if store.may_have_copies() && !store.layout().session_pattern().has_many() {
        for stored in store.sessions_of(did).await? {
            comparison.add(0, &stored.key.text(), &stored.value, did.as_str());
        }
    } else {
        comparison.add(0, &session.key.text(), &session.value, did.as_str());
    }
    add_elsewhere(&mut comparison, store, did).await?;
    let copies = comparison.copies();
    Ok(copies
        .of(&session.key.text(), &session.value)
        .map(|(relation, why)| (relation, why.to_owned())))
}

async fn add_elsewhere(
    comparison: &mut Comparison,
    store: &dyn Store,
    did: &Did,
) -> anyhow::Result<()> {
    for (layout, stored) in store.elsewhere(did).await? {
        let n = comparison.layout(LayoutTraits { name: layout, has_one: true });
        comparison.add(n, &stored.key.text(), &stored.value, did.as_str());
    }
    Ok(())
}

fn traits(layout: &Layout) -> LayoutTraits {
    LayoutTraits { name: layout.name.clone(), has_one: !layout.session_pattern().has_many() }
}

/// Reads all sessions whose account is in their key.
async fn for_each(
    store: &dyn Store,
    mut see: impl FnMut(&Stored, &Session<'_>),
) -> anyhow::Result<()> {
    let mut scan = store.scan(Kind::Session, Want { values: true, ttls: false });
    while let Some(records) = scan.next().await? {
        for stored in &records {
            if let Ok(session) = store.layout().session(stored) {
                see(stored, &session);
            }
        }
    }
    Ok(())
}
