//! DPoP proofs (RFC 9449), with the reference server's tolerances.

use crate::{
    clock::real_now,
    http::Request,
    keys::{self, Jws},
    state::{NoncePolicy, Shared},
};

use super::Refused;

/// Ten seconds, plus the three minutes of clock difference that the reference server tolerates.
const MAX_AGE: i64 = 190;

/// Verifies the proof of a request and returns the thumbprint of its key, `None` without a proof.
pub(super) fn check(
    shared: &Shared,
    server: usize,
    request: &Request,
    access_token: Option<&str>,
) -> Result<Option<String>, Refused> {
    let mut proofs = request.headers.get_all("dpop").iter();
    let Some(proof) = proofs.next() else {
        return Ok(None);
    };
    if proofs.next().is_some() {
        return Err(bad("DPoP header must contain a single proof"));
    }
    let failed = |reason: &str| bad(&format!("Failed to verify DPoP proof: {reason}"));
    let proof = proof.to_str().map_err(|_| failed("Invalid Compact JWS"))?;
    let jws = Jws::decode(proof).map_err(|error| failed(&error.to_string()))?;
    let jwk = &jws.header["jwk"];
    if jws.header["typ"] != "dpop+jwt" {
        return Err(failed("unexpected \"typ\" JWT header value"));
    }
    if !jwk.is_object() || jwk.get("d").is_some() {
        return Err(failed("\"jwk\" (JSON Web Key) Header Parameter must be a public key"));
    }
    jws.verify(jwk).map_err(|error| failed(&error.to_string()))?;

    let (follows_clock, max_lead) = {
        let policy = &shared.lock().policy;
        (policy.proofs_follow_clock, policy.max_proof_lead)
    };
    let now = if follows_clock { shared.clock.now() } else { real_now() } / 1000;
    let claims = &jws.claims;
    match claims["iat"].as_i64() {
        None => return Err(failed("missing required \"iat\" claim")),
        Some(iat) if now - iat > MAX_AGE => {
            return Err(failed("\"iat\" claim timestamp check failed (too far in the past)"));
        }
        Some(iat) if iat - now > max_lead => {
            return Err(failed("\"iat\" claim timestamp check failed (it should be in the past)"));
        }
        Some(_) => {}
    }
    let Some(jti) = claims["jti"].as_str().filter(|jti| !jti.is_empty()) else {
        return Err(bad("DPoP \"jti\" missing"));
    };
    if claims["htm"] != request.method.as_str() {
        return Err(bad("DPoP \"htm\" mismatch"));
    }
    let mut state = shared.lock();
    let htu = claims["htu"].as_str().unwrap_or_default();
    let expected = format!("{}{}", state.servers[server].url, request.path);
    if htu.split(['?', '#']).next() != Some(&expected) {
        return Err(bad("DPoP \"htu\" mismatch"));
    }
    let policy = state.servers[server].dialect.nonces().unwrap_or(state.policy.nonces);
    let nonces = &mut state.servers[server].nonces;
    match (claims["nonce"].as_str(), policy) {
        (_, NoncePolicy::Never) | (None, NoncePolicy::Optional) => {}
        (None, _) => {
            return Err(Refused::new(
                "use_dpop_nonce",
                "Authorization server requires nonce in DPoP proof",
            ));
        }
        (Some(nonce), NoncePolicy::SingleUse) if nonces.uses_up(nonce) => {}
        (Some(nonce), NoncePolicy::Optional) if !nonces.accepts(nonce) => {
            return Err(bad("Invalid nonce signature"));
        }
        (Some(nonce), policy) if policy == NoncePolicy::SingleUse || !nonces.accepts(nonce) => {
            return Err(Refused::new("use_dpop_nonce", "DPoP \"nonce\" mismatch"));
        }
        (Some(_), _) => {}
    }
    match access_token {
        Some(token) if claims["ath"] != keys::sha256(token).as_str() => {
            return Err(bad("DPoP \"ath\" mismatch"));
        }
        None if claims.get("ath").is_some() => {
            return Err(bad("DPoP \"ath\" claim not allowed"));
        }
        _ => {}
    }
    if !state.used_jtis.insert(format!("dpop {jti}")) {
        return Err(bad("DPoP proof replayed"));
    }
    Ok(Some(keys::thumbprint(jwk)))
}

fn bad(description: &str) -> Refused {
    Refused::new("invalid_dpop_proof", description)
}
