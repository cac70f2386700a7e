//! Checks the contents of the store: whether the keys to which sessions are bound are available,
//! published and active.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::keys::named;
use super::{Finding, LocalKeys, Topic};
use crate::jose::KeySet;
use crate::json::{items, member};
use crate::oauth::brief;
use crate::session::{BoundCount, BoundRecords, ClientId, Copies, Issuer, Relation};
use crate::store::{Kind, Layout, Stored};
use crate::text::{counted, sessions_and_logins};

const TOPIC: Topic = Topic::Sessions;

/// Numbers of records in a store, by their dependencies.
#[derive(Default)]
pub struct Tally {
    client_id: Option<ClientId<'static>>,
    sessions: u64,
    by_kid: BoundRecords,
    public: u64,
    malformed: u64,
    /// Records that may belong to another library or program, or be encrypted.
    unknown: u64,
    /// Sessions whose tokens name another client.
    foreign: u64,
    /// Client named by the first of them.
    other_client: Option<ClientId<'static>>,
    /// Records with a session that another record contains, too.
    copies: u64,
    /// Sessions of accounts with several, in a layout for one.
    rivals: u64,
    /// Number of sessions by authorization server.
    issuers: HashMap<Issuer<'static>, u64>,
}

impl Tally {
    /// Creates an empty tally. Tokens are compared with the `client_id`, if it is known.
    pub fn new(client_id: Option<&ClientId<'_>>) -> Self {
        Self { client_id: client_id.map(ClientId::to_owned), ..Self::default() }
    }

    /// Counts records that are not refreshed because of others.
    pub fn add_copies(&mut self, copies: &Copies) {
        self.copies += copies.count(Relation::Copy) + copies.count(Relation::CopyElsewhere);
        self.rivals += copies.count(Relation::Rival);
    }

    /// Returns the authorization servers of the client's sessions, those with most sessions first.
    pub fn issuers(&self) -> Vec<Issuer<'static>> {
        let mut issuers: Vec<_> = self.issuers.iter().collect();
        issuers.sort_unstable_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        issuers.into_iter().map(|(issuer, _)| issuer.clone()).collect()
    }

    /// Checks whether there is any session.
    pub fn has_sessions(&self) -> bool {
        self.sessions > 0
    }

    /// Counts a record.
    pub fn add(&mut self, kind: Kind, layout: &Layout, stored: &Stored) {
        let client_auth = match kind {
            Kind::Session => {
                self.sessions += 1;
                let Ok(read) = layout.session(stored) else {
                    *if stored.is_nobodys() { &mut self.malformed } else { &mut self.unknown } += 1;
                    return;
                };
                let of_another = |ours: &ClientId<'_>| {
                    read.access_token.client_id().filter(|id| *id != ours).cloned()
                };
                if let Some(id) = self.client_id.as_ref().and_then(of_another) {
                    // Its key belongs to the other client and is not expected here.
                    self.other_client.get_or_insert(id);
                    return self.foreign += 1;
                }
                self.public += u64::from(read.is_public());
                match self.issuers.get_mut(read.issuer.as_str()) {
                    Some(count) => *count += 1,
                    None => drop(self.issuers.insert(read.issuer.to_owned(), 1)),
                }
                read.client_auth
            }
            // An unreadable one expires.
            Kind::State => layout.login(stored).ok().and_then(|login| login.client_auth),
        };
        let Some(count) = client_auth.and_then(|method| self.by_kid.of(method)) else { return };
        match kind {
            Kind::Session => count.sessions += 1,
            Kind::State => count.states += 1,
        }
    }
}

/// Compares the keys that sessions need with the available ones. `published` is the key set, if it
/// could be read.
pub fn check(
    tally: &Tally,
    keys: &LocalKeys,
    published: Option<&Value>,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if tally.foreign > 0 {
        findings.push(Finding::problem(
            TOPIC,
            format!(
                "the tokens of {} were issued to another client_id: {}, not {}",
                counted(tally.foreign, "session"),
                brief(tally.other_client.as_ref().map_or("", ClientId::as_str)),
                tally.client_id.as_ref().map_or("", ClientId::as_str),
            ),
            "a refresh with this client_id would destroy them, so oauthctl does not refresh them",
            "set client.client_id to the one that the app uses; if it was changed on purpose, those users have to log in again",
        ));
    }
    let doubles = [
        (
            tally.rivals,
            "of an account with several sessions, in a layout with one per account",
            "the app uses one of them, and it is unknown which; none of them is refreshed",
            "make the key column unique, and delete the extra rows",
        ),
        (
            tally.copies,
            "that another record also contains",
            "a refresh token works once, and using that of a copy ends the session, so copies are not refreshed",
            "delete the copies that no app uses",
        ),
    ];
    for (count, which, why, fix) in doubles.into_iter().filter(|(count, ..)| *count > 0) {
        let (records, holds) =
            (counted(count, "record"), if count == 1 { "holds" } else { "hold" });
        let what = format!("{records} {holds} a session {which}");
        let fix = format!("`oauthctl sessions list --status blocked` names them; {fix}");
        findings.push(Finding::problem(TOPIC, what, why, fix));
    }
    for (kid, count) in tally.by_kid.iter() {
        findings.extend(check_kid(kid, count, keys, published, now));
    }
    if tally.public > 0 && keys.is_confidential() == Some(true) {
        findings.push(Finding::warning(
            TOPIC,
            format!("{} started when the client was public", counted(tally.public, "session")),
            "the app cannot refresh them any more, so their users appear logged out",
            "`oauthctl sessions upgrade` converts them to the confidential client",
        ));
    }
    if tally.malformed > 0 {
        findings.push(Finding::warning(
            TOPIC,
            format!(
                "{} cannot be read, and contain neither a refresh token nor a key",
                counted(tally.malformed, "record")
            ),
            "the app may fail to read them",
            "`oauthctl sessions list --status malformed` shows them, and `sessions prune --malformed` removes them",
        ));
    }
    if tally.unknown > 0 && tally.unknown == tally.sessions {
        findings.push(Finding::problem(
            TOPIC,
            format!("oauthctl can read none of the records: all {} are foreign", tally.unknown),
            "nothing can be refreshed or pruned, and it is unknown which keys they need",
            "check --store and --layout; `oauthctl sessions list` says what each record is",
        ));
    } else if tally.unknown > 0 {
        findings.push(Finding::warning(
            TOPIC,
            format!("{} foreign (of another library or program, or encrypted)", counted(tally.unknown, "record")),
            "it is unknown which keys they need; oauthctl does not change them",
            "`oauthctl sessions list --status foreign` shows them; check --layout if they are the app's sessions",
        ));
    }
    if findings.is_empty() {
        let keys = if tally.by_kid.iter().next().is_none() {
            ""
        } else {
            "; all of their keys are configured"
        };
        findings.push(Finding::ok(TOPIC, format!("{}{keys}", counted(tally.sessions, "session"))));
    }
    findings
}

fn check_kid(
    kid: &str,
    count: BoundCount,
    keys: &LocalKeys,
    published: Option<&Value>,
    now: Timestamp,
) -> Option<Finding> {
    let problem = |is: &str, why: &str, fix: &str| {
        Some(Finding::problem(
            TOPIC,
            format!(
                "{} bound to key {kid}, which {is}",
                sessions_and_logins(count.sessions, count.states)
            ),
            why,
            fix,
        ))
    };
    let own = match keys {
        LocalKeys::Set(keys) => key_of(keys, kid).map(Some),
        LocalKeys::None => None,
        LocalKeys::Unknown => Some(None),
    };
    let is_published =
        published.is_none_or(|jwks| items(jwks, "keys").any(|key| member(key, "kid") == kid));
    match own {
        None => problem(
            "is not configured",
            "the app deletes such a session when its user returns, and it cannot be refreshed",
            "put the key back, behind the active one; if it is lost, those users have to log in again",
        ),
        Some(Some(key)) if key.is_disabled(now) => problem(
            "has expired or is revoked",
            "the app does not sign with it, so it cannot refresh these sessions",
            "remove `exp` and `revoked` from the key; to end its sessions: `oauthctl keys retire --revoke-sessions`",
        ),
        _ if !is_published => problem(
            "is not published",
            "servers reject their refreshes with invalid_client",
            "publish what `oauthctl jwks` prints",
        ),
        _ => None,
    }
}

fn key_of<'k>(keys: &'k KeySet, kid: &str) -> Option<&'k crate::jose::ClientKey> {
    named(keys).find(|(_, name)| name.as_str() == kid).map(|(key, _)| key)
}
