//! Rules of a published key set (RFC 7517, as implemented by the reference server): keys that break
//! a rule are ignored, and a client without a usable key is refused.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::finding::Findings;
use crate::json::member;

/// Members found only in private and symmetric keys (RFC 7518 section 6).
pub const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Operations of public keys (RFC 7517 section 4.3).
const PUBLIC_OPERATIONS: [&str; 3] = ["verify", "encrypt", "wrapKey"];
/// Curves with their key type and algorithm (RFC 7518 section 3.4, RFC 8037 section 3.1, RFC 8812
/// section 3.2).
const CURVES: [(&str, &str, &str); 6] = [
    ("EC", "P-256", "ES256"),
    ("EC", "P-384", "ES384"),
    ("EC", "P-521", "ES512"),
    ("EC", "secp256k1", "ES256K"),
    ("OKP", "Ed25519", "EdDSA"),
    ("OKP", "Ed448", "EdDSA"),
];
/// Algorithms of RSA keys (RFC 7518 section 3.1).
const RSA_ALGORITHMS: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

/// Checks a key set. `member` is its path in the document.
pub(super) fn check(member: &str, jwks: &Value, findings: &mut Findings) {
    let set = match jwks {
        Value::Object(set) => set,
        Value::Array(_) => {
            findings.rule("bare_array").problem(
                member,
                "must be an object with `keys`, not a bare array",
                r#"write {"keys":[…]}; `oauthctl jwks` prints it"#,
            );
            return;
        }
        _ => {
            findings.problem(
                member,
                "must be an object with `keys`",
                "write the output of `oauthctl jwks`",
            );
            return;
        }
    };
    let place = format!("{member}.keys");
    let Some(Value::Array(keys)) = set.get("keys") else {
        findings.problem(
            &place,
            "must be an array of public keys",
            "write the output of `oauthctl jwks`",
        );
        return;
    };
    if keys.is_empty() {
        findings.rule("no_keys").problem(
            &place,
            "must contain at least one key",
            "write the output of `oauthctl jwks`",
        );
        return;
    }
    let before = findings.problems();
    let mut kids = HashSet::new();
    let mut usable = 0;
    for (index, key) in keys.iter().enumerate() {
        usable += usize::from(check_key(&format!("{place}[{index}]"), key, &mut kids, findings));
    }
    // Unusable keys do no harm next to a usable one.
    if usable == 0 && findings.problems() == before {
        findings.rule("no_usable_key").problem(
            &place,
            "must contain a key that verifies signatures",
            "write the output of `oauthctl jwks`",
        );
    }
}

/// Checks one key. Returns whether servers can verify signatures with it.
fn check_key<'k>(
    place: &str,
    key: &'k Value,
    kids: &mut HashSet<&'k str>,
    findings: &mut Findings,
) -> bool {
    let before = findings.problems();
    let Value::Object(key) = key else {
        findings.problem(place, "must be a JWK, an object", "write the output of `oauthctl jwks`");
        return false;
    };
    if let Some(name) = PRIVATE_MEMBERS.iter().find(|name| key.contains_key(**name)) {
        findings.rule("private_key").problem(
            place,
            format!("must be a public key, but has the private member `{name}`"),
            "publish only the public part, and replace this key if anybody could read the document",
        );
    }
    match key.get("kid") {
        None => findings.rule("no_kid").problem(
            place,
            "must have a `kid`",
            "add the kid that the app signs with",
        ),
        Some(Value::String(kid)) if kid.is_empty() => {
            findings.rule("no_kid").problem(
                place,
                "must have a `kid` that is not empty",
                "add the kid that the app signs with",
            );
        }
        Some(Value::String(kid)) if !kids.insert(kid) => findings.rule("duplicate_kid").problem(
            place,
            format!("must have a `kid` of its own: {kid:?} names an earlier key"),
            "remove one of the two; never rename a key that sessions are bound to",
        ),
        Some(Value::String(_)) => {}
        Some(_) => {
            findings.rule("kid").problem(
                place,
                "must have a `kid` that is a string",
                "write the kid in quotes",
            );
        }
    }
    let verifies = check_use(place, key, findings);
    let understood = is_understood(key);
    if understood == Some(false) {
        findings.rule("not_a_key").warning(
            place,
            "has members that do not make a key, so servers ignore it",
            "write the output of `oauthctl jwks` for it",
        );
    }
    if understood != Some(false) && key.get("kty").is_some_and(|kty| kty != "EC") {
        findings.rule("other_type").warning(
            place,
            "is not an EC key, and some servers reject a client with such a key in its set",
            "publish P-256 keys only",
        );
    }
    verifies && understood == Some(true) && findings.problems() == before
}

/// Checks whether the members form a key that verifies signatures. `None` for a key type unknown to
/// servers.
fn is_understood(key: &Map<String, Value>) -> Option<bool> {
    let text = |name: &str| key.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let has_algorithm =
        |known: &[&str]| key.get("alg").is_none_or(|alg| known.iter().any(|known| alg == known));
    let on_curve = |coordinates: &[&str]| {
        let curve = CURVES
            .iter()
            .find(|(kty, crv, _)| text("kty") == Some(kty) && text("crv") == Some(crv));
        curve.is_some_and(|(.., alg)| has_algorithm(&[alg]))
            && coordinates.iter().all(|name| text(name).is_some())
    };
    let material = match text("kty") {
        Some("EC") => on_curve(&["x", "y"]),
        Some("OKP") => on_curve(&["x"]),
        Some("RSA") => text("n").is_some() && text("e").is_some() && has_algorithm(&RSA_ALGORITHMS),
        Some(_) => return None,
        None => false,
    };
    let times = ["iat", "nbf", "exp"].iter().all(|name| key.get(*name).is_none_or(Value::is_i64));
    let revocation =
        key.get("revoked").is_none_or(|revoked| member(revoked, "revoked_at").is_i64());
    Some(material && times && revocation && key.get("ext").is_none_or(Value::is_boolean))
}

/// Checks `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3). Returns whether they let the key
/// verify signatures.
fn check_use<'k>(place: &str, key: &'k Map<String, Value>, findings: &mut Findings) -> bool {
    let texts =
        |value: &'k Value| value.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
    let operations = key.get("key_ops").map(texts);
    if let Some(None) = operations {
        findings.rule("key_ops").problem(
            place,
            "must have a `key_ops` that is an array of strings",
            r#"write ["verify"]"#,
        );
        return false;
    }
    let mends = r#"write "key_ops":["verify"], or leave it out"#;
    let mut verifies = true;
    if let Some(Some(operations)) = &operations {
        let distinct = operations.iter().collect::<HashSet<_>>().len() == operations.len();
        verifies = distinct && operations.contains(&"verify");
        if let Some(other) = operations.iter().find(|name| !PUBLIC_OPERATIONS.contains(name)) {
            findings.rule("key_ops").problem(
                place,
                format!("must not have {other:?} among the `key_ops` of a public key"),
                mends,
            );
        } else if !verifies {
            findings.rule("key_ops").warning(
                place,
                r#"must have "verify" once in its `key_ops`, or servers ignore it"#,
                mends,
            );
        } else if key.contains_key("use") && operations.iter().any(|name| *name != "verify") {
            findings.rule("key_ops").problem(
                place,
                "must have `key_ops` that agree with its `use`",
                mends,
            );
        }
    }
    if key.get("use").is_some_and(|found| found != "sig") {
        findings.rule("use").warning(
            place,
            r#"has another `use` than "sig", so servers ignore it"#,
            r#"write "use":"sig""#,
        );
        verifies = false;
    }
    verifies
}
