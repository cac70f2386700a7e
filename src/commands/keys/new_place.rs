//! Names of the places of new keys, by the conventions of the places of old ones.

use std::path::{Path, PathBuf};

use crate::jose::{KeyForm, Kid};
use crate::keyring::KeySource;

/// Place of keys, as named in a sentence, and in settings if possible there.
pub(super) struct KeyPlace {
    pub(super) shown: String,
    pub(super) setting: Option<String>,
}

impl KeyPlace {
    /// Adds the kid for a key that has none itself.
    fn named(name: String, kid: Option<&str>) -> Self {
        let setting = match kid {
            Some(kid) => format!("{{ source = {name:?}, kid = {kid:?} }}"),
            None => format!("{name:?}"),
        };
        Self { shown: name, setting: Some(setting) }
    }

    /// Returns the place of a new key in this form.
    pub(super) fn of_new(name: String, form: KeyForm, kid: &str) -> Self {
        Self::named(name, Some(kid).filter(|_| !form.has_kid()))
    }

    /// Returns the place of the keys of a source.
    pub(super) fn of(source: &KeySource) -> Self {
        match source {
            KeySource::Stdin => Self { shown: "the old key".to_owned(), setting: None },
            source => Self::named(source.to_string(), source.kid().map(Kid::as_str)),
        }
    }
}

/// Returns the path of a new key's file: `keys/client.json` → `keys/client.AbCdEfGh.json`.
pub(super) fn sibling(path: &Path, kid: &str) -> PathBuf {
    let short: String = kid.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension =
        path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem}.{short}{extension}"))
}

/// Returns the next name by convention: `…_ONE` → `…_TWO`, `…_1` → `…_2`, else `…_2`.
pub(super) fn next_variable(name: &str, taken: impl Fn(&str) -> bool) -> String {
    const WORDS: [&str; 9] =
        ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"];
    let (stem, last) = name.rsplit_once('_').unwrap_or((name, ""));
    if let Some(at) = WORDS.iter().position(|word| *word == last)
        && let Some(free) =
            WORDS[at + 1..].iter().map(|word| format!("{stem}_{word}")).find(|n| !taken(n))
    {
        return free;
    }
    let (stem, first) = match last.parse::<u32>() {
        Ok(number) => (stem, number + 1),
        Err(_) => (name, 2),
    };
    let mut number = first;
    while taken(&format!("{stem}_{number}")) {
        number += 1;
    }
    format!("{stem}_{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_variable_continues_the_convention_of_the_first() {
        let none = |_: &str| false;
        assert_eq!(next_variable("NUXT_OAUTH_JWK_ONE", none), "NUXT_OAUTH_JWK_TWO");
        assert_eq!(next_variable("PRIVATE_KEY_1", none), "PRIVATE_KEY_2");
        assert_eq!(next_variable("PRIVATE_KEY", none), "PRIVATE_KEY_2");
        assert_eq!(next_variable("JWK_1", |n| n == "JWK_2"), "JWK_3");
        assert_eq!(next_variable("A_ONE", |n| n == "A_TWO"), "A_THREE");
    }
}
