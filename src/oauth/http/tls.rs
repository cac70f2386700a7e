//! Trusted certificates and HTTP versions of TLS connections.

use crate::tls::Trust;

/// Builds the TLS configuration.
pub(super) fn config(
    ca_pem: Option<&[u8]>,
    system_pem: &[u8],
) -> anyhow::Result<rustls::ClientConfig> {
    let mut config =
        crate::tls::client_config(&Trust { named: ca_pem, system: system_pem, client: None })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
