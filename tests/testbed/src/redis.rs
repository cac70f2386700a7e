//! Real Redis servers for tests: loopback only, no persistence, gone when dropped.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use crate::resp::{Answer, Connection};

/// How long anything may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The name sentinels know the master by.
pub const MASTER: &str = "mymaster";

/// One server.
pub struct Redis {
    child: Child,
    port: u16,
    tls_port: u16,
    dir: TempDir,
}

/// Certificates for a server that only a private authority vouches for.
pub struct Certificates {
    /// The authority's certificate, PEM.
    pub ca: String,
    certificate: String,
    key: String,
}

/// A master, a replica and three sentinels.
pub struct Sentinels {
    /// The servers, the first master first.
    pub servers: Vec<Redis>,
    sentinels: Vec<Redis>,
}

/// Three masters, each with a replica if asked for.
pub struct Cluster {
    /// The masters, then the replicas.
    pub nodes: Vec<Redis>,
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < PATIENCE, "waited too long for {what}");
        sleep(Duration::from_millis(20));
    }
}

impl Redis {
    /// A server with nothing in it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with options of `redis-server`: `["--requirepass", "x"]`.
    pub fn start_with(options: &[&str]) -> Self {
        let port = free_port();
        let server = Self::spawn(port, options);
        server.wait();
        server
    }

    /// A server that also listens for TLS.
    pub fn start_tls(certificates: &Certificates, options: &[&str]) -> Self {
        let files = TempDir::new().expect("a directory can be made");
        let write = |name: &str, text: &str| {
            let path = files.path().join(name);
            fs::write(&path, text).expect("a file can be written");
            path.display().to_string()
        };
        let [ca, certificate, key] = [
            write("ca.pem", &certificates.ca),
            write("server.pem", &certificates.certificate),
            write("key.pem", &certificates.key),
        ];
        let (tls_port, plain) = (free_port().to_string(), free_port());
        let tls = ["--tls-port", &tls_port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let tls = [&tls[..], &["--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"], options].concat();
        let mut server = Self::spawn(plain, &tls);
        server.wait();
        server.tls_port = tls_port.parse().expect("a port is a number");
        server
    }

    fn spawn(port: u16, options: &[&str]) -> Self {
        let dir = TempDir::new().expect("a directory can be made");
        let socket = dir.path().join("redis.sock");
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", &dir.path().display().to_string(), "--unixsocket", &socket.display().to_string()])
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self { child: started(child), port, tls_port: 0, dir }
    }

    fn wait(&self) {
        wait_until("redis-server", || {
            Connection::open(self.port).is_ok_and(|mut connection| {
                // Whatever it says, it is there; unless it is still loading.
                connection.ask(&["PING"]).is_ok()
            })
        });
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens for TLS.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Where it listens, too.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// `redis://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Asks one thing on a connection of its own.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn ask<A: AsRef<[u8]>>(&self, command: &[A]) -> Answer {
        let answer = Connection::open(self.port).and_then(|mut connection| connection.ask(command));
        answer.expect("the server answers")
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn started(child: std::io::Result<Child>) -> Child {
    child.unwrap_or_else(|e| {
        panic!("cannot start redis-server ({e}): install it, on Debian and Ubuntu with `apt-get install redis-server`")
    })
}

impl Certificates {
    /// For a server on loopback.
    pub fn new() -> Self {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let key = || KeyPair::generate().expect("a key can be made");
        let mut authority = CertificateParams::new(Vec::new()).expect("no names are valid names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = key();
        let ca = authority.self_signed(&authority_key).expect("a certificate can be signed").pem();
        let issuer = Issuer::new(authority, authority_key);
        let server_key = key();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let server = CertificateParams::new(names).expect("these names are valid");
        let certificate = server.signed_by(&server_key, &issuer).expect("a certificate can be signed").pem();
        Self { ca, certificate, key: server_key.serialize_pem() }
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Sentinels {
    /// Starts all of them and waits until they know each other.
    pub fn start() -> Self {
        // The master would wait five seconds for more replicas to come.
        let master = Redis::start_with(&["--repl-diskless-sync-delay", "0"]);
        let port = master.port().to_string();
        let replica = Redis::start_with(&["--replicaof", &format!("127.0.0.1 {port}")]);
        let sentinels: Vec<_> = (0..3).map(|_| Self::sentinel(&port)).collect();
        let started = Self { servers: vec![master, replica], sentinels };
        for sentinel in &started.sentinels {
            wait_until("the sentinels", || {
                let Answer::List(parts) = sentinel.ask(&["SENTINEL", "MASTER", MASTER]) else { return false };
                let value = |name: &str| {
                    let at = parts.iter().position(|part| *part == Answer::Bulk(Some(name.into())))?;
                    parts.get(at + 1).cloned()
                };
                let is = |name: &str, text: &str| value(name) == Some(Answer::Bulk(Some(text.into())));
                is("num-slaves", "1") && is("num-other-sentinels", "2") && is("flags", "master")
            });
        }
        started
    }

    fn sentinel(master: &str) -> Redis {
        let dir = TempDir::new().expect("a directory can be made");
        let port = free_port();
        let config = dir.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {MASTER} 700\nsentinel failover-timeout {MASTER} 3000\n",
            dir.path().display()
        );
        fs::write(&config, text).expect("a file can be written");
        let mut command = Command::new("redis-server");
        command.arg(&config).arg("--sentinel").stdout(Stdio::null()).stderr(Stdio::null());
        let child = started(command.spawn());
        let sentinel = Redis { child, port, tls_port: 0, dir };
        sentinel.wait();
        sentinel
    }

    /// `redis+sentinel://…`
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// Ends the master. The sentinels make the replica the new one, after a second or two.
    pub fn kill_master(&mut self) {
        self.servers[0].kill();
    }

    /// Waits until the replica has everything.
    pub fn wait_for_replica(&self) {
        wait_until("the replica", || self.servers[0].ask(&["WAIT", "1", "1000"]) == Answer::Number(1));
    }
}

impl Cluster {
    /// Starts three masters, each with a replica or none, and waits until they are one cluster.
    pub fn start(with_replicas: bool) -> Self {
        let count = if with_replicas { 6 } else { 3 };
        let nodes: Vec<_> = (0..count)
            .map(|_| {
                let bus = free_port().to_string();
                let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", &bus];
                (Redis::start_with(&options), bus)
            })
            .collect();
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for ((first, last), (node, _)) in slots.iter().zip(&nodes) {
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        }
        for (node, bus) in &nodes[1..] {
            nodes[0].0.ask(&["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string(), bus]);
        }
        let known = |node: &Redis, what: &str| {
            let Answer::Bulk(Some(info)) = node.ask(&["CLUSTER", "INFO"]) else { return false };
            String::from_utf8_lossy(&info).lines().any(|line| line == what)
        };
        for (node, _) in &nodes {
            wait_until("the nodes to meet", || known(node, &format!("cluster_known_nodes:{count}")));
        }
        for (replica, (master, _)) in nodes.iter().skip(3).zip(&nodes) {
            let Answer::Bulk(Some(id)) = master.ask(&["CLUSTER", "MYID"]) else { panic!("a node has an id") };
            wait_until("a replica", || {
                replica.0.ask(&[b"CLUSTER", b"REPLICATE".as_slice(), &id]) == Answer::Status("OK".to_owned())
            });
        }
        for (node, _) in &nodes {
            wait_until("the cluster", || known(node, "cluster_state:ok") && known(node, "cluster_size:3"));
        }
        Self { nodes: nodes.into_iter().map(|(node, _)| node).collect() }
    }

    /// `redis+cluster://…`
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}/", hosts.join(","))
    }
}
