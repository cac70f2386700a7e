//! Real Redis servers for tests: loopback only, no persistence, stopped on drop.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::proxy::Proxy;
pub use crate::resp::{Answer, Connection};

/// Time limit for starting anything.
const PATIENCE: Duration = Duration::from_secs(90);

/// Name of the master in sentinels.
pub const MASTER: &str = "mymaster";

/// Single server.
pub struct Redis {
    child: Child,
    port: u16,
    tls_port: u16,
    dir: TempDir,
    options: Vec<String>,
}

/// Certificates of a server, signed by a private authority.
pub struct Certificates {
    /// Certificate of the authority, PEM.
    pub ca: String,
    /// Certificate of the server, PEM.
    pub certificate: String,
    /// Private key of the server, PEM.
    pub key: String,
}

/// Master, replica and three sentinels.
pub struct Sentinels {
    /// Servers, with the first master first.
    pub servers: Vec<Redis>,
    sentinels: Vec<Redis>,
}

/// Three masters, each with a replica on request.
pub struct Cluster {
    /// Masters, then replicas.
    pub nodes: Vec<Redis>,
}

/// Returns a port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

pub(crate) fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < PATIENCE, "waited too long for {what}");
        sleep(Duration::from_millis(20));
    }
}

impl Redis {
    /// Starts an empty server.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with options of `redis-server`: `["--requirepass", "x"]`.
    ///
    /// # Panics
    /// When there is none.
    pub fn start_with(options: &[&str]) -> Self {
        for _ in 0..10 {
            let mut server = Self::spawn(free_port(), options);
            if server.comes_up() {
                return server;
            }
        }
        panic!("redis-server ends as soon as it has begun: {options:?}");
    }

    /// Checks whether it gets the port. If another process has taken it in the meantime, the server
    /// ends at once.
    fn comes_up(&mut self) -> bool {
        let mut is_over = false;
        wait_until("redis-server", || {
            is_over = self.child.try_wait().is_ok_and(|status| status.is_some());
            // The socket is created after the port.
            is_over || self.socket().exists()
        });
        if !is_over {
            self.wait();
        }
        !is_over
    }

    /// Starts a server with an additional TLS port.
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
        let tls =
            ["--tls-port", &tls_port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let tls =
            [&tls[..], &["--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"], options].concat();
        let mut server = Self::spawn(plain, &tls);
        server.wait();
        server.tls_port = tls_port.parse().expect("a port is a number");
        server
    }

    fn spawn(port: u16, options: &[&str]) -> Self {
        let dir = TempDir::new().expect("a directory can be made");
        let socket = dir.path().join("redis.sock");
        let (port_text, place) = (port.to_string(), dir.path().display().to_string());
        let socket = socket.display().to_string();
        let fixed =
            ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let fixed = [&fixed[..], &["--dir", &place, "--unixsocket", &socket]].concat();
        let options: Vec<_> =
            fixed.iter().chain(options).map(|option| (*option).to_owned()).collect();
        Self { child: Self::launch(&options), port, tls_port: 0, dir, options }
    }

    fn launch(options: &[String]) -> Child {
        let mut command = Command::new("redis-server");
        started(command.args(options).stdout(Stdio::null()).stderr(Stdio::null()).spawn())
    }

    fn wait(&self) {
        wait_until("redis-server", || {
            Connection::open(self.port).is_ok_and(|mut connection| {
                // Any answer will do, unless it is still loading.
                connection.ask(&["PING"]).is_ok()
            })
        });
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the TLS port.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Returns the path of its socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// Returns `redis://127.0.0.1:PORT`.
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

    /// Waits until a replica has all data.
    pub fn wait_for(&self, replica: &Self) {
        wait_until("the replica", || has_caught_up(self, replica));
    }

    /// Kills it, like a crash.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops the process without closing connections, or continues it.
    pub fn freeze(&self, on: bool) {
        let signal = if on { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the process takes signals");
    }

    /// Restarts it after [`Self::kill`], with its saved data.
    pub fn restart(&mut self) {
        self.child = Self::launch(&self.options);
        self.wait();
    }
}

/// Checks whether a replica has all data of its master. `WAIT` covers only the writes of its own
/// connection.
fn has_caught_up(master: &Redis, replica: &Redis) -> bool {
    let (Answer::List(master), Answer::List(replica)) =
        (master.ask(&["ROLE"]), replica.ask(&["ROLE"]))
    else {
        return false;
    };
    match (&master[..], &replica[..]) {
        (
            [_, Answer::Number(written), ..],
            [.., Answer::Bulk(Some(state)), Answer::Number(read)],
        ) => state == b"connected" && read >= written,
        _ => false,
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
    /// Creates certificates for a server on loopback.
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
        let mut server = CertificateParams::new(names).expect("these names are valid");
        // With the same name as its authority it would appear self-signed.
        server.distinguished_name.push(rcgen::DnType::CommonName, "server");
        let certificate =
            server.signed_by(&server_key, &issuer).expect("a certificate can be signed").pem();
        Self { ca, certificate, key: server_key.serialize_pem() }
    }

    /// Creates a self-signed certificate.
    pub fn of_its_own_authority() -> Self {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
        let key = KeyPair::generate().expect("a key can be made");
        let mut server =
            CertificateParams::new(vec!["localhost".to_owned()]).expect("this name is valid");
        server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = server.self_signed(&key).expect("a certificate can be signed").pem();
        Self { ca: certificate.clone(), certificate, key: key.serialize_pem() }
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Sentinels {
    /// Starts all servers and waits until they know each other.
    pub fn start() -> Self {
        let master = Self::master();
        let port = master.port();
        Self::around(master, port)
    }

    /// Starts them with a proxy between master and replica, so that the replica can be made to lag.
    pub fn start_with_proxy() -> (Self, Proxy) {
        let master = Self::master();
        let proxy =
            Proxy::start(([127, 0, 0, 1], master.port()).into()).expect("loopback has a free port");
        let port = proxy.address().port();
        (Self::around(master, port), proxy)
    }

    fn master() -> Redis {
        Redis::start_with(&["--repl-diskless-sync-delay", "0"])
    }

    /// Starts replica and sentinels of a master. `source` is the port on which the replica finds
    /// it.
    fn around(master: Redis, source: u16) -> Self {
        let port = master.port().to_string();
        let replica = Redis::start_with(&["--replicaof", &format!("127.0.0.1 {source}")]);
        let sentinels: Vec<_> = (0..3).map(|_| Self::sentinel(&port)).collect();
        let started = Self { servers: vec![master, replica], sentinels };
        for sentinel in &started.sentinels {
            wait_until("the sentinels", || {
                let Answer::List(parts) = sentinel.ask(&["SENTINEL", "MASTER", MASTER]) else {
                    return false;
                };
                let value = |name: &str| {
                    let at =
                        parts.iter().position(|part| *part == Answer::Bulk(Some(name.into())))?;
                    parts.get(at + 1).cloned()
                };
                let is =
                    |name: &str, text: &str| value(name) == Some(Answer::Bulk(Some(text.into())));
                is("num-slaves", "1") && is("num-other-sentinels", "2") && is("flags", "master")
            });
        }
        started
    }

    /// Starts a sentinel. On a busy machine, a living server may not answer for a second.
    fn sentinel(master: &str) -> Redis {
        let dir = TempDir::new().expect("a directory can be made");
        let port = free_port();
        let config = dir.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {MASTER} 2000\nsentinel failover-timeout {MASTER} 3000\n",
            dir.path().display()
        );
        fs::write(&config, text).expect("a file can be written");
        let mut command = Command::new("redis-server");
        command.arg(&config).arg("--sentinel").stdout(Stdio::null()).stderr(Stdio::null());
        let child = started(command.spawn());
        let sentinel = Redis { child, port, tls_port: 0, dir, options: Vec::new() };
        sentinel.wait();
        sentinel
    }

    /// Returns `redis+sentinel://…`.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port()))
            .collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// Kills the master. The sentinels promote the replica after a few seconds.
    pub fn kill_master(&mut self) {
        self.servers[0].kill();
    }

    /// Tells the sentinels to promote a replica, as before a maintenance.
    pub fn fail_over(&self) {
        let told = self.sentinels[0].ask(&["SENTINEL", "FAILOVER", MASTER]);
        assert_eq!(told, Answer::Status("OK".to_owned()));
    }

    /// Cuts the master off from sentinels and replicas, while clients that are connected go on.
    /// Returns a connection to it, since it takes no new ones.
    ///
    /// # Panics
    /// When the master does not answer.
    pub fn isolate_master(&self) -> Connection {
        let mut inside =
            Connection::open(self.servers[0].port()).expect("the master takes connections");
        let mut ask = |command: &[&str]| inside.ask(command).expect("the master answers");
        ask(&["CONFIG", "SET", "maxclients", "1"]);
        ask(&["CLIENT", "KILL", "TYPE", "replica"]);
        let Answer::Bulk(Some(clients)) = ask(&["CLIENT", "LIST"]) else {
            panic!("there are clients")
        };
        for client in String::from_utf8_lossy(&clients)
            .lines()
            .filter(|line| line.contains(" name=sentinel-"))
        {
            let id = client.trim_start_matches("id=").split(' ').next().unwrap_or_default();
            ask(&["CLIENT", "KILL", "ID", id]);
        }
        inside
    }

    /// Waits until all sentinels agree on one of the servers as the master, and the other is its
    /// replica. Returns its number.
    pub fn settled_master(&self) -> usize {
        let mut settled = 0;
        wait_until("one master", || {
            // Within this time sentinels notice any failure.
            sleep(Duration::from_secs(3));
            (0..2).any(|at| {
                let port = self.servers[at].port().to_string();
                settled = at;
                let is_named = self.sentinels.iter().all(|sentinel| {
                    let answer = sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]);
                    matches!(answer, Answer::List(parts) if parts[1] == Answer::Bulk(Some(port.clone().into())))
                });
                is_named && has_caught_up(&self.servers[at], &self.servers[1 - at])
            })
        });
        settled
    }

    /// Waits until the first master is a replica of the second.
    pub fn wait_for_demotion(&self) {
        wait_until("the demotion", || {
            let role = Connection::open(self.servers[0].port())
                .and_then(|mut connection| connection.ask(&["ROLE"]));
            matches!(role, Ok(Answer::List(parts)) if parts[0] == Answer::Bulk(Some("slave".into())))
        });
        wait_until("the new replica", || has_caught_up(&self.servers[1], &self.servers[0]));
    }

    /// Waits until the replica is the master, and all sentinels agree.
    pub fn wait_for_fail_over(&self) {
        let port = self.servers[1].port().to_string();
        wait_until("the fail-over", || {
            self.sentinels.iter().all(|sentinel| {
                let answer = sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]);
                matches!(answer, Answer::List(parts) if parts[1] == Answer::Bulk(Some(port.clone().into())))
            })
        });
        wait_until("the new master", || {
            let role = self.servers[1].ask(&["ROLE"]);
            matches!(role, Answer::List(parts) if parts[0] == Answer::Bulk(Some("master".into())))
        });
    }

    /// Waits until the replica has all data.
    pub fn wait_for_replica(&self) {
        wait_until("the replica", || has_caught_up(&self.servers[0], &self.servers[1]));
    }
}

impl Cluster {
    /// Starts three masters, each with a replica or none, and waits until they form a cluster.
    pub fn start(with_replicas: bool) -> Self {
        let count = if with_replicas { 6 } else { 3 };
        let nodes: Vec<_> = (0..count)
            .map(|_| {
                let bus = free_port().to_string();
                let options = [
                    "--cluster-enabled",
                    "yes",
                    "--cluster-node-timeout",
                    "1000",
                    "--cluster-port",
                    &bus,
                ];
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
            wait_until("the nodes to meet", || {
                known(node, &format!("cluster_known_nodes:{count}"))
            });
        }
        for (replica, (master, _)) in nodes.iter().skip(3).zip(&nodes) {
            let Answer::Bulk(Some(id)) = master.ask(&["CLUSTER", "MYID"]) else {
                panic!("a node has an id")
            };
            wait_until("a replica", || {
                replica.0.ask(&[b"CLUSTER", b"REPLICATE".as_slice(), &id])
                    == Answer::Status("OK".to_owned())
            });
        }
        for (node, _) in &nodes {
            wait_until("the cluster", || {
                known(node, "cluster_state:ok") && known(node, "cluster_size:3")
            });
        }
        Self { nodes: nodes.into_iter().map(|(node, _)| node).collect() }
    }

    /// Promotes a replica, with or without the agreement of its master.
    pub fn fail_over(&self, replica: usize, how: &[&str]) {
        let told = self.nodes[replica].ask(&[&["CLUSTER", "FAILOVER"], how].concat());
        assert_eq!(told, Answer::Status("OK".to_owned()));
    }

    /// Moves the slot of a key from one master to another, with all that is in it.
    ///
    /// # Panics
    /// When a node does not answer.
    pub fn move_slot(&self, key: &str, from: usize, to: usize) {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let id = |node: &Redis| match node.ask(&["CLUSTER", "MYID"]) {
            Answer::Bulk(Some(id)) => String::from_utf8_lossy(&id).into_owned(),
            _ => panic!("a node has an id"),
        };
        let (from_id, to_id) = (id(from), id(to));
        let Answer::Number(slot) = from.ask(&["CLUSTER", "KEYSLOT", key]) else {
            panic!("a key has a slot")
        };
        let slot = slot.to_string();
        let set = |node: &Redis, state: &str, id: &str| {
            let set = node.ask(&["CLUSTER", "SETSLOT", &slot, state, id]);
            assert_eq!(set, Answer::Status("OK".to_owned()), "SETSLOT {slot} {state}");
        };
        set(to, "IMPORTING", &from_id);
        set(from, "MIGRATING", &to_id);
        let port = to.port().to_string();
        while let Answer::List(keys) = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]) {
            if keys.is_empty() {
                break;
            }
            for key in keys {
                let Answer::Bulk(Some(key)) = key else { continue };
                let key = String::from_utf8_lossy(&key).into_owned();
                from.ask(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
            }
        }
        for node in [to, from].into_iter().chain(self.nodes.iter().take(3)) {
            set(node, "NODE", &to_id);
        }
    }

    /// Sets the time after which a silent node is replaced, for a busy machine.
    pub fn be_patient(&self, time: Duration) {
        for node in &self.nodes {
            node.ask(&["CONFIG", "SET", "cluster-node-timeout", &time.as_millis().to_string()]);
        }
    }

    /// Waits until the replicas have all data.
    pub fn wait_for_replicas(&self) {
        for (master, replica) in self.nodes.iter().zip(self.nodes.iter().skip(3)) {
            wait_until("a replica", || has_caught_up(master, replica));
        }
    }

    /// Returns `redis+cluster://…`.
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}/", hosts.join(","))
    }
}
