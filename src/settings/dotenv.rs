//! Dotenv files, read as the apps' own loader reads them (Node's `dotenv`): nothing is expanded but `\n` and `\r` in
//! double quotes, and of two lines for one variable the later counts.

/// The variables of a file, in order.
pub fn parse(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut variables = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after_line) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after_line;
        let Some((name, value)) = assignment(line) else { continue };
        let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
        let value = match quote {
            // A quoted value may go on over several lines: a PEM does.
            Some(quote) => match quoted(value, after_line, quote) {
                Some((value, after_value)) => {
                    rest = after_value;
                    value
                }
                None => unquoted(value),
            },
            None => unquoted(value),
        };
        variables.push((name.to_owned(), value));
    }
    variables
}

/// `NAME=value` or `export NAME=value`: the name, and what follows the `=`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_name =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    // A text in quotes may end with spaces, on this line or a later one.
    is_name.then(|| (name, value.trim_start()))
}

/// The text up to the closing quote, and what follows its line; none when the quote is never closed.
fn quoted<'t>(value: &str, after_line: &'t str, quote: char) -> Option<(String, &'t str)> {
    let text =
        |inner: &str| if quote == '"' { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner.to_owned() };
    let start = &value[1..];
    if let Some(end) = closing(start, quote) {
        return Some((text(&start[..end]), after_line));
    }
    let end = closing(after_line, quote)?;
    let after = after_line[end..].split_once('\n').map_or("", |(_, after)| after);
    Some((text(&format!("{start}\n{}", &after_line[..end])), after))
}

fn closing(text: &str, quote: char) -> Option<usize> {
    let is_escaped = |at: usize| text[..at].ends_with('\\');
    text.match_indices(quote).map(|(at, _)| at).find(|at| !is_escaped(*at))
}

/// A value without quotes ends where a comment begins.
fn unquoted(value: &str) -> String {
    value.split('#').next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
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
        ] {
            assert_eq!(value(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(value("# A=1\nnonsense\n=2\nA B=3"), None);
    }

    #[test]
    fn what_follows_a_value_of_several_lines_is_read() {
        let names: Vec<_> = parse("A='x\ny' \nB=2\nC=3").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "B", "C"]);
    }
}
