//! The members of a document and their JSON types (RFC 7591 section 2, `OpenID` Connect
//! Registration section 2).

use serde_json::{Map, Value};

use super::finding::Findings;

/// A document whose members may have any type.
pub(super) struct Members<'d>(pub(super) &'d Map<String, Value>);

/// What a member holds. A mistyped one has its finding already; the rules about its value do not
/// apply.
pub(super) enum Given<T> {
    /// Not in the document.
    Absent,
    /// Of another JSON type.
    Mistyped,
    /// A value of the right type.
    Is(T),
}

#[derive(Clone, Copy)]
enum Type {
    Text,
    Texts,
    Flag,
}

/// The type of every member that servers read; `jwks` has a room of its own. Other members are
/// tolerated.
const TYPES: [(Type, &[&str]); 3] = [
    (
        Type::Text,
        &[
            "client_id",
            "client_name",
            "client_uri",
            "logo_uri",
            "tos_uri",
            "policy_uri",
            "scope",
            "application_type",
            "subject_type",
            "token_endpoint_auth_method",
            "token_endpoint_auth_signing_alg",
            "jwks_uri",
            "request_object_signing_alg",
            "authorization_signed_response_alg",
            "authorization_encrypted_response_alg",
        ],
    ),
    (
        Type::Texts,
        &[
            "redirect_uris",
            "response_types",
            "grant_types",
            "contacts",
            "authorization_details_types",
        ],
    ),
    (
        Type::Flag,
        &[
            "dpop_bound_access_tokens",
            "require_auth_time",
            "tls_client_certificate_bound_access_tokens",
        ],
    ),
];

impl Type {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Flag => value.is_boolean(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Texts => "an array of strings",
            Self::Flag => "true or false",
        }
    }

    fn fix(self) -> &'static str {
        match self {
            Self::Text => "write one text in quotes",
            Self::Texts => r#"write ["…"]"#,
            Self::Flag => "write true or false, without quotes",
        }
    }
}

impl<'d> Members<'d> {
    /// Returns the member, of whatever type.
    pub(super) fn value(&self, name: &str) -> Option<&'d Value> {
        self.0.get(name)
    }

    /// Returns a member that is one text.
    pub(super) fn text(&self, name: &str) -> Given<&'d str> {
        self.typed(name, Value::as_str)
    }

    /// Returns a member that is a list of texts.
    pub(super) fn texts(&self, name: &str) -> Given<Vec<&'d str>> {
        self.typed(name, |value| value.as_array()?.iter().map(Value::as_str).collect())
    }

    /// Returns a member that is true or false.
    pub(super) fn flag(&self, name: &str) -> Given<bool> {
        self.typed(name, Value::as_bool)
    }

    fn typed<T>(&self, name: &str, read: impl FnOnce(&'d Value) -> Option<T>) -> Given<T> {
        self.value(name)
            .map_or(Given::Absent, |value| read(value).map_or(Given::Mistyped, Given::Is))
    }

    /// Finds the members that have another type than servers read them as.
    pub(super) fn check_types(&self, findings: &mut Findings) {
        for (kind, names) in TYPES {
            for name in names {
                match self.value(name) {
                    Some(Value::Null) => {
                        findings.problem(
                            name,
                            format!("must be {}, not null", kind.name()),
                            "leave the member out",
                        );
                    }
                    Some(value) if !kind.holds(value) => {
                        findings.problem(name, format!("must be {}", kind.name()), kind.fix());
                    }
                    _ => {}
                }
            }
        }
    }
}

impl<T> Given<T> {
    /// Returns the value, when there is one to apply rules to.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Mistyped => None,
        }
    }
}
