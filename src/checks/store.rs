//! Checks the store: accessible, writable, lockable, and with a sufficient session lifetime.
//! Changes nothing of the app's.

use std::fmt;
use std::time::Duration;

use super::{Finding, Topic};
use crate::error::failed;
use crate::session::{Age, Did};
use crate::settings::{Origin, RefreshSettings};
use crate::store::{Layout, NOBODY, Store};

const TOPIC: Topic = Topic::Store;

/// Name of a note that is written and read back.
const NOTE: &str = "doctor";
const NOTE_LIFETIME: Duration = Duration::from_mins(1);
/// Maximum wait for the test lock, which only another `doctor` may hold briefly.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns the finding about a store that could not be opened.
pub fn unreachable(error: impl Into<anyhow::Error>) -> Finding {
    Finding::failed(
        TOPIC,
        error,
        "without its store the app has no sessions, so all users are logged out",
    )
}

/// Returns the finding about a store whose sessions could not be counted.
pub fn unreadable(error: anyhow::Error) -> Finding {
    Finding::failed(TOPIC, error, "it is unknown which keys the sessions need")
}

/// Reports records of several layouts in one store.
pub fn check_layouts(stores: &[Box<dyn Store>]) -> Option<Finding> {
    let names: Vec<_> = stores.iter().map(|store| store.layout().name.as_str()).collect();
    (names.len() > 1).then(|| {
        Finding::problem(
            TOPIC,
            format!("the store has records of several layouts: {}", names.join(", ")),
            "an app uses one of them; commands that change something need to know which",
            format!(
                "name the app's: `layout` under [store], or --layout {}",
                names.join(" or --layout ")
            ),
        )
    })
}

/// Reports lock and write times of runs that were too long for the app.
pub fn check_lock_times(layout: &Layout, write: Duration, held: Duration) -> Vec<Finding> {
    let Some(waits) = layout.app_waits else { return Vec::new() };
    let ms = |time: Duration| format!("{} ms", time.as_millis());
    let mut findings = Vec::new();
    if write > waits / 2 {
        let what = format!(
            "it took up to {} to store new tokens; the app waits {} for its lock",
            ms(write),
            ms(waits)
        );
        let why = "if the app stops waiting, it sends a used token, and its user is logged out";
        findings.push(Finding::warning(
            TOPIC,
            what,
            why,
            "run oauthctl closer to the store, or with a lower `concurrency`",
        ));
    }
    if held > waits {
        let what =
            format!("a lock was held for {}; the app waits {} for its lock", ms(held), ms(waits));
        let why = "the app shows an error to its user, and works at the next request";
        let fix =
            "the authorization server or the store is slow; run oauthctl when few users are active";
        findings.push(Finding::warning(TOPIC, what, why, fix));
    }
    findings
}

/// Reports an address that asks for encryption without a verified certificate.
pub fn check_certificate(is_unverified: bool) -> Option<Finding> {
    is_unverified.then(|| {
        Finding::warning(
            TOPIC,
            "the connection is encrypted, but the server's certificate is not verified (sslmode=require)",
            "an attacker on the network path can read every token and key",
            "set sslmode=verify-full, and sslrootcert if the authority is private",
        )
    })
}

/// Reports a store without sessions, with a possible reason, and with sessions of other clients.
pub fn check_empty(problem: Option<String>, others: Option<String>) -> Vec<Finding> {
    let problem = problem.map(|what| {
        Finding::problem(
            TOPIC,
            what,
            "if the app keeps its sessions elsewhere, they are not refreshed and will end",
            "check --store and --layout, or `url` and `layout` under [store]; an empty store is accepted after seven days of `oauthctl sessions refresh`",
        )
    });
    problem.into_iter().chain(others.map(|what| Finding::ok(TOPIC, what))).collect()
}

/// Checks an open store. `stamp` is the content of the note, different in each run, or `None` if a
/// note would create a file.
pub async fn check(
    store: &dyn Store,
    address: &impl fmt::Display,
    origin: &Origin,
    stamp: Option<&[u8]>,
) -> Vec<Finding> {
    let layout = store.layout();
    let mut findings =
        vec![Finding::ok(TOPIC, format!("{address} is open (layout {})", layout.name))];
    if let Origin::Found(name) = origin {
        findings.push(Finding::warning(
            TOPIC,
            format!("found the store by {name} automatically; name it in the settings"),
            "`keys retire` only accepts a configured store as proof that a key is unused",
            "name it: `url` under [store] in oauthctl.toml, or --store",
        ));
    }
    if let Err(e) = store.check_notes() {
        findings.push(Finding::warning(
            TOPIC,
            e.to_string(),
            "`sessions prune --inactive` does not work without notes that all hosts share",
            e.advice().unwrap_or_default(),
        ));
    }
    match write(store, stamp).await {
        Ok(()) => {
            findings.push(Finding::ok(TOPIC, "it can be written to"));
            if stamp.is_some() {
                findings.push(lock(store).await);
            }
        }
        // A lock is a write, too, and would fail in the same way after the same time.
        Err(e) => {
            let why = "a refresh that cannot be stored would cost the user the session";
            findings.push(Finding::failed(TOPIC, e, why));
        }
    }
    findings
}

/// Writes a note of oauthctl, and checks whether the app's records are writable.
async fn write(store: &dyn Store, stamp: Option<&[u8]>) -> anyhow::Result<()> {
    store.check_writable().await?;
    let Some(stamp) = stamp else { return Ok(()) };
    store.write_notes(&[(NOTE.to_owned(), stamp.to_vec())], NOTE_LIFETIME).await?;
    let written = store.notes(&[NOTE.to_owned()]).await?.pop().flatten();
    if written.as_deref() != Some(stamp) {
        let hint = "is another `oauthctl doctor` running, or does the store evict keys? Redis: maxmemory-policy noeviction";
        return Err(failed("a written value could not be read back").hint(hint).into());
    }
    Ok(())
}

async fn lock(store: &dyn Store) -> Finding {
    if let Err(e) = store.check_lock() {
        return Finding::failed(
            TOPIC,
            e,
            "sessions cannot be refreshed: two simultaneous refreshes of a session destroy it",
        );
    }
    let nobody: Did = NOBODY.parse().expect("the constant is a DID");
    let whose =
        if store.layout().has_lock() { "the app's own lock" } else { "oauthctl's own lock" };
    let why = "two simultaneous refreshes of a session destroy it";
    let held = match store.lock(&store.layout().lock_name(&nobody), PATIENCE).await {
        Ok(Some(lock)) => lock.release().await,
        Ok(None) => {
            let fix = "try again; if this persists, find out which program writes this key";
            return Finding::warning(
                TOPIC,
                format!("{whose} is held by another process"),
                why,
                fix,
            );
        }
        Err(e) => Err(e),
    };
    match held {
        Ok(true) => Finding::ok(TOPIC, format!("{whose} can be acquired and released")),
        Ok(false) => Finding::warning(
            TOPIC,
            format!("{whose} was lost"),
            why,
            "the store is slow, or another program deletes its keys: check its log",
        ),
        Err(e) => Finding::failed(TOPIC, e, why),
    }
}

/// Compares the app's session TTL with the lifetime of refresh tokens.
pub fn check_ttl(ttl: Option<Age>, confidential: bool, refresh: &RefreshSettings) -> Finding {
    let lifetime =
        if confidential { refresh.confidential_lifetime } else { refresh.public_lifetime };
    let client = if confidential { "confidential" } else { "public" };
    let Some(ttl) = ttl else { return Finding::ok(TOPIC, "sessions have no TTL") };
    if ttl >= lifetime {
        let dead = Age::from_secs(ttl.duration().as_secs() - lifetime.duration().as_secs());
        let what = format!(
            "sessions have a TTL of {ttl} after a refresh; refresh tokens of a {client} client live {lifetime}, so records of \
             ended sessions stay for {dead} (`oauthctl sessions prune` removes them)"
        );
        return Finding::ok(TOPIC, what).named("ttl");
    }
    let what = format!(
        "sessions have a TTL of {ttl} after a refresh, but refresh tokens of a {client} client live {lifetime}"
    );
    if ttl <= refresh.keep_alive {
        let why = format!("keep-alive comes too late: it refreshes after {}", refresh.keep_alive);
        let fix = format!(
            "configure the app to store sessions for {lifetime}, or set refresh.keep_alive below {ttl}"
        );
        return Finding::problem(TOPIC, what, why, fix).named("ttl");
    }
    let why = "users who are away for longer are logged out, although the server would still accept the token";
    let fix = format!(
        "configure the app to store sessions for {lifetime}, or run `oauthctl sessions refresh` daily"
    );
    Finding::warning(TOPIC, what, why, fix).named("ttl")
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    #[test]
    fn a_session_should_stay_as_long_as_its_refresh_token_lives() {
        const HOUR: i64 = 3600;
        let refresh = RefreshSettings::default();
        for (hours, confidential, severity) in [
            (None, true, Severity::Ok),
            (Some(179 * 24), true, Severity::Ok),
            (Some(14 * 24), true, Severity::Warning),
            (Some(14 * 24), false, Severity::Ok),
            (Some(24), false, Severity::Warning),
            (Some(12), false, Severity::Problem),
        ] {
            let ttl = hours.map(|hours| Age::from_secs(hours * HOUR));
            assert_eq!(
                check_ttl(ttl, confidential, &refresh).severity,
                severity,
                "{hours:?} {confidential}"
            );
        }
    }
}
