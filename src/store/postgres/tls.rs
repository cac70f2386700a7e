//! TLS connections, by the rules of libpq's `sslmode`.

use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::client;
use zeroize::Zeroizing;

use super::address::{PostgresAddress, SslMode};
use crate::error::{Failure, usage};
use crate::store::Access;
use crate::tls::{self, Authorities, Checks};

/// Builds the configuration for an `sslmode`, with the certificates named by the address.
pub fn config(
    address: &PostgresAddress,
    mode: SslMode,
    access: &Access,
) -> Result<Arc<ClientConfig>, Failure> {
    let checks = match mode {
        SslMode::Disable | SslMode::Prefer | SslMode::Require => Checks::None,
        SslMode::VerifyCa => Checks::Authority,
        SslMode::VerifyFull => Checks::All,
    };
    let named =
        address.path("sslrootcert").filter(|_| address.parameter("sslrootcert") != Some("system"));
    let trust = access.trust();
    let own = match (&named, trust.named) {
        (Some(path), _) => tls::certificates(&read(path, "sslrootcert")?, "sslrootcert")?,
        (None, Some(pem)) => tls::certificates(pem, "network.ca_file")?,
        (None, None) => Vec::new(),
    };
    let client = match (address.path("sslcert"), address.path("sslkey")) {
        (Some(certificate), Some(key)) => {
            let chain = tls::certificates(&read(&certificate, "sslcert")?, "sslcert")?;
            Some((chain, tls::private_key(&read(&key, "sslkey")?, "sslkey")?))
        }
        (None, None) => None,
        _ => {
            return Err(
                usage("sslcert and sslkey are needed together").hint("set both in the address")
            );
        }
    };
    let client = match (client, trust.client) {
        (None, Some(pem)) => Some((
            tls::certificates(pem, "store.cert_file")?,
            tls::private_key(pem, "store.key_file")?,
        )),
        (client, _) => client,
    };
    let public = named.is_none().then(|| trust.system());
    Ok(Arc::new(tls::config(Authorities { own, public }, checks, client)?))
}

fn read(path: &Path, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = fs::read(path).map(Zeroizing::new);
    bytes
        .map_err(|e| usage(format!("cannot read the file of {name}")).at(path.display()).because(e))
}

/// TLS setup of one connection.
pub struct Tls {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

/// TLS connection.
pub struct Encrypted<S>(client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = tokio_rustls::TlsConnector::from(self.config).connect(self.name, stream);
        Box::pin(async move { connecting.await.map(Encrypted) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        let end_point = certificates.and_then(|chain| end_point(chain.first()?));
        end_point.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Hash of a certificate for `tls-server-end-point` (RFC 5929 section 4.1): that of its signature,
/// with SHA-256 in place of weaker ones. `None` if the signature algorithm has no hash.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (certificate_body, _) = contents(certificate)?;
    let (_, after_tbs) = contents(certificate_body)?;
    let (algorithm, _) = contents(after_tbs)?;
    let (oid, _) = contents(algorithm)?;
    match oid {
        // 1.2.840.113549.1.1.N, 1.2.840.10045.4.3.N
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5 | 11]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1 | 2] => Some(Sha256::digest(certificate).to_vec()),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => Some(Sha384::digest(certificate).to_vec()),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

/// Returns the contents of the first DER element, and the rest.
fn contents(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest
            .split_at_checked(usize::from(first & 0x7f))
            .filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    rest.split_at_checked(length)
}
