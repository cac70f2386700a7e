//! Proxies and certificates of the environment: used if configured, and otherwise reported.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use testbed::redis::{Certificates, Redis, free_port};

use crate::database::AppDatabase;
use crate::samples::{ALICE, session};
use crate::sandbox::{Output, Sandbox};

/// Proxy that refuses all requests, and records their targets.
struct Refusing {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Refusing {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let mut buffer = [0; 4096];
                let length = client.read(&mut buffer).unwrap_or_default();
                let line = String::from_utf8_lossy(&buffer[..length])
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                seen.lock().unwrap().push(line);
                let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Returns a sandbox whose session requires a directory at this address.
fn sandbox(directory: &str, network: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let mut record = session(ALICE, "3d");
    record["authMethod"] = serde_json::json!({"method": "none"});
    record["dpopJwk"] = testbed::keys::generate(testbed::keys::Alg::Es256);
    database.session(&record);
    database.close();
    sandbox.file(
        "oauthctl.toml",
        format!(
            "[client]\nclient_id = 'https://app.example.com/c.json'\nauth_method = 'none'\n[network]\nplc_directory = \
             '{directory}'\n{network}\n"
        ),
    );
    sandbox
}

/// Refreshes until the first failure to connect, since retries would take longer.
fn refresh(sandbox: &Sandbox) -> Output {
    sandbox.sh("timeout -s INT 1.5 oauthctl sessions refresh --all -v")
}

#[test]
fn an_unused_proxy_is_named_when_connections_fail() {
    let proxy = Refusing::start();
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let mut sandbox =
            sandbox(&format!("https://127.0.0.1:{}", free_port()), "allow_private_hosts = true");
        sandbox.set(name, format!("http://{}", proxy.address));
        let output = refresh(&sandbox);
        assert!(
            output
                .to_string()
                .contains(&format!("({name} is set but not used: see network.proxy)")),
            "{output}"
        );
        assert!(
            output.stderr.contains(&format!("set proxy = \"env:{name}\" under [network]")),
            "{output}"
        );
        assert_eq!(proxy.asked(), [""; 0], "{name}");
    }
}

#[test]
fn a_proxy_that_the_settings_name_is_asked_for_https_alone() {
    let proxy = Refusing::start();
    let port = free_port();
    let directory = format!("https://localhost:{port}");
    let network = "allow_private_hosts = true\nallow_http = true\nproxy = 'env:HTTPS_PROXY'";
    let mut https = sandbox(&directory, network);
    https.set("HTTPS_PROXY", proxy.address.as_str());
    let output = refresh(&https);
    assert!(proxy.asked().contains(&format!("CONNECT localhost:{port} HTTP/1.1")), "{output}");
    assert!(output.to_string().contains("through the proxy 127.0.0.1"), "{output}");
    // Excepted hosts and plain http bypass it.
    https.set("NO_PROXY", "example.com,localhost");
    refresh(&https);
    assert_eq!(proxy.asked(), [""; 0]);
    let mut http = sandbox(&format!("http://localhost:{port}"), network);
    http.set("HTTPS_PROXY", proxy.address.as_str());
    refresh(&http);
    assert_eq!(proxy.asked(), [""; 0]);
}

#[test]
fn a_store_over_https_is_reached_by_the_configured_proxy() {
    let proxy = Refusing::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("HTTPS_PROXY", format!("http://user:hunter2@{}", proxy.address));
    sandbox.set("UPSTASH_REDIS_REST_URL", "https://db.upstash.invalid");
    sandbox.set("UPSTASH_REDIS_REST_TOKEN", "the-token");
    let list = ["sessions", "list"];
    let unasked = sandbox.refusal(list);
    assert_eq!(proxy.asked(), [""; 0]);
    assert!(unasked.to_string().contains("(HTTPS_PROXY is set but not used: see network.proxy)"));
    sandbox.file("oauthctl.toml", "[network]\nproxy = 'env:HTTPS_PROXY'\n");
    let asked = sandbox.refusal(list);
    assert_eq!(proxy.asked()[0], "CONNECT db.upstash.invalid:443 HTTP/1.1");
    assert!(asked.to_string().contains(" through the proxy 127.0.0.1"), "{asked}");
    assert!(!asked.to_string().contains("hunter2"), "{asked}");
    sandbox.set("NO_PROXY", ".invalid");
    sandbox.refusal(list);
    // Redis and SQL have protocols of their own.
    for store in ["redis://127.0.0.1:1", "postgres://127.0.0.1:1/app"] {
        sandbox.refusal([&list[..], &["--store", store]].concat());
    }
    assert_eq!(proxy.asked(), [""; 0]);
}

#[test]
fn passwords_of_proxies_and_locks_in_settings_are_secrets() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    for (section, secret) in [
        ("network", "proxy = 'http://user:hunter2@proxy:3128'"),
        ("network", "proxy = 'user:hunter2@proxy:3128'"),
        ("store", "lock_url = 'redis://:hunter2@locks'"),
    ] {
        sandbox.file("oauthctl.toml", format!("[{section}]\n{secret}\n"));
        sandbox.sh("chmod 644 oauthctl.toml");
        let listed = sandbox.run(["sessions", "list"]);
        assert!(
            listed.stderr.contains("oauthctl.toml contains secrets and can be read"),
            "{listed}"
        );
        let doctor = sandbox.run(["doctor", "--offline"]);
        let name = format!("{section}.{}", secret.split(' ').next().unwrap());
        assert!(doctor.stdout.contains(&name) && !doctor.stdout.contains("hunter2"), "{doctor}");
    }
    sandbox.file("oauthctl.toml", "[network]\nproxy = 'env:HTTPS_PROXY'\n");
    sandbox.sh("chmod 644 oauthctl.toml");
    assert!(!sandbox.run(["sessions", "list"]).stderr.contains("contains secrets"));
}

#[test]
fn a_proxy_is_not_asked_for_what_is_not_public() {
    let proxy = Refusing::start();
    for host in ["localhost", "127.0.0.1", "intranet", "pds.internal", "[::1]"] {
        let mut sandbox = sandbox(&format!("https://{host}:8443"), "proxy = 'env:HTTPS_PROXY'");
        sandbox.set("HTTPS_PROXY", proxy.address.as_str());
        let output = refresh(&sandbox);
        assert!(output.to_string().contains("has a private address"), "{host}: {output}");
        assert_eq!(proxy.asked(), [""; 0], "{host}");
    }
}

#[test]
fn what_is_no_proxy_is_refused_without_being_quoted() {
    for (value, part) in [
        ("socks5://hunter2@h:1", "is not an HTTP proxy"),
        ("http://", "is not the URL of a proxy"),
        ("", "empty"),
    ] {
        let mut sandbox = sandbox("https://plc.directory", "proxy = 'env:HTTPS_PROXY'");
        sandbox.set("HTTPS_PROXY", value);
        let output = sandbox.run(["sessions", "refresh"]);
        assert!(output.code == 2 && output.stderr.contains("network.proxy"), "{value}: {output}");
        assert!(
            output.stderr.contains(part) && !output.stderr.contains("hunter2"),
            "{value}: {output}"
        );
    }
}

#[test]
fn authorities_of_the_environment_are_trusted_too() {
    let certificates = Certificates::new();
    let redis = Redis::start_tls(&certificates, &[]);
    let url = format!("rediss://localhost:{}", redis.tls_port());
    let list = |sandbox: &Sandbox| {
        sandbox.run(["sessions", "list", "--layout", "npmx", "--store", &url, "-v"])
    };
    let mut sandbox = Sandbox::new();
    sandbox.file("certificates/ca.pem", format!("# a bundle\n{}", certificates.ca));
    for (name, path) in
        [("SSL_CERT_FILE", "certificates/ca.pem"), ("SSL_CERT_DIR", "/nowhere:certificates")]
    {
        sandbox.set(name, path);
        let listed = list(&sandbox);
        assert!(
            listed.code == 0 && listed.stderr.contains(&format!("certificates/ca.pem ({name})")),
            "{listed}"
        );
        // A file that others may write is not trusted.
        sandbox.sh("chmod 666 certificates/ca.pem");
        let doubted = list(&sandbox);
        assert!(
            doubted.code == 1
                && doubted
                    .stderr
                    .contains(&format!("warning: {name}: ignored, because other users can write")),
            "{doubted}"
        );
        sandbox.sh("chmod 600 certificates/ca.pem; chmod 777 certificates");
        assert_eq!(list(&sandbox).code, 1);
        sandbox.sh("chmod 755 certificates");
        sandbox.unset(name);
    }
    let mut missing = Sandbox::new();
    missing.set("SSL_CERT_FILE", "missing.pem");
    let output = list(&missing);
    assert!(
        output.stderr.contains("warning: SSL_CERT_FILE: missing.pem cannot be read; ignored"),
        "{output}"
    );
}
