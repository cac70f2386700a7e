//! Permissions that granted scopes give (atproto.com, "Permissions").
//!
//! A permission set (`include:…`) is a document of its author, which is not looked up here. It can
//! only give permissions below the name of its author.

use super::{CHANGES, Scope};

/// Single permission.
enum Permission<'s> {
    Repo {
        collection: &'s str,
        action: &'s str,
    },
    Rpc {
        method: &'s str,
        audience: &'s str,
    },
    Blob {
        range: &'s str,
    },
    Account {
        attribute: &'s str,
        action: &'s str,
    },
    Identity {
        attribute: &'s str,
    },
    /// Scope of another kind, which is given by its like only.
    Same(&'s Scope<'s>),
}

/// Methods of chats, which `transition:generic` does not include.
const CHAT: &str = "chat.bsky.";

/// Checks whether the granted scopes together give all permissions of a scope. `None` if that
/// depends on a permission set.
pub fn gives(granted: &str, wanted: &str) -> Option<bool> {
    let words: Vec<&str> = granted.split(' ').collect();
    if words.contains(&wanted) {
        return Some(true);
    }
    let Some(wanted) = Scope::parse(wanted) else { return Some(false) };
    let scopes: Vec<Scope<'_>> = words.iter().filter_map(|word| Scope::parse(word)).collect();
    let mut depends = false;
    for permission in wanted.permissions() {
        let is_given = permission.is_transitional(&words)
            || scopes.iter().any(|scope| scope.gives(&permission));
        if !is_given {
            if !scopes.iter().any(|scope| scope.may_include(&permission)) {
                return Some(false);
            }
            depends = true;
        }
    }
    (!depends).then_some(true)
}

impl Permission<'_> {
    /// Checks whether it is given by a scope from before there were permissions.
    fn is_transitional(&self, words: &[&str]) -> bool {
        let scope = match self {
            Self::Rpc { method, .. } if method.starts_with(CHAT) => "transition:chat.bsky",
            Self::Repo { .. } | Self::Rpc { .. } | Self::Blob { .. } => "transition:generic",
            Self::Account { attribute: "email", action: "read" } => "transition:email",
            Self::Account { .. } | Self::Identity { .. } | Self::Same(_) => return false,
        };
        words.contains(&scope)
    }
}

impl Scope<'_> {
    fn all<'v>(&'v self, name: &'static str) -> impl Iterator<Item = &'v str> + Clone {
        self.values.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }

    fn one(&self, name: &'static str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Checks whether a parameter has this value, or stands for all.
    fn has(&self, name: &'static str, wanted: &str) -> bool {
        self.all(name).any(|value| value == wanted || value == "*")
    }

    fn action(&self) -> &str {
        self.all("action").next().unwrap_or("read")
    }

    /// Returns the actions on records, all of them by default.
    fn changes(&self) -> Vec<&str> {
        let named: Vec<&str> = self.all("action").collect();
        if named.is_empty() { CHANGES.to_vec() } else { named }
    }

    fn permissions(&self) -> Vec<Permission<'_>> {
        match self.resource.name {
            "repo" => {
                let of = |collection| {
                    let each = move |action| Permission::Repo { collection, action };
                    self.changes().into_iter().map(each).collect::<Vec<_>>()
                };
                self.all("collection").flat_map(of).collect()
            }
            "rpc" => {
                let audience = self.one("aud");
                self.all("lxm").map(|method| Permission::Rpc { method, audience }).collect()
            }
            "blob" => self.all("accept").map(|range| Permission::Blob { range }).collect(),
            "account" => {
                vec![Permission::Account { attribute: self.one("attr"), action: self.action() }]
            }
            "identity" => vec![Permission::Identity { attribute: self.one("attr") }],
            _ => vec![Permission::Same(self)],
        }
    }

    fn gives(&self, permission: &Permission<'_>) -> bool {
        match (self.resource.name, permission) {
            ("repo", Permission::Repo { collection, action }) => {
                self.has("collection", collection) && self.changes().contains(action)
            }
            ("rpc", Permission::Rpc { method, audience }) => {
                self.has("lxm", method) && self.has("aud", audience)
            }
            ("blob", Permission::Blob { range }) => {
                self.all("accept").any(|accepted| is_within(range, accepted))
            }
            ("account", Permission::Account { attribute, action }) => {
                self.one("attr") == *attribute
                    && (self.action() == *action || self.action() == "manage")
            }
            ("identity", Permission::Identity { attribute }) => self.has("attr", attribute),
            (name, Permission::Same(other)) => {
                name == other.resource.name && self.sorted() == other.sorted()
            }
            _ => false,
        }
    }

    fn sorted(&self) -> Vec<(&str, &str)> {
        let mut values: Vec<_> =
            self.values.iter().map(|(name, value)| (&**name, &**value)).collect();
        values.sort_unstable();
        values
    }

    /// Checks whether this is a permission set that may have the permission.
    fn may_include(&self, permission: &Permission<'_>) -> bool {
        let group = |name: &'_ str| name.rsplit_once('.').map(|(group, _)| group.to_owned());
        let (true, Some(author)) = (self.resource.name == "include", group(self.one("nsid")))
        else {
            return false;
        };
        match permission {
            Permission::Repo { collection: name, .. } | Permission::Rpc { method: name, .. } => {
                let rest = name.strip_prefix(author.as_str());
                rest.is_some_and(|rest| rest.starts_with('.'))
            }
            Permission::Blob { .. } => true,
            Permission::Account { .. } | Permission::Identity { .. } | Permission::Same(_) => false,
        }
    }
}

/// Checks whether a media range is within another.
fn is_within(range: &str, other: &str) -> bool {
    other == "*/*"
        || range == other
        || other.strip_suffix('*').is_some_and(|kind| range.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_give_what_they_and_wider_ones_name() {
        for (granted, wanted) in [
            ("atproto repo:*", "repo:app.example.x"),
            ("repo:app.example.x", "repo:app.example.x?action=create"),
            ("repo:app.example.x?action=create", "repo?collection=app.example.x&action=create"),
            (
                "repo:app.example.x?action=create repo:app.example.x?action=update&action=delete",
                "repo:app.example.x",
            ),
            ("repo?collection=app.example.x&collection=app.example.y", "repo:app.example.y"),
            ("rpc:*?aud=did:web:a.example%23svc", "rpc:app.example.get?aud=did:web:a.example#svc"),
            ("rpc:app.example.get?aud=*", "rpc:app.example.get?aud=did:web:a.example%23svc"),
            ("blob:image/*", "blob:image/png"),
            ("blob:*/*", "blob:image/*"),
            ("account:email?action=manage", "account:email"),
            ("account:email", "account:email?action=read"),
            ("identity:*", "identity:handle"),
            ("transition:generic", "repo:*"),
            ("transition:generic", "rpc:app.example.get?aud=*"),
            ("transition:generic", "blob:*/*"),
            ("transition:chat.bsky", "rpc:chat.bsky.convo.getLog?aud=*"),
            ("transition:email", "account:email"),
            ("include:app.example.set", "include:app.example.set"),
            ("include?nsid=app.example.set", "include:app.example.set"),
        ] {
            assert_eq!(gives(granted, wanted), Some(true), "{granted} gives {wanted}");
        }
    }

    #[test]
    fn scopes_do_not_give_more_than_they_name() {
        for (granted, wanted) in [
            ("atproto", "transition:generic"),
            ("atproto repo:app.example.x", "repo:*"),
            ("repo:app.example.x?action=create", "repo:app.example.x"),
            ("repo:app.example.xy", "repo:app.example.x"),
            ("rpc:app.example.get?aud=did:web:a.example%23svc", "rpc:app.example.get?aud=*"),
            ("rpc:*?aud=*", "rpc:app.example.get?aud=*"),
            ("blob:image/png", "blob:image/*"),
            ("account:email", "account:email?action=manage"),
            ("account:repo", "account:email"),
            ("identity:handle", "identity:*"),
            ("transition:generic", "rpc:chat.bsky.convo.getLog?aud=*"),
            ("transition:generic", "account:email"),
            ("transition:generic", "identity:handle"),
            ("transition:generic", "transition:email"),
            ("include:app.example.set", "repo:app.exampler.x"),
            ("include:app.example.set", "repo:*"),
            ("include:app.example.set", "account:email"),
        ] {
            assert_eq!(gives(granted, wanted), Some(false), "{granted} does not give {wanted}");
        }
    }

    #[test]
    fn what_a_permission_set_gives_is_not_known() {
        for wanted in [
            "repo:app.example.x",
            "repo:app.example.deep.x",
            "rpc:app.example.get?aud=*",
            "blob:image/png",
        ] {
            assert_eq!(gives("atproto include:app.example.set", wanted), None, "{wanted}");
        }
        let both = "include:app.example.set repo:app.example.x";
        assert_eq!(gives(both, "repo:app.example.x?action=delete"), Some(true));
    }
}
