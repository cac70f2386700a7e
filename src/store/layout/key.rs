//! Key templates: `oauth:session:{did}`, `myapp:{did}:{sid}`.

use std::fmt;
use std::str::FromStr;

use crate::error::{Failure, usage};
use crate::session::Did;

/// Key template: literal text around one placeholder, or around two placeholders with a separator
/// between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPattern {
    prefix: String,
    /// Placeholder of the subject: `did`, `state` or `name`.
    subject: Subject,
    /// Separator between the subject and a random ID (`{sid}`), if a subject may have several
    /// records.
    separator: Option<String>,
    suffix: String,
}

/// Subject of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `{did}`: account of a session.
    Did,
    /// `{state}`: state parameter of a pending login.
    State,
    /// `{name}`: lock name passed by client libraries, `@atproto-oauth-client-{did}`.
    Name,
}

impl Subject {
    /// Returns the placeholder of the subject in a template.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Did => "{did}",
            Self::State => "{state}",
            Self::Name => "{name}",
        }
    }
}

/// Placeholder for the app's `client_id`, in the prefix of a template.
pub const CLIENT_ID: &str = "{client_id}";

/// Placeholder for the app's name among those that share a table, in the prefix of a template.
pub const APP: &str = "{app}";

impl KeyPattern {
    /// Returns the template of keys that consist of the account alone.
    pub fn bare() -> Self {
        Self {
            prefix: String::new(),
            subject: Subject::Did,
            separator: None,
            suffix: String::new(),
        }
    }

    /// Returns the text before the subject.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the template with a value in place of a placeholder of its prefix.
    pub fn with(&self, placeholder: &str, value: &str) -> Self {
        Self { prefix: self.prefix.replace(placeholder, value), ..self.clone() }
    }

    /// Returns the template without its prefix, for the keys of all apps.
    pub fn without_prefix(&self) -> Self {
        Self { prefix: String::new(), ..self.clone() }
    }

    /// Returns the subject of the keys.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Checks whether a subject may have several records.
    pub fn has_many(&self) -> bool {
        self.separator.is_some()
    }

    /// Returns the key of this subject. Templates with a random ID require one.
    pub fn key(&self, subject: &str, id: Option<&str>) -> String {
        let mut key = format!("{}{subject}", self.prefix);
        if let (Some(separator), Some(id)) = (&self.separator, id) {
            key.push_str(separator);
            key.push_str(id);
        }
        key.push_str(&self.suffix);
        key
    }

    /// Returns a glob (Redis `MATCH`) for all keys of this template, or for those of one subject.
    pub fn glob(&self, subject: Option<&str>) -> String {
        let mut glob = escaped(&self.prefix);
        match (subject, &self.separator) {
            (None, _) if self.subject == Subject::Did => glob.push_str("did:*"),
            (None, _) => glob.push('*'),
            (Some(subject), None) => glob.push_str(&escaped(subject)),
            (Some(subject), Some(separator)) => {
                glob.push_str(&escaped(subject));
                glob.push_str(&escaped(separator));
                glob.push('*');
            }
        }
        glob.push_str(&escaped(&self.suffix));
        glob
    }

    /// Returns the subject and the random ID of a key of this template. DIDs contain colons, so the
    /// ID follows the last separator.
    pub fn parse_key<'k>(&self, key: &'k str) -> Option<(&'k str, Option<&'k str>)> {
        let inner = key.strip_prefix(self.prefix.as_str())?.strip_suffix(self.suffix.as_str())?;
        let (subject, id) = match &self.separator {
            None => (inner, None),
            Some(separator) => {
                let (subject, id) = inner.rsplit_once(separator.as_str())?;
                (subject, Some(id))
            }
        };
        let fits = match self.subject {
            Subject::Did => Did::is_valid(subject),
            Subject::State | Subject::Name => !subject.is_empty(),
        };
        (fits && id != Some("")).then_some((subject, id))
    }
}

/// Escapes the special characters of Redis globs.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

impl FromStr for KeyPattern {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let refuse = |why: &str| {
            usage(format!("key template {text:?} {why}"))
                .hint("a template looks like myapp:session:{did}")
        };
        let found: Vec<_> = [Subject::Did, Subject::State, Subject::Name]
            .into_iter()
            .filter_map(|subject| Some((text.find(subject.placeholder())?, subject)))
            .collect();
        let [(at, subject)] = found[..] else {
            return Err(refuse("must contain exactly one of {did}, {state}, {name}"));
        };
        let (prefix, rest) = (&text[..at], &text[at + subject.placeholder().len()..]);
        let (separator, suffix) = match rest.split_once("{sid}") {
            None => (None, rest),
            Some(("", _)) => return Err(refuse("needs something between the account and {sid}")),
            Some((separator, suffix)) => (Some(separator.to_owned()), suffix),
        };
        let bare = [CLIENT_ID, APP]
            .iter()
            .fold(prefix.to_owned(), |text, placeholder| text.replace(placeholder, ""));
        if [&bare, suffix, separator.as_deref().unwrap_or("")]
            .iter()
            .any(|part| part.contains(['{', '}']))
        {
            return Err(refuse("has a placeholder that is unknown or in the wrong place"));
        }
        Ok(Self { prefix: prefix.to_owned(), subject, separator, suffix: suffix.to_owned() })
    }
}

impl fmt::Display for KeyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, self.subject.placeholder())?;
        if let Some(separator) = &self.separator {
            write!(f, "{separator}{{sid}}")?;
        }
        f.write_str(&self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_and_read_back() {
        for (pattern, subject, id, key) in [
            ("oauth:session:{did}", "did:plc:a", None, "oauth:session:did:plc:a"),
            (
                "oauth:session:{did}:{sid}",
                "did:web:a:b",
                Some("x1"),
                "oauth:session:did:web:a:b:x1",
            ),
            ("{did}", "did:plc:a", None, "did:plc:a"),
            ("s/{state}.json", "abc", None, "s/abc.json"),
        ] {
            let pattern: KeyPattern = pattern.parse().unwrap();
            assert_eq!(pattern.key(subject, id), key);
            assert_eq!(pattern.parse_key(key), Some((subject, id)));
            assert_eq!(pattern.to_string().parse::<KeyPattern>().unwrap(), pattern);
        }
    }

    #[test]
    fn a_key_of_another_pattern_is_none_of_ours() {
        let pattern: KeyPattern = "oauth:session:{did}".parse().unwrap();
        for key in [
            "oauth:session:",
            "oauth:session:abc",
            "oauth:session:v2:did:plc:a",
            "oauth:state:did:plc:a",
            "",
        ] {
            assert_eq!(pattern.parse_key(key), None, "{key}");
        }
    }

    #[test]
    fn globs_take_literal_text_literally() {
        let pattern: KeyPattern = "a*[b]:{did}:{sid}".parse().unwrap();
        assert_eq!(pattern.glob(None), "a\\*\\[b\\]:did:*");
        assert_eq!(pattern.glob(Some("did:plc:a")), "a\\*\\[b\\]:did:plc:a:*");
    }

    #[test]
    fn templates_without_one_subject_are_refused() {
        for bad in
            ["", "abc", "{did}{state}", "{did}{sid}", "{sid}:{did}", "{did}:{x}", "{did}{did}"]
        {
            assert!(bad.parse::<KeyPattern>().is_err(), "{bad}");
        }
    }
}
