//! Changes to records: the JSON that was read, of which only what changed is written anew.

use serde_json::{Map, Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Malformed, Traces};
use crate::session::Renewal;

/// JSON object whose order and unknown members survive. Its texts are wiped when it is dropped.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn parse(record: &[u8]) -> Result<Self, Malformed> {
        serde_json::from_slice(record).map(Self).map_err(|_| Malformed("not JSON"))
    }

    /// Returns a member that is an object.
    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name)?.as_object()
    }

    pub(super) fn insert(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Replaces these members by those of another record, where that has them.
    pub(super) fn adopt(&mut self, names: &[&str], other: &Self) {
        for name in names {
            if let Some(member) = other.0.get(*name) {
                self.insert(name, member.clone());
            }
        }
    }

    /// Puts new tokens into a token set as the server's answer names its members (RFC 6749 section 5.1). Without
    /// `expires_at` that member is removed: the old expiry is wrong now.
    pub(super) fn renew_tokens(
        &mut self,
        name: &str,
        renewal: &Renewal<'_>,
        expires_at: Option<Value>,
    ) -> Result<(), Malformed> {
        let set = self.0.get_mut(name).and_then(Value::as_object_mut).ok_or(Malformed("no token set"))?;
        let new = [
            ("access_token", Some(renewal.access_token)),
            // The only type that was accepted (RFC 9449 section 5).
            ("token_type", Some("DPoP")),
            ("refresh_token", renewal.refresh_token),
            ("scope", renewal.scope),
            ("aud", renewal.pds),
        ];
        set.extend(new.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))));
        match expires_at {
            Some(at) => drop(set.insert("expires_at".to_owned(), at)),
            None => drop(set.shift_remove("expires_at")),
        }
        Ok(())
    }

    /// Reads what identifies a session from its token set and its key, a JWK.
    pub(super) fn traces(&self, tokens: &str, key: &str) -> Traces {
        let text = |object: &str, name: &str| self.object(object)?.get(name)?.as_str().map(str::to_owned);
        let public = || Some([text(key, "crv")?, text(key, "x")?, text(key, "y")?]);
        Traces { refresh_token: text(tokens, "refresh_token").map(Zeroizing::new), dpop_public: public() }
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(&self.0).expect("a map of JSON values is JSON"))
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
