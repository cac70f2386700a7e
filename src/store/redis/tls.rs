//! Encryption: the public roots, and a private one where the settings name it.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Failure, usage};

/// What is needed to trust a server. `ca` is PEM.
pub(super) fn client_config(ca: Option<&[u8]>) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = ca {
        let refuse = || usage("network.ca_file holds no certificate in PEM");
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| refuse().because(e))?;
            roots.add(certificate).map_err(|e| usage("network.ca_file holds no usable certificate").because(e))?;
            found += 1;
        }
        if found == 0 {
            return Err(refuse());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| usage("cannot set up TLS").because(e))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
