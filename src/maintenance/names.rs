//! Names of a store's sessions: accounts, record keys and kids.

use std::collections::BTreeSet;

use crate::error::nearest;
use crate::store::{Kind, Store, Want};

/// Returns the account or record key most similar to a name.
pub async fn nearest_name(stores: &[&dyn Store], name: &str) -> anyhow::Result<Option<String>> {
    let mut best: Option<String> = None;
    for store in stores {
        let pattern = store.layout().session_pattern();
        let mut scan = store.scan(Kind::Session, Want { values: false, ttls: false });
        while let Some(records) = scan.next().await? {
            for stored in &records {
                let key = stored.key.text();
                let account = pattern.parse_key(&key).map(|(did, _)| did);
                let candidates = account.into_iter().chain([&*key]).chain(best.as_deref());
                let found = nearest(name, candidates).map(str::to_owned);
                best = found.or(best);
            }
        }
    }
    Ok(best)
}

/// Returns the kids to which sessions are bound.
pub async fn bound_kids(stores: &[&dyn Store]) -> anyhow::Result<BTreeSet<String>> {
    let mut kids = BTreeSet::new();
    for store in stores {
        let mut scan = store.scan(Kind::Session, Want { values: true, ttls: false });
        while let Some(records) = scan.next().await? {
            for stored in &records {
                let session = store.layout().session(stored).ok();
                let kid = session.and_then(|session| session.client_auth?.into_key());
                if let Some(kid) = kid.filter(|kid| !kids.contains(&**kid)) {
                    kids.insert(kid.into_owned());
                }
            }
        }
    }
    Ok(kids)
}
