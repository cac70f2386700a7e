//! Schema of oauthctl.toml. A file is checked as a whole before use, because misspelt or mistyped
//! settings would otherwise be ignored, or fail in the middle of a run.

use std::num::NonZeroUsize;

use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};
use url::Url;

use super::{CLIENT_MEMBERS, acknowledged, is_reference, list, parse_rate};
use crate::error::{Failure, suggestion, usage};
use crate::session::Age;
use crate::store::CUSTOM_MEMBERS;

/// Type of a setting. All types but lists also permit a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    /// Text, or array of texts.
    Texts,
    /// Key sources: texts, or tables of a source and a kid.
    Sources,
    Flag,
    /// Number above 0.
    Count,
    /// Duration.
    Age,
    /// Causes of blocked sessions, with dates.
    Acknowledged,
    /// Requests per second.
    Rate,
    /// Text, number or flag, checked by the layout.
    Scalar,
}

/// Settings outside of sections.
const TOP: [(&str, Type); 2] = [("keys", Type::Sources), ("env_file", Type::Texts)];
const STORE: [(&str, Type); 6] = [
    ("url", Type::Text),
    ("token", Type::Text),
    ("layout", Type::Text),
    ("lock_url", Type::Text),
    ("cert_file", Type::Text),
    ("key_file", Type::Text),
];
const NETWORK: [(&str, Type); 6] = [
    ("proxy", Type::Text),
    ("plc_directory", Type::Text),
    ("doh_resolver", Type::Text),
    ("allow_http", Type::Flag),
    ("allow_private_hosts", Type::Flag),
    ("ca_file", Type::Text),
];
const REFRESH: [(&str, Type); 8] = [
    ("keep_alive", Type::Age),
    ("min_interval", Type::Age),
    ("concurrency", Type::Count),
    ("per_issuer", Type::Count),
    ("per_issuer_rate", Type::Rate),
    ("public_lifetime", Type::Age),
    ("confidential_lifetime", Type::Age),
    ("acknowledged", Type::Acknowledged),
];
const PRUNE: [(&str, Type); 1] = [("max_removed", Type::Count)];
const ISSUER: [(&str, Type); 5] = [
    ("per_issuer", Type::Count),
    ("per_issuer_rate", Type::Rate),
    ("public_lifetime", Type::Age),
    ("confidential_lifetime", Type::Age),
    ("document_cache", Type::Age),
];
/// Members of `[client]` that are lists.
const CLIENT_LISTS: [&str; 3] = ["redirect_uris", "grant_types", "contacts"];
/// Sections that are permitted in profiles, too.
pub(super) const SECTIONS: [&str; 5] = ["client", "store", "network", "refresh", "prune"];

/// Returns the settings of a section ("" is the top) with their types.
pub(super) fn settings_of(section: &str) -> Vec<(&'static str, Type)> {
    let of_client = |name: &&'static str| {
        (*name, if CLIENT_LISTS.contains(name) { Type::Texts } else { Type::Text })
    };
    match section {
        "" => TOP.to_vec(),
        "client" => CLIENT_MEMBERS.iter().map(of_client).collect(),
        "store" => STORE.to_vec(),
        "network" => NETWORK.to_vec(),
        "refresh" => REFRESH.to_vec(),
        "prune" => PRUNE.to_vec(),
        _ => Vec::new(),
    }
}

impl Type {
    /// Checks the type of a value, and the syntax of a text. Errors never quote what may be a
    /// secret.
    fn check(self, value: &Value, name: &str) -> Result<(), Failure> {
        let text = value.as_str().map(str::trim);
        let holds = match self {
            Self::Text => text.is_some(),
            Self::Texts => {
                text.is_some()
                    || value.as_array().is_some_and(|items| items.iter().all(Value::is_str))
            }
            Self::Sources => {
                let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                return items.iter().try_for_each(|item| check_source(item, name));
            }
            Self::Acknowledged => return acknowledged::parse(value, name).map(drop),
            Self::Scalar => text.is_some() || value.is_bool() || value.is_integer(),
            Self::Flag => {
                value.is_bool()
                    || text.is_some_and(|text| is_reference(text) || text.parse::<bool>().is_ok())
            }
            Self::Count => {
                value.as_integer().is_some_and(|n| n > 0)
                    || text.is_some_and(|text| {
                        is_reference(text) || text.parse::<NonZeroUsize>().is_ok()
                    })
            }
            Self::Rate => match text {
                Some(text) => is_reference(text) || parse_rate(text).is_some(),
                None => parse_rate(&value.to_string()).is_some(),
            },
            Self::Age => match text.filter(|text| !is_reference(text)) {
                Some(age) => return age.parse::<Age>().map(drop).map_err(|e| e.at(name)),
                None => text.is_some(),
            },
        };
        if holds { Ok(()) } else { Err(wrong_type(name, self.expected())) }
    }

    /// Returns the JSON Schema of its values. All but lists may be a text that refers to the value.
    fn json_schema(self) -> Json {
        let text = || json!({ "type": "string" });
        let texts = || json!({ "type": "array", "items": { "type": "string" } });
        match self {
            Self::Text | Self::Age => text(),
            Self::Texts => json!({ "anyOf": [text(), texts()] }),
            Self::Sources => {
                let named = json!({
                    "type": "object",
                    "properties": { "source": text(), "kid": text() },
                    "required": ["source"],
                    "additionalProperties": false,
                });
                let source = json!({ "anyOf": [text(), named] });
                json!({ "anyOf": [text(), named, { "type": "array", "items": source }] })
            }
            Self::Flag => json!({ "type": ["boolean", "string"] }),
            Self::Count => json!({ "type": ["integer", "string"], "minimum": 1 }),
            Self::Rate => json!({ "type": ["number", "string"], "minimum": 0 }),
            Self::Scalar => json!({ "type": ["string", "boolean", "integer"] }),
            Self::Acknowledged => {
                let cause = json!({
                    "type": "object",
                    "properties": { "what": { "type": "string", "pattern": "^(kid|key):." }, "since": text() },
                    "required": ["what", "since"],
                    "additionalProperties": false,
                });
                json!({ "type": "array", "items": cause })
            }
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string in quotes",
            Self::Texts => "a string in quotes, or an array of strings",
            Self::Sources => {
                "a string in quotes, { source = \"…\", kid = \"…\" }, or an array of these"
            }
            Self::Flag => "true or false",
            Self::Count => "a whole number above 0",
            Self::Age => "a duration in quotes, like \"12h\"",
            Self::Acknowledged => acknowledged::EXPECTED,
            Self::Rate => "a number of requests per second, or 0 for no limit",
            Self::Scalar => "a string in quotes, a number, or true or false",
        }
    }
}

/// Checks a key source, with or without the kid of a key that has none itself.
fn check_source(value: &Value, name: &str) -> Result<(), Failure> {
    const MEMBERS: [&str; 2] = ["source", "kid"];
    let Some(table) = value.as_table() else {
        return if value.is_str() {
            Ok(())
        } else {
            Err(wrong_type(name, Type::Sources.expected()))
        };
    };
    if let Some(other) = table.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
        return Err(unknown(&format!("{name}."), other, &MEMBERS));
    }
    if !table.values().all(Value::is_str) || !table.contains_key("source") {
        return Err(wrong_type(name, Type::Sources.expected()));
    }
    Ok(())
}

/// Returns the failure for a value of the wrong type.
pub(super) fn wrong_type(name: &str, expected: &str) -> Failure {
    usage(format!("{name} must be {expected}")).hint("compare it with the settings in the README")
}

/// Returns the JSON Schema of a file, with dates as strings.
pub fn json_schema() -> Json {
    let members = |known: &[(&str, Type)]| -> Map<String, Json> {
        known.iter().map(|(name, of_type)| ((*name).to_owned(), of_type.json_schema())).collect()
    };
    let object = |members: Map<String, Json>| json!({ "type": "object", "properties": members, "additionalProperties": false });
    let named =
        |section: &Json| json!({ "type": "object", "additionalProperties": section.clone() });
    let mut top = members(&TOP);
    for section in SECTIONS {
        top.insert(section.to_owned(), object(members(&settings_of(section))));
    }
    let profile = object(top.clone());
    let layout = object(members(&CUSTOM_MEMBERS.map(|name| (name, Type::Scalar))));
    top.insert("profiles".to_owned(), named(&profile));
    top.insert("layouts".to_owned(), named(&layout));
    top.insert("issuers".to_owned(), named(&object(members(&ISSUER))));
    let mut schema = object(top);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), json!("oauthctl.toml"));
        let dialect = json!("https://json-schema.org/draft/2020-12/schema");
        schema.insert("$schema".to_owned(), dialect);
    }
    schema
}

/// Checks a whole file.
pub(super) fn check(file: &Table) -> Result<(), Failure> {
    for (name, value) in file {
        match name.as_str() {
            "layouts" => check_layouts(value)?,
            "issuers" => check_issuers(value)?,
            "profiles" => {
                for (profile, value) in table("profiles", value)? {
                    let place = format!("profiles.{profile}");
                    for (name, value) in table(&place, value)? {
                        check_entry(&format!("{place}."), name, value, &[])?;
                    }
                }
            }
            _ => check_entry("", name, value, &["profiles", "layouts", "issuers"])?,
        }
    }
    Ok(())
}

/// Checks the layouts, which have known members and names of the operator's choice. They describe
/// apps, not deployments, so profiles have none.
fn check_layouts(value: &Value) -> Result<(), Failure> {
    for (layout, value) in table("layouts", value)? {
        let place = format!("layouts.{layout}");
        check_section(&place, value, &CUSTOM_MEMBERS.map(|name| (name, Type::Scalar)))?;
    }
    Ok(())
}

/// Checks the issuers, which are named as in sessions. They are not specific to deployments, so
/// profiles have none.
fn check_issuers(value: &Value) -> Result<(), Failure> {
    for (issuer, value) in table("issuers", value)? {
        let place = format!("issuers.{issuer:?}");
        let is_origin =
            |url: Url| url.origin().is_tuple() && url.origin().ascii_serialization() == *issuer;
        if !issuer.parse().is_ok_and(is_origin) {
            return Err(usage(format!("{place}: not an issuer")).hint(
                "write it without a slash at the end: [issuers.\"https://pds.example.com\"]",
            ));
        }
        check_section(&place, value, &ISSUER)?;
    }
    Ok(())
}

/// Checks a setting or section of the file or of a profile. `others` are further sections that are
/// permitted.
fn check_entry(prefix: &str, name: &str, value: &Value, others: &[&str]) -> Result<(), Failure> {
    let place = format!("{prefix}{name}");
    if let Some((_, of_type)) = TOP.iter().find(|(known, _)| *known == name) {
        return of_type.check(value, &place);
    }
    if SECTIONS.contains(&name) {
        return check_section(&place, value, &settings_of(name));
    }
    let known: Vec<_> =
        TOP.iter().map(|(name, _)| *name).chain(SECTIONS).chain(others.iter().copied()).collect();
    Err(unknown(prefix, name, &known))
}

fn check_section(place: &str, value: &Value, known: &[(&str, Type)]) -> Result<(), Failure> {
    for (name, value) in table(place, value)? {
        let Some((_, of_type)) = known.iter().find(|(known, _)| *known == name.as_str()) else {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            return Err(unknown(&format!("{place}."), name, &names));
        };
        of_type.check(value, &format!("{place}.{name}"))?;
    }
    Ok(())
}

fn table<'v>(place: &str, value: &'v Value) -> Result<&'v Table, Failure> {
    value.as_table().ok_or_else(|| wrong_type(place, "a section"))
}

fn unknown(prefix: &str, name: &str, known: &[&str]) -> Failure {
    usage(format!("unknown setting {prefix}{name}"))
        .hint(suggestion(name, known).unwrap_or_else(|| format!("settings there: {}", list(known))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::SettingsFile;

    #[test]
    fn every_setting_has_a_type_wherever_it_stands() {
        for (text, said) in [
            (
                "keys = 1",
                "keys must be a string in quotes, { source = \"…\", kid = \"…\" }, or an array of these",
            ),
            ("keys = [{ kid = 'a' }]", "keys must be a string in quotes, { source"),
            ("keys = [{ source = 'a', kid = 1 }]", "keys must be a string in quotes, { source"),
            ("keys = [{ source = 'a', kdi = 'b' }]", "unknown setting keys.kdi"),
            ("env_file = [1]", "env_file must be a string in quotes, or an array of strings"),
            ("client = []", "client must be a section"),
            ("[client]\nclient_id = 5", "client.client_id must be a string in quotes"),
            (
                "[client]\nredirect_uris = { a = 1 }",
                "client.redirect_uris must be a string in quotes, or an array of strings",
            ),
            ("[store]\nurl = true", "store.url must be a string in quotes"),
            ("[network]\nallow_http = 'yes'", "network.allow_http must be true or false"),
            ("[network]\nallow_http = 1", "network.allow_http must be true or false"),
            ("[refresh]\nconcurrency = 0", "refresh.concurrency must be a whole number above 0"),
            ("[refresh]\nper_issuer = 1.5", "refresh.per_issuer must be a whole number above 0"),
            (
                "[refresh]\nmin_interval = '500ms'",
                "refresh.min_interval: \"500ms\" is not a number of whole seconds",
            ),
            ("[refresh]\nkeep_alive = 12", "refresh.keep_alive must be a duration in quotes"),
            ("[refresh]\nkeep_alive = 'often'", "refresh.keep_alive: \"often\" is not a duration"),
            (
                "[refresh]\nkeep_alive = 1979-05-27",
                "refresh.keep_alive must be a duration in quotes",
            ),
            (
                "[refresh]\nper_issuer_rate = -1",
                "refresh.per_issuer_rate must be a number of requests per second, or 0",
            ),
            (
                "[refresh]\nper_issuer_rate = true",
                "refresh.per_issuer_rate must be a number of requests per second, or 0",
            ),
            ("issuers = 1", "issuers must be a section"),
            ("[issuers.\"https://a.example/\"]", "issuers.\"https://a.example/\": not an issuer"),
            ("[issuers.\"a.example\"]", "issuers.\"a.example\": not an issuer"),
            ("[issuers.\"https://a.example/x\"]", "issuers.\"https://a.example/x\": not an issuer"),
            ("[issuers.\"did:web:a.example\"]", "issuers.\"did:web:a.example\": not an issuer"),
            (
                "[issuers.\"https://a\"]\nper_issuer = 0",
                "issuers.\"https://a\".per_issuer must be a whole number above",
            ),
            (
                "[issuers.\"https://a\"]\nlifetime = '1d'",
                "unknown setting issuers.\"https://a\".lifetime",
            ),
            ("profiles = 1", "profiles must be a section"),
            ("[profiles]\nmain = 1", "profiles.main must be a section"),
            (
                "[profiles.main.refresh]\nconcurrency = 'many'",
                "profiles.main.refresh.concurrency must be a whole number",
            ),
            ("[layouts]\nown = 1", "layouts.own must be a section"),
            (
                "[layouts.own]\nsession_key = []",
                "layouts.own.session_key must be a string in quotes, a number, or",
            ),
        ] {
            let failure = SettingsFile::parse(Path::new("x.toml"), text)
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default();
            assert!(failure.starts_with(&format!("x.toml: {said}")), "{text}: {failure}");
        }
    }

    #[test]
    fn a_value_may_be_a_reference_whatever_its_type() {
        let text = "keys = ['env:A', 'b', { source = 'env:C', kid = 'c' }]\nenv_file = '.env'\n[network]\nallow_http = 'env:A'\nallow_private_hosts = 'true'\n\
                    [refresh]\nkeep_alive = 'file:a'\nconcurrency = 'env:N'\nper_issuer = '3'\nmin_interval = '1h'\n\
                    [layouts.own]\nsession_key = 'a:{did}'\nenvelope = true\n";
        assert!(SettingsFile::parse(Path::new("x.toml"), text).is_ok());
    }
}
