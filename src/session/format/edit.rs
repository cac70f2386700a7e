//! Edits of records. Only the changed members of the JSON are rewritten.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::{Zeroize as _, Zeroizing};

use super::read::Text;
use super::{Malformed, PartNames, PrivateJwk, Traces};
use crate::jose::DpopKey;
use crate::secret::Secret;
use crate::session::{NO_CLIENT_AUTH, Renewal, Session};

/// Members of a JSON object, each with the JSON of its value. Order and notation of unchanged
/// values are preserved. New values are wiped on drop.
#[derive(Default)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Members<'a> {
    pub(super) fn parse(record: &'a [u8]) -> Result<Self, Malformed> {
        serde_json::from_slice(record).map_err(|_| Malformed("not JSON"))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, json)| &**json)
    }

    /// Returns a member that is an object.
    fn object(&self, name: &str) -> Option<Members<'_>> {
        serde_json::from_str(self.get(name)?).ok()
    }

    fn text(&self, name: &str) -> Option<Secret<'_>> {
        let Text(text) = serde_json::from_str(self.get(name)?).ok()?;
        Some(text.into())
    }

    /// Sets a member to a value in JSON.
    pub(super) fn insert(&mut self, name: &str, json: String) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => wipe(&mut std::mem::replace(old, json.into())),
            None => self.0.push((name.to_owned().into(), json.into())),
        }
    }

    fn insert_text(&mut self, name: &str, text: &str) {
        self.insert(name, serde_json::to_string(text).expect("a text is JSON"));
    }

    /// Replaces token set and client authentication by those of another record, where it has them.
    pub(super) fn adopt(&mut self, names: &PartNames, other: &Self) {
        for name in [names.token_set, names.client_auth] {
            if let Some(json) = other.get(name) {
                self.insert(name, json.to_owned());
            }
        }
    }

    /// Puts new tokens into the token set, with the member names of RFC 6749 section 5.1, and binds
    /// the session to the client key of the renewal. `expires_at` is JSON. Without it, the outdated
    /// expiry is removed.
    pub(super) fn renew(
        &mut self,
        names: &PartNames,
        renewal: &Renewal<'_>,
        expires_at: Option<String>,
    ) -> Result<(), Malformed> {
        let mut set = self.object(names.token_set).ok_or(Malformed("no token set"))?;
        set.insert_texts(&[
            ("access_token", Some(renewal.access_token.expose_secret())),
            // The only accepted type (RFC 9449 section 5).
            ("token_type", Some("DPoP")),
            ("refresh_token", renewal.refresh_token.map(Secret::expose_secret)),
            ("scope", renewal.scope),
            ("aud", renewal.pds),
        ]);
        match expires_at {
            Some(at) => set.insert("expires_at", at),
            None => set.0.retain(|(name, _)| name != "expires_at"),
        }
        let json = set.to_json();
        drop(set);
        self.insert(names.token_set, json);
        if let Some(kid) = renewal.kid {
            self.bind(names.client_auth, kid);
        }
        Ok(())
    }

    /// Binds the session to a client key (RFC 7523).
    fn bind(&mut self, name: &str, kid: &str) {
        let mut client_auth = self.object(name).unwrap_or_default();
        client_auth.insert_text("method", "private_key_jwt");
        client_auth.insert_text("kid", kid);
        let json = client_auth.to_json();
        drop(client_auth);
        self.insert(name, json);
    }

    /// Reads a private key, a JWK.
    pub(super) fn dpop_key(&self, name: &str) -> Result<DpopKey, Malformed> {
        let key = self.object(name).ok_or(Malformed("it has no DPoP key"))?;
        let parts = ["kty", "crv", "x", "y", "d"].map(|part| key.text(part));
        DpopKey::from_parts(parts.each_ref().map(|part| part.as_ref().map(Secret::expose_secret)))
            .map_err(Malformed)
    }

    /// Reads the members of a private key, a JWK.
    pub(super) fn private_jwk(&self, name: &str) -> Result<PrivateJwk, Malformed> {
        let no_key = Malformed("it has no DPoP key");
        let [crv, x, y] = self.dpop_public(name).ok_or(no_key)?;
        let key = self.object(name).ok_or(no_key)?;
        let d = key.text("d").ok_or(no_key)?.to_owned();
        Ok(PrivateJwk { crv, x, y, d })
    }

    /// Inserts the texts that are present.
    pub(super) fn insert_texts(&mut self, texts: &[(&str, Option<&str>)]) {
        for (name, text) in texts {
            if let Some(text) = text {
                self.insert_text(name, text);
            }
        }
    }

    /// Inserts the client authentication of a session.
    pub(super) fn insert_client_auth(
        &mut self,
        name: &str,
        session: &Session<'_>,
    ) -> Result<(), Malformed> {
        let client_auth = session.client_auth.as_ref().ok_or(Malformed(NO_CLIENT_AUTH))?;
        let mut members = Members::default();
        members.insert_text("method", client_auth.name());
        members.insert_texts(&[("kid", client_auth.clone().into_key().as_deref())]);
        self.insert(name, members.to_json());
        Ok(())
    }

    /// Reads what identifies a session from its token set and its key, a JWK.
    pub(super) fn traces(&self, names: &PartNames) -> Traces {
        let token_set = self.object(names.token_set);
        Traces {
            refresh_token: token_set
                .as_ref()
                .and_then(|set| set.text("refresh_token"))
                .map(|token| token.to_owned()),
            dpop_public: self.dpop_public(names.dpop_key),
        }
    }

    /// Reads curve, x and y of a key, a JWK.
    fn dpop_public(&self, name: &str) -> Option<[String; 3]> {
        let key = self.object(name)?;
        let part = |name| key.text(name).map(|text| text.expose_secret().to_owned());
        Some([part("crv")?, part("x")?, part("y")?])
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.to_json().into_bytes())
    }

    pub(super) fn to_json(&self) -> String {
        let members: Vec<_> =
            self.0.iter().map(|(name, json)| (serde_json::json!(name).to_string(), json)).collect();
        // Exact capacity: growing would leave copies of secrets in memory.
        let length: usize = members.iter().map(|(name, json)| name.len() + json.len() + 2).sum();
        let mut text = String::with_capacity(length + 2);
        for (name, json) in members {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.extend([&name, ":", json]);
        }
        if text.is_empty() {
            text.push('{');
        }
        text.push('}');
        text
    }
}

impl Drop for Members<'_> {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, json)| wipe(json));
    }
}

fn wipe(json: &mut Cow<'_, str>) {
    if let Cow::Owned(json) = json {
        json.zeroize();
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some((Text(name), json)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    // Of several members of one name the last value counts, in the position of the
                    // first.
                    match members.0.iter_mut().find(|(other, _)| *other == name) {
                        Some((_, old)) => *old = json.get().into(),
                        None => members.0.push((name, json.get().into())),
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object)
    }
}
