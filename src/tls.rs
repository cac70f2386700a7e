//! Whom TLS trusts, the same for every connection oauthctl makes.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Failure, usage};

/// The public roots compiled in, which start faster than the system's and are there in an empty container, and what
/// the operator adds.
pub fn client_config(ca_pem: Option<&[u8]>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = ca_pem {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|e| usage("network.ca_file is not PEM").because(e))?;
        if certificates.is_empty() {
            return Err(usage("network.ca_file has no certificate in it"));
        }
        for certificate in certificates {
            let refuse =
                |e| usage("network.ca_file has a certificate that cannot be used").because(anyhow::Error::new(e));
            roots.add(certificate).map_err(refuse)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| usage("cannot set up TLS").because(e))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_certificate_authority_must_be_one() {
        for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(client_config(Some(pem.as_bytes())).is_err(), "{pem}");
        }
        assert!(client_config(None).is_ok());
    }
}
