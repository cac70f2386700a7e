//! Parser of unfinished command lines. Pure.

use std::ffi::OsString;

/// Words up to the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// Words before the current one, without the program's name.
    pub(super) before: Vec<String>,
    /// Word at the cursor, may be empty.
    pub(super) current: String,
    /// Number of its bytes that the shell keeps. Only the rest is to be inserted.
    pub(super) kept: usize,
}

impl Words {
    /// Reads a line that the shell has split.
    pub(super) fn of_list(words: &[OsString]) -> Option<Self> {
        let mut before: Vec<_> =
            words.iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<_>>()?;
        let current = before.pop()?;
        Some(Self { before, current, kept: 0 })
    }

    /// Reads a line of bash, which splits words at each colon and `=` (`COMP_WORDBREAKS`). DIDs
    /// have many colons.
    pub(super) fn of_line(line: &str, breaks: &str) -> Self {
        let mut before = Vec::new();
        let mut current = String::new();
        let (mut quote, mut was_quoted, mut in_word) = (None, false, false);
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match (quote, c) {
                (None, ' ' | '\t' | '\n') if in_word => {
                    before.push(std::mem::take(&mut current));
                    (in_word, was_quoted) = (false, false);
                    continue;
                }
                (None, ' ' | '\t' | '\n') => continue,
                (None, '\'' | '"') => (quote, was_quoted) = (Some(c), true),
                (Some(open), _) if open == c => quote = None,
                (None | Some('"'), '\\') => current.extend(characters.next()),
                _ => current.push(c),
            }
            in_word = true;
        }
        if !before.is_empty() {
            before.remove(0);
        }
        let is_break = |c: char| matches!(c, ':' | '=') && breaks.contains(c);
        let kept = if was_quoted { 0 } else { current.rfind(is_break).map_or(0, |at| at + 1) };
        Self { before, current, kept }
    }

    /// Returns the values of an option in these words, in order.
    pub(super) fn values<'w>(before: &'w [String], option: &str) -> Vec<&'w str> {
        let mut values = Vec::new();
        let mut words = before.iter().take_while(|word| *word != "--");
        while let Some(word) = words.next() {
            if word == option {
                values.extend(words.next().map(String::as_str));
            } else if let Some(value) =
                word.strip_prefix(option).and_then(|rest| rest.strip_prefix('='))
            {
                values.push(value);
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_the_shell_splits_it() {
        for (line, before, current, kept) in [
            ("oauthctl ", &[][..], "", 0),
            ("oauthctl keys re", &["keys"], "re", 0),
            ("oauthctl  keys retire ", &["keys", "retire"], "", 0),
            ("oauthctl sessions show did:plc:ab", &["sessions", "show"], "did:plc:ab", 8),
            ("oauthctl sessions show did:", &["sessions", "show"], "did:", 4),
            ("oauthctl sessions show 'did:plc:ab", &["sessions", "show"], "did:plc:ab", 0),
            (
                "oauthctl --config 'a b.toml' --profile=pre",
                &["--config", "a b.toml"],
                "--profile=pre",
                10,
            ),
            (r"oauthctl --config a\ b ''", &["--config", "a b"], "", 0),
        ] {
            let words = Words::of_line(line, " \t\n\"'><=;|&(:");
            assert_eq!(
                (&words.before[..], &*words.current, words.kept),
                (&before.map_owned()[..], current, kept),
                "{line}"
            );
        }
        assert_eq!(Words::of_line("oauthctl sessions show did:plc:ab", " \t\n").kept, 0);
    }

    #[test]
    fn options_are_found_in_both_spellings() {
        let words = ["--keys", "a", "keys", "--keys=b", "list", "--", "--keys=c"].map_owned();
        assert_eq!(Words::values(&words, "--keys"), ["a", "b"]);
        assert_eq!(Words::values(&words[..1], "--keys"), [""; 0]);
    }

    trait MapOwned {
        fn map_owned(&self) -> Vec<String>;
    }

    impl MapOwned for [&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|&word| word.to_owned()).collect()
        }
    }
}
