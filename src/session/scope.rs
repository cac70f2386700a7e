//! Grammar of the scopes that the AT Protocol knows (atproto.com, "Permissions").
//!
//! Servers pass over a scope that they do not understand: the login works, and the user is never
//! asked for it.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::error::nearest;

mod coverage;

pub use coverage::gives;

/// Scopes without parameters.
const PLAIN: [&str; 4] =
    ["atproto", "transition:generic", "transition:email", "transition:chat.bsky"];

/// Fault of a scope: `{scope} {rule}` reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeFault {
    /// The rule: "must …".
    pub rule: String,
    /// Replacement, as an instruction.
    pub fix: String,
}

/// Values of a parameter.
#[derive(Clone, Copy)]
enum Takes {
    /// Name of a collection or method.
    Nsid,
    /// The same, or `*` for all.
    NsidOrAny,
    /// DID with the name of a service.
    Audience,
    /// The same, or `*` for all.
    AudienceOrAny,
    /// Media type or range.
    MediaRange,
    /// A word of a list.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
}

struct Parameter {
    name: &'static str,
    is_required: bool,
    may_repeat: bool,
    takes: Takes,
}

const fn parameter(
    name: &'static str,
    [is_required, may_repeat]: [bool; 2],
    takes: Takes,
) -> Parameter {
    Parameter { name, is_required, may_repeat, takes }
}

/// A resource and its parameters; the first may stand behind the colon.
struct Resource {
    name: &'static str,
    parameters: &'static [Parameter],
    example: &'static str,
}

/// Actions on records.
const CHANGES: [&str; 3] = ["create", "update", "delete"];

static RESOURCES: [Resource; 7] = [
    Resource {
        name: "repo",
        parameters: &[
            parameter("collection", [true, true], Takes::NsidOrAny),
            parameter("action", [false, true], Takes::OneOf(&CHANGES)),
        ],
        example: "repo:app.bsky.feed.post?action=create",
    },
    Resource {
        name: "rpc",
        parameters: &[
            parameter("lxm", [true, true], Takes::NsidOrAny),
            parameter("aud", [true, false], Takes::AudienceOrAny),
        ],
        example: "rpc:app.bsky.feed.getFeed?aud=did:web:api.example.com%23service",
    },
    Resource {
        name: "blob",
        parameters: &[parameter("accept", [true, true], Takes::MediaRange)],
        example: "blob:image/*",
    },
    Resource {
        name: "account",
        parameters: &[
            parameter("attr", [true, false], Takes::OneOf(&["email", "repo", "status"])),
            parameter("action", [false, false], Takes::OneOf(&["read", "manage"])),
        ],
        example: "account:email?action=read",
    },
    Resource {
        name: "identity",
        parameters: &[parameter("attr", [true, false], Takes::OneOf(&["handle", "*"]))],
        example: "identity:handle",
    },
    Resource {
        name: "include",
        parameters: &[
            parameter("nsid", [true, false], Takes::Nsid),
            parameter("aud", [false, false], Takes::Audience),
        ],
        example: "include:com.example.authBasic",
    },
    // The newest, and known to few servers yet.
    Resource {
        name: "space",
        parameters: &[
            parameter("type", [true, false], Takes::NsidOrAny),
            parameter("authority", [false, false], Takes::Text),
            parameter("skey", [false, false], Takes::Text),
            parameter("collection", [false, true], Takes::NsidOrAny),
            parameter("action", [false, true], Takes::Text),
            parameter("manage", [false, true], Takes::OneOf(&CHANGES)),
        ],
        example: "space:com.example.space",
    },
];

/// Returns the fault of one scope, if it has any.
pub fn scope_fault(scope: &str) -> Option<ScopeFault> {
    if PLAIN.contains(&scope) {
        return None;
    }
    let fault = |rule: &str, fix: String| Some(ScopeFault { rule: rule.to_owned(), fix });
    let (name, rest) = scope.split_at(scope.find([':', '?']).unwrap_or(scope.len()));
    let resource = RESOURCES.iter().find(|resource| resource.name == name);
    if resource.is_none() && scope.contains([',', ';']) {
        let spaced: Vec<_> = scope.split([',', ';']).filter(|part| !part.is_empty()).collect();
        return fault(
            "must not have a comma: spaces stand between scopes",
            format!("write {:?}", spaced.join(" ")),
        );
    }
    let Some(resource) = resource else {
        let known = PLAIN.into_iter().chain(RESOURCES.iter().map(|resource| resource.name));
        let near = nearest(scope, known.clone()).map(str::to_owned);
        // The name of the resource alone may be misspelt.
        let near = near.or_else(|| {
            nearest(name, RESOURCES.iter().map(|resource| resource.name))
                .map(|near| format!("{near}{rest}"))
        });
        return fault(
            "must be a scope that the AT Protocol knows",
            near.map_or_else(
                || format!("write one of {}, or repo:…, rpc:…, blob:…, account:…, identity:…, include:…", PLAIN.join(", ")),
                |near| format!("write {near}"),
            ),
        );
    };
    match resource.values(rest) {
        Ok(values) => resource.fault(&values),
        Err(fault) => Some(fault),
    }
}

/// Values of parameters by their names, decoded.
type Values<'s> = Vec<(Cow<'s, str>, Cow<'s, str>)>;

/// Scope of a resource, taken apart.
struct Scope<'s> {
    resource: &'static Resource,
    values: Values<'s>,
}

impl<'s> Scope<'s> {
    /// Takes a scope apart. `None` for one without parameters, and for one that servers do not
    /// understand.
    fn parse(scope: &'s str) -> Option<Self> {
        let (name, rest) = scope.split_at(scope.find([':', '?'])?);
        let resource = RESOURCES.iter().find(|resource| resource.name == name)?;
        let values = resource.values(rest).ok()?;
        resource.fault(&values).is_none().then_some(Self { resource, values })
    }
}

impl Resource {
    /// Returns the values of the parameters behind the name.
    fn values<'s>(&self, rest: &'s str) -> Result<Values<'s>, ScopeFault> {
        let (positional, query) = match rest.split_once('?') {
            Some((positional, query)) => (positional, query),
            None => (rest, ""),
        };
        let first = &self.parameters[0];
        let mut values = Values::new();
        if let Some(value) = positional.strip_prefix(':') {
            // Decoded as a query is, but for the plus.
            let encoded = format!("v={}", value.replace('+', "%2B"));
            let decoded = form_urlencoded::parse(encoded.as_bytes()).next();
            let value = decoded.map(|(_, value)| value.into_owned()).unwrap_or_default();
            values.push((first.name.into(), value.into()));
        }
        let named = form_urlencoded::parse(query.as_bytes());
        for (name, value) in named {
            if name == first.name && positional.starts_with(':') {
                return Err(ScopeFault {
                    rule: format!(
                        "must not have `{name}` both behind the colon and as a parameter"
                    ),
                    fix: self.like(),
                });
            }
            values.push((name, value));
        }
        Ok(values)
    }

    fn like(&self) -> String {
        format!("write it like {}", self.example)
    }

    /// Returns the fault of the values, if there is one.
    fn fault(&self, values: &Values<'_>) -> Option<ScopeFault> {
        let like = || self.like();
        for (name, value) in values {
            let Some(parameter) = self.parameters.iter().find(|known| known.name == *name) else {
                let names = self.parameters.iter().map(|known| known.name);
                let fix = nearest(name, names).map_or_else(like, |near| format!("write {near}=…"));
                return Some(ScopeFault {
                    rule: format!("must not have a parameter `{name}`"),
                    fix,
                });
            };
            if let Some((rule, fix)) = parameter.takes.fault(value) {
                let fix = fix.unwrap_or_else(like);
                return Some(ScopeFault { rule: format!("must have as `{name}` {rule}"), fix });
            }
        }
        let count = |name: &str| values.iter().filter(|(known, _)| known == name).count();
        for parameter in self.parameters {
            let (name, n) = (parameter.name, count(parameter.name));
            if parameter.is_required && n == 0 {
                return Some(ScopeFault { rule: format!("must have `{name}`"), fix: like() });
            }
            if !parameter.may_repeat && n > 1 {
                return Some(ScopeFault { rule: format!("must have `{name}` once"), fix: like() });
            }
        }
        let is_any =
            |wanted: &str| values.iter().any(|(name, value)| name == wanted && value == "*");
        if self.name == "rpc" && is_any("lxm") && is_any("aud") {
            let rule = "must not allow every method at every service";
            return Some(ScopeFault {
                rule: rule.to_owned(),
                fix: "name the methods (lxm), or the service (aud)".to_owned(),
            });
        }
        None
    }
}

impl Takes {
    /// Returns the requirement that the value does not meet, and a replacement if one is known.
    fn fault(self, value: &str) -> Option<(String, Option<String>)> {
        let any = matches!(self, Self::NsidOrAny | Self::AudienceOrAny) && value == "*";
        match self {
            _ if any => None,
            Self::Text => None,
            Self::Nsid | Self::NsidOrAny if is_nsid(value) => None,
            Self::Nsid | Self::NsidOrAny if value.ends_with(".*") => Some((
                "one whole name: a wildcard stands for all of them or for none".to_owned(),
                Some(format!(
                    "name each one below {}, or publish a permission set and write include:{}.NAME",
                    value.trim_end_matches(".*"),
                    value.trim_end_matches(".*"),
                )),
            )),
            Self::Nsid => Some(("a name like com.example.record".to_owned(), None)),
            Self::NsidOrAny => Some(("a name like com.example.record, or *".to_owned(), None)),
            Self::Audience | Self::AudienceOrAny if is_audience(value) => None,
            Self::Audience | Self::AudienceOrAny => Some((
                "a DID and a service, like did:web:api.example.com%23service".to_owned(),
                None,
            )),
            Self::MediaRange if is_media_range(value) => None,
            Self::MediaRange => {
                Some(("a media type, like image/png, image/* or */*".to_owned(), None))
            }
            Self::OneOf(words) if words.contains(&value) => None,
            Self::OneOf(words) => Some((
                format!("one of {}", words.join(", ")),
                nearest(value, words.iter().copied()).map(|near| format!("write {near}")),
            )),
        }
    }
}

/// Checks whether this is a namespaced identifier (atproto.com, "NSID").
fn is_nsid(text: &str) -> bool {
    const MAX: usize = 317;
    let Some((domain, name)) = text.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MAX
        && domain.contains('.')
        && domain.split('.').all(is_label)
        && domain.starts_with(|c: char| c.is_ascii_alphabetic())
        && (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Checks whether this is a DID with a fragment that names a service.
fn is_audience(text: &str) -> bool {
    text.split_once('#').is_some_and(|(did, service)| {
        did.parse::<crate::session::Did>().is_ok() && !service.is_empty() && !service.contains('#')
    })
}

fn is_media_range(text: &str) -> bool {
    let Some((kind, part)) = text.split_once('/') else { return false };
    if kind.is_empty() || part.is_empty() || part.contains('/') || text.contains([' ', ',']) {
        return false;
    }
    text == "*/*" || !kind.contains('*') && (part == "*" || !part.contains('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_the_protocol_have_no_fault() {
        for scope in [
            "atproto",
            "transition:generic",
            "transition:email",
            "transition:chat.bsky",
            "repo:*",
            "repo:app.bsky.feed.post",
            "repo:app.bsky.feed.post?action=create&action=update",
            "repo?collection=app.bsky.feed.post&collection=app.bsky.feed.like",
            "rpc:app.bsky.feed.getFeed?aud=did:web:api.bsky.app%23bsky_appview",
            "rpc:app.bsky.feed.getFeed?aud=did:web:api.bsky.app#bsky_appview",
            "rpc:app.bsky.feed.getFeed?aud=*",
            "rpc:*?aud=did:web:api.bsky.app%23bsky_appview",
            "rpc?lxm=app.bsky.feed.getFeed&lxm=app.bsky.feed.getLikes&aud=*",
            "blob:*/*",
            "blob:image/*",
            "blob?accept=image/png&accept=video/*",
            "blob:image/svg+xml",
            "account:email",
            "account:repo?action=manage",
            "identity:handle",
            "identity:*",
            "include:com.example.authBasic",
            "include:com.example.authBasic?aud=did:web:api.example.com%23svc",
            "space:com.example.space?manage=create",
        ] {
            assert_eq!(scope_fault(scope), None, "{scope}");
        }
    }

    #[test]
    fn a_fault_is_named_with_what_to_write() {
        for (scope, rule, fix) in [
            ("transition:genric", "a scope that the AT Protocol knows", "write transition:generic"),
            ("atporto", "a scope that the AT Protocol knows", "write atproto"),
            ("reop:app.bsky.feed.post", "a scope that", "write repo:app.bsky.feed.post"),
            ("openid", "a scope that the AT Protocol knows", "write one of atproto"),
            ("atproto,transition:generic", "comma", "write \"atproto transition:generic\""),
            (
                "repo:app.example.*",
                "a wildcard stands for all of them or for none",
                "include:app.example.NAME",
            ),
            ("repo:post", "a name like", "repo:app.bsky.feed.post"),
            ("repo", "must have `collection`", "repo:app.bsky"),
            ("repo:*?action=creat", "one of create, update, delete", "write create"),
            ("repo:*?actoin=create", "parameter `actoin`", "write action=…"),
            ("repo:a.b.c?collection=a.b.d", "both behind the colon", "repo:app.bsky"),
            ("rpc:*?aud=*", "every method at every service", "aud"),
            ("rpc:app.bsky.feed.getFeed", "must have `aud`", "aud=did:web"),
            (
                "rpc:app.bsky.feed.getFeed?aud=did:web:api.bsky.app",
                "a DID and a service",
                "aud=did:web",
            ),
            ("rpc:a.b.c?aud=*&aud=*", "must have `aud` once", "rpc:"),
            ("blob:image", "a media type", "blob:image/*"),
            ("blob:image/png,image/jpeg", "a media type", "blob:image/*"),
            ("account:mail", "one of email, repo, status", "write email"),
            ("identity:handel", "one of handle, *", "write handle"),
            ("include:com.example.*", "wildcard", "name each one"),
        ] {
            let fault = scope_fault(scope).unwrap_or_else(|| panic!("{scope} has no fault"));
            assert!(fault.rule.contains(rule), "{scope}: {fault:?}");
            assert!(fault.fix.contains(fix), "{scope}: {fault:?}");
        }
    }
}
