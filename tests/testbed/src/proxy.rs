//! TCP proxy with faults on request: between the program and a store, or in front of a PDS.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Runtime,
    sync::{mpsc, watch},
    time::{sleep, sleep_until},
};

use mishap::Fate;
pub use mishap::{Mishap, Spot, Way};

mod mishap;

/// Traffic of a proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes from clients to the upstream.
    pub up: u64,
    /// Bytes from the upstream to clients.
    pub down: u64,
}

/// Faults of one direction.
#[derive(Debug, Clone, Copy, Default)]
struct Direction {
    delay: Duration,
    cut_after: Option<u64>,
    close_after: Option<u64>,
    garble: bool,
}

/// Settings and signals shared by all connections.
#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    up: Mutex<Direction>,
    down: Mutex<Direction>,
    fate: Fate,
    accepting: watch::Sender<bool>,
    /// Changes when all connections are to be closed.
    kills: watch::Sender<u64>,
    connections: AtomicU64,
    open: AtomicU64,
    carried: [AtomicU64; 2],
}

/// Running proxy with its own threads. Stops on drop.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Proxy {
    /// Starts a proxy in front of this URL of this machine: `http://localhost:PORT`.
    pub fn before(url: &str) -> io::Result<Self> {
        let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        let port =
            port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the URL has no port"))?;
        Self::start((Ipv4Addr::LOCALHOST, port).into())
    }

    /// Starts a proxy on an ephemeral loopback port that forwards to `upstream`, initially without
    /// faults.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("testbed-proxy")
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            up: Mutex::default(),
            down: Mutex::default(),
            fate: Fate::default(),
            accepting: watch::Sender::new(true),
            kills: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            carried: Default::default(),
        });
        let listener = {
            let _guard = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(accept(Arc::clone(&shared), listener, address));
        Ok(Self { shared, address, runtime: Some(runtime) })
    }

    /// Returns the address for clients.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `http://localhost:PORT`, for use as a PDS's URL.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// Delays all bytes by this much in each direction, without limiting the throughput.
    pub fn set_delay(&self, up: Duration, down: Duration) {
        lock(&self.shared.up).delay = up;
        lock(&self.shared.down).delay = down;
    }

    /// Closes a connection after this number of bytes from the client to the upstream. Counts per
    /// connection.
    pub fn cut_after_up(&self, bytes: Option<u64>) {
        lock(&self.shared.up).cut_after = bytes;
    }

    /// Closes a connection after this number of bytes to the client. With 0, the request arrives,
    /// but no answer.
    pub fn cut_after_down(&self, bytes: Option<u64>) {
        lock(&self.shared.down).cut_after = bytes;
    }

    /// Half-closes a connection after this number of bytes to the client.
    pub fn half_close_after_down(&self, bytes: Option<u64>) {
        lock(&self.shared.down).close_after = bytes;
    }

    /// Inverts all bytes to the client.
    pub fn garble_down(&self, on: bool) {
        lock(&self.shared.down).garble = on;
    }

    /// Refuses new connections, or accepts them again. Returns when that is in effect.
    pub fn refuse(&self, on: bool) {
        let changes = self
            .shared
            .accepting
            .send_if_modified(|accepting| std::mem::replace(accepting, !on) == on);
        while changes && std::net::TcpStream::connect(self.address).is_ok() == on {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Closes all connections.
    pub fn kill_all(&self) {
        self.shared.kills.send_modify(|kills| *kills += 1);
    }

    /// Plans a mishap for one of the following messages.
    pub fn plan(&self, spot: Spot, mishap: Mishap) {
        self.shared.fate.plan(Some((spot, mishap)));
    }

    /// Returns the number of messages since the last plan or healing: from clients, and from the
    /// upstream.
    pub fn messages(&self) -> [u64; 2] {
        self.shared.fate.messages()
    }

    /// Checks whether the planned mishap has happened, that is, whether there was such a message.
    pub fn struck(&self) -> bool {
        self.shared.fate.struck()
    }

    /// Returns the answer that the mishap has damaged or lost, if any.
    pub fn spoilt(&self) -> Option<Vec<u8>> {
        self.shared.fate.spoilt()
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.shared.fate.plan(None);
        *lock(&self.shared.up) = Direction::default();
        *lock(&self.shared.down) = Direction::default();
        self.refuse(false);
    }

    /// Returns the traffic so far.
    pub fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            connections: read(&self.shared.connections),
            open: read(&self.shared.open),
            up: read(&self.shared.carried[0]),
            down: read(&self.shared.carried[1]),
        }
    }
}

fn lock(direction: &Mutex<Direction>) -> MutexGuard<'_, Direction> {
    direction.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Accepts connections. While they are refused, nothing listens on the port.
async fn accept(shared: Arc<Shared>, listener: TcpListener, address: SocketAddr) {
    let mut accepting = shared.accepting.subscribe();
    let mut listener = Some(listener);
    loop {
        let wanted = *accepting.borrow_and_update();
        if !wanted {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
            if listener.is_none() {
                sleep(Duration::from_millis(5)).await;
                continue;
            }
        }
        let next = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = next => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(carry(Arc::clone(&shared), client));
                }
            }
            changed = accepting.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Forwards one connection until both directions end or it is closed.
async fn carry(shared: Arc<Shared>, client: TcpStream) {
    shared.connections.fetch_add(1, Ordering::Relaxed);
    shared.open.fetch_add(1, Ordering::Relaxed);
    let mut kills = shared.kills.subscribe();
    kills.mark_unchanged();
    let work = async {
        let server = TcpStream::connect(shared.upstream).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(
            forward(&shared, Way::Up, from_client, to_server),
            forward(&shared, Way::Down, from_server, to_client),
        )?;
        io::Result::Ok(())
    };
    tokio::select! {
        // Broken or finished: the sockets are dropped with the future.
        _ = work => {}
        _ = kills.changed() => {}
    }
    shared.open.fetch_sub(1, Ordering::Relaxed);
}

/// Forwards one direction through a delay line.
async fn forward(
    shared: &Shared,
    way: Way,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
) -> io::Result<()> {
    // Long enough that a delay does not limit the throughput.
    let (line, mut end) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let settings = || *lock([&shared.up, &shared.down][way as usize]);
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return io::Result::Ok(());
            }
            let due = Instant::now() + settings().delay;
            if line.send((due, buffer[..count].to_vec())).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async move {
        let mut done = 0;
        while let Some((due, mut bytes)) = end.recv().await {
            sleep_until(due.into()).await;
            if let Some((mishap, calm)) = shared.fate.befalls(way, &bytes) {
                to.write_all(&bytes[..calm]).await?;
                bytes.drain(..calm);
                match mishap {
                    Mishap::Cut => return Err(io::ErrorKind::ConnectionReset.into()),
                    Mishap::HalfClose => break,
                    Mishap::Delay(time) => sleep(time).await,
                    Mishap::Garble => bytes.iter_mut().for_each(|byte| *byte = !*byte),
                    Mishap::Silence => std::future::pending().await,
                    Mishap::Death => {
                        shared.accepting.send_replace(false);
                        shared.kills.send_modify(|kills| *kills += 1);
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                }
            }
            let now = settings();
            let limit = [now.cut_after, now.close_after].into_iter().flatten().min();
            let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(done));
            let whole = bytes.len() as u64;
            bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
            if now.garble {
                for byte in &mut bytes {
                    *byte = !*byte;
                }
            }
            to.write_all(&bytes).await?;
            done += bytes.len() as u64;
            shared.carried[way as usize].fetch_add(bytes.len() as u64, Ordering::Relaxed);
            if room < whole {
                if now.cut_after.is_some_and(|cut| cut <= done) {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                break;
            }
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write)?;
    Ok(())
}
