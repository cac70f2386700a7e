//! Client authentication at the token endpoint (RFC 7523 section 2.2; AT Protocol OAuth profile:
//! `private_key_jwt` or `none`).

use serde::Serialize;

use crate::jose::ClientKey;
use crate::session::{AuthMethod, ClientId, Issuer};

/// `client_assertion_type` (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Seconds between `iat` and `exp`. Servers refuse longer or older assertions.
const LIFETIME: i64 = 60;
/// Seconds by which assertions and proofs are backdated. Servers refuse an `iat` in their future,
/// some of them from five seconds on, so the local clock may be this much fast.
pub(super) const BACKDATED: i64 = 10;

/// Identity of the client.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// URL of the client metadata document.
    pub client_id: &'a ClientId<'a>,
    /// Client authentication, with the key to which the session is bound.
    pub auth: AuthMethod<&'a ClientKey>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
}

/// Returns the form fields that identify the client. `now` in seconds.
pub(super) fn fields(
    credentials: Credentials<'_>,
    issuer: &Issuer<'_>,
    jti: &str,
    now: i64,
) -> Vec<(&'static str, String)> {
    let client_id = credentials.client_id;
    let mut fields = vec![("client_id", client_id.to_string())];
    if let AuthMethod::PrivateKeyJwt(key) = credentials.auth {
        let header = Header { alg: "ES256", kid: key.kid().map(crate::jose::Kid::as_str) };
        let iat = now - BACKDATED;
        // The audience is the issuer. Servers refuse the token endpoint, which RFC 7523 suggests.
        let claims = Claims {
            iss: client_id.as_str(),
            sub: client_id.as_str(),
            aud: issuer.as_str(),
            jti,
            iat,
            exp: iat + LIFETIME,
        };
        fields.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
        fields.push(("client_assertion", key.sign(&header, &claims)));
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use testbed::keys;

    use super::*;

    #[test]
    fn an_assertion_is_addressed_to_the_issuer_and_lives_a_minute() {
        let jwk = keys::client_key("k1");
        let key = ClientKey::from_members(jwk.as_object().unwrap().clone()).unwrap();
        let credentials = Credentials {
            client_id: &"https://app.example/c.json".into(),
            auth: AuthMethod::PrivateKeyJwt(&key),
        };
        let fields = fields(credentials, &"https://as.example".into(), "j", 1000);
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["client_id", "client_assertion_type", "client_assertion"]);
        let jws = keys::Jws::decode(&fields[2].1).unwrap();
        assert_eq!(jws.header, json!({"alg": "ES256", "kid": "k1"}));
        let id = "https://app.example/c.json";
        let claims = json!({"iss": id, "sub": id, "aud": "https://as.example", "jti": "j", "iat": 990, "exp": 1050});
        assert_eq!(jws.claims, claims);
        jws.verify(&keys::public(&jwk)).unwrap();
    }

    #[test]
    fn a_public_client_gives_its_name_only() {
        let fields = fields(
            Credentials { client_id: &"x".into(), auth: AuthMethod::None },
            &"i".into(),
            "j",
            0,
        );
        assert_eq!(fields, [("client_id", "x".to_owned())]);
    }
}
