//! Property tests of settings files, dotenv files and key sources.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use toml::{Table, Value};

use super::{
    CLIENT_MEMBERS, Environment, Overrides, Settings, SettingsFile, dotenv, schema, suggestion,
};
use crate::arbitrary::{damage, message_of, shows, text};
use crate::keyring::{KeySource, variable_name};

const SECRET: &str = "S3cretInTheSettings";

fn file(text: &str) -> Result<SettingsFile, crate::error::Failure> {
    SettingsFile::parse(Path::new("oauthctl.toml"), text)
}

fn settings(text: &str, environment: Environment) -> Settings {
    Settings::new(Some(file(text).unwrap()), environment, Overrides::default()).unwrap()
}

/// Returns the settings of all sections ("" is the top), by name.
fn known() -> Vec<(&'static str, Vec<&'static str>)> {
    let names = |section| schema::settings_of(section).into_iter().map(|(name, _)| name).collect();
    [""].into_iter().chain(schema::SECTIONS).map(|section| (section, names(section))).collect()
}

/// Returns the text, changed so that it is not a reference.
fn no_reference(text: String) -> String {
    if text.starts_with("env:") || text.starts_with("file:") { format!(" {text}") } else { text }
}

/// Returns a value in one of the quotations of dotenv files.
fn quoted() -> impl Strategy<Value = (String, String)> {
    // A backslash at the end would escape the quote.
    let open = |text: String| if text.ends_with('\\') { text + "." } else { text };
    let plain = "[a-zA-Z0-9{}:,./+=_-]{0,20}".prop_map(|text| (text.clone(), text));
    let single = "[ -&(-~\n]{0,20}".prop_map(open).prop_map(|text| (format!("'{text}'"), text));
    let ticks = "[ -_a-~\n]{0,20}".prop_map(open).prop_map(|text| (format!("`{text}`"), text));
    let double = "[ !#-\\[\\]-~\n]{0,20}"
        .prop_map(|text| (format!("\"{}\"", text.replace('\n', "\\n")), text));
    prop_oneof![plain, single, ticks, double]
}

proptest! {
    #[test]
    fn every_setting_is_read_as_it_was_written(
        values in btree_map(select(CLIENT_MEMBERS.to_vec()), text().prop_map(no_reference), 0..4),
        url in text().prop_map(no_reference), keys in vec("[a-z]{1,8}", 0..3),
    ) {
        let client: Table = values.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str()))).collect();
        let store = Table::from_iter([("url".to_owned(), Value::from(url.as_str()))]);
        let mut all = Table::from_iter([("client".to_owned(), Value::Table(client)), ("store".to_owned(), Value::Table(store))]);
        all.insert("keys".to_owned(), keys.clone().into());
        let written = toml::to_string(&all).unwrap();
        let settings = settings(&written, Environment::default());
        for member in CLIENT_MEMBERS {
            prop_assert_eq!(settings.client_text(member).unwrap(), values.get(member).cloned());
        }
        prop_assert_eq!(settings.store_url().unwrap().map(|found| found.text), Some(url));
        let sources = settings.key_sources().unwrap().unwrap();
        prop_assert_eq!(sources.iter().map(ToString::to_string).collect::<Vec<_>>(), keys);
    }

    #[test]
    fn a_profile_overrides_what_it_names_and_nothing_else(
        below in btree_map(select(CLIENT_MEMBERS.to_vec()), "[a-z]{1,6}", 0..6), above in btree_map(select(CLIENT_MEMBERS.to_vec()), "[A-Z]{1,6}", 0..6),
    ) {
        let section = |name: &str, values: &BTreeMap<&str, String>| {
            let lines = values.iter().map(|(name, text)| format!("{name} = '{text}'\n")).collect::<String>();
            format!("[{name}]\n{lines}")
        };
        let written = section("client", &below) + &section("profiles.p.client", &above);
        let overrides = Overrides { profile: Some("p".to_owned()), ..Overrides::default() };
        let settings = Settings::new(Some(file(&written).unwrap()), Environment::default(), overrides).unwrap();
        for member in CLIENT_MEMBERS {
            prop_assert_eq!(settings.client_text(member).unwrap(), above.get(member).or(below.get(member)).cloned());
        }
    }

    #[test]
    fn a_setting_that_nobody_reads_is_refused_by_name(
        (section, names) in select(known()), name in "[a-z_]{1,12}", value in prop_oneof![Just("1"), Just("'x'"), Just("[]")],
    ) {
        let place = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let known = names.contains(&name.as_str())
            || (section.is_empty() && (["profiles", "layouts"].contains(&&*name) || schema::SECTIONS.contains(&&*name)));
        let read = file(&format!("{place}{name} = {value}\n"));
        if !known {
            let failure = read.err().map(|failure| message_of(&failure)).unwrap_or_default();
            prop_assert!(failure.contains("unknown setting") && failure.contains(&name), "{}", failure);
        }
        prop_assert!(suggestion(&name, &names).is_none_or(|text| names.iter().any(|known| text.contains(known))));
    }

    #[test]
    fn a_damaged_file_is_refused_without_its_secrets(damage in damage(3)) {
        let whole = format!(
            "keys = [\"env:KEY\"]\n[client]\nscope = \"atproto\"\n[store]\nurl = \"redis://:{SECRET}@h\"\ntoken = \"{SECRET}\"\n\
             [refresh]\nkeep_alive = \"1d\"\nconcurrency = 3\n[network]\nplc_directory = \"https://{SECRET}@h\"\n",
        );
        match file(&damage.to(&whole)) {
            Err(failure) => {
                let message = message_of(&failure);
                prop_assert!(!shows(&message, SECRET), "{}", message);
            }
            Ok(file) => {
                let settings = Settings::new(Some(file), Environment::default(), Overrides::default()).unwrap();
                let failures = [settings.network().err(), settings.refresh().err(), settings.key_sources().err()];
                for message in failures.iter().flatten().map(message_of) {
                    prop_assert!(!shows(&message, SECRET), "{}", message);
                }
            }
        }
    }

    #[test]
    fn a_dotenv_file_is_read_as_it_was_written(
        lines in vec(("[a-zA-Z_][a-zA-Z0-9_]{0,8}", quoted(), select(vec!["", "export ", "  "]), select(vec!["\n", "\r\n", "\n\n# it's\n"])), 0..5),
    ) {
        let written: String = lines.iter().map(|(name, (value, _), before, after)| format!("{before}{name}={value}{after}")).collect();
        let expected: Vec<_> = lines.into_iter().map(|(name, (_, value), ..)| (name, value)).collect();
        prop_assert_eq!(dotenv::parse(&written), expected);
    }

    #[test]
    fn a_damaged_dotenv_file_makes_no_names_that_are_none(
        lines in vec(("[A-Z]{1,8}", quoted()), 0..4), damage in damage(5),
    ) {
        let written: String = lines.iter().map(|(name, (value, _))| format!("{name}={value}\n")).collect();
        let damaged = damage.to(&written);
        for (name, value) in dotenv::parse(&damaged) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            prop_assert!(!name.is_empty() && name.chars().all(is_name));
            prop_assert!(damaged.contains(&name) && value.len() <= damaged.len());
        }
    }

    #[test]
    fn a_key_source_is_shown_as_it_was_written_and_is_never_a_key(
        text in prop_oneof![text(), "(env:|file:)?[a-zA-Z0-9_./-]{0,20}"], form in 0_usize..6, at in 0_usize..20,
    ) {
        match KeySource::parse(&text, Path::new("")) {
            Ok(KeySource::Stdin) => prop_assert_eq!(text, "-"),
            Ok(KeySource::Variable { name, .. }) => {
                prop_assert!(variable_name(&name));
                prop_assert_eq!(text, format!("env:{name}"));
            }
            Ok(source @ (KeySource::File { .. } | KeySource::Table { .. })) => prop_assert_eq!(source.to_string(), text),
            Err(_) => {}
        }
        let key = &KEYS[form];
        for written in [key.clone(), format!("file:{key}"), key[..key.len() - at].to_owned(), format!("env:{key}")] {
            let failure = KeySource::parse(&written, Path::new("")).unwrap_err();
            prop_assert!(!shows(&message_of(&failure), &key[40..]));
        }
    }
}

/// Returns a key in all forms.
static KEYS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
    use crate::jose::KeyForm::{Array, Jwk, Jwks, Multibase, Pem, PemBase64};
    let key = crate::jose::ClientKey::from_secret(p256::SecretKey::from_slice(&[7; 32]).unwrap());
    [Jwk, Array, Jwks, Pem, PemBase64, Multibase]
        .map(|form| form.encode(std::slice::from_ref(&key)).unwrap().to_string())
        .into()
});
