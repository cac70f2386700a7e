//! Accounts as given by operators.

use std::str::FromStr;

use crate::context::Context;
use crate::error::{Failure, failed, usage};
use crate::oauth::Handle;
use crate::session::Did;

/// DID, or a handle that resolves to one.
#[derive(Clone, Debug)]
pub enum Account {
    /// DID.
    Did(Did),
    /// Handle to be resolved.
    Handle(Handle),
}

/// Length of the identifier of a `did:plc` (did:plc specification).
const PLC_CHARACTERS: usize = 24;

/// Fails on an invalid `did:plc`, for example one with a missing character.
fn check_plc(did: &str, id: &str) -> Result<(), Failure> {
    let problem = match id.chars().find(|c| !matches!(c, 'a'..='z' | '2'..='7')) {
        Some(odd) => format!("{odd:?} is not an allowed character (a to z, 2 to 7)"),
        None if id.len() != PLC_CHARACTERS => {
            format!("it has {} characters after did:plc:, not {PLC_CHARACTERS}", id.len())
        }
        None => return Ok(()),
    };
    Err(usage(format!("{did:?} is not a DID: {problem}"))
        .hint("a DID looks like did:plc:abcdefghijklmnopqrstuvwx or did:web:example.com"))
}

impl FromStr for Account {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if let Some(id) = text.strip_prefix("did:plc:") {
            check_plc(text, id)?;
        }
        if text.starts_with("did:") {
            return text.parse().map(Self::Did);
        }
        text.parse().map(Self::Handle).map_err(|_| {
            usage(format!("{text:?} is neither a DID nor a handle")).hint(
                "write did:plc:abcdefghijklmnopqrstuvwx, did:web:example.com or alice.example.com",
            )
        })
    }
}

impl Account {
    /// Returns the account's DID. Resolves a handle, which the account must claim in turn.
    pub async fn did(&self, context: &Context) -> anyhow::Result<Did> {
        match self {
            Self::Did(did) => Ok(did.clone()),
            Self::Handle(handle) => {
                Ok(context.network()?.resolve_handle(handle).await.map_err(|e| {
                    failed(format!("cannot find the account of {handle}"))
                        .because(e)
                        .hint("use the DID of the account")
                })?)
            }
        }
    }
}
