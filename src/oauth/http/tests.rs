//! Tests of the HTTP client against servers and proxies on loopback.

use testbed::{Endpoint, Fault, Network as Testbed};

use super::super::testing::{clock, development, strict};
use super::*;

const LIMITS: RequestLimits = RequestLimits { within: Duration::from_secs(5), bytes: 10_000 };

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

async fn fetch(
    settings: &NetworkSettings,
    address: &str,
    limits: RequestLimits,
) -> Result<Answer, HttpError> {
    Http::new(settings, clock()).unwrap().get(&url(address), "*/*", limits).await
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling() {
    for address in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1:8443/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://192.0.0.8/",
        "https://192.0.2.1/",
        "https://localhost/",
    ] {
        let error = fetch(&strict(), address, LIMITS).await.err().unwrap();
        assert!(error.is_forbidden() && !error.may_have_arrived(), "{address}: {error:?}");
    }
}

#[tokio::test]
async fn only_https_without_credentials_is_spoken() {
    for address in [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://me@example.com/",
    ] {
        let error = fetch(&strict(), address, LIMITS).await.err().unwrap();
        assert!(error.is_forbidden(), "{address}: {error:?}");
    }
}

#[tokio::test]
async fn development_may_speak_http_to_itself() {
    let bed = Testbed::start().await.unwrap();
    let answer =
        fetch(&development(&bed), &format!("{}/oauth/jwks", bed.pds_url()), LIMITS).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.is_json());
    assert_eq!(bed.requests()[0].user_agent.as_deref(), Some(USER_AGENT));
}

#[tokio::test]
async fn a_refused_connection_cannot_have_arrived() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let bed = Testbed::start().await.unwrap();
    let error = fetch(&development(&bed), &address, LIMITS).await.err().unwrap();
    assert!(!error.may_have_arrived() && !error.is_forbidden(), "{error:?}");
}

#[tokio::test]
async fn a_host_that_does_not_exist_cannot_have_been_reached() {
    let error = fetch(&strict(), "https://nobody.invalid/", LIMITS).await.err().unwrap();
    assert!(!error.may_have_arrived() && !error.is_forbidden(), "{error:?}");
}

#[tokio::test]
async fn a_cut_connection_and_silence_may_have_arrived() {
    let bed = Testbed::start().await.unwrap();
    let limits = RequestLimits { within: Duration::from_millis(200), ..LIMITS };
    for fault in [Fault::Close, Fault::CloseAfter, Fault::Hang, Fault::HangAfter] {
        bed.fault_once(Endpoint::ServerMetadata, fault.clone());
        let address = format!("{}/.well-known/oauth-authorization-server", bed.pds_url());
        let error = fetch(&development(&bed), &address, limits).await.err().unwrap();
        assert!(error.may_have_arrived(), "{fault:?}: {error:?}");
    }
}

#[tokio::test]
async fn endless_huge_and_dripping_answers_end() {
    let bed = Testbed::start().await.unwrap();
    let limits = RequestLimits { within: Duration::from_millis(500), ..LIMITS };
    let began = Instant::now();
    for fault in
        [Fault::EndlessBody, Fault::HugeBody(1 << 20), Fault::Drip(Duration::from_millis(50))]
    {
        bed.fault_once(Endpoint::ServerMetadata, fault.clone());
        let address = format!("{}/.well-known/oauth-authorization-server", bed.pds_url());
        let answer = fetch(&development(&bed), &address, limits).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.body.is_err(), "{fault:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn redirects_are_answers_and_not_followed() {
    let bed = Testbed::start().await.unwrap();
    bed.fault(Endpoint::ServerMetadata, Fault::redirect(&format!("{}/oauth/jwks", bed.pds_url())));
    let address = format!("{}/.well-known/oauth-authorization-server", bed.pds_url());
    let answer = fetch(&development(&bed), &address, LIMITS).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(bed.requests().len(), 1);
}

/// Starts an https server whose answer is compressed although no client asked for it.
async fn compressing(certificates: &testbed::redis::Certificates) -> u16 {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let certificate = CertificateDer::from_pem_slice(certificates.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(certificates.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut gzip, &[b' '; 5000]).unwrap();
        let body = gzip.finish().unwrap();
        loop {
            let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            assert!(
                String::from_utf8_lossy(&request[..length])
                    .contains("accept-encoding: identity\r\n")
            );
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    port
}

/// Starts a proxy that connects to the requested target.
async fn connecting() -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let mut client = listener.accept().await.unwrap().0;
            let mut request = [0; 4096];
            let length = client.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let target = request
                .strip_prefix("CONNECT ")
                .and_then(|rest| rest.split(' ').next())
                .unwrap()
                .to_owned();
            let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut client, &mut server).await },
            );
        }
    });
    port
}

#[tokio::test]
async fn https_goes_through_the_proxy_and_comes_back_whole() {
    let certificates = testbed::redis::Certificates::new();
    let (server, proxy) = (compressing(&certificates).await, connecting().await);
    let bed = Testbed::start().await.unwrap();
    let mut settings = development(&bed);
    settings.ca_pem = Some(certificates.ca.clone().into_bytes());
    settings.proxy.address = Some(url(&format!("http://localhost:{proxy}")));
    let address = format!("https://localhost:{server}/");
    let answer = fetch(&settings, &address, LIMITS).await.unwrap();
    assert_eq!(answer.body.unwrap().len(), 5000);
    let small = RequestLimits { bytes: 4999, ..LIMITS };
    assert!(fetch(&settings, &address, small).await.unwrap().body.is_err());
    // Without the proxy nothing is different.
    settings.proxy = crate::proxy::ProxySettings::default();
    assert_eq!(fetch(&settings, &address, LIMITS).await.unwrap().body.unwrap().len(), 5000);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    for (value, seconds) in [
        ("7", Some(7)),
        (" 0 ", Some(0)),
        ("7200", Some(7200)),
        ("999999999", Some(366 * 86_400)),
        ("Mon, 23 Nov 2026 09:01:30 GMT", Some(90)),
        ("Mon, 23 Nov 2026 08:00:00 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
    ] {
        assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
    }
}
