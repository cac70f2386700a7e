//! Tables in which apps keep their client keys, beside the sessions.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Access, StoreUrl, postgres, sqlite};
use crate::error::{Failure, usage};

/// A row of a table of keys: the kid, and the private JWK as a text.
pub(super) type KeyRow = (String, Zeroizing<String>);

/// Reads a table with the columns `kid` and `jwk` in the order of the kids, as an array of JWKs. A
/// key that does not hold its kid gets that of its row.
pub async fn keys_in_table(
    url: &StoreUrl,
    access: &Access,
    table: &str,
) -> Result<Zeroizing<String>, Failure> {
    let rows = match url {
        StoreUrl::Sqlite(path) => sqlite::keys(path, table)?,
        StoreUrl::Postgres(address) => postgres::keys(address, access, table).await?,
        StoreUrl::Redis(_) | StoreUrl::Rest(_) => {
            return Err(usage("has no tables").at(url).hint(
                "store: names a table of a store in PostgreSQL or SQLite; name a file or a variable",
            ));
        }
    };
    if rows.is_empty() {
        return Err(usage("the table has no key").hint("create the keys with the app first"));
    }
    let keys = rows.iter().map(jwk).collect::<Result<Vec<_>, _>>()?;
    Ok(Zeroizing::new(Value::Array(keys).to_string()))
}

fn jwk((kid, text): &KeyRow) -> Result<Value, Failure> {
    let mut members: Map<String, Value> = serde_json::from_str(text).map_err(|_| {
        usage(format!("key {kid:?} is not a JWK")).hint("its column jwk must contain a JWK")
    })?;
    members.entry("kid").or_insert_with(|| kid.as_str().into());
    Ok(Value::Object(members))
}
