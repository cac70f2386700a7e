//! Members of a document and their JSON types (RFC 7591 section 2, `OpenID` Connect Registration
//! section 2).

use serde_json::{Map, Value};

use super::finding::Findings;

/// Document whose members may have any type.
pub(super) struct Members<'d>(pub(super) &'d Map<String, Value>);

/// Value of a member. A mistyped one has a finding already, so rules about its value are skipped.
pub(super) enum Given<T> {
    /// Not in the document.
    Absent,
    /// Wrong JSON type.
    Mistyped,
    /// Value of the right type.
    Is(T),
}

#[derive(Clone, Copy)]
enum Type {
    Text,
    Texts,
    Flag,
}

/// Types of all members that servers read, except for `jwks`, which has its own module. Other
/// members are tolerated.
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
    /// Returns the member, of any type.
    pub(super) fn value(&self, name: &str) -> Option<&'d Value> {
        self.0.get(name)
    }

    /// Returns a member that is a string.
    pub(super) fn text(&self, name: &str) -> Given<&'d str> {
        self.typed(name, Value::as_str)
    }

    /// Returns a member that is a list of strings.
    pub(super) fn texts(&self, name: &str) -> Given<Vec<&'d str>> {
        self.typed(name, |value| value.as_array()?.iter().map(Value::as_str).collect())
    }

    /// Returns a member that is a boolean.
    pub(super) fn flag(&self, name: &str) -> Given<bool> {
        self.typed(name, Value::as_bool)
    }

    fn typed<T>(&self, name: &str, read: impl FnOnce(&'d Value) -> Option<T>) -> Given<T> {
        self.value(name)
            .map_or(Given::Absent, |value| read(value).map_or(Given::Mistyped, Given::Is))
    }

    /// Finds members with a JSON type that servers do not accept.
    pub(super) fn check_types(&self, findings: &mut Findings) {
        for (kind, names) in TYPES {
            for name in names {
                match self.value(name) {
                    Some(Value::Null) => {
                        findings.problem(
                            name,
                            format!("must be {}, not null", kind.name()),
                            "remove the member",
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
    /// Returns the value, if there is one to check.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Mistyped => None,
        }
    }
}
