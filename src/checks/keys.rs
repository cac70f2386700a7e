//! Checks the app's private keys: file permissions, validity and names.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;

use super::{Finding, Topic};
use crate::error::Failure;
use crate::files;
use crate::jose::{ClientKey, KeySet, Kid, ThumbprintMatch};
use crate::keyring::{self, KeysInFile, LoadedSource};
use crate::session::AuthMethod;
use crate::text::counted;

const TOPIC: Topic = Topic::Keys;

/// Available keys, as far as known.
pub enum LocalKeys {
    /// Unknown, because a source is broken.
    Unknown,
    /// No source is configured: the client is public.
    None,
    /// All keys.
    Set(KeySet),
}

impl LocalKeys {
    /// Checks whether the client has keys for authentication, `None` if unknown.
    pub fn is_confidential(&self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::None => Some(false),
            Self::Set(_) => Some(true),
        }
    }
}

/// Checks all sources, and their keys as a set. Without sources, the client is public.
pub fn check(
    sources: Option<Vec<Result<LoadedSource, Failure>>>,
    now: Timestamp,
) -> (Vec<Finding>, LocalKeys) {
    let Some(sources) = sources else {
        return (
            vec![Finding::ok(TOPIC, "no key source is configured: the client is public")],
            LocalKeys::None,
        );
    };
    let mut findings = Vec::new();
    let mut loaded = Vec::new();
    let count = sources.len();
    for source in sources {
        match source {
            Ok(source) => {
                findings.extend(exposed(&source));
                loaded.push(source);
            }
            Err(e) => findings.push(unreadable(e)),
        }
    }
    if loaded.len() < count {
        return (findings, LocalKeys::Unknown);
    }
    match keyring::key_set(&loaded) {
        Ok(keys) => {
            check_set(&keys, now, &mut findings);
            (findings, LocalKeys::Set(keys))
        }
        Err(e) => {
            findings.push(unreadable(e));
            (findings, LocalKeys::Unknown)
        }
    }
}

/// Returns the finding about unreadable key sources.
pub fn unreadable(error: Failure) -> Finding {
    Finding::failed(
        TOPIC,
        error,
        "an app without its keys cannot log users in, and deletes the sessions bound to the keys",
    )
}

/// Compares the available keys with the configured authentication method.
pub fn check_auth_method(method: AuthMethod<()>, keys: &LocalKeys) -> Option<Finding> {
    match (method, keys.is_confidential()?) {
        (AuthMethod::PrivateKeyJwt(()), false) => Some(Finding::problem(
            TOPIC,
            "client.auth_method is private_key_jwt, but no key source is configured",
            "an app without its keys cannot log users in, and deletes the sessions bound to the keys",
            "name the keys: `keys` in oauthctl.toml, or --keys",
        )),
        (AuthMethod::None, true) => Some(Finding::warning(
            TOPIC,
            "client.auth_method is none, but keys are configured",
            "a public client cannot refresh sessions that are bound to a key",
            "set auth_method = \"private_key_jwt\" under [client], or remove the keys",
        )),
        _ => None,
    }
}

/// Checks for properties of keys that keep the library atcute from signing with them.
pub fn check_atcute(keys: &LocalKeys) -> Vec<Finding> {
    let LocalKeys::Set(keys) = keys else { return Vec::new() };
    let without = keys.iter().filter(|key| !key.has_alg()).filter_map(ClientKey::kid);
    let finding = |kid: &Kid| {
        Finding::warning(
            TOPIC,
            format!("key {kid} has no `alg`"),
            "atcute 2 cannot sign with it, and does not start if all keys lack `alg`",
            "`oauthctl gen-jwk --from KEY` writes it with `alg`",
        )
    };
    without.map(finding).collect()
}

/// Reports files left behind by a killed run in the directories of keys.
pub fn check_left_behind(directories: &BTreeSet<PathBuf>) -> Vec<Finding> {
    let holds_key = |path: &PathBuf| KeysInFile::find(path).is_some;
    let of = |directory: &PathBuf| {
        let earlier = files::perhaps_left_behind(directory).into_iter().filter(holds_key);
        files::left_behind(directory).into_iter().chain(earlier).collect::<Vec<_>>()
    };
    let finding = |path: PathBuf| {
        Finding::warning(
            TOPIC,
            format!("{} is a leftover of a killed run", path.display()),
            "it may contain private keys or tokens",
            format!("`rm {}`; the next run that writes keys there removes it, too", path.display()),
        )
    };
    directories.iter().flat_map(of).map(finding).collect()
}

fn exposed(source: &LoadedSource) -> Option<Finding> {
    let place = &source.source;
    let fix = format!("`chmod 600 {place}`, owned by the user the app runs as");
    let why = "anybody who reads it can act as the app at every server";
    if source.is_open_to_all() {
        let what = format!("{place} can be read by every user of this machine");
        let fix = format!(
            "{fix}; if other people use this machine, replace the key: `oauthctl keys rotate`"
        );
        return Some(Finding::problem(TOPIC, what, why, fix));
    }
    let what = format!("{place} can be read by the users of its group");
    source.is_open_to_group().then(|| Finding::warning(TOPIC, what, why, fix))
}

fn check_set(keys: &KeySet, now: Timestamp, findings: &mut Vec<Finding>) {
    for (key, kid) in named(keys) {
        if ThumbprintMatch::of(key) == ThumbprintMatch::No {
            findings.push(Finding::problem(
                TOPIC,
                format!("the kid {kid} looks like a thumbprint but does not match its key"),
                "kid and key may have been mixed up; servers reject signatures of a key other than the published one",
                "copy the key from its origin again; if it has always had this kid, keep it",
            ));
        }
    }
    let active = keys.active(now).and_then(ClientKey::kid);
    let total = counted(keys.iter().count() as u64, "key");
    match active {
        Some(kid) => findings.push(Finding::ok(TOPIC, format!("{total}; new sessions are bound to {kid}"))),
        None if keys.is_empty() => findings.push(Finding::problem(
            TOPIC,
            "the key source contains no key",
            "a confidential client without keys cannot log users in",
            "`oauthctl gen-jwk` creates a key; for a public client, configure no key source",
        )),
        None => findings.push(Finding::problem(
            TOPIC,
            format!("none of {total} can sign now: all are expired, revoked or not yet valid"),
            "no user can log in",
            "`oauthctl keys rotate` adds a key that signs, and keeps the old ones for their sessions",
        )),
    }
}

/// Returns the keys with their kids.
pub(super) fn named(keys: &KeySet) -> impl Iterator<Item = (&ClientKey, &Kid)> {
    keys.iter().filter_map(|key| Some((key, key.kid()?)))
}
