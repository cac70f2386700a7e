//! Checks oauthctl's own settings: readable, complete, and no secret exposed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Finding, Topic};
use crate::session::{ScopeFault, scope_fault};
use crate::settings::Settings;

const TOPIC: Topic = Topic::Settings;

/// Checks the settings themselves. Their targets are checked under other subjects.
pub fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    match settings.path() {
        Some(path) => {
            findings.extend(exposed(path, &settings.secrets_in_file()));
            let others = settings.exposed_files().into_iter().filter(|file| file != path);
            findings.extend(others.map(|file| exposed_reference(&file)));
            findings.push(Finding::ok(TOPIC, format!("{} is well-formed", path.display())));
        }
        None => findings.push(Finding::ok(
            TOPIC,
            "no oauthctl.toml; all settings come from flags and variables",
        )),
    }
    match settings.network() {
        Err(e) => {
            findings.push(Finding::failed(TOPIC, e, "without it, no server can be reached"));
        }
        Ok(network) => {
            let switches = [
                ("allow_http", network.allow_http),
                ("allow_private_hosts", network.allow_private_hosts),
            ];
            let on: Vec<_> = switches
                .iter()
                .filter(|(_, on)| *on)
                .map(|(name, _)| format!("network.{name}"))
                .collect();
            if !on.is_empty() {
                findings.push(Finding::warning(
                    TOPIC,
                    format!("set for development: {}", on.join(", ")),
                    "tokens may be sent unencrypted or to private addresses",
                    "remove these settings from [network] in production",
                ));
            }
        }
    }
    let scope = settings.client_text("scope").ok().flatten().unwrap_or_default();
    for token in scope.split_whitespace() {
        if let Some(ScopeFault { rule, fix }) = scope_fault(token) {
            let what = format!("client.scope: {token:?} {rule}");
            let why =
                "servers pass over a scope that they do not know, and users are never asked for it";
            findings
                .push(Finding::warning(TOPIC, what, why, fix).named("scope").about("client.scope"));
        }
    }
    if let Err(e) = settings.refresh() {
        findings.push(Finding::failed(
            TOPIC,
            e,
            "sessions cannot be refreshed without valid settings",
        ));
    }
    findings
}

/// Returns the finding about a referenced file that others can read.
fn exposed_reference(path: &Path) -> Finding {
    Finding::warning(
        TOPIC,
        format!("{} contains the app's secrets and can be read by other users", path.display()),
        "anybody who reads it can act as the app, or take over sessions in the store",
        format!("`chmod 600 {}`, owned by the user the app runs as", path.display()),
    )
}

fn exposed(path: &Path, secrets: &[String]) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.mode();
    if secrets.is_empty() || mode & 0o044 == 0 {
        return None;
    }
    let make = if mode & 0o004 == 0 { Finding::warning } else { Finding::problem };
    Some(make(
        TOPIC,
        format!(
            "{} contains a secret and can be read by other users: {}",
            path.display(),
            secrets.join(", ")
        ),
        "anybody who reads it can take over sessions in the store",
        format!(
            "`chmod 600 {}`, or use env:NAME or file:PATH there, and change the secret",
            path.display()
        ),
    ))
}
