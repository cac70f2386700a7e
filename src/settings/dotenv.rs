//! Dotenv files, in the grammar of npm's `dotenv`, with which apps load them: only `\n` and `\r` in
//! double quotes are expanded, and of two lines for one variable the later counts. tests/interop
//! compares both parsers.

/// Parsed dotenv file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dotenv {
    /// Variables, in order.
    pub variables: Vec<(String, String)>,
    /// Numbers of the lines that are neither comments nor assignments.
    pub unread: Vec<usize>,
}

/// Returns the variables of a file, in order.
pub fn parse(text: &str) -> Vec<(String, String)> {
    read(text).variables
}

/// Parses a file.
pub fn read(text: &str) -> Dotenv {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut found = Dotenv::default();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let begin = at + (rest.len() - rest.trim_start_matches(is_space).len());
        if let Some((name, value, end)) = assignment(&text[begin..]) {
            found.variables.push((name.to_owned(), value));
            at = begin + end;
            // The value is followed by white space or a comment on its line.
            at += text[at..].find(is_line_end).unwrap_or(text.len() - at);
        } else {
            let line = text[begin..].split(is_line_end).next().unwrap_or_default();
            if !line.is_empty() && !line.starts_with('#') {
                found.unread.push(text[..begin].matches('\n').count() + 1);
            }
            at = begin + line.len();
        }
    }
    found
}

/// Returns a warning about unparsed lines of a file.
pub fn warning(file: impl std::fmt::Display, unread: &[usize]) -> Option<String> {
    const SHOWN: usize = 5;
    let numbers = unread.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match unread {
        [] => None,
        [line] => Some(format!(
            "{file}: line {line} is ignored: it is neither a comment nor an assignment"
        )),
        _ => {
            let more = if unread.len() > SHOWN { ", …" } else { "" };
            let what =
                "are ignored: they are neither comments nor assignments; is a quote missing?";
            Some(format!("{file}: lines {numbers}{more} {what}"))
        }
    }
}

/// Checks for white space as defined by JavaScript, the language of the original parser.
fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\u{2028}' | '\u{2029}')
}

fn without_space(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// Parses `NAME=VALUE`, `export NAME=VALUE` or `NAME: VALUE` at the start of the text. Returns the
/// name, the value, and the end of the value.
fn assignment(text: &str) -> Option<(&str, String, usize)> {
    let exported =
        text.strip_prefix("export").filter(|rest| rest.starts_with(is_space)).map(without_space);
    let (name, after) = exported.and_then(named).or_else(|| named(text))?;
    let (raw, after_value) = raw_value(after);
    Some((name, value(raw), text.len() - after_value.len()))
}

/// Returns the name, and the text after the sign that follows it.
fn named(text: &str) -> Option<(&str, &str)> {
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let after_name = text.trim_start_matches(is_in_name);
    let name = &text[..text.len() - after_name.len()];
    let after_sign = match after_name.strip_prefix(':') {
        // A colon requires white space after it, and includes one character of it.
        Some(rest) => rest.strip_prefix(is_space),
        None => without_space(after_name).strip_prefix('='),
    };
    Some((name, after_sign?)).filter(|(name, _)| !name.is_empty())
}

/// Returns the value with its quotes, and the rest. A quoted value may begin on the next line and
/// span several lines; an unquoted one ends with the line or before a comment.
fn raw_value(text: &str) -> (&str, &str) {
    let begin = without_space(text);
    if let Some(quote) = begin.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'))
        && let Some(end) = closing(begin, quote)
    {
        return begin.split_at(end);
    }
    text.split_at(text.find(['#', '\n']).unwrap_or(text.len()))
}

/// Returns the end of a quoted text: after the first unescaped quote, else after the last escaped
/// one, if only a comment follows on its line.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = Vec::new();
    let quotes = text.match_indices(quote).map(|(at, _)| at).skip(1);
    let mut first = None;
    for at in quotes {
        if text[..at].ends_with('\\') {
            escaped.push(at);
        } else {
            first = Some(at);
            break;
        }
    }
    let is_end = |at: &usize| {
        let after = &text[at + 1..];
        let rest = without_space(after);
        rest.is_empty()
            || rest.starts_with('#')
            || after[..after.len() - rest.len()].contains(is_line_end)
    };
    first.into_iter().chain(escaped.into_iter().rev()).find(is_end).map(|at| at + 1)
}

/// Returns the value as the app sees it.
fn value(raw: &str) -> String {
    let raw = raw.trim_matches(is_space);
    let value = without_quotes(raw);
    if raw.starts_with('"') { value.replace("\\n", "\n").replace("\\r", "\r") } else { value }
}

/// The text without the quotes around it, and around each run of whole lines in it: the grammar takes
/// every line for a beginning and an end, and line ends of Unicode for those of lines.
fn without_quotes(raw: &str) -> String {
    let mut plain = String::with_capacity(raw.len());
    let (mut copied, mut line) = (0, Some(0));
    while let Some(begin) = line {
        let rest = &raw[begin..];
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
        let is_last = |at: &usize| rest[at + 1..].chars().next().is_none_or(is_line_end);
        let last = quote.and_then(|quote| {
            rest.match_indices(quote).map(|(at, _)| at).skip(1).filter(is_last).last()
        });
        let from = last.map_or(begin, |last| {
            plain.push_str(&raw[copied..begin]);
            plain.push_str(&rest[1..last]);
            copied = begin + last + 1;
            copied
        });
        let ends = raw[from..].match_indices(is_line_end);
        line = ends.map(|(at, end)| from + at + end.len()).next();
    }
    plain.push_str(&raw[copied..]);
    plain
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn last(text: &str) -> Option<String> {
        parse(text).into_iter().rev().find(|(name, _)| name == "A").map(|(_, value)| value)
    }

    #[test]
    fn values_are_what_the_app_reads() {
        for (text, expected) in [
            ("A=1", "1"),
            ("  export A = 1  # one", "1"),
            ("A='{\"kty\":\"EC\"}' # a key", "{\"kty\":\"EC\"}"),
            ("A={\"kty\":\"EC\",\"crv\":\"P-256\"}", "{\"kty\":\"EC\",\"crv\":\"P-256\"}"),
            ("A=\"x\\ny\"", "x\ny"),
            ("A='x\\ny'", "x\\ny"),
            ("A=\"-----BEGIN\nMIG\n-----END\"\nB=2", "-----BEGIN\nMIG\n-----END"),
            ("A=redis://h:6379/0?x=y\r\n", "redis://h:6379/0?x=y"),
            ("A='never closed", "'never closed"),
            ("A=", ""),
            ("A=1\nA=2", "2"),
            ("\u{feff}A=1", "1"),
            ("A: 1", "1"),
            ("A: '1' # one", "1"),
            ("A=\n'1'", "1"),
        ] {
            assert_eq!(last(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(last("# A=1\nnonsense\n=2\nA B=3\nA:4"), None);
    }

    #[test]
    fn a_file_says_what_npm_s_dotenv_reads_in_it() {
        let samples: Vec<(String, BTreeMap<String, String>)> =
            serde_json::from_str(include_str!("../../tests/interop/dotenv.json")).unwrap();
        for (text, expected) in samples {
            assert_eq!(parse(&text).into_iter().collect::<BTreeMap<_, _>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_that_say_nothing_are_numbered() {
        let unread = |text| read(text).unread;
        assert_eq!(unread("# one\n\nA=1\nnonsense\n  B 2\nC='x\ny'\n=3"), [4, 5, 8]);
        assert_eq!(unread("\u{feff}# a comment\r\n\r\nA=1\r\n"), [0; 0]);
        assert_eq!(unread("A=\"-----BEGIN\nMIG\n-----END"), [2, 3]);
        assert_eq!(warning(".env", &[]), None);
        assert!(
            warning(".env", &[3]).is_some_and(|text| text.starts_with(".env: line 3 is ignored"))
        );
        assert!(
            warning(".env", &[3, 4])
                .is_some_and(|text| text.starts_with(".env: lines 3, 4 are ignored"))
        );
    }

    #[test]
    fn what_follows_a_value_of_several_lines_is_read() {
        let names: Vec<_> =
            parse("A='x\ny' \nB=2\nC=3").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "B", "C"]);
    }
}
