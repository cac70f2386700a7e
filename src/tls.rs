//! Trusted certificates and client certificates, the same for all TLS connections.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::error::{Failure, usage};
use crate::{input, pem};

const CA_FILE: &str = "network.ca_file";

/// Trusted certificates besides the public roots, and the client certificate, in PEM.
#[derive(Default)]
pub struct Trust<'p> {
    /// Certificates configured by the operator.
    pub named: Option<&'p [u8]>,
    /// Certificates of the environment.
    pub system: &'p [u8],
    /// Client certificate with its key.
    pub client: Option<&'p [u8]>,
}

/// Returns a configuration that trusts the compiled-in public roots and the given certificates. The
/// compiled-in roots load faster than the system's, and exist in an empty container, too.
pub fn client_config(trust: &Trust) -> Result<ClientConfig, Failure> {
    let own = trust.named.map(|pem| certificates(pem, CA_FILE)).transpose()?.unwrap_or_default();
    let system = trust.system();
    let pair = |pem| Ok::<_, Failure>((certificates(pem, CERT_FILE)?, private_key(pem, KEY_FILE)?));
    let client = trust.client.map(pair).transpose()?;
    config(Authorities { own, public: Some(system) }, Checks::All, client)
}

impl Trust<'_> {
    /// Returns the certificates of the environment. Bundles may contain unsupported certificates,
    /// which are ignored.
    pub fn system(&self) -> Vec<CertificateDer<'static>> {
        certificates(self.system, "SSL_CERT_FILE").unwrap_or_default()
    }
}

/// Trusted authorities.
pub struct Authorities {
    /// Certificates configured by the operator.
    pub own: Vec<CertificateDer<'static>>,
    /// Additions to the public authorities, `None` if those are not trusted.
    pub public: Option<Vec<CertificateDer<'static>>>,
}

/// Checks of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    None,
    /// Signed by a trusted authority.
    Authority,
    /// Signed by a trusted authority, and valid for the host name.
    All,
}

/// Client certificate with its key.
pub type ClientCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Builds the configuration for servers that are trusted in this way.
pub fn config(
    trusted: Authorities,
    checks: Checks,
    client: Option<ClientCertificate>,
) -> Result<ClientConfig, Failure> {
    let Authorities { own, public } = trusted;
    let mut roots = RootCertStore::empty();
    if let Some(beside) = public {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(beside);
    }
    for certificate in &own {
        let refuse = |e| {
            usage("has a certificate that cannot be used")
                .at(CA_FILE)
                .because(anyhow::Error::new(e))
                .hint("name a file with the certificates of authorities (X.509)")
        };
        roots.add(certificate.clone()).map_err(refuse)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let set_up = |e: anyhow::Error| usage("cannot set up TLS").because(e);
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| set_up(e.into()))?;
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let inner = verifier.build().map_err(|e| set_up(e.into()))?;
    let verifier = Arc::new(Verifier { inner, own, checks, provider });
    let config = config.dangerous().with_custom_certificate_verifier(verifier);
    let Some((chain, key)) = client else { return Ok(config.with_no_client_auth()) };
    config.with_client_auth_cert(chain, key).map_err(|e| {
        usage("the client certificate cannot be used")
            .at(CERT_FILE)
            .because(e)
            .hint("check that key_file holds the key of cert_file")
    })
}

const KEY_FILE: &str = "store.key_file";
const CERT_FILE: &str = "store.cert_file";

/// Returns the certificates in a PEM.
pub fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let text = input::decode(pem).map_err(|e| e.at(name))?;
    let blocks = pem::blocks(text);
    let labels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
    let mut found = Vec::new();
    for block in blocks.iter().filter(|block| labels.contains(&block.label)) {
        let der = block.decode().filter(|_| !block.is_cut);
        let damaged = || {
            usage("has a certificate that is damaged").at(name).hint("copy the complete file again")
        };
        found.push(CertificateDer::from(der.ok_or_else(damaged)?.to_vec()));
    }
    if found.is_empty() {
        let what =
            blocks.first().and_then(pem::Block::shown_label).map(|label| format!(", but {label}"));
        return Err(usage(format!("contains no certificate{}", what.unwrap_or_default()))
            .at(name)
            .hint("name a PEM file with -----BEGIN CERTIFICATE-----"));
    }
    Ok(found)
}

/// Returns the private key in a PEM.
pub fn private_key(pem: &[u8], name: &str) -> Result<PrivateKeyDer<'static>, Failure> {
    let text = input::decode(pem).map_err(|e| e.at(name))?;
    let key = pem::blocks(text).iter().find_map(|block| {
        let der = || block.decode().map(|der| der.to_vec());
        match block.label {
            "PRIVATE KEY" => Some(PrivateKeyDer::Pkcs8(der()?.into())),
            "EC PRIVATE KEY" => Some(PrivateKeyDer::Sec1(der()?.into())),
            "RSA PRIVATE KEY" => Some(PrivateKeyDer::Pkcs1(der()?.into())),
            _ => None,
        }
    });
    key.ok_or_else(|| {
        usage("contains no readable private key")
            .at(name)
            .hint("name a PEM file with -----BEGIN PRIVATE KEY-----")
    })
}

/// Certificate verifier of webpki, which also accepts a certificate configured by the operator
/// itself. Private servers often have a self-signed one.
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
    checks: Checks,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.checks == Checks::None {
            return Ok(ServerCertVerified::assertion());
        }
        match self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // webpki has checked the dates before.
            Err(error)
                if error.to_string().contains("CaUsedAsEndEntity")
                    && self.own.contains(end_entity) =>
            {
                if self.checks == Checks::All {
                    rustls::client::verify_server_name(
                        &ParsedCertificate::try_from(end_entity)?,
                        name,
                    )?;
                }
                Ok(ServerCertVerified::assertion())
            }
            // The name is checked last. Everything else is valid.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.checks == Checks::Authority => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_certificate_authority_must_be_one() {
        for (pem, part) in [
            ("", "contains no certificate"),
            ("no PEM", "contains no certificate"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "contains no certificate, but PRIVATE KEY",
            ),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used"),
            ("-----BEGIN CERTIFICATE-----\nA*A\n-----END CERTIFICATE-----\n", "is damaged"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "is damaged"),
        ] {
            let trust = Trust { named: Some(pem.as_bytes()), ..Trust::default() };
            let failure = client_config(&trust).unwrap_err();
            assert!(failure.to_string().contains(part), "{pem}: {failure}");
            assert!(failure.advice().is_some(), "{pem}");
        }
        assert!(client_config(&Trust { system: b"nothing", ..Trust::default() }).is_ok());
    }
}
