use std::collections::HashSet;

use super::*;

/// Real error responses: server, status, `error`, words, cause, and state of the session.
#[rustfmt::skip]
const TRANSCRIPTS: &[(&str, u16, &str, &str, Cause, Fate)] = {
    use Cause::{
        ClientAuthentication, ClientDocuments, DpopKey, Ended, EndedOrConfiguration, Expired, OtherClient, Replayed, Request,
    };
    use Fate::{Gone, Kept};
    &[
        (REFERENCE, 400, "invalid_grant", "private_key_jwt jti reused", Request, Kept),
        (REFERENCE, 400, "invalid_grant", "\"refresh_token\" grant type is not allowed for this client", Request, Kept),
        (REFERENCE, 400, "invalid_grant", "\"refresh_token\" grant type is not supported by the server", Request, Kept),
        (REFERENCE, 400, "invalid_grant", "Client credentials missing: Required at body.client_id", Request, Kept),
        (REFERENCE, 400, "invalid_grant", "String must contain exactly 68 character(s)", Request, Kept),
        (REFERENCE, 400, "invalid_grant", "Invalid request payload: Required at body.refresh_token", Request, Kept),
        (CIRRUS, 400, "invalid_grant", "client_id mismatch", OtherClient, Kept),
        (REFERENCE, 400, "invalid_grant", "Token was not issued to this client", OtherClient, Gone),
        (RSKY, 400, "invalid_grant", "refresh token was issued to another client", OtherClient, Gone),
        (REFERENCE, 400, "invalid_grant", "The session was initiated with a different key than the client assertion currently used", OtherClient, Gone),
        (REFERENCE, 400, "invalid_grant", "Client authentication method mismatch (expected private_key_jwt)", OtherClient, Gone),
        (RSKY, 400, "invalid_grant", "client authentication does not match the initial request", OtherClient, Gone),
        (RSKY, 400, "invalid_grant", "client metadata does not declare the refresh_token grant", OtherClient, Gone),
        (PATTERN, 400, "invalid_grant", "Refresh token was issued to a different client.", OtherClient, Gone),
        (PATTERN, 400, "invalid_grant", "wrong client_id", OtherClient, Gone),
        (REFERENCE, 400, "invalid_grant", "Refresh token replayed", Replayed, Gone),
        (RSKY, 400, "invalid_grant", "Refresh token replayed", Replayed, Gone),
        (TRANQUIL, 400, "invalid_grant", "Refresh token reuse detected, token family revoked", Replayed, Gone),
        (PATTERN, 400, "invalid_grant", "Refresh token is invalid, expired, or already used", Replayed, Gone),
        (PATTERN, 400, "invalid_grant", "token already rotated", Replayed, Gone),
        (REFERENCE, 400, "invalid_grant", "DPoP proof does not match the expected JKT", DpopKey, Gone),
        (RSKY, 400, "invalid_grant", "DPoP key does not match the session key", DpopKey, Gone),
        (REFERENCE, 400, "invalid_grant", "Invalid refresh token", Ended, Gone),
        (RSKY, 400, "invalid_grant", "invalid refresh token", Ended, Gone),
        (TRANQUIL, 400, "invalid_grant", "Invalid refresh token", Ended, Gone),
        (CIRRUS, 400, "invalid_grant", "Invalid refresh token", Ended, Gone),
        (REFERENCE, 400, "invalid_grant", "Session expired", Expired, Gone),
        (REFERENCE, 400, "invalid_grant", "Refresh token expired", Expired, Gone),
        (RSKY, 400, "invalid_grant", "refresh token expired", Expired, Gone),
        (TRANQUIL, 400, "invalid_grant", "Refresh token has expired", Expired, Gone),
        (TRANQUIL, 401, "invalid_dpop_proof", "DPoP key binding mismatch", DpopKey, Kept),
        (CIRRUS, 400, "invalid_dpop_proof", "DPoP key mismatch", DpopKey, Kept),
        (PEGASUS, 400, "InvalidRequest", "invalid refresh token", EndedOrConfiguration, Kept),
        (PEGASUS, 400, "InvalidRequest", "expired refresh token", Expired, Gone),
        (PEGASUS, 400, "InvalidRequest", "session expired", Expired, Gone),
        (PEGASUS, 400, "InvalidRequest", "client_id mismatch", OtherClient, Kept),
        (PEGASUS, 400, "InvalidRequest", "DPoP key mismatch", DpopKey, Kept),
        (PEGASUS, 400, "InvalidRequest", "dpop error: dpop proof replay detected", Request, Kept),
        (COCOON, 400, "\"client_id\" mismatch", "", EndedOrConfiguration, Kept),
        (COCOON, 400, "Session expired", "", Expired, Gone),
        (COCOON, 400, "Refresh token expired", "", Expired, Gone),
        (COCOON, 400, "dpop proof does not match expected jkt", "", DpopKey, Kept),
        (COCOON, 400, "failed to get client: response code 500", "", ClientDocuments, Kept),
        (COCOON, 400, "\"client authentication method mismatch", "", ClientAuthentication, Kept),
        (COCOON, 400, "\"refresh_token\" grant type is not supported by the client", "", ClientAuthentication, Kept),
        (COCOON, 400, "no key with kid \"kid-1\" in client jwks", "", ClientAuthentication, Kept),
        (COCOON, 400, "unable to verify \"client_assertion\" jwt: crypto/ecdsa: verification error", "", ClientAuthentication, Kept),
        (COCOON, 400, "client authentication method \"private_key_jwt\" requires a \"client_assertion", "", ClientAuthentication, Kept),
        (RSKY, 401, "invalid_client", "failed to fetch https://app.example/client.json: unexpected status 500", ClientDocuments, Kept),
        (CIRRUS, 400, "invalid_client", "Unknown client: https://app.example/client.json", ClientDocuments, Kept),
        (REFERENCE, 400, "invalid_client", "Validation of \"client_assertion\" failed: no applicable key found", ClientAuthentication, Kept),
        (RSKY, 401, "invalid_client", "no key found for kid \"kid-1\"", ClientAuthentication, Kept),
        (RSKY, 401, "invalid_client", "invalid JWKS document: unknown key type", ClientAuthentication, Kept),
        (CIRRUS, 400, "invalid_client", "JWT verification failed: signature", ClientAuthentication, Kept),
        (REFERENCE, 400, "invalid_client_metadata", "Unable to obtain client metadata", ClientAuthentication, Kept),
        (PATTERN, 401, "unauthorized_client", "", ClientAuthentication, Kept),
        (REFERENCE, 400, "invalid_request", "client authentication method \"private_key_jwt\" required a \"client_assertion\"", ClientAuthentication, Kept),
        (CIRRUS, 400, "invalid_request", "Client assertion not expected for public client", ClientAuthentication, Kept),
        // Matches no row.
        ("nobody", 400, "invalid_grant", "bad token", Cause::Unknown, Gone),
        ("nobody", 400, "invalid_grant", "", Cause::Unknown, Gone),
        ("nobody", 401, "invalid_grant", "Refresh token replayed", Cause::Unknown, Kept),
        ("nobody", 403, "access_denied", "", Cause::Unknown, Kept),
        ("nobody", 400, "invalid_dpop_proof", "DPoP proof replayed", Cause::Unknown, Kept),
    ]
};

fn refusal(status: u16, error: &str, words: &str) -> ErrorResponse {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ErrorResponse { status, error: text(error), description: text(words), gave_nonce: true }
}

#[test]
fn each_server_s_words_have_their_meaning() {
    for (server, status, error, words, cause, fate) in TRANSCRIPTS {
        let refusal = refusal(*status, error, words);
        assert_eq!(refusal.meaning(), (*cause, *fate), "{server}: {refusal}");
        let named = refusal.row().is_none_or(|row| row.source.contains(server));
        assert!(named, "{server} is a source of the row for {refusal}");
    }
}

#[test]
fn every_row_is_said_by_each_of_its_servers() {
    let said: HashSet<_> = TRANSCRIPTS
        .iter()
        .filter_map(|(server, status, error, words, ..)| {
            let row = refusal(*status, error, words).row()?;
            Some((std::ptr::from_ref(row) as usize, *server))
        })
        .collect();
    for row in ROWS {
        for server in row.source {
            assert!(
                said.contains(&(std::ptr::from_ref(row) as usize, *server)),
                "{server}: {:?}",
                row.words
            );
        }
    }
}

#[test]
fn an_end_is_proved_by_words_only_where_they_mean_nothing_else() {
    for (error, words, nonce, proves) in [
        ("invalid_grant", "Invalid refresh token", true, true),
        ("invalid_grant", "invalid refresh token", true, true),
        // cirrus answers so for a used token, too, and sends no nonces.
        ("invalid_grant", "Invalid refresh token", false, false),
        ("invalid_grant", "Refresh token replayed", true, true),
        ("invalid_grant", "Refresh token has expired", false, true),
        ("invalid_grant", "bad token", true, false),
        ("invalid_grant", "Refresh token is invalid, expired, or already used", true, false),
        ("invalid_grant", "private_key_jwt jti reused", true, false),
        ("\"client_id\" mismatch", "", true, false),
        ("Session expired", "", true, true),
        ("InvalidRequest", "invalid refresh token", true, false),
        ("InvalidRequest", "expired refresh token", true, true),
        ("invalid_client", "", true, false),
    ] {
        let refusal = ErrorResponse { gave_nonce: nonce, ..refusal(400, error, words) };
        assert_eq!(refusal.proves_end(), proves, "{refusal}");
    }
}

#[test]
fn refused_newest_tokens_are_proof_unless_client_or_proof_fails() {
    for (server, status, error, words, cause, _) in TRANSCRIPTS {
        let refusal = refusal(*status, error, words);
        let expected = match cause {
            Cause::Ended | Cause::Expired | Cause::EndedOrConfiguration | Cause::Replayed => true,
            Cause::Unknown => *error != "invalid_dpop_proof",
            _ => false,
        };
        assert_eq!(refusal.refuses_newest_token(), expected, "{server}: {refusal}");
    }
    assert!(!refusal(400, "", "").refuses_newest_token(), "no error is named");
    assert!(!refusal(302, "odd", "").refuses_newest_token());
}

#[test]
fn the_case_of_a_letter_tells_who_destroys_public_sessions() {
    for (error, words, upgrading) in [
        ("invalid_grant", "Invalid refresh token", Upgrading::Accepted),
        ("invalid_grant", "invalid refresh token", Upgrading::Destroys),
        ("\"client_id\" mismatch", "", Upgrading::Kept),
        ("InvalidRequest", "invalid refresh token", Upgrading::Accepted),
        (
            "invalid_grant",
            "no such token",
            Upgrading::Unknown("invalid_grant: no such token".to_owned()),
        ),
        ("invalid_client", "", Upgrading::Refused("invalid_client".to_owned())),
    ] {
        assert_eq!(refusal(400, error, words).upgrading(), upgrading, "{error} {words}");
    }
}

#[test]
fn a_server_that_checks_the_token_first_authenticates_no_client() {
    for (status, error, words, asks) in [
        (
            400,
            "invalid_request",
            "client authentication method \"private_key_jwt\" required a \"client_assertion\"",
            Some(true),
        ),
        (401, "invalid_client", "client_assertion_type must be …", Some(true)),
        (
            400,
            "client authentication method \"private_key_jwt\" requires a \"client_assertion",
            "",
            Some(true),
        ),
        (400, "invalid_grant", "Invalid refresh token", Some(false)),
        (400, "InvalidRequest", "invalid refresh token", Some(false)),
        (400, "invalid_dpop_proof", "", None),
        (401, "invalid_client", "failed to fetch it", None),
    ] {
        assert_eq!(refusal(status, error, words).asks_for_assertion(), asks, "{error}: {words}");
    }
}
